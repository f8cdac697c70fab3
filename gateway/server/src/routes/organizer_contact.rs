//! Where the team of an organizer is written to about its orders: disputes.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_correspondence::{Contact, organizer_subject};
use utoipa::ToSchema;

use super::checkout::is_email;
use super::templates::locale_of;
use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// Where the team of an organizer is written to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrganizerContactRequest)]
pub(crate) struct OrganizerContactRequest<'a> {
    /// An address that the team reads.
    #[serde(borrow)]
    email: Cow<'a, str>,
    /// The language of the organizer, such as `de-CH`, also of its channel in Discord; as it was unless told, and English at first.
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
}

/// Where the team of an organizer is written to.
#[derive(Serialize, ToSchema)]
#[schema(as = OrganizerContact)]
pub(crate) struct OrganizerContact {
    /// Null: nowhere.
    #[schema(required)]
    email: Option<String>,
    #[schema(required)]
    locale: Option<String>,
}

impl OrganizerContact {
    fn of(contact: Contact) -> OrganizerContact {
        OrganizerContact { email: contact.email, locale: contact.locale }
    }
}

/// `PUT /v1/organizer-contact`
pub(crate) async fn replace(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let bytes = call.body().await?;
    let request: OrganizerContactRequest<'_> = json::parse(&bytes)?;
    if !is_email(&request.email) {
        let message = "an address such as team@example.com, of at most 254 bytes";
        return Err(Problem::field(Code::InvalidValue, "email", message));
    }
    let locale = request.locale.as_deref().map(locale_of).transpose()?;
    let (subject, contacts) = (organizer_subject(organizer.tenant.number()), &call.gateway().people.contacts);
    let contact = contacts.say_email(subject, Some(&request.email), locale.as_deref()).await;
    let contact = contact.map_err(|error| problem::store(&error))?;
    render::json(StatusCode::OK, &OrganizerContact::of(contact))
}

/// `GET /v1/organizer-contact`
pub(crate) async fn read(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let subject = organizer_subject(organizer.tenant.number());
    let contact = call.gateway().people.contacts.load(subject).await;
    let contact = contact.map_err(|error| problem::store(&error))?.unwrap_or_default();
    render::read(call.headers(), &OrganizerContact::of(contact))
}

/// `DELETE /v1/organizer-contact`
pub(crate) async fn remove(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let (subject, contacts) = (organizer_subject(organizer.tenant.number()), &call.gateway().people.contacts);
    let removed = contacts.say_email(subject, None, None).await;
    removed.map_err(|error| problem::store(&error))?;
    Ok(HttpResponse::NoContent().finish())
}
