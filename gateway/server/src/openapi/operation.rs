//! One operation of the document in the making.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::parameters::{self, Who};
use super::{problem, reference};
use crate::code::Code;
use crate::render;
use crate::router::Route;

/// What every route may answer.
const ANY_CODES: [Code; 3] = [Code::TooManyRequests, Code::HeaderTooLarge, Code::InternalError];
/// What a body may be wrong in.
const BODY_CODES: [Code; 9] = [
    Code::MalformedJson,
    Code::UnsupportedMediaType,
    Code::BodyTooLarge,
    Code::BodyTooSlow,
    Code::UnknownField,
    Code::MissingField,
    Code::WrongType,
    Code::OutOfRange,
    Code::InvalidValue,
];
/// What an idempotency key may be wrong in.
const KEY_CODES: [Code; 4] = [Code::KeyMissing, Code::KeyMalformed, Code::KeyReused, Code::KeyExpired];
/// What a query may be wrong in.
const QUERY_CODES: [Code; 3] = [Code::UnknownField, Code::InvalidValue, Code::OutOfRange];
/// What a store or a writer that does not answer is.
const STORE_CODES: [Code; 3] = [Code::NotExecuted, Code::StoreWentBack, Code::OutcomeUnknown];
/// What a credential may be wrong in, where there is one.
const CREDENTIAL_CODES: [Code; 2] = [Code::CredentialInvalid, Code::CredentialExpired];
/// What it is to have none, or the wrong one.
const DEMANDED_CODES: [Code; 2] = [Code::CredentialMissing, Code::Forbidden];

/// The schema of a component, and those that it refers to.
pub(super) type Component = (String, RefOr<Schema>);

/// One operation.
#[derive(Default)]
pub(crate) struct Operation {
    summary: &'static str,
    description: &'static str,
    tag: &'static str,
    security: Vec<Who>,
    parameters: Vec<Value>,
    body: Option<Value>,
    replies: Map<String, Value>,
    codes: Vec<Code>,
    keyed: bool,
    pub(super) components: Vec<Component>,
}

impl Operation {
    /// An operation with a title, under a heading.
    pub(super) fn new(tag: &'static str, summary: &'static str) -> Operation {
        Operation { tag, summary, codes: ANY_CODES.into(), ..Operation::default() }
    }

    /// What is not obvious.
    pub(super) fn about(mut self, description: &'static str) -> Operation {
        self.description = description;
        self
    }

    /// Who may call.
    pub(super) fn by(mut self, who: &[Who]) -> Operation {
        self.security = who.to_vec();
        if who != [Who::Anyone] {
            self.codes.extend(CREDENTIAL_CODES);
            self.codes.extend(STORE_CODES);
        }
        if !who.contains(&Who::Anyone) {
            self.codes.extend(DEMANDED_CODES);
        }
        self
    }

    /// With an idempotency key, by which its reply says whether it was given before.
    pub(super) fn keyed(mut self) -> Operation {
        self.parameters.push(reference("parameters", "IdempotencyKey"));
        self.codes.extend(KEY_CODES);
        self.codes.extend(STORE_CODES);
        self.keyed = true;
        self
    }

    /// With parameters of the query or headers that components name.
    pub(super) fn with(mut self, names: &[&str]) -> Operation {
        self.parameters.extend(names.iter().map(|name| reference("parameters", name)));
        self.codes.extend(QUERY_CODES);
        self
    }

    /// A list whose cursors are identifiers with this prefix.
    pub(super) fn listed(self, prefix: &str) -> Operation {
        self.taking(parameters::cursor(prefix)).with(&["Limit"])
    }

    /// With a parameter of its own.
    pub(super) fn taking(mut self, parameter: Value) -> Operation {
        if parameter["in"] == "query" {
            self.codes.extend(QUERY_CODES);
        }
        self.parameters.push(parameter);
        self
    }

    /// With a body, which it may go without where that is the empty object.
    pub(super) fn takes<T: ToSchema>(mut self, example: Value) -> Operation {
        let required = example != json!({});
        let schema = self.component::<T>();
        self.body = Some(json!({"required": required, "content": as_json(schema, example)}));
        self.codes.extend(BODY_CODES);
        self
    }

    /// With a body of any kind.
    pub(super) fn takes_bytes(mut self) -> Operation {
        self.body = Some(json!({"required": true, "content": {"*/*": {"schema": {}}}}));
        self.codes.extend([Code::MalformedJson, Code::BodyTooLarge, Code::BodyTooSlow, Code::RouteNotFound]);
        self
    }

    /// Its body may be left out.
    pub(super) fn or_nothing(mut self) -> Operation {
        if let Some(body) = &mut self.body {
            body["required"] = false.into();
        }
        self
    }

    /// Answers with a body that no cache keeps.
    pub(super) fn answers<T: ToSchema>(
        mut self,
        status: u16,
        description: &str,
        example: Value,
    ) -> Operation {
        let mut schema = self.component::<T>();
        if self.keyed {
            schema = json!({"allOf": [schema, self.component::<render::Receipted>()]});
        }
        let content = as_json(schema, example);
        self.reply(status, description, &["X-Request-Id", "Cache-Control"], Some(content))
    }

    /// Answers 202 with this body while there is nothing else to say yet.
    pub(super) fn pending<T: ToSchema>(mut self, description: &str, example: Value) -> Operation {
        let schema = self.component::<T>();
        let content = as_json(schema, example);
        self.reply(202, description, &["X-Request-Id", "Cache-Control", "Retry-After"], Some(content))
    }

    /// Answers with a body that has an entity tag, or 304.
    pub(super) fn reads<T: ToSchema>(mut self, description: &str, example: Value) -> Operation {
        let schema = self.component::<T>();
        let content = as_json(schema, example);
        self.tagged(description, content)
    }

    /// Answers with this content and an entity tag, or 304.
    pub(super) fn tagged(mut self, description: &str, content: Value) -> Operation {
        self.parameters.push(reference("parameters", "IfNoneMatch"));
        let headers = ["X-Request-Id", "ETag", "Cache-Control"];
        self.reply(200, description, &headers, Some(content)).reply(304, "The client has it.", &headers, None)
    }

    /// Answers with this status.
    pub(super) fn reply(
        mut self,
        status: u16,
        description: &str,
        headers: &[&str],
        content: Option<Value>,
    ) -> Operation {
        let mut headers = parameters::named(headers);
        headers.extend(parameters::named(&["RateLimit-Policy", "RateLimit"]));
        if (200..300).contains(&status) {
            headers.extend(parameters::named(&["Mirror-Age-Ms", "Event-Owner"]));
        }
        if self.keyed && (200..300).contains(&status) {
            headers.extend(parameters::named(&["Idempotency-Replayed"]));
        }
        let mut reply = json!({"description": description, "headers": headers});
        if let Some(content) = content {
            reply["content"] = content;
        }
        self.replies.insert(status.to_string(), reply);
        self
    }

    /// With `Upgrade: websocket` the connection becomes one.
    pub(super) fn upgrades(self, description: &str) -> Operation {
        self.reply(101, description, &["X-Request-Id"], None)
            .may(&[Code::InvalidHeader, Code::TooManyStreams])
    }

    /// Codes of its own.
    pub(super) fn may(mut self, codes: &[Code]) -> Operation {
        self.codes.extend(codes);
        self
    }

    /// One more form of a reply that there is.
    pub(super) fn content(&mut self, status: u16, media_type: &str, content: Value) {
        if let Some(reply) = self.replies.get_mut(&status.to_string()) {
            reply["content"][media_type] = content;
        }
    }

    /// Has a component in the document that stands in a list, or in messages of a stream.
    pub(super) fn component_of<T: ToSchema>(mut self) -> Operation {
        self.component::<T>();
        self
    }

    /// The reference to a component, which is kept with what it refers to.
    fn component<T: ToSchema>(&mut self) -> Value {
        let name = T::name();
        self.components.push((name.to_string(), T::schema()));
        T::schemas(&mut self.components);
        reference("schemas", &name)
    }

    /// The operation as the document has it.
    pub(super) fn render(mut self, route: Route) -> Value {
        if route.template().contains("{event}") {
            self.codes.push(Code::EventNotFound);
            self.codes.extend(STORE_CODES);
        }
        let mut replies = self.replies;
        for (status, reply) in problem::replies(&self.codes) {
            // Readiness answers 503 with its own document.
            replies.entry(status).or_insert(reply);
        }
        let mut all = parameters::of_path(route.template());
        all.append(&mut self.parameters);
        all.push(reference("parameters", "RequestId"));
        let security: Vec<_> = self.security.into_iter().map(Who::requirement).collect();
        let mut operation = json!({
            "operationId": operation_id(route),
            "tags": [self.tag],
            "summary": self.summary,
            "security": security,
            "parameters": all,
            "responses": replies,
        });
        if !self.description.is_empty() {
            operation["description"] = self.description.into();
        }
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        operation
    }
}

/// JSON of this schema.
fn as_json(schema: Value, example: Value) -> Value {
    let media_type = Map::from_iter([("schema".to_owned(), schema), ("example".to_owned(), example)]);
    json!({"application/json": media_type})
}

/// The name of a route in `snake_case`.
pub(super) fn operation_id(route: Route) -> String {
    let mut id = String::new();
    for letter in format!("{route:?}").chars() {
        if letter.is_ascii_uppercase() && !id.is_empty() {
            id.push('_');
        }
        id.push(letter.to_ascii_lowercase());
    }
    id
}
