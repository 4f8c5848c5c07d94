//! Rows inside CKAN's envelope, streamed: the head is written first, then the rows as they come, then the end.

use axum::body::Bytes;
use axum::response::Response;
use catalog_core::{Error, Result};
use exchange_query::QueryAnswer;
use exchange_query::export::{RowFormat, rows};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};

use super::Call;
use super::envelope::{JSON, help};
use crate::evidence::Reading;
use crate::problem::Refusal;
use crate::records::{Written, answered_as};

/// The answer of an action whose result has `records`, behind the members of `head`. A transfer that fails is cut.
pub(super) fn streamed(
    call: &Call,
    answer: QueryAnswer,
    format: RowFormat,
    head: Map<String, Value>,
    subjects: Vec<String>,
) -> Result<Response, Refusal> {
    let head = json!({ "help": help(&call.app, call.action), "success": true, "result": head }).to_string();
    let head = head.strip_suffix("}}").ok_or_else(|| Error::internal("an envelope without an end"))?;
    let comma = if head.ends_with('{') { "" } else { "," };
    let head = format!("{head}{comma}\"records\":");
    let mut response = answered_as(answer, JSON, |answer| within(head, rows(answer, format), format))?;
    if let Some(reading) = response.extensions_mut().get_mut::<Reading>() {
        reading.subjects = subjects;
    }
    Ok(response)
}

/// CKAN's names of the ways to write rows.
pub(super) fn format_of(name: &str) -> Option<RowFormat> {
    match name {
        "objects" => Some(RowFormat::Objects),
        "lists" => Some(RowFormat::Lists),
        "csv" => Some(RowFormat::Csv),
        "tsv" => Some(RowFormat::Tsv),
        _ => None,
    }
}

fn within(head: String, rows: Written, format: RowFormat) -> Written {
    let is_json = matches!(format, RowFormat::Objects | RowFormat::Lists);
    // A row has a line of its own, by which answers are compared that are computed again.
    let (begin, end) = if is_json { ("[\n", "\n]}}\n") } else { ("\"", "\"}}\n") };
    let mut is_first = true;
    let pieces = rows.and_then(move |piece| {
        let written = match is_json {
            true => Ok(joined(&piece, std::mem::take(&mut is_first))),
            false => escaped(&piece),
        };
        std::future::ready(written)
    });
    let begin = stream::iter([Ok(Bytes::from(format!("{head}{begin}")))]);
    begin.chain(pieces).chain(stream::iter([Ok(Bytes::from_static(end.as_bytes()))])).boxed()
}

/// Lines of JSON as members of a list.
fn joined(lines: &[u8], is_first: bool) -> Bytes {
    let mut out = Vec::with_capacity(lines.len() + 2);
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if !(is_first && out.is_empty()) {
            out.extend_from_slice(b",\n");
        }
        out.extend_from_slice(line);
    }
    out.into()
}

/// Text inside a JSON string. A piece holds whole rows, so no letter is split.
fn escaped(text: &[u8]) -> Result<Bytes> {
    let text = std::str::from_utf8(text).map_err(Error::internal)?;
    let quoted = serde_json::to_string(text).map_err(Error::internal)?;
    let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    Ok(Bytes::copy_from_slice(inside.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(pieces: &[&'static str], format: RowFormat) -> String {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect();
        let head = "{\"result\":{\"a\":{\"records\":".to_owned();
        let written: Vec<Bytes> =
            within(head, stream::iter(pieces).boxed(), format).try_collect().await.unwrap();
        String::from_utf8(written.concat()).unwrap() + "}"
    }

    fn records(text: &str) -> Value {
        let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        document["result"]["a"]["records"].clone()
    }

    #[tokio::test]
    async fn pieces_become_one_document() {
        let lists = text(&["[1,\"a\"]\n[2,null]\n", "[3,\"b\"]\n"], RowFormat::Lists).await;
        assert_eq!(records(&lists), json!([[1, "a"], [2, null], [3, "b"]]));
        assert_eq!(records(&text(&[], RowFormat::Objects).await), json!([]));
        let csv = text(&["1,\"\"\"a\"\"\"\n", "\"人\n\",\t\\\n"], RowFormat::Csv).await;
        assert_eq!(records(&csv), json!("1,\"\"\"a\"\"\"\n\"人\n\",\t\\\n"));
        assert_eq!(records(&text(&["\"\"\n"], RowFormat::Csv).await), json!("\"\"\n"));
        assert_eq!(records(&text(&[], RowFormat::Tsv).await), json!(""));
    }
}
