//! Certificates for the nodes of an installation that has no authority of its own: one is made, and signs one for each node.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use tessera_inventory::Timestamp;
use time::{Duration, OffsetDateTime};

use crate::security::{MutualTls, NODE_NAME, SecurityError, TlsFiles};

/// How long the authority is valid, in days.
pub const AUTHORITY_DAYS: i64 = 3_650;
/// How long a node's certificate is valid, in days.
pub const NODE_DAYS: i64 = 730;
/// Certificates are valid from so many hours before they are made: the clocks of machines differ.
const HOURS_BEFORE: i64 = 24;
/// Longest name of a node, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The authority's files are named so.
const AUTHORITY: &str = "ca";

/// Why no certificates were made. What was written before stays.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// A name is no name of a file.
    #[error(
        "{name:?} names no node here: use 1 to {NAME_BYTES_MAX} of a to z, 0 to 9 and -, and not {AUTHORITY:?}"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A file could not be written or read.
    #[error("{}: it could not be written or read; what exists is never overwritten, so remove what is to be made anew", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Of the authority's two files, one is missing: what is signed by a new one would be of no use beside the old.
    #[error(
        "{} is there and {} is missing: bring it back, or begin in an empty directory and give every node its new files",
        there.display(), missing.display()
    )]
    Half {
        /// The file that is there.
        there: PathBuf,
        /// The file that is not.
        missing: PathBuf,
    },
    /// The authority's key is none.
    #[error("{}: it is no private key in PEM that signs certificates", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// A certificate could not be made.
    #[error("the certificate of {name:?} could not be made")]
    Make {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// Made, but of no use: the authority there was not made by Tessera.
    #[error("the new certificate of {name:?} does not fit the authority that is there")]
    Unfit {
        /// Whose.
        name: String,
        /// Why.
        #[source]
        source: Box<SecurityError>,
    },
}

/// Make a certificate for each of `names` in `folder`, which exists: `<name>.pem` and `<name>.key`. The authority that signs them is
/// `ca.pem` and `ca.key` there, made with the first. Keys are readable by their owner only; `ca.key` makes nodes, so it belongs on none
/// of them. `now` is wall time.
///
/// # Errors
/// [`CertificatesError`], which names the file and what is to be done.
pub fn make_certificates(
    folder: &Path,
    names: &[String],
    now: Timestamp,
) -> Result<Vec<TlsFiles>, CertificatesError> {
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        return Err(CertificatesError::Name { name: name.clone() });
    }
    let ca = folder.join(format!("{AUTHORITY}.pem"));
    let authority = authority(folder, &ca, now)?;
    let sign = |name: &String| {
        let made = |source| CertificatesError::Make { name: name.clone(), source };
        let key = KeyPair::generate().map_err(made)?;
        let certificate =
            node(name, now).and_then(|params| params.signed_by(&key, &authority)).map_err(made)?;
        let files = TlsFiles {
            ca: ca.clone(),
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        };
        write_new(&files.key, &key.serialize_pem(), 0o600)?;
        write_new(&files.certificate, &certificate.pem(), 0o644)?;
        MutualTls::load(&files, now)
            .map_err(|source| CertificatesError::Unfit { name: name.clone(), source: Box::new(source) })?;
        Ok(files)
    };
    names.iter().map(sign).collect()
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_letter) && name != AUTHORITY
}

/// The authority of the folder; made, where there is none.
fn authority(
    folder: &Path,
    ca: &Path,
    now: Timestamp,
) -> Result<Issuer<'static, KeyPair>, CertificatesError> {
    let file = folder.join(format!("{AUTHORITY}.key"));
    let half = |there: &Path, missing: &Path| {
        Err(CertificatesError::Half { there: there.to_path_buf(), missing: missing.to_path_buf() })
    };
    match (file.exists(), ca.exists()) {
        (true, false) => half(&file, ca),
        (false, true) => half(ca, &file),
        (true, true) => {
            let pem = std::fs::read_to_string(&file)
                .map_err(|source| CertificatesError::File { file: file.clone(), source })?;
            let key = KeyPair::from_pem(&pem).map_err(|source| CertificatesError::Key { file, source })?;
            Ok(Issuer::new(authority_params(now), key))
        }
        (false, false) => {
            let made = |source| CertificatesError::Make { name: AUTHORITY.to_owned(), source };
            let (params, key) = (authority_params(now), KeyPair::generate().map_err(made)?);
            let certificate = params.self_signed(&key).map_err(made)?;
            write_new(&file, &key.serialize_pem(), 0o600)?;
            write_new(ca, &certificate.pem(), 0o644)?;
            Ok(Issuer::new(params, key))
        }
    }
}

fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Tessera nodes");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now, AUTHORITY_DAYS);
    params
}

fn node(name: &str, now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(vec![NODE_NAME.to_owned()])?;
    params.distinguished_name = named(name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, NODE_DAYS);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

fn valid(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let since_epoch = Duration::milliseconds(i64::try_from(now.0).unwrap_or(i64::MAX));
    let now = OffsetDateTime::UNIX_EPOCH.saturating_add(since_epoch);
    params.not_before = now.saturating_sub(Duration::hours(HOURS_BEFORE));
    params.not_after = now.saturating_add(Duration::days(days));
}

fn write_new(file: &Path, text: &str, mode: u32) -> Result<(), CertificatesError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let written = options.open(file).and_then(|mut open| {
        open.write_all(text.as_bytes())?;
        open.sync_all()
    });
    written.map_err(|source| CertificatesError::File { file: file.to_path_buf(), source })
}
