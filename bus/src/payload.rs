//! What travels, as versioned JSON. A reader ignores what it does not know; a field is never given a new meaning.
//!
//! Times are milliseconds since the Unix epoch (`…_ms`), sizes bytes, rates per second, CPU whole cores.
//! A field that could not be measured is absent, never zero.

mod from_agent;
mod from_controller;
mod questions;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use from_agent::*;
pub use from_controller::*;
pub use questions::*;

/// The version that this build writes into each payload's `v`.
pub const VERSION: u16 = 1;

/// A Compose service, on the host that the surrounding payload names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceName {
    /// The Compose project.
    pub project: String,
    /// The service within it.
    pub service: String,
}

/// A payload that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Written by a newer version in a way that this one cannot read.
    #[error(
        "payload version {found} is newer than this build's {VERSION} and cannot be read by it: {source}; update this part of Ballast"
    )]
    Newer {
        /// The version found.
        found: u16,
        /// What could not be read.
        source: serde_json::Error,
    },
    /// Not a payload.
    #[error("not a payload: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// The payload as JSON.
///
/// # Panics
/// Never: no payload has keys that are not strings.
pub fn encode<T: Serialize>(payload: &T) -> bytes::Bytes {
    serde_json::to_vec(payload).expect("a payload is always JSON").into()
}

/// The payload in `bytes`. Fields that this build does not know are ignored, whatever the version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(default)]
        v: u16,
    }
    serde_json::from_slice(bytes).map_err(|source| match serde_json::from_slice::<Envelope>(bytes) {
        Ok(Envelope { v: found }) if found > VERSION => DecodeError::Newer { found, source },
        _ => DecodeError::Malformed(source),
    })
}

fn version() -> u16 {
    VERSION
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
