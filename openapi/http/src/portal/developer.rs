//! Developers: registering by mail, keys with their use, subscriptions. The services are those of the API.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use catalog_core::ports::SearchQuery;
use catalog_core::services::Services;
use catalog_core::subscription::Target;
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use openapi_contract::{
    ApiKeyRequest, DeveloperRegistration, IssuedApiKey, NotificationView, SubscriptionRequest,
    SubscriptionView,
};
use openapi_portal::{DeveloperPage, OwnKeys, RegisterPage, SubscriptionForm, SubscriptionsPage};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::problem::Refusal;
use crate::wire::Wire;
use crate::{api_keys, developers, subscriptions};

/// Where developers register: the proof of owning the address is in the letter.
pub(super) const REGISTER: &str = "/developer/register";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_developer_page, act_on_keys))
        .routes(routes!(show_registration, register_by_form))
        .routes(routes!(show_own_subscriptions, act_on_own_subscriptions))
}

/// What is done with keys.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct KeyAct {
    act: String,
    key: String,
    name: String,
    days: String,
}

/// A developer's keys and their use; how to become one, for everybody else
#[utoipa::path(get, path = "/developer", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_developer_page(visit: Visit) -> Result<Response, Refusal> {
    keys_page(&visit, None, None, &KeyAct::default()).await
}

/// Make or revoke a developer key, by the form; the secret is shown once
#[utoipa::path(post, path = "/developer", tag = "portal", params(LanguageParam),
    request_body(content = KeyAct, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A page with the secret", content_type = "text/html"),
        (status = 303, description = "Revoked")))]
async fn act_on_keys(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(asked): Form<KeyAct>,
) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    Services::check_developer(ctx)?;
    let done = match asked.act.as_str() {
        "make" => {
            let days = asked.days.trim().parse().unwrap_or(0);
            let request = ApiKeyRequest { name: asked.name.trim().to_owned(), days: Some(days) };
            api_keys::make(app, ctx, wire, request).await.map(Some)
        }
        "revoke" => app.services.revoke_api_key(ctx, &asked.key).await.map(|()| None),
        _ => Err(Error::new(ErrorCode::InvalidInput, "the form says nothing to do")),
    };
    match done {
        Ok(Some(made)) => keys_page(&visit, None, Some(made), &KeyAct::default()).await,
        Ok(None) => Ok(visit.go_on("/developer")),
        Err(error) => keys_page(&visit, Some(error), None, &asked).await,
    }
}

async fn keys_page(
    visit: &Visit,
    error: Option<Error>,
    made: Option<IssuedApiKey>,
    typed: &KeyAct,
) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let is_developer = Services::check_developer(ctx).is_ok();
    let keys = if is_developer { api_keys::own(app, ctx).await? } else { Vec::new() };
    let quotas = app.services.quotas();
    let left = app.meter.left_to_developer(&ctx.principal.id, quotas, ctx.now);
    let days = if typed.days.is_empty() { "180" } else { &typed.days };
    let page = |a| DeveloperPage {
        a,
        own: is_developer.then_some(OwnKeys { keys: &keys, quotas, left }),
        made: made.as_ref(),
        name: &typed.name,
        days,
    };
    match error {
        None => visit.page(&page(visit.around())),
        Some(error) => Err(visit.again(error, page)),
    }
}

/// What the form sends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct Registering {
    name: String,
    email: String,
}

/// The form by which developers register 开发者注册
#[utoipa::path(get, path = "/developer/register", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_registration(visit: Visit) -> Result<Response, Refusal> {
    visit.page(&RegisterPage { a: visit.around(), name: "", email: "", is_sent: false })
}

/// Register as a developer, by the form: a code comes by mail
#[utoipa::path(post, path = "/developer/register", tag = "portal", params(LanguageParam),
    request_body(content = Registering, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A letter is on its way", content_type = "text/html")))]
async fn register_by_form(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(Registering { name, email }): Form<Registering>,
) -> Result<Response, Refusal> {
    let typed = DeveloperRegistration { name: name.trim().to_owned(), email: email.trim().to_owned() };
    match developers::register(&visit.app, &visit.ctx, wire, typed).await {
        Ok(()) => visit.page(&RegisterPage { a: visit.around(), name: "", email: "", is_sent: true }),
        Err(refusal) => Err(visit.again(refusal.error, |a| RegisterPage {
            a,
            name: &name,
            email: &email,
            is_sent: false,
        })),
    }
}

/// What is done with subscriptions.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
struct SubscriptionAct {
    act: String,
    id: String,
    delivery: String,
    dataset: String,
    words: String,
    receiver: String,
}

/// The reader's subscriptions with what they were told
#[utoipa::path(get, path = "/developer/subscriptions", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_own_subscriptions(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    subscriptions_page(&visit, None, &SubscriptionForm::default()).await
}

/// Make, resume or end a subscription, or have a dead notification tried once more, by the form
#[utoipa::path(post, path = "/developer/subscriptions", tag = "portal", params(LanguageParam),
    request_body(content = SubscriptionAct, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn act_on_own_subscriptions(
    visit: Visit,
    Form(asked): Form<SubscriptionAct>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let SubscriptionAct { act, id, delivery, dataset, words, receiver } = asked;
    let typed = SubscriptionForm { dataset, words, receiver };
    let done = match act.as_str() {
        "make" => make(&visit, &typed).await,
        "resume" => app.services.resume_subscription(ctx, &id).await.map(drop),
        "end" => app.services.end_subscription(ctx, &id).await,
        "retry" => app.services.retry_notification(ctx, &id, &delivery).await.map(drop),
        _ => Err(Error::new(ErrorCode::InvalidInput, "the form says nothing to do")),
    };
    match done {
        Ok(()) => Ok(visit.go_on("/developer/subscriptions")),
        Err(error) => subscriptions_page(&visit, Some(error), &typed).await,
    }
}

async fn make(visit: &Visit, typed: &SubscriptionForm) -> Result<()> {
    let (dataset, words) = (typed.dataset.trim(), typed.words.trim());
    let target = match (dataset.is_empty(), words.is_empty()) {
        (false, true) => Target::Dataset(ResourceCode::from_path(dataset)?),
        (true, false) => {
            Target::Search(Box::new(SearchQuery { text: words.to_owned(), ..SearchQuery::default() }))
        }
        _ => {
            let message = "name a dataset or words of a search, one of both";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
    };
    let request = SubscriptionRequest { target, receiver: typed.receiver.trim().to_owned() };
    subscriptions::subscribe(&visit.app, &visit.ctx, request).await.map(drop)
}

async fn subscriptions_page(
    visit: &Visit,
    error: Option<Error>,
    typed: &SubscriptionForm,
) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let mut found: Vec<(SubscriptionView, Vec<NotificationView>)> = Vec::new();
    for one in subscriptions::own(app, ctx).await? {
        let told = app.services.notifications(ctx, &one.id).await?;
        found.push((one, told.into_iter().map(NotificationView::from).collect()));
    }
    let page = |a| SubscriptionsPage { a, subscriptions: &found, typed };
    match error {
        None => visit.page(&page(visit.around())),
        Some(error) => Err(visit.again(error, page)),
    }
}
