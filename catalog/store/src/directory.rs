//! Departments and entries.

use async_trait::async_trait;
use catalog_core::directory::Department;
use catalog_core::directory::resource::Entry;
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{CodePage, DirectoryStore, GrantEnding, SearchPage, SearchQuery};
use catalog_core::{DepartmentId, Error, ErrorCode, Problem, ResourceCode, Result, Timestamp};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::QueryScalar;
use sqlx::{Any, AnyConnection, Row};

use crate::change::{self, Change};
use crate::entries;
use crate::failure::{failed, violated};
use crate::grants;
use crate::json;
use crate::store::CatalogStore;

/// Sequences in imported codes above this do not push the counter: a stray `301001/9999999999999999999` must not
/// use up all numbers. Beyond it a collision is still a `conflict`.
const MAX_SEQUENCE: u64 = 999_999_999_999;

#[async_trait]
impl DirectoryStore for CatalogStore {
    async fn department(&self, id: &DepartmentId) -> Result<Option<Department>> {
        self.document(sqlx::query_scalar("SELECT document FROM departments WHERE id = $1").bind(id.as_str()))
            .await
    }

    async fn departments(&self) -> Result<Vec<Department>> {
        self.documents(sqlx::query_scalar("SELECT document FROM departments ORDER BY id")).await
    }

    async fn put_department(&self, department: &Department, change: &EvidenceRecord) -> Result<()> {
        let before = self.department(&department.id).await?;
        let mut write = Change::begin(self).await?;
        let sql = "INSERT INTO departments (id, document) VALUES ($1, $2) \
                   ON CONFLICT (id) DO UPDATE SET document = excluded.document";
        sqlx::query(sql)
            .bind(department.id.as_str())
            .bind(json::to_text(department)?)
            .execute(&mut *write.tx)
            .await
            .map_err(failed)?;
        // Its name is part of its entries' search text.
        if before.is_some_and(|before| before.name != department.name) {
            self.search.renew(&mut write.tx, Some(&department.id), write.seq).await?;
        }
        write.commit(change).await
    }

    async fn entry(&self, code: &ResourceCode) -> Result<Option<Entry>> {
        let row = sqlx::query("SELECT * FROM entries WHERE code = $1")
            .bind(code.as_str())
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        row.as_ref().map(entry).transpose()
    }

    async fn entry_by_name(&self, provider: &DepartmentId, name: &str) -> Result<Option<Entry>> {
        let sql = "SELECT e.* FROM entry_names n JOIN entries e ON e.code = n.code \
                   WHERE n.provider = $1 AND n.name = $2";
        let row = sqlx::query(sql)
            .bind(provider.as_str())
            .bind(name)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
        row.as_ref().map(entry).transpose()
    }

    async fn entries(&self, provider: Option<&DepartmentId>) -> Result<Vec<Entry>> {
        let query = match provider {
            Some(provider) => {
                sqlx::query("SELECT * FROM entries WHERE provider = $1 ORDER BY code").bind(provider.as_str())
            }
            None => sqlx::query("SELECT * FROM entries ORDER BY code"),
        };
        query.fetch_all(&self.reader).await.map_err(failed)?.iter().map(entry).collect()
    }

    async fn next_sequence(&self, classification: &str) -> Result<u64> {
        let sql = "INSERT INTO sequences (name, taken) VALUES ($1, 1) \
                   ON CONFLICT (name) DO UPDATE SET taken = sequences.taken + 1 RETURNING taken";
        let taken: i64 = sqlx::query_scalar(sql)
            .bind(sequence_name(classification))
            .fetch_one(&self.writer)
            .await
            .map_err(failed)?;
        u64::try_from(taken).map_err(Error::internal)
    }

    async fn save_entry(&self, entry: &Entry, expected: Option<i64>, change: &EvidenceRecord) -> Result<()> {
        let mut write = Change::begin(self).await?;
        self.write_entry(&mut write, entry, expected, change).await?;
        write.commit(change).await
    }

    async fn withdraw_entry(
        &self,
        entry: &Entry,
        expected: i64,
        endings: &[GrantEnding],
        change: &EvidenceRecord,
    ) -> Result<()> {
        let mut write = Change::begin(self).await?;
        self.write_entry(&mut write, entry, Some(expected), change).await?;
        for ending in endings {
            grants::revoke(&mut write, &ending.grant, &ending.revocation).await?;
            write.record(&ending.change).await?;
        }
        let code = &entry.draft.code;
        let left = grants::unrevoked(&mut write.tx, code).await?;
        if left.iter().any(|grant| !grant.has_ended(entry.updated_at)) {
            let message = format!("a grant on {code} was made at the same time; withdraw it once more");
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        write.commit(change).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<SearchPage> {
        self.search.run(&self.reader, query).await
    }

    async fn codes(&self, query: &SearchQuery) -> Result<CodePage> {
        self.search.codes(&self.reader, query).await
    }

    async fn revision(&self) -> Result<i64> {
        match self.revision.get() {
            Some(known) => Ok(known),
            None => change::newest(&mut *self.reader.acquire().await.map_err(failed)?).await,
        }
    }
}

impl CatalogStore {
    /// Writes an entry with its names, its words and the revision that the change makes, as part of that change.
    pub(crate) async fn write_entry(
        &self,
        write: &mut Change,
        entry: &Entry,
        expected: Option<i64>,
        change: &EvidenceRecord,
    ) -> Result<()> {
        let before = entry_with_id(&mut write.tx, &entry.draft.code).await?.map(|(_, before)| before);
        let id = match expected {
            None => insert_entry(&mut write.tx, entry).await?,
            Some(revision) => update_entry(&mut write.tx, entry, revision).await?,
        };
        save_names(&mut write.tx, entry).await?;
        entries::note(&mut write.tx, before.as_ref(), entry, change).await?;
        self.search.put(&mut write.tx, id, entry, write.seq).await
    }
}

/// The next few published entries after a row number, of one provider or of all, with their row numbers.
pub(crate) async fn published_entries(
    connection: &mut AnyConnection,
    provider: Option<&DepartmentId>,
    after: i64,
) -> Result<Vec<(i64, Entry)>> {
    let query = match provider {
        Some(provider) => {
            let sql = "SELECT * FROM entries WHERE provider = $1 AND published IS NOT NULL AND id > $2 \
                       ORDER BY id LIMIT 500";
            sqlx::query(sql).bind(provider.as_str())
        }
        None => {
            sqlx::query("SELECT * FROM entries WHERE published IS NOT NULL AND id > $1 ORDER BY id LIMIT 500")
        }
    };
    let rows = query.bind(after).fetch_all(connection).await.map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get("id").map_err(failed)?, entry(row)?))).collect()
}

/// The entry of a code with its row number.
pub(crate) async fn entry_with_id(
    connection: &mut AnyConnection,
    code: &ResourceCode,
) -> Result<Option<(i64, Entry)>> {
    let row = sqlx::query("SELECT * FROM entries WHERE code = $1")
        .bind(code.as_str())
        .fetch_optional(connection)
        .await
        .map_err(failed)?;
    row.as_ref().map(|row| Ok((row.try_get("id").map_err(failed)?, entry(row)?))).transpose()
}

fn entry(row: &AnyRow) -> Result<Entry> {
    let published: Option<&str> = row.try_get("published").map_err(failed)?;
    Ok(Entry {
        draft: json::from_text(row.try_get("draft").map_err(failed)?)?,
        published: published.map(json::from_text).transpose()?,
        retired: json::from_text(row.try_get("retired").map_err(failed)?)?,
        state: json::from_word(row.try_get("state").map_err(failed)?)?,
        revision: row.try_get("revision").map_err(failed)?,
        authors: json::from_text(row.try_get("authors").map_err(failed)?)?,
        remark: row.try_get("remark").map_err(failed)?,
        updated_at: Timestamp(row.try_get("updated_at").map_err(failed)?),
    })
}

async fn insert_entry(connection: &mut AnyConnection, entry: &Entry) -> Result<i64> {
    let code = &entry.draft.code;
    note_sequence(connection, code).await?;
    let id: i64 =
        sqlx::query_scalar("UPDATE sequences SET taken = taken + 1 WHERE name = 'entry' RETURNING taken")
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
    let sql = "INSERT INTO entries (provider, state, revision, authors, remark, updated_at, draft, published, \
               retired, code, id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id";
    writing(sql, entry)?.bind(id).fetch_one(connection).await.map_err(violated(format!(
        "the code {code} is taken by another resource; leave it out or correct it"
    )))
}

async fn update_entry(connection: &mut AnyConnection, entry: &Entry, seen: i64) -> Result<i64> {
    let sql = "UPDATE entries SET provider = $1, state = $2, revision = $3, authors = $4, remark = $5, updated_at = $6, \
               draft = $7, published = $8, retired = $9 WHERE code = $10 AND revision = $11 RETURNING id";
    let id =
        writing(sql, entry)?.bind(seen).fetch_optional(connection).await.map_err(violated("it is taken"))?;
    id.ok_or_else(|| {
        let code = &entry.draft.code;
        let message =
            format!("{code} has been changed by somebody else; read it again and repeat the change");
        Error::new(ErrorCode::Conflict, message)
    })
}

/// A statement that takes an entry as `$1` to `$10` and answers its row number.
fn writing<'q>(sql: &'static str, entry: &'q Entry) -> Result<QueryScalar<'q, Any, i64, AnyArguments>> {
    Ok(sqlx::query_scalar(sql)
        .bind(entry.draft.provider.as_str())
        .bind(json::to_word(entry.state)?)
        .bind(entry.revision)
        .bind(json::to_text(&entry.authors)?)
        .bind(&entry.remark)
        .bind(entry.updated_at.0)
        .bind(json::to_text(&entry.draft)?)
        .bind(entry.published.as_ref().map(json::to_text).transpose()?)
        .bind(json::to_text(&entry.retired)?)
        .bind(entry.draft.code.as_str()))
}

/// Holds the machine names and titles of the draft and of what is published for this entry alone: both name its table
/// in SQL.
async fn save_names(connection: &mut AnyConnection, entry: &Entry) -> Result<()> {
    let code = entry.draft.code.as_str();
    sqlx::query("DELETE FROM entry_names WHERE code = $1")
        .bind(code)
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let resources = std::iter::once(&entry.draft).chain(&entry.published);
    let names = resources.flat_map(|resource| {
        let provider = &resource.provider;
        [(provider, resource.sql_name.as_str(), "sql_name"), (provider, resource.title.as_str(), "title")]
    });
    for (provider, name, field) in names {
        let sql = "INSERT INTO entry_names (provider, name, code) VALUES ($1, $2, $3) \
                   ON CONFLICT (provider, name) DO UPDATE SET code = entry_names.code RETURNING code";
        let holder: String = sqlx::query_scalar(sql)
            .bind(provider.as_str())
            .bind(name)
            .bind(code)
            .fetch_one(&mut *connection)
            .await
            .map_err(failed)?;
        if holder != code {
            return Err(taken(
                field,
                format!("`{name}` is a name of {holder}; {provider} must choose another"),
            ));
        }
    }
    Ok(())
}

/// A name that another entry has.
fn taken(field: &str, message: String) -> Error {
    let problem = Problem::new(field, format!("{field}.taken"), message.as_str());
    Error::new(ErrorCode::Conflict, message).with_problems(vec![problem])
}

/// Counts the sequence of a code as taken, also one that an import brought.
async fn note_sequence(connection: &mut AnyConnection, code: &ResourceCode) -> Result<()> {
    let sequence = code.sequence().filter(|sequence| *sequence <= MAX_SEQUENCE);
    let Some(sequence) = sequence.and_then(|sequence| i64::try_from(sequence).ok()) else {
        return Ok(());
    };
    let sql = "INSERT INTO sequences (name, taken) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET taken = \
               CASE WHEN excluded.taken > sequences.taken THEN excluded.taken ELSE sequences.taken END";
    sqlx::query(sql)
        .bind(sequence_name(code.classification()))
        .bind(sequence)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

fn sequence_name(classification: &str) -> String {
    format!("code:{classification}")
}
