//! The bearer token by which somebody asks: a ticket, or a developer key.

use axum::Json;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::{API_KEY_FIELD, Token};
use http::{HeaderMap, HeaderName, Uri, header};
use openapi_contract::Profile;

use crate::app::App;

/// The version of the profile file format.
const FORMAT: u32 = 1;
/// What a browser calls the file.
const FILE: &str = "attachment; filename=\"shuqiao.share\"";

/// The protocol knows bearer tokens alone; what is open to everyone needs none elsewhere.
pub(super) fn permit(ctx: &OpContext) -> Result<()> {
    match ctx.ticket {
        Some(_) => Ok(()),
        None => Err(no_token()),
    }
}

/// What whoever has sent no token is told.
pub(super) fn no_token() -> Error {
    let message = "Delta Sharing takes a bearer token: a developer key, or a ticket, for which you ask by a signed request, \
                   POST /api/v1/delta-sharing/profiles";
    Error::new(ErrorCode::Unauthenticated, message)
}

/// The token by which the caller asks.
pub(super) async fn token_of(app: &App, ctx: &OpContext) -> Result<Token> {
    permit(ctx)?;
    let tickets = app.services.tickets(ctx).await?;
    if let Some(ticket) = tickets.iter().find(|ticket| Some(&ticket.id) == ctx.ticket.as_ref()) {
        return Ok(Token::from(ticket));
    }
    let key = app.services.key_asked_by(ctx).await?;
    let ended = || Error::new(ErrorCode::Unauthenticated, "the token has ended; ask for a new one");
    key.as_ref().map(Token::from).ok_or_else(ended)
}

/// The secret of it, as it was sent.
pub(super) fn secret(headers: &HeaderMap) -> Option<&str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION).and_then(|text| text.split_once(' ')).map(|(_, token)| token);
    bearer.or_else(|| text(API_KEY_FIELD)).map(str::trim)
}

/// A profile file, as an answer.
pub(super) type ProfileFile = ([(HeaderName, String); 1], Json<Profile>);

/// What clients begin with: the address of the door, and the token.
pub(super) fn profile(app: &App, secret: &str, token: &Token) -> ProfileFile {
    let profile = Profile {
        share_credentials_version: FORMAT,
        endpoint: app.authenticator.target_uri(&Uri::from_static("/delta-sharing")),
        bearer_token: secret.to_owned(),
        expiration_time: token.expires_at.to_string(),
    };
    ([(header::CONTENT_DISPOSITION, FILE.to_owned())], Json(profile))
}
