//! Halls drawn as text.
//!
//! A line is a row; `|` is an aisle; `/` at the start of a line begins the next section. Seats stand 500 mm apart (an
//! aisle is 1 m wide) in rows 900 mm apart.
//! `.` free, `x` sold, `h` held, `k` killed, `a` wheelchair space, `A` a sold one, `c` companion seat, `C` a sold one,
//! `2` free of the second category, `p` free of the promoter's channel, `P` a sold one of it.

use std::sync::Arc;

use super::super::Seating;
use crate::{
    AccessCode, Category, CategoryId, Channel, ChannelId, Config, HoldPolicy, Point, Row, Schedule, Seat,
    SeatIndex, SeatState, SeatingPolicy, SectionId,
};

pub(super) const STRICT: SeatingPolicy =
    SeatingPolicy { stranding_allowed: false, companions_max: 2, accessible_released: false };

pub(super) fn config(rows: Vec<Row>, focal_points: &[Point], channels: u8, seating: SeatingPolicy) -> Config {
    let sections = rows.iter().map(|row| row.section.0 + 1).max().unwrap_or(0);
    let category =
        |(n, &focal_point): (usize, _)| Category { name: format!("category {n}").into(), focal_point };
    let channel = |n: u8| Channel {
        name: format!("channel {n}").into(),
        code: AccessCode(u128::from(n)),
        allotments: vec![],
        release_at: None,
    };
    Config {
        currency: *b"EUR",
        pools: vec![],
        categories: focal_points.iter().enumerate().map(category).collect(),
        sections: (0..sections).map(|n| format!("section {n}").into()).collect(),
        rows: rows.into(),
        channels: (0..channels).map(channel).collect(),
        ticket_types: vec![],
        units_per_subject_max: None,
        hold: HoldPolicy::default(),
        seating,
        schedule: Schedule::default(),
        tariff: None,
        entry: vec![],
        waitlist: None,
    }
}

/// The hall that is drawn; both categories have their focal point at (`x_mm`, 0).
pub(super) fn hall(drawing: &str, x_mm: i32, policy: SeatingPolicy) -> (Arc<Config>, Seating) {
    let (mut rows, mut states, mut section) = (Vec::new(), Vec::new(), 0);
    for (line, y_mm) in drawing.split_whitespace().zip((0..).step_by(900)) {
        section += u16::from(line.starts_with('/'));
        let mut x_mm = 0;
        let mut blocks = Vec::new();
        for block in line.trim_start_matches('/').split('|') {
            let mut seats = Vec::new();
            for drawn in block.chars() {
                let (seat, state) = seat(drawn, Point { x_mm, y_mm });
                seats.push(seat);
                states.push(state);
                x_mm += 500;
            }
            x_mm += 500;
            blocks.push(seats.into());
        }
        let label = rows.len().to_string().into();
        rows.push(Row { section: SectionId(section), label, blocks: blocks.into() });
    }
    let config = Arc::new(config(rows, &[Point { x_mm, y_mm: 0 }; 2], 1, policy));
    let mut seating = Seating::new(&config);
    for (seat, state) in (0..).map(SeatIndex).zip(states) {
        seating.set(seat, state);
    }
    (config, seating)
}

fn seat(drawn: char, position: Point) -> (Seat, SeatState) {
    let state = match drawn {
        'x' | 'A' | 'C' | 'P' => SeatState::Sold,
        'h' => SeatState::Held,
        'k' => SeatState::Killed,
        _ => SeatState::Free,
    };
    let seat = Seat {
        label: *b"1\0\0\0\0\0\0\0",
        category: CategoryId(u16::from(drawn == '2')),
        channel: "pP".contains(drawn).then_some(ChannelId(0)),
        position,
        accessible: "aA".contains(drawn),
        companion: "cC".contains(drawn),
        restricted_view: false,
    };
    (seat, state)
}

pub(super) fn seats(indices: &[u32]) -> Vec<SeatIndex> {
    indices.iter().copied().map(SeatIndex).collect()
}
