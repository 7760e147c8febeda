//! The points that a model rests on with their line, and below what is left of them.

use std::fmt::Write as _;

use replay::fit::Cost;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 64.0;
/// Top and height of the points, and of what is left.
const POINTS: (f64, f64) = (40.0, 280.0);
const LEFT_OVER: (f64, f64) = (370.0, 130.0);

/// As SVG.
pub(super) fn line(cost: &Cost) -> String {
    let line = &cost.line;
    let most_x = cost.points.iter().map(|(x, _)| *x).fold(f64::MIN_POSITIVE, f64::max);
    let most_y = cost.points.iter().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
    let most_left = line.residuals.iter().map(|left| left.abs()).fold(f64::MIN_POSITIVE, f64::max);
    let across = |x: f64| LEFT + (WIDTH - LEFT - 20.0) * x / most_x;
    let up = |y: f64| POINTS.0 + POINTS.1 * (1.0 - y / (1.05 * most_y));
    let beside = |left: f64| LEFT_OVER.0 + LEFT_OVER.1 * 0.5 * (1.0 - left / most_left);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 540\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"540\" fill=\"#fff\"/>\n",
    );
    let title = format!(
        "cores of a replica = {:.4} + {:.5} × requests per second, R² {:.3}",
        line.intercept, line.slope, line.r_squared
    );
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"22\" font-weight=\"bold\">{title}</text>");
    for (top, height) in [POINTS, LEFT_OVER] {
        let width = WIDTH - LEFT - 20.0;
        let _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#999\"/>"
        );
    }
    for ((x, y), left) in cost.points.iter().zip(&line.residuals) {
        let (x, y, below) = (across(*x), up(*y), beside(*left));
        let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2\" fill=\"#2a6fb0\" fill-opacity=\"0.5\"/>");
        let _ =
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{below:.1}\" r=\"2\" fill=\"#b0512a\" fill-opacity=\"0.5\"/>");
    }
    let ends = [0.0, most_x].map(|x| (across(x), up(line.intercept + line.slope * x)));
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#111\"/>",
        ends[0].0, ends[0].1, ends[1].0, ends[1].1
    );
    let zero = beside(0.0);
    let _ = writeln!(svg, "<line x1=\"{LEFT}\" x2=\"620\" y1=\"{zero:.1}\" y2=\"{zero:.1}\" stroke=\"#111\"/>");
    for (x, y, anchor, text) in [
        (LEFT - 6.0, POINTS.0 + 12.0, "end", format!("{:.2}", 1.05 * most_y)),
        (LEFT - 6.0, POINTS.0 + POINTS.1, "end", "0".to_owned()),
        (LEFT, POINTS.0 + POINTS.1 + 16.0, "start", "0".to_owned()),
        (620.0, POINTS.0 + POINTS.1 + 16.0, "end", format!("{most_x:.1} requests/s and replica")),
        (LEFT + 8.0, POINTS.0 + 16.0, "start", "cores of a replica".to_owned()),
        (LEFT - 6.0, LEFT_OVER.0 + 12.0, "end", format!("{most_left:.3}")),
        (LEFT - 6.0, LEFT_OVER.0 + LEFT_OVER.1, "end", format!("-{most_left:.3}")),
        (LEFT + 8.0, LEFT_OVER.0 + 16.0, "start", "residuals: cores less the line".to_owned()),
    ] {
        let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\" fill=\"#333\">{text}</text>");
    }
    svg.push_str("</svg>\n");
    svg
}
