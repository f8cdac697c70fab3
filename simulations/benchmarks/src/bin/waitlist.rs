//! What a returned unit costs while 1,000,000 people wait: the return is decided and applied, and so is every offer that follows from it.
//!
//! `cargo run --release -p tessera-benchmarks --bin waitlist [-- --returns 20000]`
//!
//! *Matched* is the target: from the event that gave units back until nothing follows any more; that is to look, to decide the offer, to apply
//! it, and to look once more, in vain. *All of it* has the decision about the return, and its application, too. Who wants how many, and who comes
//! first, differs: in the order of arrival the next head of a line lies beside the last one in memory; scattered priorities have it lie anywhere.
//! What stands under *at worst* has every bucket that there may be, and most of them looked at in vain.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::panic)] // a benchmark

use std::time::Instant;

use tessera_benchmarks::{
    Latencies, SALE_OPENS_AT, hall, hold_command, number_argument, opened, row, standing, subject, title,
    together_command,
};
use tessera_inventory::{
    Authority, CHOICES_MAX, Choice, ClaimNumber, Command, CommandBody, Config, Decision, Event, EventBody,
    HOLD_UNITS_MAX, Inventory, JoinWaitlist, Manner, Payment, RefundAmount, RefundReason, RefundedUnits,
    Subjects, TICKET_TYPES_MAX, TOGETHER_MAX, TicketType, TicketTypeId, WAITLIST_ENTRIES_MAX, WaitlistPolicy,
};

/// Who waits.
const ENTRIES: u64 = WAITLIST_ENTRIES_MAX as u64;
/// Returns that are measured, unless `--returns N` says otherwise.
const RETURNS: u64 = 20_000;
/// Units of the standing area, and about as many seats.
const UNITS: u32 = 100_000;
const SEATS: usize = 50_000;
/// Only each so-many-th seat comes back: none beside another that does.
const ALONE_EVERY: u32 = 4;
/// Odd numbers of seats together that are more than one.
const ODD_SIZES: u16 = (TOGETHER_MAX - 1) / 2;
/// Who waits is somebody else than who holds.
const WAITING_FROM: u64 = 1 << 40;

/// How units come back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Return {
    /// A hold is given back.
    Release,
    /// A ticket is refunded.
    Refund,
}

/// An entry: what is wanted, and before whom.
struct Wish {
    choices: Vec<Choice>,
    priority: Option<u8>,
}

/// What is measured.
struct Case {
    what: &'static str,
    config: Config,
    /// A hold of so many units.
    hold: fn(u64, u16) -> Command,
    /// Units that come back at once.
    units: u16,
    returned: Return,
    wish: fn(u64) -> Wish,
}

fn main() {
    let returns = usize::try_from(number_argument("--returns").unwrap_or(RETURNS)).unwrap_or(usize::MAX);
    let cases = [
        floor("standing, 1 to 4 wanted, in the order of arrival", Return::Release, |entry| one_of(entry, 4)),
        floor("the same, a ticket is refunded", Return::Refund, |entry| one_of(entry, 4)),
        floor("standing, 1 to 50 wanted, scattered priorities", Return::Release, |entry| {
            scattered(entry, one_of(entry, HOLD_UNITS_MAX))
        }),
        floor(
            "standing, everybody wants 50: one of fifty returns gives an offer",
            Return::Release,
            |entry| scattered(entry, wish(vec![choice(0, HOLD_UNITS_MAX, Manner::Standing)])),
        ),
        seats("seats together, 1 to 4 wanted, in the order of arrival", 1, |entry| {
            wish(vec![choice(0, up_to(entry, 4), Manner::Together)])
        }),
        seats("seats together or split, 1 to 20 wanted, scattered priorities", 1, |entry| {
            scattered(entry, seats_of_any_size(entry))
        }),
    ];
    for case in cases {
        case.measure(returns);
    }
    title("at worst");
    let cases = [
        seats("seats that return stand alone, 2 to 20 together are wanted", 1, |entry| {
            scattered(entry, wish(vec![choice(0, 1 + up_to(entry, TOGETHER_MAX - 1), Manner::Together)]))
        }),
        // Three of two pairs leave one alone: every size is tried in vain, together and split.
        seats("pairs of seats return, odd numbers are wanted, together or split", 2, |entry| {
            scattered(entry, wish(vec![choice(0, 1 + 2 * up_to(entry, ODD_SIZES), Manner::TogetherOrSplit)]))
        }),
        Case {
            config: of_many_types(standing(UNITS)),
            ..floor(
                "256 types of one pool, each entry waits for four of them",
                Return::Release,
                of_four_types,
            )
        },
    ];
    for case in cases {
        case.measure(returns);
    }
}

fn floor(what: &'static str, returned: Return, wish: fn(u64) -> Wish) -> Case {
    Case { what, config: standing(UNITS), hold: hold_command, units: 1, returned, wish }
}

fn seats(what: &'static str, units: u16, wish: fn(u64) -> Wish) -> Case {
    Case { what, config: hall(SEATS), hold: together_command, units, returned: Return::Release, wish }
}

/// As many sizes as there may be, by turns.
fn up_to(entry: u64, most: u16) -> u16 {
    1 + u16::try_from(entry % u64::from(most)).unwrap_or(0)
}

fn choice(ticket_type: u16, quantity: u16, manner: Manner) -> Choice {
    Choice { ticket_type: TicketTypeId(ticket_type), quantity, manner }
}

fn wish(choices: Vec<Choice>) -> Wish {
    Wish { choices, priority: None }
}

fn one_of(entry: u64, most: u16) -> Wish {
    wish(vec![choice(0, up_to(entry, most), Manner::Standing)])
}

/// Together or, every other one, split if need be.
fn seats_of_any_size(entry: u64) -> Wish {
    let quantity = up_to(entry / 2, TOGETHER_MAX);
    let manner = if entry.is_multiple_of(2) { Manner::Together } else { Manner::TogetherOrSplit };
    wish(vec![choice(0, quantity, manner)])
}

fn of_four_types(entry: u64) -> Wish {
    let quantity = up_to(entry, HOLD_UNITS_MAX);
    let types = TICKET_TYPES_MAX as u64;
    let chosen = (0..CHOICES_MAX as u64).map(|nth| (entry / 50 + nth * (types / CHOICES_MAX as u64)) % types);
    let choices =
        chosen.map(|id| choice(u16::try_from(id).unwrap_or(0), quantity, Manner::Standing)).collect();
    scattered(entry, wish(choices))
}

/// A priority by which who comes early may stand late.
fn scattered(entry: u64, wish: Wish) -> Wish {
    let [priority, ..] = entry.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    Wish { priority: Some(priority), ..wish }
}

fn of_many_types(mut config: Config) -> Config {
    let standing = config.ticket_types[0].clone();
    let named = |number: usize| TicketType { name: format!("Standing {number}").into(), ..standing.clone() };
    config.ticket_types = (0..TICKET_TYPES_MAX).map(named).collect();
    config
}

/// A waitlist as long as one may be, limits that must be looked at, and orders of any size.
fn waited_for(mut config: Config) -> Config {
    let policy = WaitlistPolicy { entries_max: WAITLIST_ENTRIES_MAX, ..WaitlistPolicy::default() };
    config.waitlist = Some(Box::new(policy));
    config.units_per_subject_max = Some(HOLD_UNITS_MAX.into());
    for known in &mut config.ticket_types {
        (known.per_order_max, known.per_subject_max) = (HOLD_UNITS_MAX, Some(HOLD_UNITS_MAX.into()));
    }
    config
}

fn by_organizer(body: CommandBody) -> Command {
    Command { authority: Authority::Organizer, key: None, body }
}

fn apply(inventory: &mut Inventory, body: EventBody) {
    inventory.apply(&Event { at: SALE_OPENS_AT, key: None, body });
}

/// Decide and apply; whether it was accepted.
fn ask(inventory: &mut Inventory, command: &Command) -> bool {
    match inventory.decide(SALE_OPENS_AT, command) {
        Ok(Decision::Accepted(body)) => {
            apply(inventory, body);
            true
        }
        _ => false,
    }
}

fn must(inventory: &mut Inventory, command: &Command) {
    assert!(ask(inventory, command), "refused: {command:?}");
}

/// Apply what follows, until nothing does; how many offers that were.
fn follow(inventory: &mut Inventory) -> u64 {
    let mut offers = 0;
    while let Some(body) = inventory.decide_consequence(SALE_OPENS_AT) {
        offers += u64::from(matches!(body, EventBody::HoldPlaced(_)));
        apply(inventory, body);
    }
    offers
}

impl Case {
    /// Sells everything, as holds; those whose unit may come back.
    fn sell_out(&self, inventory: &mut Inventory) -> Vec<ClaimNumber> {
        let (mut holds, mut number) = (Vec::new(), 0);
        // Seats are not sold where that would leave one alone: what is left so is sold at last.
        for quantity in [self.units, 2, 3, 1] {
            loop {
                let decided = inventory.decide(SALE_OPENS_AT, &(self.hold)(number, quantity));
                let Ok(Decision::Accepted(EventBody::HoldPlaced(placed))) = decided else { break };
                let seat = placed.lines[0].seats.first().copied();
                apply(inventory, EventBody::HoldPlaced(placed));
                if quantity == self.units && seat.is_none_or(|seat| seat.0.is_multiple_of(ALONE_EVERY)) {
                    holds.push(ClaimNumber(inventory.sequence().0));
                }
                number += 1;
            }
        }
        holds
    }

    /// Everything sold, and a million who wait; what is to come back.
    fn crowded(&self, returns: usize) -> (Inventory, Vec<Command>) {
        let mut inventory = opened(waited_for(self.config.clone()));
        let holds = self.sell_out(&mut inventory);
        let every = holds.len() / returns.clamp(1, holds.len());
        let chosen: Vec<_> = holds.into_iter().step_by(every).take(returns).collect();
        let commands = chosen.into_iter().map(|hold| self.give_back(&mut inventory, hold)).collect();
        for entry in 0..ENTRIES {
            let Wish { choices, priority } = (self.wish)(entry);
            let subjects = Subjects { primary: subject(WAITING_FROM + entry), extra: Vec::new() };
            let join = JoinWaitlist { subjects, choices, price_max_minor: None, priority };
            must(&mut inventory, &by_organizer(CommandBody::JoinWaitlist(join)));
            assert_eq!(follow(&mut inventory), 0, "everything is sold");
        }
        (inventory, commands)
    }

    /// The command that gives a hold's unit back; it is paid before, where it is a ticket that comes back.
    fn give_back(&self, inventory: &mut Inventory, hold: ClaimNumber) -> Command {
        if self.returned == Return::Release {
            return by_organizer(CommandBody::ReleaseHold { hold });
        }
        must(
            inventory,
            &by_organizer(CommandBody::BeginPayment { hold, provider: None, extra_subjects: Vec::new() }),
        );
        let (order, payment) = (hold, Payment::Offline);
        must(inventory, &by_organizer(CommandBody::Confirm { order, payment, attempt: None }));
        by_organizer(CommandBody::RefundTickets {
            order,
            tickets: vec![0],
            amount: RefundAmount::Full,
            reason: RefundReason::Organizer,
            units: RefundedUnits::Restock,
        })
    }

    fn measure(&self, returns: usize) {
        let (mut inventory, commands) = self.crowded(returns);
        title(self.what);
        row("who wait", inventory.waiting());
        let (mut matched, mut in_vain, mut whole) = (Latencies::new(), Latencies::new(), Latencies::new());
        let mut offers = 0;
        for command in &commands {
            let began = Instant::now();
            must(&mut inventory, command);
            let returned = Instant::now();
            let offered = follow(&mut inventory);
            let ended = Instant::now();
            let latencies = if offered > 0 { &mut matched } else { &mut in_vain };
            latencies.record(ended - returned);
            whole.record(ended - began);
            offers += offered;
        }
        row("returns, offers", format!("{}, {offers}", commands.len()));
        for (name, latencies) in [
            ("matched: looked, offered, applied, looked again", &matched),
            ("nobody fits: looked", &in_vain),
            ("all of it, the return decided and applied, too", &whole),
        ] {
            if latencies.count() > 0 {
                row(name, latencies.summary());
            }
        }
    }
}
