//! What came of a replay: who is better and by how much first, then the figures, then what was expected.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use replay::report::{Contender, Definition, Finding, Judged, Kind, Rank, Report, Significance, Verdict};

use super::text::{Look, Tone, indent, tame_text};

/// Everything that one looks at first; with `all` every measure.
pub(crate) fn replay(report: &Report, all: bool, look: Look) -> String {
    let mut text: Vec<String> = report.scenarios.iter().map(|judged| of_scenario(judged, report, all, look)).collect();
    if !report.ranking.is_empty() {
        text.push(ranking(&report.ranking, look));
    }
    if !report.significance.is_empty() {
        text.push(significance(&report.significance, look));
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
    for warning in &judged.warnings {
        text += &format!("{}: {}\n", look.paint(Tone::Warn, "warning"), tame_text(warning));
    }
    text += "\n";
    text += &figures(judged, report, all, look);
    text += &ladder(judged, look);
    if let Some(floor) = &judged.floor {
        text += &format!("\n{}\n", floor.sentence());
    }
    text + &expectations(judged, look)
}

/// What the distance to the cheapest plan is made of, where that was reckoned.
fn ladder(judged: &Judged, look: Look) -> String {
    let Some(first) = judged.ladder.first() else { return String::new() };
    let mut table = plain_table(look);
    let heads = ["COST", "THE PLAN'S", "STEP"].map(|head| right(bold(head)));
    table.set_header(
        std::iter::once(bold("HOW FAR FROM THE CHEAPEST PLAN"))
            .chain(heads)
            .chain([bold("PRICE OF")])
            .collect::<Vec<_>>(),
    );
    let mut before = None;
    for rung in &judged.ladder {
        let times = if first.cost > 0.0 { format!("× {:.2}", rung.cost / first.cost) } else { "-".to_owned() };
        let step = before.map(|before| format!("{:+.2} h", rung.cost - before)).unwrap_or_default();
        let cells = [format!("{:.2} h", rung.cost), times, step].map(|text| right(Cell::new(text)));
        let name = std::iter::once(Cell::new(tame_text(&rung.name)));
        table.add_row(name.chain(cells).chain([Cell::new(&rung.price_of)]).collect::<Vec<_>>());
        before = Some(rung.cost);
    }
    format!("\n{}", lines(&mut table))
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

/// How everybody differs from the best one, and whether that is more than chance.
fn significance(all: &[Significance], look: Look) -> String {
    let best = all.first().map(|each| tame_text(&each.best)).unwrap_or_default();
    let mut table = plain_table(look);
    let heads = ["MEAN DIFFERENCE", "95 % INTERVAL", "P", "PAIRS"].map(|head| right(bold(head)));
    let title = [bold("BESIDE THE BEST"), bold("")].into_iter();
    table.set_header(title.chain(heads).chain([bold("")]).collect::<Vec<_>>());
    let mut before = None;
    for each in all {
        let name = if before == Some(&each.name) { String::new() } else { tame_text(&each.name) };
        before = Some(&each.name);
        let cells = [each.mean(), each.interval(), each.p(), each.pairs()].map(|text| right(Cell::new(text)));
        let finding = match each.finding {
            Finding::Shown => Cell::new(each.finding.words()).fg(Color::Green),
            Finding::TooFew => Cell::new(each.finding.words()).fg(Color::Yellow),
            Finding::Equal | Finding::NotShown => Cell::new(each.finding.words()),
        };
        let own = [Cell::new(name), Cell::new(each.title())].into_iter();
        table.add_row(own.chain(cells).chain([finding]).collect::<Vec<_>>());
    }
    format!("{}The best is {best}. {}\n", lines(&mut table), Significance::NOTE)
}

pub(super) fn plain_table(look: Look) -> Table {
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

pub(super) fn lines(table: &mut Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

pub(super) fn bold(text: &str) -> Cell {
    Cell::new(tame_text(text)).add_attribute(Attribute::Bold)
}

pub(super) fn right(cell: Cell) -> Cell {
    cell.set_alignment(CellAlignment::Right)
}

fn spoken(span: std::time::Duration) -> String {
    autoscaler::time::spoken(span)
}
