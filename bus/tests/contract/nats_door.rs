//! Who is let in: credentials and TLS, on a real server.

use std::{fs, path::PathBuf};

use bus::{
    BusError, Link, Transport,
    nats::{NatsBus, NatsOptions},
};
use nkeys::KeyPair;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair as TlsKey};
use tempfile::TempDir;
use testbed::NatsServer;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_are_said_at_once_and_without_the_secret() {
    let server = NatsServer::start_with("authorization { user: me, password: \"p@ss\" }");
    for url in [server.url(), format!("nats://me:s3cr3t@127.0.0.1:{}", server.port())] {
        let text = refusal(NatsOptions::new(url)).await;
        assert!(text.contains("refuses the credentials") && !text.contains("s3cr3t"), "{text}");
    }
    opens(NatsOptions::new(format!("nats://me:p%40ss@127.0.0.1:{}", server.port()))).await;
    let user = Some(("me".into(), "p@ss".into()));
    opens(NatsOptions { user, ..NatsOptions::new(server.url()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_the_door() {
    let server = NatsServer::start_with("authorization { token: letmein }");
    opens(NatsOptions { token: Some("letmein".into()), ..NatsOptions::new(server.url()) }).await;
    let text = refusal(NatsOptions { token: Some("s3cr3t".into()), ..NatsOptions::new(server.url()) }).await;
    assert!(text.contains("given: token") && !text.contains("s3cr3t"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_a_ca_file_a_client_certificate_and_an_nkey() {
    let (certificates, key) = (Certificates::new(), KeyPair::new_user());
    let server = NatsServer::start_with(&format!(
        "{}\nauthorization {{ users: [ {{ nkey: {} }} ] }}",
        certificates.server_config(),
        key.public_key()
    ));
    let seed = certificates.write("user.nk", &format!("{}\n", key.seed().expect("a seed")));
    let good = NatsOptions {
        nkey_file: Some(seed),
        require_tls: true,
        ca_file: Some(certificates.path("ca.pem")),
        client_certificate: Some((certificates.path("client.pem"), certificates.path("client.key"))),
        ..NatsOptions::new(server.url())
    };
    opens(good.clone()).await;
    opens(NatsOptions { servers: vec![format!("tls://127.0.0.1:{}", server.port())], ..good.clone() }).await;

    let other = Certificates::new();
    let text = refusal(NatsOptions { ca_file: Some(other.path("ca.pem")), ..good.clone() }).await;
    assert!(text.contains("TLS with the NATS server") && text.contains("invalid peer certificate"), "{text}");
    let text = refusal(NatsOptions { client_certificate: None, ..good.clone() }).await;
    assert!(text.contains("TLS with the NATS server"), "{text}");
    let stranger = certificates.write("stranger.nk", &KeyPair::new_user().seed().expect("a seed"));
    let text = refusal(NatsOptions { nkey_file: Some(stranger), ..good.clone() }).await;
    assert!(text.contains("refuses the credentials (given: NKey seed)"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_tls_is_required() {
    let server = NatsServer::start();
    let certificates = Certificates::new();
    let ca_file = Some(certificates.path("ca.pem"));
    let text = refusal(NatsOptions { require_tls: true, ca_file, ..NatsOptions::new(server.url()) }).await;
    assert!(text.contains("TLS with the NATS server"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_named() {
    let certificates = Certificates::new();
    let text = certificates.write("text", "no key, and no certificate");
    let missing = PathBuf::from("/no/such/file");
    let with = |change: fn(&mut NatsOptions, PathBuf), path: &PathBuf| {
        let mut options = NatsOptions::new("nats://127.0.0.1:1");
        change(&mut options, path.clone());
        options
    };
    for path in [&text, &missing] {
        for options in [
            with(|options, path| options.nkey_file = Some(path), path),
            with(|options, path| options.credentials_file = Some(path), path),
            with(|options, path| options.ca_file = Some(path), path),
            with(|options, path| options.client_certificate = Some((path.clone(), path)), path),
        ] {
            let why = refusal(options).await;
            assert!(why.contains(&path.display().to_string()) && why.contains("cannot be used"), "{why}");
        }
    }
}

async fn opens(options: NatsOptions) {
    let bus = NatsBus::connect(options).await.expect("connect");
    assert_eq!(*bus.link().borrow(), Link::Up);
    let bucket = bus.bucket("b").await.expect("bucket");
    bucket.put("k", bytes::Bytes::new()).await.expect("put");
}

async fn refusal(options: NatsOptions) -> String {
    match NatsBus::connect(options).await {
        Err(BusError::Setup(text)) => text,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A certificate authority, and what it signed for a server at 127.0.0.1 and for a client.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let made = Self(TempDir::new().expect("a temporary folder"));
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, TlsKey::generate().expect("a key")).expect("a certificate");
        made.write("ca.pem", &ca.pem());
        for name in ["server", "client"] {
            let key = TlsKey::generate().expect("a key");
            let params = CertificateParams::new(vec!["127.0.0.1".into(), name.into()]).expect("names");
            let certificate = params.signed_by(&key, &ca).expect("a certificate");
            made.write(&format!("{name}.pem"), &certificate.pem());
            made.write(&format!("{name}.key"), &key.serialize_pem());
        }
        made
    }

    fn server_config(&self) -> String {
        let path = |name| self.path(name).display().to_string();
        format!(
            "tls {{ cert_file: \"{}\", key_file: \"{}\", ca_file: \"{}\", verify: true }}",
            path("server.pem"),
            path("server.key"),
            path("ca.pem")
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).expect("write");
        path
    }
}
