//! The search for the settings of a policy that cost least and still keep what users were promised.
//!
//! Time is cut into parts. Settings that all but one of them choose are judged by that one, each part in its turn (blocked
//! cross-validation; Bergmeir, Benítez: "On the use of cross-validation for time series predictor evaluation", Information
//! Sciences 2012), so that what is praised is not merely what fits the past best. What the knobs are, and how a policy with other settings is made and run, the caller says; here is only the
//! search, which tries every combination where there are few, and else goes knob by knob from the settings that are.

use std::{collections::BTreeMap, num::NonZero, time::Duration};

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

/// What came of one part of the time, in sums.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// The cost in replica-hours.
    pub replica_hours: f64,
    /// Requests that ended.
    pub answered: f64,
    /// Those of them that were late or lost.
    pub late: f64,
    /// Changes that turned back within ten minutes of one the other way.
    pub reversals: u64,
}

impl Score {
    /// Of several parts together.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a Part>) -> Self {
        let sum = parts.into_iter().fold(Part::default(), |sum, part| Part {
            replica_hours: sum.replica_hours + part.replica_hours,
            answered: sum.answered + part.answered,
            late: sum.late + part.late,
            reversals: sum.reversals + part.reversals,
        });
        let late = if sum.answered > 0.0 { sum.late / sum.answered } else { 0.0 };
        Self { cost: sum.replica_hours, late, reversals: sum.reversals }
    }
}

/// One combination of settings: of each knob, the place of its value.
pub type Choice = Vec<usize>;

/// What came of one combination of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The settings.
    pub choice: Choice,
    /// By part of the time.
    pub parts: Vec<Part>,
}

impl Trial {
    /// Over all of the time.
    pub fn score(&self) -> Score {
        Score::of(&self.parts)
    }

    /// On one part; nothing where there is no such part.
    pub fn on(&self, part: usize) -> Score {
        Score::of(self.parts.get(part))
    }

    /// On all parts but one.
    pub fn but(&self, part: usize) -> Score {
        Score::of(self.parts.iter().enumerate().filter(|(place, _)| *place != part).map(|(_, part)| part))
    }
}

/// A part of the time that is held out, and the settings that the others chose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fold {
    /// The place of the trial that is best on all other parts.
    pub best: usize,
    /// What that comes to on this part.
    pub judged: Score,
    /// What the settings that the search began with come to on it.
    pub before: Score,
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
    /// The place of the best over all of the time: of those that keep the promise the cheapest, or where none does, the one
    /// that comes nearest.
    pub best: usize,
    /// Whether the best keeps the promise.
    pub kept: bool,
    /// One for each part: how well such a search does on time that it has not seen. All settings that were tried stand to
    /// choice; where there are so many that a search goes knob by knob, the way it went has seen all of the time.
    pub folds: Vec<Fold>,
}

impl Found {
    /// The trials on the Pareto front: none of the others is both cheaper and less late. By cost.
    pub fn front(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.trials.len()).collect();
        let scores: Vec<Score> = self.trials.iter().map(Trial::score).collect();
        order.sort_by(|one, other| {
            let (one, other) = (scores[*one], scores[*other]);
            one.cost.total_cmp(&other.cost).then(one.late.total_cmp(&other.late))
        });
        let mut least_late = f64::INFINITY;
        order.retain(|place| {
            let better = scores[*place].late < least_late;
            least_late = least_late.min(scores[*place].late);
            better
        });
        order
    }
}

impl Search {
    /// Tries combinations of knobs, of which the n-th has `values[n]` values, from the present one on. `run` runs several
    /// combinations, side by side if it can, and gives back what came of each by part of the time, of which all have as many;
    /// `None` where one cannot be run, such as a lower bound above the upper one.
    pub fn run(
        &self,
        values: &[usize],
        present: Choice,
        mut run: impl FnMut(&[Choice]) -> Vec<Option<Vec<Part>>>,
    ) -> Option<Found> {
        let mut tried = Tried { by_choice: BTreeMap::new(), trials: Vec::new(), left: self.most_trials.max(1) };
        tried.run(vec![present.clone()], &mut run);
        let all = values.iter().try_fold(1_usize, |product, count| product.checked_mul(*count));
        if all.is_some_and(|all| all <= self.most_trials) {
            tried.run(combinations(values), &mut run);
        } else {
            self.descend(values, present, &mut tried, &mut run);
        }
        let trials = tried.trials;
        let best = self.best(&trials, Trial::score)?;
        let kept = trials[best].score().late <= self.most_late;
        let parts = trials.first().map_or(0, |trial| trial.parts.len());
        let fold = |part: usize| {
            let best = self.best(&trials, |trial| trial.but(part))?;
            Some(Fold { best, judged: trials[best].on(part), before: trials[0].on(part) })
        };
        let folds = (0..parts).filter_map(fold).collect();
        Some(Found { trials, best, kept, folds })
    }

    /// Knob by knob, from the best so far, until no knob helps; then again from settings drawn at random.
    fn descend(
        &self,
        values: &[usize],
        present: Choice,
        tried: &mut Tried,
        run: &mut impl FnMut(&[Choice]) -> Vec<Option<Vec<Part>>>,
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
                    if let Some(best) = self.best(&among, Trial::score) {
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
    fn best(&self, trials: &[Trial], score: impl Fn(&Trial) -> Score) -> Option<usize> {
        let over = |score: &Score| (score.late - self.most_late).max(0.0);
        let order = |(_, one): &(usize, Score), (_, other): &(usize, Score)| {
            let by_cost = one.cost.total_cmp(&other.cost).then(one.late.total_cmp(&other.late));
            over(one).total_cmp(&over(other)).then(by_cost)
        };
        trials.iter().map(score).enumerate().min_by(order).map(|(place, _)| place)
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
    fn run(&mut self, mut choices: Vec<Choice>, run: &mut impl FnMut(&[Choice]) -> Vec<Option<Vec<Part>>>) {
        choices.retain(|choice| !self.by_choice.contains_key(choice));
        choices.truncate(self.left);
        self.left -= choices.len();
        let scores = run(&choices);
        for (choice, scores) in choices.into_iter().zip(scores) {
            let place = scores.map(|parts| {
                self.trials.push(Trial { choice: choice.clone(), parts });
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

/// Watches runs, each cut into as many parts of the same length, and keeps what came of each part: the first ones of all runs
/// together, the second ones, and so on. A span belongs to the part that it begins in.
#[derive(Clone, Debug)]
pub struct Parts {
    begins: Timestamp,
    lasts: Duration,
    turns: Turns,
    all: Vec<Part>,
}

impl Parts {
    /// So many.
    pub fn new(count: NonZero<usize>) -> Self {
        let all = vec![Part::default(); count.get()];
        Self { begins: Timestamp::default(), lasts: Duration::ZERO, turns: Turns::default(), all }
    }

    /// A run of this scenario comes next.
    pub fn begin(&mut self, scenario: &Scenario) {
        (self.begins, self.lasts, self.turns) = (scenario.begins, scenario.lasts, Turns::default());
    }

    /// What came of each.
    pub fn parts(self) -> Vec<Part> {
        self.all
    }

    /// The part that a moment is in.
    fn at(&mut self, moment: Timestamp) -> &mut Part {
        let count = self.all.len();
        let place = moment.since(self.begins).as_millis() * count as u128 / self.lasts.as_millis().max(1);
        &mut self.all[usize::try_from(place).unwrap_or(count).min(count - 1)]
    }
}

impl Watch for Parts {
    fn segment(&mut self, segment: &Segment) {
        let part = self.at(segment.from);
        let replicas = segment.ready + segment.starting + segment.stopping;
        part.replica_hours += f64::from(replicas) * segment.to.since(segment.from).as_secs_f64() / 3600.0;
        part.answered += segment.served + segment.lost;
        part.late += segment.slow + segment.lost;
    }

    fn change(&mut self, change: &Change, _scaler: &dyn Scaler) {
        if self.turns.turns_back(change) {
            self.at(change.at).reversals += 1;
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

    /// Cheap at the lower end, late there; the cheapest that keeps 1 % is (4, 2). The second part is a little worse.
    fn bowl(choice: &[usize]) -> Vec<Part> {
        let (one, other) = (choice[0] as f64, choice[1] as f64);
        let late = (0.05 - one * 0.01).max(0.0) + (other - 2.0).powi(2) * 0.01;
        let part = |worse: f64| Part {
            replica_hours: 5.0 + one / 2.0,
            answered: 100.0,
            late: late * 100.0 * worse,
            reversals: 0,
        };
        vec![part(1.0), part(1.1)]
    }

    fn run_all(choices: &[Choice]) -> Vec<Option<Vec<Part>>> {
        choices.iter().map(|choice| Some(bowl(choice))).collect()
    }

    #[test]
    fn few_combinations_are_all_tried_and_the_cheapest_that_keeps_the_promise_wins() {
        let search = Search { most_late: 0.0106, most_trials: 100, seed: 1 };
        let found = search.run(&[8, 5], vec![0, 0], run_all).expect("some");
        assert_eq!(found.trials.len(), 40);
        assert_eq!((found.trials[found.best].choice.clone(), found.kept), (vec![4, 2], true));
        assert_eq!(found.trials[0].choice, [0, 0]);
    }

    #[test]
    fn of_many_the_search_goes_knob_by_knob_and_keeps_to_its_budget() {
        let search = Search { most_late: 0.0106, most_trials: 80, seed: 1 };
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
    fn each_part_is_judged_by_what_the_others_chose() {
        // The first part wants many replicas, the others few: what those choose fails on it.
        let parts = |choice: &Choice| {
            let many = choice[0] as f64;
            let part = |late: f64| Part { replica_hours: 1.0 + many, answered: 100.0, late, reversals: 0 };
            Some(vec![part(40.0 - 40.0 * many), part(0.0), part(0.0)])
        };
        let search = Search { most_late: 0.1, most_trials: 10, seed: 1 };
        let found = search.run(&[2], vec![0], |choices| choices.iter().map(parts).collect()).expect("some");
        let chosen: Vec<usize> = found.folds.iter().map(|fold| found.trials[fold.best].choice[0]).collect();
        assert_eq!(chosen, [0, 1, 1], "without the first part nothing asks for many");
        assert!((found.folds[0].judged.late - 0.4).abs() < 1e-9 && found.folds[1].judged.late == 0.0);
        assert_eq!(found.trials[found.best].choice, [1], "over all of the time many are needed");
    }

    #[test]
    fn what_happens_belongs_to_the_part_that_it_begins_in() {
        let mut parts = Parts::new(NonZero::new(3).expect("three"));
        (parts.begins, parts.lasts) = (Timestamp::from_millis(1000), Duration::from_secs(9));
        let at = |seconds: u64| Timestamp::from_millis(1000 + seconds * 1000);
        for (from, to, served) in [(0, 2, 1.0), (2, 4, 2.0), (4, 7, 4.0), (7, 9, 8.0), (9, 10, 16.0)] {
            parts.segment(&Segment { from: at(from), to: at(to), served, ..Segment::default() });
        }
        let served: Vec<f64> = parts.parts().iter().map(|part| part.answered).collect();
        assert_eq!(served, [3.0, 4.0, 24.0], "what is after the end is the last part's");
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
        let front: Vec<Score> = found.front().into_iter().map(|place| found.trials[place].score()).collect();
        assert!(front.windows(2).all(|pair| pair[0].cost < pair[1].cost && pair[0].late > pair[1].late), "{front:?}");
        assert_eq!(front.len(), 6);
    }
}
