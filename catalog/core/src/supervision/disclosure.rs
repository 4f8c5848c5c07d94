//! The annual report on disclosure 政府信息公开工作年度报告, counted from the evidence of every step of a request.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::duty::Duty;
use super::{Period, Place, Placed};
use crate::evidence::Fact;
use crate::evidence::fact::MatterFact;
use crate::ids::DepartmentId;
use crate::matter::{ApplicantKind, Event, Ground, MatterKind, State};
use crate::time::Timestamp;

/// What the report holds that can be counted: the table of its third section, and what was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DisclosureReport {
    /// The year.
    pub year: i32,
    /// Whose it is; of all departments where it is the authority's.
    pub department: String,
    /// The newest record that was read for it: the log up to there gives the same report.
    pub last: Option<Place>,
    /// The columns of the table: as what people asked. A total follows them.
    pub columns: Vec<String>,
    /// Its rows.
    pub rows: Vec<ReportRow>,
    /// Items of the opening plan and of active publication that became open in the year.
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

/// A request, as the log tells of it.
#[derive(Debug, Clone)]
struct Counted {
    department: Option<DepartmentId>,
    /// As what its applicant asks; unknown of records from before that was told.
    column: Option<usize>,
    received: Timestamp,
    end: Option<(Timestamp, End)>,
}

/// Computes the report of a year from the records of a log, oldest first.
#[derive(Debug)]
pub struct DisclosureCounter {
    period: Period,
    last: Option<Place>,
    requests: BTreeMap<String, Counted>,
    opened: BTreeMap<String, Option<DepartmentId>>,
    duty: Duty,
}

impl DisclosureCounter {
    /// Begins with nothing.
    pub fn new(period: Period) -> Self {
        let (requests, opened) = (BTreeMap::new(), BTreeMap::new());
        Self { period, last: None, requests, opened, duty: Duty::default() }
    }

    /// Takes the next record; what lies behind the period changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        let at = placed.record.at;
        if at >= self.period.until {
            return;
        }
        self.last = Some(placed.place);
        match &placed.record.fact {
            Some(Fact::Matter(fact)) if fact.kind == MatterKind::Disclosure => self.request(fact, at),
            Some(Fact::Matter(fact)) if fact.state == State::Opened && self.period.contains(at) => {
                self.opened.insert(fact.number.clone(), fact.department.clone());
            }
            Some(fact @ Fact::Succession(_)) => self.duty.take(fact, placed.record.at),
            _ => {}
        }
    }

    fn request(&mut self, fact: &MatterFact, at: Timestamp) {
        let column =
            fact.applicant_kind.and_then(|kind| ApplicantKind::ALL.iter().position(|one| *one == kind));
        let new = Counted { department: None, column, received: at, end: None };
        let request = self.requests.entry(fact.number.clone()).or_insert(new);
        request.department.clone_from(&fact.department);
        if fact.state.is_settled() && request.end.is_none() {
            request.end = Some((at, end(fact)));
        }
    }

    /// The report of one department, or of all: its year, and whose it is by name.
    pub fn finish(self, year: i32, name: &str, department: Option<&DepartmentId>) -> DisclosureReport {
        let successions = self.duty.successions();
        let last = Timestamp(self.period.until.0.saturating_sub(1));
        let own: BTreeSet<_> =
            department.map(|department| successions.predecessors_of(department, last)).unwrap_or_default();
        let is_of = |handler: &Option<DepartmentId>| {
            let handler = handler.as_ref();
            department.is_none() || handler == department || handler.is_some_and(|one| own.contains(one))
        };
        let requests: Vec<_> =
            self.requests.into_values().filter(|request| is_of(&request.department)).collect();
        DisclosureReport {
            year,
            department: name.to_owned(),
            last: self.last,
            columns: ApplicantKind::ALL.iter().map(|kind| kind.label().to_owned()).collect(),
            rows: rows(&requests, self.period),
            opened: self.opened.values().filter(|handler| is_of(handler)).count() as u64,
        }
    }
}

fn rows(requests: &[Counted], Period { from, until }: Period) -> Vec<ReportRow> {
    let row = |part: &str, label: &str, is_counted: &dyn Fn(&Counted) -> bool| {
        let mut counts = vec![0; ApplicantKind::ALL.len()];
        let mut total = 0;
        for request in requests.iter().filter(|request| is_counted(request)) {
            total += 1;
            if let Some(count) = request.column.and_then(|column| counts.get_mut(column)) {
                *count += 1;
            }
        }
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

fn end(fact: &MatterFact) -> End {
    match fact.step {
        Some(Event::Grant) => End::Granted,
        Some(Event::GrantInPart) => End::InPart,
        Some(Event::Refuse) => End::Refused(fact.ground.unwrap_or(Ground::Other)),
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
