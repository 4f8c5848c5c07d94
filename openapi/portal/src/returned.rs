//! What somebody had typed when their session ended, back in the form of its page: shown as typed, and not done.
//!
//! The page is made as for anybody who opens it, and its HTML, which is our own, filled in. So each form takes back what it sent,
//! and no page needs to know of it.

use std::collections::{HashMap, HashSet};

use askama::Template as _;

use crate::around::Around;
use crate::pages::ReturnedNotice;
use crate::typed::Typed;

mod html;
#[cfg(test)]
mod tests;

use self::html::{Control, Form, Kind, escaped, forms};

/// Unseen fields that say from what a form was made, not for what thing it is.
const MADE_FROM: [&str; 2] = ["revision", "kept"];

/// What was sent, found by its names and values: a stranger says how many fields there are, so nothing goes through all of them
/// for each of a form's.
struct Sent<'s> {
    pairs: HashSet<(&'s str, &'s str)>,
    values: HashMap<&'s str, Vec<&'s str>>,
}

impl<'s> Sent<'s> {
    fn of(fields: &[(&'s str, &'s str)]) -> Self {
        let mut values: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, value) in fields {
            values.entry(*name).or_default().push(*value);
        }
        Self { pairs: fields.iter().copied().collect(), values }
    }

    /// Whether the control was sent with its value.
    fn has(&self, control: &Control) -> bool {
        self.pairs.contains(&(control.name.as_str(), control.value.as_str()))
    }

    /// How often the field was sent.
    fn times(&self, name: &str) -> usize {
        self.values.get(name).map_or(0, Vec::len)
    }
}

/// The page with what was typed in the form that sent it, and a word about it. What has no place there any more is shown beside it.
pub fn returned(page: &str, typed: &Typed, a: &Around) -> String {
    let fields: Vec<(&str, &str)> = typed.fields().collect();
    let sent = Sent::of(&fields);
    let forms = forms(page);
    let likest = forms.iter().map(|form| (likeness(form, &sent), form)).filter(|(likeness, _)| *likeness > 0);
    // Of two that are alike the first.
    let form = likest.rev().max_by_key(|(likeness, _)| *likeness).map(|(_, form)| form);
    let (filled, left) = match form {
        Some(form) => (fill(page, form, &sent), left(form, &fields)),
        None => (page.to_owned(), fields),
    };
    let left = left.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    let notice = ReturnedNotice { a, left }.render().unwrap_or_default();
    match filled.find("<main id=\"content\">") {
        Some(at) => {
            let (before, after) = filled.split_at(at + "<main id=\"content\">".len());
            [before, &notice, after].concat()
        }
        None => filled,
    }
}

/// How much a form is like the one that was sent: by the names of its fields, and by what it says unseen.
fn likeness(form: &Form, sent: &Sent) -> i32 {
    if is_for_another(form, sent) {
        return i32::MIN;
    }
    let filled = form.controls.iter().filter(|control| control.kind != Kind::Button);
    let names: HashSet<&str> = filled.map(|control| control.name.as_str()).collect();
    let named: usize = names.into_iter().map(|name| sent.times(name)).sum();
    let unseen = form.controls.iter().filter(|control| control.kind == Kind::Hidden);
    let unseen: i32 = unseen.map(|control| if sent.has(control) { 3 } else { -2 }).sum();
    let pressed = form.controls.iter().any(|control| control.kind == Kind::Button && sent.has(control));
    i32::try_from(named).unwrap_or(i32::MAX / 2) + unseen + if pressed { 5 } else { 0 }
}

/// Whether the form is for another thing than the one that was sent, such as the next row of a table whose own row has gone: what was
/// typed for one must not be done to another. A field of a place within the form, such as `0-mask-name`, is a part of its content.
fn is_for_another(form: &Form, sent: &Sent) -> bool {
    let mut naming = form.controls.iter().filter(|control| {
        control.kind == Kind::Hidden
            && !MADE_FROM.contains(&control.name.as_str())
            && !control.name.contains('-')
    });
    naming.any(|control| sent.times(&control.name) > 0 && !sent.has(control))
}

fn fill(page: &str, form: &Form, sent: &Sent) -> String {
    let (mut out, mut copied) = (String::with_capacity(page.len() + 1024), 0);
    let mut before: HashMap<&str, usize> = HashMap::new();
    for control in &form.controls {
        if let Some(written) = filled(control, sent, &mut before) {
            out.push_str(&page[copied..control.range.start]);
            out.push_str(&written);
            copied = control.range.end;
        }
    }
    out.push_str(&page[copied..]);
    out
}

/// The control with what was sent of it. Of those with one name that take a text each takes the next, after as many as stand before.
fn filled<'f>(control: &'f Control, sent: &Sent, before: &mut HashMap<&'f str, usize>) -> Option<String> {
    match control.kind {
        Kind::Text | Kind::Hidden | Kind::Long => {
            let taken = before.entry(&control.name).or_default();
            let value = sent.values.get(control.name.as_str()).and_then(|values| values.get(*taken).copied());
            *taken += 1;
            let value = escaped(value?);
            Some(match control.kind {
                Kind::Long => format!("\n{value}"),
                _ => control.with("value", &["value"], Some(&value)),
            })
        }
        Kind::Ticked | Kind::Choice => {
            let word = if control.kind == Kind::Ticked { "checked" } else { "selected" };
            let is_sent = control.kind == Kind::Ticked || sent.times(&control.name) > 0;
            is_sent.then(|| control.with(word, &[word], sent.has(control).then_some("")))
        }
        Kind::Button | Kind::Secret => None,
    }
}

/// What has no place in the form.
fn left<'s>(form: &Form, fields: &[(&'s str, &'s str)]) -> Vec<(&'s str, &'s str)> {
    let (mut texts, mut choices) = (HashMap::<&str, usize>::new(), HashSet::new());
    for control in &form.controls {
        if control.takes_text() {
            *texts.entry(&control.name).or_default() += 1;
        } else if control.kind != Kind::Secret {
            choices.insert((control.name.as_str(), control.value.as_str()));
        }
    }
    let mut before: HashMap<&str, usize> = HashMap::new();
    let has_no_place = |(name, value): &(&'s str, &'s str)| {
        let seen = before.entry(*name).or_default();
        *seen += 1;
        !choices.contains(&(*name, *value)) && *seen > texts.get(name).copied().unwrap_or(0)
    };
    fields.iter().copied().filter(has_no_place).collect()
}
