use std::{fmt, str::FromStr};

use serde_json::Value;

use super::EngineError;

/// A version of the engine's API, for example 1.51.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion(pub u16, pub u16);

impl ApiVersion {
    /// Docker 20.10: the first with one-shot stats.
    pub const OLDEST: Self = Self(1, 41);
    /// The newest whose changes have been read (Docker 29.7). A newer engine is spoken to in this one.
    pub const NEWEST: Self = Self(1, 55);
    /// Docker 25.0: the first that takes several networks when a container is created.
    pub const SEVERAL_NETWORKS_AT_CREATE: Self = Self(1, 44);
    /// Docker 28.5: the last that tells which MAC address somebody asked for. Later versions tell only the one in use, which
    /// every container has.
    pub const LAST_WITH_ASKED_MAC: Self = Self(1, 51);
    /// Docker 28.0: the first with a priority of gateways.
    pub const GATEWAY_PRIORITY: Self = Self(1, 48);
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self(major.parse().map_err(|_| ())?, minor.parse().map_err(|_| ())?))
    }
}

/// The version to speak with the engine that gave `version` (`GET /version`).
pub(super) fn negotiate(address: &str, version: &Value) -> Result<ApiVersion, EngineError> {
    let found = version["ApiVersion"].as_str().unwrap_or_default();
    let Ok(newest) = found.parse::<ApiVersion>() else {
        return Err(EngineError::Garbled {
            address: address.to_owned(),
            call: "GET /version".into(),
            why: format!("ApiVersion is {found:?}"),
        });
    };
    if newest < ApiVersion::OLDEST {
        return Err(EngineError::TooOld {
            address: address.to_owned(),
            found: newest.to_string(),
            needed: ApiVersion::OLDEST.to_string(),
        });
    }
    Ok(newest.min(ApiVersion::NEWEST))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn negotiated(engine: &str) -> Result<String, String> {
        negotiate("unix:///x", &json!({ "ApiVersion": engine })).map(|api| api.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn the_older_of_both_is_spoken() {
        assert_eq!(negotiated("1.41"), Ok("1.41".into()));
        assert_eq!(negotiated("1.51"), Ok("1.51".into()));
        assert_eq!(negotiated("1.99"), Ok("1.55".into()));
    }

    #[test]
    fn an_engine_older_than_1_41_is_refused_with_the_cure() {
        let error = negotiated("1.40").expect_err("too old");
        assert!(error.contains("1.40") && error.contains("1.41") && error.contains("update the engine"), "{error}");
    }

    #[test]
    fn something_that_is_no_engine_is_said_to_be_none() {
        assert!(negotiated("").expect_err("no version").contains("is that really an engine"));
    }
}
