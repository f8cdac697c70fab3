//! Signed notes (C2SP signed-note) with one Ed25519 signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::key::{KEY_HINT_BYTES, SIGNATURE_BYTES, key_hint};
use crate::{PublicKey, SigningKey};

/// Before a signature: an em dash and a space.
const SIGNATURE_MARK: &str = "\u{2014} ";

/// A signed text, not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with its last newline.
    pub text: String,
    /// The name that the key signs under.
    pub name: String,
    hint: [u8; KEY_HINT_BYTES],
    signature: [u8; SIGNATURE_BYTES],
}

/// Why a note proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteError {
    /// None of the keys is the one that it names.
    UnknownKey,
    /// The named key did not make this signature.
    BadSignature,
}

impl Note {
    /// Sign `text`, whose last character is a newline, under `name`, which has neither spaces nor plus signs.
    #[must_use]
    pub fn sign(text: String, name: &str, key: &SigningKey) -> Note {
        let (hint, signature) = (key_hint(name, &key.public()), key.sign(&text));
        Note { text, name: name.to_owned(), hint, signature }
    }

    /// The note as it is sent.
    #[must_use]
    pub fn render(&self) -> String {
        let signature = STANDARD.encode([&self.hint[..], &self.signature].concat());
        format!("{}\n{SIGNATURE_MARK}{} {signature}\n", self.text, self.name)
    }

    /// The note of this text; `None` where it is not exactly one.
    #[must_use]
    pub fn parse(note: &str) -> Option<Note> {
        let (text, rest) = note.rsplit_once(&format!("\n\n{SIGNATURE_MARK}"))?;
        let (name, signature) = rest.strip_suffix('\n')?.split_once(' ')?;
        let (hint, signature) =
            STANDARD.decode(signature).ok()?.split_first_chunk().map(|(hint, rest)| {
                let signature: Option<[u8; SIGNATURE_BYTES]> = rest.try_into().ok();
                (*hint, signature)
            })?;
        let parsed = Note { text: format!("{text}\n"), name: name.to_owned(), hint, signature: signature? };
        (parsed.render() == note).then_some(parsed)
    }

    /// The one of `keys` that has signed this.
    ///
    /// # Errors
    /// [`NoteError`]: the text is to be ignored.
    pub fn verify<'a>(&self, keys: &'a [PublicKey]) -> Result<&'a PublicKey, NoteError> {
        let mut named = keys.iter().filter(|key| key.hint(&self.name) == self.hint).peekable();
        if named.peek().is_none() {
            return Err(NoteError::UnknownKey);
        }
        named.find(|key| key.has_signed(&self.text, &self.signature)).ok_or(NoteError::BadSignature)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn public(key: &SigningKey) -> PublicKey {
        PublicKey { bytes: key.public(), valid_from_ms: 0, valid_until_ms: None }
    }

    /// Signed with the seed of RFC 8032's first test vector; the hint by the rule of the specification.
    #[test]
    fn golden_note() {
        let seed =
            crate::from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60").unwrap();
        let key = SigningKey::of_seed(&seed);
        let public_hex = crate::to_hex(&key.public());
        assert_eq!(public_hex, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let note = Note::sign("example.org/log\n1\n".to_owned(), "example.org/log", &key);
        let vkey = [&b"example.org/log\n\x01"[..], &key.public()].concat();
        assert_eq!(note.hint, crate::hash_of(&vkey)[..4]);
        assert!(note.render().starts_with("example.org/log\n1\n\n\u{2014} example.org/log "));
    }

    #[test]
    fn a_note_reads_back_and_verifies_with_its_key_only() {
        let (key, other) = (SigningKey::of_seed(&[1; 32]), SigningKey::of_seed(&[2; 32]));
        let note = Note::sign("a\n\nb\n".to_owned(), "log", &key);
        assert_eq!(Note::parse(&note.render()), Some(note.clone()));
        let keys = [public(&other), public(&key)];
        assert_eq!(note.verify(&keys), Ok(&keys[1]));
        assert_eq!(note.verify(&keys[..1]), Err(NoteError::UnknownKey));
        let changed = Note { text: "a\n\nc\n".to_owned(), ..note.clone() };
        assert_eq!(changed.verify(&keys), Err(NoteError::BadSignature));
        for position in 0..SIGNATURE_BYTES {
            let mut forged = note.clone();
            forged.signature[position] ^= 1;
            assert_eq!(forged.verify(&keys), Err(NoteError::BadSignature), "byte {position}");
        }
        let text = note.render();
        for malformed in [text.trim_end(), "", "a\n", &text.replace("\u{2014} ", "- "), &format!("{text}\n")]
        {
            assert_eq!(Note::parse(malformed), None, "{malformed}");
        }
    }
}
