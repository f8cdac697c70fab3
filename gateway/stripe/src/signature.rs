//! Signatures of webhooks: `t=<seconds>,v1=<hex>,…` over `<seconds>.<body>`, HMAC-SHA256 under the secret of the endpoint.
//! <https://docs.stripe.com/webhooks/signature>

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tessera_inventory::Timestamp;

/// The header that has it.
pub(crate) const HEADER: &str = "stripe-signature";
/// A webhook that was signed longer ago, or so far in the future, is not believed, in seconds.
const AGE_S_MAX: u64 = 300;

/// Whether a body was signed lately under one of these secrets: while one is being replaced there are two.
pub(crate) fn is_signed(secrets: &[Box<str>], header: &str, body: &[u8], now: Timestamp) -> bool {
    let mut parts = header.split(',').filter_map(|part| part.trim().split_once('='));
    let Some(at_s) = parts.clone().find_map(|(name, value)| if name == "t" { Some(value) } else { None })
    else {
        return false;
    };
    let is_lately = at_s.parse::<u64>().is_ok_and(|at| at.abs_diff(now.0 / 1_000) <= AGE_S_MAX);
    // Of other versions nothing is believed.
    is_lately && parts.any(|(name, value)| name == "v1" && is_made_with(secrets, value, at_s, body))
}

fn is_made_with(secrets: &[Box<str>], signature: &str, at_s: &str, body: &[u8]) -> bool {
    let Some(signature) = unhex(signature) else { return false };
    secrets.iter().any(|secret| {
        // A key of any length will do.
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).is_ok_and(|mut mac| {
            mac.update(at_s.as_bytes());
            mac.update(b".");
            mac.update(body);
            mac.verify_slice(&signature).is_ok()
        })
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC-SHA256 of `1790000000.{"id":"evt_1"}` under `whsec_test`, by OpenSSL.
    const SIGNATURE: &str = "e32657f3e678d33b41ec084c16ac0e125d25480a06cb3902286dc5942c6fd259";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const NOW: Timestamp = Timestamp(1_790_000_000_500);

    #[test]
    fn a_body_is_believed_as_it_was_signed_and_not_for_long() {
        let secrets = |secrets: &[&str]| secrets.iter().map(|secret| Box::from(*secret)).collect::<Vec<_>>();
        let (ours, both, other) =
            (secrets(&["whsec_test"]), secrets(&["whsec_old", "whsec_test"]), secrets(&["x"]));
        let header = format!("t=1790000000,v1={SIGNATURE}");
        let rotating = format!("t=1790000000,v1={},v1={SIGNATURE},v0=00", "00".repeat(32));
        let check = |secrets: &[Box<str>], header: &str, body: &[u8], at_ms: i64, expect: bool| {
            let now = Timestamp(NOW.0.saturating_add_signed(at_ms));
            assert_eq!(is_signed(secrets, header, body, now), expect, "{header} after {at_ms} ms");
        };
        check(&ours, &header, BODY, 0, true);
        check(&both, &header, BODY, 0, true);
        check(&ours, &rotating, BODY, 0, true);
        check(&ours, &header, BODY, 299_000, true);
        check(&ours, &header, BODY, 301_000, false);
        check(&ours, &header, BODY, -302_000, false);
        check(&ours, &header, b"{}", 0, false);
        check(&other, &header, BODY, 0, false);
        check(&[], &header, BODY, 0, false);
        check(&ours, &header.replace("v1=", "v0="), BODY, 0, false);
        check(&ours, &header.replace("t=1790000000", "t=1790000001"), BODY, 0, false);
        for wrong in
            ["", "t=1790000000", "v1=00", "t=x,v1=00", "t=1790000000,v1=0", "t=1790000000,v1=zz", "t,v1"]
        {
            check(&ours, wrong, BODY, 0, false);
        }
    }
}
