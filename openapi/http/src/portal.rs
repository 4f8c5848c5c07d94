//! The portal: pages for people, which need no scripts. Public pages show what the public's directory shows, whoever asks; those
//! of the desk what their reader may do.

mod api;
mod ask;
mod assets;
mod data;
mod desk;
mod developer;
mod figures;
mod form;
mod lately;
mod names;
mod overview;
mod public;
mod sign_in;
mod sql;
mod take_part;
mod unsent;
mod usage;
mod visit;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use data::first_rows;
pub(crate) use desk::{takes_file, takes_sheet};
pub(crate) use lately::Lately;
pub(crate) use overview::Overview;
pub(crate) use sql::{SQL, asserted, entered_sql, is_for_people};
pub(crate) use unsent::{Returned, Unsent, last_person, nobody};
pub(crate) use usage::Usage;
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
        .merge(figures::routes())
        .merge(data::routes())
        .merge(sign_in::routes())
        .merge(desk::routes())
        .merge(ask::routes())
        .merge(take_part::routes())
        .merge(developer::routes())
        .merge(api::routes())
        .merge(sql::routes())
}

/// Whether who sends something there is nobody's business.
pub(crate) fn is_confidential(path: &str) -> bool {
    path.starts_with(CONFIDENTIAL)
}

/// Whether pages refer to it, whichever is looked at.
pub(crate) fn is_of_any_page(path: &str) -> bool {
    path.starts_with("/assets/")
}

/// Whether the proof of identity is in the form that is sent there.
pub(crate) fn signs_in(path: &str) -> bool {
    matches!(path, "/sign-in" | "/password" | developer::REGISTER)
}

/// Whether forms are sent there by people and by anyone: no session tells where those come from.
pub(crate) fn takes_anyones_forms(path: &str) -> bool {
    path == SQL || path == desk::CLAIM || take_part::keeps_nothing(path)
}

/// Whether forms that are sent there are kept nowhere but where they belong.
pub(crate) fn keeps_nothing(path: &str) -> bool {
    path.starts_with("/desk")
        || path.starts_with("/developer")
        || take_part::keeps_nothing(path)
        || signs_in(path)
        || path == desk::CLAIM
}
