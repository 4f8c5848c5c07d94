//! Substitutes 代办, for the security administrator.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::OpContext;
use catalog_core::substitution::{NewSubstitution, Substitution};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_substitutions, name_substitute))
        .routes(routes!(end_substitution))
}

/// All substitutes, for the security administrator
#[utoipa::path(get, path = "/api/v1/substitutions", tag = "organisation",
    responses((status = 200, description = "By time, those that are over too", body = Vec<Substitution>)))]
async fn list_substitutions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Substitution>>, Refusal> {
    Ok(Json(app.services.substitutions(&ctx).await?))
}

/// Name a substitute 代办: for a time, a person holds a further role in their department
///
/// By the security administrator. It ends by itself; what the person does meanwhile names the substitution in evidence.
#[utoipa::path(post, path = "/api/v1/substitutions", tag = "organisation", request_body = NewSubstitution,
    responses((status = 201, description = "Named", body = Substitution)))]
async fn name_substitute(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(new): Input<NewSubstitution>,
) -> Result<(StatusCode, Json<Substitution>), Refusal> {
    Ok((StatusCode::CREATED, Json(app.services.name_substitute(&ctx, &new).await?)))
}

/// End a substitution before its time
#[utoipa::path(post, path = "/api/v1/substitutions/{id}/end", tag = "organisation",
    params(("id" = String, Path, description = "The substitution")),
    responses((status = 200, description = "It is over", body = Substitution)))]
async fn end_substitution(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Substitution>, Refusal> {
    Ok(Json(app.services.end_substitution(&ctx, &id).await?))
}
