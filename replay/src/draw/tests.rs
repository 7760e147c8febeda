use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::scenario;

fn drawing() -> Drawing {
    let mut drawing = Drawing::new("shop/web", Duration::from_hours(2));
    drawing.seed = 7;
    drawing
}

#[test]
fn a_file_says_what_each_part_does() {
    let mut drawing = drawing();
    for (kind, words) in [("noise", "10%"), ("level", "40/s"), ("flash", "at=20m rise=30s by=360/s fade=20m")] {
        drawing.add(kind, words).expect(kind);
    }
    insta::assert_snapshot!(drawing.text());
}

#[test]
fn the_example_of_each_part_is_one() {
    let mut drawing = drawing();
    for (kind, example) in PARTS {
        drawing.add(kind, example).expect(kind);
    }
    assert_eq!(drawing.parts.len(), PARTS.len());
    let parts: Vec<_> = drawing.text().lines().filter(|line| line.starts_with("      - ")).map(str::to_owned).collect();
    insta::assert_snapshot!(parts.join("\n"));
}

#[test]
fn the_file_reads_to_what_was_drawn() {
    for (name, of) in Of::ALL {
        let mut drawing = drawing();
        drawing.of = of;
        drawing.begins = Timestamp::from_millis(1_763_719_200_000);
        for (kind, example) in PARTS {
            drawing.add(kind, example).expect(kind);
        }
        let read = scenario::read("drawn.yaml", &drawing.text(), &|_: &str| Err("there is none".to_owned()));
        let scenario::Read { scenario, warnings, .. } = read.unwrap_or_else(|errors| panic!("{name}: {errors}"));
        assert_eq!(warnings, [], "{name}");
        let load = scenario.load().expect("a load");
        assert_eq!(load.demand.source, Source::Drawn(drawing.parts.clone()), "{name}");
        let expected = (drawing.begins, drawing.lasts, drawing.every, drawing.seed);
        assert_eq!((scenario.begins, scenario.lasts, scenario.every, scenario.seed), expected, "{name}");
    }
}

#[test]
fn a_mistake_in_a_part_says_what_is_allowed() {
    let mut all = String::new();
    for (kind, words) in [
        ("level", ""),
        ("level", "40/d"),
        ("level", "-4/s"),
        ("flash", "at=20m rise=30s fade=20m"),
        ("flash", "at=20m raise=30s by=1 fade=20m"),
        ("flash", "at=20m at=30m rise=30s by=1 fade=20m"),
        ("flash", "at=20m,rise=0s,by=1,fade=20m"),
        ("step", "at=3h by=40/s"),
        ("step", "10m 40/s"),
        ("daily", "peak=10 night=120%"),
        ("wave", "1"),
    ] {
        let error = drawing().add(kind, words).expect_err(words);
        let _ = writeln!(all, "{kind} '{words}': {error}");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_chart_shows_peaks_and_axes() {
    let mut drawing = drawing();
    drawing.add("level", "40/s").expect("a level");
    drawing.add("flash", "at=20m rise=30s by=360/s fade=20m").expect("a flash");
    let scenario = drawing.scenario();
    insta::assert_snapshot!(chart(&Source::Drawn(drawing.parts.clone()), &scenario, "/s", 60, 6));
}

proptest! {
    #[test]
    fn no_words_make_it_panic(kind in 0_usize..10, words in ".{0,40}", value in "[0-9a-z./%-]{0,12}") {
        let (kind, example) = PARTS[kind];
        let _ = drawing().add(kind, &words);
        let mut drawing = drawing();
        let written = example.split(' ').map(|word| word.split_once('=').map_or(word, |(key, _)| key));
        let written: Vec<_> = written.map(|key| format!("{key}={value}")).collect();
        if drawing.add(kind, &written.join(" ")).is_ok() {
            let _ = drawing.text();
        }
    }
}
