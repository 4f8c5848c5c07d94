//! Access: the first administrator, keys, tickets, revocations, receipts, maintenance.

use std::collections::BTreeSet;

use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::Ticket;
use catalog_core::{Channel, ResourceCode, Timestamp};
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

/// What evidence holds about one answer, proven to be in the log and signed by the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// When it was assembled.
    pub issued_at: Timestamp,
    /// The evidence records of the request, oldest first: a start and an end, or one for both.
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<EvidenceRecord>,
    /// Whether the answer has ended.
    pub ended: bool,
    /// For each record the proof that it is in the log of the checkpoint.
    pub proofs: Vec<LeafProof>,
    /// The head of the log: a signed note (C2SP tlog-checkpoint), with the cosignatures of witnesses.
    pub checkpoint: String,
    /// The salts of the commitments in them, for the holder alone.
    pub salts: Vec<Salt>,
    /// Detached JWS (`typ` `shuqiao-receipt`) by a platform key over the canonical JSON (RFC 8785) of the receipt without
    /// `salts` and `signature`.
    pub signature: String,
}

/// What is signed of a receipt.
#[derive(Debug, Serialize)]
pub struct Statement<'a> {
    issued_at: Timestamp,
    records: &'a [EvidenceRecord],
    ended: bool,
    proofs: &'a [LeafProof],
    checkpoint: &'a str,
}

impl Receipt {
    /// What is signed of it.
    pub fn statement(&self) -> Statement<'_> {
        let Self { issued_at, records, ended, proofs, checkpoint, .. } = self;
        Statement { issued_at: *issued_at, records, ended: *ended, proofs, checkpoint }
    }
}

/// Where a record stands in the log, and the way from its leaf to the root (RFC 9162 section 2.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeafProof {
    /// Place of the leaf, counted from 0. The leaf is the canonical JSON of the record.
    pub index: u64,
    /// SHA-256 values from below, base64.
    pub path: Vec<String>,
}

/// Proves a leaf to be in a tree (RFC 9162 section 2.1.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InclusionProof {
    /// Place of the leaf, counted from 0.
    pub index: u64,
    /// Leaves of the tree.
    pub size: u64,
    /// SHA-256 values from below, base64.
    pub path: Vec<String>,
}

/// Proves that a tree begins with an earlier one (RFC 9162 section 2.1.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsistencyProof {
    /// Leaves of the earlier tree.
    pub first: u64,
    /// Leaves of the later one.
    pub second: u64,
    /// SHA-256 values from below, base64.
    pub path: Vec<String>,
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

/// Redeems the one-time code that `shuqiao init` printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdministratorClaim {
    /// The code; case, spaces and hyphens do not matter.
    pub code: String,
    /// Login name of the first system administrator.
    pub id: String,
    /// Their name as shown.
    pub name: String,
    /// Their public key of Ed25519 or SM2, base64url.
    #[serde(default)]
    pub public_key: Option<String>,
    /// The password by which they sign in at a browser, beside a key or instead of one: at least 12 characters.
    #[serde(default)]
    pub password: Option<String>,
}

/// Replaces a key by its successor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRotation {
    /// The successor: a public key of Ed25519 or SM2, base64url.
    pub public_key: String,
    /// Seconds for which the old key stays valid beside it, at most 7,776,000.
    #[schema(example = 604_800)]
    pub overlap_seconds: i64,
}

/// Asks for the collection of garbage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GarbageCollection {
    /// Only say what would be erased.
    #[serde(default)]
    pub dry_run: bool,
}

/// Objects that no version needs, and withdrawn records whose time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GarbageCollected {
    /// Their paths, in order.
    pub objects: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that stay.
    pub kept: u64,
    /// Whether nothing was erased yet.
    pub dry_run: bool,
    /// Versions from which withdrawn records were erased: their old objects are garbage an hour later. On a dry run those whose
    /// time it is, which may hold none of the records.
    pub versions: Vec<ErasedRecords>,
}

/// A version from which withdrawn records were erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedRecords {
    /// The resource.
    pub resource: ResourceCode,
    /// The version's number.
    pub version: i64,
    /// Rows that were erased; none on a dry run.
    pub rows: Option<i64>,
}
