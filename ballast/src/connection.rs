//! Where the other parts are: options for NATS and for the socket of `ballast run`.

#![expect(clippy::doc_markdown, reason = "these comments are the help, printed as they are")]

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use bus::{
    Bus,
    nats::{NatsBus, NatsOptions, redact},
};
use clap::Args;

use crate::paths;

/// What a NATS server listens on when nobody says otherwise.
const USUAL_NATS: &str = "nats://127.0.0.1:4222";

/// Servers and credentials, of a part that cannot do without NATS.
#[derive(Args, Clone, Debug)]
pub(crate) struct NatsAddress {
    /// A NATS server with JetStream; repeat it, or separate with commas, for a cluster.
    #[arg(
        long = "nats",
        env = "BALLAST_NATS",
        hide_env_values = true,
        required = true,
        value_delimiter = ',',
        value_name = "URL"
    )]
    pub(crate) servers: Vec<String>,
    #[command(flatten)]
    pub(crate) credentials: NatsCredentials,
}

/// How to get in.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "NATS credentials")]
pub(crate) struct NatsCredentials {
    /// A credentials file (JWT and seed), as `nsc` writes it.
    #[arg(long, env = "BALLAST_NATS_CREDS", hide_env_values = true, value_name = "FILE", group = "login")]
    pub(crate) creds: Option<PathBuf>,
    /// A file with an NKey seed.
    #[arg(long, env = "BALLAST_NATS_NKEY", hide_env_values = true, value_name = "FILE", group = "login")]
    pub(crate) nkey: Option<PathBuf>,
    /// A file with a token.
    #[arg(long, env = "BALLAST_NATS_TOKEN_FILE", hide_env_values = true, value_name = "FILE", group = "login")]
    pub(crate) token_file: Option<PathBuf>,
    /// A user; the password comes from a file.
    #[arg(
        long,
        env = "BALLAST_NATS_USER",
        hide_env_values = true,
        value_name = "NAME",
        group = "login",
        requires = "password_file"
    )]
    pub(crate) user: Option<String>,
    /// A file with the user's password.
    #[arg(long, env = "BALLAST_NATS_PASSWORD_FILE", hide_env_values = true, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    /// A file with the certificate authorities to trust, instead of the system's.
    #[arg(long, env = "BALLAST_NATS_TLS_CA", hide_env_values = true, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// A file with the certificate to show.
    #[arg(long, env = "BALLAST_NATS_TLS_CERT", hide_env_values = true, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// A file with the certificate's key.
    #[arg(long, env = "BALLAST_NATS_TLS_KEY", hide_env_values = true, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

impl NatsCredentials {
    /// Connects to the cluster of `servers`; `part` is what the server shows as this connection's name.
    pub(crate) async fn connect(&self, servers: &[String], fleet: &str, part: &str) -> anyhow::Result<Bus> {
        let options = NatsOptions {
            servers: self.with_user(servers)?,
            fleet: fleet.to_owned(),
            name: format!("ballast {part}"),
            token: self.token_file.as_deref().map(secret).transpose()?,
            nkey_file: self.nkey.clone(),
            credentials_file: self.creds.clone(),
            // Whoever names certificates wants TLS, and no connection without.
            require_tls: self.tls_ca.is_some() || self.tls_cert.is_some(),
            ca_file: self.tls_ca.clone(),
            client_certificate: self.tls_cert.clone().zip(self.tls_key.clone()),
            ..NatsOptions::default()
        };
        Ok(NatsBus::connect(options).await?)
    }

    /// The addresses with user and password, where these are given.
    fn with_user(&self, servers: &[String]) -> anyhow::Result<Vec<String>> {
        let (Some(user), Some(password_file)) = (&self.user, &self.password_file) else {
            return Ok(servers.to_vec());
        };
        let login = format!("{}:{}", escaped(user), escaped(&secret(password_file)?));
        Ok(servers
            .iter()
            .map(|server| {
                let (scheme, host) = server.split_once("://").unwrap_or(("nats", server));
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                format!("{scheme}://{login}@{host}")
            })
            .collect())
    }
}

/// The first line of a file that holds a secret.
fn secret(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    match text.lines().next().map(str::trim) {
        Some(secret) if !secret.is_empty() => Ok(secret.to_owned()),
        _ => bail!("{} is empty; its first line shall be the secret", file.display()),
    }
}

/// Everything but letters and digits as `%XX`, as user and password stand in an address (RFC 3986, section 2.1).
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Where a controller can be asked.
#[derive(Args, Clone, Debug)]
pub(crate) struct ControllerAddress {
    /// Ask the controller of this fleet on NATS; repeat it, or separate with commas, for a cluster [env: BALLAST_NATS].
    ///
    /// Without --nats and --socket: the default socket of `ballast run`, then nats://127.0.0.1:4222.
    // The environment is read in `places`, so that an option on the command line wins over either variable.
    #[arg(long = "nats", value_delimiter = ',', value_name = "URL", conflicts_with = "socket")]
    pub(crate) servers: Vec<String>,
    /// Ask the `ballast run` that listens on this socket [env: BALLAST_SOCKET].
    #[arg(long, value_name = "FILE")]
    pub(crate) socket: Option<PathBuf>,
    /// The fleet to ask about.
    #[arg(long, env = "BALLAST_FLEET", hide_env_values = true, default_value = "default", value_name = "NAME")]
    pub(crate) fleet: String,
    #[command(flatten)]
    pub(crate) credentials: NatsCredentials,
}

/// One place where a controller may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The socket of a `ballast run` on this machine.
    Socket(PathBuf),
    /// A controller on NATS.
    Nats(Vec<String>),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "socket {}", path.display()),
            Self::Nats(servers) => {
                let servers: Vec<_> = servers.iter().map(|server| redact(server)).collect();
                write!(f, "{}", servers.join(", "))
            }
        }
    }
}

impl ControllerAddress {
    /// Where to ask, in this order: the first place that can be reached is asked.
    pub(crate) fn places(&self) -> Vec<Place> {
        let from_env = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        self.places_with(
            from_env("BALLAST_SOCKET").map(PathBuf::from),
            from_env("BALLAST_NATS").and_then(|urls| urls.into_string().ok()),
        )
    }

    fn places_with(&self, socket_variable: Option<PathBuf>, nats_variable: Option<String>) -> Vec<Place> {
        if let Some(socket) = &self.socket {
            return vec![Place::Socket(socket.clone())];
        }
        if !self.servers.is_empty() {
            return vec![Place::Nats(self.servers.clone())];
        }
        if let Some(socket) = socket_variable {
            return vec![Place::Socket(socket)];
        }
        if let Some(urls) = nats_variable {
            return vec![Place::Nats(urls.split(',').map(str::to_owned).collect())];
        }
        let mut places: Vec<_> = paths::sockets_to_ask().into_iter().map(Place::Socket).collect();
        places.push(Place::Nats(vec![USUAL_NATS.to_owned()]));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_stand_in_each_address() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("password");
        fs::write(&file, "p@ss/wörd\n").expect("write the password");
        let credentials =
            NatsCredentials { user: Some("a:b".to_owned()), password_file: Some(file), ..NatsCredentials::default() };
        let servers = ["nats://one:4222", "two", "tls://old:login@three"].map(str::to_owned);
        assert_eq!(
            credentials.with_user(&servers).expect("the file is there"),
            [
                "nats://a%3Ab:p%40ss%2Fw%C3%B6rd@one:4222",
                "nats://a%3Ab:p%40ss%2Fw%C3%B6rd@two",
                "tls://a%3Ab:p%40ss%2Fw%C3%B6rd@three"
            ]
        );
    }

    fn address(servers: &[&str], socket: Option<&str>) -> ControllerAddress {
        ControllerAddress {
            servers: servers.iter().map(ToString::to_string).collect(),
            socket: socket.map(PathBuf::from),
            fleet: "default".to_owned(),
            credentials: NatsCredentials::default(),
        }
    }

    #[test]
    fn an_option_wins_over_the_environment_and_that_over_the_usual_places() {
        let socket = |path: &str| vec![Place::Socket(PathBuf::from(path))];
        let nats = |urls: &[&str]| vec![Place::Nats(urls.iter().map(ToString::to_string).collect())];
        let both = (Some(PathBuf::from("/env.sock")), Some("nats://a,nats://b".to_owned()));

        assert_eq!(
            address(&[], Some("/given.sock")).places_with(both.0.clone(), both.1.clone()),
            socket("/given.sock")
        );
        assert_eq!(address(&["nats://c"], None).places_with(both.0.clone(), both.1.clone()), nats(&["nats://c"]));
        assert_eq!(address(&[], None).places_with(both.0, both.1.clone()), socket("/env.sock"));
        assert_eq!(address(&[], None).places_with(None, both.1), nats(&["nats://a", "nats://b"]));
        let usual = address(&[], None).places_with(None, None);
        assert!(matches!(&usual[0], Place::Socket(_)), "{usual:?}");
        assert_eq!(usual.last(), nats(&[USUAL_NATS]).last());
    }
}
