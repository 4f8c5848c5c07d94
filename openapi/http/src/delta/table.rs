//! What a table is and which files it has, now, at a time, or since a version.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use catalog_core::evidence::SourceRead;
use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, Timestamp};
use datasets_store::Part;
use exchange_query::{OpenTable, TableName, Tables as _};
use http::HeaderMap;
use openapi_contract::TableQuery;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::Named;
use super::actions::{Addresses, Commit, Use, answered, metadata, protocol, told};
use super::capabilities::Capabilities;
use super::governed::Wanted;
use super::history::{History, Step};
use crate::app::App;
use crate::extract::{Params, invalid};
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

/// Which version is meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct At {
    /// A version by number.
    version: Option<i64>,
    /// The version that was in effect at that time (RFC 3339).
    timestamp: Option<String>,
}

impl At {
    fn selector(&self) -> Result<VersionSelector, Refusal> {
        match (self.version, &self.timestamp) {
            (Some(_), Some(_)) => Err(invalid("name a version by `version` or by `timestamp`, not by both")),
            (Some(number), None) => Ok(VersionSelector::Number(number)),
            (None, Some(text)) => Ok(VersionSelector::At(time("timestamp", text)?)),
            (None, None) => Ok(VersionSelector::Latest),
        }
    }
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
/// open their files for a quarter of an hour at most; the same question, or the token of the last line, gives fresh ones.
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
    let (selector, limit) = asked(&body)?;
    let open = named.open(&app, &ctx, selector).await?;
    let wanted = Wanted::rows(open.clone());
    let sources = wanted.sources();
    let answer = async {
        // First, for nothing is written for somebody who gets no addresses.
        let addresses = Addresses::of(&app, &ctx).await?;
        let files = wanted.files(&app, &ctx).await?;
        let (commit, dialect) = (Commit::of(&open.dataset), capabilities.dialect);
        let lines = head(&app, &open, (commit.version, &capabilities), Some(&files))?;
        let end = capabilities.ends.then(|| addresses.end(commit.version));
        let folder = rows_folder(&open);
        let files = enough(files, limit).into_iter();
        let files = files.map(move |part| addresses.action(&folder, &part, Use::Snapshot, commit, dialect));
        let lines = lines.into_iter().chain(files).chain(end);
        answered(lines, commit.version, &capabilities, wanted.sources())
    };
    answer.await.map_err(|refusal: Refusal| refusal.after_opening(sources))
}

/// Which changes are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(super) struct Between {
    /// The first version.
    starting_version: Option<i64>,
    /// The first version at that time or later (RFC 3339).
    starting_timestamp: Option<String>,
    /// The last version; the newest when left out.
    ending_version: Option<i64>,
    /// The last version at that time or before (RFC 3339).
    ending_timestamp: Option<String>,
}

impl Between {
    fn steps(&self, history: &History) -> Result<(i64, Vec<Step>), Refusal> {
        let newest = history.newest().unwrap_or_default();
        let start = match (self.starting_version, &self.starting_timestamp) {
            (Some(number), None) => number,
            (None, Some(text)) => history.first_from(time("startingTimestamp", text)?)?,
            _ => return Err(invalid("name the start by `startingVersion` or by `startingTimestamp`")),
        };
        let end = match (self.ending_version, &self.ending_timestamp) {
            (Some(_), Some(_)) => {
                return Err(invalid("name the end by `endingVersion` or by `endingTimestamp`, not by both"));
            }
            (Some(number), None) => number,
            (None, Some(text)) => history.last_until(time("endingTimestamp", text)?)?,
            (None, None) => i64::MAX,
        };
        if start < 0 || start > newest {
            return Err(invalid(&format!("there is no version {start}: the newest is {newest}")));
        }
        if end < start {
            return Err(invalid("the end lies before the start"));
        }
        Ok((start, history.steps(start..=end)?))
    }
}

/// What became of a table's rows, version by version
///
/// The difference of what the holder of the token sees: a row that leaves the filter is deleted. The rows of the first
/// version are inserted.
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/changes",
    tag = "delta-sharing", params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"),
        ("table" = String, Path, description = "A resource's machine name"), Between,
        ("delta-sharing-capabilities" = Option<String>, Header, description = "`responseformat=parquet` or `delta`")),
    responses((status = 200, description = "Protocol, metadata, and a line for each file of changes",
        content((Object = "application/x-ndjson")))))]
pub(super) async fn list_table_changes(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(between): Params<Between>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let capabilities = Capabilities::of(&headers)?;
    let open = named.open(&app, &ctx, VersionSelector::Latest).await?;
    let mut sources = vec![open.dataset.source()];
    let answer = changes(&app, &ctx, &open, &between, &capabilities, &mut sources).await;
    answer.map_err(|refusal| refusal.after_opening(sources))
}

async fn changes(
    app: &Arc<App>,
    ctx: &OpContext,
    newest: &OpenTable,
    between: &Between,
    capabilities: &Capabilities,
    sources: &mut Vec<SourceRead>,
) -> Result<Response, Refusal> {
    let code = &newest.dataset.resource.code;
    let (start, steps) = between.steps(&History::of(app, ctx, code).await?)?;
    let addresses = Addresses::of(app, ctx).await?;
    let open = async |number| {
        let table = TableName::Code(code.clone());
        app.tables.open(ctx, &table, VersionSelector::Number(number)).await
    };
    let (mut lines, mut files) = (Vec::new(), Vec::new());
    for Step { before, version } in steps {
        let table = open(version).await?;
        if lines.is_empty() {
            lines = head(app, &table, (start, capabilities), None)?;
        }
        let (commit, path) = (Commit::of(&table.dataset), code.path_form());
        let (wanted, of, folder) = match before {
            None => {
                let folder = rows_folder(&table);
                (Wanted::rows(table), Use::Add, folder)
            }
            Some(number) => {
                let folder = format!("/delta-sharing/changes/{path}/{number}/{version}");
                (Wanted::changes(open(number).await?, table), Use::Changes, folder)
            }
        };
        for source in wanted.sources() {
            if !sources.contains(&source) {
                sources.push(source);
            }
        }
        let parts = wanted.files(app, ctx).await?.into_iter().filter(|part| part.rows > 0);
        files.extend(parts.map(|part| (folder.clone(), part, of, commit)));
    }
    if lines.is_empty() {
        lines = head(app, newest, (start, capabilities), None)?;
    }
    let dialect = capabilities.dialect;
    let files = files
        .into_iter()
        .map(move |(folder, part, of, commit)| addresses.action(&folder, &part, of, commit, dialect));
    answered(lines.into_iter().chain(files), start, &capabilities.without_end(), sources.clone())
}

/// The first lines of every answer.
fn head(
    app: &App,
    open: &OpenTable,
    (version, capabilities): (i64, &Capabilities),
    files: Option<&[Part]>,
) -> Result<Vec<Value>, Refusal> {
    let dialect = capabilities.dialect;
    Ok(vec![protocol(dialect), metadata(app, open, (version, dialect), files)?])
}

/// Below which path the files of a version are.
fn rows_folder(open: &OpenTable) -> String {
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

/// The version and the number of rows that a body asks for; a missing body asks for everything.
fn asked(body: &[u8]) -> Result<(VersionSelector, Option<u32>), Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    let wrong = |found| invalid(&format!("the body is not what this operation takes: {found}"));
    // A list would be read as its fields in order.
    let fields: Map<String, Value> = serde_json::from_slice(body).map_err(wrong)?;
    let query: TableQuery = serde_json::from_value(Value::Object(fields)).map_err(wrong)?;
    if query.starting_version.is_some() || query.starting_timestamp.is_some() {
        return Err(invalid("files since a version are not offered here: ask for `changes`"));
    }
    let TableQuery { version, timestamp, refresh_token, limit_hint, .. } = query;
    let selector = match refresh_token {
        None => At { version, timestamp }.selector()?,
        Some(token) => {
            let number =
                token.parse().map_err(|_| invalid("`refreshToken` is not one that an answer gave"))?;
            VersionSelector::Number(number)
        }
    };
    Ok((selector, limit_hint))
}

fn time(name: &str, text: &str) -> Result<Timestamp, Refusal> {
    let wrong = || invalid(&format!("`{name}` is a time such as 2026-01-31T00:00:00Z"));
    Timestamp::parse(text).ok_or_else(wrong)
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

    #[test]
    fn hints_are_hints_and_wrong_types_are_refused() {
        let selector = |body: &str| asked(body.as_bytes()).ok();
        assert_eq!(selector(""), Some((VersionSelector::Latest, None)));
        let hints = r#"{"predicateHints":["no sql"],"jsonPredicateHints":"{","limitHint":7,"unknown":[]}"#;
        assert_eq!(selector(hints), Some((VersionSelector::Latest, Some(7))));
        assert_eq!(selector(r#"{"version":3}"#), Some((VersionSelector::Number(3), None)));
        assert_eq!(selector(r#"{"refreshToken":"3"}"#), Some((VersionSelector::Number(3), None)));
        for wrong in [
            "[]",
            "{",
            r#"{"version":"3"}"#,
            r#"{"version":99999999999999999999}"#,
            r#"{"limitHint":-1}"#,
            r#"{"limitHint":1.5}"#,
            r#"{"predicateHints":"a = 1"}"#,
            r#"{"version":1,"timestamp":"2026-01-01T00:00:00Z"}"#,
            r#"{"timestamp":"yesterday"}"#,
            r#"{"startingVersion":1}"#,
            r#"{"refreshToken":"x"}"#,
        ] {
            assert_eq!(selector(wrong), None, "{wrong}");
        }
    }
}
