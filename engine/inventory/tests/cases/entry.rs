//! Re-issue, entry lists, and what devices scanned offline.

use tessera_inventory::{
    Config, Event, EventBody, EventId, Inventory, SCANS_MAX, TicketKind, TicketRef, TicketTypeId, Timestamp,
};

use crate::hall::{seated, standing, ticket_type};
use crate::script::{Runner, check};
use crate::world::{START, World};

const SOLD: &str = "A hold 0*2 1[2,3]
    A pay 3
    sys confirm 3 captured";

/// Runs a script after A bought order 3: two standing tickets and seats 2 and 3.
fn check_sold(script: &str) {
    check(seated(), &format!("{SOLD}\n{script}"));
}

#[test]
fn a_reissue_kills_the_old_code_in_its_turn_and_changes_no_holder() {
    check_sold(
        "A reissue 3/2
         gate in 3/2 => CodeRevoked { generation: 1 }
         ticket 3/2 => TicketView { line: 1, seat: Some(SeatIndex(2)), holder: subject:00000000000000000000000000000041, \
         generation: 1, refunded: false, checked_in: None }
         B reissue 3/2 => TicketNotFound
         secret reissue 3/2
         org reissue 3/2
         gate reissue 3/2 => Forbidden
         gate in 3/2 generation=3
         A reissue 3/2 => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         A reissue 9/0 => TicketNotFound
         org refund 3 0 restock
         A reissue 3/0 => TicketRefunded",
    );
}

#[test]
fn an_upload_is_recorded_once() {
    check_sold(
        "gate scans 7 1:-5000:in:2:3/0 2:-4000:in:2:3/1 => ok 6
         gate in 3/0 => AlreadyCheckedIn { at: 995000, gate: 2, device: 7 }
         gate scans 7 1:-5000:in:2:3/0 2:-4000:in:2:3/1 => ScanNumbers { next: 3 }
         gate scans 7 2:-4000:in:2:3/1 3:-3000:out:2:3/1 => ok 7
         gate scans 7 5:-2000:in:2:3/1 => ScanNumbers { next: 4 }
         gate in 3/1
         gate scans 0 1:-1:in:1:3/0 => InvalidRequest(UnknownDevice)
         gate scans 8 => InvalidRequest(NoScans)
         gate scans 8 0:-1:in:1:3/0 => InvalidRequest(ScansOutOfOrder)
         gate scans 8 1:-1:in:1:3/0 3:-1:in:1:3/0 => InvalidRequest(ScansOutOfOrder)
         gate scans 8 2:-1:in:1:3/0 1:-1:in:1:3/0 => InvalidRequest(ScansOutOfOrder)
         A scans 8 1:-1:in:1:3/0 => Forbidden
         sys scans 8 1:-1:in:1:3/0 => Forbidden
         org phase Cancelled
         gate scans 8 1:-1:in:1:3/0",
    );
}

#[test]
fn an_upload_is_bounded() {
    let scans = |count: usize| {
        let scans: Vec<String> = (1..=count).map(|number| format!("{number}:-9:in:1:3/0:no")).collect();
        scans.join(" ")
    };
    check_sold(&format!(
        "gate scans 7 {} => InvalidRequest(TooManyScans)\ngate scans 7 {}",
        scans(SCANS_MAX + 1),
        scans(SCANS_MAX)
    ));
}

#[test]
fn two_devices_that_admit_one_ticket_make_one_conflict_with_both_sides() {
    check_sold(
        "gate scans 7 1:-5000:in:2:3/0
         conflicts =>
         gate scans 8 1:-3000:in:3:3/0
         conflicts => 1 DoubleAdmission -5000 gate 2 device 7
         gate scans 9 1:-4000:out:3:3/0
         conflicts =>
         gate in 3/0 => AlreadyCheckedIn { at: 997000, gate: 3, device: 8 }
         gate scans 8 2:-2000:in:3:3/0 3:-1900:out:3:3/0 4:-1800:in:4:3/0
         conflicts =>
         gate scans 8 5:-1700:in:3:3/0:no
         conflicts =>",
    );
}

#[test]
fn scenario_40_refund_and_admission_meet_by_the_order_of_the_log_or_in_a_conflict() {
    check_sold(
        "gate in 3/0
         org refund 3 0 restock => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         org refund 3 1 restock
         gate in 3/1 => TicketRefunded
         gate scans 7 1:-5000:in:2:3/1
         conflicts => 1 AfterRefund
         gate scans 8 1:-4000:in:2:3/2
         org refund 3 2 restock => AlreadyCheckedIn { at: 996000, gate: 2, device: 8 }",
    );
}

#[test]
fn what_contradicts_the_log_is_kept_and_said() {
    check_sold(
        "A transfer 3/0 to B
         gate scans 7 1:-5000:in:2:3/0 2:-4000:in:2:9/0 3:-3000:in:2:3/9 4:-2500:in:2:3/0:g1 5:-2000:in:2:3/1:g9
         conflicts => 1 OldCode; 2 UnknownTicket; 3 UnknownTicket
         gate in 3/0 generation=1 => AlreadyCheckedIn { at: 997500, gate: 2, device: 7 }
         gate in 3/1 => AlreadyCheckedIn { at: 998000, gate: 2, device: 7 }",
    );
}

#[test]
fn scenario_42_an_admission_while_the_payment_is_in_dispute_is_kept_and_said() {
    check_sold(
        "sys dispute 3 open
         gate in 3/0 => InDispute
         gate scans 7 1:-5000:in:2:3/0 2:-4000:in:2:3/1:no 3:-3000:out:2:3/2
         conflicts => 1 InDispute
         gate out 3/0
         gate in 3/0 => InDispute
         sys dispute 3 won
         gate scans 7 4:-2000:in:2:3/1
         conflicts =>
         sys dispute 3 open
         sys dispute 3 lost
         gate scans 7 5:-1000:in:2:3/2
         conflicts => 5 AfterRefund",
    );
}

#[test]
fn what_was_not_admitted_changes_nothing() {
    check_sold(
        "gate scans 7 1:-5000:in:2:3/0:no
         conflicts =>
         gate in 3/0",
    );
}

#[test]
fn a_fast_clock_loses_to_what_follows_online() {
    check_sold(
        "gate scans 7 1:900000:in:2:3/0
         gate out 3/0
         gate in 3/0
         gate scans 8 1:-9:out:2:3/0
         gate in 3/0 => AlreadyCheckedIn { at: 1000000, gate: 1, device: 0 }
         gate scans 7 2:-900000:out:2:3/1
         gate scans 7 3:-800000:in:2:3/1
         gate in 3/1 => AlreadyCheckedIn { at: 999999, gate: 2, device: 7 }",
    );
}

/// `standing` at gates 1 and 2, once; `vip` at gate 3 from a second later on, again and again; parking is an add-on.
fn listed() -> Config {
    let mut config = standing();
    config.ticket_types.push(ticket_type("vip", 9_000, &[0]));
    config.ticket_types.push(ticket_type("parking", 500, &[0]));
    config.ticket_types[2].kind = TicketKind::AddOn { with_admission_max: 0 };
    let list = |name: &str, gates: &[u16], of: u16, re_entry: bool, opens_at: Option<u64>| {
        let types = vec![TicketTypeId(of)];
        let opens_at = opens_at.map(Timestamp);
        tessera_inventory::EntryList {
            name: name.into(),
            gates: gates.to_vec(),
            types,
            re_entry,
            opens_at,
            closes_at: None,
        }
    };
    config.entry =
        vec![list("floor", &[2, 1], 0, false, None), list("lounge", &[3], 1, true, Some(START + 1_000))];
    config
}

#[test]
fn a_gate_admits_what_its_lists_say() {
    check(
        listed(),
        "A hold 0*1 1*1 2*1
         A pay 3
         sys confirm 3 captured
         gate in 3/0 gate=3 => NotAdmittedHere { gates: [1, 2], opens_at: None }
         gate in 3/1 gate=3 => NotAdmittedHere { gates: [3], opens_at: Some(1001000) }
         gate in 3/2 gate=1 => WrongKind
         gate in 3/0 gate=1
         gate out 3/0 gate=2
         gate in 3/0 gate=1 => NoReEntry { at: 1000000, gate: 2 }
         wait 1000
         gate in 3/1 gate=3
         gate out 3/1 gate=3
         gate in 3/1 gate=3
         gate scans 7 1:-50:in:9:3/1 2:-40:in:1:3/2 3:-30:in:1:3/0
         conflicts => 1 WrongGate; 1 DoubleAdmission 1000 gate 3 device 0; 2 WrongGate",
    );
}

#[test]
fn a_passage_says_which_list_counts_it() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(listed()).unwrap();
    runner.run(
        "org phase OnSale
         A hold 0*1 1*1
         A pay 3
         sys confirm 3 captured
         gate in 3/0 gate=2
         gate scans 7 1:-50:in:3:3/1 2:-40:out:9:3/1",
    );
    let lists: Vec<Option<u8>> = world.log.iter().fold(Vec::new(), |mut lists, event| {
        match &event.body {
            EventBody::CheckedIn { list, .. } => lists.push(*list),
            EventBody::ScansRecorded(record) => lists.extend(record.scans.iter().map(|scan| scan.list)),
            _ => {}
        }
        lists
    });
    assert_eq!(lists, [Some(0), Some(1), None]);
}

#[test]
fn lists_are_sound_keep_their_names_and_place() {
    let refused = |edit: fn(&mut Config), expected: &str| {
        let mut world = World::new();
        let mut runner = Runner { world: &mut world, keys: 0 };
        runner.configure(listed()).unwrap();
        runner.run("org phase OnSale");
        let mut config = listed();
        edit(&mut config);
        let refused = runner.configure(config).unwrap_err();
        assert!(format!("{refused:?}").contains(expected), "{refused:?}");
    };
    refused(|config| config.entry[1].name = "floor".into(), "entry[1].name");
    refused(|config| config.entry[0].types[0] = TicketTypeId(7), "entry[0].types[0]");
    refused(|config| config.entry[0].types[0] = TicketTypeId(2), "is an add-on");
    refused(|config| config.entry[0].gates.push(1), "entry[0].gates[2]");
    refused(|config| config.entry[1].closes_at = Some(Timestamp(START)), "entry[1]");
    refused(|config| config.entry.truncate(1), "cannot be taken away");
    refused(|config| config.entry[0].name = "ground".into(), "was named");
    refused(|config| config.entry = vec![config.entry[0].clone(); 65], "at most 64");
}

/// A log of format 1: the state that it led to then, as a digest, must be what it leads to now.
#[test]
fn a_way_out_of_format_1_leaves_nothing_behind() {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(seated()).unwrap();
    runner.run(&format!("org phase OnSale\n{SOLD}"));
    let mut log = world.log;
    let (ticket, gate) = (TicketRef { order: tessera_inventory::ClaimNumber(3), index: 0 }, 1);
    for body in [
        EventBody::CheckedIn { ticket, gate, list: None },
        EventBody::CheckedOut { ticket, gate, list: None, stamped: false },
        EventBody::CheckedIn { ticket: TicketRef { index: 1, ..ticket }, gate: 4, list: None },
    ] {
        assert_eq!(body.format(), 1);
        log.push(Event { at: Timestamp(START), key: None, body });
    }
    let mut inventory = Inventory::new(EventId(0xe));
    log.iter().for_each(|event| inventory.apply(event));
    inventory.check().unwrap();
    let image = inventory.export();
    assert_eq!((image.format(), image.passages.len(), image.devices.len()), (1, 0, 0));
    assert_eq!(image.checked_in, [1 | 4 << 32, START]);
    assert_eq!(format!("{:?}", inventory.digest()), DIGEST_THEN);
    let imported = Inventory::import(image).unwrap();
    assert_eq!(imported.digest(), inventory.digest());
}

/// Of the last commit that knew nothing of passages.
const DIGEST_THEN: &str = "3a2a95ef7222888ab4aacc25d0a07f5a";
