//! A scenario from a few words: parts of the demand as the command line has them, the file that has them, and a picture.

mod chart;
pub(crate) mod page;
mod words;

use std::{fmt::Write as _, time::Duration};

use autoscaler::Timestamp;

pub use chart::chart;

use self::page::{Page, part_line};
use crate::scenario::{
    Arrivals, BEGINS, Balance, Demand, Host, Load, LoadKind, Objective, Part, Play, Queue, Replicas, Scenario, Service,
    ServiceModel, Shared, Source, Start,
};

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// `[host/]project/service`.
    pub service: String,
    /// When it begins.
    pub begins: Timestamp,
    /// How long it lasts; above zero.
    pub lasts: Duration,
    /// How often samples are taken; above zero.
    pub every: Duration,
    /// What everything random comes from.
    pub seed: u64,
    /// What the demand is measured in.
    pub of: Of,
    /// Its parts; what multiplies comes last.
    pub parts: Vec<Part>,
}

/// What demand is measured in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Of {
    /// Requests per second.
    #[default]
    Requests,
    /// Jobs per second, in one queue.
    Jobs,
    /// Busy cores.
    Cores,
    /// Users at the same time, who wait for answers.
    Users,
}

/// Kinds of parts, as the command line and the file name them, each with a value that shows how it is written.
pub const PARTS: [(&str, &str); 10] = [
    ("level", "40/s"),
    ("sine", "amplitude=10/s period=1h phase=0s"),
    ("step", "at=10m by=100/s for=5m"),
    ("ramp", "from=10m over=5m by=200/s"),
    ("flash", "at=20m rise=30s by=360/s fade=20m"),
    ("daily", "peak=100/s night=20% at=15h weekend=40%"),
    ("bursts", "low=0/s high=200/s every=5m for=20s"),
    ("sawtooth", "amplitude=50/s period=10m"),
    ("on_off", "level=100/s on=5m off=10m"),
    ("noise", "spread=10% every=10s"),
];

impl Drawing {
    /// One of `service` that lasts so long, without any part.
    pub fn new(service: impl Into<String>, lasts: Duration) -> Self {
        Self {
            service: service.into(),
            begins: BEGINS,
            lasts,
            every: Duration::from_secs(1),
            seed: 1,
            of: Of::Requests,
            parts: Vec::new(),
        }
    }

    /// Adds the part of a kind that is written so, such as `flash` and `at=20m rise=30s by=360/s fade=20m`. The error says
    /// what is wrong and what is allowed.
    pub fn add(&mut self, kind: &str, words: &str) -> Result<(), String> {
        let part = words::part(kind, words)?;
        let begins = match part {
            Part::Step { at, .. } | Part::Flash { at, .. } => at,
            Part::Ramp { from, .. } => from,
            _ => Duration::ZERO,
        };
        if begins >= self.lasts {
            let (at, lasts) = (page::span(begins), page::span(self.lasts));
            return Err(format!("{kind} would begin at {at}, and the scenario lasts {lasts}"));
        }
        let place = self.parts.iter().position(|part| matches!(part, Part::Noise { .. })).unwrap_or(self.parts.len());
        let place = if matches!(part, Part::Noise { .. }) { self.parts.len() } else { place };
        self.parts.insert(place, part);
        Ok(())
    }

    /// The scenario, with a usual service.
    pub fn scenario(&self) -> Scenario {
        let mut names = self.service.rsplit('/').map(str::to_owned);
        let (service, project) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let service = Service { host: names.next().unwrap_or_default(), project, service };
        Scenario {
            name: "drawn".to_owned(),
            about: String::new(),
            from: "drawn".to_owned(),
            service,
            begins: self.begins,
            lasts: self.lasts,
            every: self.every,
            seed: self.seed,
            replicas: Replicas { start: 1, min: 1, max: 1 },
            policy: None,
            objective: Objective::default(),
            play: Play::Load(Box::new(Load {
                demand: Demand { source: Source::Drawn(self.parts.clone()) },
                kind: LoadKind::Requests,
                arrivals: Arrivals::Poisson,
                retries: 0.0,
                service: usual_service(),
                host: Host::default(),
                emits: Load::usual_signals(),
            })),
            faults: Vec::new(),
            expect: Vec::new(),
        }
    }

    /// The file: all that can be edited is in it, each part with what it does.
    pub fn text(&self) -> String {
        let lines: Vec<_> = self.parts.iter().map(|part| part_line(part, self.of)).collect();
        let width = lines.iter().map(|(part, _)| part.len()).max().unwrap_or_default();
        let mut load = format!("  {}:\n    draw:\n", self.of.key());
        for (part, about) in lines {
            let _ = writeln!(load, "      - {part:width$}  # {about}");
        }
        let scenario = self.scenario();
        let demand = scenario.load().into_iter().flat_map(|load| load.demand.source.walk(&scenario));
        let (mut first, mut most) = (None, 0.0_f64);
        for value in demand.filter_map(|(_, value)| value) {
            first.get_or_insert(value);
            most = most.max(value);
        }
        let page = Page {
            about: "Drawn load: what each part does is beside it.".to_owned(),
            from: "drawn".to_owned(),
            comments: Vec::new(),
            service: self.service.clone(),
            begins: self.begins,
            lasts: self.lasts,
            every: self.every,
            seed: self.seed,
            of: self.of,
            first: first.unwrap_or_default(),
            most,
            load,
        };
        page.text()
    }
}

impl Of {
    /// All, by the names of the file.
    pub const ALL: [(&str, Self); 4] =
        [("requests", Self::Requests), ("jobs", Self::Jobs), ("cores", Self::Cores), ("users", Self::Users)];

    /// Its name in the file.
    pub fn key(self) -> &'static str {
        Self::ALL.iter().find(|(_, of)| *of == self).map_or("requests", |(name, _)| name)
    }

    /// What follows a number of it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Requests | Self::Jobs => "/s",
            Self::Cores | Self::Users => "",
        }
    }
}

/// A small web service: what [`Drawing::text`] writes out.
fn usual_service() -> ServiceModel {
    ServiceModel {
        takes: page::TAKES,
        spread: 1.0,
        at_once: 1,
        cpu: page::TAKES,
        idle_cpu: 0.02,
        cpu_limit: Some(1.0),
        memory: None,
        start: Start::default(),
        stop: Duration::from_secs(5),
        balance: Balance::RoundRobin,
        queue: Queue::default(),
        shared: Shared::default(),
    }
}

#[cfg(test)]
mod tests;
