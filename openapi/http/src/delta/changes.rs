//! What became of a table's rows or files, version by version.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::evidence::SourceRead;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use datasets_store::Part;
use exchange_query::{OpenTable, StoredFile, TableName, Tables as _};
use http::HeaderMap;
use openapi_contract::SharingError;
use tokio::time::Instant;

use super::Named;
use super::actions::{Addresses, Commit, Use, answered};
use super::capabilities::Capabilities;
use super::governed::{Wanted, part};
use super::history::{History, Step};
use super::question::Between;
use super::table::{head, rows_folder};
use crate::app::App;
use crate::extract::{Params, invalid};
use crate::problem::Refusal;

/// For how long one request has differences computed that are not there yet. The one that is under way is finished.
const COMPUTING: Duration = Duration::from_secs(60);

/// What became of a table's rows, version by version
///
/// The difference of what the holder of the token sees: a row that leaves the filter is deleted. The rows of the first
/// version are inserted. An answer goes through 100 versions at most; where their differences take long to find, what is found
/// stays, and the same question goes on from there.
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/changes",
    tag = "delta-sharing", params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"),
        ("table" = String, Path, description = "A resource's machine name"), Between,
        ("delta-sharing-capabilities" = Option<String>, Header, description = "`responseformat=parquet` or `delta`")),
    responses((status = 200, description = "Protocol, metadata, and a line for each file of changes",
        content((Object = "application/x-ndjson"))),
        (status = 503, description = "Not all differences are found yet: ask again", body = SharingError)))]
pub(super) async fn list_table_changes(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(between): Params<Between>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let capabilities = Capabilities::of(&headers)?;
    let open = named.open(&app, &ctx, VersionSelector::Latest).await?;
    told_since(&app, &ctx, &open, &between, &capabilities, Telling::Rows).await
}

/// What is told of each version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// The rows that differ.
    Rows,
    /// The files that came and went: of a table of which nothing is hidden.
    Files,
}

/// An action about a file: below which path it is, what it is for, and the version that brought it about.
type Told = (String, Part, Use, Commit);

/// What happened between versions, with its evidence.
pub(super) async fn told_since(
    app: &Arc<App>,
    ctx: &OpContext,
    newest: &OpenTable,
    between: &Between,
    capabilities: &Capabilities,
    telling: Telling,
) -> Result<Response, Refusal> {
    let mut walk = Walk::new(app, ctx, newest);
    let answer = walk.answer(newest, between, capabilities, telling).await;
    answer.map_err(|refusal| refusal.after_opening(walk.sources))
}

/// Goes from version to version.
struct Walk<'a> {
    app: &'a Arc<App>,
    ctx: &'a OpContext,
    code: ResourceCode,
    /// The version opened last: the next one follows it.
    last: Option<OpenTable>,
    /// All that was opened.
    sources: Vec<SourceRead>,
    computing_until: Instant,
}

impl<'a> Walk<'a> {
    fn new(app: &'a Arc<App>, ctx: &'a OpContext, newest: &OpenTable) -> Self {
        let (code, sources) = (newest.dataset.resource.code.clone(), vec![newest.dataset.source()]);
        Self { app, ctx, code, last: None, sources, computing_until: Instant::now() + COMPUTING }
    }

    async fn answer(
        &mut self,
        newest: &OpenTable,
        between: &Between,
        capabilities: &Capabilities,
        telling: Telling,
    ) -> Result<Response, Refusal> {
        let (app, ctx) = (self.app, self.ctx);
        let (start, steps) = between.steps(&History::of(app, ctx, &self.code).await?)?;
        // First, for nothing is written for somebody who gets no addresses.
        let addresses = Addresses::of(app, ctx).await?;
        let (mut lines, mut files) = (Vec::new(), Vec::new());
        for Step { before, version } in steps {
            let before = match before {
                Some(number) => Some(self.open(number).await?),
                None => None,
            };
            let table = self.open(version).await?;
            if lines.is_empty() {
                lines = head(app, &table, (start, capabilities), None)?;
            }
            match telling {
                Telling::Rows => files.extend(self.rows(before, table).await?),
                Telling::Files => files.extend(came_and_went(before, &table)?),
            }
        }
        if lines.is_empty() {
            lines = head(app, newest, (start, capabilities), None)?;
        }
        let addresses = addresses.lasting(files.iter().map(|(_, part, ..)| part.bytes).sum());
        let dialect = capabilities.dialect;
        let files = files.into_iter().map(move |(folder, part, of, commit): Told| {
            addresses.action(&folder, &part, of, commit, dialect)
        });
        let lines = lines.into_iter().chain(files);
        answered(lines, start, &capabilities.without_end(), self.sources.clone())
    }

    async fn open(&mut self, number: i64) -> Result<OpenTable> {
        if let Some(last) = self.last.as_ref().filter(|last| last.dataset.version.number == number) {
            return Ok(last.clone());
        }
        let table = TableName::Code(self.code.clone());
        let open = self.app.tables.open(self.ctx, &table, VersionSelector::Number(number)).await?;
        let source = open.dataset.source();
        if !self.sources.contains(&source) {
            self.sources.push(source);
        }
        self.last = Some(open.clone());
        Ok(open)
    }

    /// The rows that differ from the version before; all of them where there is none.
    async fn rows(&self, before: Option<OpenTable>, table: OpenTable) -> Result<Vec<Told>> {
        let (commit, path) = (Commit::of(&table.dataset), self.code.path_form());
        let (wanted, of, folder) = match before {
            None => (Wanted::rows(table.clone()), Use::Add, rows_folder(&table)),
            Some(before) => {
                let number = before.dataset.version.number;
                let folder = format!("/delta-sharing/changes/{path}/{number}/{}", commit.version);
                (Wanted::changes(before, table), Use::Changes, folder)
            }
        };
        let parts = match wanted.known(self.app).await? {
            Some(parts) => parts,
            None if Instant::now() > self.computing_until => return Err(unfinished(commit.version)),
            None => wanted.files(self.app, self.ctx).await?,
        };
        let parts = parts.into_iter().filter(|part| part.rows > 0);
        Ok(parts.map(|part| (folder.clone(), part, of, commit)).collect())
    }
}

/// Clients of the protocol ask again by themselves.
fn unfinished(version: i64) -> Error {
    let message = format!(
        "the differences before version {version} are found by now; ask again for the others, or end before it"
    );
    Error::new(ErrorCode::Unavailable, message)
}

/// The files that came and went with a version, where all of what they hold is shown.
fn came_and_went(before: Option<OpenTable>, table: &OpenTable) -> Result<Vec<Told>, Refusal> {
    if before.as_ref().is_some_and(|before| before.schema != table.schema) {
        let number = table.dataset.version.number;
        return Err(invalid(&format!(
            "version {number} has other columns than the one before: read it anew"
        )));
    }
    let hidden = || {
        invalid(
            "files since a version are told of tables of which nothing is hidden from you, and of this one something is: \
             ask for `changes`, which tells of rows",
        )
    };
    let (wanted, commit) = (Wanted::rows(table.clone()), Commit::of(&table.dataset));
    let after = wanted.stored().ok_or_else(hidden)?;
    let (earlier, before_folder) = match before {
        None => (None, String::new()),
        Some(before) => {
            let folder = rows_folder(&before);
            (Some(Wanted::rows(before)), folder)
        }
    };
    let before: &[StoredFile] = match &earlier {
        None => &[],
        Some(earlier) => earlier.stored().ok_or_else(hidden)?,
    };
    let [had, has] =
        [before, after].map(|files| files.iter().map(|file| &file.path).collect::<BTreeSet<_>>());
    let folder = rows_folder(table);
    let came = after.iter().filter(|file| !had.contains(&file.path));
    let came = came.map(|file| (folder.clone(), part(file), Use::Add, commit));
    let went = before.iter().filter(|file| !has.contains(&file.path));
    let went = went.map(|file| (before_folder.clone(), part(file), Use::Remove, commit));
    Ok(came.chain(went).collect())
}
