//! A push service and the browser behind it: it verifies who sends (RFC 8292) and decrypts as a browser would (RFC 8291, RFC 8188), with
//! code of its own.

use std::collections::BTreeSet;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey as Peers, agree};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::Peer;
use crate::provider::{Asked, Replied};

/// Longest body that a push service takes, in bytes.
const BODY_BYTES_MAX: usize = 4_096;

/// The keys of a browser.
pub struct BrowserKeys {
    private: PrivateKey,
    point: Vec<u8>,
    secret: Vec<u8>,
}

/// A notification that the browser shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// At which path it came.
    pub path: String,
    /// What it says.
    pub json: Value,
    /// `ttl`, `urgency`, `topic`.
    pub headers: [String; 3],
}

/// A push service, whose browsers have the same keys.
pub struct PushBooks {
    keys: BrowserKeys,
    /// The key for which they take messages.
    server: String,
    /// Who the service says it is.
    origin: String,
    gone: BTreeSet<String>,
    shown: Vec<Shown>,
}

impl BrowserKeys {
    /// Fresh ones.
    #[must_use]
    pub fn fresh() -> BrowserKeys {
        let private = PrivateKey::generate(&ECDH_P256).unwrap();
        let point = private.compute_public_key().unwrap().as_ref().to_vec();
        BrowserKeys { private, point, secret: (0..16).collect() }
    }

    /// What the browser says of itself: `PushSubscription.toJSON()`.
    #[must_use]
    pub fn subscription(&self, endpoint: &str) -> Value {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({"p256dh": encoded(&self.point), "auth": encoded(&self.secret)});
        json!({"endpoint": endpoint, "expirationTime": null, "keys": keys})
    }

    /// What a body says (RFC 8291, section 4; RFC 8188, section 2).
    #[must_use]
    pub fn open(&self, body: &[u8]) -> Vec<u8> {
        let (salt, rest) = body.split_at(16);
        let (record_size, rest) = rest.split_at(4);
        assert!(u32::from_be_bytes(record_size.try_into().unwrap()) as usize >= rest.len() - 66);
        let (length, rest) = rest.split_first().unwrap();
        let (sender, record) = rest.split_at(usize::from(*length));
        let agreed =
            agree(&self.private, Peers::new(&ECDH_P256, sender), (), |agreed| Ok(agreed.to_vec())).unwrap();
        let shared = hmac(&self.secret, &[&agreed]);
        let input = hmac(&shared, &[b"WebPush: info\0", &self.point, sender, &[1]]);
        let base = hmac(salt, &[&input]);
        let key = hmac(&base, &[b"Content-Encoding: aes128gcm\0", &[1]]);
        let nonce = hmac(&base, &[b"Content-Encoding: nonce\0", &[1]]);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..16]).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce[..12]).unwrap();
        let mut record = record.to_vec();
        let plain = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        let (end, plain) = plain.split_last().unwrap();
        assert_eq!(*end, 2, "it is the last record");
        plain.to_vec()
    }
}

impl PushBooks {
    /// Browsers with these keys, who take messages for this key.
    #[must_use]
    pub fn new(keys: BrowserKeys) -> PushBooks {
        PushBooks {
            keys,
            server: String::new(),
            origin: String::new(),
            gone: BTreeSet::new(),
            shown: Vec::new(),
        }
    }

    /// The browsers subscribe for a server of this key, at this origin.
    pub fn subscribe(&mut self, server: &str, origin: &str, path: &str) -> Value {
        (self.server, self.origin) = (server.to_owned(), origin.to_owned());
        self.keys.subscription(&format!("{origin}{path}"))
    }

    /// The browser at a path is gone.
    pub fn remove(&mut self, path: &str) {
        self.gone.insert(path.to_owned());
    }

    /// Whether it is the server that the browser has subscribed for (RFC 8292, section 4.2).
    fn is_known(&self, asked: &Asked) -> bool {
        let header = asked.header("authorization").unwrap_or_default();
        let Some((token, key)) = header.strip_prefix("vapid t=").and_then(|rest| rest.split_once(", k="))
        else {
            return false;
        };
        let (said, signature) = token.rsplit_once('.').unwrap();
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let claims: Value = serde_json::from_slice(&read(said.split_once('.').unwrap().1)).unwrap();
        let point = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, read(key));
        key == self.server
            && claims["aud"] == json!(self.origin)
            && claims["sub"].as_str().is_some_and(|contact| contact.starts_with("mailto:"))
            && point.verify(said.as_bytes(), &read(signature)).is_ok()
    }
}

impl Peer for PushBooks {
    type Taken = Shown;

    fn answer(&mut self, asked: &Asked) -> Replied {
        if !self.is_known(asked) {
            return Replied::json(403, Value::Null);
        }
        if self.gone.contains(&asked.path) {
            return Replied::json(410, Value::Null);
        }
        if asked.body.len() > BODY_BYTES_MAX || asked.header("content-encoding") != Some("aes128gcm") {
            return Replied::json(413, Value::Null);
        }
        let header = |name: &str| asked.header(name).unwrap_or_default().to_owned();
        let json = serde_json::from_slice(&self.keys.open(&asked.body)).unwrap();
        let headers = ["ttl", "urgency", "topic"].map(header);
        self.shown.push(Shown { path: asked.path.clone(), json, headers });
        Replied::json(201, Value::Null)
    }

    fn taken(&self) -> &[Shown] {
        &self.shown
    }
}

/// HMAC-SHA-256 over parts: one step of HKDF each way.
fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), &parts.concat()).as_ref().to_vec()
}
