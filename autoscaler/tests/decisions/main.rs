//! The decisions, from the outside: stories with every sentence, and what holds for all stories.

mod driver;
mod guards;
mod promises;
mod properties;
mod stories;
mod traps;
mod what_if;
