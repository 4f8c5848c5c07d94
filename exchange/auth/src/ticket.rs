use std::collections::BTreeSet;

use catalog_core::context::PrincipalKind;
use catalog_core::ports::{KeyOwner, Ticket};
use catalog_core::{Channel, Error, ErrorCode, OpContext};
use exchange_crypto::{Digest, random};
use uuid::Uuid;

use crate::AuthError;

/// Longest life of a ticket.
pub const MAX_TICKET_SECONDS: i64 = 12 * 3600;

/// What a caller asks of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTicket {
    /// The one purpose it serves.
    pub purpose: Option<String>,
    /// The doors it opens.
    pub doors: BTreeSet<Channel>,
    /// Its life in seconds, at most [`MAX_TICKET_SECONDS`].
    pub seconds: i64,
}

/// Makes a ticket for the principal of the context, and the bearer token that is shown once and never stored.
///
/// The caller stores the ticket. Only a department's machine or a person may hold one, and it ends with the key that has
/// signed for it.
pub fn issue_ticket(ctx: &OpContext, wanted: NewTicket) -> Result<(Ticket, String), AuthError> {
    let invalid = |reason: &str| AuthError::Store(Error::new(ErrorCode::InvalidInput, reason));
    if !(1..=MAX_TICKET_SECONDS).contains(&wanted.seconds) {
        return Err(invalid("a ticket lives 1 second to 12 hours"));
    }
    if wanted.doors.is_empty() || wanted.doors.contains(&Channel::CommandLine) {
        return Err(invalid("a ticket names at least one door, and never the command line"));
    }
    let holder = match (ctx.principal.kind, &ctx.principal.department) {
        (PrincipalKind::Machine, Some(department)) => KeyOwner::Department(department.clone()),
        (PrincipalKind::Person, _) => KeyOwner::Person(ctx.principal.id.clone()),
        _ => {
            return Err(AuthError::Ticket("only a department's machine or a person may hold one".to_owned()));
        }
    };
    let key_id = ctx.key.clone().ok_or_else(|| AuthError::Ticket("sign the request for one".to_owned()))?;
    let token = random::token()?;
    let ticket = Ticket {
        id: Uuid::now_v7().to_string(),
        token_digest: token_digest(&token),
        holder,
        principal_id: ctx.principal.id.clone(),
        key_id,
        purpose: wanted.purpose,
        doors: wanted.doors,
        issued_at: ctx.now,
        expires_at: ctx.now.plus_seconds(wanted.seconds),
        revoked_at: None,
    };
    Ok((ticket, token))
}

/// What is stored of a bearer token.
pub(crate) fn token_digest(token: &str) -> String {
    Digest::of(token.as_bytes()).to_hex()
}
