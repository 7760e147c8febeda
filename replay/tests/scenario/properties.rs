//! What holds of any text and of any scenario.

use std::collections::BTreeMap;

use autoscaler::text::render;
use proptest::prelude::*;
use replay::scenario::{Play, Scenario, Signals, Source, read, series_csv, write};

use super::{beside, strategies::scenario, texts};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn what_is_written_reads_to_the_same(scenario in scenario()) {
        let files = files_of(&scenario);
        let get = |file: &str| files.get(file).cloned().ok_or_else(|| "no such file".to_owned());
        let text = write(&scenario);
        match read("folder/web.yaml", &text, &get) {
            Ok(again) => prop_assert_eq!(again.scenario, scenario, "{}", text),
            Err(errors) => prop_assert!(false, "{}\n{}", text, render(&errors)),
        }
    }

    #[test]
    fn no_text_is_too_much(text in any::<String>()) {
        let _ = read("web.yaml", &text, &beside);
    }

    #[test]
    fn no_broken_edit_is_too_much((text, at, with) in edits()) {
        let at = text.floor_char_boundary(at % (text.len() + 1));
        let end = text.floor_char_boundary((at + with.len()).min(text.len()));
        if let Err(errors) = read("web.yaml", &format!("{}{with}{}", &text[..at], &text[end..]), &beside) {
            prop_assert!(!errors.0.is_empty(), "it is refused without a word");
        }
    }

    #[test]
    fn no_series_is_too_much(text in "(#|time|value|,|\n|\r\n|\"|[0-9]{1,13}|-|NaN|2026-01-05T08:00:0[0-9]Z|\u{feff}|ø){0,60}") {
        let scenario = "scenario: 1\nservice: shop/web\nlasts: 1h\nreplicas: { max: 5 }\n\
            signals: { values: { x: { csv: { file: x.csv, gaps: keep } } } }\n";
        let files = |_: &str| Ok(format!("time,value\n{text}"));
        let _ = read("web.yaml", scenario, &files);
        let files = |_: &str| Ok(text.clone());
        let _ = read("web.yaml", scenario, &files);
    }
}

/// A text that somebody wrote, and what is put into it where.
fn edits() -> impl Strategy<Value = (String, usize, String)> {
    let written: Vec<String> = ["broken", "doubtful"]
        .iter()
        .flat_map(|folder| texts(folder).unwrap_or_default())
        .map(|(_, text)| text)
        .collect();
    let bits = "([\\[\\]{},:#&*!|>'\"%@`\n -]|[a-z0-9]|\\PC){0,6}";
    (proptest::sample::select(written), any::<usize>(), bits)
}

/// The files that a scenario names, by name.
fn files_of(scenario: &Scenario) -> BTreeMap<String, String> {
    let sources: Vec<&Source> = match &scenario.play {
        Play::Load(load) => vec![&load.demand.source],
        Play::Signals(Signals::Values(values)) => values.iter().map(|(_, source)| source).collect(),
        Play::Signals(Signals::Journal { file, text }) => {
            return BTreeMap::from([(file.clone(), text.to_string())]);
        }
    };
    let of = |source: &Source| match source {
        Source::File(columns) => Some((columns.file.clone(), series_csv(&[(columns.value.as_str(), &columns.series)]))),
        Source::Drawn(_) => None,
    };
    sources.into_iter().filter_map(of).collect()
}
