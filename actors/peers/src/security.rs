//! How nodes know each other: mutual TLS by certificates of one authority, or plain text on one machine.
//!
//! Every node's certificate names [`NODE_NAME`], whatever address the node is reached at: addresses of pods and containers
//! change, and who a node is, the hello of a stream says. Both sides check the other's certificate against the authority and
//! for that name. So the authority's key makes nodes, and nothing else may be signed by it under that name.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{RootCertStore, sign::CertifiedKey};
use tessera_inventory::Timestamp;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

use crate::limits::CONNECT_MS_MAX;

/// The DNS name in the certificate of every node.
pub const NODE_NAME: &str = "tessera-node";

/// How nodes know each other.
#[derive(Clone)]
pub enum Security {
    /// By certificates, in both directions.
    Mutual(MutualTls),
    /// Not at all: only for addresses of the machine itself.
    Plain,
}

/// Where a node's certificates lie: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificates of the authority, one or (while it changes) more.
    pub ca: PathBuf,
    /// The node's certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Certificates that were found to fit.
#[derive(Clone)]
pub struct MutualTls {
    ca: Certificate,
    identity: Identity,
}

/// Why a node does not begin to speak with others.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// A file could not be read.
    #[error("{setting}: the file {} could not be read; it must exist and be readable by this process", file.display())]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what its setting asks for.
    #[error("{setting}: the file {} has no {expected} in PEM; `tessera node certificates` makes files that fit", file.display())]
    Content {
        /// The setting that names it.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// The key is of another certificate.
    #[error("cluster.tls.key: the key in {} does not belong to the certificate in {}", key.display(), certificate.display())]
    Key {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Other nodes would refuse the certificate.
    #[error(
        "cluster.tls.certificate: other nodes would refuse the certificate in {}; it must be signed by the authority in {}, \
         valid now, for servers and clients, and name the DNS name {NODE_NAME}",
        certificate.display(), ca.display()
    )]
    Refused {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the authority.
        ca: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// Plain text would leave the machine.
    #[error(
        "the address {address} is reached from other machines: set cluster.tls.ca, cluster.tls.certificate and cluster.tls.key \
         (nodes speak without TLS on loopback addresses only)"
    )]
    PlainTextLeavesTheMachine {
        /// The address.
        address: String,
    },
}

impl MutualTls {
    /// Read a node's certificates and see whether other nodes will take them. `now` is wall time.
    ///
    /// # Errors
    /// [`SecurityError`], which names the file and what is to be done.
    pub fn load(files: &TlsFiles, now: Timestamp) -> Result<MutualTls, SecurityError> {
        let (ca_pem, roots) = certificates("cluster.tls.ca", &files.ca)?;
        let (certificate_pem, chain) = certificates("cluster.tls.certificate", &files.certificate)?;
        let key_pem = read("cluster.tls.key", &files.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key_pem)
            .map_err(|_| content("cluster.tls.key", &files.key, "private key"))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        CertifiedKey::from_der(chain.clone(), key, &provider).map_err(|source| SecurityError::Key {
            key: files.key.clone(),
            certificate: files.certificate.clone(),
            source,
        })?;
        check_chain(&roots, &chain, provider, now).map_err(|source| SecurityError::Refused {
            certificate: files.certificate.clone(),
            ca: files.ca.clone(),
            source,
        })?;
        let identity = Identity::from_pem(certificate_pem, key_pem);
        Ok(MutualTls { ca: Certificate::from_pem(ca_pem), identity })
    }

    /// What a node that dials shows and demands.
    pub(crate) fn client(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(self.ca.clone())
            .identity(self.identity.clone())
            .domain_name(NODE_NAME)
            .timeout(Duration::from_millis(CONNECT_MS_MAX))
    }

    /// What a node that is dialled shows and demands.
    pub(crate) fn server(&self) -> ServerTlsConfig {
        ServerTlsConfig::new()
            .client_ca_root(self.ca.clone())
            .identity(self.identity.clone())
            .timeout(Duration::from_millis(CONNECT_MS_MAX))
    }
}

impl Security {
    /// Whether a node may listen there.
    ///
    /// # Errors
    /// [`SecurityError::PlainTextLeavesTheMachine`].
    pub fn admits_listening(&self, address: SocketAddr) -> Result<(), SecurityError> {
        self.admits(address.ip().is_loopback(), &address.to_string())
    }

    /// Whether a node at this `host:port` may be dialled.
    ///
    /// # Errors
    /// [`SecurityError::PlainTextLeavesTheMachine`].
    pub fn admits_dialling(&self, address: &str) -> Result<(), SecurityError> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        self.admits(loopback, address)
    }

    fn admits(&self, loopback: bool, address: &str) -> Result<(), SecurityError> {
        match self {
            Security::Plain if !loopback => {
                Err(SecurityError::PlainTextLeavesTheMachine { address: address.to_owned() })
            }
            Security::Plain | Security::Mutual(_) => Ok(()),
        }
    }
}

/// Whether a certificate, which the authority signed, is a node's.
pub(crate) fn names_a_node(certificate: &CertificateDer<'_>) -> bool {
    let (Ok(parsed), Ok(name)) = (ParsedCertificate::try_from(certificate), ServerName::try_from(NODE_NAME))
    else {
        return false;
    };
    rustls::client::verify_server_name(&parsed, &name).is_ok()
}

fn read(setting: &'static str, file: &Path) -> Result<Vec<u8>, SecurityError> {
    fs::read(file).map_err(|source| SecurityError::File { setting, file: file.to_path_buf(), source })
}

fn content(setting: &'static str, file: &Path, expected: &'static str) -> SecurityError {
    SecurityError::Content { setting, file: file.to_path_buf(), expected }
}

type Certificates = (Vec<u8>, Vec<CertificateDer<'static>>);

/// The certificates of a file, as they are there and one by one; at least one.
fn certificates(setting: &'static str, file: &Path) -> Result<Certificates, SecurityError> {
    let bytes = read(setting, file)?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok((bytes, found)),
        _ => Err(content(setting, file, "certificate")),
    }
}

/// What every other node will check as it is dialled by this one, and dials it.
fn check_chain(
    roots: &[CertificateDer<'static>],
    chain: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
    now: Timestamp,
) -> Result<(), rustls::Error> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(roots.iter().cloned());
    let store = Arc::new(store);
    let now = UnixTime::since_unix_epoch(Duration::from_millis(now.0));
    let (own, between) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
    let refused = |error: rustls::server::VerifierBuilderError| rustls::Error::General(error.to_string());
    let name = ServerName::try_from(NODE_NAME).map_err(|error| rustls::Error::General(error.to_string()))?;
    WebPkiServerVerifier::builder_with_provider(Arc::clone(&store), Arc::clone(&provider))
        .build()
        .map_err(refused)?
        .verify_server_cert(own, between, &name, &[], now)?;
    rustls::server::WebPkiClientVerifier::builder_with_provider(store, provider)
        .build()
        .map_err(refused)?
        .verify_client_cert(own, between, now)?;
    Ok(())
}
