//! What handlers take from a request: every way to be wrong is a refusal with a code.

use std::collections::HashMap;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use catalog_core::{Error, ErrorCode, Problem, ResourceCode};
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
            misread("the parameters behind the question mark are not right", what)
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

/// A query or a form that can't be read, with the field and what is wrong with it, which the reading library has told in a line:
/// ``page: invalid digit found in string``, ``missing field `name` ``.
pub(crate) fn misread(message: &str, found: &str) -> Refusal {
    let (place, what) = found.split_once(": ").unwrap_or(("", found));
    let named = what.split('`').nth(1).unwrap_or_default();
    let (at, why) = match what {
        _ if what.starts_with("missing field") => (named, "it is missing".to_owned()),
        _ if what.starts_with("duplicate field") => (named, "it stands there twice".to_owned()),
        _ if what.starts_with("unknown variant") => {
            let values = what.split_once("expected ").map_or("", |(_, values)| values);
            let values = values.trim_start_matches("one of ").replace('`', "");
            (place, format!("it is none of the values that it may have: {values}"))
        }
        _ if what.starts_with("unknown field") => {
            let names = what.split_once("expected ").map_or("", |(_, names)| names);
            let names = names.trim_start_matches("one of ").replace('`', "");
            (named, format!("there is no such parameter; there are: {names}"))
        }
        _ if what.contains("number too") => (place, "the number is too large or too small".to_owned()),
        _ if what.contains("invalid digit") || what.contains("parse integer") => {
            (place, "a whole number is expected".to_owned())
        }
        _ => (place, "it can't be read".to_owned()),
    };
    Error::invalid(message, vec![Problem::new(at, "parameter", why)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_t_be_read_is_told_by_its_field() {
        let told = |found: &str| {
            let problem = misread("not right", found).error.problems.remove(0);
            (problem.at, problem.message)
        };
        let of = |at: &str, message: &str| (at.to_owned(), message.to_owned());
        let digits = "page: invalid digit found in string";
        assert_eq!(told(digits), of("page", "a whole number is expected"));
        assert_eq!(told("missing field `name`"), of("name", "it is missing"));
        let variant = "state: unknown variant `x`, expected one of `waiting`, `shown`";
        assert_eq!(told(variant), of("state", "it is none of the values that it may have: waiting, shown"));
        let field = "unknown field `foo`, expected one of `q`, `page`";
        assert_eq!(told(field), of("foo", "there is no such parameter; there are: q, page"));
        let large = "page: number too large to fit in target type";
        assert_eq!(told(large), of("page", "the number is too large or too small"));
        assert_eq!(told("something else"), of("", "it can't be read"));
    }
}
