//! Signatures of webhooks: HMAC-SHA256 of the body, in hexadecimal digits. No time is in it: what is sent again says again what it said.
//! <https://razorpay.com/docs/webhooks/validate-test/>

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The header that has it.
pub(crate) const HEADER: &str = "x-razorpay-signature";

/// Whether a body was signed under one of these secrets: while one is being replaced there are two.
pub(crate) fn is_signed(secrets: &[Box<str>], signature: &str, body: &[u8]) -> bool {
    let digits = |at| u8::from_str_radix(signature.get(at..at + 2)?, 16).ok();
    let Some(signature) = (0..signature.len()).step_by(2).map(digits).collect::<Option<Vec<u8>>>() else {
        return false;
    };
    secrets.iter().any(|secret| {
        // A key of any length will do.
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC-SHA256 of `{"event":"payment.captured"}` under `secret_1`, by OpenSSL.
    const SIGNATURE: &str = "b8f45f9c2905b9bb94057e61698764326fabadf15cf5bc8f2c0dcde55b009ec7";

    #[test]
    fn a_body_is_believed_as_it_was_signed() {
        let body = br#"{"event":"payment.captured"}"#;
        let secrets = |secrets: &[&str]| secrets.iter().map(|secret| Box::from(*secret)).collect::<Vec<_>>();
        let check = |names: &[&str], signature: &str, body: &[u8], expect: bool| {
            assert_eq!(is_signed(&secrets(names), signature, body), expect, "{names:?} {signature}");
        };
        check(&["secret_1"], SIGNATURE, body, true);
        check(&["secret_2", "secret_1"], SIGNATURE, body, true);
        check(&["secret_2"], SIGNATURE, body, false);
        check(&["secret_1"], SIGNATURE, b"{}", false);
        for wrong in ["", "0", "zz", "é", &SIGNATURE[2..]] {
            check(&["secret_1"], wrong, body, false);
        }
    }
}
