//! What rules remember, each with whose it is: a policy may be edited while nobody runs, and what is kept must not be taken
//! for another rule's then.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeStruct as _};

use crate::{
    formula::Formula,
    policy::{Policy, Rule, RuleKind, SignalSource},
    quantity::SignalName,
    rule::{self, RuleState},
};

/// What the rules of a policy remember, in its order; or what was kept of that, in any.
///
/// It is read entry by entry: what cannot be read is left out, and [told](Self::unreadable).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules {
    all: Vec<Kept>,
    unreadable: Vec<String>,
}

/// What one rule remembers.
#[derive(Clone, Debug, Default, PartialEq)]
struct Kept {
    /// Whose it is; absent where the rule remembers nothing, and where the policy is beside it.
    of: Option<Box<Identity>>,
    state: RuleState,
}

/// What tells whether a rule may go on with what another one remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) rule: Rule,
    /// Where its signal comes from: the same name may stand for another one. Of a formula, also where its terms do.
    pub(crate) sources: BTreeMap<SignalName, SignalSource>,
}

impl Identity {
    /// Of a rule of a policy; `None` where it is of a kind that remembers nothing.
    fn of(rule: &Rule, policy: &Policy) -> Option<Self> {
        if !matches!(rule.kind, RuleKind::Threshold(_) | RuleKind::Burst(_) | RuleKind::Forecast(_)) {
            return None;
        }
        let source = |name: &SignalName| Some((name.clone(), policy.signals.get(name)?.clone()));
        let (name, _) = rule::main_signal(rule)?;
        let formula: Option<&Formula> = match policy.signals.get(name) {
            Some(SignalSource::Formula(formula)) => Some(formula),
            _ => None,
        };
        let terms = formula.into_iter().flat_map(Formula::signals).filter_map(source);
        Some(Self { rule: rule.clone(), sources: terms.chain(source(name)).collect() })
    }
}

impl Rules {
    /// Of a policy that is put in force, going on with what these remember: the same way whether it was edited just now or
    /// while nobody ran.
    pub(crate) fn followed_by(self, policy: &Policy) -> Self {
        let remembered: Vec<(&Identity, &RuleState)> =
            self.all.iter().filter_map(|kept| Some((kept.of.as_deref()?, &kept.state))).collect();
        let inherited = |rule| {
            let of = Identity::of(rule, policy);
            let state = of.as_ref().map_or(RuleState::Blank, |of| rule::inherited(of, &remembered));
            Kept { of: of.map(Box::new), state }
        };
        Self { all: policy.rules.iter().map(inherited).collect(), unreadable: Vec::new() }
    }

    /// The same, of the policy that they are of already.
    pub(crate) fn of(mut self, policy: &Policy) -> Self {
        self.all.resize(policy.rules.len(), Kept::default());
        for (kept, rule) in self.all.iter_mut().zip(&policy.rules) {
            kept.of = Identity::of(rule, policy).map(Box::new);
        }
        self
    }

    /// For who keeps the policy as well, beside them.
    pub(crate) fn beside_their_policy(mut self) -> Self {
        self.all.iter_mut().for_each(|kept| kept.of = None);
        self
    }

    /// What the rule at that place remembers.
    pub(crate) fn get(&self, place: usize) -> &RuleState {
        self.all.get(place).map_or(&RuleState::Blank, |kept| &kept.state)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RuleState> {
        self.all.iter().map(|kept| &kept.state)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut RuleState> {
        self.all.iter_mut().map(|kept| &mut kept.state)
    }

    /// Why what single rules remembered could not be read, one sentence each.
    pub(super) fn unreadable(&self) -> &[String] {
        &self.unreadable
    }

    pub(super) fn without_forecasts(&self) -> Self {
        let keep = |kept: &Kept| if kept.is_forecast() { Kept::default() } else { kept.clone() };
        Self { all: self.all.iter().map(keep).collect(), unreadable: Vec::new() }
    }

    pub(super) fn add(&mut self, others: Self) {
        self.all.extend(others.all);
        self.unreadable.extend(others.unreadable);
    }
}

impl Kept {
    fn is_forecast(&self) -> bool {
        matches!(self.state, RuleState::Forecast(_))
    }

    /// Reads one, or says why not and of which signal's rule.
    fn read(value: serde_json::Value) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Whose {
            of: Box<Identity>,
            state: serde_json::Value,
        }
        if value.get("of").is_none() {
            let state = serde_json::from_value(value).map_err(|error| error.to_string())?;
            return Ok(Self { of: None, state });
        }
        let Whose { of, state } = serde_json::from_value(value).map_err(|error| error.to_string())?;
        match serde_json::from_value(state) {
            Ok(state) => Ok(Self { of: Some(of), state }),
            Err(error) => {
                let signal = rule::main_signal(&of.rule).map_or("nothing", |(signal, _)| signal.as_str());
                Err(format!("of the rule by `{signal}`: {error}"))
            }
        }
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(of) = &self.of else { return self.state.serialize(serializer) };
        let mut kept = serializer.serialize_struct("Kept", 2)?;
        kept.serialize_field("of", of)?;
        kept.serialize_field("state", &self.state)?;
        kept.end()
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.all)
    }
}

impl<'de> Deserialize<'de> for Rules {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = Vec::<serde_json::Value>::deserialize(deserializer)?;
        let mut rules = Self::default();
        for value in values {
            match Kept::read(value) {
                Ok(kept) => rules.all.push(kept),
                Err(why) => {
                    rules.all.push(Kept::default());
                    rules.unreadable.push(why);
                }
            }
        }
        Ok(rules)
    }
}

/// Reads what must all be there, as of a moment that somebody goes on from exactly.
pub(crate) fn all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<super::Memory, D::Error> {
    let memory = super::Memory::deserialize(deserializer)?;
    match memory.unreadable().first() {
        Some(why) => Err(de::Error::custom(why)),
        None => Ok(memory),
    }
}

/// What forecasts learned, apart from the rest of what is remembered, each with whose it is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Forecasts(pub(super) Rules);

impl Forecasts {
    /// Why what single rules learned could not be read, one sentence each: they begin afresh.
    pub fn unreadable(&self) -> &[String] {
        self.0.unreadable()
    }
}

/// What forecasts learned, to be written as [`Forecasts`] are read.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Learned<'a>(Vec<&'a Kept>);

impl<'a> Learned<'a> {
    /// `None` where there is none.
    pub(super) fn of(rules: &'a Rules) -> Option<Self> {
        let learned: Vec<_> = rules.all.iter().filter(|kept| kept.is_forecast()).collect();
        (!learned.is_empty()).then_some(Self(learned))
    }
}
