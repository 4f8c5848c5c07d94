//! Erasing how a developer is reached, for the security administrator.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::Result;
use catalog_core::policy::{Action, decide_action};
use openapi_portal::ContactsPage;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_contacts, erase_contact_by_form))
}

/// Who is for the page.
fn permit(visit: &Visit) -> Result<()> {
    decide_action(visit.signed_in()?, Action::ManagePeople, None).into_permission()
}

/// The form by which a developer's address is erased
#[utoipa::path(get, path = "/desk/contacts", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_contacts(visit: Visit) -> Result<Response, Refusal> {
    permit(&visit)?;
    visit.page(&ContactsPage { a: visit.around(), id: "", erased: None })
}

/// Whose address goes.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = ContactForm)]
struct Whose {
    /// Login name.
    id: String,
}

/// Erase a developer's address by the form
#[utoipa::path(post, path = "/desk/contacts", tag = "desk", params(LanguageParam),
    request_body(content = Whose, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Erased", content_type = "text/html")))]
async fn erase_contact_by_form(visit: Visit, Form(whose): Form<Whose>) -> Result<Response, Refusal> {
    permit(&visit)?;
    let id = whose.id.trim();
    match visit.app.services.erase_contact(&visit.ctx, id).await {
        Ok(()) => visit.page(&ContactsPage { a: visit.around(), id: "", erased: Some(id) }),
        Err(error) => Err(visit.again(error, |a| ContactsPage { a, id, erased: None })),
    }
}
