//! Tables of the page.

use super::super::{
    Contender, DISTANCE, Definition, Finding, Judged, Kind, Rank, Significance, draw::escape, figures, pareto, words,
};

/// What one looks at first: a row for each contender.
pub(super) fn first_figures(judged: &Judged) -> String {
    let shown: Vec<_> = figures::DEFINITIONS.iter().filter(|each| each.first && is_known(judged, each)).collect();
    let heads = shown.iter().map(|definition| head(definition));
    let rows = judged.contenders.iter().enumerate().map(|(index, contender)| {
        let cells = shown.iter().map(|definition| cell(judged, contender, definition));
        format!("<tr><th scope=\"row\">{}</th>{}</tr>", name(index, contender), cells.collect::<String>())
    });
    format!(
        "<div class=\"wide\"><table><thead><tr><th></th>{}</tr></thead><tbody>{}</tbody></table></div>",
        heads.collect::<String>(),
        rows.collect::<String>()
    )
}

/// Everything that was measured: a row for each measure.
pub(super) fn all_figures(judged: &Judged) -> String {
    let heads = judged.contenders.iter().enumerate();
    let heads = heads.map(|(index, contender)| format!("<th scope=\"col\">{}</th>", name(index, contender)));
    let rows = figures::DEFINITIONS.iter().filter(|each| is_known(judged, each)).map(|definition| {
        let cells = judged.contenders.iter().map(|contender| cell(judged, contender, definition));
        let (title, hint) = (escape(definition.title), escape(definition.definition));
        format!("<tr><th scope=\"row\"><span title=\"{hint}\">{title}</span></th>{}</tr>", cells.collect::<String>())
    });
    format!(
        "<h3>All measures</h3><div class=\"wide\"><table><thead><tr><th></th>{}</tr></thead><tbody>{}</tbody></table></div>",
        heads.collect::<String>(),
        rows.collect::<String>()
    )
}

/// What was expected and what came of it.
pub(super) fn expectations(judged: &Judged) -> String {
    let rows: String =
        judged.contenders.iter().enumerate().map(|(index, contender)| of_one(index, contender)).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<h3>What was expected</h3><div class=\"wide\"><table><tbody>{rows}</tbody></table></div>")
}

fn of_one(index: usize, contender: &Contender) -> String {
    let rows = contender.expectations.iter().enumerate().map(|(row, judgement)| {
        let (class, word) = if judgement.met { ("met", "✓ met") } else { ("broken", "✗ broken") };
        let head = if row == 0 { name(index, contender) } else { String::new() };
        format!(
            "<tr><th>{head}</th><td class=\"{class}\">{word}</td><td>{}</td><td>{}</td></tr>",
            escape(&judgement.expected),
            escape(&judgement.found)
        )
    });
    rows.collect()
}

/// Who did best over all scenarios.
pub(super) fn ranking(ranks: &[Rank]) -> String {
    let rows = ranks.iter().enumerate().map(|(index, rank)| {
        format!(
            "<tr><th scope=\"row\">{}. {}</th><td>{}</td><td>{}</td></tr>",
            index + 1,
            escape(&rank.name),
            words::digits(rank.points),
            words::percent(rank.distance)
        )
    });
    format!(
        "<h2>Over all scenarios</h2><div class=\"wide\"><table><thead><tr><th></th>\
         <th scope=\"col\"><span title=\"One for each contender that it beats in a measure on a scenario, half a one for a tie.\">points</span></th>\
         <th scope=\"col\"><span title=\"{DISTANCE}\">distance to the best</span></th>\
         </tr></thead><tbody>{}</tbody></table></div>",
        rows.collect::<String>()
    )
}

/// How everybody differs from the best one, and whether that is more than chance.
pub(super) fn significance(all: &[Significance]) -> String {
    let Some(Significance { best, .. }) = all.first() else { return String::new() };
    let rows = all.iter().enumerate().map(|(index, each)| {
        let before = index.checked_sub(1).and_then(|before| all.get(before));
        let name = if before.is_some_and(|before| before.name == each.name) { "" } else { each.name.as_str() };
        let class = if each.finding == Finding::Shown { " class=\"best\"" } else { "" };
        let cells = [each.mean(), each.interval(), each.p(), each.pairs()];
        let cells = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect::<Vec<_>>().concat();
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td>{cells}<td{class}>{}</td></tr>",
            escape(name),
            escape(each.title()),
            each.finding.words()
        )
    });
    let heads = ["", "", "mean difference", "95 % interval", "p", "pairs", ""];
    let heads = heads.map(|head| format!("<th scope=\"col\">{head}</th>")).concat();
    format!(
        "<h2>Beside the best, {}: more than chance?</h2><p class=\"soft\">{}</p><div class=\"wide\"><table><thead><tr>{heads}</tr>\
         </thead><tbody>{}</tbody></table></div>",
        escape(best),
        escape(Significance::NOTE),
        rows.collect::<String>()
    )
}

fn head(definition: &Definition) -> String {
    let (title, hint) = (escape(definition.title), escape(definition.definition));
    format!("<th scope=\"col\"><span title=\"{hint}\">{title}</span></th>")
}

fn name(index: usize, contender: &Contender) -> String {
    let colour = pareto::colour_of(index);
    format!("<span class=\"dot k{colour}\"></span>{}", escape(&contender.name))
}

fn cell(judged: &Judged, contender: &Contender, definition: &Definition) -> String {
    match contender.figures.get(definition.key) {
        None => "<td>–</td>".to_owned(),
        Some(value) if contender.kind != Kind::Plan && judged.is_best(definition, value) => {
            format!("<td class=\"best\">{}</td>", escape(&definition.written(value)))
        }
        Some(value) => format!("<td>{}</td>", escape(&definition.written(value))),
    }
}

fn is_known(judged: &Judged, definition: &Definition) -> bool {
    judged.contenders.iter().any(|contender| contender.figures.get(definition.key).is_some())
}
