//! Who is a node: those with a certificate of the one authority, valid, under the nodes' name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use tessera_actors::{Forwarded, Peer, Peers};
use tessera_inventory::Timestamp;
use tessera_peers::{
    CertificatesError, MutualTls, NODE_DAYS, NODE_NAME, PeerServer, PeerStreams, Security, SecurityError,
    ServeError, TlsFiles, make_certificates,
};

use crate::nodes::{INSTALLATION, Node, PATIENCE, environment, number, read};
use crate::strangers::Frames;

const DAY_MS: u64 = 86_400_000;

#[allow(clippy::disallowed_methods)] // certificates are valid in real time
fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(u64::try_from(since_epoch.as_millis()).unwrap())
}

fn make(folder: &Path, names: &[&str], now: Timestamp) -> Vec<TlsFiles> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    make_certificates(folder, &names, now).unwrap()
}

fn mutual(files: &TlsFiles, now: Timestamp) -> Security {
    Security::Mutual(MutualTls::load(files, now).unwrap())
}

async fn asks(security: Security, of: &Peer) -> Forwarded {
    PeerStreams::new(environment(), security, INSTALLATION).forward(of, &read(1, PATIENCE)).await
}

#[tokio::test]
async fn nodes_of_one_authority_ask_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let files = make(folder.path(), &["a", "b"], now());
    let a = Node::start(1, &mutual(&files[0], now())).await;
    let b = Node::start(2, &mutual(&files[1], now())).await;
    assert_eq!(number(&a.ask(&b.peer, 1, PATIENCE).await), Some(1));
    assert_eq!(number(&b.ask(&a.peer, 2, PATIENCE).await), Some(2));
    // One that was made later, by the same authority.
    let later = make(folder.path(), &["c"], now());
    assert_eq!(number(&asks(mutual(&later[0], now()), &b.peer).await), Some(1));
}

#[tokio::test]
async fn a_node_of_another_authority_is_not_heard_and_hears_nothing() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = make(ours.path(), &["a", "b"], now());
    let theirs = make(theirs.path(), &["a"], now());
    let b = Node::start(2, &mutual(&ours[1], now())).await;
    assert!(matches!(asks(mutual(&theirs[0], now()), &b.peer).await, Forwarded::NotSent));
    // One that knows our authority, but was not signed by it.
    let mixed = TlsFiles { ca: ours[0].ca.clone(), ..theirs[0].clone() };
    let refused = MutualTls::load(&mixed, now()).err().unwrap();
    assert!(refused.to_string().contains("other nodes would refuse"), "{refused}");
    assert!(matches!(asks(Security::Plain, &b.peer).await, Forwarded::NotSent));
    assert_eq!(b.fake.asked(), 0);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let then = Timestamp(now().0 - (NODE_DAYS as u64 + 10) * DAY_MS);
    let expired = make(folder.path(), &["old"], then).remove(0);
    let valid = make(folder.path(), &["new"], now()).remove(0);
    assert!(matches!(MutualTls::load(&expired, now()), Err(SecurityError::Refused { .. })));

    // Loaded while it was valid; the other side sees what time it is.
    let old = Node::start(1, &mutual(&expired, then)).await;
    let new = Node::start(2, &mutual(&valid, now())).await;
    assert!(matches!(new.ask(&old.peer, 1, PATIENCE).await, Forwarded::NotSent));
    assert!(matches!(old.ask(&new.peer, 1, PATIENCE).await, Forwarded::NotSent));
    assert_eq!((old.fake.asked(), new.fake.asked()), (0, 0));
}

#[tokio::test]
async fn what_the_authority_signed_under_another_name_is_no_node() {
    let folder = tempfile::tempdir().unwrap();
    let files = make(folder.path(), &["b"], now()).remove(0);
    let b = Node::start(2, &mutual(&files, now())).await;

    let authority = KeyPair::from_pem(&fs::read_to_string(folder.path().join("ca.key")).unwrap()).unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Tessera nodes");
    let issuer = Issuer::new(params, authority);
    let sign = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &issuer).unwrap();
        tonic::transport::Identity::from_pem(certificate.pem(), key.serialize_pem())
    };
    let ca = tonic::transport::Certificate::from_pem(fs::read(&files.ca).unwrap());
    let refused = |identity: tonic::transport::Identity| {
        let (ca, address) = (ca.clone(), b.peer.address.clone());
        async move {
            let tls = tonic::transport::ClientTlsConfig::new()
                .ca_certificate(ca)
                .identity(identity)
                .domain_name(NODE_NAME);
            let channel = tonic::transport::Endpoint::from_shared(format!("https://{address}"))
                .unwrap()
                .tls_config(tls)
                .unwrap()
                .connect()
                .await
                .unwrap();
            let mut client = tonic::client::Grpc::new(channel);
            client.ready().await.unwrap();
            let path = http::uri::PathAndQuery::from_static("/tessera.peers.v1.Peers/Ask");
            let request = tonic::Request::new(futures::stream::pending::<Vec<u8>>());
            client.streaming(request, path, Frames).await.err().map(|status| status.code())
        }
    };
    assert_eq!(refused(sign("printer")).await, Some(tonic::Code::PermissionDenied));
    assert_eq!(refused(sign(NODE_NAME)).await, None, "the same under the nodes' name is one");
}

#[tokio::test]
async fn plain_text_stays_on_the_machine() {
    let a = Node::start(1, &Security::Plain).await;
    let serve = std::sync::Arc::new(crate::nodes::Served(std::sync::Arc::clone(&a.fake)));
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = PeerServer::start(everywhere, &Security::Plain, serve, INSTALLATION, environment()).await;
    assert!(matches!(refused, Err(ServeError::Security(SecurityError::PlainTextLeavesTheMachine { .. }))));
    let elsewhere = Peer { address: "192.0.2.1:7000".into(), ..a.peer.clone() };
    assert!(matches!(asks(Security::Plain, &elsewhere).await, Forwarded::NotSent));
    for here in ["127.0.0.1:1", "[::1]:1", "localhost:1"] {
        Security::Plain.admits_dialling(here).unwrap();
    }
    for elsewhere in ["10.0.0.1:1", "[2001:db8::1]:1", "node-a:1", "localhost.example:1"] {
        assert!(Security::Plain.admits_dialling(elsewhere).is_err(), "{elsewhere}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let files = make(folder.path(), &["a", "b"], now());
    let says = |files: &TlsFiles, words: [&str; 2]| {
        let error = MutualTls::load(files, now()).err().unwrap().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    };
    let gone = folder.path().join("gone.pem");
    says(&TlsFiles { ca: gone.clone(), ..files[0].clone() }, ["cluster.tls.ca", "gone.pem"]);
    says(&TlsFiles { certificate: gone, ..files[0].clone() }, ["cluster.tls.certificate", "gone.pem"]);
    says(&TlsFiles { key: files[0].ca.clone(), ..files[0].clone() }, ["cluster.tls.key", "private key"]);
    says(&TlsFiles { ca: files[0].key.clone(), ..files[0].clone() }, ["cluster.tls.ca", "certificate"]);
    says(&TlsFiles { key: files[1].key.clone(), ..files[0].clone() }, ["b.key", "a.pem"]);
}

#[test]
fn keys_are_private_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let files = make(folder.path(), &["a"], now());
    for key in [files[0].key.clone(), folder.path().join("ca.key")] {
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let before = fs::read(&files[0].key).unwrap();
    let again = make_certificates(folder.path(), &["a".to_owned()], now());
    assert!(matches!(again, Err(CertificatesError::File { .. })));
    assert_eq!(fs::read(&files[0].key).unwrap(), before);
    for name in ["", "ca", "../a", "A", "a.b"] {
        let refused = make_certificates(folder.path(), &[name.to_owned()], now());
        assert!(matches!(refused, Err(CertificatesError::Name { .. })), "{name}");
    }
    let late = Timestamp(now().0 + u64::try_from(Duration::from_secs(60).as_millis()).unwrap());
    MutualTls::load(&files[0], late).unwrap();
}

#[test]
fn half_an_authority_is_refused_before_anything_is_written() {
    for gone in ["ca.key", "ca.pem"] {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), &["a"], now());
        fs::remove_file(folder.path().join(gone)).unwrap();
        let error = make_certificates(folder.path(), &["b".to_owned()], now()).unwrap_err();
        assert!(matches!(error, CertificatesError::Half { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{gone} is missing")), "{error}");
        let mut there: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        there.sort();
        let other = if gone == "ca.key" { "ca.pem" } else { "ca.key" };
        assert_eq!(there, ["a.key", "a.pem", other]);
    }
}
