//! The scanner page: what a phone at a gate keeps, so that it opens and decides without a network. Its files are in `scan/`, those of
//! others in `scan/vendor/` with version and licence; everything comes from here, and its policy admits no other host.

use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::call::Call;
use crate::code::Code;
use crate::problem::Problem;
use crate::render::documents;
use crate::router::Answer;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page may load: what this server has. It asks for the camera, and shows nothing of others.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; \
     manifest-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// Of what browsers ask the holder of the phone for, the page needs the camera, and that the screen stays on.
const PAGE_PERMISSIONS: HeaderValue =
    HeaderValue::from_static("camera=(self), screen-wake-lock=(self), microphone=(), geolocation=()");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
/// The service worker is below the page that it serves.
const SERVICE_WORKER_ALLOWED: HeaderName = HeaderName::from_static("service-worker-allowed");
const WORKER_SCOPE: HeaderValue = HeaderValue::from_static("/scan");
/// The service worker keeps the files of one release together; what it takes must be of one release.
const CACHE_CONTROL: &str = "no-cache";

/// What is served under `/scan/files/`.
const FILES: [(&str, &str, &str); 20] = [
    ("app.js", SCRIPT, include_str!("scan/files/app.js")),
    ("api.js", SCRIPT, include_str!("scan/files/api.js")),
    ("camera.js", SCRIPT, include_str!("scan/files/camera.js")),
    ("dom.js", SCRIPT, include_str!("scan/files/dom.js")),
    ("door.js", SCRIPT, include_str!("scan/files/door.js")),
    ("ed25519.js", SCRIPT, include_str!("scan/files/ed25519.js")),
    ("entry.js", SCRIPT, include_str!("scan/files/entry.js")),
    ("gate.js", SCRIPT, include_str!("scan/files/gate.js")),
    ("guard.js", SCRIPT, include_str!("scan/files/guard.js")),
    ("lists.js", SCRIPT, include_str!("scan/files/lists.js")),
    ("reader.js", SCRIPT, include_str!("scan/files/reader.js")),
    ("result.js", SCRIPT, include_str!("scan/files/result.js")),
    ("setup.js", SCRIPT, include_str!("scan/files/setup.js")),
    ("signal.js", SCRIPT, include_str!("scan/files/signal.js")),
    ("store.js", SCRIPT, include_str!("scan/files/store.js")),
    ("sync.js", SCRIPT, include_str!("scan/files/sync.js")),
    ("ticket.js", SCRIPT, include_str!("scan/files/ticket.js")),
    ("words.js", SCRIPT, include_str!("scan/files/words.js")),
    ("style.css", "text/css; charset=utf-8", include_str!("scan/files/style.css")),
    ("icon.svg", "image/svg+xml", include_str!("scan/files/icon.svg")),
];
const MANIFEST: &str = "manifest.webmanifest";
/// What is served under `/scan/vendor/`: package, file, text.
const VENDORED: [(&str, &str, &str); 3] = [
    ("qr", "decode.js", include_str!("scan/vendor/qr/decode.js")),
    ("qr", "index.js", include_str!("scan/vendor/qr/index.js")),
    ("ed25519", "index.js", include_str!("scan/vendor/ed25519/index.js")),
];
/// The service worker, which is told what the others are.
const WORKER: &str = "worker.js";

/// Digits by which the service worker tells one release from another: 64 bits.
const RELEASE_DIGITS: usize = 16;

/// A file that is part of the binary.
#[derive(Debug)]
struct File {
    path: String,
    media_type: &'static str,
    bytes: Bytes,
    etag: HeaderValue,
}

impl File {
    fn new(path: String, media_type: &'static str, bytes: Bytes) -> File {
        File { path, media_type, etag: documents::etag_of(&bytes), bytes }
    }

    fn fixed(path: String, media_type: &'static str, text: &'static str) -> File {
        File::new(path, media_type, Bytes::from_static(text.as_bytes()))
    }
}

/// `GET /scan`: the page.
pub(crate) fn page(call: &Call) -> Answer {
    let mut response = reply(call, "/scan")?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    response.headers_mut().insert(PERMISSIONS_POLICY, PAGE_PERMISSIONS);
    Ok(response)
}

/// `GET /scan/files/{file}`: what the page is made of.
pub(crate) fn file(call: &Call) -> Answer {
    let name = call.parameter(0);
    let mut response = reply(call, &format!("/scan/files/{name}"))?;
    // A worker has a policy of its own.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    if name == WORKER {
        response.headers_mut().insert(SERVICE_WORKER_ALLOWED, WORKER_SCOPE);
    }
    Ok(response)
}

/// `GET /scan/vendor/{package}/{file}`: what others made of it.
pub(crate) fn vendored(call: &Call) -> Answer {
    reply(call, &format!("/scan/vendor/{}/{}", call.parameter(0), call.parameter(1)))
}

/// The files of the page, the worker among them.
fn files() -> &'static [File] {
    static ALL: OnceLock<Vec<File>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all = vec![File::fixed("/scan".to_owned(), HTML, include_str!("scan/files/index.html"))];
        let ours = FILES.map(|(name, kind, text)| File::fixed(format!("/scan/files/{name}"), kind, text));
        let manifest = include_str!("scan/files/manifest.webmanifest");
        let of_others = VENDORED
            .map(|(package, name, text)| File::fixed(format!("/scan/vendor/{package}/{name}"), SCRIPT, text));
        all.extend(ours);
        all.push(File::fixed(format!("/scan/files/{MANIFEST}"), "application/manifest+json", manifest));
        all.extend(of_others);
        let worker = worker(&all);
        all.push(File::new(format!("/scan/files/{WORKER}"), SCRIPT, worker.into()));
        all
    })
}

/// The service worker of these files: with any other file it has other bytes, by which browsers tell that there is a new release.
fn worker(files: &[File]) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.path.as_bytes());
        hasher.update(blake3::hash(&file.bytes).as_bytes());
    }
    let hash = hasher.finalize().to_hex();
    let release = &hash[..RELEASE_DIGITS];
    let paths = files.iter().map(|file| format!("{:?}", file.path)).collect::<Vec<_>>().join(", ");
    let worker = include_str!("scan/files/worker.js");
    format!("const RELEASE = \"{release}\";\nconst FILES = [{paths}];\n{worker}")
}

fn reply(call: &Call, path: &str) -> Answer {
    let file = files().iter().find(|file| file.path == path);
    let file = file.ok_or_else(|| Problem::new(Code::RouteNotFound, "the scanner page has no such file"))?;
    let mut response = documents::cacheable(call.headers(), &file.etag, CACHE_CONTROL, || {
        documents::body(call, &file.bytes, || call.download_permit(None, false))
    })?;
    if response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    }
    Ok(response)
}
