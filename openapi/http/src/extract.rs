//! What handlers take from a request: every way to be wrong is a refusal with a code.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use catalog_core::{Error, ErrorCode, ResourceCode};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::Refusal;

/// The resource in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CodePath {
    /// Code of the resource, with `-` for the slash: `301001-000001`.
    #[expect(dead_code, reason = "documents the parameter; `Code` reads it")]
    code: String,
}

/// The version in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct NumberPath {
    /// Number of the version.
    #[expect(dead_code, reason = "documents the parameter; `Number` reads it")]
    number: i64,
}

/// `{code}` in the path.
pub(crate) struct Code(pub(crate) ResourceCode);

impl<S: Send + Sync> FromRequestParts<S> for Code {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let code = ResourceCode::from_path(&parameter(parts, state, "code").await?)?;
        Ok(Self(code))
    }
}

/// `{number}` in the path.
pub(crate) struct Number(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let text = parameter(parts, state, "number").await?;
        let number = text.parse().map_err(|_| invalid("a version is named by its number"))?;
        Ok(Self(number))
    }
}

/// `{id}` in the path.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        parameter(parts, state, "id").await.map(Self)
    }
}

/// A named parameter of the path.
pub(crate) async fn parameter<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &str,
) -> Result<String, Refusal> {
    let Path(mut all) = Path::<HashMap<String, String>>::from_request_parts(parts, state)
        .await
        .map_err(|_| invalid("the address is not valid UTF-8"))?;
    all.remove(name).ok_or_else(|| Error::internal(format!("no path parameter {name}")).into())
}

/// The query of the address.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let Query(value) = Query::try_from_uri(&parts.uri).map_err(|found| {
            let text = found.body_text();
            let what = text.trim_start_matches("Failed to deserialize query string: ");
            invalid(&format!("the parameters behind the question mark are not right: {what}"))
        })?;
        Ok(Self(value))
    }
}

/// A JSON body.
pub(crate) struct Input<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if essence(media_type.unwrap_or_default()) != "application/json" {
            let message = "send the body as `content-type: application/json`";
            return Err(Error::new(ErrorCode::UnsupportedFormat, message).into());
        }
        let body = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|_| invalid("the body ended early"))?;
        match serde_json::from_slice(&body) {
            Ok(value) => Ok(Self(value)),
            Err(found) => Err(invalid(&format!(
                "the body is not what this operation takes: {found}; /api/v1/openapi.json names all of its fields"
            ))),
        }
    }
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Input that breaks a rule.
pub(crate) fn invalid(message: &str) -> Refusal {
    Error::new(ErrorCode::InvalidInput, message).into()
}
