//! From tokens to a program: precedence climbing that writes operations as it goes.

use std::ops::Range;

use super::{
    DEEPEST_FORMULA, FormulaError, LONGEST_FORMULA, MOST_NODES, READY, REPLICAS,
    lex::{Lexer, Token},
    program::{Binary, Op, Program, Unary},
};
use crate::text::nearest;

/// How tightly an operator binds.
type Strength = u8;
const CHOICE: Strength = 1;
const DEFAULT: Strength = 2;
const OR: Strength = 3;
const AND: Strength = 4;
const COMPARISON: Strength = 5;
const SUM: Strength = 6;
const PRODUCT: Strength = 7;
const PREFIX: Strength = 8;

pub(super) fn parse(text: &str) -> Result<Program, FormulaError> {
    if text.len() > LONGEST_FORMULA {
        let end = (0..=LONGEST_FORMULA).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        let message = format!("the formula is longer than {LONGEST_FORMULA} bytes");
        return Err(FormulaError::new(end..text.len(), message).help("define signals for parts of it"));
    }
    let mut parser =
        Parser { lexer: Lexer::new(text), token: Token::End, at: 0..0, program: Program::default(), depth: 0 };
    parser.advance()?;
    parser.expression(CHOICE)?;
    match parser.token {
        Token::End => Ok(parser.program),
        _ => Err(parser.no_operator()),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    /// The token to be looked at next, and its place.
    token: Token<'t>,
    at: Range<usize>,
    program: Program,
    depth: usize,
}

impl<'t> Parser<'t> {
    /// What binds at least as tightly as `weakest`; gives its place.
    fn expression(&mut self, weakest: Strength) -> Result<Range<usize>, FormulaError> {
        self.depth += 1;
        if self.depth > DEEPEST_FORMULA {
            let message = format!("the formula is nested deeper than {DEEPEST_FORMULA} levels");
            return Err(FormulaError::new(self.at.clone(), message).help("define signals for parts of it"));
        }
        let mut span = self.operand()?;
        while let Token::Sign(sign) = self.token {
            let Some(strength) = strength(sign).filter(|strength| *strength >= weakest) else { break };
            let sign_at = self.advance()?;
            span.end = match strength {
                CHOICE => self.choice(&span)?,
                DEFAULT => self.skipping(&span, |to| Op::SkipIfKnown { to }, Op::Default, DEFAULT)?,
                OR | AND => {
                    let truth = strength == OR;
                    self.skipping(&span, |to| Op::SkipIf { truth, to }, Op::Logic { truth }, strength)?
                }
                _ => self.binary(&span, sign, strength)?,
            };
            self.refuse_chain(strength, sign, &sign_at)?;
        }
        self.depth -= 1;
        Ok(span)
    }

    /// The two sides behind `?`.
    fn choice(&mut self, condition: &Range<usize>) -> Result<usize, FormulaError> {
        let branch = self.emit(Op::Jump { to: 0 }, condition.clone())?;
        self.expression(CHOICE)?;
        self.expect(":", "the other side of `?` is missing", "write `condition ? one : other`")?;
        self.otherwise(branch)
    }

    /// The side that is taken if the condition does not hold, and where to go from `branch`.
    fn otherwise(&mut self, branch: usize) -> Result<usize, FormulaError> {
        let jump = self.emit(Op::Jump { to: 0 }, self.at.clone())?;
        let otherwise = self.program.len();
        let end = self.expression(CHOICE)?.end;
        self.program.settle(jump, Op::Jump { to: self.program.len() });
        self.program.settle(branch, Op::Branch { otherwise, end: self.program.len() });
        Ok(end)
    }

    /// The right side of an operator that does not always need it.
    fn skipping(
        &mut self,
        left: &Range<usize>,
        skip: impl Fn(usize) -> Op,
        both: Op,
        strength: Strength,
    ) -> Result<usize, FormulaError> {
        let skipped = self.emit(skip(0), left.clone())?;
        let end = self.expression(strength + 1)?.end;
        self.emit(both, left.start..end)?;
        self.program.settle(skipped, skip(self.program.len()));
        Ok(end)
    }

    fn binary(&mut self, left: &Range<usize>, sign: &str, strength: Strength) -> Result<usize, FormulaError> {
        let end = self.expression(strength + 1)?.end;
        let op = match sign {
            "+" => Binary::Add,
            "-" => Binary::Subtract,
            "*" => Binary::Multiply,
            "/" => Binary::Divide,
            "%" => Binary::Remainder,
            "<" => Binary::Less,
            "<=" => Binary::AtMost,
            ">" => Binary::Greater,
            ">=" => Binary::AtLeast,
            "==" => Binary::Equal,
            _ => Binary::Unequal,
        };
        self.emit(Op::Binary(op), left.start..end)?;
        Ok(end)
    }

    /// `a < b < c` would compare 0 or 1 with `c`, which nobody means.
    fn refuse_chain(&self, strength: Strength, sign: &str, at: &Range<usize>) -> Result<(), FormulaError> {
        match self.token {
            Token::Sign(second) if strength == COMPARISON && self::strength(second) == Some(COMPARISON) => {
                let message = format!("`{second}` compares with the outcome of `{sign}`, which is 0 or 1");
                let help = format!("write `a {sign} b && b {second} c`, or put one comparison into parentheses");
                Err(FormulaError::new(at.start..self.at.end, message).help(help))
            }
            _ => Ok(()),
        }
    }

    /// A number, a name, a function, something in parentheses, or an operator before one of them.
    fn operand(&mut self) -> Result<Range<usize>, FormulaError> {
        let (token, at) = (self.token, self.at.clone());
        match token {
            Token::Number(value) => self.leaf(Op::Number(value)),
            Token::Quoted(name) => {
                let place = self.program.place(name);
                self.leaf(Op::Signal(place))
            }
            Token::Name(name) => self.name(name),
            Token::Sign("(") => {
                self.advance()?;
                self.expression(CHOICE)?;
                let end = self.expect(")", "the parenthesis is not closed", "put `)` here")?.end;
                Ok(at.start..end)
            }
            Token::Sign("-") => self.prefix(Unary::Minus),
            Token::Sign("!") => self.prefix(Unary::Not),
            _ => Err(self.no_operand()),
        }
    }

    fn prefix(&mut self, unary: Unary) -> Result<Range<usize>, FormulaError> {
        let start = self.advance()?.start;
        let span = start..self.expression(PREFIX)?.end;
        self.emit(Op::Unary(unary), span.clone())?;
        Ok(span)
    }

    fn leaf(&mut self, op: Op) -> Result<Range<usize>, FormulaError> {
        let at = self.advance()?;
        self.emit(op, at.clone())?;
        Ok(at)
    }

    fn name(&mut self, name: &'t str) -> Result<Range<usize>, FormulaError> {
        let at = self.advance()?;
        let called = self.token == Token::Sign("(");
        let function = FUNCTIONS.iter().find(|function| function.name == name);
        let op = match (function, called) {
            (Some(function), true) => return self.call(function, &at),
            (Some(function), false) => {
                let error = FormulaError::new(at, format!("`{name}` is a function, but nothing is given to it"));
                return Err(
                    error.help(format!("write `{}`; a signal of that name stands in backquotes", function.usage))
                );
            }
            (None, true) => return Err(unknown_function(name, at)),
            (None, false) if name == REPLICAS => Op::Replicas,
            (None, false) if name == READY => Op::Ready,
            (None, false) => Op::Signal(self.program.place(name)),
        };
        self.emit(op, at.clone())?;
        Ok(at)
    }

    /// From the parenthesis behind a function's name.
    fn call(&mut self, function: &Function, name: &Range<usize>) -> Result<Range<usize>, FormulaError> {
        self.advance()?;
        if self.token == Token::Sign(")") {
            return Err(wrong_count(function, 0, name.start..self.at.end));
        }
        let mut branch = 0;
        for given in 0.. {
            match (function.kind, given) {
                (Kind::If, 2) => {
                    self.otherwise(branch)?;
                }
                _ => {
                    self.expression(CHOICE)?;
                }
            }
            let span = name.start..self.at.end;
            match (function.kind, given) {
                (Kind::If, 0) => branch = self.emit(Op::Jump { to: 0 }, span.clone())?,
                (Kind::One(unary), 0) => drop(self.emit(Op::Unary(unary), span.clone())?),
                (Kind::Fold(binary), 1..) => drop(self.emit(Op::Binary(binary), span.clone())?),
                (Kind::Clamp, 1) => drop(self.emit(Op::Binary(Binary::Max), span.clone())?),
                (Kind::Clamp, 2) => drop(self.emit(Op::Binary(Binary::Min), span.clone())?),
                _ => {}
            }
            let (fewest, most) = function.kind.arguments();
            if self.token != Token::Sign(",") {
                let end = self.expect(")", "the function's parenthesis is not closed", "put `,` or `)` here")?.end;
                let counted = (fewest..=most).contains(&(given + 1));
                return if counted {
                    Ok(name.start..end)
                } else {
                    Err(wrong_count(function, given + 1, name.start..end))
                };
            }
            if given + 1 == most {
                return Err(wrong_count(function, given + 2, span));
            }
            self.advance()?;
        }
        unreachable!("the loop ends with the text")
    }

    fn emit(&mut self, op: Op, span: Range<usize>) -> Result<usize, FormulaError> {
        if self.program.len() == MOST_NODES {
            let message = format!("the formula has more than {MOST_NODES} numbers, names and operators");
            return Err(FormulaError::new(span, message).help("define signals for parts of it"));
        }
        self.program.push(op, span);
        Ok(self.program.len() - 1)
    }

    /// Goes over the present token and gives its place.
    fn advance(&mut self) -> Result<Range<usize>, FormulaError> {
        let (token, at) = self.lexer.next()?;
        self.token = token;
        Ok(std::mem::replace(&mut self.at, at))
    }

    fn expect(&mut self, sign: &str, message: &str, help: &str) -> Result<Range<usize>, FormulaError> {
        match self.token {
            Token::Sign(found) if found == sign => self.advance(),
            Token::End | Token::Sign(_) => Err(FormulaError::new(self.at.clone(), message).help(help)),
            _ => Err(self.no_operator()),
        }
    }

    fn no_operand(&self) -> FormulaError {
        let message = match self.token {
            Token::End if self.program.len() == 0 && self.depth == 1 => "there is no formula".to_owned(),
            Token::End => "the formula ends where a number or a name is missing".to_owned(),
            Token::Sign(sign) => format!("a number or a name is missing before `{sign}`"),
            _ => "a number or a name is missing".to_owned(),
        };
        FormulaError::new(self.at.clone(), message)
            .help("write a signal's name such as `cpu`, or a number such as `0.7`")
    }

    fn no_operator(&self) -> FormulaError {
        let error = |message: String| FormulaError::new(self.at.clone(), message);
        match self.token {
            Token::Name("and") => error("`and` is no operator".into()).help("write `&&`"),
            Token::Name("or") => error("`or` is no operator".into()).help("write `||`"),
            Token::Name(name) | Token::Quoted(name) => error(format!("an operator is missing before `{name}`"))
                .help("write `+`, `*`, `>` or another one between"),
            Token::Number(_) => error("an operator is missing before this number".into())
                .help("write `+`, `*`, `>` or another one between; the remainder of a division has spaces: `a % 3`"),
            Token::Sign(")") => error("nothing is open that `)` could close".into()).help("leave it out"),
            Token::Sign(sign @ "(") => {
                error(format!("an operator is missing before `{sign}`")).help("write `*` between")
            }
            Token::Sign(sign) => error(format!("`{sign}` does not belong here")),
            Token::End => error("the formula ends too early".into()),
        }
    }
}

fn strength(sign: &str) -> Option<Strength> {
    Some(match sign {
        "?" => CHOICE,
        "??" => DEFAULT,
        "||" => OR,
        "&&" => AND,
        "<" | "<=" | ">" | ">=" | "==" | "!=" => COMPARISON,
        "+" | "-" => SUM,
        "*" | "/" | "%" => PRODUCT,
        _ => return None,
    })
}

struct Function {
    name: &'static str,
    usage: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    One(Unary),
    /// Of one or more.
    Fold(Binary),
    Clamp,
    If,
}

impl Kind {
    /// The fewest and the most arguments.
    fn arguments(self) -> (usize, usize) {
        match self {
            Self::One(_) => (1, 1),
            Self::Fold(_) => (1, usize::MAX),
            Self::Clamp | Self::If => (3, 3),
        }
    }
}

const FUNCTIONS: [Function; 9] = [
    Function { name: "min", usage: "min(a, b)", kind: Kind::Fold(Binary::Min) },
    Function { name: "max", usage: "max(a, b)", kind: Kind::Fold(Binary::Max) },
    Function { name: "clamp", usage: "clamp(x, low, high)", kind: Kind::Clamp },
    Function { name: "abs", usage: "abs(x)", kind: Kind::One(Unary::Abs) },
    Function { name: "ceil", usage: "ceil(x)", kind: Kind::One(Unary::Ceil) },
    Function { name: "floor", usage: "floor(x)", kind: Kind::One(Unary::Floor) },
    Function { name: "round", usage: "round(x)", kind: Kind::One(Unary::Round) },
    Function { name: "sqrt", usage: "sqrt(x)", kind: Kind::One(Unary::Sqrt) },
    Function { name: "if", usage: "if(condition, one, other)", kind: Kind::If },
];

fn unknown_function(name: &str, at: Range<usize>) -> FormulaError {
    let names = FUNCTIONS.iter().map(|function| function.name);
    let error = FormulaError::new(at, format!("there is no function `{name}`"));
    match nearest(name, names.clone()).or_else(|| names.clone().find(|known| name.starts_with(known))) {
        Some(near) => error.help(format!("write `{near}`")),
        None => error.help(format!("there are {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn wrong_count(function: &Function, given: usize, at: Range<usize>) -> FormulaError {
    let (fewest, most) = function.kind.arguments();
    let takes = if most == fewest { fewest.to_string() } else { "one or more".to_owned() };
    let given = if given > most { format!("more than {most}") } else { given.to_string() };
    let message = format!("`{}` takes {takes}, but is given {given}", function.name);
    FormulaError::new(at, message).help(format!("write `{}`", function.usage))
}
