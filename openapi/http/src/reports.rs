//! Reports that the law asks for every year, computed.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::services::DisclosureReport;
use catalog_core::{DepartmentId, OpContext};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::docx;
use crate::extract::Params;
use crate::notices::attached;
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(get_disclosure_report)).routes(routes!(get_disclosure_document))
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

/// The annual report on disclosure 政府信息公开工作年度报告, counted from the matters
///
/// For the authority and auditors, and for a department's own people.
#[utoipa::path(get, path = "/api/v1/reports/disclosure", tag = "matters", params(Wanted),
    responses((status = 200, description = "What can be counted", body = DisclosureReport)))]
async fn get_disclosure_report(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { year, department }): Params<Wanted>,
) -> Result<Json<DisclosureReport>, Refusal> {
    Ok(Json(app.services.disclosure_report(&ctx, year, department.as_ref()).await?))
}

/// The same as a document, in the six sections of the official form; what nobody can count is left for people
#[utoipa::path(get, path = "/api/v1/reports/disclosure.docx", tag = "matters", params(Wanted),
    responses((status = 200, description = "Office Open XML", content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn get_disclosure_document(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { year, department }): Params<Wanted>,
) -> Result<Response, Refusal> {
    let report = app.services.disclosure_report(&ctx, year, department.as_ref()).await?;
    Ok(attached(&format!("disclosure-{year}"), docx::from_text(&text(&report))?))
}

/// Where people write what no evidence tells.
const BLANK: &str = "（平台没有这项数据，由编制机关填写）";

fn text(report: &DisclosureReport) -> String {
    let DisclosureReport { year, department, columns, rows, opened } = report;
    let mut text = format!("# {department}{year}年政府信息公开工作年度报告\n## 一、总体情况\n");
    let total = |part: &str| rows.iter().find(|row| row.part == part).map_or(0, |row| row.total);
    let (new, before, done, left) = (total("一"), total("二"), total("三（七）"), total("四"));
    let summary = format!(
        "本年新收政府信息公开申请 {new} 件，上年结转 {before} 件，本年度办结 {done} 件，结转下年度继续办理 {left} 件。\n{BLANK}\n"
    );
    text.push_str(&summary);
    text.push_str("## 二、主动公开政府信息情况\n");
    text.push_str(&format!("开放计划中本年开放的数据 {opened} 项。\n{BLANK}\n"));
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
