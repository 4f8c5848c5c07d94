//! The forms of our own pages: their templates quote every value and escape every text.

use std::ops::Range;

/// A form that changes something.
pub(super) struct Form {
    pub(super) controls: Vec<Control>,
}

/// What is typed or chosen in.
pub(super) struct Control {
    pub(super) name: String,
    /// What is sent for it if it is chosen.
    pub(super) value: String,
    pub(super) kind: Kind,
    /// The tag in the page; of a long text what stands in it.
    pub(super) range: Range<usize>,
    tag: Tag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Hidden,
    Long,
    Ticked,
    Choice,
    Button,
    /// A password or a file: nobody types it for them.
    Secret,
}

impl Control {
    pub(super) fn takes_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Hidden | Kind::Long)
    }

    /// The tag with one attribute set anew, or without it.
    pub(super) fn with(&self, name: &str, without: &[&str], value: Option<&str>) -> String {
        let mut out = format!("<{}", self.tag.name);
        for (other, value) in
            self.tag.attributes.iter().filter(|(other, _)| !without.contains(&other.as_str()))
        {
            out.push(' ');
            out.push_str(other);
            if let Some(value) = value {
                out.push_str(&format!("=\"{value}\""));
            }
        }
        match value {
            Some("") if name != "value" => out.push_str(&format!(" {name}")),
            Some(value) => out.push_str(&format!(" {name}=\"{value}\"")),
            None => {}
        }
        out + ">"
    }
}

/// The attributes of a tag by their names, their values as they are written.
type Attributes = Vec<(String, Option<String>)>;

/// A tag as it is written.
struct Tag {
    name: String,
    attributes: Attributes,
    range: Range<usize>,
}

impl Tag {
    /// The value of an attribute as people read it.
    fn of(&self, name: &str) -> Option<String> {
        let found = self.attributes.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| unescaped(value.as_deref().unwrap_or_default()))
    }
}

/// The forms of a page that post.
pub(super) fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let (mut is_inside, mut select, mut at) = (false, None, 0);
    while let Some(tag) = next_tag(page, at) {
        at = tag.range.end;
        match tag.name.as_str() {
            "form" => {
                is_inside = tag.of("method").is_some_and(|method| method == "post");
                if is_inside {
                    forms.push(Form { controls: Vec::new() });
                }
            }
            "/form" => is_inside = false,
            "select" => select = tag.of("name"),
            "/select" => select = None,
            _ if is_inside => {
                if let (Some(control), Some(form)) = (control(page, tag, select.as_deref()), forms.last_mut())
                {
                    at = at.max(control.range.end);
                    form.controls.push(control);
                }
            }
            _ => {}
        }
    }
    forms
}

fn control(page: &str, tag: Tag, select: Option<&str>) -> Option<Control> {
    let (name, value) = (tag.of("name"), tag.of("value"));
    let (kind, name, value, range) = match tag.name.as_str() {
        "input" => {
            let kind = match tag.of("type").as_deref() {
                Some("hidden") => Kind::Hidden,
                Some("checkbox" | "radio") => Kind::Ticked,
                Some("password" | "file") => Kind::Secret,
                Some("submit" | "button" | "image" | "reset") => Kind::Button,
                _ => Kind::Text,
            };
            let usual = if kind == Kind::Ticked { "on" } else { "" };
            (kind, name?, value.unwrap_or_else(|| usual.to_owned()), tag.range.clone())
        }
        "button" => (Kind::Button, name?, value.unwrap_or_default(), tag.range.clone()),
        "textarea" => {
            let end = tag.range.end + page[tag.range.end..].find("</textarea>")?;
            (Kind::Long, name?, String::new(), tag.range.end..end)
        }
        "option" => {
            let text = page[tag.range.end..].split('<').next().unwrap_or_default().trim();
            let value = value.unwrap_or_else(|| unescaped(text));
            (Kind::Choice, select?.to_owned(), value, tag.range.clone())
        }
        _ => return None,
    };
    Some(Control { name, value, kind, range, tag })
}

/// The next tag from a place on.
fn next_tag(page: &str, from: usize) -> Option<Tag> {
    let mut from = from;
    loop {
        let begin = from + page.get(from..)?.find('<')?;
        let rest = &page[begin + 1..];
        if !rest.starts_with(|letter: char| letter == '/' || letter.is_ascii_alphabetic()) {
            from = begin + 1;
            continue;
        }
        let length = rest.find(|letter: char| letter == '>' || letter.is_ascii_whitespace())?;
        let name = rest[..length].to_ascii_lowercase();
        let (attributes, end) = attributes(page, begin + 1 + length)?;
        return Some(Tag { name, attributes, range: begin..end });
    }
}

/// The attributes from behind a tag's name, and where the tag ends.
fn attributes(page: &str, from: usize) -> Option<(Attributes, usize)> {
    let (mut found, mut at) = (Vec::new(), from);
    loop {
        at += page[at..].find(|letter: char| !letter.is_ascii_whitespace() && letter != '/')?;
        let rest = &page[at..];
        if rest.starts_with('>') {
            return Some((found, at + 1));
        }
        let length =
            rest.find(|letter: char| letter == '=' || letter == '>' || letter.is_ascii_whitespace())?;
        let (name, behind) = rest.split_at(length);
        at += length;
        let value = match behind.strip_prefix("=\"") {
            Some(quoted) => {
                let end = quoted.find('"')?;
                at += 2 + end + 1;
                Some(quoted[..end].to_owned())
            }
            None if behind.starts_with('=') => {
                let end = behind.find(|letter: char| letter == '>' || letter.is_ascii_whitespace())?;
                at += end;
                Some(behind[1..end].to_owned())
            }
            None => None,
        };
        found.push((name.to_ascii_lowercase(), value));
    }
}

/// A text as it stands in HTML, between quotes too.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

/// The text of what templates have escaped.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(begin) = rest.find('&') {
        out.push_str(&rest[..begin]);
        rest = &rest[begin..];
        let end = rest.find(';').filter(|end| *end < 10);
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((letter, end)) => {
                out.push(letter);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
