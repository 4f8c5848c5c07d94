//! The directory by department and by topic.

use askama::Template;
use catalog_core::directory::{Department, classification};
use catalog_core::ports::Facet;

use crate::around::Around;
use crate::search::Chosen;

/// A part of the directory with the number of its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Its name.
    pub name: String,
    /// Where its resources are listed.
    pub address: String,
    /// How many there are.
    pub count: u64,
    /// Whether the reader has chosen it.
    pub is_chosen: bool,
}

/// All departments that provide something.
#[derive(Template)]
#[template(path = "departments.html")]
pub struct DepartmentsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The departments.
    pub departments: Vec<Count>,
}

/// The classification 类-项.
#[derive(Template)]
#[template(path = "topics.html")]
pub struct TopicsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// 类 with their 项.
    pub categories: Vec<(&'static str, Vec<Count>)>,
}

impl Count {
    /// Departments by their number of resources.
    pub fn departments(chosen: &Chosen, facets: &[Facet], departments: &[Department]) -> Vec<Self> {
        counts(chosen, facets, "department", |id| {
            departments.iter().find(|department| department.id.as_str() == id).map(|found| found.name.clone())
        })
    }

    /// Base items and topics, which the guide names, by their number of resources; what departments name themselves is left out.
    pub fn topics(chosen: &Chosen, facets: &[Facet]) -> Vec<Self> {
        counts(chosen, facets, "classification", topic)
    }

    /// 类 with their 项, in the guide's order.
    pub fn categories(facets: &[Facet]) -> Vec<(&'static str, Vec<Self>)> {
        let all = Self::topics(&Chosen::default(), facets);
        let of = |category: char| {
            let here =
                all.iter().filter(|count| count.address.contains(&format!("topic={category}"))).cloned();
            let mut here: Vec<_> = here.collect();
            here.sort_by(|one, other| one.address.cmp(&other.address));
            here
        };
        classification::CATEGORIES.iter().map(|(category, name)| (*name, of(*category))).collect()
    }
}

/// The name of a 项: `103`. Those of departments 部门信息资源 are found by department.
pub(crate) fn topic(code: &str) -> Option<String> {
    let name = classification::name_of(code.chars().next()?, code.get(1..3)?)?;
    Some(name.trim_end_matches("信息资源").to_owned())
}

/// The values of a field with their counts; what has no name is left out.
pub(crate) fn counts(
    chosen: &Chosen,
    facets: &[Facet],
    field: &str,
    name: impl Fn(&str) -> Option<String>,
) -> Vec<Count> {
    let counts = facets.iter().filter(|facet| facet.field == field).flat_map(|facet| &facet.counts);
    let count = |(value, count): &(String, u64)| {
        let (address, is_chosen) = chosen.toggled(field, value)?;
        Some(Count { name: name(value)?, address, count: *count, is_chosen })
    };
    counts.filter_map(count).collect()
}
