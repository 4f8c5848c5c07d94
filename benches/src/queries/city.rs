//! The files: each table of the sample city as one folder of Parquet parts.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};

use datasets_samples::{SampleCity, Table};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Tables with their departments, as the questions call them.
pub(crate) const TABLES: [(&str, Table); 4] = [
    ("gaj", Table::Population),
    ("scjg", Table::LegalEntities),
    ("xygl", Table::Penalties),
    ("rsj", Table::SocialSecurity),
];

/// A table's file.
pub(crate) struct Stored {
    /// Department.
    pub(crate) department: &'static str,
    /// Table.
    pub(crate) table: Table,
    /// Path below the folder.
    pub(crate) path: String,
    /// Rows.
    pub(crate) rows: u64,
}

/// Writes what is not there yet.
pub(crate) fn write(people: u64, folder: &Path) -> Result<Vec<Stored>, Box<dyn Error>> {
    let city = SampleCity::new(42, people)?;
    let mut files = Vec::new();
    for (department, table) in TABLES {
        let path = format!("{people}-{}.parquet", table.name());
        if !folder.join(&path).exists() {
            eprintln!("writing {path}");
            write_table(&city, table, &folder.join(&path))?;
        }
        files.push(Stored { department, table, path, rows: city.rows(table) });
    }
    Ok(files)
}

fn write_table(city: &SampleCity, table: Table, path: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let part = PathBuf::from(format!("{}.part", path.display()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(512 * 1024))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(&part)?, table.schema(), Some(properties))?;
    for batch in city.batches(table) {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(std::fs::rename(part, path)?)
}
