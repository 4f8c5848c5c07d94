//! Supervision and assessment, computed from the evidence log when they are asked for.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::directory::sheet::{Grid, Row, Workbook};
use catalog_core::evidence::Undone;
use catalog_core::supervision::assessment::percent;
use catalog_core::supervision::{
    Anomalies, Assessment, Assessor, Behind, Breaches, Indicator, Indicators, Period, Place, Placed, Ratio,
};
use catalog_core::{Error, OpContext, Result, Timestamp};
use catalog_sheet::write_xlsx;
use datasets_store::jws;
use exchange_ledger::{Filter, Leaf};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use openapi_contract::{AssessedRecords, SignedAssessment, Supervision};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Params, invalid};
use crate::inspection::XLSX;
use crate::matters::paged;
use crate::problem::Refusal;

/// What the signature of an assessment signs.
const ASSESSMENT: &str = "shuqiao-assessment";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_supervision))
        .routes(routes!(get_assessment))
        .routes(routes!(get_assessed_records))
}

/// A period.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// From this time on.
    #[param(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Before this time.
    #[param(value_type = String, format = DateTime)]
    until: Timestamp,
    /// `json`, or for an assessment `xlsx`; `json` when left out.
    format: Option<String>,
}

/// A period, and which of what was found in it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Board {
    /// From this time on.
    #[param(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Before this time.
    #[param(value_type = String, format = DateTime)]
    until: Timestamp,
    /// Breaches and anomalies of a page, 1 to 10,000 of each; 1,000 when left out.
    limit: Option<usize>,
    /// What `shuqiao-next` of the page before said: how many of each were listed before.
    #[serde(default)]
    after: usize,
}

/// Breaches and anomalies of a page where the caller does not say, and most.
const PAGE: usize = 1_000;
const MAX_PAGE: usize = 10_000;
/// The longest name of a department, in characters.
const NAME_LENGTH: usize = 64;

/// The period, as far as it has passed: nothing is late that is not due yet.
pub(crate) fn period(from: Timestamp, until: Timestamp, now: Timestamp) -> Result<Period, Refusal> {
    match from < until {
        true => Ok(Period { from, until: until.min(now).max(from) }),
        false => Err(invalid("`from` lies before `until`")),
    }
}

/// Lights of all running matters, and the breaches and anomalies of a period
///
/// For officers of the data authority and auditors. Each breach and anomaly names the records of the evidence log behind it.
/// Where there are more, a `link` field with `rel="next"` leads to them.
#[utoipa::path(get, path = "/api/v1/supervision", tag = "supervision", params(Board),
    responses((status = 200, description = "What supervision shows", body = Supervision)))]
async fn get_supervision(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Board { from, until, limit, after }): Params<Board>,
    uri: OriginalUri,
) -> Result<Response, Refusal> {
    let period = period(from, until, ctx.now)?;
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(invalid("`limit` lies between 1 and 10,000"));
    }
    let mut found = board(&app, &ctx, period).await?;
    let has_more = found.breaches.len().max(found.anomalies.len()) > after.saturating_add(limit);
    let next = has_more.then(|| (after + limit).to_string());
    found.breaches = found.breaches.into_iter().skip(after).take(limit).collect();
    found.anomalies = found.anomalies.into_iter().skip(after).take(limit).collect();
    paged(Json(found).into_response(), &uri, next.as_deref())
}

/// All that supervision shows of a period.
pub(crate) async fn board(app: &Arc<App>, ctx: &OpContext, period: Period) -> Result<Supervision> {
    let settings = app.services.supervise(ctx, &named("board", period)).await?.clone();
    let lights = app.services.lights(ctx).await?;
    let read = move |app: &App| {
        let mut anomalies = Anomalies::new(period, &settings.supervision, &settings.deadlines.calendar);
        let mut breaches = Breaches::default();
        let last = fold(app, period, |placed| {
            anomalies.take(placed);
            breaches.take(placed);
        })?;
        let (breaches, anomalies) = (breaches.within(period), anomalies.finish());
        Ok(Supervision { period, last, lights, breaches, anomalies })
    };
    Arc::clone(app).prove(read).await
}

/// The assessment of departments in a period, computed from evidence alone
///
/// For officers of the data authority and auditors. Whoever has the log up to the record that it names computes the same.
#[utoipa::path(get, path = "/api/v1/assessments", tag = "supervision", params(Wanted),
    responses((status = 200, description = "The table", content((SignedAssessment = "application/json"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))))]
async fn get_assessment(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Refusal> {
    let period = period(wanted.from, wanted.until, ctx.now)?;
    let as_sheet = match wanted.format.as_deref() {
        None | Some("json") => false,
        Some("xlsx") => true,
        Some(_) => return Err(invalid("offered are format=json and format=xlsx")),
    };
    let assessment = assess(&app, &ctx, period).await?;
    if as_sheet {
        let write = move || write_xlsx(&Workbook { directory: grid(&assessment), extension: None });
        let content = tokio::task::spawn_blocking(write).await.map_err(Error::internal)??;
        let name = "attachment; filename=\"assessment.xlsx\"";
        return Ok(([(CONTENT_TYPE, XLSX), (CONTENT_DISPOSITION, name)], content).into_response());
    }
    let document = serde_json_canonicalizer::to_vec(&assessment).map_err(Error::internal)?;
    let signature = jws::sign_detached(&document, ASSESSMENT, &app.signer);
    Ok(Json(SignedAssessment { assessment, signature }).into_response())
}

/// The assessment of a period.
pub(crate) async fn assess(app: &Arc<App>, ctx: &OpContext, period: Period) -> Result<Assessment> {
    app.services.supervise(ctx, &named("assessment", period)).await?;
    let read = move |app: &App| {
        let mut assessor = Assessor::new(period);
        fold(app, period, |placed| assessor.take(placed))?;
        Ok(assessor.finish())
    };
    Arc::clone(app).prove(read).await
}

/// A figure of an assessment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Figure {
    /// From this time on.
    #[param(value_type = String, format = DateTime)]
    from: Timestamp,
    /// Before this time.
    #[param(value_type = String, format = DateTime)]
    until: Timestamp,
    /// The department; `authority` is the data authority.
    department: String,
    /// Which of its figures.
    #[param(value_type = String)]
    indicator: Indicator,
}

/// The records of the evidence log from which a figure of an assessment is counted
///
/// For officers of the data authority and auditors; what stands in the records is for auditors. The first 1,000 are named.
#[utoipa::path(get, path = "/api/v1/assessments/records", tag = "supervision", params(Figure),
    responses((status = 200, description = "Where they stand", body = AssessedRecords)))]
async fn get_assessed_records(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Figure { from, until, department, indicator }): Params<Figure>,
) -> Result<Json<AssessedRecords>, Refusal> {
    let period = period(from, until, ctx.now)?;
    Ok(Json(behind(&app, &ctx, period, (&department, indicator)).await?))
}

/// The records behind a figure of a department.
pub(crate) async fn behind(
    app: &Arc<App>,
    ctx: &OpContext,
    period: Period,
    (department, indicator): (&str, Indicator),
) -> Result<AssessedRecords> {
    if department.chars().count() > NAME_LENGTH {
        return Err(Error::not_found("such a department"));
    }
    let what = format!("{} of {department} in the assessment", indicator.as_str());
    app.services.supervise(ctx, &named(&what, period)).await?;
    let name = department.to_owned();
    let read = move |app: &App| {
        let mut behind = Behind::new(period, indicator);
        fold(app, period, |placed| behind.take(placed))?;
        Ok(behind.finish(&name))
    };
    let mut records = Arc::clone(app).prove(read).await?;
    let total = records.len() as u64;
    records.truncate(PAGE);
    Ok(AssessedRecords { period, department: department.to_owned(), indicator, total, records })
}

/// What is looked at, as evidence of it keeps it.
fn named(what: &str, period: Period) -> String {
    format!("{what} from={} until={}", period.from, period.until)
}

/// Hands all records before the end of the period to `take`, the oldest first; answers where the last of them stands.
pub(crate) fn fold(app: &App, period: Period, mut take: impl FnMut(&Placed)) -> Result<Option<Place>> {
    let until = Filter { until: Some(period.until), ..Filter::default() };
    let placed =
        |leaf: Leaf| Placed { place: Place { epoch: leaf.epoch, index: leaf.index }, record: leaf.record };
    let mut undone = Undone::default();
    for leaf in app.evidence.scan(Filter { action: Some("restored".to_owned()), ..until.clone() })? {
        let leaf = leaf?;
        undone.take(&leaf.record.event, (leaf.epoch, leaf.index));
    }
    let mut last = None;
    for leaf in app.evidence.scan(until)? {
        let placed = placed(leaf?).without(&undone);
        take(&placed);
        last = Some(placed.place);
    }
    Ok(last)
}

/// The columns of the spreadsheet. A share is written as per cent, and beside it what it is a share of.
const COLUMNS: [&str; 12] = [
    "部门",
    "综合得分",
    "目录完整率",
    "数据挂接率",
    "更新及时率",
    "按时办结率",
    "拒绝率",
    "异议办结率",
    "数据质量",
    "开放率",
    "服务调用次数（行数）",
    "开放下载次数",
];

fn grid(assessment: &Assessment) -> Grid {
    let Period { from, until } = assessment.period;
    let title = format!("考核评估  {} 至 {}（不含）", from.shanghai_text(), until.shanghai_text());
    let last = assessment.last.map(|last| format!("{}-{}", last.epoch, last.index)).unwrap_or_default();
    let source = format!("全部指标由存证日志计算得出，截至存证 {last}；无人工填报。");
    let head = [vec![title], vec![source], COLUMNS.map(str::to_owned).to_vec()];
    let rows = head.into_iter().chain(assessment.departments.iter().map(cells));
    let rows = (1..).zip(rows).map(|(number, cells)| Row { number, cells }).collect();
    Grid { name: "考核评估".to_owned(), rows }
}

fn cells(row: &Indicators) -> Vec<String> {
    vec![
        row.department.clone(),
        percent(row.score),
        share(row.completeness),
        share(row.mounted),
        row.timely_updates.percent(),
        share(row.timely_answers),
        share(row.refusals),
        share(row.objections_settled),
        share(row.quality),
        share(row.open),
        format!("{}（{}）", row.calls_served, row.rows_served),
        row.open_downloads.to_string(),
    ]
}

/// A share, and beside it what it is a share of.
pub(crate) fn share(ratio: Ratio) -> String {
    match ratio.of {
        0 => ratio.percent(),
        of => format!("{}（{}/{of}）", ratio.percent(), ratio.part),
    }
}
