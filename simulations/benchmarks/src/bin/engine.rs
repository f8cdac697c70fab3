//! The engine on one core: holds, best available, replay.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::expect_used, clippy::panic)] // a benchmark

use std::time::Instant;

use tessera_benchmarks::{
    EVENT, Latencies, SALE_OPENS_AT, hall, hold_command, median, opened, priced, row, split_command,
    standing, title, together_command,
};
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Config, Decision, Event, Inventory, KeyMark, SeatIndex,
    TICKET_TYPES_MAX, TicketType, Units,
};
use tessera_records::{decode_record, encode_record};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Holds that are live before measuring.
const LIVE_HOLDS: u64 = 1_000_000;
/// Holds measured per run.
const MEASURED_HOLDS: u64 = 200_000;
/// Holds per log record, as in a busy turn.
const TURN_HOLDS: usize = 500;
/// Runs of which the median is quoted.
const RUNS: usize = 5;
/// Seats of the hall.
const HALL_SEATS: usize = 100_000;
/// Groups of four seats in it.
const GROUPS: u32 = 25_000;
/// Searches measured per state of the hall.
const SEARCHES: u64 = 20_000;

fn main() {
    title("engine, one core");
    let log = holds("standing holds", standing(10_000_000));
    replay("replay", &standing(10_000_000), &log);
    let log = holds("holds with a fee and a tax", priced(10_000_000));
    replay("their replay", &priced(10_000_000), &log);
    drop(log);
    quotes();
    best_available();
}

fn accept(inventory: &mut Inventory, command: &Command) -> Event {
    let key = command.key.as_ref().map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
    match inventory.decide(SALE_OPENS_AT, command) {
        Ok(Decision::Accepted(body)) => Event { at: SALE_OPENS_AT, key, body },
        refused => panic!("refused: {refused:?}"),
    }
}

/// A million live holds, above which holds are measured.
struct Crowded {
    inventory: Inventory,
    /// The records of everything so far.
    log: Vec<Vec<u8>>,
    /// Holds a second, run by run.
    rates: Vec<f64>,
}

impl Crowded {
    fn new(config: Config) -> Crowded {
        let mut crowded = Crowded { inventory: opened(config), log: Vec::new(), rates: Vec::new() };
        let live: Vec<Command> = (0..LIVE_HOLDS).map(|number| hold_command(number, 1)).collect();
        crowded.place(&live);
        crowded
    }

    /// Decide, apply and encode, as busy turns do.
    fn place(&mut self, commands: &[Command]) {
        let mut turn = Vec::with_capacity(TURN_HOLDS);
        for chunk in commands.chunks(TURN_HOLDS) {
            let first = self.inventory.sequence().plus(1);
            for command in chunk {
                let event = accept(&mut self.inventory, command);
                self.inventory.apply(&event);
                turn.push(event);
            }
            let mut record = Vec::with_capacity(64 * TURN_HOLDS);
            encode_record(first, &turn, &mut record);
            turn.clear();
            self.log.push(record);
        }
    }

    /// One run; its holds are released again.
    fn run(&mut self) {
        let from = LIVE_HOLDS + self.rates.len() as u64 * MEASURED_HOLDS;
        let commands: Vec<Command> =
            (from..from + MEASURED_HOLDS).map(|number| hold_command(number, 1)).collect();
        let started = Instant::now();
        self.place(&commands);
        self.rates.push(MEASURED_HOLDS as f64 / started.elapsed().as_secs_f64());
        let last = self.inventory.sequence().0;
        let releases: Vec<Command> = (last - MEASURED_HOLDS + 1..=last).map(release).collect();
        self.place(&releases);
    }
}

/// Decide, apply and encode holds above a million live ones; returns the records of all of them.
fn holds(what: &str, config: Config) -> Vec<Vec<u8>> {
    let mut crowded = Crowded::new(config);
    (0..RUNS).for_each(|_| crowded.run());
    let Crowded { inventory, log, rates } = crowded;
    row(&format!("{what}, 1 M live, decide + apply + encode"), format!("{:.2} M/s", median(rates) / 1e6));
    let bytes: usize = log.iter().map(Vec::len).sum();
    row("bytes of log per hold", format!("{:.1}", bytes as f64 / (inventory.sequence().0 as f64)));
    log
}

/// What the quote of a hold costs: runs with a tariff and without, by turns, so that both have the same machine.
fn quotes() {
    title("a hold with a fee and a tax beside one without, by turns");
    let (mut without, mut with) = (Crowded::new(standing(10_000_000)), Crowded::new(priced(10_000_000)));
    for run in 0..2 * RUNS {
        if run % 2 == 0 {
            without.run();
            with.run();
        } else {
            with.run();
            without.run();
        }
    }
    let ns = |rates: &[f64]| median(rates.iter().map(|rate| 1e9 / rate).collect());
    row("without", format!("{:.0} ns a hold", ns(&without.rates)));
    row("with", format!("{:.0} ns a hold", ns(&with.rates)));
    let ratios = with.rates.iter().zip(&without.rates).map(|(with, without)| with / without);
    row("holds a second with, as a share of without", format!("{:.3}", median(ratios.collect())));
}

fn release(hold: u64) -> Command {
    let body = CommandBody::ReleaseHold { hold: ClaimNumber(hold) };
    Command { authority: Authority::Organizer, key: None, body }
}

fn replay(what: &str, config: &Config, log: &[Vec<u8>]) {
    let mut rates = Vec::new();
    for _ in 0..RUNS {
        let mut inventory = opened(config.clone());
        let started = Instant::now();
        let mut events = 0;
        for record in log {
            let decoded = decode_record(record).expect("a record written above");
            for event in &decoded.events {
                inventory.apply(event);
            }
            events += decoded.events.len();
        }
        rates.push(events as f64 / started.elapsed().as_secs_f64());
        assert_eq!(inventory.event(), EVENT);
    }
    row(&format!("{what}, decode + apply"), format!("{:.2} M events/s", median(rates) / 1e6));
}

/// Best available for four, in a hall that is sold to `percent` in scattered groups of four. After each search one group is sold and another
/// one given back, so that the hall stays as full and the search moves through it.
fn best_available() {
    title("best available for 4 in a hall of 100,000 seats");
    for percent in [0_u32, 50, 95] {
        let mut inventory = opened(hall(HALL_SEATS));
        let gone: Vec<u32> = (0..GROUPS).filter(|group| scatter(*group) % 100 < percent).collect();
        kill(&mut inventory, gone.iter().flat_map(|group| seats_of(*group)).collect());
        let mut latencies = Latencies::new();
        let mut given_back = gone.iter();
        for number in 0..SEARCHES {
            let command = together_command(number, 4);
            let started = Instant::now();
            let decided = inventory.decide(SALE_OPENS_AT, &command);
            latencies.record(started.elapsed());
            let Ok(Decision::Accepted(body)) = decided else { panic!("there are groups left: {decided:?}") };
            if let Some(group) = given_back.next() {
                inventory.apply(&Event { at: SALE_OPENS_AT, key: None, body });
                restore(&mut inventory, seats_of(*group).collect());
            }
        }
        row(&format!("{percent} % sold"), latencies.summary());
    }
    no_such_block();
    refused_split();
}

fn no_such_block() {
    let mut inventory = opened(hall(HALL_SEATS));
    kill(&mut inventory, (0..GROUPS * 4).filter(|seat| seat % 3 == 0).map(SeatIndex).collect());
    let mut latencies = Latencies::new();
    for number in 0..SEARCHES {
        let command = together_command(number, 4);
        let started = Instant::now();
        assert!(inventory.decide(SALE_OPENS_AT, &command).is_err(), "every third seat is gone");
        latencies.record(started.elapsed());
    }
    row("no such block exists", latencies.summary());
}

/// Pairs are left, and seven would leave one of a pair alone: every size is tried in vain, for as many types as may be.
fn refused_split() {
    let mut config = hall(HALL_SEATS);
    let seated = config.ticket_types[0].clone();
    let named = |number: usize| TicketType { name: format!("Seated {number}").into(), ..seated.clone() };
    config.ticket_types = (0..TICKET_TYPES_MAX).map(named).collect();
    let mut inventory = opened(config);
    kill(&mut inventory, (0..GROUPS * 4).filter(|seat| seat % 4 >= 2).map(SeatIndex).collect());
    let mut latencies = Latencies::new();
    for number in 0..SEARCHES {
        let command = split_command(number, 7);
        let started = Instant::now();
        assert!(inventory.decide(SALE_OPENS_AT, &command).is_err(), "seven are no pairs");
        latencies.record(started.elapsed());
    }
    row("no split exists, 256 types", latencies.summary());
}

fn scatter(number: u32) -> u32 {
    number.wrapping_mul(0x9E37_79B1).rotate_left(15).wrapping_mul(0x85EB_CA6B) >> 8
}

fn seats_of(group: u32) -> impl Iterator<Item = SeatIndex> {
    (group * 4..group * 4 + 4).map(SeatIndex)
}

fn kill(inventory: &mut Inventory, seats: Vec<SeatIndex>) {
    if !seats.is_empty() {
        by_organizer(inventory, CommandBody::Kill(Units::Seats(seats)));
    }
}

fn restore(inventory: &mut Inventory, seats: Vec<SeatIndex>) {
    by_organizer(inventory, CommandBody::Restore(Units::Seats(seats)));
}

fn by_organizer(inventory: &mut Inventory, body: CommandBody) {
    let event = accept(inventory, &Command { authority: Authority::Organizer, key: None, body });
    inventory.apply(&event);
}
