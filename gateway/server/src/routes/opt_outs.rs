//! Links by which people say that they do not want to hear something any more (RFC 8058): a click of a mail program is a POST; whoever opens
//! the link gets a page with a button, since programs that look at mail open links, too.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use tessera_correspondence::Kind;
use tessera_inventory::Subject;

use crate::call::Call;
use crate::code::Code;
use crate::limits::{BODY_DEADLINE, COMMAND_BYTES_MAX};
use crate::messages::read_opt_out;
use crate::problem::{self, Problem};
use crate::router::Answer;

/// What the page may do: send its form to this server.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
const ASK: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Opt out</title>
<body style="font-family: sans-serif; margin: 3rem"><h1>Messages of kind KIND</h1>
<form method="post"><button>Send me no more of them</button></form></body></html>
"#;
const DONE: &str = r#"<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Opt out</title>
<body style="font-family: sans-serif; margin: 3rem"><h1>Done</h1><p>You get no more messages of kind KIND.</p></body></html>
"#;

/// `GET /v1/opt-outs/{token}`
pub(crate) fn ask(call: &Call) -> Answer {
    let (_, kind) = token(call)?;
    Ok(page(ASK, kind))
}

/// `POST /v1/opt-outs/{token}`
pub(crate) async fn accept(call: Call) -> Answer {
    // What a mail program sends says nothing that the link does not.
    call.raw_body_up_to(COMMAND_BYTES_MAX, BODY_DEADLINE).await?;
    let (subject, kind) = token(&call)?;
    let refused = call.gateway().people.contacts.refuse(subject, kind).await;
    refused.map_err(|error| problem::store(&error))?;
    Ok(page(DONE, kind))
}

fn token(call: &Call) -> Result<(Subject, Kind), Problem> {
    let found = read_opt_out(call.keys(), call.parameter(0));
    found.ok_or_else(|| Problem::new(Code::RouteNotFound, "no message has this link"))
}

fn page(text: &str, kind: Kind) -> HttpResponse {
    HttpResponse::build(StatusCode::OK)
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .body(text.replace("KIND", kind.name()))
}
