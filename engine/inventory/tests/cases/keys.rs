//! Idempotency keys: one effect each.

use tessera_inventory::{KEY_RETENTION_MS, TicketTypeId};

use crate::hall::standing;
use crate::script::check;

#[test]
fn the_same_request_has_one_effect() {
    check(
        standing(),
        "A hold 0*1 key=1/1 => ok 3
         A hold 0*1 key=1/1 => repeated 3
         A hold 0*2 key=1/2 => KeyReused
         A hold 0*11 key=2/1 => OrderSize { ticket_type: TicketTypeId(0), min: 1, max: 4 }
         A hold 0*2 key=2/2 => ok 4
         pool 0 => 7 3 0 0",
    );
}

#[test]
fn a_repeated_request_is_answered_before_the_phase() {
    check(
        standing(),
        "A hold 0*1 key=1/1 => ok 3
         A pay 3 key=2/1
         sys confirm 3 captured key=3/1
         org phase Paused
         A hold 0*1 key=1/1 => repeated 3
         org phase Cancelled key=4/1
         org phase Cancelled key=4/1 => repeated 7
         A pay 3 key=2/1 => repeated 4",
    );
}

#[test]
fn an_old_key_without_a_record_is_refused() {
    let later = format!(
        "A hold 0*1 key=1/1 minted=1000000 => ok 3
         wait {KEY_RETENTION_MS}
         B hold 0*1 key=2/1 minted=1000000 => ok 5
         wait 1
         C hold 0*1 key=3/1 minted=1000000 => KeyExpired
         C hold 0*1 key=3/1 minted=1000001 => ok 6
         A hold 0*1 key=1/1 minted=1000000 => repeated 3"
    );
    check(standing(), &later);
}

/// 1,024 records leave together once the youngest of them is a day old; those of orders stay.
#[test]
fn scenario_44_records_of_holds_leave_after_a_day_and_those_of_orders_stay() {
    let mut config = standing();
    config.ticket_types[usize::from(TicketTypeId(0).0)].per_order_max = 1;
    let churn: String = (0..600).map(|at| format!("A hold 0*1\nA release {}\n", 2 * at + 6)).collect();
    let script = format!(
        "A hold 0*1 key=1/1 => ok 3
         A pay 3 key=2/1
         sys confirm 3 captured key=3/1
         {churn}
         wait {KEY_RETENTION_MS}
         A hold 0*1 key=1/1 => repeated 3
         wait 1
         B hold 0*1
         A hold 0*1 key=1/1
         A pay 3 key=2/1 => repeated 4
         sys confirm 3 captured key=3/1 => repeated 5
         C hold 0*1 key=9/9 minted=999999 => KeyExpired"
    );
    check(config, &script);
}
