//! The annual reports: on sharing, and on disclosure.

use super::*;
use crate::matter::ApplicantKind;

impl Log {
    /// A step in a request for disclosure, of which the log knows what is common to all of them.
    fn request(&mut self, time: &str, step: Option<Step>, state: State) -> &mut Self {
        self.matter(time, "GK-2026-000001", step, state, &[]).saying(|fact| {
            (fact.kind, fact.applicant_kind) = (MatterKind::Disclosure, Some(ApplicantKind::NaturalPerson));
        })
    }

    /// The newest record says something else of its matter.
    fn saying(&mut self, change: impl FnOnce(&mut MatterFact)) -> &mut Self {
        if let Some(Fact::Matter(fact)) = self.0.last_mut().and_then(|last| last.record.fact.as_mut()) {
            change(fact);
        }
        self
    }

    /// What a department shared in March.
    fn shared(&self, name: &str) -> SharingRow {
        let mut counter = SharingCounter::new(march());
        self.0.iter().for_each(|placed| counter.take(placed));
        let mut rows = counter.finish(2026, None).departments.into_iter();
        rows.find(|row| row.department == name).unwrap_or_default()
    }

    /// What a department disclosed in March.
    fn disclosed(&self, name: &str) -> DisclosureReport {
        let mut counter = DisclosureCounter::new(march());
        self.0.iter().for_each(|placed| counter.take(placed));
        counter.finish(2026, "样例", Some(&department(name)))
    }
}

/// The total of a part of the form.
fn total(report: &DisclosureReport, part: &str) -> u64 {
    report.rows.iter().find(|row| row.part == part).unwrap().total
}

const RECEIVED: &str = "一";
const GRANTED: &str = "三（一）";

#[test]
fn a_decision_that_came_after_the_year_is_late_in_it() {
    let mut log = Log::default();
    let open = limit(LimitKind::ConditionalDecision, "2026-03-20T00:00", None);
    log.matter("2026-03-01T09:00", "TG-1", None, State::Deciding, std::slice::from_ref(&open));
    assert_eq!(log.shared("scjg").on_time, ratio(0, 1));
    let ended = LimitFact { ended: Some(at("2026-04-02T09:00")), ..open };
    log.matter("2026-04-02T09:00", "TG-1", Some(Step::Refuse), State::Refused, &[ended]);
    let row = log.shared("scjg");
    assert_eq!((row.received, row.refused, row.on_time), (1, 0, ratio(0, 1)));
}

#[test]
fn an_objection_is_settled_once() {
    let mut log = Log::default();
    for (number, opened, settled) in
        [("YY-1", "2026-02-01T09:00", "2026-02-10T09:00"), ("YY-2", "2026-03-01T09:00", "2026-03-02T09:00")]
    {
        log.matter(opened, number, None, State::Checking, &[]);
        log.matter(settled, number, Some(Step::Refuse), State::Refused, &[]);
    }
    // A new calendar is said of all of them.
    for number in ["YY-1", "YY-2"] {
        log.matter("2026-03-20T09:00", number, None, State::Refused, &[]);
    }
    let row = log.shared("scjg");
    assert_eq!((row.objections, row.settled), (1, 1));
}

#[test]
fn a_department_reports_for_those_that_it_continues() {
    for (state, rows, requests) in
        [(SuccessionState::Confirmed, [(0, 0), (2, 1)], 1), (SuccessionState::Cancelled, [(1, 1), (1, 0)], 0)]
    {
        let mut log = Log::default();
        log.fact("2026-03-01T08:00", succession(SuccessionState::Proposed));
        log.fact("2026-03-01T09:00", succession(state));
        log.matter("2026-03-02T09:00", "TG-1", None, State::Deciding, &[]);
        log.matter("2026-03-03T09:00", "TG-1", Some(Step::Refuse), State::Refused, &[]);
        log.matter("2026-03-20T09:00", "TG-2", None, State::Deciding, &[]);
        log.saying(|fact| fact.department = Some(department("zfw")));
        log.request("2026-03-02T09:00", None, State::Deciding);
        let row = |name| {
            let row = log.shared(name);
            (row.received, row.refused)
        };
        assert_eq!([row("scjg"), row("zfw")], rows, "{state:?}");
        assert_eq!(total(&log.disclosed("zfw"), RECEIVED), requests, "{state:?}");
    }
}

#[test]
fn a_request_is_answered_once_and_what_becomes_of_it_later_is_no_other_answer() {
    let mut log = Log::default();
    log.request("2026-03-01T09:00", None, State::Deciding);
    log.request("2026-03-10T09:00", Some(Step::Grant), State::Answered);
    log.request("2026-03-12T09:00", Some(Step::Publish), State::Ended);
    assert_eq!(total(&log.disclosed("scjg"), GRANTED), 1);
}

#[test]
fn a_report_on_disclosure_is_of_its_year() {
    let mut log = Log::default();
    log.request("2026-03-01T09:00", None, State::Deciding);
    for (number, time) in
        [("KF-1", "2026-02-28T23:59"), ("KF-2", "2026-03-01T00:00"), ("KF-3", "2026-03-31T23:59")]
    {
        log.matter(time, number, Some(Step::Publish), State::Opened, &[]);
        log.saying(|fact| fact.kind = MatterKind::OpeningItem);
    }
    let report = log.disclosed("scjg");
    assert_eq!((report.opened, total(&report, RECEIVED)), (2, 1));
    // Afterwards its department changes, and another item becomes open.
    log.request("2026-04-01T00:00", None, State::Deciding);
    log.saying(|fact| fact.department = Some(department("zfw")));
    log.matter("2026-04-01T00:00", "KF-4", Some(Step::Publish), State::Opened, &[]);
    log.saying(|fact| fact.kind = MatterKind::OpeningItem);
    assert_eq!(log.disclosed("scjg"), report);
}
