//! Nobody decides for their own side; what the law sets for a subject is its limit.

use super::*;

fn department(id: &str) -> DepartmentId {
    DepartmentId::new(id).unwrap()
}

fn objection(subject: ObjectionSubject, handler: Option<&str>, accused: Option<&str>) -> Matter {
    let content = Content::Objection(Objection {
        subject,
        resource: crate::ResourceCode::new("301001/000001").unwrap(),
        user: accused.map(department),
        description: "样例".to_owned(),
        receipt: None,
        corrected_by: None,
        wrong_since: None,
    });
    let opened = (Some("asker".to_owned()), at("2026-03-02T10:00:00"));
    let applicant = Applicant::Department(department("gaj"));
    let handler = handler.map(department);
    Matter::open("YY-1".to_owned(), content, applicant, handler, State::Checking, opened, &Rules::default())
        .unwrap()
}

fn officer(id: &str, department: Option<&str>) -> Principal {
    Principal {
        department: department.map(|id| DepartmentId::new(id).unwrap()),
        ..person(id, "gaj", Role::AuthorityOfficer)
    }
}

fn code(result: Result<()>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[test]
fn nobody_arbitrates_who_took_part_in_the_dispute() {
    let rules = Rules::default();
    let refuser = person("refuser", "scjg", Role::DataSteward);
    let mut matter = objection(ObjectionSubject::Data, Some("scjg"), None);
    matter.take(&refuser, &step(Event::Refuse, "2026-03-03T10:00:00"), &rules).unwrap();
    let asker = person("asker", "gaj", Role::Analyst);
    matter.take(&asker, &step(Event::Escalate, "2026-03-04T10:00:00"), &rules).unwrap();
    let settle = step(Event::Refuse, "2026-03-05T10:00:00");
    for (own_side, who) in [
        (officer("o", Some("scjg")), "of the department that refused"),
        (officer("o", Some("gaj")), "of the department that objects"),
        (officer("refuser", None), "who refused, and has left the department since"),
        (officer("asker", None), "who objected, and has left the department since"),
        (
            Principal {
                predecessors: [(department("scjg"), Default::default())].into(),
                ..officer("o", Some("sjj"))
            },
            "of its successor",
        ),
    ] {
        assert_eq!(
            code(matter.clone().take(&own_side, &settle, &rules)),
            Some(ErrorCode::Forbidden),
            "{who}"
        );
    }
    matter.clone().take(&officer("o", Some("sjj")), &settle, &rules).unwrap();
    matter.take(&officer("o", None), &settle, &rules).unwrap();
}

#[test]
fn whoever_checks_an_application_for_the_authority_is_not_of_the_applicant() {
    let rules = Rules::default();
    let mut refused = provision(State::Deciding);
    let refuse = step(Event::Refuse, "2026-03-03T10:00:00");
    refused.take(&person("a", "scjg", Role::Approver), &refuse, &rules).unwrap();
    refused
        .take(&person("b", "gaj", Role::Analyst), &step(Event::Escalate, "2026-03-04T10:00:00"), &rules)
        .unwrap();
    let back = step(Event::Return, "2026-03-05T10:00:00");
    // The part was opened by the officer who accepted the whole: that was no step of a side.
    refused.clone().take(&officer("officer", None), &back, &rules).unwrap();
    assert_eq!(code(refused.clone().take(&officer("a", None), &back, &rules)), Some(ErrorCode::Forbidden));
    let demand = Content::Demand(Demand {
        title: "样例".to_owned(),
        items: Vec::new(),
        purpose: "办案".to_owned(),
        legal_basis: "警察法".to_owned(),
        met_by: None,
    });
    let opened = (Some("b".to_owned()), at("2026-03-02T10:00:00"));
    let applicant = Applicant::Department(department("gaj"));
    let demand =
        Matter::open("XQ-1".to_owned(), demand, applicant, None, State::Routing, opened, &rules).unwrap();
    let route = step(Event::Route, "2026-03-03T10:00:00");
    assert_eq!(
        code(demand.clone().take(&officer("o", Some("gaj")), &route, &rules)),
        Some(ErrorCode::Forbidden)
    );
    demand.clone().take(&officer("o", Some("sjj")), &route, &rules).unwrap();
}

#[test]
fn the_accused_never_judges_its_own_use() {
    let rules = Rules::default();
    let uphold = step(Event::Uphold, "2026-03-03T10:00:00");
    let at_provider = objection(ObjectionSubject::Use, Some("scjg"), Some("rsj"));
    at_provider.clone().take(&person("a", "scjg", Role::DataSteward), &uphold, &rules).unwrap();
    // The accused has continued the provider meanwhile.
    let heir = Principal {
        predecessors: [(department("scjg"), Default::default())].into(),
        ..person("a", "rsj", Role::DataSteward)
    };
    assert_eq!(code(at_provider.clone().take(&heir, &uphold, &rules)), Some(ErrorCode::Forbidden));

    let at_authority = objection(ObjectionSubject::Use, None, Some("scjg"));
    assert_eq!(at_authority.handler, Handler { department: None, role: Role::AuthorityOfficer });
    for no in [
        person("a", "scjg", Role::DataSteward),
        person("a", "rsj", Role::DataSteward),
        officer("o", Some("scjg")),
    ] {
        assert_eq!(
            code(at_authority.clone().take(&no, &uphold, &rules)),
            Some(ErrorCode::Forbidden),
            "{no:?}"
        );
    }
    at_authority.clone().take(&officer("o", None), &uphold, &rules).unwrap();
    // Of two officers, the one who refused does not settle the dispute.
    let mut refused = at_authority;
    refused.take(&officer("o", None), &step(Event::Refuse, "2026-03-03T10:00:00"), &rules).unwrap();
    refused
        .take(&person("asker", "gaj", Role::Analyst), &step(Event::Escalate, "2026-03-04T10:00:00"), &rules)
        .unwrap();
    let settle = step(Event::Uphold, "2026-03-05T10:00:00");
    assert_eq!(code(refused.clone().take(&officer("o", None), &settle, &rules)), Some(ErrorCode::Forbidden));
    refused.take(&officer("p", None), &settle, &rules).unwrap();
}

#[test]
fn want_of_completion_settles_nothing_before_its_time_is_over() {
    let rules = Rules::default();
    let approver = person("a", "scjg", Role::Approver);
    let mut matter = disclosure();
    matter.take(&approver, &step(Event::AskCompletion, "2026-03-03T10:00:00"), &rules).unwrap();
    assert_eq!(matter.completion_due(&rules), Some(at("2026-03-25T00:00:00")), "fifteen working days");
    for early in ["2026-03-03T10:00:01", "2026-03-24T23:59:59"] {
        let refused = matter.clone().take(&approver, &step(Event::Abandon, early), &rules).unwrap_err();
        assert_eq!(refused.code, ErrorCode::IllegalState);
        assert!(refused.message.contains("2026-03-25 00:00:00"), "{}", refused.message);
    }
    matter.take(&approver, &step(Event::Abandon, "2026-03-25T00:00:00"), &rules).unwrap();
    assert_eq!((matter.state, matter.completion_due(&rules)), (State::Withdrawn, None));
}

#[test]
fn the_law_sets_the_limit_of_a_subject() {
    let rules = Rules::default();
    let steward = person("a", "scjg", Role::DataSteward);
    let open = |subject| objection(subject, Some("scjg"), None);
    let limit = |matter: &Matter| matter.limit().map(|limit| limit.kind);
    assert_eq!(limit(&open(ObjectionSubject::Data)), Some(LimitKind::Correction));
    let extend = step(Event::Extend, "2026-03-04T10:00:00");
    let refused = open(ObjectionSubject::Data).take(&steward, &extend, &rules);
    assert_eq!(code(refused), Some(ErrorCode::IllegalState), "a correction is not extended");

    let mut directory = open(ObjectionSubject::Directory);
    assert_eq!(
        (limit(&directory), due(&directory)),
        (Some(LimitKind::DirectoryChange), "2026-03-17 00:00:00".to_owned())
    );
    directory.take(&steward, &step(Event::Uphold, "2026-03-03T10:00:00"), &rules).unwrap();
    directory.take(&steward, &extend, &rules).unwrap();
    assert_eq!(
        (directory.limits.len(), due(&directory)),
        (1, "2026-03-24 00:00:00".to_owned()),
        "five more, once"
    );
    assert!(directory.clone().take(&steward, &extend, &rules).is_err());
    directory.take(&steward, &step(Event::Correct, "2026-03-05T10:00:00"), &rules).unwrap();
    assert_eq!(limit(&directory), None);

    let penalty = open(ObjectionSubject::Penalty);
    assert_eq!(
        (limit(&penalty), due(&penalty)),
        (Some(LimitKind::PenaltyWithdrawal), "2026-03-06 00:00:00".to_owned())
    );
    assert_eq!(penalty.light(at("2026-03-05T10:00:00")), Some(Light::Yellow));
    assert_eq!(penalty.light(at("2026-03-06T00:00:00")), Some(Light::Red));

    let unconditional = provision(State::Activating);
    assert_eq!(
        (limit(&unconditional), due(&unconditional)),
        (Some(LimitKind::UnconditionalAccess), "2026-03-04 00:00:00".to_owned())
    );
}

#[test]
fn active_publication_is_due_so_long_after_the_data_exist() {
    let rules = Rules::default();
    let content = Content::OpeningItem(OpeningItem {
        year: 2026,
        department: department("scjg"),
        title: "样例".to_owned(),
        due: "2026-03-30".parse().unwrap(),
        resource: None,
        data_since: Some(at("2026-03-02T10:00:00")),
    });
    // Seen two days later, by the platform.
    let opened = (None, at("2026-03-04T10:00:00"));
    let provider = Some(department("scjg"));
    let mut item = Matter::open(
        "JH-1".to_owned(),
        content,
        Applicant::Authority,
        provider,
        State::Planned,
        opened,
        &rules,
    )
    .unwrap();
    assert_eq!(
        (item.limits[0].kind, due(&item)),
        (LimitKind::ActivePublication, "2026-03-31 00:00:00".to_owned())
    );
    item.take_by_machine(Event::Fulfil, at("2026-03-20T10:00:00"), &rules).unwrap();
    assert_eq!((item.state, item.limit()), (State::Opened, None));
}
