//! Supervision, assessment and annual reports.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::policy::{Action, decide_action};
use catalog_core::supervision::{Indicator, Period};
use catalog_core::{Error, Result, Role, Timestamp};
use chrono::{Datelike as _, NaiveDate};
use openapi_portal::{AssessmentPage, BehindPage, Days, ReportsPage, SupervisionPage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::evidence::rows_at;
use super::{day, end, filled, start, wrong};
use crate::app::App;
use crate::extract::Params;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::supervision::{assess, behind, board, period};

/// Records behind a figure that are shown with what stands in them.
const SHOWN: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_supervision))
        .routes(routes!(show_assessment))
        .routes(routes!(show_behind))
        .routes(routes!(show_reports))
}

/// A period in days of Asia/Shanghai; this year without it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Asked {
    /// The first day.
    from: String,
    /// The last day.
    until: String,
}

impl Asked {
    /// The period, and the days as they are shown.
    fn days(&self, now: Timestamp) -> Result<(Period, Days), Refusal> {
        let offered = offered(now.shanghai_date());
        let year =
            offered.first().map(|(_, _, from, until)| (from.clone(), until.clone())).unwrap_or_default();
        let from = filled(&self.from).unwrap_or(year.0);
        let until = filled(&self.until).unwrap_or(year.1);
        let (Some(first), Some(last)) = (start(&from)?, end(&until)?) else {
            return Err(wrong("name the first and the last day").into());
        };
        if last <= first {
            return Err(wrong("the last day lies before the first").into());
        }
        // Written as a date is, however it was typed.
        let [from, until] = [&from, &until].map(|text| day(text).ok().flatten());
        let text = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
        Ok((period(first, last, now)?, Days { from: text(from), until: text(until), offered }))
    }
}

/// Periods that are one click away: this year first.
fn offered(today: NaiveDate) -> Vec<(&'static str, &'static str, String, String)> {
    let begin = |year: i32, month: u32| NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(today);
    let (year, month) = (today.year(), today.month());
    let last_year_ends = NaiveDate::from_ymd_opt(year - 1, 12, 31).unwrap_or(today);
    let periods = [
        ("本年", "This year", begin(year, 1), today),
        ("本季度", "This quarter", begin(year, month - (month - 1) % 3), today),
        ("本月", "This month", begin(year, month), today),
        ("上年", "Last year", begin(year - 1, 1), last_year_ends),
    ];
    periods
        .into_iter()
        .map(|(chinese, english, from, until)| (chinese, english, from.to_string(), until.to_string()))
        .collect()
}

/// The board of supervision 电子监察
#[utoipa::path(get, path = "/desk/supervision", tag = "desk", params(LanguageParam, Asked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_supervision(visit: Visit, Params(asked): Params<Asked>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (period, days) = asked.days(visit.ctx.now)?;
    let found = board(&visit.app, &visit.ctx, period).await?;
    visit.page(&SupervisionPage {
        a: visit.around(),
        days: &days,
        lights: &found.lights,
        breaches: &found.breaches,
        anomalies: &found.anomalies,
        last: found.last,
        names: visit.names(found.anomalies.iter().filter_map(|one| one.principal.as_deref())).await?,
        may_open: opens_records(&visit),
    })
}

/// Whether the visitor may open records of the log.
fn opens_records(visit: &Visit) -> bool {
    decide_action(&visit.ctx.principal, Action::ReadEvidence, None).into_permission().is_ok()
}

/// The assessment of departments 考核评估
#[utoipa::path(get, path = "/desk/assessment", tag = "desk", params(LanguageParam, Asked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_assessment(visit: Visit, Params(asked): Params<Asked>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (period, days) = asked.days(visit.ctx.now)?;
    let assessment = assess(&visit.app, &visit.ctx, period).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    visit.page(&AssessmentPage {
        a: visit.around(),
        days: &days,
        assessment: &assessment,
        departments: &departments,
    })
}

/// A figure of the assessment.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Figure {
    /// The first day; this year without it.
    #[serde(default)]
    from: String,
    /// The last day.
    #[serde(default)]
    until: String,
    /// The department; `authority`, the data authority, without it.
    #[serde(default)]
    department: String,
    /// Which of its figures; `completeness` without it.
    #[param(value_type = Option<String>)]
    indicator: Option<Indicator>,
}

/// The records behind a figure of the assessment
#[utoipa::path(get, path = "/desk/assessment/records", tag = "desk", params(LanguageParam, Figure),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_behind(visit: Visit, Params(figure): Params<Figure>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let Figure { from, until, department, indicator } = figure;
    let (period, days) = Asked { from, until }.days(visit.ctx.now)?;
    let department = filled(&department).unwrap_or_else(|| "authority".to_owned());
    let indicator = indicator.unwrap_or(Indicator::Completeness);
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let known = departments.iter().find(|known| known.id.as_str() == department);
    if known.is_none() && department != "authority" {
        // What stands in an address is written down below: names of departments alone are.
        return Err(Error::not_found(format!("department {department}")).into());
    }
    let found = behind(&visit.app, &visit.ctx, period, (&department, indicator)).await?;
    let (rows, names) = match opens_records(&visit) {
        true => {
            let first = found.records.iter().take(SHOWN).map(|place| (place.epoch, place.index));
            let looked_for = format!("{} of {department} in the assessment", indicator.as_str());
            rows_at(&visit, &looked_for, first.collect()).await?
        }
        false => Default::default(),
    };
    visit.page(&BehindPage {
        a: visit.around(),
        days: &days,
        department: known.map_or(department.as_str(), |known| &known.name),
        indicator,
        total: found.total,
        records: &found.records,
        rows,
        names,
    })
}

/// Which report.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Report {
    /// The year; this one without it.
    year: Option<i32>,
    /// The department.
    department: String,
}

/// The reports of a year 年度报告
#[utoipa::path(get, path = "/desk/reports", tag = "desk", params(LanguageParam, Report),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_reports(visit: Visit, Params(asked): Params<Report>) -> Result<Response, Refusal> {
    let principal = visit.signed_in()?;
    let sees_all = principal.has(Role::AuthorityOfficer) || principal.has(Role::Auditor);
    let departments = match sees_all {
        true => visit.app.services.departments(&visit.ctx).await?,
        false => Vec::new(),
    };
    // Their own, or one of those that there are: nothing else is put into an address.
    let own = principal.department.as_ref().filter(|_| !sees_all).map(ToString::to_string);
    let is_known = |name: &String| departments.iter().any(|known| known.id.as_str() == name);
    let department = own.or_else(|| filled(&asked.department).filter(is_known)).unwrap_or_default();
    let year = asked.year.unwrap_or_else(|| visit.ctx.now.shanghai_date().year());
    visit.page(&ReportsPage { a: visit.around(), year, department: &department, departments: &departments })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_begins_with_its_first_month() {
        let quarter = |day: &str| offered(day.parse().unwrap())[1].2.clone();
        assert_eq!(quarter("2026-01-31"), "2026-01-01");
        assert_eq!(quarter("2026-06-30"), "2026-04-01");
        assert_eq!(quarter("2026-11-23"), "2026-10-01");
    }
}
