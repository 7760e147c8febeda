//! An engine that goes down and comes back: what ran has to run again, and what somebody stopped has not.
//! It has a host of its own, as everything on that host goes down with it.
#![cfg(feature = "needs-docker")]

mod common;

use std::time::{Duration, Instant};

use agent::{inventory::wait_until, model::ExitCause};
use bus::payload::Phase;
use common::{Fleet, LIMIT, ready};
use testbed::DockerHost;

const HOST: u32 = 2;
/// From the engine's return to the fleet at its target.
const BACK: Duration = Duration::from_secs(10);

const COMPOSE: &str = "
services:
  once: { image: IMAGE, command: sleep 600, stop_grace_period: 0s }
  always: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, restart: always }
  stopped: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, restart: unless-stopped }
  sleeper: { image: IMAGE, command: sleep 600, stop_grace_period: 0s, restart: always }
";

#[tokio::test(flavor = "multi_thread")]
async fn after_an_engine_restart_and_a_power_cut_the_fleet_is_back_at_its_target_within_10_s() {
    let mut fleet = Fleet::prepare_on(DockerHost::get(HOST), "restart", COMPOSE).await;
    fleet.project.compose(&["up", "-d"]);
    for service in ["once", "always"] {
        fleet.assign(service, 1, 9).await;
        fleet.scale(service, 3).await;
    }
    fleet.assign("sleeper", 0, 9).await;
    fleet.scale("sleeper", 0).await;
    fleet.project.compose(&["stop", "stopped"]);
    fleet.assign("stopped", 1, 9).await;
    fleet.aim("stopped", 2);
    let (once, always, stopped) = (fleet.service("once"), fleet.service("always"), fleet.service("stopped"));
    let sleeper = fleet.service("sleeper");
    let sleeps = |host: &agent::model::Host| host.services[&sleeper].replicas[0].exit == Some(ExitCause::Asleep);
    let mut host = fleet.inventory.host();
    let is_stopped = |host: &agent::model::Host| matches!(host.services[&stopped].phase, Phase::Stopped { .. });
    wait_until(&mut host, LIMIT, is_stopped).await.expect("it is stopped");
    // By now the stop is older than what an engine's own shutdown could have caused.
    tokio::time::sleep(Duration::from_secs(16)).await;

    for power_cut in [false, true] {
        if power_cut {
            fleet.host.kill_engine();
        } else {
            fleet.host.stop_engine();
        }
        let away =
            wait_until(&mut host, LIMIT, |host| host.engine_error.is_some()).await.expect("it is seen to be away");
        assert_eq!(away.services[&once].replicas.len(), 3, "what was last known is kept");
        fleet.host.start_engine();
        let returned = Instant::now();
        let is_back = |host: &agent::model::Host| {
            host.engine_error.is_none() && ready(host, &once) == 3 && ready(host, &always) == 3
        };
        wait_until(&mut host, LIMIT, is_back).await.expect("the fleet is back");
        assert!(returned.elapsed() < BACK, "it took {:?}", returned.elapsed());
        assert_eq!((fleet.project.all("once").len(), fleet.project.all("always").len()), (3, 3), "nothing is doubled");
        assert_eq!(fleet.project.running("stopped").len(), 0, "what somebody stopped stays stopped");
        wait_until(&mut host, LIMIT, |host| host.engine_error.is_none() && sleeps(host))
            .await
            .expect("it sleeps again");
    }

    // The agent goes down with the host, and what it knew is lost.
    fleet.host.kill_engine();
    fleet.host.start_engine();
    fleet.restart_agent();
    fleet.assign("sleeper", 0, 9).await;
    fleet.aim("sleeper", 0);
    for (service, replicas) in [("stopped", 2), ("once", 3), ("always", 3)] {
        fleet.assign(service, 1, 9).await;
        fleet.aim(service, replicas);
    }
    let mut host = fleet.inventory.host();
    let is_back = |host: &agent::model::Host| ready(host, &once) == 3 && ready(host, &always) == 3;
    wait_until(&mut host, BACK, is_back).await.expect("the fleet is back");
    assert_eq!(fleet.project.running("stopped").len(), 0, "what somebody stopped stays stopped");
    wait_until(&mut host, LIMIT, sleeps).await.expect("it sleeps again");
}
