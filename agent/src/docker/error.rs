use std::time::Duration;

/// Why the engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Not an address.
    #[error(
        "{address:?} is not the address of a Docker Engine: {why}; allowed are unix:///path/to/docker.sock and tcp://host:port"
    )]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers.
    #[error("the Docker Engine at {address} does not answer ({why}); is it running, and may this user open it?")]
    Away {
        /// Where.
        address: String,
        /// What was seen.
        why: String,
    },
    /// An engine that lacks what Ballast needs.
    #[error(
        "the Docker Engine at {address} speaks API {found}, and Ballast needs {needed} or newer (Docker 20.10); update the engine"
    )]
    TooOld {
        /// Where.
        address: String,
        /// The newest that it speaks.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// No answer came in time. It may still have had its effect.
    #[error("the Docker Engine at {address} did not answer {call} within {limit:?}")]
    TimedOut {
        /// Where.
        address: String,
        /// What was asked.
        call: String,
        /// How long it was given.
        limit: Duration,
    },
    /// The engine says no.
    #[error("the Docker Engine refuses {call}: {message} ({status})")]
    Refused {
        /// What was asked.
        call: String,
        /// The HTTP status.
        status: u16,
        /// The engine's own words.
        message: String,
    },
    /// An answer that makes no sense.
    #[error(
        "the Docker Engine at {address} answered {call} with something unexpected: {why}; is that really an engine?"
    )]
    Garbled {
        /// Where.
        address: String,
        /// What was asked.
        call: String,
        /// What is wrong with the answer.
        why: String,
    },
}

impl EngineError {
    /// There is no such container, image, network or file.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }

    /// The name is taken, or the container is in a state that does not allow it.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Refused { status: 409, .. })
    }

    /// The engine is not there, as opposed to: it says no.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::TimedOut { .. })
    }
}

pub(super) fn away(address: &str, why: &str) -> EngineError {
    EngineError::Away { address: address.to_owned(), why: why.to_owned() }
}

pub(super) fn from_bollard(address: &str, call: &str, error: bollard::errors::Error) -> EngineError {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, message } => {
            EngineError::Refused { call: call.to_owned(), status: status_code, message }
        }
        error => away(address, &error.to_string()),
    }
}
