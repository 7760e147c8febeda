//! Subjects: `ballast.<fleet>.<kind>.<host>…`, so that a host's credentials can be limited to its own. And buckets.

use std::fmt;

use crate::BusError;

/// The bucket with each [`Assignment`](crate::payload::Assignment), by [`service_key`].
pub const ASSIGNMENTS: &str = "assignments";
/// The bucket with each [`Target`](crate::payload::Target), by [`service_key`].
pub const TARGETS: &str = "targets";
/// The bucket with what guards remember, by [`service_key`].
pub const MEMORY: &str = "memory";
/// The bucket with what forecasts learned, by [`service_key`].
pub const FORECASTS: &str = "forecasts";
/// The bucket with what was decided, by [`service_key`].
pub const DECISIONS: &str = "decisions";
/// The bucket that says which controller is in charge.
pub const CONTROLLERS: &str = "controllers";
/// The log of what happened, by [`service_key`].
pub const HISTORY: &str = "history";

/// The subjects of one fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects {
    root: String,
}

impl Subjects {
    /// The subjects of the fleet named `fleet`.
    pub fn new(fleet: &str) -> Self {
        Self { root: format!("ballast.{}", Token(fleet)) }
    }

    /// Where the agent of `host` publishes [`Samples`](crate::payload::Samples).
    pub fn samples(&self, host: &str) -> String {
        format!("{}.samples.{}", self.root, Token(host))
    }

    /// Where the agent of `host` publishes its [`Inventory`](crate::payload::Inventory).
    pub fn inventory(&self, host: &str) -> String {
        format!("{}.inventory.{}", self.root, Token(host))
    }

    /// Where the agent of `host` publishes each [`Outcome`](crate::payload::Outcome).
    pub fn outcome(&self, host: &str) -> String {
        format!("{}.outcome.{}", self.root, Token(host))
    }

    /// Where an application publishes a value of its own, see [`PublishedValue`](crate::payload::PublishedValue).
    pub fn signal(&self, project: &str, service: &str, signal: &str) -> String {
        format!("{}.signal.{}.{}.{}", self.root, Token(project), Token(service), Token(signal))
    }

    /// Where the controller answers questions; `question` is `status`, `explain`, `forecast` or `history`.
    pub fn ask(&self, question: &str) -> String {
        format!("{}.ask.{}", self.root, Token(question))
    }

    /// Where the chunks of a log are published that have this key; `>` for all.
    pub(crate) fn log(&self, log: &str, key: &str) -> String {
        format!("{}.log.{}.{key}", self.root, Token(log))
    }

    /// Every subject of one kind: `samples`, `inventory`, `outcome` or `signal`.
    pub fn every(&self, kind: &str) -> String {
        format!("{}.{kind}.>", self.root)
    }

    /// Project, service and signal of a subject made by [`Subjects::signal`]; `None` for any other.
    pub fn parse_signal(&self, subject: &str) -> Option<(String, String, String)> {
        let rest = subject.strip_prefix(&self.root)?.strip_prefix(".signal.")?;
        let mut tokens = rest.split('.');
        let parsed = (unescape(tokens.next()?)?, unescape(tokens.next()?)?, unescape(tokens.next()?)?);
        tokens.next().is_none().then_some(parsed)
    }
}

/// The key of a service in a bucket: `<host>.<project>.<service>`.
pub fn service_key(host: &str, project: &str, service: &str) -> String {
    format!("{}.{}.{}", Token(host), Token(project), Token(service))
}

/// What all keys of `host` start with.
pub fn host_prefix(host: &str) -> String {
    format!("{}.", Token(host))
}

/// Host, project and service of a key made by [`service_key`]; `None` for any other.
pub fn parse_service_key(key: &str) -> Option<(String, String, String)> {
    let mut tokens = key.split('.');
    let parsed = (unescape(tokens.next()?)?, unescape(tokens.next()?)?, unescape(tokens.next()?)?);
    tokens.next().is_none().then_some(parsed)
}

/// Whether `subject` is one that `pattern` stands for: `*` is one token, a last `>` is one or more.
pub fn matches(pattern: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    let mut wanted = pattern.split('.').peekable();
    while let Some(want) = wanted.next() {
        let Some(token) = tokens.next() else { return false };
        if want == ">" && wanted.peek().is_none() {
            return true;
        }
        if want != "*" && want != token {
            return false;
        }
    }
    tokens.next().is_none()
}

/// Refuses what cannot be published on: an empty token, a wildcard, or white space.
pub(crate) fn check_subject(subject: &str) -> Result<(), BusError> {
    check(subject, "subject", |token| token != "*" && token != ">")
}

/// Refuses what cannot be subscribed to: an empty token, white space, or a `>` that is not last.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), BusError> {
    check(pattern.strip_suffix(".>").unwrap_or(pattern), "pattern", |token| pattern == ">" || token != ">")
}

/// Refuses what cannot be a key: an empty token, or anything but letters, digits and `-`, `_`, `=`, `/`.
pub(crate) fn check_key(key: &str) -> Result<(), BusError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=/".contains(&byte);
    check(key, "key", |token| token.bytes().all(allowed))
}

fn check(text: &str, kind: &str, allowed: impl Fn(&str) -> bool) -> Result<(), BusError> {
    let fine = |token: &str| {
        !token.is_empty() && !token.contains(|c: char| c.is_whitespace() || c.is_control()) && allowed(token)
    };
    if text.split('.').all(fine) {
        return Ok(());
    }
    Err(BusError::Other(format!(
        "{text:?} is not a {kind}: tokens are separated by single dots, and hold no white space"
    )))
}

/// One token of a subject or key. Letters, digits, `-` and `_` stand for themselves, every other byte is `=XX`
/// in hexadecimal: the only escape sign that NATS allows in keys and that cannot stand in a Compose name.
pub(crate) struct Token<'a>(pub(crate) &'a str);

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => write!(f, "{}", byte as char)?,
                _ => write!(f, "={byte:02X}")?,
            }
        }
        Ok(())
    }
}

fn unescape(token: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'=' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dot_in_a_service_name_stays_one_token() {
        let subjects = Subjects::new("prod");
        let subject = subjects.signal("shop", "web.v2", "queue.jobs");
        assert_eq!(subject, "ballast.prod.signal.shop.web=2Ev2.queue=2Ejobs");
        assert_eq!(subjects.parse_signal(&subject), Some(("shop".into(), "web.v2".into(), "queue.jobs".into())));
    }

    #[test]
    fn keys_round_trip() {
        let key = service_key("node-1.example", "shop", "web");
        assert_eq!(key, "node-1=2Eexample.shop.web");
        assert!(key.starts_with(&host_prefix("node-1.example")));
        assert_eq!(parse_service_key(&key), Some(("node-1.example".into(), "shop".into(), "web".into())));
    }

    #[test]
    fn wildcards() {
        for (pattern, subject, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.b.c", false),
            ("a.b.c", "a.b", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*.c", "a.b.c", true),
            ("a.*.c", "a.b.d", false),
            ("a.>", "a.b", true),
            ("a.>", "a.b.c", true),
            ("a.>", "a", false),
            (">", "a", true),
            ("*", "a.b", false),
            ("*.>", "a.b", true),
        ] {
            assert_eq!(matches(pattern, subject), expected, "{pattern} {subject}");
        }
    }

    #[test]
    fn what_no_server_would_take_is_refused() {
        for subject in ["", "a..b", ".a", "a.", "a b", "a.*", ">", "a\r\nPUB x"] {
            assert!(check_subject(subject).is_err(), "{subject:?}");
        }
        for pattern in ["", "a..b", ">.a", "a.>.b", "a b"] {
            assert!(check_pattern(pattern).is_err(), "{pattern:?}");
        }
        for pattern in ["a", "*", ">", "a.*.>"] {
            assert!(check_pattern(pattern).is_ok(), "{pattern:?}");
        }
        for key in ["", "a..b", "a.*", "a>", "ä", "a."] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
        assert!(check_key(&service_key("a.b", "c", "d")).is_ok());
    }

    #[test]
    fn a_broken_key_is_none_and_not_a_panic() {
        for key in ["", "a", "a.b", "a.b.c.d", "a.b.=", "a.b.=G0", "a..c"] {
            assert_eq!(parse_service_key(key), None, "{key}");
        }
    }
}
