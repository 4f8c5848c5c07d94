//! Rows as GeoJSON features (RFC 7946).

use arrow::array::{ArrayRef, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog_core::{Error, Result};
use futures::{Stream, StreamExt, stream};

use crate::answer::QueryAnswer;
use crate::export::lines;
use crate::geometry::{Rows, Shape, geojson, swapped};

/// Rows that are turned into features at a time.
const ROWS: usize = 256;

/// What makes features of rows.
#[derive(Debug, Clone)]
pub struct Features {
    /// Where a row lies.
    pub shape: Shape,
    /// The columns whose values name a row; without any, features have no id.
    pub key: Vec<String>,
    /// Whether positions are written latitude first.
    pub swapped: bool,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its values in the key's columns as text; one that is missing makes them none.
    pub key: Vec<String>,
    /// Its geometry as JSON; `null` where it has none.
    pub geometry: String,
    /// All but the geometry as a JSON object, named by their columns. Numbers are written as exactly as they are stored.
    pub properties: String,
    /// The same values as text, in the order of the answer's columns.
    pub cells: Vec<String>,
}

impl Features {
    /// The names of an answer's columns that are properties, in their order.
    pub fn properties(&self, answer: &QueryAnswer) -> Vec<String> {
        let names = answer.schema.fields().iter().map(|field| field.name().clone());
        names.filter(|name| !self.is_geometry(name)).collect()
    }

    /// The rows of an answer, some at a time.
    pub fn of(self, answer: QueryAnswer) -> impl Stream<Item = Result<Vec<Feature>>> + Send {
        answer.records.flat_map(move |batch| {
            let features = self.clone();
            match batch {
                Ok(batch) => {
                    let starts = (0..batch.num_rows()).step_by(ROWS);
                    let some = starts.map(move |start| {
                        features.features(&batch.slice(start, ROWS.min(batch.num_rows() - start)))
                    });
                    stream::iter(some).left_stream()
                }
                Err(error) => stream::iter([Err(error)]).right_stream(),
            }
        })
    }

    fn is_geometry(&self, name: &str) -> bool {
        matches!(&self.shape, Shape::Column(column) if column == name)
    }

    fn features(&self, batch: &RecordBatch) -> Result<Vec<Feature>> {
        let column = |name: &str| {
            let found = batch.column_by_name(name).cloned();
            found.ok_or_else(|| Error::internal("features lack a column"))
        };
        let places = self.shape.columns().into_iter().map(column).collect::<Result<Vec<_>>>()?;
        let places = Rows::of(&places).map_err(Error::internal)?;
        let keys =
            texts(&self.key.iter().map(|name| column(name)).collect::<Result<Vec<_>>>()?, batch.num_rows())?;
        let schema = batch.schema();
        let kept = schema.fields().iter().enumerate();
        let kept = kept.filter(|(_, field)| !self.is_geometry(field.name())).map(|(place, _)| place);
        let rest = batch.project(&kept.collect::<Vec<_>>()).map_err(Error::internal)?;
        let cells = texts(rest.columns(), batch.num_rows())?;
        let written = lines(&rest)?;
        let mut objects = written.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let rows = keys.into_iter().zip(cells).enumerate();
        rows.map(|(row, (key, cells))| {
            let properties = objects.next().map_or(Ok("{}".to_owned()), |line| {
                String::from_utf8(line.to_vec()).map_err(Error::internal)
            });
            let geometry = places.at(row).map(|found| if self.swapped { swapped(&found) } else { found });
            let geometry = geometry.as_ref().and_then(geojson).unwrap_or_else(|| "null".to_owned());
            let key = key.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
            let cells = cells.into_iter().map(Option::unwrap_or_default).collect();
            Ok(Feature { key, geometry, properties: properties?, cells })
        })
        .collect()
    }
}

/// The values of some columns as text, row by row; `None` is NULL.
fn texts(columns: &[ArrayRef], rows: usize) -> Result<Vec<Vec<Option<String>>>> {
    let options = FormatOptions::default();
    let formatters = columns.iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let formatters = formatters.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::internal)?;
    let text = |row: usize| {
        let values = columns.iter().zip(&formatters);
        values.map(|(column, format)| column.is_valid(row).then(|| format.value(row).to_string())).collect()
    };
    Ok((0..rows).map(text).collect())
}
