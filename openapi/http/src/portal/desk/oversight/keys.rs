//! Public keys: those of everybody for the security administrator, their own for others.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{DepartmentId, Principal, Result};
use openapi_portal::{EnteredKey, KeysPage};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wrong;
use crate::app::App;
use crate::keys::key_record;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

const DAY_SECONDS: i64 = 86_400;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_keys, change_keys))
}

/// What the forms of the page send.
#[derive(Debug, Deserialize, ToSchema)]
struct KeyForm {
    /// `register`, `rotate` or `retire`.
    act: String,
    #[serde(default)]
    id: String,
    /// `department` or `person`.
    #[serde(default)]
    owner: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    public_key: String,
    /// Days for which the old key stays valid beside the new one.
    #[serde(default)]
    days: String,
}

fn registers(principal: &Principal) -> bool {
    decide_action(principal, Action::ManageKeys, None).into_permission().is_ok()
}

/// Whether a key is somebody's own.
pub(super) fn is_own(key: &KeyRecord, principal: &Principal) -> bool {
    matches!(&key.owner, KeyOwner::Person(id) if *id == principal.id)
}

/// The keys that somebody may look after, the newest first.
fn looked_after<'k>(keys: &'k [KeyRecord], principal: &Principal) -> Vec<&'k KeyRecord> {
    let all = registers(principal);
    keys.iter().rev().filter(|key| all || is_own(key, principal)).collect()
}

/// The people who hold them.
fn holders<'k>(keys: &[&'k KeyRecord]) -> Vec<&'k str> {
    let holder = |key: &&'k KeyRecord| match &key.owner {
        KeyOwner::Person(id) => Some(id.as_str()),
        KeyOwner::Platform | KeyOwner::Department(_) => None,
    };
    keys.iter().filter_map(holder).collect()
}

/// Public keys, with their periods
#[utoipa::path(get, path = "/desk/keys", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_keys(visit: Visit) -> Result<Response, Refusal> {
    let principal = visit.signed_in()?;
    let keys = visit.app.services.key_history(&visit.ctx).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let shown = looked_after(&keys, principal);
    visit.page(&KeysPage {
        a: visit.around(),
        names: &visit.names(holders(&shown)).await?,
        keys: shown,
        may_register: registers(principal),
        departments: &departments,
        entered: &EnteredKey::default(),
        now: visit.ctx.now,
    })
}

/// Register, replace or end a key by the form
#[utoipa::path(post, path = "/desk/keys", tag = "desk", params(LanguageParam),
    request_body(content = KeyForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn change_keys(visit: Visit, Form(sent): Form<KeyForm>) -> Result<Response, Refusal> {
    let principal = visit.signed_in()?;
    match changed(&visit, &sent).await {
        Ok(()) => Ok(visit.go_on("/desk/keys")),
        Err(error) => {
            let keys = visit.app.services.key_history(&visit.ctx).await?;
            let departments = visit.app.services.departments(&visit.ctx).await?;
            let KeyForm { owner, name, public_key, .. } = sent;
            let entered = EnteredKey { owner, name, public_key };
            let shown = looked_after(&keys, principal);
            let names = visit.names(holders(&shown)).await?;
            Err(visit.again(error, |a| KeysPage {
                a,
                keys: shown,
                names: &names,
                may_register: registers(principal),
                departments: &departments,
                entered: &entered,
                now: visit.ctx.now,
            }))
        }
    }
}

async fn changed(visit: &Visit, sent: &KeyForm) -> Result<()> {
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let (name, public_key) = (sent.name.trim(), sent.public_key.trim());
    match sent.act.as_str() {
        "retire" => services.retire_key(ctx, &sent.id).await.map(drop),
        "rotate" => {
            let days: i64 = sent.days.trim().parse().map_err(|_| wrong("days are a number, 0 to 90"))?;
            let seconds = days.saturating_mul(DAY_SECONDS);
            services.rotate_key(ctx, &sent.id, public_key, seconds).await.map(drop)
        }
        "register" => {
            let owner = match sent.owner.as_str() {
                "person" => KeyOwner::Person(name.to_owned()),
                _ => KeyOwner::Department(DepartmentId::new(name)?),
            };
            let key = key_record(owner, public_key.to_owned(), ctx.now)?;
            services.put_key(ctx, &key).await
        }
        _ => Err(wrong("this page registers, replaces and ends keys")),
    }
}
