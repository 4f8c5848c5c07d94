use chrono::{Days, NaiveDate};
use proptest::prelude::*;

use super::*;
use crate::calendar::CalendarYear;
use crate::time::Timestamp;

/// A time of day in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}+08:00")).unwrap()
}

fn due(limit: &RunningLimit) -> String {
    limit.reckoning.due.map_or("-".to_owned(), Timestamp::shanghai_text)
}

fn yellow(limit: &RunningLimit) -> String {
    limit.reckoning.yellow_from.map_or("-".to_owned(), Timestamp::shanghai_text)
}

#[test]
fn the_table_is_that_of_the_law() {
    let table = LimitTable::default();
    let rows: Vec<_> = LimitKind::all()
        .map(|kind| {
            let limit = table.get(kind);
            format!("{kind:?} {}+{} {}", limit.days, limit.extension, limit.source)
        })
        .collect();
    insta::assert_snapshot!(rows.join("\n"));
}

#[test]
fn configuration_replaces_single_limits_and_is_checked() {
    let text = r#"{"unconditional_access": {"days": 2, "source": "县级规则"}}"#;
    let table = LimitTable::with_file(text).unwrap();
    assert_eq!(table.get(LimitKind::UnconditionalAccess).days, 2);
    assert_eq!(table.get(LimitKind::Delivery), LimitTable::default().get(LimitKind::Delivery));
    for wrong in [
        r#"{"delivery": {"days": 0, "source": "x"}}"#,
        r#"{"delivery": {"days": 501, "source": "x"}}"#,
        r#"{"delivery": {"days": 5, "source": " "}}"#,
        r#"{"unknown": {"days": 5, "source": "x"}}"#,
        r#"{"delivery": {"days": 5, "source": "x", "unit": "weeks"}}"#,
        "",
    ] {
        let error = LimitTable::with_file(wrong).unwrap_err();
        assert_eq!(error.code, crate::ErrorCode::InvalidInput, "{wrong}");
    }
}

#[test]
fn the_day_of_receipt_does_not_count_and_moved_days_do() {
    let rules = Rules::default();
    // Received on Friday 2026-02-13: the 14th is a worked Saturday, then nine days of Spring Festival.
    let limit = RunningLimit::start(LimitKind::FormalCheck, at("2026-02-13T09:00:00"), &rules);
    assert_eq!((yellow(&limit), due(&limit)), ("2026-02-24 00:00:00".into(), "2026-02-25 00:00:00".into()));
    // One second before midnight and the second after it are two days of receipt.
    let evening = RunningLimit::start(LimitKind::UnconditionalAccess, at("2026-03-02T23:59:59"), &rules);
    let night = RunningLimit::start(LimitKind::UnconditionalAccess, at("2026-03-03T00:00:00"), &rules);
    assert_eq!((due(&evening), due(&night)), ("2026-03-04 00:00:00".into(), "2026-03-05 00:00:00".into()));
}

#[test]
fn the_light_turns_yellow_at_four_fifths_and_red_at_midnight() {
    let rules = Rules::default();
    let limit = RunningLimit::start(LimitKind::ConditionalDecision, at("2026-03-02T10:00:00"), &rules);
    assert_eq!((yellow(&limit), due(&limit)), ("2026-03-13 00:00:00".into(), "2026-03-17 00:00:00".into()));
    assert_eq!(limit.light(at("2026-03-12T23:59:59")), Some(Light::Green));
    assert_eq!(limit.light(at("2026-03-13T00:00:00")), Some(Light::Yellow));
    assert_eq!(limit.light(at("2026-03-16T23:59:59")), Some(Light::Yellow));
    assert_eq!(limit.light(at("2026-03-17T00:00:00")), Some(Light::Red));
    let mut done = limit;
    done.end(at("2026-03-16T23:59:59"));
    assert_eq!(
        (done.light(at("2027-01-01T00:00:00")), done.is_breached(at("2027-01-01T00:00:00"))),
        (None, false)
    );
}

#[test]
fn a_limit_stands_still_while_the_other_side_must_act() {
    let rules = Rules::default();
    let mut limit = RunningLimit::start(LimitKind::ConditionalDecision, at("2026-03-02T10:00:00"), &rules);
    limit.pause(at("2026-03-05T10:00:00"), &rules);
    assert_eq!((due(&limit), limit.light(at("2026-05-01T00:00:00"))), ("-".into(), Some(Light::Paused)));
    limit.resume(at("2026-03-10T18:00:00"), &rules);
    // 3 and 4 March counted; the 5th to the 10th did not; eight more from the 11th.
    assert_eq!(due(&limit), "2026-03-21 00:00:00");
    limit.pause(at("2026-03-25T10:00:00"), &rules);
    assert_eq!(limit.light(at("2026-03-25T10:00:00")), Some(Light::Red), "a pause does not heal a breach");
}

#[test]
fn a_question_on_the_last_day_leaves_a_day_for_the_answer() {
    let rules = Rules::default();
    let mut limit = RunningLimit::start(LimitKind::FormalCheck, at("2026-03-02T10:00:00"), &rules);
    limit.pause(at("2026-03-04T16:00:00"), &rules);
    assert_eq!(limit.light(at("2026-03-09T00:00:00")), Some(Light::Paused));
    limit.resume(at("2026-03-09T10:00:00"), &rules);
    assert_eq!(due(&limit), "2026-03-11 00:00:00");
}

#[test]
fn an_extension_is_possible_once_and_in_time() {
    let rules = Rules::default();
    let mut limit = RunningLimit::start(LimitKind::ConditionalDecision, at("2026-03-02T10:00:00"), &rules);
    limit.extend(at("2026-03-16T10:00:00"), &rules).unwrap();
    assert_eq!(due(&limit), "2026-03-31 00:00:00");
    assert!(limit.extend(at("2026-03-16T10:00:00"), &rules).is_err(), "twice");
    let mut late = RunningLimit::start(LimitKind::ConditionalDecision, at("2026-03-02T10:00:00"), &rules);
    assert!(late.extend(at("2026-03-17T00:00:00"), &rules).is_err(), "too late");
    let mut never = RunningLimit::start(LimitKind::Delivery, at("2026-03-02T10:00:00"), &rules);
    assert!(never.extend(at("2026-03-03T10:00:00"), &rules).is_err(), "not extendable");
}

#[test]
fn a_new_calendar_reckons_anew_and_keeps_both() {
    let mut rules = Rules::default();
    let mut limit = RunningLimit::start(LimitKind::FormalCheck, at("2026-12-30T10:00:00"), &rules);
    assert_eq!(due(&limit), "2027-01-02 00:00:00");
    assert!(limit.reckoning.warning.as_deref().unwrap().contains("2027"));
    assert!(!limit.recompute(&rules), "the same calendar changes nothing");
    let year = r#"{"year": 2027, "source": "样例通知", "issued": "2026-11-01",
        "holidays": [{"name": "元旦", "from": "2027-01-01", "to": "2027-01-03"}], "workdays": []}"#;
    rules.calendar = rules.calendar.with(CalendarYear::parse(year).unwrap()).unwrap();
    assert!(limit.recompute(&rules));
    assert_eq!((due(&limit), limit.reckoning.warning.clone()), ("2027-01-05 00:00:00".into(), None));
    assert_eq!(limit.earlier.len(), 1);
    assert_eq!(limit.earlier[0].due.unwrap().shanghai_text(), "2027-01-02 00:00:00");
    assert_ne!(limit.earlier[0].calendar, limit.reckoning.calendar);
}

#[test]
fn a_named_day_ends_at_its_midnight() {
    let rules = Rules::default();
    let day: NaiveDate = "2026-06-30".parse().unwrap();
    let limit = RunningLimit::until(LimitKind::OpeningPlan, at("2026-01-01T00:00:00"), day, &rules);
    assert_eq!(due(&limit), "2026-07-01 00:00:00");
    assert_eq!(limit.light(at("2026-05-25T00:00:00")), Some(Light::Green));
    assert_eq!(limit.light(at("2026-05-26T00:00:00")), Some(Light::Yellow));
}

/// A limit of so many working days.
fn limit_of(days: u32, since: Timestamp) -> (Rules, RunningLimit) {
    let table = format!(r#"{{"letter": {{"days": {days}, "extension": 3, "source": "x"}}}}"#);
    let rules = Rules { limits: LimitTable::with_file(&table).unwrap(), ..Rules::default() };
    let limit = RunningLimit::start(LimitKind::Letter, since, &rules);
    (rules, limit)
}

/// Working days of a span that stand for themselves: counted one by one, apart from the code under test.
fn worked(calendar: &Calendar, after: NaiveDate, to: NaiveDate) -> u32 {
    let days = after.iter_days().skip(1).take_while(|day| *day <= to);
    days.filter(|day| calendar.is_working_day(*day)).count() as u32
}

/// A moment of 2024 to 2026.
fn moment() -> impl Strategy<Value = Timestamp> {
    (0_i64..94_000_000).prop_map(|seconds| at("2024-01-01T00:00:00").plus_seconds(seconds))
}

proptest! {
    #[test]
    fn between_receipt_and_end_lie_exactly_the_working_days(since in moment(), days in 1_u32..60) {
        let (rules, limit) = limit_of(days, since);
        let last = limit.reckoning.due.unwrap().plus_seconds(-1).shanghai_date();
        prop_assert_eq!(worked(&rules.calendar, since.shanghai_date(), last), days);
        prop_assert!(rules.calendar.is_working_day(last));
        let yellow = limit.reckoning.yellow_from.unwrap().shanghai_date();
        let before = worked(&rules.calendar, since.shanghai_date(), yellow) - 1;
        // Yellow begins with the working day in which four fifths are reached, never later.
        prop_assert!(f64::from(before) <= f64::from(days) * 0.8 && f64::from(before + 1) > f64::from(days) * 0.8);
        prop_assert!(days > 5 || yellow == last);
    }

    #[test]
    fn the_hour_of_receipt_does_not_matter(since in moment(), days in 1_u32..30) {
        let midnight = Timestamp::start_of_shanghai_day(since.shanghai_date());
        prop_assert_eq!(limit_of(days, since).1.reckoning, limit_of(days, midnight).1.reckoning);
    }

    #[test]
    fn a_pause_moves_the_end_by_the_working_days_it_touches(
        since in moment(), days in 1_u32..30, from in 0_i64..40, length in 0_i64..40,
    ) {
        let (rules, plain) = limit_of(days, since);
        let from = since.plus_seconds(from * 86_400);
        let until = from.plus_seconds(length * 86_400);
        let mut paused = plain.clone();
        paused.pause(from, &rules);
        paused.resume(until, &rules);
        let last = paused.reckoning.due.unwrap().plus_seconds(-1).shanghai_date();
        let first_still = from.shanghai_date().max(since.shanghai_date() + Days::new(1)) - Days::new(1);
        let still = match from.shanghai_date() <= last {
            true => worked(&rules.calendar, first_still, until.shanghai_date().min(last)),
            false => 0,
        };
        prop_assert_eq!(worked(&rules.calendar, since.shanghai_date(), last), days + still);
        prop_assert!(plain.reckoning.due <= paused.reckoning.due);
    }

    #[test]
    fn an_extension_adds_its_days(since in moment(), days in 1_u32..30) {
        let (rules, mut limit) = limit_of(days, since);
        limit.extend(since, &rules).unwrap();
        prop_assert_eq!(limit.reckoning, limit_of(days + 3, since).1.reckoning);
    }
}
