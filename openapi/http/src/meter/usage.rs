//! How much developer keys are used, counted in memory and kept in batches: a crash forgets at most one.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog_core::Result;
use catalog_core::api_key::KeyUsage;
use catalog_core::services::Services;
use chrono::NaiveDate;

/// Requests of all keys together after which the counts are kept.
const BATCH: u64 = 1_000;

/// Counts by key and day.
#[derive(Default)]
pub(super) struct Usage(Mutex<BTreeMap<(String, NaiveDate), KeyUsage>>);

impl Usage {
    /// Adds to what is counted; `true` when a batch is full.
    pub(super) fn add(&self, one: KeyUsage) -> bool {
        let mut counts = self.counts();
        join(&mut counts, one);
        counts.values().map(|usage| usage.requests).sum::<u64>() >= BATCH
    }

    /// Keeps what was counted, and begins anew. What can't be kept is counted on.
    pub(super) async fn flush(&self, services: &Services) -> Result<()> {
        let taken: Vec<_> = std::mem::take(&mut *self.counts()).into_values().collect();
        let kept = services.count_key_usage(&taken).await;
        if kept.is_err() {
            let mut counts = self.counts();
            taken.into_iter().for_each(|one| join(&mut counts, one));
        }
        kept
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(String, NaiveDate), KeyUsage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn join(counts: &mut BTreeMap<(String, NaiveDate), KeyUsage>, one: KeyUsage) {
    match counts.get_mut(&(one.key.clone(), one.day)) {
        Some(known) => {
            known.requests += one.requests;
            known.refused += one.refused;
            known.bytes += one.bytes;
        }
        None => drop(counts.insert((one.key.clone(), one.day), one)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_day_are_one_count_and_a_batch_is_told() {
        let usage = Usage::default();
        let one = |key: &str| KeyUsage {
            key: key.to_owned(),
            day: NaiveDate::default(),
            requests: 1,
            refused: 0,
            bytes: 10,
        };
        let full = (1..=BATCH).find(|_| usage.add(one("a")));
        assert_eq!(full, Some(BATCH));
        usage.add(one("b"));
        let counts = usage.counts();
        assert_eq!(
            counts.values().map(|one| (one.requests, one.bytes)).collect::<Vec<_>>(),
            [(BATCH, 10 * BATCH), (1, 10)]
        );
    }
}
