//! Withdrawn records leave the stored objects, some time after they were hidden.

use std::collections::BTreeMap;

use super::Services;
use super::replay::described;
use super::withdrawals::hidden_records;
use crate::context::OpContext;
use crate::dataset::{RecordWithdrawal, ReplacedManifest, Version, VersionState};
use crate::directory::Resource;
use crate::error::{ErrorCode, Result};
use crate::ids::ColumnName;
use crate::policy::{Action, TypedLiteral};
use crate::ports::Shapes;

#[cfg(test)]
mod tests;

/// What is to be erased from one version by now.
#[derive(Debug, Clone, PartialEq)]
pub struct DueErasure {
    /// The version as the catalogue has it.
    pub version: Version,
    /// The records, by the columns that name them: their values in these columns' types. None of the version's readers sees
    /// them, now or later, and it may hold none of them.
    pub records: BTreeMap<Vec<ColumnName>, Vec<Vec<TypedLiteral>>>,
    /// The id of the newest act that is carried out with this.
    pub through: String,
}

/// A version's objects without the records, see [`Services::record_erasure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// SHA-256 of the new manifest, hex.
    pub manifest_digest: String,
    /// Rows that are left.
    pub rows: i64,
    /// Bytes of the parts that are left.
    pub bytes: i64,
}

impl Services {
    /// What is to be erased by now from the objects of readable versions, by resource and number. A version that is closed
    /// because its withdrawals can't be said by its columns waits until they are.
    pub async fn erasures_due(&self, ctx: &OpContext, shapes: &dyn Shapes) -> Result<Vec<DueErasure>> {
        Self::permit(ctx, Action::MaintainStorage, None)?;
        let mut due = Vec::new();
        for code in &self.store.with_versions().await? {
            let acts = self.store.record_withdrawals(code).await?;
            let until = self.settings.retention.erased_until(code, ctx.now);
            // In the order in which they were stored: one that waits makes the later ones wait.
            let over = acts.iter().take_while(|act| act.tombstone.at <= until).count();
            let Some(newest) = over.checked_sub(1) else { continue };
            let Some(entry) = self.store.entry(code).await? else { continue };
            let versions = self.store.versions(code).await?;
            for version in versions.iter().filter(|version| version.state == VersionState::Published) {
                let done = acts.iter().position(|act| version.erased_through.as_deref() == Some(&act.id));
                if done.is_none_or(|done| done < newest) {
                    let shape = shapes.shape(version).await?;
                    let stored = described(&entry).as_stored(&entry.retired, shape);
                    due.extend(erasure(&stored, &acts, over, version, &versions)?);
                }
            }
        }
        Ok(due)
    }

    /// Records that an erasure was carried out: the version has another manifest from now on, or had none of the records.
    /// `conflict` where the version was changed meanwhile.
    pub async fn record_erasure(
        &self,
        ctx: &OpContext,
        due: DueErasure,
        rewritten: Option<Rewritten>,
    ) -> Result<Version> {
        Self::permit(ctx, Action::MaintainStorage, None)?;
        let is_rewritten = rewritten.is_some();
        let mut version = Version { erased_through: Some(due.through), ..due.version.clone() };
        if let Some(Rewritten { manifest_digest, rows, bytes }) = rewritten {
            version.replaced.push(ReplacedManifest {
                manifest_digest: std::mem::replace(&mut version.manifest_digest, manifest_digest),
                at: ctx.now,
                rows: version.rows - rows,
            });
            (version.rows, version.bytes) = (rows, bytes);
        }
        let entity = format!("version {} of {}", version.number, version.resource);
        let action = if is_rewritten { "version.rewritten" } else { "version.checked" };
        let change = Self::change(ctx, action, entity, &version);
        self.store.replace_version(&due.version, &version, &change).await?;
        self.relay().await?;
        Ok(version)
    }
}

/// What the first `over` acts, whose time is over, have to do in a version; `None` where it is closed.
fn erasure(
    stored: &Resource,
    acts: &[RecordWithdrawal],
    over: usize,
    version: &Version,
    versions: &[Version],
) -> Result<Option<DueErasure>> {
    // All acts count for what is hidden: a later one may show records again that were delivered anew.
    let hidden = match hidden_records(stored, acts, version, versions) {
        Err(error) if error.code == ErrorCode::Withdrawn => return Ok(None),
        hidden => hidden?,
    };
    let due = acts.get(..over).unwrap_or(acts);
    let Some(newest) = due.last() else { return Ok(None) };
    let mut records: BTreeMap<Vec<ColumnName>, Vec<_>> = BTreeMap::new();
    for (columns, values, act) in hidden {
        if due.iter().any(|due| due.id == act.id) {
            records.entry(columns.to_vec()).or_default().push(values);
        }
    }
    Ok(Some(DueErasure { version: version.clone(), records, through: newest.id.clone() }))
}
