//! The model of a closed loop, from what was recorded and what has to be assumed.

use std::time::Duration;

use super::Recording;
use crate::{
    fit::{self, Calm, Row},
    scenario::{
        Arrivals, Balance, Columns, Demand, Gaps, Host, Load, LoadKind, Memory, Queue, ServiceModel, Shared, Source,
        Spans, Start,
    },
    service::{Crew, Pace, Single},
};

/// What a request is taken to take, in seconds, where nothing is known of it.
const TAKES: f64 = 0.05;
/// What a start is taken to take where none was seen.
const STARTS: Duration = Duration::from_secs(5);
/// As busy have replicas to be for their response times to tell how irregular things are.
const BUSY: std::ops::Range<f64> = 0.4..0.95;
/// So many rows of them.
const FEWEST_FOR_SPREAD: usize = 10;
/// What is tried.
const SPREADS: [f64; 7] = [0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0];
/// No replica is taken to work on more requests at once.
const MOST_AT_ONCE: f64 = 10_000.0;

impl Recording {
    /// A closed loop from it: the demand as a column of `file`, and the model, as far as it is known; what is not known is
    /// assumed, and each assumption is said in a sentence.
    ///
    /// # Errors
    /// Why there is no model.
    pub fn load(&self, file: &str) -> Result<(Load, Vec<String>), String> {
        let mut assumed = Vec::new();
        let cost = self.fit.cost.as_ref().map(|cost| &cost.line);
        let idle_cpu = cost.map_or(0.0, |line| line.intercept.max(0.0));
        let takes = match (self.fit.takes, cost) {
            (Some(takes), _) => takes,
            (None, Some(line)) => line.slope,
            (None, None) if self.knows_requests() => {
                return Err(format!(
                    "neither what a request costs nor how long it takes can be told from this: {}",
                    self.fit.warnings.join("; ")
                ));
            }
            (None, None) => {
                assumed.push(format!("a request takes {TAKES} s: it was not measured"));
                TAKES
            }
        };
        if self.starts.is_empty() {
            assumed.push(format!("a start takes {} s: none was seen", STARTS.as_secs()));
        }
        let starts = if self.starts.is_empty() { vec![STARTS] } else { self.starts.clone() };
        let memory = self.memory.map(|idle| Memory { idle, per_request: 0.0, limit: self.memory_limit });
        let (kind, value) =
            if self.knows_requests() { (LoadKind::Requests, "requests") } else { (LoadKind::Cores, "cores") };
        let mut service = ServiceModel {
            takes,
            spread: 1.0,
            at_once: self.at_once(takes),
            // Of a load in cores each request is as much work as it takes time.
            cpu: cost.map_or(takes, |line| line.slope),
            idle_cpu,
            cpu_limit: self.cpu_limit,
            memory,
            start: Start { boot: Spans(starts), ..Start::default() },
            stop: Duration::ZERO,
            balance: Balance::RoundRobin,
            queue: Queue::default(),
            shared: Shared::default(),
        };
        if let Some(calm) = self.fit.calm {
            service.takes = self.unhindered(&service, calm);
            service.at_once = self.at_once(service.takes);
        }
        if let Some(spread) = self.spread(&service) {
            service.spread = spread;
            assumed.push(format!(
                "what requests take varies with a squared coefficient of variation of {spread}: with that, waiting comes nearest to \
                 what was measured"
            ));
        }
        assumed.push(match service.at_once {
            1 => "requests go to replicas in turn, one at a time is worked on, and nobody gives up".to_owned(),
            at_once => format!(
                "requests go to replicas in turn, {at_once} at a time are worked on, as the highest rate of one replica that \
                 was seen takes, and nobody gives up"
            ),
        });
        if self.counts_answers() {
            assumed.push(
                "requests were counted when they were answered: what came is that, and what there was more in flight"
                    .to_owned(),
            );
        }
        if let (Some(cores), Some(others)) = (self.host_cores, self.others.filter(|others| *others > 0.0)) {
            assumed.push(format!(
                "everything else on the host goes on keeping {others:.2} of its {cores} cores busy, as it did while the \
                 service worked"
            ));
        }
        let columns = Columns {
            file: file.to_owned(),
            time: "time".to_owned(),
            value: value.to_owned(),
            gaps: Gaps::Hold,
            scale: 1.0,
            series: self.demand(idle_cpu),
        };
        let load = Load {
            demand: Demand { source: Source::File(columns) },
            kind,
            arrivals: Arrivals::Even,
            retries: 0.0,
            service,
            host: self.host(),
            emits: Load::usual_signals(),
        };
        Ok((load, assumed))
    }

    /// What the service runs on, and what others leave of it: no less than a tenth, or there would be nothing to model.
    fn host(&self) -> Host {
        let most = self.host_cores.map_or(0.0, |cores| cores * 0.9);
        Host { cores: self.host_cores, memory: None, others: self.others.unwrap_or(0.0).min(most) }
    }

    /// What a request takes by itself, in seconds: so much that the model, waiting included, says what was measured in the
    /// calmest spans. In these, too, some wait. No less than its CPU, which one core at a time works on.
    fn unhindered(&self, model: &ServiceModel, calm: Calm) -> f64 {
        let measured = model.takes;
        let (mut low, mut high) = (model.cpu.min(measured), measured);
        for _ in 0..30 {
            let takes = f64::midpoint(low, high);
            let model = ServiceModel { takes, at_once: self.at_once(takes), ..model.clone() };
            let (host, pace) = (self.host(), Pace::of(&model));
            let single = Single::new(&model, host, pace);
            let replicas = f64::from(calm.replicas);
            let crew = Crew::new(&model, host, pace, single, calm.replicas, replicas);
            if crew.takes + crew.waits(model.balance, calm.rate * replicas) > measured {
                high = takes;
            } else {
                low = takes;
            }
        }
        f64::midpoint(low, high)
    }

    /// The spread with which the model's mean response times are nearest to those measured where replicas were neither idle nor
    /// saturated; `None` where quantiles were measured, or too little. It stands for all that is irregular, in how requests
    /// come, too.
    fn spread(&self, model: &ServiceModel) -> Option<f64> {
        let (host, pace) = (self.host(), Pace::of(model));
        let busy = |row: &&Row| {
            let steady = row.ready > 0 && !row.changed && !fit::is_saturated(row);
            let rate = Single::new(model, host, pace).rate * f64::from(row.ready);
            steady && row.requests.is_some_and(|requests| BUSY.contains(&(requests / rate)))
        };
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.latency.is_some()).filter(busy).collect();
        if !self.means || rows.len() < FEWEST_FOR_SPREAD {
            return None;
        }
        let off = |spread: f64| -> f64 {
            let model = ServiceModel { spread, ..model.clone() };
            let single = Single::new(&model, host, pace);
            let each = rows.iter().filter_map(|row| {
                let crew = Crew::new(&model, host, pace, single, row.ready, f64::from(row.ready));
                Some((crew.takes + crew.waits(model.balance, row.requests?) - row.latency?).abs())
            });
            each.sum()
        };
        SPREADS.into_iter().min_by(|one, other| off(*one).total_cmp(&off(*other)))
    }

    /// How many requests a replica works on at once, at the least: by Little's law those of the highest rate that it was
    /// seen to carry unsaturated. It may be more; what was never asked for, nobody can see.
    fn at_once(&self, takes: f64) -> u32 {
        // Where answers take twice as long as they must, requests wait: threads are short, if not CPU.
        let waits = |row: &Row| row.latency.is_some_and(|latency| latency > 2.0 * takes);
        let steady = self.rows.iter().filter(|row| row.ready > 0 && !row.changed);
        let steady = steady.filter(|row| !fit::is_saturated(row) && !waits(row));
        let highest = steady.filter_map(|row| Some(row.requests? / f64::from(row.ready))).fold(0.0, f64::max);
        let busy = (highest * takes).ceil().clamp(1.0, MOST_AT_ONCE);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and MOST_AT_ONCE")]
        let at_once = busy as u32;
        at_once
    }
}
