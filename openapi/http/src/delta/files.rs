//! The files themselves, at addresses that stand for a ticket: the grant is looked at again each time.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::Response;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result, Timestamp};
use datasets_store::Part;
use exchange_auth::{REPR_DIGEST, digest_field};
use exchange_crypto::Digest;
use exchange_query::export::Format;
use exchange_query::{OpenTable, TableName, Tables as _};
use http::request::Parts;
use http::{HeaderMap, Method, header};

use super::governed::Wanted;
use super::token::permit;
use crate::app::App;
use crate::downloads::extract::Stored;
use crate::downloads::{Conditions, Validators, Whole, insert, send};
use crate::extract::{Code, parameter};
use crate::problem::Refusal;

/// A file of a table
#[utoipa::path(get, path = "/delta-sharing/files/{code}/{number}/{file}", tag = "delta-sharing",
    params(("code" = String, Path, description = "Code of the resource"),
        ("number" = i64, Path, description = "Number of the version"),
        ("file" = String, Path, description = "Id of the file, and `.parquet`"),
        ("range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "The file", content((Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 206, description = "The range"), (status = 304, description = "Nothing has changed"),
        (status = 412, description = "`if-match` names another file"),
        (status = 416, description = "No such range; `content-range` tells the size")))]
pub(super) async fn read_file(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Path((_, number, _)): Path<(String, i64, String)>,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let conditions = Conditions { method, headers };
    read(&app, &ctx, &code, (None, number), &id, &conditions).await
}

/// A file of changes between two versions of a table
#[utoipa::path(get, path = "/delta-sharing/changes/{code}/{before}/{number}/{file}", tag = "delta-sharing",
    params(("code" = String, Path, description = "Code of the resource"),
        ("before" = i64, Path, description = "Number of the earlier version"),
        ("number" = i64, Path, description = "Number of the later version"),
        ("file" = String, Path, description = "Id of the file, and `.parquet`"),
        ("range" = Option<String>, Header, description = "One range of bytes")),
    responses((status = 200, description = "The file", content((Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 206, description = "The range"), (status = 304, description = "Nothing has changed"),
        (status = 412, description = "`if-match` names another file"),
        (status = 416, description = "No such range; `content-range` tells the size")))]
pub(super) async fn read_changes(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Path((_, before, number, _)): Path<(String, i64, i64, String)>,
    Id(id): Id,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let conditions = Conditions { method, headers };
    read(&app, &ctx, &code, (Some(before), number), &id, &conditions).await
}

/// `{file}` in the path, without its extension.
pub(super) struct Id(String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let name = parameter(parts, state, "file").await?;
        let id = name.strip_suffix(".parquet").map(str::to_owned);
        id.map(Self).ok_or_else(|| Error::not_found("a file of that name").into())
    }
}

async fn read(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    (before, number): (Option<i64>, i64),
    id: &str,
    conditions: &Conditions,
) -> Result<Response, Refusal> {
    permit(ctx)?;
    let watch = app.revocations.watch();
    let open = async |number| -> Result<OpenTable> {
        app.tables.open(ctx, &TableName::Code(code.clone()), VersionSelector::Number(number)).await
    };
    let table = open(number).await?;
    let wanted = match before {
        None => Wanted::rows(table),
        Some(before) => Wanted::changes(open(before).await?, table),
    };
    let sources = wanted.sources();
    let answer = async {
        // Nothing is written here: an address was made when its file was there.
        let part = wanted.file(app, id).await?.ok_or_else(|| match wanted.is_of_extract(id) {
            true => Error::new(ErrorCode::NotFound, "the file is here no longer; ask the table again"),
            false => {
                let message =
                    "what you may see is no longer what this address was made for; ask the table again";
                Error::new(ErrorCode::Revoked, message)
            }
        })?;
        // When it was written stands nowhere.
        let stored = stored(part, ctx.now)?;
        let validators = Validators::new(&stored.digest, stored.written, ctx.now);
        let mut response = Response::default();
        let headers = response.headers_mut();
        insert(headers, header::CONTENT_TYPE, Format::Parquet.media_type())?;
        insert(headers, header::ETAG, &validators.tag)?;
        insert(headers, header::ACCEPT_RANGES, "bytes")?;
        insert(headers, REPR_DIGEST, &digest_field(&stored.digest))?;
        send(app, response, (&Whole::of(&stored), &validators), conditions, (wanted.sources(), watch)).await
    };
    answer.await.map_err(|refusal: Refusal| refusal.after_opening(sources))
}

fn stored(part: Part, written: Timestamp) -> Result<Stored> {
    let digest = Digest::from_hex(&part.sha256).map_err(Error::internal)?;
    let path = object_store::path::Path::from(part.path.as_str());
    Ok(Stored { path, bytes: part.bytes, digest, rows: part.rows, written })
}
