//! A request to an emulator, and what it answers.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `GET`, `POST` …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// In lower case.
    pub headers: BTreeMap<String, String>,
    /// As it came.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Replied {
    /// The status.
    pub status: u16,
    /// Beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// Null: none.
    pub body: Value,
}

impl Asked {
    /// A request to this URL.
    #[must_use]
    pub fn new(method: &str, url: &str, headers: BTreeMap<String, String>, body: Vec<u8>) -> Asked {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), pairs(query));
        Asked { method, path, query, headers, body }
    }

    /// The body as a form.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        pairs(std::str::from_utf8(&self.body).unwrap())
    }

    /// The body as JSON; null where it is empty.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body).unwrap() }
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `POST /a/b/c` as `["POST", "a", "b", "c"]`.
    #[must_use]
    pub fn parts(&self) -> Vec<&str> {
        let path = self.path.split('/').filter(|part| !part.is_empty());
        std::iter::once(self.method.as_str()).chain(path).collect()
    }
}

impl Replied {
    /// With a body.
    #[must_use]
    pub fn json(status: u16, body: Value) -> Replied {
        Replied { status, headers: Vec::new(), body }
    }

    pub(crate) fn response(&self) -> HttpResponse {
        let mut builder = HttpResponse::build(StatusCode::from_u16(self.status).unwrap());
        for (name, value) in &self.headers {
            builder.insert_header((*name, value.as_str()));
        }
        if self.body.is_null() { builder.finish() } else { builder.json(&self.body) }
    }
}

/// The pairs of a form or a query, decoded.
pub(super) fn pairs(text: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let parts = text.split('&').filter_map(|pair| pair.split_once('='));
    parts.map(|(name, value)| (decode(name), decode(value))).collect()
}
