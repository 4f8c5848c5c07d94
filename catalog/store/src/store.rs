//! The connection to the database.

use std::time::Duration;

use catalog_core::{Error, ErrorCode, Result};
use serde::de::DeserializeOwned;
use sqlx::any::{AnyArguments, AnyPoolOptions};
use sqlx::postgres::PgConnectOptions;
use sqlx::query::QueryScalar;
use sqlx::{Any, AnyConnection, AnyPool, Executor};

use crate::change::{self, Revision};
use crate::failure::failed;
use crate::json;
use crate::migration;
use crate::search::{Dialect, Search};

/// A query for documents.
pub(crate) type Documents<'q> = QueryScalar<'q, Any, String, AnyArguments>;

/// Connections at the same time, all of them or, on SQLite, those that read.
const CONNECTIONS: u32 = 8;

/// The longest wait for the first answer of a PostgreSQL server.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Settings of a SQLite connection that writes: a commit survives a power cut.
const SQLITE_WRITER: &str = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON;";

/// Settings of a SQLite connection that reads, with 32 MiB of page cache.
const SQLITE_READER: &str =
    "PRAGMA busy_timeout = 10000; PRAGMA query_only = ON; PRAGMA cache_size = -32768;";

/// The catalogue's database: SQLite in a file, or PostgreSQL. Implements every port of [`catalog_core::ports`].
#[derive(Debug, Clone)]
pub struct CatalogStore {
    pub(crate) reader: AnyPool,
    pub(crate) writer: AnyPool,
    pub(crate) search: Search,
    pub(crate) revision: Revision,
}

impl CatalogStore {
    /// Opens `sqlite:///path/catalogue.db` (made if missing) or `postgres://user@host/database`, and brings the tables to
    /// this program's format. An existing SQLite file is copied beside itself before its format changes.
    ///
    /// # Errors
    /// `invalid_input` for another kind of address, `unavailable` if the database does not answer, `illegal_state` if its
    /// format is newer than this program.
    pub async fn connect(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let dialect = match url.split(':').next() {
            Some("sqlite") => Dialect::Sqlite,
            Some("postgres" | "postgresql") => Dialect::Postgres,
            _ => {
                let message = "the database must be sqlite://path or postgres://user@host/database";
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
        };
        let writer = match dialect {
            Dialect::Sqlite => pool(1, SQLITE_WRITER).connect(&creating(url)).await.map_err(failed)?,
            Dialect::Postgres => {
                let first = pool(1, "").acquire_timeout(FIRST_ANSWER).connect(url).await;
                first.map_err(|error| unanswered(url, error))?.close().await;
                pool(CONNECTIONS, "").connect(url).await.map_err(|error| unanswered(url, error))?
            }
        };
        migration::run(&writer, dialect).await?;
        let search = Search::new(dialect);
        search.prepare(&writer).await?;
        let reader = match dialect {
            // A file does not go away as a server does: nothing is asked of it before each use.
            Dialect::Sqlite => pool(CONNECTIONS, SQLITE_READER)
                .test_before_acquire(false)
                .connect(url)
                .await
                .map_err(failed)?,
            Dialect::Postgres => writer.clone(),
        };
        let mut connection = reader.acquire().await.map_err(failed)?;
        search.catch_up(&mut connection).await?;
        let revision = match dialect {
            Dialect::Sqlite => Revision::known(change::newest(&mut connection).await?),
            Dialect::Postgres => Revision::default(),
        };
        drop(connection);
        Ok(Self { reader, writer, search, revision })
    }

    /// The format version of the data folder: the number of the newest migration that has run.
    pub async fn format_version(&self) -> Result<i64> {
        let mut connection = self.reader.acquire().await.map_err(failed)?;
        migration::format_version(&mut connection).await
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// The documents that a query finds.
    pub(crate) async fn documents<T: DeserializeOwned>(&self, query: Documents<'_>) -> Result<Vec<T>> {
        let texts = query.fetch_all(&self.reader).await.map_err(failed)?;
        texts.iter().map(|text| json::from_text(text)).collect()
    }

    /// The one document that a query finds.
    pub(crate) async fn document<T: DeserializeOwned>(&self, query: Documents<'_>) -> Result<Option<T>> {
        let text = query.fetch_optional(&self.reader).await.map_err(failed)?;
        text.map(|text| json::from_text(&text)).transpose()
    }
}

/// The failure to reach a PostgreSQL server at all, with its host and port alone.
fn unanswered(url: &str, error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => {
            let server = url.parse::<PgConnectOptions>();
            let server = server.map_or_else(
                |_| "its address".to_owned(),
                |server| format!("{}:{}", server.get_host(), server.get_port()),
            );
            let message = format!(
                "the catalogue's database at {server} does not answer: see that it runs there, and [catalogue] database"
            );
            Error::new(ErrorCode::Unavailable, message).with_internal(error)
        }
        _ => failed(error),
    }
}

/// Connections on which `settings` have been run.
fn pool(connections: u32, settings: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(connections).acquire_timeout(Duration::from_secs(30)).after_connect(
        move |connection: &mut AnyConnection, _| {
            Box::pin(async move { connection.execute(settings).await.map(|_| ()) })
        },
    )
}

/// The address of a SQLite file that is made if it is missing.
fn creating(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}mode=rwc")
}
