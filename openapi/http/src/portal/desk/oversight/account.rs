//! One's own account, and what keeps the server in order.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::account::SignedInBy;
use catalog_core::policy::{Action, decide_action};
use openapi_contract::GarbageCollected;
use openapi_portal::{AccountPage, ClearedAway, MaintenancePage};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keys::is_own;
use super::wrong;
use crate::app::App;
use crate::maintenance::collect;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::sign_in::sessions;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_account)).routes(routes!(show_maintenance, run_maintenance))
}

/// One's own account: roles, session, keys, and what one may do
#[utoipa::path(get, path = "/desk/account", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_account(visit: Visit) -> Result<Response, Refusal> {
    let principal = visit.signed_in()?;
    let session = match &visit.ctx.session {
        Some(id) => sessions(&visit.app)?.store.session(id).await?,
        None => None,
    };
    let session = session
        .map(|session| (session.started_at, session.ends_at, matches!(session.by, SignedInBy::Password)));
    let may =
        |action: &Action| decide_action(principal, *action, principal.department.as_ref()).into_permission();
    let keys = visit.app.services.key_history(&visit.ctx).await?;
    visit.page(&AccountPage {
        a: visit.around(),
        principal,
        session,
        actions: Action::ALL.into_iter().filter(|action| may(action).is_ok()).collect(),
        keys: keys.iter().rev().filter(|key| is_own(key, principal)).collect(),
        now: visit.ctx.now,
    })
}

/// What the form sends.
#[derive(Debug, Deserialize, ToSchema)]
struct MaintenanceForm {
    /// `look` or `erase`.
    act: String,
}

/// Garbage, and words that have not arrived
#[utoipa::path(get, path = "/desk/maintenance", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_maintenance(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let words = visit.app.services.words(&visit.ctx).await?;
    visit.page(&MaintenancePage { a: visit.around(), words: &words, cleared: None })
}

/// Erase garbage by the form, or look at what would be erased
#[utoipa::path(post, path = "/desk/maintenance", tag = "desk", params(LanguageParam),
    request_body(content = MaintenanceForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "What was erased, on the page", content_type = "text/html")))]
async fn run_maintenance(visit: Visit, Form(sent): Form<MaintenanceForm>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let words = visit.app.services.words(&visit.ctx).await?;
    let done = match sent.act.as_str() {
        "look" | "erase" => collect(Arc::clone(&visit.app), visit.ctx.clone(), sent.act == "look").await,
        _ => Err(wrong("this page looks and erases")),
    };
    match done {
        Ok(collected) => {
            let cleared = cleared(collected);
            visit.page(&MaintenancePage { a: visit.around(), words: &words, cleared: Some(&cleared) })
        }
        Err(error) => Err(visit.again(error, |a| MaintenancePage { a, words: &words, cleared: None })),
    }
}

fn cleared(collected: GarbageCollected) -> ClearedAway {
    let GarbageCollected { objects, bytes, kept, dry_run, versions } = collected;
    let versions =
        versions.into_iter().map(|one| (one.resource.to_string(), one.version, one.rows)).collect();
    ClearedAway { objects, bytes, kept, dry_run, versions }
}
