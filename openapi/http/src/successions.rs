//! Departments that continue others, or take over resources of theirs 机构改革, for officers of the data authority.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Succession;
use catalog_core::services::Heir;
use catalog_core::{DepartmentId, OpContext};
use http::StatusCode;
use openapi_contract::Reason;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_successions))
        .routes(routes!(propose_succession))
        .routes(routes!(confirm_succession))
        .routes(routes!(cancel_succession))
}

/// Departments that are continued by others, or hand resources over 机构改革
///
/// Confirmed ones for everyone; the data authority and auditors see also what is proposed or was called off.
#[utoipa::path(get, path = "/api/v1/successions", tag = "organisation",
    responses((status = 200, description = "By date, those that lie ahead too", body = Vec<Succession>)))]
async fn list_successions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Succession>>, Refusal> {
    Ok(Json(app.services.successions(&ctx).await?))
}

/// Propose that a department is continued by another from a date on, or hands over the resources that are named
///
/// For officers of the data authority who don't act for the successor. Nothing follows before a second officer confirms it. From the
/// date on, a department that is continued as a whole can't act: the successor has its data, grants and matters, and its tables are found
/// under both names. Of resources that are handed over, the successor is the provider, with the grants on them and what runs about
/// them. `conflict` names grants that must end first.
#[utoipa::path(post, path = "/api/v1/departments/{id}/succession", tag = "organisation",
    params(("id" = String, Path, description = "Machine name of the department that ends, or gives up")), request_body = Heir,
    responses((status = 201, description = "Proposed", body = Succession)))]
async fn propose_succession(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(heir): Input<Heir>,
) -> Result<(StatusCode, Json<Succession>), Refusal> {
    let proposed = app.services.propose_succession(&ctx, &DepartmentId::new(id)?, &heir).await?;
    Ok((StatusCode::CREATED, Json(proposed)))
}

/// Confirm a succession that another officer has proposed
///
/// It counts from its date on, at the earliest from now.
#[utoipa::path(post, path = "/api/v1/successions/{id}/confirm", tag = "organisation",
    params(("id" = String, Path, description = "The succession")),
    responses((status = 200, description = "Confirmed", body = Succession)))]
async fn confirm_succession(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Succession>, Refusal> {
    Ok(Json(app.services.confirm_succession(&ctx, &id).await?))
}

/// Call off a succession before its date
#[utoipa::path(post, path = "/api/v1/successions/{id}/cancel", tag = "organisation",
    params(("id" = String, Path, description = "The succession")), request_body = Reason,
    responses((status = 200, description = "Called off", body = Succession)))]
async fn cancel_succession(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Input(Reason { reason }): Input<Reason>,
) -> Result<Json<Succession>, Refusal> {
    Ok(Json(app.services.cancel_succession(&ctx, &id, &reason).await?))
}
