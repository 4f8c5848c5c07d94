//! Working days in China: the State Council's holidays with their moved working days 调休.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};
use exchange_crypto::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Problem, Result};

/// The notices published so far, one file a year.
const BUILT_IN: [&str; 3] = [
    include_str!("calendar/2024.json"),
    include_str!("calendar/2025.json"),
    include_str!("calendar/2026.json"),
];

/// The longest holiday a notice may name, in days: a typing error in a year would be longer.
const LONGEST_HOLIDAY: i64 = 31;

/// Days off in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// Its name: 春节.
    pub name: String,
    /// First day.
    #[schema(value_type = String, format = Date)]
    pub from: NaiveDate,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub to: NaiveDate,
}

impl Holiday {
    fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to;
        self.from.iter_days().take_while(move |day| *day <= to)
    }
}

/// One year of the calendar, as the State Council's yearly notice 部分节假日安排的通知 gives it. Also the format of
/// the files by which an operator adds a year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalendarYear {
    /// The year.
    pub year: i32,
    /// The notice it comes from, with its document number where that is known.
    pub source: String,
    /// Date of the notice.
    #[schema(value_type = String, format = Date)]
    pub issued: NaiveDate,
    /// Days off, weekends within them included.
    pub holidays: Vec<Holiday>,
    /// Saturdays and Sundays on which people work.
    #[schema(value_type = Vec<String>)]
    pub workdays: Vec<NaiveDate>,
}

impl CalendarYear {
    /// Reads a file.
    pub fn parse(text: &str) -> Result<Self> {
        let year: Self = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "calendar.form", error.to_string());
            Error::invalid(
                "the file is no calendar of a year: see the built-in ones for its form",
                vec![problem],
            )
        })?;
        year.check()?;
        Ok(year)
    }

    /// A notice may begin its first holiday in the last days of the year before.
    fn covers(&self, day: NaiveDate) -> bool {
        day.year() == self.year || (day.year() == self.year - 1 && day.month() == 12)
    }

    fn check(&self) -> Result<()> {
        let mut problems = Vec::new();
        let mut wrong = |at: String, message: &str| problems.push(Problem::new(at, "calendar.day", message));
        for holiday in &self.holidays {
            let length = (holiday.to - holiday.from).num_days() + 1;
            if !(1..=LONGEST_HOLIDAY).contains(&length) {
                wrong(holiday.name.clone(), "a holiday has 1 to 31 days, the first before the last");
            } else if !self.covers(holiday.from) || !self.covers(holiday.to) {
                wrong(holiday.name.clone(), "the holiday lies outside the year");
            }
        }
        for day in &self.workdays {
            if !is_weekend(*day) || !self.covers(*day) {
                wrong(day.to_string(), "a moved working day is a Saturday or Sunday of the year");
            } else if self.holidays.iter().any(|holiday| (holiday.from..=holiday.to).contains(day)) {
                wrong(day.to_string(), "the day is named as a holiday and as a working day");
            }
        }
        if self.source.trim().is_empty() {
            wrong("source".to_owned(), "name the notice that the days come from");
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(format!("the calendar of {} is not valid", self.year), problems)),
        }
    }
}

/// Which days are working days. Beyond the known years it goes by weekends alone, and says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    years: BTreeMap<i32, CalendarYear>,
    holidays: BTreeSet<NaiveDate>,
    workdays: BTreeSet<NaiveDate>,
    edition: String,
}

impl Calendar {
    /// The years that this program brings along.
    pub fn built_in() -> Self {
        // A file that could not be read would leave its year unknown, which warns; a test reads them all.
        Self::of(BUILT_IN.iter().filter_map(|text| CalendarYear::parse(text).ok()))
    }

    /// The same calendar with one more year, or with another notice for a year.
    pub fn with(self, year: CalendarYear) -> Result<Self> {
        year.check()?;
        Ok(Self::of(self.years.into_values().chain([year])))
    }

    fn of(years: impl Iterator<Item = CalendarYear>) -> Self {
        let years: BTreeMap<_, _> = years.map(|year| (year.year, year)).collect();
        let holidays = years.values().flat_map(|year| year.holidays.iter().flat_map(Holiday::days)).collect();
        let workdays = years.values().flat_map(|year| year.workdays.iter().copied()).collect();
        let edition = edition(&years);
        Self { years, holidays, workdays, edition }
    }

    /// Names this very calendar: the known years and a digest of their days, `2024-2026 3f9a11c0`.
    pub fn edition(&self) -> &str {
        &self.edition
    }

    /// The known years with their sources.
    pub fn years(&self) -> impl Iterator<Item = &CalendarYear> {
        self.years.values()
    }

    /// Whether the notice for the day's year is known. Without it the day goes by weekends.
    pub fn knows(&self, day: NaiveDate) -> bool {
        self.years.contains_key(&day.year())
    }

    /// Whether people work on that day.
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        self.workdays.contains(&day) || !(is_weekend(day) || self.holidays.contains(&day))
    }

    /// The days after `day`, in order.
    pub(crate) fn days_after(day: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        day.iter_days().skip(1)
    }
}

fn is_weekend(day: NaiveDate) -> bool {
    matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

fn edition(years: &BTreeMap<i32, CalendarYear>) -> String {
    let text = serde_json::to_vec(years).unwrap_or_default();
    let digest = Digest::of(&text).to_hex();
    let named = match (years.keys().next(), years.keys().next_back()) {
        (Some(first), Some(last)) if first == last => first.to_string(),
        (Some(first), Some(last)) => format!("{first}-{last}"),
        _ => "weekends".to_owned(),
    };
    format!("{named} {}", digest.get(..8).unwrap_or_default())
}
