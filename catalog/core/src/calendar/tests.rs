use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn year(text: &str) -> CalendarYear {
    CalendarYear::parse(text).unwrap()
}

const NEXT: &str = r#"{"year": 2027, "source": "样例通知", "issued": "2026-11-01",
    "holidays": [{"name": "元旦", "from": "2026-12-31", "to": "2027-01-02"}], "workdays": ["2027-01-03"]}"#;

#[test]
fn every_built_in_file_is_read() {
    let calendar = Calendar::built_in();
    let years: Vec<_> = calendar.years().map(|year| year.year).collect();
    assert_eq!(years, [2024, 2025, 2026]);
    assert!(calendar.edition().starts_with("2024-2026 "), "{}", calendar.edition());
}

#[test]
fn holidays_are_off_and_moved_days_are_worked() {
    let calendar = Calendar::built_in();
    assert!(!calendar.is_working_day(day("2026-02-16")), "a Monday in the Spring Festival");
    assert!(calendar.is_working_day(day("2026-02-28")), "a Saturday that is worked");
    assert!(!calendar.is_working_day(day("2026-03-07")), "a Saturday");
    assert!(calendar.is_working_day(day("2026-03-09")), "a Monday");
}

#[test]
fn an_unknown_year_goes_by_weekends_and_says_so() {
    let calendar = Calendar::built_in();
    assert!(!calendar.knows(day("2027-01-01")));
    assert!(calendar.is_working_day(day("2027-01-01")));
    let calendar = calendar.with(year(NEXT)).unwrap();
    assert!(calendar.knows(day("2027-01-01")));
    assert!(!calendar.is_working_day(day("2027-01-01")));
    assert!(!calendar.is_working_day(day("2026-12-31")), "a notice may begin in December");
    assert!(calendar.is_working_day(day("2027-01-03")));
}

#[test]
fn another_notice_makes_another_edition() {
    let calendar = Calendar::built_in();
    let longer = calendar.clone().with(year(NEXT)).unwrap();
    assert_ne!(calendar.edition(), longer.edition());
    let mut changed = year(NEXT);
    changed.workdays.clear();
    assert_ne!(longer.clone().with(changed).unwrap().edition(), longer.edition());
    assert_eq!(longer.clone().with(year(NEXT)).unwrap(), longer);
}

#[test]
fn a_file_that_can_not_be_right_is_refused_with_every_problem() {
    let wrong = r#"{"year": 2027, "source": " ", "issued": "2026-11-01",
        "holidays": [{"name": "倒", "from": "2027-01-03", "to": "2027-01-01"},
            {"name": "外", "from": "2028-01-01", "to": "2028-01-01"},
            {"name": "长", "from": "2027-01-01", "to": "2027-12-01"},
            {"name": "中", "from": "2027-10-01", "to": "2027-10-03"}],
        "workdays": ["2027-01-04", "2027-10-02", "2025-01-04"]}"#;
    let problems = CalendarYear::parse(wrong).unwrap_err().problems;
    let places: Vec<_> = problems.iter().map(|problem| problem.at.as_str()).collect();
    assert_eq!(places, ["倒", "外", "长", "2027-01-04", "2027-10-02", "2025-01-04", "source"]);
    for text in ["", "{}", "[]", r#"{"year": 2027, "other": 1}"#] {
        assert_eq!(CalendarYear::parse(text).unwrap_err().code, crate::ErrorCode::InvalidInput, "{text}");
    }
}
