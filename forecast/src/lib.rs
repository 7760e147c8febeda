//! How much demand is to come: a mixture of plain forecasts with an upper bound that is missed as often as is allowed.
//!
//! ```text
//! values measured → steps → history (falling resolution) → seasons
//!                                └→ members → bound of each → weights → bound → gate → outlook
//! ```
//!
//! It knows nothing of replicas, policies or Docker. Time is an argument; the same values give the same outlook, live and in a
//! replay.

mod calendar;
mod capacity;
mod change;
mod forecaster;
mod gate;
mod history;
mod lead;
mod line;
mod median;
mod member;
mod packed;
mod residuals;
mod season;
mod steps;

pub use calendar::{Calendar, Utc};
pub use capacity::{CapacityFit, CapacityLearner, CapacityLine, Load, NotLearned};
pub use forecaster::{Forecaster, Outlook, Rehearsal, Share};
pub use gate::{Gate, Interval, Skill};
pub use history::History;
pub use lead::Scores;
pub use line::{Line, LineError};
pub use member::Member;
pub use season::Season;
