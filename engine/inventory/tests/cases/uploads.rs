//! Any order in which devices upload what they scanned, in parts of any size, ends in the same register.

use proptest::prelude::*;
use tessera_inventory::{
    Authority, ClaimNumber, Command, CommandBody, Decision, Event, EventBody, Image, Inventory, Scan,
    TicketRef, Timestamp,
};

use crate::hall::standing;
use crate::script::Runner;
use crate::world::{START, World};

const ORDER: ClaimNumber = ClaimNumber(3);
const DEVICES: usize = 3;

/// Four sold tickets, one of them in.
fn sold() -> Inventory {
    let mut world = World::new();
    let mut runner = Runner { world: &mut world, keys: 0 };
    runner.configure(standing()).unwrap();
    runner.run("org phase OnSale\nA hold 0*4\nA pay 3\nsys confirm 3 captured\ngate in 3/0 gate=9");
    world.inventory
}

/// What each device scanned, in its order: times may go back, as clocks do.
fn streams() -> impl Strategy<Value = Vec<Vec<Scan>>> {
    let one = (0_u64..40, 0_u16..3, 0_u16..5, any::<bool>(), prop::bool::weighted(0.9));
    let stream = prop::collection::vec(one, 0..9).prop_map(|scans| {
        let scan = |(number, (later, gate, index, inward, admitted))| Scan {
            number,
            at: Timestamp(START - 20 + later),
            gate,
            ticket: TicketRef { order: ORDER, index },
            generation: 0,
            inward,
            admitted,
            list: None,
        };
        (1..).zip(scans).map(scan).collect()
    });
    prop::collection::vec(stream, DEVICES)
}

/// Which device uploads next, and how much of what it has, some of which it may have told before.
fn schedule() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
    prop::collection::vec((0..DEVICES, 1_usize..5, 0_usize..3), 0..20)
}

fn record(inventory: &mut Inventory, device: usize, scans: Vec<Scan>) {
    let now = Timestamp(START + 1_000);
    let device = u32::try_from(device).unwrap() + 1;
    let body = CommandBody::RecordScans { device, scans };
    match inventory.decide(now, &Command { authority: Authority::Scanner, key: None, body }) {
        Ok(Decision::Accepted(body)) => {
            assert!(matches!(body, EventBody::ScansRecorded(_)));
            inventory.apply(&Event { at: now, key: None, body });
        }
        Err(tessera_inventory::Rejection::ScanNumbers { .. }) => {}
        other => panic!("an upload is not answered so: {other:?}"),
    }
    inventory.check().unwrap();
}

/// The register after uploads by this schedule, and then of what is left.
fn uploaded(streams: &[Vec<Scan>], schedule: &[(usize, usize, usize)]) -> Image {
    let mut inventory = sold();
    let mut told = [0; DEVICES];
    for &(device, count, again) in schedule {
        let from = told[device].min(streams[device].len());
        let until = (from + count).min(streams[device].len());
        let scans = streams[device][from.saturating_sub(again)..until].to_vec();
        if !scans.is_empty() {
            record(&mut inventory, device, scans);
        }
        told[device] = until;
    }
    for (device, stream) in streams.iter().enumerate() {
        if !stream.is_empty() {
            record(&mut inventory, device, stream.clone());
        }
    }
    inventory.export()
}

proptest! {
    #[test]
    fn any_order_of_uploads_ends_in_the_same_register(
        streams in streams(),
        one in schedule(),
        other in schedule(),
    ) {
        let [one, other] = [one, other].map(|schedule| uploaded(&streams, &schedule));
        prop_assert_eq!(&one.passages, &other.passages);
        prop_assert_eq!(&one.checked_in, &other.checked_in);
        prop_assert_eq!(&one.devices, &other.devices);
        prop_assert_eq!(&one.tickets, &other.tickets);
    }
}
