//! The OpenAPI document, and the page that renders it. Everything the page needs comes from here: its policy admits no other host.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use utoipa_swagger_ui::Config;

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
/// What of the renderer, Swagger UI, the page loads, and its media types.
const RENDERER: [(&str, &str); 3] = [
    ("swagger-ui.css", "text/css"),
    ("swagger-ui-bundle.js", "text/javascript"),
    ("favicon-32x32.png", "image/png"),
];
/// What the page may load: what this server has. The renderer sets styles of its elements, and has its icons in its style sheet.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// How caches may keep what changes with the release only.
const CACHE_CONTROL: &str = "public, max-age=300";

/// A file that is part of the binary.
#[derive(Debug)]
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl File {
    fn new(name: &'static str, media_type: &'static str, bytes: Bytes) -> File {
        File { name, media_type, etag: documents::etag_of(&bytes), bytes }
    }
}

/// `GET /openapi.json`: the document.
pub(crate) fn document(call: &Call) -> Answer {
    let document = openapi::document();
    documents::cacheable(call.headers(), &document.etag, CACHE_CONTROL, || {
        documents::body(call, &document.body, || call.download_permit(None, false))
    })
}

/// `GET /docs`: the document as a page.
pub(crate) fn page(call: &Call) -> Answer {
    static FILE: OnceLock<File> = OnceLock::new();
    let file =
        FILE.get_or_init(|| File::new("", "text/html; charset=utf-8", Bytes::from_static(PAGE.as_bytes())));
    let mut response = reply(call, file)?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    Ok(response)
}

/// `GET /docs/files/{file}`: what the page is made of.
pub(crate) fn file(call: &Call) -> Answer {
    let name = call.parameter(0);
    let file = files().iter().find(|file| file.name == name);
    let file = file
        .ok_or_else(|| Problem::new(Code::RouteNotFound, "the page of the documentation has no such file"))?;
    reply(call, file)
}

/// The files of the page.
fn files() -> &'static [File] {
    static FILES: OnceLock<Vec<File>> = OnceLock::new();
    FILES.get_or_init(|| {
        let of_renderer = RENDERER.into_iter().filter_map(|(name, media_type)| {
            let served = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok()??;
            let bytes = match served.bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            Some(File::new(name, media_type, bytes))
        });
        let script = File::new("docs.js", "text/javascript", Bytes::from_static(SCRIPT.as_bytes()));
        of_renderer.chain([script]).collect()
    })
}

fn reply(call: &Call, file: &File) -> Answer {
    let mut response = documents::cacheable(call.headers(), &file.etag, CACHE_CONTROL, || {
        documents::body(call, &file.bytes, || call.download_permit(None, false))
    })?;
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    }
    Ok(response)
}
