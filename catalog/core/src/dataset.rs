//! Datasets 挂接数据: the immutable versions mounted on a resource, as the catalogue records them.

use std::collections::BTreeSet;

use exchange_crypto::Digest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::InformationItem;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{ColumnName, ResourceCode};
use crate::time::Timestamp;

#[cfg(test)]
mod tests;

/// How a version came from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// All rows anew.
    Replace,
    /// Rows added.
    Append,
    /// Rows added or replaced by key.
    Upsert,
}

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// Readable.
    Published,
    /// Unreadable at every door; a tombstone remains.
    Withdrawn,
}

/// One version of a resource's dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// The resource.
    pub resource: ResourceCode,
    /// 1, 2, 3 and so on within the resource; never reused.
    pub number: i64,
    /// How it came about.
    pub change: ChangeKind,
    /// Rows in it.
    pub rows: i64,
    /// Rows that were delivered for it.
    #[serde(default)]
    pub delivered: i64,
    /// Those of them that were kept out, for they broke a rule.
    #[serde(default)]
    pub rejected: i64,
    /// Bytes of its Parquet parts.
    pub bytes: i64,
    /// SHA-256 of the canonical manifest, hex: the version's identity in evidence.
    pub manifest_digest: String,
    /// The version whose rows it took over; none for a replacement.
    pub based_on: Option<i64>,
    /// When its making began: its new rows were delivered after that.
    pub made_at: Timestamp,
    /// When it was published; never before the version that precedes it.
    pub published_at: Timestamp,
    /// Who published it.
    pub published_by: String,
    /// Readable or withdrawn.
    pub state: VersionState,
    /// Why and when it was withdrawn.
    pub tombstone: Option<Tombstone>,
    /// Set where it removes or retypes columns that readers know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaking: Option<BreakingChange>,
    /// Those outside government to whom it may be shown: it has been checked for them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub cleared: BTreeSet<Audience>,
    /// The newest act on records that was carried out on its objects: none of the records that this act and earlier ones
    /// hide is in them any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_through: Option<String>,
    /// The manifests that it had before records were erased from it, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<ReplacedManifest>,
}

/// A manifest that a version has no more: records were erased from its objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReplacedManifest {
    /// SHA-256 of it, hex: older evidence names the version by this.
    pub manifest_digest: String,
    /// When another took its place.
    pub at: Timestamp,
    /// Rows that the next one has no more.
    pub rows: i64,
}

/// Readers outside government, to whom a version is shown once it has been checked for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everyone: what is open without a condition 无条件开放.
    Public,
    /// Registered developers: what is open under a condition 有条件开放.
    Developers,
}

/// A change that removes or retypes columns: announced, reviewed by another person, in force after its notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BreakingChange {
    /// What its readers are told.
    pub notice: Notice,
    /// Columns that are removed or retyped.
    pub columns: Vec<ColumnName>,
    /// Names the new shape: later deliveries in it belong to the same announcement.
    pub shape: String,
    /// The review; none while it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<BreakingReview>,
}

/// What readers are told of a breaking change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notice {
    /// Why.
    pub reason: String,
    /// Days from the review to the change.
    pub days: u32,
}

/// Another person's consent to a breaking change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BreakingReview {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// From when the change is in force.
    pub effective_from: Timestamp,
}

impl Notice {
    /// Days of notice where none are named.
    pub const DEFAULT_DAYS: u32 = 30;
    /// The shortest notice, in days.
    pub const MIN_DAYS: u32 = 7;
    /// The longest notice, in days.
    pub const MAX_DAYS: u32 = 365;

    /// A notice with a reason, of the default length if none is named.
    pub fn new(reason: &str, days: Option<u32>) -> Result<Self> {
        let days = days.unwrap_or(Self::DEFAULT_DAYS);
        if reason.trim().is_empty() {
            let message = "a breaking change needs a reason, which its readers are told";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        if !(Self::MIN_DAYS..=Self::MAX_DAYS).contains(&days) {
            let (least, most) = (Self::MIN_DAYS, Self::MAX_DAYS);
            let message = format!("the notice of a breaking change lasts {least} to {most} days, not {days}");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        Ok(Self { reason: reason.trim().to_owned(), days })
    }
}

impl BreakingChange {
    /// The consent of a reviewer: the notice runs from it.
    pub fn reviewed(&self, by: &str, at: Timestamp) -> BreakingReview {
        let effective_from = at.plus_seconds(i64::from(self.notice.days) * 86_400);
        BreakingReview { by: by.to_owned(), at, effective_from }
    }
}

/// How a version stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A breaking change that another person has to review.
    AwaitsReview,
    /// A breaking change whose notice runs.
    Announced,
    /// Readable.
    Published,
    /// Unreadable; a tombstone remains.
    Withdrawn,
}

impl Version {
    /// From when it is the dataset's data: its publication, or the end of the notice of a breaking change. `None`
    /// where it awaits review, or was withdrawn before its time came.
    pub fn effective_from(&self) -> Option<Timestamp> {
        let from = match &self.breaking {
            None => self.published_at,
            Some(change) => change.review.as_ref()?.effective_from,
        };
        let never = self.breaking.is_some() && self.tombstone.as_ref().is_some_and(|end| end.at < from);
        (!never).then_some(from)
    }

    /// Whether it is, or was until its withdrawal, the dataset's data. Only a breaking change waits for its time: what
    /// is published is in effect even by a clock that was set back.
    pub fn is_effective(&self, now: Timestamp) -> bool {
        self.effective_from().is_some_and(|from| self.breaking.is_none() || from <= now)
    }

    /// How it stands now.
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.state, self.effective_from()) {
            (VersionState::Withdrawn, _) => Standing::Withdrawn,
            (_, None) => Standing::AwaitsReview,
            _ if self.is_effective(now) => Standing::Published,
            _ => Standing::Announced,
        }
    }

    /// Whether readers of that audience may see it; departments, which are of none, need no check of it.
    pub fn is_cleared_for(&self, audience: Option<Audience>) -> bool {
        audience.is_none_or(|audience| self.cleared.contains(&audience))
    }

    /// The digests of all manifests that it has had, that of now first.
    pub fn manifest_digests(&self) -> impl Iterator<Item = &str> {
        let before = self.replaced.iter().rev().map(|replaced| replaced.manifest_digest.as_str());
        std::iter::once(self.manifest_digest.as_str()).chain(before)
    }

    /// The version as each of its manifests describes it, that of now first.
    pub fn by_manifest(&self) -> impl Iterator<Item = Self> {
        self.manifest_digests().map(|digest| Self { manifest_digest: digest.to_owned(), ..self.clone() })
    }

    /// A breaking change that is still to come, reviewed or not.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        matches!(self.standing(now), Standing::AwaitsReview | Standing::Announced)
    }
}

/// The versions that are or were the dataset's data by `now`, in the order in which they took effect.
pub fn in_effect(versions: &[Version], now: Timestamp) -> Vec<&Version> {
    let mut effective: Vec<_> = versions.iter().filter(|version| version.is_effective(now)).collect();
    effective.sort_by_key(|version| (version.effective_from(), version.number));
    effective
}

/// The newest readable version: what `latest` means.
pub fn latest(versions: &[Version], now: Timestamp) -> Option<&Version> {
    in_effect(versions, now).into_iter().rfind(|version| version.state == VersionState::Published)
}

/// Those of one dataset that are in effect, or will be: what is withdrawn or outdated is not among them.
pub fn standing(mut versions: Vec<Version>, now: Timestamp) -> Vec<Version> {
    let current = latest(&versions, now).map(|version| version.number);
    versions.retain(|version| Some(version.number) == current || version.is_pending(now));
    versions
}

/// What the rows of a version look like, as its manifest records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The items in order, as the directory described them when the version was made.
    pub items: Vec<InformationItem>,
    /// Key columns.
    pub key: Vec<ColumnName>,
    /// Sort columns.
    pub sort: Vec<ColumnName>,
}

impl Shape {
    /// Names columns, stored types, their order and the key: SHA-256, hex.
    pub fn digest(&self) -> String {
        let columns: Vec<_> = self.items.iter().map(|item| (&item.column, item.stored())).collect();
        // Serialization of plain data cannot fail; an empty text would only begin another announcement.
        Digest::of(serde_json::to_string(&(columns, &self.key)).unwrap_or_default().as_bytes()).to_hex()
    }

    /// Columns that new items lack or retype: what makes a change a breaking one.
    pub fn broken_by(&self, items: &[InformationItem]) -> Vec<ColumnName> {
        let kept = |old: &&InformationItem| {
            items.iter().any(|item| item.column == old.column && item.stored() == old.stored())
        };
        self.items.iter().filter(|item| !kept(item)).map(|item| item.column.clone()).collect()
    }
}

/// What remains of something withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tombstone {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// Why, for the public.
    pub reason: String,
}

/// What an act on records does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, Default)]
#[serde(rename_all = "snake_case")]
pub enum RecordAct {
    /// Hides them in all versions, later ones too.
    #[default]
    Withdraw,
    /// Ends the withdrawal for rows delivered later: for versions that go back to a whole delivery made afterwards.
    Reinstate,
}

/// Records withdrawn from all versions of a dataset, or reinstated for later ones, by their keys: one more row filter
/// in every bound policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordWithdrawal {
    /// Identity, a UUID.
    pub id: String,
    /// The resource.
    pub resource: ResourceCode,
    /// Withdrawn or reinstated.
    #[serde(default)]
    pub act: RecordAct,
    /// The columns that name them: the key at that time, the directory may name others later.
    pub columns: Vec<ColumnName>,
    /// The first withdrawal of the same records, where this one says it again by another key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Key values in the order of `columns`, as text.
    pub keys: Vec<Vec<String>>,
    /// When, who and why.
    pub tombstone: Tombstone,
}

/// Withdraws records from all versions, or reinstates them for later ones.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordsWithdrawal {
    /// Key values in the order of the columns, as text.
    pub keys: Vec<Vec<String>>,
    /// The columns that name the records; the resource's key of today when left out. An earlier key names those of
    /// versions that have it.
    #[serde(default)]
    pub columns: Option<Vec<ColumnName>>,
    /// The id of a withdrawal of the same records by another key, which this one says again for versions that lack that
    /// key. It may name none: where they are no longer there.
    #[serde(default)]
    pub again: Option<String>,
    /// Why, for the public.
    pub reason: String,
}
