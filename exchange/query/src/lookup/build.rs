//! Building the rows of a version for look-ups, and indexes over them.

use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::identity::{canonical_identifier, canonical_name};
use catalog_core::{ColumnName, Error, ErrorCode, Result};
use datafusion::physical_plan::SendableRecordBatchStream;
use datasets_index::{Entry, IndexError, IndexKey, Records, RecordsWriter, Writer};
use futures::TryStreamExt;
use tokio::sync::OwnedMutexGuard;

use super::About;
use crate::error;

/// Stands between the values of a key. No stored text has control characters.
const SEPARATOR: &str = "\u{1f}";

/// Where something is built, and under which key.
pub(super) struct Place {
    /// The folder, which is there.
    pub(super) folder: PathBuf,
    /// The file's name in the end.
    pub(super) path: PathBuf,
    pub(super) key: IndexKey,
    /// Held until it is built, whoever waits for it.
    pub(super) _turn: OwnedMutexGuard<()>,
}

/// Writes rows as they are stored, in their order; `limit_bytes` where they take more than `most`.
pub(super) async fn records(place: Place, mut rows: SendableRecordBatchStream, most: u64) -> Result<()> {
    let schema = rows.schema();
    let mut writer = RecordsWriter::new(&place.folder, &schema, &place.key).map_err(Error::internal)?;
    while let Some(batch) = rows.try_next().await.map_err(|found| error::execution(&found))? {
        writer.push(batch).map_err(Error::internal)?;
        if writer.bytes() > most {
            return Err(Error::new(
                ErrorCode::LimitBytes,
                "the rows are too large to be kept beside their objects",
            ));
        }
    }
    writer.finish(&place.path).map_err(Error::internal)?;
    Ok(())
}

/// Writes the index of the rows.
pub(super) fn index(place: &Place, records: &Records, about: &About, columns: &[ColumnName]) -> Result<()> {
    let places = columns.iter().map(|column| records.schema().index_of(column.as_str()));
    let places = places.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::internal)?;
    written(place, records, about, &places).map_err(Error::internal)
}

fn written(place: &Place, records: &Records, about: &About, places: &[usize]) -> Result<(), IndexError> {
    let mut writer = Writer::new(&place.folder)?;
    writer.extend(records.batches(), |number| entries(records, number, about, places, &place.key))?;
    writer.finish(&place.path, &place.key)?;
    Ok(())
}

/// The entries of a batch: rows without an identifier have none.
fn entries(
    records: &Records,
    number: usize,
    about: &About,
    places: &[usize],
    key: &IndexKey,
) -> Result<Vec<Entry>, IndexError> {
    let batch = records.batch(number)?;
    let first = (number * datasets_index::BATCH_ROWS) as u64;
    let columns: Vec<_> = places.iter().map(|place| batch.column(*place)).collect();
    match (about, &columns[..]) {
        (About::Profile(_), [identifiers, attributes]) => {
            let pairs = identifiers.as_string_view().iter().zip(attributes.as_string_view().iter());
            let entry = |(row, (identifier, attribute)): (u64, (Option<&str>, Option<&str>))| {
                let identifier = canonical_identifier(identifier?);
                // A row without the value agrees with none: no canonical form has the separator.
                let attribute = attribute.map_or_else(|| SEPARATOR.to_owned(), canonical_name);
                Some(Entry { id: key.id(&identifier), tag: key.tag(&identifier, [attribute.as_str()]), row })
            };
            Ok((first..).zip(pairs).filter_map(entry).collect())
        }
        _ => {
            let options = FormatOptions::default();
            let texts = columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
            let texts = texts.collect::<std::result::Result<Vec<_>, _>>()?;
            let is_whole = |row: &usize| columns.iter().all(|column| column.is_valid(*row));
            let mut written = String::new();
            let entry = |row: usize| {
                written.clear();
                for (place, text) in texts.iter().enumerate() {
                    if place > 0 {
                        written.push_str(SEPARATOR);
                    }
                    text.value(row).write(&mut written)?;
                }
                Ok(Entry { id: key.id(&written), tag: [0; 8], row: first + row as u64 })
            };
            (0..batch.num_rows()).filter(is_whole).map(entry).collect()
        }
    }
}

/// The values of a key as one text.
pub(super) fn joined<'a>(values: impl Iterator<Item = &'a str>) -> String {
    values.collect::<Vec<_>>().join(SEPARATOR)
}
