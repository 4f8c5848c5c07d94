//! Words that have not arrived.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::OpContext;
use catalog_core::words::Delivery;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_words))
}

/// Words to departments that have not arrived: those that wait for another try, and those that were given up
///
/// For the system administrator. `next_at` is null where a delivery was given up, and `problem` says why the last try failed.
#[utoipa::path(get, path = "/api/v1/words", tag = "server",
    responses((status = 200, description = "The oldest first", body = Vec<Delivery>)))]
async fn list_words(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<Delivery>>, Refusal> {
    Ok(Json(app.services.words(&ctx).await?))
}
