//! The contract: what the served OpenAPI document promises of a reply. The client checks each reply against it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};
use tessera_server::server::{Server as Running, Stores};
use tessera_store::memory::MemoryStore;
use tokio::sync::OnceCell;

use crate::server::Server;

/// The document that a server serves, and what is compiled of it.
pub struct Contract {
    /// As it is served.
    pub document: Value,
    /// Its components, where a reply may have nothing that is not documented.
    closed: Value,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A request and its reply, as the contract sees them.
pub struct Exchange<'a> {
    /// In capitals.
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// What was sent.
    pub sent: &'a [u8],
    /// What came back.
    pub status: u16,
    /// What came back.
    pub headers: &'a HeaderMap,
    /// What came back.
    pub body: &'a [u8],
}

impl Contract {
    /// The contract of this build, asked from a server of its own.
    pub async fn served() -> &'static Contract {
        static SERVED: OnceCell<Contract> = OnceCell::const_new();
        SERVED
            .get_or_init(|| async {
                let stores = Stores::of(Arc::new(MemoryStore::new()));
                let running = Running::start(Server::settings(), stores).await.unwrap();
                let client = reqwest::Client::builder().no_proxy().build().unwrap();
                let url = format!("{}/openapi.json", running.base_url());
                let document = client.get(url).send().await.unwrap().json().await.unwrap();
                running.stop().await;
                Contract::of(document)
            })
            .await
    }

    fn of(document: Value) -> Contract {
        let mut components = document["components"]["schemas"].clone();
        let parts = open_parts(&document);
        for (name, schema) in components.as_object_mut().unwrap() {
            close(schema, parts.contains(name));
        }
        Contract { closed: json!({"schemas": components}), document, compiled: Mutex::default() }
    }

    /// Fails unless the reply is one that the document promises, and a request that was accepted one that it admits.
    pub fn check(&self, exchange: &Exchange<'_>) {
        let Some((template, item)) = self.path(exchange.path) else { return };
        let method = if exchange.method == "HEAD" { "GET" } else { exchange.method };
        let Some(operation) = item.get(method.to_ascii_lowercase()) else { return };
        let what = format!("{method} {template} → {}", exchange.status);
        let reply = &operation["responses"][exchange.status.to_string()];
        assert!(reply.is_object(), "{what} is not documented: {}", String::from_utf8_lossy(exchange.body));
        for (name, header) in reply["headers"].as_object().into_iter().flatten() {
            let header = self.resolved(header);
            let required = header["required"] == true;
            assert!(!required || exchange.headers.contains_key(name.as_str()), "{what} has no {name}");
        }
        if exchange.method != "HEAD" {
            self.check_body(&what, &reply["content"], exchange);
        }
        if (200..300).contains(&exchange.status) && !exchange.sent.is_empty() {
            // Where no body is documented, none is read.
            if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
                let sent = serde_json::from_slice(exchange.sent).unwrap();
                self.valid(&format!("{what}, accepted"), schema, &sent, false);
            }
        }
    }

    fn check_body(&self, what: &str, content: &Value, exchange: &Exchange<'_>) {
        let Some(content) = content.as_object() else {
            return assert!(exchange.body.is_empty(), "{what} has a body");
        };
        let media_type = exchange.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
        let essence = media_type.split(';').next().unwrap().trim();
        let promised = content.get(essence).unwrap_or_else(|| panic!("{what} is {media_type}"));
        let plain = !exchange.headers.contains_key("content-encoding");
        if plain && essence.ends_with("json") {
            let body = serde_json::from_slice(exchange.body).unwrap();
            self.valid(what, &promised["schema"], &body, true);
        }
    }

    /// Fails unless a value has this schema of the document; `closed`: and nothing beside it.
    pub fn valid(&self, what: &str, schema: &Value, value: &Value, closed: bool) {
        let key = format!("{closed}{schema}");
        let known = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let validator = known.unwrap_or_else(|| {
            let mut root = schema.clone();
            if closed {
                close(&mut root, false);
            }
            root["components"] =
                if closed { self.closed.clone() } else { self.document["components"].clone() };
            let compiled = jsonschema::options().should_validate_formats(true).build(&root);
            let compiled = Arc::new(compiled.unwrap_or_else(|error| panic!("{what}: {error}")));
            let mut cache = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
            cache.insert(key, Arc::clone(&compiled));
            compiled
        });
        let wrong: Vec<_> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(wrong.is_empty(), "{what} breaks its schema:\n{}\n{value}", wrong.join("\n"));
    }

    /// The template of a path, and its operations. What is spelled out wins over a parameter.
    fn path(&self, path: &str) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let matches = |template: &str| {
            template.split('/').count() == path.split('/').count()
                && template
                    .split('/')
                    .zip(path.split('/'))
                    .all(|(one, other)| one.starts_with('{') || one == other)
        };
        let found = paths.iter().filter(|(template, _)| matches(template));
        found
            .min_by_key(|(template, _)| template.matches('{').count())
            .map(|(template, item)| (template.as_str(), item))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }
}

/// Lets an object have documented properties only; `part`: it is a part of another, which is closed itself.
fn close(schema: &mut Value, part: bool) {
    let Some(object) = schema.as_object_mut() else { return };
    for composed in ["allOf", "oneOf", "anyOf"] {
        let closed_apart = composed != "allOf" && !part && !object.contains_key("properties");
        for one in object.get_mut(composed).and_then(Value::as_array_mut).into_iter().flatten() {
            close(one, !closed_apart);
        }
    }
    for property in object.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        close(property.1, false);
    }
    if let Some(items) = object.get_mut("items") {
        close(items, false);
    }
    if !part && (object.contains_key("properties") || object.contains_key("allOf")) {
        object.insert("unevaluatedProperties".to_owned(), false.into());
    }
}

/// The components that are parts of others: those that an `allOf` names, and what they are composed of.
fn open_parts(document: &Value) -> HashSet<String> {
    let mut parts = HashSet::new();
    let mut waiting = Vec::new();
    find_parts(document, &mut waiting);
    while let Some(name) = waiting.pop() {
        if parts.insert(name.clone()) {
            let schema = &document["components"]["schemas"][&name];
            for composed in ["oneOf", "anyOf"] {
                for one in schema[composed].as_array().into_iter().flatten() {
                    waiting.extend(component(one));
                }
            }
        }
    }
    parts
}

fn find_parts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let members = object.get("allOf").and_then(Value::as_array);
            found.extend(members.into_iter().flatten().filter_map(component));
            object.values().for_each(|value| find_parts(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| find_parts(value, found)),
        _ => {}
    }
}

fn component(value: &Value) -> Option<String> {
    let reference = value.as_object().and_then(|object: &Map<_, _>| object.get("$ref"))?.as_str()?;
    reference.strip_prefix("#/components/schemas/").map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use reqwest::header::HeaderValue;

    use super::*;

    const EVENTS: &str = "/v1/events";

    fn headers(names: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (name.parse().unwrap(), HeaderValue::from_static(value))
        };
        names.iter().map(pair).collect()
    }

    /// Whether a reply to a list of events passes.
    fn passes(
        contract: &Contract,
        status: u16,
        names: &[(&'static str, &'static str)],
        body: &Value,
    ) -> bool {
        let body = body.to_string();
        let headers = headers(names);
        let exchange = Exchange {
            method: "GET",
            path: EVENTS,
            sent: b"",
            status,
            headers: &headers,
            body: body.as_bytes(),
        };
        catch_unwind(AssertUnwindSafe(|| contract.check(&exchange))).is_ok()
    }

    #[tokio::test]
    async fn a_reply_that_is_not_as_documented_is_noticed() {
        let contract = Contract::served().await;
        let all = [
            ("x-request-id", "1"),
            ("etag", "\"1\""),
            ("cache-control", "no-store"),
            ("content-type", "application/json"),
        ];
        let good = json!({"items": [], "next": null});
        assert!(passes(contract, 200, &all, &good));
        assert!(!passes(contract, 201, &all, &good), "a status that is not documented");
        assert!(!passes(contract, 200, &all[1..], &good), "a header that is missing");
        assert!(!passes(contract, 200, &all, &json!({"items": []})), "a field that is missing");
        assert!(
            !passes(contract, 200, &all, &json!({"items": [], "next": null, "more": 1})),
            "one that is not documented"
        );
        assert!(!passes(contract, 200, &all, &json!({"items": [{}], "next": null})), "a wrong item");
        let problem = [
            ("x-request-id", "1"),
            ("content-type", "application/problem+json"),
            ("www-authenticate", "Bearer"),
        ];
        let of = |code: &str| json!({"type": "x", "title": "x", "status": 401, "code": code, "detail": "x"});
        assert!(passes(contract, 401, &problem, &of("credential_missing")));
        assert!(!passes(contract, 401, &problem, &of("sold_out")), "a code of another status");
    }
}
