//! What holds for every text and for every policy.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use autoscaler::{
    policy::{
        Action, Arithmetic, Bounds, Direction, DirectionGuards, Goal, Group, Guards, Lasting, Limits, Mode, Policy,
        Read, Rounding, Rule, RuleKind, Selector, SignalSource, Step, StepSize, Target, Threshold, Tolerance,
    },
    policy_file::{Catalog, Source, fmt, parse},
    quantity::{Quantity, SignalName, Unit},
    text::render,
};
use proptest::{option, prelude::*, sample::select};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_text_is_read_or_refused_at_a_place(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_mixture_of_what_policies_are_made_of_is_read_or_refused(pieces in prop::collection::vec(select(PIECES), 0..80)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn a_policy_with_anything_cut_out_is_read_or_refused(policy in policy(), from in 0.0..1.0_f64, share in 0.0..0.2_f64) {
        let text: Vec<char> = write(&policy).chars().collect();
        let at = |share: f64| -> usize { (0..text.len()).take_while(|n| (*n as f64) < share * text.len() as f64).count() };
        let cut: String = text[..at(from)].iter().chain(&text[at((from + share).min(1.0))..]).collect();
        check(&cut)?;
    }

    #[test]
    fn any_labels_and_variables_are_read_or_refused(
        pairs in prop::collection::btree_map(select(NAMES), prop::collection::vec(select(PIECES), 0..12), 0..8),
        file in any::<bool>(),
    ) {
        let pairs: BTreeMap<String, String> =
            pairs.into_iter().map(|(name, pieces)| (name.to_owned(), pieces.concat())).collect();
        let text = "service: shop/web\nreplicas: { min: 1, max: 3 }\nrules: [target: { signal: cpu, per_replica: 70% }]\n";
        let file = file.then(|| Source::file("web.yaml", text));
        let sources = file.into_iter().chain([Source::environment(pairs.clone())]).collect();
        let (catalog, found) = Catalog::read(sources);
        prop_assert!(found.iter().all(|finding| !finding.origin.is_empty()));
        if let Some(Err(errors)) = catalog.resolve("host-1", "shop", "web", &pairs) {
            prop_assert!(errors.0.iter().all(|error| !error.origin.is_empty()), "{}", errors);
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(policy in policy()) {
        let text = write(&policy);
        let read = parse("web.yaml", &text).map_err(|errors| TestCaseError::fail(format!("{text}\n{errors}")))?;
        prop_assert_eq!(&read.policies, &vec![policy], "{}", text);
        let formatted = fmt("web.yaml", &text).map_err(|errors| TestCaseError::fail(format!("{text}\n{errors}")))?;
        let again = parse("web.yaml", &formatted).map_err(|errors| TestCaseError::fail(errors.to_string()))?;
        prop_assert_eq!(&again.policies, &read.policies, "{}", formatted);
        prop_assert_eq!(fmt("web.yaml", &formatted), Ok(formatted));
    }
}

/// Reading ends, and errors are places in the text.
fn check(text: &str) -> Result<(), TestCaseError> {
    match parse("web.yaml", text) {
        Ok(file) => {
            prop_assert!(!file.policies.is_empty());
            if let Ok(formatted) = fmt("web.yaml", text) {
                prop_assert_eq!(parse("web.yaml", &formatted).map(|file| file.policies), Ok(file.policies));
                prop_assert_eq!(fmt("web.yaml", &formatted), Ok(formatted));
            }
        }
        Err(errors) => {
            prop_assert!(!errors.0.is_empty());
            let lines = text.split(['\n', '\r']).count();
            for error in &errors.0 {
                prop_assert!((1..=lines + 1).contains(&error.line) && error.column >= 1, "{}", error);
            }
            prop_assert!(render(&errors).ends_with('\n'));
        }
    }
    Ok(())
}

const NAMES: &[&str] = &[
    "ballast.max",
    "ballast.min",
    "ballast.mode",
    "ballast.cpu",
    "ballast.memory",
    "ballast.queue",
    "ballast.guards",
    "ballast.guards.down.cooldown",
    "ballast.signals.requests",
    "ballast.rules",
    "ballast.",
    "ballast.replicas.max.max",
    "BALLAST_POLICY__",
    "BALLAST_POLICY__RULES",
    "BALLAST_POLICY__REPLICAS__MAX",
    "BALLAST_POLICY__SHOP__WEB__GUARDS",
    "BALLAST_POLICY__SHOP__WEB__SIGNALS__QUEUE",
    "BALLAST_POLICY__SHOP__WEB",
];

const PIECES: &[&str] = &[
    "service",
    "replicas",
    "min",
    "max",
    "mode",
    "signals",
    "rules",
    "guards",
    "target",
    "threshold",
    "signal",
    "above",
    "below",
    "for",
    "add",
    "remove",
    "per_replica",
    "policies",
    "prometheus",
    "read",
    "cpu",
    "shop/web",
    ": ",
    ":",
    " ",
    "\n",
    "\n  ",
    "\n    ",
    "- ",
    "{ ",
    " }",
    "[",
    "]",
    ", ",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "<<",
    "!!",
    "| ",
    "> ",
    "---\n",
    "...",
    "%",
    "70%",
    "0",
    "1",
    "-1",
    "30s",
    "400MiB",
    "120/s",
    "~",
    "\t",
    "\r",
    "ä",
    "\u{feff}",
    "? ",
    "\\",
    "@",
    "`",
];

/// As a policy file. Every value is written out, also those that are the default.
fn write(policy: &Policy) -> String {
    let mut text = String::new();
    let Limits { min, max, .. } = policy.limits;
    let mode = if policy.mode == Mode::Act { "act" } else { "observe" };
    let _ = writeln!(text, "service: \"{}\"\nreplicas: {{ min: {min}, max: {max} }}\nmode: {mode}", policy.services);
    if !policy.signals.is_empty() {
        text.push_str("signals:\n");
    }
    for (name, source) in &policy.signals {
        let _ = writeln!(text, "  {name}: {}", source_text(source));
    }
    text.push_str("rules:\n");
    for rule in &policy.rules {
        let _ = writeln!(text, "  - {}", rule_text(rule));
    }
    let Guards { up, down, warm_up, stale_after, .. } = &policy.guards;
    let _ = writeln!(text, "guards:\n  up: {}\n  down: {}", direction_text(up), direction_text(down));
    let _ = writeln!(text, "  warm_up: {}\n  stale_after: {}", millis(*warm_up), millis(*stale_after));
    text
}

fn source_text(source: &SignalSource) -> String {
    match source {
        SignalSource::Published => "published".to_owned(),
        SignalSource::Formula(formula) => format!("{{ formula: {:?} }}", formula.text()),
        SignalSource::Jetstream { server, stream, consumer } => {
            let server = server.as_ref().map(|server| format!(", server: \"{server}\"")).unwrap_or_default();
            format!("{{ jetstream: {{ stream: {stream}, consumer: {consumer}{server} }} }}")
        }
        SignalSource::Prometheus { metric, port, path, labels, read } => {
            let port = port.map(|port| format!(", port: {port}")).unwrap_or_default();
            let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            let read = match read {
                Read::Rate => "rate".to_owned(),
                Read::Sum => "sum".to_owned(),
                Read::Mean => "mean".to_owned(),
                Read::Max => "max".to_owned(),
                Read::Quantile(share) => format!("p{}", percent(*share)),
            };
            let labels = labels.join(", ");
            format!("{{ prometheus: {metric}, read: {read}{port}, path: {path}, labels: {{ {labels} }} }}")
        }
    }
}

fn rule_text(rule: &Rule) -> String {
    match &rule.kind {
        RuleKind::Target(Target { signal, goal, window, tolerance }) => {
            let Tolerance { up, down } = tolerance;
            let key = if matches!(goal, Goal::Total(_)) { "total" } else { "per_replica" };
            format!(
                "target: {{ signal: {signal}, {key}: {}, window: {}, tolerance: {{ up: {}%, down: {}% }} }}",
                quantity_text(goal.quantity()),
                millis(*window),
                percent(*up),
                percent(*down)
            )
        }
        RuleKind::Threshold(Threshold { signal, bounds, lasting, action, window, .. }) => {
            let (side, bound) = match (bounds.lower, bounds.upper) {
                (Some(bound), _) => (if bound.inclusive { "at_least" } else { "above" }, bound),
                (None, Some(bound)) => (if bound.inclusive { "at_most" } else { "below" }, bound),
                (None, None) => unreachable!("a threshold has a bound"),
            };
            let Action::Step(step) = action else { unreachable!("the strategy makes steps") };
            let change = if step.direction == Direction::Up { "add" } else { "remove" };
            let amount = match step.size {
                StepSize::Count(count) => count.to_string(),
                StepSize::Share(share) => format!("{}%", percent(share)),
            };
            let lasting = match lasting {
                Lasting::For(span) => format!("for: {}", millis(*span)),
                Lasting::Samples { hits, of } => format!("samples: {hits} of {of}"),
            };
            let (bound, window) = (quantity_text(bound.value), millis(*window));
            format!(
                "threshold: {{ signal: {signal}, {side}: {bound}, {lasting}, {change}: {amount}, window: {window} }}"
            )
        }
        other => unreachable!("the strategy makes no {other:?}"),
    }
}

fn direction_text(guards: &DirectionGuards) -> String {
    format!("{{ cooldown: {}, stabilize: {} }}", millis(guards.cooldown), millis(guards.stabilize))
}

fn quantity_text(quantity: Quantity) -> String {
    match quantity {
        Quantity::OfLimit(share) => format!("{}%", percent(share)),
        Quantity::OfReservation(share) => format!("{}% of reservation", percent(share)),
        Quantity::Absolute { value, unit: Unit::Cores } => format!("{value} cores"),
        Quantity::Absolute { value, unit: Unit::Bytes } => format!("{value}B"),
        Quantity::Absolute { value, unit: Unit::PerSecond } => format!("{value}/s"),
        Quantity::Absolute { value, unit: Unit::Seconds } => millis(Duration::from_secs_f64(value)),
        Quantity::Absolute { value, .. } => value.to_string(),
    }
}

/// Thousandths, as the strategies below make them, so that the digits are exact.
fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn millis(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn policy() -> impl Strategy<Value = Policy> {
    let limits = (1..=1000_u32, 0..1000_u32).prop_map(|(min, more)| Limits::new(min, (min + more).min(1000)));
    let mode = select(&[Mode::Act, Mode::Observe][..]);
    let rules = prop::collection::vec(rule(), 1..6);
    (selector(), mode, limits, rules, guards()).prop_map(|(services, mode, limits, rules, guards)| Policy {
        services,
        mode,
        pause: None,
        limits,
        arithmetic: Arithmetic::Demand,
        signals: signals(),
        combine: Group::largest(rules.len()),
        rules,
        guards,
    })
}

/// One of each kind; the names are those that [`rule`] reads.
fn signals() -> BTreeMap<SignalName, SignalSource> {
    let prometheus = |metric: &str, port, read| SignalSource::Prometheus {
        metric: metric.to_owned(),
        port,
        path: "/metrics?all=1".to_owned(),
        labels: BTreeMap::from([("code".to_owned(), "2 \"0\" 0".to_owned()), ("_a".to_owned(), String::new())]),
        read,
    };
    let jetstream = |server| SignalSource::Jetstream { server, stream: "JOBS".to_owned(), consumer: "w-1".to_owned() };
    [
        ("requests", prometheus("http_requests_total", Some(1), Read::Rate)),
        ("latency.p99", prometheus("http_seconds", Some(65535), Read::Quantile(0.999))),
        ("open-1", prometheus("open", None, Read::Mean)),
        ("heap", prometheus("heap_bytes", None, Read::Max)),
        ("jobs", jetstream(None)),
        ("jobs_2", jetstream(Some("tls://queue:4222".to_owned()))),
        ("1", SignalSource::Published),
    ]
    .into_iter()
    .map(|(name, source)| (SignalName::new(name), source))
    .collect()
}

fn selector() -> impl Strategy<Value = Selector> {
    let project = "[a-z0-9*][a-z0-9_*-]{0,8}";
    (option::of("[A-Za-z0-9._*-]{1,8}"), project, "[A-Za-z0-9._*-]{1,8}")
        .prop_map(|(host, project, service)| Selector { host, project, service })
}

fn guards() -> impl Strategy<Value = Guards> {
    let direction = || {
        (span(0, 86_400_000), span(0, 3_600_000)).prop_map(|(cooldown, stabilize)| DirectionGuards {
            cooldown,
            stabilize,
            ..DirectionGuards::default()
        })
    };
    (direction(), direction(), span(0, 3_600_000), span(1000, 600_000))
        .prop_map(|(up, down, warm_up, stale_after)| Guards { up, down, warm_up, stale_after, ..Guards::default() })
}

fn span(from: u64, to: u64) -> impl Strategy<Value = Duration> {
    (from..=to).prop_map(Duration::from_millis)
}

fn rule() -> impl Strategy<Value = Rule> {
    let tolerance = || (0..2000_u32).prop_map(thousandths);
    let target = (reading(), any::<bool>(), span(1000, 600_000), tolerance(), tolerance()).prop_map(
        |((signal, value), total, window, up, down)| {
            let goal = if total { Goal::Total(value) } else { Goal::PerReplica(value) };
            RuleKind::Target(Target { signal, goal, window, tolerance: Tolerance { up, down } }).into()
        },
    );
    let step = prop_oneof![
        (1..=1000_u32).prop_map(StepSize::Count),
        (1..=1000_u32).prop_map(|share| StepSize::Share(thousandths(share)))
    ];
    let lasting = prop_oneof![
        span(0, 86_400_000).prop_map(Lasting::For),
        (1..=64_u8, 0..64_u8).prop_map(|(hits, more)| Lasting::Samples { hits, of: (hits + more).min(64) }),
    ];
    let threshold = (reading(), any::<bool>(), lasting, step, span(1000, 600_000)).prop_map(
        |((signal, bound), up, lasting, size, window)| {
            let (bounds, direction) =
                if up { (Bounds::above(bound), Direction::Up) } else { (Bounds::below(bound), Direction::Down) };
            RuleKind::Threshold(Threshold {
                signal,
                bounds,
                lasting,
                action: Action::Step(Step { direction, size }),
                rounding: Rounding::default(),
                at_least_step: 1,
                limit: None,
                window,
            })
            .into()
        },
    );
    prop_oneof![target, threshold]
}

/// A signal and a value that fits it.
fn reading() -> impl Strategy<Value = (SignalName, Quantity)> {
    let any_unit = select(&[Unit::Number, Unit::Seconds, Unit::Bytes, Unit::PerSecond][..]);
    let units = prop_oneof![
        Just(("cpu", Unit::Cores)),
        Just(("cpu", Unit::Share)),
        Just(("memory", Unit::Bytes)),
        Just(("memory", Unit::Share)),
        Just(("requests", Unit::PerSecond)),
        Just(("latency.p99", Unit::Seconds)),
        Just(("open-1", Unit::Number)),
        Just(("heap", Unit::Bytes)),
        Just(("jobs", Unit::Number)),
        Just(("jobs_2", Unit::Number)),
        any_unit.prop_map(|unit| ("1", unit)),
    ];
    (units, 1..=1000_u32).prop_map(|((name, unit), amount)| {
        let quantity = match unit {
            Unit::Share => Quantity::OfLimit(thousandths(amount)),
            Unit::Seconds => Quantity::Absolute { value: thousandths(amount), unit },
            _ => Quantity::Absolute { value: f64::from(amount) / 8.0, unit },
        };
        (SignalName::new(name), quantity)
    })
}

/// The nearest number to so many thousandths.
fn thousandths(amount: u32) -> f64 {
    f64::from(amount) / 1000.0
}
