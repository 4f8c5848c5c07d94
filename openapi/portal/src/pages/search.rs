//! Search with facets; the address keeps all of it.

use askama::Template;
use catalog_core::ResourceCode;
use catalog_core::directory::Department;
use catalog_core::ports::{self, SearchHit};

use crate::around::Around;
use crate::pages::directory::{Count, counts, topic};
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
    /// Where nothing was found: what may help.
    pub help: Option<&'a SearchHelp>,
}

/// What may help who has found nothing.
#[derive(Debug, Clone, Default)]
pub struct SearchHelp {
    /// Datasets whose names are like what was looked for, the likest first: code and name.
    pub alike: Vec<(ResourceCode, String)>,
    /// How many there are without the conditions.
    pub without_conditions: u64,
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

    /// What is chosen, by name, with the address where it is no longer.
    fn chosen_values(&self) -> Vec<(String, String)> {
        let facets = self.facets();
        let chosen = facets.into_iter().flat_map(|(_, values)| values).filter(|value| value.is_chosen);
        let mut named: Vec<_> = chosen.map(|value| (value.name, value.address)).collect();
        // Nothing was found, or what is chosen has no name: it still can be taken away.
        let fields = [
            ("classification", &self.chosen.topic),
            ("department", &self.chosen.department),
            ("opening", &self.chosen.opening),
            ("format", &self.chosen.format),
        ];
        for (field, value) in fields {
            let Some(value) = value else { continue };
            let Some((address, _)) = self.chosen.toggled(field, value) else { continue };
            if !named.iter().any(|(_, known)| *known == address) {
                named.push((self.named(field, value), address));
            }
        }
        named
    }

    fn named(&self, field: &str, value: &str) -> String {
        let department = |value: &str| self.departments.iter().find(|one| one.id.as_str() == value);
        match field {
            "department" => department(value).map_or_else(|| value.to_owned(), |one| one.name.clone()),
            "opening" => self.opening(value).to_owned(),
            "classification" => topic(value).unwrap_or_else(|| value.to_owned()),
            _ => value.to_owned(),
        }
    }

    /// Where the words are looked for without any condition.
    fn without_conditions(&self) -> String {
        self.chosen.words_alone().address()
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
