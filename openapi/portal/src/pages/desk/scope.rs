//! What was proposed of an application, beside what was asked.

use catalog_core::directory::Resource;
use catalog_core::matter::{Ask, Content, Matter};
use catalog_core::policy::Filter;

use crate::around::Around;

/// One property of a scope, as it was asked and as it was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScopeLine {
    pub(crate) name: &'static str,
    pub(crate) asked: String,
    pub(crate) proposed: String,
}

impl ScopeLine {
    pub(crate) fn is_changed(&self) -> bool {
        self.asked != self.proposed
    }
}

/// The scope of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScopeTable {
    pub(crate) resource: String,
    /// What the resource is called, where the reader sees it.
    pub(crate) title: String,
    pub(crate) lines: Vec<ScopeLine>,
}

/// What was proposed in a matter, resource by resource; nothing where no scope was.
pub(crate) fn proposal(a: &Around<'_>, matter: &Matter, resources: &[&Resource]) -> Vec<ScopeTable> {
    let Content::Provision(part) = &matter.content else { return Vec::new() };
    let Some(proposed) = &part.proposed else { return Vec::new() };
    let table = |ask: &Ask| {
        let found = proposed.iter().find(|one| one.resource == ask.resource);
        let known = resources.iter().copied().find(|resource| resource.code == ask.resource);
        let title = known.map(|resource| resource.title.clone()).unwrap_or_default();
        let lines = Words { a, known }.compared(ask, found);
        ScopeTable { resource: ask.resource.to_string(), title, lines }
    };
    part.application.asks.iter().map(table).collect()
}

/// How a scope is said: items by their names.
struct Words<'a> {
    a: &'a Around<'a>,
    /// What the scope is of, where the reader sees it.
    known: Option<&'a Resource>,
}

impl Words<'_> {
    fn compared(&self, asked: &Ask, proposed: Option<&Ask>) -> Vec<ScopeLine> {
        let a = self.a;
        let Some(proposed) = proposed else {
            let (name, asked) = (named(a, "信息项", "Items"), self.items(asked));
            let nothing = a.say("不授予", "not granted").to_owned();
            return vec![ScopeLine { name, asked, proposed: nothing }];
        };
        let line = |chinese, english, of: &dyn Fn(&Ask) -> String| ScopeLine {
            name: named(a, chinese, english),
            asked: of(asked),
            proposed: of(proposed),
        };
        let doors = |ask: &Ask| self.joined(ask.doors.iter().map(|door| a.say_door(door).to_owned()));
        let mut lines = vec![
            line("信息项", "Items", &|ask| self.items(ask)),
            self.rows(asked.filter.as_ref(), proposed.filter.as_ref()),
            line("使用方式", "Doors", &doors),
            line("仅统计", "Statistics only", &|ask| self.statistics(ask)),
            line("使用义务", "Duties", &|ask| duties(a, ask)),
        ];
        // What neither of them has anything of is not worth a line.
        lines.retain(|line| !(line.asked.is_empty() && line.proposed.is_empty()));
        lines
    }

    /// What an item is called; its column where that is not known.
    fn title(&self, column: &str) -> String {
        let items = self.known.map(|resource| resource.items.as_slice()).unwrap_or_default();
        let found = items.iter().find(|item| item.column.as_str() == column);
        found.map_or(column, |item| &item.title).to_owned()
    }

    fn joined(&self, parts: impl Iterator<Item = String>) -> String {
        parts.collect::<Vec<_>>().join(self.a.say("、", ", "))
    }

    /// The items in the order of the directory, and with their masks.
    fn items(&self, ask: &Ask) -> String {
        let place = |column: &str| {
            let mut items = self.known.into_iter().flat_map(|resource| &resource.items);
            items.position(|item| item.column.as_str() == column)
        };
        let mut items = ask.items.clone();
        items.sort_by_key(|column| (place(column.as_str()), column.clone()));
        self.joined(items.iter().map(|column| {
            let title = self.title(column.as_str());
            let Some(mask) = ask.masks.get(column) else { return title };
            let [open, close] = if self.a.tag() == "en" { [" (", ")"] } else { ["（", "）"] };
            format!("{title}{open}{}{close}", self.a.say_mask(mask))
        }))
    }

    fn rows(&self, asked: Option<&Filter>, proposed: Option<&Filter>) -> ScopeLine {
        let words = |filter: Option<&Filter>| match filter {
            Some(filter) => self.a.say_filter(filter, &|column| self.title(column)),
            None => self.a.say("全部", "all").to_owned(),
        };
        let name = named(self.a, "行范围", "Rows");
        let line = ScopeLine { name, asked: words(asked), proposed: words(proposed) };
        if asked == proposed || line.is_changed() {
            return line;
        }
        // The exact text tells apart what the words do not.
        let exact = |words: String, filter: Option<&Filter>| {
            format!("{words} · {}", serde_json::to_string(&filter).unwrap_or_default())
        };
        let (asked, proposed) = (exact(line.asked, asked), exact(line.proposed, proposed));
        ScopeLine { name, asked, proposed }
    }

    fn statistics(&self, ask: &Ask) -> String {
        let Some(statistics) = &ask.statistics else { return String::new() };
        let measures = self.joined(statistics.measures.iter().map(|column| self.title(column.as_str())));
        let least = self.a.say("每组至少", "groups of at least");
        let subject = self.title(statistics.subject.as_str());
        format!("{least} {} · {subject} · {measures}", statistics.min_group)
    }
}

fn named(a: &Around<'_>, chinese: &'static str, english: &'static str) -> &'static str {
    if a.tag() == "en" { english } else { chinese }
}

fn duties(a: &Around<'_>, ask: &Ask) -> String {
    let matter = ask.demands_matter.then(|| a.say("注明办件号", "name a matter"));
    let operator = ask.demands_operator.then(|| a.say("注明经办人", "name the operator"));
    matter.into_iter().chain(operator).collect::<Vec<_>>().join(a.say("、", ", "))
}
