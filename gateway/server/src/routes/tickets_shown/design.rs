//! How the tickets of an event look.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tessera_paper::Logo;
use tessera_projections::ticket_designs::TicketDesign;
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{EventsRead, EventsWrite, Organizer};
use crate::code::Code;
use crate::json;
use crate::limits::{DESIGN_BYTES_MAX, DESIGN_NOTE_BYTES_MAX};
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// How the tickets of an event are to look. What is left out is removed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TicketDesignRequest)]
pub(crate) struct DesignRequest<'a> {
    /// A PNG or a JPEG in base64.
    #[serde(borrow, default)]
    logo: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    #[schema(max_length = 500)]
    note: Option<Cow<'a, str>>,
}

/// How the tickets of an event look.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketDesign)]
pub(crate) struct DesignReply<'a> {
    /// In base64; null: none.
    #[schema(required)]
    logo: Option<String>,
    /// Empty: none.
    note: &'a str,
}

impl DesignReply<'_> {
    fn of(design: &TicketDesign) -> DesignReply<'_> {
        let logo = (!design.logo.is_empty()).then(|| STANDARD.encode(&design.logo));
        DesignReply { logo, note: &design.note }
    }
}

/// `GET /v1/events/{event}/ticket-design`
pub(crate) async fn read(call: Call, organizer: Organizer<EventsRead>) -> Answer {
    let access = organizer.own_event(&call).await?;
    let design = call.gateway().ticket_designs.find(access.event()).await;
    let design = design.map_err(|error| problem::store(&error))?;
    render::read(call.headers(), &DesignReply::of(&design))
}

/// `PUT /v1/events/{event}/ticket-design`
pub(crate) async fn replace(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let principal = organizer.principal();
    let access = organizer.own_event(&call).await?;
    let bytes = call.body_up_to(DESIGN_BYTES_MAX).await?;
    let request: DesignRequest<'_> = json::parse(&bytes)?;
    let wrong = |name: &str, message: String| Problem::field(Code::InvalidValue, name, message);
    let note = request.note.unwrap_or_default().into_owned();
    if note.len() > DESIGN_NOTE_BYTES_MAX {
        return Err(wrong("note", "a note has at most 500 bytes".to_owned()));
    }
    let logo = request.logo.as_deref().unwrap_or_default();
    let logo = STANDARD.decode(logo).map_err(|_| wrong("logo", "a logo is sent in base64".to_owned()))?;
    if !logo.is_empty() {
        let permit = call.papers_permit(principal, true)?;
        let looked_at = logo.clone();
        let examine = move || {
            let _permit = permit;
            Logo::examine(&looked_at)
        };
        let examined = call.gateway().drawing.run(examine).await?;
        examined.map_err(|error| wrong("logo", error.to_string()))?;
    }
    let design = TicketDesign { logo, note };
    let replaced = call.gateway().ticket_designs.replace(access.event(), &design).await;
    replaced.map_err(|error| problem::store(&error))?;
    render::json(StatusCode::OK, &DesignReply::of(&design))
}
