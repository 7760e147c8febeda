//! What waits, as a fluid: everything that comes and everything that is carried flows evenly while nothing changes, so that
//! the backlog is a straight line, or, where users wait for their answers, an exponential one. Both are integrated exactly.

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inflow {
    /// Whatever happens, so many per second.
    Open {
        /// Per second.
        rate: f64,
    },
    /// From users, each of whom thinks for a while after an answer before sending the next request.
    Closed {
        /// Users that do not wait in the backlog and are not worked on would be so many if there were no backlog.
        thinking: f64,
        /// Mean seconds that each thinks.
        think: f64,
    },
}

impl Inflow {
    /// What comes per second while nothing waits.
    pub(crate) fn most(&self) -> f64 {
        match self {
            Self::Open { rate } => *rate,
            Self::Closed { thinking, think } => (thinking / think).max(0.0),
        }
    }
}

/// The rules of a span in which nothing changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// What comes.
    pub(crate) inflow: Inflow,
    /// Requests per second that are carried.
    pub(crate) capacity: f64,
    /// No more wait than that.
    pub(crate) room: f64,
    /// Of what is lost, this share comes again.
    pub(crate) retries: f64,
}

/// What passed in a span.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Passed {
    /// What came, what came again included.
    pub(crate) offered: f64,
    /// What was carried.
    pub(crate) served: f64,
    /// What was not.
    pub(crate) lost: f64,
    /// The integral of the backlog, in request-seconds.
    pub(crate) area: f64,
}

impl Rules {
    /// Lets `backlog` go on for `seconds`.
    pub(crate) fn pass(&self, backlog: &mut f64, seconds: f64) -> Passed {
        let mut passed = Passed::default();
        self.turn_away(backlog, &mut passed);
        let mut left = seconds;
        // It empties, fills, or does neither: after each there is at most one more piece, and rounding may add one.
        for _ in 0..8 {
            if left <= 0.0 {
                break;
            }
            left -= self.piece(backlog, left, &mut passed);
        }
        passed
    }

    /// What finds no room is lost, or comes again, to be lost again.
    fn turn_away(&self, backlog: &mut f64, passed: &mut Passed) {
        if *backlog > self.room {
            let lost = *backlog - self.room;
            passed.lost += lost / (1.0 - self.retries);
            passed.offered += lost * self.retries / (1.0 - self.retries);
            *backlog = self.room;
        }
    }

    /// What comes per second while so much waits.
    fn rate(&self, backlog: f64) -> f64 {
        match self.inflow {
            Inflow::Open { rate } => rate,
            Inflow::Closed { thinking, think } => ((thinking - backlog) / think).max(0.0),
        }
    }

    /// A piece of the span in which the regime stays the same; gives its length.
    fn piece(&self, backlog: &mut f64, left: f64, passed: &mut Passed) -> f64 {
        let (rate, capacity) = (self.rate(*backlog), self.capacity);
        let more = rate - capacity;
        if *backlog <= 0.0 && more <= 0.0 {
            passed.offered += rate * left;
            passed.served += rate * left;
            *backlog = 0.0;
            return left;
        }
        if *backlog >= self.room && more >= 0.0 {
            let lost = more / (1.0 - self.retries);
            passed.offered += (capacity + lost) * left;
            passed.served += capacity * left;
            passed.lost += lost * left;
            passed.area += self.room * left;
            return left;
        }
        match self.inflow {
            Inflow::Closed { thinking, think } if *backlog < thinking => {
                self.relax(backlog, left, passed, thinking - capacity * think, think)
            }
            Inflow::Closed { thinking, .. } => self.drain(backlog, left, passed, thinking),
            Inflow::Open { .. } => self.ramp(backlog, left, passed, more),
        }
    }

    /// A straight line.
    fn ramp(&self, backlog: &mut f64, left: f64, passed: &mut Passed, slope: f64) -> f64 {
        let (end, goal) =
            if slope < 0.0 { (-*backlog / slope, 0.0) } else { ((self.room - *backlog) / slope, self.room) };
        // A slope of zero never arrives.
        let (span, to) = if end <= left { (end.max(0.0), goal) } else { (left, *backlog + slope * left) };
        self.line(backlog, span, to, passed);
        span
    }

    /// More users wait than there are: nobody sends anything until they have their answers.
    fn drain(&self, backlog: &mut f64, left: f64, passed: &mut Passed, goal: f64) -> f64 {
        let goal = goal.max(0.0);
        if self.capacity <= 0.0 {
            passed.area += *backlog * left;
            return left;
        }
        let end = (*backlog - goal) / self.capacity;
        let (span, to) = if end <= left { (end, goal) } else { (left, *backlog - self.capacity * left) };
        // At the very edge the exponential line takes over.
        let to = if end <= left && goal > 0.0 { goal * (1.0 - 1e-12) } else { to };
        self.line(backlog, span, to, passed);
        span.max(left * 1e-12)
    }

    fn line(&self, backlog: &mut f64, span: f64, to: f64, passed: &mut Passed) {
        let served = self.capacity * span;
        passed.served += served;
        passed.offered += (served + to - *backlog).max(0.0);
        passed.area += f64::midpoint(*backlog, to) * span;
        // What rounding would take from the offer is taken from what was served.
        passed.served -= (-(served + to - *backlog)).max(0.0);
        *backlog = to;
    }

    /// `b(t) = goal + (b - goal) e^(-t / think)`: the more wait, the fewer think and send the next request.
    fn relax(&self, backlog: &mut f64, left: f64, passed: &mut Passed, goal: f64, think: f64) -> f64 {
        let from = *backlog;
        let at = |bound: f64| {
            let share = (bound - goal) / (from - goal);
            if share > 0.0 && share < 1.0 { -think * share.ln() } else { f64::INFINITY }
        };
        let (end, bound) = if goal < from { (at(0.0), 0.0) } else { (at(self.room), self.room) };
        let (span, to) = if end <= left { (end, bound) } else { (left, goal + (from - goal) * (-left / think).exp()) };
        let served = self.capacity * span;
        passed.served += served;
        passed.offered += served + to - from;
        passed.area += goal * span + (from - to) * think;
        *backlog = to;
        span
    }
}
