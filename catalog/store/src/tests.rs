use catalog_core::ErrorCode;
use catalog_core::directory::history::Revision;
use catalog_core::ports::{DirectoryStore, EntryHistoryStore, Outbox, SearchQuery};
use sqlx::{Connection, Executor};

use crate::CatalogStore;
use crate::conformance::samples::{department, event, published, resource};
use crate::search::Dialect;

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite://{}/catalogue.db", folder.path().display())
}

async fn execute(url: &str, sql: &'static str) {
    let mut connection = sqlx::AnyConnection::connect(url).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
}

async fn refusal(url: &str) -> ErrorCode {
    CatalogStore::connect(url).await.unwrap_err().code
}

#[tokio::test]
async fn other_addresses_are_refused() {
    assert_eq!(refusal("mysql://localhost/x").await, ErrorCode::InvalidInput);
    assert_eq!(refusal("").await, ErrorCode::InvalidInput);
    assert_ne!(refusal("sqlite:///nowhere/at/all/catalogue.db").await, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn a_folder_keeps_its_format_and_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    let office = department("gaj", "公安局").unwrap();
    store.put_department(&office, &event("department.created")).await.unwrap();
    assert_eq!(store.format_version().await.unwrap(), 21);
    store.close().await;
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    assert_eq!(store.departments().await.unwrap(), [office]);
    assert_eq!(store.pending(10).await.unwrap().len(), 1);
    let files: Vec<_> = folder.path().read_dir().unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!files.iter().any(|name| name.to_string_lossy().ends_with(".bak")), "nothing changed: {files:?}");
}

#[tokio::test]
async fn a_newer_folder_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    CatalogStore::connect(&url).await.unwrap().close().await;
    execute(
        &url,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', TRUE, x'00', 0)",
    )
    .await;
    let error = CatalogStore::connect(&url).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::IllegalState);
    assert!(error.message.contains("format 99"), "{error}");
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    CatalogStore::connect(&url).await.unwrap().close().await;
    execute(&url, "UPDATE _sqlx_migrations SET checksum = x'00'").await;
    assert_eq!(refusal(&url).await, ErrorCode::Internal);
}

#[tokio::test]
async fn a_newer_program_copies_and_migrates_and_an_older_one_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let url = url(&folder);
    sqlx::any::install_default_drivers();
    let pool = sqlx::any::AnyPoolOptions::new().max_connections(1).connect(&format!("{url}?mode=rwc")).await;
    let pool = pool.unwrap();
    crate::migration::bring_to(&pool, Dialect::Sqlite, 1).await.unwrap();
    let office = department("gaj", "公安局").unwrap();
    sqlx::query("INSERT INTO departments (id, document) VALUES ('gaj', $1)")
        .bind(serde_json::to_string(&office).unwrap())
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;

    let store = CatalogStore::connect(&url).await.unwrap();
    let newest = store.format_version().await.unwrap();
    assert!(newest > 1);
    assert_eq!(store.departments().await.unwrap(), std::slice::from_ref(&office));
    let refused = crate::migration::bring_to(&store.writer, Dialect::Sqlite, 1).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::IllegalState);
    assert!(refused.message.contains("knows formats up to 1"), "{refused}");
    store.close().await;

    let copy = format!("sqlite://{}/catalogue.db.format-1.bak", folder.path().display());
    let mut copy = sqlx::AnyConnection::connect(&copy).await.unwrap();
    assert_eq!(crate::migration::format_version(&mut copy).await.unwrap(), 1, "the copy is of before");
    let kept: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM departments").fetch_one(&mut copy).await.unwrap();
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn copies_never_overwrite_each_other_and_hold_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    let office = department("gaj", "公安局").unwrap();
    store.put_department(&office, &event("department.created")).await.unwrap();
    let mut connection = store.writer.acquire().await.unwrap();
    for _ in 0..2 {
        crate::migration::back_up(&mut connection, 1).await.unwrap();
    }
    for name in ["catalogue.db.format-1.bak", "catalogue.db.format-1.2.bak"] {
        let copy =
            CatalogStore::connect(&format!("sqlite://{}/{name}", folder.path().display())).await.unwrap();
        assert_eq!(copy.departments().await.unwrap(), std::slice::from_ref(&office));
    }
}

#[tokio::test]
async fn an_index_of_another_format_is_built_anew() {
    let folder = tempfile::tempdir().unwrap();
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    store.put_department(&department("gaj", "公安局").unwrap(), &event("x")).await.unwrap();
    let entry = published(resource("gaj", "301001/000001", "户籍人口").unwrap());
    store.save_entry(&entry, None, &event("x")).await.unwrap();
    store.close().await;
    execute(
        &url(&folder),
        "DROP TABLE search_text; UPDATE folder SET value = '0' WHERE name = 'search_index'",
    )
    .await;
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    let query = SearchQuery { text: "人口".to_owned(), limit: 1, ..SearchQuery::default() };
    assert_eq!(store.search(&query).await.unwrap().total, 1);
}

#[tokio::test]
async fn the_history_of_an_older_entry_begins_with_how_it_stood() {
    let folder = tempfile::tempdir().unwrap();
    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    store.put_department(&department("gaj", "公安局").unwrap(), &event("x")).await.unwrap();
    let mut entry = published(resource("gaj", "301001/000001", "户籍人口").unwrap());
    entry.revision = 5;
    store.save_entry(&entry, None, &event("resource.edited")).await.unwrap();
    store.close().await;
    execute(&url(&folder), "DELETE FROM entry_revisions").await;

    let store = CatalogStore::connect(&url(&folder)).await.unwrap();
    // A step changes nothing in the draft; the edit after it does.
    for (revision, title) in [(6, "户籍人口"), (7, "户籍人口信息")] {
        (entry.revision, entry.draft.title) = (revision, title.to_owned());
        store.save_entry(&entry, Some(revision - 1), &event("resource.edited")).await.unwrap();
    }
    let code = &entry.draft.code;
    let history = store.entry_history(code, None, 9).await.unwrap();
    let told: Vec<_> = history.iter().map(|one| (one.revision, one.action.as_str())).collect();
    assert_eq!(told, [(7, "resource.edited"), (6, "resource.edited"), (5, Revision::OLDER)]);
    for (revision, title) in [(5, "户籍人口"), (6, "户籍人口"), (7, "户籍人口信息")] {
        let draft = store.draft_at(code, revision).await.unwrap();
        assert_eq!(draft.map(|draft| draft.title).as_deref(), Some(title), "revision {revision}");
    }
}
