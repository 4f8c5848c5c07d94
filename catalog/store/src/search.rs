//! The search index: derived from the published entries, made and rebuilt here, different on the two databases.
//!
//! What filters and facets need stands in the portable table `search_entries`. The words stand in `search_text`, which
//! only the files `sqlite.rs` and `postgres.rs` know.

mod facets;
mod filter;
mod postgres;
mod sqlite;
mod tokens;

use catalog_core::directory::resource::Entry;
use catalog_core::directory::{Opening, Resource};
use catalog_core::ports::{SearchHit, SearchPage, SearchQuery};
use catalog_core::{DepartmentId, Error, ResourceCode, Result};
use serde::Deserialize;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};

use crate::directory::published_entries;
use crate::failure::failed;
use crate::json;
use filter::Matching;
use tokens::index_words;

/// Changes when tokens or index tables do; another number in the database means: build anew.
const INDEX_FORMAT: &str = "1";

/// Most hits on a page.
const MAX_LIMIT: u32 = 100;

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    /// FTS5.
    Sqlite,
    /// A `tsvector` column.
    Postgres,
}

/// The words of an entry, by how much they count.
pub(crate) struct Words {
    title: Vec<String>,
    keywords: Vec<String>,
    body: Vec<String>,
}

/// What a hit shows of a published resource.
#[derive(Deserialize)]
struct Shown {
    title: String,
    #[serde(rename = "abstract")]
    summary: String,
}

impl Search {
    /// Makes the index, and fills it where there is none or one of another format.
    pub(crate) async fn prepare(self, writer: &AnyPool) -> Result<()> {
        let mut tx = writer.begin().await.map_err(failed)?;
        let present: Option<String> =
            sqlx::query_scalar("SELECT value FROM folder WHERE name = 'search_index'")
                .fetch_optional(&mut *tx)
                .await
                .map_err(failed)?;
        if present.as_deref() == Some(INDEX_FORMAT) {
            return Ok(());
        }
        let create = match self {
            Self::Sqlite => sqlite::CREATE,
            Self::Postgres => postgres::CREATE,
        };
        for statement in
            ["DROP TABLE IF EXISTS search_text", "DELETE FROM search_entries"].iter().chain(create)
        {
            sqlx::query(*statement).execute(&mut *tx).await.map_err(failed)?;
        }
        self.renew(&mut tx, None).await?;
        let sql = "INSERT INTO folder (name, value) VALUES ('search_index', $1) \
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        sqlx::query(sql).bind(INDEX_FORMAT).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)
    }

    /// Brings the index up to date with an entry, whether or not it is published.
    pub(crate) async fn put(self, connection: &mut AnyConnection, id: i64, entry: &Entry) -> Result<()> {
        for table in ["DELETE FROM search_entries WHERE id = $1", self.remove_words()] {
            sqlx::query(table).bind(id).execute(&mut *connection).await.map_err(failed)?;
        }
        let Some(resource) = &entry.published else { return Ok(()) };
        put_row(connection, id, resource).await?;
        let words = words(connection, resource).await?;
        match self {
            Self::Sqlite => sqlite::put(connection, id, &words).await,
            Self::Postgres => postgres::put(connection, id, &words).await,
        }
    }

    /// Indexes the published entries of a provider, or all, again.
    pub(crate) async fn renew(
        self,
        connection: &mut AnyConnection,
        provider: Option<&DepartmentId>,
    ) -> Result<()> {
        let mut after = 0;
        loop {
            let entries = published_entries(connection, provider, after).await?;
            let Some((last, _)) = entries.last() else { return Ok(()) };
            after = *last;
            for (id, entry) in &entries {
                self.put(connection, *id, entry).await?;
            }
        }
    }

    /// Answers a search.
    pub(crate) async fn run(self, reader: &AnyPool, query: &SearchQuery) -> Result<SearchPage> {
        let Some(matching) = Matching::new(self, query) else { return Ok(SearchPage::default()) };
        let mut connection = reader.acquire().await.map_err(failed)?;
        let total = matching.count(&mut connection).await?;
        let facets = match query.facets {
            true => facets::count(&mut connection, &matching).await?,
            false => Vec::new(),
        };
        let hits = self.hits(&mut connection, &matching, query).await?;
        Ok(SearchPage { hits, total, facets })
    }

    /// One page, ranked where there are words, else by code. Documents are fetched for the page alone.
    async fn hits(
        self,
        connection: &mut AnyConnection,
        matching: &Matching,
        query: &SearchQuery,
    ) -> Result<Vec<SearchHit>> {
        let rank = match (matching.ranked, self) {
            (false, _) => "0",
            (true, Self::Sqlite) => sqlite::RANK,
            (true, Self::Postgres) => postgres::RANK,
        };
        let order = if matching.ranked { "rank, code" } else { "code" };
        let sql = format!(
            "SELECT h.code, h.department, h.sharing, h.opening, e.published FROM (\
             SELECT s.id, s.code, s.department, s.sharing, s.opening, {rank} AS rank {} ORDER BY {order} LIMIT {} OFFSET {}\
             ) h JOIN entries e ON e.id = h.id ORDER BY {}",
            matching.source,
            query.limit.min(MAX_LIMIT),
            query.offset,
            if matching.ranked { "h.rank, h.code" } else { "h.code" },
        );
        let rows =
            matching.bind(sqlx::query(AssertSqlSafe(sql))).fetch_all(connection).await.map_err(failed)?;
        rows.iter().map(hit).collect()
    }

    fn remove_words(self) -> &'static str {
        match self {
            Self::Sqlite => sqlite::REMOVE,
            Self::Postgres => postgres::REMOVE,
        }
    }
}

async fn put_row(connection: &mut AnyConnection, id: i64, resource: &Resource) -> Result<()> {
    let classification = resource.code.classification();
    let sql = "INSERT INTO search_entries \
               (id, code, classification, item, department, sharing, opening, update_cycle, format) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(sql)
        .bind(id)
        .bind(resource.code.as_str())
        .bind(classification)
        .bind(classification.get(..3).unwrap_or(classification))
        .bind(resource.provider.as_str())
        .bind(resource.sharing().map_or(3, |sharing| sharing.digit()).to_string())
        .bind(opening_word(resource.opening()))
        .bind(json::to_word(resource.update_cycle)?)
        .bind(&resource.format.class)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn words(connection: &mut AnyConnection, resource: &Resource) -> Result<Words> {
    let department: Option<String> = sqlx::query_scalar("SELECT document FROM departments WHERE id = $1")
        .bind(resource.provider.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    let department = match department {
        Some(text) => json::from_text::<catalog_core::directory::Department>(&text)?.name,
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

fn hit(row: &AnyRow) -> Result<SearchHit> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    let shown: Shown = json::from_text(&text("published")?)?;
    Ok(SearchHit {
        code: ResourceCode::new(text("code")?)?,
        title: shown.title,
        summary: shown.summary,
        department: DepartmentId::new(text("department")?)?,
        sharing: text("sharing")?.parse().map_err(Error::internal)?,
        opening: text("opening")?,
    })
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
