//! Settings of a node among others.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use tessera_cluster::{LEASE_MS_DEFAULT, LEASE_MS_MAX, LEASE_MS_MIN};

use super::load::SettingsError;

/// A node of a cluster. Only over a store that others share.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterSettings {
    /// Whether this process is a node among others.
    pub enabled: bool,
    /// What operators call it; empty: the host in `advertise`.
    pub name: String,
    /// Address and port at which other nodes are listened to.
    pub listen: SocketAddr,
    /// Where other nodes reach it, `host:port`. Empty: `listen`, where that is one address.
    pub advertise: String,
    /// Where clients may reach it, as a URL; empty: they are told of no node.
    pub client_address: String,
    /// The length of its lease, in milliseconds.
    pub lease_ms: u64,
    /// How nodes know each other.
    pub tls: ClusterTlsSettings,
}

/// How nodes know each other: files in PEM. All three, or none on addresses of this machine alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClusterTlsSettings {
    /// The certificate of the authority that has signed those of all nodes.
    pub ca: Option<PathBuf>,
    /// The certificate of this node.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        ClusterSettings {
            enabled: false,
            name: String::new(),
            listen: SocketAddr::from(([0, 0, 0, 0], 7_443)),
            advertise: String::new(),
            client_address: String::new(),
            lease_ms: LEASE_MS_DEFAULT,
            tls: ClusterTlsSettings::default(),
        }
    }
}

impl ClusterSettings {
    /// Where other nodes reach it.
    #[must_use]
    pub fn advertised(&self) -> String {
        if self.advertise.is_empty() { self.listen.to_string() } else { self.advertise.clone() }
    }

    /// What operators call it.
    #[must_use]
    pub fn node_name(&self) -> String {
        let advertised = self.advertised();
        let host = advertised.rsplit_once(':').map_or(advertised.as_str(), |(host, _)| host);
        if self.name.is_empty() { host.to_owned() } else { self.name.clone() }
    }

    /// What is wrong with them.
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let wrong = |name, value: String, wanted| Err(SettingsError::Value { name, value, wanted });
        if !(LEASE_MS_MIN..=LEASE_MS_MAX).contains(&self.lease_ms) {
            return wrong("cluster.lease_ms", self.lease_ms.to_string(), "500 to 60000 milliseconds");
        }
        if !self.enabled {
            return Ok(());
        }
        if self.advertise.is_empty() && self.listen.ip().is_unspecified() {
            return wrong(
                "cluster.advertise",
                "missing".to_owned(),
                "host:port at which other nodes reach this one",
            );
        }
        let port = self.advertised().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return wrong("cluster.advertise", self.advertise.clone(), "host:port");
        }
        let files = [&self.tls.ca, &self.tls.certificate, &self.tls.key];
        if files.iter().any(|file| file.is_some()) && files.iter().any(|file| file.is_none()) {
            let wanted = "all of ca, certificate and key, or none on one machine";
            return wrong("cluster.tls", "in part".to_owned(), wanted);
        }
        if !self.client_address.is_empty()
            && !["http://", "https://"].iter().any(|scheme| self.client_address.starts_with(scheme))
        {
            return wrong("cluster.client_address", self.client_address.clone(), "a URL");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled() -> ClusterSettings {
        let advertise = "node1.example:7443".to_owned();
        ClusterSettings { enabled: true, advertise, ..ClusterSettings::default() }
    }

    #[test]
    fn what_cannot_work_is_said() {
        assert!(enabled().check().is_ok());
        let bad = [
            ClusterSettings { lease_ms: 10, ..enabled() },
            ClusterSettings { advertise: String::new(), ..enabled() },
            ClusterSettings { advertise: "node1".to_owned(), ..enabled() },
            ClusterSettings { advertise: "node1:0".to_owned(), ..enabled() },
            ClusterSettings { client_address: "node1".to_owned(), ..enabled() },
            ClusterSettings {
                tls: ClusterTlsSettings { ca: Some(PathBuf::from("ca.pem")), ..Default::default() },
                ..enabled()
            },
        ];
        for settings in bad {
            assert!(settings.check().is_err(), "{settings:?}");
        }
        assert!(ClusterSettings::default().check().is_ok());
    }

    #[test]
    fn a_node_is_named_after_its_host() {
        assert_eq!(enabled().node_name(), "node1.example");
        let named = ClusterSettings { name: "first".to_owned(), ..enabled() };
        assert_eq!(named.node_name(), "first");
    }
}
