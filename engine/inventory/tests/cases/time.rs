//! What time does: the schedule, sale windows, and the order in which they fall due.

use tessera_inventory::Timestamp;

use crate::hall::{sponsored, standing};
use crate::script::{Runner, check, check_draft};
use crate::world::World;

#[test]
fn the_schedule_opens_and_closes_the_sale() {
    let mut config = standing();
    config.schedule.presale_at = Some(Timestamp(1_001_000));
    config.schedule.on_sale_at = Some(Timestamp(1_002_000));
    config.schedule.closes_at = Some(Timestamp(1_003_000));
    check_draft(
        config.clone(),
        "wait 500 => ok
         org phase Scheduled
         A hold 0*1 => WrongPhase { phase: Scheduled, command: PlaceHold, opens_at: Some(1001000) }
         wait 500 => PhaseChanged { to: Presale }
         A hold 0*1 => AccessCodeRequired
         wait 1000 => PhaseChanged { to: OnSale }
         A hold 0*1
         org phase Paused
         A renew 5 => RenewalsExhausted
         wait 1000 => PhaseChanged { to: Closed }
         A pay 5
         org phase OnSale => WrongPhase { phase: Closed, command: Open, opens_at: None }",
    );
    check_draft(
        config,
        "wait 5000 => ok
         org phase Scheduled
         wait 0 => PhaseChanged { to: Presale }; PhaseChanged { to: OnSale }; PhaseChanged { to: Closed }",
    );
}

#[test]
fn a_sale_for_those_with_a_code_closes_at_its_time_and_by_hand() {
    let mut config = standing();
    config.schedule.presale_at = Some(Timestamp(1_001_000));
    config.schedule.closes_at = Some(Timestamp(1_003_000));
    check_draft(
        config.clone(),
        "org phase Scheduled
         wait 1000 => PhaseChanged { to: Presale }
         wait 1999 => ok
         wait 1 => PhaseChanged { to: Closed }",
    );
    check_draft(
        config,
        "org phase Presale
         org phase Closed
         wait 5000 => ok",
    );
}

#[test]
fn time_does_nothing_to_a_draft() {
    let mut config = sponsored();
    config.channels[0].release_at = Some(Timestamp(1_000_500));
    config.ticket_types[0].window.opens_at = Some(Timestamp(1_000_500));
    check_draft(
        config,
        "wait 1000 => ok
         org phase Scheduled
         wait 0 => ChannelReleased { channel: ChannelId(0) }; SaleWindowChanged { ticket_type: TicketTypeId(0), open: true }",
    );
}

#[test]
fn a_sale_window_is_half_open() {
    let mut config = standing();
    config.ticket_types[0].window.opens_at = Some(Timestamp(1_001_000));
    config.ticket_types[0].window.closes_at = Some(Timestamp(1_002_000));
    check(
        config.clone(),
        "available 0 => false 0
         A hold 0*1 => NotOnSale { ticket_type: TicketTypeId(0), opens_at: Some(1001000) }
         wait 999 => ok
         wait 1 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: true }
         available 0 => true 10
         A hold 0*1
         wait 999
         wait 1 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: false }
         A hold 0*1 => NotOnSale { ticket_type: TicketTypeId(0), opens_at: None }
         A pay 4",
    );
    config.ticket_types[0].window.opens_at = Some(Timestamp(1_000_000));
    config.ticket_types[0].window.closes_at = None;
    check(config, "A hold 0*1");
}

#[test]
fn a_changed_window_opens_and_closes_by_the_calendar() {
    let mut config = standing();
    config.ticket_types[0].window.opens_at = Some(Timestamp(1_001_000));
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    let mut reconfigure = |runner: &mut Runner<'_>, opens_at: Option<u64>, closes_at: Option<u64>| {
        config.ticket_types[0].window.opens_at = opens_at.map(Timestamp);
        config.ticket_types[0].window.closes_at = closes_at.map(Timestamp);
        config.ticket_types[0].price_minor += 1;
        runner.configure(config.clone()).unwrap();
    };
    reconfigure(&mut runner, Some(1_001_000), None);
    runner.run(
        "org phase OnSale
         A hold 0*1 => NotOnSale { ticket_type: TicketTypeId(0), opens_at: Some(1001000) }",
    );
    // Its time has come, but time is not let in yet: another price does not open the sale.
    runner.world.now = 1_001_000;
    reconfigure(&mut runner, Some(1_001_000), None);
    runner.run(
        "available 0 => false 0
         wait 0 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: true }
         A hold 0*1",
    );
    reconfigure(&mut runner, None, Some(1_001_000));
    runner.run(
        "available 0 => true 9
         wait 0 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: false }",
    );
    reconfigure(&mut runner, None, None);
    runner.run(
        "available 0 => false 0
         wait 0 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: true }",
    );
    reconfigure(&mut runner, Some(1_005_000), None);
    runner.run(
        "A hold 0*1 => NotOnSale { ticket_type: TicketTypeId(0), opens_at: Some(1005000) }
         wait 3999 => ok
         wait 1 => SaleWindowChanged { ticket_type: TicketTypeId(0), open: true }
         A hold 0*1",
    );
    world.check_replay();
}

#[test]
fn the_calendar_comes_before_holds_of_the_same_instant() {
    let mut config = standing();
    config.schedule.closes_at = Some(Timestamp(1_060_000));
    check(
        config,
        "A hold 0*1 ms=60000
         B hold 0*1 ms=61000
         C hold 0*1 ms=60000
         wait 70000 => PhaseChanged { to: Closed }; Expired { through: (1061000, ClaimNumber(4)), count: 3 }",
    );
}
