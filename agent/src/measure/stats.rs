//! The fallback where a cgroup cannot be read: the engine's stats, `one-shot`, with the agent's own earlier reading.
//!
//! A call takes a few milliseconds, on engines of 20.10 up to a second. So they are made side by side, in the background,
//! and what they say comes with the next sample.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};

use super::{cgroup::working_set, rate::Reading};

/// No more calls than this at once: the engine reads the same cgroup files, one call after the other.
const AT_ONCE: usize = 16;
/// A call that takes longer has failed. The engine's own collector answers within a second.
const CALL_LIMIT: Duration = Duration::from_secs(3);

/// Asks the engine.
#[async_trait]
pub trait StatsSource: Send + Sync {
    /// What `GET /containers/{id}/stats?stream=false&one-shot=true` answers.
    async fn stats(&self, id: &str) -> Result<Value, String>;
}

/// Asks in the background, one round at a time.
pub(crate) struct StatsRounds {
    source: Arc<dyn StatsSource>,
    round: Option<JoinHandle<BTreeMap<String, Reading>>>,
}

impl StatsRounds {
    pub(crate) fn new(source: Arc<dyn StatsSource>) -> Self {
        Self { source, round: None }
    }

    /// What the last round found, once it has ended, by container ID.
    pub(crate) async fn collect(&mut self) -> BTreeMap<String, Reading> {
        match self.round.take() {
            Some(round) if round.is_finished() => round.await.unwrap_or_default(),
            unfinished => {
                self.round = unfinished;
                BTreeMap::new()
            }
        }
    }

    /// Starts a round for these containers, unless one is under way.
    pub(crate) fn start(&mut self, ids: Vec<String>) {
        if self.round.is_none() && !ids.is_empty() {
            self.round = Some(tokio::spawn(ask_all(Arc::clone(&self.source), ids)));
        }
    }
}

impl Drop for StatsRounds {
    fn drop(&mut self) {
        if let Some(round) = &self.round {
            round.abort();
        }
    }
}

async fn ask_all(source: Arc<dyn StatsSource>, ids: Vec<String>) -> BTreeMap<String, Reading> {
    let ask = |id: String| {
        let source = Arc::clone(&source);
        async move {
            let answer = timeout(CALL_LIMIT, source.stats(&id)).await;
            let reading = match answer {
                Ok(Ok(stats)) => parse(&stats),
                Ok(Err(error)) => {
                    tracing::debug!(%id, %error, "no stats");
                    None
                }
                Err(_) => {
                    tracing::debug!(%id, "no stats within {CALL_LIMIT:?}");
                    None
                }
            };
            Some((id, reading?))
        }
    };
    stream::iter(ids).map(ask).buffer_unordered(AT_ONCE).filter_map(|found| async { found }).collect().await
}

/// The counters in a stats answer. `None` for a container that does not run: the engine answers with zeros and without
/// a time then.
pub fn parse(stats: &Value) -> Option<Reading> {
    let read = humantime::parse_rfc3339(stats.get("read")?.as_str()?).ok()?;
    let at = read.duration_since(std::time::UNIX_EPOCH).ok().filter(|at| !at.is_zero())?;
    let number = |pointer: &str| stats.pointer(pointer).and_then(Value::as_u64);
    let memory = "/memory_stats/stats";
    // Version 1 has both; there `inactive_file` leaves out what child cgroups hold.
    let inactive =
        number(&format!("{memory}/total_inactive_file")).or_else(|| number(&format!("{memory}/inactive_file")));
    Some(Reading {
        at,
        cpu_nanos: number("/cpu_stats/cpu_usage/total_usage"),
        throttled_nanos: number("/cpu_stats/throttling_data/throttled_time"),
        memory_bytes: working_set(number("/memory_stats/usage"), inactive),
        pids: number("/pids_stats/current"),
        block_read_bytes: block_bytes(stats, "read"),
        block_write_bytes: block_bytes(stats, "write"),
        network_receive_bytes: network_bytes(stats, "rx_bytes"),
        network_transmit_bytes: network_bytes(stats, "tx_bytes"),
    })
}

/// Version 1 says `Read`, version 2 `read`. No list at all means that it was not measured, an empty one that there was
/// no such I/O.
fn block_bytes(stats: &Value, operation: &str) -> Option<u64> {
    let entries = stats.pointer("/blkio_stats/io_service_bytes_recursive")?.as_array()?;
    let of_operation =
        entries.iter().filter(|entry| entry["op"].as_str().is_some_and(|op| op.eq_ignore_ascii_case(operation)));
    Some(of_operation.filter_map(|entry| entry["value"].as_u64()).fold(0, u64::saturating_add))
}

/// Absent for a container in the host's or another container's network.
fn network_bytes(stats: &Value, counter: &str) -> Option<u64> {
    let networks = stats.get("networks")?.as_object()?;
    Some(networks.values().filter_map(|network| network[counter].as_u64()).fold(0, u64::saturating_add))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;

    #[test]
    fn an_engines_answer_gives_the_same_counters_as_the_cgroup() {
        let stats = include_str!("../../tests/fixtures/stats-v1.json");
        let stats: Value = serde_json::from_str(stats).expect("the fixture is JSON");
        let reading = parse(&stats).expect("a running container");
        assert_eq!((reading.block_read_bytes, reading.block_write_bytes), (Some(303_104), Some(8_404_992)));
        assert_eq!((reading.network_receive_bytes, reading.network_transmit_bytes), (Some(1436), Some(126)));
        assert_eq!(reading.throttled_nanos, Some(0));
        assert_eq!(reading.pids, Some(1));
        assert_eq!(reading.cpu_nanos, stats.pointer("/cpu_stats/cpu_usage/total_usage").and_then(Value::as_u64));
    }

    #[test]
    fn a_stopped_container_has_no_reading_although_the_engine_answers_zeros() {
        let stopped = json!({"read": "0001-01-01T00:00:00Z", "cpu_stats": {"cpu_usage": {"total_usage": 0}}});
        assert_eq!(parse(&stopped), None);
    }

    #[test]
    fn what_version_2_leaves_out_is_absent() {
        let stats = json!({
            "read": "1970-01-01T00:00:01.5Z",
            "pids_stats": {},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "read", "value": 7}, {"op": "write", "value": 2}]},
            "cpu_stats": {"cpu_usage": {"total_usage": 5}},
            "memory_stats": {"usage": 100, "stats": {"inactive_file": 30}},
        });
        let expected = Reading {
            at: Duration::from_millis(1500),
            cpu_nanos: Some(5),
            memory_bytes: Some(70),
            block_read_bytes: Some(7),
            block_write_bytes: Some(2),
            ..Reading::default()
        };
        assert_eq!(parse(&stats), Some(expected));
    }

    #[test]
    fn no_answer_makes_it_panic() {
        for stats in [json!(null), json!([]), json!({}), json!({"read": 5}), json!({"read": "2026-11-21T04:33:13Z"})] {
            assert!(parse(&stats).is_none_or(|reading| reading.cpu_nanos.is_none()), "{stats}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_container_that_hangs_does_not_cost_the_others_theirs() {
        struct Source(AtomicUsize);
        #[async_trait]
        impl StatsSource for Source {
            async fn stats(&self, id: &str) -> Result<Value, String> {
                self.0.fetch_add(1, Ordering::Relaxed);
                match id {
                    "hangs" => std::future::pending().await,
                    "gone" => Err("404".into()),
                    _ => Ok(json!({"read": "2026-11-21T04:33:13Z", "pids_stats": {"current": 3}})),
                }
            }
        }
        let source = Arc::new(Source(AtomicUsize::new(0)));
        let ids = ["hangs", "gone", "a", "b"].map(str::to_owned).to_vec();
        let found = ask_all(source.clone(), ids).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(source.0.load(Ordering::Relaxed), 4);
    }
}
