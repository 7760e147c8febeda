use std::{fmt::Write as _, io::BufReader};

use proptest::prelude::*;

use super::*;
use crate::scenario;

const COMBINED: &str = r#"10.0.0.1 - - [21/Nov/2025:12:00:00 +0200] "GET / HTTP/1.1" 200 512 "-" "x" 0.020
10.0.0.1 - ann [21/Nov/2025:12:00:03 +0200] "GET /a\"b HTTP/1.1" 200 512 "-" "x" 0.040
10.0.0.2 - - [21/Nov/2025:12:00:01 +0200] "GET / HTTP/1.1" 503 0 "-" "x" 1.000
not a line of a log

10.0.0.2 - - [21/Nov/2025:12:00:25 +0200] "GET / HTTP/1.1" 200 0 "-" "x" -
"#;

const PROMETHEUS: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[
{"metric":{"pod":"a"},"values":[[1763719200,"10"],[1763719215,"20"],[1763719230,"NaN"],[1763719245,"5"]]},
{"metric":{"pod":"b"},"values":[[1763719200,"1"],[1763719215,"2"],[1763719230,"3"],[1763719245,"1"]]}]}}"#;

const LOCUST: &str = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,95%,99%
1763719200,10,GET,/,4.0,0,20,40,50
1763719200,10,,Aggregated,5.0,0.0,20,40,50
1763719201,20,,Aggregated,9.0,3.0,30,80,N/A
1763719202,20,,Aggregated,10.0,0.1,30,80,120
";

const K6: &str = r#"{"type":"Metric","data":{"name":"http_reqs","type":"counter"},"metric":"http_reqs"}
{"metric":"http_reqs","type":"Point","data":{"time":"2025-11-21T10:00:00.5Z","value":1,"tags":{"status":"200"}}}
{"metric":"http_req_duration","type":"Point","data":{"time":"2025-11-21T10:00:00.5Z","value":25.5,"tags":{"status":"200"}}}
{"metric":"http_reqs","type":"Point","data":{"time":"2025-11-21T12:00:11+02:00","value":1,"tags":{"status":"500"}}}
{"metric":"vus","type":"Point","data":{"time":"2025-11-21T10:00:11Z","value":3,"tags":null}}
{"metric":"dropped_iterations","type":"Point","data":{"time":"2025-11-21T10:00:11Z","value":2,"tags":null}}
"#;

#[test]
fn recorded_load_is_read_from_each_format() {
    let csv = "time,rate\n1763719200,60\n1763719210,\n1763719220,120\n1763719230,90\n";
    let counter = "at,total\n2025-11-21T10:00:00Z,100\n2025-11-21T10:00:10Z,150\n2025-11-21T10:00:20Z,30\n";
    let nginx = r#"{"time_iso8601":"2025-11-21T10:00:00+00:00","status":"200","request_time":"0.010"}
{"time_iso8601":"2025-11-21T10:00:01+00:00","status":"502","request_time":"0.010"}"#;
    let traefik = r#"{"StartUTC":"2025-11-21T10:00:00.5Z","DownstreamStatus":200,"Duration":5000000,"time":"x"}"#;
    let caddy = r#"{"ts":1763719200.5,"request":{"method":"GET"},"status":200,"duration":0.02}"#;
    let k6_csv = "metric_name,timestamp,metric_value,status\nhttp_reqs,1763719200,1,200\nhttp_req_duration,1763719200,12.5,200\n";
    let summary =
        "{\n\"metrics\":{\"http_reqs\":{\"count\":600,\"rate\":20},\"http_req_duration\":{\"avg\":30,\"p(95)\":80}}}";
    let seconds = |options: Options| Options { time_format: Some(TimeFormat::Seconds), ..options };
    let table = |time: &str, value: &str, kind| Options {
        time: Some(time.to_owned()),
        value: Some(value.to_owned()),
        kind: Some(kind),
        ..Options::default()
    };
    let per_minute =
        Options { per: Some(Duration::from_mins(1)), gaps: Some(Gaps::Hold), ..table("time", "rate", Kind::Rate) };
    let latency = Options { latency: Some("last".to_owned()), latency_unit: Some(1.0), ..Options::default() };
    let gauge = Options { kind: Some(Kind::Gauge), ..Options::default() };
    let mut all = String::new();
    for (name, text, options) in [
        ("CSV, a rate per minute with a gap", csv, seconds(per_minute)),
        ("CSV, a counter that begins anew", counter, table("at", "total", Kind::Counter)),
        ("Combined Log Format with response times", COMBINED, latency),
        ("nginx JSON", nginx, Options::default()),
        ("Traefik JSON", traefik, Options::default()),
        ("Caddy JSON", caddy, Options::default()),
        ("Prometheus, several added up", PROMETHEUS, Options { sum: true, ..gauge.clone() }),
        (
            "Prometheus, one chosen",
            PROMETHEUS,
            Options { labels: vec![("pod".to_owned(), "a".to_owned())], gaps: Some(Gaps::Linear), ..gauge },
        ),
        ("k6 JSON", K6, Options::default()),
        ("k6 CSV", k6_csv, Options::default()),
        ("k6 summary", summary, Options { format: Some(Format::K6Summary), ..Options::default() }),
        ("Locust, requests", LOCUST, Options::default()),
        ("Locust, users", LOCUST, Options { users: true, ..Options::default() }),
    ] {
        let imported = read("load.txt", text.as_bytes(), &options).unwrap_or_else(|error| panic!("{name}: {error}"));
        let _ = writeln!(all, "## {name}: from {} every {:?}", imported.begins.as_millis(), imported.every);
        let _ = writeln!(all, "{}\n{}", imported.csv(), imported.notes.lines().join("\n"));
        all.push('\n');
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_mistake_is_told_with_its_place_and_its_cure() {
    let plain = Options::default;
    let csv = || Options {
        time: Some("t".to_owned()),
        value: Some("v".to_owned()),
        kind: Some(Kind::Gauge),
        time_format: Some(TimeFormat::Seconds),
        ..plain()
    };
    let mut all = String::new();
    for (name, text, options) in [
        ("empty", &b""[..], plain()),
        ("compressed", b"\x1f\x8b\x08\x00", plain()),
        ("UTF-16", b"t\0,\0v\0", plain()),
        ("unknown", b"hello", plain()),
        ("no column named", b"t,v\n1,2\n", plain()),
        ("another column", b"time,v\n1,2\n", csv()),
        ("what the values are", b"t,v\n1,2\n", Options { kind: None, ..csv() }),
        ("a rate per what", b"t,v\n1,2\n", Options { kind: Some(Kind::Rate), ..csv() }),
        ("unit of moments", b"t,v\n1763719200,2\n", Options { time_format: None, ..csv() }),
        ("milliseconds as seconds", b"t,v\n1763719200000,2\n", csv()),
        ("no zone", b"t,v\n2025-11-21 10:00:00,2\n", Options { time_format: None, ..csv() }),
        ("descending", b"t,v\n100,2\n90,2\n", csv()),
        ("the same twice", b"t,v\n100,2\n100,2\n", csv()),
        ("a gap", b"t,v\n100,2\n110,2\n120,\n130,1\n", csv()),
        ("too many steps", b"t,v\n100,2\n101,2\n102,2\n103,2\n104,2\n1763719200,1\n", csv()),
        ("wrong format", b"t,v\n100,2\n", Options { format: Some(Format::AccessLog), ..plain() }),
        ("several series", PROMETHEUS.as_bytes(), Options { kind: Some(Kind::Gauge), ..plain() }),
        (
            "no series",
            PROMETHEUS.as_bytes(),
            Options { kind: Some(Kind::Gauge), labels: vec![("pod".to_owned(), "c".to_owned())], ..plain() },
        ),
        (
            "one moment only",
            br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            Options { kind: Some(Kind::Gauge), ..plain() },
        ),
        ("fields of a log", br#"{"when":"2025-11-21T10:00:00Z","code":200}"#, plain()),
        ("unit of response times", COMBINED.as_bytes(), Options { latency: Some("last".to_owned()), ..plain() }),
    ] {
        let error = read("load.txt", text, &options).map(|imported| imported.csv()).expect_err(name);
        let _ = writeln!(all, "## {name}\n{error}\n");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_scenario_says_where_its_load_comes_from() {
    let imported = read("access.log", COMBINED.as_bytes(), &Options::default()).expect("a log");
    insta::assert_snapshot!(imported.scenario("shop/web", "shop.csv"));
}

#[test]
fn the_scenario_and_its_series_read_to_what_was_imported() {
    for users in [false, true] {
        let options = Options { users, ..Options::default() };
        let imported = read("load.csv", LOCUST.as_bytes(), &options).expect("a history");
        let files = |name: &str| if name == "shop.csv" { Ok(imported.csv()) } else { Err("there is none".to_owned()) };
        let text = imported.scenario("shop/web", "shop.csv");
        let scenario = scenario::read("shop.yaml", &text, &files).unwrap_or_else(|errors| panic!("{errors}")).scenario;
        assert_eq!((scenario.begins, scenario.lasts), (imported.begins, Duration::from_secs(3)));
        let walked = scenario.load().expect("a load").demand.source.walk(&scenario);
        let values: Vec<_> = walked.map(|(_, value)| value).collect();
        // one value that goes on is one piece of the walk
        let mut expected: Vec<_> = imported.steps.iter().map(|step| step.value).collect();
        expected.dedup();
        assert_eq!(values, expected);
    }
}

#[test]
fn a_long_line_is_left_out_and_counted() {
    let text = format!("{}{}\n{COMBINED}", &COMBINED[..80], "x".repeat(3 << 20));
    let options = Options { format: Some(Format::AccessLog), ..Options::default() };
    let imported = read("a", BufReader::new(text.as_bytes()), &options).expect("a log");
    assert_eq!(imported.notes.skipped["the line is longer than 1 MiB"], Skipped { count: 1, first: 1 });
    assert_eq!((imported.notes.read, imported.notes.used), (6, 4));
}

#[test]
fn steps_add_up_counts_and_average_rates() {
    let text = "t,v\n0,2\n5,4\n10,6\n15,8\n";
    for (kind, expected) in [(Kind::Count, [0.6, 1.4]), (Kind::Gauge, [3.0, 7.0])] {
        let options = Options {
            time: Some("t".to_owned()),
            value: Some("v".to_owned()),
            kind: Some(kind),
            time_format: Some(TimeFormat::Seconds),
            every: Some(Duration::from_secs(10)),
            ..Options::default()
        };
        let imported = read("a.csv", text.as_bytes(), &options).expect("rows");
        assert_eq!(imported.steps.iter().filter_map(|step| step.value).collect::<Vec<_>>(), expected, "{kind:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..600,
        format in 0_usize..8,
        sample in 0_usize..4,
    ) {
        let (_, format) = Format::ALL[format];
        let sample = [COMBINED, PROMETHEUS, LOCUST, K6][sample].as_bytes();
        let mut mixed = sample[..cut.min(sample.len())].to_vec();
        mixed.extend(&bytes);
        let options = Options {
            time: Some("Timestamp".to_owned()),
            value: Some("User Count".to_owned()),
            kind: Some(Kind::Counter),
            time_format: (cut % 2 == 0).then_some(TimeFormat::Seconds),
            zone: Some(Zone(0)),
            sum: true,
            ..Options::default()
        };
        for format in [Some(format), None] {
            for input in [&mixed, &bytes] {
                let _ = read("x", input.as_slice(), &Options { format, ..options.clone() });
            }
        }
    }

    #[test]
    fn no_text_of_a_moment_makes_it_panic(text in ".{0,40}", pattern in ".{0,20}") {
        for format in [None, Some(TimeFormat::Rfc3339), Some(TimeFormat::Pattern(format!("%{pattern}")))] {
            let _ = moment::parse(&text, format.as_ref(), None);
        }
    }

    #[test]
    fn every_request_of_a_log_is_in_a_step(moments in proptest::collection::vec(0_u32..5000, 1..200), every in 1_u64..300) {
        let line = |at: &u32| format!(
            "h - - [21/Nov/2025:{:02}:{:02}:{:02} +0000] \"GET / HTTP/1.1\" 200 1\n", at / 3600, at / 60 % 60, at % 60
        );
        let text: String = moments.iter().map(line).collect();
        let options = Options { every: Some(Duration::from_secs(every)), ..Options::default() };
        let imported = read("a", text.as_bytes(), &options).expect("a log");
        let counted: f64 = imported.steps.iter().filter_map(|step| step.value).sum::<f64>() * every as f64;
        prop_assert!((counted - moments.len() as f64).abs() < 1e-6);
    }
}
