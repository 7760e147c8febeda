//! The controller as it runs: on an in-process bus, with policy files on disk.

mod common;
mod history;
#[cfg(feature = "needs-nats")]
mod on_nats;

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

use bus::{
    Transport as _,
    local::LocalBus,
    payload::{Assignment, Mode, Status, Target},
};
use common::{Fleet, POLICY, inventory, samples};
use tempfile::TempDir;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_leads_to_a_target_at_once() -> Result {
    let fleet = Fleet::start(&[("shop.yaml", POLICY)]).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let assignment: Assignment = fleet.value("assignments", "a.shop.web").await?;
    assert_eq!((assignment.mode, assignment.min, assignment.max), (Mode::Act, 1, 10));
    let first: Target = fleet.value("targets", "a.shop.web").await?;
    assert_eq!((first.replicas, first.sequence, first.valid_for_ms), (2, 1, 60_000));

    let published = Instant::now();
    fleet.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.sequence == 2).await?;
    assert_eq!(grown.replicas, 4, "{}", grown.reason);
    assert!(published.elapsed() < Duration::from_secs(1), "nothing waits for a tick: {:?}", published.elapsed());

    let status: Status = fleet.ask("explain", Some("web")).await?;
    assert_eq!(status.services[0].target, Some(4));
    assert!(status.services[0].decision.as_ref().is_some_and(|decision| decision.evaluation_detail.is_some()));
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_in_force_within_a_second_and_a_broken_one_is_not() -> Result {
    let fleet = Fleet::start(&[("shop.yaml", POLICY)]).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let _: Assignment = fleet.value("assignments", "a.shop.web").await?;

    let max = |wanted| move |assignment: &Assignment| assignment.max == wanted;
    let edited = Instant::now();
    fs::write(fleet.file("shop.yaml"), POLICY.replace("max: 10", "max: 12"))?;
    let _: Assignment = fleet.value_where("assignments", "a.shop.web", max(12)).await?;
    assert!(edited.elapsed() < Duration::from_secs(1), "{:?}", edited.elapsed());

    fs::write(fleet.file("shop.yaml"), POLICY.replace("max: 10", "max: many"))?;
    let status = fleet.status_where(|status| status.policies[0].error.is_some()).await?;
    assert!(status.policies[0].error.as_ref().is_some_and(|error| error.contains("many")), "{:?}", status.policies);
    assert_eq!((status.policies[0].policies, status.services[0].max), (1, Some(12)));

    // The way of editors: a new file takes the place of the old one.
    fs::write(fleet.file("shop.yaml.new"), POLICY.replace("max: 10", "max: 13"))?;
    fs::rename(fleet.file("shop.yaml.new"), fleet.file("shop.yaml"))?;
    let _: Assignment = fleet.value_where("assignments", "a.shop.web", max(13)).await?;

    fs::remove_file(fleet.file("shop.yaml"))?;
    fleet.gone("assignments", "a.shop.web").await?;
    fleet.gone("targets", "a.shop.web").await?;
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turned_link_is_in_force_within_a_second() -> Result {
    let folder = TempDir::new()?;
    for (name, max) in [("v1", "max: 11"), ("v2", "max: 12")] {
        fs::create_dir(folder.path().join(name))?;
        fs::write(folder.path().join(name).join("shop.yaml"), POLICY.replace("max: 10", max))?;
    }
    symlink("v1", folder.path().join("..data"))?;
    symlink("..data/shop.yaml", folder.path().join("shop.yaml"))?;
    let fleet = Fleet::start_on(LocalBus::in_memory()?, folder).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    let first: Assignment = fleet.value("assignments", "a.shop.web").await?;
    assert_eq!(first.max, 11);

    let turned = Instant::now();
    symlink("v2", fleet.file("..next"))?;
    fs::rename(fleet.file("..next"), fleet.file("..data"))?;
    let _: Assignment =
        fleet.value_where("assignments", "a.shop.web", |assignment: &Assignment| assignment.max == 12).await?;
    assert!(turned.elapsed() < Duration::from_secs(1), "{:?}", turned.elapsed());
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_started_again_it_goes_on_with_its_target_under_a_new_term() -> Result {
    let fleet = Fleet::start(&[("shop.yaml", POLICY)]).await?;
    fleet.publish(&inventory("a", 1, 2)).await?;
    fleet.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.replicas == 4).await?;
    let saved = |saved: &serde_json::Value| saved["target"]["replicas"] == 4;
    let _: serde_json::Value = fleet.value_where("memory", "a.shop.web", saved).await?;
    let (bus, folder) = fleet.kill().await?;

    let fleet = Fleet::start_on(bus, folder).await?;
    fleet.publish(&inventory("a", 2, 2)).await?;
    let again: Target = fleet.value_where("targets", "a.shop.web", |target: &Target| target.term > grown.term).await?;
    assert_eq!(again.replicas, 4);
    assert!(again.sequence > grown.sequence);
    fleet.publish(&inventory("a", 3, 4)).await?;
    fleet.publish(&samples("a", 2, 4, 0.01)).await?;
    let status = fleet
        .status_where(|status| {
            let decision = status.services.first().and_then(|service| service.decision.as_ref());
            decision.is_some_and(|decision| decision.sentence.contains("cooldown"))
        })
        .await?;
    assert_eq!(status.services[0].target, Some(4), "the step up before the restart still counts");
    assert!(status.services[0].decision.as_ref().is_some_and(|decision| decision.evaluation > grown.evaluation));
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_controllers_the_older_one_steps_back() -> Result {
    let first = Fleet::start(&[("shop.yaml", POLICY)]).await?;
    first.publish(&inventory("a", 1, 2)).await?;
    let older = first.value::<Target>("targets", "a.shop.web").await?.term;
    let second_folder = TempDir::new()?;
    fs::write(second_folder.path().join("shop.yaml"), POLICY)?;
    let second = Fleet::start_on(first.bus.clone(), second_folder).await?;
    second.status_where(|status| status.term > older && status.warnings.is_empty()).await?;
    second.publish(&inventory("a", 2, 2)).await?;
    second.publish(&samples("a", 1, 2, 0.95)).await?;
    let grown: Target = second.value_where("targets", "a.shop.web", |target: &Target| target.replicas == 4).await?;
    assert!(grown.term > older);
    second.stop().await?;
    let left = first.ask("status", None).await?;
    assert_eq!(left.term, older);
    assert!(left.warnings[0].contains(&format!("term {}", grown.term)), "{:?}", left.warnings);
    let bus = first.bus.clone();
    first.stop().await?;
    let kept = bus.bucket("targets").await?.get("a.shop.web").await?.ok_or("the target is gone")?;
    assert_eq!(bus::payload::decode::<Target>(&kept.value)?.term, grown.term, "an end in order writes nothing either");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_term_that_is_none_keeps_the_controller_from_starting() -> Result {
    let bus = LocalBus::in_memory()?;
    bus.bucket("controllers").await?.put("term", "nonsense".into()).await?;
    let config = controller::Config::new("test", Vec::new());
    let error = controller::run(config, bus, tokio_util::sync::CancellationToken::new()).await;
    assert!(matches!(error, Err(controller::ControllerError::Term { ref found }) if found == "nonsense"), "{error:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_that_lost_everything_brings_back_no_term_that_agents_have_left_behind() -> Result {
    let bus = LocalBus::in_memory()?;
    bus.bucket("controllers").await?.put("term", r#"{"v":1,"term":7,"since_ms":0}"#.into()).await?;
    let fleet = Fleet::start_on(bus, TempDir::new()?).await?;
    let seconds = common::now_ms() / 1000;
    let term = fleet.ask("status", None).await?.term;
    assert!((seconds - 60..=seconds).contains(&term), "{term}");
    fleet.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_term_that_was_lost_is_written_again() -> Result {
    let fleet = Fleet::start(&[]).await?;
    let before: serde_json::Value = fleet.value("controllers", "term").await?;
    fleet.bus.bucket("controllers").await?.delete("term").await?;
    let after: serde_json::Value = fleet.value("controllers", "term").await?;
    assert_eq!(after["term"], before["term"]);
    fleet.stop().await
}
