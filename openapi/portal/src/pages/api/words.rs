//! The texts of the document in the reader's language.

use std::borrow::Cow;

use serde_json::Value;

use crate::around::{Around, Language};
use crate::messages::described;

/// Under this keyword a schema says in words what it is for.
const DESCRIPTION: &str = "description";

/// A text of the document, as the page shows it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// Whether the page is Chinese and the text is not: it is marked.
    pub is_foreign: bool,
    /// Its pieces: whether each stood between backticks, and its text.
    pub pieces: Vec<(bool, String)>,
}

impl Words {
    /// A text in one paragraph.
    pub(super) fn of(a: &Around<'_>, text: &str) -> Self {
        let (text, is_foreign) = in_language(a, text);
        Self { is_foreign, pieces: pieces(text) }
    }

    /// A text in its paragraphs.
    pub(super) fn paragraphs(a: &Around<'_>, text: &str) -> Vec<Self> {
        let (text, is_foreign) = in_language(a, text);
        let paragraphs = text.split("\n\n").map(pieces).filter(|pieces| !pieces.is_empty());
        paragraphs.map(|pieces| Self { is_foreign, pieces }).collect()
    }
}

/// A text in the reader's language, and whether it is in another one.
fn in_language<'t>(a: &Around<'_>, text: &'t str) -> (&'t str, bool) {
    match (a.language, described(text)) {
        (Language::English, _) => (text, false),
        (Language::Chinese, Some(chinese)) => (chinese, false),
        (Language::Chinese, None) => (text, is_english(text)),
    }
}

/// Whether a text has words of English in it.
pub(super) fn is_english(text: &str) -> bool {
    text.contains(|letter: char| letter.is_ascii_alphabetic())
}

/// Lines of the source are no lines of the page.
fn pieces(text: &str) -> Vec<(bool, String)> {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let pieces = joined.split('`').enumerate().map(|(place, piece)| (place % 2 == 1, piece.to_owned()));
    pieces.filter(|(_, piece)| !piece.is_empty()).collect()
}

/// A schema in JSON; what it says in words is in the reader's language.
pub(super) fn schema(a: &Around<'_>, schema: &Value) -> String {
    let shown = match a.language {
        Language::Chinese => Cow::Owned(in_chinese(schema)),
        Language::English => Cow::Borrowed(schema),
    };
    serde_json::to_string_pretty(shown.as_ref()).unwrap_or_default()
}

fn in_chinese(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), told(name, value))).collect()
        }
        Value::Array(values) => values.iter().map(in_chinese).collect(),
        other => other.clone(),
    }
}

fn told(name: &str, value: &Value) -> Value {
    let text = value.as_str().filter(|_| name == DESCRIPTION);
    text.and_then(described).map_or_else(|| in_chinese(value), Value::from)
}
