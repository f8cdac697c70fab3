//! Signatures of webhooks, in the way of Stripe: `t=<seconds>,v1=<hex>` over `<seconds>.<body>`, HMAC-SHA256.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tessera_inventory::Timestamp;

use crate::secrets::hex;

/// The header that has it.
pub(crate) const HEADER: &str = "sandbox-signature";
/// A webhook that was signed longer ago, or so far in the future, is not believed, in seconds.
const AGE_S_MAX: u64 = 300;

/// The header's value for a body that is sent at this time.
pub(crate) fn sign(key: &[u8; 32], body: &[u8], now: Timestamp) -> String {
    let at_s = now.0 / 1_000;
    format!("t={at_s},v1={}", hex(&mac(key, at_s, body).finalize().into_bytes()))
}

/// Whether a body was signed so, lately.
pub(crate) fn is_signed(key: &[u8; 32], header: &str, body: &[u8], now: Timestamp) -> bool {
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name));
    let (Some(at_s), Some(signature)) = (part("t=").and_then(|at| at.parse::<u64>().ok()), part("v1="))
    else {
        return false;
    };
    let bytes: Option<Vec<u8>> = (0..signature.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(signature.get(at..at + 2)?, 16).ok())
        .collect();
    let is_lately = at_s.abs_diff(now.0 / 1_000) <= AGE_S_MAX;
    is_lately && bytes.is_some_and(|bytes| mac(key, at_s, body).verify_slice(&bytes).is_ok())
}

fn mac(key: &[u8; 32], at_s: u64, body: &[u8]) -> Hmac<Sha256> {
    // A key of any length will do.
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(at_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [1; 32];
    const NOW: Timestamp = Timestamp(1_790_000_000_500);

    #[test]
    fn a_body_is_believed_as_it_was_signed_and_not_for_long() {
        let header = sign(&KEY, b"{}", NOW);
        assert!(is_signed(&KEY, &header, b"{}", NOW));
        assert!(is_signed(&KEY, &header, b"{}", NOW.plus_ms(299_000)));
        assert!(!is_signed(&KEY, &header, b"{}", NOW.plus_ms(301_000)));
        assert!(!is_signed(&KEY, &header, b"{ }", NOW));
        assert!(!is_signed(&[2; 32], &header, b"{}", NOW));
        for other in ["", "t=1790000000", "v1=00", "t=x,v1=00", "t=1790000000,v1=0", "t=1790000000,v1=zz"] {
            assert!(!is_signed(&KEY, other, b"{}", NOW), "{other}");
        }
        assert!(!is_signed(&KEY, &header.replace("t=1790000000", "t=1790000001"), b"{}", NOW));
    }
}
