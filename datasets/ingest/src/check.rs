//! The rules of one item, compiled once and run over whole columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, Scalar, StringViewArray, new_null_array};
use arrow::compute::kernels::cmp;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use catalog_core::directory::{InformationItem, ItemKind, Reference, ValueFormat};
use catalog_core::identity::{CitizenId, DivisionTable, is_credit_code, is_division_code};
use catalog_core::{Error, Result};
use datasets_store::{Materials, arrow_type, is_wkb};
use exchange_crypto::Digest;

use crate::convert::{BinaryText, Faults, convert, has_lost_digits};
use crate::fault::Rule;
use crate::reference::ReferenceCheck;

/// Division codes that are valid in the year of the data.
#[derive(Debug, Clone)]
pub(crate) struct Divisions {
    pub(crate) table: Arc<DivisionTable>,
    pub(crate) year: u16,
}

/// What every column is checked against.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) divisions: Option<Divisions>,
    pub(crate) references: Option<Arc<dyn ReferenceCheck>>,
    /// The materials that rows may name.
    pub(crate) materials: Arc<Materials>,
}

/// The compiled rules of one item.
pub(crate) struct ColumnCheck {
    target: DataType,
    binary: BinaryText,
    required: bool,
    length: usize,
    texts: Option<HashSet<String>>,
    values: Option<ArrayRef>,
    minimum: Option<Scalar<ArrayRef>>,
    maximum: Option<Scalar<ArrayRef>>,
    format: Option<ValueFormat>,
    reference: Option<Reference>,
    surroundings: Surroundings,
}

impl ColumnCheck {
    /// Compiles the rules of an item.
    pub(crate) fn new(item: &InformationItem, is_key: bool, surroundings: &Surroundings) -> Result<Self> {
        let target = arrow_type(item.item_type, item.format);
        let is_text = target == DataType::Utf8View;
        let allowed = (!item.enumeration.is_empty()).then_some(&item.enumeration);
        let bound = |text: Option<&str>| {
            text.map(|text| constants(item, &[text.to_owned()]).map(Scalar::new)).transpose()
        };
        let (minimum, maximum) = item.bounds();
        Ok(Self {
            binary: if item.format == Some(ValueFormat::Geometry) {
                BinaryText::GeoJson
            } else {
                BinaryText::Base64
            },
            required: item.required || is_key,
            length: if is_text { usize::from(item.item_type.length) } else { 0 },
            texts: allowed.filter(|_| is_text).map(|texts| texts.iter().cloned().collect()),
            values: allowed.filter(|_| !is_text).map(|texts| constants(item, texts)).transpose()?,
            minimum: bound(minimum)?,
            maximum: bound(maximum)?,
            format: item.format,
            reference: item.reference.clone(),
            surroundings: surroundings.clone(),
            target,
        })
    }

    /// The Arrow type of the column.
    pub(crate) fn target(&self) -> &DataType {
        &self.target
    }

    /// Converts and checks a column; `None` is a column that the file lacks.
    pub(crate) fn run(
        &self,
        source: Option<&ArrayRef>,
        rows: usize,
        faults: &mut Faults,
    ) -> Result<ArrayRef> {
        let Some(source) = source else {
            return Ok(new_null_array(&self.target, rows));
        };
        if self.required {
            faults.extend((0..rows).filter(|row| source.is_null(*row)).map(|row| (row, Rule::Required)));
        }
        let column = convert(source, &self.target, self.binary, faults)?;
        match column.as_string_view_opt() {
            Some(texts) => self.check_text(texts, faults),
            None => self.check_values(&column, faults)?,
        }
        self.check_range(&column, faults)?;
        self.check_reference(&column, faults)?;
        Ok(column)
    }

    fn check_text(&self, texts: &StringViewArray, faults: &mut Faults) {
        for (row, text) in texts.iter().enumerate() {
            if let Some(rule) = text.and_then(|text| self.broken_by(text)) {
                faults.push((row, rule));
            }
        }
    }

    fn broken_by(&self, text: &str) -> Option<Rule> {
        if has_lost_digits(text) {
            return Some(Rule::NumberPrecision);
        }
        // No text has more characters than bytes, so that most need no counting.
        if self.length > 0 && text.len() > self.length && text.chars().count() > self.length {
            return Some(Rule::Length);
        }
        if self.texts.as_ref().is_some_and(|allowed| !allowed.contains(text)) {
            return Some(Rule::Enumeration);
        }
        let fits = match self.format {
            Some(ValueFormat::CitizenId) => CitizenId::parse(text).is_ok(),
            Some(ValueFormat::CreditCode) => is_credit_code(text),
            Some(ValueFormat::DivisionCode) => self.is_division(text),
            Some(ValueFormat::Material) => return self.broken_by_material(text),
            Some(
                ValueFormat::Longitude
                | ValueFormat::Latitude
                | ValueFormat::Geometry
                | ValueFormat::FileName,
            )
            | None => true,
        };
        (!fits).then_some(Rule::Format)
    }

    fn broken_by_material(&self, text: &str) -> Option<Rule> {
        match Digest::from_hex(text) {
            Ok(digest) if digest.to_hex() != text => Some(Rule::Format),
            Ok(digest) => (!self.surroundings.materials.contains_key(&digest)).then_some(Rule::Material),
            Err(_) => Some(Rule::Format),
        }
    }

    fn is_division(&self, text: &str) -> bool {
        let known = |divisions: &Divisions| divisions.table.lookup(text, divisions.year).is_some();
        is_division_code(text) && self.surroundings.divisions.as_ref().is_none_or(known)
    }

    fn check_values(&self, column: &ArrayRef, faults: &mut Faults) -> Result<()> {
        let mut expect = |fits: &mut dyn FnMut(usize) -> bool, rule: Rule| {
            let broken = (0..column.len()).filter(|row| column.is_valid(*row) && !fits(*row));
            faults.extend(broken.map(|row| (row, rule)));
        };
        if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            expect(&mut |row| numbers.value(row).is_finite(), Rule::Type);
        }
        if let Some(numbers) = column.as_primitive_opt::<Float32Type>() {
            expect(&mut |row| numbers.value(row).is_finite(), Rule::Type);
        }
        if self.format == Some(ValueFormat::Geometry)
            && let Some(bytes) = column.as_binary_opt::<i32>()
        {
            expect(&mut |row| is_wkb(bytes.value(row)), Rule::Format);
        }
        if let Some(allowed) = &self.values {
            let among = is_among(column, allowed)?;
            expect(&mut |row| among[row], Rule::Enumeration);
        }
        Ok(())
    }

    fn check_range(&self, column: &ArrayRef, faults: &mut Faults) -> Result<()> {
        let mut refuse = |outside: BooleanArray| {
            let rows = outside.iter().enumerate().filter(|(_, outside)| *outside == Some(true));
            faults.extend(rows.map(|(row, _)| (row, Rule::Range)));
        };
        if let Some(minimum) = &self.minimum {
            refuse(cmp::lt(column, minimum as &dyn Datum).map_err(Error::internal)?);
        }
        if let Some(maximum) = &self.maximum {
            refuse(cmp::gt(column, maximum as &dyn Datum).map_err(Error::internal)?);
        }
        Ok(())
    }

    fn check_reference(&self, column: &ArrayRef, faults: &mut Faults) -> Result<()> {
        let (Some(reference), Some(check)) = (&self.reference, &self.surroundings.references) else {
            return Ok(());
        };
        let Some(known) = check.known(reference, column)? else {
            return Ok(());
        };
        let dangling = (0..column.len()).filter(|row| column.is_valid(*row) && !known.value(*row));
        faults.extend(dangling.map(|row| (row, Rule::Reference)));
        Ok(())
    }
}

/// Constants of an item's rules as an array of its type.
fn constants(item: &InformationItem, texts: &[String]) -> Result<ArrayRef> {
    let target = arrow_type(item.item_type, item.format);
    let source: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringViewArray>());
    let mut faults = Faults::new();
    let values = convert(&source, &target, BinaryText::Base64, &mut faults)?;
    if faults.is_empty() && item.item_type.kind != ItemKind::G {
        return Ok(values);
    }
    let message =
        format!("the rules of `{}` name a value that is not of its type: mend the entry", item.column);
    Err(Error::new(catalog_core::ErrorCode::InvalidInput, message))
}

fn is_among(column: &ArrayRef, allowed: &ArrayRef) -> Result<Vec<bool>> {
    let mut among = vec![false; column.len()];
    for place in 0..allowed.len() {
        let value = Scalar::new(allowed.slice(place, 1));
        let equal = cmp::eq(column, &value as &dyn Datum).map_err(Error::internal)?;
        for (row, equal) in equal.iter().enumerate() {
            among[row] |= equal == Some(true);
        }
    }
    Ok(among)
}
