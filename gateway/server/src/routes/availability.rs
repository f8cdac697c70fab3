//! Availability: one small document, rendered once per publication.

use crate::call::Call;
use crate::caller::Reader;
use crate::render::documents::{self, Reading};
use crate::router::Answer;

/// `GET /v1/events/{event}/availability`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    documents::availability(&Reading { call: &call, reader, event, published: &published, owns })
}
