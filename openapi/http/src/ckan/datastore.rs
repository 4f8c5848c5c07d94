//! CKAN's datastore: rows of one dataset by a typed selection, and one SELECT of the governed SQL.

use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::directory::{InformationItem, ItemKind, Resource};
use catalog_core::evidence::SourceRead;
use catalog_core::policy::filter::typed_literal;
use catalog_core::policy::{Filter, Literal, Operand};
use catalog_core::schema::visible;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode};
use exchange_query::export::{RowFormat, column_types};
use exchange_query::{
    PastTables, QueryAnswer, QueryRequest, Selection, Slice, SortKey, TableName, Tables as _,
};
use http::{HeaderMap, Uri};
use serde_json::{Map, Value, json};

use super::Call;
use super::arguments::{Arguments, invalid};
use super::envelope::success;
use super::packages::table_of;
use super::rows::{format_of, streamed};
use crate::evidence::Reading;
use crate::problem::Refusal;
use crate::records::is_personal;
use crate::subjects;

/// Rows of an answer where none are asked for.
const PAGE_ROWS: u64 = 100;
/// The most rows that are one page of the engine.
const SMALL: u64 = 10_000;
/// The most words of a text that rows are searched for.
const MAX_WORDS: usize = 20;

/// A question to one table.
struct Asked {
    id: String,
    filters: Map<String, Value>,
    words: Option<Value>,
    fields: Vec<String>,
    sort: Vec<SortKey>,
    limit: u64,
    offset: u64,
    include_total: bool,
    format: RowFormat,
    /// As they were sent, for the answer says them again.
    said: Map<String, Value>,
}

impl Asked {
    fn read(given: &mut Arguments) -> Result<Self, Refusal> {
        let id = match given.text("resource_id")? {
            Some(id) => id,
            None => given.text("id")?.ok_or_else(|| invalid("resource_id", "Missing value"))?,
        };
        let filters = match given.structure("filters")? {
            None => Map::new(),
            Some(Value::Object(filters)) => filters,
            Some(_) => return Err(invalid("filters", "send an object of columns and values")),
        };
        let words = given.structure("q")?.filter(|words| words != "");
        let sort = given.texts("sort", Some(','))?;
        let format = given.text("records_format")?.unwrap_or_else(|| "objects".to_owned());
        if given.flag("distinct")?.unwrap_or(false) {
            return Err(invalid("distinct", "select distinct rows by datastore_search_sql"));
        }
        if !given.flag("plain")?.unwrap_or(true) {
            return Err(invalid("plain", "texts are searched for as they stand; there is no query language"));
        }
        let mut said = Map::new();
        for (name, value) in [("filters", Value::from(filters.clone())), ("sort", sort.join(", ").into())] {
            if !matches!(&value, Value::Object(map) if map.is_empty()) && value != "" {
                said.insert(name.to_owned(), value);
            }
        }
        said.extend(words.clone().map(|words| ("q".to_owned(), words)));
        said.insert("records_format".to_owned(), format.as_str().into());
        Ok(Self {
            id,
            filters,
            words,
            fields: given.texts("fields", Some(','))?.iter().map(|name| unquoted(name)).collect(),
            sort: sort.iter().filter_map(|key| sort_key(key).transpose()).collect::<Result<_, _>>()?,
            limit: given.count("limit")?.unwrap_or(PAGE_ROWS),
            offset: given.count("offset")?.unwrap_or(0),
            include_total: given.flag("include_total")?.unwrap_or(true),
            format: format_of(&format)
                .ok_or_else(|| invalid("records_format", "must be one of objects, lists, csv, tsv"))?,
            said,
        })
    }
}

impl Asked {
    /// Whether it is one page of the engine.
    fn is_small(&self) -> bool {
        self.offset == 0 && (1..=SMALL).contains(&self.limit)
    }

    /// Columns, order and place of the rows.
    fn selection(&self, code: ResourceCode) -> Selection {
        let is_small = self.is_small();
        Selection {
            columns: self.fields.clone(),
            sort: self.sort.clone(),
            limit: u32::try_from(self.limit).ok().filter(|_| is_small),
            slice: (!is_small).then_some(Slice { offset: self.offset, rows: self.limit }),
            ..Selection::of(TableName::Code(code))
        }
    }
}

/// What a call asked of the engine, for an answer that is computed again over the tables of then; `None` where it asked for no
/// rows.
pub(crate) async fn asked_again(
    action: &str,
    address: &Uri,
    body: &[u8],
    (tables, then): (&PastTables<'_>, &OpContext),
) -> Result<Option<QueryRequest>, Refusal> {
    let mut given = Arguments::read(address, &HeaderMap::new(), body)?;
    match action {
        "datastore_search_sql" => Ok(Some(QueryRequest::Sql(given.needed("sql")?))),
        "datastore_search" => {
            let asked = Asked::read(&mut given)?;
            if asked.format != RowFormat::Objects {
                let message = "rows that are not objects are not computed again";
                return Err(Error::new(ErrorCode::NotReplayable, message).into());
            }
            let code = table_of(&asked.id)?;
            // A text is looked for in the columns that were seen then.
            let open = tables.open(then, &TableName::Code(code.clone()), VersionSelector::Latest).await?;
            let seen = visible(&open.dataset.resource, &open.dataset.granted.policy);
            let filter = filter_of(&asked, &seen)?;
            Ok(Some(QueryRequest::Selection(Selection { filter, ..asked.selection(code) })))
        }
        _ => Ok(None),
    }
}

/// The SQL that a kept request of an action asks, if it asks any.
pub(crate) fn asked_sql(action: &str, address: &Uri, body: &[u8]) -> Option<String> {
    let mut given = Arguments::read(address, &HeaderMap::new(), body).ok()?;
    (action == "datastore_search_sql").then(|| given.needed("sql").ok()).flatten()
}

fn unquoted(name: &str) -> String {
    let name = name.trim();
    let inside = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inside.unwrap_or(name).to_owned()
}

/// `column`, `"column" desc nulls last`; nothing for CKAN's own row number, by which rows come anyway.
fn sort_key(text: &str) -> Result<Option<SortKey>, Refusal> {
    let wrong = || invalid("sort", "write columns with their directions: name, amount desc");
    let (column, rest) = match text.trim().strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or_else(wrong)?,
        None => text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), "")),
    };
    let descending = match rest.trim().to_ascii_lowercase().as_str() {
        "" | "asc" | "asc nulls last" => false,
        "desc" | "desc nulls last" => true,
        _ => return Err(wrong()),
    };
    match (column, descending) {
        ("", _) => Err(wrong()),
        ("_id", false) => Ok(None),
        _ => Ok(Some(SortKey { column: column.to_owned(), descending })),
    }
}

pub(super) async fn search(call: &Call, mut given: Arguments) -> Result<Response, Refusal> {
    let asked = Asked::read(&mut given)?;
    given.finish()?;
    let code = table_of(&asked.id)?;
    let app = &call.app;
    let dataset = app.services.open(&call.ctx, &app.datasets, &code, VersionSelector::Latest).await?;
    let told = |refusal: Refusal| refusal.after_opening([dataset.source()]);
    let seen = visible(&dataset.resource, &dataset.granted.policy);
    let filter = filter_of(&asked, &seen).map_err(told)?;
    if call.in_address {
        only_in_a_body(&dataset, &seen, &asked, filter.as_ref()).map_err(told)?;
    }
    let looked_up = subjects::asked_for(app, &code, filter.as_ref()).await?;
    if looked_up.is_some() && !asked.is_small() {
        // Of a page evidence holds whom it has shown.
        let message =
            "who is looked up by number is on the first page: leave it out, with a limit of 1 to 10,000";
        return Err(told(invalid("offset", message)));
    }
    let selection = Selection {
        version: VersionSelector::Number(dataset.version.number),
        filter,
        count: asked.include_total,
        subject: looked_up.as_ref().map(|looked_up| looked_up.column.to_string()),
        ..asked.selection(code)
    };
    let mut answer = app.run(&call.ctx, QueryRequest::Selection(selection)).await?;
    let shown = std::mem::take(&mut answer.subjects);
    let hashes = looked_up.map_or_else(Vec::new, |looked_up| looked_up.hashes(app, shown));
    let head = head_of(call, &asked, &answer);
    streamed(call, answer, asked.format, head, hashes)
}

/// What an answer says before its rows.
fn head_of(call: &Call, asked: &Asked, answer: &QueryAnswer) -> Map<String, Value> {
    let mut head = Map::new();
    head.insert("resource_id".to_owned(), asked.id.as_str().into());
    head.insert("fields".to_owned(), fields_of(answer));
    head.extend(asked.said.clone());
    head.insert("limit".to_owned(), asked.limit.into());
    head.insert("offset".to_owned(), asked.offset.into());
    head.insert("include_total".to_owned(), asked.include_total.into());
    if let Some(total) = answer.total {
        head.insert("total".to_owned(), total.into());
        head.insert("total_was_estimated".to_owned(), false.into());
    }
    let link = |offset: u64| {
        let (action, id, limit) = (call.action, &asked.id, asked.limit);
        format!("/api/3/action/{action}?resource_id={id}&limit={limit}&offset={offset}")
    };
    // With filters or a text the next page is asked for as this one was: values stay out of addresses.
    if asked.said.len() == 1 && asked.fields.is_empty() {
        let next = link(asked.offset.saturating_add(asked.limit));
        head.insert("_links".to_owned(), json!({ "start": link(0), "next": next }));
    }
    head
}

fn fields_of(answer: &QueryAnswer) -> Value {
    column_types(answer).into_iter().map(|(id, kind)| json!({ "id": id, "type": kind })).collect()
}

/// Filters and text as one filter of the policy's language: it is bound to the columns' types, and can't fail.
fn filter_of(asked: &Asked, seen: &Resource) -> Result<Option<Filter>, Refusal> {
    let mut parts = Vec::new();
    for (column, value) in &asked.filters {
        parts.push(condition(column, value)?);
    }
    match &asked.words {
        None => {}
        Some(Value::Object(columns)) => {
            for (column, words) in columns {
                let item = seen.item(column).or_else(|| seen.items.iter().find(|item| item.title == *column));
                let item = item.ok_or_else(|| invalid("q", "it names a column that is not there"))?;
                parts.push(containing(words, &[item])?);
            }
        }
        Some(words) => parts.push(containing(words, &seen.items.iter().collect::<Vec<_>>())?),
    }
    Ok(match parts.len() {
        0 => None,
        _ => Some(Filter::And(parts)),
    })
}

/// A value, several of which one, nothing, or bounds.
fn condition(column: &str, value: &Value) -> Result<Filter, Refusal> {
    let name = || column.to_owned();
    let one = |value: &Value| literal(value).map(Operand::Literal);
    match value {
        Value::Null => Ok(Filter::IsNull(name())),
        Value::Array(values) => Ok(Filter::In(name(), values.iter().map(one).collect::<Result<_, _>>()?)),
        Value::Object(bounds) => {
            let bound = |(operator, value): (&String, &Value)| {
                let value = one(value)?;
                Ok(match operator.as_str() {
                    "eq" => Filter::Eq(name(), value),
                    "ne" => Filter::Ne(name(), value),
                    "lt" => Filter::Lt(name(), value),
                    "lte" => Filter::Le(name(), value),
                    "gt" => Filter::Gt(name(), value),
                    "gte" => Filter::Ge(name(), value),
                    _ => return Err(invalid("filters", "bounds are eq, ne, lt, lte, gt, gte")),
                })
            };
            Ok(Filter::And(bounds.iter().map(bound).collect::<Result<_, Refusal>>()?))
        }
        value => Ok(Filter::Eq(name(), one(value)?)),
    }
}

fn literal(value: &Value) -> Result<Literal, Refusal> {
    let wrong = |_| invalid("filters", "a value is a text, a number or a flag");
    serde_json::from_value(value.clone()).map_err(wrong)
}

/// Rows in which every word stands in one of the columns: as a part of a text, or as the whole of any other value.
fn containing(words: &Value, items: &[&InformationItem]) -> Result<Filter, Refusal> {
    let text = match words {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(invalid("q", "send a text, or an object of columns and texts")),
    };
    if text.contains(['%', '_', '\\']) {
        return Err(invalid("q", "%, _ and \\ are not searched for"));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || words.len() > MAX_WORDS {
        return Err(invalid("q", &format!("send 1 to {MAX_WORDS} words")));
    }
    let stands = |word: &str| {
        let value = Literal::Text(word.to_owned());
        let in_item = |item: &&InformationItem| {
            let name = item.column.to_string();
            match item.item_type.kind {
                ItemKind::C | ItemKind::M => Some(Filter::Like(name, format!("%{word}%"))),
                _ if typed_literal(&value, item.item_type).is_ok() => {
                    Some(Filter::Eq(name, Operand::Literal(value.clone())))
                }
                _ => None,
            }
        };
        Filter::Or(items.iter().filter_map(in_item).collect())
    };
    Ok(Filter::And(words.into_iter().map(stands).collect()))
}

/// Addresses end in logs of all kinds: values of personal items stay out of them.
fn only_in_a_body(
    dataset: &Dataset,
    seen: &Resource,
    asked: &Asked,
    filter: Option<&Filter>,
) -> Result<(), Refusal> {
    let is_secret = |name: &str| {
        let item = seen.items.iter().find(|item| item.column.as_str() == name || item.title == name);
        item.is_some_and(|item| is_personal(&dataset.resource, item))
    };
    let mut named = asked.filters.keys().any(|name| is_secret(name));
    if let Some(filter) = filter {
        filter.each_column(&mut |name| named |= is_secret(name));
    }
    match named {
        true => Err(invalid("filters", "what is asked of personal items travels in the body of a POST")),
        false => Ok(()),
    }
}

pub(super) async fn info(call: &Call, mut given: Arguments) -> Result<Response, Refusal> {
    let id = match given.text("id")? {
        Some(id) => id,
        None => given.needed("resource_id")?,
    };
    given.finish()?;
    let code = table_of(&id)?;
    let app = &call.app;
    let dataset = app.services.open(&call.ctx, &app.datasets, &code, VersionSelector::Latest).await?;
    let seen = visible(&dataset.resource, &dataset.granted.policy);
    let selection = Selection {
        version: VersionSelector::Number(dataset.version.number),
        slice: Some(Slice { offset: 0, rows: 0 }),
        count: true,
        ..Selection::of(TableName::Code(code))
    };
    let answer = app.run(&call.ctx, QueryRequest::Selection(selection)).await?;
    let field = |(name, kind): (String, &str)| {
        let item = seen.item(&name);
        let title = item.map_or(name.as_str(), |item| &item.title);
        let described = item.map(|item| item.item_type.to_string());
        json!({ "id": name, "type": kind, "info": { "label": title, "notes": described }, "schema": { "native_type": kind } })
    };
    let fields: Vec<_> = column_types(&answer).into_iter().map(field).collect();
    let meta = json!({ "id": id, "count": answer.total, "table_type": "BASE TABLE", "aliases": [] });
    let reading = Reading { now: Some(answer.now), ..Reading::of(answer.sources) };
    let mut response = success(app, call.action, json!({ "meta": meta, "fields": fields }));
    response.extensions_mut().insert(reading);
    Ok(response)
}

pub(super) async fn search_sql(call: &Call, mut given: Arguments) -> Result<Response, Refusal> {
    let sql = given.needed("sql")?;
    given.finish()?;
    let answer = call.app.run(&call.ctx, QueryRequest::Sql(sql.clone())).await?;
    if call.in_address && call.ctx.principal.kind != PrincipalKind::Public {
        let told = |refusal: Refusal| refusal.after_opening(answer.sources.clone());
        for source in &answer.sources {
            if has_personal(call, source).await.map_err(|error| told(error.into()))? {
                let message = "a query over personal items travels in the body of a POST";
                return Err(told(invalid("sql", message)));
            }
        }
    }
    let mut head = Map::new();
    head.insert("sql".to_owned(), sql.into());
    head.insert("fields".to_owned(), fields_of(&answer));
    streamed(call, answer, RowFormat::Objects, head, Vec::new())
}

/// Whether the version that was read has personal items, or the directory says so of the resource today.
async fn has_personal(call: &Call, source: &SourceRead) -> Result<bool, Error> {
    let (app, ctx, code) = (&call.app, &call.ctx, &source.resource);
    let opened = app.services.open(ctx, &app.datasets, code, VersionSelector::Number(source.version)).await?;
    let today = app.services.resource(ctx, code).await?;
    let has = |resource: &Resource| resource.items.iter().any(|item| is_personal(resource, item));
    Ok(has(&opened.resource) || has(&today))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_ckan_writes_them() {
        let key = |text: &str| sort_key(text).ok().flatten().map(|key| (key.column, key.descending));
        assert_eq!(key("amount"), Some(("amount".to_owned(), false)));
        assert_eq!(key(" amount DESC"), Some(("amount".to_owned(), true)));
        assert_eq!(key("\"罚款 金额\" desc nulls last"), Some(("罚款 金额".to_owned(), true)));
        assert!(sort_key("_id asc").is_ok_and(|key| key.is_none()));
        for wrong in ["", "\"a", "a up", "a desc nulls first", "\"\" desc", "a; drop"] {
            assert!(sort_key(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn filters_are_typed_and_hold_no_sql() {
        let json = |value: Value| serde_json::to_value(condition("a", &value).unwrap()).unwrap();
        assert_eq!(json(json!("x' or 1=1")), json!({"=": ["a", "x' or 1=1"]}));
        assert_eq!(json(json!([1, 2.5, true])), json!({"in": ["a", [1, 2.5, true]]}));
        assert_eq!(json(Value::Null), json!({"is_null": "a"}));
        assert_eq!(json(json!({"gte": 1, "lt": 2})), json!({"and": [{">=": ["a", 1]}, {"<": ["a", 2]}]}));
        for wrong in [json!([[1]]), json!({"like": "x"}), json!([null]), json!({"gt": {}})] {
            assert!(condition("a", &wrong).is_err(), "{wrong}");
        }
    }
}
