//! Who is behind names of people and machines.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::OpContext;
use catalog_core::services::PrincipalName;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_names))
}

/// Whom it is asked about.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Login names and ids of keys, at most 1,000: `id=zhang,li`.
    #[serde(default)]
    id: String,
}

/// Who is behind names in evidence, matters and grants: people by their names, keys by whose they are
///
/// For departments and those who run the platform, about one another. Names that nobody has, and those of developers, are left out.
#[utoipa::path(get, path = "/api/v1/names", tag = "organisation", params(Wanted),
    responses((status = 200, description = "By what was asked for", body = Vec<PrincipalName>)))]
async fn list_names(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Wanted { id }): Params<Wanted>,
) -> Result<Json<Vec<PrincipalName>>, Refusal> {
    let wanted = id.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    Ok(Json(app.services.names(&ctx, &wanted).await?))
}
