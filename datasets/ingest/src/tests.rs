mod bad_input;
mod erasure;
mod oracle;
mod places;
mod readers;
mod references;
mod sample;
mod versions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use arrow::util::display::array_value_to_string;
use catalog_core::directory::{InformationItem, ItemKind, ItemType, Opening, Resource};
use catalog_core::{ColumnName, ResourceCode, Result, SqlName, Timestamp, fixtures};
use datasets_store::{DatasetStore, Manifest};
use exchange_crypto::{MacKey, SigningKey};
use object_store::local::LocalFileSystem;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::*;

/// 2026-11-22 in Shanghai.
const NOW: Timestamp = Timestamp(1_795_300_000_000_000);

fn item(column: &str, title: &str, item_type: ItemType) -> InformationItem {
    InformationItem { item_type, opening: Opening::Closed, ..fixtures::item(title, column).unwrap() }
}

fn resource(items: Vec<InformationItem>, key: &[&str], sort: &[&str]) -> Resource {
    let columns = |names: &[&str]| names.iter().map(|name| ColumnName::new(*name).unwrap()).collect();
    Resource {
        sql_name: SqlName::new("things").unwrap(),
        items,
        key: columns(key),
        sort: columns(sort),
        ..fixtures::resource("market", "301001/000001", "样例").unwrap()
    }
}

/// `id` (key), `city` (sort), `amount`, `day`.
fn things() -> Resource {
    let mut id = item("id", "编号", ItemType::sized(ItemKind::C, 20));
    id.personal = true;
    let city = item("city", "城市", ItemType::sized(ItemKind::C, 10));
    let amount = item("amount", "金额", ItemType::plain(ItemKind::Y));
    let day = item("day", "日期", ItemType::plain(ItemKind::D));
    resource(vec![id, city, amount, day], &["id"], &["city"])
}

#[derive(Default)]
struct Seen(Mutex<Progressed>);

impl Progress for Seen {
    fn progressed(&self, progressed: Progressed) {
        *self.0.lock().unwrap() = progressed;
    }
}

struct Desk {
    folder: tempfile::TempDir,
    store: DatasetStore,
    signing_key: SigningKey,
    order_key: MacKey,
    references: Option<Arc<dyn ReferenceCheck>>,
    seen: Arc<Seen>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("store")).unwrap();
        let objects = LocalFileSystem::new_with_prefix(folder.path().join("store")).unwrap();
        Self {
            store: DatasetStore::new(Arc::new(objects)),
            signing_key: SigningKey::generate().unwrap().0,
            order_key: MacKey::from_bytes(&[7; 32]).unwrap(),
            references: None,
            seen: Arc::default(),
            folder,
        }
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    async fn ingest(
        &self,
        resource: &Resource,
        name: &str,
        content: impl AsRef<[u8]>,
        options: &IngestOptions,
    ) -> Result<Prepared> {
        let delivery = Delivery::of_path(self.file(name, content))?;
        let ingest = Ingest {
            store: &self.store,
            resource,
            order_key: &self.order_key,
            signing_key: &self.signing_key,
            divisions: None,
            references: self.references.clone(),
            progress: Arc::<Seen>::clone(&self.seen),
        };
        ingest.prepare(&delivery, options).await
    }

    /// Ingests with any share of bad rows allowed.
    async fn lenient(&self, resource: &Resource, name: &str, content: impl AsRef<[u8]>) -> Prepared {
        let options = IngestOptions { max_bad_share: 1.0, ..IngestOptions::new(1, NOW) };
        self.ingest(resource, name, content, &options).await.unwrap()
    }

    /// Rows as text, in storage order.
    fn rows(&self, manifest: &Manifest) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for part in &manifest.parts {
            let file = std::fs::File::open(self.folder.path().join("store").join(&part.path)).unwrap();
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
            assert_eq!(builder.schema().fields(), manifest.arrow_schema().fields());
            for batch in builder.build().unwrap() {
                rows.extend(text_rows(&batch.unwrap()));
            }
        }
        rows
    }

    /// Rows as text, sorted.
    fn sorted_rows(&self, manifest: &Manifest) -> Vec<Vec<String>> {
        let mut rows = self.rows(manifest);
        rows.sort();
        rows
    }

    /// Lines of the quarantine file as `row column rule value`, sorted.
    fn quarantine(&self, manifest: &Manifest) -> Vec<String> {
        let Some(part) = &manifest.quarantine else { return Vec::new() };
        let text = std::fs::read_to_string(self.folder.path().join("store").join(&part.path)).unwrap();
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            format!("{} {} {} {}", line["row"], text("column"), text("rule"), text("value"))
        };
        let mut lines: Vec<String> = text.lines().map(line).collect();
        lines.sort();
        lines
    }
}

fn text_rows(batch: &RecordBatch) -> Vec<Vec<String>> {
    let cells = |row| {
        batch.columns().iter().map(|column| array_value_to_string(column, row).unwrap()).collect::<Vec<_>>()
    };
    (0..batch.num_rows()).map(cells).collect()
}
