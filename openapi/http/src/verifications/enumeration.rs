//! Limits against trying: who guesses names of one person, or numbers of any, is stopped before a list of answers is worth anything.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_crypto::Digest;

/// How long answers are remembered, in microseconds: a day.
const WINDOW: i64 = 86_400_000_000;
/// How often one caller may ask for one subject within it.
const PER_SUBJECT: u8 = 20;
/// Unknown identifiers that a caller may meet before their share counts.
const UNKNOWN: u64 = 1_000;
/// Pairs of one caller that may be waiting for their answers: what comes of them counts only then.
const WAITING: u64 = 50_000;

/// What callers of verification asked lately. Kept in memory, by keyed hashes alone.
#[derive(Default)]
pub(crate) struct Enumeration(Mutex<Lately>);

#[derive(Default)]
struct Lately {
    begun: Timestamp,
    subjects: Counts,
    callers: HashMap<String, Met>,
}

/// How many pairs a caller asked for, how many identifiers of them nobody has, and how many pairs wait for their answers.
#[derive(Default)]
struct Met {
    asked: u64,
    unknown: u64,
    waiting: u64,
}

/// Pairs that are let through; what came of them is told when they are answered. Dropped before, they were refused.
pub(crate) struct Passed<'a> {
    enumeration: &'a Enumeration,
    caller: String,
    pairs: u64,
}

impl Enumeration {
    /// Refuses what goes beyond the limits, and counts what does not.
    pub(crate) fn pass(&self, caller: String, subjects: &[[u8; 32]], now: Timestamp) -> Result<Passed<'_>> {
        let salt = half(Digest::of(caller.as_bytes()).as_bytes());
        let pairs = subjects.len() as u64;
        let mut lately = self.at(now);
        let Lately { subjects: counts, callers, .. } = &mut *lately;
        let met = callers.entry(caller.clone()).or_default();
        if met.unknown > UNKNOWN && met.unknown * 2 > met.asked {
            let message = "most of the identifiers that you asked for today are unknown: check your list, and go on \
                           tomorrow";
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        if met.waiting + pairs > WAITING {
            let message =
                format!("more than {WAITING} pairs of yours wait for their answers: ask when they are there");
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        if subjects.iter().any(|subject| counts.add(half(subject) ^ salt) > PER_SUBJECT) {
            let message = format!("one identifier is verified {PER_SUBJECT} times a day at most");
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        met.waiting += pairs;
        Ok(Passed { enumeration: self, caller, pairs })
    }

    fn at(&self, now: Timestamp) -> MutexGuard<'_, Lately> {
        let mut lately = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 - lately.begun.0 >= WINDOW || lately.subjects.is_full() {
            lately.subjects = Counts::default();
        }
        if now.0 - lately.begun.0 >= WINDOW {
            (lately.begun, lately.callers) = (now, HashMap::new());
        }
        lately
    }
}

impl Passed<'_> {
    /// Counts what came of them.
    pub(crate) fn answered(self, unknown: usize) {
        if let Some(met) =
            self.enumeration.0.lock().unwrap_or_else(PoisonError::into_inner).callers.get_mut(&self.caller)
        {
            met.asked += self.pairs;
            met.unknown += unknown as u64;
        }
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        if let Some(met) =
            self.enumeration.0.lock().unwrap_or_else(PoisonError::into_inner).callers.get_mut(&self.caller)
        {
            met.waiting = met.waiting.saturating_sub(self.pairs);
        }
    }
}

/// How often each subject was asked for, in bounded memory: a count-min sketch. It never says less than the truth, and more only
/// with a chance that is negligible until it is full.
#[derive(Default)]
struct Counts {
    cells: Vec<u8>,
    added: u64,
}

/// Rows of the sketch, and bits of a place in one.
const ROWS: usize = 4;
const BITS: usize = 23;
/// Beyond so many all begin anew. Whoever wants that must know half as many identifiers that are not unknown.
const FULL: u64 = 4 << BITS;

impl Counts {
    /// One more of this one; how many there are.
    fn add(&mut self, subject: u128) -> u8 {
        if self.cells.is_empty() {
            self.cells = vec![0; ROWS << BITS];
        }
        self.added += 1;
        let places: [usize; ROWS] = std::array::from_fn(|row| {
            let within = (subject >> (row * BITS)) as usize & ((1 << BITS) - 1);
            (row << BITS) + within
        });
        let least = places.iter().map(|place| self.cells[*place]).min().unwrap_or_default();
        let count = least.saturating_add(1);
        for place in places {
            let cell = &mut self.cells[place];
            *cell = count.max(*cell);
        }
        count
    }

    fn is_full(&self) -> bool {
        self.added >= FULL
    }
}

fn half(subject: &[u8; 32]) -> u128 {
    subject.first_chunk().map_or(0, |half| u128::from_be_bytes(*half))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass<'a>(
        lately: &'a Enumeration,
        caller: &str,
        now: i64,
        subjects: &[[u8; 32]],
    ) -> Result<Passed<'a>> {
        lately.pass(caller.to_owned(), subjects, Timestamp(now))
    }

    fn refused(outcome: Result<Passed<'_>>) -> bool {
        outcome.is_err_and(|error| error.code == ErrorCode::LimitRate)
    }

    #[test]
    fn one_subject_is_asked_for_so_often_and_no_more() {
        let (lately, one) = (Enumeration::default(), [[1; 32]]);
        for _ in 0..PER_SUBJECT {
            pass(&lately, "mzj", 0, &one).unwrap().answered(0);
        }
        assert!(refused(pass(&lately, "mzj", WINDOW - 1, &one)));
        assert!(refused(pass(&lately, "mzj", 1, &[[2; 32], [1; 32]])));
        assert!(pass(&lately, "gaj", 1, &one).is_ok());
        assert!(pass(&lately, "mzj", WINDOW, &one).is_ok());
    }

    #[test]
    fn who_meets_unknown_ones_more_than_not_is_stopped() {
        let lately = Enumeration::default();
        let pairs = |count: u32| -> Vec<[u8; 32]> {
            (0..count).map(|pair| *Digest::of(&pair.to_be_bytes()).as_bytes()).collect()
        };
        pass(&lately, "mzj", 0, &pairs(3_000)).unwrap().answered(1_500);
        pass(&lately, "mzj", 0, &pairs(1)).unwrap().answered(1);
        assert!(refused(pass(&lately, "mzj", 0, &pairs(1))));
        pass(&lately, "gaj", 0, &pairs(900)).unwrap().answered(900);
        assert!(pass(&lately, "gaj", 0, &pairs(1)).is_ok());
    }

    #[test]
    fn what_waits_for_answers_is_bounded() {
        let (lately, many) = (Enumeration::default(), vec![[0; 32]; 0]);
        let pairs: Vec<_> = (0..WAITING).map(|pair| *Digest::of(&pair.to_be_bytes()).as_bytes()).collect();
        let waiting = pass(&lately, "mzj", 0, &pairs).unwrap();
        assert!(refused(pass(&lately, "mzj", 0, &pairs[..1])));
        assert!(pass(&lately, "gaj", 0, &pairs[..1]).is_ok());
        drop(waiting);
        assert!(pass(&lately, "mzj", 0, &many).is_ok() && pass(&lately, "mzj", 0, &pairs[..1]).is_ok());
    }

    #[test]
    fn a_sketch_counts_each_and_mixes_none_up() {
        let mut counts = Counts::default();
        let hash = |subject: u32| half(Digest::of(&subject.to_be_bytes()).as_bytes());
        for subject in 0..100_000 {
            assert_eq!(counts.add(hash(subject)), 1, "{subject}");
        }
        assert_eq!((counts.add(hash(7)), counts.add(hash(7)), counts.add(hash(8))), (2, 3, 2));
        for _ in 0..300 {
            counts.add(hash(9));
        }
        assert_eq!(counts.add(hash(9)), u8::MAX);
    }
}
