//! How to reach and to convince a NATS server.

use std::{fmt, fs, path::Path, path::PathBuf, time::Duration};

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerAddr, rustls};
use tokio::sync::mpsc;

use super::{chain, link};
use crate::transport::BusError;

/// How long one attempt to connect may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Two pings without an answer: the link is gone. That makes 15 s at most.
const PING_EVERY: Duration = Duration::from_secs(5);

/// Name and password.
pub type User = (String, String);

/// How to reach and to convince a NATS server. Printing it shows no secret.
#[derive(Clone)]
pub struct NatsOptions {
    /// Servers of one cluster: `nats://[user:password@]host[:4222]`, or `tls://…`. User and password must be the
    /// same in all of them; `%XX` in them stands for the byte.
    pub servers: Vec<String>,
    /// The fleet: others on the same servers do not see its buckets.
    pub fleet: String,
    /// The name that the server shows for this connection.
    pub name: String,
    /// Name and password, where no address has them.
    pub user: Option<User>,
    /// A token.
    pub token: Option<String>,
    /// A file with an NKey seed (`SU…`).
    pub nkey_file: Option<PathBuf>,
    /// A `.creds` file (JWT and seed).
    pub credentials_file: Option<PathBuf>,
    /// Refuse a server without TLS. `tls://` in an address says the same of that server.
    pub require_tls: bool,
    /// A file with the certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Files with a certificate and its key, for servers that want one.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Copies of a bucket that a cluster keeps, where the bucket does not exist yet: 1, 3 or 5.
    pub bucket_replicas: usize,
}

impl Default for NatsOptions {
    fn default() -> Self {
        Self {
            servers: vec!["nats://127.0.0.1:4222".into()],
            fleet: "default".into(),
            name: "ballast".into(),
            user: None,
            token: None,
            nkey_file: None,
            credentials_file: None,
            require_tls: false,
            ca_file: None,
            client_certificate: None,
            bucket_replicas: 1,
        }
    }
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsOptions")
            .field("servers", &self.servers.iter().map(|server| redact(server)).collect::<Vec<_>>())
            .field("fleet", &self.fleet)
            .field("name", &self.name)
            .field("user", &self.user.as_ref().map(|(name, _)| (name, "***")))
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("nkey_file", &self.nkey_file)
            .field("credentials_file", &self.credentials_file)
            .field("require_tls", &self.require_tls)
            .field("ca_file", &self.ca_file)
            .field("client_certificate", &self.client_certificate)
            .field("bucket_replicas", &self.bucket_replicas)
            .finish()
    }
}

impl NatsOptions {
    /// Those for the server at `url`, everything else by default.
    pub fn new(url: impl Into<String>) -> Self {
        Self { servers: vec![url.into()], ..Self::default() }
    }

    /// Tries once, so that what cannot work is said at once, and then goes on in the background.
    pub(super) async fn connect(&self) -> Result<(Client, mpsc::Receiver<Event>), BusError> {
        let (servers, options) = self.build().await?;
        let (sender, events) = link::events();
        let options = options.event_callback(move |event| {
            drop(sender.try_send(event));
            std::future::ready(())
        });
        let error = match options.clone().connect(servers.clone()).await {
            Ok(client) => return Ok((client, events)),
            Err(error) => error,
        };
        if let Some(why) = self.hopeless(&error) {
            return Err(BusError::Setup(why));
        }
        tracing::warn!(servers = self.printed_servers(), error = chain(&error), "NATS is not there yet; trying again");
        let client = options.retry_on_initial_connect().connect(servers).await;
        client.map(|client| (client, events)).map_err(|error| BusError::Setup(chain(&error)))
    }

    async fn build(&self) -> Result<(Vec<ServerAddr>, ConnectOptions), BusError> {
        let (servers, user) = self.parse_servers()?;
        let mut options = ConnectOptions::new()
            .name(&self.name)
            .connection_timeout(CONNECT_LIMIT)
            .ping_interval(PING_EVERY)
            .require_tls(self.require_tls)
            .reconnect_delay_callback(link::reconnect_delay);
        if let Some((user, password)) = user.or_else(|| self.user.clone()) {
            options = options.user_and_password(user, password);
        }
        if let Some(token) = &self.token {
            options = options.token(token.clone());
        }
        if let Some(path) = &self.nkey_file {
            options = options.nkey(read_seed(path)?);
        }
        if let Some(path) = &self.credentials_file {
            let loaded = options.credentials_file(path).await;
            options = loaded.map_err(|error| unreadable("the credentials file", path, &error.to_string()))?;
        }
        if let Some(path) = &self.ca_file {
            check_pem("the file of certificates to trust", path)?;
            options = options.add_root_certificates(path.clone());
        }
        if let Some((certificate, key)) = &self.client_certificate {
            check_pem("the client certificate", certificate)?;
            check_pem("the client certificate's key", key)?;
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        Ok((servers, options))
    }

    /// The addresses without user and password, and these: the client library does not take them from an address,
    /// and would log them.
    fn parse_servers(&self) -> Result<(Vec<ServerAddr>, Option<User>), BusError> {
        let mut servers = Vec::new();
        let mut users = Vec::new();
        for server in &self.servers {
            let wrong = |why: &str| {
                BusError::Setup(format!(
                    "{:?} is not the address of a NATS server ({why}); \
                     it looks like nats://host:4222, or tls://host:4222",
                    redact(server)
                ))
            };
            let parsed: ServerAddr = server.parse().map_err(|error: std::io::Error| wrong(&error.to_string()))?;
            if parsed.host().is_empty() || parsed.is_websocket() {
                return Err(wrong("no host, or no scheme that is supported"));
            }
            let user = parsed.username().map(|user| (decode(user), decode(parsed.password().unwrap_or_default())));
            users.push(user);
            let mut url = parsed.into_inner();
            url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| wrong("no host"))?;
            servers.push(ServerAddr::from_url(url).map_err(|error| wrong(&error.to_string()))?);
        }
        if servers.is_empty() {
            return Err(BusError::Setup("no NATS server is given; one looks like nats://host:4222".into()));
        }
        users.dedup();
        match users.as_slice() {
            [user] => Ok((servers, user.clone())),
            _ => Err(BusError::Setup("all NATS servers must be given with the same user and password".into())),
        }
    }

    /// Says why trying again would not help, if so.
    fn hopeless(&self, error: &ConnectError) -> Option<String> {
        let servers = self.printed_servers();
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => Some(format!(
                "the NATS server {servers} refuses the credentials ({}); \
                 it takes what its own configuration names: user and password, token, NKey seed or credentials file",
                self.printed_credentials()
            )),
            ConnectErrorKind::ServerParse => Some(format!("{servers}: {}", chain(error))),
            ConnectErrorKind::Tls => Some(self.tls_failed(&chain(error))),
            _ => tls_cause(error).map(|cause| self.tls_failed(&cause)),
        }
    }

    fn tls_failed(&self, cause: &str) -> String {
        format!(
            "TLS with the NATS server {} fails: {cause}; check the file of certificates to trust, \
             the name that the server's certificate is for, and the client certificate",
            self.printed_servers()
        )
    }

    fn printed_servers(&self) -> String {
        self.servers.iter().map(|server| redact(server)).collect::<Vec<_>>().join(", ")
    }

    fn printed_credentials(&self) -> String {
        let given = [
            (self.user.is_some() || self.servers.iter().any(|server| server.contains('@')), "user and password"),
            (self.token.is_some(), "token"),
            (self.nkey_file.is_some(), "NKey seed"),
            (self.credentials_file.is_some(), "credentials file"),
        ];
        let given: Vec<_> = given.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
        if given.is_empty() { "none are given".into() } else { format!("given: {}", given.join(", ")) }
    }
}

/// The address of a server as it may be shown: without user and password.
pub fn redact(server: &str) -> String {
    let (scheme, rest) = server.split_once("://").map_or(("", server), |(scheme, rest)| (scheme, rest));
    let shown = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("***@{host}"));
    if scheme.is_empty() { shown } else { format!("{scheme}://{shown}") }
}

/// `%XX` stands for the byte.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok())).flatten();
        if let Some(byte) = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn read_seed(path: &Path) -> Result<String, BusError> {
    let text = fs::read_to_string(path).map_err(|error| unreadable("the NKey seed file", path, &error.to_string()))?;
    let seed = text.lines().map(str::trim).find(|line| line.starts_with("SU"));
    let seed = seed.filter(|seed| seed.len() == 58 && seed.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    seed.map(str::to_owned).ok_or_else(|| {
        unreadable("the NKey seed file", path, "no line of it is a user seed (SU…, 58 letters and digits)")
    })
}

fn check_pem(what: &str, path: &Path) -> Result<(), BusError> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(what, path, &error.to_string()))?;
    if text.contains("-----BEGIN ") { Ok(()) } else { Err(unreadable(what, path, "it is not in PEM format")) }
}

fn unreadable(what: &str, path: &Path, why: &str) -> BusError {
    BusError::Setup(format!("{what} {} cannot be used: {why}", path.display()))
}

/// What TLS itself has to say, where that is behind the error.
fn tls_cause(error: &ConnectError) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Some(tls.to_string());
        }
        next = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        let options = NatsOptions {
            servers: vec!["nats://me:s3cr3t@host:4222".into(), "me:s3cr3t@other".into()],
            user: Some(("me".into(), "s3cr3t".into())),
            token: Some("s3cr3t".into()),
            ..NatsOptions::default()
        };
        let printed = format!("{options:?} {}", options.printed_servers());
        assert!(!printed.contains("s3cr3t"), "{printed}");
        assert!(printed.contains("nats://***@host:4222"), "{printed}");
    }

    #[test]
    fn user_and_password_are_taken_out_of_the_address() {
        let options = NatsOptions::new("tls://me:p%40ss%2F%zz@host");
        let (servers, user) = options.parse_servers().expect("a good address");
        assert_eq!(servers[0].as_url_str(), "tls://host");
        assert_eq!(user, Some(("me".into(), "p@ss/%zz".into())));
    }

    #[test]
    fn a_bad_address_is_named_without_its_secret() {
        for server in ["http://me:s3cr3t@host", "nats://me:s3cr3t@", "ws://me:s3cr3t@host", "nats://me:s3cr3t@ho st"] {
            let error = NatsOptions::new(server).parse_servers().expect_err(server).to_string();
            assert!(!error.contains("s3cr3t") && error.contains("nats://host:4222"), "{error}");
        }
        assert!(NatsOptions { servers: vec![], ..NatsOptions::default() }.parse_servers().is_err());
    }

    #[test]
    fn servers_with_different_users_are_refused() {
        let servers = vec!["nats://a:x@h1".into(), "nats://b:y@h2".into()];
        assert!(NatsOptions { servers, ..NatsOptions::default() }.parse_servers().is_err());
    }
}
