//! Memory of one event with everything sold: orders, limits and idempotency included.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::panic)] // a benchmark

use tessera_benchmarks::{CountingAllocator, SALE_OPENS_AT, hold_command, opened, row, standing, title};
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Decision, Event, IdempotencyKey, Inventory, KeyMark,
    Payment,
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::new();

fn main() {
    title("state with everything sold: an order, a subject and three keys per ticket");
    for tickets in [100_000_u32, 1_000_000] {
        let before = ALLOCATOR.live_bytes();
        let inventory = sell_out(tickets);
        let bytes = ALLOCATOR.live_bytes() - before;
        row(
            &format!("{tickets} tickets"),
            format!("{:.1} bytes a ticket", bytes as f64 / f64::from(tickets)),
        );
        assert_eq!(inventory.availability().pools[0].sold, tickets, "everything is sold");
    }
}

fn sell_out(tickets: u32) -> Inventory {
    let mut inventory = opened(standing(tickets));
    for number in 0..u64::from(tickets) {
        let place = hold_command(number, 1);
        let hold = ClaimNumber(inventory.sequence().0 + 1);
        let key = |salt: u64| {
            let key = hold_command(u64::MAX - number * 2 - salt, 1).key;
            key.map(|key| IdempotencyKey { fingerprint: number, ..key })
        };
        let begin = CommandBody::BeginPayment { hold, provider: None, extra_subjects: vec![] };
        let confirm = CommandBody::Confirm { order: hold, payment: Payment::Free, attempt: None };
        let authority = place.authority;
        apply(&mut inventory, &place);
        apply(&mut inventory, &Command { authority, key: key(0), body: begin });
        apply(&mut inventory, &Command { authority: Authority::Organizer, key: key(1), body: confirm });
    }
    inventory
}

fn apply(inventory: &mut Inventory, command: &Command) {
    let key = command.key.as_ref().map(|key| KeyMark { digest: key.digest, fingerprint: key.fingerprint });
    match inventory.decide(SALE_OPENS_AT, command) {
        Ok(Decision::Accepted(body)) => inventory.apply(&Event { at: SALE_OPENS_AT, key, body }),
        refused => panic!("refused: {refused:?}"),
    }
}
