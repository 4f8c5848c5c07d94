//! What a table is and which files it has, now or at a time.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use catalog_core::OpContext;
use catalog_core::services::VersionSelector;
use datasets_store::Part;
use exchange_query::OpenTable;
use http::HeaderMap;
use openapi_contract::TableQuery;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::Named;
use super::actions::{Addresses, Commit, Use, answered, metadata, protocol, told};
use super::capabilities::Capabilities;
use super::changes::{Telling, told_since};
use super::governed::Wanted;
use super::history::History;
use super::question::{At, Question, time};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

/// From when on a version is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(super) struct Starting {
    /// The first version at that time or later (RFC 3339); the newest when left out.
    starting_timestamp: Option<String>,
}

/// The number of a table's version, in `delta-table-version`
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/version",
    tag = "delta-sharing", params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"),
        ("table" = String, Path, description = "A resource's machine name"), Starting),
    responses((status = 200, description = "An empty body")))]
pub(super) async fn get_table_version(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(Starting { starting_timestamp }): Params<Starting>,
) -> Result<Response, Refusal> {
    let starting = starting_timestamp.map(|text| time("startingTimestamp", &text)).transpose()?;
    let open = named.open(&app, &ctx, VersionSelector::Latest).await?;
    let source = open.dataset.source();
    let number = async {
        match starting {
            None => Ok(open.dataset.version.number),
            Some(time) => History::of(&app, &ctx, &open.dataset.resource.code).await?.first_from(time),
        }
    };
    let number = number.await.map_err(|error| error.after_opening([source.clone()]))?;
    told(number, vec![source])
}

/// A table's columns, as the holder of the token sees them
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata",
    tag = "delta-sharing", params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"),
        ("table" = String, Path, description = "A resource's machine name"), At,
        ("delta-sharing-capabilities" = Option<String>, Header, description = "`responseformat=parquet` or `delta`")),
    responses((status = 200, description = "Two lines: protocol and metadata",
        content((Object = "application/x-ndjson")))))]
pub(super) async fn get_table_metadata(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(at): Params<At>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let capabilities = Capabilities::of(&headers)?;
    let open = named.open(&app, &ctx, at.selector()?).await?;
    let source = open.dataset.source();
    let version = open.dataset.version.number;
    let lines = head(&app, &open, (version, &capabilities), None);
    let lines = lines.map_err(|refusal| refusal.after_opening([source.clone()]))?;
    answered(lines.into_iter(), version, &capabilities, vec![source])
}

/// The files of a table
///
/// Hints are taken as such: conditions leave no file out, a limit does once the files before have so many rows. Addresses
/// open their files for a quarter of an hour, or up to an hour where there is much to read; the token of the last line gives
/// the same files fresh ones, as long as the reader sees the same of them. With `startingVersion` the files are those that came
/// and went since, where nothing of the table is hidden from its reader; elsewhere `changes` tells of rows.
#[utoipa::path(post, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/query",
    tag = "delta-sharing", params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"),
        ("table" = String, Path, description = "A resource's machine name"),
        ("delta-sharing-capabilities" = Option<String>, Header, description = "`responseformat=parquet` or `delta`")),
    request_body = TableQuery, responses((status = 200, description = "Protocol, metadata, and a line for each file",
        content((Object = "application/x-ndjson")))))]
pub(super) async fn query_table(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let capabilities = Capabilities::of(&headers)?;
    let question = Question::of(&body)?;
    let open = named.open(&app, &ctx, question.selector).await?;
    if let Some(since) = &question.since {
        return told_since(&app, &ctx, &open, since, &capabilities, Telling::Files).await;
    }
    let wanted = Wanted::rows(open.clone());
    let source = open.dataset.source();
    let answer = async {
        if let Some(refresh) = &question.refresh {
            refresh.check(&source)?;
        }
        // First, for nothing is written for somebody who gets no addresses.
        let addresses = Addresses::of(&app, &ctx).await?;
        let files = wanted.files(&app, &ctx).await?;
        let (commit, dialect) = (Commit::of(&open.dataset), capabilities.dialect);
        let lines = head(&app, &open, (commit.version, &capabilities), Some(&files))?;
        let files = enough(files, question.limit);
        let addresses = addresses.lasting(files.iter().map(|file| file.bytes).sum());
        let end = capabilities.ends.then(|| addresses.end(&source));
        let folder = rows_folder(&open);
        let files = files.into_iter();
        let files = files.map(move |part| addresses.action(&folder, &part, Use::Snapshot, commit, dialect));
        let lines = lines.into_iter().chain(files).chain(end);
        answered(lines, commit.version, &capabilities, wanted.sources())
    };
    answer.await.map_err(|refusal: Refusal| refusal.after_opening(wanted.sources()))
}

/// The first lines of every answer.
pub(super) fn head(
    app: &App,
    open: &OpenTable,
    (version, capabilities): (i64, &Capabilities),
    files: Option<&[Part]>,
) -> Result<Vec<Value>, Refusal> {
    let dialect = capabilities.dialect;
    Ok(vec![protocol(dialect), metadata(app, open, (version, dialect), files)?])
}

/// Below which path the files of a version are.
pub(super) fn rows_folder(open: &OpenTable) -> String {
    let version = &open.dataset.version;
    format!("/delta-sharing/files/{}/{}", version.resource.path_form(), version.number)
}

/// The first files that have so many rows together.
fn enough(files: Vec<Part>, limit: Option<u32>) -> Vec<Part> {
    let Some(limit) = limit else { return files };
    let mut rows = 0;
    let is_needed = |part: &Part| {
        let is_needed = rows < u64::from(limit);
        rows += part.rows;
        is_needed
    };
    files.into_iter().take_while(is_needed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(rows: u64) -> Part {
        Part { path: format!("part-{rows}"), rows, bytes: 1, sha256: String::new() }
    }

    #[test]
    fn a_limit_leaves_files_out_that_are_not_needed() {
        let rows = |limit| enough(vec![part(3), part(4), part(5)], limit).len();
        assert_eq!(
            [rows(None), rows(Some(0)), rows(Some(3)), rows(Some(4)), rows(Some(99))],
            [3, 0, 1, 2, 3]
        );
    }
}
