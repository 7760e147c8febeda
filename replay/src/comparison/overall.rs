//! Who does best over all scenarios.

use super::{Trials, Who};
use crate::{
    measures::Measures,
    ranking,
    report::{Judged, Rank},
};

/// What the policies that scenarios name themselves are together.
const OWN: &str = "each scenario's own policy";

/// One contender over all scenarios.
struct Entrant {
    key: Key,
    /// What it is called in each scenario.
    names: Vec<String>,
    cases: Vec<usize>,
    measures: Vec<Measures>,
}

#[derive(Clone, PartialEq)]
enum Key {
    Own,
    Policy(String),
    Baseline(String),
}

/// Ranks whoever was judged on every scenario; scenarios say in their warnings who of theirs was not. A policy is the same
/// where its name is; of those left, all that scenarios name themselves are one. A baseline is the same whatever it was
/// set to.
pub(super) fn rank(trials: Vec<Trials>, judged: &mut [Judged]) -> Vec<Rank> {
    let scenarios = judged.len();
    if scenarios < 2 {
        return Vec::new();
    }
    let mut entrants: Vec<Entrant> = Vec::new();
    let keys: Vec<Option<Key>> = trials.iter().map(|trial| key(trial, &trials, scenarios)).collect();
    for (key, trial) in keys.into_iter().zip(trials) {
        let Some(key) = key else { continue };
        match entrants.iter_mut().find(|entrant| entrant.key == key) {
            // Two of one name in a scenario: the first.
            Some(entrant) if entrant.cases.contains(&trial.case) => {}
            Some(entrant) => {
                entrant.names.push(trial.name);
                entrant.cases.push(trial.case);
                entrant.measures.extend(trial.measures);
            }
            None => {
                let (names, cases) = (vec![trial.name], vec![trial.case]);
                entrants.push(Entrant { key, names, cases, measures: trial.measures });
            }
        }
    }
    let (everywhere, elsewhere): (Vec<_>, Vec<_>) =
        entrants.into_iter().partition(|entrant| entrant.cases.len() == scenarios);
    for entrant in elsewhere {
        for (name, case) in entrant.names.iter().zip(entrant.cases) {
            let warning = format!("{name} is not ranked over all scenarios: it is not judged on all of them");
            judged[case].warnings.push(warning);
        }
    }
    let ranked: Vec<_> = everywhere.into_iter().map(|entrant| (entrant.name(), entrant.measures)).collect();
    if ranked.len() > 1 { ranking::rank(&ranked) } else { Vec::new() }
}

/// Who it is over all scenarios; nobody for those that are only there to compare with.
fn key(trial: &Trials, all: &[Trials], scenarios: usize) -> Option<Key> {
    match &trial.who {
        Who::Policy(name, _) => {
            let same = |case: usize| {
                let of_case = |other: &&Trials| other.case == case;
                all.iter().filter(of_case).any(|other| matches!(&other.who, Who::Policy(other, _) if other == name))
            };
            let everywhere = (0..scenarios).all(same);
            Some(if trial.own && !everywhere { Key::Own } else { Key::Policy(name.clone()) })
        }
        Who::Baseline(name) => Some(Key::Baseline(name.clone())),
        Who::Plan | Who::Still => None,
    }
}

impl Entrant {
    fn name(&self) -> String {
        let same = self.names.windows(2).all(|pair| pair[0] == pair[1]);
        match (&self.key, self.names.first()) {
            (Key::Own, _) => OWN.to_owned(),
            (_, Some(name)) if same => name.clone(),
            (Key::Policy(name) | Key::Baseline(name), _) => name.clone(),
        }
    }
}
