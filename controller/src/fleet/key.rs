//! What tells services apart.

use std::fmt;

use bus::subject::{parse_service_key, service_key};

/// A service on a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ServiceKey {
    /// The host.
    pub(crate) host: String,
    /// The Compose project.
    pub(crate) project: String,
    /// The service.
    pub(crate) service: String,
}

impl ServiceKey {
    /// The service's key in each bucket.
    pub(crate) fn in_bucket(&self) -> String {
        service_key(&self.host, &self.project, &self.service)
    }

    /// The service of a key in a bucket.
    pub(crate) fn from_bucket(key: &str) -> Option<Self> {
        let (host, project, service) = parse_service_key(key)?;
        Some(Self { host, project, service })
    }

    /// The service that is named in full, as `host/project/service`.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let [host, project, service] = parts[..] else { return None };
        let part = |part: &str| (!part.is_empty()).then(|| part.to_owned());
        Some(Self { host: part(host)?, project: part(project)?, service: part(service)? })
    }

    /// Whether a person means this service by `[host/]project/service`, or by `service` alone.
    pub(crate) fn is_meant_by(&self, text: &str) -> bool {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [service] => service == self.service,
            [project, service] => project == self.project && service == self.service,
            [host, project, service] => host == self.host && project == self.project && service == self.service,
            _ => false,
        }
    }
}

impl fmt::Display for ServiceKey {
    /// As `host/project/service`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.host, self.project, self.service)
    }
}
