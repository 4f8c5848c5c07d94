//! Opening again what evidence says was read: the same version under the same bound policy, or why that can't be.

use super::Services;
use super::datasets::{Dataset, VersionSelector, select};
use super::withdrawals::not_withdrawn;
use crate::context::OpContext;
use crate::dataset::{RecordAct, RecordWithdrawal, Version};
use crate::directory::Resource;
use crate::directory::resource::Entry;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{SourceRead, entity};
use crate::ids::{DepartmentId, ResourceCode};
use crate::policy::{BoundPolicy, GrantKind, GrantedPolicy, Grantee};
use crate::ports::Shapes;
use crate::time::Timestamp;

/// A read of the past, as its evidence tells.
#[derive(Debug, Clone)]
pub struct PastRead {
    /// What it read.
    pub sources: Vec<SourceRead>,
    /// The department that read.
    pub department: Option<DepartmentId>,
    /// Its `now`.
    pub now: Timestamp,
}

impl Services {
    /// Opens a dataset of a past read again, under the policy of then. The grant may have ended since.
    ///
    /// `not_replayable` where version or records were withdrawn since, or the directory, the grant's holder or the stored
    /// objects are no longer what they were: the bound policy's digest decides, not a guess. Whoever calls this has decided that the
    /// caller may.
    pub async fn reopen(
        &self,
        shapes: &dyn Shapes,
        read: &PastRead,
        code: &ResourceCode,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let gone = |what: &str| not_replayable(format!("{code}: {what}"));
        let entry = self.store.entry(code).await?.ok_or_else(|| gone("it is no longer in the directory"))?;
        let versions = self.store.versions(code).await?;
        let source = pinned(read, code, selector, &versions)?;
        let (resource, version) = (described(&entry), standing(source, &versions)?);
        let stored = resource.as_stored(&entry.retired, shapes.shape(version).await?);
        let (kind, policy) = self.bound_then(read, source, &stored).await?;
        let acts = self.store.record_withdrawals(code).await?;
        let hiding = |acts: &[RecordWithdrawal]| not_withdrawn(&stored, acts, version, &versions);
        let known: Vec<_> = acts.iter().filter(|act| act.tombstone.at <= read.now).cloned().collect();
        let then = policy.clone().narrowed(hiding(&known).map_err(|error| gone(&error.message))?);
        if then.digest().to_hex() != source.policy_digest {
            let what = "the directory's entry or the attributes of its reader have changed since, and the policy of then \
                        can't be bound any more";
            return Err(gone(what));
        }
        let now = policy.narrowed(hiding(&acts).map_err(|error| gone(&error.message))?);
        if now != then {
            return Err(gone(&withdrawn_since(&acts, read.now)));
        }
        let granted = GrantedPolicy { grant: source.grant.clone(), kind, policy: then };
        Ok(Dataset { resource: stored, granted, version: version.clone(), until: None })
    }

    /// The policy of a past read without withdrawals.
    async fn bound_then(
        &self,
        read: &PastRead,
        source: &SourceRead,
        stored: &Resource,
    ) -> Result<(GrantKind, BoundPolicy)> {
        let Some(id) = &source.grant else {
            return Ok((GrantKind::Own, BoundPolicy::everything(stored)));
        };
        let missing = || not_replayable(format!("the grant {id} is no longer there"));
        let grant = self.store.grant(id).await?.ok_or_else(missing)?;
        let department = match &grant.terms.grantee {
            Grantee::Department(id) => self.store.department(id).await?,
            Grantee::Developer(_) | Grantee::Public => match &read.department {
                Some(id) => self.store.department(id).await?,
                None => None,
            },
        };
        let attributes = department.map(|department| department.subject_attributes()).unwrap_or_default();
        Ok((grant.terms.kind, BoundPolicy::bind(&grant.terms, stored, &attributes)?))
    }

    /// The resource as evidence may name it, published or not any more; `None` where the directory has forgotten it.
    pub async fn resource_of_evidence(&self, code: &ResourceCode) -> Result<Option<Resource>> {
        Ok(self.store.entry(code).await?.map(|entry| described(&entry).clone()))
    }

    /// Writes down that an answer was computed again, and what came of it.
    pub async fn record_replay(&self, ctx: &OpContext, request: &str, outcome: &str) -> Result<()> {
        let event = Self::change(ctx, "answer.replayed", entity::replay(request, outcome), &outcome);
        self.log.append(event).await.map(drop)
    }

    /// Writes down that it is asked who saw a subject's record, before anything is looked for.
    pub async fn record_trace(&self, ctx: &OpContext, subject: &str) -> Result<()> {
        let event = Self::change(ctx, "subject.traced", entity::subject(subject), &subject);
        self.log.append(event).await.map(drop)
    }
}

pub(super) fn described(entry: &Entry) -> &Resource {
    entry.published.as_ref().unwrap_or(&entry.draft)
}

fn not_replayable(reason: String) -> Error {
    Error::new(ErrorCode::NotReplayable, reason)
}

/// The one of a read's sources that is meant. A query that named no version read the only one there is evidence of.
fn pinned<'a>(
    read: &'a PastRead,
    code: &ResourceCode,
    selector: VersionSelector,
    versions: &[Version],
) -> Result<&'a SourceRead> {
    let of_resource: Vec<_> = read.sources.iter().filter(|source| source.resource == *code).collect();
    let number = match (of_resource.as_slice(), selector) {
        ([one], VersionSelector::Latest | VersionSelector::At(_)) => one.version,
        (_, VersionSelector::Number(number)) => number,
        _ => select(code, versions, selector, read.now)?.number,
    };
    let found = of_resource.into_iter().find(|source| source.version == number);
    found.ok_or_else(|| not_replayable(format!("the evidence names no read of version {number} of {code}")))
}

/// The version of a source, as it was and not withdrawn.
fn standing<'a>(source: &SourceRead, versions: &'a [Version]) -> Result<&'a Version> {
    let (code, number) = (&source.resource, source.version);
    let version = versions.iter().find(|version| version.number == number);
    let version =
        version.ok_or_else(|| not_replayable(format!("version {number} of {code} is no longer there")))?;
    // Records that were erased from it since were hidden already, or the policy of then is not that of now.
    if !version.manifest_digests().any(|digest| digest == source.manifest_digest) {
        // So it is after a restore from before records were erased; whether anybody else did it, an audit says.
        return Err(not_replayable(format!(
            "version {number} of {code} has another manifest than the evidence names: run `shuqiao audit`"
        )));
    }
    match &version.tombstone {
        None => Ok(version),
        Some(tombstone) => Err(not_replayable(format!(
            "version {number} of {code} was withdrawn at {}: {}",
            tombstone.at, tombstone.reason
        ))),
    }
}

/// The tombstone of the newest act on records after that time.
fn withdrawn_since(acts: &[RecordWithdrawal], since: Timestamp) -> String {
    let newest = acts.iter().rfind(|act| act.act == RecordAct::Withdraw && act.tombstone.at > since);
    let told = newest.map(|act| format!(" at {}: {}", act.tombstone.at, act.tombstone.reason));
    format!("records that it read were withdrawn since{}", told.unwrap_or_default())
}
