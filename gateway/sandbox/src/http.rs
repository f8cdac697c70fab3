//! Requests to loopback and beyond, over connections that are kept.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Longest exchange.
const DEADLINE: Duration = Duration::from_secs(15);
/// A connection that is not used is kept so long.
const IDLE: Duration = Duration::from_secs(30);

/// Sends requests.
#[derive(Clone)]
pub(crate) struct Http(Client<HttpConnector, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// It was certainly not received.
    #[error("it was not sent: {0}")]
    NotSent(String),
    /// It may have been.
    #[error("it was not answered: {0}")]
    NotAnswered(String),
}

impl Http {
    pub(crate) fn new() -> Http {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Http(Client::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector))
    }

    /// One exchange: status and body.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes), NoAnswer> {
        let mut request =
            Request::builder().method(method).uri(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| NoAnswer::NotSent(error.to_string()))?;
        let exchange = async {
            let response = self.0.request(request).await.map_err(|error| {
                let text = error.to_string();
                if error.is_connect() { NoAnswer::NotSent(text) } else { NoAnswer::NotAnswered(text) }
            })?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| NoAnswer::NotAnswered(error.to_string()))?;
            Ok((status, body.to_bytes()))
        };
        // What is dropped is a connection of our own, never an append.
        #[allow(clippy::disallowed_methods)]
        let answered = tokio::time::timeout(DEADLINE, exchange).await;
        answered.unwrap_or_else(|_| Err(NoAnswer::NotAnswered("it took too long".to_owned())))
    }
}
