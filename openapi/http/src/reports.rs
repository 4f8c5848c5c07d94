//! Reports that the law asks for every year, computed from the evidence log when they are asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::supervision::{
    DisclosureCounter, DisclosureReport, Period, SharingCounter, SharingReport, SharingRow,
};
use catalog_core::{DepartmentId, OpContext};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::docx;
use crate::extract::{Params, invalid};
use crate::notices::attached;
use crate::problem::Refusal;
use crate::supervision::{fold, share};

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_disclosure_report))
        .routes(routes!(get_disclosure_document))
        .routes(routes!(get_sharing_report))
        .routes(routes!(get_sharing_document))
}

/// Which report.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The year.
    year: i32,
    /// The department; without one, all that the caller may see.
    #[param(value_type = Option<String>)]
    department: Option<DepartmentId>,
}

/// The annual report on disclosure 政府信息公开工作年度报告, counted from evidence
///
/// For the authority and auditors, and for a department's own people.
#[utoipa::path(get, path = "/api/v1/reports/disclosure", tag = "matters", params(Wanted),
    responses((status = 200, description = "What can be counted", body = DisclosureReport)))]
async fn get_disclosure_report(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { year, department }): Params<Wanted>,
) -> Result<Json<DisclosureReport>, Refusal> {
    Ok(Json(disclosure(app, &ctx, Wanted { year, department }).await?))
}

/// The same as a document, in the six sections of the official form; what nobody can count is left for people
#[utoipa::path(get, path = "/api/v1/reports/disclosure.docx", tag = "matters", params(Wanted),
    responses((status = 200, description = "Office Open XML", content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn get_disclosure_document(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { year, department }): Params<Wanted>,
) -> Result<Response, Refusal> {
    let report = disclosure(app, &ctx, Wanted { year, department }).await?;
    Ok(attached(&format!("disclosure-{year}"), docx::from_text(&text(&report))?))
}

/// The annual report on sharing 数据共享年度报告, counted from evidence
///
/// Of each department: resources, applications, decisions in time, calls, objections. For the authority and auditors, and for a
/// department's own people.
#[utoipa::path(get, path = "/api/v1/reports/sharing", tag = "matters", params(Wanted),
    responses((status = 200, description = "What can be counted", body = SharingReport)))]
async fn get_sharing_report(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<SharingReport>, Refusal> {
    Ok(Json(sharing(app, &ctx, wanted).await?.1))
}

/// The same as a document; what nobody can count is left for people
#[utoipa::path(get, path = "/api/v1/reports/sharing.docx", tag = "matters", params(Wanted),
    responses((status = 200, description = "Office Open XML", content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn get_sharing_document(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Refusal> {
    let departments = app.services.departments(&ctx).await?;
    let names = departments.into_iter().map(|one| (one.id.to_string(), one.name)).collect();
    let (name, report) = sharing(app, &ctx, wanted).await?;
    let text = sharing_text(&name, &report, &names);
    Ok(attached(&format!("sharing-{}", report.year), docx::from_text(&text)?))
}

async fn disclosure(app: Arc<App>, ctx: &OpContext, wanted: Wanted) -> Result<DisclosureReport, Refusal> {
    let Wanted { year, department } = wanted;
    let period = Period::year(year).ok_or_else(|| invalid("`year` is no year"))?;
    let what = format!("disclosure {year}");
    let (department, name) = app.services.report(ctx, &what, department.as_ref()).await?;
    let read = move |app: &App| {
        let mut counter = DisclosureCounter::new(period);
        fold(app, period, |placed| counter.take(placed))?;
        Ok(counter.finish(year, &name, department.as_ref()))
    };
    Ok(app.prove(read).await?)
}

/// The report, and the name of the department whose it is.
async fn sharing(app: Arc<App>, ctx: &OpContext, wanted: Wanted) -> Result<(String, SharingReport), Refusal> {
    let Wanted { year, department } = wanted;
    let whole = Period::year(year).ok_or_else(|| invalid("`year` is no year"))?;
    // Nothing is late that is not due yet.
    let period = Period { from: whole.from, until: whole.until.min(ctx.now).max(whole.from) };
    let what = format!("sharing {year}");
    let (department, name) = app.services.report(ctx, &what, department.as_ref()).await?;
    let read = move |app: &App| {
        let mut counter = SharingCounter::new(period);
        fold(app, period, |placed| counter.take(placed))?;
        Ok(counter.finish(year, department.as_ref()))
    };
    Ok((name, app.prove(read).await?))
}

/// Where people write what no evidence tells.
const BLANK: &str = "（平台没有这项数据，由编制机关填写）";

fn text(report: &DisclosureReport) -> String {
    let DisclosureReport { year, department, columns, rows, opened, last: _ } = report;
    let mut text = format!("# {department}{year}年政府信息公开工作年度报告\n## 一、总体情况\n");
    let total = |part: &str| rows.iter().find(|row| row.part == part).map_or(0, |row| row.total);
    let (new, before, done, left) = (total("一"), total("二"), total("三（七）"), total("四"));
    let summary = format!(
        "本年新收政府信息公开申请 {new} 件，上年结转 {before} 件，本年度办结 {done} 件，结转下年度继续办理 {left} 件。\n{BLANK}\n"
    );
    text.push_str(&summary);
    text.push_str("## 二、主动公开政府信息情况\n");
    text.push_str(&format!("开放计划和主动公开中本年开放的数据 {opened} 项。\n{BLANK}\n"));
    text.push_str("## 三、收到和处理政府信息公开申请情况\n");
    // The table names parts as the form does; a new line or bar would break a row, and no text here has one.
    let _ = writeln!(text, "|序号|事项|{}|总计|", columns.join("|"));
    for row in rows {
        let counts: Vec<_> = row.counts.iter().map(u64::to_string).collect();
        let _ = writeln!(text, "|{}|{}|{}|{}|", row.part, row.label, counts.join("|"), row.total);
    }
    for heading in
        ["四、政府信息公开行政复议、行政诉讼情况", "五、存在的主要问题及改进情况", "六、其他需要报告的事项"]
    {
        let _ = writeln!(text, "## {heading}\n{BLANK}");
    }
    text
}

/// The columns of the table of sharing.
const SHARING: [&str; 12] = [
    "部门",
    "目录资源数",
    "已挂接",
    "收到申请",
    "同意",
    "不同意",
    "按时答复",
    "提出申请",
    "服务调用（次）",
    "服务行数",
    "收到异议（属实）",
    "办结异议",
];

/// The report as a document has it; `names` are those of departments by their ids.
fn sharing_text(name: &str, report: &SharingReport, names: &BTreeMap<String, String>) -> String {
    // A new line or bar would break a row.
    let named = |id: &String| match names.get(id) {
        Some(name) => name.replace(['|', '\n'], " "),
        None if id == "authority" => "政务数据主管部门".to_owned(),
        None => id.clone(),
    };
    let SharingReport { year, last, departments } = report;
    let sum = |of: fn(&SharingRow) -> u64| departments.iter().map(of).sum::<u64>();
    let mut text = format!("# {name}{year}年数据共享年度报告\n## 一、总体情况\n");
    let _ = writeln!(
        text,
        "年末目录资源 {} 项，已挂接 {} 项；本年收到共享申请 {} 件，同意 {} 件，不同意 {} 件；提供服务 {} 次，共 {} 行；收到异议 {} 件，办结 {} 件。\n{BLANK}",
        sum(|row| row.resources),
        sum(|row| row.mounted),
        sum(|row| row.received),
        sum(|row| row.granted),
        sum(|row| row.refused),
        sum(|row| row.calls),
        sum(|row| row.rows),
        sum(|row| row.objections),
        sum(|row| row.settled)
    );
    let _ = writeln!(text, "## 二、各部门数据共享情况\n|{}|", SHARING.join("|"));
    for row in departments {
        let cells = [
            named(&row.department),
            row.resources.to_string(),
            row.mounted.to_string(),
            row.received.to_string(),
            row.granted.to_string(),
            row.refused.to_string(),
            share(row.on_time),
            row.made.to_string(),
            row.calls.to_string(),
            row.rows.to_string(),
            format!("{}（{}）", row.objections, row.upheld),
            row.settled.to_string(),
        ];
        let _ = writeln!(text, "|{}|", cells.join("|"));
    }
    let last = last.map(|last| format!("{}-{}", last.epoch, last.index)).unwrap_or_default();
    let _ = writeln!(text, "全部数字由存证日志计算得出，截至存证 {last}；无人工填报。");
    for heading in ["三、存在的主要问题及改进情况", "四、其他需要报告的事项"] {
        let _ = writeln!(text, "## {heading}\n{BLANK}");
    }
    text
}
