//! What must be true before the bytes of an answer are taken in: there is such a receipt, it is the caller's, and there is room.

use std::sync::Arc;
use std::time::Duration;

use catalog_core::{Error, ErrorCode, Principal, Result, Role};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::Past;
use crate::app::App;
use crate::receipts::{holder, missing};

/// Answers of departments and auditors on their way in at the same time.
const OFFICIALS: usize = 8;
/// Those of everybody else: they keep no department waiting.
const OTHERS: usize = 2;

/// Places of a server for answers that are computed again.
pub(crate) struct Replays {
    officials: Arc<Semaphore>,
    others: Arc<Semaphore>,
    /// Rows are compared outside the memory that queries share: of one answer at a time.
    comparing: Semaphore,
}

impl Default for Replays {
    fn default() -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self { officials: places(OFFICIALS), others: places(OTHERS), comparing: Semaphore::new(1) }
    }
}

impl Replays {
    fn place(&self, principal: &Principal) -> Result<OwnedSemaphorePermit> {
        let is_official = principal.department.is_some() || principal.has(Role::Auditor);
        let places = if is_official { &self.officials } else { &self.others };
        Arc::clone(places).try_acquire_owned().map_err(|_| busy())
    }

    /// Waits until no other answer is compared.
    pub(super) async fn turn(&self, longest: Duration) -> Result<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(longest, self.comparing.acquire()).await;
        turn.ok().and_then(|turn| turn.ok()).ok_or_else(busy)
    }
}

fn busy() -> Error {
    Error::new(ErrorCode::Unavailable, "other answers are being computed again; try again in a minute")
}

/// An answer that may be sent.
pub(crate) struct Awaited {
    /// What evidence and vault hold of it.
    pub(super) past: Past,
    /// Kept until the request ends.
    _place: OwnedSemaphorePermit,
}

impl Awaited {
    /// Looks up the receipt in the address of a request. Whoever has none makes the server store nothing.
    pub(crate) async fn at(app: &Arc<App>, principal: &Principal, path: &str) -> Result<Self> {
        let id = path.strip_prefix("/receipts/").and_then(|rest| rest.strip_suffix("/replay"));
        let id = id.unwrap_or_default().to_owned();
        let holder = holder(app, principal, &id).await?;
        let place = app.replays.place(principal)?;
        let wanted = id.clone();
        let past = app.clone().prove(move |app| Past::of(app, &wanted, holder.as_deref())).await?;
        Ok(Self { past: past.ok_or_else(|| missing(&id))?, _place: place })
    }

    /// Bytes of the answer: no more are taken.
    pub(crate) fn bytes(&self) -> u64 {
        self.past.bytes
    }

    /// The refusal of a body, said of an answer.
    pub(crate) fn explained(&self, error: Error) -> Error {
        match error.code {
            ErrorCode::TooLarge => {
                let message =
                    format!("these bytes are not the answer of the receipt, which has {}", self.bytes());
                Error::new(ErrorCode::TooLarge, message)
            }
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strangers_keep_no_department_waiting() {
        let replays = Replays::default();
        let stranger = Principal::public();
        let taken: Vec<_> = (0..OTHERS).map(|_| replays.place(&stranger).unwrap()).collect();
        assert_eq!(replays.place(&stranger).unwrap_err().code, ErrorCode::Unavailable);
        let official = Principal { department: Some("scjg".parse().unwrap()), ..stranger.clone() };
        drop(replays.place(&official).unwrap());
        drop(taken);
        drop(replays.place(&stranger).unwrap());
        let turn = replays.turn(Duration::ZERO).await.unwrap();
        assert_eq!(replays.turn(Duration::ZERO).await.unwrap_err().code, ErrorCode::Unavailable);
        drop(turn);
        drop(replays.turn(Duration::ZERO).await.unwrap());
    }
}
