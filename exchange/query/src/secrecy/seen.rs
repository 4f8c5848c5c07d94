//! What the machine check has seen of one column.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::directory::ValueFormat;
use catalog_core::matter::Finding;
use catalog_core::policy::{Mask as MaskKind, VisibleColumn};
use catalog_core::services::Dataset;
use catalog_core::{ColumnName, Error, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use exchange_crypto::MacKey;

use super::materials::Shown;
use super::text::{IDENTITY, KINDS, MOBILE, is_name, kinds_in};
use crate::mask::Mask;

/// What has been seen of one column.
pub(super) struct Seen {
    name: ColumnName,
    is_personal: bool,
    /// Whether it tells rows apart by itself.
    is_key: bool,
    /// Whether it holds codes of places.
    is_division: bool,
    /// What hides its values, and how that is computed.
    mask: Option<(MaskKind, Arc<dyn PhysicalExpr>)>,
    /// Values that are there.
    values: u64,
    /// Values that the mask leaves as they are.
    unchanged: u64,
    /// Rows that give away one of [`KINDS`].
    found: [u64; KINDS.len()],
    names: u64,
    /// Hashes of the different values, until there are too many.
    different: Option<HashSet<u64>>,
    max_values: usize,
    /// What it shows, where that is materials.
    materials: Option<Shown>,
}

impl Seen {
    /// The visible columns of a dataset, of whose unmasked rows `schema` is.
    pub(super) fn of(
        dataset: &Dataset,
        schema: &Schema,
        keys: &MacKey,
        max_values: usize,
    ) -> Result<Vec<Self>> {
        let visible = dataset.granted.policy.columns.iter();
        let shown =
            visible.filter_map(|column| Some((schema.index_of(column.column.as_str()).ok()?, column)));
        shown
            .map(|(place, column)| {
                let item = dataset.resource.item(column.column.as_str());
                let is_material = item.is_some_and(|item| item.format == Some(ValueFormat::Material));
                Ok(Self {
                    name: column.column.clone(),
                    is_personal: item.is_some_and(|item| item.personal),
                    is_key: dataset.resource.key.contains(&column.column),
                    is_division: item.is_some_and(|item| item.format == Some(ValueFormat::DivisionCode)),
                    mask: mask_of(column, place, schema, keys)?,
                    values: 0,
                    unchanged: 0,
                    found: [0; KINDS.len()],
                    names: 0,
                    different: Some(HashSet::new()),
                    max_values,
                    materials: (is_material && column.mask.is_none()).then(Shown::new),
                })
            })
            .collect()
    }

    pub(super) fn name(&self) -> &ColumnName {
        &self.name
    }

    /// Gives away the materials that it shows, which are looked into by themselves.
    pub(super) fn take_materials(&mut self) -> Option<Shown> {
        self.materials.take()
    }

    /// Looks at the column in that place of a batch of unmasked rows.
    pub(super) fn look_at(&mut self, batch: &RecordBatch, place: usize) -> Result<()> {
        let stored = batch.column(place);
        let values = match &self.mask {
            None => Arc::clone(stored),
            Some((_, mask)) => {
                let masked = mask.evaluate(batch).map_err(Error::internal)?;
                masked.into_array(batch.num_rows()).map_err(Error::internal)?
            }
        };
        if let Some(materials) = &mut self.materials {
            // What digests look like tells nothing.
            self.different = None;
            for digest in values.as_string_view_opt().into_iter().flatten().flatten() {
                self.values += 1;
                materials.add(digest);
            }
            return Ok(());
        }
        if is_binary(&values) {
            self.different = None;
            self.values += (values.len() - values.null_count()) as u64;
            return Ok(());
        }
        let is_text = matches!(values.data_type(), DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8);
        let is_number = matches!(values.data_type(), DataType::Int64 | DataType::Decimal128(_, 0));
        let options = FormatOptions::default();
        let shown = ArrayFormatter::try_new(values.as_ref(), &options).map_err(Error::internal)?;
        let hidden = ArrayFormatter::try_new(stored.as_ref(), &options).map_err(Error::internal)?;
        let (mut text, mut whole) = (String::new(), String::new());
        for row in (0..values.len()).filter(|row| values.is_valid(*row)) {
            text.clear();
            write!(text, "{}", shown.value(row)).map_err(Error::internal)?;
            self.values += 1;
            if self.mask.is_some() && stored.is_valid(row) && !is_binary(stored) {
                whole.clear();
                write!(whole, "{}", hidden.value(row)).map_err(Error::internal)?;
                self.unchanged += u64::from(text == whole);
            }
            if is_text || is_number {
                for (count, is_there) in self.found.iter_mut().zip(kinds_in(&text)) {
                    *count += u64::from(is_there);
                }
                self.names += u64::from(is_text && is_name(&text));
            }
            self.remember(&text);
        }
        Ok(())
    }

    fn remember(&mut self, text: &str) {
        let Some(different) = &mut self.different else { return };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        different.insert(hasher.finish());
        if different.len() > self.max_values {
            self.different = None;
        }
    }

    /// Whether people are recognised by it together with others: it has few values, or names places, or is of a person and
    /// masked; yet it has more than one value, and is neither key nor pseudonym.
    pub(super) fn is_quasi_identifier(&self) -> bool {
        let is_one_each = self.is_key || matches!(self.mask, Some((MaskKind::Pseudonym { .. }, _)));
        let is_masked_person = self.is_personal && self.mask.is_some();
        !is_one_each
            && self
                .different
                .as_ref()
                .map_or(self.is_division || is_masked_person, |different| different.len() > 1)
    }

    /// Whether its values are people's.
    pub(super) fn shows_people(&self) -> bool {
        self.found[IDENTITY] > 0 || self.found[MOBILE] > 0 || self.are_names()
    }

    /// A word that happens to look like a name is none; a column of them is.
    fn are_names(&self) -> bool {
        self.names * 2 > self.values
    }

    /// Values that readers see as they are. A text of which nothing is starred is seen to be whole; a number could be
    /// rounded or not, unless none is.
    fn in_clear(&self) -> u64 {
        match &self.mask {
            None => self.values,
            Some((MaskKind::KeepFirst { .. } | MaskKind::KeepLast { .. }, _)) => self.unchanged,
            Some((MaskKind::Bucket { .. }, _)) if self.unchanged == self.values => self.values,
            Some(_) => 0,
        }
    }

    /// What was found, among so many rows.
    pub(super) fn findings(&self, of: u64) -> Vec<Finding> {
        let finding = |rule: &str, rows: u64| Finding {
            rule: rule.to_owned(),
            columns: vec![self.name.clone()],
            rows,
            of,
            materials: None,
        };
        let mut all: Vec<_> = KINDS.iter().zip(self.found).map(|(rule, rows)| finding(rule, rows)).collect();
        all.push(finding("name", if self.are_names() { self.names } else { 0 }));
        all.push(finding("personal_item", if self.is_personal { self.in_clear() } else { 0 }));
        all.retain(|finding| finding.rows > 0);
        all
    }
}

fn mask_of(
    column: &VisibleColumn,
    place: usize,
    schema: &Schema,
    keys: &MacKey,
) -> Result<Option<(MaskKind, Arc<dyn PhysicalExpr>)>> {
    let Some(kind) = &column.mask else { return Ok(None) };
    let stored = Arc::new(Column::new(column.column.as_str(), place));
    let mask = Mask::new(kind.clone(), keys).over(stored, schema).map_err(Error::internal)?;
    Ok(Some((kind.clone(), mask)))
}

fn is_binary(values: &ArrayRef) -> bool {
    matches!(values.data_type(), DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}
