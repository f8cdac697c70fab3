//! Limits per subject, exact over live holds and orders.

use crate::hall::{standing, ticket_type};
use crate::script::{Runner, check};
use crate::world::World;

fn limited() -> tessera_inventory::Config {
    let mut config = standing();
    config.units_per_subject_max = Some(4);
    config
}

#[test]
fn holds_and_orders_count_together() {
    check(
        limited(),
        "A hold 0*2
         A pay 3
         sys confirm 3 captured
         A hold 0*2
         A hold 0*1 => LimitExceeded { ticket_type: None, limit: 4, used: 4 }
         B hold 0*1
         A release 6
         A hold 0*3 => LimitExceeded { ticket_type: None, limit: 4, used: 2 }
         A hold 0*2
         wait 600000
         A hold 0*2",
    );
}

#[test]
fn a_refund_restores_the_allowance_and_a_transfer_does_not() {
    check(
        limited(),
        "A hold 0*4
         A pay 3
         sys confirm 3 captured
         A transfer 3/0 to B
         A hold 0*1 => LimitExceeded { ticket_type: None, limit: 4, used: 4 }
         B hold 0*4
         B release 7
         org refund 3 1 restock
         A hold 0*1
         A hold 0*1 => LimitExceeded { ticket_type: None, limit: 4, used: 4 }",
    );
}

#[test]
fn every_subject_of_a_hold_counts() {
    check(
        limited(),
        "A hold 0*3 with=F
         B hold 0*2 with=F => LimitExceeded { ticket_type: None, limit: 4, used: 3 }
         B hold 0*1 with=F
         C hold 0*1
         C pay 5 with=F => LimitExceeded { ticket_type: None, limit: 4, used: 4 }
         C pay 5 with=G
         sys fail 5
         C pay 5 with=G
         sys confirm 5 captured
         D hold 0*4 with=G => LimitExceeded { ticket_type: None, limit: 4, used: 1 }
         org refund 5 0 restock
         D hold 0*4 with=G",
    );
}

/// The card of a failed payment is not charged, and leaves its place to others.
#[test]
fn a_failed_payment_forgets_whom_it_brought() {
    check(
        limited(),
        "A hold 0*3 with=F,G
         A pay 3 with=H
         D hold 0*2 with=H => LimitExceeded { ticket_type: None, limit: 4, used: 3 }
         A pay 3 with=I => WrongState { state: PaymentInFlight }
         sys fail 3
         D hold 0*2 with=H
         A pay 3 with=H => LimitExceeded { ticket_type: None, limit: 4, used: 2 }
         A pay 3 with=I
         sys confirm 3 captured
         E hold 0*2 with=I => LimitExceeded { ticket_type: None, limit: 4, used: 3 }",
    );
}

#[test]
fn a_lowered_limit_is_not_retroactive_at_the_till() {
    let mut config = standing();
    config.units_per_subject_max = Some(4);
    config.ticket_types[0].per_subject_max = Some(4);
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config.clone()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*4
         B hold 0*1 with=G",
    );
    config.units_per_subject_max = Some(2);
    config.ticket_types[0].per_subject_max = Some(2);
    runner.configure(config).unwrap();
    runner.run(
        "A pay 3 with=G => LimitExceeded { ticket_type: None, limit: 2, used: 1 }
         A pay 3 with=F
         sys confirm 3 captured
         C hold 0*1 with=F => LimitExceeded { ticket_type: None, limit: 2, used: 4 }",
    );
    world.check_replay();
}

#[test]
fn limits_per_type_count_their_type() {
    let mut config = standing();
    config.ticket_types.push(ticket_type("reduced", 1_000, &[0]));
    config.ticket_types[1].per_subject_max = Some(1);
    check(
        config,
        "A hold 0*2 1*1
         A hold 1*1 => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 1, used: 1 }
         A hold 0*2
         A release 3
         A hold 1*2 => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 1, used: 0 }
         A hold 1*1 with=F
         B hold 1*1
         B pay 7 with=F => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 1, used: 1 }
         A pay 6
         sys confirm 6 captured
         A hold 1*1 => LimitExceeded { ticket_type: Some(TicketTypeId(1)), limit: 1, used: 1 }
         org refund 6 0 kill
         A hold 1*1",
    );
}
