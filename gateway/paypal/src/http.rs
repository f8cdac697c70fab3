//! Calls to PayPal under a token, which is kept while it is good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tessera_actors::Clock;
use tessera_inventory::Timestamp;
use tessera_outbound::{Bytes, Client, Method, Request, accepted};
use tessera_payments::Answer;
use tokio::time::Instant;

use crate::objects::{ErrorReply, Token};

/// Longest an operation takes, all of its requests together.
const OPERATION_LASTS: Duration = Duration::from_secs(18);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// The header under whose value PayPal does something once.
const KEY: &str = "paypal-request-id";
/// Where tokens are given.
const TOKEN_PATH: &str = "/v1/oauth2/token";
/// A token is not used in its last minute, in milliseconds.
const TOKEN_LAST_MS: u64 = 60_000;

/// How PayPal is called.
pub(crate) struct Account {
    client: Client,
    clock: Arc<dyn Clock>,
    base: Box<str>,
    /// `Basic …`.
    authorization: Box<str>,
    /// `Bearer …`, and until when it is used.
    token: Mutex<Option<(Box<str>, Timestamp)>>,
}

/// Requests of one operation.
pub(crate) struct Http<'a> {
    account: &'a Account,
    until: Instant,
}

impl Account {
    pub(crate) fn new(base: &str, client_id: &str, secret: &str, clock: Arc<dyn Clock>) -> Account {
        Account {
            // The operator says where it is.
            client: Client::new(true),
            clock,
            base: base.trim_end_matches('/').into(),
            authorization: format!("Basic {}", STANDARD.encode(format!("{client_id}:{secret}"))).into(),
            token: Mutex::new(None),
        }
    }
}

impl<'a> Http<'a> {
    pub(crate) fn new(account: &'a Account) -> Http<'a> {
        Http { account, until: Instant::now() + OPERATION_LASTS }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.account.clock.wall()
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Answer> {
        read(&self.send(Method::GET, path, None, Bytes::new()).await?)
    }

    /// `key`: under which PayPal makes it once.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<T, Answer> {
        read(&self.send(Method::POST, path, key, Bytes::from(body.to_string())).await?)
    }

    /// A call whose answer says nothing.
    pub(crate) async fn post_for_nothing(&self, path: &str, key: &str) -> Result<(), Answer> {
        self.send(Method::POST, path, Some(key), Bytes::from_static(b"{}")).await.map(drop)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<Vec<u8>, Answer> {
        let token = self.token().await?;
        let mut headers = vec![
            ("authorization", &*token),
            ("content-type", "application/json"),
            ("prefer", "return=representation"),
        ];
        headers.extend(key.map(|key| (KEY, key)));
        let answered = self.exchange(method, path, &headers, body).await;
        if matches!(answered, Err(Answer::NotOurs { .. })) {
            // It may have been withdrawn.
            *self.kept() = None;
        }
        answered
    }

    async fn token(&self) -> Result<Box<str>, Answer> {
        let now = self.now();
        if let Some((token, _)) = self.kept().as_ref().filter(|(_, until)| now < *until) {
            return Ok(token.clone());
        }
        let headers = [
            ("authorization", &*self.account.authorization),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let form = Bytes::from_static(b"grant_type=client_credentials");
        let answered = self.exchange(Method::POST, TOKEN_PATH, &headers, form).await;
        let token: Token = match answered {
            Ok(body) => read(&body)?,
            // Nothing was asked yet but who we are.
            Err(Answer::Unknown) => return Err(Answer::Later { not_before: None }),
            Err(Answer::Declined { code, .. }) => return Err(Answer::NotOurs { detail: code }),
            Err(answer) => return Err(answer),
        };
        let bearer: Box<str> = format!("Bearer {}", token.access_token).into();
        let life_ms = token.expires_in.unwrap_or_default().saturating_mul(1_000);
        *self.kept() = Some((bearer.clone(), now.plus_ms(life_ms.saturating_sub(TOKEN_LAST_MS))));
        Ok(bearer)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Option<(Box<str>, Timestamp)>> {
        self.account.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Vec<u8>, Answer> {
        let url = format!("{}{path}", self.account.base);
        let deadline = self.until.saturating_duration_since(Instant::now());
        // What has a key, and what asks for a token, changes nothing when it comes again.
        let has_key = headers.iter().any(|(name, _)| *name == KEY);
        let may_repeat = has_key || method == Method::GET || path == TOKEN_PATH;
        let request = Request { method, url: &url, headers, body, may_repeat, deadline };
        accepted::<ErrorReply>(self.account.client.ask(&request, ANSWER_BYTES_MAX).await, self.now())
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::warn!(%error, "an answer of PayPal cannot be read");
        Answer::Unknown
    })
}
