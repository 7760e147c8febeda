//! The settings that are searched, and their values.

use anyhow::{anyhow, bail};
use autoscaler::{
    policy_file::{self, Catalog, Setting, Source},
    text::{listed, nearest, render, render_all},
};

use super::File;
use crate::cli::Vary;

/// A setting and its values.
#[derive(Clone, Debug)]
pub(super) struct Knob {
    pub(super) path: String,
    pub(super) values: Vec<String>,
    /// The place of the value that it has.
    pub(super) present: usize,
}

/// What goals and bounds are multiplied by where nobody says which values to try.
const FACTORS: [f64; 6] = [0.6, 0.75, 0.9, 1.1, 1.25, 1.5];
/// How long recommendations are looked back on before replicas are removed.
const STABILIZE: [&str; 5] = ["30s", "1m", "2m", "5m", "10m"];

/// The knobs that were asked for; none: goals and bounds of rules, and how long removals are held back.
pub(super) fn of(file: &File, asked: &[Vary]) -> anyhow::Result<Vec<Knob>> {
    let settings = settings(file)?;
    let knobs: Vec<Knob> = if asked.is_empty() {
        settings.iter().filter_map(usual).collect()
    } else {
        asked.iter().map(|vary| named(file, &settings, vary)).collect::<anyhow::Result<_>>()?
    };
    if knobs.is_empty() {
        bail!("the policy has no goal, bound or stabilization to vary; name settings with --vary");
    }
    Ok(knobs)
}

/// Everything that the policy says.
pub(super) fn settings(file: &File) -> anyhow::Result<Vec<Setting>> {
    let (catalog, found) = Catalog::read(vec![Source::file(file.origin.clone(), file.text.clone())]);
    let resolved = catalog.resolve_each().into_iter().find(|(selector, _)| *selector == file.selector);
    match resolved {
        Some((_, Ok(resolved))) => Ok(resolved.settings),
        Some((_, Err(errors))) => Err(anyhow!("{}", render(&errors))),
        None => Err(anyhow!("{}", render_all(&found))),
    }
}

/// A setting that was asked for. A value that makes no policy is refused: left out in silence, it would seem tried.
fn named(file: &File, settings: &[Setting], vary: &Vary) -> anyhow::Result<Knob> {
    let paths = || settings.iter().map(|setting| setting.path.as_str());
    let Some(setting) = settings.iter().find(|setting| setting.path == vary.path) else {
        let help = match nearest(&vary.path, paths()) {
            Some(path) => format!("did you mean `{path}`?"),
            None => format!("there are: {}", listed(paths())),
        };
        bail!("the policy has no setting `{}`; {help}", vary.path);
    };
    for value in vary.values.iter().filter(|value| **value != setting.value) {
        let set = policy_file::set(&file.origin, &file.text, &file.selector, &vary.path, value, None);
        if let Err(errors) = set {
            bail!("--vary {}={value} makes no policy:\n{}", vary.path, render(&errors).trim_end());
        }
    }
    Ok(knob(setting, vary.values.clone()))
}

/// The values with the present one among them.
fn knob(setting: &Setting, mut values: Vec<String>) -> Knob {
    let present = values.iter().position(|value| *value == setting.value).unwrap_or_else(|| {
        values.insert(0, setting.value.clone());
        0
    });
    Knob { path: setting.path.clone(), values, present }
}

/// A setting that is worth a search, with values around the present one.
fn usual(setting: &Setting) -> Option<Knob> {
    let path = setting.path.as_str();
    let is_rule = path.starts_with("rules.");
    if is_rule && [".per_replica", ".above", ".drain_in"].iter().any(|end| path.ends_with(end)) {
        let values: Vec<String> = FACTORS.into_iter().filter_map(|factor| scaled(&setting.value, factor)).collect();
        return (!values.is_empty()).then(|| knob(setting, values));
    }
    (path == "guards.down.stabilize").then(|| knob(setting, STABILIZE.map(str::to_owned).to_vec()))
}

/// `60%` times 1.5 is `90%`: the number multiplied, the unit as it was. A share stays at or below all of it.
fn scaled(value: &str, factor: f64) -> Option<String> {
    let digits = value.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let scaled = number.parse::<f64>().ok()? * factor;
    let is_share = unit.trim() == "%";
    if is_share && scaled > 100.0 {
        return None;
    }
    // Whole units where that is exact enough, else two digits.
    let rounded = if scaled >= 10.0 { scaled.round() } else { (scaled * 100.0).round() / 100.0 };
    (rounded > 0.0).then(|| format!("{rounded}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_unit_and_shares_stay_possible() {
        for (value, factor, expected) in [
            ("60%", 1.5, Some("90%")),
            ("80%", 1.5, None),
            ("250ms", 0.6, Some("150ms")),
            ("120/s", 1.25, Some("150/s")),
            ("1.5", 0.9, Some("1.35")),
            ("0", 0.9, None),
            ("p95", 0.9, None),
        ] {
            assert_eq!(scaled(value, factor).as_deref(), expected, "{value} × {factor}");
        }
    }
}
