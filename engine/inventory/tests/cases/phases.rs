//! Every cell of the table *phase × command*.

use tessera_inventory::{Config, Inventory, PHASE_TABLE, Phase, PhaseCommand, Rejection, Timestamp};

use crate::hall::sponsored;
use crate::script::Runner;
use crate::world::World;

/// The event in a phase, reached with a hold (3), a payment in flight (4), a paid order (5) and a hold that
/// has ended (6) where holds are possible.
fn world_in(phase: Phase) -> World {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(Config { waitlist: Some(Box::default()), ..sponsored() }).unwrap();
    match phase {
        Phase::Draft => {}
        Phase::Scheduled => runner.run("org phase Scheduled"),
        _ => runner.run(
            "org phase Presale
             org hold 0*1 for=A
             org hold 0*1 for=A
             org hold 0*1 for=A
             org hold 0*1 for=A
             org release 6
             A pay 4
             A pay 5
             sys confirm 5 captured
             org kill 0*1",
        ),
    }
    match phase {
        Phase::OnSale | Phase::Paused | Phase::Closed => runner.run("org phase OnSale"),
        Phase::Cancelled => runner.run("org phase Cancelled"),
        _ => {}
    }
    match phase {
        Phase::Paused => runner.run("org phase Paused"),
        Phase::Closed => runner.run("org phase Closed"),
        _ => {}
    }
    runner.run("wait 1");
    world
}

/// A command of each kind that nothing but the phase could refuse.
fn line_of(command: PhaseCommand, phase: Phase) -> &'static str {
    match command {
        PhaseCommand::Configure => "org configure",
        PhaseCommand::Schedule => "org phase Scheduled",
        PhaseCommand::OpenPresale => "org phase Presale",
        PhaseCommand::Open => "org phase OnSale",
        PhaseCommand::Pause => "org phase Paused",
        PhaseCommand::Close => "org phase Closed",
        PhaseCommand::Cancel => "org phase Cancelled",
        PhaseCommand::PlaceHold => "org hold 0*1 for=B",
        PhaseCommand::RenewHold => "A renew 3",
        PhaseCommand::ReleaseHold => "A release 3",
        PhaseCommand::BeginPayment => "A pay 3",
        PhaseCommand::PaymentFailed => "sys fail 4",
        PhaseCommand::Confirm => "sys confirm 4 captured",
        PhaseCommand::RefundTickets => "org refund 5 0 restock",
        PhaseCommand::Kill => "org kill 0*1",
        PhaseCommand::Restore if matches!(phase, Phase::Draft | Phase::Scheduled) => "org restore 0*9",
        PhaseCommand::Restore => "org restore 0*1",
        PhaseCommand::ReleaseChannel => "org channel 0",
        PhaseCommand::TransferTicket => "A transfer 5/0 to B",
        PhaseCommand::CheckIn => "gate in 5/0",
        PhaseCommand::CheckOut => "gate out 5/0",
        PhaseCommand::SellLate => "sys late 6",
        PhaseCommand::SetDispute => "sys dispute 5 open",
        PhaseCommand::ReissueTicket => "A reissue 5/0",
        PhaseCommand::RecordScans => "gate scans 7 1:-5:in:1:5/0",
        PhaseCommand::JoinWaitlist => "B join 0*4",
        PhaseCommand::LeaveWaitlist => "A leave 1",
    }
}

fn outcome(world: &mut World, command: PhaseCommand, phase: Phase) -> String {
    let mut runner = Runner { world, keys: 1 << 20 };
    if command == PhaseCommand::Configure {
        return match runner.configure(sponsored()) {
            Ok(_) => "ok".to_owned(),
            Err(rejection) => format!("{rejection:?}"),
        };
    }
    runner.line(line_of(command, phase))
}

/// What is admitted when, written by hand from what a sale needs: draft, scheduled, presale, on sale, paused, closed, cancelled.
const BY_HAND: &str = "
    Configure       yes yes yes yes yes  -   -
    Schedule        yes  -   -   -   -   -   -
    OpenPresale     yes yes  -   -   -   -   -
    Open            yes yes yes  -  yes  -   -
    Pause            -   -   -  yes  -   -   -
    Close            -   -  yes yes yes  -   -
    Cancel          yes yes yes yes yes yes  -
    PlaceHold        -   -  yes yes  -   -   -
    RenewHold        -   -  yes yes yes  -   -
    ReleaseHold      -   -  yes yes yes yes  -
    BeginPayment     -   -  yes yes yes yes  -
    PaymentFailed    -   -  yes yes yes yes  -
    Confirm          -   -  yes yes yes yes  -
    RefundTickets    -   -  yes yes yes yes yes
    Kill            yes yes yes yes yes yes  -
    Restore         yes yes yes yes yes yes  -
    ReleaseChannel  yes yes yes yes yes yes  -
    TransferTicket   -   -  yes yes yes yes  -
    CheckIn          -   -  yes yes yes yes  -
    CheckOut         -   -  yes yes yes yes  -
    SellLate         -   -  yes yes  -  yes  -
    SetDispute       -   -  yes yes yes yes yes
    ReissueTicket    -   -  yes yes yes yes  -
    RecordScans     yes yes yes yes yes yes yes
    JoinWaitlist     -   -  yes yes yes  -   -
    LeaveWaitlist    -  yes yes yes yes yes yes";

/// The cells of a command's row, in the order of the phases.
fn by_hand(command: PhaseCommand) -> Vec<bool> {
    let rows = BY_HAND.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.into_iter().find(|row| row.first() == Some(&&*format!("{command:?}")));
    row.expect("every command has a row")[1..].iter().map(|&cell| cell == "yes").collect()
}

#[test]
fn the_engine_admits_what_the_table_by_hand_says() {
    for (command, cells) in PHASE_TABLE {
        let admitted = by_hand(command);
        assert_eq!(cells.as_slice(), admitted, "the public table, {command:?}");
        for (phase, admits) in Phase::ALL.into_iter().zip(admitted) {
            let mut world = world_in(phase);
            let outcome = outcome(&mut world, command, phase);
            let refused = format!("{:?}", Rejection::WrongPhase { phase, command, opens_at: None });
            assert_eq!(outcome != refused, admits, "{phase:?} × {command:?}: {outcome}");
            let by_itself = ["EntryNotFound", "NotCheckedIn", "NothingToRestore { killed: 0 }"];
            let sound = outcome == refused || outcome.starts_with("ok") || by_itself.contains(&&*outcome);
            assert!(sound, "{phase:?} × {command:?}: {outcome}");
        }
    }
}

#[test]
fn nothing_opens_before_a_configuration() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.run(
        "org phase Scheduled => InvalidConfig(ConfigError { path: \"\", \
         problem: \"the event has no configuration yet; configure it first\" })
         A hold 0*1 => WrongPhase { phase: Draft, command: PlaceHold, opens_at: None }
         org kill 0*1 => InvalidRequest(UnknownPool)
         org phase Cancelled",
    );
    let fresh = Inventory::new(tessera_inventory::EventId(1));
    assert_eq!((fresh.config(), fresh.next_due_at()), (None, None));
    assert_eq!(fresh.logged_at(), Timestamp(0));
}
