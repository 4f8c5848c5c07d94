//! Materials 附件 of a resource: large files, uploaded in chunks that survive a broken line and a restart.
//!
//! A register is delivered after them as data are: the cells of an item of the format `material` hold their SHA-256. Whoever sees
//! such a cell may download the file.

pub(crate) mod staging;
pub(crate) mod tus;

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result, Timestamp};
use exchange_crypto::{random, to_hex};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use openapi_contract::MaterialUpload;
use openapi_contract::header::MATERIAL;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::downloads::{http_date, insert};
use crate::extract::{Code, CodePath, parameter};
use crate::payload::Upload;
use crate::problem::Refusal;
use staging::{Busy, Staged, Staging};
use tus::Checksum;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(begin_material)).routes(routes!(
        get_material_upload,
        continue_material,
        give_up_material
    ))
}

/// `{upload}` in the path.
struct UploadId(String);

impl<S: Send + Sync> FromRequestParts<S> for UploadId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> std::result::Result<Self, Refusal> {
        let id = parameter(parts, state, "upload").await?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(Self(id)) } else { Err(unknown().into()) }
    }
}

/// Begin to upload a material 附件 (tus 1.0.0): a document or image that rows of the resource's data name by its SHA-256
///
/// For the department that provides the resource. `location` in the answer is where its bytes go; the first may come with this
/// request. An upload that nobody continues is forgotten at the time that `upload-expires` says.
#[utoipa::path(post, path = "/api/v1/resources/{code}/materials", tag = "data", params(CodePath,
        ("tus-resumable" = String, Header, description = "`1.0.0`"),
        ("upload-length" = u64, Header, description = "Bytes of the whole"),
        ("upload-metadata" = Option<String>, Header, description = "What the client says of the file; given back as it is"),
        ("upload-checksum" = Option<String>, Header, description = "`sha256` or `sha1` of this chunk, and the sum in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 201, description = "Begun; `location`, `upload-offset`, `upload-expires`"),
        (status = 412, description = "Another version of the protocol"),
        (status = 460, description = "The chunk does not have its checksum")))]
async fn begin_material(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(chunk): Extension<Arc<Upload>>,
    Code(code): Code,
    headers: HeaderMap,
) -> std::result::Result<Response, Refusal> {
    tus::check_version(&headers)?;
    let resource = app.services.register_of_materials(&ctx, &code).await?;
    let length = tus::length(&headers, app.limits.material_bytes)?;
    let staged = Staged {
        id: to_hex(&random::bytes::<16>().map_err(Error::internal)?),
        resource: code,
        department: resource.provider,
        length,
        offset: 0,
        metadata: tus::metadata(&headers)?,
        expires: expiry(&app, ctx.now),
        sha256: None,
    };
    if chunk.bytes > 0 {
        tus::check_media_type(&headers)?;
        check_chunk(&staged, &chunk, &headers).await?;
    }
    let Some(busy) = app.staging.enter(&staged.id) else { return Err(taken()) };
    let begun = App::to_the_end(begin(Arc::clone(&app), ctx, (staged, busy), chunk)).await?;
    let address = format!("/api/v1/resources/{}/materials/{}", begun.resource.path_form(), begun.id);
    let mut response = told(StatusCode::CREATED, &begun)?;
    insert(response.headers_mut(), header::LOCATION, &address)?;
    Ok(response)
}

/// How far an upload is
#[utoipa::path(get, path = "/api/v1/resources/{code}/materials/{upload}", tag = "data", params(CodePath,
        ("upload" = String, Path, description = "As `location` named it"),
        ("tus-resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 200, description = "`upload-offset` and `upload-length`; with HEAD these alone", body = MaterialUpload),
        (status = 412, description = "Another version of the protocol")))]
async fn get_material_upload(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    UploadId(id): UploadId,
    headers: HeaderMap,
) -> std::result::Result<Response, Refusal> {
    tus::check_version(&headers)?;
    app.services.register_of_materials(&ctx, &code).await?;
    let staged = staged(&app, &ctx, &code, &id).await?;
    let Staged { length, offset, expires, sha256, .. } = staged.clone();
    let mut response = told(StatusCode::OK, &staged)?;
    let (parts, body) = Json(MaterialUpload { length, offset, expires, sha256 }).into_response().into_parts();
    response.headers_mut().extend(parts.headers);
    let headers = response.headers_mut();
    headers.insert(tus::LENGTH, HeaderValue::from(length));
    insert(headers, header::CACHE_CONTROL, "no-store")?;
    if !staged.metadata.is_empty() {
        insert(headers, tus::METADATA, &staged.metadata)?;
    }
    *response.body_mut() = body;
    Ok(response)
}

/// Send the next chunk of a material
///
/// It counts whole or not at all, and when it is answered it is on the disk. With the last one the material is there, under
/// the SHA-256 that `shuqiao-material` says.
#[utoipa::path(patch, path = "/api/v1/resources/{code}/materials/{upload}", tag = "data", params(CodePath,
        ("upload" = String, Path, description = "As `location` named it"),
        ("tus-resumable" = String, Header, description = "`1.0.0`"),
        ("upload-offset" = u64, Header, description = "Bytes that the server has"),
        ("upload-checksum" = Option<String>, Header, description = "`sha256` or `sha1` of the chunk, and the sum in base64")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "`upload-offset` is where the next chunk begins"),
        (status = 409, description = "`upload-offset` is not where the server is: ask for it"),
        (status = 410, description = "Its time is over"),
        (status = 412, description = "Another version of the protocol"),
        (status = 423, description = "Somebody else writes to it"),
        (status = 460, description = "The chunk does not have its checksum")))]
async fn continue_material(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(chunk): Extension<Arc<Upload>>,
    Code(code): Code,
    UploadId(id): UploadId,
    headers: HeaderMap,
) -> std::result::Result<Response, Refusal> {
    tus::check_version(&headers)?;
    tus::check_media_type(&headers)?;
    app.services.register_of_materials(&ctx, &code).await?;
    let Some(busy) = app.staging.enter(&id) else { return Err(taken()) };
    let staged = staged(&app, &ctx, &code, &id).await?;
    let offset = tus::number(&headers, tus::OFFSET)?;
    if offset != staged.offset {
        let message = format!("the server has {} bytes, and the chunk begins at {offset}", staged.offset);
        return Err(Error::new(ErrorCode::Conflict, message).into());
    }
    check_chunk(&staged, &chunk, &headers).await?;
    let staged = match staged.sha256 {
        Some(_) => staged,
        None => App::to_the_end(take(app, ctx, (staged, busy), chunk)).await?,
    };
    told(StatusCode::NO_CONTENT, &staged)
}

/// Give an upload up
#[utoipa::path(delete, path = "/api/v1/resources/{code}/materials/{upload}", tag = "data", params(CodePath,
        ("upload" = String, Path, description = "As `location` named it"),
        ("tus-resumable" = String, Header, description = "`1.0.0`")),
    responses((status = 204, description = "Forgotten; a material that is whole stays until nothing names it"),
        (status = 412, description = "Another version of the protocol"),
        (status = 423, description = "Somebody writes to it")))]
async fn give_up_material(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
    UploadId(id): UploadId,
    headers: HeaderMap,
) -> std::result::Result<StatusCode, Refusal> {
    tus::check_version(&headers)?;
    app.services.register_of_materials(&ctx, &code).await?;
    let Some(busy) = app.staging.enter(&id) else { return Err(taken()) };
    let staged = staged(&app, &ctx, &code, &id).await?;
    App::to_the_end(async move {
        let _busy = busy;
        app.services.record_upload(&ctx, "material.given_up", (&id, &code), &staged).await?;
        on_disk(&app, move |staging| staging.give_up(&id)).await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes in a material that came whole, in one form; answers its SHA-256 in hex, by which rows name it.
pub(crate) async fn put_whole(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    file: Arc<Upload>,
) -> Result<String> {
    let most = app.limits.material_bytes;
    if file.bytes > most {
        return Err(Error::new(ErrorCode::TooLarge, format!("a material has at most {most} bytes")));
    }
    let resource = app.services.register_of_materials(ctx, code).await?;
    let staged = Staged {
        id: to_hex(&random::bytes::<16>().map_err(Error::internal)?),
        resource: code.clone(),
        department: resource.provider,
        length: file.bytes,
        offset: 0,
        metadata: String::new(),
        expires: expiry(app, ctx.now),
        sha256: None,
    };
    let taken = || Error::new(ErrorCode::Conflict, "somebody else writes to this upload now; try again");
    let busy = app.staging.enter(&staged.id).ok_or_else(taken)?;
    let begun = App::to_the_end(begin(Arc::clone(app), ctx.clone(), (staged, busy), file)).await?;
    begun.sha256.ok_or_else(|| Error::internal("a whole material without its digest"))
}

/// Enters an upload with its first chunk, perhaps of nothing.
async fn begin(
    app: Arc<App>,
    ctx: OpContext,
    (staged, busy): (Staged, Busy),
    chunk: Arc<Upload>,
) -> Result<Staged> {
    let (most, now, entered) = (app.limits.material_uploads, ctx.now, staged.clone());
    on_disk(&app, move |staging| staging.create(&entered, most, now)).await?;
    app.services.record_upload(&ctx, "material.begun", (&staged.id, &staged.resource), &staged).await?;
    match chunk.bytes == 0 && staged.length > 0 {
        true => Ok(staged),
        false => take(app, ctx, (staged, busy), chunk).await,
    }
}

/// Takes a chunk in. The last one makes the whole a material, and counts when that is done.
async fn take(
    app: Arc<App>,
    ctx: OpContext,
    (mut staged, _busy): (Staged, Busy),
    chunk: Arc<Upload>,
) -> Result<Staged> {
    let before = staged.clone();
    staged.offset += chunk.bytes;
    staged.expires = expiry(&app, ctx.now);
    on_disk(&app, move |staging| staging.append(&before, &mut chunk.file.reopen().map_err(Error::internal)?))
        .await?;
    if staged.offset < staged.length {
        let saved = staged.clone();
        on_disk(&app, move |staging| staging.save(&saved)).await?;
        return Ok(staged);
    }
    let file = app.staging.file(&staged.id)?;
    let _no_erasing = app.no_erasing().await;
    let (digest, _) = app.datasets.put_material(&staged.resource, file).await?;
    staged.sha256 = Some(digest.to_hex());
    app.services.record_upload(&ctx, "material.received", (&staged.id, &staged.resource), &staged).await?;
    let ended = staged.clone();
    on_disk(&app, move |staging| staging.end(&ended)).await?;
    Ok(staged)
}

/// Refuses a chunk that is too long for the whole, or garbled.
async fn check_chunk(
    staged: &Staged,
    chunk: &Arc<Upload>,
    headers: &HeaderMap,
) -> std::result::Result<(), Refusal> {
    let left = staged.length - staged.offset;
    if chunk.bytes > left {
        let message = format!("the chunk has {} bytes, and {left} are left of the whole", chunk.bytes);
        return Err(Error::new(ErrorCode::TooLarge, message).into());
    }
    let Some(checksum) = Checksum::stated(headers)? else { return Ok(()) };
    let chunk = Arc::clone(chunk);
    let is_right = tokio::task::spawn_blocking(move || checksum.is_of(&mut chunk.file.reopen()?)).await;
    match is_right.map_err(Error::internal)?.map_err(Error::internal)? {
        true => Ok(()),
        false => Err(Checksum::mismatch()),
    }
}

/// An upload to that resource whose time is not over.
async fn staged(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    id: &str,
) -> std::result::Result<Staged, Refusal> {
    let wanted = id.to_owned();
    let found = on_disk(app, move |staging| staging.get(&wanted)).await?;
    let staged = found.filter(|staged| staged.resource == *code).ok_or_else(unknown)?;
    if staged.expires <= ctx.now {
        let message = "nobody continued the upload in time: begin anew";
        return Err(Refusal::with_status(StatusCode::GONE, ErrorCode::NotFound, message));
    }
    Ok(staged)
}

/// Does something with the staged uploads on a thread that may block.
async fn on_disk<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&Staging) -> Result<T> + Send + 'static,
) -> Result<T> {
    let staging = app.staging.clone();
    tokio::task::spawn_blocking(move || work(&staging)).await.map_err(Error::internal)?
}

fn expiry(app: &App, now: Timestamp) -> Timestamp {
    now.plus_seconds(app.limits.material_seconds)
}

/// An answer that says how far an upload is.
fn told(status: StatusCode, staged: &Staged) -> std::result::Result<Response, Refusal> {
    let mut response = status.into_response();
    let headers = response.headers_mut();
    headers.insert(tus::OFFSET, HeaderValue::from(staged.offset));
    insert(headers, tus::EXPIRES, &http_date(staged.expires))?;
    if let Some(digest) = &staged.sha256 {
        insert(headers, HeaderName::from_static(MATERIAL), digest)?;
    }
    Ok(response)
}

fn unknown() -> Error {
    Error::not_found("an upload at this address")
}

fn taken() -> Refusal {
    let message = "somebody else writes to this upload now; ask how far it is, and go on";
    Refusal::with_status(StatusCode::LOCKED, ErrorCode::Conflict, message)
}
