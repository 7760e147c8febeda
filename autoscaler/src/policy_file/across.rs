//! What policies say about each other: which are overruled, and budgets that they do not agree on.

use std::collections::BTreeMap;

use super::document::{Document, DocumentKind, child};
use crate::{
    policy::Selector,
    text::{Findings, Kind, Node, Place, Value, quote, values::decimal},
};

/// Adds the warnings about policies that are in force together, the first one first.
pub(super) fn look_at(documents: &[Document], findings: &mut Findings) {
    for one in overruled(documents) {
        one.tell(findings);
    }
    budgets(documents, findings);
}

/// A selector whose services are all named by an earlier policy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overruled<'d> {
    selector: &'d Selector,
    /// Where it stands.
    pub(super) place: Place,
    by: &'d Selector,
    by_place: Place,
}

/// Every selector whose services are all named by an earlier policy.
pub(super) fn overruled(documents: &[Document]) -> Vec<Overruled<'_>> {
    let mut earlier: Vec<&(Selector, Place)> = Vec::new();
    let mut found = Vec::new();
    for document in documents.iter().filter(|document| document.kind == DocumentKind::Policy) {
        for (selector, place) in &document.services {
            if let Some((by, by_place)) = earlier.iter().find(|(by, _)| covers(by, selector)) {
                found.push(Overruled { selector, place: *place, by, by_place: *by_place });
            }
        }
        earlier.extend(&document.services);
    }
    found
}

impl Overruled<'_> {
    /// Adds the warning.
    pub(super) fn tell(self, findings: &mut Findings) {
        let Self { selector, place, by, by_place } = self;
        let message = if selector == by {
            format!("`{selector}` has a policy before this one, at {}", findings.texts.origin(by_place))
        } else {
            format!(
                "every service that `{selector}` names is named by `{by}` before it, at {}",
                findings.texts.origin(by_place)
            )
        };
        let help = "of several policies the first is in force: put this one before that one, or leave it out";
        findings.add(Kind::Overruled, place, message, help);
    }
}

/// Whether `wide` names every service that `narrow` names. A `*` of `narrow` stands for text that only a `*` can match: no
/// name has that character.
fn covers(wide: &Selector, narrow: &Selector) -> bool {
    wide.matches(narrow.host.as_deref().unwrap_or("*"), &narrow.project, &narrow.service)
}

/// Budgets of one name and different totals.
fn budgets(documents: &[Document], findings: &mut Findings) {
    let mut known: BTreeMap<&str, (f64, Place)> = BTreeMap::new();
    let lists = documents.iter().filter_map(|document| child(child(&document.node, "guards")?, "budgets"));
    for budget in lists.flat_map(|list| if let Value::List(items) = &list.value { items.as_slice() } else { &[] }) {
        let Some((name, total, place)) = budget_of(budget) else { continue };
        let (first, first_place) = *known.entry(name).or_insert((total, place));
        if first.total_cmp(&total).is_ne() {
            let message = format!(
                "the budget {} has a total of {total} here, and of {first} at {}",
                quote(name),
                findings.texts.origin(first_place)
            );
            findings.add(Kind::BudgetsDiffer, place, message, "write the same `total`, or another `name`");
        }
    }
}

/// Name and total of a budget, and where the total stands.
fn budget_of(node: &Node) -> Option<(&str, f64, Place)> {
    let Value::Text(name) = &child(node, "name")?.value else { return None };
    let total = child(node, "total")?;
    let Value::Text(text) = &total.value else { return None };
    Some((name, decimal(text)?, total.place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_names_all_of() {
        for (wide, narrow, expected) in [
            ("shop/web", "shop/web", true),
            ("shop/web", "shop/api", false),
            ("*/*", "shop/*", true),
            ("shop/*", "*/*", false),
            ("shop/*", "shop/web-*", true),
            ("shop/w*b", "shop/w*", false),
            ("shop/w*", "shop/w*b", true),
            ("shop/*a*", "shop/*b*", false),
            ("*/web", "shop/web", true),
            ("shop/web", "host-1/shop/web", true),
            ("host-1/shop/web", "shop/web", false),
            ("*/shop/web", "shop/web", true),
            ("host-*/shop/*", "host-1/shop/web", true),
        ] {
            let selector = |text: &str| {
                let mut parts: Vec<String> = text.split('/').map(str::to_owned).collect();
                let service = parts.pop().unwrap_or_default();
                let project = parts.pop().unwrap_or_default();
                Selector { host: parts.pop(), project, service }
            };
            assert_eq!(covers(&selector(wide), &selector(narrow)), expected, "{wide} and {narrow}");
        }
    }
}
