//! The first system administrator comes in by a form.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use openapi_contract::AdministratorClaim;
use openapi_portal::ClaimPage;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::filled;
use crate::app::App;
use crate::organisation::claim_by_code;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::wire::Wire;

/// The address of the form: what is sent there is kept nowhere.
pub(crate) const CLAIM: &str = "/claim";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_claim, claim_by_form))
}

/// What the form sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = ClaimForm)]
struct Entered {
    code: String,
    id: String,
    name: String,
    password: String,
    #[serde(default)]
    public_key: String,
}

/// The form by which the first system administrator comes in 首位系统管理员
#[utoipa::path(get, path = "/claim", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_claim(visit: Visit) -> Result<Response, Refusal> {
    let has_code = visit.app.first_code.is_waiting(visit.ctx.now);
    visit.page(&ClaimPage { a: visit.around(), id: "", name: "", public_key: "", has_code })
}

/// Become the first system administrator by the form
#[utoipa::path(post, path = "/claim", tag = "desk", params(LanguageParam),
    request_body(content = Entered, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "The account exists; sign in to it")))]
async fn claim_by_form(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(entered): Form<Entered>,
) -> Result<Response, Refusal> {
    let Entered { code, id, name, password, public_key } = entered;
    let claim = AdministratorClaim {
        code,
        id: id.clone(),
        name: name.clone(),
        public_key: filled(&public_key),
        password: Some(password),
    };
    let has_code = visit.app.first_code.is_waiting(visit.ctx.now);
    match claim_by_code(&visit.app, &visit.ctx, wire, claim).await {
        Ok(_) => Ok(visit.go_on("/sign-in")),
        Err(refusal) => Err(visit.again(refusal.error, |a| ClaimPage {
            a,
            id: &id,
            name: &name,
            public_key: &public_key,
            has_code,
        })),
    }
}
