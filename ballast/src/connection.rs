//! Where the other parts are: options for NATS and for the socket of `ballast run`.

use std::{fmt, path::PathBuf};

use bus::Bus;
use clap::Args;

use crate::paths;

/// What a NATS server listens on when nobody says otherwise.
const USUAL_NATS: &str = "nats://127.0.0.1:4222";

/// Servers and credentials, of a part that cannot do without NATS.
#[derive(Args, Clone, Debug)]
pub(crate) struct NatsAddress {
    /// A NATS server with JetStream; repeat it, or separate with commas, for a cluster.
    #[arg(long = "nats", env = "BALLAST_NATS", required = true, value_delimiter = ',', value_name = "URL")]
    pub(crate) servers: Vec<String>,
    #[command(flatten)]
    pub(crate) credentials: NatsCredentials,
}

/// How to get in.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "NATS credentials")]
pub(crate) struct NatsCredentials {
    /// A credentials file (JWT and seed), as `nsc` writes it.
    #[arg(long, env = "BALLAST_NATS_CREDS", value_name = "FILE", group = "login")]
    pub(crate) creds: Option<PathBuf>,
    /// A file with an NKey seed.
    #[arg(long, env = "BALLAST_NATS_NKEY", value_name = "FILE", group = "login")]
    pub(crate) nkey: Option<PathBuf>,
    /// A file with a token.
    #[arg(long, env = "BALLAST_NATS_TOKEN_FILE", value_name = "FILE", group = "login")]
    pub(crate) token_file: Option<PathBuf>,
    /// A user; the password comes from a file.
    #[arg(long, env = "BALLAST_NATS_USER", value_name = "NAME", group = "login", requires = "password_file")]
    pub(crate) user: Option<String>,
    /// A file with the user's password.
    #[arg(long, env = "BALLAST_NATS_PASSWORD_FILE", value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    /// A file with the certificate authorities to trust, instead of the system's.
    #[arg(long, env = "BALLAST_NATS_TLS_CA", value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// A file with the certificate to show.
    #[arg(long, env = "BALLAST_NATS_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// A file with the certificate's key.
    #[arg(long, env = "BALLAST_NATS_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
}

impl NatsCredentials {
    /// Connects to the cluster of `servers`; `part` is what the server shows as this connection's name.
    pub(crate) async fn connect(&self, _servers: &[String], _fleet: &str, _part: &str) -> anyhow::Result<Bus> {
        anyhow::bail!("NATS is not built in yet")
    }
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
    #[arg(long, env = "BALLAST_FLEET", default_value = "default", value_name = "NAME")]
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
                let servers: Vec<_> = servers.iter().map(|server| without_password(server)).collect();
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

/// An address as it may be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        (None, Some((_, host))) => format!("***@{host}"),
        (_, None) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_not_shown() {
        for (url, shown) in [
            ("nats://user:p@ss@host:4222", "nats://***@host:4222"),
            ("token@host", "***@host"),
            ("tls://host", "tls://host"),
        ] {
            assert_eq!(Place::Nats(vec![url.to_owned()]).to_string(), shown);
        }
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
