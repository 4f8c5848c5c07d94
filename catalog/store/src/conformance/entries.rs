//! Histories of entries, and unfinished drafts.

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog_core::directory::LifecycleState;
use catalog_core::directory::unfinished::{MOST_UNFINISHED, Unfinished};
use catalog_core::ports::Store;
use catalog_core::{DepartmentId, ErrorCode, ResourceCode, Result, Timestamp};

use super::refused;
use super::samples::{department, event, published, resource};

pub(super) async fn history(store: Arc<dyn Store>) -> Result<()> {
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    let mut entry = published(resource("gaj", "301001/000007", "户籍人口")?);
    entry.revision = 1;
    assert_eq!(store.entry_history(&entry.draft.code, None, 9).await?, []);
    let made = event("resource.edited");
    store.save_entry(&entry, None, &made).await?;
    entry.revision = 2;
    (entry.state, entry.remark) = (LifecycleState::Returned, Some("摘要不全".to_owned()));
    let returned = event("resource.returned");
    store.save_entry(&entry, Some(1), &returned).await?;
    entry.revision = 3;
    entry.draft.title = "户籍人口信息".to_owned();
    refused(store.save_entry(&entry, Some(1), &event("resource.edited")).await, ErrorCode::Conflict);
    store.withdraw_entry(&entry, 2, &[], &event("resource.withdrawn")).await?;

    let mut history = store.entry_history(&entry.draft.code, None, 9).await?;
    history.reverse();
    let told: Vec<_> =
        history.iter().map(|one| (one.revision, one.action.as_str(), one.from, one.to)).collect();
    let (before, now) = (LifecycleState::Published, LifecycleState::Returned);
    assert_eq!(
        told,
        [
            (1, "resource.edited", None, before),
            (2, "resource.returned", Some(before), now),
            (3, "resource.withdrawn", Some(now), now),
        ],
        "a change that was refused left nothing"
    );
    assert_eq!((history[0].record.as_str(), history[1].record.as_str()), (&*made.id, &*returned.id));
    assert_eq!(history[1].remark.as_deref(), Some("摘要不全"));
    let titles: Vec<_> =
        history.iter().map(|one| one.draft.as_ref().map(|draft| draft.title.as_str())).collect();
    assert_eq!(titles, [Some("户籍人口"), None, Some("户籍人口信息")], "a draft is kept where it differs");
    parts_of_a_history(&*store, &entry.draft.code).await
}

/// The same history in parts, and what the draft said at each revision of it.
async fn parts_of_a_history(store: &dyn Store, code: &ResourceCode) -> Result<()> {
    for (after, limit, expected) in [(None, 2, vec![3, 2]), (Some(2), 2, vec![1]), (Some(1), 2, vec![])] {
        let part = store.entry_history(code, after, limit).await?;
        let revisions: Vec<_> = part.iter().map(|one| one.revision).collect();
        assert_eq!(revisions, expected, "behind {after:?}");
    }
    for (revision, title) in
        [(0, None), (1, Some("户籍人口")), (2, Some("户籍人口")), (3, Some("户籍人口信息")), (4, None)]
    {
        let draft = store.draft_at(code, revision).await?;
        assert_eq!(draft.map(|draft| draft.title).as_deref(), title, "revision {revision}");
    }
    Ok(())
}

fn draft(id: &str, provider: &str) -> Result<Unfinished> {
    Ok(Unfinished {
        id: id.to_owned(),
        provider: DepartmentId::new(provider)?,
        code: None,
        revision: 0,
        fields: BTreeMap::new(),
        author: "chen".to_owned(),
        updated_at: Timestamp(1),
    })
}

pub(super) async fn unfinished(store: Arc<dyn Store>) -> Result<()> {
    let (one, other) = (draft("a", "gaj")?, draft("b", "rsj")?);
    for draft in [&one, &other] {
        store.put_unfinished(draft, None, &event("unfinished.saved")).await?;
    }
    let mut later = one.clone();
    later.fields.insert("d-0-7".to_owned(), "户籍'人口\"".to_owned());
    later.updated_at = Timestamp(2);
    store.put_unfinished(&later, Some(one.updated_at), &event("unfinished.saved")).await?;
    // Whoever has not seen what is kept now neither writes over it nor discards it.
    for seen in [None, Some(one.updated_at)] {
        let written = store.put_unfinished(&one, seen, &event("unfinished.saved")).await;
        refused(written, ErrorCode::Conflict);
    }
    let discarded = store.delete_unfinished("a", one.updated_at, &event("unfinished.discarded")).await;
    refused(discarded, ErrorCode::Conflict);
    assert_eq!(store.unfinished("a").await?, Some(later.clone()));
    assert_eq!(store.unfinished_of(&one.provider).await?, [later.clone()]);
    assert_eq!(store.entries(None).await?, [], "it is no entry");
    store.delete_unfinished("a", later.updated_at, &event("unfinished.discarded")).await?;
    let twice = store.delete_unfinished("a", later.updated_at, &event("unfinished.discarded")).await;
    refused(twice, ErrorCode::NotFound);
    assert_eq!(store.unfinished("a").await?, None);

    for number in 0..MOST_UNFINISHED {
        let draft = draft(&format!("m{number}"), "gaj")?;
        store.put_unfinished(&draft, None, &event("unfinished.saved")).await?;
    }
    refused(
        store.put_unfinished(&draft("more", "gaj")?, None, &event("unfinished.saved")).await,
        ErrorCode::LimitRate,
    );
    let same = draft("m0", "gaj")?;
    store.put_unfinished(&same, Some(same.updated_at), &event("unfinished.saved")).await?;
    store.put_unfinished(&draft("more", "rsj")?, None, &event("unfinished.saved")).await
}
