//! What a returned unit costs while very many wait for it: the consequence is decided and applied.
//!
//! `cargo run --release -p tessera-benchmarks --bin waitlist`
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a benchmark

use std::time::Instant;

use tessera_benchmarks::{
    Latencies, SALE_OPENS_AT, hall, hold_command, opened, row, standing, title, together_command,
};
use tessera_inventory::{
    Authority, Choice, ClaimNumber, Command, CommandBody, Config, Decision, Event, EventBody, Inventory,
    JoinWaitlist, Manner, Subject, Subjects, TicketTypeId, WAITLIST_ENTRIES_MAX, WaitlistPolicy,
};

/// Who waits.
const ENTRIES: u64 = WAITLIST_ENTRIES_MAX as u64;
/// Units that return, one hold at a time.
const RETURNS: u64 = 20_000;

fn waited_for(mut config: Config) -> Config {
    config.units_per_subject_max = None;
    config.waitlist =
        Some(Box::new(WaitlistPolicy { entries_max: WAITLIST_ENTRIES_MAX, ..WaitlistPolicy::default() }));
    config.ticket_types.iter_mut().for_each(|known| known.per_subject_max = None);
    config
}

fn apply(inventory: &mut Inventory, body: EventBody) {
    inventory.apply(&Event { at: SALE_OPENS_AT, key: None, body });
}

fn ask(inventory: &mut Inventory, command: &Command) -> bool {
    match inventory.decide(SALE_OPENS_AT, command) {
        Ok(Decision::Accepted(body)) => {
            apply(inventory, body);
            true
        }
        _ => false,
    }
}

/// Sells everything as holds, and lets a million people wait for one to four units. The numbers of the holds.
fn crowded(config: Config, manner: Manner, hold: fn(u64, u16) -> Command) -> (Inventory, Vec<ClaimNumber>) {
    let mut inventory = opened(waited_for(config));
    let mut holds = Vec::new();
    let mut number = 0;
    while ask(&mut inventory, &hold(number, 1)) {
        holds.push(ClaimNumber(inventory.sequence().0));
        number += 1;
    }
    for entry in 0..ENTRIES {
        let subjects = Subjects { primary: Subject(u128::from(entry) << 64 | 0xabcd), extra: Vec::new() };
        let quantity = 1 + u16::try_from(entry % 4).unwrap_or(0);
        let choices = vec![Choice { ticket_type: TicketTypeId(0), quantity, manner }];
        let join = JoinWaitlist { subjects, choices, price_max_minor: None, priority: None };
        let body = CommandBody::JoinWaitlist(join);
        ask(&mut inventory, &Command { authority: Authority::Organizer, key: None, body });
    }
    (inventory, holds)
}

fn measure(what: &str, (mut inventory, holds): (Inventory, Vec<ClaimNumber>)) {
    title(&format!("{what}: {} wait, a unit returns", inventory.waiting()));
    let (mut release, mut matched) = (Latencies::new(), Latencies::new());
    let mut offers = 0_u64;
    for &hold in holds.iter().take(usize::try_from(RETURNS).unwrap_or(usize::MAX)) {
        let began = Instant::now();
        apply(&mut inventory, EventBody::HoldReleased { hold });
        release.record(began.elapsed());
        let began = Instant::now();
        while let Some(body) = inventory.decide_consequence(SALE_OPENS_AT) {
            apply(&mut inventory, body);
            offers += 1;
        }
        matched.record(began.elapsed());
    }
    row("release, applied", release.summary());
    row("matched, offered, applied", matched.summary());
    row("offers", offers);
}

fn main() {
    measure("standing", crowded(standing(100_000), Manner::Standing, hold_command));
    measure("seats together", crowded(hall(50_000), Manner::Together, together_command));
}
