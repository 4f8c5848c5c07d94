//! The words in FTS5. Its own tokenizers find no two-character Chinese words, so it is given tokens with spaces
//! between them and only splits at these.

use catalog_core::Result;
use sqlx::AnyConnection;

use super::Words;
use super::tokens::Token;
use crate::failure::failed;

/// Makes the index. It keeps no copy of the words, and knows columns but no positions: no query asks for phrases.
pub(super) const CREATE: &[&str] = &[
    "CREATE VIRTUAL TABLE search_text USING fts5(title, keywords, body, content = '', \
     contentless_delete = 1, detail = 'column', tokenize = \"unicode61 remove_diacritics 0 categories 'L* N* M* S* P* C*'\")",
];

/// Forgets an entry's words.
pub(super) const REMOVE: &str = "DELETE FROM search_text WHERE rowid = $1";

/// The words beside the rows of `search_entries s`, for the query in `$1`.
pub(super) const SOURCE: &str =
    "FROM search_text JOIN search_entries s ON s.id = search_text.rowid WHERE search_text MATCH $1";

/// Smaller is better: name over keywords over the rest.
pub(super) const RANK: &str = "bm25(search_text, 10.0, 5.0, 1.0)";

/// The query in which all tokens must occur.
pub(super) fn query(tokens: &[Token]) -> String {
    let terms: Vec<String> = tokens
        .iter()
        .map(|token| format!("\"{}\"{}", token.text, if token.prefix { "*" } else { "" }))
        .collect();
    terms.join(" AND ")
}

/// Adds an entry's words.
pub(super) async fn put(connection: &mut AnyConnection, id: i64, words: &Words) -> Result<()> {
    sqlx::query("INSERT INTO search_text (rowid, title, keywords, body) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(words.title.join(" "))
        .bind(words.keywords.join(" "))
        .bind(words.body.join(" "))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
