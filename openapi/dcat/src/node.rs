//! One thing of a graph, read term by term: what can't be read is a problem with its place.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use catalog_core::Problem;
use oxrdf::vocab::rdf;
use oxrdf::{Graph, LiteralRef, NamedNodeRef, NamedOrBlankNodeRef, TermRef};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest list that is read.
const MAX_MEMBERS: usize = 10_000;

/// A thing, and what was wrong with it so far.
pub(crate) struct Node<'a> {
    graph: &'a Graph,
    subject: NamedOrBlankNodeRef<'a>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Node<'a> {
    pub(crate) fn new(graph: &'a Graph, subject: NamedOrBlankNodeRef<'a>) -> Self {
        Self { graph, subject, problems: Vec::new() }
    }

    /// The place of a term of this thing, as problems name it: `<address> <term>`.
    pub(crate) fn place(&self, term: NamedNodeRef<'_>) -> String {
        format!("{} {term}", self.subject)
    }

    /// Notes what is wrong with a term.
    pub(crate) fn problem(&mut self, term: NamedNodeRef<'_>, rule: &str, message: impl Into<String>) {
        let place = self.place(term);
        self.problems.push(Problem::new(place, rule, message));
    }

    /// The text of a term: in Chinese where it is given in several languages, else in none.
    pub(crate) fn text(&mut self, term: NamedNodeRef<'_>) -> Option<String> {
        let rank = |literal: &LiteralRef<'_>| match literal.language() {
            Some(language) if language.starts_with("zh") => 0,
            None => 1,
            Some(_) => 2,
        };
        let mut literals: Vec<_> = self.objects(term).into_iter().filter_map(literal).collect();
        literals.sort_by_key(|literal| (rank(literal), literal.value().to_owned()));
        if let [first, second, ..] = literals.as_slice()
            && rank(first) == rank(second)
            && first.value() != second.value()
        {
            let message =
                format!("`{}` and `{}`: say one of them", short(first.value()), short(second.value()));
            self.problem(term, "term.several", message);
        }
        literals.first().map(|literal| literal.value().to_owned()).filter(|text| !text.is_empty())
    }

    /// The text of a term that must be there.
    pub(crate) fn needed_text(&mut self, term: NamedNodeRef<'_>) -> Option<String> {
        let text = self.text(term);
        if text.is_none() {
            self.problem(term, "term.missing", "say it: an entry of the directory needs it");
        }
        text
    }

    /// The value of a term, as its type reads it; nothing where it is not said.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&mut self, term: NamedNodeRef<'_>) -> Option<T> {
        let text = self.text(term)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(term, "term.value", format!("`{}`: {error}", short(&text)));
                None
            }
        }
    }

    /// The value of a term that the API writes as a word; nothing where it is not said.
    pub(crate) fn worded<T: DeserializeOwned>(&mut self, term: NamedNodeRef<'_>) -> Option<T> {
        let text = self.text(term)?;
        match serde_json::from_value(Value::String(text.clone())) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(term, "term.value", format!("`{}`: {error}", short(&text)));
                None
            }
        }
    }

    /// The same for a term that must be there.
    pub(crate) fn needed<T: DeserializeOwned>(&mut self, term: NamedNodeRef<'_>) -> Option<T> {
        self.needed_text(term)?;
        self.worded(term)
    }

    /// The value of a word that must be there.
    pub(crate) fn chosen<T>(
        &mut self,
        term: NamedNodeRef<'_>,
        choose: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.needed_text(term)?;
        let chosen = choose(&text);
        if chosen.is_none() {
            let message = format!("`{}` is none of the words that the term knows", short(&text));
            self.problem(term, "term.value", message);
        }
        chosen
    }

    /// A flag; `false` where it is not said.
    pub(crate) fn flag(&mut self, term: NamedNodeRef<'_>) -> bool {
        match self.text(term).as_deref() {
            None | Some("false" | "0") => false,
            Some("true" | "1") => true,
            Some(other) => {
                let message = format!("`{}`: write true or false", short(other));
                self.problem(term, "term.value", message);
                false
            }
        }
    }

    /// The thing that a term names.
    pub(crate) fn thing(&self, term: NamedNodeRef<'_>) -> Option<NamedOrBlankNodeRef<'a>> {
        self.objects(term).into_iter().find_map(subject)
    }

    /// The members of a list, in their order.
    pub(crate) fn members(&mut self, term: NamedNodeRef<'_>) -> Vec<TermRef<'a>> {
        let mut members = Vec::new();
        let mut cell = self.thing(term);
        while let Some(place) = cell.filter(|place| *place != NamedOrBlankNodeRef::from(rdf::NIL)) {
            let next =
                |predicate: NamedNodeRef<'static>| self.graph.object_for_subject_predicate(place, predicate);
            let (first, rest) = (next(rdf::FIRST), next(rdf::REST));
            match (first, rest) {
                (Some(first), Some(rest)) if members.len() < MAX_MEMBERS => {
                    members.push(first);
                    cell = subject(rest);
                }
                _ => {
                    self.problem(term, "term.list", "this is no list that ends within 10,000 members");
                    break;
                }
            }
        }
        members
    }

    /// The texts of a list, in their order.
    pub(crate) fn texts(&mut self, term: NamedNodeRef<'_>) -> Vec<String> {
        let members = self.members(term);
        members.into_iter().filter_map(literal).map(|literal| literal.value().to_owned()).collect()
    }

    /// The values of a list of texts, as their type reads them.
    pub(crate) fn values<T: FromStr<Err: Display>>(&mut self, term: NamedNodeRef<'_>) -> Vec<T> {
        let mut values = Vec::new();
        for text in self.texts(term) {
            match text.parse() {
                Ok(value) => values.push(value),
                Err(error) => self.problem(term, "term.value", format!("`{}`: {error}", short(&text))),
            }
        }
        values
    }

    /// The texts of a term that may be said several times, sorted: they have no order of their own.
    pub(crate) fn set(&self, term: NamedNodeRef<'_>) -> Vec<String> {
        let texts = self.objects(term).into_iter().filter_map(literal);
        texts.map(|literal| literal.value().to_owned()).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn objects(&self, term: NamedNodeRef<'_>) -> Vec<TermRef<'a>> {
        self.graph.objects_for_subject_predicate(self.subject, term).collect()
    }
}

fn literal(term: TermRef<'_>) -> Option<LiteralRef<'_>> {
    match term {
        TermRef::Literal(literal) => Some(literal),
        _ => None,
    }
}

/// The term as something that more is said of.
pub(crate) fn subject(term: TermRef<'_>) -> Option<NamedOrBlankNodeRef<'_>> {
    match term {
        TermRef::NamedNode(node) => Some(node.into()),
        TermRef::BlankNode(node) => Some(node.into()),
        TermRef::Literal(_) => None,
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
