//! A journal from text.

use std::{
    collections::{BTreeMap, VecDeque},
    str::FromStr,
};

use serde::de::DeserializeOwned;

use super::{
    Decided, Entry, JournalError, JournalErrors, VERSION, What,
    rows::{COLUMNS, Row, Rows, error},
};
use crate::{
    Event, Policy, Snapshot, Timestamp,
    event::{Reading, ReplicaId, Sample, Subject},
    quantity::SignalName,
};

/// The most errors that are told at once.
const MOST_ERRORS: usize = 100;
/// What every journal's first line begins with.
const TITLE: &str = "# ballast journal ";

/// Reads a journal.
///
/// # Errors
/// Everything that is wrong with it, by line; after the first hundred it ends.
pub fn read(text: &str) -> Result<Vec<Entry>, JournalErrors> {
    let (mut read, mut errors) = (Vec::new(), Vec::new());
    for entry in entries(text) {
        match entry {
            Ok(entry) => read.push(entry),
            Err(error) if errors.len() < MOST_ERRORS => errors.push(error),
            Err(_) => break,
        }
    }
    if errors.is_empty() { Ok(read) } else { Err(JournalErrors(errors)) }
}

/// Reads a journal entry by entry, so that a long one needs not be held. Lines that cannot be read are errors among them.
pub fn entries(text: &str) -> Entries<'_> {
    let mut entries = Entries {
        rows: Rows::new(text),
        told: Vec::new(),
        ready: VecDeque::new(),
        newest: Timestamp::default(),
        names: BTreeMap::new(),
    };
    let checked = version(text).and_then(|()| entries.header());
    if let Err(error) = checked {
        entries.rows = Rows::new("");
        entries.ready.push_back(Err(error));
    }
    entries
}

/// The entries of a journal.
#[derive(Debug)]
pub struct Entries<'t> {
    rows: Rows<'t>,
    /// Samples that may yet be told together, with their lines.
    told: Vec<(usize, Sample)>,
    ready: VecDeque<Result<Entry, JournalError>>,
    newest: Timestamp,
    /// Each name once, as there are few and each comes often.
    names: BTreeMap<String, SignalName>,
}

impl Iterator for Entries<'_> {
    type Item = Result<Entry, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            match self.rows.next() {
                Some(Ok(row)) => self.take(&row),
                Some(Err(error)) => self.ready.push_back(Err(error)),
                None if self.told.is_empty() => return None,
                None => self.tell_by_time(),
            }
        }
    }
}

impl Entries<'_> {
    fn header(&mut self) -> Result<(), JournalError> {
        let (line, fields) = self.rows.next_fields().unwrap_or((1, Ok(Vec::new())));
        let fields = fields?;
        if fields.iter().map(|field| field.trim()).eq(COLUMNS) {
            return Ok(());
        }
        Err(error(line, "the columns are not named", "begin with the line `at_ms,what,of,value`"))
    }

    fn take(&mut self, row: &Row<'_>) {
        match row.what.strip_prefix('@') {
            Some(word) if !word.starts_with('@') => {
                if word == "told" {
                    let told = std::mem::take(&mut self.told).into_iter().map(|(_, sample)| sample).collect();
                    return self.put(row.line, row.at, Ok(What::Event(Event::Samples(told))));
                }
                self.tell_by_time();
                let what = other(word, row).map_err(|(what, help)| error(row.line, what, help));
                self.put(row.line, row.at, what);
            }
            escaped => {
                let name = escaped.unwrap_or(&row.what);
                match self.sample(name, row) {
                    Ok(sample) => self.told.push((row.line, sample)),
                    Err((what, help)) => self.ready.push_back(Err(error(row.line, what, help))),
                }
            }
        }
    }

    /// Samples of which nobody says when they were told: when they were true.
    fn tell_by_time(&mut self) {
        let mut told = std::mem::take(&mut self.told).into_iter().peekable();
        while let Some((line, first)) = told.next() {
            let at = first.at;
            let mut samples = vec![first];
            while let Some((_, sample)) = told.next_if(|(_, sample)| sample.at == at) {
                samples.push(sample);
            }
            self.put(line, at, Ok(What::Event(Event::Samples(samples))));
        }
    }

    fn put(&mut self, line: usize, at: Timestamp, what: Result<What, JournalError>) {
        let checked = what.and_then(|what| {
            if at < self.newest {
                let (at, newest) = (at.as_millis(), self.newest.as_millis());
                let told = format!("time goes back from {newest} to {at}");
                return Err(error(line, told, "put the lines in the order of time"));
            }
            self.newest = at;
            Ok(Entry { at, what })
        });
        self.ready.push_back(checked);
    }

    fn sample(&mut self, name: &str, row: &Row<'_>) -> Result<Sample, Wrong> {
        if name.is_empty() {
            return Err(wrong("the row does not say of what it is", "name a signal, for example `cpu`"));
        }
        let signal = match self.names.get(name) {
            Some(signal) => signal.clone(),
            None => self.names.entry(name.to_owned()).or_insert_with(|| SignalName::new(name)).clone(),
        };
        let of = match row.of.as_ref() {
            "" => Subject::Service,
            id => Subject::Replica(ReplicaId::new(id.strip_prefix('@').unwrap_or(id))),
        };
        Ok(Sample { signal, of, at: row.at, reading: reading(&row.value)? })
    }
}

/// What is wrong, and what helps.
type Wrong = (String, String);

fn wrong(what: impl Into<String>, help: impl Into<String>) -> Wrong {
    (what.into(), help.into())
}

fn version(text: &str) -> Result<(), JournalError> {
    let first = text.lines().next().unwrap_or_default();
    let help = format!("begin with the line `{TITLE}{VERSION}`");
    let Some(version) = first.strip_prefix(TITLE) else { return Err(error(1, "this is no journal", help)) };
    match version.trim().parse::<u32>() {
        Ok(1..=VERSION) => Ok(()),
        Ok(newer) if newer > VERSION => {
            let what = format!("the journal's version is {newer}, this build reads up to {VERSION}");
            Err(error(1, what, "use the Ballast that wrote it, or a newer one"))
        }
        _ => Err(error(1, format!("`{version}` is no version of a journal"), help)),
    }
}

fn reading(value: &str) -> Result<Reading, Wrong> {
    const HELP: &str = "write a number, `idle`, `missing: why`, or `partial 3: 0.5: why`";
    if value == "idle" {
        return Ok(Reading::Idle);
    }
    if let Some(why) = value.strip_prefix("missing:") {
        return Ok(Reading::Missing(why.strip_prefix(' ').unwrap_or(why).to_owned()));
    }
    let refused = || wrong(format!("`{value}` is no reading"), HELP);
    if let Some(partial) = value.strip_prefix("partial ") {
        let (replicas, rest) = partial.split_once(':').ok_or_else(refused)?;
        let (value, why) = rest.split_once(':').unwrap_or((rest, ""));
        return Ok(Reading::Partial {
            value: value.trim().parse().map_err(|_| refused())?,
            replicas: replicas.trim().parse().map_err(|_| refused())?,
            why: why.strip_prefix(' ').unwrap_or(why).to_owned(),
        });
    }
    value.trim().parse().map(Reading::Value).map_err(|_| refused())
}

fn other(word: &str, row: &Row<'_>) -> Result<What, Wrong> {
    const WORDS: [&str; 13] = [
        "told",
        "replicas",
        "outcome",
        "policy",
        "host",
        "rescaled",
        "peer",
        "budget",
        "look",
        "decided",
        "restarted",
        "began",
        "lost",
    ];
    Ok(match word {
        "replicas" => What::Event(Event::Observed(json(row)?)),
        "outcome" => What::Event(Event::Outcome(json(row)?)),
        "policy" => What::Event(Event::PolicyReplaced(Box::new(policy(row)?))),
        "host" => What::Event(host(&row.value)?),
        "rescaled" => What::Event(Event::Rescaled { replicas: count(row)? }),
        "peer" if row.value == "gone" => What::Event(Event::Peer { service: row.of.clone().into(), peer: None }),
        "peer" => What::Event(Event::Peer { service: row.of.clone().into(), peer: Some(json(row)?) }),
        "budget" => What::Event(Event::BudgetUsed { name: row.of.clone().into(), by_others: count(row)? }),
        "look" => What::Looked { number: count(row)? },
        "decided" => What::Decided(json::<Decided>(row)?),
        "restarted" => What::Restarted,
        "began" => What::Began(Box::new(snapshot(row)?)),
        "lost" => What::Lost { entries: count(row)? },
        _ => {
            let near = WORDS
                .into_iter()
                .max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)));
            let help =
                format!("did you mean `@{}`? A signal whose name begins with @ has two", near.unwrap_or_default());
            return Err(wrong(format!("`@{word}` is not known"), help));
        }
    })
}

fn host(value: &str) -> Result<Event, Wrong> {
    match value.trim() {
        "lost" => Ok(Event::HostLost),
        "found" => Ok(Event::HostFound),
        _ => Err(wrong(format!("a host is not `{value}`"), "write `lost` or `found`")),
    }
}

fn count<T: FromStr>(row: &Row<'_>) -> Result<T, Wrong> {
    let refused =
        |_| wrong(format!("`{}` is no number that can stand here", row.value), "write a number that is not negative");
    row.value.trim().parse().map_err(refused)
}

fn json<T: DeserializeOwned>(row: &Row<'_>) -> Result<T, Wrong> {
    serde_json::from_str(&row.value).map_err(|error| {
        let what = format!("the JSON of `{}` cannot be read: {error}", row.what);
        wrong(what, "correct it, with each quote doubled, or remove the line")
    })
}

fn policy(row: &Row<'_>) -> Result<Policy, Wrong> {
    let policy = json(row)?;
    check_limits(&policy)?;
    Ok(policy)
}

fn snapshot(row: &Row<'_>) -> Result<Snapshot, Wrong> {
    let snapshot: Snapshot = json(row)?;
    check_limits(snapshot.policy())?;
    if snapshot.now() > row.at {
        let (known, at) = (snapshot.now().as_millis(), row.at.as_millis());
        let what = format!("what was known at {known} cannot have been known at {at}");
        return Err(wrong(what, "its `now` is at most the time of the line"));
    }
    Ok(snapshot)
}

/// What a policy file cannot say, and what would make the decisions panic.
fn check_limits(policy: &Policy) -> Result<(), Wrong> {
    let limits = policy.limits;
    if limits.min > limits.max || limits.max == 0 {
        let what = format!("the policy's limits are {} to {}", limits.min, limits.max);
        return Err(wrong(what, "`min` is at most `max`, and `max` at least 1"));
    }
    Ok(())
}
