//! Whether a delivery may change the dataset as it is asked to.

use catalog_core::dataset::{BreakingChange, ChangeKind, Shape};
use catalog_core::directory::Resource;
use catalog_core::{Error, ErrorCode, Problem, Result};
use datasets_store::Manifest;

use super::IngestOptions;
use crate::fault::malformed;
use crate::keys::KeyVerdict;
use crate::quarantine::Quarantine;

/// Refused rows named one by one when a delivery is refused.
const MAX_EXAMPLES: usize = 50;

/// The version whose parts the new one takes over.
pub(super) fn base(options: &IngestOptions) -> Option<&Manifest> {
    options.previous.as_ref().filter(|_| options.change != ChangeKind::Replace)
}

/// Checks the change against key, order and shape: append and upsert need the same ones, a replacement that removes or
/// retypes columns must be meant as a breaking one, which is answered as it will be announced.
pub(super) fn check_change(resource: &Resource, options: &IngestOptions) -> Result<Option<BreakingChange>> {
    if !(0.0..=1.0).contains(&options.max_bad_share) {
        return Err(malformed("the share of bad rows lies between 0 and 1"));
    }
    if options.change == ChangeKind::Upsert && resource.key.is_empty() {
        return Err(malformed(format!(
            "{} has no key, which an upsert needs: append or replace",
            resource.code
        )));
    }
    // Parts lie in the order in which they were written; the manifest states one order for all of them.
    if let Some(base) = base(options)
        && (!base.has_shape_of(&resource.items) || base.key != resource.key || base.sort != resource.sort)
    {
        let message = format!(
            "the items, key or order of {} have changed since version {}: deliver the whole dataset as a replacement",
            resource.code, base.version
        );
        return Err(Error::new(ErrorCode::BreakingChange, message));
    }
    let Some(previous) = &options.previous else { return Ok(None) };
    let broken = previous.shape().broken_by(&resource.items);
    if broken.is_empty() {
        return Ok(None);
    }
    if let Some(notice) = options.breaking.clone() {
        let (items, key, sort) = (resource.items.clone(), resource.key.clone(), resource.sort.clone());
        let shape = Shape { items, key, sort }.digest();
        return Ok(Some(BreakingChange { notice, columns: broken, shape, review: None }));
    }
    let problems = broken.iter().map(|column| {
        let message = format!("version {} has `{column}`, now removed or of another type", previous.version);
        Problem::new(column.as_str(), "breaking_change", message)
    });
    let mut error = Error::new(
        ErrorCode::BreakingChange,
        "columns that readers know are removed or retyped: announce a breaking change, with its reason and notice",
    );
    error.problems = problems.collect();
    Err(error)
}

/// Adds the rows refused for their keys, and refuses the delivery when too many are bad or none was there.
pub(super) fn check_quality(
    quarantine: &mut Quarantine,
    verdict: &KeyVerdict,
    options: &IngestOptions,
) -> Result<()> {
    quarantine.count(0, verdict.refused());
    let (read, bad) = quarantine.counts();
    if read == 0 {
        return Err(malformed("the file has no rows"));
    }
    if bad as f64 <= options.max_bad_share * read as f64 {
        return Ok(());
    }
    let message = format!(
        "{bad} of {read} rows break a rule, more than {} %: mend the source and deliver again, or allow more with a higher threshold",
        options.max_bad_share * 100.0
    );
    let mut error = Error::new(ErrorCode::QualityThreshold, message);
    error.problems = quarantine.examples();
    error.problems.extend(taken_keys(verdict));
    error.problems.truncate(MAX_EXAMPLES);
    Err(error)
}

fn taken_keys(verdict: &KeyVerdict) -> impl Iterator<Item = Problem> {
    let mut rows: Vec<u64> = verdict.twice.iter().chain(&verdict.existing).copied().collect();
    rows.sort_unstable();
    rows.into_iter().filter_map(|row| {
        let rule = verdict.broken_by(row)?;
        Some(Problem::new(format!("row {row}"), rule.as_str(), "the key is taken by another row"))
    })
}
