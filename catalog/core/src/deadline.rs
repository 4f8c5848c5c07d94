//! Deadlines 时限: how long a step of a matter may take by law, counted in Chinese working days.
//!
//! The day of receipt does not count: day 1 is the next working day, and the limit ends at 24:00 Asia/Shanghai of the
//! last day. While the other side must act the limit stands still; it may be extended once. A limit keeps what it has
//! reckoned together with the calendar it reckoned by, so that a new calendar changes nothing unseen.

mod limits;
mod running;
#[cfg(test)]
mod tests;

pub use limits::{Limit, LimitKind, LimitTable};
pub use running::{Allowance, Extension, Light, Pause, Reckoning, RunningLimit};

use crate::calendar::Calendar;

/// What deadlines are reckoned by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Which days are working days.
    pub calendar: Calendar,
    /// How long each kind of limit is.
    pub limits: LimitTable,
}

impl Default for Rules {
    /// The built-in calendar and the limits of law.
    fn default() -> Self {
        Self { calendar: Calendar::built_in(), limits: LimitTable::default() }
    }
}
