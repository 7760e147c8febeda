//! All pictures on one sheet, for a README or a chat.

use super::{
    Contender, Judged, Report, Theme,
    draw::{Drawing, Short},
    ladder, pareto, style,
    timeline::{self, Common, WIDTH},
};

const MARGIN: f64 = 16.0;
/// Above a contender's pictures: its name and first figures.
const NAME: f64 = 60.0;

/// The sheet, in one theme.
pub(super) fn svg(report: &Report, theme: Theme) -> String {
    let width = report.scenarios.iter().map(width_of).fold(0.0, f64::max);
    let mut sheet = Drawing::default();
    let mut top = MARGIN;
    for judged in &report.scenarios {
        top = scenario(&mut sheet, judged, top);
    }
    self::sheet((width, top), &sheet.finish(), theme)
}

/// A picture that stands alone, around what is drawn on it.
pub(super) fn sheet((width, height): (f64, f64), drawn: &str, theme: Theme) -> String {
    let (width, height) = (Short(width), Short(height));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\
         <style>{}</style>{}<rect width=\"{width}\" height=\"{height}\" class=\"paper\"/>{drawn}</svg>\n",
        style::of_picture(theme),
        style::PATTERNS,
    )
}

/// As wide as its contenders, and as what is below them.
fn width_of(judged: &Judged) -> f64 {
    let columns = columns(judged.contenders.len());
    let runs = f64::from(columns) * (WIDTH + MARGIN) + MARGIN;
    let pareto = if judged.contenders.len() > 1 { pareto::WIDTH + 2.0 * MARGIN } else { 0.0 };
    let ladder = if judged.ladder.is_empty() { 0.0 } else { ladder::WIDTH + 2.0 * MARGIN };
    runs.max(if columns > 2 { pareto + ladder } else { pareto.max(ladder) })
}

/// So many contenders beside each other.
fn columns(contenders: usize) -> u32 {
    match contenders {
        0 | 1 => 1,
        3 | 5.. => 3,
        _ => 2,
    }
}

/// One scenario from `top` on; gives where it ends.
fn scenario(sheet: &mut Drawing, judged: &Judged, top: f64) -> f64 {
    let summary = &judged.scenario;
    sheet.text(MARGIN, top + 18.0, "big", &summary.name);
    let mut top = top + 28.0;
    for comparison in &judged.comparisons {
        for line in wrapped(&comparison.sentence, f64::from(columns(judged.contenders.len())) * WIDTH) {
            top += 16.0;
            sheet.text(MARGIN, top, "ink", &line);
        }
    }
    top += 12.0;
    let pictures: Vec<_> = judged.contenders.iter().map(|contender| &contender.picture).collect();
    let objective = super::latency_objective(summary);
    let common = Common::new(&pictures, summary.lasts, summary.begins, &summary.faults, objective);
    let across = columns(judged.contenders.len());
    let (mut column, mut row) = (0, 0.0);
    for (index, contender) in judged.contenders.iter().enumerate() {
        if column == across {
            (column, row) = (0, row + 1.0);
        }
        let place = (MARGIN + f64::from(column) * (WIDTH + MARGIN), top + row * (NAME + common.height() + MARGIN));
        one(sheet, (index, contender), &common, place);
        column += 1;
    }
    top += (row + 1.0) * (NAME + common.height() + MARGIN);
    let below =
        placed(sheet, (MARGIN, top), pareto::HEIGHT, |into| judged.contenders.len() > 1 && pareto::draw(into, judged));
    // Beside each other where there is room.
    let place = if across > 2 && below > top { (2.0 * MARGIN + pareto::WIDTH, top) } else { (MARGIN, below) };
    let ladder = placed(sheet, place, ladder::height(&judged.ladder), |into| {
        ladder::draw(into, &judged.ladder);
        !judged.ladder.is_empty()
    });
    below.max(ladder)
}

fn one(sheet: &mut Drawing, (index, contender): (usize, &Contender), common: &Common<'_>, at: (f64, f64)) {
    placed(sheet, at, NAME, |into| {
        into.disc((8.0, 11.0), 6.0, &format!("c{}", pareto::colour_of(index)));
        into.text(20.0, 16.0, "name", &contender.name);
        let figures = super::first_figures(contender).join(" · ");
        if let Some(note) = &contender.note {
            into.text(20.0, 59.0, "tiny", note);
        }
        for (line, y) in wrapped(&figures, WIDTH - 20.0).into_iter().zip([33.0, 48.0]) {
            into.text(20.0, y, "ink", &line);
        }
        true
    });
    placed(sheet, (at.0, at.1 + NAME), common.height(), |into| {
        timeline::draw(into, &contender.picture, common);
        true
    });
}

/// Words in lines of about this width.
pub(super) fn wrapped(text: &str, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if timeline::width_of(line) + timeline::width_of(word) < width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What `draw` draws, moved to its place; gives where it ends, which is where it begins where nothing was drawn.
pub(super) fn placed(sheet: &mut Drawing, at: (f64, f64), height: f64, draw: impl FnOnce(&mut Drawing) -> bool) -> f64 {
    let mut drawing = Drawing::default();
    if !draw(&mut drawing) {
        return at.1;
    }
    sheet.raw(&format!(r#"<g transform="translate({} {})">"#, Short(at.0), Short(at.1)));
    sheet.raw(&drawing.finish());
    sheet.raw("</g>");
    at.1 + height + MARGIN
}
