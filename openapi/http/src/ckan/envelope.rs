//! CKAN's answers: `{"help", "success", "result"}`, and `{"help", "success", "error"}` with CKAN's types and statuses.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use catalog_core::{ErrorCode, Fault};
use http::{HeaderValue, StatusCode, Uri, header};
use serde_json::{Map, Value, json};

use super::{ACTIONS, PATHS};
use crate::app::App;
use crate::problem::Refusal;

/// Media type of every answer.
pub(super) const JSON: &str = "application/json;charset=utf-8";

/// The action that a path names, if it is one of this door.
pub(crate) fn action_of(path: &str) -> Option<&str> {
    PATHS.iter().find_map(|prefix| path.strip_prefix(prefix)).filter(|action| !action.contains('/'))
}

/// An absolute address of this server.
pub(super) fn address(app: &App, path: &str) -> String {
    let base = app.authenticator.target_uri(&Uri::from_static("/"));
    format!("{}{path}", base.trim_end_matches('/'))
}

/// Where an action is described.
pub(super) fn help(app: &App, action: &str) -> String {
    let known = ACTIONS.iter().find(|(name, _)| *name == action);
    let query = known.map(|(name, _)| format!("?name={name}")).unwrap_or_default();
    address(app, &format!("/api/3/action/help_show{query}"))
}

/// A success.
pub(super) fn success(app: &App, action: &str, result: Value) -> Response {
    let body = json!({ "help": help(app, action), "success": true, "result": result });
    ([(header::CONTENT_TYPE, JSON)], body.to_string()).into_response()
}

/// A refusal as CKAN would write it; what its status calls for stays in the head.
pub(crate) fn refused(app: &App, action: &str, refusal: &Refusal, request_id: &str) -> (Response, Bytes) {
    let (mut response, _) = refusal.written(request_id);
    let (status, kind) = face(refusal);
    let mut error = Map::new();
    error.insert("__type".to_owned(), kind.into());
    error.insert("message".to_owned(), format!("{}{}", prefix(kind), refusal.error.message).into());
    error.insert("code".to_owned(), refusal.error.code.as_str().into());
    for problem in &refusal.error.problems {
        // CKAN gives a parameter the list of what is wrong with it.
        match error.entry(problem.at.clone()).or_insert_with(|| json!([])) {
            Value::Array(messages) => messages.push(problem.message.as_str().into()),
            _ => tracing::debug!(at = problem.at, "a problem has the name of a member"),
        }
    }
    let body = json!({ "help": help(app, action), "success": false, "error": error });
    let body = Bytes::from(body.to_string());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.clone().into();
    (response, body)
}

/// Status and type. What CKAN knows no type for keeps its status.
fn face(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal.error.code {
        // Nothing else at this door has a format of its own: the request can't be read.
        ErrorCode::UnsupportedFormat => (StatusCode::BAD_REQUEST, "Bad Request"),
        ErrorCode::NotFound | ErrorCode::UnknownTable | ErrorCode::Withdrawn => {
            (StatusCode::NOT_FOUND, "Not Found Error")
        }
        ErrorCode::Unauthenticated
        | ErrorCode::SignatureInvalid
        | ErrorCode::ClockSkew
        | ErrorCode::Replayed
        | ErrorCode::Forbidden
        | ErrorCode::NotGranted
        | ErrorCode::ObligationMissing
        | ErrorCode::Revoked => (StatusCode::FORBIDDEN, "Authorization Error"),
        ErrorCode::LimitRate => (refusal.status, "Rate Limit Error"),
        ErrorCode::TooLarge => (refusal.status, "Validation Error"),
        code if code.fault() == Fault::Server => (refusal.status, "Internal Server Error"),
        _ if refusal.status == StatusCode::METHOD_NOT_ALLOWED => (refusal.status, "Bad Request"),
        _ => (StatusCode::CONFLICT, "Validation Error"),
    }
}

/// How CKAN begins the messages of a type; its client cuts that off again.
fn prefix(kind: &str) -> &'static str {
    match kind {
        "Bad Request" => "Bad request: ",
        "Not Found Error" => "Not found: ",
        "Authorization Error" => "Access denied: ",
        _ => "",
    }
}
