//! What the name of a file asks for.

use catalog_core::dataset::Version;
use catalog_core::directory::ItemKind;
use catalog_core::policy::BoundPolicy;
use exchange_query::export::{Format, SHEET_ROWS};

use super::extract::FORMATS;

/// Formats that a dataset is written in beside those where it fits them: it has a geometry, and no more rows than a sheet.
pub(super) const WHERE_THEY_FIT: [Format; 2] = [Format::GeoJson, Format::Xlsx];
/// Those that are stored compressed too. Parquet and sheets are compressed in themselves.
pub(super) const COMPRESSED: [Format; 3] = [Format::Csv, Format::JsonLines, Format::GeoJson];

/// Every file with the rows of a dataset, the plain ones first.
pub(crate) const OF_ROWS: [Kind; 9] = [
    Kind::Data(Format::Csv),
    Kind::Data(Format::Parquet),
    Kind::Data(Format::JsonLines),
    Kind::Data(Format::Xlsx),
    Kind::Data(Format::GeoJson),
    Kind::Gzip(Format::Csv),
    Kind::Gzip(Format::JsonLines),
    Kind::Gzip(Format::GeoJson),
    Kind::MarkedCsv,
];

/// What a file name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
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
    /// The rows with all that explains and proves them, in one ZIP: put together when it is sent, and no part of a manifest.
    Bundle,
}

impl Kind {
    /// The files of a version as this policy shows it, as far as that is known without opening it. A sheet may still turn out
    /// not to hold a text; whether it holds all rows is said where no row is hidden.
    pub(crate) fn of(policy: &BoundPolicy, version: &Version) -> impl Iterator<Item = Self> + use<> {
        let mut columns = policy.stored_columns().iter();
        let has_places =
            columns.any(|column| column.mask.is_none() && column.stored_type.kind == ItemKind::G);
        let is_whole = policy.filter.is_none() && policy.statistics.is_none();
        let is_sheet = !is_whole || u64::try_from(version.rows).is_ok_and(|rows| rows <= SHEET_ROWS);
        OF_ROWS.into_iter().filter(move |kind| match kind {
            Self::Data(Format::Xlsx) => is_sheet,
            Self::Data(Format::GeoJson) | Self::Gzip(Format::GeoJson) => has_places,
            _ => true,
        })
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Data(format) => format.media_type(),
            Self::Gzip(_) => "application/gzip",
            Self::MarkedCsv => Format::Csv.media_type(),
            Self::Manifest => "application/json",
            Self::Signature => "application/jose",
            Self::Bundle => "application/zip",
        }
    }

    /// How the address ends.
    pub(crate) fn extension(self) -> String {
        match self {
            Self::Data(format) => format.extension().to_owned(),
            Self::Gzip(format) => format!("{}.gz", format.extension()),
            Self::MarkedCsv => Format::Csv.extension().to_owned(),
            Self::Manifest => "manifest.json".to_owned(),
            Self::Signature => "jws".to_owned(),
            Self::Bundle => "zip".to_owned(),
        }
    }

    /// The address of a file, by the one that its ending makes.
    pub(crate) fn address(self, path: &str) -> String {
        match self {
            Self::MarkedCsv => format!("{path}?bom=1"),
            _ => path.to_owned(),
        }
    }

    /// How the name of the stored object ends, by which a manifest's parts are told apart.
    pub(crate) fn suffix(self) -> String {
        match self {
            Self::MarkedCsv => ".csv.bom".to_owned(),
            other => format!(".{}", other.extension()),
        }
    }

    /// The kind that an address names by its ending.
    pub(super) fn parse(extension: &str) -> Option<Self> {
        let data = FORMATS.into_iter().chain(WHERE_THEY_FIT).map(Self::Data);
        let all =
            data.chain(COMPRESSED.map(Self::Gzip)).chain([Self::Manifest, Self::Signature, Self::Bundle]);
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
    use catalog_core::directory::ItemType;
    use catalog_core::policy::{BoundFilter, Filter, Mask, VisibleColumn};
    use catalog_core::{ResourceCode, Timestamp, fixtures};

    use super::*;

    #[test]
    fn a_dataset_lists_the_files_that_fit_it() {
        let code = ResourceCode::new("301001/000001").unwrap();
        let listed = |kind: ItemKind, mask: Option<Mask>, filter: Option<BoundFilter>, rows: u64| {
            let stored_type = ItemType { kind, length: 0, scale: 0 };
            let column =
                VisibleColumn { column: "a".parse().unwrap(), title: "甲".to_owned(), stored_type, mask };
            let policy = BoundPolicy {
                resource: code.clone(),
                columns: vec![column],
                denied: 0,
                filter,
                statistics: None,
            };
            let rows = i64::try_from(rows).unwrap();
            let version = Version { rows, ..fixtures::version(&code, 1, Timestamp(1)) };
            Kind::of(&policy, &version).map(Kind::suffix).collect::<Vec<_>>().join(" ")
        };
        let plain = ".csv .parquet .jsonl .xlsx .csv.gz .jsonl.gz .csv.bom";
        let all = ".csv .parquet .jsonl .xlsx .geojson .csv.gz .jsonl.gz .geojson.gz .csv.bom";
        assert_eq!(listed(ItemKind::C, None, None, SHEET_ROWS), plain);
        assert_eq!(listed(ItemKind::G, None, None, SHEET_ROWS), all);
        assert_eq!(listed(ItemKind::G, Some(Mask::Null), None, 0), plain, "no place is seen");
        assert_eq!(listed(ItemKind::C, None, None, SHEET_ROWS + 1), plain.replace(" .xlsx", ""));
        let filter = Some(Filter::IsNull("a".to_owned()));
        assert_eq!(listed(ItemKind::C, None, filter, SHEET_ROWS + 1), plain, "hidden rows are not told of");
    }

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
        assert!(OF_ROWS.iter().all(|kind| all.contains(kind)) && OF_ROWS.len() == all.len());
        for kind in &all {
            let name = format!("data{}", kind.suffix());
            let fitting = all.iter().filter(|other| name.ends_with(&other.suffix()));
            assert_eq!(fitting.collect::<Vec<_>>(), [kind], "{name}");
        }
    }
}
