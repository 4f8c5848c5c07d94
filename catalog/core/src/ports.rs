//! What the services need from a database. One adapter implements all of it (`catalog-store`), and one conformance
//! suite runs against every database it supports.
//!
//! A method that changes state takes the evidence of the change and writes both in one transaction (the outbox):
//! there is no change without its event, and no event without its change.

mod accounts;
mod api_keys;
mod contributions;
mod entries;
mod nonces;
mod saved_queries;
mod search;
mod subscriptions;
mod successions;
mod versions;
mod words;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::confidential::ConfidentialStore;
use crate::context::{Channel, OpContext, Role};
use crate::dataset::{BreakingReview, RecordWithdrawal, Shape, Tombstone, Version};
use crate::directory::Department;
use crate::directory::resource::{Entry, UpdateCycle};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{EvidenceRecord, SourceRead};
use crate::ids::{ColumnName, DepartmentId, GrantId, ResourceCode};
use crate::matter::{Finding, Matter, MatterKind};
use crate::policy::{Grant, Revocation};
use crate::secrecy::SecrecyRules;
use crate::services::Dataset;
use crate::substitution::Substitution;
use crate::time::Timestamp;

pub use accounts::{AccountStore, Mail, Mailer};
pub use api_keys::ApiKeyStore;
pub use contributions::{ContributionFilter, ContributionStore};
pub use entries::EntryHistoryStore;
pub use nonces::{Durable, NonceStore};
pub use saved_queries::SavedQueryStore;
pub use search::{Condition, SearchField, SearchOrder};
pub use subscriptions::{Herald, SubscriptionStore};
pub use successions::{Handover, SuccessionStore};
pub use versions::VersionPlace;
pub use words::{Courier, Telling, WordStore};

/// Departments and directory entries.
#[async_trait]
pub trait DirectoryStore: Send + Sync {
    /// The department of that machine name.
    async fn department(&self, id: &DepartmentId) -> Result<Option<Department>>;
    /// All departments, by machine name.
    async fn departments(&self) -> Result<Vec<Department>>;
    /// Creates or replaces a department.
    async fn put_department(&self, department: &Department, change: &EvidenceRecord) -> Result<()>;

    /// The entry of that code.
    async fn entry(&self, code: &ResourceCode) -> Result<Option<Entry>>;
    /// The entry whose machine name or title that is with a provider, in its draft or as published. Each such name belongs
    /// to one entry of a provider.
    async fn entry_by_name(&self, provider: &DepartmentId, name: &str) -> Result<Option<Entry>>;
    /// All entries of a provider, or of all, by code.
    async fn entries(&self, provider: Option<&DepartmentId>) -> Result<Vec<Entry>>;
    /// Takes the next sequence number of a classification. A number once taken is never given again,
    /// and free codes seen in an import count as taken.
    async fn next_sequence(&self, classification: &str) -> Result<u64>;
    /// Writes an entry and its search text. `expected` is the revision seen (`None` for a new entry); another
    /// revision in the store is a `conflict`, and so is a code, machine name or title that another entry has, with the
    /// problem at `code`, `sql_name` or `title`.
    async fn save_entry(&self, entry: &Entry, expected: Option<i64>, change: &EvidenceRecord) -> Result<()>;
    /// Writes an entry that is no longer published and ends the grants on it, all in one. A grant made since `endings` were
    /// listed is a `conflict`.
    async fn withdraw_entry(
        &self,
        entry: &Entry,
        expected: i64,
        endings: &[GrantEnding],
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// Searches published entries.
    async fn search(&self, query: &SearchQuery) -> Result<SearchPage>;
    /// The codes of what a search finds, without what the entries say: as many as it asks for.
    async fn codes(&self, query: &SearchQuery) -> Result<CodePage>;
    /// A number that every change to the catalogue makes greater.
    async fn revision(&self) -> Result<i64>;
}

/// The end of one grant, as part of another change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantEnding {
    /// The grant.
    pub grant: GrantId,
    /// When, by whom and why it ends.
    pub revocation: Revocation,
    /// The evidence of it.
    pub change: EvidenceRecord,
}

/// A search over the published directory. Empty text and filters match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Words in Chinese or English; all must occur.
    #[serde(default)]
    pub text: String,
    /// Prefix of the classification code: `3`, `301`, `301001`.
    #[serde(default)]
    pub classification: Option<String>,
    /// Provider.
    #[serde(default)]
    pub department: Option<DepartmentId>,
    /// Sharing type of the resource: 1, 2 or 3.
    #[serde(default)]
    pub sharing: Option<u8>,
    /// Openness of the resource: `open`, `conditional` or `closed`.
    #[serde(default)]
    pub opening: Option<String>,
    /// Update cycle.
    #[serde(default)]
    pub update_cycle: Option<UpdateCycle>,
    /// Format class 信息资源格式分类.
    #[serde(default)]
    pub format: Option<String>,
    /// Further conditions: of each list one must hold.
    #[serde(default)]
    pub conditions: Vec<Vec<Condition>>,
    /// The order of hits.
    #[serde(default)]
    pub order: SearchOrder,
    /// Only what the public has seen change between these times, both included, and what nobody can date.
    #[serde(default)]
    pub changed: Option<(Timestamp, Timestamp)>,
    /// The time of the search: what changes later has not changed yet.
    #[serde(default)]
    pub now: Timestamp,
    /// Only what the public's directory lists.
    #[serde(default)]
    pub public_only: bool,
    /// First hit, counted from 0.
    #[serde(default)]
    pub offset: u32,
    /// Hits wanted, at most 100.
    #[serde(default)]
    pub limit: u32,
    /// Whether to count facets.
    #[serde(default)]
    pub facets: bool,
    /// Whether to count keywords and licences, too, of which there may be many: `keyword`, `licence`.
    #[serde(default)]
    pub word_facets: bool,
}

/// One page of hits, best first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchPage {
    /// The hits.
    pub hits: Vec<SearchHit>,
    /// Number of all hits.
    pub total: u64,
    /// Counts per field and value: `department`, `sharing`, `opening`, `update_cycle`, `format`, `classification` (项); of
    /// words `keyword` and `licence`.
    pub facets: Vec<Facet>,
}

/// The codes of some hits, in the order that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodePage {
    /// The codes.
    pub codes: Vec<ResourceCode>,
    /// Number of all hits.
    pub total: u64,
    /// As in [`SearchPage`].
    pub facets: Vec<Facet>,
}

/// One hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchHit {
    /// Code.
    pub code: ResourceCode,
    /// Chinese name.
    pub title: String,
    /// Abstract.
    #[serde(rename = "abstract")]
    pub summary: String,
    /// Provider.
    pub department: DepartmentId,
    /// Sharing type of the resource: 1, 2 or 3.
    pub sharing: u8,
    /// Openness: `open`, `conditional` or `closed`.
    pub opening: String,
}

/// Counts of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Facet {
    /// The field.
    pub field: String,
    /// Values with their counts, most first.
    pub counts: Vec<(String, u64)>,
}

/// Grants.
#[async_trait]
pub trait GrantStore: Send + Sync {
    /// The grant of that identity.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>>;
    /// All grants on a resource, in force or not, oldest first.
    async fn grants_on(&self, resource: &ResourceCode) -> Result<Vec<Grant>>;
    /// All grants, oldest first.
    async fn grants(&self) -> Result<Vec<Grant>>;
    /// Revokes a grant once; a second time is an `illegal_state`.
    async fn revoke_grant(
        &self,
        id: &GrantId,
        revocation: &Revocation,
        change: &EvidenceRecord,
    ) -> Result<()>;
}

/// Versions of datasets.
#[async_trait]
pub trait VersionStore: Send + Sync {
    /// The resources that have a version, withdrawn or not, by their codes: few of a large directory.
    async fn with_versions(&self) -> Result<Vec<ResourceCode>>;
    /// All versions of a resource, withdrawn ones too, oldest first.
    async fn versions(&self, resource: &ResourceCode) -> Result<Vec<Version>>;
    /// Those of its versions that change columns, withdrawn ones and such as are in effect too, oldest first: few of many.
    async fn breaking_versions(&self, resource: &ResourceCode) -> Result<Vec<Version>>;
    /// One version of a resource, withdrawn or not: a resource has thousands of them.
    async fn version(&self, resource: &ResourceCode, number: i64) -> Result<Option<Version>>;
    /// Versions of all resources, withdrawn ones too, those published last first: at most `limit` behind a place in that
    /// order.
    async fn recent_versions(&self, after: Option<&VersionPlace>, limit: u32) -> Result<Vec<Version>>;
    /// Withdraws a version once.
    async fn withdraw_version(
        &self,
        resource: &ResourceCode,
        number: i64,
        tombstone: &Tombstone,
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// Records the review of a breaking change once; `illegal_state` where the version awaits none.
    async fn review_version(
        &self,
        resource: &ResourceCode,
        number: i64,
        review: &BreakingReview,
        change: &EvidenceRecord,
    ) -> Result<()>;
    /// Puts a version in the place of what was seen of it; `conflict` where that has changed meanwhile.
    async fn replace_version(&self, seen: &Version, version: &Version, change: &EvidenceRecord)
    -> Result<()>;
    /// Withdrawals and reinstatements of records of a resource, oldest first.
    async fn record_withdrawals(&self, resource: &ResourceCode) -> Result<Vec<RecordWithdrawal>>;
    /// Adds a withdrawal or reinstatement of records.
    async fn withdraw_records(&self, withdrawal: &RecordWithdrawal, change: &EvidenceRecord) -> Result<()>;
}

/// What versions look like, by their manifests, which lie beside the data.
#[async_trait]
pub trait Shapes: Send + Sync {
    /// The shape of a version.
    async fn shape(&self, version: &Version) -> Result<Shape>;
}

/// Looks through data before they become open.
#[async_trait]
pub trait SecrecyCheck: Send + Sync {
    /// Counts what must not be open in a version as the dataset shows it, in bounded memory. Combinations are those of the
    /// items by which the machine knows that people are recognised, and of the further ones that are named.
    async fn check(
        &self,
        ctx: &OpContext,
        dataset: Dataset,
        further: &[ColumnName],
        rules: &SecrecyRules,
    ) -> Result<Vec<Finding>>;
}

/// What must not be read any longer, from this moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A grant was revoked.
    Grant(GrantId),
    /// A version was withdrawn.
    Version(ResourceCode, i64),
    /// Records of a resource were withdrawn, or the resource itself.
    Resource(ResourceCode),
}

impl Cut {
    /// Whether a read of that source must end.
    pub fn hits(&self, source: &SourceRead) -> bool {
        match self {
            Self::Grant(grant) => source.grant.as_ref() == Some(grant),
            Self::Version(resource, number) => source.resource == *resource && source.version == *number,
            Self::Resource(resource) => source.resource == *resource,
        }
    }
}

/// Whoever answers reads, and can end those that run.
pub trait Cutter: Send + Sync {
    /// Ends every running answer that reads what is cut. Called once the change is stored, and again when somebody
    /// asks for it again.
    fn cut(&self, cut: Cut);
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    /// Login name and identity.
    pub id: String,
    /// Name as shown.
    pub name: String,
    /// Department, none for developers and administrators of the platform.
    pub department: Option<DepartmentId>,
    /// Roles.
    pub roles: BTreeSet<Role>,
    /// Whether the account may be used.
    pub active: bool,
}

/// Whose a public key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum KeyOwner {
    /// The platform's own, which signs answers, manifests and checkpoints.
    Platform,
    /// A department's machine.
    Department(DepartmentId),
    /// A person, who signs with a key of their own.
    Person(String),
}

/// A registered public key. Retired ones stay, with their periods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyRecord {
    /// JWK thumbprint (RFC 7638).
    pub id: String,
    /// Owner.
    pub owner: KeyOwner,
    /// Public key, base64url: the 32 bytes of Ed25519, or the 65 of an uncompressed SM2 point.
    pub public_key: String,
    /// First instant of validity.
    pub valid_from: Timestamp,
    /// End of validity, excluded.
    pub valid_until: Option<Timestamp>,
}

impl KeyRecord {
    /// Whether a signature made at `at` may come from this key.
    pub fn is_valid_at(&self, at: Timestamp) -> bool {
        self.valid_from <= at && self.valid_until.is_none_or(|end| at < end)
    }
}

/// A bearer ticket for tools that can't sign: read only, one principal, one purpose, named doors, short-lived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// Identity, by which it is revoked.
    pub id: String,
    /// SHA-256 of the bearer token, hex; the token itself is never stored.
    pub token_digest: String,
    /// The key or person that asked for it.
    pub holder: KeyOwner,
    /// The holder's principal id.
    pub principal_id: String,
    /// The key that signed the request for it: the ticket ends with it, and one that names none is over.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key_id: String,
    /// The one purpose it serves.
    pub purpose: Option<String>,
    /// The doors it opens.
    pub doors: BTreeSet<Channel>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends, at most 12 hours later.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// People, keys and tickets.
#[async_trait]
pub trait CredentialStore: NonceStore {
    /// The person of that login name.
    async fn person(&self, id: &str) -> Result<Option<Person>>;
    /// All people, by login name.
    async fn people(&self) -> Result<Vec<Person>>;
    /// Creates or replaces a person.
    async fn put_person(&self, person: &Person, change: &EvidenceRecord) -> Result<()>;
    /// All substitutes, those whose time is over too, by time.
    async fn substitutions(&self) -> Result<Vec<Substitution>>;
    /// The substitutions of a person, those whose time is over too.
    async fn substitutions_of(&self, person: &str) -> Result<Vec<Substitution>>;
    /// Adds a substitution, or sets its end.
    async fn put_substitution(&self, substitution: &Substitution, change: &EvidenceRecord) -> Result<()>;
    /// The key of that id, retired or not.
    async fn key(&self, id: &str) -> Result<Option<KeyRecord>>;
    /// All keys, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRecord>>;
    /// Registers a key, or sets the end of its validity.
    async fn put_key(&self, key: &KeyRecord, change: &EvidenceRecord) -> Result<()>;
    /// Sets the end of a key and registers its successor, both or neither.
    async fn replace_key(
        &self,
        old: (&KeyRecord, &EvidenceRecord),
        new: (&KeyRecord, &EvidenceRecord),
    ) -> Result<()>;
    /// Adds a ticket.
    async fn add_ticket(&self, ticket: &Ticket, change: &EvidenceRecord) -> Result<()>;
    /// The ticket whose token has that digest.
    async fn ticket_by_digest(&self, token_digest: &str) -> Result<Option<Ticket>>;
    /// All tickets that a principal holds, newest first.
    async fn tickets_of(&self, principal_id: &str) -> Result<Vec<Ticket>>;
    /// Ends a ticket.
    async fn revoke_ticket(&self, id: &str, at: Timestamp, change: &EvidenceRecord) -> Result<()>;
}

/// Which matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MatterQuery {
    /// Of one kind.
    pub kind: Option<MatterKind>,
    /// In which this party is applicant or handler, by its label: `department:scjg`, `authority`.
    pub party: Option<String>,
    /// Brought about by this matter.
    pub parent: Option<String>,
    /// Only those in which somebody has something to do.
    pub open_only: bool,
    /// The same, and those whose grants run.
    pub running_only: bool,
    /// Only those behind this place in the order of the list.
    pub after: Option<MatterPlace>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Where a matter stands in a list: by the end of its nearest limit, those without one last, then by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatterPlace {
    /// When its nearest limit ends; the end of time without one.
    pub due: Timestamp,
    /// Its number.
    pub number: String,
}

impl MatterPlace {
    /// The place of a matter.
    pub fn of(matter: &Matter) -> Self {
        let due = matter.limit().and_then(|limit| limit.reckoning.due);
        Self { due: due.unwrap_or(Timestamp(i64::MAX)), number: matter.number.clone() }
    }
}

impl fmt::Display for MatterPlace {
    /// As it travels: `1774886400000000.SQ-2026-000001`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.due.0, self.number)
    }
}

impl FromStr for MatterPlace {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parts = text.split_once('.').and_then(|(due, number)| Some((due.parse().ok()?, number)));
        match parts {
            Some((due, number)) if !number.is_empty() => {
                Ok(Self { due: Timestamp(due), number: number.to_owned() })
            }
            _ => {
                let message = "this is no place in a list of matters: take it from the page before";
                Err(Error::new(ErrorCode::InvalidInput, message))
            }
        }
    }
}

/// How much an applicant may have asked for when one more matter is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatterBound {
    /// The applicant, by its label.
    pub applicant: String,
    /// The most matters open, this one not counted; parts of matters never count.
    pub open: u32,
    /// The most matters opened since …
    pub opened: u32,
    /// … this time.
    pub since: Timestamp,
}

/// What one step brings about: written all or nothing, each with its event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MatterChange {
    /// Matters; the revision seen, `None` for new ones.
    pub matters: Vec<(Matter, Option<i64>, EvidenceRecord)>,
    /// New grants on published resources (on another it is an `illegal_state`). Where there are more others by now than have
    /// been looked at, it is a `conflict`.
    pub grants: Vec<(Grant, EvidenceRecord)>,
    /// What the applicant must not have used up, else `limit_rate`.
    pub bound: Option<MatterBound>,
    /// How many grants were looked at before the new ones.
    pub grants_seen: usize,
    /// Grants that end.
    pub revocations: Vec<(GrantId, Revocation, EvidenceRecord)>,
    /// What is confided with a matter, by its number and sealed, see [`crate::confidential`].
    pub confidential: Option<(String, String)>,
    /// A new version. Its number must be one more than the newest, else `conflict`: of two writers one wins.
    pub version: Option<(Version, EvidenceRecord)>,
    /// Versions that readers outside government see from now on, or no longer: as they are but for a withdrawal.
    pub cleared: Vec<(Version, EvidenceRecord)>,
}

/// Matters 办件.
#[async_trait]
pub trait MatterStore: Send + Sync {
    /// Takes the next sequence number of a series (`SQ-2026`). A number once taken is never given again.
    async fn next_matter(&self, series: &str) -> Result<u64>;
    /// The matter of that number.
    async fn matter(&self, number: &str) -> Result<Option<Matter>>;
    /// The matters that a query asks for: those due first come first, those without a limit last, then by number.
    async fn matters(&self, query: &MatterQuery) -> Result<Vec<Matter>>;
    /// Writes what a step brings about. Another revision in the store than the one seen is a `conflict`, and nothing
    /// is written.
    async fn save_matters(&self, change: &MatterChange) -> Result<()>;
}

/// Events that wait for the evidence log.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest events not yet moved, in order.
    async fn pending(&self, limit: u32) -> Result<Vec<EvidenceRecord>>;
    /// Forgets events that the log holds.
    async fn moved(&self, ids: &[String]) -> Result<()>;
}

/// Everything the services need from a database.
pub trait Store:
    DirectoryStore
    + GrantStore
    + VersionStore
    + MatterStore
    + ConfidentialStore
    + CredentialStore
    + AccountStore
    + ApiKeyStore
    + WordStore
    + SubscriptionStore
    + ContributionStore
    + SavedQueryStore
    + EntryHistoryStore
    + SuccessionStore
    + Outbox
{
}

impl<T> Store for T where
    T: DirectoryStore
        + GrantStore
        + VersionStore
        + MatterStore
        + ConfidentialStore
        + CredentialStore
        + AccountStore
        + ApiKeyStore
        + WordStore
        + SubscriptionStore
        + ContributionStore
        + SavedQueryStore
        + EntryHistoryStore
        + SuccessionStore
        + Outbox
{
}
