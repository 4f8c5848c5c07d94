//! Matters whose resources are handed over.

use super::*;
use crate::ids::{GrantId, ResourceCode};

fn code(number: u8) -> ResourceCode {
    ResourceCode::new(format!("301001/00000{number}")).unwrap()
}

fn grant(number: u8) -> GrantId {
    GrantId::new(format!("01890000-0000-7000-8000-0000000000{number:02x}")).unwrap()
}

/// A part that asks for the resources 1 and 2.
fn of_two() -> Matter {
    let mut matter = provision(State::Deciding);
    if let Content::Provision(part) = &mut matter.content {
        let ask: Ask =
            serde_json::from_str(r#"{"resource": "301001/000001", "items": [], "doors": []}"#).unwrap();
        part.application.asks = vec![ask.clone(), Ask { resource: code(2), ..ask }];
    }
    matter
}

fn asked(matter: &Matter) -> Vec<ResourceCode> {
    match &matter.content {
        Content::Provision(part) => part.application.asks.iter().map(|ask| ask.resource.clone()).collect(),
        _ => Vec::new(),
    }
}

/// What was proposed goes with what was asked: nobody grants another department's data.
#[test]
fn a_proposal_is_divided_with_its_part() {
    let mut matter = of_two();
    if let Content::Provision(part) = &mut matter.content {
        part.proposed = Some(part.application.asks.clone());
    }
    let to = DepartmentId::new("sjj").unwrap();
    let moved = BTreeSet::from([code(2)]);
    let part = matter.divide("TG-2026-000002".to_owned(), &moved, &BTreeSet::new(), &to);
    let proposed = |matter: &Matter| match &matter.content {
        Content::Provision(part) => part.proposed.iter().flatten().map(|ask| ask.resource.clone()).collect(),
        _ => Vec::new(),
    };
    assert_eq!((proposed(&matter), proposed(&part)), (vec![code(1)], vec![code(2)]));
}

#[test]
fn a_handover_gives_nobody_more_time() {
    let mut matter = of_two();
    let limits = matter.limits.clone();
    let to = DepartmentId::new("sjj").unwrap();
    matter.hand_over(&to);
    assert_eq!((matter.limits.clone(), matter.revision), (limits, 2));
    assert_eq!(matter.handler.department, Some(to));
    let mut last = matter.clone();
    last.take(
        &person("a", "sjj", Role::Approver),
        &step(Event::Grant, "2026-03-04T10:00:00"),
        &Rules::default(),
    )
    .unwrap();
    let old = person("a", "scjg", Role::Approver);
    assert!(matter.take(&old, &step(Event::Grant, "2026-03-04T10:00:00"), &Rules::default()).is_err());
}

#[test]
fn whoever_takes_a_resource_over_goes_on_with_its_review_and_asks_for_nothing_else() {
    let review = serde_json::json!({
        "opening": {"resource": "301001/000001", "items": [], "doors": [], "legal_basis": "条例"},
    });
    let content = Content::SecrecyReview(serde_json::from_value(review).unwrap());
    let [from, to] = ["scjg", "sjj"].map(|id| DepartmentId::new(id).unwrap());
    let mut review = Matter::open(
        "SC-2026-000001".to_owned(),
        content,
        Applicant::Department(from.clone()),
        Some(from),
        State::Checking,
        (Some("steward".to_owned()), at("2026-03-02T10:00:00")),
        &Rules::default(),
    )
    .unwrap();
    let mut part = of_two();
    let applicant = part.applicant.clone();
    review.hand_over(&to);
    part.hand_over(&to);
    assert_eq!((review.applicant, part.applicant), (Applicant::Department(to), applicant));
}

#[test]
fn a_part_about_two_providers_is_divided() {
    let moved = BTreeSet::from([code(2)]);
    let mut matter = of_two();
    assert!(matter.is_about(&moved) && !matter.is_about_only(&moved));
    assert!(matter.is_about_only(&BTreeSet::from([code(1), code(2)])));
    matter.grants = vec![grant(1), grant(2)];
    let to = DepartmentId::new("sjj").unwrap();
    let mut ended = matter.limits[0].clone();
    ended.end(at("2026-03-02T11:00:00"));
    matter.limits.insert(0, ended);
    let part = matter.divide("TG-2026-000002".to_owned(), &moved, &BTreeSet::from([grant(2)]), &to);
    assert_eq!((asked(&matter), asked(&part)), (vec![code(1)], vec![code(2)]));
    assert_eq!((&matter.grants, &part.grants), (&vec![grant(1)], &vec![grant(2)]));
    assert_eq!(
        (matter.handler.department, part.handler.department),
        (DepartmentId::new("scjg").ok(), Some(to))
    );
    assert_eq!((matter.limits.len(), part.limits.len()), (2, 1), "what has ended stays where it was kept");
    assert_eq!((matter.revision, part.revision), (2, 1));
    assert_eq!((part.parent, part.history), (matter.parent, matter.history));
}
