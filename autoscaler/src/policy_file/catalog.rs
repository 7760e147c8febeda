//! Every source together: which policy a service is under, and what is in force for it.

use std::collections::BTreeMap;

use super::{
    across,
    document::{self, Document, DocumentKind},
    grammar, labels, policy, read_documents,
    settings::{self, Setting},
    source::{self, Content, Source},
    variables::{self, Variable},
    warnings::{self, Needed},
};
use crate::{
    Policy,
    policy::Selector,
    text::{Findings, Origin, Place, Severity, TextError, TextErrors, Texts},
};

/// The policies, blocks of defaults and variables of every source.
#[derive(Clone, Debug)]
pub struct Catalog {
    texts: Texts,
    /// In the order of the sources.
    documents: Vec<Document>,
    variables: Vec<Variable>,
}

/// What is in force for one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The policy; its selector is the one that named the service.
    pub policy: Policy,
    /// What is allowed and yet hardly meant.
    pub warnings: Vec<TextError>,
    /// What else there is to warn of if the service's containers have no limit of what a rule takes a share of, which
    /// only those who see them know.
    pub without_limits: Vec<(Needed, TextError)>,
    /// Everything that it says, in the order of the grammar, with where each is from.
    pub settings: Vec<Setting>,
    /// Policies that name the service, too, and are not in force because another one comes first.
    pub overruled: Vec<Origin>,
}

impl Catalog {
    /// Reads every source. What has an error is left out, and what it says comes second: errors, by source and place,
    /// then warnings about what the sources say of each other.
    ///
    /// Whatever another layer could still give is no error here, but one of [`resolve`](Self::resolve).
    pub fn read(sources: Vec<Source>) -> (Self, Vec<TextError>) {
        let mut catalog = Self { texts: source::texts(), documents: Vec::new(), variables: Vec::new() };
        let mut found = Vec::new();
        for source in sources {
            let mut findings = Findings::new(std::mem::take(&mut catalog.texts));
            match source.into_parts() {
                (origin, Content::File(text)) => {
                    let documents = read_documents(&origin, &text, &mut findings);
                    for document in &documents {
                        document::check_alone(document, &mut findings);
                    }
                    if findings.no_errors() {
                        catalog.documents.extend(documents);
                    }
                }
                (_, Content::Environment(variables)) => {
                    catalog.variables.extend(variables::read(&variables, &mut findings));
                }
            }
            catalog.texts = findings.texts.clone();
            found.extend(findings.sorted());
        }
        let mut findings = Findings::new(catalog.texts.clone());
        across::look_at(&catalog.documents, &mut findings);
        found.extend(findings.sorted());
        (catalog, found)
    }

    /// The policies of the files, in order: which services each is for, and where it stands.
    pub fn selectors(&self) -> impl Iterator<Item = (&Selector, Origin)> {
        let policies = self.documents.iter().filter(|document| document.kind == DocumentKind::Policy);
        policies.flat_map(|document| &document.services).map(|(selector, place)| (selector, self.texts.origin(*place)))
    }

    /// What is in force for a service whose containers carry these labels. `None`: no policy names it, and it has no
    /// label `ballast.max`.
    pub fn resolve(
        &self,
        host: &str,
        project: &str,
        service: &str,
        labels: &BTreeMap<String, String>,
    ) -> Option<Result<Resolved, TextErrors>> {
        let named = |document: &Document| {
            document.services.iter().find(|(selector, _)| selector.matches(host, project, service)).cloned()
        };
        let policies = self.documents.iter().filter(|document| document.kind == DocumentKind::Policy);
        let mut policies = policies.filter_map(|document| Some((named(document)?, document)));
        let winner = policies.next();
        if winner.is_none() && !labels.contains_key(labels::MAX) {
            return None;
        }
        let overruled = policies.map(|((_, place), _)| self.texts.origin(place)).collect();
        self.assemble((project, service), winner, overruled, labels, |block| named(block).is_some())
    }

    /// Every policy of the files, each for the services that it names, without labels: what `diff` and `show` need of
    /// files alone.
    pub fn resolve_each(&self) -> Vec<(Selector, Result<Resolved, TextErrors>)> {
        let overruled = across::overruled(&self.documents);
        let policies = self.documents.iter().filter(|document| document.kind == DocumentKind::Policy);
        let each = policies.flat_map(|document| document.services.iter().map(move |named| (named, document)));
        each.filter_map(|(named, document)| {
            let (selector, place) = named;
            let service = (selector.project.as_str(), selector.service.as_str());
            let winner = Some((named.clone(), document));
            let is_below = |block: &Document| block.is_for_all_of(selector);
            let mut resolved = self.assemble(service, winner, Vec::new(), &BTreeMap::new(), is_below)?;
            if let Ok(resolved) = &mut resolved {
                let mut findings = Findings::new(self.texts.clone());
                overruled.iter().filter(|one| one.place == *place).for_each(|one| one.tell(&mut findings));
                resolved.warnings.extend(findings.sorted());
            }
            Some((selector.clone(), resolved))
        })
        .collect()
    }

    /// The layers of a service merged and read.
    fn assemble(
        &self,
        (project, service): (&str, &str),
        winner: Option<((Selector, Place), &Document)>,
        overruled: Vec<Origin>,
        labels: &BTreeMap<String, String>,
        is_below: impl Fn(&Document) -> bool,
    ) -> Option<Result<Resolved, TextErrors>> {
        let mut findings = Findings::new(self.texts.clone());
        let defaults = self.documents.iter().filter(|document| document.kind == DocumentKind::Defaults);
        let mut layers: Vec<_> = defaults.filter(|block| is_below(block)).map(|block| block.node.clone()).collect();
        layers.extend(labels::layer(labels, &mut findings));
        let exact = || Selector { host: None, project: project.to_owned(), service: service.to_owned() };
        let named = winner.as_ref().map(|(named, _)| named.clone());
        layers.extend(winner.map(|(_, document)| document.node.clone()));
        layers.extend(variables::layers(&self.variables, project, service));
        let node = document::stack(layers)?;
        let services = vec![named.unwrap_or_else(|| (exact(), node.place))];
        let settings = settings::of(&node, &grammar::policy::POLICY, &findings.texts);
        let read = policy::read(&node, services, &mut findings);
        let Some(read) = read.filter(|_| findings.no_errors()) else {
            let errors = findings.sorted();
            return Some(Err(TextErrors(errors.into_iter().filter(|e| e.severity == Severity::Error).collect())));
        };
        warnings::look_at(&read, &mut findings);
        let without_limits = warnings::without_limits(&read, &findings.texts);
        let policy = read.into_policies().next()?;
        Some(Ok(Resolved { policy, warnings: findings.sorted(), without_limits, settings, overruled }))
    }
}
