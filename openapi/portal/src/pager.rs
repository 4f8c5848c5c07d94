//! The way through a list that is longer than its page: each page begins behind the last line of the one before.

/// The ways from one page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// Back to the begin, where this page is not it.
    pub first: Option<String>,
    /// To what follows, if anything does.
    pub next: Option<String>,
}

impl Pager {
    /// For the page at an address, whose parameter `name` says behind what it begins; `next` is the last line of it, where more
    /// follow.
    pub fn of(address: &str, name: &str, next: Option<&str>) -> Self {
        let first = with_parameter(address, name, None);
        Self {
            next: next.map(|next| with_parameter(address, name, Some(next))),
            first: Some(first).filter(|first| first != address),
        }
    }
}

/// An address with another value of a parameter, or without it.
fn with_parameter(address: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let is_other = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(name);
    let mut pairs: Vec<_> = query.split('&').filter(is_other).map(str::to_owned).collect();
    pairs.extend(
        value.map(|value| form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()),
    );
    match pairs.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", pairs.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ways_keep_what_else_is_asked() {
        let pager = Pager::of("/desk/grants?q=%E5%A4%84&after=1.a&side=given", "after", Some("2.b&c"));
        assert_eq!(pager.first.as_deref(), Some("/desk/grants?q=%E5%A4%84&side=given"));
        assert_eq!(pager.next.as_deref(), Some("/desk/grants?q=%E5%A4%84&side=given&after=2.b%26c"));
        assert_eq!(Pager::of("/desk/people", "after", None), Pager::default());
        let other = Pager::of("/desk/reviews?afterwards=1", "after", None);
        assert_eq!(other, Pager::default(), "another parameter stays");
    }
}
