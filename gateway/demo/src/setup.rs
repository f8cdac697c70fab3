//! The set-up of the sale, all of it through the API: keys, buyer tokens, the event with its venue, kills.

use http::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Call, Connection, Reply};
use crate::error::DemoError;
use crate::keys::Keys;
use crate::tally::{Accepted, Tally};
use crate::venue::Venue;
use crate::wire::Decision;

/// Buyer tokens asked for at once.
const TOKENS_PER_CALL: usize = 1_000;
/// Standing units withdrawn before the sale (the mixing desk stands there), and given back in it.
pub const KILLED_UNITS: u32 = 40;

/// Who the demo acts as.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The organizer's key.
    pub organizer: HeaderValue,
    /// A key that may only check tickets in.
    pub scanner: HeaderValue,
    /// One token for each buyer.
    pub buyers: Vec<HeaderValue>,
}

/// The organizer at work, over one connection.
#[derive(Debug)]
pub struct Organizer {
    connection: Connection,
    credential: HeaderValue,
    keys: Keys,
}

#[derive(Deserialize)]
struct ApiKey {
    secret: String,
    organizer: String,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<String>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(default)]
    configuration_version: u32,
    sequence: Option<u64>,
}

/// Read a reply that must have been accepted; `step` says what was tried.
///
/// # Errors
/// [`DemoError::Refused`] when it was not, [`DemoError::Unreadable`] when it is not what the API promises.
pub fn accepted<T: for<'de> Deserialize<'de>>(step: &str, reply: &Reply) -> Result<T, DemoError> {
    if !reply.accepted() {
        let detail = String::from_utf8_lossy(&reply.body).into_owned();
        return Err(DemoError::Refused { step: step.to_owned(), status: reply.status, detail });
    }
    serde_json::from_slice(&reply.body).map_err(|error| DemoError::unreadable(step, &reply.body, error))
}

/// The value of an `Authorization` header.
///
/// # Errors
/// [`DemoError::Refused`] when the token is not visible ASCII.
pub fn bearer(token: &str) -> Result<HeaderValue, DemoError> {
    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| DemoError::Refused {
        step: "using a credential".into(),
        status: 0,
        detail: "it has characters that no header may have".into(),
    })
}

/// Make the keys and a token for each buyer. `told` hears how many tokens there are.
///
/// # Errors
/// [`DemoError`] when a step is refused or the server is gone.
pub async fn credentials(
    connection: &mut Connection,
    administrator_token: &str,
    buyers: u32,
    told: impl Fn(usize),
) -> Result<Credentials, DemoError> {
    let administrator = bearer(administrator_token)?;
    let (organizer, owner) = organizer_key(connection, &administrator, "demo organizer", None).await?;
    let scanner = scanner_key(connection, &administrator, "demo gate", &owner).await?;
    let buyers = buyer_tokens(connection, &organizer, buyers, told).await?;
    Ok(Credentials { organizer, scanner, buyers })
}

/// Make a key that may do all but check in, of this organizer or of a new one; answers its credential and its organizer.
///
/// # Errors
/// [`DemoError`] when it is refused or the server is gone.
pub async fn organizer_key(
    connection: &mut Connection,
    administrator: &HeaderValue,
    name: &str,
    organizer: Option<&str>,
) -> Result<(HeaderValue, String), DemoError> {
    let scopes = json!(["events:write", "events:read", "orders:write", "buyer-tokens:write"]);
    api_key(connection, administrator, name, &scopes, organizer).await
}

/// Make a key of an organizer that may check in, and nothing else.
///
/// # Errors
/// [`DemoError`] when it is refused or the server is gone.
pub async fn scanner_key(
    connection: &mut Connection,
    administrator: &HeaderValue,
    name: &str,
    organizer: &str,
) -> Result<HeaderValue, DemoError> {
    let scopes = json!(["check-ins:write"]);
    Ok(api_key(connection, administrator, name, &scopes, Some(organizer)).await?.0)
}

/// Make tokens, each for a buyer of its own. `told` hears how many there are.
///
/// # Errors
/// [`DemoError`] when a step is refused or the server is gone.
pub async fn buyer_tokens(
    connection: &mut Connection,
    organizer: &HeaderValue,
    buyers: u32,
    told: impl Fn(usize),
) -> Result<Vec<HeaderValue>, DemoError> {
    let wanted = buyers as usize;
    let mut tokens = Vec::with_capacity(wanted);
    while tokens.len() < wanted {
        let count = TOKENS_PER_CALL.min(wanted - tokens.len());
        let call = Call::post("/v1/buyer-tokens".into(), organizer, json!({ "count": count }).to_string());
        let (reply, _) = connection.call(&call).await?;
        let made: Tokens = accepted("making buyer tokens", &reply)?;
        for token in &made.tokens {
            tokens.push(bearer(token)?);
        }
        told(tokens.len());
    }
    Ok(tokens)
}

/// Make one API key; answers its credential and its organizer.
async fn api_key(
    connection: &mut Connection,
    administrator: &HeaderValue,
    name: &str,
    scopes: &Value,
    organizer: Option<&str>,
) -> Result<(HeaderValue, String), DemoError> {
    let mut body = json!({ "name": name, "scopes": scopes });
    if let Some(organizer) = organizer {
        body["organizer"] = organizer.into();
    }
    let (reply, _) =
        connection.call(&Call::post("/v1/api-keys".into(), administrator, body.to_string())).await?;
    let key: ApiKey = accepted("making an API key", &reply)?;
    Ok((bearer(&key.secret)?, key.organizer))
}

impl Organizer {
    /// The organizer with its key.
    #[must_use]
    pub fn new(connection: Connection, credential: HeaderValue, seed: u64) -> Self {
        Organizer { connection, credential, keys: Keys::new(seed, u64::MAX) }
    }

    /// Create the event of this name with its venue; answers its identifier.
    ///
    /// # Errors
    /// [`DemoError`] when it is refused or the server is gone.
    pub async fn create_event(
        &mut self,
        name: &str,
        configuration: Value,
        starts_at: &str,
        tally: &mut Tally,
    ) -> Result<String, DemoError> {
        let body = json!({
            "name": name, "starts_at": starts_at, "zone": "Europe/Berlin", "configuration": configuration,
        });
        let reply = self.post("/v1/events".into(), &body).await?;
        let event: Event = accepted("creating the event", &reply)?;
        if let Some(sequence) = event.sequence.filter(|_| event.configuration_version > 0) {
            tally.acknowledge(sequence, None, Accepted::Configured);
        }
        Ok(event.id)
    }

    /// Move the event to another phase.
    ///
    /// # Errors
    /// [`DemoError`] when it is refused or the server is gone.
    pub async fn change_phase(&mut self, event: &str, to: &str, tally: &mut Tally) -> Result<(), DemoError> {
        let reply = self.post(format!("/v1/events/{event}/phase-changes"), &json!({ "to": to })).await?;
        let decision: Decision = accepted(&format!("moving to {to}"), &reply)?;
        tally.acknowledge(decision.sequence, None, Accepted::PhaseChanged { to: to.to_owned() });
        Ok(())
    }

    /// Withdraw some standing units, and the seats of the first block that everyone may buy.
    ///
    /// # Errors
    /// [`DemoError`] when it is refused or the server is gone.
    pub async fn kill(&mut self, event: &str, venue: &Venue, tally: &mut Tally) -> Result<(), DemoError> {
        let path = format!("/v1/events/{event}/kills");
        if let Some(pool) = venue.pools.first() {
            let reply =
                self.post(path.clone(), &json!({ "pool": pool.name, "quantity": KILLED_UNITS })).await?;
            let decision: Decision = accepted("withdrawing units", &reply)?;
            tally.acknowledge(decision.sequence, None, Accepted::UnitsKilled);
        }
        if let Some(block) = venue.blocks.iter().find(|block| block.public) {
            let seats: Vec<u32> = (block.first..block.first + block.seats).collect();
            let reply = self.post(path, &json!({ "seats": seats })).await?;
            let decision: Decision = accepted("withdrawing seats", &reply)?;
            tally.acknowledge(decision.sequence, None, Accepted::UnitsKilled);
        }
        Ok(())
    }

    /// Give the withdrawn standing units back.
    ///
    /// # Errors
    /// [`DemoError`] when it is refused or the server is gone.
    pub async fn restore(&mut self, event: &str, venue: &Venue, tally: &mut Tally) -> Result<(), DemoError> {
        let Some(pool) = venue.pools.first() else { return Ok(()) };
        let body = json!({ "pool": pool.name, "quantity": KILLED_UNITS });
        let reply = self.post(format!("/v1/events/{event}/restores"), &body).await?;
        let decision: Decision = accepted("restoring units", &reply)?;
        tally.acknowledge(decision.sequence, None, Accepted::UnitsRestored);
        Ok(())
    }

    async fn post(&mut self, path: String, body: &Value) -> Result<Reply, DemoError> {
        let call = Call::post(path, &self.credential, body.to_string()).keyed(self.keys.mint());
        Ok(self.connection.call(&call).await?.0)
    }
}
