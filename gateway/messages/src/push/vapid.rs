//! Who we are to push services: RFC 8292. A browser takes messages from whoever has the key that it was shown.

use std::fmt;

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tessera_inventory::Timestamp;

/// How long a signature is good, in seconds; 24 hours is the most that services take.
const GOOD_S: u64 = 12 * 3_600;

/// The key of this installation, and how its operator is reached.
pub struct Vapid {
    key: EcdsaKeyPair,
    public: String,
    contact: String,
}

impl fmt::Debug for Vapid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vapid").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Vapid {
    /// With this private key, if it is one of P-256: all but one in four thousand million strings of 32 bytes are. `contact` is a `mailto:` or
    /// `https:` URL under which push services reach the operator.
    #[must_use]
    pub fn new(private: &[u8; 32], contact: &str) -> Option<Vapid> {
        let own = PrivateKey::from_private_key(&ECDH_P256, private).ok()?;
        let point = own.compute_public_key().ok()?;
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, point.as_ref()).ok()?;
        Some(Vapid { key, public: URL_SAFE_NO_PAD.encode(point.as_ref()), contact: contact.to_owned() })
    }

    /// The public key, as browsers take it: `applicationServerKey`.
    #[must_use]
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The header `Authorization` for a push service.
    pub(super) fn authorization(&self, origin: &str, now: Timestamp) -> Result<String, Unspecified> {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let until = now.0 / 1_000 + GOOD_S;
        let claims = json!({"aud": origin, "exp": until, "sub": self.contact});
        let said = format!("{}.{}", part(json!({"typ": "JWT", "alg": "ES256"})), part(claims));
        let signature = self.key.sign(&SystemRandom::new(), said.as_bytes())?;
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        Ok(format!("vapid t={said}.{signature}, k={}", self.public))
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_service_verifies_who_sends_to_whom_and_until_when() {
        let vapid = Vapid::new(&[7; 32], "mailto:tickets@example.com").unwrap();
        let header = vapid.authorization("https://push.example", Timestamp(1_453_480_000_000)).unwrap();
        let (token, key) = header.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public());
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let said: Value = serde_json::from_slice(&read(parts[1])).unwrap();
        let expected = json!({"aud": "https://push.example", "exp": 1_453_523_200_u64, "sub": "mailto:tickets@example.com"});
        assert_eq!(said, expected);
        let point = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, read(key));
        let signed = format!("{}.{}", parts[0], parts[1]);
        point.verify(signed.as_bytes(), &read(parts[2])).unwrap();
        assert!(point.verify(b"another", &read(parts[2])).is_err());
    }

    #[test]
    fn what_is_no_key_makes_none() {
        assert!(Vapid::new(&[0; 32], "").is_none());
        assert!(Vapid::new(&[255; 32], "").is_none());
    }
}
