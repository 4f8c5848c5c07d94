//! How much open data are used: a fold over the evidence log that goes on where it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use catalog_core::evidence::{Event, SourceRead};
use catalog_core::{OpContext, ResourceCode, Result, Timestamp};
use chrono::{Datelike as _, Days, Months, NaiveDate};
use exchange_ledger::Filter;
use openapi_contract::BackupStatus;

use crate::app::App;

/// Months that are shown, this one included.
const MONTHS: u32 = 12;
/// Days of what was used lately.
const LATELY: u64 = 30;
/// The least number of calls of a month that is told.
pub(super) const FEWEST: u64 = 5;
/// Of the last days calls are told in these.
const STEP: u64 = 10;
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

/// How much data were used in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MonthOfUse {
    /// `2026-11`
    pub(crate) name: String,
    /// Reads without an account.
    pub(crate) reads: u64,
    /// Calls under a grant or a key, as far as they are published.
    pub(crate) calls: Calls,
}

impl MonthOfUse {
    /// Whether anything is known to have been used in it.
    pub(crate) fn has_use(&self) -> bool {
        self.reads > 0 || matches!(self.calls, Calls::Few | Calls::Told(1..))
    }
}

/// How many calls departments and key holders made in a month, as far as anyone is told. They are counted of all together, once
/// the month is over: a number that moves would tell, day by day, when others work. One to four are not told. All else is exact,
/// and whoever made most of the calls can take their own away and learn how many the others made, though not who and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// So many.
    Told(u64),
    /// Some, and fewer than [`FEWEST`].
    Few,
    /// The month is not over.
    UnderWay,
}

impl Calls {
    fn of_month(calls: u64, is_over: bool) -> Self {
        match calls {
            _ if !is_over => Self::UnderWay,
            0 | FEWEST.. => Self::Told(calls),
            _ => Self::Few,
        }
    }
}

/// How much data are used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// The last record that is counted.
    place: Option<(u64, u64)>,
    reads: BTreeMap<ResourceCode, Counts>,
    calls: Counts,
    backup: Option<BackupStatus>,
    backup_begun: Option<Timestamp>,
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
            Event::Changed { action, .. } if action == "backup.begun" => self.backup_begun = Some(at),
            Event::Changed { action, entity_digest, .. } if action == "backup.made" => {
                self.backup = Some(BackupStatus { made_at: at, sha256: entity_digest.clone() });
                self.backup_begun = None;
            }
            _ => {}
        }
    }

    /// Reads of a resource without an account in the last thirty days.
    pub(crate) fn reads_of(&self, app: &App, code: &ResourceCode) -> u64 {
        self.reads.get(code).map_or(0, Counts::lately) + app.open_counts.waiting(code)
    }

    /// Calls under a grant or a key in the thirty days up to yesterday, of everything together, rounded down to tens: they are
    /// counted anew each day, and exact ones would tell how many were made on one.
    pub(crate) fn calls(&self, now: Timestamp) -> u64 {
        let today = self.calls.days.get(&now.shanghai_date()).copied().unwrap_or(0);
        self.calls.lately().saturating_sub(today) / STEP * STEP
    }

    /// The last backup that was made, and when one was begun behind it that has no end.
    pub(crate) fn backups(&self) -> (Option<BackupStatus>, Option<Timestamp>) {
        (self.backup.clone(), self.backup_begun)
    }

    /// Reads of some resources without an account, and all calls, by month, the last twelve.
    pub(crate) fn by_month(
        &self,
        app: &App,
        is_shown: impl Fn(&ResourceCode) -> bool,
        now: Timestamp,
    ) -> Vec<MonthOfUse> {
        let this = month_of(now.shanghai_date());
        let months = (0..MONTHS).rev().filter_map(|back| this.checked_sub_months(Months::new(back)));
        let shown: Vec<_> = self.reads.iter().filter(|(code, _)| is_shown(code)).collect();
        let count = |month: NaiveDate| {
            let of = |counts: &Counts| counts.months.get(&month).copied().unwrap_or(0);
            let calls = Calls::of_month(of(&self.calls), month < this);
            let waiting = if month == this { app.open_counts.all_waiting(&is_shown) } else { 0 };
            let reads = shown.iter().map(|(_, counts)| of(counts)).sum::<u64>() + waiting;
            MonthOfUse { name: month.format("%Y-%m").to_string(), reads, calls }
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

    fn called(grant: &str) -> Event {
        let source = serde_json::json!({
            "resource": "301001/000001", "version": 1, "grant": grant, "kind": "conditional",
            "manifest_digest": "", "policy_digest": "",
        });
        Event::AccessStarted {
            sources: vec![serde_json::from_value(source).unwrap()],
            request_commitment: String::new(),
            now: None,
            subjects: Vec::new(),
        }
    }

    #[test]
    fn calls_of_the_last_days_are_told_in_tens_and_those_of_today_to_nobody() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let (yesterday, today) = (at("2026-11-21T01:00:00Z"), at("2026-11-22T01:00:00Z"));
        let mut usage = Usage::default();
        let call = |usage: &mut Usage, at| usage.take(&called("01900000-0000-7000-8000-000000000001"), at);
        for _ in 0..9 {
            call(&mut usage, yesterday);
            call(&mut usage, today);
        }
        assert_eq!(usage.calls(today), 0, "nine of yesterday are no ten");
        call(&mut usage, yesterday);
        assert_eq!(usage.calls(today), 10);
        assert_eq!(usage.calls(today.plus_seconds(86_400)), 10, "nineteen");
        call(&mut usage, today);
        assert_eq!(usage.calls(today.plus_seconds(86_400)), 20);
    }

    #[test]
    fn a_month_tells_its_calls_when_it_is_over_and_few_of_them_never() {
        let told = [0, 1, 4, 5].map(|calls| Calls::of_month(calls, true));
        assert_eq!(told, [Calls::Told(0), Calls::Few, Calls::Few, Calls::Told(5)]);
        assert_eq!([0, 1, 5].map(|calls| Calls::of_month(calls, false)), [Calls::UnderWay; 3]);
    }

    #[test]
    fn a_backup_that_never_ended_is_seen() {
        let changed = |action: &str| Event::Changed {
            action: action.to_owned(),
            entity: "backup x".to_owned(),
            entity_digest: "d".to_owned(),
        };
        let mut usage = Usage::default();
        usage.take(&changed("backup.begun"), Timestamp(1));
        assert_eq!(usage.backups(), (None, Some(Timestamp(1))));
        usage.take(&changed("backup.made"), Timestamp(2));
        let made = BackupStatus { made_at: Timestamp(2), sha256: "d".to_owned() };
        assert_eq!(usage.backups(), (Some(made.clone()), None));
        usage.take(&changed("backup.begun"), Timestamp(3));
        assert_eq!(usage.backups(), (Some(made), Some(Timestamp(3))));
    }

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
        assert_eq!(usage.calls(at("2026-11-02T00:00:00Z")), 0, "nothing of anybody was read");
        let counts = usage.reads.get_mut(&code).unwrap();
        let months: Vec<_> = counts.months.values().copied().collect();
        assert_eq!(months, [3, 4], "by the calendar of China");
        let day = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        counts.forget_before(day, day);
        assert_eq!((counts.lately(), counts.months.len()), (4, 1));
    }
}
