//! What costs much to make and may be a little old.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog_core::Result;

/// The longest wait of a page for it, where there is nothing else to show.
const WAIT: Duration = Duration::from_secs(2);
/// And where there is what was made before.
const SHORT: Duration = Duration::from_millis(300);
/// How much longer than its making took it is kept at least: so that this takes no more than a part of the machine.
const KEPT: u32 = 20;

/// The oldest that is shown while it is made anew: what was closed since is no longer there.
const OLDEST: Duration = Duration::from_secs(600);

/// What was made last, when, and how long that took.
struct Made<T> {
    what: Arc<T>,
    at: Instant,
    took: Duration,
}

/// Something that is made anew by one visit at a time, while others get what was made before.
pub(crate) struct Lately<T> {
    made: Mutex<Option<Made<T>>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self { made: Mutex::new(None), turn: Arc::default() }
    }
}

impl<T: Send + Sync + 'static> Lately<T> {
    /// What is made by `make` from what was made before, unless that is still current. Nothing, or what was made before if that
    /// is not too old, where it takes longer than a page waits: then it is there for a later visit.
    pub(crate) async fn get<F>(
        self: &Arc<Self>,
        is_current: impl Fn(&T, Duration) -> bool,
        make: impl FnOnce(Option<Arc<T>>) -> F,
    ) -> Option<Arc<T>>
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let turn = match (self.current(&is_current), self.shown()) {
            (Some(current), _) => return Some(current),
            (None, None) => tokio::time::timeout(WAIT, Arc::clone(&self.turn).lock_owned()).await.ok(),
            // Somebody else is making it.
            (None, Some(before)) => match Arc::clone(&self.turn).try_lock_owned() {
                Ok(turn) => Some(turn),
                Err(_) => return Some(before),
            },
        };
        if let Some(turn) = turn
            && self.current(&is_current).is_none()
        {
            let (this, begun, before) = (Arc::clone(self), Instant::now(), self.newest());
            let wait = if self.shown().is_some() { SHORT } else { WAIT };
            let making = make(before);
            let making = tokio::spawn(async move {
                match making.await {
                    Ok(what) => this.keep(what, begun),
                    Err(error) => {
                        let cause = error.internal_cause();
                        tracing::warn!(error = %error.code, cause, "the portal's figures could not be counted");
                    }
                }
                drop(turn);
            });
            // It goes on where this visit does not wait any longer.
            let _ = tokio::time::timeout(wait, making).await;
        }
        self.shown()
    }

    /// What was made before, where it may still be shown.
    fn shown(&self) -> Option<Arc<T>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let made = made.as_ref()?;
        let oldest = OLDEST.max(made.took.saturating_mul(2 * KEPT));
        (made.at.elapsed() <= oldest).then(|| Arc::clone(&made.what))
    }

    fn newest(&self) -> Option<Arc<T>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.as_ref().map(|made| Arc::clone(&made.what))
    }

    fn current(&self, is_current: impl Fn(&T, Duration) -> bool) -> Option<Arc<T>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let made = made.as_ref()?;
        let age = made.at.elapsed();
        (age < made.took * KEPT || is_current(&made.what, age)).then(|| Arc::clone(&made.what))
    }

    fn keep(&self, what: T, begun: Instant) {
        let made = Made { what: Arc::new(what), at: Instant::now(), took: begun.elapsed() };
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks until what was made before is no longer kept.
    async fn until(lately: &Arc<Lately<u32>>, wanted: u32) {
        let next = |before: Option<Arc<u32>>| async move { Ok(before.map_or(1, |before| *before + 1)) };
        for _ in 0..500 {
            if lately.get(|known, _| *known == wanted, next).await.as_deref() == Some(&wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {wanted}");
    }

    #[tokio::test]
    async fn what_is_current_is_not_made_again() {
        let lately = Arc::new(Lately::default());
        until(&lately, 1).await;
        until(&lately, 2).await;
        let never = |_| async { Err(catalog_core::Error::internal("made again")) };
        assert_eq!(lately.get(|_, _| true, never).await.as_deref(), Some(&2));
    }

    #[tokio::test]
    async fn what_fails_leaves_what_was_there() {
        let lately: Arc<Lately<u32>> = Arc::new(Lately::default());
        let fails = |_| async { Err(catalog_core::Error::internal("broken")) };
        assert_eq!(lately.get(|_, _| false, fails).await, None);
        until(&lately, 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(lately.get(|_, _| false, fails).await.as_deref(), Some(&1));
    }
}
