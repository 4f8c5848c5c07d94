//! What follows from the catalogue and the time alone, kept while both allow.

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;

use quick_cache::sync::Cache;

use crate::time::Timestamp;

/// For how long something holds: while the catalogue has this revision, from a time on and until before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The catalogue's revision before anything was read for it: what changed meanwhile makes it invalid.
    pub revision: i64,
    /// The time for which it was worked out.
    pub from: Timestamp,
    /// The first time after that at which it may be otherwise; without one it holds until the catalogue changes.
    pub until: Option<Timestamp>,
}

impl Validity {
    fn covers(&self, revision: i64, now: Timestamp) -> bool {
        self.revision == revision && self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// Values that hold for a while, the ones asked for lately. Nothing outlives a change to the catalogue: a revoked grant is
/// gone as soon as its revocation is.
pub struct Remembered<K, V>(Cache<K, (Validity, V)>);

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// For so many values.
    pub fn new(most: usize) -> Self {
        Self(Cache::new(most))
    }

    /// The value, if it holds.
    pub fn get<Q>(&self, key: &Q, revision: i64, now: Timestamp) -> Option<V>
    where
        Q: Hash + Eq + ?Sized,
        K: Borrow<Q>,
    {
        let (validity, value) = self.0.get(key)?;
        validity.covers(revision, now).then_some(value)
    }

    /// Keeps a value.
    pub fn put(&self, key: K, validity: Validity, value: V) {
        self.0.insert(key, (validity, value));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.clear();
    }
}

impl<K, V> fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_outlives_its_time_or_a_change() {
        let kept = Remembered::<String, u8>::new(8);
        let until = Some(Timestamp(20));
        kept.put("a".to_owned(), Validity { revision: 7, from: Timestamp(10), until }, 1);
        let at = |revision, now| kept.get("a", revision, Timestamp(now));
        assert_eq!((at(7, 10), at(7, 19)), (Some(1), Some(1)));
        assert_eq!((at(7, 9), at(7, 20), at(8, 15), at(6, 15)), (None, None, None, None));
        kept.put("a".to_owned(), Validity { revision: 8, from: Timestamp(15), until: None }, 2);
        assert_eq!((at(8, 1_000), at(7, 15)), (Some(2), None));
        kept.clear();
        assert_eq!(at(8, 1_000), None);
    }
}
