//! What docs/policy.md shows and what policies/ ships is read as it says.

#![expect(clippy::disallowed_methods, reason = "the core does no input or output; its tests read their files")]

use std::{error::Error, fs, path::PathBuf};

use autoscaler::{
    policy_file::{PolicyFile, fmt, parse, tables},
    text::{Kind, render, render_all},
};

#[test]
fn every_block_of_yaml_is_what_the_page_says() -> Result<(), Box<dyn Error>> {
    let blocks = blocks()?;
    assert!(blocks.iter().filter(|block| block.language == "yaml").count() >= 5, "the page has its examples");
    for (block, next) in blocks.iter().zip(blocks.iter().skip(1).map(Some).chain([None])) {
        let said = next.map(|next| next.text.as_str());
        match block.language.as_str() {
            "yaml" => assert_eq!(render_all(&read(block)?.warnings), ""),
            "yaml warned" => assert_eq!(Some(render_all(&read(block)?.warnings).as_str()), said),
            "yaml broken" => {
                let errors = parse("policy.yaml", &block.text).expect_err("the block is broken");
                assert_eq!(Some(render(&errors).as_str()), said);
            }
            "text" => {}
            other => panic!("line {}: a block of {other:?} is checked by nothing", block.line),
        }
    }
    Ok(())
}

#[test]
fn the_defaults_are_those_of_the_page() -> Result<(), Box<dyn Error>> {
    let page = page()?;
    let heading = page.lines().position(|line| line == "## Defaults").ok_or("the page has its defaults")?;
    let blocks = blocks()?;
    let [short, long] = blocks.iter().filter(|block| block.line > heading).take(2).collect::<Vec<_>>()[..] else {
        return Err("the defaults are two blocks".into());
    };
    assert_eq!(read(short)?, read(long)?);
    Ok(())
}

#[test]
fn the_tables_are_those_of_the_grammar() -> Result<(), Box<dyn Error>> {
    let mut page = page()?;
    for (name, table) in tables() {
        if matches!(name.as_str(), "file_of_several_policies" | "block_of_defaults") {
            continue;
        }
        let begin = format!("<!-- table: {name} -->\n");
        let Some(start) = page.find(&begin).map(|at| at + begin.len()) else {
            return Err(format!("the page has no table of {name}").into());
        };
        let end = page[start..].find("<!-- /table -->").map(|at| start + at).ok_or("a table ends")?;
        page.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(root().join("docs/policy.md"), &page)?;
    }
    assert!(page == self::page()?, "a table of docs/policy.md is old: run this test with UPDATE_GENERATED=1");
    Ok(())
}

#[test]
fn every_policy_that_ships_is_laid_out_and_names_the_schema() -> Result<(), Box<dyn Error>> {
    for (folder, schema) in [
        ("policies/examples", "../policy.schema.json"),
        ("policies/demo", "../policy.schema.json"),
        ("policies/demo-days", "../policy.schema.json"),
    ] {
        for entry in fs::read_dir(root().join(folder))? {
            let path = entry?.path();
            let text = fs::read_to_string(&path)?;
            let formatted = fmt(&path.display().to_string(), &text)?;
            if formatted != text && std::env::var_os("UPDATE_GENERATED").is_some() {
                fs::write(&path, &formatted)?;
            }
            assert_eq!(fs::read_to_string(&path)?, formatted, "{}", path.display());
            let first = format!("# yaml-language-server: $schema={schema}\n");
            assert!(text.starts_with(&first), "{} does not begin with {first}", path.display());
        }
    }
    Ok(())
}

#[test]
fn every_kind_of_error_and_warning_is_on_the_page() -> Result<(), Box<dyn Error>> {
    let page = page()?;
    // Series belong to scenarios.
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::PartOfSeries) {
        let name = serde_json::to_value(kind)?;
        let row = format!("\n| `{}` |", name.as_str().unwrap_or_default());
        assert!(page.contains(&row), "{kind:?} is missing");
    }
    Ok(())
}

#[test]
fn every_policy_that_ships_is_read_and_those_to_copy_without_a_warning() -> Result<(), Box<dyn Error>> {
    let mut count = 0;
    let to_copy = root().join("policies/examples");
    let mut folders = vec![root().join("policies")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                let file = parse(&path.display().to_string(), &fs::read_to_string(&path)?)?;
                if path.parent() == Some(&to_copy) {
                    assert_eq!(render_all(&file.warnings), "");
                }
                count += 1;
            }
        }
    }
    assert!(count >= 6, "{count} policies ship");
    Ok(())
}

/// A fenced block of the page.
struct Block {
    /// Of its fence, from 1.
    line: usize,
    /// What follows the fence.
    language: String,
    text: String,
}

fn blocks() -> Result<Vec<Block>, Box<dyn Error>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in page()?.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), true) => inside = false,
            (Some(language), false) => {
                blocks.push(Block { line: number + 1, language: language.to_owned(), text: String::new() });
                inside = true;
            }
            (None, true) => {
                let block = blocks.last_mut().ok_or("a line inside has a block")?;
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
    }
    Ok(blocks)
}

fn read(block: &Block) -> Result<PolicyFile, Box<dyn Error>> {
    parse("policy.yaml", &block.text).map_err(|errors| format!("line {}:\n{errors}", block.line).into())
}

fn page() -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string(root().join("docs/policy.md"))?)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
