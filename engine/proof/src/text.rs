//! Bytes as text.

use std::fmt::Write;

/// Lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The `N` bytes of so many lower-case hexadecimal digits; `None` for any other text.
#[must_use]
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

/// The number of a text as it is written: no sign, no leading zero, nothing beside it.
pub(crate) fn exact_number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_reads_back() {
        assert_eq!(from_hex(&to_hex(&[0, 0x9f, 0xff])), Some([0, 0x9f, 0xff]));
        for text in ["", "0", "0g", "FF", "00ff", "+1"] {
            assert_eq!(from_hex::<1>(text), None, "{text}");
        }
        assert_eq!(exact_number("70"), Some(70));
        for text in ["", "+7", "07", " 7", "18446744073709551616"] {
            assert_eq!(exact_number(text), None, "{text}");
        }
    }
}
