//! A forecast as text: what the rule says, a picture, how good it is, what it goes by, and the plan.

mod chart;

use autoscaler::time::{Timestamp, spoken};
use comfy_table::{Cell, Table};
use forecast::Gate;
use replay::report::forecast::{Prospect, Score, words_of};

use super::{
    replay::{bold, lines, plain_table, right},
    text::{Look, Tone, tame_text},
};

/// Columns where it is no terminal.
const COLUMNS: u16 = 100;
/// Moments for which weights are printed.
const MOMENTS: usize = 6;
/// Members that are printed over time.
const MEMBERS: usize = 5;
/// Spans of the plan that are printed.
const SPANS: usize = 48;

/// Everything about one forecast.
pub(crate) fn forecast(prospect: &Prospect, look: Look) -> String {
    let width = usize::from(look.width.unwrap_or(COLUMNS)).max(40);
    let mut text = look.paint(Tone::Strong, &tame_text(&prospect.headline())) + "\n\n";
    if let Some(sentence) = &prospect.sentence {
        text += &wrapped(&tame_text(sentence), width);
        text += "\n";
    }
    text += &chart::chart(prospect, width, look);
    text += &wrapped(&seen(prospect), width);
    for note in &prospect.notes {
        text += &wrapped(&format!("{}: {}", look.paint(Tone::Warn, "note"), tame_text(note)), width);
    }
    for section in [scores(prospect, look), weights(prospect, look), plan(prospect, look)] {
        if !section.is_empty() {
            text += "\n";
            text += &section;
        }
    }
    text
}

/// What was found in the past.
fn seen(prospect: &Prospect) -> String {
    let seasons = prospect.seasons.iter();
    let seasons: Vec<_> = seasons
        .map(|season| {
            let why = season.correlation.map_or("expected by the policy, not found".to_owned(), |correlation| {
                format!("autocorrelation {correlation:.2}")
            });
            format!("{} ({why})", spoken(season.period))
        })
        .collect();
    let seasons = if seasons.is_empty() { "none found".to_owned() } else { seasons.join(", ") };
    let gate = match prospect.gate {
        Gate::Learning => "its skill is not known yet",
        Gate::Raises => "its skill is not proven, so that it may only raise the count",
        Gate::Proven => "its skill is proven, so that it may lower the count as well",
        Gate::Refuted => "it is worse than `as now`, which counts in its place",
    };
    let (above, of) = prospect.above();
    format!(
        "seasons: {seasons}; gate: {gate}; history: {} in steps of {}; of {of} steps shown {above} came above the bound",
        spoken(prospect.history),
        spoken(prospect.step)
    )
}

fn scores(prospect: &Prospect, look: Look) -> String {
    let mut table = plain_table(look);
    let heads = ["AHEAD", "COMPARED", "MASE", "WAPE", "SKILL", "ABOVE", "ALLOWED"].map(|head| right(bold(head)));
    table.set_header(std::iter::once(bold("FORECAST OF")).chain(heads).collect::<Vec<_>>());
    for score in &prospect.scores {
        score_row(&mut table, &score.horizon, score);
    }
    if let Some(live) = &prospect.live {
        score_row(&mut table, "horizon, as it was said then", &live.score);
    }
    lines(&mut table)
}

fn score_row(table: &mut Table, name: &str, score: &Score) {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
    let percent = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{:.1} %", value * 100.0));
    let cells = [
        spoken(score.lead),
        score.count.to_string(),
        number(score.mase),
        percent(score.wape),
        percent(score.skill),
        percent(score.above),
        percent(Some(score.allowed)),
    ];
    let cells = cells.map(|cell| right(Cell::new(cell)));
    table.add_row(std::iter::once(Cell::new(name)).chain(cells).collect::<Vec<_>>());
}

/// How much members count now at the rule's horizon, and how much they did in the steps that are shown.
fn weights(prospect: &Prospect, look: Look) -> String {
    let now: Vec<_> = prospect
        .weights
        .iter()
        .map(|(member, weight)| format!("{:.0} % {}", weight * 100.0, words_of(*member)))
        .collect();
    let mut text = format!("{} {}\n", look.paint(Tone::Strong, "the rule mixes now:"), now.join(", "));
    let (lanes, at) = prospect.heaviest(MEMBERS);
    if at.len() < 2 {
        return text;
    }
    let places: Vec<usize> = (0..MOMENTS).map(|moment| moment * (at.len() - 1) / (MOMENTS - 1)).collect();
    text += &format!("rehearsed in steps of {}, {} ahead:\n", spoken(prospect.shown_step), spoken(prospect.shown_lead));
    let mut table = plain_table(look);
    let heads = places.iter().map(|place| right(bold(&from_now(prospect.at, at[*place]))));
    table.set_header(std::iter::once(bold("MIXED")).chain(heads).collect::<Vec<_>>());
    for (name, weights) in &lanes {
        let cells = places.iter().map(|place| right(Cell::new(format!("{:.0} %", weights[*place] * 100.0))));
        table.add_row(std::iter::once(Cell::new(name)).chain(cells).collect::<Vec<_>>());
    }
    text += &lines(&mut table);
    text
}

fn plan(prospect: &Prospect, look: Look) -> String {
    let (Some(first), Some(last)) = (prospect.plan.first(), prospect.plan.last()) else { return String::new() };
    let days = last.to.since(first.from) > std::time::Duration::from_hours(24);
    let moment = |at: Timestamp| {
        if days { format!("{} ({})", from_now(prospect.at, at), prospect.clock(at)) } else { prospect.clock(at) }
    };
    let mut table = plain_table(look);
    let heads = ["EXPECTED", "BOUND", "REPLICAS"].map(|head| right(bold(head)));
    let from = format!("PLAN FROM ({})", prospect.zone);
    table.set_header([bold(&from), bold("TO")].into_iter().chain(heads).collect::<Vec<_>>());
    for span in prospect.plan.iter().take(SPANS) {
        let print = |value: f64| prospect.unit.print(value);
        let numbers = [print(span.expected), print(span.bound), span.replicas.to_string()];
        let cells = numbers.map(|cell| right(Cell::new(cell)));
        let moments = [span.from, span.to].map(|at| Cell::new(moment(at)));
        table.add_row(moments.into_iter().chain(cells).collect::<Vec<_>>());
    }
    let mut text = lines(&mut table);
    if prospect.plan.len() > SPANS {
        text += &format!("… and {} more spans; --json has all\n", prospect.plan.len() - SPANS);
    }
    text
}

/// `−5m`, `now`, `+2h`.
fn from_now(now: Timestamp, at: Timestamp) -> String {
    match at.cmp(&now) {
        std::cmp::Ordering::Less => format!("−{}", short(now.since(at))),
        std::cmp::Ordering::Equal => "now".to_owned(),
        std::cmp::Ordering::Greater => format!("+{}", short(at.since(now))),
    }
}

/// In two units at most.
fn short(span: std::time::Duration) -> String {
    spoken(span).split_whitespace().take(2).collect::<Vec<_>>().join(" ").replace("days", "d").replace("day", "d")
}

/// Words in lines of at most this width, each line ended.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
