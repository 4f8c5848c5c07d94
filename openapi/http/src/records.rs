//! Records of one dataset, and answers of the engine as responses.

mod lookup;
mod sheet;

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use catalog_core::directory::{InformationItem, Resource};
use catalog_core::policy::filter::Literal;
use catalog_core::policy::{Filter, Operand};
use catalog_core::schema::visible;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Timestamp};
use exchange_query::export::{Format, encode};
use exchange_query::{QueryAnswer, QueryRequest, Selection, SortKey, TableName};
use futures::{Stream, StreamExt};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use openapi_contract::header::{LIMITS, NEXT, TOTAL, VERSIONS};
use openapi_contract::{RecordsQuery, Rows, Sort};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Input, Params, invalid};
use crate::problem::Refusal;
use crate::sql::FormatParam;
use crate::subjects;
pub use lookup::prepare_lookups;
pub(crate) use lookup::{are_looked_up, look_up_place, make_ready, sweep_lookups};
pub(crate) use sheet::{Sheets, answered_in};

/// An answer as bytes, the last of which is an error where it is not whole.
pub(crate) type Written = Pin<Box<dyn Stream<Item = catalog_core::Result<Bytes>> + Send>>;

/// Rows of a page where none are asked for.
const PAGE_ROWS: u32 = 100;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_records, query_records)).merge(lookup::routes())
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
    let asked_for = subjects::asked_for(&app, &code, query.filter.as_ref()).await?;
    let subject = asked_for.as_ref().map(|asked| asked.column.to_string());
    let selection = Selection { subject, ..selection(code, query)? };
    let mut answer = app.run(&ctx, QueryRequest::Selection(selection)).await?;
    let shown = std::mem::take(&mut answer.subjects);
    let mut response = answered_in(&app, &ctx, answer, format).await?;
    if let Some(reading) = response.extensions_mut().get_mut::<Reading>() {
        reading.subjects = asked_for.map_or_else(Vec::new, |asked| asked.hashes(&app, shown));
    }
    Ok(response)
}

/// Select records by values in the address: never of personal items, whose values travel in bodies only
///
/// Besides the parameters named, each item's column name is one: `?county=360481`. A `link` field with `rel="next"`
/// leads to the next page, in every format; a cursor tells nobody anything but this server.
#[utoipa::path(get, path = "/api/v1/resources/{code}/records", tag = "data", params(CodePath,
        ("limit" = Option<u32>, Query, description = "Rows of a page, 1 to 10,000; 100 when left out"),
        ("cursor" = Option<String>, Query, description = "The page after the one that gave this cursor"),
        ("sort" = Option<String>, Query, description = "Column; `-column` for greatest first"),
        ("version" = Option<i64>, Query, description = "A version by number; the newest when left out"),
        ("as_of" = Option<String>, Query, description = "The version that was the newest at that time (RFC 3339)"),
        ("count" = Option<bool>, Query, description = "Whether to count the rows of all pages"),
        FormatParam),
    responses((status = 200, description = "A page of rows", body = Rows)))]
async fn list_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Params(mut values): Params<BTreeMap<String, String>>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let format = format_of(values.remove("format").as_deref(), &headers)?;
    let mut query = query_of(&mut values)?;
    let version = match &query.cursor {
        Some(cursor) => VersionSelector::Number(app.engine.version_of(cursor)?),
        None => version_of(&query)?,
    };
    query.filter = filter_of(&app, &ctx, &code, version, values).await?;
    let answer = app.run(&ctx, QueryRequest::Selection(selection(code, query)?)).await?;
    let next = answer.next.as_deref().map(|cursor| next_page(&uri, cursor));
    let mut response = answered_in(&app, &ctx, answer, format).await?;
    if let Some(next) = next {
        response.headers_mut().insert(header::LINK, HeaderValue::try_from(next).map_err(Error::internal)?);
    }
    Ok(response)
}

/// What parameters ask for; the values of items stay in them.
pub(crate) fn query_of(values: &mut BTreeMap<String, String>) -> Result<RecordsQuery, Refusal> {
    Ok(RecordsQuery {
        cursor: values.remove("cursor"),
        limit: parsed(values, "limit", "a number")?,
        version: parsed(values, "version", "a number")?,
        count: parsed(values, "count", "`true` or `false`")?.unwrap_or_default(),
        as_of: time(values, "as_of")?,
        sort: values.remove("sort").as_deref().map(sort_of).into_iter().collect(),
        ..RecordsQuery::default()
    })
}

/// Equality of an item with a value of the address.
pub(crate) fn is_value(column: String, value: String) -> Filter {
    Filter::Eq(column, Operand::Literal(Literal::Text(value)))
}

/// The link to the next page: this address with another cursor.
fn next_page(uri: &Uri, cursor: &str) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let kept = query.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
    let pairs: Vec<&str> = kept.collect();
    let separator = if pairs.is_empty() { "" } else { "&" };
    format!("<{}?{}{separator}cursor={cursor}>; rel=\"next\"", uri.path(), pairs.join("&"))
}

/// Addresses end in logs of all kinds: values of these items stay out of them.
pub(crate) fn is_personal(resource: &Resource, item: &InformationItem) -> bool {
    item.personal || resource.subject.as_ref() == Some(&item.column)
}

fn parsed<T: std::str::FromStr>(
    values: &mut BTreeMap<String, String>,
    name: &str,
    what: &str,
) -> Result<Option<T>, Refusal> {
    let text = values.remove(name);
    text.map(|text| text.parse().map_err(|_| invalid(&format!("`{name}` is {what}")))).transpose()
}

fn time(values: &mut BTreeMap<String, String>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let wrong =
        || invalid(&format!("`{name}` is a time such as 2026-01-31T08:00:00+08:00, with `+` written %2B"));
    values.remove(name).map(|text| Timestamp::parse(&text).ok_or_else(wrong)).transpose()
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
    version: VersionSelector,
    values: BTreeMap<String, String>,
) -> Result<Option<Filter>, Refusal> {
    if values.is_empty() {
        return Ok(None);
    }
    let dataset = app.services.open(ctx, &app.datasets, code, version).await?;
    let seen = visible(&dataset.resource, &dataset.granted.policy);
    let resource = &dataset.resource;
    let mut parts = Vec::with_capacity(values.len());
    for (column, value) in values {
        match seen.item(&column) {
            Some(item) if is_personal(resource, item) => {
                let message =
                    format!("`{column}` is personal; send the filter in the body of a POST instead");
                return Err(invalid(&message));
            }
            Some(_) => parts.push(is_value(column, value)),
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

/// The version that a query names by number or time.
fn version_of(query: &RecordsQuery) -> Result<VersionSelector, Refusal> {
    match (query.version, query.as_of) {
        (Some(_), Some(_)) => Err(invalid("name a version by `version` or by `as_of`, not by both")),
        (Some(number), None) => Ok(VersionSelector::Number(number)),
        (None, Some(time)) => Ok(VersionSelector::At(time)),
        (None, None) => Ok(VersionSelector::Latest),
    }
}

pub(crate) fn selection(code: ResourceCode, query: RecordsQuery) -> Result<Selection, Refusal> {
    let version = version_of(&query)?;
    let RecordsQuery { items, filter, sort, limit, count, cursor, .. } = query;
    let sort = sort.into_iter().map(|key| SortKey { column: key.item, descending: key.descending });
    Ok(Selection {
        table: TableName::Code(code),
        version,
        columns: items,
        filter,
        condition: None,
        sort: sort.collect(),
        as_stored: false,
        limit: Some(limit.unwrap_or(PAGE_ROWS)),
        slice: None,
        count,
        cursor,
        subject: None,
    })
}

/// The format asked for: by the parameter, else the one that `Accept` prefers, else JSON.
pub(crate) fn format_of(parameter: Option<&str>, headers: &HeaderMap) -> Result<Format, Refusal> {
    let offered = "offered are json, jsonl, csv, xlsx, arrow and parquet";
    if let Some(name) = parameter {
        let unknown = || Error::new(ErrorCode::UnsupportedFormat, offered).into();
        return Format::parse(name).ok_or_else(unknown);
    }
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    preferred(accept).ok_or_else(|| {
        Refusal::with_status(StatusCode::NOT_ACCEPTABLE, ErrorCode::UnsupportedFormat, offered)
    })
}

/// The offered format of the greatest quality value (RFC 9110 section 12.5.1), the first of equals.
fn preferred(accept: &str) -> Option<Format> {
    let quality = |range: &str| {
        let given = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
        given.map_or(Some(1.0), |text| text.parse::<f32>().ok()).filter(|quality| *quality > 0.0)
    };
    let mut ranges: Vec<_> = accept.split(',').filter_map(|range| Some((range, quality(range)?))).collect();
    ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    ranges.into_iter().find_map(|(range, _)| match crate::extract::essence(range).as_str() {
        "*/*" | "application/*" | "" => Some(Format::Json),
        "text/*" => Some(Format::Csv),
        "application/x-ndjson" => Some(Format::JsonLines),
        other => Format::parse(other),
    })
}

/// An answer of the engine as a response, with what evidence must know of it.
pub(crate) fn answered(answer: QueryAnswer, format: Format) -> Result<Response, Refusal> {
    answered_as(answer, format.media_type(), |answer| encode(answer, format))
}

/// The same in a form that a door gives it.
pub(crate) fn answered_as(
    answer: QueryAnswer,
    media_type: &'static str,
    written: impl FnOnce(QueryAnswer) -> Written,
) -> Result<Response, Refusal> {
    let limits = answer.limits;
    let limits = format!("time={}, rows={}, bytes={}", limits.time.as_secs(), limits.rows, limits.bytes);
    let versions: Vec<_> = answer
        .sources
        .iter()
        .map(|source| format!("{}={}", source.resource.path_form(), source.version))
        .collect();
    let (answer, rows) = counted(answer);
    let reading = Reading { rows, now: Some(answer.now), ..Reading::of(answer.sources.clone()) };
    let mut response = Response::builder();
    if let Some(next) = &answer.next {
        response = response.header(NEXT, next);
    }
    if let Some(total) = answer.total {
        response = response.header(TOTAL, total);
    }
    let response = response
        .header(header::CONTENT_TYPE, media_type)
        .header(header::VARY, "accept")
        .header(LIMITS, limits)
        .header(VERSIONS, versions.join(", "))
        .extension(reading)
        .body(Body::from_stream(written(answer)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_format_wins() {
        for (accept, format) in [
            ("application/json;q=0.1, text/csv", Some(Format::Csv)),
            ("text/html, application/xhtml+xml, */*;q=0.8", Some(Format::Json)),
            ("text/csv;q=0, application/vnd.apache.parquet;q=0.2", Some(Format::Parquet)),
            ("text/csv; header=present, application/json", Some(Format::Csv)),
            ("application/x-ndjson", Some(Format::JsonLines)),
            (Format::Xlsx.media_type(), Some(Format::Xlsx)),
            ("image/png", None),
            ("text/csv;q=x", None),
            ("", Some(Format::Json)),
        ] {
            assert_eq!(preferred(accept), format, "{accept}");
        }
    }
}
