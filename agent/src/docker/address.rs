use std::{fmt, path::PathBuf};

use super::EngineError;

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, EngineError> {
        let refuse = |why: &str| Err(EngineError::Address { address: text.to_owned(), why: why.to_owned() });
        if let Some(path) = text.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return refuse("the path of the socket must be absolute");
            }
            return Ok(Self::Unix(path.into()));
        }
        let Some(authority) = text.strip_prefix("tcp://") else { return refuse("the scheme is not known") };
        let authority = authority.trim_end_matches('/');
        match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(authority.to_owned()))
            }
            _ => refuse("a host and a port are needed"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip() {
        for text in ["unix:///var/run/docker.sock", "tcp://10.0.0.7:2375", "tcp://[::1]:2375"] {
            assert_eq!(Address::parse(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn a_wrong_address_is_refused_with_what_is_allowed() {
        for text in
            ["", "docker.sock", "unix://docker.sock", "tcp://host", "tcp://:2375", "ssh://host", "tcp://h:99999"]
        {
            let error = Address::parse(text).expect_err(text).to_string();
            assert!(error.contains("unix:///path") && error.contains("tcp://host:port"), "{error}");
        }
    }
}
