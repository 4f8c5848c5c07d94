//! Which of several representations a client prefers (RFC 9110 section 12.5.1).

use catalog_core::ErrorCode;
use http::{HeaderMap, StatusCode, header};

use crate::extract::essence;
use crate::problem::Refusal;

/// The offered representation of the greatest quality, the first of equals.
///
/// # Errors
/// 406 where the client accepts none of them.
pub(crate) fn negotiated<T: Copy>(headers: &HeaderMap, offered: &[(&str, T)]) -> Result<T, Refusal> {
    let fields = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accept = fields.collect::<Vec<_>>().join(",");
    let mut best: Option<(T, f32)> = None;
    for (media_type, representation) in offered {
        let quality = quality(&accept, media_type);
        if quality > best.as_ref().map_or(0.0, |(_, best)| *best) {
            best = Some((*representation, quality));
        }
    }
    best.map(|(representation, _)| representation).ok_or_else(|| {
        let names: Vec<_> = offered.iter().map(|(media_type, _)| *media_type).collect();
        let message = format!("offered are {}", names.join(", "));
        Refusal::with_status(StatusCode::NOT_ACCEPTABLE, ErrorCode::UnsupportedFormat, message)
    })
}

/// The quality that the most specific range gives to a media type; 0 where none names it.
fn quality(accept: &str, media_type: &str) -> f32 {
    if accept.trim().is_empty() {
        return 1.0;
    }
    let family = media_type.split('/').next().unwrap_or_default();
    let mut found = (0, 0.0);
    for range in accept.split(',') {
        let specificity = match essence(range).as_str() {
            "*/*" => 1,
            name if name.strip_suffix("/*") == Some(family) => 2,
            name if name == media_type => 3,
            _ => continue,
        };
        let given = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
        let quality = given.map_or(Some(1.0), |text| text.parse::<f32>().ok());
        let quality = quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(0.0);
        if specificity > found.0 {
            found = (specificity, quality);
        }
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_representation_wins() {
        let offered = [("text/html", 'h'), ("text/turtle", 't'), ("application/ld+json", 'j')];
        for (accept, wanted) in [
            ("", Some('h')),
            ("*/*", Some('h')),
            ("text/turtle", Some('t')),
            ("application/ld+json;q=0.9, text/turtle;q=0.4", Some('j')),
            ("text/html;q=0, text/*;q=0.5", Some('t')),
            ("application/*, text/html;q=0.5", Some('j')),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some('h')),
            ("image/png", None),
            ("text/turtle;q=nan, text/html;q=2", None),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(negotiated(&headers, &offered).ok(), wanted, "{accept}");
        }
    }
}
