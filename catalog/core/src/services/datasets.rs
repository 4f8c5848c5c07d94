//! Versions of datasets: which there are, and opening one for a read.

use super::Services;
use super::successions::EVER;
use super::withdrawals::not_withdrawn;
use crate::context::OpContext;
use crate::dataset::{self, Audience, Standing, Version};
use crate::directory::resource::Entry;
use crate::directory::{InformationItem, Resource};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::SourceRead;
use crate::ids::{ColumnName, DepartmentId, ResourceCode};
use crate::policy::{
    Action, BoundPolicy, Decision, Grant, GrantKind, GrantedPolicy, audience_of, decide_action, decide_read,
    decide_version,
};
use crate::ports::{SearchOrder, SearchQuery, Shapes};
use crate::remembered::Validity;
use crate::time::Timestamp;

/// Entries that are looked at for one page of what is readable.
const PAGE_ENTRIES: usize = 500;

/// Which version of a dataset is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionSelector {
    /// The last in effect that is not withdrawn; where all are, the last, which is refused with its tombstone.
    Latest,
    /// That one.
    Number(i64),
    /// The one that was in effect at that time.
    At(Timestamp),
}

/// One version of one dataset, opened for the caller under one grant.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The published resource with the items, key and order of this version.
    pub resource: Resource,
    /// What the caller sees of it, withdrawn records already filtered out.
    pub granted: GrantedPolicy,
    /// The version.
    pub version: Version,
    /// The first time at which it may be decided otherwise though the catalogue stays as it is: a term begins or ends, a version
    /// takes effect. `None` where there is no such time, or where it was decided for another time than now.
    pub until: Option<Timestamp>,
}

impl Dataset {
    /// How evidence names this read.
    pub fn source(&self) -> SourceRead {
        SourceRead {
            resource: self.resource.code.clone(),
            version: self.version.number,
            manifest_digest: self.version.manifest_digest.clone(),
            policy_digest: self.granted.policy.digest().to_hex(),
            grant: self.granted.grant.clone(),
        }
    }

    /// For how long whoever opened it in a catalogue of that revision may remember it for this caller, as they asked. `None` for
    /// cells, which are decided on with what was shown before, and for what is open to everyone where a purpose is stated: all
    /// see the same, and each purpose that a stranger thinks of would be remembered for itself.
    pub fn validity(&self, ctx: &OpContext, revision: i64) -> Option<Validity> {
        let is_the_same_without = self.granted.kind == GrantKind::Public && ctx.purpose.is_some();
        let may_be = self.granted.policy.statistics.is_none() && !is_the_same_without;
        may_be.then_some(Validity { revision, from: ctx.now, until: self.until })
    }
}

impl Services {
    /// Decides whether the caller may read the resource, and shows why.
    pub async fn why(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Decision> {
        let resource = self.resource(ctx, code).await?;
        let grants = self.store.grants_on(code).await?;
        Ok(decide_read(ctx, &resource, &grants))
    }

    /// Opens a version for the caller: decides on the version's own columns, binds the policy, adds the withdrawals.
    pub async fn open(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        code: &ResourceCode,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let missing = || Error::not_found(format!("resource {code}"));
        let entry = self.store.entry(code).await?.ok_or_else(missing)?;
        self.open_entry(ctx, shapes, entry, selector).await
    }

    /// Opens the table `department.name`, by machine names or by Chinese ones.
    pub async fn open_table(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        department: &str,
        name: &str,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let unknown =
            || Error::new(ErrorCode::UnknownTable, format!("there is no table {department}.{name}"));
        let department = self.department_called(department).await?.ok_or_else(unknown)?;
        let entry = self.table_called(&department, name).await?.ok_or_else(unknown)?;
        let code = entry.draft.code.clone();
        match self.open_entry(ctx, shapes, entry, selector).await {
            // Whoever may read it learns that the version is missing; to others it is as if nothing were there.
            Err(error) if error.code == ErrorCode::NotFound => {
                let may_read = self.why(ctx, &code).await.and_then(Decision::into_policy);
                Err(may_read.map_or_else(|_| unknown(), |_| error))
            }
            opened => opened,
        }
    }

    /// Everything that the caller can read now as it asks, in its latest version: what has no data, or several grants
    /// among which a purpose must choose, is not among it. What should be readable and fails stands there with its error:
    /// one damaged dataset hides no other.
    pub async fn readable(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
    ) -> Result<Vec<(ResourceCode, Result<Dataset>)>> {
        let mut readable = Vec::new();
        for code in self.store.with_versions().await? {
            let entry = self.store.entry(&code).await?.filter(|entry| entry.published.is_some());
            if let Some(entry) = entry {
                readable.extend(self.readable_entry(ctx, shapes, entry).await);
            }
        }
        Ok(readable)
    }

    /// The same in pages: of the resources that are wanted, by what the directory says of them today, so many at most that stand
    /// after one in the caller's directory. Beside them the resource after which the next page begins, if there is one: as few
    /// entries are looked at for a page, it may hold less than what is asked for, or nothing.
    pub async fn readable_page(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        is_wanted: &(dyn Fn(&Resource) -> bool + Sync),
        after: Option<&ResourceCode>,
        most: usize,
    ) -> Result<(Vec<(ResourceCode, Result<Dataset>)>, Option<ResourceCode>)> {
        let in_order = SearchQuery { order: SearchOrder::Code, limit: u32::MAX, ..SearchQuery::default() };
        let codes = self.codes(ctx, in_order).await?.codes;
        let start = after.map_or(0, |after| codes.partition_point(|code| code <= after));
        let mut readable = Vec::new();
        for (place, code) in (start..).zip(&codes[start..]) {
            if readable.len() == most || place - start == PAGE_ENTRIES {
                return Ok((readable, codes.get(place - 1).cloned()));
            }
            let entry = self.store.entry(code).await?;
            let wanted = entry.filter(|entry| entry.published.as_ref().is_some_and(is_wanted));
            if let Some(entry) = wanted {
                readable.extend(self.readable_entry(ctx, shapes, entry).await);
            }
        }
        Ok((readable, None))
    }

    /// A resource's latest version, if the caller may read it.
    async fn readable_entry(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        entry: Entry,
    ) -> Option<(ResourceCode, Result<Dataset>)> {
        let code = entry.draft.code.clone();
        match self.open_entry(ctx, shapes, entry, VersionSelector::Latest).await {
            Err(error) if is_refusal(error.code) => None,
            found => Some((code, found)),
        }
    }

    /// The resource that SQL calls `department.name` today.
    pub async fn table_code(&self, department: &str, name: &str) -> Result<Option<ResourceCode>> {
        let Some(department) = self.department_called(department).await? else { return Ok(None) };
        Ok(self.table_called(&department, name).await?.map(|entry| entry.draft.code))
    }

    async fn department_called(&self, name: &str) -> Result<Option<DepartmentId>> {
        if let Ok(id) = DepartmentId::new(name) {
            return Ok(self.store.department(&id).await?.map(|department| department.id));
        }
        let all = self.store.departments().await?;
        Ok(all.into_iter().find(|department| department.name == name).map(|department| department.id))
    }

    /// A table of the department, else of one that it continues.
    async fn table_called(&self, department: &DepartmentId, name: &str) -> Result<Option<Entry>> {
        let is_called = |resource: &Resource| resource.title == name || resource.sql_name.as_str() == name;
        let predecessors = self.all_successions().await?.predecessors_of(department, EVER);
        for department in std::iter::once(department).chain(&predecessors) {
            let entry = self.store.entry_by_name(department, name).await?;
            let called = entry.filter(|entry| entry.published.as_ref().is_some_and(is_called));
            if called.is_some() {
                return Ok(called);
            }
        }
        Ok(None)
    }

    async fn open_entry(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        entry: Entry,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let missing = || Error::not_found(format!("resource {}", entry.draft.code));
        let resource = entry.published.as_ref().ok_or_else(missing)?;
        let grants = self.store.grants_on(&resource.code).await?;
        // Nothing stored is read for somebody who has no grant.
        let audience = audience_of(ctx, resource, &grants)?;
        let versions = self.versions_for(&resource.code, audience, selector).await?;
        let found = async {
            let version = select(&resource.code, &versions, selector, ctx.now)?;
            Ok((version, shapes.shape(version).await?))
        };
        let (version, shape) = match found.await {
            Ok(found) => found,
            // Whoever may not read it does not learn which versions there are.
            Err(error) => {
                return Err(decide_read(ctx, resource, &grants).into_policy().err().unwrap_or(error));
            }
        };
        let stored = resource.as_stored(&entry.retired, shape);
        let mut granted = decide_version(ctx, resource, &stored, &grants).into_policy()?;
        if !version.is_effective(ctx.now) && granted.kind != GrantKind::Own {
            return Err(not_yet(version));
        }
        if granted.policy.statistics.is_some() {
            let all;
            let among = match selector {
                VersionSelector::Number(_) => {
                    all = self.versions_for(&resource.code, audience, VersionSelector::Latest).await?;
                    &all
                }
                VersionSelector::Latest | VersionSelector::At(_) => &versions,
            };
            let newest = dataset::latest(among, ctx.now);
            let today = decide_read(ctx, resource, &grants).into_policy()?;
            check_cells(&granted.policy, newest == Some(version), &today.policy, resource, &stored)?;
        }
        self.hide_withdrawn(&mut granted.policy, &stored, version, None).await?;
        let resource = self.shown_to(ctx, stored).await?;
        let until = next_turn(&grants, &versions, ctx.now);
        Ok(Dataset { resource, granted, version: version.clone(), until })
    }

    /// The versions, cleared for the audience, among which one is chosen: a file of a version in thousands of files is asked for
    /// by the number of the version, thousands of times. Where there is none of that number, all of them say why, so that what
    /// is held back and what never was get the same words.
    async fn versions_for(
        &self,
        code: &ResourceCode,
        audience: Option<Audience>,
        selector: VersionSelector,
    ) -> Result<Vec<Version>> {
        if let VersionSelector::Number(number) = selector
            && let Some(version) = self.store.version(code, number).await?
            && version.is_cleared_for(audience)
        {
            return Ok(vec![version]);
        }
        let mut versions = self.store.versions(code).await?;
        versions.retain(|version| version.is_cleared_for(audience));
        Ok(versions)
    }

    /// Hides the records of a version that are withdrawn, among all versions where they are known already.
    pub(super) async fn hide_withdrawn(
        &self,
        policy: &mut BoundPolicy,
        stored: &Resource,
        version: &Version,
        known: Option<&[Version]>,
    ) -> Result<()> {
        let withdrawals = self.store.record_withdrawals(&stored.code).await?;
        if withdrawals.is_empty() {
            return Ok(());
        }
        let read;
        let versions = match known {
            Some(known) => known,
            None => {
                read = self.store.versions(&stored.code).await?;
                &read
            }
        };
        let shown = not_withdrawn(stored, &withdrawals, version, versions)?;
        *policy = policy.clone().narrowed(shown);
        Ok(())
    }

    /// All versions of a resource, for who may read or review its data: withdrawn ones with their tombstones, announced
    /// ones with their date. What awaits review is known to the provider alone.
    pub async fn versions(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Vec<Version>> {
        let resource = self.permit_versions(ctx, code).await?;
        let mut versions = self.store.versions(code).await?;
        if !ctx.principal.acts_for(&resource.provider) {
            let audience = audience_of(ctx, &resource, &self.store.grants_on(code).await?)?;
            versions.retain(|version| {
                version.standing(ctx.now) != Standing::AwaitsReview && version.is_cleared_for(audience)
            });
        }
        Ok(versions)
    }

    /// The resource, for who may read or review its data.
    pub(super) async fn permit_versions(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Resource> {
        let resource = self.resource(ctx, code).await?;
        let review = decide_action(&ctx.principal, Action::ReviewData, Some(&resource.provider));
        if review.into_permission().is_err() {
            self.why(ctx, code).await?.into_policy()?;
        }
        Ok(resource)
    }

    /// The published resources with the versions that are in effect, or will be, for the platform's own work.
    pub async fn standing_versions(&self, now: Timestamp) -> Result<Vec<(Resource, Version)>> {
        let mut found = Vec::new();
        for code in self.store.with_versions().await? {
            let published = self.store.entry(&code).await?.and_then(|entry| entry.published);
            let Some(resource) = published else { continue };
            let versions = dataset::standing(self.store.versions(&code).await?, now);
            found.extend(versions.into_iter().map(|version| (resource.clone(), version)));
        }
        Ok(found)
    }

    /// Every version of every resource, for the collection of garbage.
    pub async fn all_versions(&self, ctx: &OpContext) -> Result<Vec<Version>> {
        Self::permit(ctx, Action::MaintainStorage, None)?;
        let mut all = Vec::new();
        for code in self.store.with_versions().await? {
            all.extend(self.store.versions(&code).await?);
        }
        Ok(all)
    }
}

/// When a term of the grants begins or ends next, or one of the versions takes effect.
fn next_turn(grants: &[Grant], versions: &[Version], now: Timestamp) -> Option<Timestamp> {
    let of_grants = grants.iter().flat_map(Grant::turns);
    let of_versions = versions.iter().filter_map(Version::effective_from);
    of_grants.chain(of_versions).filter(|turn| *turn > now).min()
}

/// Whether the code says that a dataset can't be read now, and no more.
pub(super) fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotFound
            | ErrorCode::Forbidden
            | ErrorCode::NotGranted
            | ErrorCode::AmbiguousGrant
            | ErrorCode::ObligationMissing
            | ErrorCode::Withdrawn
    )
}

/// The audience for which versions must be cleared before the caller is told of them; `None` where nothing of the resource, as
/// the directory has it today, is shown to the caller at this door: who may read nothing learns of no version either.
///
/// # Errors
/// `ambiguous_grant` where a purpose would have to choose among several grants.
pub(super) fn sees_versions(
    ctx: &OpContext,
    resource: &Resource,
    grants: &[Grant],
) -> Result<Option<Option<Audience>>> {
    // What a grant demands of each request says nothing of whom it serves.
    let (matter, operator) = (Some(String::new()), Some(String::new()));
    let ctx = OpContext { matter, operator, ..ctx.clone() };
    let audience = audience_of(&ctx, resource, grants);
    match audience.and_then(|audience| decide_read(&ctx, resource, grants).into_policy().map(|_| audience)) {
        Ok(audience) => Ok(Some(audience)),
        Err(error) if error.code != ErrorCode::AmbiguousGrant && is_refusal(error.code) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Cells are shown of the latest version alone, and only where they are those of today's directory.
fn check_cells(
    policy: &BoundPolicy,
    is_latest: bool,
    today: &BoundPolicy,
    resource: &Resource,
    stored: &Resource,
) -> Result<()> {
    if !is_latest {
        let message = "a statistics-only grant shows the newest version alone: versions side by side would show \
                       small groups; leave the version out and start again";
        return Err(Error::new(ErrorCode::NotGranted, message));
    }
    let names = |policy: &BoundPolicy| -> Vec<ColumnName> {
        policy.columns.iter().map(|column| column.column.clone()).collect()
    };
    let dimensions = policy.stored_columns().iter().map(|column| &column.column);
    let others = policy.statistics.iter().flat_map(|cells| cells.measures.iter().chain([&cells.subject]));
    let shape =
        |resource: &Resource, name: &ColumnName| resource.item(name.as_str()).map(InformationItem::stored);
    let same = |name: &ColumnName| {
        let today = shape(resource, name);
        today.is_some() && shape(stored, name) == today
    };
    if names(policy) == names(today) && dimensions.chain(others).all(same) {
        return Ok(());
    }
    let message = format!(
        "the data of {} lacks an item that the grant's statistics need; ask for a later version",
        resource.code
    );
    Err(Error::new(ErrorCode::NotGranted, message))
}

pub(super) fn select<'a>(
    code: &ResourceCode,
    versions: &'a [Version],
    selector: VersionSelector,
    now: Timestamp,
) -> Result<&'a Version> {
    let effective = || dataset::in_effect(versions, now).into_iter();
    let found = match selector {
        VersionSelector::Latest => dataset::latest(versions, now).or_else(|| effective().next_back()),
        VersionSelector::Number(number) => versions.iter().find(|version| version.number == number),
        VersionSelector::At(time) => {
            effective().rfind(|version| version.effective_from().is_some_and(|from| from <= time))
        }
    };
    let version = found.ok_or_else(|| {
        let first = effective().next().and_then(Version::effective_from);
        let what = match (selector, first) {
            _ if versions.is_empty() => "has no data yet".to_owned(),
            (VersionSelector::At(time), Some(first)) => {
                format!("had no version at {time}; its first took effect at {first}")
            }
            _ => "has no such version".to_owned(),
        };
        Error::new(ErrorCode::NotFound, format!("the resource {code} {what}"))
    })?;
    match &version.tombstone {
        Some(tombstone) => Err(Error::new(
            ErrorCode::Withdrawn,
            format!(
                "version {} of {code} was withdrawn at {}: {}",
                version.number, tombstone.at, tombstone.reason
            ),
        )),
        None => Ok(version),
    }
}

fn not_yet(version: &Version) -> Error {
    let message = match version.effective_from() {
        None => format!("the resource {} has no such version", version.resource),
        Some(from) => format!(
            "version {} of {} changes its columns and is announced for {from}; until then read `latest`",
            version.number, version.resource
        ),
    };
    Error::new(ErrorCode::NotFound, message)
}
