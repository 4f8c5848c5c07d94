//! Profile files: what a client of Delta Sharing begins with.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use catalog_core::{Channel, OpContext};
use exchange_auth::{NewTicket, Token};
use http::{HeaderMap, HeaderName, StatusCode, header};
use openapi_contract::{Profile, ProfileRequest};

use super::token::{ProfileFile, no_token, profile, secret, token_of};
use crate::app::App;
use crate::extract::Input;
use crate::problem::Refusal;
use crate::tickets::issued;
use crate::wire::Wire;

/// Issue a profile file for oneself: a ticket for files, at most 12 hours
///
/// `location` names the ticket, by which it is ended: `DELETE /api/v1/tickets/{id}`.
#[utoipa::path(post, path = "/api/v1/delta-sharing/profiles", tag = "tickets", request_body = ProfileRequest,
    responses((status = 201, description = "Issued; the token is shown this once", body = Profile)))]
pub(super) async fn create_profile(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(ProfileRequest { purpose, seconds }): Input<ProfileRequest>,
) -> Result<(StatusCode, [(HeaderName, String); 1], ProfileFile), Refusal> {
    let wanted = NewTicket { purpose, doors: BTreeSet::from([Channel::File]), seconds };
    let (ticket, secret) = issued(&app, &ctx, wire, wanted).await?;
    let location = [(header::LOCATION, format!("/api/v1/tickets/{}", ticket.id))];
    Ok((StatusCode::CREATED, location, profile(&app, &secret, &Token::from(&ticket))))
}

/// The profile file of the developer key, or of the ticket, by which this is asked
///
/// For developers: `curl -H "x-api-key: $KEY" …/delta-sharing/profile -o city.share`, and pandas reads what is open to them.
#[utoipa::path(get, path = "/delta-sharing/profile", tag = "delta-sharing",
    responses((status = 200, description = "The token is the one that was sent", body = Profile)))]
pub(super) async fn get_profile(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    headers: HeaderMap,
) -> Result<ProfileFile, Refusal> {
    let token = token_of(&app, &ctx).await?;
    let secret = secret(&headers).ok_or_else(no_token)?;
    Ok(profile(&app, secret, &token))
}
