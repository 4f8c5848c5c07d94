//! Search with facets; the address keeps all of it.

use askama::Template;
use catalog_core::directory::Department;
use catalog_core::ports::{self, SearchHit};

use crate::around::Around;
use crate::pages::directory::{Count, counts};
use crate::search::{Chosen, PAGE_HITS};

/// Hits with what they can be narrowed by.
#[derive(Template)]
#[template(path = "search.html")]
pub struct SearchPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What the reader has chosen.
    pub chosen: &'a Chosen,
    /// What was found.
    pub found: &'a ports::SearchPage,
    /// The departments, for their names.
    pub departments: &'a [Department],
}

impl SearchPage<'_> {
    /// What the hits can be narrowed by: a field's name with its values.
    fn facets(&self) -> Vec<(&str, Vec<Count>)> {
        let facets = &self.found.facets;
        let opening = |value: &str| Some(self.opening(value).to_owned());
        vec![
            (self.a.say("开放属性", "Openness"), counts(self.chosen, facets, "opening", opening)),
            (self.a.say("主题", "Topic"), Count::topics(self.chosen, facets)),
            (self.a.say("提供部门", "Department"), Count::departments(self.chosen, facets, self.departments)),
            (
                self.a.say("格式", "Format"),
                counts(self.chosen, facets, "format", |value| Some(value.to_owned())),
            ),
        ]
    }

    fn opening(&self, value: &str) -> &str {
        match value {
            "open" => self.a.say("无条件开放", "Open"),
            "conditional" => self.a.say("有条件开放", "On application"),
            _ => self.a.say("不开放", "Not open"),
        }
    }

    fn department<'s>(&'s self, hit: &'s SearchHit) -> &'s str {
        let found = self.departments.iter().find(|department| department.id == hit.department);
        found.map_or(hit.department.as_str(), |department| &department.name)
    }

    fn page(&self) -> u32 {
        self.chosen.page.max(1)
    }

    fn last(&self) -> u32 {
        u32::try_from(self.found.total.div_ceil(u64::from(PAGE_HITS))).unwrap_or(u32::MAX).max(1)
    }

    fn previous(&self) -> Option<String> {
        (self.page() > 1).then(|| self.chosen.on(self.page() - 1))
    }

    fn next(&self) -> Option<String> {
        (self.page() < self.last()).then(|| self.chosen.on(self.page() + 1))
    }
}
