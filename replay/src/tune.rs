//! The search for the settings of a policy that cost least and still keep what users were promised.
//!
//! Settings are chosen by one part of the time and judged by the rest, so that what is praised is not merely what fits the
//! past best. What the knobs are, and how a policy with other settings is made and run, the caller says; here is only the
//! search, which tries every combination where there are few, and else goes knob by knob from the settings that are.

use std::collections::BTreeMap;

use rand_chacha::rand_core::Rng;

use autoscaler::Timestamp;

use crate::{
    Scaler, Scenario,
    chance::{self, Purpose},
    measures::Turns,
    simulation::{Change, Segment, Watch},
};

/// What came of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// The cost in replica-hours.
    pub cost: f64,
    /// Share of the requests that were late or lost, 0 to 1.
    pub late: f64,
    /// Changes that turned back within ten minutes of one the other way.
    pub reversals: u64,
}

/// One combination of settings: of each knob, the place of its value.
pub type Choice = Vec<usize>;

/// What came of one combination of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The settings.
    pub choice: Choice,
    /// On the part of the time that settings are chosen by.
    pub chosen_by: Score,
    /// On the rest.
    pub judged_by: Score,
}

/// How to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Search {
    /// The share of requests that may be late or lost, 0 to 1.
    pub most_late: f64,
    /// Combinations tried at most; at least 1.
    pub most_trials: usize,
    /// Where random numbers come from.
    pub seed: u64,
}

/// Everything that was tried, in the order in which it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The first is the one that the search began with.
    pub trials: Vec<Trial>,
    /// The place of the best: of those that keep the promise the cheapest, or where none does, the one that comes nearest.
    pub best: usize,
    /// Whether the best keeps the promise on the part that it was chosen by.
    pub kept: bool,
}

impl Found {
    /// The trials on the Pareto front of the part that is held out: none of the others is both cheaper and less
    /// late. By cost.
    pub fn front(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.trials.len()).collect();
        let judged = |place: usize| self.trials[place].judged_by;
        order.sort_by(|one, other| {
            let (one, other) = (judged(*one), judged(*other));
            one.cost.total_cmp(&other.cost).then(one.late.total_cmp(&other.late))
        });
        let mut least_late = f64::INFINITY;
        order.retain(|place| {
            let better = judged(*place).late < least_late;
            least_late = least_late.min(judged(*place).late);
            better
        });
        order
    }
}

impl Search {
    /// Tries combinations of knobs, of which the n-th has `values[n]` values, from the present one on. `run` runs several
    /// combinations, side by side if it can, and gives back what came of each; `None` where one cannot be run, such as a
    /// lower bound above the upper one.
    pub fn run(
        &self,
        values: &[usize],
        present: Choice,
        mut run: impl FnMut(&[Choice]) -> Vec<Option<(Score, Score)>>,
    ) -> Option<Found> {
        let mut tried = Tried { by_choice: BTreeMap::new(), trials: Vec::new(), left: self.most_trials.max(1) };
        tried.run(vec![present.clone()], &mut run);
        let all = values.iter().try_fold(1_usize, |product, count| product.checked_mul(*count));
        if all.is_some_and(|all| all <= self.most_trials) {
            tried.run(combinations(values), &mut run);
        } else {
            self.descend(values, present, &mut tried, &mut run);
        }
        let best = self.best(&tried.trials)?;
        let kept = tried.trials[best].chosen_by.late <= self.most_late;
        Some(Found { trials: tried.trials, best, kept })
    }

    /// Knob by knob, from the best so far, until no knob helps; then again from settings drawn at random.
    fn descend(
        &self,
        values: &[usize],
        present: Choice,
        tried: &mut Tried,
        run: &mut impl FnMut(&[Choice]) -> Vec<Option<(Score, Score)>>,
    ) {
        let mut numbers = chance::stream(self.seed, Purpose::Bootstrap);
        let mut from = present;
        while tried.left > 0 {
            loop {
                let before = from.clone();
                for knob in 0..values.len() {
                    let line = (0..values[knob]).map(|value| {
                        let mut choice = from.clone();
                        choice[knob] = value;
                        choice
                    });
                    let line: Vec<Choice> = line.collect();
                    tried.run(line.clone(), run);
                    let among: Vec<Trial> = line.iter().filter_map(|choice| tried.get(choice)).cloned().collect();
                    if let Some(best) = self.best(&among) {
                        from.clone_from(&among[best].choice);
                    }
                }
                if from == before || tried.left == 0 {
                    break;
                }
            }
            let known = tried.by_choice.len();
            from = values.iter().map(|count| draw(&mut numbers, *count)).collect();
            tried.run(vec![from.clone()], run);
            if tried.by_choice.len() == known {
                // What is drawn is known already: there is hardly anything left to find.
                break;
            }
        }
    }

    /// Of those that keep the promise the cheapest; where none does, the least late, and of these the cheapest.
    fn best(&self, trials: &[Trial]) -> Option<usize> {
        let over = |trial: &Trial| (trial.chosen_by.late - self.most_late).max(0.0);
        let order = |one: &Trial, other: &Trial| {
            let (a, b) = (one.chosen_by, other.chosen_by);
            over(one).total_cmp(&over(other)).then(a.cost.total_cmp(&b.cost)).then(a.late.total_cmp(&b.late))
        };
        (0..trials.len()).min_by(|one, other| order(&trials[*one], &trials[*other]))
    }
}

/// What has been tried.
struct Tried {
    /// The place among the trials; `None`: it cannot be run.
    by_choice: BTreeMap<Choice, Option<usize>>,
    trials: Vec<Trial>,
    left: usize,
}

impl Tried {
    fn get(&self, choice: &Choice) -> Option<&Trial> {
        let place = (*self.by_choice.get(choice)?)?;
        self.trials.get(place)
    }

    /// Runs those that have not been tried yet, as many as may be.
    fn run(&mut self, mut choices: Vec<Choice>, run: &mut impl FnMut(&[Choice]) -> Vec<Option<(Score, Score)>>) {
        choices.retain(|choice| !self.by_choice.contains_key(choice));
        choices.truncate(self.left);
        self.left -= choices.len();
        let scores = run(&choices);
        for (choice, scores) in choices.into_iter().zip(scores) {
            let place = scores.map(|(chosen_by, judged_by)| {
                self.trials.push(Trial { choice: choice.clone(), chosen_by, judged_by });
                self.trials.len() - 1
            });
            self.by_choice.insert(choice, place);
        }
    }
}

/// One of so many, from 0; the first where there is none.
fn draw(numbers: &mut impl Rng, of: usize) -> usize {
    let of = u64::try_from(of).unwrap_or(u64::MAX).max(1);
    usize::try_from(numbers.next_u64() % of).unwrap_or_default()
}

/// Watches runs, and keeps the score of the first part of each apart from that of the rest. A span belongs to the part that
/// it begins in.
#[derive(Clone, Debug, Default)]
pub struct Halves {
    split: Timestamp,
    turns: Turns,
    parts: [Part; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Part {
    replica_hours: f64,
    answered: f64,
    late: f64,
    reversals: u64,
}

impl Halves {
    /// Of a run of this scenario that comes next, of which so large a share from its beginning is the first part.
    pub fn begin(&mut self, scenario: &Scenario, share: f64) {
        self.split = scenario.begins.plus(scenario.lasts.mul_f64(share.clamp(0.0, 1.0)));
        self.turns = Turns::default();
    }

    /// Of the first parts of all runs, and of the rest.
    pub fn scores(&self) -> (Score, Score) {
        let [first, rest] = self.parts.map(|part| Score {
            cost: part.replica_hours,
            late: if part.answered > 0.0 { part.late / part.answered } else { 0.0 },
            reversals: part.reversals,
        });
        (first, rest)
    }
}

impl Watch for Halves {
    fn segment(&mut self, segment: &Segment) {
        let part = &mut self.parts[usize::from(segment.from >= self.split)];
        let replicas = segment.ready + segment.starting + segment.stopping;
        part.replica_hours += f64::from(replicas) * segment.to.since(segment.from).as_secs_f64() / 3600.0;
        part.answered += segment.served + segment.lost;
        part.late += segment.slow + segment.lost;
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        if self.turns.turns_back(change) {
            self.parts[usize::from(change.at >= self.split)].reversals += 1;
        }
    }
}

/// Every combination, the last knob turning fastest.
fn combinations(values: &[usize]) -> Vec<Choice> {
    values.iter().fold(vec![Vec::new()], |before, count| {
        let longer = |choice: &Choice, value| choice.iter().copied().chain([value]).collect();
        before.iter().flat_map(|choice| (0..*count).map(move |value| longer(choice, value))).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap at the lower end, late there; the cheapest that keeps 1 % is (4, 2).
    fn bowl(choice: &[usize]) -> (Score, Score) {
        let (one, other) = (choice[0] as f64, choice[1] as f64);
        let late = (0.05 - one * 0.01).max(0.0) + (other - 2.0).powi(2) * 0.01;
        let score = Score { cost: 10.0 + one, late, reversals: 0 };
        (score, Score { late: late * 1.1, ..score })
    }

    fn run_all(choices: &[Choice]) -> Vec<Option<(Score, Score)>> {
        choices.iter().map(|choice| Some(bowl(choice))).collect()
    }

    #[test]
    fn few_combinations_are_all_tried_and_the_cheapest_that_keeps_the_promise_wins() {
        let search = Search { most_late: 0.0101, most_trials: 100, seed: 1 };
        let found = search.run(&[8, 5], vec![0, 0], run_all).expect("some");
        assert_eq!(found.trials.len(), 40);
        assert_eq!((found.trials[found.best].choice.clone(), found.kept), (vec![4, 2], true));
        assert_eq!(found.trials[0].choice, [0, 0]);
    }

    #[test]
    fn of_many_the_search_goes_knob_by_knob_and_keeps_to_its_budget() {
        let search = Search { most_late: 0.0101, most_trials: 80, seed: 1 };
        let mut runs = 0;
        let found = search.run(&[8, 50], vec![0, 0], |choices| {
            runs += choices.len();
            run_all(choices)
        });
        let found = found.expect("some");
        assert_eq!(found.trials[found.best].choice, [4, 2]);
        assert!(runs <= 80, "{runs}");
    }

    #[test]
    fn where_nothing_keeps_the_promise_the_least_late_is_best_and_that_is_said() {
        let search = Search { most_late: -1.0, most_trials: 100, seed: 1 };
        let found = search.run(&[8, 5], vec![0, 0], run_all).expect("some");
        assert!(!found.kept);
        assert_eq!(found.trials[found.best].choice, [5, 2]);
    }

    #[test]
    fn what_cannot_be_run_is_left_out() {
        let search = Search { most_late: 0.5, most_trials: 100, seed: 1 };
        let found = search.run(&[2, 2], vec![0, 0], |choices| {
            choices.iter().map(|choice| (choice[0] == 0).then(|| bowl(choice))).collect()
        });
        assert_eq!(found.expect("some").trials.len(), 2);
        assert_eq!(search.run(&[1], vec![0], |choices| vec![None; choices.len()]), None);
    }

    #[test]
    fn nothing_on_the_front_is_both_dearer_and_later_than_something_else() {
        let search = Search { most_late: 0.01, most_trials: 100, seed: 1 };
        let found = search.run(&[8, 5], vec![0, 0], run_all).expect("some");
        let front: Vec<Score> = found.front().into_iter().map(|place| found.trials[place].judged_by).collect();
        assert!(front.windows(2).all(|pair| pair[0].cost < pair[1].cost && pair[0].late > pair[1].late), "{front:?}");
        assert_eq!(front.len(), 6);
    }
}
