//! What surrounds the content of every page.

use std::borrow::Cow;

use catalog_core::directory::Department;
use catalog_core::{Error, Timestamp};
use openapi_dcat::Site;

use crate::assets::asset;
use crate::identity::Identity;
use crate::messages::{name_of, told_naming};
use crate::refusals::{FIELDS_OF_PAGES, field, title_of};
use crate::words::english;

/// The language of interface texts. What departments write stays as they wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// 简体中文
    #[default]
    Chinese,
    /// English
    English,
}

impl Language {
    /// Reads `lang=en`; everything else is Chinese.
    pub fn read(parameter: Option<&str>) -> Self {
        if parameter == Some("en") { Self::English } else { Self::Chinese }
    }

    /// The tag by BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Chinese => "zh-CN",
            Self::English => "en",
        }
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    /// Their name.
    pub name: String,
    /// Whom they act for: a department's short name; nothing for developers and those who run the platform.
    pub department: Option<String>,
    /// The parts of the desk 工作台 that their roles open.
    pub parts: Vec<DeskPart>,
}

/// Sections of the desk that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeskPart {
    /// What they are for; empty where it needs no heading.
    pub chinese: &'static str,
    /// The same in English.
    pub english: &'static str,
    /// Address, Chinese and English name of each.
    pub sections: Vec<(&'static str, &'static str, &'static str)>,
}

/// What surrounds the content of every page.
#[derive(Debug, Clone)]
pub struct Around<'a> {
    /// The addresses of this server.
    pub site: &'a Site,
    /// Name and numbers of the portal.
    pub identity: &'a Identity,
    /// The reader's language.
    pub language: Language,
    /// The address of the page without its language: path, and what is asked.
    pub address: String,
    /// Who is signed in, if anybody is.
    pub visitor: Option<&'a Visitor>,
    /// Departments that services may speak of by their ids: pages say their names.
    pub departments: &'a [Department],
    /// Why what was sent was not done: the page says it above its content, and keeps what was typed.
    pub trouble: Option<Error>,
}

impl<'a> Around<'a> {
    /// For a reader of whom nothing is known.
    pub fn plain(
        site: &'a Site,
        identity: &'a Identity,
        language: Language,
        address: impl Into<String>,
    ) -> Self {
        let address = address.into();
        Self { site, identity, language, address, visitor: None, departments: &[], trouble: None }
    }

    /// The words of the reader's language.
    pub fn say<'w>(&self, chinese: &'w str, english: &'w str) -> &'w str {
        match self.language {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// The English name of a word of the directory's vocabularies, for readers of English. Other words stay Chinese.
    pub fn english(&self, word: &str) -> Option<&'static str> {
        (self.language == Language::English).then(|| english(word)).flatten()
    }

    /// The address of this page in Chinese, and in English.
    pub fn both(&self) -> [String; 2] {
        [Language::Chinese, Language::English]
            .map(|language| self.site.address(&in_language(&self.address, language)))
    }

    /// The tag of the reader's language.
    pub fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// An address of the portal, in the reader's language.
    pub fn to(&self, address: impl AsRef<str>) -> String {
        in_language(address.as_ref(), self.language)
    }

    /// This page in the other language.
    pub fn other(&self) -> String {
        let other = match self.language {
            Language::Chinese => Language::English,
            Language::English => Language::Chinese,
        };
        in_language(&self.address, other)
    }

    /// The address of a script that makes the page better, if this server was built with it. Pages work without.
    pub fn island(&self, name: &str) -> Option<String> {
        let file = format!("{name}.js");
        asset(&file).map(|_| format!("/assets/{file}"))
    }

    /// An icon beside words that say the same: a piece of HTML, empty if this server was built without icons. Their names are
    /// those in `islands/icons.txt`.
    pub fn icon(&self, name: &'static str) -> String {
        match asset("icons.svg") {
            Some(_) => {
                format!(
                    "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"/assets/icons.svg#{name}\"/></svg>"
                )
            }
            None => String::new(),
        }
    }

    /// One thing of another: 罚款金额合计, `Sum of …`.
    pub(crate) fn say_of(&self, of: &str, what: &str) -> String {
        match self.language {
            Language::Chinese => format!("{of}{what}"),
            Language::English => format!("{what} of {of}"),
        }
    }

    /// Whether the page stands in this section.
    pub fn is_at(&self, section: &str) -> bool {
        let path = self.address.split('?').next().unwrap_or_default();
        path == section || path.strip_prefix(section).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The name of the desk's section in which the page stands.
    pub(crate) fn desk_section(&self) -> &'static str {
        let parts = self.visitor.into_iter().flat_map(|visitor| &visitor.parts);
        let here = parts.flat_map(|part| &part.sections).find(|(address, ..)| self.is_at(address));
        here.map_or(self.say("工作台", "Desk"), |&(_, chinese, english)| self.say(chinese, english))
    }

    /// What kind of trouble an error is, in the reader's language.
    pub fn title(&self, error: &Error) -> &'static str {
        title_of(error.code, self.language)
    }

    /// What people call a field that the API calls so, in the reader's language.
    pub fn field(&self, at: &str) -> Option<&'static str> {
        let own = FIELDS_OF_PAGES.iter().find(|(page, name, ..)| *name == at && self.is_at(page));
        let named = own.map(|(.., chinese, english)| (*chinese, *english)).or_else(|| field(at));
        named.map(|(chinese, english)| self.say(chinese, english))
    }

    /// What a service has said, in the reader's language.
    pub fn told<'m>(&self, message: &'m str) -> Cow<'m, str> {
        self.in_one_language(told_naming(message, (self.language, self.departments)))
    }

    /// The name of a department by its id, where the page knows it.
    pub(crate) fn department<'n>(&'n self, id: &'n str) -> &'n str {
        name_of(id, self.departments)
    }

    /// A time as people write it, in Asia/Shanghai: `2026-11-23 09:30`.
    pub fn time(&self, at: &Timestamp) -> String {
        at.shanghai_text().chars().take(16).collect()
    }

    /// The portal's name.
    pub fn name(&self) -> &str {
        self.say(&self.identity.name, &self.identity.english_name)
    }

    /// The canonical address of this page, for search engines.
    pub fn canonical(&self) -> String {
        self.site.address(&self.to(&self.address))
    }

    /// A day as people write it, in Asia/Shanghai.
    pub fn day(&self, at: &Timestamp) -> String {
        at.shanghai_text().chars().take(10).collect()
    }

    /// The last day of a period that ends with this instant, excluded.
    pub fn day_before(&self, end: &Timestamp) -> String {
        self.day(&end.plus_seconds(-1))
    }

    /// A number with its thousands apart.
    pub fn number(&self, number: &u64) -> String {
        let digits = number.to_string();
        let mut out = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }

    /// A number as it fits a narrow column: from 100,000 on in ten thousands 万 or hundred millions 亿, in English in thousands and
    /// so on. It is rounded down, so that a part never looks like the whole.
    pub fn brief(&self, number: u64) -> String {
        let units: [(u64, &str); 2] = match self.language {
            Language::Chinese => [(100_000_000, "亿"), (10_000, "万")],
            Language::English => [(1_000_000, "m"), (1_000, "k")],
        };
        match units.into_iter().find(|(unit, _)| number >= 100_000 && number >= *unit) {
            Some((unit, name)) => {
                format!("{}.{}{name}", self.number(&(number / unit)), number % unit * 10 / unit)
            }
            None => self.number(&number),
        }
    }

    /// A size as people read it: `3.4 MB` of 10^6 bytes.
    pub fn size(&self, bytes: &u64) -> String {
        let (mut rest, mut unit) = (*bytes * 10, "B");
        for next in ["kB", "MB", "GB", "TB"] {
            if rest < 10_000 {
                break;
            }
            (rest, unit) = (rest / 1000, next);
        }
        match rest % 10 {
            0 => format!("{} {unit}", rest / 10),
            tenth => format!("{}.{tenth} {unit}", rest / 10),
        }
    }
}

/// A digest in parts of sixteen letters, between which a narrow column may break it: lines are equally long, and what is copied is
/// one word.
pub(crate) fn parts(digest: &str) -> impl Iterator<Item = &str> {
    let mut rest = digest;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(16).map_or(rest.len(), |(end, _)| end);
        let (part, behind) = rest.split_at(end);
        rest = behind;
        (!part.is_empty()).then_some(part)
    })
}

fn in_language(address: &str, language: Language) -> String {
    match language {
        Language::Chinese => address.to_owned(),
        Language::English if address.contains('?') => format!("{address}&lang=en"),
        Language::English => format!("{address}?lang=en"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_readable() {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let around = Around::plain(&site, &identity, Language::Chinese, "/");
        assert_eq!(around.number(&0), "0");
        assert_eq!(around.number(&999), "999");
        assert_eq!(around.number(&27_118_626), "27,118,626");
        let brief = [99_999, 100_000, 27_118_626, 1_234_567_890].map(|number| around.brief(number));
        assert_eq!(brief, ["99,999", "10.0万", "2,711.8万", "12.3亿"]);
        assert_eq!(around.size(&999), "999 B");
        assert_eq!(around.size(&3_449_999), "3.4 MB");
        assert_eq!(around.size(&2_000_000_000), "2 GB");
    }

    #[test]
    fn a_digest_breaks_in_equal_parts() {
        let digest = "0123456789abcdef".repeat(4);
        assert_eq!(parts(&digest).collect::<Vec<_>>(), ["0123456789abcdef"; 4]);
        assert_eq!(parts("数据").collect::<Vec<_>>(), ["数据"]);
        assert_eq!(parts("").count(), 0);
    }

    #[test]
    fn states_and_steps_are_told_in_one_language() {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let mut around = Around::plain(&site, &identity, Language::Chinese, "/");
        assert_eq!(around.told("registration_review 登记审核中, withdraw 撤销"), "登记审核中, 撤销");
        around.language = Language::English;
        assert_eq!(
            around.told("registration_review 登记审核中, withdraw 撤销"),
            "registration review, withdraw"
        );
    }

    #[test]
    fn the_other_language_is_the_same_page() {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let mut around = Around::plain(&site, &identity, Language::Chinese, "/search?q=a");
        assert_eq!(around.other(), "/search?q=a&lang=en");
        around.language = Language::English;
        assert_eq!(around.other(), "/search?q=a");
        assert_eq!(around.to("/departments"), "/departments?lang=en");
        assert_eq!(Language::read(Some("fr")), Language::Chinese);
    }
}
