//! Parameters and headers that many routes share, and who may call.

use serde_json::{Map, Value, json};

use crate::auth::Scope;
use crate::limits::{IDEMPOTENCY_KEY_BYTES_MAX, LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX, LONG_POLL_MS_MAX};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Without a credential.
    Anyone,
    /// The administrator.
    Administrator,
    /// An organizer's key of this scope.
    Organizer(Scope),
    /// A buyer's token.
    Buyer,
    /// The secret of the hold.
    HoldSecret,
}

impl Who {
    /// The security requirement.
    pub(super) fn requirement(self) -> Value {
        match self {
            Who::Anyone => json!({}),
            Who::Administrator => json!({"administrator": []}),
            Who::Organizer(scope) => json!({"organizer": [scope.name()]}),
            Who::Buyer => json!({"buyer": []}),
            Who::HoldSecret => json!({"hold_secret": []}),
        }
    }
}

/// The security schemes.
pub(super) fn security_schemes() -> Value {
    let bearer = |format: &str, description: &str| json!({"type": "http", "scheme": "bearer", "bearerFormat": format, "description": description});
    let scopes: Vec<_> = Scope::ALL.iter().map(|scope| format!("`{}`", scope.name())).collect();
    let organizer = format!(
        "A key that an administrator made (`POST /v1/api-keys`), with scopes of {}.",
        scopes.join(", ")
    );
    json!({
        "administrator": bearer("tsa_…", "The administrator's token: configured, or made at the first start and kept in `DATA/admin-token`."),
        "organizer": bearer("tsk_…", &organizer),
        "buyer": bearer("tsb_…", "A buyer token (`POST /v1/buyer-tokens`): signed, short-lived, names a buyer."),
        "hold_secret": {"type": "apiKey", "in": "header", "name": "X-Hold-Secret",
            "description": "The secret in the reply of *place hold*: acts for the hold's buyer, on this hold and its order only; it wins over a credential sent beside it."},
    })
}

/// The parameters that routes refer to, by name.
pub(super) fn parameters() -> Value {
    let header = |name: &str, required: bool, description: &str, schema: Value, example: &str| json!({"name": name, "in": "header", "required": required, "description": description, "schema": schema, "example": example});
    let query = |name: &str, description: &str, schema: Value, example: Value| json!({"name": name, "in": "query", "description": description, "schema": schema, "example": example});
    let sequence = || json!({"type": "integer", "minimum": 0, "maximum": u64::MAX});
    json!({
        "IdempotencyKey": header("Idempotency-Key", true,
            "Fresh for a new intention, the same for a retry, which must repeat path and body byte for byte. A UUIDv7 is recommended. `X-Idempotency-Key` is taken, too.",
            json!({"type": "string", "minLength": 1, "maxLength": IDEMPOTENCY_KEY_BYTES_MAX, "pattern": "^[!-~]+$"}),
            "0192f0c1-7a3b-7cde-8f01-23456789abcd"),
        "IfNoneMatch": header("If-None-Match", false, "Entity tags that the client has; 304 when one is current.",
            json!({"type": "string"}), "\"1234\""),
        "LastEventId": header("Last-Event-ID", false,
            "Streams only: the sequence of the last item that was seen, where the stream goes on. It wins over `after`.",
            json!({"type": "string", "pattern": "^[0-9]{1,19}$"}), "0"),
        "RequestId": header(
            "X-Request-Id",
            false,
            "Taken over into the reply where it is 1 to 64 letters, digits, `-`, `_`, `.`; otherwise one is made.",
            json!({"type": "string"}),
            "checkout-7f3a"
        ),
        "Limit": query("limit", "Most items of the page.",
            json!({"type": "integer", "minimum": 1, "maximum": LIST_LIMIT_MAX, "default": LIST_LIMIT_DEFAULT}), json!(50)),
        "After": query("after", "The page begins with what follows this sequence.",
            json!({"type": "integer", "minimum": 0, "maximum": u64::MAX, "default": 0}), json!(0)),
        "WaitMs": query("wait_ms", "Waits so long, in milliseconds, for something new.",
            json!({"type": "integer", "minimum": 0, "maximum": LONG_POLL_MS_MAX, "default": 0}), json!(0)),
        "MinSequence": query("min_sequence", "Waits, for a bounded time, until the list has followed the event so far.", sequence(), json!(0)),
    })
}

/// The headers of replies, by name.
pub(super) fn reply_headers() -> Value {
    let header = |description: &str, schema: Value| json!({"description": description, "required": true, "schema": schema});
    let optional = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let text = || json!({"type": "string"});
    let count = || json!({"type": "integer", "minimum": 0});
    json!({
        "X-Request-Id": header("Leads to the lines of the log about this request.", text()),
        "ETag": header("A strong entity tag over the bytes.", text()),
        "Cache-Control": header("How caches may keep it.", text()),
        "Idempotency-Replayed": optional("`true`: the command was accepted before, under the same key.", json!({"const": "true"})),
        "Mirror-Age-Ms": optional("In a cluster, of a read of an event that another node has: how long ago its log was looked at, in milliseconds.", count()),
        "Event-Owner": optional("In a cluster: where the node is reached that has the event. A hint: any node answers.", text()),
        "Retry-After": header("Seconds to wait before the next try.", count()),
        "RateLimit-Limit": header("Requests that may be saved up.", count()),
        "RateLimit-Remaining": header("Requests that are left.", count()),
        "RateLimit-Reset": header("Seconds until one more is admitted.", count()),
        "RateLimit-Policy": optional("The narrowest limit that the request was counted against: its name, `q` requests that may be saved up, `w` seconds until all are again. Absent where there is none.", text()),
        "RateLimit": optional("How that limit stands: `r` requests that are left, `t` seconds until all are again.", text()),
        "WWW-Authenticate": header("`Bearer`", text()),
        "Allow": header("The methods that the path knows.", text()),
    })
}

/// The parameters of a path, by their names in its template.
pub(super) fn of_path(template: &str) -> Vec<Value> {
    template
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(of_segment)
        .collect()
}

fn of_segment(name: &str) -> Value {
    let id = |prefix: &str| json!({"type": "string", "pattern": format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")});
    let (schema, example, description) = match name {
        "event" => (id("evt"), super::example::EVENT, "The event."),
        "hold" => (id("hld"), super::example::HOLD, "The hold."),
        "order" => (id("ord"), super::example::ORDER, "The order."),
        "ticket" => (id("tkt"), super::example::TICKET, "The ticket."),
        "entry" => (id("wle"), super::example::ENTRY, "The entry of the waitlist."),
        "receipt" => (id("rct"), super::example::RECEIPT, "The receipt."),
        "ticket_key" => (
            json!({"type": "string", "pattern": "^[0-9a-f]{16}$"}),
            "1f2e3d4c5b6a7988",
            "The key of tickets.",
        ),
        "key" => (id("key"), super::example::KEY, "The organizer key."),
        "payment" => (
            json!({"type": "string", "pattern": "^[0-9a-f]{32}-[0-9]+-[0-9]+$"}),
            super::example::PAYMENT,
            "The payment.",
        ),
        "organizer" => (id("org"), super::example::ORGANIZER, "The organizer."),
        "run" => (id("rfr"), super::example::REFUND_RUN, "The refund run."),
        "payout" => (id("pyo"), super::example::PAYOUT, "The payout."),
        "node" => (id("nod"), super::example::NODE, "The node."),
        "endpoint" => (id("whk"), super::example::WEBHOOK_ENDPOINT, "The webhook endpoint."),
        "token" => (json!({"type": "string", "minLength": 1}), "AAAA", "What stands in the link."),
        "broadcast" => {
            (json!({"type": "string", "pattern": "^[0-9]{1,20}$"}), "1", "The broadcast, by its number.")
        }
        "code" => (super::reference("schemas", "Code"), "sold_out", "The code of a problem."),
        "package" => (json!({"type": "string", "minLength": 1}), "qr", "The package of others."),
        "channel" => (json!({"type": "string", "minLength": 1}), "Sponsor", "The name of the channel."),
        _ => (json!({"type": "string", "minLength": 1}), "swagger-ui.css", "The name of the file."),
    };
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema, "example": example})
}

/// Parameters of a query that pages through a list whose cursors are identifiers with this prefix.
pub(super) fn cursor(prefix: &str) -> Value {
    let pattern = format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$");
    json!({"name": "cursor", "in": "query", "description": "The `next` of the page before.", "schema": {"type": "string", "pattern": pattern}})
}

/// Every header that a map of replies names.
pub(super) fn named(names: &[&str]) -> Map<String, Value> {
    names.iter().map(|name| ((*name).to_owned(), super::reference("headers", name))).collect()
}
