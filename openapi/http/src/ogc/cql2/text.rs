//! CQL2 as text: a parser that goes down no deeper than [`DEPTH`] and never back.

use exchange_query::Relation;

use super::{Comparison, DEPTH, Figure, Node, Scalar, relation, turned, wrong};
use crate::problem::Refusal;

/// The literals of well-known text.
const FIGURES: [&str; 7] =
    ["point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection"];

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// A name without quotes, or a keyword.
    Word,
    /// A name in double quotes, which are taken off.
    Quoted(String),
    /// A text in single quotes, which are taken off.
    Text(String),
    Number,
    Symbol,
}

#[derive(Debug, Clone)]
struct Token<'a> {
    kind: Kind,
    /// As it is written.
    text: &'a str,
    start: usize,
}

pub(super) fn parse(text: &str) -> Result<Node, Refusal> {
    let mut parser = Parser { source: text, tokens: tokens(text)?, place: 0 };
    let node = parser.either(DEPTH)?;
    match parser.tokens.get(parser.place) {
        None => Ok(node),
        Some(_) => Err(parser.unexpected()),
    }
}

fn tokens(source: &str) -> Result<Vec<Token<'_>>, Refusal> {
    let (mut found, mut start) = (Vec::new(), 0);
    while let Some(first) = source[start..].chars().next() {
        let rest = &source[start..];
        if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        }
        let (kind, length) = match first {
            '\'' | '"' => {
                let (text, length) = quoted(rest, first).ok_or_else(|| wrong("a quotation does not end"))?;
                (if first == '"' { Kind::Quoted(text) } else { Kind::Text(text) }, length)
            }
            '<' | '>' | '=' => {
                let pairs = ["<=", ">=", "<>"];
                (Kind::Symbol, if pairs.iter().any(|pair| rest.starts_with(pair)) { 2 } else { 1 })
            }
            '(' | ')' | ',' => (Kind::Symbol, 1),
            _ if first.is_ascii_digit() || (matches!(first, '+' | '-' | '.') && is_number(rest)) => {
                (Kind::Number, number_length(rest))
            }
            _ if is_of_name(first) && !first.is_ascii_digit() => {
                let end = rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len());
                (Kind::Word, end)
            }
            _ => return Err(wrong("it holds a sign that is not offered here")),
        };
        found.push(Token { kind, text: &rest[..length], start });
        start += length;
    }
    Ok(found)
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | ':' | '.')
}

/// Whether a sign or a point begins a number.
fn is_number(rest: &str) -> bool {
    rest.trim_start_matches(['+', '-'])
        .trim_start_matches('.')
        .starts_with(|next: char| next.is_ascii_digit())
}

fn number_length(rest: &str) -> usize {
    let mut before = ' ';
    let end = rest.char_indices().find(|(place, letter)| {
        let is_sign = matches!(letter, '+' | '-') && (*place == 0 || matches!(before, 'e' | 'E'));
        let is_part = letter.is_ascii_digit() || matches!(letter, '.' | 'e' | 'E') || is_sign;
        before = *letter;
        !is_part
    });
    end.map_or(rest.len(), |(place, _)| place)
}

/// The text in quotes, in which a doubled quote is one; and its length with them.
fn quoted(rest: &str, quote: char) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((place, letter)) = letters.next() {
        match letter == quote {
            false => text.push(letter),
            true if letters.next_if(|(_, next)| *next == quote).is_some() => text.push(quote),
            true => return Some((text, place + quote.len_utf8())),
        }
    }
    None
}

/// One side of a comparison.
enum Side {
    Property(String),
    Literal(Scalar),
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token<'a>>,
    place: usize,
}

impl<'a> Parser<'a> {
    fn either(&mut self, depth: usize) -> Result<Node, Refusal> {
        let mut parts = vec![self.both(depth)?];
        while self.takes_word("or") {
            parts.push(self.both(depth)?);
        }
        Ok(one_or(parts, Node::Or))
    }

    fn both(&mut self, depth: usize) -> Result<Node, Refusal> {
        let mut parts = vec![self.factor(depth)?];
        while self.takes_word("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(one_or(parts, Node::And))
    }

    fn factor(&mut self, depth: usize) -> Result<Node, Refusal> {
        let depth = depth.checked_sub(1).ok_or_else(|| wrong("it nests too deep"))?;
        if self.takes_word("not") {
            return Ok(Node::Not(Box::new(self.factor(depth)?)));
        }
        if self.takes("(") {
            let inner = self.either(depth)?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.peek(0).filter(|token| token.kind == Kind::Word).and_then(|token| relation(token.text)) {
            Some(relation) if self.is_symbol(1, "(") => {
                self.place += 2;
                self.spatial(relation)
            }
            _ => self.predicate(),
        }
    }

    fn predicate(&mut self) -> Result<Node, Refusal> {
        let left = self.side()?;
        if let Some(comparison) = self.peek(0).and_then(|token| Comparison::parse(token.text)) {
            self.place += 1;
            return match (left, self.side()?) {
                (Side::Property(name), Side::Literal(value)) => Ok(Node::Compare(comparison, name, value)),
                (Side::Literal(value), Side::Property(name)) => {
                    Ok(Node::Compare(comparison.turned(), name, value))
                }
                _ => Err(wrong("a comparison has a property on one side and a literal on the other")),
            };
        }
        match left {
            Side::Property(name) => self.test(name),
            Side::Literal(Scalar::Bool(flag)) => Ok(Node::Is(flag)),
            Side::Literal(_) => Err(self.unexpected()),
        }
    }

    /// What follows a property that is not compared.
    fn test(&mut self, name: String) -> Result<Node, Refusal> {
        if self.takes_word("is") {
            let is_not = self.takes_word("not");
            return match self.takes_word("null") {
                true => Ok(negated(is_not, Node::IsNull(name))),
                false => Err(self.unexpected()),
            };
        }
        let is_not = self.takes_word("not");
        let node = if self.takes_word("like") {
            match self.literal()? {
                Scalar::Text(pattern) => Node::Like(name, pattern),
                _ => return Err(wrong("LIKE takes a text")),
            }
        } else if self.takes_word("between") {
            let low = self.literal()?;
            match self.takes_word("and") {
                true => Node::Between(name, low, self.literal()?),
                false => return Err(self.unexpected()),
            }
        } else if self.takes_word("in") {
            self.expect("(")?;
            let mut values = vec![self.literal()?];
            while self.takes(",") {
                values.push(self.literal()?);
            }
            self.expect(")")?;
            Node::In(name, values)
        } else {
            return Err(self.unexpected());
        };
        Ok(negated(is_not, node))
    }

    fn spatial(&mut self, relation: Relation) -> Result<Node, Refusal> {
        let first = self.figure()?;
        let node = match first {
            Some(figure) => {
                self.expect(",")?;
                Node::Lies(turned(relation), self.name()?, figure)
            }
            None => {
                let name = self.name()?;
                self.expect(",")?;
                let figure = self.figure()?;
                Node::Lies(relation, name, figure.ok_or_else(|| wrong("a geometry is a literal"))?)
            }
        };
        self.expect(")")?;
        Ok(node)
    }

    /// A geometry, if one stands here.
    fn figure(&mut self) -> Result<Option<Figure>, Refusal> {
        let Some(token) = self.peek(0).filter(|token| token.kind == Kind::Word) else { return Ok(None) };
        let (start, name) = (token.start, token.text.to_ascii_lowercase());
        if name == "bbox" && self.is_symbol(1, "(") {
            self.place += 2;
            let mut numbers = vec![self.number()?];
            while self.takes(",") {
                numbers.push(self.number()?);
            }
            self.expect(")")?;
            return Ok(Some(Figure::Box(numbers)));
        }
        if !FIGURES.contains(&name.as_str()) {
            return Ok(None);
        }
        // To the bracket that closes it, or `EMPTY`; whether it is one is for the reader of well-known text to say.
        let mut open = 0_usize;
        for place in self.place + 1..self.tokens.len() {
            let token = &self.tokens[place];
            match token.text {
                "(" => open += 1,
                ")" => open = open.saturating_sub(1),
                _ => {}
            }
            let is_end = open == 0 && (token.text == ")" || token.text.eq_ignore_ascii_case("empty"));
            if is_end {
                self.place = place + 1;
                return Ok(Some(Figure::Text(self.source[start..token.start + token.text.len()].to_owned())));
            }
        }
        Err(wrong("a geometry does not end"))
    }

    fn side(&mut self) -> Result<Side, Refusal> {
        match self.peek(0).map(|token| &token.kind) {
            Some(Kind::Quoted(_)) => self.name().map(Side::Property),
            Some(Kind::Word) if !self.is_literal_word() => self.name().map(Side::Property),
            _ => self.literal().map(Side::Literal),
        }
    }

    /// Whether the word here begins a literal.
    fn is_literal_word(&self) -> bool {
        let is = |names: &[&str]| {
            self.peek(0).is_some_and(|token| names.iter().any(|name| token.text.eq_ignore_ascii_case(name)))
        };
        is(&["true", "false"]) || (is(&["date", "timestamp"]) && self.is_symbol(1, "("))
    }

    fn name(&mut self) -> Result<String, Refusal> {
        const KEYWORDS: [&str; 11] =
            ["and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "bbox"];
        let name = match self.peek(0) {
            Some(Token { kind: Kind::Quoted(name), .. }) => name.clone(),
            Some(Token { kind: Kind::Word, text, .. })
                if !KEYWORDS.iter().any(|keyword| text.eq_ignore_ascii_case(keyword)) =>
            {
                (*text).to_owned()
            }
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(name)
    }

    fn literal(&mut self) -> Result<Scalar, Refusal> {
        let Some(token) = self.peek(0).cloned() else { return Err(self.unexpected()) };
        let found = match &token.kind {
            Kind::Text(text) => Scalar::Text(text.clone()),
            Kind::Number => Scalar::Number(token.text.to_owned()),
            Kind::Word if token.text.eq_ignore_ascii_case("true") => Scalar::Bool(true),
            Kind::Word if token.text.eq_ignore_ascii_case("false") => Scalar::Bool(false),
            Kind::Word if self.is_literal_word() => {
                self.place += 2;
                let Some(Token { kind: Kind::Text(text), .. }) = self.peek(0).cloned() else {
                    return Err(self.unexpected());
                };
                self.place += 1;
                self.expect(")")?;
                return Ok(Scalar::Text(text));
            }
            _ => return Err(self.unexpected()),
        };
        self.place += 1;
        Ok(found)
    }

    fn number(&mut self) -> Result<f64, Refusal> {
        match self.literal()? {
            Scalar::Number(text) => text.parse().map_err(|_| wrong("a number can't be read")),
            _ => Err(wrong("a box is made of numbers")),
        }
    }

    fn peek(&self, ahead: usize) -> Option<&Token<'a>> {
        self.tokens.get(self.place + ahead)
    }

    fn is_symbol(&self, ahead: usize, symbol: &str) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == Kind::Symbol && token.text == symbol)
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is_here = self.is_symbol(0, symbol);
        self.place += usize::from(is_here);
        is_here
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let token = self.peek(0);
        let is_here =
            token.is_some_and(|token| token.kind == Kind::Word && token.text.eq_ignore_ascii_case(word));
        self.place += usize::from(is_here);
        is_here
    }

    fn expect(&mut self, symbol: &str) -> Result<(), Refusal> {
        match self.takes(symbol) {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    fn unexpected(&self) -> Refusal {
        match self.peek(0) {
            None => wrong("it ends too early"),
            Some(token) => {
                let place = self.source[..token.start].chars().count() + 1;
                wrong(&format!("it can't be read from character {place} on"))
            }
        }
    }
}

fn negated(is_not: bool, node: Node) -> Node {
    if is_not { Node::Not(Box::new(node)) } else { node }
}

fn one_or(mut parts: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => many(parts.into_iter().chain(last).collect()),
    }
}
