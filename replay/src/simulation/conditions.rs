//! How things are: what faults are in force, how warm replicas are, and what they carry therefore.

use std::time::Duration;

use autoscaler::Timestamp;

use super::{fleet::Fleet, flow::Inflow};
use crate::{
    scenario::{Balance, Fault, Host, Load, Scenario, What},
    service::{Crew, Needs, Pace, Single},
};

/// A replica that lacks no more than this share is warm.
const WARM: f64 = 1e-3;

/// What is in force, and what follows from it for the replicas.
pub(crate) struct Conditions<'a> {
    scenario: &'a Scenario,
    load: &'a Load,
    /// By their moments: places of faults that begin, and of those that end.
    begin: Vec<(Timestamp, usize)>,
    end: Vec<(Timestamp, usize)>,
    begun: usize,
    ended: usize,
    in_force: Vec<usize>,
    /// The paces of all versions so far, without neighbours.
    versions: Vec<Pace>,
    neighbour: f64,
    /// How many replicas' worth is lacking because some are not warm yet, and as of when.
    cold: f64,
    cold_at: Timestamp,
    crew: Crew,
    singles: Vec<(u32, Single)>,
    stale: bool,
    /// What is needed at each pace that there was, and which of these holds.
    needs: Vec<(Pace, Needs)>,
    current_needs: usize,
    /// Since when somebody else changes the service, and until when.
    pub(crate) changing_since: Timestamp,
    pub(crate) changing: Option<Timestamp>,
}

impl<'a> Conditions<'a> {
    pub(crate) fn new(scenario: &'a Scenario, load: &'a Load) -> Self {
        let pace = Pace::of(&load.service);
        let single = Single::new(&load.service, load.host, pace);
        let moments = |at: fn(&Fault) -> Duration| {
            let faults = scenario.faults.iter().enumerate();
            let mut moments: Vec<_> = faults.map(|(place, fault)| (scenario.begins.plus(at(fault)), place)).collect();
            moments.sort();
            moments
        };
        let mut conditions = Self {
            scenario,
            load,
            begin: moments(|fault| fault.at),
            end: moments(|fault| fault.at + fault.lasts),
            begun: 0,
            ended: 0,
            in_force: Vec::new(),
            versions: vec![pace],
            neighbour: 0.0,
            cold: 0.0,
            cold_at: scenario.begins,
            crew: Crew::new(&load.service, load.host, pace, single, 0, 0.0),
            singles: Vec::new(),
            stale: true,
            needs: Vec::new(),
            current_needs: 0,
            changing_since: scenario.begins,
            changing: None,
        };
        conditions.find_needs();
        conditions
    }

    /// When a fault next begins or ends.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let begin = self.begin.get(self.begun).map(|(at, _)| *at);
        let end = self.end.get(self.ended).map(|(at, _)| *at);
        [begin, end].into_iter().flatten().min()
    }

    /// The next fault that ends or begins until `now`: its place, and whether it begins.
    pub(crate) fn turn(&mut self, now: Timestamp) -> Option<(usize, bool)> {
        if let Some((at, place)) = self.end.get(self.ended)
            && *at <= now
            && self.in_force.contains(place)
        {
            let place = *place;
            self.ended += 1;
            self.in_force.retain(|other| *other != place);
            return Some((place, false));
        }
        let (_, place) = *self.begin.get(self.begun).filter(|(at, _)| *at <= now)?;
        self.begun += 1;
        self.in_force.push(place);
        Some((place, true))
    }

    fn any(&self, is: impl Fn(&What) -> bool) -> bool {
        self.in_force.iter().any(|place| is(&self.scenario.faults[*place].what))
    }

    pub(crate) fn in_force(&self) -> impl Iterator<Item = &'a What> {
        let faults = &self.scenario.faults;
        self.in_force.iter().map(move |place| &faults[*place].what)
    }

    pub(crate) fn host_lost(&self) -> bool {
        self.any(|what| *what == What::HostLost)
    }

    /// Whether anything is heard of the agent.
    pub(crate) fn agent_speaks(&self) -> bool {
        !self.any(|what| matches!(what, What::HostLost | What::AgentSilent))
    }

    pub(crate) fn controller_runs(&self) -> bool {
        !self.any(|what| *what == What::ControllerRestarted)
    }

    /// Whether an agent carries out targets: not while it hears of none, and not while somebody else is at it.
    pub(crate) fn agent_acts(&self, now: Timestamp) -> bool {
        self.agent_speaks() && self.changing.is_none_or(|until| until <= now)
    }

    pub(crate) fn starts_fail(&self) -> bool {
        self.any(|what| *what == What::StartsFail)
    }

    /// Somebody else changes the service until then.
    pub(crate) fn changes(&mut self, now: Timestamp, until: Timestamp) {
        if self.changing.is_none_or(|until| until <= now) {
            self.changing_since = now;
        }
        self.changing = Some(until);
    }

    /// How late samples arrive.
    pub(crate) fn late(&self) -> Duration {
        let late = self.in_force().filter_map(|what| match what {
            What::SamplesLate { by } => Some(*by),
            _ => None,
        });
        late.max().unwrap_or_default()
    }

    /// The newest version.
    pub(crate) fn version(&self) -> u32 {
        u32::try_from(self.versions.len() - 1).unwrap_or(u32::MAX)
    }

    /// A new version is deployed.
    pub(crate) fn deploy(&mut self, takes: Option<f64>, cpu: Option<f64>) {
        let before = self.versions[self.versions.len() - 1];
        let pace = Pace { takes: takes.unwrap_or(before.takes), cpu: cpu.unwrap_or(before.cpu), ..before };
        self.versions.push(pace);
        self.find_needs();
        self.stale = true;
    }

    /// Neighbours came or went.
    pub(crate) fn meet_neighbours(&mut self) {
        let left: f64 = self
            .in_force()
            .map(|what| match what {
                What::Neighbour { share } => 1.0 - share,
                _ => 1.0,
            })
            .product();
        self.neighbour = 1.0 - left;
        self.find_needs();
        self.stale = true;
    }

    fn pace_of(&self, version: u32) -> Pace {
        let version = (version as usize).min(self.versions.len() - 1);
        Pace { neighbour: self.neighbour, ..self.versions[version] }
    }

    fn find_needs(&mut self) {
        let pace = self.pace_of(self.version());
        let known = self.needs.iter().position(|(other, _)| *other == pace);
        self.current_needs = known.unwrap_or_else(|| {
            self.needs.push((pace, Needs::new(self.load, &self.scenario.objective, pace, self.scenario.replicas.max)));
            self.needs.len() - 1
        });
    }

    /// The fewest replicas that this load needs.
    pub(crate) fn needed(&self, value: f64) -> u32 {
        self.needs[self.current_needs].1.needed(value)
    }

    // --- warming up -----------------------------------------------------------------------------------------------------

    fn over(&self) -> f64 {
        self.load.service.start.warm_up.map_or(0.0, |warm_up| warm_up.over.as_secs_f64())
    }

    fn lacks_at_first(&self) -> f64 {
        self.load.service.start.warm_up.map_or(0.0, |warm_up| 1.0 - warm_up.from)
    }

    fn coldness(&self, at: Timestamp) -> f64 {
        if self.cold == 0.0 {
            return 0.0;
        }
        let cold = self.cold * (-at.since(self.cold_at).as_secs_f64() / self.over()).exp();
        if cold < WARM { 0.0 } else { cold }
    }

    /// How much is lacking of a replica that serves since then.
    pub(crate) fn coldness_of(&self, since: Timestamp, now: Timestamp) -> f64 {
        if self.cold == 0.0 {
            return 0.0;
        }
        self.lacks_at_first() * (-now.since(since).as_secs_f64() / self.over()).exp()
    }

    /// So many more begin to serve.
    pub(crate) fn warm_up(&mut self, now: Timestamp, replicas: u32) {
        self.cold = self.coldness(now) + f64::from(replicas) * self.lacks_at_first();
        self.cold_at = now;
        self.stale = true;
    }

    /// One goes that lacked so much.
    pub(crate) fn cool(&mut self, now: Timestamp, cold: f64) {
        self.cold = (self.coldness(now) - cold).max(0.0);
        self.cold_at = now;
        self.stale = true;
    }

    /// When capacity is to be looked at anew because it grows.
    pub(crate) fn next_of_warm_up(&self, now: Timestamp) -> Option<Timestamp> {
        (self.cold > 0.0).then(|| now.plus(Duration::from_secs_f64((self.over() / 8.0).max(0.001))))
    }

    // --- what replicas carry --------------------------------------------------------------------------------------------

    pub(crate) fn crew_changed(&mut self, fleet: &Fleet) {
        self.singles.clear();
        for replica in fleet.replicas.iter().filter(|replica| replica.serves()) {
            if self.singles.iter_mut().find(|(version, _)| *version == replica.version).is_some() {
            } else {
                let single = Single::new(&self.load.service, self.load.host, self.pace_of(replica.version));
                self.singles.push((replica.version, single));
            }
        }
        self.refresh(fleet, self.coldness(self.cold_at));
        self.stale = true;
    }

    /// All that serve, as they are at the last look.
    pub(crate) fn crew(&self) -> &Crew {
        &self.crew
    }

    /// All that serve, as they are in the mean of a span.
    pub(crate) fn crew_until(&mut self, from: Timestamp, to: Timestamp, fleet: &Fleet) -> &Crew {
        if self.cold > 0.0 {
            let (cold, over) = (self.coldness(from), self.over());
            (self.cold, self.cold_at) = (cold, from);
            let seconds = to.since(from).as_secs_f64();
            self.refresh(fleet, cold * over / seconds * (1.0 - (-seconds / over).exp()));
            self.stale = true;
        } else if self.stale {
            self.refresh(fleet, 0.0);
            self.stale = false;
        }
        &self.crew
    }

    fn refresh(&mut self, fleet: &Fleet, cold: f64) {
        let (model, host) = (&self.load.service, self.load.host);
        let pace = self.pace_of(self.version());
        let ready = fleet.ready;
        let warm = (f64::from(ready) - cold).max(0.0);
        // Those that boot compete for the host's cores.
        let host = Host { cores: host.cores.map(|cores| cores - f64::from(fleet.booting) * model.start.cpu), ..host };
        if self.singles.len() <= 1 {
            let version = self.singles.first().map_or(self.version(), |(version, _)| *version);
            let pace = self.pace_of(version);
            let single = Single::new(model, host, pace);
            self.crew = Crew::new(model, host, pace, single, ready, warm);
            return;
        }
        // While a deployment is on its way: the mean of both versions.
        let serving = || fleet.replicas.iter().filter(|replica| replica.serves());
        let of = |version: u32| self.singles.iter().find(|(other, _)| *other == version).map(|(_, single)| *single);
        let mut mean = Single::new(model, host, pace);
        let all = f64::from(ready.max(1));
        mean.rate = serving().filter_map(|replica| of(replica.version)).map(|single| single.rate).sum::<f64>() / all;
        mean.takes = serving().filter_map(|replica| of(replica.version)).map(|single| single.takes).sum::<f64>() / all;
        self.crew = Crew::new(model, host, pace, mean, ready, warm);
    }

    /// No more wait than that.
    ///
    /// Who waits gives up when its patience ends. In a queue that grows at `rate - capacity`, the first has waited for so
    /// long when `rate * patience` wait, and from then on as many give up as come in excess; so that is exact for a step.
    /// When the rate falls, those give up at once that would have done so over the patience to come.
    pub(crate) fn room(&self, balance: Balance, ready: u32, inflow: Inflow) -> f64 {
        let queue = &self.load.service.queue;
        let most = queue.most.map_or(f64::INFINITY, f64::from);
        let central = balance == Balance::Central;
        let room = match ready {
            _ if central => most,
            // Nobody is there for them to wait at.
            0 => 0.0,
            ready => most * f64::from(ready),
        };
        match queue.patience {
            Some(patience) => room.min(self.crew.rate.max(inflow.most()) * patience.as_secs_f64()),
            None => room,
        }
    }

    /// Cores that those that serve keep busy.
    pub(crate) fn busy_cores(&self, served: f64, ready: u32) -> f64 {
        served * self.pace_of(self.version()).cpu + f64::from(ready) * self.load.service.idle_cpu
    }

    /// What neighbours take of the host.
    pub(crate) fn neighbour(&self) -> f64 {
        self.neighbour
    }

    /// Cores that one replica may use. Where nothing bounds them, its threads do.
    pub(crate) fn cpu_limit(&self) -> f64 {
        let model = &self.load.service;
        let host = self.load.host.cores;
        let limit = model.cpu_limit.map(|limit| limit.min(host.unwrap_or(limit))).or(host);
        limit.unwrap_or_else(|| f64::from(model.at_once) * model.cpu / model.takes + model.idle_cpu)
    }

    /// Requests per second that one warm replica carries.
    pub(crate) fn per_replica(&self) -> f64 {
        Single::new(&self.load.service, self.load.host, self.pace_of(self.version())).rate
    }
}
