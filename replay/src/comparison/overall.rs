//! Who does best over all scenarios, and whether that is more than chance.

use super::{Trials, Who};
use crate::{
    measures::Measures,
    ranking,
    report::{Finding, Judged, Rank, Significance},
};

/// What the policies that scenarios name themselves are together.
const OWN: &str = "each scenario's own policy";

/// One contender over all scenarios.
struct Entrant {
    key: Key,
    /// What it is called in each scenario.
    names: Vec<String>,
    cases: Vec<usize>,
    /// For each of these, by seed.
    measures: Vec<Vec<Measures>>,
}

#[derive(Clone, PartialEq)]
enum Key {
    Own,
    Policy(String),
    Baseline(String),
}

/// Somebody in every scenario, and the measures of each scenario's seeds.
type Ranked = (String, Vec<Vec<Measures>>);

/// Ranks whoever was judged on every scenario; scenarios say in their warnings who of theirs was not. A policy is the same
/// where its name is; of those left, all that scenarios name themselves are one. A baseline is the same whatever it was
/// set to. And holds everybody beside the best one. Of one scenario there is no ranking; of one run there is nothing.
pub(super) fn rank(trials: Vec<Trials>, judged: &mut [Judged]) -> (Vec<Rank>, Vec<Significance>) {
    let scenarios = judged.len();
    let (everywhere, elsewhere): (Vec<_>, Vec<_>) =
        entrants(trials, scenarios).into_iter().partition(|entrant| entrant.cases.len() == scenarios);
    for entrant in elsewhere {
        for (name, case) in entrant.names.iter().zip(entrant.cases) {
            let warning = format!("{name} is not ranked over all scenarios: it is not judged on all of them");
            judged[case].warnings.push(warning);
        }
    }
    let ranked: Vec<Ranked> = everywhere.into_iter().map(|entrant| (entrant.name(), entrant.measures)).collect();
    let several = ranked.first().is_some_and(|(_, measures)| measures.iter().map(Vec::len).sum::<usize>() > 1);
    if ranked.len() < 2 || !several {
        return (Vec::new(), Vec::new());
    }
    let flat: Vec<_> = ranked.iter().map(|(name, measures)| (name.clone(), measures.concat())).collect();
    let ranking = ranking::rank(&flat);
    let seed = judged.first().map_or(0, |judged| judged.scenario.seed);
    let significance = beside_the_best(&ranking, &ranked, seed);
    (if scenarios > 1 { ranking } else { Vec::new() }, significance)
}

/// Everybody in all scenarios in which they are.
fn entrants(trials: Vec<Trials>, scenarios: usize) -> Vec<Entrant> {
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
                entrant.measures.push(trial.measures);
            }
            None => {
                let (names, cases) = (vec![trial.name], vec![trial.case]);
                entrants.push(Entrant { key, names, cases, measures: vec![trial.measures] });
            }
        }
    }
    entrants
}

/// A measure in which contenders are held beside the best one.
struct Held {
    key: &'static str,
    /// Whether a difference is a share of the best one's value: scenarios of all sizes count the same then.
    relative: bool,
    of: fn(&Measures) -> Option<f64>,
}

/// What it cost, what was paid, and what users felt.
const HELD: [Held; 3] = [
    Held { key: "cost", relative: true, of: |measures| Some(measures.cost.total) },
    Held { key: "replica_hours", relative: true, of: |measures| Some(measures.cost.replica_hours) },
    Held { key: "late", relative: false, of: |measures| measures.users.late },
];

/// Everybody but the best one, in the order of their ranks.
fn beside_the_best(ranking: &[Rank], ranked: &[Ranked], seed: u64) -> Vec<Significance> {
    let measures = |rank: &Rank| ranked.iter().find(|(name, _)| *name == rank.name).map(|(_, measures)| measures);
    let Some((best, others)) = ranking.split_first() else { return Vec::new() };
    let Some(of_best) = measures(best) else { return Vec::new() };
    let mut all = Vec::new();
    for other in others {
        for Held { key, relative, of } in &HELD {
            let differences = measures(other).map(|own| differences(own, of_best, *relative, *of)).unwrap_or_default();
            let nothing: Vec<Vec<f64>> = differences.iter().map(|seeds| vec![0.0; seeds.len()]).collect();
            let Some(difference) = ranking::difference(&differences, &nothing, seed) else { continue };
            let finding = Finding::of(&difference);
            let (name, best) = (other.name.clone(), best.name.clone());
            all.push(Significance { name, best, measure: key, relative: *relative, difference, finding });
        }
    }
    all
}

/// The difference of each pair, by scenario. Pairs that have no value are left out, and where a scenario is the same under all
/// seeds, it is one pair: the others would only seem to confirm it.
fn differences(
    own: &[Vec<Measures>],
    best: &[Vec<Measures>],
    relative: bool,
    of: fn(&Measures) -> Option<f64>,
) -> Vec<Vec<f64>> {
    let by = |(own, best): (&Measures, &Measures)| {
        let (own, best) = (of(own)?, of(best)?);
        if relative { (best > 0.0).then(|| own / best - 1.0) } else { Some(own - best) }
    };
    let of_scenario = |(own, best): (&Vec<Measures>, &Vec<Measures>)| {
        let mut seeds: Vec<f64> = own.iter().zip(best).filter_map(by).map(even).collect();
        if seeds.iter().all(|other| other.to_bits() == seeds[0].to_bits()) {
            seeds.truncate(1);
        }
        seeds
    };
    own.iter().zip(best).map(of_scenario).collect()
}

/// What rounding makes of no difference is none.
fn even(difference: f64) -> f64 {
    if difference.abs() < 1e-9 { 0.0 } else { difference }
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
