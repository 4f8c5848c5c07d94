//! Bearer tickets for tools that can't sign.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::ports::Ticket;
use catalog_core::{Error, ErrorCode, OpContext};
use exchange_auth::{NewTicket, issue_ticket};
use http::StatusCode;
use openapi_contract::{IssuedTicket, TicketRequest, TicketView};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Id, Input};
use crate::problem::Refusal;
use crate::wire::Wire;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_tickets, create_ticket)).routes(routes!(delete_ticket))
}

/// The caller's tickets
#[utoipa::path(get, path = "/api/v1/tickets", tag = "tickets",
    responses((status = 200, description = "Newest first", body = Vec<TicketView>)))]
async fn list_tickets(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<TicketView>>, Refusal> {
    let tickets = app.services.tickets(&ctx).await?;
    Ok(Json(tickets.into_iter().map(TicketView::from).collect()))
}

/// Issue a ticket for oneself: read only, one purpose, named doors, at most 12 hours
#[utoipa::path(post, path = "/api/v1/tickets", tag = "tickets", request_body = TicketRequest,
    responses((status = 201, description = "Issued; the token is shown this once", body = IssuedTicket)))]
async fn create_ticket(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Extension(wire): Extension<Wire>,
    Input(TicketRequest { purpose, doors, seconds }): Input<TicketRequest>,
) -> Result<(StatusCode, Json<IssuedTicket>), Refusal> {
    let (ticket, token) = issued(&app, &ctx, wire, NewTicket { purpose, doors, seconds }).await?;
    Ok((StatusCode::CREATED, Json(IssuedTicket { ticket: ticket.into(), token })))
}

/// A ticket for the caller, and its token.
pub(crate) async fn issued(
    app: &App,
    ctx: &OpContext,
    wire: Wire,
    wanted: NewTicket,
) -> Result<(Ticket, String), Refusal> {
    if !wire.confidential {
        let message = "anyone on the way could read the token: ask for it over https";
        return Err(Error::new(ErrorCode::Forbidden, message).into());
    }
    let (ticket, token) = issue_ticket(ctx, wanted)?;
    app.services.add_ticket(ctx, &ticket).await?;
    Ok((ticket, token))
}

/// End a ticket at once
#[utoipa::path(delete, path = "/api/v1/tickets/{id}", tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id")),
    responses((status = 204, description = "Ended")))]
async fn delete_ticket(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    app.services.revoke_ticket(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
