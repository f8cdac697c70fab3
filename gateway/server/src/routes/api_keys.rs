//! Organizer keys: make, list, revoke.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_projections::api_keys::{ApiKey, ApiKeyId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::{Credential, Scope, ScopeSet, forbidden};
use crate::call::Call;
use crate::caller::KeyKeeper;
use crate::code::Code;
use crate::ids::{self, IdText, Kind};
use crate::instant::Rfc3339;
use crate::json;
use crate::limits::NAME_BYTES_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiKeyRequest)]
pub(crate) struct MakeRequest<'a> {
    #[serde(borrow, default)]
    #[schema(value_type = Option<IdText>)]
    organizer: Option<Cow<'a, str>>,
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    name: Cow<'a, str>,
    /// Each once.
    #[schema(min_items = 1, max_items = 7)]
    scopes: Vec<Scope>,
}

/// A key that was made; its secret is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = MadeApiKey)]
pub(crate) struct Made<'a> {
    id: IdText,
    organizer: IdText,
    name: &'a str,
    secret: &'a str,
    #[schema(value_type = Vec<Scope>)]
    scopes: &'a [String],
}

/// `POST /v1/api-keys`
pub(crate) async fn make(call: Call, keeper: KeyKeeper) -> Answer {
    let bytes = call.body().await?;
    let request: MakeRequest<'_> = json::parse(&bytes)?;
    if request.name.trim().is_empty() || request.name.len() > NAME_BYTES_MAX {
        return Err(Problem::field(Code::InvalidValue, "name", "a name has 1 to 200 bytes"));
    }
    let scopes: ScopeSet = request.scopes.iter().copied().collect();
    if request.scopes.is_empty() || request.scopes.len() != scopes.iter().count() {
        return Err(Problem::field(Code::InvalidValue, "scopes", "name at least one scope, each once"));
    }
    keeper.may_give(scopes)?;
    let random = &call.gateway().environment.random;
    let named = request.organizer.as_deref().map(|text| {
        let named = ids::parse(Kind::Organizer, text).filter(|organizer| *organizer != 0);
        named.ok_or_else(|| Problem::field(Code::InvalidValue, "organizer", "not the id of an organizer"))
    });
    let organizer = match (keeper.organizer(), named.transpose()?) {
        (None, None) => Uuid::new_v8(random.bits().to_be_bytes()).as_u128(),
        (None, Some(named)) => named,
        (Some(own), named) if named.is_none_or(|named| named == own.get()) => own.get(),
        (Some(_), _) => return Err(forbidden("administrator")),
    };
    let secret = Credential::generate_organizer(random.bits(), random.bits());
    let key = ApiKey {
        secret_hash: call.keys().api_key(&secret),
        organizer,
        name: request.name.into_owned(),
        scopes: request.scopes.iter().map(|scope| scope.name().to_owned()).collect(),
        created_at: call.gateway().now(),
        revoked_at: None,
        device: None,
    };
    let kept = call.gateway().api_keys.repository.insert(&key).await;
    if !kept.map_err(|error| problem::store(&error))? {
        let detail = "the organizer has had as many keys as one may have, revoked ones included";
        return Err(Problem::new(Code::InvalidRequest, detail).with("reason", "too_many_keys"));
    }
    let reply = Made {
        id: key_id(key.id()),
        organizer: IdText::new(Kind::Organizer, organizer),
        name: &key.name,
        secret: &secret,
        scopes: &key.scopes,
    };
    render::json(StatusCode::CREATED, &reply)
}

fn key_id(id: ApiKeyId) -> IdText {
    IdText::new(Kind::ApiKey, u128::from_be_bytes(id.0))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// A key as it is listed.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct Listed<'a> {
    id: IdText,
    organizer: IdText,
    name: &'a str,
    /// A key of another release may have others.
    scopes: &'a [String],
    created_at: Rfc3339,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revoked_at: Option<Rfc3339>,
}

/// A page of keys.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKeyList)]
pub(crate) struct KeyList<'a> {
    items: Vec<Listed<'a>>,
    /// Where the next page begins; null at the end.
    #[schema(required)]
    next: Option<IdText>,
}

/// `GET /v1/api-keys`
pub(crate) async fn list(call: Call, keeper: KeyKeeper) -> Answer {
    let query: ListQuery = call.query()?;
    let limit = super::list_limit(query.limit)?;
    let after = super::cursor(query.cursor.as_deref(), |text| ids::parse(Kind::ApiKey, text))?;
    let after = after.map(|bits| ApiKeyId(bits.to_be_bytes()));
    let page = call.gateway().api_keys.repository.list(keeper.organizer(), after, limit).await;
    let page = page.map_err(|error| problem::store(&error))?;
    let reply = KeyList { items: page.keys.iter().map(listed).collect(), next: page.next.map(key_id) };
    render::read(call.headers(), &reply)
}

fn listed(key: &ApiKey) -> Listed<'_> {
    Listed {
        id: key_id(key.id()),
        organizer: IdText::new(Kind::Organizer, key.organizer),
        name: &key.name,
        scopes: &key.scopes,
        created_at: Rfc3339(key.created_at),
        revoked_at: key.revoked_at.map(Rfc3339),
    }
}

/// `DELETE /v1/api-keys/{key}`
pub(crate) async fn revoke(call: Call, keeper: KeyKeeper) -> Answer {
    let absent = || Problem::new(Code::ApiKeyNotFound, "there is no organizer key of this id");
    let id = ids::parse(Kind::ApiKey, call.parameter(0)).ok_or_else(absent)?;
    let (id, now) = (ApiKeyId(id.to_be_bytes()), call.gateway().now());
    let revoked = call.gateway().api_keys.revoke(keeper.organizer(), id, now).await;
    if revoked.map_err(|error| problem::store(&error))? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(absent())
    }
}
