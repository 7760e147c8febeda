//! Words and colours that every rendering shares.

use std::time::Duration;

use autoscaler::time::spoken;
use bus::payload::{ServiceStatus, Status};
use serde_json::Value;

/// What the reader's side can show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Columns of the terminal; absent: not a terminal, so nothing is wrapped or shortened.
    pub(crate) width: Option<u16>,
    /// Whether colours are shown.
    pub(crate) colour: bool,
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Needs somebody.
    Bad,
    /// Worth a look.
    Warn,
    /// As it should be.
    Good,
    /// A heading.
    Strong,
}

impl Look {
    /// `text` in the colour of `tone`, where colours are shown.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        // Select Graphic Rendition, ECMA-48 section 8.3.117.
        let code = match tone {
            Tone::Bad => "1;31",
            Tone::Warn => "33",
            Tone::Good => "32",
            Tone::Strong => "1",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `project/service`, with the host before it where more than one host is listed.
pub(crate) fn service_name(service: &ServiceStatus, several_hosts: bool) -> String {
    if several_hosts {
        format!("{}/{}/{}", service.host, service.project, service.service)
    } else {
        format!("{}/{}", service.project, service.service)
    }
}

/// Whether services have to be told apart by their hosts.
pub(crate) fn several_hosts(status: &Status) -> bool {
    let of_services = status.services.iter().map(|service| &service.host);
    let mut hosts: Vec<_> = status.hosts.iter().map(|host| &host.host).chain(of_services).collect();
    hosts.sort();
    hosts.dedup();
    hosts.len() > 1
}

/// `12s ago`, or `just now` below a second.
pub(crate) fn ago(at_ms: u64, now_ms: u64) -> String {
    match now_ms.saturating_sub(at_ms) {
        0..1000 => "just now".to_owned(),
        elapsed => format!("{} ago", millis(elapsed)),
    }
}

/// `for 12s`: how long something has been so.
pub(crate) fn lasting(since_ms: u64, now_ms: u64) -> String {
    format!("for {}", millis(now_ms.saturating_sub(since_ms)))
}

/// Milliseconds as people write them, to the second above ten seconds and in two units at most.
pub(crate) fn millis(millis: u64) -> String {
    let text = spoken(Duration::from_millis(millis));
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// `1 policy`, `2 policies`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Each line of `text` after so many spaces.
pub(crate) fn indent(text: &str, spaces: usize) -> String {
    let margin = " ".repeat(spaces);
    text.lines().map(|line| format!("{margin}{line}").trim_end().to_owned() + "\n").collect()
}

/// The same answer without control characters: what containers, engines and files say cannot steer the terminal.
pub(crate) fn tame(status: &Status) -> Status {
    let tamed = serde_json::to_value(status).map(tame_value).and_then(serde_json::from_value);
    tamed.unwrap_or_else(|error| Status { error: Some(format!("unreadable answer: {error}")), ..Status::default() })
}

fn tame_value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(tame_text(&text)),
        Value::Array(items) => items.into_iter().map(tame_value).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, tame_value(value))).collect(),
        other => other,
    }
}

/// The same text without control characters.
pub(crate) fn tame_text(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|sign| match sign {
            '\t' => ' ',
            sign if sign.is_control() && sign != '\n' => '\u{fffd}',
            sign => sign,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_says_cannot_steer_the_terminal() {
        let status = Status { error: Some("\x1b]0;owned\x07\tok\r\nsecond".to_owned()), ..Status::default() };
        assert_eq!(tame(&status).error.as_deref(), Some("\u{fffd}]0;owned\u{fffd} ok\nsecond"));
    }

    #[test]
    fn ages_are_short() {
        for (elapsed, expected) in [
            (0, "just now"),
            (999, "just now"),
            (1500, "1.5s ago"),
            (12_400, "12s ago"),
            (7_384_000, "2h 3m ago"),
            (200_000_000, "2days 7h ago"),
        ] {
            assert_eq!(ago(1_000_000_000, 1_000_000_000 + elapsed), expected);
        }
        assert_eq!(ago(2000, 1000), "just now", "clocks of two hosts may disagree");
    }
}
