//! Under which conditions a file is asked for (RFC 9110 section 13), and in which coding (section 12.5.3).
//!
//! A file that was withdrawn gives way to an older one: so a date is compared for being the same, not for being later, and
//! none is told of a file in whose second another one could have been written.

use catalog_core::Timestamp;
use chrono::DateTime;
use http::{HeaderMap, HeaderName, header};

/// What the conditions of a request come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold, or there are none.
    Holds,
    /// The client has this very file.
    Known,
    /// The client wants another file than this.
    Failed,
}

/// What a file is known by: its strong entity tag, and when it was written where that can be told.
pub(crate) struct Validators {
    pub(crate) tag: String,
    pub(crate) modified: Option<Timestamp>,
}

impl Validators {
    pub(crate) fn new(digest: &exchange_crypto::Digest, written: Timestamp, now: Timestamp) -> Self {
        let is_settled = written.seconds() + 1 < now.seconds();
        Self { tag: format!("\"{digest}\""), modified: is_settled.then_some(written) }
    }

    /// The value of `last-modified`.
    pub(super) fn last_modified(&self) -> Option<String> {
        self.modified.map(http_date)
    }

    /// In the order of RFC 9110 section 13.2.2: a tag is asked before a date.
    pub(super) fn verdict(&self, headers: &HeaderMap) -> Verdict {
        if headers.contains_key(header::IF_MATCH) {
            if !matches(headers, header::IF_MATCH, &self.tag, false) {
                return Verdict::Failed;
            }
        } else if self.is_later_than(headers) {
            return Verdict::Failed;
        }
        let is_known = match headers.contains_key(header::IF_NONE_MATCH) {
            true => matches(headers, header::IF_NONE_MATCH, &self.tag, true),
            false => self.is_dated(headers, header::IF_MODIFIED_SINCE),
        };
        if is_known { Verdict::Known } else { Verdict::Holds }
    }

    /// Whether a range is to be honoured: `if-range`, where it stands, names this very file.
    pub(super) fn takes_range(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::IF_RANGE) {
            Some(value) => {
                value.as_bytes() == self.tag.as_bytes() || self.is_dated(headers, header::IF_RANGE)
            }
            None => true,
        }
    }

    fn is_dated(&self, headers: &HeaderMap, condition: HeaderName) -> bool {
        let stated = headers.get(condition).and_then(|value| value.to_str().ok());
        stated.is_some_and(|stated| self.last_modified().as_deref() == Some(stated.trim()))
    }

    fn is_later_than(&self, headers: &HeaderMap) -> bool {
        let stated = headers.get(header::IF_UNMODIFIED_SINCE).and_then(|value| value.to_str().ok());
        let stated = stated.and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        match (self.modified, stated) {
            (Some(modified), Some(stated)) => stated.timestamp() < modified.seconds(),
            _ => false,
        }
    }
}

/// Whether a condition (section 13.1) lists this very tag; by the weak comparison `W/` does not count.
pub(crate) fn matches(headers: &HeaderMap, condition: HeaderName, tag: &str, weak: bool) -> bool {
    let listed = headers.get_all(condition).iter().filter_map(|value| value.to_str().ok());
    let same = |one: &str| one.strip_prefix("W/").filter(|_| weak).unwrap_or(one) == tag;
    listed.flat_map(|value| value.split(',')).map(str::trim).any(|one| one == "*" || same(one))
}

/// A time as HTTP writes it (RFC 9110 section 5.6.7): `Sun, 22 Nov 2026 01:00:00 GMT`.
pub(crate) fn http_date(at: Timestamp) -> String {
    let time = DateTime::from_timestamp(at.seconds(), 0).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Whether the client takes gzip.
pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
    let listed = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let quality = |coding: &str| {
        let given = coding.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
        given.map_or(1.0, |text| text.trim().parse::<f32>().unwrap_or(0.0))
    };
    let mut named = None;
    let mut any = None;
    for coding in listed.flat_map(|value| value.split(',')) {
        match coding.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => named = Some(quality(coding)),
            "*" => any = Some(quality(coding)),
            _ => {}
        }
    }
    named.or(any).is_some_and(|quality| quality > 0.0)
}

#[cfg(test)]
mod tests {
    use exchange_crypto::Digest;

    use super::*;

    const WRITTEN: Timestamp = Timestamp(1_795_309_200_400_000);
    const DATE: &str = "Sun, 22 Nov 2026 01:00:00 GMT";

    fn fields(fields: &[(HeaderName, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn tags_come_before_dates_and_a_date_is_the_same_or_another() {
        use header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
        let file = Validators::new(&Digest::of(b"x"), WRITTEN, WRITTEN.plus_seconds(60));
        let tag = file.tag.clone();
        assert_eq!(file.last_modified().as_deref(), Some(DATE));
        let verdict = |given: &[(HeaderName, &str)]| file.verdict(&fields(given));
        let (later, earlier) = ("Sun, 22 Nov 2026 01:00:01 GMT", "Sun, 22 Nov 2026 00:59:59 GMT");
        assert_eq!(verdict(&[]), Verdict::Holds);
        assert_eq!(verdict(&[(IF_MATCH, &tag)]), Verdict::Holds);
        assert_eq!(verdict(&[(IF_MATCH, "\"other\""), (IF_NONE_MATCH, &tag)]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_NONE_MATCH, &format!("W/{tag}"))]), Verdict::Known);
        assert_eq!(verdict(&[(IF_NONE_MATCH, "\"other\""), (IF_MODIFIED_SINCE, DATE)]), Verdict::Holds);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, DATE)]), Verdict::Known);
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, later)]), Verdict::Holds, "an older file has come back");
        assert_eq!(verdict(&[(IF_MODIFIED_SINCE, "yesterday")]), Verdict::Holds);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, earlier)]), Verdict::Failed);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, later)]), Verdict::Holds);
        assert_eq!(verdict(&[(IF_UNMODIFIED_SINCE, "?")]), Verdict::Holds);
        let range = |value: &str| file.takes_range(&fields(&[(header::IF_RANGE, value)]));
        assert!(
            range(&tag) && range(DATE) && !range(later) && !range("\"other\"") && !range(&format!("W/{tag}"))
        );
        assert!(file.takes_range(&HeaderMap::new()));
    }

    #[test]
    fn a_file_of_this_very_second_has_no_date() {
        for (seconds, told) in [(0, false), (1, false), (2, true)] {
            let file = Validators::new(&Digest::of(b"x"), WRITTEN, WRITTEN.plus_seconds(seconds));
            assert_eq!(file.last_modified().is_some(), told, "{seconds}");
            assert_eq!(file.verdict(&fields(&[(header::IF_MODIFIED_SINCE, DATE)])) == Verdict::Known, told);
        }
    }

    #[test]
    fn gzip_is_taken_where_it_is_said() {
        let takes = |value: &str| takes_gzip(&fields(&[(header::ACCEPT_ENCODING, value)]));
        for yes in ["gzip", "deflate, gzip;q=0.5", "GZIP", "x-gzip", "*", "br, *;q=0.1"] {
            assert!(takes(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "*;q=1, gzip;q=0", "gzip;q=x", "br"] {
            assert!(!takes(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }
}
