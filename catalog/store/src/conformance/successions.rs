//! Departments that continue others.

use std::sync::Arc;

use catalog_core::directory::Succession;
use catalog_core::ports::Store;
use catalog_core::{ErrorCode, Result, Timestamp};

use super::refused;
use super::samples::event;

pub(super) async fn kept_once(store: Arc<dyn Store>) -> Result<()> {
    let succession = |from: i64, predecessor: &str, successor: &str| -> Result<Succession> {
        let basis = "机构改革方案".to_owned();
        let (predecessor, successor) = (predecessor.parse()?, successor.parse()?);
        Ok(Succession { predecessor, successor, from: Timestamp(from), basis })
    };
    let (later, sooner) = (succession(9, "gaj", "zfw")?, succession(5, "scjg", "zfw")?);
    store.add_succession(&later, &event("department.succeeded")).await?;
    store.add_succession(&sooner, &event("department.succeeded")).await?;
    let twice = succession(1, "gaj", "scjg")?;
    refused(store.add_succession(&twice, &event("department.succeeded")).await, ErrorCode::Conflict);
    assert_eq!(store.successions().await?, [sooner, later]);
    assert_eq!(store.pending(9).await?.len(), 2);
    Ok(())
}
