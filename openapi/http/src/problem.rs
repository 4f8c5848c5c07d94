//! Errors as problem details (RFC 9457): the one table from codes to statuses.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use catalog_core::evidence::SourceRead;
use catalog_core::{Error, ErrorCode, Fault, Problem};
use http::{HeaderName, HeaderValue, StatusCode, header};
use openapi_contract::ProblemDetails;
use openapi_portal::{Language, title_of, told};

use crate::portal;

/// Media type of every error.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Status and title of a code.
pub(crate) fn face(code: ErrorCode) -> (StatusCode, &'static str) {
    match code {
        ErrorCode::InvalidInput => (StatusCode::BAD_REQUEST, "The input is not valid"),
        ErrorCode::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The input is too large"),
        ErrorCode::UnsupportedFormat => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The format is not supported"),
        ErrorCode::NotFound => (StatusCode::NOT_FOUND, "Nothing of that name"),
        ErrorCode::Conflict => (StatusCode::CONFLICT, "The name or state is taken"),
        ErrorCode::IllegalState => (StatusCode::CONFLICT, "Not allowed in this state"),
        ErrorCode::Unauthenticated => (StatusCode::UNAUTHORIZED, "No valid proof of identity"),
        ErrorCode::SignatureInvalid => (StatusCode::UNAUTHORIZED, "The signature is not valid"),
        ErrorCode::ClockSkew => (StatusCode::UNAUTHORIZED, "The clocks differ too much"),
        ErrorCode::Replayed => (StatusCode::UNAUTHORIZED, "The request was sent before"),
        ErrorCode::Forbidden => (StatusCode::FORBIDDEN, "Not allowed"),
        ErrorCode::NotGranted => (StatusCode::FORBIDDEN, "No grant covers this"),
        ErrorCode::AmbiguousGrant => (StatusCode::CONFLICT, "Several grants could answer"),
        ErrorCode::ObligationMissing => (StatusCode::FORBIDDEN, "The grant demands more"),
        ErrorCode::SqlSyntax => (StatusCode::BAD_REQUEST, "Not one well-formed query"),
        ErrorCode::SqlUnsupported => (StatusCode::BAD_REQUEST, "Not offered in SQL"),
        ErrorCode::UnknownTable => (StatusCode::NOT_FOUND, "Unknown table"),
        ErrorCode::UnknownColumn => (StatusCode::BAD_REQUEST, "Unknown column"),
        ErrorCode::QueryFailed => (StatusCode::UNPROCESSABLE_ENTITY, "The query failed"),
        ErrorCode::LimitTime => (StatusCode::UNPROCESSABLE_ENTITY, "Time limit"),
        ErrorCode::LimitMemory => (StatusCode::UNPROCESSABLE_ENTITY, "Memory limit"),
        ErrorCode::LimitRows => (StatusCode::UNPROCESSABLE_ENTITY, "Row limit"),
        ErrorCode::LimitBytes => (StatusCode::UNPROCESSABLE_ENTITY, "Byte limit"),
        ErrorCode::LimitSql => (StatusCode::PAYLOAD_TOO_LARGE, "SQL text limit"),
        ErrorCode::LimitRate => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        ErrorCode::Revoked => (StatusCode::FORBIDDEN, "Revoked"),
        ErrorCode::Withdrawn => (StatusCode::GONE, "Withdrawn"),
        ErrorCode::NotReplayable => (StatusCode::GONE, "It can't be computed again"),
        ErrorCode::BreakingChange => (StatusCode::CONFLICT, "The change breaks the published shape"),
        ErrorCode::QualityThreshold => (StatusCode::UNPROCESSABLE_ENTITY, "Too many rows are not valid"),
        ErrorCode::Corrupt => (StatusCode::INTERNAL_SERVER_ERROR, "A stored object is damaged"),
        ErrorCode::EvidenceUnavailable => (StatusCode::SERVICE_UNAVAILABLE, "Evidence can't be written"),
        ErrorCode::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not available now"),
        ErrorCode::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "Internal error"),
    }
}

/// The problem details of an error.
pub(crate) fn details(error: &Error, status: StatusCode, request_id: &str) -> ProblemDetails {
    ProblemDetails {
        kind: format!("urn:shuqiao:problem:{}", error.code),
        title: face(error.code).1.to_owned(),
        status: status.as_u16(),
        detail: error.message.clone(),
        instance: format!("urn:uuid:{request_id}"),
        code: error.code,
        problems: error.problems.clone(),
    }
}

/// The problem details in the language that a reader prefers (RFC 9457, section 3.1). Codes, rules and places are for programs and
/// stay.
fn in_language(details: ProblemDetails, language: Language) -> ProblemDetails {
    let title = match language {
        Language::Chinese => title_of(details.code, language).to_owned(),
        Language::English => details.title,
    };
    let detail = told(&details.detail, language).into_owned();
    let problem =
        |problem: Problem| Problem { message: told(&problem.message, language).into_owned(), ..problem };
    let problems = details.problems.into_iter().map(problem).collect();
    ProblemDetails { title, detail, problems, ..details }
}

/// A refusal as handlers return it: the error travels in the response's extensions, and the wrapper, which knows the
/// request id, writes the body.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) error: Error,
    pub(crate) status: StatusCode,
    /// What is told beside it.
    pub(crate) beside: Box<Beside>,
}

/// What is told beside a refusal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    /// One more header field that this status calls for.
    pub(crate) field: Option<(HeaderName, String)>,
    /// The page that tells it to a person, with what they had typed.
    pub(crate) page: Option<String>,
    /// The language that its reader prefers, if they say so.
    pub(crate) language: Option<Language>,
}

impl Refusal {
    /// A refusal with a status that its code alone does not tell.
    pub(crate) fn with_status(status: StatusCode, code: ErrorCode, message: impl Into<String>) -> Self {
        Self { error: Error::new(code, message), status, beside: Box::default() }
    }

    /// The refusal with a header field that its status calls for.
    pub(crate) fn with_header(self, name: HeaderName, value: String) -> Self {
        Self { beside: Box::new(Beside { field: Some((name, value)), ..*self.beside }), ..self }
    }

    /// The refusal as a page for people.
    pub(crate) fn on_page(self, page: String) -> Self {
        Self { beside: Box::new(Beside { page: Some(page), ..*self.beside }), ..self }
    }

    /// The refusal in the language that its reader prefers; as it is without one.
    pub(crate) fn in_language(self, language: Option<Language>) -> Self {
        Self { beside: Box::new(Beside { language, ..*self.beside }), ..self }
    }

    /// The refusal with what had been opened before it.
    pub(crate) fn after_opening(self, sources: impl IntoIterator<Item = SourceRead>) -> Self {
        Self { error: self.error.after_opening(sources), ..self }
    }

    /// The refusal as it travels, and its body; its cause is left in the operator's log.
    pub(crate) fn written(&self, request_id: &str) -> (Response, Bytes) {
        let Self { error, status, beside } = self;
        let Beside { field, page, language } = beside.as_ref();
        if let Some(cause) = error.internal_cause() {
            let code = error.code.as_str();
            match error.code.fault() {
                Fault::Server => tracing::error!(request_id, code, cause, "request failed"),
                _ => tracing::info!(request_id, code, cause, "request refused"),
            }
        }
        let (media_type, body) = match page {
            Some(page) => ("text/html; charset=utf-8", page.as_bytes().to_vec()),
            None => {
                let details = details(error, *status, request_id);
                let details = match language {
                    Some(language) => in_language(details, *language),
                    None => details,
                };
                (PROBLEM_JSON, serde_json::to_vec(&details).unwrap_or_default())
            }
        };
        let body = Bytes::from(body);
        let mut response = (*status, body.clone()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if page.is_some() {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(portal::CONTENT));
        } else {
            headers.append(header::VARY, HeaderValue::from_static("accept-language"));
            if let Some(language) = language {
                headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
            }
        }
        if let Some((name, value)) = field
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.insert(name, value);
        }
        if *status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"shuqiao\""));
        }
        if *status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        (response, body)
    }

    /// The refusal inside a response that a handler, or the framework, has made.
    pub(crate) fn found_in(response: &mut Response) -> Option<Self> {
        let status = response.status();
        if let Some(refusal) = response.extensions_mut().remove::<Self>() {
            return Some(refusal);
        }
        (status.is_client_error() || status.is_server_error()).then(|| {
            let (code, message) = match status {
                StatusCode::NOT_FOUND => (ErrorCode::NotFound, "there is nothing at this address"),
                StatusCode::INTERNAL_SERVER_ERROR => (ErrorCode::Internal, "an internal error occurred"),
                _ => (ErrorCode::InvalidInput, "the request can't be read"),
            };
            Self::with_status(status, code, message)
        })
    }
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        let error = error.into();
        let status = face(error.code).0;
        Self { error, status, beside: Box::default() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_agree_with_whose_fault_it_is() {
        for code in ErrorCode::ALL {
            let is_ours = code.fault() == Fault::Server;
            assert_eq!(face(*code).0.is_server_error(), is_ours, "{code}");
        }
    }
}
