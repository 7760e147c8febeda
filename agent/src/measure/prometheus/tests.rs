use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::measure::testing::{host_with, replica, shop_web};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// An endpoint with one probe, and replicas that answer what a test says, when it says.
struct Story {
    endpoint: Endpoint,
    replicas: Vec<Replica>,
}

impl Story {
    fn new(read: Read, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let probe = MetricProbe { signal: "s".into(), metric: "m".into(), labels, read };
        let replicas = ["a1", "b2", "c3"].map(|id| replica(id, Some(1))).to_vec();
        Self { endpoint: Endpoint::new(shop_web(), None, "/metrics".into(), vec![probe]), replicas }
    }

    /// Value, replicas and error after the replicas answered `answers` at second `at`.
    fn round(&mut self, at: u64, answers: &[Result<&str, &str>]) -> String {
        let running: Vec<&Replica> = self.replicas.iter().take(answers.len()).collect();
        self.endpoint.remember_only(&running);
        let contributions: Vec<Contribution> = running
            .iter()
            .zip(answers)
            .flat_map(|(replica, answer)| {
                let answer = answer.map(|body| (LOCALHOST, body.to_owned())).map_err(str::to_owned);
                self.endpoint.contribute(replica, Duration::from_secs(at), answer)
            })
            .collect();
        let sample = self.endpoint.sample(&self.endpoint.probes[0], 0, &contributions);
        let value = sample.value.map_or("none".into(), |value| format!("{value:.3}"));
        let replicas = sample.replicas.map_or("-".into(), |count| count.to_string());
        let error = sample.error.map(|error| format!(" ({error})")).unwrap_or_default();
        format!("{value} of {replicas}{error}")
    }
}

#[test]
fn a_rate_is_summed_over_series_and_replicas() {
    let mut story = Story::new(Read::Rate, &[]);
    let first = story.round(10, &[Ok("m{p=\"/\"} 100\nm{p=\"/a\"} 5\nother 9"), Ok("m{p=\"/\"} 7")]);
    insta::assert_snapshot!(first, @"none of 0 (2 of 2 replicas not read: shop-web-a1: scraped for the first time: its rate is known from the second time on; shop-web-b2: scraped for the first time: its rate is known from the second time on)");
    let second = story.round(12, &[Ok("m{p=\"/\"} 104\nm{p=\"/a\"} 7"), Ok("m{p=\"/\"} 9")]);
    assert_eq!(second, "4.000 of 2");
    let idle = story.round(13, &[Ok("m{p=\"/\"} 104\nm{p=\"/a\"} 7"), Ok("m{p=\"/\"} 9")]);
    assert_eq!(idle, "0.000 of 2", "standing still is a measured zero");
}

#[test]
fn a_restarted_replica_never_gives_a_negative_or_huge_rate() {
    let mut story = Story::new(Read::Rate, &[]);
    story.round(1, &[Ok("m 1000"), Ok("m 500000")]);
    assert_eq!(story.round(2, &[Ok("m 1010"), Ok("m 500010")]), "20.000 of 2");
    let inside = story.round(3, &[Ok("m 1020"), Ok("m 400000")]);
    assert_eq!(inside, "10.000 of 1 (1 of 2 replicas not read: shop-web-b2: its counters went back: it started anew)");
    assert_eq!(story.round(4, &[Ok("m 1030"), Ok("m 400001")]), "11.000 of 2");

    // The container itself restarted, and counted more in one second than it had before.
    story.replicas[1].summary.started_ms = Some(2);
    let outside = story.round(5, &[Ok("m 1040"), Ok("m 900000")]);
    assert!(
        outside.starts_with("10.000 of 1 (1 of 2 replicas not read: shop-web-b2: scraped for the first"),
        "{outside}"
    );
    assert_eq!(story.round(6, &[Ok("m 1050"), Ok("m 900001")]), "11.000 of 2");
}

#[test]
fn a_replica_that_cannot_be_read_is_named_and_counts_as_nothing_not_as_zero() {
    let mut story = Story::new(Read::Sum, &[]);
    let partly = story.round(1, &[Ok("m 3"), Err("no answer"), Ok("m 4")]);
    assert_eq!(partly, "7.000 of 2 (1 of 3 replicas not read: shop-web-b2: no answer)");
    let none = story.round(2, &[Err("x"), Err("y"), Err("z")]);
    assert_eq!(none, "none of 0 (3 of 3 replicas not read: shop-web-a1: x; shop-web-b2: y; shop-web-c3: z)");
    story.replicas[1].summary.ready_ms = None;
    assert_eq!(story.round(3, &[Ok("m 3"), Err("not up yet"), Ok("m 4")]), "7.000 of 2", "it serves nobody yet");
    assert_eq!(story.round(4, &[]), "none of 0 (no replica runs)");
}

#[test]
fn a_replica_that_has_counted_nothing_yet_is_read_nevertheless() {
    let mut story = Story::new(Read::Rate, &[("code", "500")]);
    let nobody = "no replica tells m{code=\"500\"}: its name or labels are wrong, or it has counted nothing yet";
    assert_eq!(story.round(1, &[Ok("m{code=\"200\"} 9"), Ok("")]), format!("none of 2 ({nobody})"));
    let one = story.round(2, &[Ok("m{code=\"200\"} 9\nm{code=\"500\"} 3"), Ok("")]);
    assert_eq!(one, "3.000 of 2", "three since the scrape before, when it had none");
}

#[test]
fn gauges_are_summed_averaged_or_the_largest_taken() {
    let bodies = [Ok("m{q=\"a\"} 3\nm{q=\"b\"} NaN"), Ok("m 4\nm{q=\"c\"} 8")];
    for (read, expected) in [(Read::Sum, "15.000 of 2"), (Read::Mean, "5.000 of 2"), (Read::Max, "8.000 of 2")] {
        assert_eq!(Story::new(read, &[]).round(1, &bodies), expected, "{read:?}");
    }
}

#[test]
fn a_quantile_is_of_all_replicas_over_the_window() {
    let body =
        |fast: u32, all: u32| format!("m_bucket{{le=\"0.1\"}} {fast}\nm_bucket{{le=\"+Inf\"}} {all}\nm_count {all}");
    let mut story = Story::new(Read::Quantile(0.5), &[]);
    story.round(1, &[Ok(&body(100, 100)), Ok(&body(0, 50))]);
    let idle = story.round(2, &[Ok(&body(100, 100)), Ok(&body(0, 50))]);
    assert_eq!(idle, "none of 2", "no traffic is not a latency of zero");
    // Thirty fast requests on one, ten slow ones on the other: the median is the twentieth of forty.
    assert_eq!(story.round(3, &[Ok(&body(130, 130)), Ok(&body(0, 60))]), "0.067 of 2");
    assert_eq!(story.round(4, &[Ok(&body(130, 130)), Ok(&body(0, 60))]), "0.067 of 2", "still in the window");
    let restarted = story.round(5, &[Ok(&body(130, 130)), Ok(&body(0, 1))]);
    assert!(restarted.starts_with("0.050 of 1 (1 of 2 replicas not read"), "{restarted}");
}

#[test]
fn histograms_with_differing_bounds_and_without_an_infinite_one() {
    let mut story = Story::new(Read::Quantile(0.95), &[]);
    let (coarse, fine) =
        ("m_bucket{le=\"1\"} 0\nm_bucket{le=\"+Inf\"} 0", "m_bucket{le=\"0.5\"} 0\nm_bucket{le=\"+Inf\"} 0");
    story.round(1, &[Ok(coarse), Ok(fine)]);
    let both = story.round(
        2,
        &[
            Ok("m_bucket{le=\"1\"} 10\nm_bucket{le=\"+Inf\"} 10"),
            Ok("m_bucket{le=\"0.5\"} 10\nm_bucket{le=\"+Inf\"} 10"),
        ],
    );
    assert_eq!(both, "0.900 of 2");
    let mut story = Story::new(Read::Quantile(0.95), &[]);
    story.round(1, &[Ok("m_bucket{le=\"1\"} 0")]);
    let endless = story.round(2, &[Ok("m_bucket{le=\"1\"} 3")]);
    assert!(endless.contains("no bucket with le=\"+Inf\""), "{endless}");
}

#[test]
fn the_total_suffix_of_openmetrics_is_found_and_not_counted_twice() {
    let mut story = Story::new(Read::Rate, &[]);
    story.round(1, &[Ok("m_total 1\n# EOF\n")]);
    assert_eq!(story.round(2, &[Ok("m_total 4\n# EOF\n")]), "3.000 of 1");
    let mut story = Story::new(Read::Rate, &[]);
    story.round(1, &[Ok("m 1\nm_total 100")]);
    assert_eq!(story.round(2, &[Ok("m 4\nm_total 200")]), "3.000 of 1");
}

#[test]
fn a_malformed_line_matters_only_where_it_is_about_the_metric() {
    let mut story = Story::new(Read::Sum, &[]);
    assert_eq!(story.round(1, &[Ok("other{ 3\nmemory{ 3\nm 2")]), "2.000 of 1");
    let spoilt = story.round(2, &[Ok("m{a=\"1\"} 2\nm{a=\"2} 3\n")]);
    assert_eq!(
        spoilt,
        "none of 0 (1 of 1 replicas not read: shop-web-a1: its answer, line 2: column 6: expected a closing `\"`, found `2} 3`)"
    );
}

#[test]
fn which_port_is_asked_when_the_policy_does_not_say() {
    let with = |ports: &[u16]| Replica { exposed_tcp: ports.to_vec(), ..Replica::default() };
    assert_eq!(only_port(&with(&[8080])), Ok(8080));
    assert!(only_port(&with(&[])).expect_err("none").contains("exposes no TCP port"));
    assert!(only_port(&with(&[80, 443])).expect_err("two").contains("[80, 443]"));
}

/// What a test's server does with a request.
#[derive(Clone)]
enum Answer {
    Says(&'static str),
    Hangs,
    Floods,
}

async fn serve(answer: Answer) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 2048];
                drop(stream.read(&mut request).await);
                match answer {
                    Answer::Says(text) => drop(stream.write_all(text.as_bytes()).await),
                    Answer::Hangs => std::future::pending().await,
                    Answer::Floods => {
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await);
                        while stream.write_all(&vec![b'#'; 65_536]).await.is_ok() {}
                    }
                }
            });
        }
    });
    port
}

fn at_port(id: &str, port: u16) -> Replica {
    let addresses = [("shop_default".to_owned(), LOCALHOST)].into();
    Replica { exposed_tcp: vec![port], addresses, ..replica(id, Some(1)) }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_floods_or_fails_costs_its_own_replica_and_one_second() {
    let good = serve(Answer::Says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nm 5\n")).await;
    let failing = serve(Answer::Says("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")).await;
    let (hanging, flooding) = (serve(Answer::Hangs).await, serve(Answer::Floods).await);
    let garbage = serve(Answer::Says("not HTTP\r\n\r\n")).await;
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        listener.local_addr().expect("it is bound").port()
    };
    let ports = [("a", good), ("b", failing), ("c", hanging), ("d", flooding), ("e", garbage), ("f", closed)];
    let host = host_with(ports.iter().map(|(id, port)| at_port(id, *port)).collect());
    let probe = MetricProbe { signal: "s".into(), metric: "m".into(), labels: BTreeMap::new(), read: Read::Sum };
    let mut endpoint = Endpoint::new(shop_web(), None, "/metrics".into(), vec![probe]);

    let start = std::time::Instant::now();
    let signals = endpoint.round(&host, 42).await;
    assert!(start.elapsed() < SCRAPE_LIMIT * 2, "{:?}", start.elapsed());
    assert_eq!((signals[0].value, signals[0].replicas, signals[0].at_ms), (Some(5.0), Some(1), 42));
    let error = signals[0].error.as_deref().expect("five could not be read");
    assert!(error.starts_with("5 of 6 replicas not read: "), "{error}");

    for (id, port, expected) in [
        ("b", failing, "it answers 500"),
        ("c", hanging, "no answer of http://127.0.0.1:"),
        ("d", flooding, "its answer is longer than 4 MiB"),
        ("e", garbage, "invalid HTTP version"),
        ("f", closed, "cannot be reached: Connection refused"),
    ] {
        let host = host_with(vec![at_port(id, port)]);
        let error = endpoint.round(&host, 43).await[0].error.clone().unwrap_or_default();
        assert!(error.contains(expected), "{id}: {error}");
    }
}

#[tokio::test]
async fn of_several_networks_the_one_that_answers_is_taken_and_remembered() {
    let port = serve(Answer::Says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nm 5\n")).await;
    let mut reachable = at_port("a", port);
    // TEST-NET-1 of RFC 5737: nobody answers there.
    reachable.addresses.insert("a_first".into(), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let host = host_with(vec![reachable]);
    let probe = MetricProbe { signal: "s".into(), metric: "m".into(), labels: BTreeMap::new(), read: Read::Sum };
    let mut endpoint = Endpoint::new(shop_web(), None, "/metrics".into(), vec![probe]);
    assert_eq!(endpoint.round(&host, 1).await[0].value, Some(5.0));
    assert_eq!(endpoint.replicas["a"].address, Some(LOCALHOST));
}

#[test]
fn a_replica_in_the_hosts_network_is_at_localhost() {
    let inspect = Arc::new(serde_json::json!({"HostConfig": {"NetworkMode": "host"}}));
    assert_eq!(addresses(&Replica { inspect, ..Replica::default() }, None), [LOCALHOST]);
    assert_eq!(addresses(&Replica::default(), None), [] as [IpAddr; 0]);
}
