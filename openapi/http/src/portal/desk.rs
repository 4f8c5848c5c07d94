//! The desk 工作台: pages for people of departments, and for those who run the platform. Each calls the services that the API
//! calls, as the person who is signed in.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::context::Principal;
use catalog_core::policy::{Action, decide_action};
use openapi_portal::DeskPage;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::problem::Refusal;

/// The parts of the desk, each with the actions of which its readers may do one: address, Chinese and English name.
type Section = (&'static [Action], (&'static str, &'static str, &'static str));

/// All parts of the desk, in the order in which they are shown.
const SECTIONS: &[Section] = &[];

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_desk))
}

/// The parts of the desk that open to somebody.
pub(super) fn sections(principal: &Principal) -> Vec<(&'static str, &'static str, &'static str)> {
    let may = |action: &Action| {
        decide_action(principal, *action, principal.department.as_ref()).into_permission().is_ok()
    };
    SECTIONS.iter().filter(|(actions, _)| actions.iter().any(may)).map(|(_, section)| *section).collect()
}

/// The desk of whoever is signed in
#[utoipa::path(get, path = "/desk", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    visit.page(&DeskPage { a: visit.around() })
}
