//! Drawing: shapes and words as SVG, in classes whose colours a [style](super::style) gives.

use std::fmt::Write as _;

/// A drawing, written from the back to the front.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    svg: String,
}

impl Drawing {
    /// What was drawn.
    pub(super) fn finish(self) -> String {
        self.svg
    }

    /// Markup as it is.
    pub(super) fn raw(&mut self, markup: &str) {
        self.svg.push_str(markup);
    }

    /// Words, escaped; `y` is the line that they stand on. Classes `middle` and `end` align them.
    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, words: &str) {
        let (x, y) = (Short(x), Short(y));
        self.push(format_args!(r#"<text x="{x}" y="{y}" class="{class}">{}</text>"#, escape(words)));
    }

    /// A straight line.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let (x1, y1, x2, y2) = (Short(x1), Short(y1), Short(x2), Short(y2));
        self.push(format_args!(r#"<path d="M{x1} {y1}L{x2} {y2}" class="{class}"/>"#));
    }

    /// A rectangle.
    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str) {
        let (x, y, width, height) = (Short(x), Short(y), Short(width.max(0.0)), Short(height.max(0.0)));
        self.push(format_args!(r#"<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{class}"/>"#));
    }

    /// A disc.
    pub(super) fn disc(&mut self, at: (f64, f64), radius: f64, class: &str) {
        let (x, y, radius) = (Short(at.0), Short(at.1), Short(radius));
        self.push(format_args!(r#"<circle cx="{x}" cy="{y}" r="{radius}" class="{class}"/>"#));
    }

    /// A path; nothing where it is empty.
    pub(super) fn path(&mut self, path: &Path, class: &str) {
        if !path.0.is_empty() {
            self.push(format_args!(r#"<path d="{}" class="{class}"/>"#, path.0));
        }
    }

    /// What is drawn in `inside` can be pointed at: browsers show `hint`.
    pub(super) fn hinted(&mut self, hint: &str, inside: impl FnOnce(&mut Self)) {
        self.push(format_args!("<g><title>{}</title>", escape(hint)));
        inside(self);
        self.raw("</g>");
    }

    fn push(&mut self, markup: std::fmt::Arguments<'_>) {
        let written = self.svg.write_fmt(markup);
        debug_assert!(written.is_ok(), "writing into a string does not fail");
    }
}

/// A path of straight lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(String);

impl Path {
    /// A line of steps: each value holds from its `x` to the next one's, the last to `end`. Gaps interrupt it.
    pub(super) fn steps(points: impl IntoIterator<Item = (f64, Option<f64>)>, end: f64) -> Self {
        let mut path = String::new();
        let mut before: Option<String> = None;
        let mut push = |markup: std::fmt::Arguments<'_>| {
            // Writing into a string does not fail.
            let _ = path.write_fmt(markup);
        };
        for (x, y) in points {
            let y = y.map(|y| Short(y).to_string());
            if y == before {
                continue;
            }
            match (&before, &y) {
                (None, Some(y)) => push(format_args!("M{} {y}", Short(x))),
                (Some(_), Some(y)) => push(format_args!("H{}V{y}", Short(x))),
                (_, None) => push(format_args!("H{}", Short(x))),
            }
            before = y;
        }
        if before.is_some() {
            push(format_args!("H{}", Short(end)));
        }
        Self(path)
    }

    /// The area between two lines of steps, where both are given: `(x, one, other)`, the last to `end`.
    pub(super) fn between(points: &[(f64, Option<(f64, f64)>)], end: f64) -> Self {
        let mut path = String::new();
        let mut start = 0;
        while start < points.len() {
            let run = points[start..].iter().take_while(|(_, pair)| pair.is_some()).count();
            if run > 0 {
                let until = points.get(start + run).map_or(end, |(x, _)| *x);
                area(&mut path, &points[start..start + run], until);
            }
            start += run.max(1);
        }
        Self(path)
    }

    /// A closed polygon.
    pub(super) fn polygon(corners: &[(f64, f64)]) -> Self {
        let mut path = Self::polyline(corners);
        path.0.push('Z');
        path
    }

    /// A line through points.
    pub(super) fn polyline(points: &[(f64, f64)]) -> Self {
        let mut path = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{} {}", if index == 0 { 'M' } else { 'L' }, Short(*x), Short(*y));
        }
        Self(path)
    }
}

fn area(path: &mut String, run: &[(f64, Option<(f64, f64)>)], until: f64) {
    let there: Vec<(f64, f64, f64)> =
        run.iter().filter_map(|(x, pair)| pair.map(|(one, other)| (*x, one, other))).collect();
    let Some(&(first, top, _)) = there.first() else { return };
    let _ = write!(path, "M{} {}", Short(first), Short(top));
    let mut before = Short(top).to_string();
    for (x, one, _) in &there[1..] {
        let y = Short(*one).to_string();
        if y != before {
            let _ = write!(path, "H{}V{y}", Short(*x));
            before = y;
        }
    }
    let _ = write!(path, "H{}", Short(until));
    before.clear();
    // Back along the other line.
    for (index, (_, _, other)) in there.iter().enumerate().rev() {
        let y = Short(*other).to_string();
        if y != before {
            let x = there.get(index + 1).map_or(until, |next| next.0);
            let _ = write!(path, "H{}V{y}", Short(x));
            before = y;
        }
    }
    let _ = write!(path, "H{}Z", Short(first));
}

/// A number with one digit behind the point, and that only where it says something.
pub(super) struct Short(pub(super) f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.0.is_finite() {
            return f.write_str("0");
        }
        let text = format!("{:.1}", self.0);
        let text = text.strip_suffix(".0").unwrap_or(&text);
        f.write_str(if text == "-0" { "0" } else { text })
    }
}

/// Text that is text in XML and HTML, in attributes too; what a text cannot hold there is left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(' '),
            // Control characters, and what turns the direction of a text around.
            sign if sign.is_control()
                || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}') =>
            {
                escaped.push('\u{fffd}');
            }
            sign => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_users_stays_text() {
        let drawn = escape("<script>alert('1 & \"2\"')</script>\u{202e}\0\n");
        assert_eq!(drawn, "&lt;script&gt;alert(&#39;1 &amp; &quot;2&quot;&#39;)&lt;/script&gt;\u{fffd}\u{fffd} ");
    }

    #[test]
    fn a_line_of_steps_holds_each_value_until_the_next_and_stops_at_gaps() {
        for (name, points, expected) in [
            ("one value", vec![(0.0, Some(1.0))], "M0 1H9"),
            ("the same again adds nothing", vec![(0.0, Some(1.0)), (2.0, Some(1.0)), (3.0, Some(2.0))], "M0 1H3V2H9"),
            ("a gap", vec![(0.0, Some(1.0)), (2.0, None), (4.0, Some(1.0))], "M0 1H2M4 1H9"),
            ("nothing", vec![(0.0, None)], ""),
        ] {
            assert_eq!(Path::steps(points, 9.0).0, expected, "{name}");
        }
    }

    #[test]
    fn an_area_goes_along_one_line_and_back_along_the_other() {
        let points = [(0.0, Some((1.0, 5.0))), (2.0, Some((2.0, 5.0))), (4.0, None), (6.0, Some((1.0, 3.0)))];
        assert_eq!(Path::between(&points, 8.0).0, "M0 1H2V2H4H4V5H0ZM6 1H8H8V3H6Z");
    }
}
