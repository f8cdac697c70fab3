//! Buyer tokens: make them, for buyers that an organizer knows, for fresh ones, or for whoever asks.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_inventory::Subject;
use utoipa::ToSchema;

use crate::auth::{BuyerToken, missing_credential};
use crate::call::Call;
use crate::caller::{BuyersWrite, Organizer};
use crate::client_address;
use crate::code::Code;
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::{BUYER_TOKENS_MAX, BUYERS_BYTES_MAX, COMMAND_BYTES_MAX};
use crate::problem::Problem;
use crate::render;
use crate::router::Answer;

/// Tokens to be made: either so many fresh buyers, or buyers whom the organizer knows.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BuyerTokensRequest)]
pub(crate) struct MakeRequest<'a> {
    /// Only with a credential.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    count: Option<usize>,
    /// References of 1 to 128 bytes each; only with a credential.
    #[serde(borrow, default)]
    #[schema(min_items = 1, max_items = 1000)]
    buyers: Option<Vec<Cow<'a, str>>>,
}

/// Buyer tokens, in the order of the buyers.
#[derive(Serialize, ToSchema)]
#[schema(as = BuyerTokens)]
pub(crate) struct Made {
    tokens: Vec<String>,
    expires_at: Rfc3339,
}

/// `POST /v1/buyer-tokens`
pub(crate) async fn make(call: Call, organizer: Option<Organizer<BuyersWrite>>) -> Answer {
    // Who shows no credential names nobody, and needs no room for names.
    let bytes_max = if organizer.is_some() { BUYERS_BYTES_MAX } else { COMMAND_BYTES_MAX };
    let bytes = call.body_up_to(bytes_max).await?;
    let request: MakeRequest<'_> = json::parse(&bytes)?;
    let subjects = match (&organizer, &request) {
        (None, MakeRequest { count: None, buyers: None })
            if call.gateway().settings.buyer_token.anonymous =>
        {
            let trusted = &call.gateway().settings.http.trusted_proxies;
            call.counted(|limits| limits.minting(client_address::of(&call.request, trusted)))?;
            vec![fresh(&call)]
        }
        (None, _) => return Err(missing_credential()),
        (Some(_), MakeRequest { count: Some(_), buyers: Some(_) }) => {
            return Err(Problem::field(Code::InvalidValue, "", "say either count or buyers"));
        }
        (Some(organizer), MakeRequest { buyers: Some(buyers), .. }) => {
            known(&call, organizer.tenant.number(), buyers)?
        }
        (Some(_), MakeRequest { count, .. }) => match count.unwrap_or(1) {
            count @ 1..=BUYER_TOKENS_MAX => (0..count).map(|_| fresh(&call)).collect(),
            _ => return Err(Problem::field(Code::OutOfRange, "count", "make 1 to 1000 tokens at once")),
        },
    };
    let organizer = organizer.and_then(|organizer| organizer.tenant.organizer());
    if let Some(minter) = organizer {
        call.counted(|limits| limits.minting_by(minter, subjects.len()))?;
    }
    let expires_at = call.gateway().now().plus_ms(call.gateway().settings.buyer_token.life_s * 1_000);
    let sign = |subject| BuyerToken { subject, organizer, expires_at }.sign(call.keys());
    let reply = Made { tokens: subjects.into_iter().map(sign).collect(), expires_at: Rfc3339(expires_at) };
    render::json(StatusCode::CREATED, &reply)
}

fn fresh(call: &Call) -> Subject {
    Subject(call.gateway().environment.random.bits())
}

fn known(call: &Call, organizer: u128, buyers: &[Cow<'_, str>]) -> Result<Vec<Subject>, Problem> {
    if buyers.is_empty() || buyers.len() > BUYER_TOKENS_MAX {
        return Err(Problem::field(Code::InvalidValue, "buyers", "name 1 to 1000 buyers at once"));
    }
    let subject = |(at, reference): (usize, &Cow<'_, str>)| {
        super::known_buyer(call, organizer, reference, || format!("buyers[{at}]"))
    };
    buyers.iter().enumerate().map(subject).collect()
}
