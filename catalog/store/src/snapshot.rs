//! Copies of the whole database: into a SQLite file, whichever kind it is, and back.

use std::path::Path;

use catalog_core::evidence::EvidenceRecord;
use catalog_core::{Error, ErrorCode, Result};
use futures::TryStreamExt as _;
use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row as _, Transaction};

use crate::failure::failed;
use crate::json;
use crate::search::Dialect;
use crate::store::CatalogStore;

/// The catalogue at rest: nothing changes it while this value lives.
pub struct Resting {
    /// Events that the evidence log may not hold yet; of later ones there are none.
    pub pending: Vec<EvidenceRecord>,
    held: Held,
}

/// What keeps changes waiting.
enum Held {
    /// The one connection that writes.
    Sqlite(PoolConnection<Any>),
    /// The lock that every change takes first, and a view of the database as it is now.
    Postgres { lock: Transaction<'static, Any>, view: Transaction<'static, Any> },
}

impl CatalogStore {
    /// Waits for the change that is being made, and lets none begin.
    pub async fn rest(&self) -> Result<Resting> {
        let mut held = match self.search.dialect() {
            Dialect::Sqlite => Held::Sqlite(self.writer.acquire().await.map_err(failed)?),
            Dialect::Postgres => {
                let mut lock = self.writer.begin().await.map_err(failed)?;
                run(&mut lock, "UPDATE sequences SET taken = taken WHERE name = 'outbox'").await?;
                // Said with the beginning: once anything was asked, it can't be.
                let view = self.reader.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
                let view = view.await.map_err(failed)?;
                Held::Postgres { lock, view }
            }
        };
        let connection: &mut AnyConnection = match &mut held {
            Held::Sqlite(connection) => connection,
            Held::Postgres { view, .. } => view,
        };
        let waiting: Vec<String> = sqlx::query_scalar("SELECT document FROM outbox ORDER BY seq")
            .fetch_all(connection)
            .await
            .map_err(failed)?;
        let pending = waiting.iter().map(|text| json::from_text(text)).collect::<Result<_>>()?;
        Ok(Resting { pending, held })
    }

    /// Fills an empty database with what [`Resting::copy_into`] wrote. The search index follows from it and is made when
    /// the database is next opened.
    ///
    /// # Errors
    /// `conflict` where the database holds anything.
    pub async fn fill(&self, file: &Path) -> Result<()> {
        let copy = Self::connect(&address(file)).await?;
        let mut source = copy.writer.acquire().await.map_err(failed)?;
        let tables = tables(&mut source).await?;
        let mut target = self.writer.begin().await.map_err(failed)?;
        let others: Vec<_> = tables.iter().filter(|table| !table.is_initialised()).collect();
        for table in others {
            let sql = format!("SELECT COUNT(*) FROM {}", table.name);
            let rows: i64 =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut *target).await.map_err(failed)?;
            if rows > 0 {
                let message = "the database holds a catalogue already: a restore takes an empty one";
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        copy_tables(&tables, &mut source, &mut target).await?;
        target.commit().await.map_err(failed)?;
        drop(source);
        copy.close().await;
        Ok(())
    }
}

impl Resting {
    /// Writes the catalogue into a new SQLite file, without waiting events, which the log must hold by now, and
    /// without sessions, which a restore would revive. On PostgreSQL
    /// changes go on meanwhile.
    pub async fn copy_into(self, file: &Path) -> Result<()> {
        match self.held {
            Held::Sqlite(mut connection) => {
                sqlx::query("VACUUM INTO $1")
                    .bind(file.to_string_lossy().into_owned())
                    .execute(&mut *connection)
                    .await
                    .map_err(failed)?;
            }
            Held::Postgres { lock, mut view } => {
                lock.rollback().await.map_err(failed)?;
                let copy = CatalogStore::connect(&address(file)).await?;
                let mut target = copy.writer.begin().await.map_err(failed)?;
                let tables = tables(&mut target).await?;
                copy_tables(&tables, &mut view, &mut target).await?;
                target.commit().await.map_err(failed)?;
                copy.close().await;
            }
        }
        let copy = CatalogStore::connect(&address(file)).await?;
        for table in ["outbox", "sessions"] {
            run(&mut *copy.writer.acquire().await.map_err(failed)?, format!("DELETE FROM {table}")).await?;
        }
        copy.close().await;
        Ok(())
    }
}

/// A table of the catalogue.
struct Table {
    name: String,
    /// Each with whether it holds numbers.
    columns: Vec<(String, bool)>,
    /// The column that refers to another row of the same table.
    parent: Option<String>,
}

impl Table {
    /// Whether a migration fills it.
    fn is_initialised(&self) -> bool {
        matches!(self.name.as_str(), "sequences" | "folder")
    }
}

/// The tables of a SQLite database in the order in which they refer to each other, without those of the search index.
async fn tables(connection: &mut AnyConnection) -> Result<Vec<Table>> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
               AND name NOT LIKE 'search_%' AND name <> '_sqlx_migrations' ORDER BY rowid";
    let names: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    let mut tables = Vec::new();
    for name in names {
        let columns = sqlx::query("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
            .bind(name.clone())
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let column = |row: &AnyRow| {
            let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            Ok((name, kind != "TEXT"))
        };
        let columns = columns.iter().map(column).collect::<Result<_, _>>().map_err(failed)?;
        let parent =
            sqlx::query_scalar("SELECT \"from\" FROM pragma_foreign_key_list($1) WHERE \"table\" = $1")
                .bind(name.clone())
                .fetch_optional(&mut *connection)
                .await
                .map_err(failed)?;
        tables.push(Table { name, columns, parent });
    }
    Ok(tables)
}

async fn copy_tables(tables: &[Table], source: &mut AnyConnection, target: &mut AnyConnection) -> Result<()> {
    let initialised: Vec<_> = tables.iter().filter(|table| table.is_initialised()).collect();
    for table in initialised {
        run(target, format!("DELETE FROM {}", table.name)).await?;
    }
    for table in tables {
        copy_table(table, source, target).await?;
    }
    run(target, "DELETE FROM folder WHERE name = 'search_index'").await
}

/// A value of a row.
#[derive(Clone)]
enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

async fn copy_table(table: &Table, source: &mut AnyConnection, target: &mut AnyConnection) -> Result<()> {
    let names: Vec<_> = table.columns.iter().map(|(name, _)| name.as_str()).collect();
    let places: Vec<_> = (1..=names.len()).map(|number| format!("${number}")).collect();
    let (names, places) = (names.join(", "), places.join(", "));
    let select = format!("SELECT {names} FROM {}", table.name);
    let insert = format!("INSERT INTO {} ({names}) VALUES ({places})", table.name);
    let mut children = Vec::new();
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(source);
    while let Some(row) = rows.try_next().await.map_err(failed)? {
        let values = table.values(&row).map_err(failed)?;
        match table.refers(&values) {
            true => children.push(values),
            false => put(&insert, values, target).await?,
        }
    }
    // Parents stand before those that refer to them, in whatever order the rows came.
    let parent = table.columns.iter().position(|(name, _)| Some(name) == table.parent.as_ref());
    while let Some(parent) = parent.filter(|_| !children.is_empty()) {
        let own = |row: &Vec<Value>| row.first().map(Value::text).unwrap_or_default();
        let waiting: std::collections::BTreeSet<_> = children.iter().map(own).collect();
        let (ready, rest): (Vec<_>, Vec<_>) = children
            .into_iter()
            .partition(|row| row.get(parent).is_none_or(|value| !waiting.contains(&value.text())));
        if ready.is_empty() {
            let message = format!("rows of `{}` refer to each other in a circle", table.name);
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        for values in ready {
            put(&insert, values, target).await?;
        }
        children = rest;
    }
    Ok(())
}

impl Table {
    fn values(&self, row: &AnyRow) -> sqlx::Result<Vec<Value>> {
        let value = |(place, (_, is_number)): (usize, &(String, bool))| {
            Ok(match is_number {
                true => Value::Number(row.try_get(place)?),
                false => Value::Text(row.try_get(place)?),
            })
        };
        self.columns.iter().enumerate().map(value).collect()
    }

    /// Whether a row refers to another row of the table.
    fn refers(&self, values: &[Value]) -> bool {
        let Some(parent) = &self.parent else { return false };
        let place = self.columns.iter().position(|(name, _)| name == parent);
        place.and_then(|place| values.get(place)).is_some_and(|value| !value.text().is_empty())
    }
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone().unwrap_or_default(),
            Self::Number(number) => number.map(|number| number.to_string()).unwrap_or_default(),
        }
    }
}

async fn put(insert: &str, values: Vec<Value>, target: &mut AnyConnection) -> Result<()> {
    let mut query = sqlx::query(AssertSqlSafe(insert.to_owned()));
    for value in values {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
        };
    }
    query.execute(target).await.map_err(failed)?;
    Ok(())
}

async fn run(connection: &mut AnyConnection, sql: impl Into<String>) -> Result<()> {
    sqlx::query(AssertSqlSafe(sql.into())).execute(connection).await.map_err(failed)?;
    Ok(())
}

fn address(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}
