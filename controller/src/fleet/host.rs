//! What is known of one host and its agent: how it is heard, what was lost on the way, how its clock differs.

use std::{collections::VecDeque, time::Duration};

use autoscaler::{Timestamp, event::HostCapacity};
use bus::payload::{HostSample, HostStatus};

/// From this difference of clocks on, the host carries a warning.
const NOTABLE_DIFFERENCE: Duration = Duration::from_secs(2);
/// Agents remembered per host name.
const AGENTS_KNOWN: usize = 8;
/// A host of which two agents were heard by turns is not trusted again before one of them was silent for so long.
const CONTESTED_FOR: Duration = Duration::from_secs(30);
/// The clocks' difference is the smallest delay seen over one to two of these.
const DELAY_WINDOW: Duration = Duration::from_secs(30);

/// One host.
#[derive(Debug)]
pub(crate) struct Host {
    /// When its agent was last heard.
    pub(crate) heard: Timestamp,
    /// Whether that is too long ago.
    pub(crate) lost: bool,
    /// Its newest sample.
    pub(crate) sample: Option<HostSample>,
    /// The engine's version, while it answers.
    pub(crate) engine: Option<String>,
    /// Why it does not.
    pub(crate) engine_error: Option<String>,
    /// Numbers of its samples.
    pub(crate) samples: Sequence,
    /// Numbers of its inventories.
    pub(crate) inventories: Sequence,
    /// Its clock.
    pub(crate) clock: ClockDifference,
    /// Who was heard under its name.
    pub(crate) agents: Agents,
    dropped: Dropped,
}

impl Host {
    /// One heard of for the first time.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            heard: now,
            lost: false,
            sample: None,
            engine: None,
            engine_error: None,
            samples: Sequence::default(),
            inventories: Sequence::default(),
            clock: ClockDifference::default(),
            agents: Agents::default(),
            dropped: Dropped::default(),
        }
    }

    /// Takes in the agent's own count of payloads that it had to drop since its start.
    pub(crate) fn agent_dropped(&mut self, agent: &str, lost: u64) {
        if self.dropped.agent != agent {
            self.dropped.by_earlier_agents = self.dropped.total();
            agent.clone_into(&mut self.dropped.agent);
            self.dropped.by_this_agent = 0;
        }
        self.dropped.by_this_agent = self.dropped.by_this_agent.max(lost);
    }

    /// What it has, as far as is known.
    pub(crate) fn capacity(&self) -> HostCapacity {
        let sample = self.sample.as_ref();
        HostCapacity {
            cores: sample.map(|sample| f64::from(sample.cores)).filter(|cores| *cores > 0.0),
            memory_bytes: sample.map(|sample| sample.memory_total_bytes as f64).filter(|bytes| *bytes > 0.0),
            busy_cores: sample.and_then(|sample| sample.cpu_busy_cores),
            available_bytes: sample
                .map(|sample| sample.memory_available_bytes as f64)
                // None at all is what an agent says that does not know.
                .filter(|bytes| *bytes > 0.0),
        }
    }

    /// As told to who asks.
    pub(crate) fn status(&self, name: &str) -> HostStatus {
        let mut warnings = Vec::new();
        if let Some(why) = &self.engine_error {
            warnings.push(format!("the Docker Engine does not answer: {why}"));
        }
        if self.agents.contested {
            warnings.push(format!(
                "two agents call themselves {name}; give one another --host: until then nothing is changed on it"
            ));
        }
        if let Some(difference) = self.clock.notable() {
            warnings.push(difference);
        }
        HostStatus {
            host: name.to_owned(),
            heard_ms: self.heard.as_millis(),
            lost: self.lost,
            lost_payloads: self
                .dropped
                .total()
                .saturating_add(self.samples.missed)
                .saturating_add(self.inventories.missed),
            engine: self.engine.clone(),
            sample: self.sample.clone(),
            warnings,
        }
    }
}

/// The agents that were heard under one host's name. Each start of an agent is another one, and an earlier one that is
/// heard again after a later one shows that both run.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    /// The newest last.
    known: VecDeque<String>,
    returned: Option<Timestamp>,
    /// Whether more than one runs.
    pub(crate) contested: bool,
}

impl Agents {
    /// Takes in that `agent` was heard.
    pub(crate) fn hear(&mut self, agent: &str, now: Timestamp) {
        match self.known.iter().position(|known| known == agent) {
            Some(position) if position + 1 == self.known.len() => {}
            Some(position) => {
                let again = self.known.remove(position);
                self.known.extend(again);
                self.returned = Some(now);
            }
            None => {
                if self.known.len() == AGENTS_KNOWN {
                    self.known.pop_front();
                }
                self.known.push_back(agent.to_owned());
            }
        }
        self.contested = self.returned.is_some_and(|returned| now.since(returned) < CONTESTED_FOR);
    }
}

#[derive(Debug, Default)]
struct Dropped {
    agent: String,
    by_this_agent: u64,
    by_earlier_agents: u64,
}

impl Dropped {
    fn total(&self) -> u64 {
        self.by_earlier_agents.saturating_add(self.by_this_agent)
    }
}

/// Numbers of payloads, counted from 1 by each start of an agent.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    agent: String,
    last: u64,
    missed: u64,
}

impl Sequence {
    /// Takes in a number; `false` when it is not newer than the newest, so that the payload is to be ignored.
    /// What was sent before the controller first heard this agent is not counted as missed.
    pub(crate) fn accept(&mut self, agent: &str, number: u64) -> bool {
        if self.agent != agent {
            agent.clone_into(&mut self.agent);
            self.last = number;
            return true;
        }
        if number <= self.last {
            return false;
        }
        self.missed = self.missed.saturating_add(number - self.last - 1);
        self.last = number;
        true
    }
}

/// How the agent's clock differs from the controller's.
///
/// Receipt less sending time is the difference plus the delay on the way. Delay is never negative, so the smallest of
/// the last while is the best estimate, and what waited in the agent's buffer still gets its true age.
#[derive(Debug, Default)]
pub(crate) struct ClockDifference {
    smallest: Option<i64>,
    smallest_before: Option<i64>,
    since: Timestamp,
}

impl ClockDifference {
    /// Takes in a payload that was sent at `sent_ms` by the agent's clock and received `now`.
    pub(crate) fn learn(&mut self, sent_ms: u64, now: Timestamp) {
        if now.since(self.since) >= DELAY_WINDOW {
            self.smallest_before = self.smallest.take();
            self.since = now;
        }
        let delay = signed(now.as_millis()).saturating_sub(signed(sent_ms));
        self.smallest = Some(self.smallest.map_or(delay, |smallest| smallest.min(delay)));
    }

    /// The controller's time of a moment by the agent's clock; a moment to come counts as now.
    pub(crate) fn here(&self, agent_ms: u64, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(self.shifted(agent_ms)).min(now)
    }

    /// As [`here`](Self::here), for a moment that may be to come.
    pub(crate) fn ahead(&self, agent_ms: u64) -> Timestamp {
        Timestamp::from_millis(self.shifted(agent_ms))
    }

    fn shifted(&self, agent_ms: u64) -> u64 {
        u64::try_from(signed(agent_ms).saturating_add(self.difference().unwrap_or(0))).unwrap_or(0)
    }

    fn difference(&self) -> Option<i64> {
        self.smallest.into_iter().chain(self.smallest_before).min()
    }

    fn notable(&self) -> Option<String> {
        let difference = self.difference()?;
        let size = Duration::from_millis(difference.unsigned_abs());
        let word = if difference > 0 { "behind" } else { "ahead of" };
        (size > NOTABLE_DIFFERENCE).then(|| {
            format!(
                "its clock is {:.1} s {word} the controller's (or messages take that long); samples are shifted by that",
                size.as_secs_f64()
            )
        })
    }
}

fn signed(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_gap_is_a_loss_and_a_repetition_is_ignored() {
        let mut sequence = Sequence::default();
        for (agent, number, accepted, missed) in [
            ("a", 7, true, 0),
            ("a", 8, true, 0),
            ("a", 8, false, 0),
            ("a", 11, true, 2),
            ("a", 9, false, 2),
            ("b", 1, true, 2),
            ("b", 2, true, 2),
        ] {
            assert_eq!((sequence.accept(agent, number), sequence.missed), (accepted, missed), "{agent} {number}");
        }
    }

    #[test]
    fn what_an_agent_dropped_is_kept_across_its_restart() {
        let mut host = Host::new(at(0));
        for (agent, lost, total) in [("a", 3, 3), ("a", 5, 5), ("b", 0, 5), ("b", 2, 7)] {
            host.agent_dropped(agent, lost);
            assert_eq!(host.status("h").lost_payloads, total, "{agent} {lost}");
        }
    }

    #[test]
    fn a_payload_that_waited_keeps_its_age_and_a_wrong_clock_does_not_show() {
        let mut clock = ClockDifference::default();
        let hour = 3_600_000;
        clock.learn(hour + 1_000, at(1_005));
        clock.learn(hour + 2_000, at(9_000));
        assert_eq!(clock.here(hour + 2_000, at(9_000)), at(2_005), "seven seconds late, and known to be");
        assert_eq!(clock.here(hour + 9_999, at(9_000)), at(9_000), "never to come");
        assert!(clock.notable().is_some_and(|text| text.starts_with("its clock is 3600.0 s ahead of")));
    }

    #[test]
    fn a_clock_set_back_is_learnt_within_two_windows() {
        let mut clock = ClockDifference::default();
        clock.learn(1_000_000, at(1_000_000));
        for second in 1..=61 {
            clock.learn(900_000 + second * 1000, at(1_000_000 + second * 1000));
        }
        assert_eq!(clock.here(961_000, at(1_061_000)), at(1_061_000));
    }

    #[test]
    fn absurd_times_do_no_harm() {
        let mut clock = ClockDifference::default();
        for (sent, received) in [(u64::MAX, 5), (0, u64::MAX), (u64::MAX, u64::MAX)] {
            clock.learn(sent, at(received));
            assert!(clock.here(u64::MAX, at(9)) <= at(9));
            assert!(clock.here(0, at(9)) <= at(9));
        }
    }
}
