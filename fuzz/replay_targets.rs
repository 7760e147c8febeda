//! What is fuzzed of the replay: files that people write or get from elsewhere. Nothing may panic, and what holds for every
//! input is asserted. Apart from `targets.rs`, so that the core's own tests need no replay.

use std::time::Duration;

use autoscaler::{
    journal,
    text::{TextErrors, render},
};
use replay::{
    import::{self, Format, Kind, Options, TimeFormat, Zone},
    recording::{self, Reads},
    scenario::{self, Gaps, Play, Scenario, Signals, Source},
    simulation::open::play,
};

/// What stands between a scenario and the file beside it.
const BESIDE: &str = "\n%%% beside\n";
/// Beside every scenario that does not bring its own.
const SERIES: &str = "time,value\n0,1\n60,2.5\n120,\n180,4\n";

/// A scenario, with the file that it names after a line of [`BESIDE`].
pub(crate) fn scenario(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, beside) = text.split_once(BESIDE).unwrap_or((text, SERIES));
    let files = |_: &str| Ok(beside.to_owned());
    match scenario::read("web.yaml", text, &files) {
        Err(errors) => has_words(&errors),
        Ok(read) => {
            let Some(again) = files_of(&read.scenario) else { return };
            let written = scenario::write(&read.scenario);
            let files = |_: &str| Ok(again.clone());
            match scenario::read("web.yaml", &written, &files) {
                Ok(again) => assert_eq!(again.scenario, read.scenario, "written, it says the same:\n{written}"),
                Err(errors) => panic!("what is written can be read:\n{}\n{written}", render(&errors)),
            }
        }
    }
}

/// A journal: read, written, played back, and fitted.
pub(crate) fn journal(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let entries = match journal::read(text) {
        Ok(entries) => entries,
        Err(errors) => return assert!(!errors.to_string().is_empty(), "refused without a word"),
    };
    let written = journal::write(&entries);
    let again =
        journal::read(&written).unwrap_or_else(|errors| panic!("what is written can be read: {errors}\n{written}"));
    assert_eq!(journal::write(&again), written, "twice is as once");
    let played = play(&entries, None, |_| {});
    assert!(played.differences.len() as u64 <= played.compared + played.looks);
    if let Some(recording) = recording::read(&entries, &Reads::guess(&entries)) {
        drop(recording.load("web.csv"));
        drop(recording.measured());
    }
}

/// What others recorded. Its first line says how it is read, a letter for each option; without one, nothing is said.
pub(crate) fn imported(data: &[u8]) {
    let place = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (asked, input) = (&data[..place], data.get(place + 1..).unwrap_or_default());
    let options = asked.iter().copied().fold(Options::default(), with);
    match import::read("recorded", input, &options) {
        Err(error) => assert!(!error.to_string().is_empty(), "refused without a word"),
        Ok(imported) => {
            assert!(!imported.steps.is_empty(), "of nothing there is no load");
            assert!(!imported.notes.lines().is_empty(), "what was read is said");
            let csv = imported.csv();
            let text = imported.scenario("shop/web", "web.csv");
            let files = |_: &str| Ok(csv.clone());
            if let Err(errors) = scenario::read("web.yaml", &text, &files) {
                panic!("what is imported is a scenario:\n{}\n{text}\n{csv}", render(&errors));
            }
        }
    }
}

fn with(options: Options, letter: u8) -> Options {
    match letter {
        b'c' => Options { format: Some(Format::Csv), ..options },
        b'p' => Options { format: Some(Format::Prometheus), ..options },
        b'a' => Options { format: Some(Format::AccessLog), ..options },
        b'j' => Options { format: Some(Format::JsonLines), ..options },
        b'k' => Options { format: Some(Format::K6Json), ..options },
        b'K' => Options { format: Some(Format::K6Csv), ..options },
        b'S' => Options { format: Some(Format::K6Summary), ..options },
        b'l' => Options { format: Some(Format::Locust), ..options },
        b'u' => Options { users: true, ..options },
        b't' => Options { time: Some("time".to_owned()), ..options },
        b'v' => Options { value: Some("value".to_owned()), ..options },
        b'z' => Options { zone: Some(Zone(7200)), ..options },
        b's' => Options { time_format: Some(TimeFormat::Seconds), ..options },
        b'm' => Options { time_format: Some(TimeFormat::Millis), ..options },
        b'3' => Options { time_format: Some(TimeFormat::Rfc3339), ..options },
        b'r' => Options { kind: Some(Kind::Rate), ..options },
        b'g' => Options { kind: Some(Kind::Gauge), ..options },
        b'n' => Options { kind: Some(Kind::Count), ..options },
        b'N' => Options { kind: Some(Kind::Counter), ..options },
        b'+' => Options { sum: true, ..options },
        b'h' => Options { gaps: Some(Gaps::Hold), ..options },
        b'0' => Options { gaps: Some(Gaps::Zero), ..options },
        b'/' => Options { gaps: Some(Gaps::Linear), ..options },
        b'e' => Options { every: Some(Duration::from_mins(1)), ..options },
        b'y' => Options { latency: Some("latency".to_owned()), latency_unit: Some(0.001), ..options },
        _ => options,
    }
}

/// The file that a scenario needs beside it, written anew; `None` where it needs several, which may differ.
fn files_of(scenario: &Scenario) -> Option<String> {
    let of = |source: &Source| match source {
        Source::File(columns) => Some(scenario::series_csv(&[(columns.value.as_str(), &columns.series)])),
        Source::Drawn(_) => None,
    };
    match &scenario.play {
        Play::Load(load) => Some(of(&load.demand.source).unwrap_or_default()),
        Play::Signals(Signals::Journal { text, .. }) => Some(text.to_string()),
        Play::Signals(Signals::Values(values)) => {
            let mut files = values.iter().filter_map(|(_, source)| of(source));
            let first = files.next().unwrap_or_default();
            files.next().is_none().then_some(first)
        }
    }
}

fn has_words(errors: &TextErrors) {
    assert!(!errors.0.is_empty() && !errors.to_string().is_empty(), "refused without a word");
}
