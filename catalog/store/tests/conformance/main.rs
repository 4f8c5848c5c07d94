//! The conformance checks on both databases.

#[cfg(test)]
mod postgres;
#[cfg(test)]
mod snapshot;

#[cfg(test)]
mod checks {
    use std::sync::Arc;

    use catalog_store::CatalogStore;
    use catalog_store::conformance::CHECKS;

    use super::postgres::Postgres;

    #[tokio::test(flavor = "multi_thread")]
    async fn sqlite() {
        for (name, check) in CHECKS {
            println!("{name}");
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite://{}/catalogue.db", folder.path().display());
            check(Arc::new(CatalogStore::connect(&url).await.unwrap())).await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn postgres() {
        let server = Postgres::start();
        for (name, check) in CHECKS {
            println!("{name}");
            let store = CatalogStore::connect(&server.new_database()).await.unwrap();
            check(Arc::new(store.clone())).await.unwrap();
            store.close().await;
        }
    }
}
