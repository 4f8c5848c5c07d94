//! A bound policy over single rows.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use catalog_core::policy::{BoundPolicy, VisibleColumn};
use catalog_core::{Error, ErrorCode, Result};
use datafusion::common::{Result as DfResult, internal_err};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datasets_index::{IndexError, Records};
use exchange_crypto::MacKey;

use crate::policy;
use crate::table::{TablePolicy, viewed};
use crate::tables::OpenTable;

/// Which rows of a version are shown, and what is shown of them: the very expressions that a scan of it evaluates.
#[derive(Debug)]
pub(crate) struct RowPolicy {
    filter: Option<RowFilter>,
    columns: Vec<Arc<dyn PhysicalExpr>>,
    schema: SchemaRef,
}

/// The row filter, over the columns that it looks at alone.
#[derive(Debug, Clone)]
struct RowFilter {
    columns: Vec<usize>,
    shows: Arc<dyn PhysicalExpr>,
}

impl RowPolicy {
    /// The policy of the version, with the secret of its pseudonyms.
    pub(crate) fn new(open: &OpenTable, keys: &MacKey) -> DfResult<Self> {
        let granted = &open.dataset.granted.policy;
        if granted.statistics.is_some() {
            return internal_err!("cells have no rows");
        }
        let whole: SchemaRef = Arc::new(viewed(&open.schema));
        let table: TablePolicy = policy::translate(granted, &whole, keys)?;
        let columns = table.columns.iter().map(|column| column.over(&whole, &whole));
        Ok(Self {
            filter: table.predicate(&whole)?.map(|shows| RowFilter::new(shows, &whole)).transpose()?,
            columns: columns.collect::<DfResult<_>>()?,
            schema: Arc::new(table.schema(&whole)?),
        })
    }

    /// The same with these columns alone, in this order.
    pub(crate) fn projected(&self, places: &[usize]) -> Result<Self> {
        let schema = self.schema.project(places).map_err(Error::internal)?;
        let columns = places.iter().map(|place| Arc::clone(&self.columns[*place])).collect();
        Ok(Self { filter: self.filter.clone(), columns, schema: Arc::new(schema) })
    }

    /// Where these columns stand, named by machine name or title, each once.
    pub(crate) fn places(&self, policy: &BoundPolicy, names: &[String]) -> Result<Vec<usize>> {
        let mut places = Vec::with_capacity(names.len());
        for name in names {
            let is_called =
                |column: &&VisibleColumn| column.column.as_str() == *name || column.title == *name;
            let column = policy.columns.iter().find(is_called);
            let place = column.and_then(|column| self.schema.index_of(column.column.as_str()).ok());
            let place = place
                .ok_or_else(|| Error::new(ErrorCode::UnknownColumn, format!("there is no column {name}")))?;
            if places.contains(&place) {
                return Err(Error::new(ErrorCode::InvalidInput, format!("`{name}` is named twice")));
            }
            places.push(place);
        }
        Ok(places)
    }

    /// Which of the rows are shown; all of them where there is no filter.
    pub(crate) fn shows(&self, records: &Records, rows: &[u64]) -> Result<Option<BooleanBuffer>, IndexError> {
        self.filter.as_ref().map(|filter| filter.shows(records, rows)).transpose()
    }

    /// Those of the rows that are shown, as they are shown.
    pub(crate) fn shown(&self, records: &Records, rows: &[u64]) -> Result<RecordBatch, IndexError> {
        let shown = self.shows(records, rows)?;
        let rows: Vec<u64> = match shown {
            None => rows.to_vec(),
            Some(shown) => shown.set_indices().map(|place| rows[place]).collect(),
        };
        let rows = records.rows(&rows, None)?;
        let columns = self.columns.iter().map(|column| column.evaluate(&rows)?.into_array(rows.num_rows()));
        let columns = columns.collect::<DfResult<_>>().map_err(ArrowError::from)?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl RowFilter {
    fn new(shows: Arc<dyn PhysicalExpr>, whole: &SchemaRef) -> DfResult<Self> {
        let mut columns: Vec<usize> = collect_columns(&shows).iter().map(Column::index).collect();
        columns.sort_unstable();
        columns.dedup();
        let seen = whole.project(&columns)?;
        Ok(Self { shows: reassign_expr_columns(shows, &seen)?, columns })
    }

    fn shows(&self, records: &Records, rows: &[u64]) -> Result<BooleanBuffer, IndexError> {
        let rows = records.rows(rows, Some(&self.columns))?;
        let shown = self.shows.evaluate(&rows).and_then(|shown| shown.into_array(rows.num_rows()));
        let shown = shown.map_err(ArrowError::from)?;
        let shown = shown.as_boolean();
        // A filter that can't be decided hides the row.
        Ok(match shown.nulls() {
            None => shown.values().clone(),
            Some(nulls) => shown.values() & nulls.inner(),
        })
    }
}
