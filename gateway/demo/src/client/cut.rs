//! Where a request is cut off that never arrives as a whole, as from a telephone that loses its network.

/// Where the bytes of a request end too early. The number chooses the place within its part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Within the head: the server does not know yet what is asked.
    Head(u64),
    /// After the head, before the first byte of the body; within the head where there is no body.
    HeadEnd,
    /// Within the body; before it where it is too short to be cut.
    Body(u64),
}

impl Cut {
    /// How many bytes go out of a request whose head and whole are so long: at least one, and never all.
    pub(super) fn bytes(self, head: usize, whole: usize) -> usize {
        let bytes = match self {
            Cut::Head(place) => within(place, head),
            Cut::HeadEnd => head,
            Cut::Body(place) => head + within(place, whole - head),
        };
        bytes.min(whole - 1)
    }
}

/// A place between the first byte of a part and its last; 0 where it is too short to have one.
fn within(place: u64, bytes: usize) -> usize {
    let places = bytes.saturating_sub(1) as u64;
    place.checked_rem(places).map_or(0, |place| 1 + usize::try_from(place).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_in_its_part_and_never_sends_everything() {
        let (head, whole) = (10, 14);
        for place in 0..100 {
            assert!((1..head).contains(&Cut::Head(place).bytes(head, whole)), "{place}");
            assert!((head + 1..whole).contains(&Cut::Body(place).bytes(head, whole)), "{place}");
        }
        assert_eq!(Cut::HeadEnd.bytes(head, whole), head);
        let head_of = |places: std::ops::Range<u64>| places.map(|place| Cut::Head(place).bytes(head, whole));
        assert!(head_of(0..9).eq(1..10), "each place is chosen by some number");
        for (cut, expected) in [(Cut::HeadEnd, 9), (Cut::Body(7), 9)] {
            assert_eq!(cut.bytes(head, head), expected, "{cut:?}: without a body it is the head that is cut");
        }
        assert_eq!(Cut::Body(7).bytes(head, head + 1), head, "one byte cannot be cut");
    }
}
