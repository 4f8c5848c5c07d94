//! Developers 注册开发者, who register themselves.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use catalog_core::account::{Account, Contact, DEVELOPER_PREFIX};
use catalog_core::ports::Mail;
use catalog_core::services::Login;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::OneTimeCode;
use exchange_crypto::{CryptoError, SealingKey, from_base64, random, to_base64, to_hex};
use http::StatusCode;
use openapi_contract::DeveloperRegistration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input, invalid};
use crate::mail::check_address;
use crate::problem::Refusal;
use crate::sign_in::only_confidential;
use crate::wire::Wire;

/// Seconds before the same address gets another code.
const AGAIN_SECONDS: i64 = 600;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(register_developer)).routes(routes!(erase_contact))
}

/// Register as a developer 开发者注册: a code comes by mail
///
/// The answer is the same whether the address is known or not. With the code, `POST /api/v1/session/password` sets a password, and
/// the developer may sign in with their address. Developers see open and conditionally open resources.
#[utoipa::path(post, path = "/api/v1/developers", tag = "session", request_body = DeveloperRegistration,
    responses((status = 202, description = "A letter is on its way, unless one was sent minutes ago")))]
async fn register_developer(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(registration): Input<DeveloperRegistration>,
) -> Result<StatusCode, Refusal> {
    register(&app, &ctx, wire, registration).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sends a code, unless one was sent minutes ago.
pub(crate) async fn register(
    app: &Arc<App>,
    ctx: &OpContext,
    wire: Wire,
    DeveloperRegistration { name, email }: DeveloperRegistration,
) -> Result<(), Refusal> {
    only_confidential(wire.confidential)?;
    check_address(&email)?;
    let is_name =
        !name.trim().is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
    if !is_name {
        return Err(invalid("a name has 1 to 64 characters"));
    }
    let signing_in = &app.sign_in;
    let Some(mailer) = &signing_in.parts.mailer else {
        let message = "this server sends no letters: register at the identity provider";
        return Err(Error::new(ErrorCode::NotFound, message).into());
    };
    let known = app.services.account(&Login::Contact(signing_in.contact_hash(&email))).await?;
    let mut account = match known {
        Some(account) => account,
        None => fresh(app, &name, &email)?,
    };
    let is_waiting =
        account.code.as_ref().is_some_and(|code| ctx.now < code.made_at.plus_seconds(AGAIN_SECONDS));
    if is_waiting {
        return Ok(());
    }
    // Asking again and again for one address uses up nobody else's letters.
    signing_in.count_letter(ctx.now)?;
    let code = OneTimeCode::generate()?;
    account.give_code(code.digest.to_hex(), ctx.now);
    app.services.save_request(ctx, &account).await?;
    mailer.send(&letter(&email, &account.person, &code.code), ctx.now).await?;
    Ok(())
}

/// Erase a developer's mail address: their own, or anyone's for the security administrator
#[utoipa::path(delete, path = "/api/v1/developers/{id}/contact", tag = "session",
    params(("id" = String, Path, description = "Login name")),
    responses((status = 204, description = "Erased; they sign in with their login name")))]
async fn erase_contact(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    app.services.erase_contact(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An account for someone whose address is yet to be confirmed.
fn fresh(app: &App, name: &str, email: &str) -> Result<Account> {
    let person = format!("{DEVELOPER_PREFIX}{}", to_hex(&random::bytes::<6>().map_err(Error::internal)?));
    let sealed = contact_key(app, &person)
        .and_then(|key| key.seal(person.as_bytes(), email.as_bytes()))
        .map_err(Error::internal)?;
    let contact = Contact { hash: app.sign_in.contact_hash(email), sealed: to_base64(&sealed) };
    Ok(Account { applicant: Some(name.to_owned()), contact: Some(contact), ..Account::of(&person) })
}

/// The address that an account is reached at; `None` where it has none, or none that this server's key opens.
pub(crate) fn address_of(app: &App, account: &Account) -> Option<String> {
    let sealed = from_base64(&account.contact.as_ref()?.sealed).ok()?;
    let opened =
        contact_key(app, &account.person).and_then(|key| key.open(account.person.as_bytes(), &sealed));
    String::from_utf8(opened.ok()?).ok()
}

fn contact_key(app: &App, person: &str) -> Result<SealingKey, CryptoError> {
    SealingKey::from_bytes(&app.sign_in.parts.key.derive(&format!("contact of {person}")).tag(b"key"))
}

fn letter(to: &str, person: &str, code: &str) -> Mail {
    let text = format!(
        "您好：\n\n有人用本邮箱在数桥注册为开发者。登录名：{person}\n一次性验证码：{code}\n\n\
         凭此验证码设置口令后即可登录，七日内有效。若非本人操作，请忽略本邮件。\n\n\
         Somebody has registered with this address. Login name: {person}. One-time code: {code}. If it was not you, do nothing.\n"
    );
    Mail { to: to.to_owned(), subject: "数桥：开发者注册验证码".to_owned(), text }
}
