//! The outbox: an event is there if and only if its change is.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use catalog_core::ports::Store;
use catalog_core::{ErrorCode, Result};
use tokio::task::JoinSet;

use super::refused;
use super::samples::{department, event, published, resource};
use super::versions::{publish, version, with_resource};

async fn pending(store: &Arc<dyn Store>) -> Result<Vec<String>> {
    Ok(store.pending(10_000).await?.into_iter().map(|event| event.id).collect())
}

pub(super) async fn order_and_removal(store: Arc<dyn Store>) -> Result<()> {
    let office = department("gaj", "公安局")?;
    let events: Vec<_> = (0..5).map(|_| event("department.changed")).collect();
    // Identities in reverse, so that the order is that of the changes.
    for event in events.iter().rev() {
        store.put_department(&office, event).await?;
    }
    let expected: Vec<_> = events.iter().rev().cloned().collect();
    assert_eq!(store.pending(10).await?, expected);
    assert_eq!(store.pending(2).await?, expected[..2]);
    store.moved(&[expected[0].id.clone(), expected[2].id.clone(), "unknown".to_owned()]).await?;
    store.moved(&[]).await?;
    assert_eq!(store.pending(2).await?, [expected[1].clone(), expected[3].clone()]);
    refused(store.put_department(&office, &expected[1]).await, ErrorCode::Conflict);

    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (store, office) = (Arc::clone(&store), office.clone());
        tasks.spawn(async move { store.put_department(&office, &event("department.changed")).await });
    }
    tasks.join_all().await.into_iter().collect::<Result<()>>()?;
    assert_eq!(pending(&store).await?.len(), 23);
    Ok(())
}

pub(super) async fn refused_changes(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let before = pending(&store).await?;
    refused(publish(&*store, &version(&code, 2, "x"), &event("x")).await, ErrorCode::Conflict);
    let unknown = published(resource("nobody", "301001/000002", "居住证")?);
    refused(store.save_entry(&unknown, None, &event("x")).await, ErrorCode::InvalidInput);
    refused(store.revoke_ticket("none", Default::default(), &event("x")).await, ErrorCode::NotFound);
    assert_eq!(pending(&store).await?, before);
    Ok(())
}

/// Drops publications after every number of steps, as a crash or a disconnected caller would.
pub(super) async fn interrupted_changes(store: Arc<dyn Store>) -> Result<()> {
    let code = with_resource(&store).await?;
    let before = pending(&store).await?.len();
    for steps in 0..60 {
        let number = store.versions(&code).await?.len() as i64 + 1;
        let change = event("version.published");
        // Its publisher's name ties the version to its event.
        let version = version(&code, number, &change.id);
        let mut left = steps;
        let mut publication = pin!(publish(&*store, &version, &change));
        poll_fn(|context| match left {
            0 => Poll::Ready(()),
            _ => {
                left -= 1;
                publication.as_mut().poll(context).map(|_| ())
            }
        })
        .await;
    }
    // A last change waits for what is still being undone.
    let number = store.versions(&code).await?.len() as i64 + 1;
    let last = event("version.published");
    if publish(&*store, &version(&code, number, &last.id), &last).await.is_err() {
        let number = store.versions(&code).await?.len() as i64 + 1;
        publish(&*store, &version(&code, number, &last.id), &last).await?;
    }
    let changed: BTreeSet<String> =
        store.versions(&code).await?.into_iter().map(|version| version.published_by).collect();
    let evident: BTreeSet<String> = pending(&store).await?.split_off(before).into_iter().collect();
    assert_eq!(changed, evident);
    Ok(())
}
