//! Rules for all texts: they survive a spreadsheet unchanged and do nothing there.

use super::super::{Opening, Resource, Sharing};
use super::Findings;

/// The longest text of any field, in characters: well below a spreadsheet cell's 32,767.
const MAX_TEXT: usize = 4_000;
/// The longest name of a resource or item, in characters.
const MAX_NAME: usize = 200;

pub(super) fn check(resource: &Resource, found: &mut Findings) {
    name(&resource.title, "title", found);
    for (place, item) in resource.items.iter().enumerate() {
        name(&item.title, &format!("items[{place}].title"), found);
    }
    for (at, text) in free_texts(resource) {
        plain(text, &at, MAX_TEXT, found);
    }
}

fn name(text: &str, at: &str, found: &mut Findings) {
    found.expect(!text.is_empty(), at, "text.missing", "write a name");
    found.expect(!text.contains('\n'), at, "text.lines", "write the name on one line");
    plain(text, at, MAX_NAME, found);
}

fn plain(text: &str, at: &str, longest: usize, found: &mut Findings) {
    let trimmed = text.trim() == text;
    found.expect(trimmed, at, "text.trimmed", "remove the spaces at the start and end");
    let printable = !text.chars().any(|character| character.is_control() && character != '\n');
    found.expect(printable, at, "text.control", "remove control characters and tabs");
    let short = text.chars().count() <= longest;
    found.expect(short, at, "text.long", format!("write at most {longest} characters"));
    let harmless = !text.starts_with(['=', '+', '-', '@']);
    let message = "a text does not begin with = + - or @: a spreadsheet would run it as a formula";
    found.expect(harmless, at, "text.formula", message);
}

/// Every text that people write freely, with its place.
fn free_texts(resource: &Resource) -> Vec<(String, &str)> {
    let method = &resource.sharing_method;
    let single = [
        ("abstract", resource.summary.as_str()),
        ("format.class", &resource.format.class),
        ("format.kind", &resource.format.kind),
        ("format.other", &resource.format.other),
        ("sharing_method.class", &method.class),
        ("sharing_method.kind", &method.kind),
        ("business_matter", &resource.business_matter),
        ("sub_organisation", &resource.sub_organisation),
        ("open_topic", &resource.open_topic),
        ("licence", resource.licence.as_deref().unwrap_or_default()),
        ("contact", resource.contact.as_deref().unwrap_or_default()),
    ];
    let mut texts: Vec<_> = single.into_iter().map(|(at, text)| (at.to_owned(), text)).collect();
    for (list, at) in [(&resource.classification, "classification"), (&resource.keywords, "keywords")] {
        texts.extend(list.iter().enumerate().map(|(place, text)| (format!("{at}[{place}]"), text.as_str())));
    }
    for (place, item) in resource.items.iter().enumerate() {
        if let Sharing::Withheld { basis: text } | Sharing::Conditional { condition: text } = &item.sharing {
            texts.push((format!("items[{place}].sharing"), text));
        }
        if let Opening::Conditional { condition } = &item.opening {
            texts.push((format!("items[{place}].opening"), condition));
        }
    }
    texts
}
