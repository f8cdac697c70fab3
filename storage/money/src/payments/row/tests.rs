//! Payments are read as they were written, byte by byte.
#![allow(clippy::unwrap_used)] // tests

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use tessera_inventory::{ClaimNumber, EventId, ProviderId};
use tessera_payments::Begun;

use super::*;

fn id() -> PaymentId {
    PaymentId { event: EventId(9), order: ClaimNumber(3), attempt: 1 }
}

fn begun() -> Payment {
    let begun = Begun {
        organizer: 7,
        provider: ProviderId(NonZeroU16::new(2).unwrap()),
        amount_minor: 300,
        currency: *b"EUR",
        grace_until: Timestamp(90),
        sequence: Sequence(5),
    };
    Payment::begin(id(), &begun, Timestamp(1))
}

/// A payment of which everything is said.
fn full() -> Payment {
    let text = |text: &str| Some(Box::from(text));
    let refund = RefundFact { ours: Some(6), amount_minor: 100, standing: RefundStanding::Failed };
    let dispute = DisputeFact { amount_minor: 300, fee_minor: 15, standing: DisputeStanding::Lost };
    let facts = Facts {
        reference: text("pi_1"),
        page: text("https://pay.example/1"),
        secret: text("s"),
        status: Status::Captured,
        authorised_minor: 300,
        authorised_until: Some(Timestamp(1_000)),
        captured_minor: 300,
        failure: text("no"),
        refunds: BTreeMap::from([("re_1".into(), refund)]),
        disputes: BTreeMap::from([("dp_1".into(), dispute)]),
        fee_minor: Some(-9),
    };
    let calls = Calls {
        n: 2,
        since: Timestamp(11),
        tries: 3,
        next_at: Timestamp(12),
        replied: Replied::Declined,
        error: text("declined"),
    };
    Payment {
        begun_at: Timestamp(2),
        wanted_at: Timestamp(3),
        facts,
        calls,
        looks: Looks { tries: 4, next_at: Timestamp(13), answered_at: Some(Timestamp(14)) },
        asked: Asked { tries: 5, next_at: Timestamp(15), ended: true, refused: true },
        called_off: true,
        ..begun()
    }
}

fn refund(standing: Standing) -> Refund {
    Refund { amount_minor: 9, reason: 4, wanted_at: Timestamp(7), calls: full().calls, standing }
}

#[test]
fn whatever_is_said_of_a_payment_is_read_as_it_was_written() {
    let released = WHYS.map(|why| Want::Release { why });
    let wants = [&[Want::Authorise { grace_until: Timestamp(9) }, Want::Capture][..], &released].concat();
    for want in wants {
        for status in STATUSES {
            let mut payment = Payment { want, ..full() };
            payment.facts.status = status;
            let stored = Stored { payment, due_at: Some(Timestamp(8)), has_refunds: true };
            assert_eq!(Stored::decode(id(), &stored.encode()).unwrap(), stored);
        }
    }
    let stored = Stored { payment: begun(), due_at: None, has_refunds: false };
    assert_eq!(Stored::decode(id(), &stored.encode()).unwrap(), stored);
    for standing in STANDINGS {
        let refund = refund(standing);
        assert_eq!(decode_refund(&encode_refund(&refund)).unwrap(), refund);
    }
}

#[test]
fn numbers_are_stored_and_those_that_nobody_knows_are_damage() {
    assert_eq!(WHYS.map(|why| why as u32), [1, 2, 3, 4, 5, 6]);
    assert_eq!(STATUSES.map(|status| status as u32), [0, 1, 2, 3, 4, 5]);
    assert_eq!(REPLIES.map(|replied| replied as u32), [0, 1, 2]);
    assert_eq!(STANDINGS.map(|standing| standing as u32), [0, 1, 2]);
    assert_eq!(REFUNDS.map(|standing| standing as u32), [0, 1, 2]);
    assert_eq!(DISPUTES.map(|standing| standing as u32), [0, 1, 2]);
    let unknown =
        PaymentRow { want: 4, organizer: vec![0; 16], currency: vec![0; 3], ..PaymentRow::default() };
    assert!(Stored::decode(id(), &unknown.encode_to_vec()).is_err());
    assert!(Stored::decode(id(), b"\xff").is_err());
}

#[test]
fn a_payment_has_the_bytes_that_it_always_had() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let stored = Stored { payment: full(), due_at: Some(Timestamp(8)), has_refunds: true };
    let expected = [
        "0a1000000000000000000000000000000007100218d804220345555228023001385a480550035a4f",
        "0a0470695f31121568747470733a2f2f7061792e6578616d706c652f311a0173200528d80430e807",
        "38d80442026e6f4a0d0a0472655f31100618c8012002520d0a0464705f3110d804181e2002581162",
        "140802100b1803200c280232086465636c696e65646804700d780e80010588010f900101980101a0",
        "0108a80101b00101",
    ];
    assert_eq!(hex(stored.encode()), expected.concat());
    let refund = refund(Standing::ByHand);
    let bytes = encode_refund(&refund);
    assert_eq!(hex(bytes.clone()), "081210041a140802100b1803200c280232086465636c696e656420022807");
    // Without the time at which it was wanted, as rows were once written.
    let older = decode_refund(&bytes[..bytes.len() - 2]).unwrap();
    assert_eq!(older, Refund { wanted_at: refund.calls.since, ..refund });
}
