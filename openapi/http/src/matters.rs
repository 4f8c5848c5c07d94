//! Matters 办件: opening, following and deciding them.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use catalog_core::deadline::Light;
use catalog_core::matter::{
    Application, Content, Demand, EmergencyGrant, GrantImport, MatterKind, Objection, OpeningItem,
};
use catalog_core::ports::MatterPlace;
use catalog_core::services::{Act, MatterFilter, MatterView};
use catalog_core::{Error, OpContext, Role};
use http::{HeaderValue, StatusCode, Uri, header};
use openapi_contract::header::NEXT;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, Params, invalid};
use crate::openings;
use crate::problem::Refusal;

/// Where matters are handled.
pub(crate) const MATTERS: &str = "/api/v1/matters/";
/// Matters of a page where the caller does not say, and most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

type Opened = Result<(StatusCode, Json<MatterView>), Refusal>;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create_application))
        .routes(routes!(create_objection))
        .routes(routes!(create_demand))
        .routes(routes!(create_emergency_grant))
        .routes(routes!(create_grant_import))
        .routes(routes!(create_opening_item))
        .routes(routes!(list_matters))
        .routes(routes!(get_matter))
        .routes(routes!(advance_matter))
}

async fn open(app: &App, ctx: &OpContext, content: Content) -> Opened {
    Ok((StatusCode::CREATED, Json(app.services.open_matter(ctx, content).await?)))
}

/// Apply for data of one or several providers
#[utoipa::path(post, path = "/api/v1/applications", tag = "matters", request_body = Application,
    responses((status = 201, description = "Received; what is shared without a condition is granted", body = MatterView)))]
async fn create_application(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(application): Input<Application>,
) -> Opened {
    open(&app, &ctx, Content::Application(application)).await
}

/// Object to wrong data, a wrong directory entry, or a wrong use
#[utoipa::path(post, path = "/api/v1/objections", tag = "matters", request_body = Objection,
    responses((status = 201, description = "Received by the department that it is against", body = MatterView)))]
async fn create_objection(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(objection): Input<Objection>,
) -> Opened {
    open(&app, &ctx, Content::Objection(objection)).await
}

/// Ask for data that no resource offers yet
#[utoipa::path(post, path = "/api/v1/demands", tag = "matters", request_body = Demand,
    responses((status = 201, description = "Received by the data authority", body = MatterView)))]
async fn create_demand(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(demand): Input<Demand>,
) -> Opened {
    open(&app, &ctx, Content::Demand(demand)).await
}

/// Propose an emergency grant, which another officer of the data authority decides
#[utoipa::path(post, path = "/api/v1/emergency-grants", tag = "matters", request_body = EmergencyGrant,
    responses((status = 201, description = "Proposed; the provider sees it", body = MatterView)))]
async fn create_emergency_grant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(emergency): Input<EmergencyGrant>,
) -> Opened {
    open(&app, &ctx, Content::EmergencyGrant(emergency)).await
}

/// Enter an agreement from before the platform, which another officer of the data authority confirms
#[utoipa::path(post, path = "/api/v1/grant-imports", tag = "matters", request_body = GrantImport,
    responses((status = 201, description = "Entered", body = MatterView)))]
async fn create_grant_import(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(import): Input<GrantImport>,
) -> Opened {
    open(&app, &ctx, Content::GrantImport(import)).await
}

/// Put an item into the yearly opening plan
#[utoipa::path(post, path = "/api/v1/opening-plan", tag = "matters", request_body = OpeningItem,
    responses((status = 201, description = "Planned", body = MatterView)))]
async fn create_opening_item(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(item): Input<OpeningItem>,
) -> Opened {
    open(&app, &ctx, Content::OpeningItem(item)).await
}

/// Which matters to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Listing {
    /// Of one kind.
    #[param(inline)]
    kind: Option<MatterKind>,
    /// Handled by this role.
    #[param(inline)]
    role: Option<Role>,
    /// With this light or a worse one: `paused`, `green`, `yellow`, `red`.
    #[param(inline)]
    light: Option<Light>,
    /// Settled ones too.
    #[serde(default)]
    settled: bool,
    /// The page behind the place that `shuqiao-next` of the page before named.
    after: Option<String>,
    /// Matters of a page, 1 to 1,000; 100 when left out.
    limit: Option<usize>,
}

/// The matters that concern the caller, those due first come first
///
/// Where there are more, a `link` field with `rel="next"` leads to them, and `shuqiao-next` names the place for `after`.
#[utoipa::path(get, path = "/api/v1/matters", tag = "matters", params(Listing),
    responses((status = 200, description = "Of one's own department; the authority and auditors see all", body = Vec<MatterView>)))]
async fn list_matters(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Listing { kind, role, light, settled, after, limit }): Params<Listing>,
    uri: OriginalUri,
) -> Result<Response, Refusal> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(invalid("`limit` lies between 1 and 1,000"));
    }
    let after = after.as_deref().map(str::parse::<MatterPlace>).transpose()?;
    let kinds = kind.into_iter().collect();
    let filter = MatterFilter { kinds, role, light, side: None, settled, after, limit };
    let page = app.services.matters(&ctx, &filter).await?;
    paged(Json(page.matters).into_response(), &uri, page.next.map(|next| next.to_string()).as_deref())
}

/// A page with the way to the next one, if there is one.
pub(crate) fn paged(mut response: Response, uri: &Uri, next: Option<&str>) -> Result<Response, Refusal> {
    let Some(next) = next else { return Ok(response) };
    let query = uri.query().unwrap_or_default().split('&');
    let mut pairs: Vec<_> =
        query.filter(|pair| !pair.is_empty() && !pair.starts_with("after=")).map(str::to_owned).collect();
    pairs.push(format!("after={next}"));
    let link = format!("<{}?{}>; rel=\"next\"", uri.path(), pairs.join("&"));
    let headers = response.headers_mut();
    headers.insert(header::LINK, HeaderValue::try_from(link).map_err(Error::internal)?);
    headers.insert(NEXT, HeaderValue::try_from(next).map_err(Error::internal)?);
    Ok(response)
}

/// One matter with its history, limits and light
#[utoipa::path(get, path = "/api/v1/matters/{id}", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter: SQ-2026-000001")),
    responses((status = 200, description = "The matter", body = MatterView)))]
async fn get_matter(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
) -> Result<Json<MatterView>, Refusal> {
    Ok(Json(app.services.matter(&ctx, &number).await?))
}

/// Take a step in a matter: check, decide, deliver, withdraw, …
#[utoipa::path(post, path = "/api/v1/matters/{id}/steps", tag = "matters",
    params(("id" = String, Path, description = "Number of the matter")), request_body = Act,
    responses((status = 200, description = "The matter after the step", body = MatterView)))]
async fn advance_matter(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(number): Id,
    Input(act): Input<Act>,
) -> Result<Json<MatterView>, Refusal> {
    let act = async move { openings::act(&app, &ctx, &number, &act).await };
    Ok(Json(App::to_the_end(act).await?))
}
