//! Byte ranges (RFC 9110 section 14): one range, or the whole. What can't be read, and several ranges at once, give the
//! whole, as the standard allows.

#[cfg(test)]
mod tests;

/// What a `range` field asks of a representation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it.
    Whole,
    /// These bytes; never empty, never beyond the end.
    Part(std::ops::Range<u64>),
    /// Bytes that are not there.
    Nothing,
}

/// Reads the field for a representation of `size` bytes.
pub(super) fn asked(field: Option<&str>, size: u64) -> Asked {
    let Some((start, end)) = field.and_then(parse) else { return Asked::Whole };
    match (start, end) {
        (Some(start), Some(end)) if start > end => Asked::Whole,
        (Some(start), _) if start >= size => Asked::Nothing,
        (Some(start), end) => Asked::Part(start..end.map_or(size, |end| end.saturating_add(1).min(size))),
        (None, Some(0)) => Asked::Nothing,
        (None, Some(_)) if size == 0 => Asked::Nothing,
        (None, Some(last)) => Asked::Part(size.saturating_sub(last)..size),
        (None, None) => Asked::Whole,
    }
}

/// `bytes=first-last`, `bytes=first-` or `bytes=-length`.
fn parse(field: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, spec) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    Some((number(first)?, number(last)?))
}
