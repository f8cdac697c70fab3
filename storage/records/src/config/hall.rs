//! Rows and seats as columns: labels as bytes, categories, channels and flags as runs, positions as distances.

use std::sync::Arc;

use tessera_inventory::{
    CategoryId, ChannelId, Point, Row, SEAT_LABEL_BYTES_MAX, SEATS_MAX, Seat, SectionId,
};

use crate::{RecordError, error::malformed, wide::narrow, wire};

const ACCESSIBLE: u32 = 1 << 0;
const COMPANION: u32 = 1 << 1;
const RESTRICTED_VIEW: u32 = 1 << 2;
const FLAGS: u32 = ACCESSIBLE | COMPANION | RESTRICTED_VIEW;

/// Fill the columns of `message` with `rows`.
pub(crate) fn put_rows(message: &mut wire::Config, rows: &[Row]) {
    let mut before = Point::default();
    for row in rows {
        message.row_sections.push(row.section.0.into());
        message.row_labels.push(row.label.to_string());
        message.row_blocks.push(length(row.blocks.len()));
        for block in &row.blocks {
            message.block_seats.push(length(block.len()));
            for seat in block {
                put_seat(message, seat, &mut before);
            }
        }
    }
}

fn length(count: usize) -> u32 {
    // A configuration has at most `SEATS_MAX` seats, and no block or row has more; saturation is never reached.
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn put_seat(message: &mut wire::Config, seat: &Seat, before: &mut Point) {
    let label_bytes = seat.label.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
    // At most `SEAT_LABEL_BYTES_MAX`, which fits a byte.
    message.seat_labels.push(u8::try_from(label_bytes).unwrap_or(u8::MAX));
    message.seat_labels.extend_from_slice(&seat.label[..label_bytes]);
    put_run(&mut message.seat_category_runs, seat.category.0.into());
    put_run(&mut message.seat_channel_runs, seat.channel.map_or(0, |channel| u32::from(channel.0) + 1));
    let flag = |set: bool, bit: u32| if set { bit } else { 0 };
    let flags = flag(seat.accessible, ACCESSIBLE)
        | flag(seat.companion, COMPANION)
        | flag(seat.restricted_view, RESTRICTED_VIEW);
    put_run(&mut message.seat_flag_runs, flags);
    message.seat_x_mm.push(seat.position.x_mm.wrapping_sub(before.x_mm));
    message.seat_y_mm.push(seat.position.y_mm.wrapping_sub(before.y_mm));
    *before = seat.position;
}

fn put_run(runs: &mut Vec<u32>, value: u32) {
    if let [.., last, length] = runs.as_mut_slice()
        && *last == value
    {
        *length += 1;
    } else {
        runs.extend([value, 1]);
    }
}

/// Take the rows out of the columns of `message`.
pub(crate) fn rows(message: &mut wire::Config) -> Result<Arc<[Row]>, RecordError> {
    let seats = message.seat_x_mm.len();
    if seats > SEATS_MAX {
        return Err(malformed("a hall has at most a million seats"));
    }
    if message.seat_y_mm.len() != seats || total(&message.block_seats) != seats as u64 {
        return Err(malformed("the columns of the seats are equally long"));
    }
    let rows = message.row_sections.len();
    if message.row_labels.len() != rows
        || message.row_blocks.len() != rows
        || total(&message.row_blocks) != message.block_seats.len() as u64
    {
        return Err(malformed("the columns of the rows are equally long"));
    }
    let labels = std::mem::take(&mut message.row_labels);
    let mut seats = Seats::of(message);
    let mut block_lengths = message.block_seats.iter();
    let rows: Vec<Row> = labels
        .into_iter()
        .zip(&message.row_sections)
        .zip(&message.row_blocks)
        .map(|((label, &section), &blocks)| {
            Ok(Row {
                section: SectionId(narrow(section, "a section is at most 65535")?),
                label: label.into(),
                blocks: block_lengths
                    .by_ref()
                    .take(blocks as usize)
                    .map(|&seats_of_block| (0..seats_of_block).map(|_| seats.next()).collect())
                    .collect::<Result<_, _>>()?,
            })
        })
        .collect::<Result<_, RecordError>>()?;
    seats.end()?;
    Ok(rows.into())
}

fn total(lengths: &[u32]) -> u64 {
    lengths.iter().map(|&length| u64::from(length)).sum()
}

/// Reads the columns seat by seat.
struct Seats<'a> {
    labels: &'a [u8],
    categories: Runs<'a>,
    channels: Runs<'a>,
    flags: Runs<'a>,
    steps: std::iter::Zip<std::slice::Iter<'a, i32>, std::slice::Iter<'a, i32>>,
    before: Point,
}

impl<'a> Seats<'a> {
    fn of(message: &'a wire::Config) -> Seats<'a> {
        Seats {
            labels: &message.seat_labels,
            categories: Runs::of(&message.seat_category_runs),
            channels: Runs::of(&message.seat_channel_runs),
            flags: Runs::of(&message.seat_flag_runs),
            steps: message.seat_x_mm.iter().zip(&message.seat_y_mm),
            before: Point::default(),
        }
    }

    fn next(&mut self) -> Result<Seat, RecordError> {
        let (&x_mm, &y_mm) = self.steps.next().ok_or(malformed("every seat has a position"))?;
        self.before =
            Point { x_mm: self.before.x_mm.wrapping_add(x_mm), y_mm: self.before.y_mm.wrapping_add(y_mm) };
        let channel = match self.channels.next()? {
            0 => None,
            position => Some(ChannelId(narrow(position - 1, "a channel is at most 255")?)),
        };
        let flags = self.flags.next()?;
        if flags & !FLAGS != 0 {
            return Err(malformed("a seat has known flags"));
        }
        Ok(Seat {
            label: self.label()?,
            category: CategoryId(narrow(self.categories.next()?, "a category is at most 65535")?),
            channel,
            position: self.before,
            accessible: flags & ACCESSIBLE != 0,
            companion: flags & COMPANION != 0,
            restricted_view: flags & RESTRICTED_VIEW != 0,
        })
    }

    fn label(&mut self) -> Result<[u8; SEAT_LABEL_BYTES_MAX], RecordError> {
        const SHORT: RecordError = malformed("every seat has a label of at most 8 bytes");
        let (&length, rest) = self.labels.split_first().ok_or(SHORT)?;
        let (text, rest) = rest.split_at_checked(length.into()).ok_or(SHORT)?;
        let mut label = [0; SEAT_LABEL_BYTES_MAX];
        label.get_mut(..text.len()).ok_or(SHORT)?.copy_from_slice(text);
        self.labels = rest;
        Ok(label)
    }

    fn end(&self) -> Result<(), RecordError> {
        let ended =
            self.labels.is_empty() && self.categories.ended() && self.channels.ended() && self.flags.ended();
        if ended { Ok(()) } else { Err(malformed("the columns of the seats are equally long")) }
    }
}

/// Reads a column of runs value by value.
struct Runs<'a> {
    rest: &'a [u32],
    value: u32,
    left: u32,
}

impl<'a> Runs<'a> {
    fn of(runs: &'a [u32]) -> Runs<'a> {
        Runs { rest: runs, value: 0, left: 0 }
    }

    fn next(&mut self) -> Result<u32, RecordError> {
        if self.left == 0 {
            let (&[value, length], rest) =
                self.rest.split_first_chunk().ok_or(malformed("every seat is in a run"))?;
            if length == 0 {
                return Err(malformed("a run is not empty"));
            }
            (self.value, self.left, self.rest) = (value, length, rest);
        }
        self.left -= 1;
        Ok(self.value)
    }

    fn ended(&self) -> bool {
        self.left == 0 && self.rest.is_empty()
    }
}
