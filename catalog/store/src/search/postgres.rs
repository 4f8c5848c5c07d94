//! The words in a `tsvector`. It is given as text with every word quoted, so no text search configuration of the
//! server takes part.

use catalog_core::Result;
use sqlx::AnyConnection;

use super::tokens::Token;
use super::{Place, Words};
use crate::failure::failed;

/// Makes the index.
pub(super) const CREATE: &[&str] = &[
    "CREATE TABLE search_text (id INTEGER NOT NULL PRIMARY KEY, words TSVECTOR NOT NULL)",
    "CREATE INDEX search_text_by_words ON search_text USING gin (words)",
];

/// Forgets an entry's words.
pub(super) const REMOVE: &str = "DELETE FROM search_text WHERE id = $1";

/// The row numbers from `$2` to `$3` that match the query in `$1`, as one text with commas; NULL if there are none.
pub(super) const FIND: &str = "SELECT string_agg(CAST(id AS TEXT), ',') FROM search_text \
     WHERE words @@ CAST($1 AS TSQUERY) AND id BETWEEN $2 AND $3";

/// The query in which all tokens must occur. Tokens hold no quotes and no backslashes.
pub(super) fn query(tokens: &[Token], place: Place) -> String {
    let weights = match place {
        Place::Title => "A",
        Place::Keywords => "AB",
        Place::Anywhere => "ABC",
    };
    let term = |token: &Token| format!("'{}':{}{weights}", token.text, if token.prefix { "*" } else { "" });
    tokens.iter().map(term).collect::<Vec<_>>().join(" & ")
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

/// `'人口':1A '口库':2A '人口':3C`: a word that stands in several places keeps them all, with their weights.
fn vector(words: &Words) -> String {
    let all = [(&words.title, 'A'), (&words.keywords, 'B'), (&words.body, 'C')];
    let weighted = all.into_iter().flat_map(|(words, weight)| words.iter().map(move |word| (word, weight)));
    (1..).zip(weighted).map(|(place, (word, weight))| format!("'{word}':{place}{weight} ")).collect()
}
