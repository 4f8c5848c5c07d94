//! What services and doors say, in the reader's language: the catalogue `words/zh_CN.po`, in the format of GNU gettext.
//!
//! A message travels as the text that the core has written, with its values in it: programs, logs and pages read the same. It is
//! known again here by what stands between the values. Nothing is shown in the other language that can be read in two ways.
//!
//! The texts of the API's document stand in a catalogue of their own, `words/api.zh_CN.po`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use catalog_core::directory::Department;

use crate::around::Language;

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::of(&entries(include_str!("../words/zh_CN.po"))));

/// Texts of the API's document, which hold no values, and their Chinese.
static DESCRIPTIONS: LazyLock<HashMap<String, String>> =
    LazyLock::new(|| entries(include_str!("../words/api.zh_CN.po")).into_iter().collect());

/// How deep a message stands in a message.
const DEEPEST: usize = 3;

/// A message in the reader's language, or as it came where the catalogue does not know it. Values stay as they are.
///
/// It takes time by the length of the text alone, whatever stands in it.
pub fn told(message: &str, language: Language) -> Cow<'_, str> {
    told_naming(message, (language, &[]))
}

/// The same, with departments by their names where the catalogue says that a value is the id of one.
pub(crate) fn told_naming<'m>(message: &'m str, reader: Reader<'_>) -> Cow<'m, str> {
    told_to(message, reader, DEEPEST)
}

/// The language of who reads, and the departments that they know by name.
pub(crate) type Reader<'d> = (Language, &'d [Department]);

fn told_to<'m>(message: &'m str, reader: Reader<'_>, depth: usize) -> Cow<'m, str> {
    let pairs = match reader.0 {
        Language::Chinese => &CATALOGUE.to_chinese,
        Language::English => &CATALOGUE.to_english,
    };
    for pair in pairs {
        match pair.from.values(message) {
            Found::Nothing => {}
            Found::TwoWays => return message.into(),
            Found::Values(values) => return pair.to.filled(&values, reader, depth).into(),
        }
    }
    message.into()
}

/// Whether the catalogue has a message in these words, `{}` where values stand: in English or in Chinese.
pub fn is_known(words: &str) -> bool {
    let has = |pairs: &[Pair]| pairs.iter().any(|pair| pair.from.is(words));
    has(&CATALOGUE.to_chinese) || has(&CATALOGUE.to_english)
}

/// A text of the API's document in Chinese, if the catalogue of these has it.
pub(crate) fn described(text: &str) -> Option<&'static str> {
    DESCRIPTIONS.get(text).map(String::as_str)
}

/// All texts of the API's document in English and in Chinese.
#[cfg(test)]
pub(crate) fn descriptions() -> impl Iterator<Item = (&'static str, &'static str)> {
    DESCRIPTIONS.iter().map(|(english, chinese)| (english.as_str(), chinese.as_str()))
}

/// The messages of the catalogue in both directions, those with most words first.
struct Catalogue {
    to_chinese: Vec<Pair>,
    to_english: Vec<Pair>,
}

/// A message in the language that it comes in, and in the reader's.
struct Pair {
    from: Pattern,
    to: Text,
}

impl Catalogue {
    fn of(entries: &[(String, String)]) -> Self {
        let both = |(english, chinese): &(String, String)| {
            let chinese = Text::of(chinese);
            (Text::of(english).with_departments_of(&chinese), chinese)
        };
        let texts: Vec<_> = entries.iter().map(both).collect();
        let pairs = |chosen: fn(&(Text, Text)) -> (&Text, &Text)| {
            let pair = |texts| {
                let (from, to) = chosen(texts);
                Pattern::of(from).map(|from| Pair { from, to: to.clone() })
            };
            let mut pairs: Vec<_> = texts.iter().filter_map(pair).collect();
            pairs.sort_by_key(|pair| std::cmp::Reverse(pair.from.weight()));
            pairs
        };
        let mut to_english = pairs(|(english, chinese)| (chinese, english));
        // An English message stays as it is, but for its departments.
        let with_names = pairs(|(english, _)| (english, english)).into_iter();
        to_english.extend(with_names.filter(|pair| pair.to.departments().next().is_some()));
        to_english.sort_by_key(|pair| std::cmp::Reverse(pair.from.weight()));
        Self { to_chinese: pairs(|(english, chinese)| (english, chinese)), to_english }
    }
}

/// A text with places for values.
#[derive(Clone)]
struct Text(Vec<Part>);

#[derive(Clone)]
enum Part {
    Words(String),
    /// A value by its number from 0 on.
    Value(usize, Kind),
}

/// How a value is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it is.
    Plain,
    /// As a message, which it is itself.
    Message,
    /// By the name of the department whose id it is.
    Department,
}

impl Text {
    /// Reads `{}`, `{2}`, `{2!}` and `{2@}`; other braces are words.
    fn of(written: &str) -> Self {
        let (mut parts, mut words, mut rest, mut next) = (Vec::new(), String::new(), written, 0);
        while let Some(open) = rest.find('{') {
            let (before, from) = rest.split_at(open);
            words.push_str(before);
            let inside = from.find('}').map(|close| (&from[1..close], &from[close + 1..]));
            match inside.and_then(|(inside, after)| Some((place(inside, next)?, after))) {
                Some(((value, kind), after)) => {
                    if !words.is_empty() {
                        parts.push(Part::Words(std::mem::take(&mut words)));
                    }
                    parts.push(Part::Value(value, kind));
                    (next, rest) = (next + 1, after);
                }
                None => {
                    words.push('{');
                    rest = &from[1..];
                }
            }
        }
        words.push_str(rest);
        if !words.is_empty() {
            parts.push(Part::Words(words));
        }
        Self(parts)
    }

    /// The same with departments where the other text has them.
    fn with_departments_of(mut self, other: &Self) -> Self {
        for part in &mut self.0 {
            if let Part::Value(number, kind) = part
                && other.departments().any(|department| department == *number)
            {
                *kind = Kind::Department;
            }
        }
        self
    }

    /// The numbers of the values that are departments.
    fn departments(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter_map(|part| match part {
            Part::Value(number, Kind::Department) => Some(*number),
            Part::Value(..) | Part::Words(_) => None,
        })
    }

    /// The text with values in their places.
    fn filled(&self, values: &[(usize, &str)], reader: Reader<'_>, depth: usize) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Words(words) => out.push_str(words),
                Part::Value(wanted, kind) => {
                    let found = values.iter().find(|(number, _)| number == wanted);
                    let value = found.map(|(_, value)| *value).unwrap_or_default();
                    match kind {
                        Kind::Message if depth > 0 => out.push_str(&told_to(value, reader, depth - 1)),
                        Kind::Department => out.push_str(name_of(value, reader.1)),
                        Kind::Plain | Kind::Message => out.push_str(value),
                    }
                }
            }
        }
        out
    }
}

fn place(inside: &str, next: usize) -> Option<(usize, Kind)> {
    let (number, kind) = match (inside.strip_suffix('!'), inside.strip_suffix('@')) {
        (Some(number), _) => (number, Kind::Message),
        (_, Some(number)) => (number, Kind::Department),
        _ => (inside, Kind::Plain),
    };
    match number {
        "" => Some((next, kind)),
        number => number.parse::<usize>().ok()?.checked_sub(1).map(|number| (number, kind)),
    }
}

pub(crate) fn name_of<'n>(id: &'n str, departments: &'n [Department]) -> &'n str {
    let found = departments.iter().find(|department| department.id.as_str() == id);
    found.map_or(id, |department| department.name.as_str())
}

/// What a text of the catalogue looks like with values in it.
struct Pattern {
    /// What stands before, between and behind the values: one more than there are values.
    words: Vec<String>,
    /// The numbers of the values, in the order in which they stand here.
    values: Vec<usize>,
}

/// What a text holds, read by a pattern.
enum Found<'t> {
    Nothing,
    /// The values could begin and end elsewhere.
    TwoWays,
    Values(Vec<(usize, &'t str)>),
}

impl Pattern {
    /// Nothing tells values apart that stand side by side, and nothing is known by values alone.
    fn of(text: &Text) -> Option<Self> {
        let (mut words, mut values) = (vec![String::new()], Vec::new());
        for part in &text.0 {
            match part {
                Part::Words(more) => words.last_mut()?.push_str(more),
                Part::Value(number, _) => {
                    values.push(*number);
                    words.push(String::new());
                }
            }
        }
        let inner = words.iter().skip(1).take(values.len().saturating_sub(1));
        let is_clear =
            inner.clone().all(|words| !words.is_empty()) && words.iter().any(|words| !words.is_empty());
        is_clear.then_some(Self { words, values })
    }

    /// How many words tell it from others.
    fn weight(&self) -> usize {
        self.words.iter().map(String::len).sum()
    }

    fn is(&self, written: &str) -> bool {
        self.words.join("{}") == written
    }

    /// The values of a text. What stands between them is looked for from the left and from the right: where both find it at the same
    /// places, there is no other way to read the text.
    fn values<'t>(&self, text: &'t str) -> Found<'t> {
        let [before, inner @ .., behind] = self.words.as_slice() else {
            let is_same = self.words.first().is_some_and(|words| words == text);
            return if is_same { Found::Values(Vec::new()) } else { Found::Nothing };
        };
        let Some(middle) =
            text.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(behind.as_str()))
        else {
            return Found::Nothing;
        };
        let (Some(first), Some(last)) = (from_left(middle, inner), from_right(middle, inner)) else {
            return Found::Nothing;
        };
        if first != last {
            return Found::TwoWays;
        }
        let mut begin = 0;
        let mut values = Vec::with_capacity(self.values.len());
        for (place, number) in self.values.iter().enumerate() {
            let end = first.get(place).copied().unwrap_or(middle.len());
            values.push((*number, &middle[begin..end]));
            begin = end + inner.get(place).map_or(0, String::len);
        }
        Found::Values(values)
    }
}

fn from_left(text: &str, words: &[String]) -> Option<Vec<usize>> {
    let mut begin = 0;
    let find = |words: &String| {
        let at = begin + text[begin..].find(words.as_str())?;
        begin = at + words.len();
        Some(at)
    };
    words.iter().map(find).collect()
}

fn from_right(text: &str, words: &[String]) -> Option<Vec<usize>> {
    let mut end = text.len();
    let find = |words: &String| {
        end = text[..end].rfind(words.as_str())?;
        Some(end)
    };
    let mut found: Vec<usize> = words.iter().rev().map(find).collect::<Option<_>>()?;
    found.reverse();
    Some(found)
}

/// The messages of a PO file, English and Chinese; one that is not translated is left out.
fn entries(file: &str) -> Vec<(String, String)> {
    let (mut entries, mut english, mut chinese, mut is_chinese) =
        (Vec::new(), String::new(), String::new(), false);
    // One message more than there are, so that the last one ends too.
    for line in file.lines().chain(["msgid \"\""]) {
        let (keyword, quoted) = line.split_at(line.find('"').unwrap_or(line.len()));
        match keyword.trim() {
            "msgid" => {
                let (english, chinese) = (std::mem::take(&mut english), std::mem::take(&mut chinese));
                if !english.is_empty() && !chinese.is_empty() {
                    entries.push((english, chinese));
                }
                is_chinese = false;
            }
            "msgstr" => is_chinese = true,
            "" => {}
            _ => continue,
        }
        let into = if is_chinese { &mut chinese } else { &mut english };
        into.push_str(&unquoted(quoted));
    }
    entries
}

fn unquoted(quoted: &str) -> String {
    let inside = quoted.trim().trim_start_matches('"');
    let inside = inside.strip_suffix('"').unwrap_or(inside);
    let (mut out, mut letters) = (String::with_capacity(inside.len()), inside.chars());
    while let Some(letter) = letters.next() {
        match (letter, letter == '\\') {
            (_, true) => match letters.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some(other) => out.push(other),
                None => {}
            },
            (letter, false) => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod tests;
