//! What docs/state.md shows is read, and decided, as it says.

#![expect(clippy::disallowed_methods, reason = "the core does no input or output; its tests read their files")]

use std::{fs, path::PathBuf};

use autoscaler::{
    explain,
    policy_file::parse,
    state::{evaluate_all, read},
    text::render,
};

#[test]
fn every_policy_and_every_state_of_the_page_is_read_and_decided_as_it_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/state.md");
    let page = fs::read_to_string(path).expect("the page can be read");
    let (mut policy, mut states, mut decided) = (None, None, 0);
    let mut wrong = Vec::new();
    for (language, text) in blocks(&page) {
        match language {
            "yaml" => {
                let file = parse("policy.yaml", &text).unwrap_or_else(|errors| panic!("{text}\n{}", render(&errors)));
                policy = file.policies.into_iter().next();
            }
            "json" => states = Some(read("state.json", &text).unwrap_or_else(|errors| panic!("{}", render(&errors)))),
            "json broken" => states = None,
            "text" => {
                let (Some(policy), Some(states)) = (&policy, &states) else { continue };
                let evaluations = evaluate_all(policy, states);
                let said: Vec<_> = evaluations.iter().map(explain::sentence).collect();
                let said = said.join("\n") + "\n";
                if said != text {
                    wrong.push(format!("{text}instead of\n{said}"));
                }
                decided += 1;
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(decided >= 6, "the page has its examples: {decided}");
}

/// The fenced blocks of a page: what the fence says, and what is in it.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let inside: String =
            lines.by_ref().take_while(|line| *line != "```").map(|line| line.to_owned() + "\n").collect();
        blocks.push((language, inside));
    }
    blocks
}
