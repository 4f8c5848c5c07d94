//! Files that pages refer to.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use catalog_core::Error;
use exchange_crypto::Digest;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, StatusCode};
use openapi_portal::asset;

use crate::downloads::matches;
use crate::problem::Refusal;

/// A file that pages refer to
#[utoipa::path(get, path = "/assets/{file}", tag = "portal",
    params(("file" = String, Path, description = "Its name")),
    responses((status = 200, description = "The file", content_type = "text/css"),
        (status = 304, description = "Nothing has changed")))]
pub(super) async fn get_asset(Path(file): Path<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let asset = asset(&file).ok_or_else(|| Error::not_found("file of the portal"))?;
    let brotli = asset.brotli.filter(|_| takes_brotli(&headers));
    let content = brotli.unwrap_or(asset.content);
    let tag = format!("\"{}\"", Digest::of(content));
    let fields = [
        (CACHE_CONTROL, "public, no-cache".to_owned()),
        (ETAG, tag.clone()),
        (VARY, "accept-encoding".to_owned()),
    ];
    if matches(&headers, IF_NONE_MATCH, &tag, true) {
        return Ok((StatusCode::NOT_MODIFIED, fields).into_response());
    }
    let encoding = brotli.map(|_| [(CONTENT_ENCODING, "br")]);
    let response = (fields, [(CONTENT_TYPE, asset.media_type)], content);
    Ok(match encoding {
        Some(encoding) => (encoding, response).into_response(),
        None => response.into_response(),
    })
}

/// Every browser takes it, and says so without a weight.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let said = headers.get_all(ACCEPT_ENCODING).into_iter().filter_map(|value| value.to_str().ok());
    said.flat_map(|line| line.split(',')).any(|coding| coding.trim() == "br")
}
