//! The signature of Standard Webhooks, version 1: HMAC-SHA256 over id, time and body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tessera_inventory::Timestamp;
use tessera_projections::webhooks::Secret;

/// Before the base64 of a secret.
const SECRET_PREFIX: &str = "whsec_";
/// Before the base64 of a signature.
const VERSION: &str = "v1,";

/// A secret, as its organizer is shown it.
pub(crate) fn secret_text(bytes: &[u8]) -> String {
    format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes))
}

/// What a message says of itself in its headers.
#[derive(Debug)]
pub(super) struct Signed {
    /// `webhook-id`
    pub(super) id: String,
    /// `webhook-timestamp`, in seconds.
    pub(super) timestamp: u64,
    /// `webhook-signature`: one for each secret.
    pub(super) signature: String,
}

impl Signed {
    /// Signs with every secret.
    pub(super) fn new<'a>(
        id: String,
        at: Timestamp,
        body: &[u8],
        secrets: impl Iterator<Item = &'a Secret>,
    ) -> Signed {
        let timestamp = at.0 / 1_000;
        let signatures: Vec<_> =
            secrets.filter_map(|secret| sign(&secret.bytes, &id, timestamp, body)).collect();
        Signed { id, timestamp, signature: signatures.join(" ") }
    }
}

/// `None` never happens: the function takes keys of any length.
fn sign(secret: &[u8], id: &str, timestamp: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_is_signed_as_published() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(secret_text(&bytes), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned();
        let secret = Secret { bytes, valid_until: None };
        let other = Secret { bytes: vec![1; 32], valid_until: None };
        let at = Timestamp(1_614_265_330_999);
        let signed = Signed::new(id, at, br#"{"test": 2432232314}"#, [&other, &secret].into_iter());
        assert_eq!(signed.timestamp, 1_614_265_330);
        let signatures: Vec<_> = signed.signature.split(' ').collect();
        assert_eq!(signatures[1], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(signatures.len() == 2 && signatures[0].starts_with("v1,") && signatures[0] != signatures[1]);
    }
}
