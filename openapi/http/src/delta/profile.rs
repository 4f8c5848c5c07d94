//! Profile files: what a client of Delta Sharing begins with.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::{Channel, OpContext};
use exchange_auth::NewTicket;
use http::{HeaderName, StatusCode, Uri, header};
use openapi_contract::{Profile, ProfileRequest};

use crate::app::App;
use crate::extract::Input;
use crate::problem::Refusal;
use crate::tickets::issued;
use crate::wire::Wire;

/// The version of the profile file format.
const FORMAT: u32 = 1;

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
) -> Result<(StatusCode, [(HeaderName, String); 2], Json<Profile>), Refusal> {
    let wanted = NewTicket { purpose, doors: BTreeSet::from([Channel::File]), seconds };
    let (ticket, token) = issued(&app, &ctx, wire, wanted).await?;
    let profile = Profile {
        share_credentials_version: FORMAT,
        endpoint: app.authenticator.target_uri(&Uri::from_static("/delta-sharing")),
        bearer_token: token,
        expiration_time: ticket.expires_at.to_string(),
    };
    let fields = [
        (header::LOCATION, format!("/api/v1/tickets/{}", ticket.id)),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"shuqiao.share\"".to_owned()),
    ];
    Ok((StatusCode::CREATED, fields, Json(profile)))
}
