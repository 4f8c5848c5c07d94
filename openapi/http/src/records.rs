//! Records of one dataset, and answers of the engine as responses.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use catalog_core::directory::{InformationItem, Resource};
use catalog_core::policy::filter::Literal;
use catalog_core::policy::{Filter, Operand};
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode};
use exchange_query::export::{Format, encode};
use exchange_query::{QueryAnswer, QueryRequest, Selection, SortKey, TableName};
use futures::StreamExt;
use http::{HeaderMap, header};
use openapi_contract::header::{LIMITS, VERSIONS};
use openapi_contract::{RecordsQuery, Rows, Sort};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Input, Params, invalid};
use crate::problem::Refusal;
use crate::sql::FormatParam;

/// What a caller is told who would page by addresses through personal data.
const PERSONAL: &str =
    "personal values, which stay out of addresses; send the query as the body of a POST instead";

/// Rows of a page where none are asked for.
const PAGE_ROWS: u32 = 100;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_records, query_records))
}

/// Select records: items, filter, sort, page
#[utoipa::path(post, path = "/api/v1/resources/{code}/records", tag = "data", params(CodePath, FormatParam),
    request_body = RecordsQuery, responses((status = 200, description = "A page of rows", body = Rows)))]
async fn query_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(FormatParam { format }): Params<FormatParam>,
    headers: HeaderMap,
    Input(query): Input<RecordsQuery>,
) -> Result<Response, Refusal> {
    let format = format_of(format.as_deref(), &headers)?;
    let answer = app.run(&ctx, QueryRequest::Selection(selection(code, query))).await?;
    answered(answer, format)
}

/// Select records by values in the address: never of personal items, whose values travel in bodies only
///
/// Besides the parameters named, each item's column name is one: `?county=360481`. A cursor holds values of the last
/// row. So where the caller sees a personal item, cursors travel in bodies only: this operation then takes none, and
/// refuses what does not fit on one page. `POST` to the same address gives all pages.
#[utoipa::path(get, path = "/api/v1/resources/{code}/records", tag = "data", params(CodePath,
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 10,000; 100 when left out"),
        ("cursor" = Option<String>, Query, description = "The page after the one that gave this cursor; not where the \
            caller sees a personal item"),
        ("sort" = Option<String>, Query, description = "Column; `-column` for greatest first"),
        ("version" = Option<i64>, Query, description = "A version by number; the newest when left out"),
        FormatParam),
    responses((status = 200, description = "A page of rows", body = Rows)))]
async fn list_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(mut values): Params<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let format = format_of(values.remove("format").as_deref(), &headers)?;
    let mut query = RecordsQuery { cursor: values.remove("cursor"), ..RecordsQuery::default() };
    query.limit = number(&mut values, "limit")?;
    query.version = number(&mut values, "version")?;
    query.sort = values.remove("sort").as_deref().map(sort_of).into_iter().collect();
    query.filter = filter_of(&app, &ctx, &code, values).await?;
    if query.cursor.is_some() && shows_personal(&app, &ctx, &code).await? {
        return Err(invalid(&format!("a cursor holds {PERSONAL}")));
    }
    let answer = app.run(&ctx, QueryRequest::Selection(selection(code.clone(), query))).await?;
    if answer.next.is_some() && shows_personal(&app, &ctx, &code).await? {
        let message =
            format!("there are more rows than one page, and the cursor of the next holds {PERSONAL}");
        return Err(Error::new(ErrorCode::LimitRows, message).into());
    }
    answered(answer, format)
}

/// Whether the caller sees a personal item, whose values a cursor may hold.
async fn shows_personal(app: &App, ctx: &OpContext, code: &ResourceCode) -> Result<bool, Refusal> {
    let granted = app.services.why(ctx, code).await?.into_policy()?;
    let resource = app.services.resource(ctx, code).await?;
    let mut items = granted.policy.columns.iter().map(|column| resource.item(column.column.as_str()));
    Ok(items.any(|item| item.is_none_or(|item| is_personal(&resource, item))))
}

/// Addresses end in logs of all kinds: values of these items stay out of them.
fn is_personal(resource: &Resource, item: &InformationItem) -> bool {
    item.personal || resource.subject.as_ref() == Some(&item.column)
}

fn number<T: std::str::FromStr>(
    values: &mut BTreeMap<String, String>,
    name: &str,
) -> Result<Option<T>, Refusal> {
    let text = values.remove(name);
    text.map(|text| text.parse().map_err(|_| invalid(&format!("`{name}` is a number")))).transpose()
}

fn sort_of(text: &str) -> Sort {
    let (item, descending) = text.strip_prefix('-').map_or((text, false), |item| (item, true));
    Sort { item: item.to_owned(), descending }
}

/// Equality on items that are not personal.
async fn filter_of(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
    values: BTreeMap<String, String>,
) -> Result<Option<Filter>, Refusal> {
    if values.is_empty() {
        return Ok(None);
    }
    let resource = app.services.resource(ctx, code).await?;
    let mut parts = Vec::with_capacity(values.len());
    for (column, value) in values {
        match resource.item(&column) {
            Some(item) if is_personal(&resource, item) => {
                let message =
                    format!("`{column}` is personal; send the filter in the body of a POST instead");
                return Err(invalid(&message));
            }
            Some(_) => parts.push(Filter::Eq(column, Operand::Literal(Literal::Text(value)))),
            None => {
                let message = format!("there is no item or parameter `{}`", shown(&column));
                return Err(Error::new(ErrorCode::UnknownColumn, message).into());
            }
        }
    }
    Ok(Some(Filter::And(parts)))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

fn selection(code: ResourceCode, query: RecordsQuery) -> Selection {
    let RecordsQuery { items, filter, sort, version, limit, cursor } = query;
    let sort = sort.into_iter().map(|key| SortKey { column: key.item, descending: key.descending });
    Selection {
        table: TableName::Code(code),
        version: version.map_or(VersionSelector::Latest, VersionSelector::Number),
        columns: items,
        filter,
        sort: sort.collect(),
        limit: Some(limit.unwrap_or(PAGE_ROWS)),
        cursor,
    }
}

/// The format asked for: by the parameter, else by `Accept`, else JSON.
pub(crate) fn format_of(parameter: Option<&str>, headers: &HeaderMap) -> Result<Format, Refusal> {
    let unknown = || {
        let message = "offered are json, jsonl, csv, arrow and parquet";
        Refusal::from(Error::new(ErrorCode::UnsupportedFormat, message))
    };
    if let Some(name) = parameter {
        return Format::parse(name).ok_or_else(unknown);
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let mut ranges = accept.split(',').map(crate::extract::essence);
    let known = |range: String| match range.as_str() {
        "application/x-ndjson" => Some(Format::JsonLines),
        other => Format::parse(other),
    };
    if let Some(format) = ranges.clone().find_map(known) {
        return Ok(format);
    }
    let json = |range: String| matches!(range.as_str(), "*/*" | "application/*" | "");
    if ranges.any(json) { Ok(Format::Json) } else { Err(unknown()) }
}

/// An answer of the engine as a response, with what evidence must know of it.
pub(crate) fn answered(answer: QueryAnswer, format: Format) -> Result<Response, Refusal> {
    let limits = answer.limits;
    let limits = format!("time={}, rows={}, bytes={}", limits.time.as_secs(), limits.rows, limits.bytes);
    let versions: Vec<_> = answer
        .sources
        .iter()
        .map(|source| format!("{}={}", source.resource.path_form(), source.version))
        .collect();
    let (answer, rows) = counted(answer);
    let reading = Reading { sources: answer.sources.clone(), rows };
    let response = Response::builder()
        .header(header::CONTENT_TYPE, format.media_type())
        .header(header::VARY, "accept")
        .header(LIMITS, limits)
        .header(VERSIONS, versions.join(", "))
        .extension(reading)
        .body(Body::from_stream(encode(answer, format)));
    Ok(response.map_err(Error::internal)?)
}

/// The answer with a count of the rows that have left it so far.
pub(crate) fn counted(answer: QueryAnswer) -> (QueryAnswer, Arc<AtomicU64>) {
    let rows = Arc::<AtomicU64>::default();
    let counter = Arc::clone(&rows);
    let records = answer.records.inspect(move |batch| {
        if let Ok(batch) = batch {
            counter.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
        }
    });
    (QueryAnswer { records: records.boxed(), ..answer }, rows)
}
