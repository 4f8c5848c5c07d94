//! How many of the strangers' places each payer holds: nobody holds all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Payer;

tokio::task_local! {
    /// For whom the request counts that this task serves.
    static PAYERS: Vec<Payer>;
}

/// Serves a request that counts for these.
pub(crate) async fn paid_by<T>(payers: Vec<Payer>, served: impl Future<Output = T>) -> T {
    PAYERS.scope(payers, served).await
}

/// Places by payer; who holds none is not in it.
type Held = Mutex<HashMap<Payer, usize>>;

/// The places that are held.
#[derive(Default)]
pub(crate) struct Shares(Arc<Held>);

/// One of them, given back when it is dropped.
pub(crate) struct Share {
    held: Arc<Held>,
    payers: Vec<Payer>,
}

impl Shares {
    /// A place for whom the served request counts; none where one of them holds `most`. Who is not counted may hold any number.
    pub(crate) fn take(&self, most: usize) -> Option<Share> {
        self.take_for(PAYERS.try_with(Vec::clone).unwrap_or_default(), most)
    }

    fn take_for(&self, payers: Vec<Payer>, most: usize) -> Option<Share> {
        let mut held = lock(&self.0);
        if payers.iter().any(|payer| held.get(payer).is_some_and(|places| *places >= most)) {
            return None;
        }
        for payer in &payers {
            *held.entry(payer.clone()).or_default() += 1;
        }
        Some(Share { held: Arc::clone(&self.0), payers })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        for payer in &self.payers {
            let left = held.get(payer).map_or(0, |places| places.saturating_sub(1));
            match left {
                0 => held.remove(payer),
                left => held.insert(payer.clone(), left),
            };
        }
    }
}

fn lock(held: &Held) -> MutexGuard<'_, HashMap<Payer, usize>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_holds_more_than_their_share() {
        let shares = Shares::default();
        let payers = |name: &str| vec![Payer::Key(name.to_owned()), Payer::Developer("d".to_owned())];
        let first = shares.take_for(payers("a"), 2);
        let second = paid_by(payers("b"), async { shares.take(2) }).await;
        assert!(first.is_some() && second.is_some());
        assert!(shares.take_for(payers("c"), 2).is_none(), "one developer, whatever the key");
        assert!(shares.take(0).is_some(), "who is not counted");
        drop(first);
        assert!(shares.take_for(payers("c"), 2).is_some());
        drop(second);
        assert!(lock(&shares.0).is_empty());
    }
}
