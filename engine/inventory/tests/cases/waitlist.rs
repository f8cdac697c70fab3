//! Who waits: joining and leaving, who is offered what returns, and who must wait for those.

use tessera_inventory::{AccessCode, Config, PoolId, TicketTypeId, WaitlistOrder, WaitlistPolicy};

use crate::hall::{seated, sponsored, standing, ticket_type};
use crate::script::{Runner, check};
use crate::world::World;

/// The same with a waitlist.
fn waited_for(mut config: Config, edit: impl FnOnce(&mut WaitlistPolicy)) -> Config {
    let mut policy = WaitlistPolicy::default();
    edit(&mut policy);
    config.waitlist = Some(Box::new(policy));
    config
}

fn plain() -> Config {
    waited_for(standing(), |_| {})
}

fn accumulating() -> Config {
    waited_for(standing(), |policy| {
        policy.order = WaitlistOrder::Accumulate;
        policy.patience_ms = 60_000;
    })
}

#[test]
fn scenario_48_an_offer_has_one_winner_and_the_next_is_offered_once() {
    check(
        plain(),
        "A hold 0*4
         B hold 0*4
         A pay 3
         B pay 4
         sys confirm 3 captured
         sys confirm 4 captured
         C hold 0*2
         D join 0*2 => ok 10
         E join 0*2 => ok 11
         serve => ok
         C release 9
         serve => offer 13 to 10: 0*2
         serve => ok
         E pay 13 => HoldNotFound
         D renew 13 => RenewalsExhausted
         D pay 13
         D pay 13 => WrongState { state: PaymentInFlight }
         sys fail 13
         D leave 10 => EntryNotFound
         wait 600000 => Expired { through: (1600000, ClaimNumber(13)), count: 1 }
         F hold 0*2 => WaitlistAhead { ticket_type: TicketTypeId(0) }
         available 0 => true 0
         serve => offer 17 to 11: 0*2
         serve => ok
         D pay 13 => HoldExpired { hold: ClaimNumber(13) }
         sys confirm 13 captured => HoldExpired { hold: ClaimNumber(13) }
         E pay 17
         sys confirm 17 captured
         D join 0*2 => ok 20",
    );
}

#[test]
fn whatever_returns_is_offered() {
    let mut larger = plain();
    larger.pools[0].capacity = 12;
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(plain()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*4
         A pay 3
         sys confirm 3 captured
         B hold 0*4
         org kill 0*2
         C join 0*2 => ok 8
         D join 0*2 => ok 9
         E join 0*2 => ok 10
         F join 0*2 => ok 11
         org refund 3 0,1 restock
         serve => offer 13 to 8: 0*2
         org restore 0*2
         serve => offer 15 to 9: 0*2
         wait 600000 => Expired { through: (1600000, ClaimNumber(15)), count: 3 }
         serve => offer 17 to 10: 0*2; offer 18 to 11: 0*2
         available 0 => true 4
         G hold 0*4
         H join 0*2 => ok 20",
    );
    runner.configure(larger).unwrap();
    runner.run("serve => offer 22 to 20: 0*2");
    world.check_replay();
}

#[test]
fn kills_that_wait_come_before_who_waits() {
    check(
        plain(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*2 => ok 6
         org kill 0*3
         A release 3
         serve => ok
         available 0 => true 1
         C release 5
         serve => offer 10 to 6: 0*2",
    );
}

#[test]
fn a_pair_may_pass_a_group_that_does_not_fit() {
    check(
        plain(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*4 => ok 6
         E join 0*2 => ok 7
         F join 0*1 => ok 8
         C release 5
         serve => offer 10 to 7: 0*2
         A release 3
         serve => offer 12 to 6: 0*4
         G hold 0*1 => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 0, may_return: true }
         F leave 8
         org leave 8 => EntryNotFound",
    );
}

#[test]
fn units_are_kept_for_the_head_for_as_long_as_the_organizer_has_patience() {
    check(
        accumulating(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*4 => ok 6
         E join 0*2 => ok 7
         C release 5
         serve => ok
         F hold 0*1 => WaitlistAhead { ticket_type: TicketTypeId(0) }
         available 0 => true 0
         wait 59999 => ok
         wait 1 => WaitlistPatienceEnded { ticket_type: TicketTypeId(0) }
         serve => offer 10 to 7: 0*2
         A release 3
         serve => offer 12 to 6: 0*4",
    );
    // A new head has patience of its own; who has waited for nothing needs none.
    check(
        accumulating(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*4 => ok 6
         E join 0*3 => ok 7
         C release 5
         serve => ok
         wait 60000 => WaitlistPatienceEnded { ticket_type: TicketTypeId(0) }
         serve => ok
         F hold 0*1 => ok 10
         D leave 6
         serve => ok
         F hold 0*1 => WaitlistAhead { ticket_type: TicketTypeId(0) }
         wait 60000 => WaitlistPatienceEnded { ticket_type: TicketTypeId(0) }
         F hold 0*1 => ok 13
         F release 13
         F release 10
         A release 3
         serve => offer 17 to 7: 0*3",
    );
}

#[test]
fn an_entry_is_served_by_one_of_its_choices_and_leaves_all() {
    let mut config = plain();
    config.pools.push(crate::hall::pool("balcony", 2));
    config.ticket_types.push(ticket_type("balcony", 1_000, &[1]));
    check(
        config,
        "A hold 0*4
         B hold 0*4
         C hold 0*2 1*2
         D join 0*2 1*2 => ok 6
         E join 1*2 => ok 7
         F join 0*3 1*1 => ok 8
         C release 5
         serve => offer 10 to 6: 0*2; offer 11 to 7: 1*2
         E release 11
         serve => offer 13 to 8: 1*1",
    );
}

#[test]
fn groups_sit_together_unless_they_accept_to_be_split() {
    check(
        waited_for(seated(), |_| {}),
        "A hold 1[0,1,2,3]
         B hold 1[4,5,6,7]
         C join 1~4 => ok 5
         D join 1~2 split => ok 6
         E join 2~2 => AvailableNow { ticket_type: TicketTypeId(2) }
         E join 2~2 accessible=1 => AvailableNow { ticket_type: TicketTypeId(2) }
         A release 3
         serve => offer 8 to 5: 1*4[0, 1, 2, 3]
         B pay 4
         sys confirm 4 captured
         org refund 4 0 restock
         serve => ok
         org refund 4 3 restock
         serve => offer 13 to 6: 1*2[4, 7]
         org hold 2~2 accessible=1 for=X
         G join 2~2 accessible=1 => ok 15
         org release 14
         serve => offer 17 to 15: 2*2[8, 9]",
    );
}

#[test]
fn seats_that_leave_may_let_a_group_in() {
    // Two of three would leave one alone; two of two leave nobody.
    check(
        waited_for(seated(), |_| {}),
        "A hold 1[0,1,2,3]
         B hold 1[4,5,6,7]
         B pay 4
         sys confirm 4 captured
         C join 1~2 => ok 7
         org refund 4 1,2,3 kill
         org restore [5,6,7]
         serve => ok
         D hold 1[5]
         serve => offer 11 to 7: 1*2[6, 7]",
    );
}

#[test]
fn who_has_reached_a_limit_or_pays_less_is_ended() {
    let mut config = plain();
    config.units_per_subject_max = Some(4);
    check(
        config.clone(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*2 with=E => ok 6
         E join 0*1 => AlreadyWaiting { entry: EntryNumber(6) }
         F join 0*2 => ok 7
         A join 0*1 => LimitExceeded { ticket_type: None, limit: 4, used: 4 }
         org hold 0*1 for=D => SoldOut { line: 0, pool: Some(PoolId(0)), remaining: 0, may_return: true }
         C release 5
         serve => offer 9 to 6: 0*2
         E join 0*3 => LimitExceeded { ticket_type: None, limit: 4, used: 2 }
         E join 0*2 => ok 10
         B release 4
         serve => offer 12 to 7: 0*2; offer 13 to 10: 0*2
         E join 0*1 => LimitExceeded { ticket_type: None, limit: 4, used: 4 }",
    );
    let mut dearer = config.clone();
    dearer.ticket_types[0].price_minor = 2_500;
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*2 max=1999 => PriceChanged { ticket_type: TicketTypeId(0), price_minor: 2000 }
         D join 0*2 => ok 6
         E join 0*2 max=2500 => ok 7
         C release 5",
    );
    runner.configure(dearer.clone()).unwrap();
    runner.run("serve => left 6 Price; offer 11 to 7: 0*2");
    runner.run("F join 0*2 => ok 12");
    dearer.waitlist = None;
    runner.configure(dearer).unwrap();
    runner.run(
        "serve => left 12 Closed
         F join 0*2 => WaitlistClosed",
    );
    world.check_replay();
}

#[test]
fn a_limit_that_was_reached_meanwhile_ends_the_entry() {
    let mut config = plain();
    config.ticket_types[0].per_subject_max = Some(3);
    let mut lower = config.clone();
    lower.ticket_types[0].per_subject_max = Some(2);
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*3
         B hold 0*3
         C hold 0*3
         D hold 0*1
         D join 0*2 => ok 7
         E join 0*2 => ok 8
         A release 3",
    );
    runner.configure(lower).unwrap();
    runner.run("serve => left 7 Limit; offer 12 to 8: 0*2");
    world.check_replay();
}

#[test]
fn a_limit_of_one_choice_leaves_the_others() {
    let mut config = plain();
    config.pools.push(crate::hall::pool("balcony", 4));
    config.ticket_types.push(ticket_type("balcony", 1_000, &[1]));
    config.ticket_types[0].per_subject_max = Some(3);
    let mut lower = config.clone();
    lower.ticket_types[0].per_subject_max = Some(2);
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(config).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*3
         B hold 0*3
         C hold 0*3
         D hold 0*1
         F hold 1*4
         D join 0*2 1*4 => ok 8
         E join 0*2 1*4 => ok 9
         A release 3
         F release 7",
    );
    runner.configure(lower).unwrap();
    runner.run("serve => offer 13 to 8: 1*4; offer 14 to 9: 0*2");
    world.check_replay();
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let mut config = waited_for(seated(), |policy| {
        policy.types = vec![TicketTypeId(0), TicketTypeId(1)];
        policy.entries_max = 1;
    });
    config.ticket_types.push(ticket_type("hidden", 1_000, &[0]));
    config.ticket_types[3].access_code = Some(AccessCode(9));
    check(
        config,
        "A join => InvalidRequest(NoLines)
         A join 0*0 => InvalidRequest(ZeroQuantity)
         A join 0*1 0*2 => InvalidRequest(Duplicate)
         A join 0*1 with=A => InvalidRequest(Duplicate)
         A join 0*1 1~1 2~1 3*1 9*1 => InvalidRequest(TooManyLines)
         A join 9*1 => InvalidRequest(UnknownTicketType)
         A join 2~1 => WaitlistClosed
         A join 3*1 => WaitlistClosed
         A join 0~1 => InvalidRequest(WrongKindOfLine)
         A join 1*1 => InvalidRequest(WrongKindOfLine)
         A join 0*5 => OrderSize { ticket_type: TicketTypeId(0), min: 1, max: 4 }
         A join 0*1 priority=1 => Forbidden
         A join 0*1 for=B => Forbidden
         gate join 0*1 for=B => Forbidden
         A join 0*4 => AvailableNow { ticket_type: TicketTypeId(0) }
         A leave 1 => EntryNotFound
         org kill 0*7
         A join 0*4 => ok 4
         B join 0*4 => WaitlistFull { entries_max: 1 }
         B leave 4 => EntryNotFound
         gate leave 4 => Forbidden
         secret leave 4 => ok 5",
    );
    check(standing(), "A join 0*1 => WaitlistClosed");
}

#[test]
fn a_lower_priority_stands_first() {
    check(
        plain(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         D join 0*2 => ok 6
         org join 0*2 for=E priority=7 => ok 7
         org join 0*2 for=F priority=200 => ok 8
         C release 5
         A release 3
         serve => offer 11 to 7: 0*2; offer 12 to 6: 0*2; offer 13 to 8: 0*2",
    );
}

#[test]
fn a_pause_keeps_the_line_and_the_end_of_the_sale_ends_it() {
    check(
        plain(),
        "A hold 0*4
         B hold 0*4
         C hold 0*2
         org phase Paused
         D join 0*2 => ok 7
         E join 0*2 => ok 8
         C release 5
         serve => ok
         F join 0*1 => AvailableNow { ticket_type: TicketTypeId(0) }
         org phase OnSale
         serve => offer 11 to 7: 0*2
         org phase Closed
         serve => ok
         E leave 8 => EntryNotFound
         E join 0*2 => WrongPhase { phase: Closed, command: JoinWaitlist, opens_at: None }",
    );
}

#[test]
fn a_channel_keeps_what_is_its_own() {
    check(
        waited_for(sponsored(), |_| {}),
        "A hold 0*4
         B hold 0*3
         S hold 0*3 code=7
         D join 0*2 => ok 6
         S release 5
         serve => ok
         S hold 0*1 code=7 => ok 8
         org channel 0
         S hold 0*1 code=7 => WaitlistAhead { ticket_type: TicketTypeId(0) }
         serve => offer 10 to 6: 0*2",
    );
}

#[test]
fn types_of_one_pool_wait_for_each_other() {
    let mut config = plain();
    config.ticket_types.push(ticket_type("reduced", 1_000, &[0]));
    config.ticket_types.push(ticket_type("other", 1_000, &[1]));
    config.pools.push(crate::hall::pool("terrace", 5));
    config.ticket_types[1].draws_on = vec![PoolId(0)];
    check(
        config,
        "A hold 0*4
         B hold 1*4
         C hold 0*2
         D join 1*2 => ok 6
         E join 0*2 => ok 7
         B release 4
         F hold 0*1 => WaitlistAhead { ticket_type: TicketTypeId(0) }
         F hold 2*1 => ok 9
         serve => offer 10 to 6: 1*2; offer 11 to 7: 0*2",
    );
}
