//! The decisions, from the outside: stories with every sentence, and what holds for all stories.

mod driver;
mod edits;
mod forecasts;
mod forecasts_and_restarts;
mod forecasts_of_cpu;
mod guards;
mod kubernetes_hpa;
mod missing;
mod nomad;
mod promises;
mod promises_of_rules;
mod properties;
mod rules;
mod stories;
mod traps;
mod what_if;
