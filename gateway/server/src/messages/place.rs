//! How the API names a message: its place, in hexadecimal.

use tessera_inventory::{EventId, Sequence, Timestamp};
use tessera_store::keys::MessagePlace;

/// Parts of a name.
const PARTS: usize = 5;

/// The name of a message.
pub(crate) fn place_text(place: MessagePlace) -> String {
    let MessagePlace { at, event, sequence, recipient, kind } = place;
    format!("{:x}-{:x}-{:x}-{recipient:x}-{kind:x}", at.0, event.0, sequence.0)
}

/// The place that a name means; only [`place_text`] writes one.
pub(crate) fn read_place(text: &str) -> Option<MessagePlace> {
    let parts: Vec<&str> = text.split('-').collect();
    let [at, event, sequence, recipient, kind] = <[&str; PARTS]>::try_from(parts).ok()?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let place = MessagePlace {
        at: Timestamp(number(at)?),
        event: EventId(u128::from_str_radix(event, 16).ok()?),
        sequence: Sequence(number(sequence)?),
        recipient: number(recipient)?,
        kind: u8::from_str_radix(kind, 16).ok()?,
    };
    (place_text(place) == text).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_was_written() {
        let (event, sequence) = (EventId(u128::MAX), Sequence(255));
        let place = MessagePlace { at: Timestamp(10), event, sequence, recipient: 0, kind: 16 };
        let text = place_text(place);
        assert_eq!(text, "a-ffffffffffffffffffffffffffffffff-ff-0-10");
        assert_eq!(read_place(&text), Some(place));
        for wrong in ["", "a-b-c-d", "0a-b-c-d-1", "A-b-c-d-1", "a-b-c-d-100", "a-b-c-d-1-2", "+a-b-c-d-1"] {
            assert_eq!(read_place(wrong), None, "{wrong}");
        }
    }
}
