//! Matters.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::deadline::Rules;
use catalog_core::matter::{
    Applicant, Content, Demand, Matter, MatterKind, Move, Objection, ObjectionSubject, State,
};
use catalog_core::policy::Revocation;
use catalog_core::ports::{MatterBound, MatterChange, MatterPlace, MatterQuery, Store};
use catalog_core::{DepartmentId, ErrorCode, Principal, ResourceCode, Result, Role, Timestamp};

use super::refused;
use super::samples::{event, grant};
use super::versions::with_resource;

/// A demand of the department, received on that day.
fn demand(number: &str, applicant: &str, received: &str) -> Result<Matter> {
    let content = Content::Demand(Demand {
        title: "样例".to_owned(),
        items: vec!["编号".to_owned()],
        purpose: "样例业务".to_owned(),
        legal_basis: "条例".to_owned(),
        met_by: None,
    });
    open(number, content, applicant, None, State::Routing, received)
}

fn open(
    number: &str,
    content: Content,
    applicant: &str,
    handler: Option<&str>,
    state: State,
    received: &str,
) -> Result<Matter> {
    let at = Timestamp::parse(received).unwrap_or_default();
    let applicant = Applicant::Department(DepartmentId::new(applicant)?);
    let handler = handler.map(DepartmentId::new).transpose()?;
    let by = (Some("clerk".to_owned()), at);
    Matter::open(number.to_owned(), content, applicant, handler, state, by, &Rules::default())
}

fn opened(matter: &Matter) -> MatterChange {
    MatterChange { matters: vec![(matter.clone(), None, event("matter.opened"))], ..Default::default() }
}

async fn numbers(store: &Arc<dyn Store>, query: MatterQuery) -> Result<Vec<String>> {
    Ok(store.matters(&query).await?.into_iter().map(|matter| matter.number).collect())
}

pub(super) async fn kept_and_listed(store: Arc<dyn Store>) -> Result<()> {
    assert_eq!(store.next_matter("XQ-2026").await?, 1);
    assert_eq!(store.next_matter("XQ-2026").await?, 2);
    assert_eq!(store.next_matter("YY-2026").await?, 1);
    let later = demand("XQ-2026-000001", "gaj", "2026-03-04T02:00:00Z")?;
    let sooner = demand("XQ-2026-000002", "gaj", "2026-03-02T02:00:00Z")?;
    let mut child = demand("XQ-2026-000003", "rsj", "2026-03-05T02:00:00Z")?;
    child.parent = Some(later.number.clone());
    let objection = Objection {
        subject: ObjectionSubject::Data,
        resource: ResourceCode::new("301001/000001")?,
        user: None,
        description: "样例".to_owned(),
        receipt: None,
        corrected_by: None,
        wrong_since: None,
    };
    let content = Content::Objection(objection);
    let other = open("YY-2026-000001", content, "rsj", Some("gaj"), State::Checking, "2026-03-02T02:00:00Z")?;
    for matter in [&later, &sooner, &child, &other] {
        store.save_matters(&opened(matter)).await?;
    }
    refused(store.save_matters(&opened(&later)).await, ErrorCode::Conflict);
    assert_eq!(store.matter(&later.number).await?, Some(later.clone()));
    assert_eq!(store.matter("XQ-2026-999999").await?, None);

    let all = numbers(&store, MatterQuery::default()).await?;
    assert_eq!(all, ["XQ-2026-000002", "XQ-2026-000001", "XQ-2026-000003", "YY-2026-000001"]);
    let party = |party: &str| MatterQuery { party: Some(party.to_owned()), ..Default::default() };
    assert_eq!(numbers(&store, party("department:rsj")).await?, ["XQ-2026-000003", "YY-2026-000001"]);
    let both = numbers(&store, party("department:gaj")).await?;
    assert_eq!(both, ["XQ-2026-000002", "XQ-2026-000001", "YY-2026-000001"], "as applicant and as handler");
    assert_eq!(numbers(&store, party("department:nobody")).await?, Vec::<String>::new());
    let of_kind = MatterQuery { kind: Some(MatterKind::Objection), ..Default::default() };
    assert_eq!(numbers(&store, of_kind).await?, ["YY-2026-000001"]);
    let children = MatterQuery { parent: Some(later.number.clone()), ..Default::default() };
    assert_eq!(numbers(&store, children).await?, ["XQ-2026-000003"]);

    let mut withdrawn = sooner.clone();
    withdraw(&mut withdrawn)?;
    let change =
        MatterChange { matters: vec![(withdrawn.clone(), Some(1), event("x"))], ..Default::default() };
    store.save_matters(&change).await?;
    refused(store.save_matters(&change).await, ErrorCode::Conflict);
    assert_eq!(store.matter(&sooner.number).await?, Some(withdrawn));
    let open = numbers(&store, MatterQuery { open_only: true, ..Default::default() }).await?;
    assert_eq!(open, ["XQ-2026-000001", "XQ-2026-000003", "YY-2026-000001"]);
    Ok(())
}

fn withdraw(matter: &mut Matter) -> Result<()> {
    let clerk = Principal {
        department: Some(DepartmentId::new("gaj")?),
        roles: BTreeSet::from([Role::Analyst]),
        ..Principal::public()
    };
    let step = Move {
        event: catalog_core::matter::Event::Withdraw,
        reason: None,
        legal_basis: None,
        at: matter.received(),
    };
    matter.take(&clerk, &step, &Rules::default())
}

/// A step with several matters, grants and revocations is written whole or not at all, with an event for each.
pub(super) async fn all_or_nothing(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let (first, second) = (grant(&code, 1)?, grant(&code, 2)?);
    let matter = demand("XQ-2026-000001", "gaj", "2026-03-02T02:00:00Z")?;
    let before = store.pending(100).await?.len();
    let mut change = opened(&matter);
    change.grants = vec![(first.clone(), event("grant.created")), (second.clone(), event("grant.created"))];
    change.grants_seen = 1;
    refused(store.save_matters(&change).await, ErrorCode::Conflict);
    assert_eq!(store.matter(&matter.number).await?, None, "somebody made a grant that was not looked at");
    change.grants_seen = 0;
    store.save_matters(&change).await?;
    assert_eq!(store.grants().await?.len(), 2);
    let events: Vec<_> = store.pending(100).await?.split_off(before);
    let expected = [&change.matters[0].2, &change.grants[0].1, &change.grants[1].1];
    assert_eq!(events.iter().collect::<Vec<_>>(), expected);

    let revocation = Revocation { at: Timestamp(9), by: "officer".to_owned(), reason: "到期".to_owned() };
    let mut withdrawn = matter.clone();
    withdraw(&mut withdrawn)?;
    let twice = |number: i64| MatterChange {
        matters: vec![(withdrawn.clone(), Some(number), event("x"))],
        revocations: vec![
            (first.id.clone(), revocation.clone(), event("grant.revoked")),
            (first.id.clone(), revocation.clone(), event("grant.revoked")),
        ],
        ..MatterChange::default()
    };
    refused(store.save_matters(&twice(1)).await, ErrorCode::IllegalState);
    assert_eq!(store.matter(&matter.number).await?, Some(matter.clone()), "the matter has not moved either");
    assert_eq!(store.grant(&first.id).await?, Some(first.clone()));
    let mut once = twice(1);
    once.revocations.truncate(1);
    store.save_matters(&once).await?;
    assert_eq!(store.matter(&matter.number).await?, Some(withdrawn));
    assert_eq!(store.grant(&first.id).await?.and_then(|grant| grant.revocation), Some(revocation));
    assert_eq!(store.pending(100).await?.len(), before + 5);
    Ok(())
}

/// Pages hold each matter once and in order, whatever the ends of limits, and the last page is followed by none.
pub(super) async fn paged(store: Arc<dyn Store>) -> Result<()> {
    for number in 1..=7 {
        // Several are due at the same time, and two have no limit.
        let day = ["2026-03-03", "2026-03-02", "2026-03-02"][number % 3];
        let mut matter = demand(&format!("XQ-2026-{number:06}"), "gaj", &format!("{day}T02:00:00Z"))?;
        if number > 5 {
            withdraw(&mut matter)?;
        }
        store.save_matters(&opened(&matter)).await?;
    }
    let all = numbers(&store, MatterQuery::default()).await?;
    assert_eq!(all.len(), 7);
    assert_eq!(all[5..], ["XQ-2026-000006", "XQ-2026-000007"], "those without a limit are last");
    for limit in 1..=8 {
        let (mut paged, mut query) = (Vec::new(), MatterQuery { limit: Some(limit), ..Default::default() });
        loop {
            let page = store.matters(&query).await?;
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            let place = MatterPlace::of(last);
            assert_eq!(place.to_string().parse::<MatterPlace>()?, place);
            query.after = Some(place);
            paged.extend(page.into_iter().map(|matter| matter.number));
        }
        assert_eq!(paged, all, "pages of {limit}");
    }
    let running = MatterQuery { running_only: true, ..Default::default() };
    assert_eq!(numbers(&store, running).await?, all[..5], "what is withdrawn runs no longer");
    Ok(())
}

/// A bound is looked at in the same transaction: it counts open matters and those of a time, parts never.
pub(super) async fn bounded(store: Arc<dyn Store>) -> Result<()> {
    let since = Timestamp::parse("2026-03-02T00:00:00Z").unwrap_or_default();
    let bound =
        |open, in_time| MatterBound { applicant: "department:gaj".to_owned(), open, opened: in_time, since };
    let first = demand("XQ-2026-000001", "gaj", "2026-03-01T02:00:00Z")?;
    let mut part = demand("XQ-2026-000002", "gaj", "2026-03-02T02:00:00Z")?;
    part.parent = Some(first.number.clone());
    let others = demand("XQ-2026-000003", "rsj", "2026-03-02T02:00:00Z")?;
    for matter in [&first, &part, &others] {
        store.save_matters(&opened(matter)).await?;
    }
    let next = demand("XQ-2026-000004", "gaj", "2026-03-02T03:00:00Z")?;
    let change = |bound| MatterChange { bound: Some(bound), ..opened(&next) };
    refused(store.save_matters(&change(bound(1, 9))).await, ErrorCode::LimitRate);
    assert_eq!(store.matter(&next.number).await?, None);
    store.save_matters(&change(bound(2, 1))).await?;
    let last = demand("XQ-2026-000005", "gaj", "2026-03-02T04:00:00Z")?;
    let change = MatterChange { bound: Some(bound(9, 1)), ..opened(&last) };
    refused(store.save_matters(&change).await, ErrorCode::LimitRate);
    Ok(())
}
