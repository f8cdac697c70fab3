//! Browsers that are notified, as each says itself: what `PushManager.subscribe()` gives there.

use std::borrow::Cow;

use actix_web::HttpResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tessera_correspondence::PushSubscription;
use tessera_messages::is_point;
use tessera_outbound::{Target, is_public};
use utoipa::ToSchema;

use super::channel_off;
use crate::call::Call;
use crate::caller::Buyer;
use crate::code::Code;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// The key for which browsers take messages.
#[derive(Serialize, ToSchema)]
#[schema(as = PushKey)]
pub(crate) struct PushKey<'a> {
    /// `applicationServerKey`: a point of P-256, uncompressed, in base64 for URLs.
    key: &'a str,
}

/// Where a browser takes messages: its `PushSubscription`, as JSON.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PushSubscriptionRequest)]
pub(crate) struct SubscriptionRequest<'a> {
    /// The URL of its push service.
    #[serde(borrow)]
    endpoint: Cow<'a, str>,
    /// What browsers say of it is not looked at: a service says itself when it is over.
    #[serde(default, rename = "expirationTime")]
    _expiration_time: Option<f64>,
    /// For whom messages are encrypted.
    #[serde(borrow)]
    keys: SubscriptionKeys<'a>,
}

/// For whom messages are encrypted (RFC 8291).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PushSubscriptionKeys)]
pub(crate) struct SubscriptionKeys<'a> {
    /// The public key of the browser: a point of P-256, uncompressed, in base64 for URLs.
    #[serde(borrow)]
    p256dh: Cow<'a, str>,
    /// A secret of 16 bytes, in base64 for URLs.
    #[serde(borrow)]
    auth: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RemoveQuery {
    endpoint: Option<String>,
}

/// `GET /v1/push-key`
pub(crate) fn key(call: &Call) -> Answer {
    let key = call.gateway().people.reach.push_key.as_deref();
    render::read(call.headers(), &PushKey { key: key.ok_or_else(|| channel_off("push"))? })
}

/// `PUT /v1/push-subscriptions`
pub(crate) async fn keep(call: Call, buyer: Buyer) -> Answer {
    let bytes = call.body().await?;
    let request: SubscriptionRequest<'_> = json::parse(&bytes)?;
    if call.gateway().people.reach.push_key.is_none() {
        return Err(channel_off("push"));
    }
    let wrong = |field: &str, message: &str| Problem::field(Code::InvalidValue, field, message);
    let target = Target::parse(&request.endpoint).map_err(|message| wrong("endpoint", message))?;
    let private_targets = call.gateway().settings.webhooks.private_targets;
    let is_private = target.address().is_some_and(|address| !is_public(address));
    if !private_targets && (is_private || !request.endpoint.starts_with("https://")) {
        return Err(wrong("endpoint", "a URL that begins with https:// and whose address is public"));
    }
    let key = decoded(&request.keys.p256dh).filter(is_point);
    let key =
        key.ok_or_else(|| wrong("keys.p256dh", "a point of P-256, uncompressed, in base64 for URLs"))?;
    let secret = decoded(&request.keys.auth);
    let secret = secret.ok_or_else(|| wrong("keys.auth", "16 bytes in base64 for URLs"))?;
    let (endpoint, since) = (request.endpoint.into_owned(), call.gateway().now());
    let subscription = PushSubscription { endpoint, key, secret, since };
    let kept = call.gateway().people.browsers.keep(buyer.subject, &subscription).await;
    kept.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /v1/push-subscriptions`
pub(crate) async fn remove(call: Call, buyer: Buyer) -> Answer {
    let query: RemoveQuery = call.query()?;
    let removed = call.gateway().people.browsers.remove(buyer.subject, query.endpoint.as_deref()).await;
    removed.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

/// So many bytes, with or without padding, as browsers differ.
fn decoded<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?.try_into().ok()
}
