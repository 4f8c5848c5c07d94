mod reports;

use super::*;
use crate::calendar::Calendar;
use crate::dataset::Standing;
use crate::deadline::LimitKind;
use crate::directory::{Succession, SuccessionState, UpdateCycle};
use crate::evidence::fact::{Fact, GrantFact, LimitFact, MatterFact, ResourceFact, VersionFact};
use crate::evidence::{Event, SourceRead};
use crate::fixtures;
use crate::ids::{DepartmentId, GrantId, ResourceCode};
use crate::matter::{Event as Step, MatterKind, State};
use crate::policy::GrantKind;
use crate::time::Timestamp;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}:00+08:00")).unwrap()
}

/// March 2026.
fn march() -> Period {
    Period { from: at("2026-03-01T00:00"), until: at("2026-04-01T00:00") }
}

const GRANT: &str = "01990000-0000-7000-8000-000000000000";

fn code() -> ResourceCode {
    ResourceCode::new("301001/000001").unwrap()
}

fn department(id: &str) -> DepartmentId {
    DepartmentId::new(id).unwrap()
}

/// A log in the making.
#[derive(Default)]
struct Log(Vec<Placed>);

impl Log {
    fn event(&mut self, time: &str, event: Event, fact: Option<Fact>) -> &mut Self {
        let place = Place { epoch: 0, index: self.0.len() as u64 };
        let mut record = EvidenceRecord { at: at(time), event, fact, ..fixtures::event("x") };
        record.request_id = format!("r-{}", place.index);
        record.actor.department = Some(department("mzj"));
        self.0.push(Placed { place, record });
        self
    }

    fn fact(&mut self, time: &str, fact: Fact) -> &mut Self {
        self.event(time, fixtures::event("x").event, Some(fact))
    }

    fn resource(&mut self, time: &str, published: bool, update_cycle: UpdateCycle) -> &mut Self {
        let (filled, elements, open) = (8, 16, true);
        let (resource, provider) = (code(), department("scjg"));
        let fact = ResourceFact { resource, provider, published, filled, elements, update_cycle, open };
        self.fact(time, Fact::Resource(fact))
    }

    fn version(&mut self, time: &str, version: i64, standing: Standing) -> &mut Self {
        let (delivered, rejected) = (100, 10);
        self.fact(
            time,
            Fact::Version(VersionFact { resource: code(), version, standing, delivered, rejected }),
        )
    }

    fn matter(
        &mut self,
        time: &str,
        number: &str,
        step: Option<Step>,
        state: State,
        limits: &[LimitFact],
    ) -> &mut Self {
        let kind = if number.starts_with("YY") { MatterKind::Objection } else { MatterKind::Provision };
        self.fact(
            time,
            Fact::Matter(MatterFact {
                number: number.to_owned(),
                kind,
                department: Some(department("scjg")),
                applicant: "mzj".to_owned(),
                resource: None,
                step,
                state,
                handed_over_by: None,
                limits: limits.to_vec(),
                applicant_kind: None,
                ground: None,
            }),
        )
    }

    fn read(&mut self, time: &str, grant: Option<&str>, rows: u64) -> &mut Self {
        let source = source(grant);
        let (request, answer) = (String::new(), String::new());
        let event = Event::Access {
            sources: vec![source],
            request_commitment: request,
            rows,
            bytes: 1,
            answer_commitment: answer,
            now: None,
            subjects: Vec::new(),
        };
        self.event(time, event, None)
    }

    fn refused(&mut self, time: &str) -> &mut Self {
        self.refused_as(time, "not_granted")
    }

    fn refused_as(&mut self, time: &str, code: &str) -> &mut Self {
        let event = Event::AccessRefused {
            code: code.to_owned(),
            sources: Vec::new(),
            request_commitment: String::new(),
        };
        self.event(time, event, None)
    }

    fn assessed(&self, period: Period) -> Assessment {
        let mut assessor = Assessor::new(period);
        self.0.iter().for_each(|placed| assessor.take(placed));
        assessor.finish()
    }

    fn row(&self, name: &str) -> Indicators {
        self.assessed(march()).departments.into_iter().find(|row| row.department == name).unwrap()
    }

    /// Who missed the limits that passed in a period.
    fn missed(&self, period: Period) -> Vec<String> {
        let mut breaches = Breaches::default();
        self.0
            .iter()
            .filter(|placed| placed.record.at < period.until)
            .for_each(|placed| breaches.take(placed));
        let found = breaches.within(period).into_iter();
        found.map(|breach| breach.department.map_or(String::new(), |id| id.to_string())).collect()
    }

    fn anomalies(&self) -> Vec<Anomaly> {
        let (thresholds, calendar) = (Thresholds::default(), Calendar::built_in());
        let mut found = Anomalies::new(march(), &thresholds, &calendar);
        self.0.iter().for_each(|placed| found.take(placed));
        found.finish()
    }
}

fn source(grant: Option<&str>) -> SourceRead {
    SourceRead {
        resource: code(),
        version: 1,
        manifest_digest: String::new(),
        policy_digest: String::new(),
        grant: grant.map(|grant| GrantId::new(grant).unwrap()),
    }
}

fn limit(kind: LimitKind, due: &str, ended: Option<&str>) -> LimitFact {
    LimitFact { kind, since: at("2026-02-20T09:00"), due: Some(at(due)), ended: ended.map(at) }
}

fn ratio(part: u64, of: u64) -> Ratio {
    Ratio { part, of }
}

#[test]
fn a_directory_is_judged_as_it_stands_at_the_end_of_the_period() {
    let mut log = Log::default();
    log.resource("2026-01-05T09:00", true, UpdateCycle::Irregular).version(
        "2026-01-06T09:00",
        1,
        Standing::Published,
    );
    let row = log.row("scjg");
    assert_eq!((row.completeness, row.mounted, row.open), (ratio(8, 16), ratio(1, 1), ratio(1, 1)));
    assert_eq!(row.timely_updates, ratio(0, 0), "an irregular cycle promises nothing");
    assert_eq!(row.quality, ratio(0, 0), "delivered before the period");
    log.version("2026-03-10T09:00", 1, Standing::Withdrawn);
    assert_eq!(log.row("scjg").mounted, ratio(0, 1));
    log.resource("2026-04-01T00:00", false, UpdateCycle::Irregular);
    assert_eq!(log.row("scjg").mounted, ratio(0, 1), "what comes after the period changes nothing");
    log.resource("2026-03-31T23:59", false, UpdateCycle::Irregular);
    assert!(log.assessed(march()).departments.is_empty(), "what is withdrawn is not judged");
}

#[test]
fn data_are_fresh_for_a_cycle_after_each_update() {
    let mut log = Log::default();
    log.resource("2026-01-05T09:00", true, UpdateCycle::Weekly);
    // From the 2nd to the end of the 9th, and from the 16th to the end of the 23rd.
    log.version("2026-03-02T00:00", 1, Standing::Published).version(
        "2026-03-16T00:00",
        2,
        Standing::Published,
    );
    let day = 86_400;
    assert_eq!(log.row("scjg").timely_updates, ratio(16 * day, 30 * day));
    assert_eq!(log.row("scjg").quality, ratio(180, 200));
    // What is said of a version again is no other delivery.
    log.version("2026-03-26T00:00", 2, Standing::Published);
    assert_eq!(log.row("scjg").timely_updates, ratio(16 * day, 30 * day));
    assert_eq!(log.row("scjg").quality, ratio(180, 200));
    // A second one on the same day adds nothing, one before the end joins on.
    log.version("2026-03-20T00:00", 3, Standing::Published);
    assert_eq!(log.row("scjg").timely_updates, ratio(20 * day, 30 * day));
}

#[test]
fn limits_count_for_whoever_has_to_keep_them() {
    let mut log = Log::default();
    let formal = limit(LimitKind::FormalCheck, "2026-03-04T00:00", Some("2026-03-04T00:00"));
    let kept = limit(LimitKind::ConditionalDecision, "2026-03-20T00:00", Some("2026-03-19T23:59"));
    let passed = limit(LimitKind::Delivery, "2026-03-30T00:00", None);
    let still_open = limit(LimitKind::Delivery, "2026-04-02T00:00", None);
    log.matter("2026-03-01T09:00", "TG-2026-000001", None, State::Deciding, &[]);
    log.matter(
        "2026-03-19T23:59",
        "TG-2026-000001",
        Some(Step::Grant),
        State::Delivering,
        &[formal, kept, passed],
    );
    log.matter("2026-03-25T09:00", "TG-2026-000002", Some(Step::Refuse), State::Refused, &[still_open]);
    assert_eq!(log.row("scjg").timely_answers, ratio(1, 2));
    assert_eq!(log.row("authority").timely_answers, ratio(0, 1), "done at the very end of the limit is late");
    assert_eq!(log.row("scjg").refusals, ratio(1, 2));
    let mut breaches = Breaches::default();
    log.0.iter().for_each(|placed| breaches.take(placed));
    let found: Vec<_> = breaches
        .within(march())
        .into_iter()
        .map(|breach| (breach.limit, breach.department, breach.evidence.index))
        .collect();
    assert_eq!(
        found,
        [(LimitKind::FormalCheck, None, 1), (LimitKind::Delivery, Some(department("scjg")), 1)]
    );
}

#[test]
fn objections_count_if_they_were_open_in_the_period() {
    let mut log = Log::default();
    log.matter("2026-02-01T09:00", "YY-2026-000001", None, State::Checking, &[]);
    log.matter("2026-02-10T09:00", "YY-2026-000001", Some(Step::Correct), State::Answered, &[]);
    log.matter("2026-02-20T09:00", "YY-2026-000002", None, State::Checking, &[]);
    log.matter("2026-03-10T09:00", "YY-2026-000002", Some(Step::Refuse), State::Refused, &[]);
    log.matter("2026-03-20T09:00", "YY-2026-000003", None, State::Checking, &[]);
    assert_eq!(log.row("scjg").objections_settled, ratio(1, 2));
}

#[test]
fn reads_by_others_count_and_those_of_ones_own_data_do_not() {
    let mut log = Log::default();
    log.resource("2026-01-05T09:00", true, UpdateCycle::Irregular);
    log.read("2026-02-28T23:59", Some(GRANT), 5).read("2026-03-01T00:00", Some(GRANT), 7).read(
        "2026-03-02T10:00",
        None,
        9,
    );
    let started = Event::AccessStarted {
        sources: vec![source(Some(GRANT))],
        request_commitment: String::new(),
        now: None,
        subjects: Vec::new(),
    };
    log.event("2026-03-03T10:00", started.clone(), None).event("2026-03-04T10:00", started, None);
    let ended = Event::AccessEnded {
        rows: 11,
        bytes: 1,
        answer_commitment: String::new(),
        complete: true,
        stopped_by: None,
    };
    log.event("2026-03-03T10:01", ended, None);
    let request = log.0[4].record.request_id.clone();
    log.0[6].record.request_id = request;
    let row = log.row("scjg");
    assert_eq!((row.calls_served, row.rows_served), (3, 18), "one of them has no end");
    // A stream over the end of a month: its call is of the one, its rows of the other.
    let (began, end) = (log.0[5].record.event.clone(), log.0[6].record.event.clone());
    log.event("2026-03-31T23:59", began.clone(), None).event("2026-04-01T00:01", end.clone(), None);
    log.0[8].record.request_id = log.0[7].record.request_id.clone();
    let served = |log: &Log, period: Period| {
        let departments = log.assessed(period).departments;
        let row = departments.into_iter().find(|row| row.department == "scjg").unwrap();
        (row.calls_served, row.rows_served)
    };
    let april = Period { from: march().until, until: at("2026-05-01T00:00") };
    assert_eq!((served(&log, march()), served(&log, april)), ((4, 18), (0, 11)));
    // What was refused after it had begun is no service.
    log.event("2026-04-02T10:00", began, None).refused("2026-04-02T10:01");
    log.0[10].record.request_id = log.0[9].record.request_id.clone();
    assert_eq!(served(&log, april), (0, 11));
    let downloads = Event::OpenDownloads { resource: code(), count: 4, bytes: 1 };
    log.event("2026-03-05T10:00", downloads, None);
    assert_eq!(log.row("scjg").open_downloads, 4);
}

#[test]
fn the_score_is_the_mean_of_what_there_is() {
    let mut log = Log::default();
    log.resource("2026-01-05T09:00", true, UpdateCycle::Irregular);
    // 500 of completeness, nothing mounted, all open.
    assert_eq!(log.row("scjg").score, Some(500));
    assert_eq!(ratio(u64::MAX, u64::MAX).permille(), Some(1000));
    assert_eq!(ratio(0, 0).permille(), None);
}

#[test]
fn refusals_within_an_hour_are_one_anomaly_that_grows() {
    let mut log = Log::default();
    for minute in 0..9 {
        log.refused(&format!("2026-03-02T10:0{minute}"));
    }
    assert_eq!(log.anomalies(), []);
    for code in ["disconnected", "limit_time", "rate_limited"] {
        log.refused_as("2026-03-02T10:58", code);
    }
    assert!(log.anomalies().is_empty(), "a connection that broke is no attempt");
    log.refused("2026-03-02T10:59").refused("2026-03-02T10:59");
    let found = log.anomalies();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].count, found[0].threshold), (AnomalyKind::RefusedAttempts, 11, 10));
    assert_eq!(found[0].evidence.len(), 11);
    // The first one is an hour old, and they are too few again; then they are too many again.
    log.0.truncate(9);
    log.refused("2026-03-02T11:00");
    assert_eq!(log.anomalies(), []);
}

#[test]
fn many_rows_at_night_or_on_a_day_off_stand_out() {
    let mut log = Log::default();
    // A Monday morning; a Monday night; a Sunday; a worked Saturday does not exist in March 2026.
    log.read("2026-03-02T10:00", Some(GRANT), 10_000).read("2026-03-02T20:00", Some(GRANT), 10_000);
    log.read("2026-03-02T06:59", Some(GRANT), 9_999).read("2026-03-08T10:00", None, 10_000);
    let found: Vec<_> = log.anomalies().into_iter().map(|anomaly| anomaly.evidence[0].index).collect();
    assert_eq!(found, [1, 3]);
}

#[test]
fn more_than_a_grant_declared_stands_out_by_day() {
    let mut log = Log::default();
    let declared = |calls, rows| {
        Fact::Grant(GrantFact {
            grant: GrantId::new(GRANT).unwrap(),
            resource: code(),
            kind: GrantKind::Conditional,
            department: Some(department("mzj")),
            calls_per_day: calls,
            rows_per_day: rows,
        })
    };
    log.fact("2026-01-01T10:00", declared(Some(2), Some(100)));
    log.read("2026-03-02T10:00", Some(GRANT), 50).read("2026-03-02T23:59", Some(GRANT), 50);
    log.read("2026-03-03T00:00", Some(GRANT), 50);
    assert_eq!(log.anomalies(), [], "as declared");
    log.read("2026-03-03T10:00", Some(GRANT), 51);
    let found = log.anomalies();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].count), (AnomalyKind::MoreRowsThanDeclared, 101));
    log.read("2026-03-03T11:00", Some(GRANT), 0);
    assert_eq!(
        log.anomalies().iter().map(|one| one.kind).collect::<Vec<_>>(),
        [AnomalyKind::MoreCallsThanDeclared, AnomalyKind::MoreRowsThanDeclared]
    );
    assert_eq!(log.anomalies()[0].evidence.len(), 3);
}

#[test]
fn looking_one_person_up_again_and_again_stands_out() {
    let mut log = Log::default();
    let look_up = |log: &mut Log, time: &str, subject: &str| {
        log.read(time, Some(GRANT), 1);
        if let Some(Event::Access { subjects, .. }) = log.0.last_mut().map(|placed| &mut placed.record.event)
        {
            subjects.push(subject.to_owned());
        }
    };
    for hour in 8..12 {
        look_up(&mut log, &format!("2026-03-02T{hour:02}:00"), "one");
        look_up(&mut log, &format!("2026-03-02T{hour:02}:30"), "other");
    }
    look_up(&mut log, "2026-03-03T08:00", "one");
    assert_eq!(log.anomalies(), [], "the first one is a day old");
    look_up(&mut log, "2026-03-03T08:29", "other");
    let found = log.anomalies();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].count), (AnomalyKind::SubjectBurst, 5));
    assert_eq!(found[0].evidence.iter().map(|place| place.index).collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
    // What two departments do is no burst of one.
    log.0[9].record.actor.department = Some(department("gaj"));
    assert_eq!(log.anomalies(), []);
}

#[test]
fn thresholds_are_read_and_checked() {
    assert_eq!(Thresholds::with_file(r#"{"off_hours_rows": 5}"#).unwrap().off_hours_rows, 5);
    for wrong in [
        r#"{"opens": 20, "closes": 8}"#,
        r#"{"refusals_per_hour": 0}"#,
        r#"{"closes": 25}"#,
        r#"{"x": 1}"#,
        "",
    ] {
        assert!(Thresholds::with_file(wrong).is_err(), "{wrong}");
    }
}

/// What two officers have confirmed: all of 市场监管局 goes to 政法委 on the 15th.
fn succession(state: SuccessionState) -> Fact {
    Fact::Succession(Succession {
        id: "1".to_owned(),
        predecessor: department("scjg"),
        successor: department("zfw"),
        resources: Default::default(),
        from: at("2026-03-15T00:00"),
        basis: String::new(),
        state,
        proposed_by: String::new(),
        carried_out: None,
    })
}

#[test]
fn only_a_confirmed_succession_moves_what_is_counted() {
    for (state, whose) in [
        (SuccessionState::Proposed, "scjg"),
        (SuccessionState::Confirmed, "zfw"),
        (SuccessionState::Cancelled, "scjg"),
    ] {
        let mut log = Log::default();
        let passed = limit(LimitKind::ConditionalDecision, "2026-03-10T00:00", None);
        log.fact("2026-03-01T08:00", succession(SuccessionState::Proposed));
        log.matter("2026-03-01T09:00", "TG-1", None, State::Deciding, &[passed]);
        if state == SuccessionState::Cancelled {
            log.fact("2026-03-01T10:00", succession(SuccessionState::Confirmed));
        }
        log.fact("2026-03-02T08:00", succession(state));
        assert_eq!(log.row(whose).timely_answers, ratio(0, 1), "{state:?}");
        assert_eq!(log.missed(march()), [whose], "{state:?}");
        let mut sharing = SharingCounter::new(march());
        log.0.iter().for_each(|placed| sharing.take(placed));
        assert_eq!(sharing.finish(2026, None).departments[0].department, whose, "{state:?}");
        // A period that was over before stays with whoever was responsible then.
        let before = Period { until: at("2026-03-14T00:00"), ..march() };
        assert_eq!(log.missed(before), ["scjg"], "{state:?}");
        assert_eq!(log.assessed(before).departments[0].department, "scjg", "{state:?}");
    }
}

#[test]
fn a_limit_is_of_whoever_handled_the_matter_when_it_passed() {
    let mut log = Log::default();
    let early = limit(LimitKind::ConditionalDecision, "2026-03-10T00:00", None);
    let late = limit(LimitKind::Delivery, "2026-03-20T00:00", None);
    log.matter(
        "2026-03-01T09:00",
        "TG-1",
        Some(Step::Refuse),
        State::Refused,
        &[early.clone(), late.clone()],
    );
    log.matter("2026-03-15T00:00", "TG-1", None, State::Refused, &[early, late]);
    if let Some(Fact::Matter(fact)) = log.0.last_mut().and_then(|last| last.record.fact.as_mut()) {
        fact.handed_over_by = fact.department.replace(department("sjj"));
    }
    assert_eq!(log.missed(march()), ["scjg", "sjj"]);
    assert_eq!(log.row("scjg").timely_answers, ratio(0, 1));
    assert_eq!(log.row("sjj").timely_answers, ratio(0, 1));
    assert_eq!(log.row("scjg").refusals, ratio(1, 1), "counted once, for whoever refused");
    assert_eq!(log.row("sjj").refusals, ratio(0, 0));
}

#[test]
fn what_a_restore_took_back_does_not_count_and_what_was_read_does() {
    let mut log = Log::default();
    log.resource("2026-01-05T09:00", true, UpdateCycle::Irregular).version(
        "2026-03-02T09:00",
        1,
        Standing::Published,
    );
    log.resource("2026-03-03T09:00", false, UpdateCycle::Irregular);
    log.read("2026-03-03T10:00", Some(GRANT), 7);
    let restored = Event::Changed {
        action: "restored".to_owned(),
        entity: crate::evidence::entity::catalogue(0, 2),
        entity_digest: String::new(),
    };
    log.event("2026-03-04T09:00", restored, None).version("2026-03-05T09:00", 1, Standing::Withdrawn);
    let mut undone = Undone::default();
    for Placed { place, record } in &log.0 {
        undone.take(&record.event, (place.epoch, place.index));
    }
    log.0 = std::mem::take(&mut log.0).into_iter().map(|placed| placed.without(&undone)).collect();
    let row = log.row("scjg");
    assert_eq!((row.open, row.rows_served), (ratio(1, 1), 7), "it is published again");
    assert_eq!(row.mounted, ratio(0, 1), "what came after the restore counts");
}
