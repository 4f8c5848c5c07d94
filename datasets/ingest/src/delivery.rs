//! The delivered file.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use catalog_core::{Error, ErrorCode, Result};
use exchange_crypto::Hasher;

use crate::fault::malformed;

/// A file format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceFormat {
    /// Fields between delimiters (RFC 4180), any usual encoding and delimiter.
    Csv,
    /// The first sheet of an Office Open XML workbook.
    Xlsx,
    /// One JSON object per line.
    JsonLines,
    /// A GeoJSON FeatureCollection (RFC 7946).
    GeoJson,
    /// Apache Parquet.
    Parquet,
}

impl SourceFormat {
    /// The format of a file name's extension.
    pub fn of_name(name: &str) -> Result<Self> {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        match extension.as_deref() {
            Some("csv" | "tsv" | "txt") => Ok(Self::Csv),
            Some("xlsx" | "xlsm") => Ok(Self::Xlsx),
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines),
            Some("geojson") => Ok(Self::GeoJson),
            Some("parquet") => Ok(Self::Parquet),
            _ => Err(Error::new(
                ErrorCode::UnsupportedFormat,
                format!(
                    "`{name}` is none of .csv, .tsv, .txt, .xlsx, .jsonl, .geojson, .parquet: convert it to one"
                ),
            )),
        }
    }
}

/// A file as delivered, lying on local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name as delivered, without folders; goes into the manifest.
    pub name: String,
    /// Its format.
    pub format: SourceFormat,
}

impl Delivery {
    /// A file that is called by its own name.
    pub fn of_path(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let format = SourceFormat::of_name(&name)?;
        Ok(Self { path, name, format })
    }

    pub(crate) fn open(&self) -> Result<File> {
        File::open(&self.path).map_err(|cause| self.unreadable(&cause))
    }

    pub(crate) fn unreadable(&self, cause: &std::io::Error) -> Error {
        malformed(format!("`{}` cannot be read: {}", self.name, cause.kind())).with_internal(cause)
    }

    /// Reads the whole file once: its digest, its size, and whether all of it is UTF-8.
    pub(crate) fn inspect(&self) -> Result<Inspection> {
        let mut file = self.open()?;
        let mut hasher = Hasher::new();
        let mut utf8 = Utf8Check::default();
        let mut buffer = vec![0; 256 * 1024];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut buffer).map_err(|cause| self.unreadable(&cause))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            utf8.update(&buffer[..read]);
            bytes += read as u64;
        }
        if bytes == 0 {
            return Err(malformed(format!("`{}` is empty", self.name)));
        }
        Ok(Inspection { sha256: hasher.finish().to_hex(), bytes, is_utf8: utf8.finish() })
    }
}

/// What one pass over the bytes tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    pub(crate) is_utf8: bool,
}

/// Checks a stream of chunks for UTF-8; a character may lie across two.
#[derive(Default)]
struct Utf8Check {
    broken: bool,
    rest: Vec<u8>,
}

impl Utf8Check {
    fn update(&mut self, mut chunk: &[u8]) {
        while !self.broken && !self.rest.is_empty() && !chunk.is_empty() {
            self.rest.push(chunk[0]);
            chunk = &chunk[1..];
            match std::str::from_utf8(&self.rest) {
                Ok(_) => self.rest.clear(),
                Err(error) => self.broken = error.error_len().is_some(),
            }
        }
        if self.broken {
            return;
        }
        if let Err(error) = std::str::from_utf8(chunk) {
            self.broken = error.error_len().is_some();
            self.rest.extend_from_slice(&chunk[error.valid_up_to()..]);
        }
    }

    fn finish(self) -> bool {
        !self.broken && self.rest.is_empty()
    }
}
