//! CKAN's answers: `{"help", "success", "result"}`, and `{"help", "success", "error"}` with CKAN's types and statuses.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use catalog_core::{ErrorCode, Fault};
use http::{HeaderValue, StatusCode, Uri, header};
use openapi_contract::{CkanAnswer, CkanError, CkanRefusal};
use serde::Serialize;
use serde_json::Value;

use super::{ACTIONS, PATHS};
use crate::app::App;
use crate::problem::Refusal;

/// The tag of this door in the API's description.
pub(crate) const TAG: &str = "ckan";
/// The statuses of this door's errors.
pub(crate) const PROBLEMS: [(&str, &str); 8] = [
    ("400", "A request that can't be read, or an action that is not offered"),
    ("403", "A key that is wrong, or no grant; says how to apply"),
    ("404", "Nothing of that name that the caller may know of"),
    ("409", "A parameter that breaks a rule, or a query that can't be answered"),
    ("413", "A body beyond its limit"),
    ("429", "Beyond the quota of the address or of the developer key; `retry-after` says when to come again"),
    ("500", "A fault of the server"),
    ("503", "Not available now, or evidence can't be written"),
];
/// Media type of every answer.
pub(super) const JSON: &str = "application/json;charset=utf-8";

/// The members of every error.
const MEMBERS: [&str; 3] = ["__type", "code", "message"];

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
    written(text(app, action, result))
}

/// The text of a success.
pub(super) fn text(app: &App, action: &str, result: Value) -> Bytes {
    bytes(&CkanAnswer { help: help(app, action), success: true, result })
}

/// A text as an answer.
pub(super) fn written(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, JSON)], text).into_response()
}

/// A refusal as CKAN would write it; what its status calls for stays in the head.
pub(crate) fn refused(app: &App, action: &str, refusal: &Refusal, request_id: &str) -> (Response, Bytes) {
    let (mut response, _) = refusal.written(request_id);
    let (status, kind) = face(refusal);
    let mut parameters = BTreeMap::<_, Vec<_>>::new();
    // What is wrong with a parameter that is called like a member stands in the message alone.
    for problem in refusal.error.problems.iter().filter(|problem| !MEMBERS.contains(&problem.at.as_str())) {
        parameters.entry(problem.at.clone()).or_default().push(problem.message.clone());
    }
    let error = CkanError {
        kind: kind.to_owned(),
        message: format!("{}{}", prefix(kind), refusal.error.message),
        code: refusal.error.code.as_str().to_owned(),
        parameters,
    };
    let body = bytes(&CkanRefusal { help: help(app, action), success: false, error });
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body.clone().into();
    (response, body)
}

/// Plain data, which can't fail to be written.
fn bytes(document: &impl Serialize) -> Bytes {
    serde_json::to_vec(document).unwrap_or_default().into()
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
