use std::{collections::BTreeMap, fmt::Write};

use proptest::prelude::*;

use super::*;

/// Signals of the tables; `gone` and `lost` have no value.
fn signal(name: &SignalName) -> Option<f64> {
    match name.as_str() {
        "cpu" => Some(1.4),
        "queue.jobs" => Some(130.0),
        "queue-depth" => Some(7.0),
        "max" => Some(9.0),
        "zero" => Some(0.0),
        "huge" => Some(1e300),
        "broken" => Some(f64::NAN),
        _ => None,
    }
}

fn value(text: &str) -> Result<f64, Unknown> {
    let formula = Formula::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    formula.evaluate(signal, 4, 3)
}

#[test]
fn formulas_have_the_value_that_a_reader_expects() {
    for (text, expected) in [
        // numbers and units
        ("20", 20.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("2.5E-1", 0.25),
        ("70%", 0.7),
        ("250ms", 0.25),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("2d", 172_800.0),
        ("400MiB", 419_430_400.0),
        ("1.5GB", 1.5e9),
        ("120/s", 120.0),
        ("5MB/s", 5e6),
        ("2cores", 2.0),
        // per cent or remainder
        ("70 % 40", 30.0),
        ("70%40", 30.0),
        ("-7 % 4", -3.0),
        ("50% * 4", 2.0),
        ("50%-1", -0.5),
        // per second or division
        ("14/zero + 1 ?? 5", 5.0),
        ("120/s / 2", 60.0),
        ("14/(2)", 7.0),
        // precedence
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 4 - 3", 3.0),
        ("100 / 10 / 5", 2.0),
        ("-2 * -3", 6.0),
        ("--2", 2.0),
        ("!0 + 1", 2.0),
        ("1 + 1 > 1", 1.0),
        ("1 > 2 || 2 > 1 && 0", 0.0),
        ("1 || 0 && 0", 1.0),
        ("0 ? 1 : 0 ? 2 : 3", 3.0),
        ("gone ?? lost ?? 3", 3.0),
        ("gone ?? 1 + 1", 2.0),
        ("(gone ?? 1) + 1", 2.0),
        // comparisons
        ("2 < 2", 0.0),
        ("2 <= 2", 1.0),
        ("3 > 2", 1.0),
        ("2 >= 3", 0.0),
        ("2 == 2", 1.0),
        ("2 != 2", 0.0),
        ("(1 < 2) == (3 < 4)", 1.0),
        // functions
        ("min(3)", 3.0),
        ("min(3, 1, 2)", 1.0),
        ("max(3, 1, 7, 2)", 7.0),
        ("clamp(5, 1, 3)", 3.0),
        ("clamp(0, 1, 3)", 1.0),
        ("clamp(2, 3, 1)", 1.0),
        ("abs(-2)", 2.0),
        ("ceil(1.2)", 2.0),
        ("ceil(-0.5)", 0.0),
        ("floor(1.8)", 1.0),
        ("round(2.5)", 3.0),
        ("sqrt(9)", 3.0),
        ("if(cpu > 1, 10, 20)", 10.0),
        // names
        ("replicas - ready", 1.0),
        ("`queue-depth` + `max`", 16.0),
        ("max(cpu / 0.7, (queue.jobs ?? 0) / 20)", 6.5),
        // what is missing and does not matter
        ("1 ? 2 : gone", 2.0),
        ("0 ? gone : 2", 2.0),
        ("if(0, gone, 2)", 2.0),
        ("0 && gone", 0.0),
        ("gone && 0", 0.0),
        ("1 || gone", 1.0),
        ("gone || 5", 1.0),
        ("cpu / zero ?? 1", 1.0),
        ("broken ?? 1", 1.0),
    ] {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_unknown_is_never_a_number_and_says_why() {
    for (text, expected) in [
        ("gone", "`gone` is missing"),
        ("broken", "`broken` is missing"),
        ("gone + lost * gone", "`gone` is missing, `lost` is missing"),
        ("gone ? 1 : 2", "`gone` is missing"),
        ("gone && 1", "`gone` is missing"),
        ("0 || gone", "`gone` is missing"),
        ("gone ?? lost", "`gone` is missing, `lost` is missing"),
        ("!gone", "`gone` is missing"),
        ("max(1, gone)", "`gone` is missing"),
        ("1 + cpu / zero", "`cpu / zero` divides by zero"),
        ("cpu % (1 - 1)", "`cpu % (1 - 1)` divides by zero"),
        ("-huge * huge", "`-huge * huge` is too large for a number"),
        ("sqrt(zero - cpu)", "`sqrt(zero - cpu)` is the root of a negative number"),
        ("gone + 1 / 0", "`gone` is missing, `1 / 0` divides by zero"),
    ] {
        assert_eq!(value(text).map_err(|unknown| unknown.to_string()), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_no_formula_is_refused_at_its_place_with_a_cure() {
    let mut told = String::new();
    for text in [
        "",
        "  ",
        "1 +",
        "+ 1",
        "(1 + 2",
        "1 + 2)",
        "max(1, 2",
        "maximum(1)",
        "cieling(1)",
        "frobnicate(1)",
        "max",
        "max()",
        "sqrt(1, 2)",
        "clamp(1, 2)",
        "if(1, 2)",
        "if(1, 2, 3, 4)",
        "1 ? 2",
        "1 ? 2 : ",
        "a < b < c",
        "a = b",
        "a & b",
        "a and b",
        "a b",
        "2 a",
        "2a",
        "400M",
        "10apples",
        "1h30",
        "1.2.3",
        "1e999",
        "70% 3",
        "2(3)",
        "cpu.",
        "a..b",
        "`queue",
        "``",
        "kø",
        "2 × 3",
        "2 ^ 3",
        "\"cpu\"",
        "a, b",
        "a : b",
    ] {
        let error = Formula::parse(text).expect_err(text);
        let place = &text[error.at.clone()];
        let help = error.help.unwrap_or_default();
        writeln!(told, "{text}\n  `{place}`: {}\n  {help}", error.message).expect("a string takes it");
    }
    insta::assert_snapshot!(told);
}

#[test]
fn what_is_too_large_is_refused() {
    let nested = |depth: usize| "(".repeat(depth) + "1" + &")".repeat(depth);
    let sum = |terms: usize| vec!["1"; terms].join("+");
    for (name, text, fits) in [
        ("as deep as can be", nested(DEEPEST_FORMULA - 1), true),
        ("too deep", nested(DEEPEST_FORMULA), false),
        ("far too deep", "(".repeat(LONGEST_FORMULA), false),
        ("far too many signs", "-".repeat(LONGEST_FORMULA), false),
        ("as many nodes as can be", sum(MOST_NODES / 2), true),
        ("too many nodes", sum(MOST_NODES / 2 + 1), false),
        ("as long as can be", "1".to_owned() + &" ".repeat(LONGEST_FORMULA - 1), true),
        ("too long", "1".to_owned() + &" ".repeat(LONGEST_FORMULA), false),
    ] {
        assert_eq!(Formula::parse(&text).is_ok(), fits, "{name}");
    }
    let deepest = (1..DEEPEST_FORMULA).fold("1".to_owned(), |inner, _| format!("1+max(1,{inner})"));
    assert!(Formula::parse(&deepest).is_err(), "two levels each");
    let deepest = (1..DEEPEST_FORMULA / 2).fold("1".to_owned(), |inner, _| format!("1+max(1,{inner})"));
    assert_eq!(value(&deepest), Ok(32.0), "the stack carries what the parser lets through");
}

#[test]
fn signals_are_told_once_each_in_the_order_of_the_text() {
    let formula = Formula::parse("b / replicas + max(a, `b`, c-d) * ready").expect("a formula");
    let names: Vec<_> = formula.signals().map(SignalName::as_str).collect();
    assert_eq!(names, ["b", "a", "c", "d"]);
}

#[test]
fn a_formula_is_its_text() {
    let formula = Formula::parse(" cpu /0.7").expect("a formula");
    assert_eq!((formula.text(), formula.to_string().as_str()), (" cpu /0.7", " cpu /0.7"));
    let json = serde_json::to_string(&formula).expect("text");
    assert_eq!(json, "\" cpu /0.7\"");
    assert_eq!(serde_json::from_str::<Formula>(&json).expect("a formula"), formula);
    assert!(serde_json::from_str::<Formula>("\"cpu /\"").is_err());
}

/// What the properties compare with: the value by recursion, in the words of the documentation.
#[derive(Clone, Debug)]
enum Tree {
    Number(f64),
    Signal(u8),
    Replicas,
    Prefix(&'static str, Box<Tree>),
    Infix(Box<Tree>, &'static str, Box<Tree>),
    Choice(Box<[Tree; 3]>),
    Call(&'static str, Vec<Tree>),
}

const NAMES: [&str; 4] = ["a", "b.p95", "`c-d`", "`ø`"];
const INFIX: [(&str, u8); 14] = [
    ("??", 2),
    ("||", 3),
    ("&&", 4),
    ("<", 5),
    ("<=", 5),
    (">", 5),
    (">=", 5),
    ("==", 5),
    ("!=", 5),
    ("+", 6),
    ("-", 6),
    ("*", 7),
    ("/", 7),
    ("%", 7),
];

impl Tree {
    /// With the fewest parentheses, so that precedence is tried as well.
    fn print(&self, weakest: u8) -> String {
        let (text, strength) = match self {
            Self::Number(value) => (value.to_string(), 9),
            Self::Signal(index) => (NAMES[usize::from(*index)].to_owned(), 9),
            Self::Replicas => ("replicas".to_owned(), 9),
            Self::Prefix(sign, of) => (format!("{sign}{}", of.print(8)), 8),
            Self::Infix(left, sign, right) => {
                let strength = INFIX.iter().find(|(known, _)| known == sign).expect("known").1;
                let left = left.print(strength + u8::from(strength == 5));
                (format!("{left} {sign} {}", right.print(strength + 1)), strength)
            }
            Self::Choice(parts) => {
                let [condition, one, other] = &**parts;
                (format!("{} ? {} : {}", condition.print(2), one.print(1), other.print(1)), 1)
            }
            Self::Call(name, given) => {
                let given: Vec<_> = given.iter().map(|part| part.print(1)).collect();
                (format!("{name}({})", given.join(", ")), 9)
            }
        };
        if strength < weakest { format!("({text})") } else { text }
    }

    fn value(&self, signals: &[Option<f64>; 4], replicas: u32) -> Option<f64> {
        let of = |tree: &Tree| tree.value(signals, replicas);
        let value = match self {
            Self::Number(value) => *value,
            Self::Signal(index) => signals[usize::from(*index)]?,
            Self::Replicas => replicas.into(),
            Self::Prefix("-", tree) => -of(tree)?,
            Self::Prefix(_, tree) => f64::from(of(tree)? == 0.0),
            Self::Infix(left, sign, right) => infix(of(left), sign, of(right))?,
            Self::Choice(parts) => of(&parts[if of(&parts[0])? == 0.0 { 2 } else { 1 }])?,
            Self::Call("if", given) => of(&given[if of(&given[0])? == 0.0 { 2 } else { 1 }])?,
            Self::Call(name, given) => {
                let given = given.iter().map(of).collect::<Option<Vec<_>>>()?;
                match *name {
                    "min" => given.into_iter().reduce(f64::min)?,
                    "max" => given.into_iter().reduce(f64::max)?,
                    "clamp" => given[0].max(given[1]).min(given[2]),
                    "abs" => given[0].abs(),
                    "ceil" => given[0].ceil(),
                    "floor" => given[0].floor(),
                    "round" => given[0].round(),
                    _ => given[0].sqrt(),
                }
            }
        };
        value.is_finite().then_some(value)
    }
}

fn infix(left: Option<f64>, sign: &str, right: Option<f64>) -> Option<f64> {
    let truth = |side: Option<f64>| side.map(|value| value != 0.0);
    match (sign, truth(left), truth(right)) {
        ("??", ..) => return left.or(right),
        ("||", Some(true), _) | ("||", _, Some(true)) | ("&&", Some(true), Some(true)) => return Some(1.0),
        ("&&", Some(false), _) | ("&&", _, Some(false)) | ("||", Some(false), Some(false)) => return Some(0.0),
        _ => {}
    }
    let (left, right) = (left?, right?);
    Some(match sign {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "%" => left % right,
        "<" => f64::from(left < right),
        "<=" => f64::from(left <= right),
        ">" => f64::from(left > right),
        ">=" => f64::from(left >= right),
        "==" => f64::from(left.to_bits() == right.to_bits() || left - right == 0.0),
        "!=" => f64::from(left.to_bits() != right.to_bits() && left - right != 0.0),
        _ => return None,
    })
}

fn trees() -> impl Strategy<Value = Tree> {
    let numbers = prop_oneof![Just(0.0), Just(1.0), Just(1e200), 0.0..100.0_f64, (0..20_u8).prop_map(f64::from)];
    let leaf = prop_oneof![numbers.prop_map(Tree::Number), (0..4_u8).prop_map(Tree::Signal), Just(Tree::Replicas)];
    leaf.prop_recursive(6, 60, 3, |inner| {
        let one = prop_oneof![Just("abs"), Just("ceil"), Just("floor"), Just("round"), Just("sqrt")];
        let three = prop_oneof![Just("clamp"), Just("if")];
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            1 => (prop_oneof![Just("-"), Just("!")], boxed.clone()).prop_map(|(sign, of)| Tree::Prefix(sign, of)),
            4 => (boxed.clone(), 0..INFIX.len(), boxed)
                .prop_map(|(left, sign, right)| Tree::Infix(left, INFIX[sign].0, right)),
            1 => (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(condition, one, other)| Tree::Choice(Box::new([condition, one, other]))),
            1 => (one, inner.clone()).prop_map(|(name, of)| Tree::Call(name, vec![of])),
            1 => (three, prop::collection::vec(inner.clone(), 3)).prop_map(|(name, given)| Tree::Call(name, given)),
            1 => (prop_oneof![Just("min"), Just("max")], prop::collection::vec(inner, 1..4))
                .prop_map(|(name, given)| Tree::Call(name, given)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_formula_is_worth_what_its_tree_is_worth(
        tree in trees(),
        signals in prop::array::uniform4(prop::option::of(-50.0..50.0_f64)),
        replicas in 0..30_u32,
    ) {
        let text = tree.print(1);
        let formula = Formula::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error:?}")))?;
        let given: BTreeMap<_, _> = NAMES.iter().map(|name| name.trim_matches('`')).zip(signals).collect();
        let computed = formula.evaluate(|name| given[name.as_str()], replicas, 0);
        let expected = tree.value(&signals, replicas);
        prop_assert_eq!(computed.as_ref().ok().map(|value| value.to_bits()), expected.map(|value| (value + 0.0).to_bits()), "{}", text);
        if let Err(unknown) = computed {
            prop_assert!(!unknown.to_string().is_empty(), "{} has no value and says no reason", text);
            prop_assert!(unknown.missing.iter().all(|name| given[name.as_str()].is_none()));
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = tried(&text);
    }

    #[test]
    fn no_words_of_the_language_make_it_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "1", "70%", "5m", "1e9", "a", "`b c`", "max", "if", "sqrt", "clamp", "(", ")", ",", "?", ":", "??", "||", "&&",
                "<", "==", "+", "-", "*", "/", "/s", "%", "!", " ", ".", "`", "e", "ø",
            ]),
            0..40,
        ),
    ) {
        let _ = tried(&words.concat());
    }
}

/// Reads `text` and evaluates what it says; an error's place must be one.
fn tried(text: &str) -> Option<f64> {
    match Formula::parse(text) {
        Ok(formula) => formula.evaluate(|name| (name.as_str() != "a").then_some(2.0), 3, 2).ok(),
        Err(error) => {
            assert!(text.get(error.at.clone()).is_some(), "{text}: {error:?}");
            None
        }
    }
}
