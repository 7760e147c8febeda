//! One page with everything: pictures, tables and reasons, with its style and script inside. It asks the network for
//! nothing, and what users wrote stands in it as text.

#![expect(clippy::format_push_string, reason = "`write!` would look as if writing into a string could fail")]

mod table;

use std::time::Duration;

use serde_json::json;

use super::{
    Contender, Decision, Judged, Kind, Report, Summary, Verdict, axis,
    draw::{Drawing, Short, escape},
    figures, ladder, latency_objective, pareto,
    picture::{Bucket, four_digits},
    style::{self, PATTERNS},
    timeline::{self, Common, WIDTH},
    words,
};

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let names: Vec<_> = report.scenarios.iter().map(|judged| judged.scenario.name.as_str()).collect();
    let title = format!("Replay: {}", names.join(", "));
    let mut body = String::new();
    if report.scenarios.len() > 1 {
        body += &overview(report);
    }
    body += &table::significance(&report.significance);
    for (index, judged) in report.scenarios.iter().enumerate() {
        body += &scenario(index, judged);
    }
    body += &definitions();
    shell(&title, &body, "ballast replay. The same scenarios, policies and seeds give the same page.")
}

/// A page around what stands in it. `maker` says who made it, and when it is the same.
pub(super) fn shell(title: &str, body: &str, maker: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <title>{title}</title><style>{}{STYLE}</style></head><body>\
         <svg class=\"patterns\" aria-hidden=\"true\">{PATTERNS}</svg>\
         <header class=\"top\"><h1>{title}</h1><button id=\"theme\" type=\"button\">light / dark</button></header>\
         <main>{body}<footer>Made by {maker}</footer></main>\
         <div id=\"tip\" role=\"status\" hidden></div><script>{SCRIPT}</script></body></html>\n",
        style::of_page(),
        title = escape(title),
    )
}

/// Where each scenario is, and who did best over all.
fn overview(report: &Report) -> String {
    let items = report
        .scenarios
        .iter()
        .enumerate()
        .map(|(index, judged)| format!("<li><a href=\"#s{index}\">{}</a></li>", escape(&judged.scenario.name)));
    let mut text = format!("<nav><ul>{}</ul></nav>", items.collect::<String>());
    if !report.ranking.is_empty() {
        text += &table::ranking(&report.ranking);
    }
    text
}

fn scenario(index: usize, judged: &Judged) -> String {
    let summary = &judged.scenario;
    let mut text = format!(
        "<section class=\"scenario\" id=\"s{index}\"><h2>{}</h2><p class=\"about\">{}</p><p class=\"meta\">{}</p>",
        escape(&summary.name),
        escape(&summary.about.replace('\n', " ")),
        escape(&meta(summary)),
    );
    if !judged.warnings.is_empty() {
        let items = judged.warnings.iter().map(|warning| format!("<li>{}</li>", escape(warning)));
        text += &format!("<ul class=\"warnings\">{}</ul>", items.collect::<String>());
    }
    text += &verdicts(judged);
    text += &table::first_figures(judged);
    text += &table::expectations(judged);
    text += &runs(judged);
    text += &still("Cost against what users miss", pareto::HEIGHT, pareto::WIDTH, |into| {
        judged.contenders.len() > 1 && pareto::draw(into, judged)
    });
    text += &notes(judged);
    text += &still("How far from the cheapest plan, and why", ladder::height(&judged.ladder), ladder::WIDTH, |into| {
        ladder::draw(into, &judged.ladder);
        !judged.ladder.is_empty()
    });
    if let Some(floor) = &judged.floor {
        text += &format!("<p class=\"soft\">{}</p>", escape(&floor.sentence()));
    }
    text += &table::all_figures(judged);
    text + "</section>"
}

/// What is to be known of figures, as footnotes.
fn notes(judged: &Judged) -> String {
    let noted = judged.contenders.iter().filter_map(|contender| Some((contender, contender.note.as_deref()?)));
    let items =
        noted.map(|(contender, note)| format!("<p class=\"soft\">{}: {}.</p>", escape(&contender.name), escape(note)));
    items.collect()
}

/// What it is about, in one line.
fn meta(summary: &Summary) -> String {
    let mut parts = vec![
        summary.service.clone(),
        format!("{} long", axis::moment(summary.lasts)),
        format!("samples every {}", axis::moment(summary.every)),
        format!("seed {}", summary.seed),
    ];
    if let Some(objective) = summary.objective {
        parts.push(format!(
            "objective: {} below {}",
            words::quantile(objective.quantile),
            words::response_time(objective.below)
        ));
    }
    parts.push(format!("a missing replica costs as much as {} idle ones", words::digits(summary.idle_per_missing)));
    if !summary.from.is_empty() {
        parts.push(summary.from.clone());
    }
    parts.join(" · ")
}

/// Who is better and by how much.
fn verdicts(judged: &Judged) -> String {
    let items = judged.comparisons.iter().map(|comparison| {
        let class = match comparison.verdict {
            Verdict::Better | Verdict::DearerButBetter => "better",
            Verdict::Worse | Verdict::CheaperButWorse => "worse",
            Verdict::Same => "same",
        };
        let (badge, sentence) = (comparison.verdict.words(), escape(&comparison.sentence));
        format!("<li class=\"{class}\"><span class=\"badge\">{badge}</span>{sentence}</li>")
    });
    let items: String = items.collect();
    if items.is_empty() { items } else { format!("<ul class=\"verdicts\">{items}</ul>") }
}

/// The pictures of all contenders beside each other.
fn runs(judged: &Judged) -> String {
    let summary = &judged.scenario;
    let pictures: Vec<_> = judged.contenders.iter().map(|contender| &contender.picture).collect();
    let objective = latency_objective(summary);
    let common = Common::new(&pictures, summary.lasts, summary.begins, &summary.faults, objective);
    let figures = judged.contenders.iter().enumerate().map(|(index, each)| run(index, each, &common, summary));
    format!(
        "<h3>What happened</h3><p class=\"soft\">All pictures share their axes. Point at one, or choose it and press the arrow \
         keys, for values, decisions and their reasons.</p><div class=\"runs\">{}</div>",
        figures.collect::<String>()
    )
}

fn run(index: usize, contender: &Contender, common: &Common<'_>, summary: &Summary) -> String {
    let mut drawing = Drawing::default();
    timeline::draw(&mut drawing, &contender.picture, common);
    let name = escape(&contender.name);
    format!(
        "<figure class=\"run\"><figcaption><span class=\"dot k{}\"></span><b>{name}</b> <span class=\"soft\">{}, digest {}{}</span>\
         </figcaption><svg viewBox=\"0 0 {} {}\" tabindex=\"0\" role=\"img\" aria-label=\"{name} over time; arrow keys go \
         through its decisions\">{}</svg>{}<script type=\"application/json\">{}</script></figure>",
        pareto::colour_of(index),
        contender.kind.word(),
        escape(&contender.digest),
        contender.note.as_ref().map(|note| format!("; {}", escape(note))).unwrap_or_default(),
        Short(WIDTH),
        Short(common.height()),
        drawing.finish(),
        decisions(contender, summary),
        values(contender, common, summary),
    )
}

fn decisions(contender: &Contender, summary: &Summary) -> String {
    let picture = &contender.picture;
    let count = u64::try_from(picture.decisions.len()).unwrap_or(u64::MAX) + picture.decisions_left_out;
    let item = |Decision { at, from, to, why }: &Decision| {
        let since = at.since(summary.begins);
        // A policy's own sentence begins with what is before it here already.
        let why = why.strip_prefix(&format!("scale {from} → {to}: ")).unwrap_or(why);
        let (moment, why) = (axis::moment(since), escape(why));
        format!("<li data-at=\"{}\"><b>{moment}</b> {from} → {to}: {why}</li>", since.as_millis())
    };
    let mut items: String = picture.decisions.iter().map(item).collect();
    if picture.decisions_left_out > 0 {
        items += &format!("<li>… and {} later ones</li>", picture.decisions_left_out);
    }
    let open = if contender.kind == Kind::Policy && count <= 12 { " open" } else { "" };
    let word = words::count(count, "decision", "decisions");
    format!("<details{open}><summary>{word}</summary><ol class=\"decisions\">{items}</ol></details>")
}

/// What the script shows at a moment.
fn values(contender: &Contender, common: &Common<'_>, summary: &Summary) -> String {
    let picture = &contender.picture;
    let column = |of: fn(&Bucket) -> Option<f64>| -> Option<Vec<Option<f64>>> {
        let values: Vec<_> = picture.buckets.iter().map(|bucket| of(bucket).map(four_digits)).collect();
        values.iter().flatten().any(|value| *value > 0.0).then_some(values)
    };
    let (left, right) = Common::across();
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    json!({
        "lasts": millis(summary.lasts),
        "width": millis(picture.width),
        "left": left,
        "right": right,
        "across": WIDTH,
        "height": common.height(),
        "quantile": words::quantile(picture.quantile),
        "offered": column(|bucket| Some(bucket.offered.mean)),
        "needed": column(|bucket| Some(bucket.needed.mean)),
        "ready": column(|bucket| Some(bucket.ready.mean)),
        "target": column(|bucket| Some(bucket.target.mean)),
        "waiting": column(|bucket| Some(bucket.in_flight.mean)),
        "latency": column(|bucket| bucket.latency.map(|spread| spread.mean)),
    })
    .to_string()
}

/// A picture that does not move, under its heading; nothing where nothing is drawn.
pub(super) fn still(heading: &str, height: f64, width: f64, draw: impl FnOnce(&mut Drawing) -> bool) -> String {
    let mut drawing = Drawing::default();
    if !draw(&mut drawing) {
        return String::new();
    }
    let (width, height, heading) = (Short(width), Short(height), escape(heading));
    format!(
        "<h3>{heading}</h3><svg class=\"still\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{heading}\">{}</svg>",
        drawing.finish()
    )
}

/// What each measure is: as tooltips cannot be read on paper or by touch.
fn definitions() -> String {
    let each = figures::DEFINITIONS
        .iter()
        .map(|definition| format!("<dt>{}</dt><dd>{}</dd>", escape(definition.title), escape(definition.definition)));
    format!(
        "<details><summary>What the measures are</summary><dl class=\"definitions\">{}</dl></details>",
        each.collect::<String>()
    )
}
