//! What happened, asked for over the bus in pages, and replayed.

use autoscaler::{
    Autoscaler, Timestamp,
    journal::{Entry, What, read},
};
use bus::{
    Bus, Keep,
    local::LocalBus,
    payload::{self, History, HistorySpan, Question, Target},
};
use controller::{Config, journal::Assembly};
use tempfile::TempDir;

use super::{
    Result,
    common::{Fleet, POLICY, inventory, now_ms, samples},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_outlives_the_controller_and_replays() -> Result {
    outlives(LocalBus::in_memory()?).await
}

#[tokio::test]
async fn who_keeps_none_says_so() -> Result {
    let config = |folder: &TempDir| Config {
        history: Keep { age: std::time::Duration::ZERO, bytes: 0 },
        ..Config::new("test", vec![folder.path().to_owned()])
    };
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("shop.yaml"), POLICY)?;
    let fleet = Fleet::start_with(LocalBus::in_memory()?, config(&folder), folder).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let _: Target = fleet.value("targets", "a.shop.web").await?;
    let page = page(&fleet, "shop/web", HistorySpan { until_ms: now_ms(), ..HistorySpan::default() }).await?;
    assert!(page.error.as_ref().is_some_and(|error| error.contains("--history 0s")), "{page:?}");
    fleet.stop().await
}

/// Two controllers after each other on this bus.
pub(crate) async fn outlives(bus: Bus) -> Result {
    let folder = TempDir::new()?;
    std::fs::write(folder.path().join("shop.yaml"), POLICY)?;
    let begin = now_ms();
    let fleet = Fleet::start_on(bus, folder).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let _: Target = fleet.value("targets", "a.shop.web").await?;
    fleet.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.replicas == 4).await?;
    let text = history(&fleet, "web", begin, now_ms()).await?;
    assert!(decided(&text).contains(&(2, 4)), "{text}");
    assert_eq!(replayed(&text), decided(&text), "{text}");

    let (bus, folder) = fleet.end().await?;
    let fleet = Fleet::start_on(bus, folder).await?;
    fleet.publish(&inventory("a", 1, 4)).await?;
    let _: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.term > grown.term).await?;
    fleet.publish(&samples("a", 1, 4, 1.1)).await?;
    let newer = |target: &Target| target.term > grown.term && target.replicas > 4;
    let _: Target = fleet.value_where("targets", "a.shop.web", newer).await?;
    let text = history(&fleet, "a/shop/web", begin, now_ms()).await?;
    assert_eq!(text.matches("@restarted").count(), 1, "{text}");
    assert!(decided(&text).contains(&(4, 9)), "{text}");
    assert_eq!(replayed(&text), decided(&text), "{text}");
    fleet.stop().await
}

async fn page(fleet: &Fleet, service: &str, span: HistorySpan) -> Result<History> {
    let question =
        Question { v: payload::VERSION, service: Some(service.to_owned()), history: Some(span), ..Question::default() };
    fleet.ask_for("history", &question).await
}

async fn history(fleet: &Fleet, service: &str, from_ms: u64, until_ms: u64) -> Result<String> {
    let mut assembly = Assembly::new(Timestamp::from_millis(from_ms), Timestamp::from_millis(until_ms));
    let mut after = None;
    loop {
        let page = page(fleet, service, HistorySpan { from_ms, until_ms, after }).await?;
        assert_eq!((page.error, page.service.as_deref()), (None, Some("a/shop/web")));
        for chunk in &page.chunks {
            assembly.add(chunk)?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(assembly.into_text());
        }
    }
}

/// The counts before and after of each decision that was news.
fn decided(text: &str) -> Vec<(u32, u32)> {
    let entries = read(text).unwrap_or_else(|errors| panic!("{errors}"));
    let news = entries.into_iter().filter_map(|entry| match entry.what {
        What::Decided(decided) => Some(counts(decided.verdict)),
        _ => None,
    });
    news.collect()
}

/// The same, decided again.
fn replayed(text: &str) -> Vec<(u32, u32)> {
    let mut autoscaler = None;
    let mut newest = None;
    let mut news = Vec::new();
    for Entry { at, what } in read(text).unwrap_or_else(|errors| panic!("{errors}")) {
        match (what, &mut autoscaler) {
            (What::Began(snapshot), _) => autoscaler = Some(Autoscaler::resume(*snapshot)),
            (What::Event(event), Some(autoscaler)) => autoscaler.handle_event(event, at),
            (What::Looked { .. }, Some(autoscaler)) => {
                let evaluation = autoscaler.evaluate(at);
                autoscaler.record(&evaluation);
                newest = Some(evaluation);
            }
            (What::Decided(decided), Some(_)) => {
                let evaluation = newest.as_ref().expect("it looked before");
                assert_eq!(decided.sentence, autoscaler::explain::sentence(evaluation));
                news.push(counts(evaluation.verdict));
            }
            _ => {}
        }
    }
    news
}

fn counts(verdict: autoscaler::Verdict) -> (u32, u32) {
    match verdict {
        autoscaler::Verdict::Scale { from, to } => (from, to),
        other => other.replicas().map_or((0, 0), |at| (at, at)),
    }
}
