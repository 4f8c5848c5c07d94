//! What can be looked at of a dataset: rows and charts, as tables that need no scripts. Each is a query of whoever looks, under the
//! policy and with the evidence of every other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use catalog_core::directory::{InformationItem, ItemKind, Resource, ValueFormat};
use catalog_core::evidence::SourceRead;
use catalog_core::schema::visible;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use exchange_query::export::{RowFormat, rows};
use exchange_query::{
    Chart, Grouping, Measure, OpenTable, QueryAnswer, QueryRequest, Selection, TableName, Tables as _,
};
use futures::TryStreamExt as _;
use openapi_contract::{RecordsQuery, Sort};
use openapi_portal::{ChartPage, ChartWish, Drawing, Drawn, FirstRows, RowsPage};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::visit::Visit;
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Params, invalid};
use crate::problem::Refusal;
use crate::records::{counted, is_personal, selection};

/// Rows of a page.
const ROWS: u32 = 50;
/// Rows on the page of a dataset.
const FIRST: u32 = 10;
/// Letters of a cell there: it tells what rows look like.
const FIRST_CELL: usize = 80;
/// The longest that the page of a dataset waits for its rows: without them it has a link.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// Letters of a cell; files and the API have all of them.
const CELL: usize = 300;
/// Groups of a chart.
const GROUPS: usize = 40;
/// Groups of a chart whose groups stand in their own order: months, steps.
const IN_ORDER: usize = 400;
/// Values of a split that are told apart.
const SPLITS: usize = 8;
/// Steps into which numbers are cut, about.
const STEPS: f64 = 20.0;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_rows)).routes(routes!(show_chart))
}

/// Which rows of a dataset.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct RowsAsked {
    /// Column; `-column` for greatest first.
    sort: Option<String>,
    /// The page after the one that gave this cursor.
    cursor: Option<String>,
    /// `en` for English; Chinese without it.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// Which chart of a dataset.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ChartAsked {
    /// The column that groups rows; the form alone without it.
    #[serde(default)]
    x: String,
    /// `count`, `sum`, `mean`, `least` or `greatest`.
    #[serde(default)]
    how: String,
    /// The column that is measured.
    #[serde(default)]
    y: String,
    /// The column that splits groups.
    #[serde(default)]
    split: String,
    /// `en` for English; Chinese without it.
    #[serde(rename = "lang")]
    _lang: Option<String>,
}

/// Rows of a dataset, page by page
#[utoipa::path(get, path = "/datasets/{code}/rows", tag = "portal", params(CodePath, RowsAsked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_rows(
    visit: Visit,
    Code(code): Code,
    Params(asked): Params<RowsAsked>,
) -> Result<Response, Refusal> {
    let (resource, source) = opened(&visit, &code).await?;
    let told = |error: Error| error.after_opening([source]);
    let sort = asked.sort.filter(|sort| !sort.is_empty());
    let key = |sort: &String| {
        let (item, descending) = sort.strip_prefix('-').map_or((sort.as_str(), false), |item| (item, true));
        Sort { item: item.to_owned(), descending }
    };
    let query = RecordsQuery {
        limit: Some(ROWS),
        sort: sort.iter().map(key).collect(),
        cursor: asked.cursor.clone(),
        ..RecordsQuery::default()
    };
    let selection = selection(code, query)?;
    let answer = visit.app.run(&visit.ctx, QueryRequest::Selection(selection)).await.map_err(told)?;
    let next = answer.next.clone();
    let columns: Vec<String> = answer.schema.fields().iter().map(|field| field.name().clone()).collect();
    let (lines, reading) = read(answer).await?;
    let cell = |value: &Value| cell(value, CELL);
    let rows: Vec<Vec<String>> = lines.iter().map(|line| line.iter().map(cell).collect()).collect();
    let page = RowsPage {
        a: visit.around(),
        resource: &resource,
        columns: &columns,
        rows: &rows,
        sort: sort.as_deref(),
        next: next.as_deref(),
        is_first: asked.cursor.is_none(),
    };
    let mut response = visit.page(&page)?;
    response.extensions_mut().insert(reading);
    Ok(response)
}

/// A chart of a dataset, and the form that builds it
#[utoipa::path(get, path = "/datasets/{code}/chart", tag = "portal", params(CodePath, ChartAsked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_chart(
    visit: Visit,
    Code(code): Code,
    Params(asked): Params<ChartAsked>,
) -> Result<Response, Refusal> {
    let (resource, source) = opened(&visit, &code).await?;
    let ChartAsked { x, how, y, split, .. } = asked;
    let wish = ChartWish { x, how, y, split };
    let (drawn, reading) = match wish.x.is_empty() {
        true => (None, Reading::of(vec![source])),
        false => {
            let told = |refusal: Refusal| refusal.after_opening([source.clone()]);
            let chart = wanted(&resource, &wish).map_err(|error| told(error.into()))?;
            let (drawn, reading) = draw(&visit, chart).await.map_err(told)?;
            (Some(drawn), reading)
        }
    };
    let page = ChartPage { a: visit.around(), resource: &resource, wish: &wish, drawn: drawn.as_ref() };
    let mut response = visit.page(&page)?;
    response.extensions_mut().insert(reading);
    Ok(response)
}

/// The entry as the visitor sees its rows, and how evidence names it.
async fn opened(visit: &Visit, code: &ResourceCode) -> Result<(Resource, SourceRead)> {
    let table = TableName::Code(code.clone());
    let open = visit.app.tables.open(&visit.ctx, &table, VersionSelector::Latest).await?;
    Ok((visible(&open.dataset.resource, &open.dataset.granted.policy), open.dataset.source()))
}

/// All rows of an answer that has few, each as a list.
async fn read(answer: QueryAnswer) -> Result<(Vec<Vec<Value>>, Reading)> {
    let (answer, count) = counted(answer);
    let sources = answer.sources.clone();
    let reading = Reading { rows: count, now: Some(answer.now), ..Reading::of(sources.clone()) };
    let told = |error: Error| error.after_opening(sources.clone());
    let pieces: Vec<_> = rows(answer, RowFormat::Lists).try_collect().await.map_err(told)?;
    let pieces = pieces.concat();
    let lines = pieces.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice(line).map_err(Error::internal));
    Ok((lines.collect::<Result<_>>()?, reading))
}

/// The first rows of a version as whoever asks sees them, for the page of the dataset: a read like any other, which is one with the
/// read of the page. Nothing where the rows tell of persons (who looks at what a register is does not look people up in it), where
/// cells of a statistic take their place, or where there is no room for one more query now.
///
/// # Errors
/// What is broken.
pub(crate) async fn first_rows(
    app: &App,
    ctx: &OpContext,
    open: &OpenTable,
) -> Result<Option<(FirstRows, Reading)>> {
    let Dataset { resource, granted, version, .. } = &open.dataset;
    let seen = visible(resource, &granted.policy);
    let tells_of_persons = seen.items.iter().any(|item| is_personal(resource, item));
    if tells_of_persons || granted.policy.statistics.is_some() {
        return Ok(None);
    }
    let selection = Selection {
        version: VersionSelector::Number(version.number),
        limit: Some(FIRST),
        ..Selection::of(TableName::Code(resource.code.clone()))
    };
    let answer = tokio::time::timeout(FIRST_WAIT, async {
        let answer = app.run(ctx, QueryRequest::Selection(selection)).await?;
        let columns = answer.schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        Ok::<_, Error>((columns, read(answer).await?))
    });
    let (columns, (lines, reading)) = match answer.await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) if matches!(error.code, ErrorCode::Internal | ErrorCode::Corrupt) => {
            return Err(error);
        }
        // The page has a link to the rows, which says why.
        Ok(Err(_)) | Err(_) => return Ok(None),
    };
    if reading.sources != [open.dataset.source()] {
        return Ok(None);
    }
    let cell = |value: &Value| cell(value, FIRST_CELL);
    let rows = lines.iter().map(|line| line.iter().map(cell).collect()).collect();
    Ok(Some((FirstRows { columns, rows }, reading)))
}

fn cell(value: &Value, most: usize) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// The chart that a reader wants: of columns that they see.
fn wanted(resource: &Resource, wish: &ChartWish) -> Result<Chart> {
    let column = |name: &str| -> Result<Option<&InformationItem>> {
        match name {
            "" => Ok(None),
            name => resource.item(name).map(Some).ok_or_else(|| unknown(name)),
        }
    };
    let by = column(&wish.x)?.ok_or_else(|| unknown(&wish.x))?;
    let measure = match wish.how.as_str() {
        "" | "count" => Measure::Count,
        "sum" => Measure::Sum,
        "mean" => Measure::Mean,
        "least" => Measure::Least,
        "greatest" => Measure::Greatest,
        _ => return Err(wrong("`how` is count, sum, mean, least or greatest")),
    };
    let of = column(&wish.y)?.filter(|_| measure != Measure::Count);
    if measure != Measure::Count && !of.is_some_and(is_number) {
        return Err(wrong("`y` is a column of numbers, to be measured"));
    }
    let is_division = by.format == Some(ValueFormat::DivisionCode) && by.item_type.kind == ItemKind::C;
    Ok(Chart {
        resource: resource.code.clone(),
        by: (by.column.to_string(), by.item_type.kind),
        grouping: if is_division { Grouping::County } else { Grouping::Value },
        measure,
        of: of.map(|item| item.column.to_string()),
        split: column(&wish.split)?.map(|item| item.column.to_string()),
        limit: u32::try_from(GROUPS * SPLITS + 1).unwrap_or(u32::MAX),
    })
}

fn is_number(item: &InformationItem) -> bool {
    matches!(item.item_type.kind, ItemKind::N | ItemKind::Y | ItemKind::I | ItemKind::B | ItemKind::F)
}

fn unknown(name: &str) -> Error {
    let name: String = name.chars().take(60).collect();
    Error::new(ErrorCode::UnknownColumn, format!("there is no column `{name}`"))
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

/// Asks for the numbers of a chart; numbers and dates are put into groups by their range first.
async fn draw(visit: &Visit, mut chart: Chart) -> Result<(Drawn, Reading), Refusal> {
    let ask = async |sql: String| read(visit.app.run(&visit.ctx, QueryRequest::Sql(sql)).await?).await;
    let is_number = matches!(chart.by.1, ItemKind::N | ItemKind::Y | ItemKind::I | ItemKind::B | ItemKind::F);
    if chart.is_dated() || is_number {
        let (lines, _) = ask(chart.range_sql()).await?;
        let range = lines.first().map(Vec::as_slice).unwrap_or_default();
        chart.grouping = match chart.is_dated() {
            true => time(range),
            false => {
                steps(range, chart.by.1).ok_or_else(|| invalid("the numbers of this column have no range"))?
            }
        };
        chart.limit = u32::try_from(IN_ORDER * SPLITS + 1).unwrap_or(u32::MAX);
    }
    let (lines, reading) = ask(chart.sql()).await?;
    Ok((drawn(&chart, &lines), reading))
}

/// Years where there are more than five of them, else months.
fn time(range: &[Value]) -> Grouping {
    let year = |value: Option<&Value>| {
        value.and_then(Value::as_str).and_then(|text| text.get(..4)).and_then(|year| year.parse::<i32>().ok())
    };
    match (year(range.first()), year(range.get(1))) {
        (Some(first), Some(last)) if last - first <= 5 => Grouping::Month,
        _ => Grouping::Year,
    }
}

/// Steps of 1, 2 or 5 times a power of ten, about twenty of them; `None` where there is no number.
fn steps(range: &[Value], kind: ItemKind) -> Option<Grouping> {
    let number = |value: Option<&Value>| value.and_then(number_of).filter(|number| number.is_finite());
    let (low, high) = match (number(range.first()), number(range.get(1))) {
        (Some(low), Some(high)) if (high - low).is_finite() => (low, high),
        (None, None) => return Some(Grouping::Value),
        _ => return None,
    };
    let rough = (high - low) / STEPS;
    let power = 10f64.powf(rough.log10().floor());
    let width = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|width| *width >= rough);
    let is_whole = kind == ItemKind::I;
    let width = match width.filter(|width| width.is_normal()) {
        Some(width) if is_whole => width.max(1.0),
        Some(width) => width,
        // All are the same number.
        None => return Some(Grouping::Value),
    };
    let low = (low / width).floor() * width;
    low.is_finite().then_some(Grouping::Steps { low, width })
}

/// A number; decimals come as texts.
fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The answer as a table: groups with a number for each of the series.
fn drawn(chart: &Chart, lines: &[Vec<Value>]) -> Drawn {
    let (mut series, mut groups, mut numbers) = (Vec::new(), Vec::new(), BTreeMap::new());
    let (drawing, most) = match chart.grouping {
        Grouping::Value | Grouping::County => (Drawing::Bars, GROUPS),
        Grouping::Steps { .. } => (Drawing::Steps, IN_ORDER),
        Grouping::Year | Grouping::Month => (Drawing::Line, IN_ORDER),
    };
    if matches!(chart.grouping, Grouping::Steps { .. }) {
        groups = every_step(lines);
    }
    let mut is_cut = lines.len() >= usize::try_from(chart.limit).unwrap_or(usize::MAX);
    for line in lines {
        let [x, split, number] = [0, 1, 2].map(|place| line.get(place).cloned().unwrap_or(Value::Null));
        let part = match chart.split {
            None => Some(0),
            Some(_) => place(&mut series, named(&split).unwrap_or_else(|| "–".to_owned()), SPLITS),
        };
        match place(&mut groups, x, most).zip(part) {
            Some(cell) => drop(numbers.insert(cell, number_of(&number))),
            None => is_cut = true,
        }
    }
    let parts = series.len().max(1);
    let group = |(group, x): (usize, &Value)| {
        // Where no row is, their count is known.
        let none = (chart.measure == Measure::Count && drawing == Drawing::Steps).then_some(0.0);
        let of = |part| numbers.get(&(group, part)).copied().flatten().or(none);
        (name(chart, x), (0..parts).map(of).collect())
    };
    Drawn { drawing, groups: groups.iter().enumerate().map(group).collect(), series, is_cut }
}

/// The steps from the first to the last, those without a row among them: a chart has room for each.
fn every_step(lines: &[Vec<Value>]) -> Vec<Value> {
    let mut found: Vec<&Value> = lines.iter().filter_map(|line| line.first()).collect();
    found.retain(|step| number_of(step).is_some());
    found.dedup();
    let mut steps: Vec<Value> = Vec::new();
    for step in found {
        let next = steps.last().and_then(number_of).map(|last| last + 1.0);
        if let (Some(mut missing), Some(here)) = (next, number_of(step)) {
            while missing < here && steps.len() < IN_ORDER {
                steps.push(Value::from(missing));
                missing += 1.0;
            }
        }
        if steps.len() < IN_ORDER {
            steps.push(step.clone());
        }
    }
    steps
}

/// Where a value stands among those that are known; it joins them while they are few.
fn place<T: PartialEq>(known: &mut Vec<T>, value: T, most: usize) -> Option<usize> {
    let found = known.iter().position(|one| *one == value);
    found.or_else(|| {
        (known.len() < most).then(|| {
            known.push(value);
            known.len() - 1
        })
    })
}

fn named(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| cell(value, CELL))
}

/// What a group is called: a step by where it begins and ends.
fn name(chart: &Chart, x: &Value) -> Option<String> {
    match chart.grouping {
        _ if x.is_null() => None,
        Grouping::Steps { low, width } => {
            let step = number_of(x)?;
            let (from, to) = (low + step * width, low + (step + 1.0) * width);
            Some(format!("{} – {}", short(from), short(to)))
        }
        _ => named(x),
    }
}

/// A number without the noise of double precision.
fn short(number: f64) -> String {
    let written = format!("{number:.6}");
    let written = written.trim_end_matches('0').trim_end_matches('.');
    if written == "-0" { "0".to_owned() } else { written.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chart(grouping: Grouping, split: Option<&str>) -> Chart {
        Chart {
            resource: ResourceCode::from_path("301001-000001").unwrap(),
            by: ("amount".to_owned(), ItemKind::Y),
            grouping,
            measure: Measure::Count,
            of: None,
            split: split.map(str::to_owned),
            limit: 30,
        }
    }

    #[test]
    fn steps_are_round() {
        let of = |low: f64, high: f64, kind| steps(&[json!(low), json!(high)], kind);
        assert_eq!(of(3.25, 100.5, ItemKind::Y), Some(Grouping::Steps { low: 0.0, width: 5.0 }));
        assert_eq!(of(1.0, 9.0, ItemKind::I), Some(Grouping::Steps { low: 1.0, width: 1.0 }));
        assert_eq!(of(-1.0, 1.0, ItemKind::B), Some(Grouping::Steps { low: -1.0, width: 0.1 }));
        assert_eq!(of(7.0, 7.0, ItemKind::B), Some(Grouping::Value));
        assert_eq!(of(-1e308, 1e308, ItemKind::B), None);
        assert_eq!(steps(&[Value::Null, Value::Null], ItemKind::B), Some(Grouping::Value));
        assert_eq!(
            steps(&[json!("1.00"), json!("21.00")], ItemKind::N),
            Some(Grouping::Steps { low: 1.0, width: 1.0 })
        );
    }

    #[test]
    fn few_years_are_shown_by_month() {
        assert_eq!(time(&[json!("2020-01-01"), json!("2025-12-31")]), Grouping::Month);
        assert_eq!(time(&[json!("1999-01-01"), json!("2025-12-31")]), Grouping::Year);
        assert_eq!(time(&[Value::Null, Value::Null]), Grouping::Year);
    }

    #[test]
    fn a_split_gives_each_group_a_number_for_each_value() {
        let lines = [
            vec![json!("a"), json!("m"), json!(2)],
            vec![json!("a"), json!("f"), json!("1.50")],
            vec![Value::Null, json!("f"), json!(1)],
        ];
        let drawn = drawn(&chart(Grouping::Value, Some("sex")), &lines);
        assert_eq!(drawn.series, ["m", "f"]);
        assert_eq!(drawn.groups[0], (Some("a".to_owned()), vec![Some(2.0), Some(1.5)]));
        assert_eq!(drawn.groups[1], (None, vec![None, Some(1.0)]));
        assert!(!drawn.is_cut);
    }

    #[test]
    fn steps_are_named_by_their_ends() {
        let lines = [vec![json!(0.0), Value::Null, json!(3)], vec![json!(2.0), Value::Null, json!(1)]];
        let drawn = drawn(&chart(Grouping::Steps { low: -0.1, width: 0.1 }, None), &lines);
        let names: Vec<_> = drawn.groups.iter().map(|(name, _)| name.clone().unwrap()).collect();
        assert_eq!(names, ["-0.1 – 0", "0 – 0.1", "0.1 – 0.2"], "a step without rows has its place");
        assert_eq!(drawn.groups[1].1, [Some(0.0)]);
    }
}
