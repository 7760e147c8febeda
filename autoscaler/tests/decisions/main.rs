//! The decisions, from the outside: stories with every sentence, and what holds for all stories.

mod driver;
mod guards;
mod kubernetes_hpa;
mod nomad;
mod promises;
mod properties;
mod rules;
mod stories;
mod traps;
mod what_if;
