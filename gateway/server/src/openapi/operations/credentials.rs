//! Organizer keys and buyer tokens.

use serde_json::json;

use super::{Operation, Who, example};
use crate::auth::Scope;
use crate::code::Code;
use crate::routes::{api_keys, buyer_tokens};

const TAG: &str = "credentials";
const KEEPERS: [Who; 2] = [Who::Organizer(Scope::ApiKeysWrite), Who::Administrator];

pub(super) fn make_api_key() -> Operation {
    Operation::new(TAG, "Make an organizer key")
        .about(
            "The secret is shown this once. `Idempotency-Key` is ignored: each call makes another key. An organizer makes keys of its own, with no scope that its key has not.",
        )
        .by(&KEEPERS)
        .takes::<api_keys::MakeRequest<'_>>(json!({"name": "box office", "scopes": ["events:read", "orders:write"]}))
        .answers::<api_keys::Made<'_>>(
            201,
            "The key.",
            json!({"id": example::KEY, "organizer": example::ORGANIZER, "name": "box office", "secret": "tsk_…",
                "scopes": ["events:read", "orders:write"]}),
        )
}

pub(super) fn list_api_keys() -> Operation {
    let key = json!({"id": example::KEY, "organizer": example::ORGANIZER, "name": "box office", "scopes": ["events:read"],
        "created_at": example::at()});
    Operation::new(TAG, "List organizer keys")
        .about("An organizer sees its own; a page of them may have fewer than asked for although `next` says that there are more.")
        .by(&KEEPERS)
        .listed("key")
        .reads::<api_keys::KeyList<'_>>(
            "A page of keys, without their secrets.",
            json!({"items": [key], "next": null}),
        )
}

pub(super) fn revoke_api_key() -> Operation {
    Operation::new(TAG, "Revoke an organizer key")
        .about("It is refused at once. To do it twice is to do it once.")
        .by(&KEEPERS)
        .reply(204, "It is revoked.", &["X-Request-Id"], None)
        .may(&[Code::ApiKeyNotFound])
}

pub(super) fn make_buyer_tokens() -> Operation {
    Operation::new(TAG, "Make buyer tokens")
        .about(
            "Without a credential only the empty object: one token for a fresh buyer, limited per address.",
        )
        .by(&[Who::Anyone, Who::Organizer(Scope::BuyerTokensWrite), Who::Administrator])
        .takes::<buyer_tokens::MakeRequest<'_>>(json!({"count": 1}))
        .or_nothing()
        .answers::<buyer_tokens::Made>(
            201,
            "The tokens.",
            json!({"tokens": ["tsb_…"], "expires_at": example::at()}),
        )
        .may(&[Code::CredentialMissing, Code::Forbidden])
}
