//! What came of a replay: who is better and by how much first, then the figures, then what was expected.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use replay::report::{Contender, Definition, Judged, Kind, Rank, Report, Verdict};

use super::text::{Look, Tone, indent, tame_text};

/// Everything that one looks at first; with `all` every measure.
pub(crate) fn replay(report: &Report, all: bool, look: Look) -> String {
    let mut text: Vec<String> = report.scenarios.iter().map(|judged| of_scenario(judged, report, all, look)).collect();
    if !report.ranking.is_empty() {
        text.push(ranking(&report.ranking, look));
    }
    text.join("\n")
}

fn of_scenario(judged: &Judged, report: &Report, all: bool, look: Look) -> String {
    let summary = &judged.scenario;
    let mut text = look.paint(Tone::Strong, &tame_text(&summary.name));
    text += &format!("  {}, {} long, seed {}\n", tame_text(&summary.service), spoken(summary.lasts), summary.seed);
    for comparison in &judged.comparisons {
        let tone = match comparison.verdict {
            Verdict::Better | Verdict::DearerButBetter => Tone::Good,
            Verdict::Worse | Verdict::CheaperButWorse => Tone::Warn,
            Verdict::Same => Tone::Strong,
        };
        text += &format!("{}: {}\n", look.paint(tone, comparison.verdict.words()), tame_text(&comparison.sentence));
    }
    text += "\n";
    text += &figures(judged, report, all, look);
    text + &expectations(judged, look)
}

/// A row for each contender; with `all` a row for each measure, for these are many.
fn figures(judged: &Judged, report: &Report, all: bool, look: Look) -> String {
    let known = |definition: &&&Definition| {
        (all || definition.first) && judged.contenders.iter().any(|each| each.figures.get(definition.key).is_some())
    };
    let shown: Vec<&Definition> = report.definitions.iter().filter(known).copied().collect();
    let mut table = plain_table(look);
    if all {
        let heads = judged.contenders.iter().map(|contender| right(bold(&contender.name)));
        table.set_header(std::iter::once(bold("")).chain(heads).collect::<Vec<_>>());
        for definition in shown {
            let cells = judged.contenders.iter().map(|contender| cell(judged, contender, definition));
            table.add_row(std::iter::once(Cell::new(definition.title)).chain(cells).collect::<Vec<_>>());
        }
    } else {
        let heads = shown.iter().map(|definition| right(bold(&definition.title.to_uppercase())));
        let digest = std::iter::once(bold("DIGEST"));
        table.set_header(std::iter::once(bold("")).chain(heads).chain(digest).collect::<Vec<_>>());
        for contender in &judged.contenders {
            let cells = shown.iter().map(|definition| cell(judged, contender, definition));
            let name = std::iter::once(Cell::new(tame_text(&contender.name)));
            let digest = std::iter::once(Cell::new(&contender.digest));
            table.add_row(name.chain(cells).chain(digest).collect::<Vec<_>>());
        }
    }
    lines(&mut table)
}

fn cell(judged: &Judged, contender: &Contender, definition: &Definition) -> Cell {
    let Some(value) = contender.figures.get(definition.key) else { return right(Cell::new("-")) };
    let cell = right(Cell::new(definition.written(value)));
    if contender.kind != Kind::Plan && judged.is_best(definition, value) { cell.fg(Color::Green) } else { cell }
}

fn expectations(judged: &Judged, look: Look) -> String {
    let mut text = String::new();
    for contender in &judged.contenders {
        for judgement in &contender.expectations {
            let word = if judgement.met { look.paint(Tone::Good, "met") } else { look.paint(Tone::Bad, "broken") };
            let (name, expected, found) = (&contender.name, &judgement.expected, &judgement.found);
            text += &indent(&format!("{word}: {}: {expected}: {found}", tame_text(name)), 2);
        }
    }
    if text.is_empty() { text } else { format!("\n{}\n{text}", look.paint(Tone::Strong, "Expected")) }
}

fn ranking(ranks: &[Rank], look: Look) -> String {
    let mut table = plain_table(look);
    table.set_header(vec![bold("OVER ALL SCENARIOS"), right(bold("POINTS")), right(bold("DISTANCE TO THE BEST"))]);
    for rank in ranks {
        let distance = format!("{:.1} %", rank.distance * 100.0);
        let cells = [format!("{}", rank.points), distance].map(|text| right(Cell::new(text)));
        table.add_row(std::iter::once(Cell::new(tame_text(&rank.name))).chain(cells).collect::<Vec<_>>());
    }
    lines(&mut table)
}

fn plain_table(look: Look) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    // Without this the table would ask the terminal itself.
    if look.colour {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    table
}

fn lines(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn bold(text: &str) -> Cell {
    Cell::new(tame_text(text)).add_attribute(Attribute::Bold)
}

fn right(cell: Cell) -> Cell {
    cell.set_alignment(CellAlignment::Right)
}

fn spoken(span: std::time::Duration) -> String {
    autoscaler::time::spoken(span)
}
