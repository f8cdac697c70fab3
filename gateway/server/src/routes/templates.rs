//! Templates of messages: what organizers write, and how it looks.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_correspondence::{Kept, Kind, Medium, Template, TemplateName};
use tessera_messages::{
    Compiled, Rendered, Source, TemplateError, compile, compile_short, example, render as make,
};
use utoipa::ToSchema;

use super::checkout::is_line;
use super::tickets_shown::Papers;
use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::ids;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{CONTACT_LOCALE_BYTES_MAX, FIELD_ERRORS_MAX, TEMPLATE_BYTES_MAX};
use crate::messages::{CHANNELS, channel_named, facts_of_order, template};
use crate::problem::{self, FieldError, Problem};
use crate::render;
use crate::router::Answer;

/// A template to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateRequest)]
pub(crate) struct TemplateRequest<'a> {
    /// The kind of message.
    #[serde(borrow)]
    kind: Cow<'a, str>,
    /// Through what it goes: `email` unless told.
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    /// A language tag, such as `de-CH`.
    #[serde(borrow)]
    locale: Cow<'a, str>,
    /// The subject line, or the title, with placeholders.
    #[serde(borrow)]
    subject: Cow<'a, str>,
    /// The plain text, with placeholders.
    #[serde(borrow)]
    text: Cow<'a, str>,
    /// MJML, with placeholders: of e-mail only.
    #[serde(borrow, default)]
    mjml: Cow<'a, str>,
}

/// A template, its newest version.
#[derive(Serialize, ToSchema)]
#[schema(as = Template)]
pub(crate) struct TemplateItem {
    kind: &'static str,
    channel: &'static str,
    locale: String,
    version: u32,
    created_at: Rfc3339,
    subject: String,
    text: String,
    mjml: String,
}

/// The templates of an organizer.
#[derive(Serialize, ToSchema)]
#[schema(as = TemplateList)]
pub(crate) struct TemplateList {
    items: Vec<TemplateItem>,
}

impl TemplateItem {
    fn of(template: Template) -> TemplateItem {
        let Template { name, version, created_at, subject, text, mjml, .. } = template;
        let (kind, created_at) = (name.kind.name(), Rfc3339(created_at));
        let (channel, locale) = (name.medium.name(), name.locale);
        TemplateItem { kind, channel, locale, version, created_at, subject, text, mjml }
    }
}

/// `POST /v1/templates`
pub(crate) async fn keep(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let bytes = call.body_up_to(TEMPLATE_BYTES_MAX).await?;
    let request: TemplateRequest<'_> = json::parse(&bytes)?;
    let (kind, locale) = (kind_of(&request.kind)?, locale_of(&request.locale)?);
    let medium = medium_of(request.channel.as_deref())?;
    let source = Source {
        subject: request.subject.into_owned(),
        text: request.text.into_owned(),
        mjml: request.mjml.into_owned(),
    };
    let (source, compiled) = compiled(&call, (kind, medium), source).await?;
    let name = TemplateName { organizer: organizer.tenant.number(), kind, medium, locale };
    let Source { subject, text, mjml } = source;
    let (created_at, html) = (call.gateway().now(), compiled.html);
    let mut template = Template { name, version: 0, created_at, subject, text, mjml, html };
    let kept = call.gateway().people.templates.keep(&template).await;
    template.version = match kept.map_err(|error| problem::store(&error))? {
        Kept::Version(version) => version,
        Kept::TooMany => {
            let detail = "the organizer has as many templates as one may have";
            return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "too_many_templates"));
        }
    };
    render::json(StatusCode::CREATED, &TemplateItem::of(template))
}

/// `GET /v1/templates`
pub(crate) async fn list(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let found = call.gateway().people.templates.list(organizer.tenant.number()).await;
    let found = found.map_err(|error| problem::store(&error))?;
    render::read(call.headers(), &TemplateList { items: found.into_iter().map(TemplateItem::of).collect() })
}

/// A template to be looked at: one that is sent, or the one that is used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplatePreviewRequest)]
pub(crate) struct PreviewRequest<'a> {
    /// The kind of message.
    #[serde(borrow)]
    kind: Cow<'a, str>,
    /// Through what it goes: `email` unless told.
    #[serde(borrow, default)]
    channel: Option<Cow<'a, str>>,
    /// The language that the recipient reads.
    #[serde(borrow, default)]
    locale: Option<Cow<'a, str>>,
    /// With `text`, and `mjml` of e-mail: what is looked at.
    #[serde(borrow, default)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    mjml: Option<Cow<'a, str>>,
    /// With `order`: the event that it is of.
    #[serde(borrow, default)]
    event: Option<Cow<'a, str>>,
    /// What it says is of this order; what an order does not know, and its buyer, stay as in the example.
    #[serde(borrow, default)]
    order: Option<Cow<'a, str>>,
}

/// How it looks, with example data or those of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = TemplatePreview)]
pub(crate) struct Preview {
    subject: String,
    text: String,
    html: String,
    /// What a template of this kind may say.
    variables: Vec<&'static str>,
}

/// `POST /v1/templates/preview`
pub(crate) async fn preview(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let bytes = call.body_up_to(TEMPLATE_BYTES_MAX).await?;
    let request: PreviewRequest<'_> = json::parse(&bytes)?;
    let kind = kind_of(&request.kind)?;
    let medium = medium_of(request.channel.as_deref())?;
    let locale = request.locale.as_deref().map(locale_of).transpose()?;
    let tenant = organizer.tenant.number();
    let shown = order_of(&call, organizer, request.event.as_deref(), request.order.as_deref()).await?;
    let (locale, compiled) = match (request.subject, request.text, request.mjml) {
        (None, None, None) => {
            let templates = &call.gateway().people.templates;
            let found = template(templates, tenant, (kind, medium), locale.as_deref()).await;
            found.map_err(|error| problem::store(&error))?
        }
        (Some(subject), Some(text), mjml) if mjml.is_some() || medium.is_short() => {
            let own = Cow::into_owned;
            let mjml = mjml.map(own).unwrap_or_default();
            let source = Source { subject: own(subject), text: own(text), mjml };
            let compiled = compiled(&call, (kind, medium), source).await?.1;
            (locale.unwrap_or_else(|| tessera_messages::languages()[0].to_owned()), compiled)
        }
        _ => {
            let detail = "send subject, text and, for e-mail, mjml, or none of them";
            return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "incomplete_template"));
        }
    };
    let facts = match &shown {
        Some(papers) => facts_of_order(call.keys(), kind, papers, &locale)?,
        None => example(kind),
    };
    let made = call.gateway().drawing.run(move || make(kind, &compiled, &facts)).await?;
    let made = made.map_err(|error| match shown {
        None => problem::internal(error.to_string()),
        // It was tried with the example only.
        Some(_) => Problem::new(Code::InvalidRequest, format!("this order cannot be said by it: {error}"))
            .with("reason", "cannot_be_rendered"),
    })?;
    let Rendered { subject, text, html } = made;
    let variables = tessera_messages::variables(kind);
    render::json(StatusCode::OK, &Preview { subject, text, html, variables })
}

/// The order that a template is to be looked at with, one of the organizer's own events.
async fn order_of(
    call: &Call,
    organizer: Organizer<EventsRead>,
    event: Option<&str>,
    order: Option<&str>,
) -> Result<Option<Papers>, Problem> {
    let (event, order) = match (event, order) {
        (None, None) => return Ok(None),
        (Some(event), Some(order)) => (event, order),
        (None, Some(_)) => return Err(missing("event")),
        (Some(_), None) => return Err(missing("order")),
    };
    let event = ids::parse_event(event).ok_or_else(problem::event_not_found)?;
    let card = call.card(event).await?;
    organizer.own(&card)?;
    let number = call.tag(event).parse_order(order).ok_or_else(problem::order_not_found)?;
    let published = call.published(event, true).await?;
    let (_, view) = call.claim(event, number).await?;
    let view = view.ok_or_else(problem::order_not_found)?;
    let (version, config) = published.config.clone().ok_or_else(problem::order_not_found)?;
    Ok(Some(Papers { event, view, config, version, card }))
}

fn missing(path: &str) -> Problem {
    Problem::field(Code::MissingField, path, "event and order come together")
}

/// Compiles a template off the threads that serve.
async fn compiled(
    call: &Call,
    (kind, medium): (Kind, Medium),
    source: Source,
) -> Result<(Source, Compiled), Problem> {
    let compile = move || {
        let compiled = if medium.is_short() { compile_short(kind, &source) } else { compile(kind, &source) };
        (source, compiled)
    };
    let (source, compiled) = call.gateway().drawing.run(compile).await?;
    let wrong = |errors: Vec<TemplateError>| {
        let field =
            |error: TemplateError| FieldError { path: error.field.to_owned(), message: error.message };
        let errors = errors.into_iter().take(FIELD_ERRORS_MAX).map(field).collect();
        Problem::fields(Code::InvalidValue, "the template cannot be used", errors)
    };
    Ok((source, compiled.map_err(wrong)?))
}

fn kind_of(name: &str) -> Result<Kind, Problem> {
    Kind::named(name).ok_or_else(|| {
        let names: Vec<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        Problem::field(Code::InvalidValue, "kind", format!("one of {}", names.join(", ")))
    })
}

fn medium_of(name: Option<&str>) -> Result<Medium, Problem> {
    let medium = name.map_or(Some(Medium::Email), channel_named);
    medium.ok_or_else(|| Problem::field(Code::InvalidValue, "channel", CHANNELS))
}

pub(super) fn locale_of(text: &str) -> Result<String, Problem> {
    let is_tag = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_tag && is_line(text, CONTACT_LOCALE_BYTES_MAX) {
        return Ok(text.to_lowercase());
    }
    Err(Problem::field(Code::InvalidValue, "locale", "a language tag such as de-CH"))
}
