//! One limit that runs.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Rules;
use super::limits::LimitKind;
use crate::calendar::Calendar;
use crate::error::{Error, ErrorCode, Result};
use crate::time::Timestamp;

/// How much time there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allowance {
    /// So many working days after the day of receipt.
    WorkingDays(u32),
    /// To the end of a day that is named.
    #[schema(value_type = String, format = Date)]
    Until(NaiveDate),
}

/// A time during which the limit stood still, because the other side had to act. A day on which it stood still, even in
/// part, does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pause {
    /// Since when.
    pub from: Timestamp,
    /// Until when; `None` while it lasts.
    pub until: Option<Timestamp>,
}

impl Pause {
    fn touches(&self, day: NaiveDate) -> bool {
        self.from.shanghai_date() <= day && self.until.is_none_or(|until| day <= until.shanghai_date())
    }
}

/// The one extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extension {
    /// When it was made.
    pub at: Timestamp,
    /// Working days added.
    pub days: u32,
}

/// When a limit ends, as reckoned by one calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reckoning {
    /// The calendar's edition.
    pub calendar: String,
    /// The first instant after the limit: 24:00 Asia/Shanghai of its last day. `None` while it stands still.
    pub due: Option<Timestamp>,
    /// From when the light is yellow.
    pub yellow_from: Option<Timestamp>,
    /// What the reckoning could not know: days of a year without a published calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

/// The light 红黄灯 of a running limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Standing still: the other side must act.
    Paused,
    /// In time.
    Green,
    /// 80 % of the time is over.
    Yellow,
    /// The limit has passed.
    Red,
}

/// A limit that runs, or has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningLimit {
    /// What it is for.
    pub kind: LimitKind,
    /// Receipt; its day does not count.
    pub since: Timestamp,
    /// The time there is, without the extension.
    pub allowance: Allowance,
    /// The extension, if it was made.
    #[serde(default)]
    pub extension: Option<Extension>,
    /// When it stood still.
    #[serde(default)]
    pub pauses: Vec<Pause>,
    /// When what it was for was done, in time or late.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// What counts.
    pub reckoning: Reckoning,
    /// What was reckoned by earlier calendars, oldest first.
    #[serde(default)]
    pub earlier: Vec<Reckoning>,
}

impl RunningLimit {
    /// A limit that starts with a receipt.
    pub fn start(kind: LimitKind, since: Timestamp, rules: &Rules) -> Self {
        Self::new(kind, since, Allowance::WorkingDays(rules.limits.get(kind).days), rules)
    }

    /// A limit that runs to the end of a named day.
    pub fn until(kind: LimitKind, since: Timestamp, day: NaiveDate, rules: &Rules) -> Self {
        Self::new(kind, since, Allowance::Until(day), rules)
    }

    fn new(kind: LimitKind, since: Timestamp, allowance: Allowance, rules: &Rules) -> Self {
        let reckoning = Reckoning { calendar: String::new(), due: None, yellow_from: None, warning: None };
        let mut limit = Self {
            kind,
            since,
            allowance,
            extension: None,
            pauses: Vec::new(),
            ended: None,
            reckoning,
            earlier: Vec::new(),
        };
        limit.reckoning = limit.reckon(&rules.calendar);
        limit
    }

    /// Whether it has not ended.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.until.is_none())
    }

    /// The other side must act: the limit stands still until [`RunningLimit::resume`].
    pub fn pause(&mut self, now: Timestamp, rules: &Rules) {
        if self.is_open() && !self.is_paused() {
            self.pauses.push(Pause { from: now, until: None });
            self.reckoning = self.reckon(&rules.calendar);
        }
    }

    /// The other side has acted.
    pub fn resume(&mut self, now: Timestamp, rules: &Rules) {
        if let Some(pause) = self.pauses.last_mut().filter(|pause| pause.until.is_none()) {
            pause.until = Some(now.max(pause.from));
            self.reckoning = self.reckon(&rules.calendar);
        }
    }

    /// Extends it, once, by what the table of limits allows, before it has passed.
    pub fn extend(&mut self, now: Timestamp, rules: &Rules) -> Result<()> {
        let days = rules.limits.get(self.kind).extension;
        let refuse = |message: &str| Err(Error::new(ErrorCode::IllegalState, message));
        match &self.extension {
            _ if !self.is_open() || self.is_breached(now) => {
                refuse("the limit has passed or ended; nothing extends it")
            }
            Some(_) => refuse("the limit has been extended already, and that is possible once"),
            None if days == 0 => refuse("this limit can't be extended"),
            None => {
                self.extension = Some(Extension { at: now, days });
                self.reckoning = self.reckon(&rules.calendar);
                Ok(())
            }
        }
    }

    /// What it was for is done.
    pub fn end(&mut self, now: Timestamp) {
        self.ended.get_or_insert(now);
    }

    /// Reckons anew by a new calendar and keeps what was reckoned before. Answers whether the calendar is another one.
    pub fn recompute(&mut self, rules: &Rules) -> bool {
        let is_new = self.is_open() && self.reckoning.calendar != rules.calendar.edition();
        if is_new {
            let reckoning = self.reckon(&rules.calendar);
            self.earlier.push(std::mem::replace(&mut self.reckoning, reckoning));
        }
        is_new
    }

    /// The light at `now`; none once it has ended.
    pub fn light(&self, now: Timestamp) -> Option<Light> {
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        match () {
            () if !self.is_open() => None,
            () if passed(self.reckoning.due) => Some(Light::Red),
            () if self.is_paused() => Some(Light::Paused),
            () if passed(self.reckoning.yellow_from) => Some(Light::Yellow),
            () => Some(Light::Green),
        }
    }

    /// Whether it has passed at `now`, or had passed when it ended.
    pub fn is_breached(&self, now: Timestamp) -> bool {
        let at = self.ended.unwrap_or(now);
        self.reckoning.due.is_some_and(|due| due <= at)
    }

    fn reckon(&self, calendar: &Calendar) -> Reckoning {
        match self.allowance {
            Allowance::WorkingDays(days) => {
                let extension = self.extension.as_ref().map_or(0, |extension| extension.days);
                self.count(days.saturating_add(extension).max(1), calendar)
            }
            Allowance::Until(day) => self.until_day(day, calendar),
        }
    }

    /// Counts working days from the day after receipt. Yellow is from the start of day ⌊0.8 n⌋ + 1, which is the last
    /// day of limits of up to five.
    fn count(&self, days: u32, calendar: &Calendar) -> Reckoning {
        let yellow_day = days / 5 * 4 + days % 5 * 4 / 5 + 1;
        let stands_from = self.pauses.last().filter(|pause| pause.until.is_none()).map(|pause| pause.from);
        let (mut counted, mut yellow_from, mut due, mut unknown) = (0, None, None, None);
        for day in Calendar::days_after(self.since.shanghai_date()) {
            if due.is_some() || stands_from.is_some_and(|from| from.shanghai_date() <= day) {
                break;
            }
            if !calendar.knows(day) {
                unknown.get_or_insert(day);
            }
            if !calendar.is_working_day(day) || self.pauses.iter().any(|pause| pause.touches(day)) {
                continue;
            }
            counted += 1;
            if counted == yellow_day {
                yellow_from = Some(Timestamp::start_of_shanghai_day(day));
            }
            if counted == days {
                due = Some(end_of(day));
            }
        }
        Reckoning { calendar: calendar.edition().to_owned(), due, yellow_from, warning: unknown.map(warning) }
    }

    fn until_day(&self, day: NaiveDate, calendar: &Calendar) -> Reckoning {
        let (from, due) = (self.since, end_of(day));
        let yellow = from.0 + due.0.saturating_sub(from.0).max(0) / 5 * 4;
        let calendar = calendar.edition().to_owned();
        Reckoning { calendar, due: Some(due), yellow_from: Some(Timestamp(yellow)), warning: None }
    }
}

/// 24:00 of a day.
fn end_of(day: NaiveDate) -> Timestamp {
    Timestamp::start_of_shanghai_day(day.succ_opt().unwrap_or(day))
}

fn warning(day: NaiveDate) -> String {
    let year = day.format("%Y");
    format!("{year}年的节假日安排尚未载入，{year}年的日期只按周末推算；载入后重新计算")
}
