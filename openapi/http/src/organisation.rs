//! Departments, people, and the first of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Department;
use catalog_core::ports::{KeyOwner, KeyRecord, Person};
use catalog_core::{DepartmentId, OpContext, Role};
use exchange_auth::{check_password, claimant_context, hash_password};
use http::StatusCode;
use openapi_contract::AdministratorClaim;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, invalid};
use crate::keys::key_record;
use crate::problem::Refusal;
use crate::sign_in::only_confidential;
use crate::wire::Wire;

/// The address of the claim: the proof is in what is sent there.
pub(crate) const CLAIM: &str = "/api/v1/administration/claim";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_departments))
        .routes(routes!(get_department, put_department))
        .routes(routes!(list_people))
        .routes(routes!(put_person))
        .routes(routes!(claim_administration))
}

/// All departments
#[utoipa::path(get, path = "/api/v1/departments", tag = "organisation",
    responses((status = 200, description = "By machine name", body = Vec<Department>)))]
async fn list_departments(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Department>>, Refusal> {
    Ok(Json(app.services.departments(&ctx).await?))
}

/// One department
#[utoipa::path(get, path = "/api/v1/departments/{id}", tag = "organisation",
    params(("id" = String, Path, description = "Machine name")),
    responses((status = 200, description = "The department", body = Department)))]
async fn get_department(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Department>, Refusal> {
    Ok(Json(app.services.department(&ctx, &DepartmentId::new(id)?).await?))
}

/// Create or change a department
#[utoipa::path(put, path = "/api/v1/departments/{id}", tag = "organisation",
    params(("id" = String, Path, description = "Machine name")), request_body = Department,
    responses((status = 204, description = "Done")))]
async fn put_department(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(department): Input<Department>,
) -> Result<StatusCode, Refusal> {
    same_id(&id, department.id.as_str())?;
    app.services.put_department(&ctx, &department).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All people with an account
#[utoipa::path(get, path = "/api/v1/people", tag = "organisation",
    responses((status = 200, description = "By login name", body = Vec<Person>)))]
async fn list_people(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Person>>, Refusal> {
    Ok(Json(app.services.people(&ctx).await?))
}

/// Create or change a person, their department and roles
#[utoipa::path(put, path = "/api/v1/people/{id}", tag = "organisation",
    params(("id" = String, Path, description = "Login name")), request_body = Person,
    responses((status = 204, description = "Done")))]
async fn put_person(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(person): Input<Person>,
) -> Result<StatusCode, Refusal> {
    same_id(&id, &person.id)?;
    app.services.put_person(&ctx, &person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Become the first system administrator, with the one-time code that `shuqiao init` printed
///
/// The code works once, for a week. The administrator signs with the key that is sent along, or signs in by the password.
#[utoipa::path(post, path = "/api/v1/administration/claim", tag = "organisation", request_body = AdministratorClaim,
    responses((status = 201, description = "The account exists, and this is its key, if it has one", body = Option<KeyRecord>)))]
async fn claim_administration(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(claim): Input<AdministratorClaim>,
) -> Result<(StatusCode, Json<Option<KeyRecord>>), Refusal> {
    Ok((StatusCode::CREATED, Json(claim_by_code(&app, &ctx, wire, claim).await?)))
}

/// Makes the first system administrator; answers their key.
pub(crate) async fn claim_by_code(
    app: &App,
    ctx: &OpContext,
    wire: Wire,
    claim: AdministratorClaim,
) -> Result<Option<KeyRecord>, Refusal> {
    let AdministratorClaim { code, id, name, public_key, password } = claim;
    let is_name = !id.is_empty() && id.len() <= 64 && id.chars().all(|sign| sign.is_ascii_alphanumeric());
    if !is_name || name.trim().is_empty() {
        return Err(invalid("a login name has 1 to 64 letters and digits, and a name is not empty"));
    }
    if public_key.is_none() && password.is_none() {
        return Err(invalid("send a `public_key`, a `password`, or both"));
    }
    let owner = KeyOwner::Person(id.clone());
    let key = public_key.map(|public_key| key_record(owner, public_key, ctx.now)).transpose()?;
    // Hashing a password is work: none is done for strangers where no code waits.
    if !app.first_code.is_waiting(ctx.now) {
        app.first_code.redeem(&code, ctx.now)?;
    }
    let password = match password {
        Some(password) => {
            only_confidential(wire.confidential)?;
            check_password(&password, &id)?;
            let whose = id.clone();
            Some(app.sign_in.work(move || hash_password(&password, &whose)).await??)
        }
        None => None,
    };
    // Last, for the code is gone then.
    app.first_code.redeem(&code, ctx.now)?;
    let roles = BTreeSet::from([Role::SystemAdministrator]);
    let person = Person { id, name, department: None, roles, active: true };
    let claimant = claimant_context(&person.id, ctx.request_id.clone(), ctx.now);
    app.services.claim_administration(&claimant, &person, key.as_ref(), password).await?;
    Ok(key)
}

fn same_id(address: &str, body: &str) -> Result<(), Refusal> {
    match address == body {
        true => Ok(()),
        false => Err(invalid(&format!("the address names `{address}`, the body `{body}`"))),
    }
}
