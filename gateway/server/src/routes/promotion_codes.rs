//! Single-use codes of promotions, which an organizer hands out.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Call;
use crate::caller::{EventsWrite, Organizer};
use crate::code::Code;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    promotion: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A code that one hold may use.
#[derive(Serialize, ToSchema)]
pub(crate) struct SingleUseCode {
    /// Counted from 0.
    number: u32,
    code: String,
}

/// Single-use codes of a promotion, by number.
#[derive(Serialize, ToSchema)]
#[schema(as = SingleUseCodeList)]
pub(crate) struct CodeList {
    items: Vec<SingleUseCode>,
    #[schema(required)]
    next: Option<String>,
}

/// `GET /v1/events/{event}/promotion-codes`
pub(crate) async fn list(call: Call, organizer: Organizer<EventsWrite>) -> Answer {
    let event = organizer.own_event(&call).await?.event();
    let query: Query = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let from: Option<u32> = super::cursor(query.cursor.as_deref(), |text| text.parse().ok())?;
    let published = call.published(event, true).await?;
    let (_, config) = published.config.as_ref().ok_or_else(problem::not_configured)?;
    let unknown = || {
        let detail = "say the code of a promotion of this event that has single-use codes";
        Problem::field(Code::InvalidValue, "promotion", detail)
    };
    let promotion = query.promotion.as_deref().ok_or_else(unknown)?;
    let keys = call.keys();
    let code = keys.access_code(promotion).0;
    let mut promotions = config.tariff.iter().flat_map(|tariff| &tariff.promotions);
    let known = promotions.find(|known| known.code == code && known.serials > 0).ok_or_else(unknown)?;
    let from = from.unwrap_or(0);
    let until = from.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX)).min(known.serials);
    let one = |number| SingleUseCode { number, code: keys.single_use_code(event, promotion, number) };
    let reply = CodeList {
        items: (from..until).map(one).collect(),
        next: (until < known.serials).then(|| until.to_string()),
    };
    render::read(call.headers(), &reply)
}
