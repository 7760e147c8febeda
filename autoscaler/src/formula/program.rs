//! A formula as a flat list of operations for a stack machine, and their evaluation.

use std::{collections::BTreeMap, ops::Range};

use super::{Cause, DEEPEST_FORMULA};
use crate::quantity::SignalName;

/// Each level of nesting keeps at most one value waiting while the next level is computed.
const STACK: usize = DEEPEST_FORMULA + 1;

#[derive(Clone, Debug, Default)]
pub(super) struct Program {
    ops: Vec<Op>,
    /// Of each operation, the bytes of the text that it computes.
    spans: Vec<Range<usize>>,
    pub(super) signals: Vec<SignalName>,
}

/// What an evaluation may read.
pub(super) struct Given<'l, L> {
    pub(super) lookup: &'l L,
    pub(super) replicas: u32,
    pub(super) ready: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Op {
    Number(f64),
    Signal(usize),
    Replicas,
    Ready,
    Unary(Unary),
    Binary(Binary),
    /// Skips the right side if the left one, which stays, is known to be other than 0 (`||`) or 0 (`&&`).
    SkipIf {
        truth: bool,
        to: usize,
    },
    /// The two sides of `||` (`truth`) or `&&`.
    Logic {
        truth: bool,
    },
    /// Skips the right side of `??` if the left one is known.
    SkipIfKnown {
        to: usize,
    },
    Default,
    /// Takes the condition; an unknown one is the result of the whole.
    Branch {
        otherwise: usize,
        end: usize,
    },
    Jump {
        to: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unary {
    Minus,
    Not,
    Abs,
    Ceil,
    Floor,
    Round,
    Sqrt,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Equal,
    Unequal,
    Min,
    Max,
}

/// Why a value is unknown, in as much detail as the caller wants to pay for.
pub(super) trait Doubt: Sized {
    /// About the operation with this number.
    fn about(op: usize, cause: Cause) -> Self;
    fn and(self, other: Self) -> Self;
}

/// No detail, and no memory needed.
impl Doubt for () {
    fn about(_: usize, _: Cause) -> Self {}

    fn and(self, (): Self) -> Self {}
}

/// Every cause, by the number of its operation.
pub(super) struct Doubts(pub(super) BTreeMap<usize, Cause>);

impl Doubt for Doubts {
    fn about(op: usize, cause: Cause) -> Self {
        Self(BTreeMap::from([(op, cause)]))
    }

    fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }
}

impl Program {
    pub(super) fn run<D: Doubt>(&self, given: &Given<'_, impl Fn(&SignalName) -> Option<f64>>) -> Result<f64, D> {
        let mut stack = Stack::new();
        let mut next = 0;
        while let Some(op) = self.ops.get(next) {
            let here = next;
            next += 1;
            match *op {
                Op::Number(value) => stack.push(Ok(value)),
                Op::Signal(index) => {
                    let value = (given.lookup)(&self.signals[index]).filter(|value| value.is_finite());
                    stack.push(value.ok_or_else(|| D::about(here, Cause::Missing)));
                }
                Op::Replicas => stack.push(Ok(given.replicas.into())),
                Op::Ready => stack.push(Ok(given.ready.into())),
                Op::Unary(unary) => {
                    let value = stack.pop();
                    stack.push(value.and_then(|value| unary.of(value).map_err(|cause| D::about(here, cause))));
                }
                Op::Binary(binary) => {
                    let (left, right) = stack.pop_two();
                    stack.push(
                        both(left, right)
                            .and_then(|(left, right)| binary.of(left, right).map_err(|cause| D::about(here, cause))),
                    );
                }
                Op::SkipIf { truth, to } if stack.top().is_some_and(|value| is_true(value) == truth) => {
                    stack.pop().ok();
                    stack.push(Ok(number(truth)));
                    next = to;
                }
                Op::SkipIfKnown { to } if stack.top().is_some() => next = to,
                Op::SkipIf { .. } | Op::SkipIfKnown { .. } => {}
                Op::Logic { truth } => {
                    let (left, right) = stack.pop_two();
                    stack.push(logic(left, right, truth));
                }
                Op::Default => {
                    let (left, right) = stack.pop_two();
                    stack.push(left.or_else(|left| right.map_err(|right| left.and(right))));
                }
                Op::Branch { otherwise, end } => match stack.pop() {
                    Ok(condition) if is_true(condition) => {}
                    Ok(_) => next = otherwise,
                    unknown @ Err(_) => {
                        stack.push(unknown);
                        next = end;
                    }
                },
                Op::Jump { to } => next = to,
            }
        }
        stack.pop().map(|value| value + 0.0)
    }

    /// Whether the last operation gives 0 or 1, and no branch ends behind it.
    pub(super) fn is_condition(&self) -> bool {
        use Binary::{AtLeast, AtMost, Equal, Greater, Less, Unequal};
        let end = self.ops.len();
        let branches = self.ops.iter().any(|op| matches!(op, Op::Jump { to } if *to == end));
        let truth = matches!(
            self.ops.last(),
            Some(
                Op::Binary(Less | AtMost | Greater | AtLeast | Equal | Unequal)
                    | Op::Unary(Unary::Not)
                    | Op::Logic { .. }
            )
        );
        truth && !branches
    }

    pub(super) fn reads_replicas(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Replicas | Op::Ready))
    }

    /// How many operations there are: the number of the next one.
    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(super) fn push(&mut self, op: Op, span: Range<usize>) {
        self.ops.push(op);
        self.spans.push(span);
    }

    /// Replaces an operation whose aims were not known when it was pushed.
    pub(super) fn settle(&mut self, op: usize, settled: Op) {
        self.ops[op] = settled;
    }

    /// The place of a signal's name among those of this program.
    pub(super) fn place(&mut self, name: &str) -> usize {
        self.signals.iter().position(|known| known.as_str() == name).unwrap_or_else(|| {
            self.signals.push(SignalName::new(name));
            self.signals.len() - 1
        })
    }

    /// The signal that an operation reads.
    pub(super) fn signal(&self, op: usize) -> Option<&SignalName> {
        match self.ops.get(op) {
            Some(Op::Signal(index)) => self.signals.get(*index),
            _ => None,
        }
    }

    pub(super) fn span(&self, op: usize) -> Range<usize> {
        self.spans.get(op).cloned().unwrap_or_default()
    }
}

/// Values that wait for their operation. The parser bounds the height, so running over is a bug and panics.
struct Stack<D> {
    values: [Result<f64, D>; STACK],
    height: usize,
}

impl<D> Stack<D> {
    fn new() -> Self {
        Self { values: [const { Ok(0.0) }; STACK], height: 0 }
    }

    fn push(&mut self, value: Result<f64, D>) {
        self.values[self.height] = value;
        self.height += 1;
    }

    fn pop(&mut self) -> Result<f64, D> {
        self.height -= 1;
        std::mem::replace(&mut self.values[self.height], Ok(0.0))
    }

    fn pop_two(&mut self) -> (Result<f64, D>, Result<f64, D>) {
        let right = self.pop();
        (self.pop(), right)
    }

    fn top(&self) -> Option<f64> {
        self.values[self.height - 1].as_ref().ok().copied()
    }
}

fn both<D: Doubt>(left: Result<f64, D>, right: Result<f64, D>) -> Result<(f64, f64), D> {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok((left, right)),
        (Err(left), Err(right)) => Err(left.and(right)),
        (Err(doubt), Ok(_)) | (Ok(_), Err(doubt)) => Err(doubt),
    }
}

/// `left || right` if `deciding` is true, else `left && right`: the side that decides is enough (Kleene's three-valued
/// logic).
fn logic<D: Doubt>(left: Result<f64, D>, right: Result<f64, D>, deciding: bool) -> Result<f64, D> {
    let decides = |side: &Result<f64, D>| side.as_ref().is_ok_and(|value| is_true(*value) == deciding);
    if decides(&left) || decides(&right) {
        return Ok(number(deciding));
    }
    both(left, right).map(|_| number(!deciding))
}

/// What is not exactly 0.
fn is_true(value: f64) -> bool {
    value != 0.0
}

fn number(truth: bool) -> f64 {
    f64::from(u8::from(truth))
}

impl Unary {
    fn of(self, value: f64) -> Result<f64, Cause> {
        Ok(match self {
            Self::Minus => -value,
            Self::Not => number(!is_true(value)),
            Self::Abs => value.abs(),
            Self::Ceil => value.ceil(),
            Self::Floor => value.floor(),
            Self::Round => value.round(),
            Self::Sqrt if value < 0.0 => return Err(Cause::NegativeRoot),
            Self::Sqrt => value.sqrt(),
        })
    }
}

impl Binary {
    #[expect(clippy::float_cmp, reason = "`==` compares exactly, as its reader expects of numbers such as counts")]
    fn of(self, left: f64, right: f64) -> Result<f64, Cause> {
        let value = match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide | Self::Remainder if !is_true(right) => return Err(Cause::DividedByZero),
            Self::Divide => left / right,
            Self::Remainder => left % right,
            Self::Less => number(left < right),
            Self::AtMost => number(left <= right),
            Self::Greater => number(left > right),
            Self::AtLeast => number(left >= right),
            Self::Equal => number(left == right),
            Self::Unequal => number(left != right),
            Self::Min => left.min(right),
            Self::Max => left.max(right),
        };
        if value.is_finite() { Ok(value) } else { Err(Cause::TooLarge) }
    }
}
