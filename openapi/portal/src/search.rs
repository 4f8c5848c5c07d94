//! What is asked in the search page's address, and the addresses of its neighbours.

use std::collections::BTreeSet;

use catalog_core::ports::SearchQuery;
use catalog_core::{DepartmentId, Result};
use form_urlencoded::Serializer;

/// Hits on a page.
pub const PAGE_HITS: u32 = 20;
/// Pairs of letters of what was looked for that are compared with names.
const PAIRS: usize = 60;

/// What a reader has chosen. Its address names all of it, so it can be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Words.
    pub words: String,
    /// Prefix of the classification.
    pub topic: Option<String>,
    /// Provider.
    pub department: Option<String>,
    /// `open`, `conditional` or `closed`.
    pub opening: Option<String>,
    /// Format class.
    pub format: Option<String>,
    /// The page, from 1.
    pub page: u32,
}

impl Chosen {
    /// The query of the directory.
    ///
    /// # Errors
    /// `invalid_input` for a department whose name is none.
    pub fn query(&self) -> Result<SearchQuery> {
        Ok(SearchQuery {
            text: self.words.clone(),
            classification: self.topic.clone(),
            department: self.department.as_deref().map(DepartmentId::new).transpose()?,
            opening: self.opening.clone(),
            format: self.format.clone(),
            offset: self.page.saturating_sub(1).saturating_mul(PAGE_HITS),
            limit: PAGE_HITS,
            facets: true,
            ..SearchQuery::default()
        })
    }

    /// The address of the page that shows it.
    pub fn address(&self) -> String {
        let mut asked = Serializer::new(String::new());
        let page = (self.page > 1).then(|| self.page.to_string());
        let words = (!self.words.is_empty()).then_some(&self.words);
        let fields = [
            ("q", words),
            ("topic", self.topic.as_ref()),
            ("department", self.department.as_ref()),
            ("opening", self.opening.as_ref()),
            ("format", self.format.as_ref()),
            ("page", page.as_ref()),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                asked.append_pair(name, value);
            }
        }
        match asked.finish() {
            asked if asked.is_empty() => "/search".to_owned(),
            asked => format!("/search?{asked}"),
        }
    }

    /// The same words without any condition.
    pub fn words_alone(&self) -> Self {
        Self { words: self.words.clone(), page: 1, ..Self::default() }
    }

    /// Whether there are conditions beside the words.
    pub fn has_conditions(&self) -> bool {
        [&self.topic, &self.department, &self.opening, &self.format].iter().any(|one| one.is_some())
    }

    /// The address where a facet's value is chosen, or no longer, if it is.
    pub(crate) fn toggled(&self, field: &str, value: &str) -> Option<(String, bool)> {
        let mut next = Self { page: 1, ..self.clone() };
        let place = match field {
            "classification" => &mut next.topic,
            "department" => &mut next.department,
            "opening" => &mut next.opening,
            "format" => &mut next.format,
            _ => return None,
        };
        let is_chosen = place.as_deref() == Some(value);
        *place = (!is_chosen).then(|| value.to_owned());
        Some((next.address(), is_chosen))
    }

    /// The same on another page.
    pub(crate) fn on(&self, page: u32) -> String {
        Self { page, ..self.clone() }.address()
    }
}

/// Letters and digits of a text, all of them small.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Letters that stand beside each other.
fn pairs(text: &str) -> impl Iterator<Item = [char; 2]> {
    letters(text).zip(letters(text).skip(1)).map(|(one, next)| [one, next])
}

/// How alike names are to what was looked for, in thousandths: by the pairs of letters that both have. It bears another order, a
/// letter too many, and one that was mistyped. A directory has many names: each is read once, and nothing is kept of it.
pub fn likeness(words: &str) -> impl Fn(&str) -> u64 {
    let wanted: BTreeSet<[char; 2]> = pairs(words).take(PAIRS).collect();
    move |name: &str| {
        let (mut both, mut all) = (0, wanted.len() as u64);
        for pair in pairs(name) {
            all += 1;
            both += u64::from(wanted.contains(&pair));
        }
        (both * 2000 / all.max(1)).min(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_mistyped_are_alike() {
        let order = |words: &str| {
            let mut names =
                ["公交站点", "学校基本信息", "医疗卫生机构"].map(|name| (likeness(words)(name), name));
            names.sort_by_key(|(alike, _)| std::cmp::Reverse(*alike));
            names[0]
        };
        assert_eq!(order("公交车站点").1, "公交站点");
        assert_eq!(order("学校基本信习").1, "学校基本信息");
        assert_eq!(
            (likeness("公交站点")("公交站点"), likeness("公")("公交"), likeness("")("")),
            (1000, 0, 0)
        );
        assert_eq!(likeness("zzzz")("公交站点"), 0);
        assert_eq!(likeness("Bus-Stops")("bus stops"), 1000);
    }

    #[test]
    fn what_is_chosen_stands_in_the_address() {
        let chosen = Chosen { words: "学校 &lang=en".to_owned(), page: 3, ..Chosen::default() };
        assert_eq!(chosen.address(), "/search?q=%E5%AD%A6%E6%A0%A1+%26lang%3Den&page=3");
        let (with, is_chosen) = chosen.toggled("opening", "open").unwrap();
        assert_eq!(
            (with.as_str(), is_chosen),
            ("/search?q=%E5%AD%A6%E6%A0%A1+%26lang%3Den&opening=open", false)
        );
        let open = Chosen { opening: Some("open".to_owned()), page: 1, ..chosen };
        let (without, is_chosen) = open.toggled("opening", "open").unwrap();
        assert_eq!((without.as_str(), is_chosen), ("/search?q=%E5%AD%A6%E6%A0%A1+%26lang%3Den", true));
        assert_eq!(open.toggled("keyword", "x"), None);
        assert_eq!(open.query().unwrap().offset, 0);
    }
}
