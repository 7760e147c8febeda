//! Scenarios of every kind.

use std::time::Duration;

use autoscaler::Timestamp;
use proptest::{collection::vec, option, prelude::*, sample::select};
use replay::scenario::{
    Arrivals, Balance, Columns, Demand, Expectation, Expected, Fault, Gaps, Host, LatencyObjective, Load, LoadKind,
    Measure, Memory, Objective, Part, Play, Queue, Replicas, Scenario, Series, Service, ServiceModel, Shared, Signals,
    Source, Spans, Start, WarmUp, What,
};

const LASTS: Duration = Duration::from_hours(2);

fn amount() -> impl Strategy<Value = f64> {
    prop_oneof![(0_u32..100_000).prop_map(|n| f64::from(n) / 100.0), 0.0..1e9_f64]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![(0_u32..=99).prop_map(|n| f64::from(n) / 100.0), 0.0..0.99_f64]
}

fn positive_share() -> impl Strategy<Value = f64> {
    prop_oneof![(1_u32..=99).prop_map(|n| f64::from(n) / 100.0), 0.001..0.99_f64]
}

fn span() -> impl Strategy<Value = Duration> {
    (1_u64..7_200_000).prop_map(Duration::from_millis)
}

fn seconds() -> impl Strategy<Value = f64> {
    (1_u64..10_000_000_000).prop_map(|nanos| Duration::from_nanos(nanos).as_secs_f64())
}

fn size() -> impl Strategy<Value = f64> {
    prop_oneof![(0_u32..4096).prop_map(|n| f64::from(n) * 1_048_576.0), (0_u32..u32::MAX).prop_map(f64::from)]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[A-Za-z0-9 ,.:#'\"-]{0,40}".prop_map(|text| text.trim_end().to_owned()),
        "[A-Za-z# :-]{1,20}\n\n?[A-Za-z: -]{1,20}".prop_map(|text| text.trim_end().to_owned()),
        any::<String>().prop_map(|text| text.trim_end().to_owned()),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    let change = (-1e6..1e6_f64).boxed();
    prop_oneof![
        amount().prop_map(Part::Level),
        (amount(), span(), span()).prop_map(|(amplitude, period, phase)| Part::Sine { amplitude, period, phase }),
        (within(), change.clone(), option::of(span())).prop_map(|(at, by, lasts)| Part::Step { at, by, lasts }),
        (within(), span(), change).prop_map(|(from, over, by)| Part::Ramp { from, over, by }),
        (within(), span(), amount(), span()).prop_map(|(at, rise, by, fade)| Part::Flash { at, rise, by, fade }),
        (amount(), share(), span(), share()).prop_map(|(peak, night, at, weekend)| Part::Daily {
            peak,
            night,
            at,
            weekend
        }),
        (amount(), amount(), span(), span()).prop_map(|(low, high, every, lasts)| Part::Bursts {
            low,
            high,
            every,
            lasts
        }),
        (amount(), span()).prop_map(|(amplitude, period)| Part::Sawtooth { amplitude, period }),
        (amount(), span(), span()).prop_map(|(level, on, off)| Part::OnOff { level, on, off }),
        (share(), span()).prop_map(|(spread, every)| Part::Noise { spread, every }),
    ]
}

fn within() -> impl Strategy<Value = Duration> {
    (0_u64..7_200_000).prop_map(Duration::from_millis)
}

/// A source of which the file, if it is one, is called `file`.
fn source(file: String, gaps: Gaps) -> impl Strategy<Value = Source> {
    let moments = proptest::collection::btree_set(0_u64..7_200_000, 1..9);
    let file = (moments, vec(option::of(amount()), 9), amount()).prop_map(move |(at, mut values, first)| {
        values[0] = Some(first);
        values.truncate(at.len());
        let at: Vec<_> = at.into_iter().map(Duration::from_millis).collect();
        let series = Series { at: at.into(), values: values.into() };
        let (time, value) = ("time".to_owned(), "value".to_owned());
        Source::File(Columns { file: file.clone(), time, value, gaps, scale: 1.0, series })
    });
    prop_oneof![vec(part(), 1..4).prop_map(Source::Drawn), file]
}

fn kind() -> impl Strategy<Value = LoadKind> {
    prop_oneof![
        Just(LoadKind::Requests),
        Just(LoadKind::Jobs),
        Just(LoadKind::Cores),
        span().prop_map(|think| LoadKind::Users { think }),
        (span(), 1.0..100.0_f64).prop_map(|(think, requests)| LoadKind::Sessions { think, requests }),
    ]
}

fn spans() -> impl Strategy<Value = Spans> {
    vec(span(), 1..4).prop_map(Spans)
}

fn start() -> impl Strategy<Value = Start> {
    let warm_up = (positive_share(), span()).prop_map(|(from, over)| WarmUp { from, over });
    (spans(), spans(), spans(), amount(), option::of(warm_up), share(), span()).prop_map(
        |(image, boot, ready, cpu, warm_up, fails, gives_up)| Start {
            image,
            boot,
            ready,
            cpu,
            warm_up,
            fails,
            gives_up,
        },
    )
}

fn service() -> impl Strategy<Value = ServiceModel> {
    let balances =
        [Balance::RoundRobin, Balance::LeastConnections, Balance::TwoChoices, Balance::Random, Balance::Central];
    let memory = (size(), size(), option::of(size())).prop_map(|(idle, per_request, more)| Memory {
        idle,
        per_request,
        limit: more.map(|more| idle + more + 1.0),
    });
    let work = (seconds(), 0.0..10.0_f64, 1_u32..1000, seconds(), amount(), option::of(0.1..64.0_f64));
    let queue = (option::of(0_u32..u32::MAX), option::of(span())).prop_map(|(most, patience)| Queue { most, patience });
    let shared = (share(), share(), option::of(amount())).prop_map(|(contention, crosstalk, most)| Shared {
        contention,
        crosstalk,
        most,
    });
    (work, option::of(memory), start(), span(), select(balances.to_vec()), queue, shared).prop_map(
        |((takes, spread, at_once, cpu, idle_cpu, cpu_limit), memory, start, stop, balance, queue, shared)| {
            ServiceModel {
                takes,
                spread,
                at_once,
                cpu,
                idle_cpu,
                cpu_limit,
                memory,
                start,
                stop,
                balance,
                queue,
                shared,
            }
        },
    )
}

fn emits() -> impl Strategy<Value = Vec<(String, Measure)>> {
    let measure = prop_oneof![
        select(vec![Measure::Requests, Measure::Served, Measure::Errors, Measure::ErrorShare, Measure::Waiting]),
        select(vec![Measure::InFlight, Measure::LatencyMean, Measure::Utilisation]),
        positive_share().prop_map(Measure::Latency),
    ];
    let named = proptest::collection::btree_map("x[a-z0-9.-]{0,9}", measure, 0..5);
    prop_oneof![Just(Load::usual_signals()), named.prop_map(|all| all.into_iter().collect())]
}

fn load() -> impl Strategy<Value = Load> {
    let others = prop_oneof![Just(0.0), 0.01..0.4_f64];
    let host = (option::of(0.5..64.0_f64), option::of(size()), others);
    let host = host.prop_map(|(cores, memory, others)| Host { cores, memory, others });
    let arrivals = select(vec![Arrivals::Even, Arrivals::Poisson]);
    (source("demand.csv".to_owned(), Gaps::Hold), kind(), arrivals, share(), service(), host, emits()).prop_map(
        |(source, kind, arrivals, retries, mut service, host, emits)| {
            if kind == LoadKind::Jobs {
                service.balance = Balance::Central;
            }
            Load { demand: Demand { source }, kind, arrivals, retries, service, host, emits }
        },
    )
}

fn play() -> impl Strategy<Value = Play> {
    let values = vec("[a-z][a-z0-9.-]{0,9}", 1..4).prop_flat_map(|names| {
        let named = names.into_iter().enumerate().map(|(number, name)| {
            source(format!("{number}.csv"), Gaps::Keep).prop_map(move |source| (format!("{name}{number}"), source))
        });
        named.collect::<Vec<_>>()
    });
    let journal =
        any::<String>().prop_map(|text| Signals::Journal { file: "web.journal".to_owned(), text: text.into() });
    prop_oneof![
        4 => load().prop_map(|load| Play::Load(Box::new(load))),
        1 => values.prop_map(|values| Play::Signals(Signals::Values(values))),
        1 => journal.prop_map(Play::Signals),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let what = prop_oneof![
        Just(What::HostLost),
        Just(What::AgentSilent),
        span().prop_map(|by| What::SamplesLate { by }),
        vec("[a-z][a-z.]{0,8}", 0..3).prop_map(|signals| What::SamplesMissing { signals }),
        Just(What::ControllerRestarted),
        Just(What::StartsFail),
        (0_u32..100).prop_map(|replicas| What::ComposeUp { replicas }),
        (option::of(seconds()), option::of(seconds())).prop_map(|(takes, cpu)| What::Deploy { takes, cpu }),
        share().prop_map(|share| What::Neighbour { share }),
        (1_u32..10).prop_map(|count| What::ReplicasDie { count }),
    ];
    (within(), span(), what).prop_map(|(at, lasts, what)| {
        let at_once = matches!(what, What::ComposeUp { .. } | What::Deploy { .. } | What::ReplicasDie { .. });
        Fault { at, lasts: if at_once { Duration::ZERO } else { lasts }, what }
    })
}

fn expectation(open_loop: bool) -> impl Strategy<Value = Expectation> {
    let anywhere = [Expected::Replicas, Expected::Changes, Expected::Reversals, Expected::ReplicaHours];
    let served = [Expected::Ready, Expected::Late, Expected::Lost, Expected::Short, Expected::Waiting, Expected::Cost];
    let all: Vec<_> = if open_loop { anywhere.to_vec() } else { [&anywhere[..], &served].concat() };
    (select(all), share(), option::of(share()), within(), option::of(1_u64..1000)).prop_map(
        |(what, one, other, after, until)| {
            let (least, most) = match other {
                Some(other) => (Some(one.min(other)), Some(one.max(other))),
                None => (None, Some(one)),
            };
            if what == Expected::Cost {
                return Expectation { what, least, most, after: Duration::ZERO, until: None };
            }
            let until =
                until.map(|more| (after + Duration::from_millis(more)).min(LASTS)).filter(|until| *until > after);
            Expectation { what, least, most, after, until }
        },
    )
}

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let replicas = (0_u32..10, 0_u32..10, 1_u32..10).prop_map(|(min, more, most)| Replicas {
        min,
        start: min + more,
        max: min + more + most,
    });
    let objective =
        ((0.001..0.999_f64, seconds()), 0.01..1000.0_f64).prop_map(|((quantile, below), idle_per_missing)| Objective {
            latency: Some(LatencyObjective { quantile, below }),
            idle_per_missing,
        });
    let service = ("([a-z0-9-]{1,9})?", "[a-z0-9_-]{1,9}", "[A-Za-z0-9_.-]{1,9}")
        .prop_map(|(host, project, service)| Service { host, project, service });
    let begins = (0_u64..4_000_000_000_000).prop_map(Timestamp::from_millis);
    let every = (100_u64..3_600_000).prop_map(Duration::from_millis);
    let said = (words(), words(), service, begins, every, any::<u64>(), replicas, objective);
    (
        said,
        play().prop_flat_map(|play| {
            let open_loop = matches!(play, Play::Signals(_));
            (Just(play), vec(expectation(open_loop), 0..4))
        }),
        vec(fault(), 0..4),
    )
        .prop_map(|(said, (play, expect), mut faults)| {
            faults.sort_by_key(|fault| fault.at);
            let (about, from, service, begins, every, seed, replicas, objective) = said;
            Scenario {
                name: "web".to_owned(),
                about,
                from,
                service,
                begins,
                lasts: LASTS,
                every,
                seed,
                replicas,
                policy: None,
                objective,
                play,
                faults,
                expect,
            }
        })
}
