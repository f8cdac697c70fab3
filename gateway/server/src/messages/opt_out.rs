//! Links by which people say that they do not want to hear something any more: whose, and what, with a code over both.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tessera_correspondence::Kind;
use tessera_inventory::Subject;

use crate::auth::Keys;

/// Bytes of the subject, of the kind and of the code.
const TOKEN_BYTES: usize = 16 + 1 + 16;

/// The token of a link.
pub(crate) fn opt_out(keys: &Keys, subject: Subject, kind: Kind) -> String {
    let mut token = [0; TOKEN_BYTES];
    token[..16].copy_from_slice(&subject.0.to_be_bytes());
    token[16] = kind.number();
    let code = keys.opt_out(&token[..17]);
    token[17..].copy_from_slice(&code);
    URL_SAFE_NO_PAD.encode(token)
}

/// Whose token it is, and for what; `None`: nobody's.
pub(crate) fn read_opt_out(keys: &Keys, text: &str) -> Option<(Subject, Kind)> {
    let mut token = [0; TOKEN_BYTES];
    let read = URL_SAFE_NO_PAD.decode_slice(text, &mut token).ok()?;
    let mut subject = [0; 16];
    subject.copy_from_slice(&token[..16]);
    let subject = Subject(u128::from_be_bytes(subject));
    let kind = Kind::numbered(token[16]).filter(|kind| kind.may_be_refused())?;
    let is_genuine = keys.is_opt_out(&token[..17], &token[17..]);
    (read == TOKEN_BYTES && is_genuine).then_some((subject, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_one_person_and_one_kind() {
        let keys = Keys::derive(&[1; 32]);
        let text = opt_out(&keys, Subject(7), Kind::Announcement);
        assert_eq!(read_opt_out(&keys, &text), Some((Subject(7), Kind::Announcement)));
        assert_eq!(read_opt_out(&Keys::derive(&[2; 32]), &text), None);
        let forged = opt_out(&Keys::derive(&[2; 32]), Subject(7), Kind::Announcement);
        let needed = opt_out(&keys, Subject(7), Kind::Confirmation);
        for wrong in ["", "x", &text[1..], &format!("{text}A"), &forged, &needed] {
            assert_eq!(read_opt_out(&keys, wrong), None, "{wrong}");
        }
    }
}
