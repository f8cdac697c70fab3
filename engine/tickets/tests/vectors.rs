//! What the scanner page must decide as this crate does: snapshots, changes, tickets and the decisions on them, written to
//! `golden/door.json`, which `tests/browser/logic.test.js` reads. `TESSERA_WRITE_GOLDEN=1` writes the file anew after it was removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use std::fmt::Write as _;
use std::path::PathBuf;

use tessera_tickets::entry::{
    Changes, Direction, Door, EntryKey, EntryType, Exception, Gates, SNAPSHOT_MS, Sealed, Settings, Snapshot,
    Turned,
};
use tessera_tickets::{EventMark, HOUR_MS, Passage, Printed, Refused, SigningKey, TicketKey};

const EVENT: u128 = 0x0198_0000_0000_7000_8000_0000_0000_0001;
const NOW: u64 = 1_800_000_000_000;
const CASES: u64 = 24;
const STEPS: u64 = 36;
/// So many orders, so that the steps of a case meet.
const ORDERS: u64 = 4;

/// Numbers that look random and are the same everywhere (SplitMix64, Steele et al. 2014).
struct Numbers(u64);

impl Numbers {
    /// Below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    fn small(&mut self, end: u64) -> u8 {
        u8::try_from(self.below(end)).unwrap()
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::of_seed(&[seed; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn sealed(one: &Sealed) -> String {
    let (key, bytes, signature) = (hex(&one.key), hex(&one.bytes), hex(&one.signature));
    format!(r#"{{"key":"{key}","bytes":"{bytes}","signature":"{signature}"}}"#)
}

fn settings(numbers: &mut Numbers) -> Settings {
    let entry_key = |seed, revoked| EntryKey { public: key(seed).public(), revoked };
    let known = |name: &str, admits| EntryType { name: name.into(), admits };
    let list = |numbers: &mut Numbers| Gates {
        name: "Süd".into(),
        gates: (0..numbers.below(3)).map(|gate| u16::try_from(gate + numbers.below(2)).unwrap()).collect(),
        types: (0..numbers.below(3)).map(|one| u16::try_from(one).unwrap()).collect(),
        re_entry: numbers.one_in(4),
        opens_at_ms: numbers.one_in(8).then_some(NOW + 2_000),
        closes_at_ms: numbers.one_in(8).then_some(NOW + 30_000),
    };
    Settings {
        open: true,
        keys: vec![entry_key(1, false), entry_key(2, true), entry_key(3, false)],
        types: vec![known("Stehplatz", true), known("VIP", true), known("Parking", false)],
        lists: (0..numbers.below(4)).map(|_| list(numbers)).collect(),
    }
}

fn exceptions(numbers: &mut Numbers, now_ms: u64) -> Vec<Exception> {
    let one = |numbers: &mut Numbers, order| {
        let mut bits = numbers.small(2) * Exception::REFUNDED + numbers.small(2) * Exception::NEW_CODE;
        bits += [0, Exception::IN, Exception::OUT][usize::from(numbers.small(3))];
        let passed = bits & (Exception::IN | Exception::OUT) > 0;
        let since_ms = if passed { now_ms - numbers.below(4_000) } else { 0 };
        let generation = if bits & Exception::NEW_CODE > 0 { 1 + numbers.small(3) } else { 0 };
        let gate = if passed { u16::from(numbers.small(3)) } else { 0 };
        Exception { order, index: numbers.small(2), generation, bits, since_ms, gate }
    };
    let chosen: Vec<u64> = (0..ORDERS).filter(|_| numbers.one_in(3)).map(far).collect();
    chosen.into_iter().map(|order| one(numbers, order)).collect()
}

/// Some orders have numbers of 40 bits.
const fn far(order: u64) -> u64 {
    if order == ORDERS - 1 { (1 << 40) - 1 } else { order }
}

fn printed(numbers: &mut Numbers) -> Printed {
    Printed {
        event: EventMark::of(if numbers.one_in(12) { 7 } else { EVENT }),
        order: far(numbers.below(ORDERS)),
        index: numbers.small(2),
        generation: if numbers.one_in(3) { numbers.small(4) } else { 0 },
        ticket_type: if numbers.one_in(20) { 65_535 } else { u16::from(numbers.small(3)) },
        valid_until_h: match numbers.below(8) {
            0 => u32::try_from(NOW / HOUR_MS).unwrap(),
            1 => u32::try_from(NOW / HOUR_MS).unwrap() + 1,
            _ => 0,
        },
    }
}

/// The text of a QR: mostly genuine.
fn text(numbers: &mut Numbers, printed: &Printed) -> String {
    let signer = match numbers.below(24) {
        0 => key(2),
        1 => key(9),
        2..=6 => key(3),
        _ => key(1),
    };
    let text = printed.sign(&signer).unwrap().text();
    let replaced = |at: usize, by: &str| format!("{}{by}{}", &text[..at], &text[at + by.len()..]);
    match numbers.below(40) {
        0 => replaced(137, if text.ends_with('0') { "1" } else { "0" }),
        1 => replaced(40, if &text[40..41] == "A" { "B" } else { "A" }),
        2 => text.to_lowercase(),
        3 => text[..137].to_owned(),
        4 => replaced(60, ":::"),
        5 => format!("{text} "),
        6 => replaced(3, "5H"),
        _ => text,
    }
}

/// What becomes of a ticket, in words that both sides make.
fn words(decided: Result<tessera_tickets::entry::Admitted, Turned>) -> String {
    match decided {
        Ok(admitted) => {
            let Printed { order, index, generation, ticket_type, valid_until_h, .. } = admitted.printed;
            let fresh = if admitted.is_stale { "stale" } else { "fresh" };
            format!("admitted {fresh} {order}/{index}/{generation}/{ticket_type}/{valid_until_h}")
        }
        Err(Turned::NotBelieved(refused)) => match refused {
            Refused::NotATicket => "not_a_ticket",
            Refused::UnknownKey => "unknown_key",
            Refused::Forged => "forged",
            Refused::RevokedKey => "revoked_key",
            Refused::OtherEvent => "other_event",
            Refused::Expired => "expired",
        }
        .to_owned(),
        Err(Turned::Cancelled) => "cancelled".to_owned(),
        Err(Turned::Voucher) => "voucher".to_owned(),
        Err(Turned::NotHere { gates }) => format!("not_here {gates:?}"),
        Err(Turned::OldCode) => "old_code".to_owned(),
        Err(Turned::Refunded) => "refunded".to_owned(),
        Err(Turned::InDispute) => "in_dispute".to_owned(),
        Err(Turned::In { since_ms, gate }) => format!("in {since_ms} {gate}"),
        Err(Turned::NoReEntry) => "no_re_entry".to_owned(),
        Err(Turned::NotIn) => "not_in".to_owned(),
    }
}

/// One step of a device, and what came of it.
fn step(numbers: &mut Numbers, door: &mut Door, settings: &Settings, at: u64) -> String {
    let now_ms = NOW + at * 1_000 + if numbers.one_in(30) { SNAPSHOT_MS } else { 0 };
    let gate = u16::from(numbers.small(3));
    if numbers.one_in(10) {
        let changes = Changes {
            event: if numbers.one_in(10) { 7 } else { EVENT },
            after: door.sequence() + u64::from(numbers.one_in(6)) - numbers.below(3),
            sequence: door.sequence() + numbers.below(3),
            made_at_ms: now_ms,
            settings: if numbers.one_in(10) { [0; 8] } else { settings.mark() },
            more: numbers.one_in(2),
            exceptions: exceptions(numbers, now_ms),
        };
        let (taken, sealed) = (door.take(&changes), sealed(&changes.seal(&key(1))));
        return format!(r#"{{"take":{sealed},"expect":{taken},"sequence":{}}}"#, door.sequence());
    }
    let printed = printed(numbers);
    let text = text(numbers, &printed);
    let inward = !numbers.one_in(4);
    let direction = if inward { Direction::In } else { Direction::Out };
    let decided = door.decide(&text, gate, direction, now_ms);
    let passes = decided.as_ref().ok().map(|admitted| admitted.printed).filter(|_| !numbers.one_in(3));
    if let Some(printed) = passes {
        door.passed(&printed, Passage { at_ms: now_ms, device: 7, number: at, gate, inward });
    }
    format!(
        r#"{{"text":"{text}","gate":{gate},"inward":{inward},"nowMs":{now_ms},"expect":"{}","passes":{},"number":{at}}}"#,
        words(decided),
        passes.is_some(),
    )
}

fn case(number: u64) -> String {
    let mut numbers = Numbers(number);
    let mut settings = settings(&mut numbers);
    let mut exceptions = exceptions(&mut numbers, NOW);
    // Chance would seldom bring these about: an event that was cancelled, and people outside who may not come in again.
    settings.open = number > 0;
    if number == 1 {
        let list = Gates {
            name: "Nord".into(),
            gates: Vec::new(),
            types: Vec::new(),
            re_entry: false,
            opens_at_ms: None,
            closes_at_ms: None,
        };
        settings.lists = vec![list];
        let out = |ticket: u64| Exception {
            order: far(ticket / 2),
            index: u8::try_from(ticket % 2).unwrap(),
            generation: 0,
            bits: Exception::OUT,
            since_ms: NOW - 1_000,
            gate: 1,
        };
        exceptions = (0..2 * ORDERS).map(out).collect();
    }
    let snapshot =
        Snapshot { event: EVENT, sequence: 40, made_at_ms: NOW, settings: settings.clone(), exceptions };
    let text = sealed(&snapshot.seal(&key(1)));
    let mut door = Door::new(snapshot);
    let steps: Vec<String> = (1..=STEPS).map(|at| step(&mut numbers, &mut door, &settings, at)).collect();
    format!("{{\"snapshot\":{text},\"steps\":[\n{}]}}", steps.join(",\n"))
}

/// A device that hears of disputes over payments, which are of whole orders.
fn disputed() -> String {
    let settings = Settings {
        open: true,
        keys: vec![EntryKey { public: key(1).public(), revoked: false }],
        types: vec![EntryType { name: "Stehplatz".into(), admits: true }],
        lists: Vec::new(),
    };
    let exception =
        |order, index, bits, since_ms| Exception { order, index, generation: 0, bits, since_ms, gate: 0 };
    let whole = |order, bits| exception(order, Exception::WHOLE_ORDER, bits, 0);
    let refunded = exception(1, 0, Exception::REFUNDED, 0);
    let inside = exception(2, 1, Exception::IN, NOW);
    let exceptions = vec![refunded, whole(1, Exception::IN_DISPUTE), inside, whole(2, Exception::IN_DISPUTE)];
    let mark = settings.mark();
    let snapshot = Snapshot { event: EVENT, sequence: 40, made_at_ms: NOW, settings, exceptions };
    let text = sealed(&snapshot.seal(&key(1)));
    let mut door = Door::new(snapshot);
    let decide = |door: &Door, (order, index): (u64, u8), inward: bool, number: u64| {
        let (event, now_ms) = (EventMark::of(EVENT), NOW + number);
        let printed = Printed { event, order, index, generation: 0, ticket_type: 0, valid_until_h: 0 };
        let text = printed.sign(&key(1)).unwrap().text();
        let direction = if inward { Direction::In } else { Direction::Out };
        let decided = words(door.decide(&text, 0, direction, now_ms));
        format!(
            r#"{{"text":"{text}","gate":0,"inward":{inward},"nowMs":{now_ms},"expect":"{decided}","passes":false,"number":{number}}}"#
        )
    };
    let mut steps = vec![
        decide(&door, (1, 0), true, 1),
        decide(&door, (1, 1), true, 2),
        decide(&door, (2, 1), true, 3),
        decide(&door, (2, 1), false, 4),
        decide(&door, (3, 0), true, 5),
    ];
    let exceptions = vec![whole(1, 0), whole(3, Exception::IN_DISPUTE)];
    let changes = Changes {
        event: EVENT,
        after: 40,
        sequence: 42,
        made_at_ms: NOW,
        settings: mark,
        more: false,
        exceptions,
    };
    let (taken, told) = (door.take(&changes), sealed(&changes.seal(&key(1))));
    steps.push(format!(r#"{{"take":{told},"expect":{taken},"sequence":{}}}"#, door.sequence()));
    steps.extend([
        decide(&door, (1, 1), true, 6),
        decide(&door, (2, 0), true, 7),
        decide(&door, (3, 0), true, 8),
    ]);
    format!("{{\"snapshot\":{text},\"steps\":[\n{}]}}", steps.join(",\n"))
}

/// What reads a snapshot must refuse, and what it must take.
fn readings() -> (Vec<String>, Vec<String>) {
    let mut numbers = Numbers(1_000);
    let mut settings = settings(&mut numbers);
    settings.lists.clear();
    settings.keys.truncate(1);
    let exceptions = vec![
        Exception { order: 1, index: 0, generation: 1, bits: 8, since_ms: 0, gate: 0 },
        Exception { order: 1, index: 1, generation: 0, bits: 4, since_ms: NOW, gate: 65_535 },
    ];
    let good = Snapshot { event: EVENT, sequence: 40, made_at_ms: NOW, settings, exceptions }.encode();
    let mut variants: Vec<Vec<u8>> = (0..good.len())
        .map(|at| {
            let mut bytes = good.clone();
            bytes[at] = bytes[at].wrapping_add(1);
            bytes
        })
        .collect();
    variants.extend([[good.clone(), vec![0]].concat(), good[..good.len() - 1].to_vec(), Vec::new(), good]);
    let (readable, unreadable): (Vec<_>, Vec<_>) =
        variants.into_iter().partition(|bytes| Snapshot::decode(bytes).is_ok());
    let quoted = |all: Vec<Vec<u8>>| all.iter().map(|bytes| format!("\"{}\"", hex(bytes))).collect();
    (quoted(readable), quoted(unreadable))
}

/// Whether a signature of a snapshot is genuine, by these keys.
fn seals() -> Vec<String> {
    let snapshot = Snapshot {
        event: EVENT,
        sequence: 1,
        made_at_ms: NOW,
        settings: Settings::default(),
        exceptions: Vec::new(),
    };
    let good = snapshot.seal(&key(1));
    let mut bent = good.clone();
    bent.bytes[20] ^= 1;
    let mut renamed = good.clone();
    renamed.key = key(3).id();
    let all = [
        (&good, 1, false),
        (&good, 1, true),
        (&good, 3, false),
        (&bent, 1, false),
        (&renamed, 1, false),
        (&renamed, 3, false),
    ];
    let one = |(seal, seed, revoked): (&Sealed, u8, bool)| {
        let mut known = TicketKey::new(&key(seed).public(), 0).unwrap();
        known.revoked_at_ms = revoked.then_some(1);
        let (seal_text, public) = (sealed(seal), hex(&known.public()));
        let genuine = seal.is_genuine(&[known]);
        format!(r#"{{"sealed":{seal_text},"publicKey":"{public}","revoked":{revoked},"expect":{genuine}}}"#)
    };
    all.map(one).to_vec()
}

#[test]
fn the_scanner_page_is_given_what_is_decided_here() {
    let cases: Vec<String> = (0..CASES).map(case).chain([disputed()]).collect();
    let (readable, unreadable) = readings();
    let text = format!(
        "{{\"cases\":[\n{}],\n\"readable\":[\n{}],\n\"unreadable\":[\n{}],\n\"seals\":[\n{}]}}\n",
        cases.join(",\n"),
        readable.join(",\n"),
        unreadable.join(",\n"),
        seals().join(",\n"),
    );
    // Vectors that never come to a decision say nothing of it.
    let every = "admitted fresh,admitted stale,not_a_ticket,unknown_key,forged,revoked_key,other_event,expired,cancelled,\
                 voucher,not_here,old_code,refunded,in_dispute,\"in ,no_re_entry,not_in,\"take\"";
    for decision in every.split(',') {
        assert!(text.contains(decision), "nothing is {decision}");
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/door.json");
    if !path.exists() && std::env::var_os("TESSERA_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(golden == text, "{} is not what is decided here", path.display());
}
