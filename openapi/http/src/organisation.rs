//! Departments, people and keys.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Department;
use catalog_core::ports::{KeyRecord, Person};
use catalog_core::{DepartmentId, OpContext};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, invalid};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_departments))
        .routes(routes!(get_department, put_department))
        .routes(routes!(list_people))
        .routes(routes!(put_person))
        .routes(routes!(list_keys, put_key))
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

/// All public keys ever registered, with their periods
#[utoipa::path(get, path = "/api/v1/keys", tag = "organisation",
    responses((status = 200, description = "Oldest first", body = Vec<KeyRecord>)))]
async fn list_keys(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<KeyRecord>>, Refusal> {
    Ok(Json(app.services.key_history(&ctx).await?))
}

/// Register a public key, or end one by its `valid_until`
#[utoipa::path(put, path = "/api/v1/keys", tag = "organisation", request_body = KeyRecord,
    responses((status = 204, description = "Done")))]
async fn put_key(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(key): Input<KeyRecord>,
) -> Result<StatusCode, Refusal> {
    app.services.put_key(&ctx, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn same_id(address: &str, body: &str) -> Result<(), Refusal> {
    match address == body {
        true => Ok(()),
        false => Err(invalid(&format!("the address names `{address}`, the body `{body}`"))),
    }
}
