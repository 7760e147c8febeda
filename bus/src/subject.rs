//! Subjects: `ballast.<fleet>.<kind>.<host>…`, so that a host's credentials can be limited to its own.

use std::fmt;

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

    /// Where the controller answers questions; `question` is `status` or `explain`.
    pub fn ask(&self, question: &str) -> String {
        format!("{}.ask.{}", self.root, Token(question))
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

/// One token of a subject or key. Letters, digits, `-` and `_` stand for themselves, every other byte is `=XX`
/// in hexadecimal: the only escape sign that NATS allows in keys and that cannot stand in a Compose name.
struct Token<'a>(&'a str);

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
    fn a_broken_key_is_none_and_not_a_panic() {
        for key in ["", "a", "a.b", "a.b.c.d", "a.b.=", "a.b.=G0", "a..c"] {
            assert_eq!(parse_service_key(key), None, "{key}");
        }
    }
}
