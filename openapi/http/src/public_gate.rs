//! Bounds on what strangers may do without a key: so many requests in an hour, so many codes in a minute. Nothing is kept
//! of who they are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use catalog_core::{Error, ErrorCode, Result, Timestamp};

const HOUR: i64 = 3600;
const MINUTE: i64 = 60;
/// Wrong codes heard for one matter in a minute. A code has over 120 random bits: this keeps the server from being busied.
const TRIES: u32 = 10;
/// Wrong codes heard for all matters in a minute.
const ALL_TRIES: u32 = 1000;

#[derive(Default)]
struct Counts {
    hour: Timestamp,
    opened: u32,
    minute: Timestamp,
    tries: HashMap<String, u32>,
    all_tries: u32,
}

impl Counts {
    /// Forgets what is older than its time; a clock that was set back begins anew.
    fn turn(&mut self, now: Timestamp) {
        let is_over = |since: Timestamp, seconds| now < since || since.plus_seconds(seconds) <= now;
        if is_over(self.hour, HOUR) {
            (self.hour, self.opened) = (now, 0);
        }
        if is_over(self.minute, MINUTE) {
            (self.minute, self.all_tries) = (now, 0);
            self.tries.clear();
        }
    }
}

/// The bounds of one server.
#[derive(Default)]
pub(crate) struct PublicGate(Mutex<Counts>);

impl PublicGate {
    /// Lets one more request or letter in, of at most `most` in an hour.
    pub(crate) fn enter(&self, most: u32, now: Timestamp) -> Result<()> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(now);
        if counts.opened >= most {
            let message =
                "一小时内收到的申请和来信过多，请稍后再试 too many requests in this hour; try again later";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        counts.opened += 1;
        Ok(())
    }

    /// Counts a code that is tried; refuses to hear it where too many wrong ones came in this minute.
    pub(crate) fn try_code(&self, number: &str, now: Timestamp) -> Result<()> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(now);
        let known = counts.tries.get(number).copied().unwrap_or(0);
        if known >= TRIES || counts.all_tries >= ALL_TRIES {
            let message = "查询码错误次数过多，请一分钟后再试 too many wrong codes; wait a minute";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        counts.all_tries += 1;
        *counts.tries.entry(number.to_owned()).or_default() += 1;
        Ok(())
    }

    /// The code that was tried is right: it does not count.
    pub(crate) fn was_right(&self, number: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all_tries = counts.all_tries.saturating_sub(1);
        if let Some(tries) = counts.tries.get_mut(number) {
            *tries = tries.saturating_sub(1);
        }
    }
}
