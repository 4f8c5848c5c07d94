//! The search by the times of changes that the public sees.

use std::sync::Arc;

use catalog_core::dataset::Audience;
use catalog_core::directory::resource::Entry;
use catalog_core::fixtures::NOW;
use catalog_core::policy::{GrantKind, Revocation};
use catalog_core::ports::{SearchOrder, SearchQuery, Store};
use catalog_core::{Result, Timestamp};

use super::samples::{event, grant, published, resource};
use super::versions::{add_grant, publish, version, with_resource};

const LATER: Timestamp = Timestamp(NOW.0 + 1_000);
const LATEST: Timestamp = Timestamp(NOW.0 + 2_000);
const END: Timestamp = Timestamp(NOW.0 + 3_000);

async fn since(store: &Arc<dyn Store>, from: Timestamp, now: Timestamp) -> Result<Vec<String>> {
    let changed = Some((from, Timestamp(i64::MAX)));
    let order = SearchOrder::ChangedDescending;
    let query = SearchQuery { changed, now, order, limit: 9, ..SearchQuery::default() };
    Ok(store.codes(&query).await?.codes.iter().map(ToString::to_string).collect())
}

pub(super) async fn follow_what_the_public_sees(store: Arc<dyn Store>) -> Result<()> {
    let (one, two) = (with_resource(&store).await?, "301001/000002");
    let other = published(resource("gaj", two, "暂住人口")?);
    store.save_entry(&other, None, &event("entry.published")).await?;
    let before = store.revision().await?;
    assert_eq!(since(&store, NOW, NOW).await?, [two, one.as_str()], "the last code first among equals");
    assert_eq!(since(&store, LATER, END).await?, [""; 0]);

    // A version that nobody outside may see is no change for them.
    let mut open = version(&one, 1, "steward");
    open.published_at = LATER;
    publish(&*store, &open, &event("version.published")).await?;
    assert_eq!(since(&store, LATER, END).await?, [""; 0]);
    assert!(store.revision().await? > before);
    let mut grant = grant(&one, NOW.0)?;
    grant.terms.kind = GrantKind::Public;
    add_grant(&*store, &grant, 0).await?;
    let mut cleared = open.clone();
    cleared.cleared.insert(Audience::Public);
    store.replace_version(&open, &cleared, &event("version.cleared")).await?;
    assert_eq!(since(&store, LATER, END).await?, [one.as_str()]);
    assert_eq!(since(&store, NOW, END).await?, [one.as_str(), two]);
    assert_eq!(since(&store, LATER, NOW).await?, [""; 0], "what is still to come");
    let oldest = SearchQuery { order: SearchOrder::Changed, now: END, limit: 1, ..SearchQuery::default() };
    assert_eq!(store.codes(&oldest).await?.codes[0].as_str(), two);

    let revocation = Revocation { at: LATEST, by: "officer".to_owned(), reason: "到期".to_owned() };
    store.revoke_grant(&grant.id, &revocation, &event("grant.revoked")).await?;
    assert_eq!(since(&store, LATEST, END).await?, [one.as_str()]);

    // While a draft goes on, nobody can say when what is published was written.
    let mut draft = other.draft.clone();
    draft.summary = "另一摘要".to_owned();
    let edited = Entry { draft, revision: 2, ..other };
    store.save_entry(&edited, Some(1), &event("entry.edited")).await?;
    assert_eq!(since(&store, END, END).await?, [two]);
    Ok(())
}
