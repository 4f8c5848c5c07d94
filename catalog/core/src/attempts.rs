//! Tries of what is to be carried out of the platform: by and by, further and further apart, and not for ever.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Timestamp;

/// Seconds before something is tried again after the first failure; each further one doubles them.
const FIRST_WAIT: i64 = 60;
/// Tries after which it is given up: some four hours.
const TRIES: u32 = 9;

/// How far the tries have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempts {
    /// Tries so far.
    pub tries: u32,
    /// When it is tried next; `None` when it was given up, or has arrived.
    pub next_at: Option<Timestamp>,
    /// Why the last try failed.
    pub problem: Option<String>,
}

impl Attempts {
    /// To be tried at once.
    pub fn due(now: Timestamp) -> Self {
        Self { tries: 0, next_at: Some(now), problem: None }
    }

    /// Notes a try that failed: the next waits twice as long, and after the last one it is given up.
    pub(crate) fn fail(&mut self, problem: String, now: Timestamp) {
        let wait = FIRST_WAIT << self.tries.min(TRIES);
        self.tries += 1;
        self.problem = Some(problem);
        self.next_at = (self.tries < TRIES).then(|| now.plus_seconds(wait));
    }

    /// Notes the try that was the last because it arrived.
    pub(crate) fn arrive(&mut self) {
        self.tries += 1;
        self.problem = None;
        self.next_at = None;
    }

    /// Has what was given up tried once more.
    pub(crate) fn again(&mut self, now: Timestamp) {
        self.next_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_end_after_some_hours_and_one_more_is_one_more() {
        let start = Timestamp(1_772_416_800_000_000);
        let (mut attempts, mut now) = (Attempts::due(start), start);
        while let Some(at) = attempts.next_at {
            now = at;
            attempts.fail("not_reached".to_owned(), now);
        }
        assert_eq!((attempts.tries, now), (TRIES, start.plus_seconds(60 * 255)));
        attempts.again(now);
        assert_eq!(attempts.next_at, Some(now));
        attempts.fail("refused".to_owned(), now);
        assert_eq!((attempts.tries, attempts.next_at), (TRIES + 1, None));
        attempts.again(now);
        attempts.arrive();
        assert_eq!((attempts.tries, attempts.next_at, attempts.problem), (TRIES + 2, None, None));
    }
}
