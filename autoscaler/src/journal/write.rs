//! A journal as text.

use serde::Serialize;

use super::{Entry, What};
use crate::{
    Event, Timestamp,
    event::{Reading, Sample, Subject},
};

/// The lines that every journal begins with.
pub const HEADER: &str = "# ballast journal 1\nat_ms,what,of,value\n";

/// The text of `entries`, with its [`HEADER`].
pub fn write<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> String {
    let mut text = HEADER.to_owned();
    for entry in entries {
        append(&mut text, entry);
    }
    text
}

/// Adds the lines of one entry to a text. What is cut between entries and put together again stays the same.
pub fn append(text: &mut String, entry: &Entry) {
    let mut line = |what: &str, of: &str, value: &str| row(text, entry.at, what, of, value);
    match &entry.what {
        What::Event(Event::Samples(samples)) => {
            for sample in samples {
                append_sample(text, sample);
            }
            row(text, entry.at, "@told", "", "");
        }
        What::Event(Event::Observed(observation)) => line("@replicas", "", &json(observation)),
        What::Event(Event::Outcome(outcome)) => line("@outcome", "", &json(outcome)),
        What::Event(Event::PolicyReplaced(policy)) => line("@policy", "", &json(policy)),
        What::Event(Event::HostLost) => line("@host", "", "lost"),
        What::Event(Event::HostFound) => line("@host", "", "found"),
        What::Event(Event::Rescaled { replicas }) => line("@rescaled", "", &replicas.to_string()),
        What::Event(Event::Peer { service, peer: Some(peer) }) => line("@peer", service, &json(peer)),
        What::Event(Event::Peer { service, peer: None }) => line("@peer", service, "gone"),
        What::Event(Event::BudgetUsed { name, by_others }) => line("@budget", name, &number(*by_others)),
        What::Looked { number } => line("@look", "", &number.to_string()),
        What::Decided(decided) => line("@decided", "", &json(decided)),
        What::Restarted => line("@restarted", "", ""),
        What::Began(snapshot) => line("@began", "", &json(snapshot)),
        What::Lost { entries } => line("@lost", "", &entries.to_string()),
    }
}

fn append_sample(text: &mut String, sample: &Sample) {
    let what = escaped(sample.signal.as_str());
    let of = match &sample.of {
        Subject::Service => String::new(),
        Subject::Replica(id) if id.as_str().is_empty() => "@".to_owned(),
        Subject::Replica(id) => escaped(id.as_str()),
    };
    let value = match &sample.reading {
        Reading::Value(value) => number(*value),
        Reading::Partial { value, replicas, why } => format!("partial {replicas}: {}: {why}", number(*value)),
        Reading::Idle => "idle".to_owned(),
        Reading::Missing(why) => format!("missing: {why}"),
    };
    row(text, sample.at, &what, &of, &value);
}

/// A name beside which no word of ours can be meant.
fn escaped(name: &str) -> String {
    if name.starts_with('@') { format!("@{name}") } else { name.to_owned() }
}

fn row(text: &mut String, at: Timestamp, what: &str, of: &str, value: &str) {
    text.push_str(&at.as_millis().to_string());
    for field in [what, of, value] {
        text.push(',');
        if field.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(field);
        }
    }
    text.push('\n');
}

/// The shortest number that is read as the same.
fn number(value: f64) -> String {
    let usual = value == 0.0 || (1e-6..1e16).contains(&value.abs());
    if usual { format!("{value}") } else { format!("{value:e}") }
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is told has no keys that are not strings")
}
