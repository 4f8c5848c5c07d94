//! Statements about things, in the order in which they are said first.

use std::collections::HashMap;

use oxrdf::vocab::{rdf, xsd};
use oxrdf::{BlankNode, Literal, NamedNode, NamedNodeRef, NamedOrBlankNode, Term, Triple};

/// The triples of one document.
#[derive(Debug, Default)]
pub struct Statements {
    triples: Vec<Triple>,
    /// Subjects by the order in which they came.
    subjects: HashMap<NamedOrBlankNode, usize>,
    lists: usize,
}

impl Statements {
    /// The triples, those about one thing together: serializers write each thing once then.
    pub fn into_triples(self) -> Vec<Triple> {
        let Self { mut triples, subjects, .. } = self;
        triples.sort_by_key(|triple| subjects.get(&triple.subject).copied());
        triples
    }

    /// Begins with a thing of a class; `false` where it has been described already.
    pub(crate) fn begin(&mut self, subject: &NamedNode, class: NamedNodeRef<'_>) -> bool {
        let is_new = !self.subjects.contains_key(&NamedOrBlankNode::from(subject.clone()));
        if is_new {
            self.add(subject, rdf::TYPE, class.into_owned());
        }
        is_new
    }

    /// Says something of a thing.
    pub(crate) fn add(&mut self, subject: &NamedNode, predicate: NamedNodeRef<'_>, object: impl Into<Term>) {
        self.push(subject.clone().into(), predicate, object.into());
    }

    /// Says that something else belongs to a thing, which is then described itself; `false` where it has been already.
    pub(crate) fn link(
        &mut self,
        subject: &NamedNode,
        predicate: NamedNodeRef<'_>,
        object: &NamedNode,
        class: NamedNodeRef<'_>,
    ) -> bool {
        self.add(subject, predicate, object.clone());
        self.begin(object, class)
    }

    /// Text in no language; nothing where it is empty.
    pub(crate) fn text(&mut self, subject: &NamedNode, predicate: NamedNodeRef<'_>, text: &str) {
        if !text.is_empty() {
            self.add(subject, predicate, Literal::new_simple_literal(text));
        }
    }

    /// Text in Chinese; nothing where it is empty.
    pub(crate) fn chinese(&mut self, subject: &NamedNode, predicate: NamedNodeRef<'_>, text: &str) {
        if !text.is_empty() {
            self.add(subject, predicate, chinese(text));
        }
    }

    /// A value of a datatype of XML Schema.
    pub(crate) fn typed(
        &mut self,
        subject: &NamedNode,
        predicate: NamedNodeRef<'_>,
        value: impl ToString,
        datatype: NamedNodeRef<'_>,
    ) {
        self.add(subject, predicate, Literal::new_typed_literal(value.to_string(), datatype.into_owned()));
    }

    /// A flag; only `true` is said.
    pub(crate) fn flag(&mut self, subject: &NamedNode, predicate: NamedNodeRef<'_>, flag: bool) {
        if flag {
            self.typed(subject, predicate, true, xsd::BOOLEAN);
        }
    }

    /// Members in their order, as an RDF list; nothing where there is none.
    pub(crate) fn list(
        &mut self,
        subject: &NamedNode,
        predicate: NamedNodeRef<'_>,
        members: impl IntoIterator<Item = Term>,
    ) {
        let mut last: (NamedOrBlankNode, NamedNode) = (subject.clone().into(), predicate.into_owned());
        let mut is_empty = true;
        for member in members {
            is_empty = false;
            self.lists += 1;
            let cell = BlankNode::new_unchecked(format!("l{}", self.lists));
            self.push(last.0, last.1.as_ref(), cell.clone().into());
            self.push(cell.clone().into(), rdf::FIRST, member);
            last = (cell.into(), rdf::REST.into_owned());
        }
        if !is_empty {
            self.push(last.0, last.1.as_ref(), rdf::NIL.into_owned().into());
        }
    }

    /// The same for texts in no language.
    pub(crate) fn texts(
        &mut self,
        subject: &NamedNode,
        predicate: NamedNodeRef<'_>,
        members: impl IntoIterator<Item = impl ToString>,
    ) {
        let members = members.into_iter().map(|text| Literal::new_simple_literal(text.to_string()).into());
        self.list(subject, predicate, members);
    }

    fn push(&mut self, subject: NamedOrBlankNode, predicate: NamedNodeRef<'_>, object: Term) {
        let next = self.subjects.len();
        self.subjects.entry(subject.clone()).or_insert(next);
        self.triples.push(Triple::new(subject, predicate.into_owned(), object));
    }
}

/// A literal in Chinese.
fn chinese(text: &str) -> Literal {
    Literal::new_language_tagged_literal_unchecked(text, "zh")
}
