//! Texts as people write them: strict reading with every error at once, each with its place, what was found, what is
//! allowed, the nearest spelling and the likely cure.
//!
//! ```text
//! text → yaml → tree of nodes with places → fields of a grammar table → values
//!                                        ↘ findings, sorted by place
//! ```
//!
//! What a language is made of is told once, in tables ([`grammar`]); its reader walks the nodes, goes on after an error,
//! and adds what it finds to [`Findings`]. Policies, states and scenarios are read so.

mod defaults;
mod fields;
mod finding;
pub mod grammar;
mod node;
mod reference;
mod schema;
mod spelling;
mod texts;
mod units;
pub mod values;
pub mod yaml;

pub use defaults::complete;
pub use fields::Fields;
pub use finding::{Findings, Kind, Severity, TextError, TextErrors, quote, render, render_all};
pub use node::{Entry, Node, Place, Value};
pub use reference::tables;
pub use schema::Definitions;
pub use spelling::{listed, nearest};
pub use texts::{Layer, Origin, Text, Texts};
pub use units::{Written, bytes, millicores_help, size_help};
