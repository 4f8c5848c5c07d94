//! The tables' format: which migrations exist, which have run, and what happens before one runs.

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result};
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, SqlSafeStr};

use crate::failure::failed;
use crate::search::Dialect;

/// The migrations in `schemas/migrations`, in order. They never change once released.
const MIGRATIONS: [(i64, &str, &str); 15] = [
    (1, "catalogue", include_str!("../../../schemas/migrations/0001_catalogue.sql")),
    (2, "authors", include_str!("../../../schemas/migrations/0002_authors.sql")),
    (3, "retired items", include_str!("../../../schemas/migrations/0003_retired_items.sql")),
    (4, "matters", include_str!("../../../schemas/migrations/0004_matters.sql")),
    (5, "accounts", include_str!("../../../schemas/migrations/0005_accounts.sql")),
    (6, "confidential", include_str!("../../../schemas/migrations/0006_confidential.sql")),
    (8, "words", include_str!("../../../schemas/migrations/0008_words.sql")),
    (12, "reorganisation", include_str!("../../../schemas/migrations/0012_reorganisation.sql")),
    (14, "matter pages", include_str!("../../../schemas/migrations/0014_matter_pages.sql")),
    (15, "api keys", include_str!("../../../schemas/migrations/0015_api_keys.sql")),
    (
        16,
        "versions by publication",
        include_str!("../../../schemas/migrations/0016_versions_by_publication.sql"),
    ),
    (18, "subscriptions", include_str!("../../../schemas/migrations/0018_subscriptions.sql")),
    (19, "saved queries", include_str!("../../../schemas/migrations/0019_saved_queries.sql")),
    (20, "contributions", include_str!("../../../schemas/migrations/0020_contributions.sql")),
    (21, "entry revisions", include_str!("../../../schemas/migrations/0021_entry_revisions.sql")),
];

/// Brings the database to the newest format this program knows.
pub(crate) async fn run(writer: &AnyPool, dialect: Dialect) -> Result<()> {
    bring_to(writer, dialect, MIGRATIONS.len()).await
}

/// What a program does that knows so many formats: copies an older database and migrates it, refuses a newer one.
pub(crate) async fn bring_to(writer: &AnyPool, dialect: Dialect, formats: usize) -> Result<()> {
    let mut connection = writer.acquire().await.map_err(failed)?;
    let migrator = migrator(formats);
    let newest = migrator.iter().map(|migration| migration.version).max().unwrap_or(0);
    let table = &migrator.table_name;
    connection.ensure_migrations_table(table).await.map_err(Error::internal)?;
    let present = format_version(&mut connection).await?;
    if dialect == Dialect::Sqlite && 0 < present && present < newest {
        back_up(&mut connection, present).await?;
    }
    migrator.run(&mut *connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => newer(version, newest),
        other => Error::internal(other),
    })
}

/// The number of the newest migration that has run; 0 for an empty database.
pub(crate) async fn format_version(connection: &mut AnyConnection) -> Result<i64> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
        .map_err(failed)?;
    Ok(newest.unwrap_or(0))
}

fn migrator(formats: usize) -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(MIGRATIONS.into_iter().take(formats).map(migration).collect())
}

fn newer(present: i64, newest: i64) -> Error {
    let message = format!(
        "the catalogue's database has format {present}, and this program knows formats up to {newest}; \
         start the newer program again, or go back to the copy made before the change"
    );
    Error::new(ErrorCode::IllegalState, message)
}

/// Copies a SQLite database, with what its write-ahead log holds, into a new file beside it.
pub(crate) async fn back_up(connection: &mut AnyConnection, format: i64) -> Result<()> {
    let file: String = sqlx::query_scalar("SELECT file FROM pragma_database_list WHERE name = 'main'")
        .fetch_one(&mut *connection)
        .await
        .map_err(failed)?;
    let copy = free_name(Path::new(&file), format)?;
    tracing::info!(copy = %copy.display(), "copying the catalogue's database before its format changes");
    sqlx::query("VACUUM INTO $1")
        .bind(copy.to_string_lossy().into_owned())
        .execute(connection)
        .await
        .map_err(|error| {
            Error::new(
                ErrorCode::Unavailable,
                "the catalogue's database can't be copied, so its format stays; see the log",
            )
            .with_internal(error)
        })?;
    Ok(())
}

/// A name that no file has: an earlier copy is never overwritten.
fn free_name(file: &Path, format: i64) -> Result<PathBuf> {
    for attempt in 1.. {
        let name = match attempt {
            1 => format!("{}.format-{format}.bak", file.display()),
            _ => format!("{}.format-{format}.{attempt}.bak", file.display()),
        };
        if !Path::new(&name).try_exists().map_err(Error::internal)? {
            return Ok(name.into());
        }
    }
    Err(Error::internal("no free name for a copy of the database"))
}
