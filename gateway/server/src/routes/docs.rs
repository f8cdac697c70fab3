//! The OpenAPI document, and the page that renders it. Everything the page needs comes from here: its policy admits no other host.

use std::sync::{Arc, OnceLock};

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use utoipa_swagger_ui::{Config, SwaggerFile};

use crate::call::Call;
use crate::code::Code;
use crate::openapi;
use crate::problem::Problem;
use crate::render::documents;
use crate::router::Answer;

/// The page.
const PAGE: &str = include_str!("docs.html");
/// The script of the page.
const SCRIPT: &str = include_str!("docs.js");
/// What the page may load: what this server has. The renderer sets styles of its elements, and has its icons in its style sheet.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// How caches may keep what changes with the release only.
const CACHE_CONTROL: &str = "public, max-age=300";

/// `GET /openapi.json`: the document.
pub(crate) fn document(call: &Call) -> Answer {
    let document = openapi::document();
    documents::cacheable(call.headers(), &document.etag, CACHE_CONTROL, || {
        Ok(BoxBody::new(document.body.clone()))
    })
}

/// `GET /docs`: the document as a page.
pub(crate) fn page(call: &Call) -> Answer {
    static ETAG: OnceLock<HeaderValue> = OnceLock::new();
    let etag = ETAG.get_or_init(|| documents::etag_of(PAGE.as_bytes()));
    let page = Bytes::from_static(PAGE.as_bytes());
    let mut response = file_reply(call, etag, "text/html; charset=utf-8", page)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    Ok(response)
}

/// `GET /docs/files/{file}`: what the page is made of.
pub(crate) fn file(call: &Call) -> Answer {
    let (media_type, bytes) = match call.parameter(0) {
        "docs.js" => ("text/javascript", Bytes::from_static(SCRIPT.as_bytes())),
        name @ ("swagger-ui.css" | "swagger-ui-bundle.js" | "favicon-32x32.png") => {
            renderer(name).ok_or_else(no_such_file)?
        }
        _ => return Err(no_such_file()),
    };
    let etag = documents::etag_of(&bytes);
    file_reply(call, &etag, media_type, bytes)
}

/// A file of the renderer, Swagger UI, which is part of the binary.
fn renderer(name: &str) -> Option<(&'static str, Bytes)> {
    let served = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok()??;
    let SwaggerFile { bytes, .. } = served;
    let media_type = match name.rsplit('.').next() {
        Some("css") => "text/css",
        Some("js") => "text/javascript",
        _ => "image/png",
    };
    Some((media_type, Bytes::from(bytes.into_owned())))
}

fn file_reply(call: &Call, etag: &HeaderValue, media_type: &'static str, bytes: Bytes) -> Answer {
    let mut response: HttpResponse =
        documents::cacheable(call.headers(), etag, CACHE_CONTROL, || Ok(BoxBody::new(bytes)))?;
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    Ok(response)
}

fn no_such_file() -> Problem {
    Problem::new(Code::RouteNotFound, "the page of the documentation has no such file")
}
