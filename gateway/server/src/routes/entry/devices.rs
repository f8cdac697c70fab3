//! Devices that scan at gates.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use serde::{Deserialize, Serialize};
use tessera_projections::api_keys::{ApiKey, ApiKeyId};
use utoipa::ToSchema;

use crate::auth::{Credential, Scope, forbidden};
use crate::call::Call;
use crate::caller::{CheckInsWrite, Organizer};
use crate::code::Code;
use crate::ids::{IdText, Kind};
use crate::json;
use crate::limits::NAME_BYTES_MAX;
use crate::problem::{self, Problem};
use crate::render;
use crate::router::Answer;

/// A device to be registered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EntryDeviceRequest)]
pub(crate) struct DeviceRequest<'a> {
    /// Shown to people.
    #[serde(borrow)]
    #[schema(min_length = 1, max_length = 200)]
    name: Cow<'a, str>,
}

/// A device that was registered; its token is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = EntryDevice)]
pub(crate) struct DeviceReply<'a> {
    id: IdText,
    /// Among the devices of the organizer; what scans and conflicts name it by.
    number: u32,
    name: &'a str,
    /// An API key with the right to check in. Whoever loses the device revokes the key of this id, with `key_` before it.
    token: &'a str,
}

/// `POST /v1/entry-devices`
pub(crate) async fn register(call: Call, door: Organizer<CheckInsWrite>) -> Answer {
    // The administrator's devices would be nobody's.
    let organizer = door.tenant.organizer().ok_or_else(|| forbidden("organizer"))?.get();
    // Or whoever finds a phone would have keys that outlive its own.
    if door.device.is_some() {
        let detail = "a device registers no other: use a key of the organizer's";
        return Err(Problem::new(Code::Forbidden, detail).with("needed", "organizer"));
    }
    let bytes = call.body().await?;
    let request: DeviceRequest<'_> = json::parse(&bytes)?;
    if request.name.trim().is_empty() || request.name.len() > NAME_BYTES_MAX {
        return Err(Problem::field(Code::InvalidValue, "name", "a name has 1 to 200 bytes"));
    }
    let gateway = call.gateway();
    let random = &gateway.environment.random;
    let secret = Credential::generate_organizer(random.bits(), random.bits());
    let secret_hash = call.keys().api_key(&secret);
    let (id, now) = (ApiKeyId::of(&secret_hash), gateway.now());
    // The device before its key: what goes wrong between leaves a number that nobody uses, not a key that nobody knows.
    let device = gateway.entry_devices.register(organizer, &request.name, id, now).await;
    let device = device.map_err(|error| problem::store(&error))?;
    let device = device.ok_or_else(|| too_many("too_many_devices"))?;
    let key = ApiKey {
        secret_hash,
        organizer,
        name: device.name.clone(),
        scopes: vec![Scope::CheckInsWrite.name().to_owned()],
        created_at: now,
        revoked_at: None,
        device: Some(device.number),
    };
    let kept = gateway.api_keys.repository.insert(&key).await;
    if !kept.map_err(|error| problem::store(&error))? {
        return Err(too_many("too_many_keys"));
    }
    let reply =
        DeviceReply { id: device_id(device.key), number: device.number, name: &device.name, token: &secret };
    render::json(StatusCode::CREATED, &reply)
}

fn too_many(reason: &'static str) -> Problem {
    let detail = "the organizer has had as many as one may have, revoked ones included";
    Problem::new(Code::InvalidRequest, detail).with("reason", reason)
}

/// A device has the id of its key.
fn device_id(id: ApiKeyId) -> IdText {
    IdText::new(Kind::EntryDevice, u128::from_be_bytes(id.0))
}
