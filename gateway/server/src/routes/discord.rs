//! The channel of an organizer in Discord, where everybody is told what is for all.

use std::borrow::Cow;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use tessera_correspondence::{Contact, organizer_subject};
use tessera_outbound::{Target, is_public};
use utoipa::ToSchema;

use super::channel_off;
use super::templates::locale_of;
use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// Paths that a webhook's URL has before what is secret of it: `https://discord.com/api/webhooks/{id}/{token}`.
const OPEN_PATH: &str = "api/webhooks/";

/// The webhook of a channel in Discord.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DiscordWebhookRequest)]
pub(crate) struct WebhookRequest<'a> {
    /// As Discord shows it: `https://discord.com/api/webhooks/…`. As secret as a key.
    #[serde(borrow)]
    url: Cow<'a, str>,
    /// The language of the organizer, such as `de-CH`, also of what its team is written; as it was unless told, and English at first.
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
}

/// The webhook of a channel in Discord.
#[derive(Serialize, ToSchema)]
#[schema(as = DiscordWebhook)]
pub(crate) struct WebhookReply {
    /// Without what is secret of it; null: there is none.
    #[schema(required)]
    url: Option<String>,
    #[schema(required)]
    locale: Option<String>,
}

impl WebhookReply {
    fn of(contact: Contact) -> WebhookReply {
        WebhookReply { url: contact.discord.as_deref().map(open_part), locale: contact.locale }
    }
}

/// A URL without what is secret of it: of a webhook of Discord its identity is shown, of any other URL the host alone.
fn open_part(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", ""));
    let host_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(host_end);
    let webhook = path.strip_prefix('/').and_then(|path| path.strip_prefix(OPEN_PATH));
    let id = webhook.and_then(|webhook| webhook.split_once('/')).map(|(id, _)| id);
    match id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())) {
        Some(id) => format!("{scheme}://{host}/{OPEN_PATH}{id}/…"),
        None => format!("{scheme}://{host}/…"),
    }
}

/// `PUT /v1/discord-webhook`
pub(crate) async fn replace(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let bytes = call.body().await?;
    let request: WebhookRequest<'_> = json::parse(&bytes)?;
    if !call.gateway().people.reach.has_discord {
        return Err(channel_off("discord"));
    }
    let wrong = |message: &str| Problem::field(Code::InvalidValue, "url", message);
    let target = Target::parse(&request.url).map_err(wrong)?;
    let private_targets = call.gateway().settings.webhooks.private_targets;
    let is_private = target.address().is_some_and(|address| !is_public(address));
    if !private_targets && (is_private || !request.url.starts_with("https://")) {
        return Err(wrong("a URL that begins with https:// and whose address is public"));
    }
    let locale = request.locale.as_deref().map(locale_of).transpose()?;
    let subject = organizer_subject(organizer.tenant.number());
    let contacts = &call.gateway().people.contacts;
    let contact = contacts.say_discord(subject, Some(&request.url), locale.as_deref()).await;
    let contact = contact.map_err(|error| problem::store(&error))?;
    render::json(actix_web::http::StatusCode::OK, &WebhookReply::of(contact))
}

/// `GET /v1/discord-webhook`
pub(crate) async fn read(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let subject = organizer_subject(organizer.tenant.number());
    let contact = call.gateway().people.contacts.load(subject).await;
    let contact = contact.map_err(|error| problem::store(&error))?.unwrap_or_default();
    render::read(call.headers(), &WebhookReply::of(contact))
}

/// `DELETE /v1/discord-webhook`
pub(crate) async fn remove(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let (subject, contacts) = (organizer_subject(organizer.tenant.number()), &call.gateway().people.contacts);
    let removed = contacts.say_discord(subject, None, None).await;
    removed.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_of_a_webhook_is_not_shown() {
        let check = |url: &str, expected: &str| {
            let contact = Contact { discord: Some(url.to_owned()), ..Contact::default() };
            assert_eq!(WebhookReply::of(contact).url.as_deref(), Some(expected), "{url}");
        };
        let webhook = "https://discord.com/api/webhooks/123/…";
        check("https://discord.com/api/webhooks/123/secret?thread_id=9", webhook);
        check("https://discord.com/api/webhooks/secret", "https://discord.com/…");
        check("https://discord.com/api/webhooks/secret/123", "https://discord.com/…");
        check("https://relay.example:8443/hooks/secret", "https://relay.example:8443/…");
        check("https://relay.example?token=a/b/c/d/e", "https://relay.example/…");
        check("https://relay.example", "https://relay.example/…");
    }
}
