//! Receipts and keys as files: what the routes send, and `tessera verify` reads. `docs/receipts.md` describes them to outsiders.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tessera_inventory::{EventId, Timestamp};
use tessera_proof::{
    Hash, KeyDigest, Kind, Leaf, Outcome, PublicKey, Receipt, ReceiptId, from_hex, hash_of, to_hex,
};
use utoipa::ToSchema;

use crate::ids;
use crate::instant::Rfc3339;

/// The format of a receipt. Another one gets another name.
const FORMAT: &str = "tessera-receipt/1";
/// The one algorithm of the keys.
const ALGORITHM: &str = "ed25519";

/// A receipt as a file. Every member is proven.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Receipt)]
pub struct ReceiptDocument {
    format: String,
    receipt: String,
    event: String,
    /// What was decided.
    pub decision: DecisionDocument,
    index: u64,
    path: Vec<String>,
    checkpoint: String,
}

/// A decision in clear.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Decision)]
pub struct DecisionDocument {
    outcome: String,
    kind: String,
    sequence: u64,
    at: Rfc3339,
    detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refusal: Option<RefusalDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    key: Option<KeyDocument>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RefusedDecision)]
struct RefusalDocument {
    code: String,
    epoch: u64,
    number: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyDigest)]
struct KeyDocument {
    digest: String,
    fingerprint: String,
}

/// The public keys of an installation, as a file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptKeys)]
pub struct KeysDocument {
    installation: String,
    keys: Vec<PublicKeyDocument>,
}

/// One public key.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ReceiptKey)]
pub struct PublicKeyDocument {
    id: String,
    algorithm: String,
    public_key: String,
    valid_from: Rfc3339,
    valid_until: Option<Rfc3339>,
}

impl ReceiptDocument {
    /// The file of a receipt.
    #[must_use]
    pub fn of(receipt: &Receipt) -> ReceiptDocument {
        ReceiptDocument {
            format: FORMAT.to_owned(),
            receipt: receipt_id(receipt.id),
            event: ids::event(EventId(receipt.leaf.event)).to_string(),
            decision: DecisionDocument::of(&receipt.leaf, &receipt.detail),
            index: receipt.index,
            path: receipt.path.iter().map(|hash| STANDARD.encode(hash)).collect(),
            checkpoint: receipt.checkpoint.clone(),
        }
    }

    /// The receipt of a file; the name of the member that cannot be read, if one cannot.
    ///
    /// # Errors
    /// The name of a member.
    pub fn receipt(&self) -> Result<Receipt, &'static str> {
        if self.format != FORMAT {
            return Err("format");
        }
        let event = ids::parse_event(&self.event).ok_or("event")?;
        let bits = ids::parse(ids::Kind::Receipt, &self.receipt).ok_or("receipt")?;
        let (leaf, detail) = self.decision.leaf(event)?;
        let sibling = |text: &String| STANDARD.decode(text).ok()?.try_into().ok();
        Ok(Receipt {
            id: ReceiptId::of_event(event.0, bits).ok_or("receipt")?,
            leaf,
            detail,
            index: self.index,
            path: self.path.iter().map(sibling).collect::<Option<Vec<Hash>>>().ok_or("path")?,
            checkpoint: self.checkpoint.clone(),
        })
    }
}

impl DecisionDocument {
    /// A decision in clear.
    #[must_use]
    pub fn of(leaf: &Leaf, detail: &str) -> DecisionDocument {
        let (outcome, refusal) = match &leaf.outcome {
            Outcome::Accepted => ("accepted", None),
            Outcome::Refused { epoch, number, code } => {
                let (epoch, number) = (*epoch, *number);
                ("refused", Some(RefusalDocument { code: code.clone(), epoch, number }))
            }
        };
        let key = leaf.key.map(|key| KeyDocument {
            digest: to_hex(&key.digest.to_be_bytes()),
            fingerprint: to_hex(&key.fingerprint.to_be_bytes()),
        });
        DecisionDocument {
            outcome: outcome.to_owned(),
            kind: leaf.kind.text().to_owned(),
            sequence: leaf.sequence,
            at: Rfc3339(Timestamp(leaf.at_ms)),
            detail: detail.to_owned(),
            refusal,
            key,
        }
    }

    /// The leaf of a decision of `event`, and its detail; the name of the member that cannot be read, if one cannot.
    ///
    /// # Errors
    /// The name of a member.
    pub fn leaf(&self, event: EventId) -> Result<(Leaf, String), &'static str> {
        let outcome = match (self.outcome.as_str(), &self.refusal) {
            ("accepted", None) => Outcome::Accepted,
            ("refused", Some(RefusalDocument { code, epoch, number })) => {
                Outcome::Refused { epoch: *epoch, number: *number, code: code.clone() }
            }
            _ => return Err("decision.outcome"),
        };
        let key = self.key.as_ref().map(|key| {
            let digest = from_hex(&key.digest).map(u128::from_be_bytes);
            let fingerprint = from_hex(&key.fingerprint).map(u64::from_be_bytes);
            Some(KeyDigest { digest: digest?, fingerprint: fingerprint? })
        });
        let leaf = Leaf {
            event: event.0,
            kind: Kind::find(&self.kind).ok_or("decision.kind")?,
            sequence: self.sequence,
            at_ms: self.at.0.0,
            key: key.map(|key| key.ok_or("decision.key")).transpose()?,
            outcome,
            detail: hash_of(self.detail.as_bytes()),
        };
        Ok((leaf, self.detail.clone()))
    }
}

impl KeysDocument {
    /// The file of an installation's keys.
    #[must_use]
    pub fn of(installation: u128, keys: &[PublicKey]) -> KeysDocument {
        let installation = to_hex(&installation.to_be_bytes());
        KeysDocument { installation, keys: keys.iter().map(PublicKeyDocument::of).collect() }
    }

    /// The keys of a file; the name of the member that cannot be read, if one cannot.
    ///
    /// # Errors
    /// The name of a member.
    pub fn keys(&self) -> Result<Vec<PublicKey>, &'static str> {
        self.keys.iter().map(PublicKeyDocument::key).collect()
    }
}

impl PublicKeyDocument {
    /// One key as it is shown.
    #[must_use]
    pub fn of(key: &PublicKey) -> PublicKeyDocument {
        PublicKeyDocument {
            id: key.id(),
            algorithm: ALGORITHM.to_owned(),
            public_key: STANDARD.encode(key.bytes),
            valid_from: Rfc3339(Timestamp(key.valid_from_ms)),
            valid_until: key.valid_until_ms.map(|until| Rfc3339(Timestamp(until))),
        }
    }

    fn key(&self) -> Result<PublicKey, &'static str> {
        if self.algorithm != ALGORITHM {
            return Err("algorithm");
        }
        Ok(PublicKey {
            bytes: public_key(&self.public_key).ok_or("public_key")?,
            valid_from_ms: self.valid_from.0.0,
            valid_until_ms: self.valid_until.map(|until| until.0.0),
        })
    }
}

/// A public key in base64.
#[must_use]
pub fn public_key(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The text of a receipt's name.
#[must_use]
pub fn receipt_id(id: ReceiptId) -> String {
    ids::IdText::new(ids::Kind::Receipt, id.bits()).to_string()
}
