//! Several hosts, one controller, one NATS.

use std::time::Duration;

use testbed::{DockerHost, Project};

use crate::harness::{Fleet, host_name, idle_service, policy};

#[test]
fn services_of_two_hosts_are_scaled_each_by_its_own_agent() {
    let hosts = [DockerHost::get(1), DockerHost::get(2)];
    let projects: Vec<_> = hosts
        .iter()
        .map(|host| Project::new(host, &format!("two-{}", host.number()), &idle_service(&host.busybox(), "")))
        .collect();
    for project in &projects {
        project.compose(&["up", "--detach"]);
    }
    let fleet = Fleet::start("two-hosts", &hosts, &policy("two-*/web", 1, 5, "down: { cooldown: 0s, stabilize: 1s }"));
    fleet.load("two-1", "web", 25.0);
    fleet.load("two-2", "web", 40.0);
    for (project, host, count) in [(&projects[0], &hosts[0], 3), (&projects[1], &hosts[1], 4)] {
        let status = fleet.wait_ready(project.name(), "web", count, Duration::from_secs(20));
        assert_eq!(status.host, host_name(host));
        assert_eq!(project.running("web").len(), count as usize, "Compose on that host agrees");
    }
    let elsewhere = hosts[1].docker(&["ps", "--quiet", "--filter", "label=com.docker.compose.project=two-1"]);
    assert_eq!(elsewhere, "", "nothing of the first host's project runs on the second");
}
