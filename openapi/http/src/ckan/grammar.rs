//! The small part of Solr's query language that CKAN's clients write, read into the directory search's own filters.
//!
//! `field:value`, `field:"value"`, `field:(a OR b)`, `+` and `-` before them, `AND` or a blank between them, `OR` between
//! alternatives, and a range of `metadata_modified`. What is anything else is an error with its reason, never left out.

use std::iter::Peekable;
use std::str::Chars;

use catalog_core::ports::{Condition, SearchField};
use catalog_core::{ResourceCode, Timestamp};

/// The longest text.
const MAX_CHARS: usize = 4_000;
/// The most conditions of a text.
const MAX_CONDITIONS: usize = 100;

/// What is wrong with a text, for whoever wrote it.
type Wrong = String;

/// A search as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Words, all of which must occur.
    pub(super) words: Vec<String>,
    /// Of each list one must hold.
    pub(super) conditions: Vec<Vec<Condition>>,
    /// The times between which a dataset was last changed, both included.
    pub(super) modified: Option<(Timestamp, Timestamp)>,
}

impl Asked {
    /// Adds what a further text asks. Words are for `q` alone: a filter names its field.
    pub(super) fn and(&mut self, text: &str, takes_words: bool) -> Result<(), Wrong> {
        if text.chars().nth(MAX_CHARS).is_some() {
            return Err(format!("a query has at most {MAX_CHARS} characters"));
        }
        let clauses = clauses(&mut text.chars().peekable())?;
        for clause in clauses {
            self.add(clause, takes_words)?;
        }
        if self.conditions.iter().map(Vec::len).sum::<usize>() > MAX_CONDITIONS {
            return Err(format!("a query has at most {MAX_CONDITIONS} conditions"));
        }
        Ok(())
    }

    fn add(&mut self, clause: Vec<Term>, takes_words: bool) -> Result<(), Wrong> {
        if let [term] = clause.as_slice() {
            match (&term.field, &term.value) {
                (None, Value::Text(word)) if takes_words && !term.negated => {
                    self.words.push(word.clone());
                    return Ok(());
                }
                (Some(field), Value::Text(value)) if field == "*" && value == "*" && !term.negated => {
                    return Ok(());
                }
                (Some(field), Value::Range(from, until)) if field == "metadata_modified" && !term.negated => {
                    let (low, high) = self.modified.unwrap_or((Timestamp(i64::MIN), Timestamp(i64::MAX)));
                    self.modified = Some((low.max(*from), high.min(*until)));
                    return Ok(());
                }
                _ => {}
            }
        }
        let alternatives = clause.into_iter().map(Term::condition).collect::<Result<Vec<_>, _>>()?;
        self.conditions.push(alternatives);
        Ok(())
    }
}

/// One `field:value`, or a word.
struct Term {
    field: Option<String>,
    value: Value,
    negated: bool,
}

enum Value {
    Text(String),
    Range(Timestamp, Timestamp),
}

impl Term {
    fn condition(self) -> Result<Condition, Wrong> {
        let Self { field, value, negated } = self;
        let Some(name) = field else {
            return Err("write field:value; words are for `q`, and all of them must occur".to_owned());
        };
        let Value::Text(value) = value else {
            return Err(format!("`{name}` has no ranges; metadata_modified has, by itself"));
        };
        let field = match name.as_str() {
            "organization" | "owner_org" => SearchField::Department,
            "groups" => SearchField::Classification,
            "tags" => SearchField::Keyword,
            "license_id" => SearchField::Licence,
            "id" | "name" => SearchField::Code,
            "sharing" => SearchField::Sharing,
            "opening" => SearchField::Opening,
            "update_cycle" => SearchField::UpdateCycle,
            "format_class" => SearchField::Format,
            // All that is listed is a public, active dataset.
            "dataset_type" | "type" | "state" | "private" | "capacity" => {
                let usual = ["dataset", "active", "false", "public"].contains(&value.as_str());
                // Every code begins with nothing.
                let field = SearchField::Classification;
                return Ok(Condition { field, value: String::new(), negated: usual == negated });
            }
            _ => {
                let offered = "organization, groups, tags, license_id, name, sharing, opening, update_cycle, \
                               format_class, metadata_modified";
                return Err(format!("there is no field `{name}` to search in; there are {offered}"));
            }
        };
        let value = match field {
            SearchField::Code => ResourceCode::from_path(&value).map_or(value, |code| code.to_string()),
            // A prefix of it is another group.
            SearchField::Classification if value.len() != 3 => "none".to_owned(),
            _ => value,
        };
        Ok(Condition { field, value, negated })
    }
}

/// Clauses, of each of which one term must hold.
fn clauses(text: &mut Peekable<Chars<'_>>) -> Result<Vec<Vec<Term>>, Wrong> {
    let (mut clauses, mut joins_next) = (Vec::<Vec<Term>>::new(), false);
    let (mut has_and, mut has_bare_or, mut negated) = (false, false, false);
    while let Some(token) = token(text)? {
        let mut found = match token {
            Token::And if clauses.is_empty() || joins_next || negated => return Err(dangling("AND")),
            Token::And => {
                has_and = true;
                continue;
            }
            Token::Or if clauses.is_empty() || joins_next || negated => return Err(dangling("OR")),
            Token::Or => {
                (joins_next, has_bare_or) = (true, true);
                continue;
            }
            Token::Not => {
                negated = !negated;
                continue;
            }
            Token::Terms(terms) => terms,
        };
        if negated {
            found.iter_mut().for_each(|term| term.negated = !term.negated);
        }
        match (joins_next, clauses.last_mut()) {
            (true, Some(last)) if !negated || found.len() == 1 => last.append(&mut found),
            (true, _) => return Err("write a `-` before alternatives by itself".to_owned()),
            // Not one of them: each must not hold.
            (false, _) if negated => clauses.extend(found.into_iter().map(|term| vec![term])),
            (false, _) => clauses.push(found),
        }
        (joins_next, negated) = (false, false);
    }
    match (joins_next || negated, has_and && has_bare_or) {
        (true, _) => Err(dangling("OR or NOT")),
        (_, true) => Err("put alternatives beside AND into parentheses: (a:1 OR a:2) AND b:3".to_owned()),
        _ => Ok(clauses),
    }
}

fn dangling(word: &str) -> Wrong {
    format!("{word} stands between two conditions; quote it to search for it")
}

enum Token {
    And,
    Or,
    Not,
    /// A term, or alternatives in parentheses.
    Terms(Vec<Term>),
}

fn token(text: &mut Peekable<Chars<'_>>) -> Result<Option<Token>, Wrong> {
    // All conditions must hold anyway.
    while text.next_if(|letter| letter.is_whitespace() || *letter == '+').is_some() {}
    let token = match text.peek() {
        None => return Ok(None),
        Some('-' | '!') => {
            text.next();
            Token::Not
        }
        Some('(') => {
            text.next();
            Token::Terms(alternatives(None, text)?)
        }
        Some(')') => return Err("a parenthesis is closed that was not opened".to_owned()),
        Some(_) => match term(None, text)? {
            Read::Word(word) if word == "AND" || word == "&&" => Token::And,
            Read::Word(word) if word == "OR" || word == "||" => Token::Or,
            Read::Word(word) if word == "NOT" => Token::Not,
            Read::Word(word) => {
                Token::Terms(vec![Term { field: None, value: Value::Text(word), negated: false }])
            }
            Read::Terms(terms) => Token::Terms(terms),
        },
    };
    Ok(Some(token))
}

/// `a OR b)`: what stands in parentheses, perhaps behind a field's name.
fn alternatives(field: Option<&str>, text: &mut Peekable<Chars<'_>>) -> Result<Vec<Term>, Wrong> {
    let (mut terms, mut wants_term) = (Vec::new(), true);
    loop {
        while text.next_if(|letter| letter.is_whitespace()).is_some() {}
        match text.peek() {
            None => return Err("a parenthesis is not closed".to_owned()),
            Some(')') if !wants_term => {
                text.next();
                return Ok(terms);
            }
            Some('(' | ')' | '+' | '-' | '!') => {
                return Err("parentheses hold alternatives: (a OR b)".to_owned());
            }
            Some(_) => match (term(field, text)?, wants_term) {
                (Read::Word(word), false) if word == "OR" || word == "||" => wants_term = true,
                (Read::Word(word), true)
                    if field.is_none() || ["AND", "OR", "NOT"].contains(&word.as_str()) =>
                {
                    return Err("parentheses hold alternatives: (a:1 OR a:2)".to_owned());
                }
                (Read::Word(word), true) => {
                    terms.push(Term {
                        field: field.map(str::to_owned),
                        value: Value::Text(word),
                        negated: false,
                    });
                    wants_term = false;
                }
                (Read::Terms(found), true) => {
                    terms.extend(found);
                    wants_term = false;
                }
                (_, false) => return Err("write OR between alternatives in parentheses".to_owned()),
            },
        }
    }
}

/// What was read at one place.
enum Read {
    /// A bare word, which may be an operator.
    Word(String),
    /// Everything else.
    Terms(Vec<Term>),
}

/// A term; behind a field's name, a value of it.
fn term(field: Option<&str>, text: &mut Peekable<Chars<'_>>) -> Result<Read, Wrong> {
    let one =
        |value: Value| Ok(Read::Terms(vec![Term { field: field.map(str::to_owned), value, negated: false }]));
    match text.peek() {
        Some('"') => {
            let phrase = quoted(text)?;
            if field.is_none() && phrase.contains(char::is_whitespace) {
                return Err(
                    "phrases are not searched for: leave the quotes out, all words must occur".to_owned()
                );
            }
            return one(Value::Text(phrase));
        }
        Some('[' | '{') if field.is_some() => return one(range(text)?),
        _ => {}
    }
    let mut word = String::new();
    while let Some(letter) =
        text.next_if(|letter| !letter.is_whitespace() && !matches!(letter, '(' | ')' | '"'))
    {
        match letter {
            '\\' => word.extend(text.next()),
            ':' if field.is_none() && !word.is_empty() => return valued(&word, text),
            '*' | '?' | '~' | '^' | '[' | ']' | '{' | '}' if !(word.is_empty() && letter == '*') => {
                return Err(format!("`{letter}` has no meaning here: values are whole; quote or escape it"));
            }
            _ => word.push(letter),
        }
    }
    match word.as_str() {
        "" => Err("a value is missing".to_owned()),
        "*" if field != Some("*") => Err("`*` alone is no value; `*:*` is everything".to_owned()),
        _ => Ok(Read::Word(word)),
    }
}

/// What follows `field:`.
fn valued(field: &str, text: &mut Peekable<Chars<'_>>) -> Result<Read, Wrong> {
    if text.next_if_eq(&'(').is_some() {
        return alternatives(Some(field), text).map(Read::Terms);
    }
    Ok(match term(Some(field), text)? {
        Read::Word(word) => Read::Terms(vec![Term {
            field: Some(field.to_owned()),
            value: Value::Text(word),
            negated: false,
        }]),
        read => read,
    })
}

fn quoted(text: &mut Peekable<Chars<'_>>) -> Result<String, Wrong> {
    let mut value = String::new();
    text.next();
    loop {
        match text.next() {
            None => return Err("a quote is not closed".to_owned()),
            Some('"') => return Ok(value),
            Some('\\') => value.extend(text.next()),
            Some(letter) => value.push(letter),
        }
    }
}

/// `[2026-01-01T00:00:00Z TO *]`.
fn range(text: &mut Peekable<Chars<'_>>) -> Result<Value, Wrong> {
    let wrong = || "a range is [2026-01-31T00:00:00Z TO *], its times in UTC".to_owned();
    if text.next() != Some('[') {
        return Err(wrong());
    }
    let mut inside = String::new();
    loop {
        match text.next() {
            None => return Err(wrong()),
            Some(']') => break,
            Some(letter) => inside.push(letter),
        }
    }
    let (from, until) = inside.split_once(" TO ").ok_or_else(wrong)?;
    let time = |text: &str, open: i64| match text.trim().trim_matches('"') {
        "*" => Some(Timestamp(open)),
        text => Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z"))),
    };
    let from = time(from, i64::MIN).ok_or_else(wrong)?;
    Ok(Value::Range(from, time(until, i64::MAX).ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests;
