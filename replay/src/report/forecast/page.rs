//! The page: pictures and tables, in the same house style as a replay's.

#![expect(clippy::format_push_string, reason = "`write!` would look as if writing into a string could fail")]

use autoscaler::time::spoken;

use super::{
    super::{
        draw::escape,
        page::{shell, still},
        words,
    },
    Prospect, Score, Seasonal, draw, words_of,
};

/// The page.
pub(super) fn page(prospect: &Prospect) -> String {
    let title = prospect.headline();
    let mut body = format!("<section class=\"scenario\"><p class=\"meta\">{}</p>", escape(&draw::summary(prospect)));
    if let Some(sentence) = &prospect.sentence {
        body += &format!("<p class=\"about\">{}</p>", escape(sentence));
    }
    if !prospect.notes.is_empty() {
        let items = prospect.notes.iter().map(|note| format!("<li>{}</li>", escape(note)));
        body += &format!("<ul class=\"warnings\">{}</ul>", items.collect::<String>());
    }
    body += &still("What was, what had been said, and what is to come", draw::height(prospect), draw::WIDTH, |into| {
        draw::draw(into, prospect);
        true
    });
    body += &scores(prospect);
    body += &mixture(prospect);
    body += &plan(prospect);
    body += "</section>";
    shell(&title, &body, "ballast forecast. The same history gives the same page.")
}

fn table(heading: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads = heads.iter().map(|head| format!("<th scope=\"col\">{}</th>", escape(head)));
    let row = |cells: &Vec<String>| {
        let cells = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell)));
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    let (heads, rows) = (heads.collect::<String>(), rows.iter().map(row).collect::<String>());
    format!(
        "<h3>{}</h3><div class=\"wide\"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>",
        escape(heading)
    )
}

fn scores(prospect: &Prospect) -> String {
    let row = |name: String, score: &Score| {
        let digits = |value: Option<f64>| value.map_or("–".to_owned(), words::digits);
        let percent = |value: Option<f64>| value.map_or("–".to_owned(), words::percent);
        vec![
            name,
            spoken(score.lead),
            score.count.to_string(),
            digits(score.mase),
            percent(score.wape),
            percent(score.skill),
            percent(score.above),
            percent(Some(score.allowed)),
        ]
    };
    let mut rows: Vec<_> = prospect.scores.iter().map(|score| row(score.horizon.clone(), score)).collect();
    rows.extend(prospect.live.iter().map(|live| row("horizon, as it was said then".to_owned(), &live.score)));
    let heads =
        ["of", "ahead", "compared", "MASE against naive", "WAPE", "pinball skill", "above the bound", "allowed"];
    table("How good it is", &heads, &rows)
}

fn correlation(season: &Seasonal) -> String {
    season.correlation.map_or("not found; expected by the policy".to_owned(), words::digits)
}

fn mixture(prospect: &Prospect) -> String {
    let seasons = prospect.seasons.iter();
    let seasons = seasons.map(|season| vec![spoken(season.period), correlation(season)]).collect::<Vec<_>>();
    let members = prospect.weights.iter();
    let members =
        members.map(|(member, weight)| vec![words_of(*member).to_owned(), words::percent(*weight)]).collect::<Vec<_>>();
    let seasons = if seasons.is_empty() {
        "<h3>Seasons</h3><p class=\"soft\">None was found.</p>".to_owned()
    } else {
        table("Seasons", &["comes again after", "autocorrelation"], &seasons)
    };
    seasons + &table("What the rule mixes now", &["forecast", "weight"], &members)
}

fn plan(prospect: &Prospect) -> String {
    if prospect.plan.is_empty() {
        return String::new();
    }
    let rows: Vec<_> = prospect
        .plan
        .iter()
        .map(|span| {
            let print = |value: f64| prospect.unit.print(value);
            vec![
                prospect.clock(span.from),
                prospect.clock(span.to),
                print(span.expected),
                print(span.bound),
                span.replicas.to_string(),
            ]
        })
        .collect();
    let from = format!("from ({})", prospect.zone);
    table("The plan", &[&from, "to", "expected", "bound", "replicas"], &rows)
}
