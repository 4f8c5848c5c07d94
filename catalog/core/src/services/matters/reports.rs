//! The annual report on disclosure 政府信息公开工作年度报告, counted from the steps of the matters.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Services, sees_all};
use crate::context::OpContext;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::DepartmentId;
use crate::matter::{ApplicantKind, Content, Disclosure, Event, Ground, Matter, MatterKind, State, Step};
use crate::ports::MatterQuery;
use crate::time::Timestamp;

/// What the report holds that can be counted: the table of its third section, and what was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisclosureReport {
    /// The year.
    pub year: i32,
    /// Whose it is; of all departments where it is the authority's.
    pub department: String,
    /// The columns of the table: as what people asked. A total follows them.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<ReportRow>,
    /// Items of the opening plan that became open in the year.
    pub opened: u64,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReportRow {
    /// The part of the form, in its own numbering.
    pub part: String,
    /// What is counted.
    pub label: String,
    /// By column.
    pub counts: Vec<u64>,
    /// All.
    pub total: u64,
}

/// How a request was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Granted,
    InPart,
    Refused(Ground),
    NotCompleted,
    Other,
}

/// The rows of the form in its order: part, label, what they count.
const RESULTS: [(&str, &str, End); 21] = [
    ("三（一）", "予以公开", End::Granted),
    ("三（二）", "部分公开", End::InPart),
    ("三（三）1", "不予公开：属于国家秘密", End::Refused(Ground::StateSecret)),
    ("三（三）2", "不予公开：其他法律行政法规禁止公开", End::Refused(Ground::OtherLaw)),
    ("三（三）3", "不予公开：危及“三安全一稳定”", End::Refused(Ground::Safety)),
    ("三（三）4", "不予公开：保护第三方合法权益", End::Refused(Ground::ThirdParty)),
    ("三（三）5", "不予公开：属于三类内部事务信息", End::Refused(Ground::InternalAffairs)),
    ("三（三）6", "不予公开：属于四类过程性信息", End::Refused(Ground::Process)),
    ("三（三）7", "不予公开：属于行政执法案卷", End::Refused(Ground::EnforcementFile)),
    ("三（三）8", "不予公开：属于行政查询事项", End::Refused(Ground::Inquiry)),
    ("三（四）1", "无法提供：本机关不掌握相关政府信息", End::Refused(Ground::NotHeld)),
    ("三（四）2", "无法提供：没有现成信息需要另行制作", End::Refused(Ground::ToBeMade)),
    ("三（四）3", "无法提供：补正后申请内容仍不明确", End::Refused(Ground::StillUnclear)),
    ("三（五）1", "不予处理：信访举报投诉类申请", End::Refused(Ground::Petition)),
    ("三（五）2", "不予处理：重复申请", End::Refused(Ground::Repeated)),
    ("三（五）3", "不予处理：要求提供公开出版物", End::Refused(Ground::Publication)),
    ("三（五）4", "不予处理：无正当理由大量反复申请", End::Refused(Ground::Excessive)),
    ("三（五）5", "不予处理：要求行政机关确认或重新出具已获取信息", End::Refused(Ground::Confirmation)),
    ("三（六）1", "其他处理：申请人无正当理由逾期不补正", End::NotCompleted),
    ("三（六）3", "其他处理：其他不予公开的情形", End::Refused(Ground::Other)),
    ("三（六）3", "其他处理：申请人撤回等其他", End::Other),
];

/// A request, reduced to what is counted.
struct Counted {
    column: usize,
    received: Timestamp,
    end: Option<(Timestamp, End)>,
}

impl Services {
    /// The report of a year, of one department or, for the authority and auditors, of all.
    pub async fn disclosure_report(
        &self,
        ctx: &OpContext,
        year: i32,
        department: Option<&DepartmentId>,
    ) -> Result<DisclosureReport> {
        let department = match (sees_all(ctx), department, &ctx.principal.department) {
            (true, department, _) => department,
            (false, None, Some(own)) => Some(own),
            (false, Some(department), Some(own)) if department == own => Some(own),
            _ => {
                let message = "the report of a department is for its own people, the authority and auditors";
                return Err(Error::new(ErrorCode::Forbidden, message));
            }
        };
        let start = |year| NaiveDate::from_ymd_opt(year, 1, 1).map(Timestamp::start_of_shanghai_day);
        let (Some(from), Some(until)) = (start(year), start(year.saturating_add(1))) else {
            return Err(Error::new(ErrorCode::InvalidInput, "`year` is no year"));
        };
        let mut query = MatterQuery { kind: Some(MatterKind::Disclosure), ..MatterQuery::default() };
        query.party = department.map(|department| format!("department:{department}"));
        let requests: Vec<_> = self.store.matters(&query).await?.iter().filter_map(counted).collect();
        query.kind = Some(MatterKind::OpeningItem);
        let items = self.store.matters(&query).await?;
        let is_opened = |step: &Step| step.state == State::Opened && step.at.shanghai_date().year() == year;
        let opened = items.iter().filter(|item| item.history.iter().any(is_opened)).count() as u64;
        Ok(DisclosureReport {
            year,
            department: self.department_name(department).await?,
            columns: ApplicantKind::ALL.iter().map(|kind| kind.label().to_owned()).collect(),
            rows: rows(&requests, from, until),
            opened,
        })
    }
}

fn rows(requests: &[Counted], from: Timestamp, until: Timestamp) -> Vec<ReportRow> {
    let row = |part: &str, label: &str, is_counted: &dyn Fn(&Counted) -> bool| {
        let mut counts = vec![0; ApplicantKind::ALL.len()];
        for request in requests.iter().filter(|request| is_counted(request)) {
            if let Some(count) = counts.get_mut(request.column) {
                *count += 1;
            }
        }
        let total = counts.iter().sum();
        ReportRow { part: part.to_owned(), label: label.to_owned(), counts, total }
    };
    let in_year = |at: Timestamp| from <= at && at < until;
    let ended_before = |request: &Counted, time: Timestamp| request.end.is_some_and(|(at, _)| at < time);
    let ended_so = |request: &Counted, how: Option<End>| {
        request.end.is_some_and(|(at, end)| in_year(at) && how.is_none_or(|how| how == end))
    };
    let mut rows = vec![
        row("一", "本年新收政府信息公开申请数量", &|request| in_year(request.received)),
        row("二", "上年结转政府信息公开申请数量", &|request| {
            request.received < from && !ended_before(request, from)
        }),
    ];
    rows.extend(RESULTS.map(|(part, label, end)| row(part, label, &|request| ended_so(request, Some(end)))));
    rows.push(row("三（七）", "总计", &|request| ended_so(request, None)));
    rows.push(row("四", "结转下年度继续办理", &|request| {
        request.received < until && !ended_before(request, until)
    }));
    rows
}

fn counted(matter: &Matter) -> Option<Counted> {
    let Content::Disclosure(disclosure) = &matter.content else { return None };
    let column = ApplicantKind::ALL.iter().position(|kind| *kind == disclosure.applicant_kind)?;
    let settled = matter.history.iter().find(|step| step.state.is_settled());
    let end = settled.map(|step| (step.at, end(step, disclosure)));
    Some(Counted { column, received: matter.received(), end })
}

fn end(step: &Step, disclosure: &Disclosure) -> End {
    match step.event {
        Some(Event::Grant) => End::Granted,
        Some(Event::GrantInPart) => End::InPart,
        Some(Event::Refuse) => {
            let ground = disclosure.outcome.as_ref().and_then(|outcome| outcome.ground);
            End::Refused(ground.unwrap_or(Ground::Other))
        }
        Some(Event::Abandon) => End::NotCompleted,
        _ => End::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_has_its_row() {
        for ground in Ground::ALL {
            let rows = RESULTS.iter().filter(|(_, _, end)| *end == End::Refused(*ground)).count();
            assert_eq!(rows, 1, "{ground}");
        }
    }
}
