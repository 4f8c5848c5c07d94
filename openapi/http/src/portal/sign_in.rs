//! Signing in and out by forms.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use catalog_core::Result;
use catalog_core::account::SignedInBy;
use openapi_portal::{PasswordPage, SignInPage, Unsent};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;
use crate::session::set_password;
use crate::sign_in::{self, ProofOfOwner, only_confidential, with_cookies};
use crate::wire::Wire;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_sign_in, sign_in))
        .routes(routes!(sign_out))
        .routes(routes!(show_password, change_password))
}

/// Where somebody wants to go.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The page to come to afterwards, of this portal.
    #[serde(default)]
    next: String,
}

/// What the form sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = SignInForm)]
struct Entered {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
    /// A form that was sent after its session had ended, as the page holds it.
    #[serde(default)]
    unsent: String,
}

/// The form by which people sign in 登录
#[utoipa::path(get, path = "/sign-in", tag = "desk", params(LanguageParam, Wanted),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_sign_in(visit: Visit, Params(wanted): Params<Wanted>) -> Result<Response, Refusal> {
    let has_provider = visit.app.sign_in.parts.oidc.is_some();
    let is_fresh = visit.app.first_code.is_waiting(visit.ctx.now);
    visit.page(&SignInPage {
        a: visit.around(),
        name: "",
        next: &wanted.next,
        has_provider,
        is_fresh,
        unsent: Unsent::Nothing,
    })
}

/// Sign in by the form
#[utoipa::path(post, path = "/sign-in", tag = "desk", params(LanguageParam),
    request_body(content = Entered, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Signed in; the cookie is set")))]
async fn sign_in(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(entered): Form<Entered>,
) -> Result<Response, Refusal> {
    let Entered { name, password, next, unsent } = entered;
    match signed_in(&visit, wire, &name, password).await {
        Ok((person, cookies)) => {
            let key = &visit.app.sign_in.parts.key;
            let returned = visit.app.returned.take(key, &unsent, &person, visit.ctx.now);
            let next = returned.unwrap_or(next);
            let next = if is_of_the_portal(&next) { next.as_str() } else { "/desk" };
            with_cookies(visit.go_on(next), &cookies)
        }
        Err(refusal) => {
            let has_provider = visit.app.sign_in.parts.oidc.is_some();
            let unsent = if unsent.is_empty() { Unsent::Nothing } else { Unsent::Kept(&unsent) };
            let page = |a| SignInPage { a, name: &name, next: &next, has_provider, is_fresh: false, unsent };
            Err(visit.again(refusal.error, page))
        }
    }
}

/// Who has signed in, and their cookies.
async fn signed_in(
    visit: &Visit,
    wire: Wire,
    name: &str,
    password: String,
) -> Result<(String, [String; 2]), Refusal> {
    only_confidential(wire.confidential)?;
    let (app, ctx) = (&visit.app, &visit.ctx);
    let account = sign_in::prove(app, ctx, name, ProofOfOwner::Password(password)).await?;
    let person = sign_in::person_of(app, &account).await?;
    let cookies = sign_in::begin(app, ctx, &person, SignedInBy::Password, Some(account)).await?;
    Ok((person.id, cookies))
}

/// A path of this server: no other host, however browsers read it.
fn is_of_the_portal(address: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_graphic() && letter != '\\';
    address.starts_with('/') && !address.starts_with("//") && address.chars().all(is_plain)
}

/// Sign out by the form
#[utoipa::path(post, path = "/sign-out", tag = "desk", params(LanguageParam),
    responses((status = 303, description = "Signed out")))]
async fn sign_out(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    visit.app.services.end_session(&visit.ctx).await?;
    with_cookies(visit.go_on("/"), &sign_in::signed_out(&visit.app)?)
}

/// What the form sends.
#[derive(Deserialize, ToSchema)]
struct Chosen {
    name: String,
    code: String,
    password: String,
    new_password: String,
}

/// The form by which people set a password 设置口令
#[utoipa::path(get, path = "/password", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_password(visit: Visit) -> Result<Response, Refusal> {
    visit.page(&PasswordPage { a: visit.around(), name: "" })
}

/// Set a password by the form
#[utoipa::path(post, path = "/password", tag = "desk", params(LanguageParam),
    request_body(content = Chosen, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Set; sign in with it")))]
async fn change_password(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Refusal> {
    let filled = |text: String| (!text.is_empty()).then_some(text);
    let Chosen { name, code, password, new_password } = chosen;
    let new = (filled(password), filled(code), new_password);
    match set_password(&visit.app, &visit.ctx, wire, &name, new).await {
        Ok(()) => Ok(visit.go_on("/sign-in")),
        Err(refusal) => Err(visit.again(refusal.error, |a| PasswordPage { a, name: &name })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for own in ["/", "/desk/matters?state=open", "/search?q=%E5%AD%A6"] {
            assert!(is_of_the_portal(own), "{own}");
        }
        for foreign in
            ["", "desk", "//a.example", "/\\a.example", "https://a.example", "/\t/a.example", "/\n"]
        {
            assert!(!is_of_the_portal(foreign), "{foreign}");
        }
    }
}
