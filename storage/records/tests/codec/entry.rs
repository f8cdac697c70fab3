//! Events of entry, by the names of their golden files.

use std::sync::Arc;

use tessera_inventory::*;

use crate::examples::{config, event};

const AT: u64 = 1_790_000_000_000;
const TICKET: TicketRef = TicketRef { order: ClaimNumber(4_711), index: 3 };

pub(crate) fn of_format_2() -> Vec<(&'static str, Event)> {
    let (ticket, gate) = (TICKET, 12);
    let way_out = EventBody::CheckedOut { ticket, gate, list: Some(0), stamped: true };
    vec![
        ("checked_in_by_a_list", event(EventBody::CheckedIn { ticket, gate, list: Some(2) })),
        ("checked_out_and_stamped", event(way_out)),
        ("ticket_reissued", event(EventBody::TicketReissued { ticket, generation: 4 })),
        ("scans_recorded", event(EventBody::ScansRecorded(scans()))),
        ("scans_recorded_in_dispute", event(EventBody::ScansRecorded(scans_in_dispute()))),
        (
            "configured_with_entry_lists",
            event(EventBody::Configured { version: 1, config: Arc::new(listed()) }),
        ),
    ]
}

fn scans() -> ScansRecorded {
    let inside = Scan {
        number: 41,
        at: Timestamp(AT - 60_000),
        gate: 12,
        ticket: TICKET,
        generation: 1,
        inward: true,
        admitted: true,
        list: Some(0),
    };
    let refused = Scan { number: 42, admitted: false, list: None, at: Timestamp(AT - 1), ..inside };
    let other = OtherPassage { at: Timestamp(AT - 90_000), gate: 3, device: 9 };
    let conflict = |kind, other| ScanConflict { scan: 0, kind, other };
    ScansRecorded {
        device: 7,
        scans: vec![inside, refused],
        conflicts: vec![
            conflict(ConflictKind::OldCode, None),
            conflict(ConflictKind::DoubleAdmission, Some(other)),
        ],
    }
}

fn scans_in_dispute() -> ScansRecorded {
    let conflicts = vec![ScanConflict { scan: 0, kind: ConflictKind::InDispute, other: None }];
    ScansRecorded { conflicts, ..scans() }
}

fn listed() -> Config {
    let list = EntryList {
        name: "Nordtor".into(),
        gates: vec![1, 12],
        types: vec![TicketTypeId(1)],
        re_entry: true,
        opens_at: Some(Timestamp(AT)),
        closes_at: None,
    };
    let others = EntryList {
        name: "Alle".into(),
        gates: Vec::new(),
        types: Vec::new(),
        re_entry: false,
        opens_at: None,
        closes_at: Some(Timestamp(AT + 7)),
    };
    Config { entry: vec![list, others], ..config() }
}
