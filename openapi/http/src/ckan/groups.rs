//! Departments as organizations, the 项 of the classification as groups, keywords as tags.

use std::collections::HashMap;

use catalog_core::directory::Department;
use catalog_core::ports::{Condition, Facet, SearchField, SearchOrder, SearchQuery};
use catalog_core::{DepartmentId, Error, ErrorCode, Result};
use serde_json::{Value, json};

use super::Call;
use super::arguments::{Arguments, invalid};
use super::packages::{departments, group, group_title, organization, packages, part, tag};
use super::search::found;
use crate::problem::Refusal;

/// Packages that an organization, group or tag is shown with.
const SHOWN_PACKAGES: u64 = 10;
/// Names that a completion gives.
const COMPLETED: u64 = 20;

/// How many datasets each value of a facet has.
async fn counts(call: &Call, field: &str) -> Result<Vec<(String, u64)>> {
    let words = field == "keyword";
    let query = SearchQuery { facets: !words, word_facets: words, ..SearchQuery::default() };
    let page = call.app.services.codes(&call.ctx, query).await?;
    Ok(page
        .facets
        .into_iter()
        .filter(|facet: &Facet| facet.field == field)
        .flat_map(|facet| facet.counts)
        .collect())
}

fn having(field: SearchField, value: &str) -> SearchQuery {
    let condition = Condition { field, value: value.to_owned(), negated: false };
    SearchQuery { conditions: vec![vec![condition]], order: SearchOrder::Code, ..SearchQuery::default() }
}

/// What a 项 is called, if the caller's directory lists anything of it.
pub(super) async fn title_of(call: &Call, id: &str) -> Result<Option<String>> {
    let is_group = id.len() == 3 && id.bytes().all(|digit| digit.is_ascii_digit());
    if !is_group {
        return Ok(None);
    }
    let found = found(call, having(SearchField::Classification, id), 0, 1).await?;
    match found.codes.first() {
        None => Ok(None),
        Some(code) => Ok(Some(group_title(&call.app.services.resource(&call.ctx, code).await?))),
    }
}

async fn organizations(call: &Call) -> Result<Vec<Value>> {
    let counts: HashMap<_, _> = counts(call, "department").await?.into_iter().collect();
    let all = call.app.services.departments(&call.ctx).await?;
    let counted = |department: &Department| {
        let mut one = organization(department);
        one["package_count"] = counts.get(department.id.as_str()).copied().unwrap_or(0).into();
        one
    };
    Ok(all.iter().map(counted).collect())
}

async fn groups(call: &Call) -> Result<Vec<Value>> {
    let mut groups = Vec::new();
    for (id, count) in counts(call, "classification").await? {
        let title = title_of(call, &id).await?.unwrap_or_else(|| id.clone());
        let mut one = group(&id, &title);
        one["package_count"] = count.into();
        groups.push(one);
    }
    Ok(groups)
}

pub(super) async fn list_organizations(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    let wanted = Wanted::read(given, "organizations")?;
    Ok(wanted.of(organizations(call).await?))
}

pub(super) async fn list_groups(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    let wanted = Wanted::read(given, "groups")?;
    Ok(wanted.of(groups(call).await?))
}

/// What a list is asked for.
struct Wanted {
    named: Vec<String>,
    all_fields: bool,
    sort: (&'static str, bool),
    offset: Option<u64>,
    limit: Option<u64>,
}

impl Wanted {
    fn read(mut given: Arguments, names: &str) -> Result<Self, Refusal> {
        let sort = given.text("sort")?.unwrap_or_else(|| "name asc".to_owned());
        let wanted = Self {
            named: given.texts(names, Some(','))?,
            all_fields: given.flag("all_fields")?.unwrap_or(false),
            sort: sort_of(&sort).ok_or_else(|| invalid("sort", "sort by name, title or package_count"))?,
            offset: given.count("offset")?,
            limit: given.count("limit")?,
        };
        given.flag("include_dataset_count")?;
        given.finish()?;
        Ok(wanted)
    }

    fn of(self, mut all: Vec<Value>) -> Value {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let name = |one: &Value| text(&one["name"]).unwrap_or_default();
        if !self.named.is_empty() {
            all.retain(|one| self.named.contains(&name(one)));
        }
        let (field, descending) = self.sort;
        all.sort_by(|a, b| {
            let order = match field {
                "package_count" => a[field].as_u64().cmp(&b[field].as_u64()),
                _ => a[field].as_str().cmp(&b[field].as_str()),
            };
            if descending { order.reverse() } else { order }
        });
        let chosen = part(all.into_iter(), self.offset, self.limit);
        match self.all_fields {
            true => chosen.collect(),
            false => chosen.map(|one| one["name"].clone()).collect(),
        }
    }
}

fn sort_of(text: &str) -> Option<(&'static str, bool)> {
    let mut words = text.split_whitespace();
    let field = match words.next()? {
        "name" => "name",
        "title" => "title",
        "package_count" | "packages" => "package_count",
        _ => return None,
    };
    match (words.next(), words.next()) {
        (None | Some("asc"), None) => Some((field, false)),
        (Some("desc"), None) => Some((field, true)),
        _ => None,
    }
}

pub(super) async fn show_organization(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    let with_packages = shows_packages(&mut given)?;
    given.finish()?;
    let missing = || Error::new(ErrorCode::NotFound, "there is no department of that name");
    let id = DepartmentId::new(id).map_err(|_| missing())?;
    let departments = departments(call).await?;
    let shown = organization(departments.get(&id).ok_or_else(missing)?);
    let query = having(SearchField::Department, id.as_str());
    Ok(with(call, shown, query, with_packages).await?)
}

pub(super) async fn show_group(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    let with_packages = shows_packages(&mut given)?;
    given.finish()?;
    let title = title_of(call, &id).await?.ok_or_else(no_group)?;
    Ok(with(call, group(&id, &title), having(SearchField::Classification, &id), with_packages).await?)
}

pub(super) async fn show_tag(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    let with_packages = shows_packages(&mut given)?;
    given.finish()?;
    let shown = with(call, tag(&id), having(SearchField::Keyword, &id), with_packages).await?;
    match shown["package_count"].as_u64() {
        Some(0) => Err(Error::new(ErrorCode::NotFound, "there is no keyword of that name").into()),
        _ => Ok(shown),
    }
}

fn no_group() -> Error {
    Error::new(ErrorCode::NotFound, "a group is a 项 of the classification that lists something: 301")
}

fn shows_packages(given: &mut Arguments) -> Result<bool, Refusal> {
    given.flag("include_dataset_count")?;
    Ok(given.flag("include_datasets")?.unwrap_or(false))
}

/// What is shown, with the number of its datasets, and the first of them.
async fn with(call: &Call, mut shown: Value, query: SearchQuery, with_packages: bool) -> Result<Value> {
    let found = found(call, query, 0, SHOWN_PACKAGES).await?;
    shown["package_count"] = found.total.into();
    shown["users"] = json!([]);
    shown["extras"] = json!([]);
    if with_packages {
        shown["packages"] = packages(call, &found.codes).await?.into();
    }
    Ok(shown)
}

pub(super) async fn list_packages(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let id = given.needed("id")?;
    let limit =
        given.count("limit")?.unwrap_or(super::packages::MAX_PACKAGES).min(super::packages::MAX_PACKAGES);
    let offset = given.count("offset")?.unwrap_or(0);
    given.finish()?;
    title_of(call, &id).await?.ok_or_else(no_group)?;
    let found = found(call, having(SearchField::Classification, &id), offset, limit).await?;
    Ok(packages(call, &found.codes).await?.into())
}

/// The keywords that hold a text, by name.
async fn tags(call: &Call, part_of: &str) -> Result<Vec<String>> {
    let part_of = part_of.to_lowercase();
    let all = counts(call, "keyword").await?.into_iter().map(|(word, _)| word);
    let mut words: Vec<String> = all.filter(|word| word.to_lowercase().contains(&part_of)).collect();
    words.sort();
    Ok(words)
}

pub(super) async fn list_tags(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let part_of = given.text("query")?.unwrap_or_default();
    let all_fields = given.flag("all_fields")?.unwrap_or(false);
    no_vocabulary(&mut given)?;
    given.finish()?;
    let words = tags(call, &part_of).await?.into_iter();
    match all_fields {
        true => Ok(words.map(|word| tag(&word)).collect()),
        false => Ok(words.map(Value::from).collect()),
    }
}

pub(super) async fn search_tags(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let terms = given.texts("query", None)?;
    let (offset, limit) = (given.count("offset")?, given.count("limit")?);
    no_vocabulary(&mut given)?;
    given.finish()?;
    let [term] = terms.as_slice() else {
        return Err(invalid("query", "send one part of a keyword"));
    };
    let words = tags(call, term).await?;
    let count = words.len();
    let results: Vec<_> = part(words.into_iter(), offset, limit).map(|word| tag(&word)).collect();
    Ok(json!({ "count": count, "results": results }))
}

fn no_vocabulary(given: &mut Arguments) -> Result<(), Refusal> {
    match given.text("vocabulary_id")?.filter(|id| !id.is_empty()) {
        Some(_) => {
            Err(Error::new(ErrorCode::NotFound, "there are no vocabularies: keywords are free").into())
        }
        None => Ok(()),
    }
}

pub(super) async fn complete_tag(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let part_of = match given.text("query")? {
        Some(text) => text,
        None => given.text("q")?.unwrap_or_default(),
    };
    let limit = given.count("limit")?.unwrap_or(COMPLETED);
    no_vocabulary(&mut given)?;
    given.finish()?;
    let words = tags(call, &part_of).await?;
    Ok(part(words.into_iter(), None, Some(limit)).map(Value::from).collect())
}

pub(super) async fn complete_organization(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    completed(given, || organizations(call)).await
}

pub(super) async fn complete_group(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    completed(given, || groups(call)).await
}

/// Those that are called like a text.
async fn completed<F: Future<Output = Result<Vec<Value>>>>(
    mut given: Arguments,
    all: impl FnOnce() -> F,
) -> Result<Value, Refusal> {
    let part_of = given.text("q")?.unwrap_or_default().to_lowercase();
    let limit = given.count("limit")?.unwrap_or(COMPLETED);
    given.finish()?;
    let is_called = |one: &Value| {
        ["name", "title"]
            .iter()
            .any(|field| one[*field].as_str().unwrap_or_default().to_lowercase().contains(&part_of))
    };
    let line = |one: Value| json!({ "id": one["id"], "name": one["name"], "title": one["title"] });
    let all = all().await?.into_iter().filter(is_called);
    Ok(part(all, None, Some(limit)).map(line).collect())
}
