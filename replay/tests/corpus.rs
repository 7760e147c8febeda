//! Replays what fuzzing starts from and what it has found, with any compiler. `fuzz/` has the targets.

#[path = "../../fuzz/replay_corpus.rs"]
mod corpus;
#[path = "../../fuzz/replay_targets.rs"]
mod targets;

use std::error::Error;

use corpus::replay;

#[test]
fn scenarios_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("scenario", targets::scenario)
}

#[test]
fn journals_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("journal", targets::journal)
}

#[test]
fn imports_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("imported", targets::imported)
}
