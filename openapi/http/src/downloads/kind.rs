//! What the name of a file asks for.

use exchange_query::export::Format;

use super::extract::FORMATS;

/// Formats that a dataset is written in beside those where it fits them: it has a geometry, and no more rows than a sheet.
pub(super) const WHERE_THEY_FIT: [Format; 2] = [Format::GeoJson, Format::Xlsx];
/// Those that are stored compressed too. Parquet and sheets are compressed in themselves.
pub(super) const COMPRESSED: [Format; 3] = [Format::Csv, Format::JsonLines, Format::GeoJson];

/// What a file name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The rows.
    Data(Format),
    /// The rows, compressed by gzip when they were written.
    Gzip(Format),
    /// CSV with a byte order mark, by which spreadsheets know that it is UTF-8.
    MarkedCsv,
    /// The manifest.
    Manifest,
    /// The manifest's detached signature.
    Signature,
}

impl Kind {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Data(format) => format.media_type(),
            Self::Gzip(_) => "application/gzip",
            Self::MarkedCsv => Format::Csv.media_type(),
            Self::Manifest => "application/json",
            Self::Signature => "application/jose",
        }
    }

    /// How the address ends.
    pub(super) fn extension(self) -> String {
        match self {
            Self::Data(format) => format.extension().to_owned(),
            Self::Gzip(format) => format!("{}.gz", format.extension()),
            Self::MarkedCsv => Format::Csv.extension().to_owned(),
            Self::Manifest => "manifest.json".to_owned(),
            Self::Signature => "jws".to_owned(),
        }
    }

    /// The address of a file, by the one that its ending makes.
    pub(super) fn address(self, path: &str) -> String {
        match self {
            Self::MarkedCsv => format!("{path}?bom=1"),
            _ => path.to_owned(),
        }
    }

    /// How the name of the stored object ends, by which a manifest's parts are told apart.
    pub(super) fn suffix(self) -> String {
        match self {
            Self::MarkedCsv => ".csv.bom".to_owned(),
            other => format!(".{}", other.extension()),
        }
    }

    /// The kind that an address names by its ending.
    pub(super) fn parse(extension: &str) -> Option<Self> {
        let data = FORMATS.into_iter().chain(WHERE_THEY_FIT).map(Self::Data);
        let all = data.chain(COMPRESSED.map(Self::Gzip)).chain([Self::Manifest, Self::Signature]);
        all.into_iter().find(|kind| kind.extension() == extension)
    }

    /// The same content in fewer bytes, for who takes it so.
    pub(super) fn compressed(self) -> Option<Self> {
        match self {
            Self::Data(format) if COMPRESSED.contains(&format) => Some(Self::Gzip(format)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_names_one_kind_and_each_object_too() {
        for format in FORMATS.into_iter().chain(WHERE_THEY_FIT) {
            assert_eq!(Kind::parse(format.extension()), Some(Kind::Data(format)));
        }
        assert_eq!(Kind::parse("csv.gz"), Some(Kind::Gzip(Format::Csv)));
        for wrong in ["", "gz", "parquet.gz", "xlsx.gz", "csv.bom", "CSV", "json", "csv.zst", "exe"] {
            assert_eq!(Kind::parse(wrong), None, "{wrong}");
        }
        let data = FORMATS.into_iter().chain(WHERE_THEY_FIT).map(Kind::Data);
        let all: Vec<_> = data.chain(COMPRESSED.map(Kind::Gzip)).chain([Kind::MarkedCsv]).collect();
        for kind in &all {
            let name = format!("data{}", kind.suffix());
            let fitting = all.iter().filter(|other| name.ends_with(&other.suffix()));
            assert_eq!(fitting.collect::<Vec<_>>(), [kind], "{name}");
        }
    }
}
