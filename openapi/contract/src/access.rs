//! Access: tickets, revocations, receipts.

use std::collections::BTreeSet;

use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::Ticket;
use catalog_core::{Channel, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something ends before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// For people; kept in evidence.
    pub reason: String,
}

/// Asks for a bearer ticket for oneself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketRequest {
    /// The one purpose it serves.
    #[serde(default)]
    pub purpose: Option<String>,
    /// The doors it opens.
    pub doors: BTreeSet<Channel>,
    /// Its life in seconds, at most 43,200.
    #[schema(example = 3600)]
    pub seconds: i64,
}

/// A ticket as its holder sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TicketView {
    /// Identity, by which it is revoked.
    pub id: String,
    /// The one purpose it serves.
    pub purpose: Option<String>,
    /// The doors it opens.
    pub doors: BTreeSet<Channel>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let Ticket { id, purpose, doors, issued_at, expires_at, revoked_at, .. } = ticket;
        Self { id, purpose, doors, issued_at, expires_at, revoked_at }
    }
}

/// A fresh ticket with its token, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedTicket {
    /// The ticket.
    pub ticket: TicketView,
    /// The token, for `Authorization: Bearer`.
    pub token: String,
}

/// What evidence holds about one answer, signed by the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// The evidence records of the request, oldest first: a start and an end, or one for both.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<EvidenceRecord>,
    /// Whether the answer has ended.
    pub ended: bool,
    /// The salts of the commitments in them, for the holder alone.
    pub salts: Vec<Salt>,
    /// Detached JWS (`typ` `shuqiao-receipt`) by a platform key over the canonical JSON (RFC 8785) of `records`.
    pub signature: String,
}

/// What opens one commitment: SHA-256 of salt and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Salt {
    /// Id of the record.
    pub record: String,
    /// `request`: method, a space, address, a line feed and the body's SHA-256 in hex; or `answer`: the body.
    pub of: String,
    /// 32 bytes, hex.
    pub salt: String,
}
