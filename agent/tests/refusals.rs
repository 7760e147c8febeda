//! Each kind of service that cannot be scaled is refused with cause and cure, and nothing is touched.
#![cfg(feature = "needs-docker")]

mod common;

use bus::payload::OutcomeResult;
use common::Fleet;

const UNSCALABLE: &str = "
x-base: &base { image: IMAGE, command: sleep 600, stop_grace_period: 0s }
services:
  named: { <<: *base, container_name: NAME, ipc: shareable }
  fixed-port: { <<: *base, ports: ['18050:80'] }
  fixed-address: { <<: *base, networks: { static: { ipv4_address: 10.213.7.9 } } }
  mac: { <<: *base, mac_address: '02:42:ac:11:00:99' }
  host: { <<: *base, network_mode: host }
  shared-network: { <<: *base, network_mode: 'service:mac' }
  shared-pid: { <<: *base, pid: 'service:mac' }
  shared-ipc: { <<: *base, ipc: 'container:NAME', depends_on: [named] }
  selinux: { <<: *base, volumes: ['./:/here:Z'] }
  job: { image: IMAGE, command: 'true' }
  awaited: { image: IMAGE, command: 'true' }
  waiting: { <<: *base, depends_on: { awaited: { condition: service_completed_successfully } } }
networks: { static: { ipam: { config: [{ subnet: 10.213.7.0/24 }] } } }
";

#[tokio::test(flavor = "multi_thread")]
async fn each_unscalable_kind_is_refused_with_cause_and_cure_and_nothing_is_touched() {
    let name = format!("ballast-test-named-{}", std::process::id());
    let mut fleet = Fleet::start("refused", &UNSCALABLE.replace("NAME", &name)).await;
    let before = containers(&fleet);
    for (service, code) in [
        ("named", "container-name"),
        ("fixed-port", "fixed-host-port"),
        ("fixed-address", "static-address"),
        ("mac", "mac-address"),
        ("host", "host-network"),
        ("shared-network", "shared-namespace"),
        ("shared-pid", "shared-namespace"),
        ("shared-ipc", "shared-namespace"),
        ("selinux", "private-selinux-label"),
        ("job", "one-shot"),
        ("awaited", "one-shot"),
    ] {
        fleet.assign(service, 1, 9).await;
        fleet.aim(service, 2);
        let outcome = fleet.outcome().await;
        let OutcomeResult::Refused { refusals } = &outcome else { panic!("{service}: {outcome:?}") };
        assert_eq!(refusals[0].code, code, "{service}: {refusals:?}");
        assert!(!refusals[0].cause.is_empty() && !refusals[0].cure.is_empty(), "{service}");
    }
    assert_eq!(containers(&fleet), before);
    // The limit concerns the others only.
    fleet.assign("waiting", 1, 9).await;
    fleet.scale("waiting", 2).await;
}

fn containers(fleet: &Fleet) -> String {
    let label = format!("label=com.docker.compose.project={}", fleet.project.name());
    fleet.host.docker(&["ps", "--all", "--format", "{{.ID}} {{.Names}} {{.State}}", "--filter", &label])
}
