//! Subscriptions 订阅: made, listed, resumed and ended by developers and departments, who see how each notification went.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::{Extension, Json};
use catalog_core::services::Services;
use catalog_core::subscription::Subscription;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use http::StatusCode;
use http::request::Parts;
use openapi_contract::{NotificationView, SubscriptionRequest, SubscriptionView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::extract::{Id, Input, parameter};
use crate::problem::Refusal;

/// Where all of it stands: bodies name receivers, and are kept nowhere else.
pub(crate) const PREFIX: &str = "/api/v1/subscriptions";

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_subscriptions, create_subscription))
        .routes(routes!(get_subscription, delete_subscription))
        .routes(routes!(resume_subscription))
        .routes(routes!(list_notifications))
        .routes(routes!(retry_notification))
}

/// `{delivery}` in the path.
struct Which(String);

impl<S: Send + Sync> FromRequestParts<S> for Which {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        parameter(parts, state, "delivery").await.map(Self)
    }
}

fn view(app: &App, subscription: Subscription) -> SubscriptionView {
    let receiver = app.notifier.origin(&subscription);
    SubscriptionView::new(subscription, receiver)
}

/// The caller's subscriptions, or those of the caller's department
#[utoipa::path(get, path = "/api/v1/subscriptions", tag = "subscriptions",
    responses((status = 200, description = "The oldest first", body = Vec<SubscriptionView>)))]
async fn list_subscriptions(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<SubscriptionView>>, Refusal> {
    Ok(Json(own(&app, &ctx).await?))
}

/// The caller's subscriptions, the oldest first.
pub(crate) async fn own(app: &App, ctx: &OpContext) -> Result<Vec<SubscriptionView>> {
    let found = app.services.subscriptions(ctx).await?;
    Ok(found.into_iter().map(|subscription| view(app, subscription)).collect())
}

/// Be told by signed request of what happens to a dataset, or to what a search finds
///
/// Events are CloudEvents 1.0 (`application/cloudevents+json`), signed (RFC 9421) by the key of `/.well-known/jwks.json`: versions that
/// take effect, are announced or withdrawn, descriptions that change, datasets that are listed. They tell codes, numbers and times, never data.
/// The first is a challenge: the receiver answers with the `token` of its `data` as the body, in at most 1 KiB; until then
/// nothing else is sent. What is not answered with 2xx within ten seconds is tried again, nine times in some four hours, and then kept as
/// dead; three dead in a row suspend the subscription. Events of one subscription come in order, at least once; a repetition has
/// the same `id`. A developer is told of what the public sees at that moment, a department of what its directory and grants show.
#[utoipa::path(post, path = "/api/v1/subscriptions", tag = "subscriptions", request_body = SubscriptionRequest,
    responses((status = 201, description = "Made; it waits for its receiver", body = SubscriptionView),
        (status = 429, description = "As many subscriptions as one may have")))]
async fn create_subscription(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(request): Input<SubscriptionRequest>,
) -> Result<(StatusCode, Json<SubscriptionView>), Refusal> {
    Ok((StatusCode::CREATED, Json(subscribe(&app, &ctx, request).await?)))
}

/// Subscribes in the name of the caller, to the end.
pub(crate) async fn subscribe(
    app: &Arc<App>,
    ctx: &OpContext,
    SubscriptionRequest { target, receiver }: SubscriptionRequest,
) -> Result<SubscriptionView> {
    let owner = Services::subscriber(ctx)?;
    let id = Uuid::now_v7().to_string();
    let sealed = app.notifier.seal(&id, &receiver)?;
    let reader = app.authenticator.reader_of(&owner, ctx.request_id.clone(), ctx.now).await?;
    let reader = reader.ok_or_else(|| Error::new(ErrorCode::Forbidden, "this account is not active"))?;
    let work = {
        let (app, ctx) = (Arc::clone(app), ctx.clone());
        async move {
            let _place = app.subscribing_place(&reader).await?;
            app.services.subscribe(&ctx, &reader, id, target, sealed).await
        }
    };
    let subscription = App::to_the_end(work).await?;
    Ok(view(app, subscription))
}

/// One subscription
#[utoipa::path(get, path = "/api/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 200, description = "The subscription", body = SubscriptionView)))]
async fn get_subscription(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<SubscriptionView>, Refusal> {
    let subscription = app.services.subscription(&ctx, &id).await?;
    Ok(Json(view(&app, subscription)))
}

/// End a subscription: nothing more is told, and what waits is forgotten
#[utoipa::path(delete, path = "/api/v1/subscriptions/{id}", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 204, description = "Ended")))]
async fn delete_subscription(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    app.services.end_subscription(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Go on with a suspended subscription: its receiver is asked again whether it wants to be told
#[utoipa::path(post, path = "/api/v1/subscriptions/{id}/resume", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 200, description = "It waits for its receiver", body = SubscriptionView)))]
async fn resume_subscription(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<SubscriptionView>, Refusal> {
    let subscription = app.services.resume_subscription(&ctx, &id).await?;
    Ok(Json(view(&app, subscription)))
}

/// How the notifications of a subscription went
#[utoipa::path(get, path = "/api/v1/subscriptions/{id}/deliveries", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id")),
    responses((status = 200, description = "The newest first: all that wait, and of the others some hundred", body = Vec<NotificationView>)))]
async fn list_notifications(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<Json<Vec<NotificationView>>, Refusal> {
    let found = app.services.notifications(&ctx, &id).await?;
    Ok(Json(found.into_iter().map(NotificationView::from).collect()))
}

/// Have a dead notification tried once more
#[utoipa::path(post, path = "/api/v1/subscriptions/{id}/deliveries/{delivery}/retry", tag = "subscriptions",
    params(("id" = String, Path, description = "The subscription's id"),
        ("delivery" = String, Path, description = "The notification's id")),
    responses((status = 200, description = "It waits for one more try", body = NotificationView)))]
async fn retry_notification(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
    Which(which): Which,
) -> Result<Json<NotificationView>, Refusal> {
    Ok(Json(app.services.retry_notification(&ctx, &id, &which).await?.into()))
}
