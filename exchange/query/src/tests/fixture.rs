//! Synthetic penalties of two departments. The rows of department B are the hidden ones: every one of them makes
//! some expression fail, and every text in them says `HIDDEN`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext};
use exchange_crypto::Digest;
use object_store::local::LocalFileSystem;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::table::StoredTable;
use crate::tables::StoredFile;

/// Where the store of a fixture is registered.
pub(crate) fn store_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse("data://test").unwrap()
}

/// The schema of the penalties.
pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("dept", DataType::Utf8, false),
        Field::new("secret", DataType::Utf8, true),
        Field::new("amt", DataType::Int64, true),
        Field::new("money", DataType::Decimal128(18, 2), true),
        Field::new("name", DataType::Utf8, true),
        Field::new("day", DataType::Date32, true),
        Field::new("county", DataType::Utf8, true),
    ]))
}

/// `rows` penalties; every third one is department B's.
pub(crate) fn penalties(rows: i64) -> RecordBatch {
    let ids: Vec<i64> = (0..rows).collect();
    let hidden = |id: &i64| id % 3 == 0;
    let text = |of: &dyn Fn(&i64) -> Option<String>| -> ArrayRef {
        Arc::new(ids.iter().map(of).collect::<StringArray>())
    };
    let depts = text(&|id| Some(if hidden(id) { "B" } else { "A" }.to_owned()));
    let secrets = text(&|id| match hidden(id) {
        true => Some(format!("HIDDEN-{id}")),
        false => (id % 7 != 1).then(|| (id * 31 % 1000).to_string()),
    });
    let amounts: Vec<Option<i64>> = ids
        .iter()
        .map(|id| match (hidden(id), id % 6) {
            (true, 0) => Some(0),
            (true, _) => Some(i64::MAX),
            (false, _) => (id % 11 != 2).then_some(id % 97 + 10),
        })
        .collect();
    let money: Decimal128Array = ids
        .iter()
        .map(|id| Some(i128::from(if hidden(id) { 0 } else { id * 137 % 100_000 + 10_000 })))
        .collect();
    let names = text(&|id| match hidden(id) {
        true => Some("HIDDEN".to_owned()),
        false => Some(["王小明", "李娜", "欧阳修", "张伟"][usize::try_from(id % 4).unwrap()].to_owned()),
    });
    let days: Date32Array = ids
        .iter()
        .map(|id| Some(if hidden(id) { i32::MAX } else { 19_000 + i32::try_from(id % 900).unwrap() }))
        .collect();
    let counties = text(&|id| match hidden(id) {
        true => Some("[HIDDEN(".to_owned()),
        false => Some(["360481", "360402", "420281"][usize::try_from(id % 3).unwrap()].to_owned()),
    });
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(ids.clone())),
        depts,
        secrets,
        Arc::new(Int64Array::from(amounts)),
        Arc::new(money.with_precision_and_scale(18, 2).unwrap()),
        names,
        Arc::new(days),
        counties,
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// The rows that a filter keeps.
pub(crate) fn kept(batch: &RecordBatch, keep: &dyn Fn(&RecordBatch, usize) -> bool) -> RecordBatch {
    let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(keep(batch, row))).collect();
    filter_record_batch(batch, &mask).unwrap()
}

/// The text of one cell.
pub(crate) fn cell(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let array = batch.column_by_name(column).unwrap();
    let texts = array.as_any().downcast_ref::<StringArray>().unwrap();
    texts.is_valid(row).then(|| texts.value(row).to_owned())
}

/// Writes the batch as two Parquet parts with several row groups each and gives the manifest's view of them.
pub(crate) fn parts(folder: &TempDir, name: &str, batch: &RecordBatch) -> Vec<StoredFile> {
    let half = batch.num_rows() / 2;
    let parts = [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)];
    let file = |(number, part): (usize, &RecordBatch)| {
        let path = format!("{name}/part-{number}.parquet");
        write(&folder.path().join(&path), part);
        let content = std::fs::read(folder.path().join(&path)).unwrap();
        let (bytes, sha256) = (content.len() as u64, Digest::of(&content).to_hex());
        StoredFile { path, bytes, rows: part.num_rows() as u64, sha256 }
    };
    parts.iter().enumerate().map(file).collect()
}

/// The batch as a stored table.
pub(crate) fn store(folder: &TempDir, name: &str, batch: &RecordBatch) -> StoredTable {
    StoredTable::new(store_url(), parts(folder, name, batch), &batch.schema())
}

fn write(path: &Path, batch: &RecordBatch) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(64)).build();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// A plain DataFusion session over the folder, with filters evaluated inside the Parquet reader or not.
pub(crate) fn session(folder: &TempDir, pushdown: bool) -> SessionContext {
    let mut config = SessionConfig::new().with_target_partitions(2);
    config.options_mut().execution.parquet.pushdown_filters = pushdown;
    config.options_mut().execution.parquet.reorder_filters = pushdown;
    let ctx = SessionContext::new_with_config(config);
    let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap();
    ctx.register_object_store(store_url().as_ref(), Arc::new(store));
    ctx
}
