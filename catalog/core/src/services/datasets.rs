//! Versions of datasets: opening one for a read, publishing, withdrawing.

use std::collections::BTreeMap;

use super::Services;
use crate::context::OpContext;
use crate::dataset::{RecordWithdrawal, Tombstone, Version, VersionState};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::SourceRead;
use crate::ids::{ColumnName, DepartmentId, ResourceCode};
use crate::policy::filter::{Literal, typed_literal};
use crate::policy::{Action, BoundFilter, Decision, Filter, GrantedPolicy, TypedLiteral, decide_read};
use crate::time::Timestamp;

/// Which version of a dataset is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VersionSelector {
    /// The newest that is not withdrawn; where all are, the newest, which is refused with its tombstone.
    Latest,
    /// That one.
    Number(i64),
    /// The newest that was published at that time.
    At(Timestamp),
}

/// One version of one dataset, opened for the caller under one grant.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The published resource.
    pub resource: Resource,
    /// What the caller sees of it, withdrawn records already filtered out.
    pub granted: GrantedPolicy,
    /// The version.
    pub version: Version,
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
}

impl Services {
    /// Decides whether the caller may read the resource, and shows why.
    pub async fn why(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Decision> {
        let resource = self.resource(ctx, code).await?;
        let grants = self.store.grants_on(code).await?;
        Ok(decide_read(ctx, &resource, &grants))
    }

    /// Opens a version for the caller: decides, binds the policy, adds the withdrawals.
    pub async fn open(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let resource = self.published(code).await?;
        self.open_resource(ctx, resource, selector).await
    }

    /// Opens the table `department.name`, by machine names or by Chinese ones.
    pub async fn open_table(
        &self,
        ctx: &OpContext,
        department: &str,
        name: &str,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let unknown =
            || Error::new(ErrorCode::UnknownTable, format!("there is no table {department}.{name}"));
        let department = self.department_called(department).await?.ok_or_else(unknown)?;
        let resource = self.table_called(&department, name).await?.ok_or_else(unknown)?;
        self.open_resource(ctx, resource, selector).await.map_err(|error| match error.code {
            ErrorCode::NotFound => unknown(),
            _ => error,
        })
    }

    /// Everything that the caller can read now as it asks, in its newest version: what has no data, or several grants
    /// among which a purpose must choose, is not among it.
    pub async fn readable(&self, ctx: &OpContext) -> Result<Vec<Dataset>> {
        let mut readable = Vec::new();
        let published = self.store.entries(None).await?.into_iter().filter_map(|entry| entry.published);
        for resource in published {
            match self.open_resource(ctx, resource, VersionSelector::Latest).await {
                Ok(dataset) => readable.push(dataset),
                Err(error) if is_refusal(error.code) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }

    async fn department_called(&self, name: &str) -> Result<Option<DepartmentId>> {
        if let Ok(id) = DepartmentId::new(name) {
            return Ok(self.store.department(&id).await?.map(|department| department.id));
        }
        let all = self.store.departments().await?;
        Ok(all.into_iter().find(|department| department.name == name).map(|department| department.id))
    }

    async fn table_called(&self, department: &DepartmentId, name: &str) -> Result<Option<Resource>> {
        let entry = self.store.entry_by_name(department, name).await?;
        let is_called = |resource: &Resource| resource.title == name || resource.sql_name.as_str() == name;
        Ok(entry.and_then(|entry| entry.published).filter(is_called))
    }

    async fn open_resource(
        &self,
        ctx: &OpContext,
        resource: Resource,
        selector: VersionSelector,
    ) -> Result<Dataset> {
        let grants = self.store.grants_on(&resource.code).await?;
        let mut granted = decide_read(ctx, &resource, &grants).into_policy()?;
        let version = self.select(&resource.code, selector).await?;
        if granted.policy.statistics.is_some()
            && version.number != self.select(&resource.code, VersionSelector::Latest).await?.number
        {
            let message = "a statistics-only grant shows the newest version alone: versions side by side would show \
                           small groups; leave the version out and start again";
            return Err(Error::new(ErrorCode::NotGranted, message));
        }
        let withdrawals = self.store.record_withdrawals(&resource.code).await?;
        if let Some(hidden) = not_withdrawn(&resource, &withdrawals)? {
            granted.policy.filter = Some(match granted.policy.filter.take() {
                Some(filter) => Filter::And(vec![filter, hidden]),
                None => hidden,
            });
        }
        Ok(Dataset { resource, granted, version })
    }

    async fn select(&self, code: &ResourceCode, selector: VersionSelector) -> Result<Version> {
        let versions = self.store.versions(code).await?;
        let found = match selector {
            VersionSelector::Latest => {
                let readable = versions.iter().rev().find(|version| version.state == VersionState::Published);
                readable.or(versions.last())
            }
            VersionSelector::Number(number) => versions.iter().find(|version| version.number == number),
            VersionSelector::At(time) => versions.iter().rev().find(|version| version.published_at <= time),
        };
        let version = found.ok_or_else(|| {
            let what = if versions.is_empty() { "has no data yet" } else { "has no such version" };
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
            None => Ok(version.clone()),
        }
    }

    /// All versions of a resource whose data the caller may read, withdrawn ones with their tombstones.
    pub async fn versions(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Vec<Version>> {
        self.why(ctx, code).await?.into_policy()?;
        self.store.versions(code).await
    }

    /// Every version of every resource, for the collection of garbage.
    pub async fn all_versions(&self, ctx: &OpContext) -> Result<Vec<Version>> {
        Self::permit(ctx, Action::MaintainStorage, None)?;
        let mut all = Vec::new();
        for entry in self.store.entries(None).await? {
            all.extend(self.store.versions(&entry.draft.code).await?);
        }
        Ok(all)
    }

    /// The next version number of a resource, for the one who is about to write its objects.
    pub async fn next_version(&self, ctx: &OpContext, code: &ResourceCode) -> Result<i64> {
        let resource = self.published(code).await?;
        Self::permit(ctx, Action::IngestData, Some(&resource.provider))?;
        let versions = self.store.versions(code).await?;
        Ok(versions.last().map_or(1, |version| version.number + 1))
    }

    /// Makes a written and verified version visible, in one catalogue transaction.
    pub async fn publish_version(&self, ctx: &OpContext, version: &Version) -> Result<()> {
        let resource = self.published(&version.resource).await?;
        Self::permit(ctx, Action::PublishData, Some(&resource.provider))?;
        let entity = format!("version {} of {}", version.number, version.resource);
        let change = Self::change(ctx, "version.published", entity, version);
        self.store.publish_version(version, &change).await?;
        self.relay().await
    }

    /// Withdraws a version: unreadable at every door at once, with a tombstone.
    pub async fn withdraw_version(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        number: i64,
        reason: &str,
    ) -> Result<()> {
        let tombstone = self.tombstone(ctx, code, reason).await?;
        let change =
            Self::change(ctx, "version.withdrawn", format!("version {number} of {code}"), &tombstone);
        self.store.withdraw_version(code, number, &tombstone, &change).await?;
        self.relay().await
    }

    /// Withdraws records, named by their keys, from all versions.
    pub async fn withdraw_records(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        keys: Vec<Vec<String>>,
        reason: &str,
    ) -> Result<()> {
        let tombstone = self.tombstone(ctx, code, reason).await?;
        let resource = self.published(code).await?;
        let id = uuid::Uuid::now_v7().to_string();
        let columns = resource.key.clone();
        let withdrawal = RecordWithdrawal { id, resource: code.clone(), columns, keys, tombstone };
        // Checked together with the earlier ones: what can't be a filter must not be stored, or nothing could be read.
        let mut all = self.store.record_withdrawals(code).await?;
        all.push(withdrawal.clone());
        not_withdrawn(&resource, &all)?;
        let entity = format!("{} records of {code}", withdrawal.keys.len());
        let change = Self::change(ctx, "records.withdrawn", entity, &withdrawal);
        self.store.withdraw_records(&withdrawal, &change).await?;
        self.relay().await
    }

    async fn tombstone(&self, ctx: &OpContext, code: &ResourceCode, reason: &str) -> Result<Tombstone> {
        let resource = self.published(code).await?;
        Self::permit(ctx, Action::PublishData, Some(&resource.provider))?;
        if reason.trim().is_empty() {
            return Err(Error::new(ErrorCode::InvalidInput, "a withdrawal needs a reason"));
        }
        Ok(Tombstone { at: ctx.now, by: ctx.principal.id.clone(), reason: reason.to_owned() })
    }
}

/// Whether the code says that a dataset can't be read now, and no more.
fn is_refusal(code: ErrorCode) -> bool {
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

/// The most records that one resource can have withdrawn by composite keys: each is a condition of its own.
const MAX_COMPOSITE: usize = 1_000;

/// The row filter that hides withdrawn records: a list of values for each key column, or a condition for each
/// composite key.
fn not_withdrawn(resource: &Resource, withdrawals: &[RecordWithdrawal]) -> Result<Option<BoundFilter>> {
    let mut lists: BTreeMap<&ColumnName, Vec<TypedLiteral>> = BTreeMap::new();
    let mut records = Vec::new();
    for withdrawal in withdrawals {
        for key in &withdrawal.keys {
            match (withdrawal.columns.as_slice(), key.as_slice()) {
                ([column], [value]) => {
                    lists.entry(column).or_default().push(key_literal(resource, column, value)?);
                }
                (columns, values) => records.push(composite(resource, columns, values)?),
            }
        }
    }
    if records.len() > MAX_COMPOSITE {
        let message = format!(
            "at most {MAX_COMPOSITE} records with a composite key can be withdrawn: publish a version without them and withdraw the old ones"
        );
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    records.extend(lists.into_iter().map(|(column, values)| Filter::In(column.to_string(), values)));
    Ok((!records.is_empty()).then(|| Filter::Not(Box::new(Filter::Or(records)))))
}

fn composite(resource: &Resource, columns: &[ColumnName], values: &[String]) -> Result<BoundFilter> {
    if columns.is_empty() || columns.len() != values.len() {
        let message = format!("a record of {} is named by {} key values", resource.code, columns.len());
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let part = |(column, value): (&ColumnName, &String)| {
        key_literal(resource, column, value).map(|value| Filter::Eq(column.to_string(), value))
    };
    Ok(Filter::And(columns.iter().zip(values).map(part).collect::<Result<_>>()?))
}

fn key_literal(resource: &Resource, column: &ColumnName, value: &str) -> Result<TypedLiteral> {
    let item = resource.item(column.as_str()).ok_or_else(|| {
        let message = format!("{} no longer has `{column}`, by which records were withdrawn", resource.code);
        Error::new(ErrorCode::Withdrawn, message)
    })?;
    typed_literal(&Literal::Text(value.to_owned()), item.item_type)
        .map_err(|message| Error::new(ErrorCode::InvalidInput, message))
}
