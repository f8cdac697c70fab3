//! Availability: one small document, rendered once per publication, asked for or pushed.

use crate::call::Call;
use crate::caller::Reader;
use crate::render::documents::{self, Reading};
use crate::router::Answer;
use crate::sockets::{self, Latest, Source};

/// `GET /v1/events/{event}/availability`
pub(crate) async fn read(call: Call, reader: Reader) -> Answer {
    let event = call.event()?;
    let owns = reader.owns(&call, event).await?;
    let published = call.published(event, owns).await?;
    if sockets::is_wanted(&call) {
        let permit = call.stream_permit(reader.principal(), owns)?;
        let latest = Latest::new(reader.watching(&call, event), owns);
        return sockets::open(&call, Source::Latest(latest), permit);
    }
    documents::availability(&Reading { call: &call, reader, event, published: &published, owns })
}
