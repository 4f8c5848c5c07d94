//! Errors as the protocol writes them: few statuses, a code and a message.

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use openapi_contract::SharingError;

use crate::problem::Refusal;

/// The refusal as it travels here, and its body.
pub(crate) fn written(refusal: &Refusal, request_id: &str) -> (Response, Bytes) {
    let (mut response, _) = refusal.written(request_id);
    let status = known(response.status());
    let error_code = code(status).to_owned();
    let error = SharingError { error_code, message: refusal.error.message.clone() };
    let body = Bytes::from(serde_json::to_vec(&error).unwrap_or_default());
    *response.status_mut() = status;
    *response.body_mut() = Body::from(body.clone());
    let media_type = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    (response, body)
}

/// The protocol's statuses for what it has no other for; files are plain HTTP and keep theirs.
fn known(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::CONFLICT
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        StatusCode::GONE => StatusCode::NOT_FOUND,
        other => other,
    }
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "UNAUTHENTICATED",
        StatusCode::FORBIDDEN => "PERMISSION_DENIED",
        StatusCode::NOT_FOUND => "RESOURCE_DOES_NOT_EXIST",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        status if status.is_server_error() => "INTERNAL_ERROR",
        _ => "INVALID_PARAMETER_VALUE",
    }
}
