//! Reads every running replica, each from where it can be read, and remembers the reading before.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bus::payload::{ReplicaSample, SampleSource, ServiceName};

use super::{
    cgroup::{Cgroup, Roots, Wanted},
    rate::{self, LEAST_ELAPSED, Reading},
    text::FileBuffer,
};
use crate::model::{Host, Replica};

/// The replicas measured, by container ID.
#[derive(Debug)]
pub struct ReplicaMeter {
    roots: Roots,
    origin: Instant,
    tracked: BTreeMap<String, Tracked>,
}

#[derive(Debug)]
struct Tracked {
    started_ms: Option<u64>,
    pid: Option<u32>,
    source: Source,
    previous: Option<Reading>,
}

#[derive(Debug)]
enum Source {
    Cgroup(Cgroup),
    Stats,
}

impl ReplicaMeter {
    /// A meter that has measured nothing yet.
    pub fn new(roots: Roots) -> Self {
        Self { roots, origin: Instant::now(), tracked: BTreeMap::new() }
    }

    /// Takes a first reading of replicas not seen before, so that their next one has rates; forgets those that
    /// run no more.
    pub fn notice(&mut self, host: &Host, buffer: &mut FileBuffer) {
        self.forget_all_but(host);
        for (_, replica) in running(host) {
            if !self.tracked.contains_key(&replica.summary.id) {
                self.track(replica, buffer);
            }
        }
    }

    /// A sample of each running replica. `stats` is what the engine's stats said meanwhile, for those that need them.
    pub fn measure(
        &mut self,
        host: &Host,
        stats: &BTreeMap<String, Reading>,
        buffer: &mut FileBuffer,
    ) -> Vec<ReplicaSample> {
        self.forget_all_but(host);
        let mut samples = Vec::with_capacity(self.tracked.len());
        for (service, replica) in running(host) {
            let id = &replica.summary.id;
            let Some(tracked) = self.tracked.get_mut(id) else {
                samples.extend(
                    self.track(replica, buffer)
                        .map(|reading| sample(service, id, SampleSource::Cgroup, None, &reading)),
                );
                continue;
            };
            let (source, reading) = match &tracked.source {
                Source::Cgroup(cgroup) => (SampleSource::Cgroup, cgroup.read(buffer, self.origin.elapsed())),
                Source::Stats => match stats.get(id) {
                    Some(reading) => (SampleSource::Stats, *reading),
                    None => continue,
                },
            };
            if reading == (Reading { at: reading.at, ..Reading::default() }) {
                // Its cgroup is gone. Either it just ended, or it was moved: then it is found anew next time.
                self.tracked.remove(id);
                continue;
            }
            samples.push(sample(service, id, source, tracked.previous.as_ref(), &reading));
            let too_close = |previous: &Reading| reading.at.saturating_sub(previous.at) < LEAST_ELAPSED;
            if !tracked.previous.as_ref().is_some_and(too_close) {
                tracked.previous = Some(reading);
            }
        }
        samples
    }

    /// The replicas whose stats the engine has to be asked for.
    pub(crate) fn need_stats(&self) -> Vec<String> {
        let needs = |tracked: &Tracked| matches!(tracked.source, Source::Stats);
        self.tracked.iter().filter(|(_, tracked)| needs(tracked)).map(|(id, _)| id.clone()).collect()
    }

    /// A restarted container is another one here: its counters start anew, and its cgroup may be elsewhere.
    fn forget_all_but(&mut self, host: &Host) {
        let now: BTreeMap<&str, (Option<u64>, Option<u32>)> = running(host)
            .map(|(_, replica)| (replica.summary.id.as_str(), (replica.summary.started_ms, replica.pid)))
            .collect();
        self.tracked.retain(|id, tracked| now.get(id.as_str()) == Some(&(tracked.started_ms, tracked.pid)));
    }

    fn track(&mut self, replica: &Replica, buffer: &mut FileBuffer) -> Option<Reading> {
        let wanted = Wanted {
            id: &replica.summary.id,
            pid: replica.pid,
            parent: replica.cgroup_parent.as_deref(),
            own_network: has_own_network(replica),
        };
        let source = match Cgroup::locate(&self.roots, &wanted) {
            Ok(cgroup) => Source::Cgroup(cgroup),
            Err(error) => {
                tracing::info!(replica = %replica.summary.name, %error, "measured by the engine's stats");
                Source::Stats
            }
        };
        let previous = match &source {
            Source::Cgroup(cgroup) => Some(cgroup.read(buffer, self.origin.elapsed())),
            Source::Stats => None,
        };
        let tracked = Tracked { started_ms: replica.summary.started_ms, pid: replica.pid, source, previous };
        self.tracked.insert(replica.summary.id.clone(), tracked);
        previous
    }

    /// How long this meter has existed: the time that its readings carry.
    pub(crate) fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }
}

fn sample(
    service: &ServiceName,
    id: &str,
    source: SampleSource,
    previous: Option<&Reading>,
    reading: &Reading,
) -> ReplicaSample {
    let mut sample = ReplicaSample {
        id: id.to_owned(),
        project: service.project.clone(),
        service: service.service.clone(),
        source: Some(source),
        ..ReplicaSample::default()
    };
    rate::fill(&mut sample, previous, reading);
    sample
}

fn running(host: &Host) -> impl Iterator<Item = (&ServiceName, &Replica)> {
    let with_name = |(name, service): (_, _)| {
        let service: &crate::model::Service = service;
        service.replicas.iter().filter(|replica| replica.pid.is_some()).map(move |replica| (name, replica))
    };
    host.services.iter().flat_map(with_name)
}

fn has_own_network(replica: &Replica) -> bool {
    let mode = replica.inspect.pointer("/HostConfig/NetworkMode").and_then(serde_json::Value::as_str);
    !mode.is_some_and(|mode| mode == "host" || mode.starts_with("container:"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::measure::testing::{
        V1_FREE, V1_LIMITED, V2_FREE, V2_LIMITED, copy_of_fixture, fixture, host_with, replica,
    };

    #[test]
    fn each_replica_of_both_cgroup_versions_is_read_exactly() {
        let v1 = [replica(V1_LIMITED, Some(10_140)), replica(V1_FREE, Some(10_194))];
        let v2 = [replica(V2_LIMITED, Some(599)), replica(V2_FREE, Some(607))];
        for (tree, replicas, memory) in [
            ("cgroup-v1-cgroupfs", v1, [331_776, 4_988_928 - 86_016]),
            ("cgroup-v2-systemd", v2, [495_616 - 73_728, 364_544 - 45_056]),
        ] {
            let mut meter = ReplicaMeter::new(fixture(tree));
            let host = host_with(replicas.to_vec());
            let samples = meter.measure(&host, &BTreeMap::new(), &mut FileBuffer::default());
            assert_eq!(
                samples.iter().map(|sample| sample.memory_bytes).collect::<Vec<_>>(),
                memory.map(Some),
                "{tree}"
            );
            assert!(samples.iter().all(|sample| sample.pids == Some(1)), "{tree}");
            assert!(samples.iter().all(|sample| sample.source == Some(SampleSource::Cgroup)), "{tree}");
            assert!(samples.iter().all(|sample| sample.cpu_cores.is_none()), "a first reading has no rates");
        }
    }

    #[test]
    fn a_replica_noticed_before_has_rates_in_its_first_sample() {
        let tree = copy_of_fixture("cgroup-v2-systemd");
        let mut meter = ReplicaMeter::new(tree.roots());
        let mut buffer = FileBuffer::default();
        let host = host_with(vec![replica(V2_FREE, Some(607))]);
        meter.notice(&host, &mut buffer);
        std::thread::sleep(LEAST_ELAPSED);
        let samples = meter.measure(&host, &BTreeMap::new(), &mut buffer);
        assert_eq!(samples[0].cpu_cores, Some(0.0), "the tree does not change");
        assert_eq!(samples[0].cpu_throttled, Some(0.0));
    }

    #[test]
    fn a_counter_that_goes_backwards_gives_no_rate_once() {
        let tree = copy_of_fixture("cgroup-v2-systemd");
        let stat = tree.path(&format!("sys/fs/cgroup/system.slice/docker-{V2_FREE}.scope/cpu.stat"));
        let mut meter = ReplicaMeter::new(tree.roots());
        let mut buffer = FileBuffer::default();
        let host = host_with(vec![replica(V2_FREE, Some(607))]);
        let mut cpu = |text: &str| {
            std::fs::write(&stat, text).expect("write into the copy");
            std::thread::sleep(LEAST_ELAPSED);
            meter.measure(&host, &BTreeMap::new(), &mut buffer)[0].cpu_cores
        };
        cpu("usage_usec 1000\n");
        assert!(cpu("usage_usec 2000\n").is_some_and(|cores| cores > 0.0));
        assert_eq!(cpu("usage_usec 10\n"), None);
        assert!(cpu("usage_usec 20\n").is_some_and(|cores| cores > 0.0));
        assert_eq!(cpu("nr_periods 0\n"), None, "a missing line is absence");
    }

    #[test]
    fn a_restarted_container_starts_anew() {
        let mut meter = ReplicaMeter::new(fixture("cgroup-v2-systemd"));
        let mut buffer = FileBuffer::default();
        let mut free = replica(V2_FREE, Some(607));
        meter.notice(&host_with(vec![free.clone()]), &mut buffer);
        std::thread::sleep(LEAST_ELAPSED);
        free.summary.started_ms = Some(2);
        let samples = meter.measure(&host_with(vec![free]), &BTreeMap::new(), &mut buffer);
        assert_eq!(samples[0].cpu_cores, None);
        assert_eq!(samples[0].memory_bytes, Some(364_544 - 45_056));
    }

    #[test]
    fn a_container_of_another_machine_is_left_to_the_stats() {
        let mut meter = ReplicaMeter::new(fixture("cgroup-v2-systemd"));
        let mut buffer = FileBuffer::default();
        let elsewhere = "f".repeat(64);
        let host = host_with(vec![replica(&elsewhere, Some(607))]);
        assert_eq!(meter.measure(&host, &BTreeMap::new(), &mut buffer), []);
        assert_eq!(meter.need_stats(), std::slice::from_ref(&elsewhere));

        let at = |seconds, cpu_nanos| {
            let reading =
                Reading { at: Duration::from_secs(seconds), cpu_nanos: Some(cpu_nanos), ..Reading::default() };
            BTreeMap::from([(elsewhere.clone(), reading)])
        };
        let first = meter.measure(&host, &at(100, 1_000_000_000), &mut buffer);
        assert_eq!((first[0].cpu_cores, first[0].source), (None, Some(SampleSource::Stats)));
        let second = meter.measure(&host, &at(102, 2_000_000_000), &mut buffer);
        assert_eq!(second[0].cpu_cores, Some(0.5));
    }

    #[test]
    fn traffic_of_a_shared_network_is_not_the_replicas_own() {
        for (mode, own) in [("host", false), ("container:abc", false), ("bridge", true), ("shop_default", true)] {
            let inspect = Arc::new(json!({"HostConfig": {"NetworkMode": mode}}));
            assert_eq!(has_own_network(&Replica { inspect, ..Replica::default() }), own, "{mode}");
        }
    }
}
