//! What is to be run, and running it on several threads.

use std::{borrow::Cow, sync::Arc};

use autoscaler::Policy;

use super::{Case, ComparisonError, Digest, Options, Still, sweep};
use crate::{
    Scaler, Scenario, baseline,
    expectations::{Judge, Verdict},
    measures::{Measures, Meter},
    plan::{Plan, PlanScaler},
    report::{Kind, Picture},
    scaler::{Bounds, PolicyScaler},
    scenario::Expected,
    simulation::{self, RunError, Watch},
};

/// Who scales in a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Who {
    /// A policy, by its name in reports.
    Policy(String, Arc<Policy>),
    /// A baseline, by name.
    Baseline(String),
    /// Who knows the future.
    Plan,
    /// Nobody: what the elastic speedup compares with.
    Still,
}

impl Who {
    /// What it is in a report.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Policy(..) => Kind::Policy,
            Self::Baseline(_) | Self::Still => Kind::Baseline,
            Self::Plan => Kind::Plan,
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the scaler calls itself.
    pub name: String,
    /// What was measured.
    pub measures: Measures,
    /// What pictures need, where one is wanted.
    pub picture: Option<Picture>,
    /// Of everything that happened.
    pub digest: Digest,
    /// What came of what the scenario expects.
    pub verdicts: Vec<Verdict>,
}

/// One run that is to be made.
pub(super) struct Task<'a> {
    /// Which case it belongs to.
    pub(super) case: usize,
    /// The scenario, under the seed of this run.
    pub(super) scenario: Cow<'a, Scenario>,
    /// Who scales.
    pub(super) who: Who,
    /// Where its knob is turned to; absent: it is as it was given.
    pub(super) setting: Option<sweep::Setting>,
    /// Whether pictures of it are shown.
    pub(super) pictured: bool,
    /// The limits of everybody in the case, within which the plan is.
    pub(super) bounds: Bounds,
}

/// Runs a scenario with somebody who scales, and watches. `plan` is the cost of the clairvoyant plan, for what is expected of
/// the cost.
pub fn run(
    scenario: &Scenario,
    scaler: &mut dyn Scaler,
    plan: Option<f64>,
    pictured: bool,
) -> Result<Outcome, RunError> {
    let (mut meter, mut digest) = (Meter::new(scenario), Digest::default());
    let mut judge = Judge::new(scenario, plan);
    let mut picture = pictured.then(|| Picture::new(scenario));
    let mut watches: Vec<&mut dyn Watch> = vec![&mut meter, &mut digest, &mut judge];
    if let Some(picture) = &mut picture {
        watches.push(picture);
    }
    simulation::run(scenario, scaler, &mut watches)?;
    let verdicts = judge.verdicts();
    Ok(Outcome { name: scaler.name(), measures: meter.measures(), picture, digest, verdicts })
}

/// The cheapest plan, within the limits of the scenario and of all these policies: none of them pays less.
pub fn clairvoyant_beside<'a>(scenario: &Scenario, policies: impl IntoIterator<Item = &'a Policy>) -> Plan {
    Plan::new(scenario, widest(scenario, policies))
}

fn widest<'a>(scenario: &Scenario, policies: impl IntoIterator<Item = &'a Policy>) -> Bounds {
    policies.into_iter().fold(simulation::bounds(scenario), |Bounds { min, max }, policy| {
        let own = policy.widest_limits();
        Bounds { min: min.min(own.min), max: max.max(own.max) }
    })
}

/// Every run of a comparison: by case, then by contender, then by seed; those with knobs turned last.
pub(super) fn plan<'a>(cases: &'a [Case], options: &Options) -> Result<Vec<Task<'a>>, ComparisonError> {
    let mut tasks = Vec::new();
    for (case, of_case) in cases.iter().enumerate() {
        let bounds = widest(&of_case.scenario, of_case.policies.iter().map(|(_, policy)| policy.as_ref()));
        let policies = of_case.policies.iter().map(|(name, policy)| Who::Policy(name.clone(), Arc::clone(policy)));
        let baselines = options.baselines.iter().map(|name| Who::Baseline(name.clone()));
        let mut contenders: Vec<Who> = policies.chain(baselines).collect();
        if contenders.is_empty() && !options.plan {
            return Err(ComparisonError::Nobody(of_case.scenario.name.clone()));
        }
        contenders.extend(options.plan.then_some(Who::Plan));
        // What others are divided by is run under each seed, too.
        for who in contenders.iter().chain([&Who::Still]) {
            for seed in 0..options.seeds.get() {
                let mut scenario = Cow::Borrowed(&of_case.scenario);
                if seed > 0 {
                    let of_case = scenario.seed;
                    scenario.to_mut().seed = of_case.wrapping_add(u64::from(seed));
                }
                let pictured = seed == 0 && *who != Who::Still;
                tasks.push(Task { case, scenario, who: who.clone(), setting: None, pictured, bounds });
            }
        }
        let scenario = || Cow::Borrowed(&of_case.scenario);
        for who in contenders.iter().filter(|_| options.sweep) {
            for setting in sweep::settings(who, &of_case.scenario) {
                let (who, setting) = (who.clone(), Some(setting));
                tasks.push(Task { case, scenario: scenario(), who, setting, pictured: false, bounds });
            }
        }
    }
    Ok(tasks)
}

impl Task<'_> {
    /// Runs it.
    pub(super) fn run(&self) -> Result<Outcome, ComparisonError> {
        let scenario = self.scenario.as_ref();
        // The plan is only as much work as is worth where somebody asks for it.
        let asked = self.pictured && scenario.expect.iter().any(|expected| expected.what == Expected::Cost);
        let cost = asked.then(|| Plan::new(scenario, self.bounds).cost());
        let knob = self.setting.as_ref().and_then(|setting| setting.knob);
        let outcome = match &self.who {
            Who::Policy(name, policy) => {
                let turned = self.setting.as_ref().and_then(|setting| setting.policy.as_ref());
                let policy = Arc::clone(turned.unwrap_or(policy));
                run(scenario, &mut PolicyScaler::new(name.clone(), policy), cost, self.pictured)
            }
            Who::Baseline(name) => run(scenario, baseline::make(name, knob, scenario)?.as_mut(), cost, self.pictured),
            Who::Plan => {
                let plan = Plan::new(scenario, self.bounds);
                let costs = plan.cost();
                let outcome = run(&Plan::world(scenario), &mut PlanScaler::new(plan), cost, self.pictured);
                outcome.map(|mut outcome| {
                    // The same but where a deploy, which its world does not have, changes what is needed.
                    outcome.measures.cost.total = costs;
                    outcome
                })
            }
            Who::Still => run(scenario, &mut Still, cost, self.pictured),
        };
        outcome.map_err(|error| ComparisonError::Run(scenario.name.clone(), error))
    }
}
