//! The OpenAPI document, generated from the code: [`Route::ALL`] has its routes, the structs that are read and rendered its schemas,
//! [`Code::ALL`] and the pages of the codes its problems. A route without documentation does not compile.
//!
//! [`Code::ALL`]: crate::code::Code::ALL

mod example;
mod operation;
mod operations;
mod parameters;
mod problem;
pub(crate) mod schema;

use std::sync::OnceLock;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use crate::render::documents;
use crate::router::Route;
use crate::webhooks::Message;

/// The version of OpenAPI that the document follows.
const OPENAPI_VERSION: &str = "3.1.0";
/// The headings, in the order of a purchase.
const TAGS: [(&str, &str); 15] = [
    ("events", "Events: what is sold, where and when."),
    ("availability", "What is free, and what happens: for everyone who watches."),
    ("holds", "Holds: units that a buyer has for some minutes."),
    ("waitlist", "The waitlist: who comes too late is offered what returns, in order."),
    ("orders", "Orders: holds that are being paid or were paid."),
    ("organizers", "What is agreed with organizers, and what they are owed."),
    ("refund runs", "Refunds of many orders at once."),
    ("payments", "Payments: how a buyer pays through a provider, and what the provider tells."),
    ("tickets", "Tickets: handing them on, and the door."),
    ("entry", "Entry with devices: what they go offline with, and what they tell."),
    ("receipts", "Receipts: proof of every decision, for whoever trusts nobody."),
    ("webhooks", "Webhooks: to be told of what happens, with signed messages, at least once."),
    ("messages", "Messages to people: how they are reached, what is said to them, and how it looks."),
    ("credentials", "Organizer keys and buyer tokens."),
    ("operation", "For operators, and this document."),
];

/// The document as it is served.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
}

/// The document, rendered by the first who asks.
pub(crate) fn document() -> &'static Document {
    static DOCUMENT: OnceLock<Document> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let bytes = serde_json::to_vec(&build()).unwrap_or_default();
        Document { etag: documents::etag_of(&bytes), body: bytes.into() }
    })
}

/// The whole document.
pub(crate) fn build() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    let mut schemas: Map<String, Value> = Map::new();
    let mut components = Vec::new();
    for route in Route::ALL {
        let Some(mut operation) = operations::of(*route) else { continue };
        components.append(&mut operation.components);
        let path = paths.entry(route.template()).or_insert_with(|| json!({}));
        path[route.method().to_ascii_lowercase()] = operation.render(*route);
    }
    components.push((Message::name().into(), Message::schema()));
    Message::schemas(&mut components);
    components.push((problem::ProblemDocument::name().into(), problem::ProblemDocument::schema()));
    problem::ProblemDocument::schemas(&mut components);
    for (name, schema) in components {
        // A schema is plain data: it becomes JSON.
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    let tags: Vec<_> =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    json!({
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Tessera",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Sells what there is, once.",
            "description": include_str!("about.md"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "tags": tags,
        "paths": paths,
        "webhooks": {"message": webhook()},
        "components": {
            "schemas": schemas,
            "examples": problem::examples(),
            "parameters": parameters::parameters(),
            "headers": parameters::reply_headers(),
            "responses": problem::shared(),
            "securitySchemes": parameters::security_schemes(),
        },
    })
}

/// What is posted to webhook endpoints.
fn webhook() -> Value {
    let header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": true, "description": description, "schema": {"type": "string"}});
    json!({"post": {
        "summary": "A message to a webhook endpoint",
        "description": "It is signed as Standard Webhooks says, and sent at least once. See docs/webhooks.md.",
        "parameters": [
            header("webhook-id", "The same whenever the message is sent again."),
            header("webhook-timestamp", "When this attempt was made, in seconds of Unix time."),
            header("webhook-signature", "`v1,` and base64 of the HMAC-SHA256 over `id.timestamp.body`, one for each secret that is valid."),
        ],
        "requestBody": {"required": true, "content": {"application/json": {"schema": reference("schemas", "WebhookMessage")}}},
        "responses": {"2XX": {"description": "It was taken."}, "410": {"description": "Nothing shall be sent any more: the endpoint is disabled."},
            "default": {"description": "It is sent again later."}},
    }})
}

/// A reference to a component.
fn reference(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

#[cfg(test)]
mod tests;
