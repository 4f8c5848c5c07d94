//! From what stands in the file to rows that satisfy every rule.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::util::display::array_value_to_string;
use catalog_core::directory::Resource;
use catalog_core::{Error, Problem, Result};
use datasets_store::arrow_schema;

use crate::check::{ColumnCheck, Surroundings};
use crate::convert::{Faults, is_convertible};
use crate::fault::Rule;
use crate::quarantine::Quarantine;
use crate::read::{BrokenRow, SourceBatch};

/// The column that says where a row stands in the file. No item can have this name.
pub(crate) const ROW: &str = "#row";

/// The rules of a resource, compiled.
pub(crate) struct Validator {
    names: Vec<String>,
    checks: Vec<ColumnCheck>,
    schema: SchemaRef,
}

impl Validator {
    /// Compiles the rules of all items.
    pub(crate) fn new(resource: &Resource, surroundings: &Surroundings) -> Result<Self> {
        let check = |item| ColumnCheck::new(item, resource.key.contains(&item.column), surroundings);
        let checks = resource.items.iter().map(check).collect::<Result<_>>()?;
        let mut fields: Vec<_> = arrow_schema(&resource.items).fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(ROW, DataType::UInt64, false)));
        let names = resource.items.iter().map(|item| item.column.to_string()).collect();
        Ok(Self { names, checks, schema: Arc::new(Schema::new(fields)) })
    }

    /// Schema of accepted rows: the items' columns, then [`ROW`].
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Converts and checks a batch. Rows that break a rule go to the quarantine, the others come back.
    pub(crate) fn accept(&self, batch: &SourceBatch, quarantine: &mut Quarantine) -> Result<RecordBatch> {
        self.check_types(&batch.columns)?;
        let rows = batch.rows.len();
        let mut bad = BTreeSet::new();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(self.checks.len() + 1);
        let mut faults = Faults::new();
        for ((check, source), name) in self.checks.iter().zip(&batch.columns).zip(&self.names) {
            columns.push(check.run(source.as_ref(), rows, &mut faults)?);
            for (row, rule) in faults.drain(..) {
                bad.insert(row);
                quarantine.add(batch.rows[row], name, rule, &value_at(source.as_ref(), row))?;
            }
        }
        for BrokenRow { row, rule, value, .. } in &batch.broken {
            quarantine.add(*row, "*", *rule, value)?;
        }
        let broken: u64 = batch.broken.iter().map(|broken| broken.count).sum();
        quarantine.count(rows as u64 + broken, bad.len() as u64 + broken);

        columns.push(Arc::new(UInt64Array::from(batch.rows.clone())));
        let accepted = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(Error::internal)?;
        if bad.is_empty() {
            return Ok(accepted);
        }
        let good: BooleanArray = (0..rows).map(|row| Some(!bad.contains(&row))).collect();
        filter_record_batch(&accepted, &good).map_err(Error::internal)
    }

    fn check_types(&self, columns: &[Option<ArrayRef>]) -> Result<()> {
        let mut problems = Vec::new();
        for ((check, source), name) in self.checks.iter().zip(columns).zip(&self.names) {
            if let Some(source) = source
                && !is_convertible(source.data_type(), check.target())
            {
                let message = format!(
                    "`{name}` is {} and cannot become {} without loss: convert it before",
                    source.data_type(),
                    check.target()
                );
                problems.push(Problem::new(name, Rule::Type.as_str(), message));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Error::invalid("columns of the file have types that do not fit the items", problems))
    }
}

fn value_at(source: Option<&ArrayRef>, row: usize) -> String {
    source
        .filter(|source| source.is_valid(row))
        .and_then(|source| array_value_to_string(source, row).ok())
        .unwrap_or_default()
}
