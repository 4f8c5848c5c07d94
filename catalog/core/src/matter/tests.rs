mod diagram;
mod handover;
mod parties;

use std::collections::BTreeSet;
use std::fmt::Write;

use super::*;

/// Every transition of every kind; what is not in it is illegal.
#[test]
fn the_state_machines_are_these_tables() {
    let mut table = String::new();
    for kind in MatterKind::ALL {
        for state in State::ALL {
            for event in Event::ALL {
                match next(*kind, *state, *event) {
                    Ok(to) => {
                        let by = Machine::of(*kind).rule(*state, *event).unwrap().by;
                        writeln!(table, "{kind:?} {state:?} {event:?} -> {to:?} by {by:?}").unwrap();
                    }
                    Err(error) => assert_eq!(error.code, ErrorCode::IllegalState),
                }
            }
        }
    }
    insta::assert_snapshot!(table);
    let rules: usize = MatterKind::ALL.iter().map(|kind| Machine::of(*kind).rules.len()).sum();
    assert_eq!(table.lines().count(), rules, "no line of a table hides another");
}

fn states_of(machine: &Machine) -> BTreeSet<State> {
    machine
        .rules
        .iter()
        .flat_map(|rule| [rule.from, rule.to])
        .chain(machine.initial.iter().copied())
        .collect()
}

#[test]
fn every_state_can_be_reached_and_none_is_a_trap() {
    for kind in MatterKind::ALL {
        let machine = Machine::of(*kind);
        let mut reached: BTreeSet<State> = machine.initial.iter().copied().collect();
        loop {
            let onward = machine.rules.iter().filter(|rule| reached.contains(&rule.from)).map(|rule| rule.to);
            let all: BTreeSet<State> = onward.chain(reached.iter().copied()).collect();
            if all == reached {
                break;
            }
            reached = all;
        }
        assert_eq!(reached, states_of(machine), "{kind:?}");
        for state in &reached {
            assert!(
                state.is_settled() || legal_events(*kind, *state).next().is_some(),
                "{kind:?} can't leave {state:?}"
            );
        }
    }
}

#[test]
fn clocks_run_where_somebody_must_act_and_nowhere_else() {
    for kind in MatterKind::ALL {
        let machine = Machine::of(*kind);
        let states = states_of(machine);
        for clock in machine.clocks {
            for state in clock.runs.iter().chain(clock.stands) {
                assert!(states.contains(state) && !state.is_settled(), "{kind:?} {clock:?} {state:?}");
            }
            assert!(clock.runs.iter().all(|state| !clock.stands.contains(state)));
        }
        // Where a department or the authority must act, a limit of law runs.
        for rule in machine.rules.iter().filter(|rule| !rule.from.is_settled()) {
            let watched = machine.clocks.iter().any(|clock| clock.runs.contains(&rule.from));
            let waits = matches!(rule.from, State::Completing | State::Accepted);
            assert!(watched || waits, "{kind:?} {:?} has no limit", rule.from);
        }
        let events = machine.once.iter().chain(machine.within.iter().map(|(event, _)| event));
        for event in events {
            assert!(machine.rules.iter().any(|rule| rule.event == *event), "{kind:?} {event:?}");
        }
    }
}

#[test]
fn whoever_decides_a_sensitive_grant_or_an_opening_has_not_proposed_it() {
    for (kind, from) in [
        (MatterKind::Provision, State::Confirming),
        (MatterKind::EmergencyGrant, State::Confirming),
        (MatterKind::GrantImport, State::Confirming),
        (MatterKind::SecrecyReview, State::Examining),
    ] {
        for rule in
            Machine::of(kind).rules.iter().filter(|rule| rule.from == from && rule.event != Event::Withdraw)
        {
            assert!(matches!(rule.by, By::SecondHandler | By::SecondAuthority), "{kind:?} {rule:?}");
        }
    }
    // From “待初审” nothing leads to a grant but by way of “待复核”.
    let proposing =
        Machine::of(MatterKind::Provision).rules.iter().filter(|rule| rule.from == State::Proposing);
    assert!(proposing.into_iter().all(|rule| !matches!(rule.to, State::Delivering | State::InUse)));
}

fn person(id: &str, department: &str, role: Role) -> Principal {
    Principal {
        kind: PrincipalKind::Person,
        id: id.to_owned(),
        department: DepartmentId::new(department).ok(),
        predecessors: Default::default(),
        roles: BTreeSet::from([role]),
        substitutions: Vec::new(),
        attributes: Default::default(),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}+08:00")).unwrap()
}

fn step(event: Event, time: &str) -> Move<'static> {
    Move { event, reason: Some("理由"), legal_basis: Some("第三十条"), at: at(time) }
}

fn due(matter: &Matter) -> String {
    matter.limit().and_then(|limit| limit.reckoning.due).map_or("-".to_owned(), Timestamp::shanghai_text)
}

fn disclosure() -> Matter {
    let content = Disclosure {
        title: "样例".to_owned(),
        form: "file".to_owned(),
        applicant_kind: ApplicantKind::NaturalPerson,
        resource: None,
        outcome: None,
    };
    Matter::open(
        "GK-2026-000001".to_owned(),
        Content::Disclosure(content),
        Applicant::Public("00".repeat(32)),
        DepartmentId::new("scjg").ok(),
        State::Deciding,
        (None, at("2026-03-02T10:00:00")),
        &Rules::default(),
    )
    .unwrap()
}

fn provision(state: State) -> Matter {
    let application = Application {
        asks: Vec::new(),
        purpose: "办案".to_owned(),
        legal_basis: "警察法".to_owned(),
        valid_until: at("2027-01-01T00:00:00"),
        calls_per_day: None,
        rows_per_day: None,
        renews: None,
    };
    let sensitive = state == State::Proposing;
    Matter::open(
        "TG-2026-000001".to_owned(),
        Content::Provision(Provision { application, sensitive, proposed: None }),
        Applicant::Department(DepartmentId::new("gaj").unwrap()),
        DepartmentId::new("scjg").ok(),
        state,
        (Some("officer".to_owned()), at("2026-03-02T10:00:00")),
        &Rules::default(),
    )
    .unwrap()
}

#[test]
fn a_matter_begins_where_its_kind_begins() {
    let content = Content::Letter(Letter { title: "建议".to_owned() });
    let applicant = Applicant::Authority;
    let opened = Matter::open(
        "LX-1".to_owned(),
        content,
        applicant,
        None,
        State::Answered,
        (None, Timestamp(0)),
        &Rules::default(),
    );
    assert_eq!(opened.unwrap_err().code, ErrorCode::IllegalState);
}

#[test]
fn only_the_handling_role_of_the_handling_department_decides() {
    let rules = Rules::default();
    let grant = step(Event::Grant, "2026-03-03T10:00:00");
    let refused = |principal: &Principal| {
        let mut matter = provision(State::Deciding);
        let before = matter.clone();
        let code = matter.take(principal, &grant, &rules).unwrap_err().code;
        assert_eq!(matter, before, "a refused step changes nothing");
        code
    };
    for stranger in [
        person("a", "gaj", Role::Approver),
        person("a", "rsj", Role::Approver),
        person("a", "scjg", Role::DataSteward),
        person("a", "scjg", Role::AuthorityOfficer),
        Principal { kind: PrincipalKind::Machine, ..person("a", "scjg", Role::Approver) },
        Principal::public(),
    ] {
        assert_eq!(refused(&stranger), ErrorCode::Forbidden, "{stranger:?}");
    }
    provision(State::Deciding).take(&person("a", "scjg", Role::Approver), &grant, &rules).unwrap();
    // Even where the handler and the applicant are one department, nobody decides for themselves.
    let mut own = provision(State::Deciding);
    own.applicant = Applicant::Department(DepartmentId::new("scjg").unwrap());
    assert!(own.take(&person("a", "scjg", Role::Approver), &grant, &rules).is_err());
}

#[test]
fn sensitive_items_take_two_persons() {
    let rules = Rules::default();
    let (first, second) = (person("a", "scjg", Role::Approver), person("b", "scjg", Role::Approver));
    let mut matter = provision(State::Proposing);
    let grant = step(Event::Grant, "2026-03-04T10:00:00");
    assert_eq!(matter.take(&second, &grant, &rules).unwrap_err().code, ErrorCode::IllegalState);
    matter.take(&first, &step(Event::Propose, "2026-03-03T10:00:00"), &rules).unwrap();
    assert_eq!(matter.take(&first, &grant, &rules).unwrap_err().code, ErrorCode::Forbidden);
    matter.take(&second, &grant, &rules).unwrap();
    assert_eq!(matter.state, State::Delivering);
    let people: Vec<_> = matter.history.iter().filter_map(|step| step.by.as_deref()).collect();
    assert_eq!(people, ["officer", "a", "b"]);
}

#[test]
fn a_caller_is_offered_exactly_the_steps_that_they_can_take() {
    let rules = Rules::default();
    let [a, b] = ["a", "b"].map(|id| person(id, "scjg", Role::Approver));
    let others = [person("c", "scjg", Role::Reviewer), person("d", "gaj", Role::Analyst)];
    let mut proposed = provision(State::Proposing);
    proposed.take(&a, &step(Event::Propose, "2026-03-03T10:00:00"), &rules).unwrap();
    let mut extended = provision(State::Deciding);
    let word = Move { legal_basis: Some("条例"), ..step(Event::Extend, "2026-03-03T10:00:00") };
    extended.take(&a, &word, &rules).unwrap();
    for matter in [provision(State::Proposing), provision(State::Deciding), proposed, extended] {
        for (caller, event) in [&a, &b, &others[0], &others[1]]
            .into_iter()
            .flat_map(|caller| Event::ALL.iter().map(move |event| (caller, *event)))
        {
            let taken = matter.clone().take(caller, &Move { event, ..word }, &rules);
            let (state, id) = (matter.state, &caller.id);
            assert_eq!(matter.may_take(caller, event), taken.is_ok(), "{state} {event} {id}: {taken:?}");
        }
    }
}

/// The hole that looking at the last step alone leaves: a proposal that comes back, and is made again by somebody else.
#[test]
fn whoever_proposed_once_never_confirms() {
    let rules = Rules::default();
    let [a, b, c] = ["a", "b", "c"].map(|id| person(id, "scjg", Role::Approver));
    let mut matter = provision(State::Proposing);
    matter.take(&a, &step(Event::Propose, "2026-03-03T10:00:00"), &rules).unwrap();
    matter.take(&b, &step(Event::Return, "2026-03-03T11:00:00"), &rules).unwrap();
    matter.take(&c, &step(Event::Propose, "2026-03-03T12:00:00"), &rules).unwrap();
    let grant = step(Event::Grant, "2026-03-04T10:00:00");
    for author in [&a, &c] {
        assert_eq!(matter.clone().take(author, &grant, &rules).unwrap_err().code, ErrorCode::Forbidden);
    }
    // Giving it back is no part of it, asking for time neither; opening it is.
    matter.clone().take(&b, &grant, &rules).unwrap();
    let officer = person("officer", "scjg", Role::Approver);
    assert_eq!(matter.clone().take(&officer, &grant, &rules).unwrap_err().code, ErrorCode::Forbidden);
    let mut extended = provision(State::Proposing);
    extended.take(&b, &step(Event::Extend, "2026-03-03T09:00:00"), &rules).unwrap();
    extended.take(&a, &step(Event::Propose, "2026-03-03T10:00:00"), &rules).unwrap();
    extended.take(&b, &grant, &rules).unwrap();
}

#[test]
fn the_platforms_steps_are_nobody_elses_and_the_other_way_round() {
    let rules = Rules::default();
    let mut matter = provision(State::Activating);
    let at_once = step(Event::GrantAtOnce, "2026-03-03T10:00:00");
    let refused = matter.take(&person("a", "scjg", Role::Approver), &at_once, &rules).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Forbidden);
    assert!(matter.take_by_machine(Event::Grant, at("2026-03-03T10:00:00"), &rules).is_err());
    matter.take_by_machine(Event::GrantAtOnce, at("2026-03-03T10:00:00"), &rules).unwrap();
    assert_eq!(matter.history.last().unwrap().by, None);
}

#[test]
fn a_refusal_names_reason_and_law() {
    let rules = Rules::default();
    let mut matter = provision(State::Deciding);
    let bare =
        Move { event: Event::Refuse, reason: Some(" "), legal_basis: None, at: at("2026-03-03T10:00:00") };
    let error = matter.take(&person("a", "scjg", Role::Approver), &bare, &rules).unwrap_err();
    let places: Vec<_> = error.problems.iter().map(|problem| problem.at.as_str()).collect();
    assert_eq!((error.code, places), (ErrorCode::InvalidInput, vec!["reason", "legal_basis"]));
}

#[test]
fn limits_follow_the_state() {
    let rules = Rules::default();
    let approver = person("a", "scjg", Role::Approver);
    let mut matter = provision(State::Deciding);
    assert_eq!(due(&matter), "2026-03-17 00:00:00", "ten working days to decide");
    matter.take(&approver, &step(Event::Extend, "2026-03-16T10:00:00"), &rules).unwrap();
    assert_eq!(due(&matter), "2026-03-31 00:00:00", "ten more");
    let again = matter.take(&approver, &step(Event::Extend, "2026-03-17T10:00:00"), &rules);
    assert_eq!(again.unwrap_err().code, ErrorCode::IllegalState);
    assert_eq!(matter.light(at("2026-03-31T00:00:00")), Some(Light::Red));
    matter.take(&approver, &step(Event::Grant, "2026-03-17T10:00:00"), &rules).unwrap();
    assert_eq!(due(&matter), "2026-04-16 00:00:00", "twenty to deliver, over Tomb-sweeping Day");
    matter.take(&approver, &step(Event::Deliver, "2026-03-20T10:00:00"), &rules).unwrap();
    assert_eq!((matter.limit(), matter.light(at("2027-01-01T00:00:00"))), (None, None));
    assert!(matter.limits.iter().all(|limit| !limit.is_breached(at("2027-01-01T00:00:00"))));
}

#[test]
fn completing_a_disclosure_request_begins_a_new_limit_and_consulting_stops_it() {
    let rules = Rules::default();
    let approver = person("a", "scjg", Role::Approver);
    let mut matter = disclosure();
    assert_eq!(due(&matter), "2026-03-31 00:00:00");
    matter.take(&approver, &step(Event::AskCompletion, "2026-03-11T10:00:00"), &rules).unwrap();
    assert_eq!(matter.limit(), None);
    // Who completes is known by the code alone; the platform's door speaks for them.
    matter.go(None, &step(Event::Complete, "2026-03-16T10:00:00"), &rules).unwrap();
    assert_eq!(due(&matter), "2026-04-15 00:00:00", "twenty days from the completed request");
    matter.take(&approver, &step(Event::Consult, "2026-03-18T10:00:00"), &rules).unwrap();
    assert_eq!(due(&matter), "2026-04-10 00:00:00", "the third party's fifteen days");
    assert_eq!(matter.light(at("2026-03-19T00:00:00")), Some(Light::Green));
    matter.take(&approver, &step(Event::Consulted, "2026-03-25T10:00:00"), &rules).unwrap();
    assert_eq!(due(&matter), "2026-04-23 00:00:00", "six working days did not count");
}

#[test]
fn completion_is_asked_once_and_within_seven_working_days() {
    let rules = Rules::default();
    let approver = person("a", "scjg", Role::Approver);
    let late = disclosure().take(&approver, &step(Event::AskCompletion, "2026-03-12T00:00:00"), &rules);
    assert_eq!(late.unwrap_err().code, ErrorCode::IllegalState);
    disclosure().take(&approver, &step(Event::AskCompletion, "2026-03-11T23:59:59"), &rules).unwrap();
    let mut matter = disclosure();
    matter.take(&approver, &step(Event::AskCompletion, "2026-03-03T10:00:00"), &rules).unwrap();
    matter.go(None, &step(Event::Complete, "2026-03-04T10:00:00"), &rules).unwrap();
    let twice = matter.take(&approver, &step(Event::AskCompletion, "2026-03-05T10:00:00"), &rules);
    assert_eq!(twice.unwrap_err().code, ErrorCode::IllegalState);
}

#[test]
fn an_item_of_the_plan_is_due_on_its_day() {
    let rules = Rules::default();
    let day = |text: &str| text.parse().unwrap();
    let content = OpeningItem {
        year: 2026,
        department: DepartmentId::new("scjg").unwrap(),
        title: "样例".to_owned(),
        due: day("2026-06-30"),
        resource: None,
        data_since: None,
    };
    let opened = (None, at("2026-01-05T10:00:00"));
    let department = DepartmentId::new("scjg").ok();
    let number = "JH-2026-000001".to_owned();
    let content = Content::OpeningItem(content);
    let mut matter =
        Matter::open(number, content, Applicant::Authority, department, State::Planned, opened, &rules)
            .unwrap();
    assert_eq!(due(&matter), "2026-07-01 00:00:00");
    let officer = person("o", "sjj", Role::AuthorityOfficer);
    matter.take(&officer, &step(Event::Postpone, "2026-05-01T10:00:00"), &rules).unwrap();
    matter.postpone(day("2026-09-30"), at("2026-05-01T10:00:00"), &rules);
    assert_eq!((due(&matter), matter.limits.len()), ("2026-10-01 00:00:00".to_owned(), 2));
}

#[test]
fn a_new_calendar_moves_open_matters() {
    let mut rules = Rules::default();
    let mut matter = provision(State::Deciding);
    assert!(!matter.recompute(&rules));
    let year = r#"{"year": 2026, "source": "样例：改动的通知", "issued": "2026-03-01",
        "holidays": [{"name": "样例假日", "from": "2026-03-09", "to": "2026-03-10"}], "workdays": []}"#;
    rules.calendar = rules.calendar.with(crate::calendar::CalendarYear::parse(year).unwrap()).unwrap();
    assert!(matter.recompute(&rules));
    assert_eq!(due(&matter), "2026-03-19 00:00:00");
    assert_eq!(matter.limits[0].earlier.len(), 1);
}

#[test]
fn a_justification_covers_its_rule_its_items_and_its_rows() {
    let columns =
        |names: &[&str]| names.iter().map(|name| crate::ids::ColumnName::new(*name).unwrap()).collect();
    let finding = |rule: &str, names: &[&str], rows| Finding {
        rule: rule.to_owned(),
        columns: columns(names),
        rows,
        of: 100,
        materials: None,
    };
    let justified = JustifiedFinding {
        rule: "rare_combination".to_owned(),
        columns: columns(&["county", "amount"]),
        reason: "样例".to_owned(),
        rows: 3,
        of: 100,
        materials: None,
    };
    for (names, rows, is_covered) in [
        (&["county", "amount"][..], 3, true),
        (&["county"], 2, true),
        (&["county", "amount"], 4, false),
        (&["county", "amount", "person"], 1, false),
    ] {
        let found = finding("rare_combination", names, rows);
        assert_eq!(justified.covers(&found), is_covered, "{found:?}");
    }
    assert!(!justified.covers(&finding("name", &["county"], 1)));
    // Data that grow as they are need no new justification: 3 of 100 are 30 of 1,000, and 31 are more.
    let grown = |rows| Finding { of: 1000, ..finding("rare_combination", &["county"], rows) };
    assert!(justified.covers(&grown(30)) && !justified.covers(&grown(31)));
    // One of many millions is no licence for thousands of them.
    let one = JustifiedFinding { rows: 1, of: 10_000_000, ..justified.clone() };
    let many = Finding { of: 10_000_000, ..finding("rare_combination", &["county"], 10_000) };
    assert!(!one.covers(&many));
    // More rows of many and a larger share of fewer are two findings.
    let many = Finding { of: 2000, ..finding("name", &["person"], 60) };
    let few = Finding { of: 50, ..finding("name", &["person"], 50) };
    assert!(!many.includes(&few) && !few.includes(&many) && few.includes(&few));
    assert!(
        many.includes(&Finding { rows: 59, ..many.clone() })
            && !Finding { rows: 59, ..many.clone() }.includes(&many)
    );
    // What a person has looked at passes, and not as many others.
    let picture = |digest: &str| Finding {
        materials: Some(digest.to_owned()),
        ..finding("unread_material", &["picture"], 1)
    };
    let looked_at = JustifiedFinding {
        rule: "unread_material".to_owned(),
        columns: columns(&["picture"]),
        materials: Some("a".to_owned()),
        ..justified.clone()
    };
    assert!(looked_at.covers(&picture("a")) && !looked_at.covers(&picture("b")));
    assert!(!picture("a").includes(&picture("b")));
    let before = serde_json::json!({"rule": "name", "columns": ["person"], "reason": "样例"});
    let before: JustifiedFinding = serde_json::from_value(before).unwrap();
    assert!(!before.covers(&finding("name", &["person"], 1)), "for how many rows was not said");
}
