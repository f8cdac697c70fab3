//! One socket, and one try over it: no patience and no second try, which are the business of who holds it.

use std::io;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Call, Reply, Server};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A kept-alive HTTP/1.1 socket, opened when first needed. To drop a try in the middle closes it.
#[derive(Debug)]
pub struct Socket {
    server: Server,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Socket {
    /// A socket that its first request opens.
    #[must_use]
    pub fn new(server: &Server) -> Self {
        Socket { server: server.clone(), sender: None }
    }

    /// Where it leads, for messages.
    #[must_use]
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Whether it was open when it was last used.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.sender.is_some()
    }

    /// Close it; the next request opens another.
    pub fn close(&mut self) {
        self.sender = None;
    }

    /// One try: the whole request out, the whole reply in. A socket that the server has closed meanwhile is opened again first.
    ///
    /// # Errors
    /// What the operating system says; the request may have arrived all the same.
    pub async fn exchange(&mut self, call: &Call) -> io::Result<Reply> {
        let request = self.request(call)?;
        let sender = self.connected().await?;
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let retry_after =
            parts.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Reply {
            status: parts.status.as_u16(),
            replayed: parts.headers.contains_key(IDEMPOTENCY_REPLAYED),
            etag: parts.headers.get(header::ETAG).cloned(),
            retry_after,
            body,
        })
    }

    fn request(&self, call: &Call) -> io::Result<Request<Full<Bytes>>> {
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.path.parse().map_err(io::Error::other)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.server.host.clone());
        if call.method != Method::GET {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let optional = [
            (header::AUTHORIZATION, &call.credential),
            (IDEMPOTENCY_KEY, &call.key),
            (header::IF_NONE_MATCH, &call.known),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        }
        Ok(request)
    }

    async fn connected(&mut self) -> io::Result<&mut SendRequest<Full<Bytes>>> {
        let alive = match self.sender.as_mut() {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !alive {
            self.sender = None;
        }
        match self.sender {
            Some(ref mut sender) => Ok(sender),
            None => {
                let stream = TcpStream::connect(self.server.address).await?;
                stream.set_nodelay(true)?;
                let (sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
                    .await
                    .map_err(io::Error::other)?;
                // The driver ends with the connection; a failure shows at the sender.
                tokio::spawn(driver);
                Ok(self.sender.insert(sender))
            }
        }
    }
}
