//! The records behind a figure of an assessment: whoever doubts it looks them up.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Reads, Served};
use super::assessment::{AUTHORITY, kept};
use super::duty::Duty;
use super::{Period, Place, Placed};
use crate::dataset::Standing;
use crate::directory::Successions;
use crate::evidence::fact::{MatterFact, ResourceFact, VersionFact};
use crate::evidence::{Event as Evidence, Fact};
use crate::ids::{DepartmentId, ResourceCode};
use crate::matter::{Event, MatterKind, State};
use crate::time::Timestamp;

/// A figure of an assessment, see [`super::Indicators`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// 目录完整率
    Completeness,
    /// 挂接率
    Mounted,
    /// 更新及时率
    TimelyUpdates,
    /// 按时办结率
    TimelyAnswers,
    /// 拒绝率
    Refusals,
    /// 异议办结率
    ObjectionsSettled,
    /// 数据质量
    Quality,
    /// 开放率
    Open,
    /// 服务调用量, and the rows in them
    Calls,
    /// 开放数据下载量
    OpenDownloads,
}

impl Indicator {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Completeness,
        Self::Mounted,
        Self::TimelyUpdates,
        Self::TimelyAnswers,
        Self::Refusals,
        Self::ObjectionsSettled,
        Self::Quality,
        Self::Open,
        Self::Calls,
        Self::OpenDownloads,
    ];

    /// Its name in addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Mounted => "mounted",
            Self::TimelyUpdates => "timely_updates",
            Self::TimelyAnswers => "timely_answers",
            Self::Refusals => "refusals",
            Self::ObjectionsSettled => "objections_settled",
            Self::Quality => "quality",
            Self::Open => "open",
            Self::Calls => "calls",
            Self::OpenDownloads => "open_downloads",
        }
    }
}

/// A directory entry as it stands, and where the log says so.
#[derive(Debug)]
struct Entry {
    fact: ResourceFact,
    place: Place,
    versions: BTreeMap<i64, Place>,
    /// Versions that were published, those that were withdrawn since too.
    updates: Vec<Place>,
}

/// Finds the records behind one figure in the records of a log, oldest first. It counts by the same rules as
/// [`super::Assessor`].
#[derive(Debug)]
pub struct Behind {
    period: Period,
    indicator: Indicator,
    resources: BTreeMap<ResourceCode, Entry>,
    matters: BTreeMap<String, (Timestamp, Place, MatterFact)>,
    settled_before: BTreeSet<String>,
    /// Records that count by themselves, with the department for which they do.
    counted: Vec<(String, Place)>,
    reads: Reads,
    duty: Duty,
}

impl Behind {
    /// Begins with nothing.
    pub fn new(period: Period, indicator: Indicator) -> Self {
        Self {
            period,
            indicator,
            resources: BTreeMap::new(),
            matters: BTreeMap::new(),
            settled_before: BTreeSet::new(),
            counted: Vec::new(),
            reads: Reads::default(),
            duty: Duty::default(),
        }
    }

    /// Takes the next record; what lies behind the period changes nothing.
    pub fn take(&mut self, placed: &Placed) {
        let record = &placed.record;
        if record.at >= self.period.until {
            return;
        }
        if let Some(fact) = &record.fact {
            self.duty.take(fact, record.at);
        }
        if let Some(served) = self.reads.take(placed) {
            self.serve(&served);
        }
        match (&record.event, &record.fact) {
            (Evidence::OpenDownloads { resource, .. }, _) if self.period.contains(record.at) => {
                self.count_for(Indicator::OpenDownloads, resource, placed.place);
            }
            (_, Some(Fact::Resource(fact))) => self.resource(fact, placed.place),
            (_, Some(Fact::Version(fact))) => self.version(fact, placed.place, record.at),
            (_, Some(Fact::Matter(fact))) => self.matter(fact, placed.place, record.at),
            _ => {}
        }
    }

    /// The records, the oldest first, of a department; `authority` is the data authority. What a department did that is
    /// continued by another counts for that one.
    pub fn finish(mut self, department: &str) -> Vec<Place> {
        for served in std::mem::take(&mut self.reads).unended().collect::<Vec<_>>() {
            self.serve(&served);
        }
        let whose = Whose { successions: self.duty.successions(), last: self.period.last(), department };
        let mut found: Vec<Place> = match self.indicator {
            Indicator::Completeness | Indicator::Open => {
                self.published(&whose).map(|entry| entry.place).collect()
            }
            Indicator::Mounted => {
                let newest = |entry: &Entry| entry.versions.values().next_back().copied();
                self.published(&whose)
                    .flat_map(|entry| [Some(entry.place), newest(entry)])
                    .flatten()
                    .collect()
            }
            Indicator::TimelyUpdates => {
                self.published(&whose).flat_map(|entry| entry.updates.iter().copied()).collect()
            }
            Indicator::TimelyAnswers => {
                self.matters.values().filter(|matter| self.answers(matter, &whose)).map(place).collect()
            }
            Indicator::ObjectionsSettled => {
                self.matters.values().filter(|matter| self.is_objection(matter, &whose)).map(place).collect()
            }
            Indicator::Refusals | Indicator::Quality | Indicator::Calls | Indicator::OpenDownloads => {
                let own = self.counted.iter().filter(|(name, _)| whose.is(name));
                own.map(|(_, place)| *place).collect()
            }
        };
        found.sort_unstable();
        found.dedup();
        found
    }

    fn published(&self, whose: &Whose<'_>) -> impl Iterator<Item = &Entry> {
        self.resources.values().filter(|entry| entry.fact.published && whose.is(entry.fact.provider.as_str()))
    }

    fn answers(&self, (_, _, fact): &(Timestamp, Place, MatterFact), whose: &Whose<'_>) -> bool {
        fact.limits.iter().filter(|limit| kept(limit, self.period).is_some()).any(|limit| {
            whose.is(self.duty.responsible(fact, limit).map_or(AUTHORITY, |department| department.as_str()))
        })
    }

    fn is_objection(&self, (opened, _, fact): &(Timestamp, Place, MatterFact), whose: &Whose<'_>) -> bool {
        fact.kind == MatterKind::Objection
            && *opened < self.period.until
            && !self.settled_before.contains(&fact.number)
            && whose.is(fact.department.as_ref().map_or(AUTHORITY, |department| department.as_str()))
    }

    /// Counts a record for whoever provides the resource by then, if this figure is wanted.
    fn count_for(&mut self, indicator: Indicator, resource: &ResourceCode, place: Place) {
        if indicator == self.indicator
            && let Some(entry) = self.resources.get(resource)
        {
            self.counted.push((entry.fact.provider.to_string(), place));
        }
    }

    fn serve(&mut self, served: &Served) {
        let ends_here = self.period.contains(served.ended) && served.rows > 0;
        if !self.period.contains(served.at) && !ends_here {
            return;
        }
        // What a department reads of its own serves nobody else.
        for source in served.sources.iter().filter(|source| source.grant.is_some()) {
            self.count_for(Indicator::Calls, &source.resource, served.place);
        }
    }

    fn resource(&mut self, fact: &ResourceFact, place: Place) {
        let fact = fact.clone();
        match self.resources.get_mut(&fact.resource) {
            Some(known) => (known.fact, known.place) = (fact, place),
            None => {
                let (versions, updates) = (BTreeMap::new(), Vec::new());
                self.resources.insert(fact.resource.clone(), Entry { fact, place, versions, updates });
            }
        }
    }

    fn version(&mut self, fact: &VersionFact, place: Place, at: Timestamp) {
        let Some(entry) = self.resources.get_mut(&fact.resource) else { return };
        if fact.standing == Standing::Withdrawn {
            entry.versions.remove(&fact.version);
            return;
        }
        if entry.versions.insert(fact.version, place).is_some() {
            return;
        }
        entry.updates.push(place);
        if self.period.contains(at) {
            self.count_for(Indicator::Quality, &fact.resource, place);
        }
    }

    fn matter(&mut self, fact: &MatterFact, place: Place, at: Timestamp) {
        let opened = self.matters.get(&fact.number).map_or(at, |(opened, ..)| *opened);
        self.matters.insert(fact.number.clone(), (opened, place, fact.clone()));
        if at < self.period.from {
            match fact.state.is_settled() {
                true => self.settled_before.insert(fact.number.clone()),
                false => self.settled_before.remove(&fact.number),
            };
        } else if self.indicator == Indicator::Refusals
            && fact.kind == MatterKind::Provision
            && let Some(department) = &fact.department
        {
            let refused = fact.step == Some(Event::Refuse) && fact.state == State::Refused;
            let granted = matches!(fact.step, Some(Event::Grant | Event::GrantInPart | Event::GrantAtOnce));
            if refused || granted {
                self.counted.push((department.to_string(), place));
            }
        }
    }
}

/// The department whose records are looked for, and who continues whom.
struct Whose<'a> {
    successions: Successions,
    last: Timestamp,
    department: &'a str,
}

impl Whose<'_> {
    fn is(&self, name: &str) -> bool {
        let heir = name.parse::<DepartmentId>().map(|id| self.successions.heir_of(&id, self.last));
        heir.map_or(name == self.department, |heir| heir.as_str() == self.department)
    }
}

fn place((_, place, _): &(Timestamp, Place, MatterFact)) -> Place {
    *place
}
