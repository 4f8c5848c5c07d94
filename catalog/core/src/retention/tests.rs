use chrono::NaiveDate;

use super::*;
use crate::{dataset::Tombstone, fixtures};

fn day(text: &str) -> Timestamp {
    Timestamp::start_of_shanghai_day(text.parse::<NaiveDate>().unwrap()).plus_seconds(3600)
}

fn version(number: i64, published: &str) -> Version {
    fixtures::version(&code(), number, day(published))
}

fn code() -> ResourceCode {
    ResourceCode::new("301001/000001").unwrap()
}

fn expired(versions: &[Version], now: &str) -> Vec<i64> {
    Retention::default().expired(&code(), versions, day(now))
}

#[test]
fn all_are_kept_for_three_months_and_month_ends_for_three_years() {
    let versions = [
        version(1, "2026-01-05"),
        version(2, "2026-01-31"),
        version(3, "2026-02-10"),
        version(4, "2026-05-01"),
        version(5, "2026-05-02"),
    ];
    assert_eq!(expired(&versions, "2026-04-05"), Vec::<i64>::new());
    assert_eq!(expired(&versions, "2026-04-06"), [1], "the first that three months have passed since");
    assert_eq!(expired(&versions, "2026-08-02"), [1, 4]);
    assert_eq!(expired(&versions, "2029-02-01"), [1, 2, 4]);
    assert_eq!(expired(&versions, "2040-01-01"), [1, 2, 3, 4], "the newest stays for ever");
}

#[test]
fn what_is_withdrawn_counts_for_no_month_and_expires_no_more() {
    let mut versions = [version(1, "2026-01-05"), version(2, "2026-01-31"), version(3, "2026-06-10")];
    versions[1].state = VersionState::Withdrawn;
    versions[1].tombstone =
        Some(Tombstone { at: day("2026-02-01"), by: "x".to_owned(), reason: "x".to_owned() });
    assert_eq!(expired(&versions, "2026-08-01"), Vec::<i64>::new(), "the first is January's last now");
    versions[2].state = VersionState::Withdrawn;
    assert_eq!(expired(&versions, "2040-01-01"), Vec::<i64>::new(), "and the newest that can be read");
}

#[test]
fn a_file_says_otherwise_for_one_dataset_or_all() {
    let versions = [version(1, "2026-01-05"), version(2, "2026-01-31"), version(3, "2026-02-10")];
    let file = r#"{"resources": {"301001/000001": {"all_months": 0, "month_end_months": 0}}}"#;
    let read = Retention::with_file(file).unwrap();
    assert_eq!(read.expired(&code(), &versions, day("2026-02-11")), [1, 2]);
    let other = ResourceCode::new("301001/000002").unwrap();
    assert_eq!(read.expired(&other, &versions, day("2026-02-11")), Vec::<i64>::new());
    let forever = Retention::with_file(r#"{"default": {"all_months": 1200}}"#).unwrap();
    assert_eq!(forever.expired(&code(), &versions, day("2040-01-01")), Vec::<i64>::new());
    for wrong in [
        "",
        "{",
        r#"{"default": {"all_months": 1201}}"#,
        r#"{"default": {"withdrawn_days": 36501}}"#,
        r#"{"days": 3}"#,
        r#"{"default": {"all_months": -1}}"#,
    ] {
        assert_eq!(Retention::with_file(wrong).unwrap_err().problems[0].rule, "retention", "{wrong}");
    }
}

#[test]
fn withdrawn_records_stay_thirty_days_or_as_a_file_says() {
    let now = day("2026-03-31");
    assert_eq!(Retention::default().erased_until(&code(), now), day("2026-03-01"));
    let file = r#"{"default": {"withdrawn_days": 1}, "resources": {"301001/000001": {"withdrawn_days": 0}}}"#;
    let read = Retention::with_file(file).unwrap();
    assert_eq!(read.erased_until(&code(), now), now);
    let other = ResourceCode::new("301001/000002").unwrap();
    assert_eq!(read.erased_until(&other, now), day("2026-03-30"));
}
