//! How a buyer is reached, as it says itself.

use std::borrow::Cow;

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};
use tessera_correspondence::Contact;
use utoipa::ToSchema;

use super::checkout::{is_email, is_line, is_phone};
use crate::call::Call;
use crate::caller::Buyer;
use crate::code::Code;
use crate::json;
use crate::limits::{CONTACT_LOCALE_BYTES_MAX, CONTACT_NAME_BYTES_MAX};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// How a buyer is to be reached. What is left out is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnContactRequest)]
pub(crate) struct OwnContactRequest<'a> {
    #[serde(borrow, default)]
    email: Option<Cow<'a, str>>,
    /// In the international form: `+` and digits.
    #[serde(borrow, default)]
    phone: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    /// A language tag, such as `de-CH`.
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
}

/// How a buyer is reached.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnContact)]
pub(crate) struct OwnContact {
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    phone: Option<String>,
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    locale: Option<String>,
    /// Whether it has begun a chat with the bot.
    telegram: bool,
    /// Kinds of messages that it does not want to hear.
    refused: Vec<&'static str>,
}

impl OwnContact {
    fn of(contact: Contact) -> OwnContact {
        let Contact { email, phone, name, locale, telegram, refused, .. } = contact;
        let refused = refused.into_iter().map(tessera_correspondence::Kind::name).collect();
        OwnContact { email, phone, name, locale, telegram: telegram.is_some(), refused }
    }
}

/// `PUT /v1/contacts/me`
pub(crate) async fn replace(call: Call, buyer: Buyer) -> Answer {
    let bytes = call.body().await?;
    let request: OwnContactRequest<'_> = json::parse(&bytes)?;
    check(&request)?;
    let own = |text: Option<Cow<'_, str>>| text.map(Cow::into_owned);
    let said = Contact {
        email: own(request.email),
        phone: own(request.phone),
        name: own(request.name),
        locale: own(request.locale),
        ..Contact::default()
    };
    let contact = call.gateway().people.contacts.say(buyer.subject, &said).await;
    let contact = contact.map_err(|error| problem::store(&error))?;
    render::json(actix_web::http::StatusCode::OK, &OwnContact::of(contact))
}

/// `GET /v1/contacts/me`
pub(crate) async fn read(call: Call, buyer: Buyer) -> Answer {
    let contact = call.gateway().people.contacts.load(buyer.subject).await;
    let contact = contact.map_err(|error| problem::store(&error))?.unwrap_or_default();
    render::read(call.headers(), &OwnContact::of(contact))
}

/// `DELETE /v1/contacts/me`: nothing is sent to the buyer any more, and what it said at its orders is erased, too.
pub(crate) async fn erase(call: Call, buyer: Buyer) -> Answer {
    let erased = call.gateway().people.contacts.erase(buyer.subject, call.gateway().now()).await;
    erased.map_err(|error| problem::store(&error))?;
    let erased = call.gateway().platform.till().contacts().erase_all(buyer.subject).await;
    erased.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}

fn check(request: &OwnContactRequest<'_>) -> Result<(), Problem> {
    let wrong = |field: &str, message: &str| Err(Problem::field(Code::InvalidValue, field, message));
    let breaks = |text: &Option<Cow<'_, str>>, is_good: fn(&str) -> bool| {
        text.as_deref().is_some_and(|text| !is_good(text))
    };
    if breaks(&request.email, is_email) {
        return wrong("email", "an address such as ada@example.com, of at most 254 bytes");
    }
    if breaks(&request.phone, is_phone) {
        return wrong("phone", "a number in the international form, such as +41791234567");
    }
    if breaks(&request.name, |name| is_line(name, CONTACT_NAME_BYTES_MAX)) {
        return wrong("name", "one line of 1 to 200 bytes");
    }
    if breaks(&request.locale, |locale| is_line(locale, CONTACT_LOCALE_BYTES_MAX) && locale.is_ascii()) {
        return wrong("locale", "a language tag such as de-CH");
    }
    Ok(())
}
