//! Where a request goes, and whether it may. An address is judged where it is connected to, not where it is named.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use tokio::net::{TcpStream, lookup_host};

use crate::limits::{ADDRESSES_MAX, URL_BYTES_MAX};

/// Whether TLS is spoken, the host, and the port.
pub(crate) type Origin = (bool, String, u16);

/// A URL that requests may be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Whether TLS is spoken.
    pub(crate) secure: bool,
    /// A name, or an address without brackets.
    pub(crate) host: String,
    port: u16,
    /// `Host` of the request.
    pub(crate) authority: String,
    /// Path and query of the request.
    pub(crate) path: String,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Target, &'static str> {
        if url.len() > URL_BYTES_MAX {
            return Err("a URL has at most 2048 bytes");
        }
        let uri: Uri = url.parse().map_err(|_| "not a URL")?;
        let (secure, default_port) = match url.split_once("://") {
            Some(("https", _)) => (true, 443),
            Some(("http", _)) => (false, 80),
            _ => return Err("a URL begins with https:// or http://"),
        };
        let authority = uri.authority().ok_or("a URL has a host")?;
        if authority.as_str().contains('@') || url.contains('#') {
            return Err("a URL has neither a user nor a fragment");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("a URL has a host");
        }
        // What stands behind the host is a port, or nothing: another port than the one that was written is another target.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default_port,
            _ => authority.port_u16().ok_or("a port is a number up to 65535")?,
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Target { secure, host, port, authority: authority.to_string(), path })
    }

    /// Where it is.
    pub(crate) fn origin(&self) -> Origin {
        (self.secure, self.host.clone(), self.port)
    }

    /// The address, where the URL has one and no name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// Whether it ends with the host and its port, so that a path can be added.
    #[must_use]
    pub fn has_no_path(&self) -> bool {
        self.path == "/"
    }

    /// Connects to an address that may be: the first that answers.
    pub(crate) async fn connect(&self, private_targets: bool) -> io::Result<TcpStream> {
        let found = lookup_host((self.host.as_str(), self.port)).await?;
        let may_be = |address: &SocketAddr| private_targets || is_public(address.ip());
        let mut last = io::Error::new(io::ErrorKind::PermissionDenied, "its address is not a public one");
        for address in found.filter(may_be).take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Whether the address is one of the public internet: not of this machine, a private network, a link, a group, or set aside for other
/// uses (IANA's special-purpose registries). An IPv4 address within an IPv6 one is judged as such.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    let is_special = match (first, second, third) {
        // This network, private, loopback.
        (0 | 10 | 127, _, _) => true,
        // Shared by carriers; link-local; private.
        (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _) => true,
        // Protocols; documentation; relays; benchmarks.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, reserved, broadcast.
        (224.., _, _) => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // IPv4-mapped, and NAT64.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // 6to4.
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and other protocols; documentation.
        [0x2001, ..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..=0xfff, ..] => false,
        // What is in use is below 2000::/3: loopback, link-local, unique local and multicast are not.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_told_apart() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!public(address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "2001:4860::1",
        ] {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn urls_are_read_or_refused() {
        let target = Target::parse("https://hooks.example:8443/a/b?c=d").unwrap();
        assert_eq!((target.secure, target.host.as_str(), target.port), (true, "hooks.example", 8443));
        assert_eq!((target.authority.as_str(), target.path.as_str()), ("hooks.example:8443", "/a/b?c=d"));
        assert_eq!(target.address(), None);
        let literal = Target::parse("http://[::1]/").unwrap();
        assert_eq!((literal.address(), literal.port), (Some(Ipv6Addr::LOCALHOST.into()), 80));
        let long = format!("https://a.example/{}", "x".repeat(URL_BYTES_MAX));
        for wrong in [
            "",
            "HTTP://a.example/",
            "hooks.example",
            "/path",
            "ftp://a.example/",
            "https://",
            "https://user@a.example/",
            "https://a.example/#part",
            "https://a.example:99999/",
            "https:///path",
            &long,
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let target = Target::parse(&format!("http://localhost:{port}/")).unwrap();
        let refused = target.connect(false).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(target.connect(true).await.is_ok(), "where the operator allows it, it is");
    }
}
