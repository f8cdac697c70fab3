//! What the platform has agreed with an organizer: what it takes of it and of its buyers, who bears what is lost, and whether a cancelled event refunds by itself.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::{Config, EventId};
use tessera_ledger::Bearer;
use tessera_money::terms::{Agreed, Terms};
use tessera_pricing::{Commission, Fee};
use utoipa::ToSchema;

use super::platform_fees::{self, FeeBody, FeeReply};
use crate::call::Call;
use crate::caller::{EventsRead, Organizer, Tenant};
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::json;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;
use crate::venue::{per_cent, per_cent_text};

/// Most that is taken of a ticket beside its commission, and most of an amount of a fee, in minor units.
pub(super) const FIXED_MINOR_MAX: i64 = 1_000_000;
/// All of a price, in millionths.
pub(super) const ALL_PPM: u32 = 1_000_000;

/// Terms that are to count from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TermsRequest<'a> {
    /// The newest version that there is; 0: none.
    expected_version: u32,
    /// Of the price of a ticket, in per cent, at most four digits after the point.
    #[serde(borrow)]
    #[schema(value_type = String)]
    commission: Cow<'a, str>,
    /// For each ticket beside that, in minor units.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    commission_fixed: i64,
    /// Whether a refund gives the commission back, too.
    #[serde(default)]
    commission_returned: bool,
    /// What buyers pay the platform beside prices, but for tickets that cost nothing; a name each.
    #[serde(borrow, default)]
    #[schema(max_items = 4)]
    fees: Vec<FeeBody<'a>>,
    disputes_borne_by: BearerName,
    /// A cancelled event is refunded only when somebody asks for it.
    #[serde(default)]
    refunds_by_hand: bool,
}

/// Who bears disputes that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BearerName {
    Platform,
    Organizer,
}

/// What is agreed with an organizer.
#[derive(Serialize, ToSchema)]
#[schema(as = Terms)]
pub(crate) struct TermsReply {
    organizer: IdText,
    /// 0: nothing was ever agreed.
    version: u32,
    commission: String,
    commission_fixed: i64,
    commission_returned: bool,
    /// What buyers pay the platform beside prices.
    fees: Vec<FeeReply>,
    disputes_borne_by: BearerName,
    refunds_by_hand: bool,
}

impl TermsReply {
    fn of(organizer: u128, version: u32, terms: &Terms) -> TermsReply {
        TermsReply {
            organizer: IdText::new(Kind::Organizer, organizer),
            version,
            commission: per_cent_text(terms.commission_ppm),
            commission_fixed: terms.commission_fixed_minor,
            commission_returned: terms.commission_returned,
            fees: terms.platform_fees.iter().map(FeeReply::of).collect(),
            disputes_borne_by: match terms.bears {
                Bearer::Platform => BearerName::Platform,
                Bearer::Organizer => BearerName::Organizer,
            },
            refunds_by_hand: terms.refunds_by_hand,
        }
    }
}

/// The organizer of the path.
pub(super) fn organizer_of(call: &Call) -> Result<u128, Problem> {
    ids::parse(Kind::Organizer, call.parameter(0)).filter(|id| *id != 0).ok_or_else(unknown)
}

/// The organizer of the path, which the caller must be, unless it is the administrator.
pub(super) fn own_organizer(call: &Call, caller: Organizer<EventsRead>) -> Result<u128, Problem> {
    let organizer = organizer_of(call)?;
    match caller.tenant {
        Tenant::All => Ok(organizer),
        Tenant::Of(own) if own.get() == organizer => Ok(organizer),
        Tenant::Of(_) => Err(unknown()),
    }
}

fn unknown() -> Problem {
    Problem::new(Code::OrganizerNotFound, "there is no such organizer, or it is another one")
}

/// `GET /v1/organizers/{organizer}/terms`
pub(crate) async fn read(call: Call, caller: Organizer<EventsRead>) -> Answer {
    let organizer = own_organizer(&call, caller)?;
    let now = call.gateway().environment.clock.wall();
    let terms = call.gateway().terms.read(organizer, now).await;
    let (version, terms) = terms.map_err(|error| problem::store(&error))?;
    render::read(call.headers(), &TermsReply::of(organizer, version, &terms))
}

/// `PUT /v1/organizers/{organizer}/terms`
pub(crate) async fn replace(call: Call) -> Answer {
    let organizer = organizer_of(&call)?;
    let bytes = call.body().await?;
    let request: TermsRequest<'_> = json::parse(&bytes)?;
    let commission_ppm = per_cent(&request.commission).filter(|ppm| *ppm <= ALL_PPM).ok_or_else(|| {
        let message = "use per cent of at most 100 with at most four digits after the point, such as \"2.5\"";
        Problem::field(Code::InvalidValue, "commission", message)
    })?;
    if !(0..=FIXED_MINOR_MAX).contains(&request.commission_fixed) {
        let range = format!("0 to {FIXED_MINOR_MAX}");
        return Err(Problem::field(Code::OutOfRange, "commission_fixed", range));
    }
    let terms = Terms {
        from: call.gateway().environment.clock.wall(),
        commission_ppm,
        commission_fixed_minor: request.commission_fixed,
        commission_returned: request.commission_returned,
        platform_fees: platform_fees::agreed(&request.fees)?,
        bears: match request.disputes_borne_by {
            BearerName::Platform => Bearer::Platform,
            BearerName::Organizer => Bearer::Organizer,
        },
        refunds_by_hand: request.refunds_by_hand,
    };
    let agreed = call.gateway().terms.agree(organizer, request.expected_version, &terms).await;
    match agreed.map_err(|error| problem::store(&error))? {
        Agreed::Version(version) => render::json(StatusCode::OK, &TermsReply::of(organizer, version, &terms)),
        Agreed::Outdated(current) => {
            Err(Problem::new(Code::StaleVersion, "read the terms and apply your change to them")
                .with("current", current))
        }
    }
}

/// A configuration in place of the one of `expected_version`, with what the platform takes of its organizer and of buyers: a quote follows from the log alone.
pub(super) async fn with_terms(
    call: &Call,
    (event, organizer): (EventId, u128),
    expected_version: u32,
    config: Arc<Config>,
) -> Result<Arc<Config>, Problem> {
    let terms = agreed_now(call, organizer).await?;
    let before = if expected_version == 0 { None } else { call.opened(event).await? };
    let before = before.as_ref().and_then(|published| published.config.as_ref());
    let before = before.and_then(|(_, config)| config.tariff.as_deref());
    let before = before.map_or(&[][..], |tariff| tariff.platform_fees.as_slice());
    Ok(added(&terms, before, config))
}

/// What is agreed with an organizer now.
pub(super) async fn agreed_now(call: &Call, organizer: u128) -> Result<Terms, Problem> {
    let now = call.gateway().environment.clock.wall();
    let terms = call.gateway().terms.read(organizer, now).await;
    Ok(terms.map_err(|error| problem::store(&error))?.1)
}

/// The configuration with what these terms add to it, after one with these fees of the platform.
pub(super) fn added(terms: &Terms, before: &[Fee], config: Arc<Config>) -> Arc<Config> {
    let fees = platform_fees::of_config(before, &terms.platform_fees, &config);
    if (terms.commission_ppm, terms.commission_fixed_minor) == (0, 0) && fees.is_empty() {
        return config;
    }
    let mut config = Config::clone(&config);
    let tariff = config.tariff.get_or_insert_default();
    tariff.commission = Commission {
        ppm: terms.commission_ppm,
        fixed_minor: terms.commission_fixed_minor,
        returned: terms.commission_returned,
    };
    tariff.platform_fees = fees;
    Arc::new(config)
}
