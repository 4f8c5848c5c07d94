//! Header fields as RFC 9421 and RFC 9651 read them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use http::HeaderMap;
use sfv::visitor::{DictionaryVisitor, EntryVisitor, Ignored};
use sfv::{Dictionary, KeyRef, Parser};

use crate::AuthError;

/// Longest value of a field that a signature covers or consists of.
const MAX_FIELD_BYTES: usize = 8 * 1024;

/// The value of a field as signatures cover it: lines trimmed and joined (RFC 9421 section 2.1); `None` without lines.
pub(crate) fn field_value<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<Cow<'a, str>>, AuthError> {
    let too_large = || AuthError::TooLarge { field: name.to_owned(), limit: MAX_FIELD_BYTES };
    let mut joined: Option<Cow<'a, str>> = None;
    for line in headers.get_all(name) {
        let text = line.to_str().map_err(|_| AuthError::Component {
            component: format!("\"{name}\""),
            reason: "holds bytes that are not printable ASCII",
        })?;
        let text = text.trim_matches([' ', '\t']);
        joined = Some(match joined {
            None => Cow::Borrowed(text),
            Some(before) => Cow::Owned(format!("{before}, {text}")),
        });
        if joined.as_ref().is_some_and(|value| value.len() > MAX_FIELD_BYTES) {
            return Err(too_large());
        }
    }
    Ok(joined)
}

/// A field as a dictionary without duplicate members; `None` when it is absent.
pub(crate) fn dictionary(headers: &HeaderMap, name: &'static str) -> Result<Option<Dictionary>, AuthError> {
    let Some(text) = field_value(headers, name)? else { return Ok(None) };
    parse_dictionary(name, &text).map(Some)
}

/// RFC 9651 lets the last of two equal members win; for signatures that would be a way to show two readers two things.
pub(crate) fn parse_dictionary(name: &'static str, text: &str) -> Result<Dictionary, AuthError> {
    let malformed = |error: sfv::Error| AuthError::malformed(name, error.to_string());
    Parser::new(text).parse_dictionary_with_visitor(UniqueMembers::default()).map_err(malformed)?;
    Parser::new(text).parse().map_err(malformed)
}

#[derive(Default)]
struct UniqueMembers(BTreeSet<String>);

#[derive(Debug)]
struct DuplicateMember;

impl fmt::Display for DuplicateMember {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member stands twice")
    }
}

impl std::error::Error for DuplicateMember {}

impl<'de> DictionaryVisitor<'de> for UniqueMembers {
    type Out = ();
    type Error = DuplicateMember;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, DuplicateMember> {
        if self.0.insert(key.as_str().to_owned()) { Ok(Ignored) } else { Err(DuplicateMember) }
    }

    fn finish(self) -> Result<(), DuplicateMember> {
        Ok(())
    }
}
