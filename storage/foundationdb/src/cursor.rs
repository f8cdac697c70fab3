//! Where a reader stands in the feed across events, and how it is written down.

use std::fmt;
use std::str::FromStr;

use crate::keyspace::STAMP_BYTES;

/// Digits of an era.
const ERA_DIGITS: usize = 16;
/// Digits of a position.
const POSITION_DIGITS: usize = 2 * STAMP_BYTES;

/// The place of an entry in the feed: the versionstamp of its commit. Places are of the whole feed, whatever the shard; they are written in
/// hexadecimal digits, which sort as the places do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub [u8; STAMP_BYTES]);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which life of an installation: an import begins one, and so does whoever says that a backup was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Era(pub u64);

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.0, width = ERA_DIGITS)
    }
}

/// Where a reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which life of the installation the position is of.
    pub era: Era,
    /// That of the last entry that was read; zeros before the first.
    pub position: Position,
}

impl Cursor {
    /// Before the first entry of an era.
    #[must_use]
    pub fn begin(era: Era) -> Cursor {
        Cursor { era, position: Position::default() }
    }
}

/// `ERA:POSITION`.
impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.era, self.position)
    }
}

/// The text is not that of a cursor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no place in the feed; one is ERA:POSITION, {ERA_DIGITS} and {POSITION_DIGITS} hexadecimal digits"
)]
pub struct NotACursor(String);

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Cursor, NotACursor> {
        parse(text).ok_or_else(|| NotACursor(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let (era, position) = text.split_once(':')?;
    let is_hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_digits = era.len() == ERA_DIGITS && position.len() == POSITION_DIGITS;
    if !has_digits || !is_hexadecimal(era) || !is_hexadecimal(position) {
        return None;
    }
    let era = Era(u64::from_str_radix(era, 16).ok()?);
    let mut bytes = [0; STAMP_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(position.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(Cursor { era, position: Position(bytes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let position = Position([0, 1, 2, 3, 4, 5, 6, 7, 0xfe, 0xff]);
        let cursor = Cursor { era: Era(0x1f), position };
        assert_eq!(cursor.to_string(), "000000000000001f:0001020304050607feff");
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let before = Cursor::begin(Era(u64::MAX));
        assert_eq!(before.to_string(), "ffffffffffffffff:00000000000000000000");
        assert_eq!(before.to_string().parse(), Ok(before));
    }

    #[test]
    fn what_is_none_is_refused() {
        let (era, position) = ("000000000000001f", "0001020304050607feff");
        let texts = [
            String::new(),
            era.to_owned(),
            format!("{era}:{}", &position[1..]),
            format!("{}:{position}", &era[1..]),
            format!("{era}:{position}0"),
            format!("+{}:{position}", &era[1..]),
            format!("{era}:{}+f", &position[2..]),
        ];
        for text in texts {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor(text)));
        }
    }
}
