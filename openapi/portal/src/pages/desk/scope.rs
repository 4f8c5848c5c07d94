//! What was proposed of an application, beside what was asked.

use catalog_core::matter::{Ask, Content, Matter};

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
    pub(crate) lines: Vec<ScopeLine>,
}

/// What was proposed in a matter, resource by resource; nothing where no scope was.
pub(crate) fn proposal(a: &Around<'_>, matter: &Matter) -> Vec<ScopeTable> {
    let Content::Provision(part) = &matter.content else { return Vec::new() };
    let Some(proposed) = &part.proposed else { return Vec::new() };
    let table = |ask: &Ask| {
        let found = proposed.iter().find(|one| one.resource == ask.resource);
        ScopeTable { resource: ask.resource.to_string(), lines: compared(a, ask, found) }
    };
    part.application.asks.iter().map(table).collect()
}

fn compared(a: &Around<'_>, asked: &Ask, proposed: Option<&Ask>) -> Vec<ScopeLine> {
    let Some(proposed) = proposed else {
        let (name, asked) = (named(a, "信息项", "Items"), items(a, asked));
        let nothing = a.say("不授予", "not granted").to_owned();
        return vec![ScopeLine { name, asked, proposed: nothing }];
    };
    let line = |chinese, english, of: &dyn Fn(&Ask) -> String| ScopeLine {
        name: named(a, chinese, english),
        asked: of(asked),
        proposed: of(proposed),
    };
    let mut lines = vec![
        line("信息项", "Items", &|ask| items(a, ask)),
        line("行范围", "Rows", &|ask| rows(a, ask)),
        line("使用方式", "Doors", &|ask| {
            ask.doors.iter().map(|door| a.say_door(door)).collect::<Vec<_>>().join("、")
        }),
        line("仅统计", "Statistics only", &|ask| statistics(a, ask)),
        line("使用义务", "Duties", &|ask| duties(a, ask)),
    ];
    // What neither of them has anything of is not worth a line.
    lines.retain(|line| !(line.asked.is_empty() && line.proposed.is_empty()));
    lines
}

fn named(a: &Around<'_>, chinese: &'static str, english: &'static str) -> &'static str {
    if a.tag() == "en" { english } else { chinese }
}

fn items(a: &Around<'_>, ask: &Ask) -> String {
    let mut items = ask.items.clone();
    items.sort();
    let item = |column: &catalog_core::ColumnName| match ask.masks.get(column) {
        Some(mask) => format!("{column}（{}）", a.say_mask(mask)),
        None => column.to_string(),
    };
    items.iter().map(item).collect::<Vec<_>>().join("、")
}

fn rows(a: &Around<'_>, ask: &Ask) -> String {
    let Some(filter) = &ask.filter else { return a.say("全部", "all").to_owned() };
    // The exact text tells apart what the words may not.
    let exact = serde_json::to_string(filter).unwrap_or_default();
    format!("{} · {exact}", a.say_filter(filter, &str::to_owned))
}

fn statistics(a: &Around<'_>, ask: &Ask) -> String {
    let Some(statistics) = &ask.statistics else { return String::new() };
    let measures: Vec<_> = statistics.measures.iter().map(ToString::to_string).collect();
    let least = a.say("每组至少", "groups of at least");
    format!("{least} {} · {} · {}", statistics.min_group, statistics.subject, measures.join("、"))
}

fn duties(a: &Around<'_>, ask: &Ask) -> String {
    let matter = ask.demands_matter.then(|| a.say("注明办件号", "name a matter"));
    let operator = ask.demands_operator.then(|| a.say("注明经办人", "name the operator"));
    matter.into_iter().chain(operator).collect::<Vec<_>>().join("、")
}
