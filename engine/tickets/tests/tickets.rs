//! What a ticket's QR says, and who believes it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use tessera_tickets::{
    EventMark, HOUR_MS, NotATicket, ORDER_NUMBER_END, Printed, Refused, SIGNED_BYTES, Signed, SigningKey,
    TEXT_BYTES, TicketKey, verify,
};

const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
const NOW: u64 = 1_800_000_000_000;
const PRINTED: Printed = Printed {
    event: EventMark([0; 8]),
    order: 0x01_0203_0405,
    index: 6,
    generation: 7,
    ticket_type: 0x0809,
    valid_until_h: 500_001,
};

fn signing_key(seed: u8) -> SigningKey {
    SigningKey::of_seed(&[seed; 32])
}

fn public(key: &SigningKey) -> TicketKey {
    TicketKey::new(&key.public(), 0).unwrap()
}

fn printed() -> Printed {
    Printed { event: EventMark::of(EVENT), ..PRINTED }
}

fn signed() -> Signed {
    printed().sign(&signing_key(1)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text_of(bytes: &[u8]) -> String {
    format!("T1:{}", base45::encode(bytes))
}

#[test]
fn the_bytes_and_the_text_are_those_of_format_1() {
    let signed = signed();
    assert_eq!(
        hex(&signing_key(1).public()),
        "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
    );
    assert_eq!(hex(&signed.bytes()[..26]), "0134750f9885b02f44fb7461750102030405060708090007a121");
    assert_eq!(
        hex(&signed.bytes()[26..]),
        "0b3495dca2dca29037c43bdb2ea383251609316b84d53271f1b36cddac8933a5b98e371a6faa323afceb16dcc56cce015c429b1f37a50273667a1050e5fc5300"
    );
    assert_eq!(
        signed.text(),
        "T1:%60.ZEUCJDCMJW83WESZEKB0*M0DY0W01700TGKXI1O.IMQK OKB27NP7E+53QGGZ26B6UZG/G60PUEYDO L N6RKNL/6B5EXF6$/V2+25/O.1Q%TBLRJP17.D0:.C 22G3T8MA"
    );
    assert_eq!(signed.text().len(), TEXT_BYTES);
}

#[test]
fn a_ticket_is_believed_and_says_what_was_printed() {
    let keys = [public(&signing_key(2)), public(&signing_key(1))];
    let text = signed().text();
    assert_eq!(verify(&text, EVENT, &keys, NOW - 1), Ok(printed()));
    assert_eq!(printed().sign(&signing_key(1)), Some(signed()), "derived, so the same wherever it is shown");
    assert_eq!(Signed::read(&text), Ok(signed()));
}

#[test]
fn every_flipped_bit_is_refused() {
    let keys = [public(&signing_key(1))];
    let whole = *signed().bytes();
    for bit in 0..SIGNED_BYTES * 8 {
        let mut bytes = whole;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let refused = verify(&text_of(&bytes), EVENT, &keys, 0).unwrap_err();
        let expected = match bit / 8 {
            0 => Refused::NotATicket,
            1..5 => Refused::UnknownKey,
            _ => Refused::Forged,
        };
        assert_eq!(refused, expected, "bit {bit}");
    }
}

#[test]
fn every_other_character_is_refused() {
    let keys = [public(&signing_key(1))];
    let text = signed().text();
    for at in 0..text.len() {
        for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:abcé".chars() {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != other {
                changed[at] = other;
                let changed: String = changed.into_iter().collect();
                assert!(verify(&changed, EVENT, &keys, 0).is_err(), "{at} {other}");
            }
        }
    }
}

#[test]
fn texts_of_another_form_are_no_tickets() {
    let text = signed().text();
    let shorter = &text[..text.len() - 3];
    for wrong in ["", "T1:", "T2:", "hello", shorter, &format!("{text}000"), &text.to_lowercase(), &text[3..]]
    {
        assert_eq!(Signed::read(wrong), Err(NotATicket), "{wrong}");
        assert_eq!(verify(wrong, EVENT, &[], 0), Err(Refused::NotATicket));
    }
    // Three characters can say more than two bytes hold.
    assert_eq!(Signed::read(&format!("T1:{}", ":".repeat(135))), Err(NotATicket));
}

#[test]
fn keys_come_go_and_are_revoked() {
    let (old, new) = (signing_key(1), signing_key(2));
    let text = signed().text();
    let mut rotated = public(&old);
    rotated.valid_until_ms = Some(NOW);
    assert!(verify(&text, EVENT, &[rotated, public(&new)], 0).is_ok(), "a rotation kills nothing");
    let mut revoked = rotated;
    revoked.revoked_at_ms = Some(NOW);
    assert_eq!(verify(&text, EVENT, &[revoked, public(&new)], 0), Err(Refused::RevokedKey));
    assert_eq!(verify(&text, EVENT, &[public(&new)], 0), Err(Refused::UnknownKey));
    let again = printed().sign(&new).unwrap().text();
    assert_eq!(verify(&again, EVENT, &[revoked, public(&new)], 0), Ok(printed()));
    // Who puts the name of one key upon the signature of another is told nothing but that it is forged.
    let mut swapped = *printed().sign(&new).unwrap().bytes();
    swapped[1..5].copy_from_slice(&old.id());
    assert_eq!(verify(&text_of(&swapped), EVENT, &[revoked, public(&new)], 0), Err(Refused::Forged));
}

#[test]
fn another_event_and_a_time_that_is_over_are_refused() {
    let keys = [public(&signing_key(1))];
    let text = signed().text();
    let until = u64::from(PRINTED.valid_until_h) * HOUR_MS;
    assert_eq!(verify(&text, EVENT + 1, &keys, 0), Err(Refused::OtherEvent));
    assert_eq!(verify(&text, EVENT, &keys, until - 1), Ok(printed()));
    assert_eq!(verify(&text, EVENT, &keys, until), Err(Refused::Expired));
    let endless = Printed { valid_until_h: 0, ..printed() };
    let text = endless.sign(&signing_key(1)).unwrap().text();
    assert_eq!(verify(&text, EVENT, &keys, u64::MAX), Ok(endless));
}

#[test]
fn an_order_number_that_does_not_fit_is_not_signed() {
    let order = |order: u64| Printed { order, ..printed() }.sign(&signing_key(1));
    let last = order(ORDER_NUMBER_END - 1).unwrap();
    assert_eq!(last.printed().order, ORDER_NUMBER_END - 1);
    assert_eq!(order(ORDER_NUMBER_END), None);
}

#[test]
fn a_key_is_named_by_its_public_half() {
    let key = signing_key(1);
    let public = public(&key);
    assert_eq!(public.id(), key.id());
    assert_eq!(&public.name()[..8], hex(&key.id()));
    assert_eq!(public.public(), key.public());
}
