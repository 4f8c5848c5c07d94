//! What a page's form sends.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use catalog_core::{Error, ErrorCode};
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::extract::{essence, invalid, misread};
use crate::problem::Refusal;

/// The fields of a form; those that may be ticked several times are lists. An empty field is an empty text.
pub(crate) struct Form<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if essence(media_type.unwrap_or_default()) != "application/x-www-form-urlencoded" {
            let message = "this address takes what its page's form sends";
            return Err(Error::new(ErrorCode::UnsupportedFormat, message).into());
        }
        let body = Bytes::from_request(request, state).await.map_err(|_| invalid("the form ended early"))?;
        serde_html_form::from_bytes(&body)
            .map(Self)
            .map_err(|found| misread("the form is not what this page sends", &found.to_string()))
    }
}
