//! The page at which a buyer pays: a form without scripts.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use askama::Template;
use iso_currency::Currency;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::api::{Failed, reference, take};
use crate::reference::Reference;
use crate::secrets::hex;
use crate::server::Shared;
use crate::state::{Act, Status};
use crate::webhooks::Manner;

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    amount: &'a str,
    /// What is said instead of the form, once there is nothing to be done.
    over: Option<&'a str>,
    /// Where the form is sent.
    action: &'a str,
    return_url: Option<&'a str>,
}

#[derive(Deserialize)]
struct Query {
    #[serde(rename = "return")]
    return_url: Option<String>,
    /// Signs where the buyer returns to.
    #[serde(default)]
    mac: String,
}

/// The routes.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config.service(web::resource("/pay/{id}").route(web::get().to(show)).route(web::post().to(answer)));
}

/// Where the buyer of a payment pays.
pub(crate) fn address(shared: &Shared, id: &str, return_url: Option<&str>) -> String {
    format!("{}{}", shared.base, path(shared, id, return_url))
}

fn path(shared: &Shared, id: &str, return_url: Option<&str>) -> String {
    match return_url {
        Some(url) => {
            let mac = mac(shared, id, url);
            format!("/pay/{id}?return={}&mac={mac}", utf8_percent_encode(url, NON_ALPHANUMERIC))
        }
        None => format!("/pay/{id}"),
    }
}

fn mac(shared: &Shared, id: &str, return_url: &str) -> String {
    let hash = blake3::keyed_hash(&shared.secrets.pages, format!("{id} {return_url}").as_bytes());
    hex(&hash.as_bytes()[..16])
}

/// Where the buyer returns to, if this sandbox was told so.
fn returns_to(shared: &Shared, id: &str, query: Query) -> Option<String> {
    let url = query.return_url?;
    let is_ours = bool::from(mac(shared, id, &url).as_bytes().ct_eq(query.mac.as_bytes()));
    is_ours.then_some(url)
}

/// `42.50 CHF`.
fn amount(reference: &Reference) -> String {
    let code = String::from_utf8_lossy(&reference.currency).into_owned();
    let digits = Currency::from_code(&code).and_then(Currency::exponent).unwrap_or(0);
    let unit = 10_u64.pow(digits.into());
    let minor = reference.amount_minor.unsigned_abs();
    let width = usize::from(digits);
    match digits {
        0 => format!("{minor} {code}"),
        _ => format!("{}.{:0width$} {code}", minor / unit, minor % unit),
    }
}

async fn show(
    shared: web::Data<Shared>,
    id: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Failed> {
    let reference = reference(&shared, &id)?;
    let state = shared.books.read(&reference).await.map_err(|error| Failed::store(&error))?;
    let is_late = reference.until.is_some_and(|until| until <= shared.webhooks.clock.wall());
    let over = match state.status {
        Status::Open if is_late => Some("The time to pay is over. Nothing was taken."),
        Status::Open => None,
        Status::Authorised | Status::Captured => Some("It is paid. (Nothing was really charged.)"),
        Status::Cancelled => Some("This payment was called off. Nothing was taken."),
        Status::Declined => Some("This payment was declined. Nothing was taken."),
    };
    let return_url = returns_to(&shared, &id, query.into_inner());
    render(&shared, &id, &reference, over, return_url.as_deref())
}

#[derive(Deserialize)]
struct Form {
    choice: Choice,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Pay,
    Decline,
    Cancel,
}

async fn answer(
    shared: web::Data<Shared>,
    id: web::Path<String>,
    query: web::Query<Query>,
    form: web::Form<Form>,
) -> Result<HttpResponse, Failed> {
    let reference = reference(&shared, &id)?;
    let is_late = reference.until.is_some_and(|until| until <= shared.webhooks.clock.wall());
    let act = match form.choice {
        Choice::Pay => Act::Pay,
        Choice::Decline => Act::Decline,
        Choice::Cancel => Act::Cancel,
    };
    // Who comes too late, or a second time, sees how it stands.
    if !(is_late && act == Act::Pay)
        && let Err(failed) = take(&shared, &id, &act, Manner::default()).await
        && actix_web::ResponseError::status_code(&failed) != StatusCode::CONFLICT
    {
        return Err(failed);
    }
    let return_url = returns_to(&shared, &id, query.into_inner());
    let to = return_url.unwrap_or_else(|| path(&shared, &id, None));
    Ok(headers(HttpResponse::SeeOther()).insert_header((LOCATION, to)).finish())
}

fn render(
    shared: &Shared,
    id: &str,
    reference: &Reference,
    over: Option<&str>,
    return_url: Option<&str>,
) -> Result<HttpResponse, Failed> {
    let (amount, action) = (amount(reference), path(shared, id, return_url));
    let page = Page { amount: &amount, over, action: &action, return_url };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "the page of the sandbox cannot be rendered");
        Failed::store(&tessera_store::StoreError::Unavailable { reason: error.to_string() })
    })?;
    Ok(headers(HttpResponse::Ok()).content_type("text/html; charset=utf-8").body(html))
}

/// Nothing but the form and its style; nobody frames it, nothing is kept.
fn headers(mut builder: HttpResponseBuilder) -> HttpResponseBuilder {
    builder
        .insert_header((
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
        ))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    builder
}
