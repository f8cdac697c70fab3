//! Receipts, checkpoints, and the keys that verify them.

use serde_json::{Value, json};

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::receipt::{KeysDocument, PublicKeyDocument, ReceiptDocument};
use crate::routes::{Nothing, receipts};

const TAG: &str = "receipts";
const READERS: [Who; 4] = [Who::Anyone, Who::Buyer, Who::Organizer(Scope::EventsRead), Who::Administrator];

fn checkpoint() -> String {
    format!(
        "tessera.example/{}\n2048\n{}\n\n— tessera.example {}\n",
        example::EVENT,
        "A".repeat(43) + "=",
        "B".repeat(96)
    )
}

fn receipt() -> Value {
    json!({
        "format": "tessera-receipt/1", "receipt": example::RECEIPT, "event": example::EVENT,
        "decision": {"outcome": "refused", "kind": "place_hold", "sequence": 1234, "at": example::at(),
            "detail": "line=0 remaining=0", "refusal": {"code": "sold_out", "epoch": 3, "number": 7},
            "key": {"digest": "0".repeat(32), "fingerprint": "0".repeat(16)}},
        "index": 1240, "path": ["A".repeat(43) + "="], "checkpoint": checkpoint(),
    })
}

fn key() -> Value {
    json!({"id": "1f2e3d4c", "algorithm": "ed25519", "public_key": "A".repeat(43) + "=", "valid_from": example::at(), "valid_until": null})
}

pub(super) fn read() -> Operation {
    let mut operation = Operation::new(TAG, "Read the receipt of a decision")
        .about("It proves offline what was decided, refusals included: `tessera verify`. `Accept: text/html` asks for a page that explains it.")
        .by(&READERS)
        .reads::<ReceiptDocument>("The receipt.", receipt())
        .pending::<receipts::NotYet<'_>>(
            "It is not signed yet: ask again.",
            json!({"receipt": example::RECEIPT, "state": "not_signed_yet"}),
        )
        .may(&[Code::ReceiptNotFound]);
    operation.content(200, "text/html", json!({"schema": {"type": "string"}, "example": "<!doctype html>"}));
    operation
}

pub(super) fn checkpoints() -> Operation {
    Operation::new(TAG, "Read the signed checkpoints of an event")
        .about("Each signs the tree of all decisions so far (C2SP tlog-checkpoint). `after` is a page.")
        .by(&READERS)
        .with(&["After", "Limit"])
        .reads::<receipts::Checkpoints>(
            "A page of checkpoints.",
            json!({"items": [{"page": 12, "checkpoint": checkpoint()}], "next": 12, "head": 12}),
        )
}

pub(super) fn keys() -> Operation {
    Operation::new(TAG, "Read the public keys")
        .about("With their history: a receipt is verified by the key that was valid when it was signed.")
        .by(&[Who::Anyone])
        .reads::<KeysDocument>("The keys.", json!({"installation": "0".repeat(32), "keys": [key()]}))
}

pub(super) fn rotate() -> Operation {
    Operation::new(TAG, "Sign with a new key from now on")
        .about("Receipts of before verify by the history. Within a minute of the last rotation the newest key is answered.")
        .by(&[Who::Administrator])
        .takes::<Nothing>(json!({}))
        .answers::<PublicKeyDocument>(201, "The new key.", key())
        .may(&[Code::InvalidRequest])
}
