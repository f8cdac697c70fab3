//! Calls to Razorpay.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tessera_actors::Clock;
use tessera_outbound::{Bytes, Client, Method, Request, accepted};
use tessera_payments::Answer;
use tokio::time::Instant;

use crate::objects::ErrorReply;

/// Longest an operation takes, all of its requests together.
const OPERATION_LASTS: Duration = Duration::from_secs(18);
/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How Razorpay is called.
pub(crate) struct Account {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) base: Box<str>,
    /// `Basic …`.
    pub(crate) authorization: Box<str>,
}

/// Requests of one operation.
pub(crate) struct Http<'a> {
    account: &'a Account,
    until: Instant,
}

impl<'a> Http<'a> {
    pub(crate) fn new(account: &'a Account) -> Http<'a> {
        Http { account, until: Instant::now() + OPERATION_LASTS }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Answer> {
        self.send(Method::GET, path, None, Bytes::new()).await
    }

    /// `key`: under which a refund is made once.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<T, Answer> {
        self.send(Method::POST, path, key, Bytes::from(body.to_string())).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Bytes,
    ) -> Result<T, Answer> {
        let Account { client, clock, base, authorization } = self.account;
        let url = format!("{base}/v1{path}");
        let mut headers = vec![("authorization", &**authorization), ("content-type", "application/json")];
        headers.extend(key.map(|key| ("x-refund-idempotency", key)));
        let deadline = self.until.saturating_duration_since(Instant::now());
        let may_repeat = key.is_some() || method == Method::GET;
        let request = Request { method, url: &url, headers: &headers, body, may_repeat, deadline };
        let body = accepted::<ErrorReply>(client.ask(&request, ANSWER_BYTES_MAX).await, clock.wall())?;
        serde_json::from_slice(&body).map_err(|error| {
            tracing::warn!(%error, "an answer of Razorpay cannot be read");
            Answer::Unknown
        })
    }
}
