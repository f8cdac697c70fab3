//! Whom a rehearsal may aim at: this machine, or a host whose owner said so. It is decided once, on the addresses that are then used.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use tessera_demo::client::Server;

use crate::error::{RehearsalError, TargetError};

/// The port of plain HTTP.
const HTTP_PORT: u16 = 80;

/// A target that may be aimed at.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its address, pinned: the name is not looked up again.
    pub server: Server,
    /// As reports show it.
    pub url: String,
    /// Whether it is this machine.
    pub is_here: bool,
}

/// Host and port of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Host {
    /// As the operating system looks it up: an IPv6 address without its brackets.
    name: String,
    /// As a header shows it.
    authority: String,
    port: u16,
}

/// Read a target. Nothing but `http://host[:port][/]` is one: a user, a path or a query may hide where it leads.
fn read(url: &str) -> Result<Host, TargetError> {
    let bad = || TargetError::NotAnAddress(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let authority = uri.authority().ok_or_else(bad)?;
    let plain = uri.scheme_str() == Some("http")
        && uri.path() == "/"
        && uri.query().is_none()
        && !authority.as_str().contains('@')
        && !url.contains(['#', '\\']);
    if !plain || authority.host().is_empty() {
        return Err(bad());
    }
    // What stands behind the host is a port, or nothing: another port than the one that was written is another target.
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => HTTP_PORT,
        Some(_) => authority.port_u16().ok_or_else(bad)?,
        None => return Err(bad()),
    };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Host { name, authority: authority.as_str().to_owned(), port })
}

/// Whether an address is of this machine, also where it is written as an IPv6 address.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Whether the addresses of a host may be aimed at.
fn admit(host: &str, addresses: &[SocketAddr], owned: Option<&str>) -> Result<SocketAddr, TargetError> {
    let first = *addresses.first().ok_or_else(|| TargetError::Unknown(host.to_owned()))?;
    if let Some(named) = owned {
        if named.eq_ignore_ascii_case(host) {
            return Ok(first);
        }
        return Err(TargetError::OtherOwned { named: named.to_owned(), host: host.to_owned() });
    }
    match addresses.iter().find(|address| !is_loopback(address.ip())) {
        None => Ok(first),
        Some(other) => {
            Err(TargetError::NotLoopback { host: host.to_owned(), address: other.ip().to_string() })
        }
    }
}

impl Target {
    /// Look a target up, and refuse it unless each of its addresses is of this machine, or `owned` names exactly its host.
    ///
    /// # Errors
    /// [`TargetError`] says which.
    pub async fn resolve(url: &str, owned: Option<&str>) -> Result<Self, RehearsalError> {
        let host = read(url)?;
        let found = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
        let addresses: Vec<SocketAddr> =
            found.map_err(|_| TargetError::Unknown(host.name.clone()))?.collect();
        let address = admit(&host.name, &addresses, owned)?;
        let server = Server::at(address, &host.authority)?;
        Ok(Target { server, url: format!("http://{}", host.authority), is_here: is_loopback(address.ip()) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    fn resolved(url: &str, owned: Option<&str>) -> Result<Target, RehearsalError> {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(Target::resolve(url, owned))
    }

    #[test]
    fn this_machine_may_be_aimed_at_by_any_of_its_names() {
        for url in ["http://127.0.0.1:8080", "http://localhost:8080/", "http://127.9.8.7", "http://[::1]:80"]
        {
            let target = resolved(url, None).unwrap();
            assert_eq!((target.url.as_str(), target.is_here), (url.trim_end_matches('/'), true));
        }
        let mapped: SocketAddr = "[::ffff:127.0.0.1]:80".parse().unwrap();
        assert!(admit("m", &[mapped], None).is_ok());
    }

    #[test]
    fn what_only_looks_like_this_machine_is_refused() {
        let tricks = [
            "http://localhost@198.51.100.7",
            "http://127.0.0.1@198.51.100.7:80",
            "http://user:localhost@127.0.0.1",
            "http://127.0.0.1/v1",
            "http://127.0.0.1:99999",
            "http://127.0.0.1:",
            "http://[::1]:65536",
            "http://127.0.0.1?x=198.51.100.7",
            "http://127.0.0.1#198.51.100.7",
            "http://127.0.0.1\\@198.51.100.7",
            "https://127.0.0.1",
            "127.0.0.1:8080",
            "http://",
            "localhost",
        ];
        for url in tricks {
            let refused = resolved(url, None);
            assert!(
                matches!(refused, Err(RehearsalError::Target(TargetError::NotAnAddress(_)))),
                "{url}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_host_is_judged_by_all_of_its_addresses_not_by_its_name() {
        let here: SocketAddr = "127.0.0.1:80".parse().unwrap();
        let there: SocketAddr = "198.51.100.7:80".parse().unwrap();
        let unspecified: SocketAddr = "0.0.0.0:80".parse().unwrap();
        let mapped: SocketAddr = "[::ffff:198.51.100.7]:80".parse().unwrap();
        for host in ["localhost.example.org", "localhost-staging", "127.0.0.1.example.org"] {
            for addresses in [&[there][..], &[here, there], &[unspecified], &[mapped]] {
                let refused = admit(host, addresses, None).unwrap_err();
                assert!(matches!(refused, TargetError::NotLoopback { .. }), "{host} {addresses:?}");
                assert!(refused.to_string().contains(&format!("--i-own-this-target {host}")), "{refused}");
            }
        }
        assert_eq!(admit("h", &[], None), Err(TargetError::Unknown("h".into())));
        for url in ["http://198.51.100.7", "http://[2001:db8::1]:8080", "http://0.0.0.0"] {
            let refused = resolved(url, None);
            assert!(matches!(refused, Err(RehearsalError::Target(TargetError::NotLoopback { .. }))), "{url}");
        }
    }

    #[test]
    fn the_owner_names_exactly_this_host() {
        assert!(!resolved("http://198.51.100.7:8080", Some("198.51.100.7")).unwrap().is_here);
        assert!(resolved("http://[2001:db8::1]", Some("2001:db8::1")).is_ok());
        for other in ["198.51.100", "198.51.100.70", "198.51.100.7:8080", ""] {
            let refused = resolved("http://198.51.100.7:8080", Some(other));
            assert!(
                matches!(refused, Err(RehearsalError::Target(TargetError::OtherOwned { .. }))),
                "{other}"
            );
        }
    }
}
