//! The hall: categories, sections, rows, seats.

use super::{Checked, check_name, problem};
use crate::{BLOCK_SEATS_MAX, COORDINATE_MM_MAX, Config, NAME_BYTES_MAX, Point, Row, SEATS_MAX, Seat};

/// Whether the hall is sound in itself.
pub(super) fn check(config: &Config) -> Checked {
    for (at, category) in config.categories.iter().enumerate() {
        check_name(&format!("categories[{at}].name"), &category.name)?;
        check_point(category.focal_point, || format!("categories[{at}].focal_point"))?;
    }
    for (at, section) in config.sections.iter().enumerate() {
        check_name(&format!("sections[{at}]"), section)?;
    }
    let mut seats = 0;
    for (at, row) in config.rows.iter().enumerate() {
        check_row(config, at, row)?;
        seats += row.blocks.iter().map(|block| block.len()).sum::<usize>();
        if seats > SEATS_MAX {
            return Err(problem(
                format!("rows[{at}]"),
                format!("exceeds the {SEATS_MAX} seats of one event"),
            ));
        }
    }
    Ok(())
}

fn check_row(config: &Config, at: usize, row: &Row) -> Checked {
    if row.section.index() >= config.sections.len() {
        return Err(problem(format!("rows[{at}].section"), "names a section that does not exist"));
    }
    if row.label.len() > NAME_BYTES_MAX {
        return Err(problem(format!("rows[{at}].label"), format!("is longer than {NAME_BYTES_MAX} bytes")));
    }
    for (place, block) in row.blocks.iter().enumerate() {
        if block.is_empty() || block.len() > BLOCK_SEATS_MAX {
            let text =
                format!("has {} seats; use 1 to {BLOCK_SEATS_MAX}, an aisle makes two of one", block.len());
            return Err(problem(format!("rows[{at}].blocks[{place}]"), text));
        }
        for (index, seat) in block.iter().enumerate() {
            check_seat(config, seat, || format!("rows[{at}].blocks[{place}][{index}]"))?;
        }
    }
    Ok(())
}

fn check_seat(config: &Config, seat: &Seat, path: impl Fn() -> String) -> Checked {
    if !seat.label.is_ascii() {
        return Err(problem(path() + ".label", "is not ASCII; use letters and digits"));
    }
    if seat.category.index() >= config.categories.len() {
        return Err(problem(path() + ".category", "names a category that does not exist"));
    }
    if seat.channel.is_some_and(|channel| channel.index() >= config.channels.len()) {
        return Err(problem(path() + ".channel", "names a channel that does not exist"));
    }
    check_point(seat.position, || path() + ".position")
}

fn check_point(point: Point, path: impl Fn() -> String) -> Checked {
    let range = -COORDINATE_MM_MAX..=COORDINATE_MM_MAX;
    if !range.contains(&point.x_mm) || !range.contains(&point.y_mm) {
        let text = format!("lies farther than {COORDINATE_MM_MAX} mm from the origin; check the unit");
        return Err(problem(path(), text));
    }
    Ok(())
}
