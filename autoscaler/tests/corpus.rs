//! Replays what fuzzing starts from and what it has found, with any compiler. `fuzz/` has the targets.

#[expect(clippy::disallowed_methods, reason = "the test reads its own files; the core reads none")]
#[path = "../../fuzz/replay_corpus.rs"]
mod corpus;
#[path = "../../fuzz/targets.rs"]
mod targets;

use std::error::Error;

use corpus::replay;

#[test]
fn policy_texts_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("policy_text", targets::policy_text)
}

#[test]
fn labels_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("labels", targets::labels)
}

#[test]
fn states_of_the_corpus_break_nothing() -> Result<(), Box<dyn Error>> {
    replay("state", targets::state)
}
