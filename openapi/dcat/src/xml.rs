//! What XML can't write is written otherwise, and what nests too deep is not read.

use std::borrow::Cow;

use catalog_core::{Error, ErrorCode, Result};
use oxrdf::{Literal, Term, Triple};
use quick_xml::Reader;
use quick_xml::events::Event;

/// The deepest nesting of elements: each level makes all further ones slower.
const MAX_DEPTH: usize = 1_000;

/// Refuses a document whose elements are nested too deep. Whether it is well formed, its parser says.
pub(crate) fn check_depth(document: &[u8]) -> Result<()> {
    let refused = |message: String| Err(Error::new(ErrorCode::InvalidInput, message));
    let Ok(text) = std::str::from_utf8(document) else {
        return refused("write the document in UTF-8".to_owned());
    };
    let (mut reader, mut depth) = (Reader::from_str(text), 0_usize);
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) if depth == MAX_DEPTH => {
                return refused(format!("the document is nested deeper than {MAX_DEPTH} levels"));
            }
            Ok(Event::Start(_)) => depth += 1,
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// Text of characters that XML 1.0 allows; others become U+FFFD.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    match text.chars().all(is_allowed) {
        true => Cow::Borrowed(text),
        false => {
            let shown = |letter| if is_allowed(letter) { letter } else { char::REPLACEMENT_CHARACTER };
            Cow::Owned(text.chars().map(shown).collect())
        }
    }
}

/// The triple with text that XML can write.
pub(crate) fn writable(triple: &Triple) -> Triple {
    let mut triple = triple.clone();
    if let Term::Literal(literal) = &triple.object
        && let Cow::Owned(value) = text(literal.value())
    {
        let literal = match literal.language() {
            Some(language) => Literal::new_language_tagged_literal_unchecked(value, language),
            None => Literal::new_typed_literal(value, literal.datatype().into_owned()),
        };
        triple.object = literal.into();
    }
    triple
}

fn is_allowed(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
