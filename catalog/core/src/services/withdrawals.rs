//! Withdrawals of versions and records: unreadable at every door at once.

use std::collections::{BTreeMap, BTreeSet};

use super::Services;
use crate::context::OpContext;
use crate::dataset::{self, RecordAct, RecordWithdrawal, RecordsWithdrawal, Tombstone, Version};
use crate::directory::resource::Entry;
use crate::directory::{InformationItem, Resource};
use crate::error::{Error, ErrorCode, Result};
use crate::evidence::{Fact, entity};
use crate::ids::{ColumnName, ResourceCode};
use crate::policy::filter::{Literal, typed_literal};
use crate::policy::{Action, BoundFilter, Filter, TypedLiteral};
use crate::ports::{Cut, Shapes};
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
        Self::permit_any(ctx, Action::PublishData)?;
        let tombstone = tombstone(ctx, &self.published(code).await?, reason)?;
        let change = Self::change(ctx, "version.withdrawn", entity::version(number, code), &tombstone)
            .stating(Fact::of_withdrawn(code, number));
        let withdrawn = self.store.withdraw_version(code, number, &tombstone, &change).await;
        self.cut(Cut::Version(code.clone(), number));
        withdrawn?;
        self.relay().await
    }

    /// Withdraws records, named by their keys, from all versions. A version that lacks the key's columns is closed to
    /// everyone until the withdrawal is said again by a key that it has.
    pub async fn withdraw_records(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        code: &ResourceCode,
        said: RecordsWithdrawal,
    ) -> Result<()> {
        Self::permit_any(ctx, Action::PublishData)?;
        let entry = self.published_entry(code).await?;
        let mut all = self.store.record_withdrawals(code).await?;
        let mut withdrawal = act_on(ctx, &entry, RecordAct::Withdraw, said)?;
        check_values(&entry, &withdrawal)?;
        if let Some(again) = &withdrawal.again {
            withdrawal.again = Some(first_said(&all, again)?.to_owned());
        } else if withdrawal.keys.is_empty() {
            return Err(Error::new(ErrorCode::InvalidInput, "name at least one record by its key values"));
        } else {
            self.check_current(ctx, shapes, &withdrawal).await?;
        }
        all.push(withdrawal.clone());
        check_count(&all)?;
        let name = entity::records(withdrawal.keys.len(), code);
        let change = Self::change(ctx, "records.withdrawn", name, &withdrawal);
        let withdrawn = self.store.withdraw_records(&withdrawal, &change).await;
        self.cut(Cut::Resource(code.clone()));
        withdrawn?;
        self.relay().await
    }

    /// Refuses a key that the data in effect lack, which would close them: the directory may be ahead of them.
    async fn check_current(
        &self,
        ctx: &OpContext,
        shapes: &dyn Shapes,
        withdrawal: &RecordWithdrawal,
    ) -> Result<()> {
        let versions = self.store.versions(&withdrawal.resource).await?;
        let Some(version) = dataset::latest(&versions, ctx.now) else { return Ok(()) };
        // What can't be read now is no reason to leave anything readable.
        let Ok(shape) = shapes.shape(version).await else { return Ok(()) };
        let is_there = |column: &&ColumnName| shape.items.iter().any(|item| item.column == **column);
        if withdrawal.columns.iter().all(|column| is_there(&column)) {
            return Ok(());
        }
        let message = format!(
            "version {} of {}, which is in effect, has the key {}: name the records by it, in `columns`",
            version.number,
            version.resource,
            names(&shape.key)
        );
        Err(Error::new(ErrorCode::InvalidInput, message))
    }

    /// Ends the withdrawal of records for what is delivered later: they show again in versions that go back to a whole
    /// delivery made after this, and stay hidden in all others. They are named by the columns of their withdrawal.
    pub async fn reinstate_records(
        &self,
        ctx: &OpContext,
        code: &ResourceCode,
        said: RecordsWithdrawal,
    ) -> Result<()> {
        Self::permit_any(ctx, Action::PublishData)?;
        let entry = self.published_entry(code).await?;
        let all = self.store.record_withdrawals(code).await?;
        let reinstatement = act_on(ctx, &entry, RecordAct::Reinstate, said)?;
        if reinstatement.keys.is_empty() || reinstatement.again.is_some() {
            let message = "a reinstatement names records by their key values, and says nothing again";
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let withdrawn = hidden(&all, Some(Timestamp(i64::MAX)));
        let columns = reinstatement.columns.as_slice();
        let is_withdrawn = |key: &Vec<String>| withdrawn.contains_key(&(columns, key.as_slice()));
        if let Some(place) = reinstatement.keys.iter().position(|key| !is_withdrawn(key)) {
            let message = format!(
                "record {} of those named is not withdrawn from {code} by {}: name the columns of its withdrawal",
                place + 1,
                names(columns)
            );
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let name = entity::records(reinstatement.keys.len(), code);
        let change = Self::change(ctx, "records.reinstated", name, &reinstatement);
        self.store.withdraw_records(&reinstatement, &change).await?;
        self.relay().await
    }

    /// What was done to records of a resource, oldest first, for those who may know its versions.
    pub async fn record_acts(&self, ctx: &OpContext, code: &ResourceCode) -> Result<Vec<RecordWithdrawal>> {
        self.permit_versions(ctx, code).await?;
        self.store.record_withdrawals(code).await
    }
}

fn act_on(
    ctx: &OpContext,
    entry: &Entry,
    act: RecordAct,
    said: RecordsWithdrawal,
) -> Result<RecordWithdrawal> {
    let resource = published(entry)?;
    let tombstone = tombstone(ctx, resource, &said.reason)?;
    let columns = said.columns.unwrap_or_else(|| resource.key.clone());
    if columns.is_empty() || said.keys.iter().any(|key| key.len() != columns.len()) {
        let message = format!(
            "a record of {} is named by {} key values: {}",
            resource.code,
            columns.len(),
            names(&columns)
        );
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    Ok(RecordWithdrawal {
        id: uuid::Uuid::now_v7().to_string(),
        resource: resource.code.clone(),
        act,
        columns,
        again: said.again,
        keys: said.keys,
        tombstone,
    })
}

fn published(entry: &Entry) -> Result<&Resource> {
    let missing = || Error::not_found(format!("resource {}", entry.draft.code));
    entry.published.as_ref().ok_or_else(missing)
}

fn names(columns: &[ColumnName]) -> String {
    columns.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ")
}

/// Checks the key values of a new withdrawal against the directory, items of the past included. Earlier ones are not
/// checked again: the directory may have changed since.
fn check_values(entry: &Entry, withdrawal: &RecordWithdrawal) -> Result<()> {
    let resource = published(entry)?;
    for (place, column) in withdrawal.columns.iter().enumerate() {
        let retired = || entry.retired.iter().find(|item| item.column == *column);
        let item = resource.item(column.as_str()).or_else(retired).ok_or_else(|| {
            let message = format!("{} never had an item `{column}`", resource.code);
            Error::new(ErrorCode::InvalidInput, message)
        })?;
        let fits = |key: &Vec<String>| key.get(place).is_some_and(|value| literal(item, value).is_some());
        if let Some(record) = withdrawal.keys.iter().position(|key| !fits(key)) {
            let message = format!(
                "the value of `{column}` of record {} does not fit its type {}",
                record + 1,
                item.item_type.kind.label()
            );
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
    }
    Ok(())
}

/// The id of the first withdrawal of the records that the named one is about.
fn first_said<'a>(all: &'a [RecordWithdrawal], id: &str) -> Result<&'a str> {
    let named = all.iter().find(|act| act.id == id && act.act == RecordAct::Withdraw);
    named.map(first).ok_or_else(|| Error::not_found(format!("a withdrawal {id} of records of this resource")))
}

fn first(act: &RecordWithdrawal) -> &str {
    act.again.as_deref().unwrap_or(&act.id)
}

/// Refuses more records with composite keys than a filter can hold: what can't be one must not be stored, or nothing could
/// be read.
fn check_count(all: &[RecordWithdrawal]) -> Result<()> {
    let composite = hidden(all, None).into_keys().filter(|(columns, _)| columns.len() > 1).count();
    if composite <= MAX_COMPOSITE {
        return Ok(());
    }
    let message = format!(
        "at most {MAX_COMPOSITE} records with a composite key can be withdrawn: publish a version without them and withdraw the old ones"
    );
    Err(Error::new(ErrorCode::TooLarge, message))
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

/// The records that are hidden where the rows were delivered at that time, with the act that hides them; with no time,
/// wherever they were.
fn hidden(
    acts: &[RecordWithdrawal],
    delivered: Option<Timestamp>,
) -> BTreeMap<RecordKey<'_>, &RecordWithdrawal> {
    let mut hidden = BTreeMap::new();
    for act in acts {
        for key in act.keys.iter().map(|key| (act.columns.as_slice(), key.as_slice())) {
            match act.act {
                RecordAct::Withdraw => {
                    hidden.insert(key, act);
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

/// A record that is hidden in a version: its key columns, their values in the types that they have in this version, and the
/// act that hides it.
pub(super) type HiddenRecord<'a> = (&'a [ColumnName], Vec<TypedLiteral>, &'a RecordWithdrawal);

/// The records that are hidden in a version of a resource as that version holds it.
///
/// A value that does not fit its column's type in this version is in none of its rows. Where a whole column is missing, nobody
/// can say which rows are meant: the version is closed until the withdrawal is said again by columns that it has.
pub(super) fn hidden_records<'a>(
    resource: &Resource,
    acts: &'a [RecordWithdrawal],
    version: &Version,
    versions: &[Version],
) -> Result<Vec<HiddenRecord<'a>>> {
    let is_sayable =
        |act: &RecordWithdrawal| act.columns.iter().all(|column| resource.item(column.as_str()).is_some());
    let said: BTreeSet<&str> =
        acts.iter().filter(|act| act.act == RecordAct::Withdraw && is_sayable(act)).map(first).collect();
    let mut records = Vec::new();
    for ((columns, values), act) in hidden(acts, delivered(version, versions)) {
        if !is_sayable(act) {
            match said.contains(first(act)) {
                true => continue,
                false => return Err(unsaid(version, act)),
            }
        }
        let literal =
            |(column, value): (&ColumnName, &String)| literal(resource.item(column.as_str())?, value);
        if let Some(literals) = columns.iter().zip(values).map(literal).collect() {
            records.push((columns, literals, act));
        }
    }
    Ok(records)
}

/// The row filter that hides withdrawn records in a version of a resource as that version holds it, see [`hidden_records`].
pub(super) fn not_withdrawn(
    resource: &Resource,
    acts: &[RecordWithdrawal],
    version: &Version,
    versions: &[Version],
) -> Result<Option<BoundFilter>> {
    let mut lists: BTreeMap<&ColumnName, Vec<TypedLiteral>> = BTreeMap::new();
    let mut records = Vec::new();
    for (columns, literals, _) in hidden_records(resource, acts, version, versions)? {
        match (columns, literals.as_slice()) {
            ([column], [value]) => lists.entry(column).or_default().push(value.clone()),
            _ => {
                let equal = columns.iter().zip(literals);
                let equal = equal
                    .map(|(column, value)| present(resource, column, Filter::Eq(column.to_string(), value)));
                records.push(Filter::And(equal.collect()));
            }
        }
    }
    records.extend(
        lists
            .into_iter()
            .map(|(column, values)| present(resource, column, Filter::In(column.to_string(), values))),
    );
    Ok((!records.is_empty()).then(|| Filter::Not(Box::new(Filter::Or(records)))))
}

/// A term that is false, and not NULL, where the column has no value: its negation would hide the row.
fn present(resource: &Resource, column: &ColumnName, term: BoundFilter) -> BoundFilter {
    match resource.item(column.as_str()).is_some_and(|item| item.required) {
        true => term,
        false => Filter::And(vec![Filter::Not(Box::new(Filter::IsNull(column.to_string()))), term]),
    }
}

fn unsaid(version: &Version, act: &RecordWithdrawal) -> Error {
    let message = format!(
        "records of {} were withdrawn by a key that version {} lacks: until its provider says the withdrawal {} again by \
         the key that it has, nothing of the version can be read",
        version.resource, version.number, act.id
    );
    Error::new(ErrorCode::Withdrawn, message)
}

/// The value in the item's type; `None` where no row can have it.
fn literal(item: &InformationItem, value: &str) -> Option<TypedLiteral> {
    typed_literal(&Literal::Text(value.to_owned()), item.item_type).ok()
}
