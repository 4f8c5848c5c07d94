//! Column statistics of a version, from the footers of its parts.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, StringArray};
use arrow::compute::cast;
use arrow::compute::kernels::cmp;
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use catalog_core::directory::InformationItem;
use catalog_core::{Error, Result};
use datasets_store::{Column, DatasetStore, Manifest, Part, Statistics};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;

use crate::fault::storage;
use crate::stored::stored_part;

/// The manifest's columns with their statistics over all parts.
pub(crate) async fn columns(
    store: &DatasetStore,
    items: &[InformationItem],
    parts: &[Part],
) -> Result<Vec<Column>> {
    more(store, items, parts, items.iter().map(|_| Extremes::default()).collect()).await
}

/// The same of a version whose first parts are all of those that `base` describes: only the others are opened, or a dataset of
/// thousands of deliveries would be opened whole for each of them.
pub(crate) async fn columns_after(
    store: &DatasetStore,
    items: &[InformationItem],
    parts: &[Part],
    base: &Manifest,
) -> Result<Vec<Column>> {
    let known = items.iter().map(|item| {
        let column = base.columns.iter().find(|column| column.item.column == item.column)?;
        // What was hidden then is not known, and what is hidden now is not told.
        if shows_values(item) != shows_values(&column.item) {
            return None;
        }
        Extremes::read(item, column.statistics.as_ref()?)
    });
    let known: Option<Vec<Extremes>> = known.collect();
    match (known, parts.strip_prefix(base.parts.as_slice())) {
        (Some(known), Some(added)) => more(store, items, added, known).await,
        _ => columns(store, items, parts).await,
    }
}

async fn more(
    store: &DatasetStore,
    items: &[InformationItem],
    parts: &[Part],
    mut extremes: Vec<Extremes>,
) -> Result<Vec<Column>> {
    for part in parts {
        let opened = stored_part(store, part).await?;
        let groups = opened.metadata().row_groups();
        for (item, extremes) in items.iter().zip(&mut extremes) {
            let converter =
                StatisticsConverter::try_new(item.column.as_str(), opened.schema(), opened.parquet_schema())
                    .map_err(storage)?;
            let nulls = converter.row_group_null_counts(groups).map_err(storage)?;
            extremes.nulls += nulls.iter().flatten().sum::<u64>();
            if shows_values(item) {
                let smallest = converter.row_group_mins(groups).map_err(storage)?;
                let largest = converter.row_group_maxes(groups).map_err(storage)?;
                extremes.min = extreme(extremes.min.take(), &smallest, Ordering::Less)?;
                extremes.max = extreme(extremes.max.take(), &largest, Ordering::Greater)?;
            }
        }
    }
    items.iter().zip(extremes).map(|(item, extremes)| extremes.column(item)).collect()
}

/// Whether smallest and largest value may be shown: of numbers and times that are not personal. Text is cut in footers.
fn shows_values(item: &InformationItem) -> bool {
    let data_type = datasets_store::arrow_type(item.item_type, item.format);
    !item.personal && !matches!(data_type, DataType::Utf8View | DataType::Binary | DataType::Boolean)
}

#[derive(Default)]
struct Extremes {
    nulls: u64,
    min: Option<ArrayRef>,
    max: Option<ArrayRef>,
}

impl Extremes {
    /// Those of a manifest; `None` where its text is not exactly what is written of the value that it is read as.
    fn read(item: &InformationItem, statistics: &Statistics) -> Option<Self> {
        let data_type = datasets_store::arrow_type(item.item_type, item.format);
        let value = |text: &Option<String>| -> Option<Option<ArrayRef>> {
            let Some(text) = text else { return Some(None) };
            let value = cast(&StringArray::from(vec![text.as_str()]), &data_type).ok()?;
            (array_value_to_string(&value, 0).ok()? == *text).then_some(Some(value))
        };
        Some(Self { nulls: statistics.nulls, min: value(&statistics.min)?, max: value(&statistics.max)? })
    }

    fn column(&self, item: &InformationItem) -> Result<Column> {
        let text = |value: &Option<ArrayRef>| {
            value.as_ref().map(|value| array_value_to_string(value, 0).map_err(Error::internal)).transpose()
        };
        let statistics = Statistics { nulls: self.nulls, min: text(&self.min)?, max: text(&self.max)? };
        Ok(Column { item: item.clone(), statistics: Some(statistics) })
    }
}

/// The most extreme of a value so far (an array of one) and the values of an array.
fn extreme(so_far: Option<ArrayRef>, values: &ArrayRef, wanted: Ordering) -> Result<Option<ArrayRef>> {
    let mut best = so_far;
    for place in (0..values.len()).filter(|place| values.is_valid(*place)) {
        let value = values.slice(place, 1);
        let better = match &best {
            None => true,
            Some(best) if wanted == Ordering::Less => {
                cmp::lt(&value, best).map_err(Error::internal)?.value(0)
            }
            Some(best) => cmp::gt(&value, best).map_err(Error::internal)?.value(0),
        };
        if better {
            best = Some(value);
        }
    }
    Ok(best)
}
