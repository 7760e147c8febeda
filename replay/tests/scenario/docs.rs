//! What docs/scenario.md shows is read as it says.

use std::{collections::BTreeMap, error::Error, fs};

use autoscaler::text::{render, render_all};
use replay::scenario::{read, tables};

use super::root;

#[test]
fn every_block_is_what_the_page_says() -> Result<(), Box<dyn Error>> {
    let blocks = blocks(&page()?)?;
    let saved: BTreeMap<&str, &str> =
        blocks.iter().filter_map(|block| Some((block.save.as_deref()?, block.text.as_str()))).collect();
    let files = |file: &str| match saved.get(file) {
        Some(text) => Ok((*text).to_owned()),
        None => Err("there is no such file".to_owned()),
    };
    for (block, next) in blocks.iter().zip(blocks.iter().skip(1).map(Some).chain([None])) {
        match block.language.as_str() {
            "yaml" => {
                let read = read("scenario.yaml", &block.text, &files)
                    .map_err(|errors| format!("line {}:\n{}", block.line, render(&errors)))?;
                assert_eq!(render_all(&read.warnings), "", "line {}", block.line);
            }
            "yaml broken" => {
                let errors = read("scenario.yaml", &block.text, &files).expect_err("the block is broken");
                assert_eq!(next.map(|next| next.text.as_str()), Some(render(&errors).as_str()));
            }
            "text" | "csv" | "console" | "yaml policy" => {}
            other => panic!("line {}: a block of {other:?} is checked by nothing", block.line),
        }
    }
    Ok(())
}

#[test]
fn the_tables_are_those_of_the_grammar() -> Result<(), Box<dyn Error>> {
    let mut page = page()?;
    for (name, table) in tables() {
        let begin = format!("<!-- table: {name} -->\n");
        let Some(start) = page.find(&begin).map(|at| at + begin.len()) else {
            return Err(format!("the page has no table of {name}").into());
        };
        let end = page[start..].find("<!-- /table -->").map(|at| start + at).ok_or("a table ends")?;
        page.replace_range(start..end, &table);
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(root().join("docs/scenario.md"), &page)?;
    }
    assert!(page == self::page()?, "a table of docs/scenario.md is old: run this test with UPDATE_GENERATED=1");
    Ok(())
}

#[test]
fn every_scenario_that_ships_is_read_without_a_warning() -> Result<(), Box<dyn Error>> {
    let folder = root().join("scenarios");
    let files = |file: &str| fs::read_to_string(folder.join(file)).map_err(|error| error.to_string());
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let text = fs::read_to_string(&path)?;
            let read = read(&path.display().to_string(), &text, &files)?;
            assert_eq!(render_all(&read.warnings), "");
            assert!(read.policy.is_some(), "{} names no policy", path.display());
            let first = "# yaml-language-server: $schema=scenario.schema.json\n";
            assert!(text.starts_with(first), "{} does not begin with {first}", path.display());
        }
    }
    Ok(())
}

/// A fenced block of the page.
struct Block {
    /// Of its fence, from 1.
    line: usize,
    /// What follows the fence.
    language: String,
    /// The file that it is.
    save: Option<String>,
    text: String,
}

fn blocks(page: &str) -> Result<Vec<Block>, Box<dyn Error>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    let mut before = "";
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(_), true) => inside = false,
            (Some(language), false) => {
                let save = before.strip_prefix("<!-- docs: save ").and_then(|rest| rest.strip_suffix(" -->"));
                let (language, save) = (language.to_owned(), save.map(ToOwned::to_owned));
                blocks.push(Block { line: number + 1, language, save, text: String::new() });
                inside = true;
            }
            (None, true) => {
                let block = blocks.last_mut().ok_or("a line inside has a block")?;
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {}
        }
        before = line;
    }
    Ok(blocks)
}

fn page() -> Result<String, Box<dyn Error>> {
    Ok(fs::read_to_string(root().join("docs/scenario.md"))?)
}
