//! Copies of the database: whatever the checks wrote stands in them, on whichever database.

use std::sync::Arc;

use catalog_core::ErrorCode;
use catalog_core::ports::{
    CredentialStore as _, DirectoryStore as _, GrantStore as _, MatterQuery, MatterStore as _, Outbox as _,
    SearchQuery, VersionStore as _,
};
use catalog_store::CatalogStore;
use catalog_store::conformance::CHECKS;

use super::postgres::Postgres;

/// Everything that ports show of a database, as one text.
async fn content(store: &CatalogStore) -> String {
    let mut all = format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}\n",
        store.departments().await.unwrap(),
        store.people().await.unwrap(),
        store.keys().await.unwrap(),
        store.grants().await.unwrap(),
        store.matters(&MatterQuery::default()).await.unwrap(),
    );
    for entry in store.entries(None).await.unwrap() {
        let code = &entry.draft.code;
        let versions = store.versions(code).await.unwrap();
        let withdrawals = store.record_withdrawals(code).await.unwrap();
        all += &format!("{entry:?}\n{versions:?}\n{withdrawals:?}\n");
    }
    for text in ["", "许可", "企业"] {
        let query = SearchQuery { text: text.to_owned(), limit: 100, facets: true, ..SearchQuery::default() };
        all += &format!("{:?}\n", store.search(&query).await.unwrap());
    }
    all
}

async fn copied(store: &CatalogStore, postgres: &Postgres) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.sqlite");
    let waiting = store.pending(10_000).await.unwrap();
    let resting = store.rest().await.unwrap();
    assert_eq!(resting.pending, waiting);
    resting.copy_into(&file).await.unwrap();
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["copy.sqlite"], "one whole file");
    let expected = content(store).await;
    let copy = CatalogStore::connect(&format!("sqlite://{}", file.display())).await.unwrap();
    assert_eq!(content(&copy).await, expected);
    assert_eq!(copy.pending(10).await.unwrap(), [], "the log holds them");
    copy.close().await;
    let other = CatalogStore::connect(&postgres.new_database()).await.unwrap();
    other.fill(&file).await.unwrap();
    let refused = other.fill(&file).await.map_err(|error| error.code);
    let is_empty = store.departments().await.unwrap().is_empty() && store.keys().await.unwrap().is_empty();
    assert!(is_empty || refused == Err(ErrorCode::Conflict));
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_holds_all_that_the_database_holds() {
    let postgres = Postgres::start();
    for (name, check) in CHECKS {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        let store =
            CatalogStore::connect(&format!("sqlite://{}/c.db", folder.path().display())).await.unwrap();
        check(Arc::new(store.clone())).await.unwrap();
        copied(&store, &postgres).await;
        store.close().await;
        let address = postgres.new_database();
        let store = CatalogStore::connect(&address).await.unwrap();
        check(Arc::new(store.clone())).await.unwrap();
        copied(&store, &postgres).await;
        store.close().await;
    }
}

/// What is written while the catalogue is copied waits, or comes after it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_changes_while_the_catalogue_rests() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    for address in [format!("sqlite://{}/c.db", folder.path().display()), postgres.new_database()] {
        let store = CatalogStore::connect(&address).await.unwrap();
        let resting = store.rest().await.unwrap();
        let writer = store.clone();
        let writing = tokio::spawn(async move {
            let office = catalog_store::conformance::samples::department("gaj", "公安局").unwrap();
            let event = catalog_store::conformance::samples::event("department.created");
            writer.put_department(&office, &event).await.unwrap();
        });
        for _ in 0..50 {
            assert_eq!(store.departments().await.unwrap(), []);
            tokio::task::yield_now().await;
        }
        assert!(!writing.is_finished());
        let file = folder.path().join(format!("copy-{}.sqlite", address.len()));
        resting.copy_into(&file).await.unwrap();
        writing.await.unwrap();
        let copy = CatalogStore::connect(&format!("sqlite://{}", file.display())).await.unwrap();
        assert_eq!(copy.departments().await.unwrap(), []);
        assert_eq!(store.departments().await.unwrap().len(), 1);
        store.close().await;
    }
}
