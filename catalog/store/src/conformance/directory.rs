//! Departments and entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::directory::LifecycleState;
use catalog_core::ports::Store;
use catalog_core::{DepartmentId, ErrorCode, ResourceCode, Result, SqlName};
use tokio::task::JoinSet;

use super::refused;
use super::samples::{department, event, published, resource};

pub(super) async fn departments(store: Arc<dyn Store>) -> Result<()> {
    let (second, mut first) = (department("scjg", "市场监督管理局")?, department("gaj", "公安局")?);
    store.put_department(&second, &event("department.created")).await?;
    store.put_department(&first, &event("department.created")).await?;
    first.name = "市公安局".to_owned();
    first.parent = Some(second.id.clone());
    store.put_department(&first, &event("department.changed")).await?;
    assert_eq!(store.department(&first.id).await?, Some(first.clone()));
    assert_eq!(store.departments().await?, [first, second]);
    assert_eq!(store.department(&DepartmentId::new("none")?).await?, None);
    Ok(())
}

pub(super) async fn entries(store: Arc<dyn Store>) -> Result<()> {
    let mut entry = published(resource("gaj", "301001/000007", "户籍人口")?);
    refused(store.save_entry(&entry, None, &event("entry.created")).await, ErrorCode::InvalidInput);
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    store.put_department(&department("rsj", "人社局")?, &event("department.created")).await?;
    store.save_entry(&entry, None, &event("entry.created")).await?;
    refused(store.save_entry(&entry, None, &event("entry.created")).await, ErrorCode::Conflict);
    assert_eq!(store.entry(&entry.draft.code).await?, Some(entry.clone()));

    entry.revision = 2;
    entry.state = LifecycleState::Returned;
    entry.remark = Some("摘要不全".to_owned());
    entry.authors.insert("a\"b\\c".to_owned());
    entry.draft.title = "户籍人口'信息\"".to_owned();
    store.save_entry(&entry, Some(1), &event("entry.returned")).await?;
    assert_eq!(store.entry(&entry.draft.code).await?, Some(entry.clone()));
    let mut late = entry.clone();
    late.draft.title = "别的".to_owned();
    refused(store.save_entry(&late, Some(1), &event("entry.changed")).await, ErrorCode::Conflict);

    let other = published(resource("rsj", "101001/000001", "参保人员")?);
    refused(store.save_entry(&other, Some(1), &event("entry.changed")).await, ErrorCode::Conflict);
    store.save_entry(&other, None, &event("entry.created")).await?;
    assert_eq!(store.entries(None).await?, [other.clone(), entry.clone()]);
    assert_eq!(store.entries(Some(&DepartmentId::new("gaj")?)).await?, [entry]);
    assert_eq!(store.entries(Some(&DepartmentId::new("none")?)).await?, []);
    assert_eq!(store.entry(&ResourceCode::new("301001/000008")?).await?, None);
    Ok(())
}

pub(super) async fn machine_names(store: Arc<dyn Store>) -> Result<()> {
    let gaj = DepartmentId::new("gaj")?;
    for (id, name) in [("gaj", "公安局"), ("rsj", "人社局")] {
        store.put_department(&department(id, name)?, &event("department.created")).await?;
    }
    let (population, residence) = (SqlName::new("population")?, SqlName::new("residence")?);
    let mut entry = published(resource("gaj", "301001/000001", "户籍人口")?);
    entry.draft.sql_name = residence.clone();
    entry.published.iter_mut().for_each(|resource| resource.sql_name = population.clone());
    store.save_entry(&entry, None, &event("entry.created")).await?;
    for name in [&population, &residence] {
        assert_eq!(store.entry_by_name(&gaj, name.as_str()).await?, Some(entry.clone()));
        let mut same = published(resource("gaj", "301001/000002", "居住证")?);
        same.draft.sql_name = name.clone();
        refused(store.save_entry(&same, None, &event("entry.created")).await, ErrorCode::Conflict);
        assert_eq!(store.entry(&same.draft.code).await?, None);
    }
    let mut elsewhere = resource("rsj", "301001/000003", "参保人员")?;
    elsewhere.sql_name = population.clone();
    store.save_entry(&published(elsewhere), None, &event("entry.created")).await?;

    entry.published.clone_from(&Some(entry.draft.clone()));
    entry.revision = 2;
    store.save_entry(&entry, Some(1), &event("entry.published")).await?;
    assert_eq!(store.entry_by_name(&gaj, population.as_str()).await?, None);
    Ok(())
}

/// Titles name tables too, so they share one space with the machine names.
pub(super) async fn titles(store: Arc<dyn Store>) -> Result<()> {
    let gaj = DepartmentId::new("gaj")?;
    for (id, name) in [("gaj", "公安局"), ("rsj", "人社局")] {
        store.put_department(&department(id, name)?, &event("department.created")).await?;
    }
    let mut entry = published(resource("gaj", "301001/000001", "户籍人口")?);
    entry.draft.title = "常住人口".to_owned();
    store.save_entry(&entry, None, &event("entry.created")).await?;
    for title in ["户籍人口", "常住人口", "r301001_000001"] {
        assert_eq!(store.entry_by_name(&gaj, title).await?, Some(entry.clone()));
        let same = published(resource("gaj", "301001/000002", title)?);
        let refusal = store.save_entry(&same, None, &event("entry.created")).await.err();
        let says_whose = refusal.is_some_and(|error| {
            let rules: Vec<_> = error.problems.iter().map(|problem| problem.rule.as_str()).collect();
            error.code == ErrorCode::Conflict
                && rules == ["title.taken"]
                && error.message.contains("301001/000001")
        });
        assert!(says_whose, "{title}");
        assert_eq!(store.entry(&same.draft.code).await?, None);
    }
    store.save_entry(&published(resource("rsj", "301001/000003", "户籍人口")?), None, &event("x")).await?;
    assert_eq!(store.entry_by_name(&gaj, "没有").await?, None);

    let mut tasks = JoinSet::new();
    for number in 10..20 {
        let entry = published(resource("gaj", &format!("301001/{number}"), "居住证")?);
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.save_entry(&entry, None, &event("entry.created")).await });
    }
    let saved = tasks.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(saved, 1, "of many at the same time one wins");
    Ok(())
}

pub(super) async fn sequences(store: Arc<dyn Store>) -> Result<()> {
    store.put_department(&department("gaj", "公安局")?, &event("department.created")).await?;
    assert_eq!(store.next_sequence("301001").await?, 1);
    assert_eq!(store.next_sequence("301001").await?, 2);
    assert_eq!(store.next_sequence("301002").await?, 1);
    for code in ["301001/000041", "301001/999999999999999999", "301001/9999999999999999999", "301001/000003"]
    {
        let entry = published(resource("gaj", code, code)?);
        store.save_entry(&entry, None, &event("entry.imported")).await?;
    }
    assert_eq!(store.next_sequence("301001").await?, 42);

    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let store = Arc::clone(&store);
        tasks.spawn(async move { store.next_sequence("301009").await });
    }
    let taken: BTreeSet<u64> = tasks.join_all().await.into_iter().collect::<Result<_>>()?;
    assert_eq!(taken, (1..=20).collect());
    Ok(())
}
