//! The portal: pages for people, which need no scripts. Public pages show what the public's directory shows, whoever asks; those
//! of the desk what their reader may do.

mod assets;
mod desk;
mod form;
mod public;
mod sign_in;
mod visit;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use visit::{LanguageParam, Reader, Visit};

/// What a page may refer to: our own looks, pictures, scripts and data.
pub(crate) const CONTENT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Pages where what is sent is confided to a department: whoever sends it is anyone, and leaves no address.
const CONFIDENTIAL: &str = "/ask/";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(assets::get_asset))
        .merge(public::routes())
        .merge(sign_in::routes())
        .merge(desk::routes())
}

/// Whether who sends something there is nobody's business.
pub(crate) fn is_confidential(path: &str) -> bool {
    path.starts_with(CONFIDENTIAL)
}

/// Whether the proof of identity is in the form that is sent there.
pub(crate) fn signs_in(path: &str) -> bool {
    matches!(path, "/sign-in" | "/password")
}

/// Whether forms that are sent there are kept nowhere but where they belong.
pub(crate) fn keeps_nothing(path: &str) -> bool {
    path.starts_with("/desk") || signs_in(path)
}
