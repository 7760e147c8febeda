//! Looking at even intervals: what baselines have in common.

use std::time::Duration;

use autoscaler::{Event, Timestamp};

use crate::scaler::{Bounds, Scaler, Seen};

/// How a baseline decides at each of its looks. Limits, intervals and means are [`Every`]'s.
pub(super) trait Rule: Send {
    /// See [`Scaler::name`].
    fn name(&self) -> String;

    /// How many replicas there shall be; `None` where what it goes by was not measured, so that all stays as it is.
    fn look(&mut self, look: &Look) -> Option<u32>;

    /// Why it decided as it did at the last look that had measurements, in numbers and without a full stop.
    fn why(&self) -> String;

    /// The controller was restarted: what it keeps in memory is gone.
    fn restart(&mut self) {}
}

/// What a rule knows at a look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// When.
    pub(super) now: Timestamp,
    /// Replicas that there shall be so far.
    pub(super) current: u32,
    /// Replicas that run, those that start included.
    pub(super) running: u32,
    /// Replicas that serve.
    pub(super) ready: u32,
    /// What was measured since the look before.
    pub(super) measured: Measured,
    /// Requests per second that one replica carries when it is fully used.
    pub(super) per_replica: f64,
    /// Whoever has the limits; the rule need not keep them.
    pub(super) bounds: Bounds,
}

impl Look {
    /// Replicas that the requests offered would use, each to this share of what it carries; not a whole number.
    pub(super) fn load(&self, utilisation: f64) -> Option<f64> {
        let load = self.measured.offered? / (self.per_replica * utilisation);
        (load.is_finite() && load >= 0.0).then_some(load)
    }
}

/// Means over the time since the look before, where nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Requests offered per second.
    pub(super) offered: Option<f64>,
    /// Requests that wait or are worked on.
    pub(super) in_flight: Option<f64>,
    /// Requests that wait or are worked on, at the newest sample.
    pub(super) newest_in_flight: Option<f64>,
    /// Share of the CPU that replicas that serve may use, which they do use.
    pub(super) utilisation: Option<f64>,
}

/// A baseline that looks at even intervals, and in between says nothing.
pub(super) struct Every<R> {
    rule: R,
    interval: Duration,
    bounds: Bounds,
    next: Option<Timestamp>,
    means: Means,
    target: Option<u32>,
    said: Said,
}

/// What came of the last look.
#[derive(Clone, Copy, Debug)]
enum Said {
    Nothing,
    NotMeasured { stay: u32 },
    Wanted { wanted: u32, target: u32 },
}

impl<R: Rule> Every<R> {
    pub(super) fn new(interval: Duration, bounds: Bounds, rule: R) -> Self {
        Self { rule, interval, bounds, next: None, means: Means::default(), target: None, said: Said::Nothing }
    }
}

impl<R: Rule> Scaler for Every<R> {
    fn name(&self) -> String {
        self.rule.name()
    }

    fn decide(&mut self, seen: &Seen, _told: &mut Vec<Event>, now: Timestamp) -> Option<u32> {
        if *seen == Seen::default() {
            // Nobody has said yet how many there are.
            return None;
        }
        self.means.add(seen, now);
        if self.next.is_some_and(|next| now < next) {
            return None;
        }
        self.next = Some(following(self.next.unwrap_or(now), self.interval, now));
        let current = self.target.unwrap_or_else(|| self.bounds.clamp(seen.running));
        let wanted = self.rule.look(&Look {
            now,
            current,
            running: seen.running,
            ready: seen.ready,
            measured: self.means.take(),
            per_replica: seen.per_replica,
            bounds: self.bounds,
        });
        let target = self.bounds.clamp(wanted.unwrap_or(current));
        self.said = wanted.map_or(Said::NotMeasured { stay: target }, |wanted| Said::Wanted { wanted, target });
        self.target = Some(target);
        self.target
    }

    fn next_look(&self) -> Option<Timestamp> {
        self.next
    }

    fn why(&self) -> String {
        match self.said {
            Said::Nothing => "It has not looked yet.".to_owned(),
            Said::NotMeasured { stay } => format!("What it goes by was not measured: {stay} stay."),
            Said::Wanted { wanted, target } if wanted > target => format!("{}, but at most {target}.", self.rule.why()),
            Said::Wanted { wanted, target } if wanted < target => {
                format!("{}, but at least {target}.", self.rule.why())
            }
            Said::Wanted { .. } => format!("{}.", self.rule.why()),
        }
    }

    fn restart(&mut self, _now: Timestamp) {
        self.means = Means::default();
        self.rule.restart();
    }
}

/// The first moment after `now` that is whole intervals after `last`.
fn following(last: Timestamp, interval: Duration, now: Timestamp) -> Timestamp {
    let interval = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).max(1);
    let passed = now.as_millis().saturating_sub(last.as_millis()) / interval;
    Timestamp::from_millis(last.as_millis().saturating_add(interval.saturating_mul(passed.saturating_add(1))))
}

/// Sums over time of what was measured, each over the time for which it was.
#[derive(Clone, Debug, Default)]
struct Means {
    last: Option<Timestamp>,
    /// Replicas that served during the span that the next call tells of.
    ready: u32,
    offered: Mean,
    in_flight: Mean,
    newest_in_flight: Option<f64>,
    utilisation: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    seconds: f64,
}

impl Means {
    /// Takes in what was seen, for the time since the call before. Replicas that just changed did not yet do what was
    /// measured, so that utilisation is of those that were there before.
    fn add(&mut self, seen: &Seen, now: Timestamp) {
        let (span, ready) = self.last.map_or((seen.span, seen.ready), |last| (now.since(last), self.ready));
        let seconds = span.as_secs_f64();
        self.last = Some(now);
        self.ready = seen.ready;
        self.offered.add(seen.offered, seconds);
        self.in_flight.add(seen.in_flight, seconds);
        self.newest_in_flight = seen.in_flight.filter(|value| value.is_finite());
        // Without a limit there is nothing to be a share of.
        let could = Some(f64::from(ready) * seen.cpu_limit).filter(|could| could.is_finite());
        self.utilisation.add(seen.cpu.zip(could).map(|(cores, could)| cores / could), seconds);
    }

    fn take(&mut self) -> Measured {
        let measured = Measured {
            offered: self.offered.value(),
            in_flight: self.in_flight.value(),
            newest_in_flight: self.newest_in_flight,
            utilisation: self.utilisation.value(),
        };
        *self = Self { last: self.last, ready: self.ready, ..Self::default() };
        measured
    }
}

impl Mean {
    fn add(&mut self, value: Option<f64>, seconds: f64) {
        if let Some(value) = value.filter(|value| value.is_finite() && *value >= 0.0) {
            self.sum += value * seconds;
            self.seconds += seconds;
        }
    }

    fn value(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.sum / self.seconds)
    }
}

/// So many replicas, rounded up: as the systems that publish their code do it, to the last bit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and NaN is 0")]
pub(super) fn ceil(replicas: f64) -> u32 {
    replicas.ceil() as u32
}

/// So many replicas, rounded up where it is more than a rounding error.
pub(super) fn needed(replicas: f64) -> u32 {
    ceil(replicas - 1e-9)
}

/// A share for a sentence: `63 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// A number for a sentence: at most two digits behind the point, none that say nothing.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Same;

    impl Rule for Same {
        fn name(&self) -> String {
            "same".to_owned()
        }

        fn look(&mut self, look: &Look) -> Option<u32> {
            look.measured.offered.map(ceil)
        }

        fn why(&self) -> String {
            "so many came".to_owned()
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(1_000_000 + seconds * 1000)
    }

    #[test]
    fn it_looks_at_even_intervals_whenever_it_is_called() {
        let mut every = Every::new(Duration::from_secs(15), Bounds { min: 1, max: 5 }, Same);
        let looks: Vec<u64> = [0, 1, 14, 15, 16, 29, 31, 44, 45, 100, 104, 105]
            .into_iter()
            .filter(|&seconds| {
                every.decide(&Seen { running: 1, ..Seen::default() }, &mut Vec::new(), at(seconds)).is_some()
            })
            .collect();
        assert_eq!(looks, [0, 15, 31, 45, 100, 105]);
        assert_eq!(every.next_look(), Some(at(120)));
    }

    #[test]
    fn a_mean_is_over_the_time_for_which_there_was_a_value() {
        let mut every = Every::new(Duration::from_secs(10), Bounds { min: 0, max: 100 }, Same);
        let seen = |offered| Seen { span: Duration::from_secs(1), running: 3, offered, ..Seen::default() };
        assert_eq!(every.decide(&Seen::default(), &mut Vec::new(), at(0)), None, "nobody has said how many there are");
        assert_eq!(every.decide(&seen(None), &mut Vec::new(), at(0)), Some(3), "nothing was measured");
        assert_eq!(every.why(), "What it goes by was not measured: 3 stay.");
        every.decide(&seen(Some(10.0)), &mut Vec::new(), at(4));
        every.decide(&seen(None), &mut Vec::new(), at(8));
        assert_eq!(every.decide(&seen(Some(40.0)), &mut Vec::new(), at(10)), Some(20), "(4 s of 10 + 2 s of 40) / 6 s");
        assert_eq!(every.why(), "so many came.");
    }

    #[test]
    fn utilisation_is_of_the_replicas_that_did_the_work() {
        let mut means = Means::default();
        let seen = |ready, cpu| Seen { ready, cpu: Some(cpu), cpu_limit: 2.0, ..Seen::default() };
        means.add(&seen(2, 2.0), at(0));
        means.add(&seen(4, 2.0), at(1));
        assert_eq!(means.take().utilisation, Some(0.5));
        means.add(&seen(4, 2.0), at(2));
        assert_eq!(means.take().utilisation, Some(0.25));
        means.add(&seen(0, 0.0), at(3));
        means.take();
        means.add(&seen(0, 0.0), at(4));
        assert_eq!(means.take().utilisation, None, "nobody to measure");
        means.add(&Seen { cpu_limit: f64::INFINITY, ..seen(2, 1.0) }, at(5));
        means.add(&Seen { cpu_limit: f64::INFINITY, ..seen(2, 1.0) }, at(6));
        assert_eq!(means.take().utilisation, None, "no limit");
    }

    #[test]
    fn sentences_have_short_numbers() {
        for (value, expected) in
            [(0.6, "60 %"), (0.625, "62.5 %"), (1.0, "100 %"), (0.0, "0 %"), (0.333_333, "33.33 %")]
        {
            assert_eq!(percent(value), expected);
        }
    }
}
