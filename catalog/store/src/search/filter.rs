//! Which rows a search matches, as one piece of SQL that count, facets and hits share.

use catalog_core::Result;
use catalog_core::ports::SearchQuery;
use sqlx::any::AnyArguments;
use sqlx::query::{Query, QueryScalar};
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::tokens::query_tokens;
use super::{Search, postgres, sqlite};
use crate::failure::failed;
use crate::json;

/// The matching rows of `search_entries s`.
pub(super) struct Matching {
    /// `FROM … WHERE …`; holds names and `$1` only, every value is bound.
    pub(super) source: String,
    /// Whether words were asked for, by which hits can be ranked.
    pub(super) ranked: bool,
    values: Vec<String>,
}

impl Matching {
    /// The rows that a query asks for; `None` where nothing can match.
    pub(super) fn new(search: Search, query: &SearchQuery) -> Option<Self> {
        let tokens = query_tokens(&query.text)?;
        let ranked = !tokens.is_empty();
        let (source, values) = match (ranked, search) {
            (false, _) => ("FROM search_entries s WHERE s.id > 0", Vec::new()),
            (true, Search::Sqlite) => (sqlite::SOURCE, vec![sqlite::query(&tokens)]),
            (true, Search::Postgres) => (postgres::SOURCE, vec![postgres::query(&tokens)]),
        };
        let mut matching = Self { source: source.to_owned(), ranked, values };
        if let Some(prefix) = query.classification.as_deref().filter(|prefix| !prefix.is_empty()) {
            matching.within(prefix)?;
        }
        matching.equals("department", query.department.as_ref().map(|department| department.to_string()));
        matching.equals("sharing", query.sharing.map(|digit| digit.to_string()));
        matching.equals("opening", query.opening.clone());
        matching.equals("update_cycle", query.update_cycle.and_then(|cycle| json::to_word(cycle).ok()));
        matching.equals("format", query.format.clone());
        if query.public_only {
            matching.source.push_str(" AND s.opening IN ('open', 'conditional')");
        }
        Some(matching)
    }

    /// Binds the values of `source`.
    pub(super) fn bind<'q>(&self, query: Query<'q, Any, AnyArguments>) -> Query<'q, Any, AnyArguments> {
        self.values.iter().fold(query, |query, value| query.bind(value.clone()))
    }

    /// The number of matching rows.
    pub(super) async fn count(&self, connection: &mut AnyConnection) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) {}", self.source);
        let query: QueryScalar<'_, Any, i64, AnyArguments> = sqlx::query_scalar(AssertSqlSafe(sql));
        let query = self.values.iter().fold(query, |query, value| query.bind(value.clone()));
        let count = query.fetch_one(connection).await.map_err(failed)?;
        Ok(count.unsigned_abs())
    }

    fn equals(&mut self, column: &str, value: Option<String>) {
        if let Some(value) = value {
            self.compare(column, "=", value);
        }
    }

    fn compare(&mut self, column: &str, operator: &str, value: String) {
        self.values.push(value);
        self.source.push_str(&format!(" AND s.{column} {operator} ${}", self.values.len()));
    }

    /// Classifications that begin with some digits. A range, because `LIKE` uses no index on either database without
    /// its dialect; digits compare the same in every collation.
    fn within(&mut self, prefix: &str) -> Option<()> {
        if !prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.compare("classification", ">=", prefix.to_owned());
        if let Some(end) = after(prefix) {
            self.compare("classification", "<", end);
        }
        Some(())
    }
}

/// The first text of digits behind all that begin with the prefix: `302` for `301`, `4` for `39`.
fn after(prefix: &str) -> Option<String> {
    let mut digits = prefix.trim_end_matches('9').to_owned().into_bytes();
    *digits.last_mut()? += 1;
    String::from_utf8(digits).ok()
}
