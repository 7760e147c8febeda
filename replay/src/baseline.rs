//! Baselines: the autoscalers of the field and of the literature, from their published formulas, for a policy to be compared
//! with. `docs/baselines.md` has all of them in a table: formula, defaults, source, and what was changed and why.
//!
//! ```text
//! Every ── looks at the interval of the system, keeps the limits, has the means since the look before
//!   └─ Rule ── one file each: what is wanted, and why
//! ```
//!
//! Each has one knob, which a Pareto picture can sweep. All are deterministic and keep a bounded memory. Where what they go by
//! was not measured, they hold: none takes absence for zero.

mod adapt;
mod alarm;
mod autoscale;
mod aws_step;
mod aws_target;
mod behavior;
mod conpaas;
mod fit;
mod fixed;
mod hist;
mod hpa;
mod keda;
mod kpa;
mod look;
mod lr10;
mod naive;
mod nomad;
mod react;
mod reg;
#[cfg(test)]
mod toy;

use std::time::Duration;

use crate::{
    scaler::Scaler,
    scenario::Scenario,
    simulation::{self, bounds},
};

/// How often the baselines of the literature look, unless they say otherwise. Ours: the papers differ.
const STEP: Duration = Duration::from_mins(1);
/// What the literature's baselines load a replica with, unless that is their knob.
const UTILISATION: f64 = 0.8;

/// An autoscaler to be compared with.
pub struct Baseline {
    /// What it is asked for by: `hpa`.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Where its formulas are from.
    pub source: &'static str,
    knob: fn(&Scenario) -> Knob,
    make: fn(f64, &Scenario, Duration) -> Box<dyn Scaler>,
}

/// What is best turned to compare a baseline at more than one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knob {
    /// What it is: `CPU`.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is unless somebody turns it.
    pub value: f64,
    /// The least that makes sense.
    pub least: f64,
    /// The most that makes sense.
    pub most: f64,
}

/// What a knob is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A share: 0.8 is 80 %.
    Share,
    /// Requests in flight, per replica.
    Requests,
    /// Replicas, whole ones.
    Replicas,
}

/// A baseline cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BaselineError {
    /// There is none of that name.
    #[error("there is no baseline `{name}`{}; there are {}", .nearest.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default(), names())]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        nearest: Option<&'static str>,
    },
    /// Its knob cannot be turned there.
    #[error("{knob} of the baseline `{name}` cannot be {value}: it is above 0; {least} to {most} make sense")]
    Knob {
        /// The baseline.
        name: &'static str,
        /// What its knob is called.
        knob: &'static str,
        /// Where it was to be turned.
        value: f64,
        /// The least that makes sense.
        least: f64,
        /// The most that makes sense.
        most: f64,
    },
}

/// All of them: the field's, the literature's, and who does not scale.
pub const ALL: &[Baseline] = &[
    Baseline {
        name: "hpa",
        about: "Kubernetes Horizontal Pod Autoscaler on CPU, default behaviour",
        source: "Kubernetes documentation, \"Horizontal Pod Autoscaling\"; KEP-853",
        knob: |_| Knob { value: 0.8, ..Knob::CPU },
        make: |knob, scenario, _| hpa::hpa(knob, bounds(scenario)),
    },
    Baseline {
        name: "keda",
        about: "KEDA on a queue, through an HPA, to none and back",
        source: "KEDA documentation, \"ScaledObject specification\"",
        knob: |_| Knob { name: "in flight per replica", unit: Unit::Requests, value: 10.0, least: 0.5, most: 100.0 },
        make: |knob, scenario, _| keda::keda(knob, bounds(scenario)),
    },
    Baseline {
        name: "kpa",
        about: "Knative Pod Autoscaler on concurrency, with panic mode",
        source: "Knative serving, pkg/autoscaler/scaling/autoscaler.go",
        knob: |_| Knob { name: "utilisation of concurrency", unit: Unit::Share, value: 0.7, least: 0.2, most: 1.0 },
        make: |knob, scenario, _| kpa::kpa(knob * concurrency(scenario), bounds(scenario)),
    },
    Baseline {
        name: "nomad",
        about: "Nomad Autoscaler, strategy target-value on CPU",
        source: "Nomad documentation, \"Target Value Strategy Plugin\"",
        knob: |_| Knob { value: 0.7, ..Knob::CPU },
        make: |knob, scenario, _| nomad::nomad(knob, bounds(scenario)),
    },
    Baseline {
        name: "aws-target",
        about: "AWS target tracking on the CPU of an ECS service",
        source: "AWS Application Auto Scaling user guide, \"Target tracking scaling policies\"",
        knob: |_| Knob { value: 0.75, ..Knob::CPU },
        make: |knob, scenario, _| aws_target::aws_target(knob, bounds(scenario)),
    },
    Baseline {
        name: "aws-step",
        about: "AWS step scaling on CPU, with the steps of its documentation",
        source: "Amazon EC2 Auto Scaling user guide, \"Step and simple scaling policies\"",
        knob: |_| Knob { value: 0.5, ..Knob::CPU },
        make: |knob, scenario, _| aws_step::aws_step(knob, bounds(scenario)),
    },
    Baseline {
        name: "static-peak",
        about: "as many as are ever needed, all the time",
        source: "any comparison",
        knob: |_| Knob { name: "share of the peak", ..Knob::OF_DEMAND },
        make: |knob, scenario, _| fixed::static_peak(knob, demand(scenario), bounds(scenario)),
    },
    Baseline {
        name: "static-mean",
        about: "as many as are needed in the mean, all the time",
        source: "any comparison",
        knob: |_| Knob { name: "share of the mean", ..Knob::OF_DEMAND },
        make: |knob, scenario, _| fixed::static_mean(knob, demand(scenario), bounds(scenario)),
    },
    Baseline {
        name: "react",
        about: "two spare replicas, by the load",
        source: "Chieu et al., ICEBE 2009",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| react::react(knob, bounds(scenario), step),
    },
    Baseline {
        name: "adapt",
        about: "an integral controller: up at once, down by a fifteenth",
        source: "Ali-Eldin et al., NOMS 2012",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| adapt::adapt(knob, bounds(scenario), step),
    },
    Baseline {
        name: "hist",
        about: "a percentile of what the hour of the day has needed",
        source: "Urgaonkar et al., ACM TAAS 3(1), 2008",
        knob: |_| Knob { name: "percentile", unit: Unit::Share, value: 0.95, least: 0.5, most: 1.0 },
        make: |knob, scenario, step| hist::hist(knob, bounds(scenario), step),
    },
    Baseline {
        name: "reg",
        about: "up by the load, down by a parabola through 72 observations",
        source: "Iqbal et al., FGCS 27(6), 2011",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| reg::reg(knob, bounds(scenario), step),
    },
    Baseline {
        name: "conpaas",
        about: "the one of three forecasts that erred least of late",
        source: "Fernandez et al., IC2E 2014",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| conpaas::conpaas(knob, bounds(scenario), step),
    },
    Baseline {
        name: "autoscale--",
        about: "up by the load; a replica goes after 120 s idle",
        source: "Gandhi et al., ACM TOCS 30(4), 2012",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, _| autoscale::autoscale(knob, bounds(scenario)),
    },
    Baseline {
        name: "naive+hold",
        about: "the most that the load needed in the last seven minutes",
        source: "textbook",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| naive::naive(knob, bounds(scenario), step),
    },
    Baseline {
        name: "lr10",
        about: "a straight line through the last ten minutes, a minute ahead",
        source: "\"LR\" of Gandhi et al., ACM TOCS 30(4), 2012",
        knob: |_| Knob::LOAD,
        make: |knob, scenario, step| lr10::lr10(knob, bounds(scenario), step),
    },
    Baseline {
        name: "none",
        about: "as many as at the start, all the time",
        source: "any comparison",
        knob: |scenario| Knob {
            name: "replicas",
            unit: Unit::Replicas,
            value: f64::from(scenario.replicas.start),
            least: f64::from(scenario.replicas.min),
            most: f64::from(scenario.replicas.max),
        },
        make: |knob, scenario, _| fixed::none(knob, bounds(scenario)),
    },
];

/// The baseline of that name, for this scenario, with its knob at `knob` or where it usually is.
pub fn make(name: &str, knob: Option<f64>, scenario: &Scenario) -> Result<Box<dyn Scaler>, BaselineError> {
    let Some(baseline) = ALL.iter().find(|baseline| baseline.name == name) else {
        return Err(BaselineError::Unknown { name: name.to_owned(), nearest: nearest(name) });
    };
    baseline.make(knob, scenario)
}

impl Baseline {
    /// Its knob; where that of a baseline depends on the scenario, for this one.
    pub fn knob(&self, scenario: &Scenario) -> Knob {
        (self.knob)(scenario)
    }

    /// One for this scenario, with its knob at `knob` or where it usually is.
    pub fn make(&self, knob: Option<f64>, scenario: &Scenario) -> Result<Box<dyn Scaler>, BaselineError> {
        self.make_for(knob, scenario, STEP)
    }

    /// As [`Self::make`], for load that is known in steps of such a length: baselines of the literature, which count in steps,
    /// look at each of them, instead of each minute. Those of products keep their own intervals.
    pub fn make_for(
        &self,
        knob: Option<f64>,
        scenario: &Scenario,
        step: Duration,
    ) -> Result<Box<dyn Scaler>, BaselineError> {
        let Knob { name, value, least, most, unit } = self.knob(scenario);
        let value = knob.unwrap_or(value);
        let allowed = value > 0.0 || (value == 0.0 && unit == Unit::Replicas);
        if !(value.is_finite() && allowed) {
            return Err(BaselineError::Knob { name: self.name, knob: name, value, least, most });
        }
        Ok((self.make)(value, scenario, step))
    }
}

impl Knob {
    const CPU: Self = Self { name: "CPU", unit: Unit::Share, value: 0.8, least: 0.2, most: 0.95 };
    const LOAD: Self = Self { name: "utilisation", unit: Unit::Share, value: UTILISATION, least: 0.2, most: 1.0 };
    const OF_DEMAND: Self = Self { name: "", unit: Unit::Share, value: 1.0, least: 0.25, most: 1.5 };

    /// So many values to sweep it over, from the least to the most that make sense, each once: in equal steps, or in equal
    /// ratios where the most is more than ten times the least.
    pub fn sweep(&self, count: u32) -> Vec<f64> {
        let steps = f64::from(count.saturating_sub(1).max(1));
        let at = |place: u32| match f64::from(place) / steps {
            part if self.least > 0.0 && self.most > 10.0 * self.least => {
                self.least * (self.most / self.least).powf(part)
            }
            part => self.least + (self.most - self.least) * part,
        };
        let mut values: Vec<f64> = (0..count).map(at).collect();
        if self.unit == Unit::Replicas {
            for value in &mut values {
                *value = value.round();
            }
        }
        values.dedup();
        values
    }
}

/// Requests that one replica is built to work on at the same time; Knative's default where nothing says so.
fn concurrency(scenario: &Scenario) -> f64 {
    scenario.load().map_or(kpa::CONCURRENCY, |load| f64::from(load.service.at_once.max(1)))
}

/// What is needed, span by span; in an open loop, where nobody knows, what there is at the start.
fn demand(scenario: &Scenario) -> impl Iterator<Item = (Duration, u32)> {
    let known = simulation::demand(scenario).map(|step| (step.to.since(step.from), step.needed));
    let unknown = scenario.load().is_none().then_some((scenario.lasts, scenario.replicas.start));
    known.chain(unknown)
}

fn names() -> String {
    ALL.iter().map(|baseline| format!("`{}`", baseline.name)).collect::<Vec<_>>().join(", ")
}

/// What people call some of them.
const OTHER_NAMES: [(&str, &str); 8] = [
    ("kubernetes", "hpa"),
    ("k8s", "hpa"),
    ("knative", "kpa"),
    ("aws", "aws-target"),
    ("target-tracking", "aws-target"),
    ("step-scaling", "aws-step"),
    ("peak", "static-peak"),
    ("mean", "static-mean"),
];

/// The baseline that was probably meant: by another name, or with at most one letter in three wrong.
fn nearest(written: &str) -> Option<&'static str> {
    let written = written.to_lowercase();
    if let Some((_, meant)) = OTHER_NAMES.iter().find(|(name, _)| *name == written) {
        return Some(meant);
    }
    let near = ALL.iter().map(|baseline| (strsim::osa_distance(&written, baseline.name), baseline.name)).min()?;
    (near.0 <= written.chars().count().max(near.1.len()).div_ceil(3)).then_some(near.1)
}

/// A table of another project's own tests, where it is at hand: facts that are not part of this repository.
#[cfg(test)]
fn vectors(file: &str) -> Option<serde_json::Value> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(file);
    serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

#[cfg(test)]
mod tests;
