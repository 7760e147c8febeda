//! Answers as text. Pure: the same answer gives the same text, whatever clock, terminal or bus there is.

mod attention;
mod changes;
mod explain;
mod findings;
mod hosts;
mod status;
mod text;

pub(crate) use changes::changes;
pub(crate) use explain::explain;
pub(crate) use findings::{Checked, Finding, findings};
pub(crate) use status::status;
pub(crate) use text::{Look, tame};

#[cfg(test)]
mod tests;
