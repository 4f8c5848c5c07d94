//! What each department did in a period, in numbers that nobody types in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Reads, Served};
use super::duty::Duty;
use super::update::fresh;
use super::{Period, Place, Placed};
use crate::dataset::Standing;
use crate::evidence::fact::{LimitFact, MatterFact, ResourceFact, VersionFact};
use crate::evidence::{Event as Evidence, Fact};
use crate::ids::{DepartmentId, ResourceCode};
use crate::matter::{Event, MatterKind, State};
use crate::time::Timestamp;

/// The name under which the data authority is assessed.
pub(super) const AUTHORITY: &str = "authority";

/// A part of a whole; of an empty whole there is none to judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ratio {
    /// How many.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl Ratio {
    /// In thousandths, rounded down; `None` of nothing.
    pub fn permille(self) -> Option<u64> {
        (self.of > 0)
            .then(|| u64::try_from(u128::from(self.part) * 1000 / u128::from(self.of)).unwrap_or(1000))
    }

    /// For people: `81.2%`, or `—` of nothing.
    pub fn percent(self) -> String {
        percent(self.permille())
    }

    fn add(&mut self, counts: bool) {
        self.of += 1;
        self.part += u64::from(counts);
    }

    pub(super) fn join(&mut self, other: Self) {
        self.part += other.part;
        self.of += other.of;
    }
}

/// Thousandths for people: `81.2%`, or `—` where there are none.
pub fn percent(permille: Option<u64>) -> String {
    permille.map_or("—".to_owned(), |permille| format!("{}.{}%", permille / 10, permille % 10))
}

/// One department's indicators 考核指标.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Indicators {
    /// The department; `authority` is the data authority.
    pub department: String,
    /// 目录完整率: metadata elements filled in, of all that the published resources can have.
    pub completeness: Ratio,
    /// 挂接率: published resources with readable data, of all published ones.
    pub mounted: Ratio,
    /// 更新及时率: seconds in which data were as fresh as promised, of all since they were mounted.
    pub timely_updates: Ratio,
    /// 按时办结率: limits kept, of those that ended or passed.
    pub timely_answers: Ratio,
    /// 拒绝率: applications refused, of those decided.
    pub refusals: Ratio,
    /// 异议办结率: objections settled, of those that were open at some time.
    pub objections_settled: Ratio,
    /// 数据质量: rows that break no rule, of those delivered.
    pub quality: Ratio,
    /// 开放率: open resources, of all published ones.
    pub open: Ratio,
    /// 服务调用量: reads by others.
    pub calls_served: u64,
    /// Rows that left in them.
    pub rows_served: u64,
    /// 开放数据下载量: open downloads, anonymous ones.
    pub open_downloads: u64,
    /// The mean of the shares that there are, in thousandths; refusals do not count, for they may be right.
    pub score: Option<u64>,
}

impl Indicators {
    fn join(&mut self, other: &Self) {
        self.completeness.join(other.completeness);
        self.mounted.join(other.mounted);
        self.timely_updates.join(other.timely_updates);
        self.timely_answers.join(other.timely_answers);
        self.refusals.join(other.refusals);
        self.objections_settled.join(other.objections_settled);
        self.quality.join(other.quality);
        self.open.join(other.open);
        self.calls_served += other.calls_served;
        self.rows_served += other.rows_served;
        self.open_downloads += other.open_downloads;
    }

    fn scored(mut self) -> Self {
        let shares = [
            self.completeness,
            self.mounted,
            self.timely_updates,
            self.timely_answers,
            self.objections_settled,
            self.quality,
            self.open,
        ];
        let shares: Vec<_> = shares.into_iter().filter_map(Ratio::permille).collect();
        let count = u64::try_from(shares.len()).unwrap_or(0);
        self.score = shares.iter().sum::<u64>().checked_div(count);
        self
    }
}

/// The assessment of all departments in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// The period.
    pub period: Period,
    /// The newest record that was read for it: the log up to there gives the same table.
    pub last: Option<Place>,
    /// By department.
    pub departments: Vec<Indicators>,
}

/// A resource as the log tells of it.
#[derive(Debug)]
struct Mounted {
    fact: ResourceFact,
    /// Versions that can be read, and when each was delivered.
    versions: BTreeMap<i64, Timestamp>,
    /// Deliveries, withdrawn ones too.
    updates: Vec<Timestamp>,
}

/// Computes an assessment from the records of a log, oldest first.
#[derive(Debug)]
pub struct Assessor {
    period: Period,
    last: Option<Place>,
    resources: BTreeMap<ResourceCode, Mounted>,
    matters: BTreeMap<String, (Timestamp, MatterFact)>,
    /// Matters that were settled before the period.
    settled_before: BTreeSet<String>,
    reads: Reads,
    rows: BTreeMap<String, Indicators>,
    duty: Duty,
}

impl Assessor {
    /// Begins with nothing.
    pub fn new(period: Period) -> Self {
        Self {
            period,
            last: None,
            resources: BTreeMap::new(),
            matters: BTreeMap::new(),
            settled_before: BTreeSet::new(),
            reads: Reads::default(),
            rows: BTreeMap::new(),
            duty: Duty::default(),
        }
    }

    /// Takes the next record; what lies behind the period changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        let record = &placed.record;
        if record.at >= self.period.until {
            return;
        }
        self.last = Some(placed.place);
        if let Some(fact) = &record.fact {
            self.duty.take(fact, record.at);
        }
        if let Some(served) = self.reads.take(placed) {
            self.serve(&served);
        }
        match (&record.event, &record.fact) {
            (Evidence::OpenDownloads { resource, count, .. }, _) if self.period.contains(record.at) => {
                if let Some(row) = self.provider_of(resource) {
                    row.open_downloads += count;
                }
            }
            (_, Some(Fact::Resource(fact))) => self.resource(fact),
            (_, Some(Fact::Version(fact))) => self.version(fact, record.at),
            (_, Some(Fact::Matter(fact))) => self.matter(fact, record.at),
            _ => {}
        }
    }

    fn row(&mut self, department: &str) -> &mut Indicators {
        let new = || Indicators { department: department.to_owned(), ..Indicators::default() };
        self.rows.entry(department.to_owned()).or_insert_with(new)
    }

    fn provider_of(&mut self, resource: &ResourceCode) -> Option<&mut Indicators> {
        let provider = self.resources.get(resource)?.fact.provider.to_string();
        Some(self.row(&provider))
    }

    /// A call counts when it begins, its rows when it ends: so no period's end loses either.
    fn serve(&mut self, served: &Served) {
        let calls = u64::from(self.period.contains(served.at));
        let rows = if self.period.contains(served.ended) { served.rows } else { 0 };
        // What a department reads of its own serves nobody else.
        for source in served.sources.iter().filter(|source| source.grant.is_some()) {
            if calls + rows > 0
                && let Some(row) = self.provider_of(&source.resource)
            {
                row.calls_served += calls;
                row.rows_served += rows;
            }
        }
    }

    fn resource(&mut self, fact: &ResourceFact) {
        let fact = fact.clone();
        match self.resources.get_mut(&fact.resource) {
            Some(known) => known.fact = fact,
            None => {
                let (versions, updates) = (BTreeMap::new(), Vec::new());
                self.resources.insert(fact.resource.clone(), Mounted { fact, versions, updates });
            }
        }
    }

    fn version(&mut self, fact: &VersionFact, at: Timestamp) {
        let Some(resource) = self.resources.get_mut(&fact.resource) else { return };
        if fact.standing == Standing::Withdrawn {
            resource.versions.remove(&fact.version);
            return;
        }
        if resource.versions.insert(fact.version, at).is_some() {
            return;
        }
        resource.updates.push(at);
        let provider = resource.fact.provider.to_string();
        if self.period.contains(at) {
            let count = |rows: i64| u64::try_from(rows).unwrap_or(0);
            let (of, rejected) = (count(fact.delivered), count(fact.rejected));
            self.row(&provider).quality.join(Ratio { part: of.saturating_sub(rejected), of });
        }
    }

    fn matter(&mut self, fact: &MatterFact, at: Timestamp) {
        let opened = self.matters.get(&fact.number).map_or(at, |(opened, _)| *opened);
        self.matters.insert(fact.number.clone(), (opened, fact.clone()));
        if at < self.period.from {
            match fact.state.is_settled() {
                true => self.settled_before.insert(fact.number.clone()),
                false => self.settled_before.remove(&fact.number),
            };
        } else if fact.kind == MatterKind::Provision
            && let Some(department) = &fact.department
        {
            let refused = fact.step == Some(Event::Refuse) && fact.state == State::Refused;
            let granted = matches!(fact.step, Some(Event::Grant | Event::GrantInPart | Event::GrantAtOnce));
            if refused || granted {
                self.row(department.as_str()).refusals.add(refused);
            }
        }
    }

    /// The table, as it stands at the end of the period.
    pub fn finish(mut self) -> Assessment {
        let unended: Vec<_> = std::mem::take(&mut self.reads).unended().collect();
        for served in unended {
            self.serve(&served);
        }
        for resource in std::mem::take(&mut self.resources).into_values() {
            self.finish_resource(&resource);
        }
        for (number, (opened, fact)) in std::mem::take(&mut self.matters) {
            self.finish_matter(&number, opened, &fact);
        }
        self.fold_predecessors();
        let departments = self.rows.into_values().map(Indicators::scored).collect();
        Assessment { period: self.period, last: self.last, departments }
    }

    /// What a department did that was continued by another before the period's end counts for that one.
    fn fold_predecessors(&mut self) {
        let (successions, last) = (self.duty.successions(), self.period.last());
        for (name, row) in std::mem::take(&mut self.rows) {
            let heir = name.parse::<DepartmentId>().map(|id| successions.heir_of(&id, last).to_string());
            self.row(&heir.unwrap_or(name)).join(&row);
        }
    }

    fn finish_resource(&mut self, resource: &Mounted) {
        let Mounted { fact, versions, updates } = resource;
        if !fact.published {
            return;
        }
        let timely = fresh(updates, fact.update_cycle, self.period);
        let row = self.row(fact.provider.as_str());
        row.completeness.join(Ratio { part: fact.filled.into(), of: fact.elements.into() });
        row.mounted.add(!versions.is_empty());
        row.open.add(fact.open);
        row.timely_updates.join(timely);
    }

    fn finish_matter(&mut self, number: &str, opened: Timestamp, fact: &MatterFact) {
        for limit in &fact.limits {
            let department = self.duty.responsible(fact, limit);
            let department = department.map_or(AUTHORITY.to_owned(), ToString::to_string);
            if let Some(in_time) = kept(limit, self.period) {
                self.row(&department).timely_answers.add(in_time);
            }
        }
        let was_open = opened < self.period.until && !self.settled_before.contains(number);
        if fact.kind == MatterKind::Objection && was_open {
            let department = fact.department.as_ref().map_or(AUTHORITY.to_owned(), ToString::to_string);
            self.row(&department).objections_settled.add(fact.state.is_settled());
        }
    }
}

/// Whether a limit was kept; `None` where it counts in another period.
pub(super) fn kept(limit: &LimitFact, period: Period) -> Option<bool> {
    match (limit.due, limit.ended) {
        (due, Some(ended)) if period.contains(ended) => Some(due.is_none_or(|due| ended < due)),
        (Some(due), None) if due < period.until => Some(false),
        _ => None,
    }
}
