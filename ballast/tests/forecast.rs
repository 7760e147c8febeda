//! `ballast forecast`, as a user runs it.

use std::{
    error::Error,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use assert_cmd::cargo::CommandCargoExt as _;
use autoscaler::{policy::RuleKind, policy_file};
use bus::{
    Bus, Delivery,
    local::{LocalBus, serve_socket},
    payload::{DecisionStatus, ForecastStatus, ServiceStatus, Status, encode},
    subject::Subjects,
};
use replay::{scaler::PolicyScaler, simulation};
use serde_json::Value;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A day of two minutes, and some noise.
const SCENARIO: &str = "\
scenario: 1
about: The same comes again.
service: shop/web
lasts: 8m
every: 1s
seed: 3
replicas: { start: 2, min: 1, max: 20 }
policy: web.yaml
objective: { latency: { p95: 250ms }, idle_per_missing: 10 }
load:
  requests:
    draw:
      - level: 100/s
      - sine: { amplitude: 80/s, period: 2m }
      - noise: { spread: 5%, every: 5s }
  service: { takes: 20ms, cpu_limit: 1, start: { boot: 9s } }
";
const POLICY: &str = "\
service: shop/web
replicas: { min: 1, max: 20 }
signals: { requests: published }
rules:
  - forecast: { signal: requests, per_replica: 30/s, horizon: 10s }
";
const SIGNALS: &str = "\
scenario: 1
about: Signals are played back.
service: shop/web
lasts: 1m
replicas: { start: 1, min: 1, max: 9 }
policy: web.yaml
signals:
  values:
    requests: { draw: [{ level: 8 }] }
";

fn folder() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text);
    write("days.yaml", SCENARIO)?;
    write("web.yaml", POLICY)?;
    write("signals.yaml", SIGNALS)?;
    write(
        "plain.yaml",
        &POLICY.replace(
            "forecast: { signal: requests, per_replica: 30/s, horizon: 10s }",
            "target: { signal: cpu, per_replica: 60% }",
        ),
    )?;
    Ok(folder)
}

fn ballast(folder: &Path, args: &[&str]) -> Result<Output> {
    let mut command = Command::cargo_bin("ballast")?;
    Ok(command.current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::null()).arg("forecast").args(args).output()?)
}

/// Standard output of a command that works.
fn told(folder: &Path, args: &[&str]) -> Result<String> {
    let output = ballast(folder, args)?;
    assert!(output.status.success(), "{args:?}: {output:?}");
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_demand_of_a_scenario_is_forecast_and_what_came_then_is_told() -> Result {
    let folder = folder()?;
    let asked = ["--scenario", "days.yaml", "--at", "7m", "--ahead", "2m"];
    insta::assert_snapshot!("forecast_demand", told(folder.path(), &asked)?);
    let json: Value = serde_json::from_str(&told(folder.path(), &[&asked[..], &["--json"]].concat())?)?;
    insta::assert_snapshot!("forecast_json", serde_json::to_string_pretty(&shortened(json.clone()))?);
    let ahead = json["ahead"].as_array().ok_or("ahead")?;
    let known = ahead.iter().filter(|span| span["actual"].is_number()).count();
    assert!(known > 0 && known < ahead.len(), "the scenario ends a minute later: {known} of {}", ahead.len());
    Ok(())
}

#[test]
fn a_policy_that_scales_in_a_scenario_tells_what_its_rule_knows() -> Result {
    let folder = folder()?;
    let asked = ["--scenario", "days.yaml", "--policy", "web.yaml", "--at", "6m", "--ahead", "2m"];
    insta::assert_snapshot!("forecast_policy", told(folder.path(), &asked)?);
    Ok(())
}

/// Of each list its first element and how many there are.
fn shortened(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, shortened(value))).collect(),
        Value::Array(items) if items.len() > 3 && items.iter().all(Value::is_object) => {
            let count = format!("and {} more", items.len() - 1);
            Value::Array(items.into_iter().take(1).map(shortened).chain([count.into()]).collect())
        }
        other => other,
    }
}

#[test]
fn pictures_are_well_formed_and_need_no_network() -> Result {
    let folder = folder()?;
    let files = ["--html", "f.html", "--svg", "f.svg", "--png", "f.png"];
    told(folder.path(), &[&["--scenario", "days.yaml", "--ahead", "2m"], &files[..]].concat())?;
    told(folder.path(), &["--scenario", "days.yaml", "--ahead", "2m", "--svg", "dark.svg", "--dark"])?;
    let read = |name: &str| fs::read_to_string(folder.path().join(name));
    for name in ["f.html", "f.svg", "dark.svg"] {
        let text = read(name)?;
        for way_out in ["src=", "href=\"http", "url(http", "@import", "fetch("] {
            assert!(!text.contains(way_out), "{name} asks for {way_out}");
        }
        let svgs = text.matches("<svg").count();
        assert!(svgs > 0 && svgs == text.matches("</svg>").count(), "{name}");
        assert_eq!(text.matches("<g>").count() + text.matches("<g ").count(), text.matches("</g>").count(), "{name}");
        assert!(!text.contains("NaN") && !text.contains("inf "), "{name}");
    }
    for name in ["f.svg", "dark.svg"] {
        let options = resvg::usvg::Options::default();
        resvg::usvg::Tree::from_str(&read(name)?, &options)?;
    }
    assert!(read("f.html")?.contains("default-src 'none'"));
    assert_ne!(read("f.svg")?, read("dark.svg")?);
    assert!(fs::read(folder.path().join("f.png"))?.starts_with(b"\x89PNG"));
    Ok(())
}

/// The words of docs/forecasting.md; its numbers are those of one run.
#[test]
fn the_page_quotes_a_sentence_as_it_is_said() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/forecasting.md"))?;
    let quoted = page.lines().find(|line| line.starts_with("rule 1 wants ") && !line.contains('…')).ok_or("a quote")?;
    let policy = page.split_once("docs: save ahead.yaml -->\n```yaml\n").and_then(|(_, rest)| rest.split_once("```"));
    let folder = tempfile::tempdir()?;
    let policy_file = folder.path().join("ahead.yaml");
    fs::write(&policy_file, policy.ok_or("a policy")?.0)?;
    let policy_file = policy_file.to_str().ok_or("a path")?;
    let asked = ["--scenario", "scenarios/compressed-days.yaml", "--policy", policy_file, "--at", "12m30s", "--json"];
    let json: Value = serde_json::from_str(&told(&root, &asked)?)?;
    assert_eq!(without_numbers(json["sentence"].as_str().ok_or("a sentence")?), without_numbers(quoted));
    Ok(())
}

/// A text with `#` for each number, and for minutes with seconds.
fn without_numbers(text: &str) -> String {
    let mut written = String::new();
    for sign in text.chars() {
        match sign {
            '0'..='9' | '.' if written.ends_with('#') => {}
            '0'..='9' => written.push('#'),
            other => written.push(other),
        }
    }
    written.replace("#m #s", "#m")
}

#[test]
fn moments_are_told_by_the_clock_of_the_rule_and_with_the_date() -> Result {
    let folder = folder()?;
    fs::write(folder.path().join("oslo.yaml"), POLICY.replace("horizon: 10s", "horizon: 10s, timezone: Europe/Oslo"))?;
    let asked = |policy| ["--scenario", "days.yaml", "--policy", policy, "--at", "6m", "--ahead", "2m"];
    for (policy, head, plan, first) in [
        ("web.yaml", "forecast at 2026-01-05 00:06:00 UTC", "PLAN FROM (UTC)", "\n00:06:00 "),
        ("oslo.yaml", "forecast at 2026-01-05 01:06:00 Europe/Oslo", "PLAN FROM (Europe/Oslo)", "\n01:06:00 "),
    ] {
        let text = told(folder.path(), &asked(policy))?;
        for expected in [head, plan, first] {
            assert!(text.contains(expected), "{policy}: {expected}: {text}");
        }
        let page = folder.path().join("f.html");
        let html = [&asked(policy)[..], &["--html", "f.html"]].concat();
        told(folder.path(), &html)?;
        assert!(fs::read_to_string(page)?.contains(head), "{policy}");
    }
    Ok(())
}

#[test]
fn what_cannot_be_forecast_is_said_with_its_cause() -> Result {
    let folder = folder()?;
    for (name, args, expected) in [
        ("no demand", &["--scenario", "signals.yaml"][..], "has no demand to forecast"),
        ("no rule", &["--scenario", "days.yaml", "--policy", "plain.yaml"], "plain.yaml has no forecast rule"),
        ("another rule", &["--scenario", "days.yaml", "--policy", "web.yaml", "--rule", "2"], "--rule may be 1"),
        ("too little", &["--scenario", "days.yaml", "--at", "8s"], "there is too little history: "),
        (
            "too little for a rule",
            &["--scenario", "days.yaml", "--policy", "web.yaml", "--at", "8s"],
            "there is too little history: ",
        ),
        ("hardly anything", &["--scenario", "days.yaml", "--at", "1s"], "before there are 3"),
        (
            "after the end",
            &["--scenario", "days.yaml", "--at", "9m"],
            "--at 9m is after the end of days, which lasts 8m",
        ),
        ("a rule of no policy", &["--scenario", "days.yaml", "--rule", "1"], "and no --policy is given"),
        ("no such file", &["--scenario", "none.yaml"], "none.yaml"),
    ] {
        let output = ballast(folder.path(), args)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(expected) && output.stdout.is_empty(), "{name}: {said}");
    }
    for (name, args) in [("nothing", &[][..]), ("both", &["web", "--scenario", "days.yaml"])] {
        let output = ballast(folder.path(), args)?;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(said.contains("<SERVICE|--scenario <FILE>>"), "{name}: {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_is_asked_for_what_its_rule_knows() -> Result {
    let status = known()?;
    let service = status.services[0].clone();
    let with = |change: fn(&mut ServiceStatus)| {
        let mut changed = service.clone();
        change(&mut changed);
        Status { services: vec![changed], ..status.clone() }
    };
    let printed = ask(status.clone(), &["forecast", "shop/web", "--ahead", "2m"]).await?;
    assert!(printed.status.success(), "{printed:?}");
    insta::assert_snapshot!("forecast_live", String::from_utf8(printed.stdout)?);
    for (name, answer, expected) in [
        (
            "unknown",
            Status { error: Some("no service is called \"wep\"".to_owned()), ..Status::default() },
            "no service is called",
        ),
        ("no policy", with(|service| service.policy = None), "no policy names alpha/shop/web"),
        (
            "no rule",
            with(|service| service.forecasts.clear()),
            "the policy of alpha/shop/web (web.yaml) has no forecast rule",
        ),
        ("nothing yet", with(|service| service.forecasts[0].state = None), "too little history"),
        ("another version", with(|service| service.forecasts[0].state = Some(1.into())), "of another version"),
    ] {
        let output = ask(answer, &["forecast", "web"]).await?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && said.contains(expected), "{name}: {said}");
    }
    Ok(())
}

/// What a controller would answer after six minutes of the scenario.
fn known() -> Result<Status> {
    let files = |_: &str| Ok(POLICY.to_owned());
    let mut scenario = replay::scenario::read("days.yaml", SCENARIO, &files)?.scenario;
    scenario.lasts = std::time::Duration::from_mins(6);
    let policy = policy_file::parse("web.yaml", POLICY)?.policies.remove(0);
    let mut scaler = PolicyScaler::new("web.yaml", Arc::new(policy));
    simulation::run(&scenario, &mut scaler, &mut []).map_err(|error| error.to_string())?;
    let autoscaler = scaler.autoscaler();
    let (place, state) = autoscaler.memory().forecasts().next().ok_or("a state")?;
    let RuleKind::Forecast(rule) = &autoscaler.policy().rules[place].kind else { return Err("a forecast".into()) };
    let forecast =
        ForecastStatus { rule: 1, settings: serde_json::to_value(rule)?, state: Some(serde_json::to_value(state)?) };
    let evaluation = autoscaler.evaluate(scenario.ends());
    let decision =
        DecisionStatus { evaluation_detail: Some(serde_json::to_value(&evaluation)?), ..DecisionStatus::default() };
    let service = ServiceStatus {
        host: "alpha".to_owned(),
        project: "shop".to_owned(),
        service: "web".to_owned(),
        policy: Some("web.yaml".to_owned()),
        min: Some(1),
        max: Some(20),
        decision: Some(decision),
        forecasts: vec![forecast],
        ..ServiceStatus::default()
    };
    Ok(Status { services: vec![service], ..Status::default() })
}

/// What `ballast` does with the answer of a controller on its socket, which is asked what a forecast asks.
async fn ask(answer: Status, args: &[&str]) -> Result<Output> {
    let dir = tempfile::tempdir()?;
    let bus: Bus = LocalBus::in_memory()?;
    let mut asked = bus.subscribe(&Subjects::new("default").ask("forecast"), 16).await?;
    let path = dir.path().join("ballast.sock");
    let _socket = serve_socket(Arc::clone(&bus), path.clone()).await?;
    tokio::spawn(async move {
        while let Some(Delivery::Message(message)) = asked.next().await {
            message.reply.expect("a request").send(encode(&answer));
        }
    });
    let mut command = Command::cargo_bin("ballast")?;
    command.env_clear().env("NO_COLOR", "1").stdin(Stdio::null()).args(args).arg("--socket").arg(path);
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}
