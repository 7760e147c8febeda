//! From measured values to a bound of what is to come.

use serde::{Deserialize, Serialize};

use crate::{
    Calendar, Gate, History, Interval, Member, Season,
    change::Changes,
    gate::too_many,
    lead::{FEWEST, LONGEST_LEAD, Lead, Scores},
    member::{Clock, Each, Fourier, Members, Past, SILENT, whole},
    packed, season,
    steps::{Opened, Spacing, step_for},
};

/// The first look for seasons is after so many steps; the next after an eighth as many again, within these.
const FIRST_LOOK: u64 = 64;
const NEXT_LOOK: (u64, u64) = (16, 512);
/// Steps that new leads and new seasons are scored on, of those that are kept one by one.
const REHEARSED: i64 = 512;
/// A value of more than so many times the most there ever was is doubted, once so many were measured.
const ABSURD: f64 = 4.0;
const UNDOUBTED: u64 = 64;
/// No demand is larger; squares of it are still numbers.
const LARGEST: f64 = 1e30;
/// A forecast is at most so many times the most there ever was.
const MOST: f64 = 1.5;
/// Misses less likely than this are no chance; and they are again once they are likelier than that.
const ALARM: f64 = 0.001;
const ALL_CLEAR: f64 = 0.05;

/// Forecasts one demand signal: a mixture of plain forecasts with an upper bound that is missed as often as is allowed.
///
/// It is told what was measured by [`observe`](Self::observe), and says what is to come by [`outlook`](Self::outlook). It
/// forgets nothing in a restart: it is kept as JSON of at most 32 KB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecaster {
    /// The share of time in which the bound shall not be exceeded.
    quantile: f64,
    /// Milliseconds; 0 before the first values have said how often they come.
    step: u64,
    spacing: Spacing,
    opened: Opened,
    #[serde(deserialize_with = "packed::sound")]
    history: History,
    /// A step that is doubted, and its value.
    doubted: Option<(i64, f64)>,
    /// Seasons that were found.
    found: Vec<Season>,
    /// Seasons that are expected, in milliseconds.
    expected: Vec<u64>,
    /// Those found, and those expected that can be told by; the shortest first.
    seasons: Vec<Season>,
    /// The next look for seasons is after so many steps.
    look_at: u64,
    #[serde(deserialize_with = "packed::sound")]
    members: Members,
    /// The step after the newest, and the one at the horizon.
    #[serde(deserialize_with = "packed::sound")]
    leads: Vec<Lead>,
    changes: Changes,
    gate: Gate,
    burst: bool,
    outlook: Option<Outlook>,
}

/// What is to come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The end of the newest step that it goes by, in milliseconds since the epoch.
    pub made_at: u64,
    /// Milliseconds of a step.
    pub step: u64,
    /// Steps to the horizon.
    pub lead: i64,
    /// The bound for the next step, in the unit of what was measured; at least what is expected in the mean of any step up to the
    /// horizon.
    pub next: f64,
    /// The bound at the horizon.
    pub ahead: f64,
    /// What the members say of the horizon in the mean, by their weights.
    pub middle: f64,
    /// The bound at the horizon by the naive forecast alone.
    pub naive: f64,
    /// The level in force: above the quantile after more misses than allowed, below after fewer.
    pub level: f64,
    /// What each member says of the horizon and how much it counts, those that count most first; of less than half a percent,
    /// none.
    pub shares: Vec<Share>,
    /// The seasons that members go by, the shortest first.
    pub seasons: Vec<Season>,
    /// Whether it may be trusted.
    pub gate: Gate,
    /// How much better it is than the naive one.
    pub skill: Option<Interval>,
    /// Misses of the bound, of so many of the newest forecasts.
    pub misses: (u32, u32),
    /// The newest value was above the bound that was said of it.
    pub missed: bool,
    /// There were too many misses for chance: until there are not, the forecast may only raise the count.
    pub burst: bool,
    /// The bound would be higher, but is never more than so many times the most that was ever measured.
    pub capped: Option<f64>,
}

/// What a member says, and how much that counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Which.
    pub member: Member,
    /// Of 1.
    pub weight: f64,
    /// What it says of the horizon, in the unit of what was measured.
    pub says: f64,
}

impl Outlook {
    /// Milliseconds of the season that a member goes by.
    pub fn season_of(&self, member: Member) -> Option<u64> {
        member.season(&self.seasons).map(|season| whole(season.millis(self.step)).unsigned_abs())
    }
}

impl Forecaster {
    /// One that knows nothing. `quantile` is the share of time, above 0 and below 1, in which the bound shall not be exceeded.
    pub fn new(quantile: f64) -> Self {
        Self {
            quantile,
            step: 0,
            spacing: Spacing::default(),
            opened: Opened::default(),
            history: History::default(),
            doubted: None,
            found: Vec::new(),
            expected: Vec::new(),
            seasons: Vec::new(),
            look_at: FIRST_LOOK,
            members: Members::default(),
            leads: Vec::new(),
            changes: Changes::default(),
            gate: Gate::default(),
            burst: false,
            outlook: None,
        }
    }

    /// The share of time in which the bound shall not be exceeded.
    pub fn quantile(&self) -> f64 {
        self.quantile
    }

    /// Milliseconds of a step; 0 while it is not known how often values come.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Milliseconds from one value to the next, as a rule; 0 while that is not known.
    pub fn spacing(&self) -> u64 {
        self.spacing.usual().unwrap_or(0)
    }

    /// Aims at another share of time from now on.
    pub fn aim_at(&mut self, quantile: f64, calendar: &dyn Calendar) {
        if (quantile - self.quantile).abs() > f64::EPSILON {
            self.quantile = quantile;
            self.leads = self.leads.iter().map(|lead| Lead::new(lead.steps, quantile)).collect();
            self.rehearse_all(calendar);
            self.look_out();
        }
    }

    /// Expects seasons of so many milliseconds from now on: what is expected is told by after one season, while others have to
    /// come two and a half times to be found.
    pub fn expect(&mut self, seasons: &[u64], calendar: &dyn Calendar) {
        if self.expected != seasons {
            self.expected = seasons.to_vec();
            if self.look_at_seasons() {
                self.rehearse_all(calendar);
                self.look_out();
            }
        }
    }

    /// What was measured.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The seasons that are told by, the shortest first.
    pub fn seasons(&self) -> &[Season] {
        &self.seasons
    }

    /// How good the bound at the horizon was.
    pub fn scores(&self) -> Scores {
        self.leads.last().map(|lead| lead.scores).unwrap_or_default()
    }

    /// How many forecasts were compared with what came.
    pub fn scored(&self) -> u64 {
        self.leads.last().map_or(0, |lead| lead.scored)
    }

    /// What is to come, as far as is known.
    pub fn outlook(&self) -> Option<&Outlook> {
        self.outlook.as_ref()
    }

    /// Takes in a value that was measured over the span that ended `at`, in milliseconds since the epoch. One that is not
    /// from 0 to 10³⁰, or not newer than the newest, is passed over. `horizon` says how far ahead to look, in milliseconds; the
    /// length of a step follows from it. Whether there is a new outlook.
    pub fn observe(&mut self, at: u64, value: f64, horizon: u64, calendar: &dyn Calendar) -> bool {
        if !(0.0..=LARGEST).contains(&value) || !self.spacing.add(at) {
            return false;
        }
        let Some(spacing) = self.spacing.usual() else { return false };
        self.follow(horizon, spacing, calendar);
        let step = index(at, self.step);
        let mut closed = false;
        if let Some((before, mean)) = self.opened.close_before(step) {
            closed |= self.close(before, mean, calendar);
        }
        self.opened.add(step, value);
        let next_is_after = at.saturating_add(spacing) > end(step, self.step);
        if next_is_after && let Some((step, mean)) = self.opened.close() {
            closed |= self.close(step, mean, calendar);
        }
        closed
    }

    /// So much is kept ready for the horizon, in the unit of what is measured, because of the newest outlook: a miss is what
    /// exceeds that, and not the bound. For who has a budget of misses, and rounds up to whole replicas.
    pub fn keeps_ready(&mut self, value: f64) {
        if let Some(lead) = self.leads.last_mut() {
            lead.keeps_ready(value);
        }
    }

    /// What is to come so many steps after the newest, and how good that was on the newest steps that are kept one by one:
    /// computed anew from the history.
    pub fn rehearse(&self, lead: i64, calendar: &dyn Calendar) -> Option<Rehearsal> {
        let mut rehearsed = Lead::new(lead, self.quantile);
        let (mut weights, mut said) = (Vec::new(), Vec::new());
        let mut last = None;
        // What was said before so many were compared comes a lead later. Live, nobody goes by it.
        let learned = FEWEST + lead.unsigned_abs();
        self.go_through(calendar, |step, value, members, past| {
            let Some(value) = value else { return };
            rehearsed.score(step, value, self.quantile);
            if rehearsed.scored < learned {
                rehearsed.scores = Scores::default();
            }
            members.update(&past.clock, step, value, rehearsed.scale);
            last = members.points(past, step, lead).map(|points| rehearsed.say(step, &points));
            // Before anything was compared with what came, a bound says nothing.
            if let Some(ahead) = last.filter(|_| rehearsed.scored > 0) {
                said.push((end(step + lead, self.step), ahead.middle, ahead.bound));
            }
            weights.push((end(step, self.step), rehearsed.weights()));
        });
        let ahead = last?;
        let at = end(self.history.newest()? + lead, self.step);
        Some(Rehearsal {
            at,
            middle: ahead.middle,
            bound: self.capped(ahead.bound).0,
            scores: rehearsed.scores,
            weights,
            said,
        })
    }

    /// The same, with steps of another length, which must be longer: for who looks farther ahead. Scores begin anew.
    #[must_use]
    pub fn with_steps_of(&self, step: u64, calendar: &dyn Calendar) -> Self {
        let mut coarse = self.clone();
        coarse.leads = vec![Lead::new(1, self.quantile)];
        coarse.resample(step, calendar);
        coarse
    }

    /// What was measured, oldest first, as finely as it is kept: when a span ended and how long it is, in milliseconds, and the
    /// mean over it.
    pub fn measured(&self) -> Vec<(u64, u64, f64)> {
        let width = |count: i64| u64::try_from(count).unwrap_or(0) * self.step;
        let segments = self.history.segments().into_iter();
        segments.map(|(first, count, mean)| (end(first + count - 1, self.step), width(count), mean)).collect()
    }

    /// Takes on the horizon, and the length of a step that suits it.
    fn follow(&mut self, horizon: u64, spacing: u64, calendar: &dyn Calendar) {
        let step = step_for(horizon, spacing);
        if self.step == 0 {
            self.step = step;
        } else if step >= 2 * self.step || step * 4 <= self.step {
            self.resample(step, calendar);
        }
        // An outlook is gone by until the next step is full, and looks as far ahead at the end of that time.
        let farthest = horizon.saturating_add(self.step.saturating_sub(spacing));
        let lead = i64::try_from(farthest.div_ceil(self.step)).unwrap_or(LONGEST_LEAD).clamp(1, LONGEST_LEAD);
        // One that is a step too long stays: what was proven of it is worth more.
        if self.leads.last().is_none_or(|known| !(lead..=lead + 1).contains(&known.steps)) {
            let near = self.leads.first().cloned().unwrap_or_else(|| Lead::new(1, self.quantile));
            self.leads = vec![near, Lead::new(lead, self.quantile)];
            self.rehearse_all(calendar);
        }
    }

    /// Goes on with steps of another length. What was proven of others says nothing of them.
    fn resample(&mut self, step: u64, calendar: &dyn Calendar) {
        let old = std::mem::take(&mut self.history);
        let before = std::mem::replace(&mut self.step, step);
        let newest = old.newest().map_or(0, |newest| end(newest, before));
        let kept_since = newest.saturating_sub(History::REACH.saturating_mul(step));
        let mut opened = Opened::default();
        for (first, count, value) in old.segments() {
            if end(first + count - 1, before) < kept_since {
                continue;
            }
            let width = step.min(before);
            let begins = end(first - 1, before).max(kept_since);
            for at in index(begins + 1, width)..=index(end(first + count - 1, before), width) {
                let step = index(end(at, width), step);
                if let Some((full, mean)) = opened.close_before(step) {
                    self.history.push(full, mean);
                }
                opened.add(step, value);
            }
        }
        // The newest is full as well where the old steps reach to its end; else it goes on.
        if let Some((full, mean)) = opened.close_before(index(newest.saturating_add(1), step)) {
            self.history.push(full, mean);
        }
        self.opened = opened;
        self.doubted = None;
        self.changes = Changes::default();
        self.gate = Gate::default();
        self.leads = self.leads.iter().map(|lead| Lead::new(lead.steps, self.quantile)).collect();
        self.found = season::find(&self.history, step);
        self.look_at = self.history.measured() + NEXT_LOOK.0;
        self.look_at_seasons();
        self.rehearse_all(calendar);
    }

    /// A step is full. Whether its value was taken in: one that is far above all there ever was has to be confirmed by the next.
    fn close(&mut self, step: i64, value: f64, calendar: &dyn Calendar) -> bool {
        let absurd = self.history.measured() >= UNDOUBTED && value > ABSURD * self.history.most();
        match self.doubted.take() {
            Some((before, doubted)) if absurd || value >= doubted / 2.0 => {
                self.close_next(before, doubted, calendar);
            }
            None if absurd => {
                self.doubted = Some((step, value));
                return false;
            }
            _ => {}
        }
        self.close_next(step, value, calendar)
    }

    fn close_next(&mut self, step: i64, value: f64, calendar: &dyn Calendar) -> bool {
        match self.history.newest().map(|newest| step - newest) {
            Some(..=0) => return false,
            // One that is missing is what was between: a sample that came a moment too late.
            Some(2) => self.add(step - 1, f64::midpoint(self.history.last(), value), calendar),
            _ => {}
        }
        self.add(step, value, calendar);
        true
    }

    fn add(&mut self, step: i64, value: f64, calendar: &dyn Calendar) {
        for lead in &mut self.leads {
            lead.score(step, value, self.quantile);
        }
        let scale = self.leads.last().map_or(0.0, |lead| lead.scale);
        self.history.push(step, value);
        self.members.update(&Clock { step: self.step, calendar }, step, value, scale);
        let changed = self.changes.add(step, value, &self.found);
        if let Some(since) = changed {
            self.history.forget_before(since);
        }
        self.look_for_seasons();
        if changed.is_some() | self.look_at_seasons() {
            self.rehearse_all(calendar);
        } else {
            self.say(step, calendar);
        }
        self.look_out();
    }

    /// Searches what was measured, from time to time.
    fn look_for_seasons(&mut self) {
        let measured = self.history.measured();
        if measured < self.look_at {
            return;
        }
        self.look_at = measured + (measured / 8).clamp(NEXT_LOOK.0, NEXT_LOOK.1);
        let found = season::find(&self.history, self.step);
        if !same(&found, &self.found) {
            self.found = found;
        }
    }

    /// Whether others are told by than before.
    fn look_at_seasons(&mut self) -> bool {
        let lead = self.leads.last().map_or(0, |lead| lead.steps);
        let (begun, newest) = (self.history.begun(), self.history.newest());
        let seen = newest.zip(begun).map_or(0, |(newest, begun)| newest + lead - begun);
        let seasons = season::with_expected(&self.found, &self.expected, self.step, seen);
        let others = !same(&seasons, &self.seasons);
        if others {
            self.seasons = seasons;
        }
        others
    }

    /// Members and leads as if they had known the seasons all along, over the steps that are kept one by one. What proves a
    /// forecast is what it said live: that stays.
    fn rehearse_all(&mut self, calendar: &dyn Calendar) {
        let lives: Vec<_> = self.leads.iter().map(|lead| (lead.skill, lead.scores, lead.scored)).collect();
        let mut leads: Vec<Lead> = self.leads.iter().map(|lead| Lead::new(lead.steps, self.quantile)).collect();
        let quantile = self.quantile;
        let members = self.go_through(calendar, |step, value, members, past| {
            let Some(value) = value else { return };
            for lead in &mut leads {
                lead.score(step, value, quantile);
            }
            members.update(&past.clock, step, value, leads.last().map_or(0.0, |lead| lead.scale));
            for lead in &mut leads {
                if let Some(points) = members.points(past, step, lead.steps) {
                    lead.say(step, &points);
                }
            }
        });
        for (lead, (skill, scores, scored)) in leads.iter_mut().zip(lives) {
            (lead.skill, lead.scores) = (skill, scores);
            lead.scored = lead.scored.max(scored);
        }
        self.members = members;
        self.leads = leads;
    }

    /// Steps through what is kept one by one, with members that learn on the way.
    fn go_through(
        &self,
        calendar: &dyn Calendar,
        mut each: impl FnMut(i64, Option<f64>, &mut Members, &Past<'_>),
    ) -> Members {
        let (Some(first), Some(newest)) = (self.history.first_fine(), self.history.newest()) else {
            return Members::default();
        };
        let fourier = (!self.found.is_empty()).then(|| Fourier::new(&self.found, first));
        let mut members = Members { fourier, ..Members::default() };
        let past = self.past(calendar);
        for step in first..=newest {
            let value = if step == newest { Some(self.history.last()) } else { self.history.at(step) };
            if newest - step > REHEARSED {
                if let Some(value) = value {
                    members.update(&past.clock, step, value, 0.0);
                }
            } else {
                each(step, value, &mut members, &past);
            }
        }
        members
    }

    fn say(&mut self, step: i64, calendar: &dyn Calendar) {
        let clock = Clock { step: self.step, calendar };
        let past = Past { history: &self.history, seasons: &self.seasons, clock };
        for lead in &mut self.leads {
            if let Some(points) = self.members.points(&past, step, lead.steps) {
                lead.say(step, &points);
            }
        }
    }

    fn past<'a>(&'a self, calendar: &'a dyn Calendar) -> Past<'a> {
        Past { history: &self.history, seasons: &self.seasons, clock: Clock { step: self.step, calendar } }
    }

    /// Puts together what is to come.
    fn look_out(&mut self) {
        self.outlook = None;
        let (Some(near), Some(far)) = (self.leads.first(), self.leads.last()) else { return };
        let (Some(next), Some(ahead), Some(newest)) = (near.said(), far.said(), self.history.newest()) else { return };
        if far.scored < FEWEST {
            return;
        }
        let skill = far.skill.interval(far.overlap());
        self.gate = self.gate.next(far.scores.count, skill);
        let (misses, of) = far.recent_misses();
        let allowed = 1.0 - self.quantile;
        self.burst = too_many(misses, of, allowed, if self.burst { ALL_CLEAR } else { ALARM });
        let (bound, capped) = self.capped(ahead.bound);
        self.outlook = Some(Outlook {
            made_at: end(newest, self.step),
            step: self.step,
            lead: far.steps,
            next: self.capped(next.bound.max(far.most_expected())).0,
            ahead: bound,
            middle: ahead.middle,
            naive: ahead.naive,
            level: ahead.level,
            shares: heaviest(&far.weights(), &far.says().unwrap_or([SILENT; Member::ALL.len()])),
            seasons: self.seasons.clone(),
            gate: if self.burst && self.gate == Gate::Proven { Gate::Raises } else { self.gate },
            skill,
            misses: (misses, of),
            missed: far.missed(),
            burst: self.burst,
            capped: capped.then_some(MOST),
        });
    }

    fn capped(&self, bound: f64) -> (f64, bool) {
        let most = MOST * self.history.most();
        (bound.min(most), bound > most)
    }
}

/// What a forecast of one lead says and was worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal {
    /// The end of the step that it is about, in milliseconds since the epoch.
    pub at: u64,
    /// What the members say of it in the mean, by their weights.
    pub middle: f64,
    /// Its bound.
    pub bound: f64,
    /// How good it was on the newest steps, from what it said after eight forecasts were compared with what came.
    pub scores: Scores,
    /// How much each member counted, in the order of [`Member::ALL`], at the end of each of those.
    pub weights: Vec<(u64, [f64; Member::ALL.len()])>,
    /// What it said of each step: the step's end, the middle, and the bound; beyond the newest step, too.
    pub said: Vec<(u64, f64, f64)>,
}

/// The number of the step that a span which ended then belongs to.
fn index(at: u64, step: u64) -> i64 {
    i64::try_from(at.saturating_sub(1) / step.max(1)).unwrap_or(i64::MAX)
}

/// When a step ends.
fn end(step: i64, width: u64) -> u64 {
    u64::try_from(step + 1).unwrap_or(0).saturating_mul(width)
}

/// Whether seasons are the same as before, as nearly as matters.
fn same(seasons: &[Season], before: &[Season]) -> bool {
    let same = |(one, other): (&Season, &Season)| one.is_near(other, 0.003) && one.is_found() == other.is_found();
    seasons.len() == before.len() && seasons.iter().zip(before).all(same)
}

fn heaviest(weights: &Each, says: &Each) -> Vec<Share> {
    let each = Member::ALL.into_iter().zip(*weights).zip(*says);
    let mut all: Vec<_> = each
        .filter(|((_, weight), _)| *weight >= 0.005)
        .map(|((member, weight), says)| Share { member, weight, says })
        .collect();
    all.sort_by(|one, other| other.weight.total_cmp(&one.weight));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Utc;

    const MINUTE: u64 = 60_000;

    fn told(minutes: u64) -> Forecaster {
        let mut forecaster = Forecaster::new(0.9);
        for minute in 1..=minutes {
            #[expect(clippy::cast_precision_loss, reason = "some hundred minutes")]
            let value = 100.0 + 50.0 * (minute as f64 / 60.0 * std::f64::consts::TAU).sin();
            forecaster.observe(minute * MINUTE, value, 3 * MINUTE, &Utc);
        }
        forecaster
    }

    #[test]
    fn it_goes_on_after_a_restart_with_what_it_had_said() {
        for (name, minutes) in [("before a season is known", 30), ("with seasons", 300)] {
            let before = told(minutes);
            let written = serde_json::to_string(&before).expect("it is JSON");
            let mut after: Forecaster = serde_json::from_str(&written).expect(name);
            let mut before = before;
            for minute in minutes + 1..minutes + 20 {
                before.observe(minute * MINUTE, 120.0, 3 * MINUTE, &Utc);
                after.observe(minute * MINUTE, 120.0, 3 * MINUTE, &Utc);
            }
            assert_eq!(before.outlook(), after.outlook(), "{name}");
        }
    }

    #[test]
    fn it_looks_farther_ahead_with_longer_steps() {
        let forecaster = told(600);
        let coarse = forecaster.with_steps_of(10 * MINUTE, &Utc);
        assert_eq!(coarse.step(), 10 * MINUTE);
        let total = |forecaster: &Forecaster| forecaster.measured().iter().map(|(_, width, _)| width).sum::<u64>();
        // The first values told how often values come; a step that is measured in part counts whole.
        assert_eq!((total(&forecaster), total(&coarse)), (598 * MINUTE, 600 * MINUTE));
        let rehearsal = coarse.rehearse(6, &Utc).expect("there is enough");
        assert_eq!(rehearsal.at, 660 * MINUTE);
        assert_eq!(rehearsal.said.last().map(|said| said.0), Some(rehearsal.at), "the newest is what is to come");
        let off = (rehearsal.middle - forecaster.measured().last().expect("one").2).abs();
        assert!(off < 30.0, "an hour later it is as it was: {rehearsal:?}");
    }
}
