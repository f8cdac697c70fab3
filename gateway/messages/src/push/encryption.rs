//! Messages that only a browser can read: RFC 8291 (keys), in one record of RFC 8188 (`aes128gcm`).

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;

use super::Browser;

/// Bytes of a record: what every push service takes (RFC 8030, section 7.2).
const RECORD_BYTES: u32 = 4_096;
/// Bytes before the record: salt, its length, and our public key with its length.
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;
/// Bytes of a salt.
const SALT_BYTES: usize = 16;
/// Bytes of a point of P-256, uncompressed.
const POINT_BYTES: usize = 65;
/// Bytes by which a record is longer than what it says: a code, and a byte that ends it.
const RECORD_OVERHEAD_BYTES: usize = 16 + 1;
/// Longest message, in bytes.
pub const PLAIN_BYTES_MAX: usize = RECORD_BYTES as usize - HEADER_BYTES - RECORD_OVERHEAD_BYTES;
/// Ends the last record, which is the only one.
const LAST_RECORD: u8 = 2;

/// No message can be encrypted for this browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no message can be encrypted for this browser")]
pub struct PushKeyError;

impl From<Unspecified> for PushKeyError {
    fn from(_: Unspecified) -> PushKeyError {
        PushKeyError
    }
}

/// Bytes that are derived.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// Whether these bytes are a public key of P-256.
#[must_use]
pub fn is_point(key: &[u8; POINT_BYTES]) -> bool {
    let Ok(own) = PrivateKey::generate(&ECDH_P256) else { return false };
    agree(&own, UnparsedPublicKey::new(&ECDH_P256, key), (), |_| Ok(())).is_ok()
}

/// A message that only the browser can read, with a fresh key and a fresh salt.
pub(super) fn seal(browser: &Browser, plain: &[u8]) -> Result<Vec<u8>, PushKeyError> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt)?;
    seal_with(browser, plain, &PrivateKey::generate(&ECDH_P256)?, salt)
}

fn seal_with(
    browser: &Browser,
    plain: &[u8],
    own: &PrivateKey,
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, PushKeyError> {
    if plain.len() > PLAIN_BYTES_MAX {
        return Err(PushKeyError);
    }
    let own_point = own.compute_public_key()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, &browser.key);
    // RFC 8291, section 3.3: what both agree on, with the secret of the browser and both public keys.
    let input = agree(own, peer, PushKeyError, |agreed| {
        let shared = Salt::new(HKDF_SHA256, &browser.secret).extract(agreed);
        derive(&shared, &[b"WebPush: info\0", &browser.key, own_point.as_ref()], 32)
    })?;
    let record_key = Salt::new(HKDF_SHA256, &salt).extract(&input);
    let key = derive(&record_key, &[b"Content-Encoding: aes128gcm\0"], 16)?;
    let nonce = derive(&record_key, &[b"Content-Encoding: nonce\0"], 12)?;
    let mut record = plain.to_vec();
    record.push(LAST_RECORD);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::try_assume_unique_for_key(&nonce)?, Aad::empty(), &mut record)?;
    let mut sealed = Vec::with_capacity(HEADER_BYTES + record.len());
    sealed.extend(salt);
    sealed.extend(RECORD_BYTES.to_be_bytes());
    sealed.extend(u8::try_from(own_point.as_ref().len()).map_err(|_| PushKeyError)?.to_be_bytes());
    sealed.extend(own_point.as_ref());
    sealed.extend(record);
    Ok(sealed)
}

fn derive(from: &Prk, about: &[&[u8]], length: usize) -> Result<Vec<u8>, PushKeyError> {
    let mut derived = vec![0; length];
    from.expand(about, Bytes(length))?.fill(&mut derived)?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn bytes<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    fn browser() -> Browser {
        Browser {
            endpoint: "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV".to_owned(),
            key: bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
            ),
            secret: bytes("BTBZMqHH6r4Tts7J_aSIgg"),
        }
    }

    /// RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_standard_is_encrypted_as_it_says() {
        let own: [u8; 32] = bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw");
        let own = PrivateKey::from_private_key(&ECDH_P256, &own).unwrap();
        let salt = bytes("DGv6ra1nlYgDCS1FRnbzlw");
        let plain = b"When I grow up, I want to be a watermelon";
        let sealed = seal_with(&browser(), plain, &own, salt).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(URL_SAFE_NO_PAD.encode(&sealed), expected);
    }

    #[test]
    fn the_longest_message_is_one_record_and_none_is_longer() {
        assert_eq!(PLAIN_BYTES_MAX, 3_993);
        let sealed = seal(&browser(), &[b'x'; PLAIN_BYTES_MAX]).unwrap();
        assert_eq!(sealed.len(), 4_096);
        assert_eq!(seal(&browser(), &[b'x'; PLAIN_BYTES_MAX + 1]), Err(PushKeyError));
        assert_ne!(
            seal(&browser(), b"x").unwrap(),
            seal(&browser(), b"x").unwrap(),
            "keys and salts are fresh"
        );
    }

    #[test]
    fn what_is_no_point_of_the_curve_is_told_apart() {
        assert!(is_point(&browser().key));
        let mut wrong = browser();
        wrong.key[64] ^= 1;
        assert!(!is_point(&wrong.key));
        assert_eq!(seal(&wrong, b"x"), Err(PushKeyError));
        assert!(!is_point(&[0; POINT_BYTES]));
    }

    /// RFC 8188, section 3.1: one record under a key that both have; with it the derivation of the record's key stands by itself.
    #[test]
    fn the_record_of_the_standard_is_derived_as_it_says() {
        let (input, salt): ([u8; 16], [u8; 16]) =
            (bytes("yqdlZ-tYemfogSmv7Ws5PQ"), bytes("I1BsxtFttlv3u_Oo94xnmw"));
        let record_key = Salt::new(HKDF_SHA256, &salt).extract(&input);
        let key = derive(&record_key, &[b"Content-Encoding: aes128gcm\0"], 16).unwrap();
        let nonce = derive(&record_key, &[b"Content-Encoding: nonce\0"], 12).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&key), "_wniytB-ofscZDh4tbSjHw");
        assert_eq!(URL_SAFE_NO_PAD.encode(&nonce), "Bcs8gkIRKLI8GeI8");
        let mut record = b"I am the walrus".to_vec();
        record.push(LAST_RECORD);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut record).unwrap();
        let whole = "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg";
        let whole = URL_SAFE_NO_PAD.decode(whole).unwrap();
        assert_eq!(record, whole[SALT_BYTES + 4 + 1..]);
    }
}
