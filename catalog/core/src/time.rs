//! Points in time: stored in UTC, shown in Asia/Shanghai.

use std::fmt;

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Microseconds since 1970-01-01T00:00:00Z. Travels as RFC 3339 text in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(pub i64);

/// China has had one zone without summer time since 1991.
const SHANGHAI_SECONDS: i32 = 8 * 3600;

impl Timestamp {
    /// The current time of the system clock. Called at the edge (doors, command line), never in services.
    pub fn now() -> Self {
        Self(Utc::now().timestamp_micros())
    }

    /// Reads RFC 3339 text with any offset, from 0001 to 9998 in UTC: what lies beyond can be written and not be read
    /// again, for RFC 3339 has four digits for the year.
    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        (1..=9998).contains(&time.year()).then(|| Self(time.timestamp_micros()))
    }

    /// Whole seconds since the epoch.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time later by `seconds`, saturating.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// The calendar date in Asia/Shanghai.
    pub fn shanghai_date(self) -> NaiveDate {
        self.shanghai().date_naive()
    }

    /// The time of day in Asia/Shanghai.
    pub fn shanghai_time(self) -> NaiveTime {
        self.shanghai().time()
    }

    /// The first instant of a day in Asia/Shanghai, which is 24:00 of the day before.
    pub fn start_of_shanghai_day(day: NaiveDate) -> Self {
        let midnight = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        Self(midnight).plus_seconds(-i64::from(SHANGHAI_SECONDS))
    }

    /// For people: `2026-11-22 09:05:00` in Asia/Shanghai.
    pub fn shanghai_text(self) -> String {
        self.shanghai().format("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// The same as the end of a period 期限: midnight is 24:00 of the day that ends, as the law writes it.
    pub fn shanghai_end(self) -> String {
        match self == Self::start_of_shanghai_day(self.shanghai_date()) {
            true => format!("{} 24:00", Self(self.0.saturating_sub(1)).shanghai_date()),
            false => self.shanghai_text(),
        }
    }

    fn shanghai(self) -> DateTime<FixedOffset> {
        let utc = self.utc();
        match FixedOffset::east_opt(SHANGHAI_SECONDS) {
            Some(zone) => utc.with_timezone(&zone),
            None => utc.fixed_offset(),
        }
    }

    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a time is RFC 3339 text, in the years 0001 to 9998"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever can be read is written so that it is read again as the same time.
        #[test]
        fn what_is_read_is_written_readably(year in 0i32..=9999, day in 1u32..=366, second in 0u32..86_400, offset in -24i32..=24) {
            let day = NaiveDate::from_yo_opt(year, day).unwrap_or_default();
            let (sign, hours) = (if offset < 0 { '-' } else { '+' }, offset.abs().min(23));
            let text = format!("{day}T{:02}:{:02}:{:02}{sign}{hours:02}:00", second / 3600, second / 60 % 60, second % 60);
            if let Some(time) = Timestamp::parse(&text) {
                prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
            }
        }
    }

    #[test]
    fn times_that_could_not_be_read_again_are_refused() {
        for text in ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00+01:00", "9999-06-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
        assert!(Timestamp::parse("9998-12-31T23:59:59Z").is_some());
    }

    #[test]
    fn a_period_ends_at_24_hours_of_its_last_day() {
        let end = |text: &str| Timestamp::parse(text).unwrap().shanghai_end();
        assert_eq!(end("2026-12-04T16:00:00Z"), "2026-12-04 24:00");
        assert_eq!(end("2026-12-04T16:00:01Z"), "2026-12-05 00:00:01");
    }
}
