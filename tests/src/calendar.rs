//! Working days and deadlines beside an implementation that nobody here wrote: Python's `chinesecalendar`.

use catalog_core::Timestamp;
use catalog_core::calendar::Calendar;
use catalog_core::deadline::{LimitKind, LimitTable, Rules, RunningLimit};
use chrono::{Days, NaiveDate};
use serde_json::json;

use crate::support::python::python;

const FIRST: &str = "2024-01-01";
const LAST: &str = "2026-12-31";
/// Lengths of limits, in working days.
const LENGTHS: [u32; 6] = [1, 2, 7, 10, 15, 20];

#[test]
fn every_day_and_every_deadline_is_that_of_the_other_implementation() {
    let (first, last): (NaiveDate, NaiveDate) = (FIRST.parse().unwrap(), LAST.parse().unwrap());
    let days: Vec<_> = first.iter_days().take_while(|day| *day <= last).collect();
    // Beyond the last year the other implementation knows nothing.
    let receipts = days.iter().filter(|day| **day + Days::new(40) <= last);
    let limits: Vec<_> = receipts.flat_map(|day| LENGTHS.map(|length| (*day, length))).collect();
    let asked = json!({"from": FIRST, "to": LAST, "limits": limits});
    let answer = python("oracle_calendar.py", &[], &asked.to_string());

    let calendar = Calendar::built_in();
    let worked: Vec<_> = days.iter().filter(|day| calendar.is_working_day(**day)).collect();
    assert_eq!(json!(worked), answer["worked"]);
    assert!(worked.len() > 700);

    let ends: Vec<_> = limits.iter().map(|(day, length)| end(*day, *length)).collect();
    assert_eq!(json!(ends), answer["ends"]);
}

/// The last day of a limit that is received on a day.
fn end(received: NaiveDate, days: u32) -> NaiveDate {
    let limits =
        LimitTable::with_file(&json!({"letter": {"days": days, "source": "样例"}}).to_string()).unwrap();
    let rules = Rules { limits, ..Rules::default() };
    let noon = Timestamp::start_of_shanghai_day(received).plus_seconds(12 * 3600);
    let limit = RunningLimit::start(LimitKind::Letter, noon, &rules);
    limit.reckoning.due.unwrap().plus_seconds(-1).shanghai_date()
}
