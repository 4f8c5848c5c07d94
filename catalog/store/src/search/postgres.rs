//! The words in a `tsvector`. It is given as text with every word quoted, so no text search configuration of the
//! server takes part.

use catalog_core::Result;
use sqlx::AnyConnection;

use super::Words;
use super::tokens::Token;
use crate::failure::failed;

/// Makes the index.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE search_text (id INTEGER NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE INDEX search_text_by_words ON search_text USING gin (words)",
];

/// Forgets an entry's words.
pub(super) const REMOVE: &str = "DELETE FROM search_text WHERE id = $1";

/// The words beside the rows of `search_entries s`, for the query in `$1`.
pub(super) const SOURCE: &str =
    "FROM search_text t JOIN search_entries s ON s.id = t.id WHERE t.words @@ CAST($1 AS TSQUERY)";

/// Smaller is better: name over keywords over the rest.
pub(super) const RANK: &str = "-ts_rank('{0.0, 0.1, 0.5, 1.0}', t.words, CAST($1 AS TSQUERY))";

/// The query in which all tokens must occur. Tokens hold no quotes and no backslashes.
pub(super) fn query(tokens: &[Token]) -> String {
    let terms: Vec<String> = tokens
        .iter()
        .map(|token| format!("'{}'{}", token.text, if token.prefix { ":*" } else { "" }))
        .collect();
    terms.join(" & ")
}

/// Adds an entry's words, each at its place within a weight.
pub(super) async fn put(connection: &mut AnyConnection, id: i64, words: &Words) -> Result<()> {
    sqlx::query("INSERT INTO search_text (id, words) VALUES ($1, CAST($2 AS TSVECTOR))")
        .bind(id)
        .bind(vector(words))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// `'人口':1A '口库':2A '人口':1C`: repeated words join their places.
fn vector(words: &Words) -> String {
    let mut text = String::new();
    for (words, weight) in [(&words.title, 'A'), (&words.keywords, 'B'), (&words.body, 'C')] {
        for (place, word) in words.iter().enumerate() {
            text.push_str(&format!("'{word}':{}{weight} ", place + 1));
        }
    }
    text
}
