//! The first rows of a file, checked as an upload checks them: nothing is sorted, and nothing of it is kept.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{AsArray, FixedSizeBinaryArray, RecordBatch};
use arrow::datatypes::UInt64Type;
use catalog_core::directory::{InformationItem, Resource};
use catalog_core::{Error, ErrorCode, Problem, Result};
use datasets_store::Quality;

use super::intake::Intake;
use super::{Ingest, IngestOptions, key_text, rules};
use crate::delivery::{Delivery, SourceFormat};
use crate::fault::{Rule, malformed, too_large};
use crate::keys::{KeyHasher, hashed_columns};
use crate::quarantine::{Quarantine, Violation};
use crate::read::Input;
use crate::validate::{ROW, Validator};

/// Rows of a sample at most.
pub const SAMPLE_ROWS: u64 = 1_000;
/// Bad cells that are told one by one.
const CELLS: usize = 200;

/// What is wrong with the first rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// What is wrong with its header: columns that are missing, unknown, or there twice. Then no row is looked at.
    pub header: Vec<Problem>,
    /// The counts. No reference is checked.
    pub quality: Quality,
    /// The first bad cells.
    pub cells: Vec<Violation>,
}

impl Ingest<'_> {
    /// Checks the first rows of a file of text: columns, every cell's rules, and keys that occur twice among them. What other
    /// rows and other datasets hold plays no part, so that neither is opened for it.
    ///
    /// # Errors
    /// `unsupported_format` for a file of which a part can't be read, `too_large` for more than [`SAMPLE_ROWS`] rows,
    /// `breaking_change` and `invalid_input` as [`Ingest::prepare`].
    pub async fn check_sample(&self, delivery: &Delivery, options: &IngestOptions) -> Result<Sample> {
        if !matches!(delivery.format, SourceFormat::Csv | SourceFormat::JsonLines) {
            let message =
                "only the first rows of CSV and JSON Lines can be checked by themselves: upload the file";
            return Err(Error::new(ErrorCode::UnsupportedFormat, message));
        }
        rules::check_change(self.resource, options)?;
        let intake = Intake { ingest: self, delivery, options };
        let validator = Validator::new(self.resource, &intake.surroundings().await?)?;
        let has_key = !self.resource.key.is_empty();
        let keys = has_key.then(|| intake.hasher(validator.schema())).transpose()?;
        let sampler =
            Sampler { delivery: delivery.clone(), resource: self.resource.clone(), validator, keys };
        let checked = tokio::task::spawn_blocking(move || sampler.run()).await.map_err(|cause| {
            malformed("the file is damaged in a way that its reader does not understand").with_internal(cause)
        })?;
        let mut sample = checked?;
        sample.quality.unchecked_references = self.unchecked();
        Ok(sample)
    }
}

/// Reads and checks in a thread of its own.
struct Sampler {
    delivery: Delivery,
    resource: Resource,
    validator: Validator,
    keys: Option<KeyHasher>,
}

impl Sampler {
    fn run(self) -> Result<Sample> {
        let inspection = self.delivery.inspect()?;
        let mut quarantine = Quarantine::new()?;
        let mut seen = HashSet::new();
        let required = |item: &InformationItem| item.required || self.resource.key.contains(&item.column);
        let input = Input {
            delivery: &self.delivery,
            inspection: &inspection,
            items: &self.resource.items,
            required: &required,
            position: Arc::new(AtomicU64::new(0)),
        };
        let read = input.read(&mut |batch| {
            let accepted = self.validator.accept(&batch, &mut quarantine)?;
            if quarantine.counts().0 > SAMPLE_ROWS {
                return Err(too_large(format!("a sample has {SAMPLE_ROWS} rows at most")));
            }
            self.find_twice(&accepted, &mut seen, &mut quarantine)
        });
        let is_of_header = |error: &Error| {
            !error.problems.is_empty() && error.problems.iter().all(|one| one.rule.starts_with("header."))
        };
        let header = match read {
            Ok(()) => Vec::new(),
            Err(error) if is_of_header(&error) => error.problems,
            Err(error) => return Err(error),
        };
        let quality = quarantine.quality();
        Ok(Sample { header, quality, cells: quarantine.into_first(CELLS)? })
    }

    /// Notes the rows whose key an earlier one has.
    fn find_twice(
        &self,
        rows: &RecordBatch,
        seen: &mut HashSet<Vec<u8>>,
        quarantine: &mut Quarantine,
    ) -> Result<()> {
        let Some(hasher) = &self.keys else { return Ok(()) };
        let columns = hashed_columns(&self.resource);
        let places = columns.iter().map(|name| rows.schema().index_of(name));
        let places = places.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::internal)?;
        let keys: FixedSizeBinaryArray =
            hasher.hash(rows.project(&places).map_err(Error::internal)?.columns())?;
        let lacks = || Error::internal("checked rows have no row numbers");
        let numbers = rows.column_by_name(ROW).ok_or_else(lacks)?.as_primitive::<UInt64Type>();
        for (place, number) in numbers.values().iter().enumerate() {
            if !seen.insert(keys.value(place).to_vec()) {
                quarantine.add(
                    *number,
                    &columns.join(","),
                    Rule::Unique,
                    &key_text(rows, &columns, place)?,
                )?;
                quarantine.count(0, 1);
            }
        }
        Ok(())
    }
}
