//! Answers as text. Pure: the same answer gives the same text, whatever clock, terminal or bus there is.

#![expect(clippy::format_push_string, reason = "`write!` would look as if writing into a string could fail")]

mod attention;
mod changes;
mod differences;
mod explain;
mod findings;
mod forecast;
mod hosts;
mod replay;
mod settings;
mod status;
mod text;

pub(crate) use changes::changes;
pub(crate) use differences::{Difference, Whole, differences};
pub(crate) use explain::{explain, supposed};
pub(crate) use findings::{Checked, Right, Unreadable, findings};
pub(crate) use forecast::forecast;
pub(crate) use replay::replay;
pub(crate) use settings::settings;
pub(crate) use status::status;
pub(crate) use text::{Look, Tone, count, tame};

#[cfg(test)]
mod tests;
