//! Colours: one table, from which the page takes variables that follow the reader's theme, and a picture that stands alone
//! takes plain values.

use serde::Serialize;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Dark on light.
    #[default]
    Light,
    /// Light on dark.
    Dark,
}

/// Name, on light, on dark.
const COLOURS: [(&str, &str, &str); 22] = [
    ("paper", "#ffffff", "#12151a"),
    ("panel", "#f6f7f9", "#1a1e25"),
    ("ink", "#1b2230", "#e8ebf1"),
    ("soft", "#5a6474", "#a0aabb"),
    ("grid", "#e1e5eb", "#2d343f"),
    ("needed", "#c6ccd6", "#465062"),
    ("ready", "#0969da", "#62aeff"),
    ("target", "#1b2230", "#e8ebf1"),
    ("starting", "#e8a317", "#e5b04a"),
    ("missing", "#d1242f", "#ff6a69"),
    ("offered", "#0f766e", "#43cdb8"),
    ("waiting", "#7a45b5", "#c39bf0"),
    ("latency", "#ad5208", "#f2a35c"),
    ("good", "#1a7f37", "#56d878"),
    ("bad", "#c01c28", "#ff7b78"),
    ("c0", "#0072b2", "#4aa8e0"),
    ("c1", "#d55e00", "#f58a3c"),
    ("c2", "#009e73", "#2cc79a"),
    ("c3", "#b5568f", "#dd8fbd"),
    ("c4", "#8a6d00", "#d8b63a"),
    ("c5", "#5b6270", "#a3acbb"),
    ("link", "#0a58b8", "#7dbbff"),
];

/// So many colours tell contenders apart; then they begin anew.
pub(super) const CONTENDER_COLOURS: usize = 6;

/// What each class looks like; `$name` is a colour.
const RULES: &str = "\
text{font-family:system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:11px;fill:$soft}\
.middle{text-anchor:middle}.end{text-anchor:end}\
.head{font-size:12px;font-weight:bold;fill:$ink}.name{font-size:14px;font-weight:bold;fill:$ink}\
.big{font-size:20px;font-weight:bold;fill:$ink}.ink{fill:$ink}.tiny{font-size:10px}\
.paper{fill:$paper}.panel{fill:$panel}.grid{stroke:$grid;stroke-width:1;fill:none}\
.frame{stroke:$soft;stroke-width:1;fill:none;opacity:.5}\
.needed{fill:$needed}.missing{fill:$missing;fill-opacity:.75}.starting{fill:url(#starting)}.hatch{stroke:$starting;stroke-width:2.4}.starting-line{stroke:$starting;stroke-width:1.3;fill:none}\
.ready{stroke:$ready;stroke-width:1.8;fill:none}.target{stroke:$target;stroke-width:1;stroke-dasharray:3 2;fill:none}\
.offered{stroke:$offered;stroke-width:1.5;fill:none}.offered-band{fill:$offered;fill-opacity:.25}\
.lost{fill:$missing;fill-opacity:.75}\
.bound-band{fill:$waiting;fill-opacity:.25}.middle-line{stroke:$waiting;stroke-width:1.2;fill:none}.missed{fill:$missing}\
.waiting{fill:$waiting;fill-opacity:.3}.waiting-line{stroke:$waiting;stroke-width:1.3;fill:none}\
.latency{stroke:$latency;stroke-width:1.5;fill:none}.latency-band{fill:$latency;fill-opacity:.22}\
.objective{stroke:$missing;stroke-width:1.2;stroke-dasharray:6 3;fill:none}\
.fault{fill:$missing;fill-opacity:.1}.fault-edge{stroke:$missing;stroke-width:1;stroke-opacity:.6;fill:none}\
.fault-word{fill:$bad;font-size:10px}\
.up{fill:$good}.down{fill:$ready}.mark{stroke:$paper;stroke-width:.7}\
.good{fill:$good}.bad{fill:$bad}\
.c0{fill:$c0}.c1{fill:$c1}.c2{fill:$c2}.c3{fill:$c3}.c4{fill:$c4}.c5{fill:$c5}\
.l0{stroke:$c0}.l1{stroke:$c1}.l2{stroke:$c2}.l3{stroke:$c3}.l4{stroke:$c4}.l5{stroke:$c5}\
.curve{fill:none;stroke-width:1.5;stroke-opacity:.8}.ring{fill:$paper;stroke-width:2}\
.front{stroke:$soft;stroke-width:1.2;stroke-dasharray:2 3;fill:none}";

/// What the rules refer to: stripes, so that what lies below replicas that start is seen through them.
pub(super) const PATTERNS: &str = "<defs><pattern id=\"starting\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\" \
    patternTransform=\"rotate(45)\"><path d=\"M1.5 0V4\" class=\"hatch\"/></pattern></defs>";

/// The style of the page: variables for both themes, by the reader's preference or the button's, and the rules.
pub(super) fn of_page() -> String {
    let of = |theme: Theme| -> String {
        let variables: Vec<String> =
            COLOURS.iter().map(|(name, light, dark)| format!("--{name}:{};", pick(theme, light, dark))).collect();
        variables.concat()
    };
    let (light, dark) = (of(Theme::Light), of(Theme::Dark));
    let rules = with_colours(|name, _, _| format!("var(--{name})"));
    format!(
        ":root{{color-scheme:light;{light}}}\
         @media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\
         :root[data-theme=dark]{{color-scheme:dark;{dark}}}\
         {rules}"
    )
}

/// The style of a picture that stands alone.
pub(super) fn of_picture(theme: Theme) -> String {
    with_colours(|_, light, dark| pick(theme, light, dark).to_owned())
}

fn pick<'c>(theme: Theme, light: &'c str, dark: &'c str) -> &'c str {
    match theme {
        Theme::Light => light,
        Theme::Dark => dark,
    }
}

fn with_colours(colour: impl Fn(&str, &str, &str) -> String) -> String {
    let mut rules = String::with_capacity(RULES.len() * 2);
    let mut parts = RULES.split('$');
    rules.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let length = part.find(|sign: char| !sign.is_ascii_alphanumeric()).unwrap_or(part.len());
        let (name, rest) = part.split_at(length);
        let found = COLOURS.iter().find(|(known, ..)| *known == name);
        debug_assert!(found.is_some(), "no colour {name}");
        rules.push_str(&found.map(|(name, light, dark)| colour(name, light, dark)).unwrap_or_default());
        rules.push_str(rest);
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_of_the_rules_is_in_the_table() {
        for style in [of_page(), of_picture(Theme::Light), of_picture(Theme::Dark)] {
            assert!(!style.contains('$'), "{style}");
        }
    }
}
