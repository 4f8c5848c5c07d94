//! Withdrawals of versions and records: unreadable at every door at once.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use crate::context::OpContext;
use crate::dataset::{RecordAct, RecordWithdrawal, Tombstone, Version};
use crate::directory::Resource;
use crate::error::{Error, ErrorCode, Result};
use crate::ids::{ColumnName, ResourceCode};
use crate::policy::filter::{Literal, typed_literal};
use crate::policy::{Action, BoundFilter, Filter, TypedLiteral};
use crate::time::Timestamp;

impl Services {
    /// Withdraws a version: unreadable at every door at once, with a tombstone.
    pub async fn withdraw_version(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        number: i64,
        reason: &str,
    ) -> Result<()> {
        let tombstone = tombstone(ctx, &self.published(code).await?, reason)?;
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
        let (resource, mut all) = self.withdrawn_from(code).await?;
        let withdrawal = self.act_on(ctx, &resource, RecordAct::Withdraw, keys, reason)?;
        // Checked together with the earlier ones: what can't be a filter must not be stored, or nothing could be read.
        all.push(withdrawal.clone());
        filter_of(&resource, hidden(&all, None))?;
        let entity = format!("{} records of {code}", withdrawal.keys.len());
        let change = Self::change(ctx, "records.withdrawn", entity, &withdrawal);
        self.store.withdraw_records(&withdrawal, &change).await?;
        self.relay().await
    }

    /// Ends the withdrawal of records for what is delivered later: they show again in versions that go back to a whole
    /// delivery made after this, and stay hidden in all others.
    pub async fn reinstate_records(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        keys: Vec<Vec<String>>,
        reason: &str,
    ) -> Result<()> {
        let (resource, all) = self.withdrawn_from(code).await?;
        let reinstatement = self.act_on(ctx, &resource, RecordAct::Reinstate, keys, reason)?;
        let withdrawn = hidden(&all, Some(Timestamp(i64::MAX)));
        let columns = reinstatement.columns.as_slice();
        if let Some(key) =
            reinstatement.keys.iter().find(|key| !withdrawn.contains(&(columns, key.as_slice())))
        {
            let message = format!("the record {} of {code} is not withdrawn", key.join(","));
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let entity = format!("{} records of {code}", reinstatement.keys.len());
        let change = Self::change(ctx, "records.reinstated", entity, &reinstatement);
        self.store.withdraw_records(&reinstatement, &change).await?;
        self.relay().await
    }

    /// The resource, and what was done to its records so far.
    async fn withdrawn_from(&self, code: &ResourceCode) -> Result<(Resource, Vec<RecordWithdrawal>)> {
        Ok((self.published(code).await?, self.store.record_withdrawals(code).await?))
    }

    fn act_on(
        &self,
        ctx: &OpContext,
        resource: &Resource,
        act: RecordAct,
        keys: Vec<Vec<String>>,
        reason: &str,
    ) -> Result<RecordWithdrawal> {
        Ok(RecordWithdrawal {
            id: uuid::Uuid::now_v7().to_string(),
            resource: resource.code.clone(),
            act,
            columns: resource.key.clone(),
            keys,
            tombstone: tombstone(ctx, resource, reason)?,
        })
    }
}

fn tombstone(ctx: &OpContext, resource: &Resource, reason: &str) -> Result<Tombstone> {
    Services::permit(ctx, Action::PublishData, Some(&resource.provider))?;
    if reason.trim().is_empty() {
        let message = "say why: the reason stays with what is withdrawn or reinstated";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    Ok(Tombstone { at: ctx.now, by: ctx.principal.id.clone(), reason: reason.to_owned() })
}

/// The most records that one resource can have withdrawn by composite keys: each is a condition of its own.
const MAX_COMPOSITE: usize = 1_000;

/// A record by its key columns and their values.
type RecordKey<'a> = (&'a [ColumnName], &'a [String]);

/// The records that are hidden where the rows were delivered at that time; with no time, wherever they were.
fn hidden(acts: &[RecordWithdrawal], delivered: Option<Timestamp>) -> BTreeSet<RecordKey<'_>> {
    let mut hidden = BTreeSet::new();
    for act in acts {
        for key in act.keys.iter().map(|key| (act.columns.as_slice(), key.as_slice())) {
            match act.act {
                RecordAct::Withdraw => {
                    hidden.insert(key);
                }
                RecordAct::Reinstate if delivered.is_some_and(|at| at > act.tombstone.at) => {
                    hidden.remove(&key);
                }
                RecordAct::Reinstate => {}
            }
        }
    }
    hidden
}

/// When the oldest rows of a version were delivered at the earliest: when the making of the whole delivery began that it
/// goes back to. `None` where that is not known.
fn delivered(version: &Version, versions: &[Version]) -> Option<Timestamp> {
    let mut version = version;
    while let Some(base) = version.based_on {
        version = versions.iter().find(|older| older.number == base && base < version.number)?;
    }
    Some(version.made_at)
}

/// The row filter that hides withdrawn records in a version of a resource as that version holds it.
pub(super) fn not_withdrawn(
    resource: &Resource,
    acts: &[RecordWithdrawal],
    version: &Version,
    versions: &[Version],
) -> Result<Option<BoundFilter>> {
    filter_of(resource, hidden(acts, delivered(version, versions)))
}

/// A list of values for each key column, and a condition for each composite key.
fn filter_of(resource: &Resource, hidden: BTreeSet<RecordKey<'_>>) -> Result<Option<BoundFilter>> {
    let mut lists: BTreeMap<&ColumnName, Vec<TypedLiteral>> = BTreeMap::new();
    let mut records = Vec::new();
    for key in hidden {
        match key {
            ([column], [value]) => {
                lists.entry(column).or_default().push(key_literal(resource, column, value)?);
            }
            (columns, values) => records.push(composite(resource, columns, values)?),
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
        let message =
            format!("this state of {} lacks `{column}`, by which records were withdrawn", resource.code);
        Error::new(ErrorCode::Withdrawn, message)
    })?;
    typed_literal(&Literal::Text(value.to_owned()), item.item_type)
        .map_err(|message| Error::new(ErrorCode::InvalidInput, message))
}
