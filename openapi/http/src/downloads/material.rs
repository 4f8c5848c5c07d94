//! Materials 附件: the bytes are for whoever sees a row that names them.
//!
//! The engine is asked for such a row as the caller sees the version: what a filter, a mask or a withdrawal hides, and what is not
//! there, are the same to them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::directory::{InformationItem, ValueFormat};
use catalog_core::policy::Filter;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use datasets_store::material_path;
use exchange_auth::{REPR_DIGEST, digest_field};
use exchange_crypto::Digest;
use exchange_query::export::{Format, encode};
use exchange_query::{QueryRequest, Selection, TableName, Tables as _, Watch};
use futures::TryStreamExt;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use object_store::ObjectStoreExt;
use serde_json::{Map, Value};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Stored, unreadable};
use super::naming::material_disposition;
use super::{Conditions, Validators, Whole, insert, send, version_named};
use crate::app::App;
use crate::extract::{Code, CodePath, parameter};
use crate::problem::Refusal;
use crate::records::is_value;

/// Nothing of a material ever acts for our address, whatever a browser takes it for.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";
/// First bytes of a file, by which its type is known; what is not listed is bytes.
const TYPES: [(&[u8], &str, &str); 6] = [
    (b"%PDF-", "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"II*\0", "image/tiff", "tif"),
    (b"MM\0*", "image/tiff", "tif"),
    (b"PK\x03\x04", "application/zip", "zip"),
];
/// The longest of them.
const HEAD_BYTES: u64 = 8;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(download_material))
}

/// A material 附件: a document or image that a row of the version names by its SHA-256
///
/// For whoever sees such a row, in an item that is not masked; everyone else hears that there is none.
#[utoipa::path(get, path = "/datasets/{code}/versions/{version}/materials/{digest}", tag = "downloads", params(CodePath,
        ("version" = String, Path, description = "`latest` or a version's number"),
        ("digest" = String, Path, description = "SHA-256 in lower-case hex, as the row has it"),
        ("range" = Option<String>, Header, description = "One range of bytes"),
        ("if-none-match" = Option<String>, Header, description = "Answered with 304 where nothing has changed")),
    responses((status = 200, description = "The file, with strong `ETag` and `Repr-Digest`", content_type = "application/octet-stream"),
        (status = 206, description = "The range"), (status = 304, description = "Nothing has changed"),
        (status = 412, description = "`if-match` names another file"),
        (status = 416, description = "No such range; `content-range` tells the size")))]
async fn download_material(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    Named { version, digest }: Named,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let watch = app.revocations.watch();
    let open = app.tables.open(&ctx, &TableName::Code(code), version).await?;
    // A refusal tells of the rows, too.
    let source = open.dataset.source();
    let conditions = Conditions { method, headers };
    let answered = answer(&app, &ctx, &open.dataset, &digest, &conditions, watch).await;
    answered.map_err(|refusal| refusal.after_opening([source]))
}

/// `{version}` and `{digest}` in the path.
struct Named {
    version: VersionSelector,
    digest: Digest,
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let version = parameter(parts, state, "version").await?;
        let text = parameter(parts, state, "digest").await?;
        let digest = Digest::from_hex(&text).ok().filter(|digest| digest.to_hex() == text);
        match version_named(&version).zip(digest) {
            Some((version, digest)) => Ok(Self { version, digest }),
            None => {
                let message =
                    "a material is at `latest` or a version's number, and its SHA-256 in lower-case hex";
                Err(Error::new(ErrorCode::NotFound, message).into())
            }
        }
    }
}

async fn answer(
    app: &Arc<App>,
    ctx: &OpContext,
    dataset: &Dataset,
    digest: &Digest,
    conditions: &Conditions,
    watch: Watch,
) -> Result<Response, Refusal> {
    let Some(name) = named(app, ctx, dataset, digest).await? else {
        let message = "no row that you see in this version names a material of that digest";
        return Err(Error::new(ErrorCode::NotFound, message).into());
    };
    let path = material_path(&dataset.resource.code, digest);
    let objects = app.datasets.objects();
    let bytes = objects.head(&path).await.map_err(unreadable)?.size;
    let head = match bytes {
        0 => bytes::Bytes::new(),
        _ => objects.get_range(&path, 0..bytes.min(HEAD_BYTES)).await.map_err(unreadable)?,
    };
    let (media_type, ending) = type_of(&head);
    let stored = Stored { path, bytes, digest: *digest, rows: 1, written: dataset.version.made_at };
    let validators = Validators::new(digest, stored.written, ctx.now);
    let mut response = Response::default();
    let headers = response.headers_mut();
    let (code, number) = (dataset.resource.code.path_form(), dataset.version.number);
    let disposition = material_disposition(dataset, &digest.to_hex(), name.as_deref(), ending);
    insert(headers, header::CONTENT_TYPE, media_type)?;
    insert(headers, header::CONTENT_DISPOSITION, &disposition)?;
    insert(
        headers,
        header::CONTENT_LOCATION,
        &format!("/datasets/{code}/versions/{number}/materials/{digest}"),
    )?;
    insert(headers, header::CONTENT_SECURITY_POLICY, POLICY)?;
    insert(headers, header::ETAG, &validators.tag)?;
    insert(headers, header::ACCEPT_RANGES, "bytes")?;
    insert(headers, REPR_DIGEST, &digest_field(digest))?;
    if let Some(modified) = validators.last_modified() {
        insert(headers, header::LAST_MODIFIED, &modified)?;
    }
    if ctx.principal.kind == PrincipalKind::Public {
        // Caches ask each time, so that a withdrawal works at once.
        insert(headers, header::CACHE_CONTROL, "public, no-cache")?;
    }
    send(app, response, (&Whole::of(&stored), &validators), conditions, (vec![dataset.source()], watch)).await
}

/// Whether a row that the caller sees names the material, and what it calls the file.
async fn named(
    app: &App,
    ctx: &OpContext,
    dataset: &Dataset,
    digest: &Digest,
) -> Result<Option<Option<String>>> {
    let Some(selection) = selection(dataset, digest) else { return Ok(None) };
    let items = clear_items(dataset);
    let digest = digest.to_hex();
    let answer = app.run(ctx, QueryRequest::Selection(selection)).await?;
    if answer.sources != [dataset.source()] {
        let message = "the dataset or its policy changed while the row was looked for; try again";
        return Err(Error::new(ErrorCode::Unavailable, message));
    }
    let lines: Vec<_> = encode(answer, Format::JsonLines).try_collect().await?;
    let line = lines.concat();
    if line.is_empty() {
        return Ok(None);
    }
    let row: Map<String, Value> = serde_json::from_slice(&line).map_err(Error::internal)?;
    let text = |item: &InformationItem| row.get(item.column.as_str()).and_then(Value::as_str);
    let found = items.iter().find(|(item, _)| text(item) == Some(digest.as_str()));
    Ok(Some(found.and_then(|(_, name)| text((*name)?)).map(str::to_owned)))
}

/// A row that names the material; `None` where no row that is seen can.
pub(crate) fn selection(dataset: &Dataset, digest: &Digest) -> Option<Selection> {
    let items = clear_items(dataset);
    let digest = digest.to_hex();
    let column = |item: &InformationItem| item.column.to_string();
    let is_it = items.iter().map(|(item, _)| is_value(column(item), digest.clone()));
    let mut columns: Vec<String> = items.iter().map(|(item, _)| column(item)).collect();
    columns.extend(items.iter().filter_map(|(_, name)| name.map(column)));
    let selection = Selection {
        version: VersionSelector::Number(dataset.version.number),
        columns,
        filter: Some(Filter::Or(is_it.collect())),
        limit: Some(1),
        ..Selection::of(TableName::Code(dataset.resource.code.clone()))
    };
    (!items.is_empty()).then_some(selection)
}

/// The code and the digest in the address of a material.
pub(crate) fn named_by(path: &str) -> Option<(&str, Digest)> {
    let (code, rest) = path.strip_prefix("/datasets/")?.split_once("/versions/")?;
    let (_, digest) = rest.split_once("/materials/")?;
    Some((code, Digest::from_hex(digest).ok()?))
}

/// The items of materials that the caller sees as they are, each with the next one behind it that names files. Cells of a
/// statistic are no rows: they show none.
fn clear_items(dataset: &Dataset) -> Vec<(&InformationItem, Option<&InformationItem>)> {
    let policy = &dataset.granted.policy;
    if policy.statistics.is_some() {
        return Vec::new();
    }
    let clear = policy.columns.iter().filter(|column| column.mask.is_none());
    let items: Vec<_> = clear.filter_map(|column| dataset.resource.item(column.column.as_str())).collect();
    let mut found: Vec<(&InformationItem, Option<&InformationItem>)> = Vec::new();
    for item in items {
        match (item.format, found.last_mut()) {
            (Some(ValueFormat::Material), _) => found.push((item, None)),
            (Some(ValueFormat::FileName), Some((_, name))) if name.is_none() => *name = Some(item),
            _ => {}
        }
    }
    found
}

/// The media type by the first bytes, and how names of such files end.
fn type_of(head: &[u8]) -> (&'static str, &'static str) {
    let known = TYPES.iter().find(|(magic, _, _)| head.starts_with(magic));
    known.map_or(("application/octet-stream", "bin"), |(_, media_type, ending)| (*media_type, *ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_their_bytes_and_few_are_known() {
        assert_eq!(type_of(b"%PDF-1.7\n").0, "application/pdf");
        assert_eq!(type_of(b"\x89PNG\r\n\x1a\n").1, "png");
        for other in [&b"<svg xmlns"[..], b"<!DOCTYPE html>", b"GIF89a", b"%PD", b""] {
            assert_eq!(type_of(other).0, "application/octet-stream");
        }
        assert!(TYPES.iter().all(|(magic, _, _)| magic.len() as u64 <= HEAD_BYTES));
    }
}
