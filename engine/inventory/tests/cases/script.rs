//! The language of the cases: `ACTOR VERB WORDS => OUTCOME`, a line each; lines with `#` are comments.
//!
//! Actors: a capital letter is a buyer, `secret` one who shows the hold's secret, `org` the organizer, `gate` door staff,
//! `sys` Tessera itself. Without `=>`, the command must be accepted.

use std::sync::Arc;

use tessera_inventory::{
    AccessCode, Authority, ChannelId, Choice, ClaimNumber, Command, CommandBody, Config, Decision, Dispute,
    EntryNumber, EventBody, HoldPlaced, IdempotencyKey, JoinWaitlist, LineRequest, Manner, Origin, Payment,
    Phase, PlaceHold, PoolId, PromotionClaim, ProviderId, RefundAmount, RefundReason, RefundedUnits, Scan,
    ScanConflict, SeatIndex, SectionId, SellLate, Subject, Subjects, TicketRef, TicketTypeId, Timestamp,
    Units, Want, Wishes,
};

use crate::world::World;

/// Runs a script on a configured event that is on sale, and compares every outcome.
pub(crate) fn check(config: Config, script: &str) {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.line("org phase OnSale");
    runner.run(script);
    world.check_replay();
}

/// As [`check`], from the draft on.
pub(crate) fn check_draft(config: Config, script: &str) {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.run(script);
    world.check_replay();
}

pub(crate) struct Runner<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) keys: u128,
}

impl Runner<'_> {
    pub(crate) fn run(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (command, expected) = match line.split_once("=>") {
                Some((command, expected)) => (command.trim(), Some(expected.trim())),
                None => (line, None),
            };
            let outcome = self.line(command);
            match expected {
                Some(expected) => assert_eq!(outcome, expected, "in: {line}"),
                None if command.starts_with("wait") => {}
                None => assert!(outcome.starts_with("ok"), "in: {line}: {outcome}"),
            }
        }
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&mut self, config: Config) -> Result<Decision, tessera_inventory::Rejection> {
        let expected_version = self.world.inventory.config().map_or(0, |(version, _)| version);
        let body = CommandBody::Configure { expected_version, config: Arc::new(config) };
        self.world.run(&Command { authority: Authority::Organizer, key: None, body })
    }

    pub(crate) fn line(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["wait", ms] => {
                let happened = self.world.wait(ms.parse().unwrap());
                let lines: Vec<String> = happened.iter().map(|body| format!("{body:?}")).collect();
                if lines.is_empty() { "ok".to_owned() } else { lines.join("; ") }
            }
            ["serve"] => self.serve(),
            ["pool", at] => {
                let counters = self.world.inventory.availability().pools[at.parse::<usize>().unwrap()];
                format!("{} {} {} {}", counters.free, counters.held, counters.sold, counters.killed)
            }
            ["share", pool, channel] => {
                let at = (PoolId(pool.parse().unwrap()), ChannelId(channel.parse().unwrap()));
                let shares = self.world.inventory.availability().shares;
                match shares.iter().find(|share| (share.pool, share.channel) == at) {
                    Some(share) => format!("{} {} {}", share.free, share.held, share.sold),
                    None => "none".to_owned(),
                }
            }
            ["available", at] => {
                let known = self.world.inventory.availability().ticket_types[at.parse::<usize>().unwrap()];
                format!("{} {}", known.open, known.available)
            }
            ["conflicts"] => self.conflicts(),
            ["giver"] => match &self.world.last().body {
                EventBody::TicketTransferred { from: Some(giver), .. } => format!("{giver:?}"),
                other => panic!("the last event does not say who gave a ticket away: {other:?}"),
            },
            ["seats"] => self.seats(),
            ["phase"] => format!("{:?}", self.world.inventory.availability().phase),
            ["claim", number] => self.claim(number),
            ["total", number] => {
                let view = self.world.inventory.claim(ClaimNumber(number.parse().unwrap()));
                view.map_or_else(|| "none".to_owned(), |view| view.total_minor().to_string())
            }
            ["refunded", number] => {
                let view = self.world.inventory.claim(ClaimNumber(number.parse().unwrap())).unwrap();
                format!("{} {}", view.refunded_minor, view.in_dispute)
            }
            ["ticket", at] => {
                let ticket = ticket_ref(at);
                let view = self.world.inventory.claim(ticket.order).unwrap();
                format!("{:?}", view.tickets[usize::from(ticket.index)])
            }
            _ => self.command(&words),
        }
    }

    /// What contradicted the last upload.
    fn conflicts(&self) -> String {
        let EventBody::ScansRecorded(record) = &self.world.last().body else {
            panic!("the last event is no upload")
        };
        let of = |conflict: &ScanConflict| {
            let number = record.scans[usize::from(conflict.scan)].number;
            let other = conflict.other.map_or_else(String::new, |other| {
                let ago = i128::from(other.at.0) - i128::from(crate::world::START);
                format!(" {ago} gate {} device {}", other.gate, other.device)
            });
            format!("{number} {:?}{other}", conflict.kind)
        };
        record.conflicts.iter().map(of).collect::<Vec<_>>().join("; ")
    }

    /// Lets follow what follows from the state.
    fn serve(&mut self) -> String {
        let told = |(sequence, body): (u64, EventBody)| match body {
            EventBody::HoldPlaced(hold) => {
                let (entry, line) = (hold.entry.unwrap().0, &hold.lines[0]);
                let seats: Vec<u32> = line.seats.iter().map(|seat| seat.0).collect();
                let seats = if seats.is_empty() { String::new() } else { format!("{seats:?}") };
                format!("offer {sequence} to {entry}: {}*{}{seats}", line.ticket_type.0, line.quantity)
            }
            EventBody::WaitlistLeft { entry, reason } => format!("left {} {reason:?}", entry.0),
            other => format!("{other:?}"),
        };
        let happened: Vec<String> = self.world.serve().into_iter().map(told).collect();
        if happened.is_empty() { "ok".to_owned() } else { happened.join("; ") }
    }

    fn seats(&self) -> String {
        let map = self.world.inventory.seat_map();
        let state = |seat: u32| map.states[seat as usize / 4] >> (2 * (seat % 4)) & 3;
        (0..map.seats).map(|seat| ['.', 'h', 's', 'k'][usize::from(state(seat))]).collect()
    }

    fn claim(&self, number: &str) -> String {
        match self.world.inventory.claim(ClaimNumber(number.parse().unwrap())) {
            None => "none".to_owned(),
            Some(view) => {
                let units: u16 = view.lines.iter().map(|line| line.quantity).sum();
                let deadline = view.deadline_at.map(|at| at.0 - crate::world::START);
                format!("{:?} {units} {deadline:?} {:?}", view.state, view.payment)
            }
        }
    }

    /// `sys late 3`: money of attempt 1 came for hold 3 after that had ended.
    fn late(&self, words: &[&str]) -> CommandBody {
        let order = ClaimNumber(words[2].parse().unwrap());
        let placed = usize::try_from(order.0 - 1).ok().and_then(|at| self.world.log.get(at));
        let hold = match placed.map(|event| &event.body) {
            Some(EventBody::HoldPlaced(hold)) => hold.clone(),
            _ => no_hold(),
        };
        let payment = Payment::Captured { reference: 1 };
        CommandBody::SellLate(Box::new(SellLate { order, hold, payment, attempt: 1 }))
    }

    fn command(&mut self, words: &[&str]) -> String {
        self.keys += 1;
        let mut key = IdempotencyKey { digest: self.keys << 8, fingerprint: u64::MAX, minted_at: None };
        if let Some(text) = option(words, "key") {
            let (digest, fingerprint) = text.split_once('/').unwrap();
            key.digest = digest.parse().unwrap();
            key.fingerprint = fingerprint.parse().unwrap();
        }
        key.minted_at = option(words, "minted").map(|at| Timestamp(at.parse().unwrap()));
        let body = if words[1] == "late" { self.late(words) } else { body(words) };
        let authority = authority(words[0], &body);
        match self.world.run(&Command { authority, key: Some(key), body }) {
            Ok(Decision::Accepted(_)) => format!("ok {}", self.world.inventory.sequence()),
            Ok(Decision::Repeated(sequence)) => format!("repeated {sequence}"),
            Err(rejection) => format!("{rejection:?}"),
        }
    }
}

/// Where there is no hold of that number.
fn no_hold() -> HoldPlaced {
    HoldPlaced {
        subjects: Subjects { primary: Subject(0), extra: Vec::new() },
        deadline_at: Timestamp(0),
        life_ends_at: Timestamp(0),
        channel: None,
        origin: Origin::Direct,
        lines: Vec::new(),
        quote: None,
        entry: None,
    }
}

fn authority(actor: &str, body: &CommandBody) -> Authority {
    match (actor, body) {
        ("org", _) => Authority::Organizer,
        ("gate", _) => Authority::Scanner,
        ("sys", _) => Authority::System,
        ("secret", _) => Authority::Secret(Subject(0)),
        (letter, _) => Authority::Subject(subject(letter)),
    }
}

fn subject(name: &str) -> Subject {
    Subject(name.bytes().fold(0, |sum, byte| sum << 8 | u128::from(byte)))
}

/// The value of `name=value` among the words.
fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn body(words: &[&str]) -> CommandBody {
    let claim = || ClaimNumber(words[2].parse().unwrap());
    let with = option(words, "with").map(|names| names.split(',').map(subject).collect()).unwrap_or_default();
    let provider = option(words, "by").map(|provider| ProviderId(provider.parse().unwrap()));
    let attempt = option(words, "attempt").map(|attempt| attempt.parse().unwrap());
    match words[1] {
        "hold" => place_hold(words, with),
        "renew" => CommandBody::RenewHold { hold: claim() },
        "release" => CommandBody::ReleaseHold { hold: claim() },
        "pay" => CommandBody::BeginPayment { hold: claim(), provider, extra_subjects: with },
        "fail" => CommandBody::PaymentFailed { order: claim(), attempt },
        "confirm" => {
            let payment = match words[3] {
                "free" => Payment::Free,
                "offline" => Payment::Offline,
                _ => Payment::Captured { reference: 1 },
            };
            CommandBody::Confirm { order: claim(), payment, attempt }
        }
        "refund" => CommandBody::RefundTickets {
            order: claim(),
            tickets: numbers(words[3]),
            amount: option(words, "amount")
                .map_or(RefundAmount::Full, |text| RefundAmount::Minor(text.parse().unwrap())),
            reason: match option(words, "reason") {
                None => RefundReason::Organizer,
                Some("unpaid") => RefundReason::Unpaid,
                Some(_) => RefundReason::Goodwill,
            },
            units: if words[4] == "kill" { RefundedUnits::Kill } else { RefundedUnits::Restock },
        },
        "dispute" => CommandBody::SetDispute {
            order: claim(),
            dispute: match words[3] {
                "open" => Dispute::Open,
                "won" => Dispute::Won,
                _ => Dispute::Lost,
            },
        },
        "kill" => CommandBody::Kill(units(words[2])),
        "restore" => CommandBody::Restore(units(words[2])),
        "channel" => CommandBody::ReleaseChannel { channel: ChannelId(words[2].parse().unwrap()) },
        "transfer" => CommandBody::TransferTicket { ticket: ticket_ref(words[2]), to: subject(words[4]) },
        "in" => CommandBody::CheckIn {
            ticket: ticket_ref(words[2]),
            generation: option(words, "generation").map_or(0, |text| text.parse().unwrap()),
            gate: option(words, "gate").map_or(1, |text| text.parse().unwrap()),
        },
        "out" => CommandBody::CheckOut {
            ticket: ticket_ref(words[2]),
            generation: option(words, "generation").map_or(0, |text| text.parse().unwrap()),
            gate: option(words, "gate").map_or(1, |text| text.parse().unwrap()),
        },
        "reissue" => CommandBody::ReissueTicket { ticket: ticket_ref(words[2]) },
        "scans" => CommandBody::RecordScans {
            device: words[2].parse().unwrap(),
            scans: words[3..].iter().map(|word| scan(word)).collect(),
        },
        "join" => join(words, with),
        "leave" => CommandBody::LeaveWaitlist { entry: EntryNumber(words[2].parse().unwrap()) },
        "phase" => {
            let to = Phase::ALL.into_iter().find(|phase| format!("{phase:?}") == words[2]);
            CommandBody::ChangePhase { to: to.unwrap() }
        }
        verb => panic!("no such verb: {verb}"),
    }
}

fn place_hold(words: &[&str], extra: Vec<Subject>) -> CommandBody {
    let primary = option(words, "for").unwrap_or(words[0]);
    let wishes = Wishes {
        section: option(words, "section").map(|text| SectionId(text.parse().unwrap())),
        price_minor_max: option(words, "max").map(|text| text.parse().unwrap()),
        accessible: option(words, "accessible").map_or(0, |text| text.parse().unwrap()),
        accept_split: words.contains(&"split"),
    };
    let expected = option(words, "price").map(|text| text.parse().unwrap());
    CommandBody::PlaceHold(PlaceHold {
        subjects: Subjects { primary: subject(primary), extra },
        lines: words[2..].iter().filter_map(|word| line_request(word, expected, wishes)).collect(),
        access_code: option(words, "code").map(|text| AccessCode(text.parse().unwrap())),
        channel: option(words, "channel").map(|text| ChannelId(text.parse().unwrap())),
        duration_ms: option(words, "ms").map(|text| text.parse().unwrap()),
        promotion: option(words, "promo").map(promotion_claim),
        expected_total_minor: option(words, "total").map(|text| text.parse().unwrap()),
    })
}

/// `0*2`: two of a standing type; `1~3`: three seats together.
fn join(words: &[&str], extra: Vec<Subject>) -> CommandBody {
    let primary = option(words, "for").unwrap_or(words[0]);
    let spaces = option(words, "accessible").map(|text| Manner::Accessible(text.parse().unwrap()));
    let split = words.contains(&"split").then_some(Manner::TogetherOrSplit);
    let seated = spaces.or(split).unwrap_or(Manner::Together);
    let choice = |word: &&str| {
        let (text, manner) = match word.split_once('*') {
            Some(text) => (Some(text), Manner::Standing),
            None => (word.split_once('~'), seated),
        };
        let (ticket_type, quantity) = text?;
        let ticket_type = TicketTypeId(ticket_type.parse().unwrap());
        Some(Choice { ticket_type, quantity: quantity.parse().unwrap(), manner })
    };
    CommandBody::JoinWaitlist(JoinWaitlist {
        subjects: Subjects { primary: subject(primary), extra },
        choices: words[2..].iter().filter_map(choice).collect(),
        price_max_minor: option(words, "max").map(|text| text.parse().unwrap()),
        priority: option(words, "priority").map(|text| text.parse().unwrap()),
    })
}

/// `7`: the code; `7/3`: its single-use code 3.
fn promotion_claim(text: &str) -> PromotionClaim {
    let (code, serial) = text.split_once('/').map_or((text, None), |(code, serial)| (code, Some(serial)));
    let serial = serial.map(|serial| serial.parse().unwrap());
    PromotionClaim { code: AccessCode(code.parse().unwrap()), serial }
}

/// `0*2`: two of type 0; `1[4,5]`: these seats; `1~3` or `?~3`: three together. Anything else is no line.
fn line_request(word: &str, expected_price_minor: Option<i64>, wishes: Wishes) -> Option<LineRequest> {
    let ticket_type = |text: &str| text.parse().ok().map(TicketTypeId);
    let (name, want) = if let Some((name, quantity)) = word.split_once('*') {
        (name, Want::Quantity(quantity.parse().unwrap()))
    } else if let Some((name, quantity)) = word.split_once('~') {
        (name, Want::Together { quantity: quantity.parse().unwrap(), wishes })
    } else {
        let (name, seats) = word.strip_suffix(']')?.split_once('[')?;
        (name, Want::Seats(numbers(seats).into_iter().map(|seat| SeatIndex(seat.into())).collect()))
    };
    Some(LineRequest { ticket_type: ticket_type(name), expected_price_minor, want })
}

fn numbers(text: &str) -> Vec<u16> {
    text.split(',').filter(|text| !text.is_empty()).map(|text| text.parse().unwrap()).collect()
}

fn units(text: &str) -> Units {
    match text.split_once('*') {
        Some((pool, quantity)) => {
            Units::Pool { pool: PoolId(pool.parse().unwrap()), quantity: quantity.parse().unwrap() }
        }
        None => {
            let seats = text.trim_start_matches('[').trim_end_matches(']');
            Units::Seats(numbers(seats).into_iter().map(|seat| SeatIndex(seat.into())).collect())
        }
    }
}

/// `7:-5000:in:2:3/0`: scan 7, five seconds before the world begins, inwards at gate 2; `:g1` another generation, `:no` not admitted.
fn scan(text: &str) -> Scan {
    let words: Vec<&str> = text.split(':').collect();
    let [number, at, direction, gate, ticket, ..] = words[..] else { panic!("no scan: {text}") };
    let generation = words.iter().find_map(|word| word.strip_prefix('g')?.parse().ok());
    Scan {
        number: number.parse().unwrap(),
        at: Timestamp(crate::world::START.saturating_add_signed(at.parse().unwrap())),
        gate: gate.parse().unwrap(),
        ticket: ticket_ref(ticket),
        generation: generation.unwrap_or(0),
        inward: direction == "in",
        admitted: !words.contains(&"no"),
        list: None,
    }
}

fn ticket_ref(text: &str) -> TicketRef {
    let (order, index) = text.split_once('/').unwrap();
    TicketRef { order: ClaimNumber(order.parse().unwrap()), index: index.parse().unwrap() }
}
