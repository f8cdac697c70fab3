//! Defects that the machine found, each as the shortest story that shows it.

use std::sync::Arc;

use tessera_inventory::{
    Authority, Command, CommandBody, Config, Decision, Event, EventId, HoldPolicy, Inventory, LineRequest,
    Phase, PlaceHold, Pool, PoolId, Rejection, SaleWindow, Schedule, SeatingPolicy, Subject, Subjects,
    TicketType, TicketTypeId, Want,
};

use crate::world::{BEGINNING, subject};

/// A standing area of ten, with a limit of two per subject.
pub(crate) fn standing() -> Config {
    Config {
        currency: *b"EUR",
        pools: vec![Pool { name: "floor".into(), capacity: 10 }],
        categories: vec![],
        sections: vec![],
        rows: Arc::from([]),
        channels: vec![],
        ticket_types: vec![TicketType {
            name: "standing".into(),
            price_minor: 0,
            window: SaleWindow::default(),
            per_order_min: 1,
            per_order_max: 10,
            per_subject_max: Some(2),
            access_code: None,
            category: None,
            draws_on: vec![PoolId(0)],
            kind: tessera_inventory::TicketKind::Admission,
        }],
        units_per_subject_max: None,
        hold: HoldPolicy::default(),
        seating: SeatingPolicy { stranding_allowed: true, companions_max: 0, accessible_released: false },
        schedule: Schedule::default(),
        tariff: None,
        entry: Vec::new(),
        waitlist: None,
    }
}

/// Asks, and lets what was accepted happen.
fn ask(inventory: &mut Inventory, authority: Authority, body: CommandBody) -> Result<(), Rejection> {
    let decision = inventory.decide(BEGINNING, &Command { authority, key: None, body })?;
    let Decision::Accepted(body) = decision else { panic!("a command without a key was repeated") };
    inventory.apply(&Event { at: BEGINNING, key: None, body });
    Ok(())
}

fn opened(config: Config) -> Inventory {
    let mut inventory = Inventory::new(EventId(1));
    let configure = CommandBody::Configure { expected_version: 0, config: Arc::new(config) };
    ask(&mut inventory, Authority::Organizer, configure).unwrap();
    ask(&mut inventory, Authority::Organizer, CommandBody::ChangePhase { to: Phase::OnSale }).unwrap();
    inventory
}

fn hold(inventory: &mut Inventory, primary: Subject, want: Want) -> Result<(), Rejection> {
    let request = PlaceHold {
        subjects: Subjects { primary, extra: vec![] },
        lines: vec![LineRequest { ticket_type: Some(TicketTypeId(0)), expected_price_minor: None, want }],
        access_code: None,
        channel: None,
        duration_ms: None,
        promotion: None,
        expected_total_minor: None,
    };
    ask(inventory, Authority::Subject(primary), CommandBody::PlaceHold(request))
}

#[test]
fn limits_by_type_survive_a_snapshot() {
    let mut inventory = opened(standing());
    hold(&mut inventory, subject(1), Want::Quantity(2)).unwrap();
    let mut read = Inventory::import(inventory.export()).unwrap();
    let refused = hold(&mut read, subject(1), Want::Quantity(1)).unwrap_err();
    assert_eq!(refused, Rejection::LimitExceeded { ticket_type: Some(TicketTypeId(0)), limit: 2, used: 2 });
}
