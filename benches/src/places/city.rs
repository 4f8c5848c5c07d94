//! Features around the centres of towns, as a CSV file that is delivered as departments deliver theirs.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use catalog_core::dataset::Version;
use catalog_core::directory::{InformationItem, ItemKind, ItemType, Resource, ValueFormat};
use catalog_core::policy::filter::{Literal, Operand};
use catalog_core::{ColumnName, SqlName, Timestamp, fixtures};
use datasets_ingest::{Delivery, Ingest, IngestOptions, Progress, Progressed};
use datasets_store::DatasetStore;
use exchange_crypto::{MacKey, SigningKey};

use crate::Result;

/// The resource's code.
pub(crate) const CODE: &str = "301001/000001";
/// Towns.
const TOWNS: usize = 300;
/// Features of which one has a rare value.
const RARE: usize = 5_000;

/// Where the town of a number lies.
pub(crate) fn centre(number: usize) -> [f64; 2] {
    let number = number % TOWNS;
    [105.0 + (number % 20) as f64 * 0.7, 24.0 + (number / 20) as f64 * 0.6]
}

/// A value that is compared with.
pub(crate) fn literal(value: &str) -> Operand {
    Operand::Literal(Literal::Text(value.to_owned()))
}

/// `id` (key), `kind`, `code`, `seats`, `shape`.
pub(crate) fn resource() -> Result<Resource> {
    let item = |column: &str, item_type| -> Result<InformationItem> {
        Ok(InformationItem { item_type, ..fixtures::item(column, column)? })
    };
    let mut shape = item("shape", ItemType::plain(ItemKind::G))?;
    shape.format = Some(ValueFormat::Geometry);
    Ok(Resource {
        sql_name: SqlName::new("places")?,
        items: vec![
            item("id", ItemType::sized(ItemKind::C, 20))?,
            item("kind", ItemType::sized(ItemKind::C, 20))?,
            item("code", ItemType::sized(ItemKind::C, 20))?,
            item("seats", ItemType::plain(ItemKind::I))?,
            shape,
        ],
        key: vec![ColumnName::new("id")?],
        sort: Vec::new(),
        ..fixtures::resource("city", CODE, "places")?
    })
}

struct Quiet;

impl Progress for Quiet {
    fn progressed(&self, _: Progressed) {}
}

/// The version of so many features: brought in, or the one of an earlier run.
pub(crate) async fn version(features: usize, folder: &Path, store: &DatasetStore) -> Result<Version> {
    let known = folder.join(format!("version-{features}.json"));
    if let Ok(text) = std::fs::read(&known) {
        return Ok(serde_json::from_slice(&text)?);
    }
    let file = folder.join(format!("places-{features}.csv"));
    write(features, &file)?;
    let (order_key, (signing_key, _)) = (MacKey::ephemeral()?, SigningKey::generate()?);
    let ingest = Ingest {
        store,
        resource: &resource()?,
        order_key: &order_key,
        signing_key: &signing_key,
        divisions: None,
        references: None,
        progress: Arc::new(Quiet),
    };
    let began = std::time::Instant::now();
    let options = IngestOptions::new(1, Timestamp::now());
    let prepared = ingest.prepare(&Delivery::of_path(&file)?, &options).await?;
    println!("brought in within {:.0} s", began.elapsed().as_secs_f64());
    std::fs::remove_file(&file)?;
    let version = prepared.version(options.now, "bench");
    std::fs::write(known, serde_json::to_vec(&version)?)?;
    Ok(version)
}

fn write(features: usize, path: &Path) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "id,kind,code,seats,shape")?;
    let mut random = 1_u64;
    let mut next = || {
        // Knuth's MMIX: good enough for places.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as f64 / f64::from(1_u32 << 31)
    };
    for number in 0..features {
        let [x, y] = centre((next() * TOWNS as f64) as usize);
        // Most lie near the centre of their town.
        let (far, angle) = (next() * next() * 0.4, next() * std::f64::consts::TAU);
        let (x, y) = (x + far * angle.cos(), y + far * angle.sin());
        let at = |east: f64, north: f64| format!("[{:.6},{:.6}]", x + east * 1e-4, y + north * 1e-4);
        let shape = match number % 2 {
            0 => format!("{{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":{}}}", at(0.0, 0.0)),
            _ => format!(
                "{{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[{},{},{},{},{}]]}}",
                at(0.0, 0.0),
                at(2.0, 0.1),
                at(2.1, 1.9),
                at(0.1, 2.0),
                at(0.0, 0.0)
            ),
        };
        let (kind, code) = (number % 10, number % RARE);
        writeln!(out, "p{number:08},kind{kind},c{code},{},\"{shape}\"", number % 97)?;
    }
    Ok(out.flush()?)
}
