//! The same reaction in `./demo`: from the decision, which is made when the sample arrives, to a replica that serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::Path,
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use bus::payload::Status;
use testbed::DockerHost;

use crate::{
    reaction::{Life, News, follow_engine, note},
    table,
};

const PROJECT: &str = "ballast-demo";
/// Decisions are kept in the controller's history for much longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs one round of the demo on the host, and looks on.
pub(crate) fn print(host: &DockerHost) {
    let (news_in, news) = mpsc::channel();
    let events = follow_engine(host, PROJECT, news_in);
    let mut demo = host.command("./demo");
    demo.arg("--once").current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).stdin(Stdio::null());
    let mut demo = demo.stdout(Stdio::null()).spawn().expect("start the demo");
    let mut decisions = BTreeMap::<String, BTreeSet<Duration>>::new();
    let status = loop {
        if let Some(status) = demo.try_wait().expect("the demo can be asked") {
            break status;
        }
        look(host, &mut decisions);
        thread::sleep(LOOK_EVERY);
    };
    assert!(status.success(), "the demo shows both services growing and shrinking");
    drop(events);
    print_table(&decisions, &news);
}

/// Notes each decision to grow, by service.
fn look(host: &DockerHost, decisions: &mut BTreeMap<String, BTreeSet<Duration>>) {
    let port = env::var("NATS_PORT").unwrap_or_else(|_| "14222".to_owned());
    let mut status = host.command(env!("CARGO_BIN_EXE_ballast"));
    status.args(["status", "--json", "--nats", &format!("nats://127.0.0.1:{port}")]).stderr(Stdio::null());
    let Ok(output) = status.output() else { return };
    let Ok(status) = serde_json::from_slice::<Status>(&output.stdout) else { return };
    for service in status.services.into_iter().filter(|service| service.project == PROJECT) {
        let all = service.history.iter().chain(&service.decision);
        let up = all.filter(|decision| decision.verdict == "up").map(|decision| Duration::from_millis(decision.at_ms));
        decisions.entry(service.service.clone()).or_default().extend(up);
    }
}

fn print_table(decisions: &BTreeMap<String, BTreeSet<Duration>>, news: &mpsc::Receiver<News>) {
    let mut lives = BTreeMap::<String, Life>::new();
    let mut services = BTreeMap::new();
    for item in news.try_iter() {
        note(&mut lives, &item);
        if let News::Engine { id, service, .. } = item {
            services.insert(id, service);
        }
    }
    let spans = |wanted: &str, when: fn(&Life) -> Option<Duration>| -> Vec<Duration> {
        let of_service = lives.iter().filter(|(id, _)| services.get(*id).is_some_and(|service| service == wanted));
        let span = |life: &Life| {
            // Those before the first decision are Compose's.
            let decided = decisions.get(wanted)?.range(..=life.created?).next_back()?;
            Some(when(life)?.saturating_sub(*decided))
        };
        of_service.filter_map(|(_, life)| span(life)).collect()
    };
    let row = |what: &str, spans: Vec<Duration>| [vec![what.to_owned()], table::spread(&spans).to_vec()].concat();
    let rows = vec![
        row("web: `health_status: healthy`", spans("web", |life| life.healthy)),
        row("worker, without a health check: `start`", spans("worker", |life| life.started)),
    ];
    table::print("Reaction in the demo", &["from the decision to", "n", "p50", "p99", "max"], rows);
}
