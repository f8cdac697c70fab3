//! The shipped venue: an arena, drawn by rule. `venue/arena.json` is what [`render`] writes; a test keeps the two equal.
//!
//! The stage stands at the origin; the bowl is drawn around the middle of the floor. Angles are nanoradians, lengths are
//! millimetres, and everything is integer arithmetic, so that every machine draws the same arena.

use std::fmt::Write as _;

/// The shipped venue file.
pub const ARENA: &str = include_str!("../venue/arena.json");

/// Middle of the floor, from the stage.
const CENTRE_Y_MM: i64 = 30_000;
/// One unit of an angle, and of a sine: a billionth.
const NANO: i64 = 1_000_000_000;
/// One degree in nanoradians.
const DEGREE: i64 = 17_453_293;
/// Width of the stairs between two sections.
const STAIRS_MM: i64 = 1_300;
/// Width of an aisle between two blocks of a row.
const AISLE_MM: i64 = 1_100;
/// Width of an entrance cut into the rows of some sections.
const ENTRANCE_MM: i64 = 3_400;
/// Seats on each wheelchair platform; wheelchair spaces and companion seats take turns.
const PLATFORM_SEATS: i64 = 8;
/// Distance of places on a platform.
const PLATFORM_PITCH_MM: i64 = 950;

/// One ring of sections at the same height.
struct Tier {
    /// Names of its sections: the first number, counted up.
    first_section: u32,
    sections: u32,
    /// From here to its mirror image, in degrees; 0 is opposite the stage.
    from_degrees: i64,
    first_radius_mm: i64,
    rows: u32,
    row_pitch_mm: i64,
    seat_pitch_mm: i64,
    blocks: i64,
    /// Whether odd sections have an entrance in their lower half, and a wheelchair platform behind the last row.
    entrances: bool,
    platforms: bool,
}

const TIERS: [Tier; 3] = [
    Tier {
        first_section: 101,
        sections: 14,
        from_degrees: -147,
        first_radius_mm: 33_000,
        rows: 20,
        row_pitch_mm: 850,
        seat_pitch_mm: 500,
        blocks: 2,
        entrances: true,
        platforms: true,
    },
    Tier {
        first_section: 301,
        sections: 10,
        from_degrees: -110,
        first_radius_mm: 51_000,
        rows: 7,
        row_pitch_mm: 950,
        seat_pitch_mm: 560,
        blocks: 3,
        entrances: false,
        platforms: false,
    },
    Tier {
        first_section: 401,
        sections: 16,
        from_degrees: -144,
        first_radius_mm: 60_000,
        rows: 20,
        row_pitch_mm: 800,
        seat_pitch_mm: 490,
        blocks: 3,
        entrances: true,
        platforms: false,
    },
];

/// Everything of the file before the rows: pools, categories, channels, ticket types, limits and policies.
const HEADER: &str = r#"{"currency":"EUR",
"pools":[
{"name":"Floor","capacity":5000},
{"name":"Student quota","capacity":600},
{"name":"Fan club quota","capacity":800},
{"name":"Guest quota","capacity":250}],
"categories":[
{"name":"Premium","focal_point":{"x_mm":0,"y_mm":20000}},
{"name":"Lower tier","focal_point":{"x_mm":0,"y_mm":10000}},
{"name":"Club","focal_point":{"x_mm":0,"y_mm":10000}},
{"name":"Upper tier","focal_point":{"x_mm":0,"y_mm":0}},
{"name":"Restricted view","focal_point":{"x_mm":0,"y_mm":0}}],
"channels":[
{"name":"Sponsor","code":"SPONSOR","allotments":[{"pool":"Floor","quantity":300}],"release_at":null}],
"ticket_types":[
{"name":"Floor standing","price":6500,"per_order_min":1,"per_order_max":4,"per_subject_max":4,"draws_on":["Floor"]},
{"name":"Student standing","price":3500,"per_order_min":1,"per_order_max":2,"per_subject_max":2,"draws_on":["Floor","Student quota"]},
{"name":"Fan club standing","price":5500,"per_order_min":1,"per_order_max":2,"per_subject_max":2,"access_code":"FANCLUB","draws_on":["Floor","Fan club quota"]},
{"name":"Guest list","price":0,"per_order_min":1,"per_order_max":2,"per_subject_max":2,"access_code":"GUESTS","draws_on":["Floor","Guest quota"]},
{"name":"Premium","price":14900,"per_order_min":1,"per_order_max":6,"per_subject_max":6,"category":"Premium","draws_on":[]},
{"name":"Lower tier","price":9900,"per_order_min":1,"per_order_max":6,"per_subject_max":6,"category":"Lower tier","draws_on":[]},
{"name":"Club","price":11900,"per_order_min":1,"per_order_max":6,"per_subject_max":6,"category":"Club","draws_on":[]},
{"name":"Upper tier","price":5900,"per_order_min":1,"per_order_max":6,"per_subject_max":6,"category":"Upper tier","draws_on":[]},
{"name":"Fan club upper tier","price":4900,"per_order_min":1,"per_order_max":4,"per_subject_max":4,"access_code":"FANCLUB","category":"Upper tier","draws_on":["Fan club quota"]},
{"name":"Restricted view","price":3900,"per_order_min":1,"per_order_max":6,"per_subject_max":6,"category":"Restricted view","draws_on":[]}],
"units_per_subject_max":8,
"hold":{"duration_s":60,"renewals_max":2,"life_s_max":300,"grace_s":120},
"seating":{"stranding_allowed":false,"companions_max":1,"accessible_released":false},
"schedule":{"presale_at":null,"on_sale_at":null,"closes_at":null},
"#;

/// The whole venue file: one line for each row of the hall.
#[must_use]
pub fn render() -> String {
    let mut text = String::from(HEADER);
    let sections: Vec<String> = TIERS
        .iter()
        .flat_map(|tier| (0..tier.sections).map(|index| format!("\"{}\"", tier.first_section + index)))
        .collect();
    let _ = write!(text, "\"sections\":[{}],\n\"rows\":[", sections.join(","));
    let rows: Vec<String> = TIERS
        .iter()
        .flat_map(|tier| (0..tier.sections).flat_map(move |index| section_rows(tier, index)))
        .collect();
    let _ = write!(text, "\n{}]}}\n", rows.join(",\n"));
    text
}

/// The rows of one section, front to back.
fn section_rows(tier: &Tier, index: u32) -> Vec<String> {
    let sweep = -2 * tier.from_degrees * DEGREE / i64::from(tier.sections);
    let middle = tier.from_degrees * DEGREE + sweep * i64::from(index) + sweep / 2;
    let mut rows: Vec<String> =
        (0..tier.rows).map(|row| curved_row(tier, index, row, middle, sweep)).collect();
    if tier.platforms {
        rows.push(platform_row(tier, index, middle));
    }
    rows
}

/// One curved row: as many seats as the arc holds, in blocks that are chords of it.
fn curved_row(tier: &Tier, index: u32, row: u32, middle: i64, sweep: i64) -> String {
    let radius = tier.first_radius_mm + i64::from(row) * tier.row_pitch_mm;
    let has_entrance = tier.entrances && index % 2 == 1 && (row + 3..row + 7).contains(&(tier.rows / 2 + 1));
    let gap = if has_entrance { ENTRANCE_MM } else { AISLE_MM };
    let arc = radius * sweep / NANO - STAIRS_MM - gap * (tier.blocks - 1);
    let seats = arc / tier.seat_pitch_mm;
    let mut from = 1;
    let mut start_mm = -(seats * tier.seat_pitch_mm + gap * (tier.blocks - 1)) / 2;
    let mut blocks = Vec::new();
    for block in 0..tier.blocks {
        let count = block_seats(seats, tier.blocks, block, row);
        let centre_mm = start_mm + count * tier.seat_pitch_mm / 2;
        let run =
            Run { from, count, radius, angle: middle + centre_mm * NANO / radius, pitch: tier.seat_pitch_mm };
        let channel = tier.first_section == 301 && (4..6).contains(&index) && row < 3 && block == 1;
        let extra = if channel { ",\"channel\":\"Sponsor\"" } else { "" };
        blocks.push(run.render(category(tier, index, row), extra));
        from += count;
        start_mm += count * tier.seat_pitch_mm + gap;
    }
    let section = tier.first_section + index;
    format!("{{\"section\":\"{section}\",\"label\":\"{}\",\"blocks\":[{}]}}", row + 1, blocks.join(","))
}

/// How many of a row's seats stand in one block: uneven on purpose, as in a real bowl.
fn block_seats(seats: i64, blocks: i64, block: i64, row: u32) -> i64 {
    let share = seats / blocks;
    let lean = i64::from(row % 3) - 1;
    match block {
        0 => share + lean,
        last if last == blocks - 1 => seats - share * (blocks - 1) - lean,
        _ => share,
    }
}

/// The wheelchair platform behind the last row of a section.
fn platform_row(tier: &Tier, index: u32, middle: i64) -> String {
    let radius = tier.first_radius_mm + i64::from(tier.rows) * tier.row_pitch_mm + 1_200;
    let run = Run { from: 1, count: PLATFORM_SEATS, radius, angle: middle, pitch: PLATFORM_PITCH_MM };
    let block = run.render("Lower tier", ",\"accessible\":[1,3,5,7],\"companion\":[2,4,6,8]");
    format!("{{\"section\":\"{}\",\"label\":\"W\",\"blocks\":[{block}]}}", tier.first_section + index)
}

/// The price area of a row.
fn category(tier: &Tier, index: u32, row: u32) -> &'static str {
    let beside_the_stage = index == 0 || index + 1 == tier.sections;
    match tier.first_section {
        301 => "Club",
        _ if beside_the_stage => "Restricted view",
        101 if (3..11).contains(&index) && row < 6 => "Premium",
        101 => "Lower tier",
        _ => "Upper tier",
    }
}

/// A run of adjacent seats on one chord.
struct Run {
    from: i64,
    count: i64,
    radius: i64,
    /// Of the middle of the run.
    angle: i64,
    pitch: i64,
}

impl Run {
    fn render(&self, category: &str, extra: &str) -> String {
        let (sine, cosine) = (sine(self.angle), sine(self.angle + 90 * DEGREE));
        let (step_x, step_y) = (scaled(self.pitch, cosine), -scaled(self.pitch, sine));
        let x = scaled(self.radius, sine) - step_x * (self.count - 1) / 2;
        let y = CENTRE_Y_MM + scaled(self.radius, cosine) - step_y * (self.count - 1) / 2;
        let restricted = if category == "Restricted view" { ",\"restricted_view\":[1,2]" } else { "" };
        let restricted = if self.from == 1 { restricted } else { "" };
        format!(
            "{{\"from\":{},\"to\":{},\"x_mm\":{x},\"y_mm\":{y},\"step_x_mm\":{step_x},\"step_y_mm\":{step_y},\"category\":\"{category}\"{restricted}{extra}}}",
            self.from,
            self.from + self.count - 1,
        )
    }
}

/// `length` times a sine.
fn scaled(length: i64, sine: i64) -> i64 {
    length * sine / NANO
}

/// The sine of an angle within two turns of zero, in billionths: the Taylor series, in integers.
fn sine(angle: i64) -> i64 {
    let half_turn = 180 * DEGREE;
    let mut angle = angle;
    while angle > half_turn {
        angle -= 2 * half_turn;
    }
    while angle < -half_turn {
        angle += 2 * half_turn;
    }
    // Within half a turn every term fits 64 bits times a billion, and 15 terms are exact to a billionth.
    let (wide, nano) = (i128::from(angle), i128::from(NANO));
    let square = wide * wide / nano;
    let mut term = wide;
    let mut sum = wide;
    for step in 1..15 {
        term = -term * square / nano / (2 * step * (2 * step + 1));
        sum += term;
    }
    i64::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_the_generator_makes() {
        assert_eq!(ARENA, render(), "run `cargo run -p tessera-demo --example make_arena`");
    }

    #[test]
    fn the_sine_is_exact_to_a_few_billionths() {
        for (degrees, expected) in
            [(0, 0), (30, 500_000_000), (90, NANO), (-90, -NANO), (150, 500_000_000), (237, -838_670_568)]
        {
            let difference = (sine(degrees * DEGREE) - expected).abs();
            assert!(difference < 100, "sine of {degrees} degrees is {difference} billionths off");
        }
    }

    #[test]
    fn the_file_stays_readable() {
        assert!(ARENA.len() < 400_000, "{} bytes", ARENA.len());
        assert!(ARENA.lines().all(|line| line.len() < 600));
    }
}
