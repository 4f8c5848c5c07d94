//! How much open data are used: a fold over the evidence log that goes on where it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use catalog_core::evidence::{Event, SourceRead};
use catalog_core::{OpContext, ResourceCode, Result, Timestamp};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use exchange_ledger::Filter;

use crate::app::App;

/// Months that are shown, this one included.
const MONTHS: u32 = 12;
/// Days of what was used lately.
const LATELY: u64 = 30;
/// For how long it is current.
const CURRENT: Duration = Duration::from_secs(10);

/// Counts by the first day of a month, and by day of the last ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counts {
    months: BTreeMap<NaiveDate, u64>,
    days: BTreeMap<NaiveDate, u64>,
}

impl Counts {
    fn add(&mut self, at: Timestamp, count: u64) {
        let day = at.shanghai_date();
        *self.months.entry(month_of(day)).or_default() += count;
        *self.days.entry(day).or_default() += count;
    }

    fn forget_before(&mut self, month: NaiveDate, day: NaiveDate) {
        self.months.retain(|at, _| *at >= month);
        self.days.retain(|at, _| *at >= day);
    }

    fn lately(&self) -> u64 {
        self.days.values().sum()
    }
}

/// How much data are used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// The last record that is counted.
    place: Option<(u64, u64)>,
    reads: BTreeMap<ResourceCode, Counts>,
    calls: Counts,
}

impl Usage {
    /// The evidence log as far as it goes now, and what is still counted in memory.
    pub(crate) async fn get(app: &Arc<App>, ctx: &OpContext) -> Option<Arc<Self>> {
        let (reader, now) = (Arc::clone(app), ctx.now);
        let make = move |before: Option<Arc<Self>>| async move {
            let usage = before.map(|before| Self::clone(&before)).unwrap_or_default();
            reader.prove(move |app| usage.read(app, now)).await
        };
        app.usage.get(|_, age: Duration| age < CURRENT, make).await
    }

    fn read(mut self, app: &App, now: Timestamp) -> Result<Self> {
        let today = now.shanghai_date();
        let first = month_of(today).checked_sub_months(Months::new(MONTHS - 1)).unwrap_or(today);
        let recent = today.checked_sub_days(Days::new(LATELY)).unwrap_or(today);
        let from = Some(Timestamp::start_of_shanghai_day(first));
        for leaf in app.evidence.scan(Filter { from, after: self.place, ..Filter::default() })? {
            let leaf = leaf?;
            self.place = Some((leaf.epoch, leaf.index));
            self.take(&leaf.record.event, leaf.record.at);
        }
        self.calls.forget_before(first, recent);
        self.reads.values_mut().for_each(|counts| counts.forget_before(first, recent));
        self.reads.retain(|_, counts| !counts.months.is_empty());
        Ok(self)
    }

    fn take(&mut self, event: &Event, at: Timestamp) {
        match event {
            Event::OpenDownloads { resource, count, .. } => {
                self.reads.entry(resource.clone()).or_default().add(at, *count);
            }
            Event::AccessStarted { sources, .. } | Event::Access { sources, .. }
                if serves_others(sources) =>
            {
                self.calls.add(at, 1);
            }
            _ => {}
        }
    }

    /// Reads of a resource without an account in the last thirty days.
    pub(crate) fn reads_of(&self, app: &App, code: &ResourceCode) -> u64 {
        self.reads.get(code).map_or(0, Counts::lately) + app.open_counts.waiting(code)
    }

    /// Calls under a grant or a key in the last thirty days, of everything together.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.lately()
    }

    /// Reads of some resources without an account, and all calls, by month: `2026-11`, the last twelve.
    pub(crate) fn by_month(
        &self,
        app: &App,
        is_shown: impl Fn(&ResourceCode) -> bool,
        now: Timestamp,
    ) -> Vec<(String, u64, u64)> {
        let this = month_of(now.shanghai_date());
        let months = (0..MONTHS).rev().filter_map(|back| this.checked_sub_months(Months::new(back)));
        let shown: Vec<_> = self.reads.iter().filter(|(code, _)| is_shown(code)).collect();
        let count = |month: NaiveDate| {
            let of = |counts: &Counts| counts.months.get(&month).copied().unwrap_or(0);
            let waiting = if month == this { app.open_counts.all_waiting(&is_shown) } else { 0 };
            let reads = shown.iter().map(|(_, counts)| of(counts)).sum::<u64>() + waiting;
            (month.format("%Y-%m").to_string(), reads, of(&self.calls))
        };
        months.map(count).collect()
    }
}

/// What a department reads of its own serves nobody else.
fn serves_others(sources: &[SourceRead]) -> bool {
    sources.iter().any(|source| source.grant.is_some())
}

fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_by_month_and_forgotten_by_day() {
        let mut usage = Usage::default();
        let code = ResourceCode::new("301001/000001").unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let downloads = |count| Event::OpenDownloads { resource: code.clone(), count, bytes: 1 };
        usage.take(&downloads(3), at("2026-10-31T15:59:59Z"));
        usage.take(&downloads(4), at("2026-10-31T16:00:00Z"));
        usage.take(
            &Event::Access {
                sources: Vec::new(),
                request_commitment: String::new(),
                rows: 0,
                bytes: 0,
                answer_commitment: String::new(),
                now: None,
                subjects: Vec::new(),
            },
            at("2026-11-01T00:00:00Z"),
        );
        assert_eq!(usage.calls(), 0, "nothing of anybody was read");
        let counts = usage.reads.get_mut(&code).unwrap();
        let months: Vec<_> = counts.months.values().copied().collect();
        assert_eq!(months, [3, 4], "by the calendar of China");
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        counts.forget_before(day, day);
        assert_eq!((counts.lately(), counts.months.len()), (4, 1));
    }
}
