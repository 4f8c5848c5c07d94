//! What is out of the ordinary in the log, each with the records behind it. None of it is a verdict: people look.

use std::collections::{BTreeMap, VecDeque};

use chrono::{NaiveDate, Timelike};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Reads, Served};
use super::{Period, Place, Placed};
use crate::calendar::Calendar;
use crate::error::{Error, ErrorCode, Problem, Result};
use crate::evidence::{Event, Fact};
use crate::ids::{DepartmentId, GrantId};
use crate::time::Timestamp;

/// The most records that stand behind one anomaly; its count goes on.
const MOST_EVIDENCE: usize = 100;
/// Seconds of an hour and of a day.
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Refusals that say that somebody asked for what is not theirs. A connection that broke or a limit that was reached accuses nobody.
const OVERREACH: [ErrorCode; 10] = [
    ErrorCode::Unauthenticated,
    ErrorCode::SignatureInvalid,
    ErrorCode::Replayed,
    ErrorCode::Forbidden,
    ErrorCode::NotGranted,
    ErrorCode::ObligationMissing,
    ErrorCode::UnknownTable,
    ErrorCode::UnknownColumn,
    ErrorCode::NotFound,
    ErrorCode::Revoked,
];

/// What is out of the ordinary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// 越权尝试: one principal was refused many times within an hour
    RefusedAttempts,
    /// 非工作时间批量读取: many rows outside of working hours or on a day off
    OffHoursBulk,
    /// 超申报调用: more calls in a day than the grant's holder said to expect
    MoreCallsThanDeclared,
    /// 超申报数据量: more rows in a day than the grant's holder said to expect
    MoreRowsThanDeclared,
    /// 集中查询同一人: one department looked the same person up many times within 24 hours
    SubjectBurst,
}

/// From when on something is out of the ordinary. A file `supervision.json` in the data folder sets others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Refusals of one principal within an hour.
    pub refusals_per_hour: usize,
    /// Rows of one read outside of working hours.
    pub off_hours_rows: u64,
    /// First hour of a working day, 0 to 23, Asia/Shanghai.
    pub opens: u32,
    /// First hour after a working day, 1 to 24.
    pub closes: u32,
    /// Look-ups of the same person by one department within 24 hours.
    pub subject_reads_per_day: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { refusals_per_hour: 10, off_hours_rows: 10_000, opens: 7, closes: 20, subject_reads_per_day: 5 }
    }
}

impl Thresholds {
    /// The defaults with those that a JSON file sets otherwise.
    pub fn with_file(text: &str) -> Result<Self> {
        let wrong = |at: String, message: &str| {
            let problem = Problem::new(at, "supervision.thresholds", message);
            Error::invalid("the file holds no thresholds of supervision", vec![problem])
        };
        let read: Self = serde_json::from_str(text)
            .map_err(|error| wrong(format!("line {}", error.line()), &error.to_string()))?;
        match () {
            () if read.refusals_per_hour == 0 || read.subject_reads_per_day == 0 => {
                Err(wrong("refusals_per_hour".to_owned(), "a threshold is 1 or more"))
            }
            () if read.opens >= read.closes || read.closes > 24 => {
                Err(wrong("opens".to_owned(), "working hours begin before they end, at 24 at the latest"))
            }
            () => Ok(read),
        }
    }
}

/// One anomaly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Anomaly {
    /// What is out of the ordinary.
    pub kind: AnomalyKind,
    /// Its first record's time.
    pub from: Timestamp,
    /// Its last record's time.
    pub until: Timestamp,
    /// The department that acted.
    pub department: Option<DepartmentId>,
    /// The principal that acted, where it was one.
    pub principal: Option<String>,
    /// The grant, where it is about one.
    pub grant: Option<GrantId>,
    /// How many there were: refusals, rows, calls, reads.
    pub count: u64,
    /// From how many on it is out of the ordinary.
    pub threshold: u64,
    /// The records behind it, the first hundred.
    pub evidence: Vec<Place>,
}

/// Finds anomalies in the records of a log, oldest first.
#[derive(Debug)]
pub struct Anomalies<'a> {
    period: Period,
    thresholds: &'a Thresholds,
    calendar: &'a Calendar,
    reads: Reads,
    /// Calls and rows a day that grants declare.
    declared: BTreeMap<GrantId, (Option<u64>, Option<u64>)>,
    days: BTreeMap<(GrantId, NaiveDate), Day>,
    refusals: BTreeMap<String, Burst>,
    subjects: BTreeMap<(Option<DepartmentId>, String), Burst>,
    /// The day on which those of earlier days were last forgotten.
    forgotten: Option<NaiveDate>,
    found: Vec<Anomaly>,
}

/// What left under a grant in a day.
#[derive(Debug)]
struct Day {
    department: Option<DepartmentId>,
    from: Timestamp,
    until: Timestamp,
    calls: u64,
    rows: u64,
    evidence: Vec<Place>,
}

impl<'a> Anomalies<'a> {
    /// Begins with nothing.
    pub fn new(period: Period, thresholds: &'a Thresholds, calendar: &'a Calendar) -> Self {
        Self {
            period,
            thresholds,
            calendar,
            reads: Reads::default(),
            declared: BTreeMap::new(),
            days: BTreeMap::new(),
            refusals: BTreeMap::new(),
            subjects: BTreeMap::new(),
            forgotten: None,
            found: Vec::new(),
        }
    }

    /// Takes the next record; what lies behind the period changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        let record = &placed.record;
        if let Some(Fact::Grant(fact)) = &record.fact {
            self.declared.insert(fact.grant.clone(), (fact.calls_per_day, fact.rows_per_day));
        }
        let read = self.reads.take(placed);
        if !self.period.contains(record.at) {
            return;
        }
        if let Some(read) = read {
            self.read(&read);
        }
        if let Event::Access { subjects, .. } | Event::AccessStarted { subjects, .. } = &record.event {
            subjects.iter().for_each(|subject| self.subject(subject, placed));
        }
        if let Event::AccessRefused { code, .. } = &record.event
            && OVERREACH.iter().any(|overreach| overreach.as_str() == code)
        {
            let burst = self.refusals.entry(record.actor.id.clone()).or_default();
            let new = Anomaly {
                principal: Some(record.actor.id.clone()),
                ..anomaly(AnomalyKind::RefusedAttempts, placed)
            };
            burst.add(new, HOUR, self.thresholds.refusals_per_hour, &mut self.found);
        }
    }

    /// Takes a read of a person's record, named by its keyed hash.
    fn subject(&mut self, subject: &str, placed: &Placed) {
        let (department, at) = (placed.record.actor.department.clone(), placed.record.at);
        // A burst is of a day: what is older is not held in memory for a year.
        if self.forgotten.replace(at.shanghai_date()) != Some(at.shanghai_date()) {
            self.subjects.retain(|_, burst| burst.is_recent(at, DAY));
        }
        let burst = self.subjects.entry((department, subject.to_owned())).or_default();
        let new = anomaly(AnomalyKind::SubjectBurst, placed);
        burst.add(new, DAY, self.thresholds.subject_reads_per_day, &mut self.found);
    }

    fn read(&mut self, read: &Served) {
        let threshold = self.thresholds.off_hours_rows;
        if read.rows >= threshold && !self.is_working_time(read.at) {
            self.found.push(Anomaly {
                kind: AnomalyKind::OffHoursBulk,
                from: read.at,
                until: read.at,
                department: read.actor.department.clone(),
                principal: Some(read.actor.id.clone()),
                grant: read.sources.iter().find_map(|source| source.grant.clone()),
                count: read.rows,
                threshold,
                evidence: vec![read.place],
            });
        }
        for grant in read.sources.iter().filter_map(|source| source.grant.clone()) {
            let day = self.days.entry((grant, read.at.shanghai_date())).or_insert_with(|| Day {
                department: read.actor.department.clone(),
                from: read.at,
                until: read.at,
                calls: 0,
                rows: 0,
                evidence: Vec::new(),
            });
            day.until = day.until.max(read.at);
            day.calls += 1;
            day.rows += read.rows;
            if day.evidence.len() < MOST_EVIDENCE {
                day.evidence.push(read.place);
            }
        }
    }

    fn is_working_time(&self, at: Timestamp) -> bool {
        let hours = self.thresholds.opens..self.thresholds.closes;
        self.calendar.is_working_day(at.shanghai_date()) && hours.contains(&at.shanghai_time().hour())
    }

    /// All that was found, by time.
    pub fn finish(mut self) -> Vec<Anomaly> {
        for ((grant, _), day) in std::mem::take(&mut self.days) {
            let Some((calls, rows)) = self.declared.get(&grant).copied() else { continue };
            let more = [
                (AnomalyKind::MoreCallsThanDeclared, day.calls, calls),
                (AnomalyKind::MoreRowsThanDeclared, day.rows, rows),
            ];
            for (kind, count, declared) in more {
                let Some(threshold) = declared.filter(|declared| *declared < count) else { continue };
                self.found.push(Anomaly {
                    kind,
                    from: day.from,
                    until: day.until,
                    department: day.department.clone(),
                    principal: None,
                    grant: Some(grant.clone()),
                    count,
                    threshold,
                    evidence: day.evidence.clone(),
                });
            }
        }
        self.found.sort_by(|a, b| (a.from, a.kind, &a.grant).cmp(&(b.from, b.kind, &b.grant)));
        self.found
    }
}

/// An anomaly of one record.
fn anomaly(kind: AnomalyKind, placed: &Placed) -> Anomaly {
    Anomaly {
        kind,
        from: placed.record.at,
        until: placed.record.at,
        department: placed.record.actor.department.clone(),
        principal: None,
        grant: None,
        count: 1,
        threshold: 0,
        evidence: vec![placed.place],
    }
}

/// The same thing again and again.
#[derive(Debug, Default)]
struct Burst {
    recent: VecDeque<(Timestamp, Place)>,
    /// Where the anomaly stands that is going on.
    running: Option<usize>,
}

impl Burst {
    fn is_recent(&self, at: Timestamp, seconds: i64) -> bool {
        self.recent.back().is_some_and(|(last, _)| at < last.plus_seconds(seconds))
    }

    /// One more. From `threshold` of them within `seconds` on it is an anomaly, which lasts until there are fewer.
    fn add(&mut self, new: Anomaly, seconds: i64, threshold: usize, found: &mut Vec<Anomaly>) {
        let (at, places) = (new.from, new.evidence.clone());
        self.recent.extend(places.iter().map(|place| (at, *place)));
        while self.recent.front().is_some_and(|(first, _)| first.plus_seconds(seconds) <= at) {
            self.recent.pop_front();
        }
        if self.recent.len() < threshold {
            self.running = None;
            return;
        }
        match self.running.and_then(|index| found.get_mut(index)) {
            Some(running) => {
                running.until = at;
                running.count += 1;
                if running.evidence.len() < MOST_EVIDENCE {
                    running.evidence.extend(places);
                }
            }
            None => {
                self.running = Some(found.len());
                found.push(Anomaly {
                    from: self.recent.front().map_or(at, |(first, _)| *first),
                    count: u64::try_from(self.recent.len()).unwrap_or(u64::MAX),
                    threshold: u64::try_from(threshold).unwrap_or(u64::MAX),
                    evidence: self.recent.iter().map(|(_, place)| *place).take(MOST_EVIDENCE).collect(),
                    ..new
                });
            }
        }
    }
}
