//! Searching packages and resources.

use catalog_core::ports::{CodePage, Facet, SearchOrder, SearchQuery};
use catalog_core::{Error, ErrorCode, ResourceCode, Timestamp};
use exchange_query::export::Format;
use serde_json::{Map, Value, json};

use super::Call;
use super::arguments::{Arguments, invalid};
use super::grammar::Asked;
use super::groups::title_of;
use super::packages::{
    Departments, MAX_PACKAGES, departments, packages as packages_of, part, place, resources as files_of,
};
use crate::problem::Refusal;

/// Packages of a page where none are asked for.
const PAGE_PACKAGES: u64 = 10;
/// The most packages of a completion.
const COMPLETED: u64 = 100;
/// The most entries that are looked at one by one for a department, for their times or files.
const MAX_SCANNED: u64 = 20_000;
/// And for anybody else.
const MAX_SCANNED_BY_ANYONE: u64 = 2_000;
/// More values of facets than these, whose names are looked up one by one, take a place among the queries.
const FEW_VALUES: usize = FACET_VALUES;
/// Values of a facet where nobody says how many.
const FACET_VALUES: usize = 50;

/// Facets with their fields in the directory.
const FACETS: [(&str, &str); 8] = [
    ("organization", "department"),
    ("groups", "classification"),
    ("tags", "keyword"),
    ("license_id", "licence"),
    ("sharing", "sharing"),
    ("opening", "opening"),
    ("update_cycle", "update_cycle"),
    ("format_class", "format"),
];

pub(super) async fn packages(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let asked = asked(&mut given)?;
    let sort = given.text("sort")?.unwrap_or_default();
    let order = order(&sort).ok_or_else(|| {
        invalid("sort", "packages are sorted by score, by name or by metadata_modified: `name asc`")
    })?;
    let rows = given.count("rows")?.unwrap_or(PAGE_PACKAGES).min(MAX_PACKAGES);
    let start = given.count("start")?.unwrap_or(0);
    let facets = Facets::read(&mut given)?;
    given.finish()?;
    let query = SearchQuery {
        facets: facets.has(false),
        word_facets: facets.has(true),
        order,
        changed: asked.modified,
        ..query_of(&asked)
    };
    let is_by_time = query.changed.is_some() || is_by_time(order);
    let CodePage { codes, total, facets: counted } = match is_by_time && call.sees_all() {
        true => scanned(call, query, start, rows).await?,
        false => found(call, query, start, rows).await?,
    };
    let results = packages_of(call, &codes).await?;
    let (facets, search_facets) = facets.told(call, counted).await?;
    Ok(json!({
        "count": total, "sort": sort, "results": results, "facets": facets, "search_facets": search_facets,
    }))
}

/// What `q`, `fq` and `fq_list` ask together.
fn asked(given: &mut Arguments) -> Result<Asked, Refusal> {
    let mut asked = Asked::default();
    let words = given.text("q")?.unwrap_or_default();
    asked.and(&words, true).map_err(|wrong| invalid("q", &wrong))?;
    for name in ["fq", "fq_list"] {
        for filter in given.texts(name, None)? {
            asked.and(&filter, false).map_err(|wrong| invalid(name, &wrong))?;
        }
    }
    Ok(asked)
}

fn query_of(asked: &Asked) -> SearchQuery {
    SearchQuery {
        text: asked.words.join(" "),
        conditions: asked.conditions.clone(),
        ..SearchQuery::default()
    }
}

/// `score desc, metadata_modified desc`: the first field decides, the others only between its equals.
fn order(sort: &str) -> Option<SearchOrder> {
    let mut orders = sort.split(',').filter(|key| !key.trim().is_empty()).map(|key| {
        let mut words = key.split_whitespace();
        let (field, direction) = (words.next()?, words.next().unwrap_or("asc").to_ascii_lowercase());
        if words.next().is_some() || !["asc", "desc"].contains(&direction.as_str()) {
            return None;
        }
        Some(match (field, direction == "desc") {
            ("score" | "relevance", _) => SearchOrder::Best,
            ("name" | "id", false) => SearchOrder::Code,
            ("name" | "id", true) => SearchOrder::CodeDescending,
            ("metadata_modified", false) => SearchOrder::Changed,
            ("metadata_modified", true) => SearchOrder::ChangedDescending,
            _ => return None,
        })
    });
    let first = orders.next().unwrap_or(Some(SearchOrder::Best))?;
    orders.all(|order| order.is_some()).then_some(first)
}

fn is_by_time(order: SearchOrder) -> bool {
    matches!(order, SearchOrder::Changed | SearchOrder::ChangedDescending)
}

/// The codes of these places among the hits of a search, the number of all, and the facets.
pub(super) async fn found(call: &Call, query: SearchQuery, start: u64, rows: u64) -> Result<CodePage, Error> {
    let query = SearchQuery { offset: place(start), limit: place(rows), ..query };
    call.app.services.codes(&call.ctx, query).await
}

/// The same by the times at which a department saw something change: what it may read is another for each, and the
/// directory knows the times of the public alone. It looks at each entry, so few run at a time.
async fn scanned(call: &Call, query: SearchQuery, start: u64, rows: u64) -> Result<CodePage, Refusal> {
    let (order, changed) = (query.order, query.changed);
    if changed.is_some() && (query.facets || query.word_facets) {
        let message = "a department has no facets between times of metadata_modified: ask without";
        return Err(invalid("facet.field", message));
    }
    let _place = call.app.place(&call.ctx).await?;
    let counted = found(call, query.clone(), 0, 0).await?;
    let (from, until) = changed.unwrap_or((Timestamp(i64::MIN), Timestamp(i64::MAX)));
    let directory = if is_by_time(order) { SearchOrder::Code } else { order };
    let mut kept = Vec::new();
    for code in all(call, SearchQuery { order: directory, changed: None, ..query }).await? {
        let time = match call.app.services.listed(&call.ctx, &code).await {
            // What nobody can date may have changed.
            Ok(listed) => listed.modified.unwrap_or(until),
            Err(error) if error.code == ErrorCode::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if (from..=until).contains(&time) {
            kept.push((time, code));
        }
    }
    match order {
        SearchOrder::Changed => kept.sort(),
        SearchOrder::ChangedDescending => kept.sort_by(|one, other| other.cmp(one)),
        _ => {}
    }
    let total = kept.len() as u64;
    let codes = part(kept.into_iter().map(|(_, code)| code), Some(start), Some(rows)).collect();
    Ok(CodePage { codes, total, facets: counted.facets })
}

/// All codes of a search, where they are few enough to look at each.
async fn all(call: &Call, query: SearchQuery) -> Result<Vec<ResourceCode>, Refusal> {
    let most = if call.sees_all() { MAX_SCANNED } else { MAX_SCANNED_BY_ANYONE };
    let query = SearchQuery { facets: false, word_facets: false, ..query };
    let found = found(call, query, 0, most).await?;
    match found.total > most {
        true => Err(invalid(
            "fq",
            &format!("{} datasets are too many to look at each: narrow the search down", found.total),
        )),
        false => Ok(found.codes),
    }
}

/// Which facets are wanted.
struct Facets {
    fields: Vec<String>,
    values: usize,
    least: u64,
}

impl Facets {
    fn read(given: &mut Arguments) -> Result<Self, Refusal> {
        let wanted = given.flag("facet")?.unwrap_or(true);
        let mut fields = Vec::new();
        for field in given.texts("facet.field", Some(','))? {
            // Each is counted once, however often it is named; of unknown ones the first is enough.
            if fields.len() <= FACETS.len() && !fields.contains(&field) {
                fields.push(field);
            }
        }
        if let Some(unknown) = fields.iter().find(|name| FACETS.iter().all(|(facet, _)| facet != name)) {
            let shown: String = unknown.chars().take(60).collect();
            let offered = FACETS.map(|(name, _)| name).join(", ");
            return Err(invalid("facet.field", &format!("there is no facet `{shown}`; there are {offered}")));
        }
        let limit = given.text("facet.limit")?;
        let limit = limit.map(|text| text.trim().parse::<i64>()).transpose();
        let limit = limit.map_err(|_| invalid("facet.limit", "Must be a number"))?;
        // A negative one is none.
        let values = limit.map_or(FACET_VALUES, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let least = given.count("facet.mincount")?.unwrap_or(1);
        Ok(Self { fields: if wanted { fields } else { Vec::new() }, values, least })
    }

    /// Whether some are of the fields with any number of values, or some of the others.
    fn has(&self, words: bool) -> bool {
        self.fields.iter().any(|name| ["tags", "license_id"].contains(&name.as_str()) == words)
    }

    /// CKAN tells them twice: in the old form and in the one with titles.
    async fn told(&self, call: &Call, counted: Vec<Facet>) -> Result<(Value, Value), Error> {
        let departments = departments(call).await?;
        let _place = match self.values > FEW_VALUES && !self.fields.is_empty() {
            true => Some(call.app.page(&call.ctx).await?),
            false => None,
        };
        let (mut plain, mut titled) = (Map::new(), Map::new());
        for name in &self.fields {
            let field = FACETS.iter().find(|(facet, _)| facet == name).map(|(_, field)| *field);
            let facet = counted.iter().find(|facet| Some(facet.field.as_str()) == field);
            let counts = facet.map(|facet| facet.counts.as_slice()).unwrap_or_default();
            let counts = counts.iter().filter(|(_, count)| *count >= self.least).take(self.values);
            let (mut numbers, mut items) = (Map::new(), Vec::new());
            for (value, count) in counts {
                let title = title(call, &departments, name, value).await?;
                numbers.insert(value.clone(), (*count).into());
                items.push(json!({ "name": value, "display_name": title, "count": count }));
            }
            plain.insert(name.clone(), numbers.into());
            titled.insert(name.clone(), json!({ "title": name, "items": items }));
        }
        Ok((plain.into(), titled.into()))
    }
}

async fn title(call: &Call, departments: &Departments, facet: &str, value: &str) -> Result<String, Error> {
    match facet {
        "organization" => {
            Ok(departments.get(value).map_or_else(|| value.to_owned(), |department| department.name.clone()))
        }
        "groups" => Ok(title_of(call, value).await?.unwrap_or_else(|| value.to_owned())),
        _ => Ok(value.to_owned()),
    }
}

pub(super) async fn complete_package(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let words = given.text("q")?.unwrap_or_default();
    let limit = given.count("limit")?.unwrap_or(PAGE_PACKAGES).min(COMPLETED);
    given.finish()?;
    let query = SearchQuery { text: words, ..SearchQuery::default() };
    let found = found(call, query, 0, limit).await?;
    let packages = packages_of(call, &found.codes).await?;
    let line = |package: Value| json!({ "name": package["name"], "title": package["title"], "match_field": "title" });
    Ok(packages.into_iter().map(line).collect())
}

/// Resources by format, or by words of their datasets.
pub(super) async fn resources(call: &Call, mut given: Arguments) -> Result<Value, Refusal> {
    let terms = given.texts("query", None)?;
    let (offset, limit) =
        (given.count("offset")?, given.count("limit")?.unwrap_or(MAX_PACKAGES).min(MAX_PACKAGES));
    given.finish()?;
    if terms.is_empty() {
        return Err(invalid("query", "Missing value"));
    }
    let (mut words, mut formats) = (Vec::new(), Vec::new());
    for term in &terms {
        match term.split_once(':') {
            Some(("name" | "description", text)) => words.push(text),
            Some(("format", format)) => formats.push(format.trim().to_lowercase()),
            _ => return Err(invalid("query", "write format:csv or name:word; no other field is searched")),
        }
    }
    let query = SearchQuery { text: words.join(" "), order: SearchOrder::Code, ..SearchQuery::default() };
    let _place = call.app.place(&call.ctx).await?;
    let mut found = Vec::new();
    for code in all(call, query).await? {
        match call.app.services.listed(&call.ctx, &code).await {
            Ok(listed) => {
                found.extend(files_of(call, &listed).into_iter().filter(|file| is_of(file, &formats)))
            }
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let count = found.len();
    let results: Vec<_> = part(found.into_iter(), offset, Some(limit)).collect();
    Ok(json!({ "count": count, "results": results }))
}

fn is_of(file: &Value, formats: &[String]) -> bool {
    let format = file["format"].as_str().unwrap_or_default().to_lowercase();
    formats
        .iter()
        .all(|wanted| *wanted == format || Format::parse(wanted).is_some_and(|one| one.extension() == format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_field_of_an_order_decides() {
        for (sort, expected) in [
            ("", Some(SearchOrder::Best)),
            ("score desc, metadata_modified desc", Some(SearchOrder::Best)),
            ("relevance asc", Some(SearchOrder::Best)),
            ("id asc", Some(SearchOrder::Code)),
            ("name", Some(SearchOrder::Code)),
            ("name DESC", Some(SearchOrder::CodeDescending)),
            ("metadata_modified", Some(SearchOrder::Changed)),
            ("metadata_modified desc", Some(SearchOrder::ChangedDescending)),
            ("title asc", None),
            ("name asc, views_recent desc", None),
            ("name up", None),
            ("name asc nulls", None),
        ] {
            assert_eq!(order(sort), expected, "{sort}");
        }
    }
}
