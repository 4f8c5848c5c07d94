//! What went wrong, for people.

use askama::Template;
use catalog_core::ErrorCode;

use crate::around::Around;

/// A page in place of one that can't be shown; `a.trouble` says why.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// By which the operator finds the request.
    pub request_id: &'a str,
}

impl ErrorPage<'_> {
    /// Whether signing in may help.
    fn wants_sign_in(&self) -> bool {
        let code = self.a.trouble.as_ref().map(|error| error.code);
        self.a.visitor.is_none() && matches!(code, Some(ErrorCode::Unauthenticated | ErrorCode::Forbidden))
    }
}
