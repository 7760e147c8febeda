//! What a text means.

use std::{error::Error, time::Duration};

use replay::scenario::{
    Balance, Gaps, LoadKind, Part, Play, Scenario, Series, Signals, Source, Spans, read, series_csv,
};

use super::beside;

const HEAD: &str = "scenario: 1\nservice: shop/web\nbegins: 2026-01-05T08:00:00Z\nlasts: 1h\n";

fn of(text: &str) -> Result<Scenario, Box<dyn Error>> {
    Ok(read("web.yaml", &format!("{HEAD}{text}"), &beside)?.scenario)
}

fn series(csv: &str, options: &str) -> Result<Series, Box<dyn Error>> {
    let files = |_: &str| Ok(csv.to_owned());
    let text = format!(
        "{HEAD}replicas: {{ max: 5 }}\nsignals: {{ values: {{ x: {{ csv: {{ file: x.csv{options} }} }} }} }}\n"
    );
    match read("web.yaml", &text, &files)?.scenario.play {
        Play::Signals(Signals::Values(values)) => match values.into_iter().next() {
            Some((_, Source::File(columns))) => Ok(columns.series),
            other => Err(format!("{other:?}").into()),
        },
        other => Err(format!("{other:?}").into()),
    }
}

#[test]
fn what_is_left_out_is_as_the_page_says() -> Result<(), Box<dyn Error>> {
    let scenario = of("replicas: { min: 2, max: 5 }\nload: { requests: 40/s, service: { takes: 20ms } }")?;
    assert_eq!((scenario.name.as_str(), scenario.seed, scenario.every), ("web", 1, Duration::from_secs(1)));
    assert_eq!(scenario.replicas.start, 2);
    let load = scenario.load().ok_or("it is a load")?;
    assert_eq!(load.demand.source, Source::Drawn(vec![Part::Level(40.0)]));
    let close = |one: f64, other: f64| (one - other).abs() < f64::EPSILON;
    assert!(close(load.service.takes, 0.02) && close(load.service.cpu, 0.02) && close(load.service.spread, 1.0));
    assert_eq!(load.service.start.gives_up, Duration::from_mins(1));
    assert_eq!(load.service.start.boot, Spans::default());
    assert_eq!((load.service.balance, load.service.at_once), (Balance::RoundRobin, 1));
    Ok(())
}

#[test]
fn jobs_wait_in_one_queue() -> Result<(), Box<dyn Error>> {
    let scenario = of("replicas: { max: 5 }\nload: { jobs: 4/s, service: { takes: 2s } }")?;
    let load = scenario.load().ok_or("it is a load")?;
    assert_eq!((load.kind, load.service.balance), (LoadKind::Jobs, Balance::Central));
    Ok(())
}

#[test]
fn faults_are_told_by_time() -> Result<(), Box<dyn Error>> {
    let scenario = of("replicas: { max: 5 }\nload: { requests: 40/s, service: { takes: 20ms } }\n\
        faults: [{ at: 20m, compose_up: 2 }, { at: 10m, replicas: die }]")?;
    assert!(scenario.faults.is_sorted_by_key(|fault| fault.at));
    Ok(())
}

#[test]
fn moments_are_seconds_milliseconds_or_by_the_calendar() -> Result<(), Box<dyn Error>> {
    let wanted = series("time,value\n0,1\n60,2\n", "")?;
    for (name, csv, options) in [
        ("seconds since 1970", "time,value\n1767600000,1\n1767600060,2\n", ""),
        ("milliseconds since 1970", "time,value\n1767600000000,1\n1767600060000,2\n", ""),
        ("by the calendar", "time,value\n2026-01-05T08:00:00Z,1\n2026-01-05T09:01:00+01:00,2\n", ""),
        ("milliseconds by name", "t_ms,v\n0,1\n60000,2\n", ", time: t_ms, value: v"),
        (
            "a byte order mark, comments, quotes, spaces",
            "\u{feff}# mine\ntime , value\n\"0\", 1\n# and\n60,\"2\"\n",
            "",
        ),
        ("scaled", "time,value\n0,10\n60,20\n", ", scale: 0.1"),
        ("per minute", "time,value\n0,60\n60,120\n", ", per: 1m"),
    ] {
        assert_eq!(series(csv, options)?, wanted, "{name}");
    }
    Ok(())
}

#[test]
fn the_line_before_the_beginning_says_what_holds_then() -> Result<(), Box<dyn Error>> {
    let read = series("time,value\n-20,1\n-10,2\n10,3\n", "")?;
    assert_eq!(read.at.iter().map(Duration::as_secs).collect::<Vec<_>>(), [0, 10]);
    assert_eq!(&*read.values, [Some(2.0), Some(3.0)]);
    Ok(())
}

#[test]
fn a_missing_line_among_evenly_spaced_ones_is_a_gap() -> Result<(), Box<dyn Error>> {
    let rows: Vec<String> = (0..20).filter(|n| *n != 7).map(|n| format!("{},1", n * 10)).collect();
    let read = series(&format!("time,value\n{}\n", rows.join("\n")), ", gaps: keep")?;
    assert_eq!(
        read.at.iter().zip(&*read.values).find(|(_, value)| value.is_none()).map(|(at, _)| at.as_secs()),
        Some(70)
    );
    Ok(())
}

#[test]
fn a_written_series_reads_to_itself() -> Result<(), Box<dyn Error>> {
    let written =
        Series { at: [0, 10, 20].map(Duration::from_secs).into(), values: [Some(0.1), None, Some(1e-7)].into() };
    let other = Series { at: [Duration::from_secs(10)].into(), values: [Some(3.0)].into() };
    let csv = series_csv(&[("value", &written), ("other", &other)]);
    assert_eq!(csv, "time,value,other\n0,0.1,\n10,,3\n20,0.0000001,\n");
    assert_eq!(series(&csv, ", gaps: keep")?, written);
    assert_eq!(Gaps::default(), Gaps::Refuse);
    Ok(())
}
