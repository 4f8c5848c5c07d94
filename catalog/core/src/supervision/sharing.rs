//! The annual report on sharing 数据共享年度报告: what each department offered, was asked for, gave and answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::assessment::AUTHORITY;
use super::duty::Duty;
use super::{Assessor, Indicators, Period, Place, Placed, Ratio};
use crate::deadline::LimitKind;
use crate::evidence::Fact;
use crate::evidence::fact::{LimitFact, MatterFact};
use crate::ids::DepartmentId;
use crate::matter::{Event, MatterKind, State};
use crate::time::Timestamp;

/// The report of a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharingReport {
    /// The year.
    pub year: i32,
    /// The newest record that was read for it: the log up to there gives the same report.
    pub last: Option<Place>,
    /// By department.
    pub departments: Vec<SharingRow>,
}

/// What one department shared in the year.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharingRow {
    /// The department; `authority` is the data authority.
    pub department: String,
    /// 目录资源数: resources published at the end of the year.
    pub resources: u64,
    /// 已挂接: those of them with readable data.
    pub mounted: u64,
    /// 收到申请: applications for its data, each provider's part for itself.
    pub received: u64,
    /// 同意, wholly or in part, the machine's included.
    pub granted: u64,
    /// 不同意
    pub refused: u64,
    /// 按时答复: limits of its decisions kept, of those that ended or passed.
    pub on_time: Ratio,
    /// 提出申请: applications of the department for others' data.
    pub made: u64,
    /// 服务调用: reads by others.
    pub calls: u64,
    /// 服务行数: rows that left in them.
    pub rows: u64,
    /// 收到异议
    pub objections: u64,
    /// 认定属实: objections that were right.
    pub upheld: u64,
    /// 办结异议
    pub settled: u64,
}

impl SharingRow {
    fn join(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.received, other.received),
            (&mut self.granted, other.granted),
            (&mut self.refused, other.refused),
            (&mut self.made, other.made),
            (&mut self.objections, other.objections),
            (&mut self.upheld, other.upheld),
            (&mut self.settled, other.settled),
        ] {
            *sum += more;
        }
        self.on_time.join(other.on_time);
    }

    fn with_reads(mut self, indicators: &Indicators) -> Self {
        (self.resources, self.mounted) = (indicators.mounted.of, indicators.mounted.part);
        (self.calls, self.rows) = (indicators.calls_served, indicators.rows_served);
        self
    }
}

/// Computes the report from the records of a log, oldest first.
#[derive(Debug)]
pub struct SharingCounter {
    period: Period,
    assessor: Assessor,
    rows: BTreeMap<String, SharingRow>,
    /// The newest state of every part, for its limits, and whether an objection has been settled.
    matters: BTreeMap<String, MatterFact>,
    duty: Duty,
}

impl SharingCounter {
    /// Begins with nothing.
    pub fn new(period: Period) -> Self {
        let (rows, matters) = (BTreeMap::new(), BTreeMap::new());
        Self { period, assessor: Assessor::new(period), rows, matters, duty: Duty::default() }
    }

    /// Takes the next record; what lies behind the period changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        self.assessor.take(placed);
        if placed.record.at >= self.period.until {
            return;
        }
        if let Some(fact) = &placed.record.fact {
            self.duty.take(fact, placed.record.at);
        }
        if let Some(Fact::Matter(fact)) = &placed.record.fact {
            self.matter(fact, placed.record.at);
        }
    }

    fn row(&mut self, department: &str) -> &mut SharingRow {
        let new = || SharingRow { department: department.to_owned(), ..SharingRow::default() };
        self.rows.entry(department.to_owned()).or_insert_with(new)
    }

    fn matter(&mut self, fact: &MatterFact, at: Timestamp) {
        let before = self.matters.insert(fact.number.clone(), fact.clone());
        if !self.period.contains(at) {
            return;
        }
        // A part that was divided at a handover was received before.
        let is_new = before.is_none() && fact.handed_over_by.is_none();
        let was_settled = before.is_some_and(|before| before.state.is_settled());
        let row = self.row(fact.department.as_ref().map_or(AUTHORITY, DepartmentId::as_str));
        match fact.kind {
            MatterKind::Provision => {
                row.received += u64::from(is_new);
                row.refused += u64::from(fact.step == Some(Event::Refuse) && fact.state == State::Refused);
                let is_grant =
                    matches!(fact.step, Some(Event::Grant | Event::GrantInPart | Event::GrantAtOnce));
                row.granted += u64::from(is_grant);
            }
            MatterKind::Objection => {
                row.objections += u64::from(is_new);
                row.upheld += u64::from(fact.step == Some(Event::Uphold));
                row.settled += u64::from(!was_settled && fact.state.is_settled());
            }
            MatterKind::Application if is_new && fact.applicant.parse::<DepartmentId>().is_ok() => {
                let applicant = fact.applicant.clone();
                self.row(&applicant).made += 1;
            }
            _ => {}
        }
    }

    /// The report: of one department, or of all that did anything.
    pub fn finish(mut self, year: i32, department: Option<&DepartmentId>) -> SharingReport {
        let parts: Vec<_> = std::mem::take(&mut self.matters).into_values().collect();
        for part in parts.iter().filter(|fact| fact.kind == MatterKind::Provision) {
            for limit in &part.limits {
                let Some(in_time) = kept(limit, self.period) else { continue };
                let responsible = self.duty.responsible(part, limit).map_or(AUTHORITY, DepartmentId::as_str);
                let responsible = responsible.to_owned();
                self.row(&responsible).on_time.join(Ratio { part: u64::from(in_time), of: 1 });
            }
        }
        let successions = self.duty.successions();
        let last = Timestamp(self.period.until.0.saturating_sub(1));
        for (name, row) in std::mem::take(&mut self.rows) {
            let heir = name.parse::<DepartmentId>().map(|id| successions.heir_of(&id, last).to_string());
            self.row(&heir.unwrap_or(name)).join(&row);
        }
        let assessor = std::mem::replace(&mut self.assessor, Assessor::new(self.period));
        let assessment = assessor.finish();
        for indicators in &assessment.departments {
            let row = self.row(&indicators.department);
            *row = std::mem::take(row).with_reads(indicators);
        }
        let wanted = |row: &SharingRow| {
            let is_idle = SharingRow { department: row.department.clone(), ..SharingRow::default() } == *row;
            department.map_or(!is_idle, |department| department.as_str() == row.department)
        };
        let departments = self.rows.into_values().filter(wanted).collect();
        SharingReport { year, last: assessment.last, departments }
    }
}

/// Whether the limit of a decision was kept, if it ended or passed in the period.
fn kept(limit: &LimitFact, period: Period) -> Option<bool> {
    if !matches!(limit.kind, LimitKind::ConditionalDecision | LimitKind::UnconditionalAccess) {
        return None;
    }
    match (limit.due, limit.ended) {
        (due, Some(ended)) if period.contains(ended) => Some(due.is_none_or(|due| ended < due)),
        (Some(due), None) if period.contains(due) => Some(false),
        _ => None,
    }
}
