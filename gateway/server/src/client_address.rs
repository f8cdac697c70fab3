//! The address of a client: the peer's, or what a trusted proxy says.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client of a request. `X-Forwarded-For` counts only when the peer is one of the `trusted` proxies;
/// then it is the last address in it that is not itself a trusted proxy.
pub(crate) fn of(request: &HttpRequest, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    Some(if trusted.contains(&peer) { forwarded(peer, request.headers(), trusted) } else { peer })
}

/// Whether the client is on this machine. What was forwarded came from elsewhere, whoever says so.
pub(crate) fn is_local(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let passed_on = headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED);
    !passed_on && request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback())
}

fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let values: Vec<&str> =
        headers.get_all(X_FORWARDED_FOR).map(|value| value.to_str().unwrap_or_default()).collect();
    let mut nearest = peer;
    for text in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        // What is no address was written by nobody who is trusted: whoever passed it on is the client.
        let Some(address) = address(text.trim()) else { return nearest };
        nearest = address;
        if !trusted.contains(&address) {
            break;
        }
    }
    nearest
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let address = text.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> (String, bool) {
        let trusted = ["127.0.0.1".parse().unwrap(), "10.0.0.9".parse().unwrap()];
        let mut request = TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 1));
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        let request = request.to_http_request();
        (of(&request, &trusted).unwrap().to_string(), is_local(&request))
    }

    #[test]
    fn only_a_trusted_proxy_says_whose_request_it_is() {
        let remote = |text: &str| (text.to_owned(), false);
        assert_eq!(client("192.0.2.1", &[]), remote("192.0.2.1"));
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), remote("192.0.2.1"), "not trusted");
        assert_eq!(client("127.0.0.1", &[]), ("127.0.0.1".to_owned(), true));
        assert_eq!(client("::ffff:127.0.0.1", &[]), ("127.0.0.1".to_owned(), true));
        assert_eq!(client("127.0.0.1", &["198.51.100.7"]), remote("198.51.100.7"));
        assert_eq!(client("127.0.0.1", &["127.0.0.1"]), remote("127.0.0.1"), "forwarded: not local");
        assert_eq!(client("10.0.0.9", &["203.0.113.5, 198.51.100.7"]), remote("198.51.100.7"));
        assert_eq!(client("10.0.0.9", &["203.0.113.5, 198.51.100.7, 127.0.0.1"]), remote("198.51.100.7"));
        assert_eq!(client("10.0.0.9", &["203.0.113.5", "198.51.100.7:4711"]), remote("198.51.100.7"));
        assert_eq!(client("10.0.0.9", &["[2001:db8::1]:80"]), remote("2001:db8::1"));
        assert_eq!(client("10.0.0.9", &["203.0.113.5, nonsense"]), remote("10.0.0.9"));
        assert_eq!(client("10.0.0.9", &["203.0.113.5, x, 127.0.0.1"]), remote("127.0.0.1"));
    }
}
