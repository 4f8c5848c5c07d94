//! Departments that continue others, or take over resources of theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::directory::{Succession, SuccessionState};
use catalog_core::fixtures;
use catalog_core::ports::{Handover, Store};
use catalog_core::{ErrorCode, Result, Timestamp};

use super::refused;
use super::samples::event;

fn succession(id: &str, from: i64, predecessor: &str, successor: &str) -> Result<Succession> {
    Ok(Succession {
        id: id.to_owned(),
        predecessor: predecessor.parse()?,
        successor: successor.parse()?,
        resources: BTreeSet::new(),
        from: Timestamp(from),
        basis: "机构改革方案".to_owned(),
        state: SuccessionState::Confirmed,
        proposed_by: "officer".to_owned(),
        carried_out: None,
    })
}

pub(super) async fn kept_once(store: Arc<dyn Store>) -> Result<()> {
    let (later, sooner) = (succession("1", 9, "gaj", "zfw")?, succession("2", 5, "scjg", "zfw")?);
    store.add_succession(&later, &event("succession.confirmed")).await?;
    store.add_succession(&sooner, &event("succession.confirmed")).await?;
    let twice = succession("3", 1, "gaj", "scjg")?;
    refused(store.add_succession(&twice, &event("succession.confirmed")).await, ErrorCode::Conflict);
    assert_eq!(store.successions().await?, [sooner.clone(), later.clone()]);

    // A proposal ends nothing, and can't be confirmed beside another one.
    let proposed = Succession { state: SuccessionState::Proposed, ..twice.clone() };
    store.add_succession(&proposed, &event("succession.proposed")).await?;
    let confirming = store.change_succession(&twice, &proposed, &event("succession.confirmed")).await;
    refused(confirming, ErrorCode::Conflict);
    let cancelled = Succession { state: SuccessionState::Cancelled, ..later.clone() };
    store.change_succession(&cancelled, &later, &event("succession.cancelled")).await?;
    store.change_succession(&twice, &proposed, &event("succession.confirmed")).await?;
    assert_eq!(store.successions().await?, [twice, sooner, cancelled.clone()]);
    // Of two who change it at once, one wins.
    refused(
        store.change_succession(&later, &later, &event("succession.confirmed")).await,
        ErrorCode::Conflict,
    );
    assert_eq!(store.pending(9).await?.len(), 5);
    Ok(())
}

pub(super) async fn handed_over_as_a_whole(store: Arc<dyn Store>) -> Result<()> {
    for (id, name) in [("scjg", "市场监督管理局"), ("sjj", "数据局")] {
        store.put_department(&fixtures::department(id, name)?, &event("department.put")).await?;
    }
    let mut entry = fixtures::published(fixtures::resource("scjg", "301001/000001", "行政处罚")?);
    let code = entry.draft.code.clone();
    store.save_entry(&entry, None, &event("resource.edited")).await?;
    let plan = Succession { resources: BTreeSet::from([code.clone()]), ..succession("1", 5, "scjg", "sjj")? };
    store.add_succession(&plan, &event("succession.confirmed")).await?;
    let seen = entry.revision;
    entry.hand_over(&plan.successor, Timestamp(6));
    let done = Succession { carried_out: Some(Timestamp(6)), ..plan.clone() };
    let handover = Handover {
        succession: (done.clone(), plan),
        change: event("succession.carried_out"),
        entries: vec![(entry.clone(), seen, event("resource.handed_over"))],
        matters: Vec::new(),
    };
    store.hand_over(&handover).await?;
    assert_eq!(store.successions().await?, [done]);
    assert_eq!(store.entries(Some(&"scjg".parse()?)).await?, []);
    assert_eq!(store.entries(Some(&"sjj".parse()?)).await?, [entry.clone()]);
    assert_eq!(store.entry_by_name(&"sjj".parse()?, "行政处罚").await?, Some(entry));
    refused(store.hand_over(&handover).await, ErrorCode::Conflict);
    Ok(())
}
