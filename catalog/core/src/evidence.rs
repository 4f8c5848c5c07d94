//! Evidence: what every access and every change leaves behind, and the port that keeps it.

pub mod entity;
pub mod fact;
mod undone;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::context::{Channel, OpContext};
use crate::error::Result;
use crate::ids::{DepartmentId, GrantId, ResourceCode};
use crate::time::Timestamp;

pub use fact::Fact;
pub use undone::Undone;

/// Who did it, as evidence names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Stable identity of the principal.
    pub id: String,
    /// Department acted for.
    pub department: Option<DepartmentId>,
    /// Staff id, as the department asserts it.
    pub operator: Option<String>,
    /// Purpose, as asserted.
    pub purpose: Option<String>,
    /// Matter number 办件号, as asserted.
    pub matter: Option<String>,
    /// The ticket that was shown instead of a signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The substitutions 代办 by which the principal held some of its roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub substitutions: Vec<String>,
    /// The door.
    pub channel: Channel,
}

impl Actor {
    /// The actor of a context.
    pub fn of(ctx: &OpContext) -> Self {
        Self {
            id: ctx.principal.id.clone(),
            department: ctx.principal.department.clone(),
            operator: ctx.operator.clone(),
            purpose: ctx.purpose.clone(),
            matter: ctx.matter.clone(),
            ticket: ctx.ticket.clone(),
            substitutions: ctx.principal.substitutions.clone(),
            channel: ctx.channel,
        }
    }
}

/// One dataset that an access read: what exactly, under which policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRead {
    /// The resource.
    pub resource: ResourceCode,
    /// Its version.
    pub version: i64,
    /// SHA-256 of the version's manifest, hex.
    pub manifest_digest: String,
    /// Digest of the bound policy, hex.
    pub policy_digest: String,
    /// The grant used; `None` for the provider's own.
    pub grant: Option<GrantId>,
}

/// The code of an access whose client went away before its answer: the one refusal that names nothing, though its access may
/// have begun.
pub const DISCONNECTED: &str = "disconnected";

/// The kinds of evidence. Values of rows, SQL text and personal identifiers never stand in it, only commitments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A read begins; durable before the first byte leaves.
    AccessStarted {
        /// What it reads.
        sources: Vec<SourceRead>,
        /// Commitment to the request: SHA-256 of a random salt and the request.
        request_commitment: String,
        /// The `now` of its query; none where no query ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<Timestamp>,
        /// Keyed hashes of the subjects that were looked up by their numbers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subjects: Vec<String>,
    },
    /// A read has ended, completely or not.
    AccessEnded {
        /// Rows that left.
        rows: u64,
        /// Bytes that left.
        bytes: u64,
        /// Commitment to the answer: SHA-256 of a random salt and the answer.
        answer_commitment: String,
        /// Whether the answer left whole.
        complete: bool,
        /// The code that ended it early.
        stopped_by: Option<String>,
    },
    /// An answer that was complete before its first byte: start and end in one.
    Access {
        /// What it read.
        sources: Vec<SourceRead>,
        /// Commitment to the request.
        request_commitment: String,
        /// Rows that left.
        rows: u64,
        /// Bytes that left.
        bytes: u64,
        /// Commitment to the answer.
        answer_commitment: String,
        /// The `now` of its query; none where no query ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        now: Option<Timestamp>,
        /// Keyed hashes of the subjects that were looked up by their numbers.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        subjects: Vec<String>,
    },
    /// An access was refused.
    AccessRefused {
        /// The code of the refusal.
        code: String,
        /// What had been opened for it by then: the refusal tells something of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sources: Vec<SourceRead>,
        /// Commitment to the request.
        request_commitment: String,
    },
    /// A state change, from the outbox; or that something confidential, or a notice, was handed out.
    Changed {
        /// What was done: `resource.published`, `grant.created`.
        action: String,
        /// The kind and identity of what changed: `resource 301001/000001`.
        entity: String,
        /// SHA-256 of the entity's new state, hex.
        entity_digest: String,
    },
    /// The end of the log was lost, and a new tree begins with this record.
    EpochStarted {
        /// The new epoch, counted from 0.
        epoch: u64,
        /// The newest checkpoint known of the epoch before, a signed note.
        checkpoint: String,
        /// Records of the epoch before that are still there.
        kept: u64,
        /// Records that the checkpoint covers and that are gone.
        lost: u64,
    },
    /// Anonymous downloads of open data in one period, counted, without addresses.
    OpenDownloads {
        /// The resource.
        resource: ResourceCode,
        /// Number of requests.
        count: u64,
        /// Bytes sent.
        bytes: u64,
    },
}

impl Event {
    /// Its name: the kind, or for a change what was done.
    pub fn name(&self) -> &str {
        match self {
            Self::AccessStarted { .. } => "access_started",
            Self::AccessEnded { .. } => "access_ended",
            Self::Access { .. } => "access",
            Self::AccessRefused { .. } => "access_refused",
            Self::Changed { action, .. } => action,
            Self::EpochStarted { .. } => "epoch_started",
            Self::OpenDownloads { .. } => "open_downloads",
        }
    }

    /// Whether this ends an access, if one of its request has begun before it. A refusal of what has begun names what was opened,
    /// or that its client went away; the others have no start, and none needs to be looked for.
    pub fn is_end(&self) -> bool {
        match self {
            Self::AccessEnded { .. } => true,
            Self::AccessRefused { code, sources, .. } => code == DISCONNECTED || !sources.is_empty(),
            _ => false,
        }
    }

    /// Of a restore: epoch and place in the log from which on the restored catalogue knew nothing. What was changed from there
    /// on, and before this event, was undone by it.
    pub fn restored_to(&self) -> Option<(u64, u64)> {
        let Self::Changed { action, entity, .. } = self else { return None };
        entity::catalogue_place(entity).filter(|_| action == "restored")
    }
}

/// One leaf of the evidence log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Identity, a UUID of version 7; a record is kept once, however often it is offered.
    pub id: String,
    /// The request it belongs to.
    pub request_id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What.
    #[serde(flatten)]
    pub event: Event,
    /// For a change that supervision and assessment count, or that a restore does again: what was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<Fact>,
}

impl EvidenceRecord {
    /// The record of an event in a context.
    pub fn new(ctx: &OpContext, event: Event) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            request_id: ctx.request_id.clone(),
            at: ctx.now,
            actor: Actor::of(ctx),
            event,
            fact: None,
        }
    }

    /// The same, saying what was changed.
    pub(crate) fn stating(self, fact: Fact) -> Self {
        Self { fact: Some(fact), ..self }
    }
}

/// What a department received of a resource under one grant and for one purpose, as evidence has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Received {
    /// The grant; `None` where none was needed.
    pub grant: Option<GrantId>,
    /// The purpose, as asserted.
    pub purpose: Option<String>,
    /// Accesses.
    pub accesses: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// Whether the record in question certainly was among what was received. Otherwise it possibly was: an answer of many
    /// rows is kept as a commitment, not as its rows.
    pub certain: bool,
}

/// What evidence tells of earlier accesses.
#[async_trait]
pub trait AccessHistory: Send + Sync {
    /// What each department received of these versions of a resource. The access of the request `shown_by` certainly
    /// showed the record in question.
    async fn received(
        &self,
        resource: &ResourceCode,
        versions: Range<i64>,
        shown_by: Option<&str>,
    ) -> Result<BTreeMap<DepartmentId, Vec<Received>>>;

    /// The people of no department, by login name, who received something of these versions of a resource.
    async fn received_by_people(
        &self,
        resource: &ResourceCode,
        versions: Range<i64>,
    ) -> Result<BTreeSet<String>>;
}

/// What opens a commitment of a record, sealed. It is kept apart from the log, so that it can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedText {
    /// The month of the record in UTC, `2026-11`, by whose key it is sealed.
    pub month: String,
    /// Its line, which ends with a line feed.
    pub line: Vec<u8>,
}

/// Keeps evidence. When a method returns, the record survives a power cut; if it fails, the access must not happen.
#[async_trait]
pub trait EvidenceLog: Send + Sync {
    /// Appends a record and answers with its place in the log. A record known by its id keeps its first place.
    async fn append(&self, record: EvidenceRecord) -> Result<u64> {
        self.append_with(record, Vec::new()).await
    }

    /// The same of a record with commitments: what opens them is durable before it, so that wherever the log has one, it can be
    /// opened.
    async fn append_with(&self, record: EvidenceRecord, texts: Vec<SealedText>) -> Result<u64>;
}
