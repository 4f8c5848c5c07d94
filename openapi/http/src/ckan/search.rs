//! Searching packages and resources.

use catalog_core::ports::{Facet, SearchOrder, SearchQuery};
use catalog_core::{Error, ErrorCode, ResourceCode, Timestamp};
use exchange_query::export::Format;
use serde_json::{Map, Value, json};

use super::Call;
use super::arguments::{Arguments, invalid};
use super::grammar::Asked;
use super::groups::title_of;
use super::packages::{
    Departments, MAX_PACKAGES, departments, packages as packages_of, part, resources as files_of,
};
use crate::problem::Refusal;

/// Packages of a page where none are asked for.
const PAGE_PACKAGES: u64 = 10;
/// Hits of one question to the directory.
const STEP: u32 = 100;
/// The most entries that are looked at one by one, for their times or files.
const MAX_SCANNED: u64 = 20_000;
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

/// The order of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Directory(SearchOrder),
    Modified { descending: bool },
}

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
    if asked.modified.is_some() && !facets.fields.is_empty() {
        return Err(invalid("facet.field", "facets are not counted between times of metadata_modified"));
    }
    let query = SearchQuery { facets: facets.has(false), word_facets: facets.has(true), ..query_of(&asked) };
    let (codes, count, counted) = match (order, asked.modified) {
        (Order::Directory(order), None) => found(call, SearchQuery { order, ..query }, start, rows).await?,
        (order, modified) => {
            let mut page =
                call.app.services.search(&call.ctx, SearchQuery { limit: 1, ..query.clone() }).await?;
            let codes = scanned(call, query, order, modified).await?;
            let count = codes.len() as u64;
            (
                part(codes.into_iter(), Some(start), Some(rows)).collect(),
                count,
                std::mem::take(&mut page.facets),
            )
        }
    };
    let results = packages_of(call, &codes).await?;
    let (facets, search_facets) = facets.told(call, counted).await?;
    Ok(json!({
        "count": count, "sort": sort, "results": results, "facets": facets, "search_facets": search_facets,
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
fn order(sort: &str) -> Option<Order> {
    let mut orders = sort.split(',').filter(|key| !key.trim().is_empty()).map(|key| {
        let mut words = key.split_whitespace();
        let (field, direction) = (words.next()?, words.next().unwrap_or("asc").to_ascii_lowercase());
        if words.next().is_some() || !["asc", "desc"].contains(&direction.as_str()) {
            return None;
        }
        let descending = direction == "desc";
        Some(match (field, descending) {
            ("score" | "relevance", _) => Order::Directory(SearchOrder::Best),
            ("name" | "id", false) => Order::Directory(SearchOrder::Code),
            ("name" | "id", true) => Order::Directory(SearchOrder::CodeDescending),
            ("metadata_modified", descending) => Order::Modified { descending },
            _ => return None,
        })
    });
    let first = orders.next().unwrap_or(Some(Order::Directory(SearchOrder::Best)))?;
    orders.all(|order| order.is_some()).then_some(first)
}

/// The codes of these places among the hits of a search, the number of all, and the facets.
pub(super) async fn found(
    call: &Call,
    query: SearchQuery,
    start: u64,
    rows: u64,
) -> Result<(Vec<ResourceCode>, u64, Vec<Facet>), Error> {
    let offset = u32::try_from(start).unwrap_or(u32::MAX);
    let mut query = SearchQuery { offset, limit: STEP, ..query };
    let page = call.app.services.search(&call.ctx, query.clone()).await?;
    let (total, facets) = (page.total, page.facets);
    let wanted = usize::try_from(rows).unwrap_or(usize::MAX);
    let mut codes: Vec<_> = page.hits.into_iter().map(|hit| hit.code).collect();
    (query.facets, query.word_facets) = (false, false);
    while codes.len() < wanted && start.saturating_add(codes.len() as u64) < total {
        query.offset = query.offset.saturating_add(STEP);
        let hits = call.app.services.search(&call.ctx, query.clone()).await?.hits;
        if hits.is_empty() {
            break;
        }
        codes.extend(hits.into_iter().map(|hit| hit.code));
    }
    codes.truncate(wanted);
    Ok((codes, total, facets))
}

/// All codes of a search that changed between two times, by the time. It looks at each entry, so few run at a time.
async fn scanned(
    call: &Call,
    query: SearchQuery,
    order: Order,
    modified: Option<(Timestamp, Timestamp)>,
) -> Result<Vec<ResourceCode>, Refusal> {
    let directory = match order {
        Order::Directory(order) => order,
        Order::Modified { .. } => SearchOrder::Code,
    };
    let codes = all(call, SearchQuery { order: directory, ..query }).await?;
    let _place = call.app.place(&call.ctx).await?;
    let (from, until) = modified.unwrap_or((Timestamp(i64::MIN), Timestamp(i64::MAX)));
    let mut kept = Vec::new();
    for code in codes {
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
    if let Order::Modified { descending } = order {
        kept.sort_by(|(a, _), (b, _)| if descending { b.cmp(a) } else { a.cmp(b) });
    }
    Ok(kept.into_iter().map(|(_, code)| code).collect())
}

/// All codes of a search, where they are few enough to look at each.
async fn all(call: &Call, query: SearchQuery) -> Result<Vec<ResourceCode>, Refusal> {
    let query = SearchQuery { facets: false, word_facets: false, ..query };
    let (codes, total, _) = found(call, query, 0, MAX_SCANNED).await?;
    match total > MAX_SCANNED {
        true => Err(invalid(
            "fq",
            &format!("{total} datasets are too many to look at each: narrow the search down"),
        )),
        false => Ok(codes),
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
    let limit = given.count("limit")?.unwrap_or(PAGE_PACKAGES).min(u64::from(STEP));
    given.finish()?;
    let query = SearchQuery { text: words, ..SearchQuery::default() };
    let (codes, _, _) = found(call, query, 0, limit).await?;
    let packages = packages_of(call, &codes).await?;
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
    let codes = all(call, query).await?;
    let _place = call.app.place(&call.ctx).await?;
    let mut found = Vec::new();
    for code in codes {
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
        let directory = |order| Some(Order::Directory(order));
        for (sort, expected) in [
            ("", directory(SearchOrder::Best)),
            ("score desc, metadata_modified desc", directory(SearchOrder::Best)),
            ("relevance asc", directory(SearchOrder::Best)),
            ("id asc", directory(SearchOrder::Code)),
            ("name", directory(SearchOrder::Code)),
            ("name DESC", directory(SearchOrder::CodeDescending)),
            ("metadata_modified desc", Some(Order::Modified { descending: true })),
            ("title asc", None),
            ("name asc, views_recent desc", None),
            ("name up", None),
            ("name asc nulls", None),
        ] {
            assert_eq!(order(sort), expected, "{sort}");
        }
    }
}
