//! Openings: secrecy reviews with their machine check, and what is open under which terms.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::matter::{Event, Finding, OpeningTerms, State as MatterState};
use catalog_core::ports::SecrecyCheck;
use catalog_core::secrecy::SecrecyRules;
use catalog_core::services::{Act, Dataset, Look, MatterView, Opening};
use catalog_core::{ColumnName, OpContext, Result};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::corrections::tell_developers;
use crate::extract::{Code, CodePath, Id, Input};
use crate::problem::Refusal;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_secrecy_review))
        .routes(routes!(check_secrecy))
        .routes(routes!(list_openings))
}

/// The machine check, by the engine and behind its barrier.
pub(crate) struct Check<'a>(pub(crate) &'a App);

#[async_trait]
impl SecrecyCheck for Check<'_> {
    async fn check(
        &self,
        ctx: &OpContext,
        dataset: Dataset,
        further: &[ColumnName],
        rules: &SecrecyRules,
    ) -> Result<Vec<Finding>> {
        let place = self.0.place(ctx).await?;
        let open = self.0.tables.decided(dataset).await?;
        self.0.engine.check_secrecy(place, ctx, &open, further, rules).await
    }
}

/// Takes a step in a matter; a secrecy review that is completed is checked anew at once, and developers are told of what is
/// corrected.
pub(crate) async fn act(app: &App, ctx: &OpContext, number: &str, act: &Act) -> Result<MatterView> {
    let view = app.services.act_on_matter(ctx, number, act).await?;
    match (act.event, view.matter.state) {
        (Event::Complete, MatterState::Checking) => {
            let check = Check(app);
            let look = Look { shapes: &app.datasets, check: &check };
            app.services.check_secrecy(ctx, &look, number).await
        }
        (Event::Correct, _) => {
            tell_developers(app, ctx, &view.matter).await?;
            Ok(view)
        }
        _ => Ok(view),
    }
}

/// Ask that items become open, which the machine checks at once and a reviewer decides
#[utoipa::path(post, path = "/api/v1/secrecy-reviews", tag = "matters", request_body = OpeningTerms,
    responses((status = 201, description = "Checked; with findings it waits for the department that asks", body = MatterView)))]
async fn create_secrecy_review(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(opening): Input<OpeningTerms>,
) -> Result<(StatusCode, Json<MatterView>), Refusal> {
    Ok((StatusCode::CREATED, Json(ask(&app, &ctx, opening).await?)))
}

/// Asks that items become open, and has them checked.
pub(crate) async fn ask(app: &Arc<App>, ctx: &OpContext, opening: OpeningTerms) -> Result<MatterView> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    let opened = async move {
        let check = Check(&app);
        let look = Look { shapes: &app.datasets, check: &check };
        app.services.open_secrecy_review(&ctx, &look, opening).await
    };
    App::to_the_end(opened).await
}

/// Run the machine check of a secrecy review again that was cut short
#[utoipa::path(post, path = "/api/v1/secrecy-reviews/{id}/check", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter: SC-2026-000001")),
    responses((status = 200, description = "The review after the check", body = MatterView)))]
async fn check_secrecy(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
) -> Result<Json<MatterView>, Refusal> {
    Ok(Json(check_again(&app, &ctx, number).await?))
}

/// Runs the machine check of a review that was cut short.
pub(crate) async fn check_again(app: &Arc<App>, ctx: &OpContext, number: String) -> Result<MatterView> {
    let (app, ctx) = (Arc::clone(app), ctx.clone());
    let checked = async move {
        let check = Check(&app);
        let look = Look { shapes: &app.datasets, check: &check };
        app.services.check_secrecy(&ctx, &look, &number).await
    };
    App::to_the_end(checked).await
}

/// What of a resource is open, and under which terms
#[utoipa::path(get, path = "/api/v1/resources/{code}/openings", tag = "directory", params(CodePath),
    responses((status = 200, description = "To everyone, or under a condition that an application accepts", body = Vec<Opening>)))]
async fn list_openings(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Code(code): Code,
) -> Result<Json<Vec<Opening>>, Refusal> {
    Ok(Json(app.services.openings(&ctx, &code).await?))
}
