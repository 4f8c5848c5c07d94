//! People at a browser: signing in and out.

pub(crate) mod oidc;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::account::SignedInBy;
use catalog_core::context::PrincipalKind;
use catalog_core::{Error, ErrorCode, OpContext};
use exchange_auth::{OneTimeCode, check_password, hash_password};
use http::StatusCode;
use openapi_contract::{Credentials, Invitation, NewPassword, SessionView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, invalid};
use crate::problem::Refusal;
use crate::sign_in::{self, ProofOfOwner, only_confidential, with_cookies};
use crate::wire::Wire;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_session, create_session, delete_session))
        .routes(routes!(put_password))
        .routes(routes!(invite_person))
        .merge(oidc::routes())
}

/// Who calls
#[utoipa::path(get, path = "/api/v1/session", tag = "session",
    responses((status = 200, description = "The caller, and the session if there is one", body = SessionView)))]
async fn get_session(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<SessionView>, Refusal> {
    if ctx.principal.kind == PrincipalKind::Public {
        return Err(Error::new(ErrorCode::Unauthenticated, "nobody is signed in here").into());
    }
    let session = match &ctx.session {
        Some(id) => sign_in::sessions(&app)?.store.session(id).await?,
        None => None,
    };
    Ok(Json(SessionView {
        person: ctx.principal.id.clone(),
        department: ctx.principal.department.clone(),
        roles: ctx.principal.roles.iter().copied().collect(),
        ends_at: session.as_ref().map(|session| session.ends_at),
        by: session.map(|session| session.by),
    }))
}

/// Sign in to a local account 登录
///
/// The session's token is in the cookie alone. Whatever is wrong is answered alike; after five wrong tries in a row the account
/// is locked for a quarter of an hour, and for twice as long with each further one.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = Credentials,
    responses((status = 204, description = "Signed in; the cookie is set")))]
async fn create_session(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(Credentials { name, password }): Input<Credentials>,
) -> Result<Response, Refusal> {
    only_confidential(wire.confidential)?;
    let account = sign_in::prove(&app, &ctx, &name, ProofOfOwner::Password(password)).await?;
    let person = sign_in::person_of(&app, &account).await?;
    let cookies = sign_in::begin(&app, &ctx, &person, SignedInBy::Password, Some(account)).await?;
    with_cookies(StatusCode::NO_CONTENT, &cookies)
}

/// Sign out 退出: the session ends at once
#[utoipa::path(delete, path = "/api/v1/session", tag = "session",
    responses((status = 204, description = "Signed out")))]
async fn delete_session(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Response, Refusal> {
    if ctx.principal.kind == PrincipalKind::Public {
        return Err(Error::new(ErrorCode::Unauthenticated, "nobody is signed in here").into());
    }
    app.services.end_session(&ctx).await?;
    with_cookies(StatusCode::NO_CONTENT, &sign_in::signed_out(&app)?)
}

/// Set the password of a local account, by the one before or by a code 设置口令
///
/// All sessions of the person end, and by a code their developer keys too: whoever has lost an account can't know who made them.
/// A code works once.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", request_body = NewPassword,
    responses((status = 204, description = "Set; sign in with it")))]
async fn put_password(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(NewPassword { name, password, code, new_password }): Input<NewPassword>,
) -> Result<StatusCode, Refusal> {
    set_password(&app, &ctx, wire, &name, (password, code, new_password)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets the password of an account, by the one before or by a code: `(password, code, new password)`.
pub(crate) async fn set_password(
    app: &App,
    ctx: &OpContext,
    wire: Wire,
    name: &str,
    (password, code, new): (Option<String>, Option<String>, String),
) -> Result<(), Refusal> {
    only_confidential(wire.confidential)?;
    let proof = match (password, code) {
        (Some(password), None) => ProofOfOwner::Password(password),
        (None, Some(code)) => ProofOfOwner::Code(code),
        _ => return Err(invalid("send the password so far or a code, one of the two")),
    };
    check_password(&new, name)?;
    let by_code = matches!(proof, ProofOfOwner::Code(_));
    let account = sign_in::prove(app, ctx, name, proof).await?;
    let person = account.person.clone();
    let hash = app.sign_in.work(move || hash_password(&new, &person)).await??;
    app.services.set_password(ctx, account, hash, by_code).await?;
    Ok(())
}

/// Give a person a one-time code, by which they set their password 邀请
///
/// The code works once, for a week. A password that they have goes on until then.
#[utoipa::path(post, path = "/api/v1/people/{id}/invitation", tag = "organisation",
    params(("id" = String, Path, description = "Login name")),
    responses((status = 201, description = "The code, shown this once", body = Invitation)))]
async fn invite_person(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<(StatusCode, Json<Invitation>), Refusal> {
    Ok((StatusCode::CREATED, Json(invite(&app, &ctx, id).await?)))
}

/// Makes a code for a person.
pub(crate) async fn invite(app: &App, ctx: &OpContext, person: String) -> Result<Invitation, Error> {
    let made = OneTimeCode::generate()?;
    let account = app.services.invite(ctx, &person, made.digest.to_hex()).await?;
    let expires_at = account.code.map_or(ctx.now, |code| code.expires_at);
    Ok(Invitation { person, code: made.code, expires_at })
}
