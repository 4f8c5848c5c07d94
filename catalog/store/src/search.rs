//! The search over published entries: derived from them, made and rebuilt here.
//!
//! Two parts, each for what it does fast. The words stand in `search_text`, which differs between the databases and which
//! only `sqlite.rs` and `postgres.rs` know. What filters and facets need is the portable tables `search_entries` and, for
//! fields with any number of values, `search_values`, kept in memory: over 100,000 entries all facets cost 15 ms there, and
//! some hundreds in SQL.

mod changes;
mod listing;
mod postgres;
mod recent;
mod sqlite;
mod tokens;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog_core::directory::resource::Entry;
use catalog_core::directory::{Department, Opening, Resource};
use catalog_core::ports::{CodePage, SearchHit, SearchPage, SearchQuery};
use catalog_core::{DepartmentId, Error, ResourceCode, Result};
use serde::Deserialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};
use tokio::sync::RwLock;

use crate::directory::published_entries;
use crate::failure::failed;
use crate::json;
pub(crate) use changes::touch;
use listing::{Listing, Selection, Tiers};
use recent::Recent;
use tokens::{Token, index_words, query_tokens};

/// Changes when tokens or index tables do; another number in the database means: build anew.
const INDEX_FORMAT: &str = "4";

/// Makes the portable tables anew.
const CREATE: [&str; 5] = [
    "DROP TABLE IF EXISTS search_text",
    "DELETE FROM search_entries",
    "DROP TABLE IF EXISTS search_values",
    "CREATE TABLE search_values (id BIGINT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL)",
    "CREATE INDEX search_values_by_entry ON search_values (id)",
];

/// Most hits on a page.
const MAX_LIMIT: u32 = 100;

/// Which database keeps the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In FTS5.
    Sqlite,
    /// In a `tsvector` column.
    Postgres,
}

/// The search of one database.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    dialect: Dialect,
    listing: Arc<RwLock<Listing>>,
    recent: Arc<Mutex<Recent>>,
}

/// The words of an entry, by how much they count.
struct Words {
    title: Vec<String>,
    keywords: Vec<String>,
    body: Vec<String>,
}

/// Where all words of a query must occur. A match in a narrower place is a better hit.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the name.
    Title,
    /// In name and keywords.
    Keywords,
    /// In name, keywords, abstract, items and department.
    Anywhere,
}

/// What a hit shows of a published resource beyond the listing.
#[derive(Deserialize)]
struct Shown {
    title: String,
    #[serde(rename = "abstract")]
    summary: String,
}

impl Search {
    /// A search that has read nothing yet.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, listing: Arc::default(), recent: Arc::default() }
    }

    /// Which database it is.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Makes the index, and fills it where there is none or one of another format.
    pub(crate) async fn prepare(&self, writer: &AnyPool) -> Result<()> {
        let mut tx = writer.begin().await.map_err(failed)?;
        let present: Option<String> =
            sqlx::query_scalar("SELECT value FROM folder WHERE name = 'search_index'")
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        if present.as_deref() == Some(INDEX_FORMAT) {
            return Ok(());
        }
        let create = match self.dialect {
            Dialect::Sqlite => sqlite::CREATE,
            Dialect::Postgres => postgres::CREATE,
        };
        for statement in CREATE.iter().chain(create) {
            sqlx::query(*statement).execute(&mut *tx).await.map_err(failed)?;
        }
        self.renew(&mut tx, None, 0).await?;
        let sql = "INSERT INTO folder (name, value) VALUES ('search_index', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(INDEX_FORMAT).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Indexes the published entries of a provider, or all, again.
    pub(crate) async fn renew(
        &self,
        connection: &mut AnyConnection,
        provider: Option<&DepartmentId>,
        change: i64,
    ) -> Result<()> {
        let mut after = 0;
        loop {
            let entries = published_entries(connection, provider, after).await?;
            let Some((last, _)) = entries.last() else { return Ok(()) };
            after = *last;
            for (id, entry) in &entries {
                self.put(connection, *id, entry, change).await?;
            }
        }
    }

    /// Brings the index up to date with an entry, whether or not it is published, in the change of that number.
    pub(crate) async fn put(
        &self,
        connection: &mut AnyConnection,
        id: i64,
        entry: &Entry,
        change: i64,
    ) -> Result<()> {
        let remove = match self.dialect {
            Dialect::Sqlite => sqlite::REMOVE,
            Dialect::Postgres => postgres::REMOVE,
        };
        for remove in [remove, "DELETE FROM search_values WHERE id = $1"] {
            sqlx::query(remove).bind(id).execute(&mut *connection).await.map_err(failed)?;
        }
        let Some(resource) = &entry.published else {
            let sql = "UPDATE search_entries SET listed = 0, changed = $1 WHERE id = $2";
            sqlx::query(sql).bind(change).bind(id).execute(connection).await.map_err(failed)?;
            return Ok(());
        };
        put_row(connection, id, resource, change).await?;
        put_values(connection, id, resource).await?;
        changes::put(connection, id, entry).await?;
        let words = words(connection, resource).await?;
        match self.dialect {
            Dialect::Sqlite => sqlite::put(connection, id, &words).await,
            Dialect::Postgres => postgres::put(connection, id, &words).await,
        }
    }

    /// Answers a search.
    pub(crate) async fn run(&self, reader: &AnyPool, query: &SearchQuery) -> Result<SearchPage> {
        let Some(tokens) = query_tokens(&query.text) else { return Ok(SearchPage::default()) };
        let mut connection = reader.acquire().await.map_err(failed)?;
        let tiers = self.found(&mut connection, tokens).await?;
        let listing = self.listing.read().await;
        let selection = listing.select(query, tiers.as_deref(), query.limit.min(MAX_LIMIT));
        drop(listing);
        let hits = hits(&mut connection, &selection).await?;
        Ok(SearchPage { hits, total: selection.total, facets: selection.facets })
    }

    /// Answers a search by codes alone, from memory as soon as its words are found.
    pub(crate) async fn codes(&self, reader: &AnyPool, query: &SearchQuery) -> Result<CodePage> {
        let Some(tokens) = query_tokens(&query.text) else { return Ok(CodePage::default()) };
        let mut connection = reader.acquire().await.map_err(failed)?;
        let tiers = self.found(&mut connection, tokens).await?;
        drop(connection);
        let Selection { page, total, facets } =
            self.listing.read().await.select(query, tiers.as_deref(), query.limit);
        let codes = page.into_iter().map(|row| ResourceCode::new(row.code)).collect::<Result<_>>()?;
        Ok(CodePage { codes, total, facets })
    }

    /// Where the words occur, as of now; `None` where there are none to look for.
    async fn found(&self, connection: &mut AnyConnection, tokens: Vec<Token>) -> Result<Option<Arc<Tiers>>> {
        self.catch_up(connection).await?;
        match tokens.is_empty() {
            true => Ok(None),
            false => Ok(Some(self.tiers(connection, tokens).await?)),
        }
    }

    /// Fetches into memory what changed since the last time, here or in another process.
    pub(crate) async fn catch_up(&self, connection: &mut AnyConnection) -> Result<()> {
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(changed) FROM search_entries")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        let known = self.listing.read().await.known();
        if newest.is_none_or(|newest| newest <= known) {
            return Ok(());
        }
        // Whoever waits here finds that somebody else has caught up.
        let mut listing = self.listing.write().await;
        let rows = sqlx::query("SELECT * FROM search_entries WHERE changed > $1")
            .bind(listing.known())
            .fetch_all(&mut *connection)
            .await
            .map_err(failed)?;
        let sql = "SELECT v.id, v.field, v.value FROM search_values v JOIN search_entries e ON e.id = v.id \
                   WHERE e.changed > $1";
        let values = sqlx::query(sql).bind(listing.known()).fetch_all(connection).await.map_err(failed)?;
        listing.apply(&rows, &values)
    }

    /// The entries in which all words occur, by place.
    async fn tiers(&self, connection: &mut AnyConnection, tokens: Vec<Token>) -> Result<Arc<Tiers>> {
        // An index that is newer than this number is looked at under the next one again.
        let known = self.listing.read().await.known();
        if let Some(tiers) = self.recent().get(known, &tokens) {
            return Ok(tiers);
        }
        let mut tiers = Tiers::default();
        let mut range = (0, i64::MAX);
        for place in [Place::Anywhere, Place::Keywords, Place::Title] {
            let (sql, words) = match self.dialect {
                Dialect::Sqlite => (sqlite::FIND, sqlite::query(&tokens, place)),
                Dialect::Postgres => (postgres::FIND, postgres::query(&tokens, place)),
            };
            // One text of numbers: a row for each of 100,000 hits would take longer than finding them.
            let ids: Option<String> = sqlx::query_scalar(sql)
                .bind(words)
                .bind(range.0)
                .bind(range.1)
                .fetch_one(&mut *connection)
                .await
                .map_err(failed)?;
            let Some(ids) = ids else { break };
            match tiers.narrow(ids.split(',').filter_map(|id| id.parse().ok())) {
                Some(found) => range = found,
                None => break,
            }
        }
        let tiers = Arc::new(tiers);
        self.recent().put(known, tokens, Arc::clone(&tiers));
        Ok(tiers)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn put_row(connection: &mut AnyConnection, id: i64, resource: &Resource, change: i64) -> Result<()> {
    let classification = resource.code.classification();
    let sql = "INSERT INTO search_entries (id, changed, listed, code, title_length, department, sharing, opening, \
               update_cycle, format, item) VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, listed = 1, \
               title_length = excluded.title_length, department = excluded.department, sharing = excluded.sharing, \
               opening = excluded.opening, update_cycle = excluded.update_cycle, format = excluded.format";
    sqlx::query(sql)
        .bind(id)
        .bind(change)
        .bind(resource.code.as_str())
        .bind(i64::try_from(resource.title.chars().count()).map_err(Error::internal)?)
        .bind(resource.provider.as_str())
        .bind(resource.sharing().map_or(3, |sharing| sharing.digit()).to_string())
        .bind(opening_word(resource.opening()))
        .bind(json::to_word(resource.update_cycle)?)
        .bind(&resource.format.class)
        .bind(classification.get(..3).unwrap_or(classification))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Keywords and licence, each value once.
async fn put_values(connection: &mut AnyConnection, id: i64, resource: &Resource) -> Result<()> {
    let keywords: BTreeSet<&String> = resource.keywords.iter().collect();
    let keywords = keywords.into_iter().map(|word| ("keyword", word));
    for (field, value) in keywords.chain(resource.licence.iter().map(|licence| ("licence", licence))) {
        sqlx::query("INSERT INTO search_values (id, field, value) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(field)
            .bind(value)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

async fn words(connection: &mut AnyConnection, resource: &Resource) -> Result<Words> {
    let department: Option<String> = sqlx::query_scalar("SELECT document FROM departments WHERE id = $1")
        .bind(resource.provider.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let department = match department {
        Some(text) => json::from_text::<Department>(&text)?.name,
        None => String::new(),
    };
    let names = [resource.code.as_str(), resource.sql_name.as_str(), &resource.summary, &department];
    let items = resource.items.iter().flat_map(|item| [item.title.as_str(), item.column.as_str()]);
    Ok(Words {
        title: index_words([resource.title.as_str()]),
        keywords: index_words(resource.keywords.iter().map(String::as_str)),
        body: index_words(names.into_iter().chain(items)),
    })
}

/// The hits of a page, with what only their documents say.
async fn hits(connection: &mut AnyConnection, selection: &Selection) -> Result<Vec<SearchHit>> {
    if selection.page.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<String> = selection.page.iter().map(|row| row.id.to_string()).collect();
    let sql = format!("SELECT id, published FROM entries WHERE id IN ({})", ids.join(", "));
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    let documents = query.fetch_all(connection).await.map_err(failed)?;
    let mut hits = Vec::with_capacity(documents.len());
    for row in &selection.page {
        // Withdrawn since the words were found: no longer a hit.
        if let Some(shown) = shown(&documents, row.id)? {
            hits.push(SearchHit {
                code: ResourceCode::new(row.code.as_str())?,
                title: shown.title,
                summary: shown.summary,
                department: DepartmentId::new(row.department.as_str())?,
                sharing: row.sharing.parse().map_err(Error::internal)?,
                opening: row.opening.clone(),
            });
        }
    }
    Ok(hits)
}

fn shown(documents: &[AnyRow], id: i64) -> Result<Option<Shown>> {
    for document in documents {
        if document.try_get::<i64, _>("id").map_err(failed)? == id {
            let published: Option<&str> = document.try_get("published").map_err(failed)?;
            return published.map(json::from_text).transpose();
        }
    }
    Ok(None)
}

/// The word under which searches know an openness.
fn opening_word(opening: &Opening) -> &'static str {
    match opening {
        Opening::Closed => "closed",
        Opening::Conditional { .. } => "conditional",
        Opening::Open => "open",
    }
}

#[cfg(test)]
mod tests;
