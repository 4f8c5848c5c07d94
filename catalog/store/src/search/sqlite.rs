//! The words in FTS5. Its own tokenizers find no two-character Chinese words, so it is given tokens with spaces
//! between them and only splits at these.

use catalog_core::Result;
use sqlx::AnyConnection;

use super::tokens::Token;
use super::{Place, Words};
use crate::failure::failed;

/// Makes the index. It keeps no copy of the words, and knows columns but no positions: no query asks for phrases. First
/// characters have an index of their own, for a single one is looked for as the beginning of any word.
pub(super) const CREATE: &[&str] = &["CREATE VIRTUAL TABLE search_text USING fts5(title, keywords, body, \
     content = '', contentless_delete = 1, detail = 'column', prefix = '1', \
     tokenize = \"unicode61 remove_diacritics 0 categories 'L* N* M* S* P* C*'\")"];

/// Forgets an entry's words.
pub(super) const REMOVE: &str = "DELETE FROM search_text WHERE rowid = $1";

/// The row numbers from `$2` to `$3` that match the query in `$1`, as one text with commas; NULL if there are none.
/// FTS5 seeks to the range, so that few hits are cheaply looked for in narrower places.
///
/// Not ranked by `bm25`, which counts every word in all rows first: 18 ms for the rarest query, 460 for a common one.
pub(super) const FIND: &str = "SELECT group_concat(rowid) FROM search_text WHERE search_text MATCH $1 \
     AND rowid BETWEEN $2 AND $3";

/// The query in which all tokens must occur. Tokens hold no quotes.
pub(super) fn query(tokens: &[Token], place: Place) -> String {
    let columns = match place {
        Place::Title => "{title} : ",
        Place::Keywords => "{title keywords} : ",
        Place::Anywhere => "",
    };
    let term = |token: &Token| format!("\"{}\"{}", token.text, if token.prefix { "*" } else { "" });
    format!("{columns}({})", tokens.iter().map(term).collect::<Vec<_>>().join(" AND "))
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
