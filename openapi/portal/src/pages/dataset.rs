//! What a dataset is, what it holds, how to take it, how to check it.

use askama::Template;
use catalog_core::directory::{InformationItem, Opening, Sharing};
use openapi_dcat::{Described, File, Release, schema_org};

use super::looking::Looking;
use crate::about::{About, Compared};
use crate::around::Around;
use crate::words;

/// Letters of a summary that others show.
const DESCRIBED: usize = 160;

/// What people call the formats of files: those that most of them open come first.
const FORMATS: [(&str, &str); 5] = [
    ("xlsx", "Excel"),
    ("csv", "CSV"),
    ("geojson", "GeoJSON"),
    ("jsonl", "JSON Lines"),
    ("parquet", "Parquet"),
];

/// What people call a format.
fn called(format: &str) -> String {
    let found = FORMATS.iter().find(|(name, _)| *name == format);
    found.map_or_else(|| format.to_uppercase(), |(_, name)| (*name).to_owned())
}

/// A file of the newest version, and where it lies.
struct FilePlace {
    /// Its name below the dataset: `1.csv`.
    name: String,
    /// Its format, as people call it.
    format: String,
    /// Bytes and SHA-256 in hex, where it has been written already.
    stored: Option<(u64, String)>,
}

/// The first rows of the newest version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FirstRows {
    /// Machine names of the columns.
    pub columns: Vec<String>,
    /// A text for each column, empty where there is no value.
    pub rows: Vec<Vec<String>>,
}

/// The page of a dataset, as its reader sees it.
#[derive(Template)]
#[template(path = "dataset.html")]
pub struct DatasetPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry with its provider and data.
    pub described: &'a Described,
    /// Rows of the newest version.
    pub rows: Option<u64>,
    /// The first of them; nothing where they tell of persons, or can't be had now.
    pub first: Option<&'a FirstRows>,
    /// What else is known of it.
    pub about: &'a About,
}

impl DatasetPage<'_> {
    fn code(&self) -> String {
        self.described.resource.code.path_form()
    }

    fn looking(&self) -> Looking<'_> {
        Looking { resource: &self.described.resource }
    }

    fn release(&self) -> Option<&Release> {
        self.described.release.as_ref()
    }

    fn files(&self) -> Vec<FilePlace> {
        let place = |release: &Release, file: &File| FilePlace {
            name: release.file_name(file),
            format: called(&file.format),
            stored: file.stored.clone(),
        };
        let rank = |file: &&File| FORMATS.iter().position(|(format, _)| *format == file.format);
        let mut files: Vec<&File> = self.release().into_iter().flat_map(|release| &release.files).collect();
        files.sort_by_key(|file| rank(file).unwrap_or(FORMATS.len()));
        let release = self.release();
        release.map_or_else(Vec::new, |release| files.into_iter().map(|file| place(release, file)).collect())
    }

    /// For search engines. Inside a script no tag may begin.
    fn linked(&self) -> String {
        schema_org(self.a.site, self.described).to_string().replace('<', "\\u003c")
    }

    /// What search engines and messages show of it, in a line or two.
    fn description(&self) -> String {
        let resource = &self.described.resource;
        let told = if resource.summary.is_empty() { &resource.title } else { &resource.summary };
        let short: String = told.chars().take(DESCRIBED).collect();
        format!("{}：{short}", self.described.provider.name)
    }

    fn opening(&self, item: &InformationItem) -> (&'static str, &str) {
        match &item.opening {
            Opening::Open => ("open", self.a.say("开放", "Open")),
            Opening::Conditional { .. } => ("conditional", self.a.say("有条件", "On application")),
            Opening::Closed => ("closed", self.a.say("不开放", "Closed")),
        }
    }

    /// The openness of the whole, as its tag shows it.
    fn openness(&self) -> (&'static str, &str) {
        match self.described.resource.opening() {
            Opening::Open => ("open", self.a.say("无条件开放", "Open to everyone")),
            Opening::Conditional { .. } => ("conditional", self.a.say("有条件开放", "Open on application")),
            Opening::Closed => ("closed", self.a.say("不开放", "Not open")),
        }
    }

    /// Why an item is not open, or under which condition, in the words of the department.
    fn reason<'i>(&self, item: &'i InformationItem) -> &'i str {
        match (&item.opening, &item.sharing) {
            (Opening::Conditional { condition }, _) => condition,
            (Opening::Closed, Sharing::Withheld { basis }) => basis,
            (Opening::Closed, Sharing::Conditional { condition }) => condition,
            _ => "",
        }
    }

    /// The name of an item's type, and its length.
    fn kind(&self, item: &InformationItem) -> (&'static str, String) {
        let whole = item.item_type.to_string();
        let length = whole.find('(').map_or("", |place| &whole[place..]).to_owned();
        (words::kind(item.item_type.kind), length)
    }

    /// What blurs an item for this reader.
    fn mask(&self, item: &InformationItem) -> Option<String> {
        let (_, mask) = self.about.masks.iter().find(|(column, _)| *column == item.column)?;
        let (chinese, english) = words::mask(mask);
        Some(self.a.say(&chinese, &english).to_owned())
    }

    fn is_key(&self, item: &InformationItem) -> bool {
        self.described.resource.key.contains(&item.column)
    }

    /// The title of a column, as the reader's directory has it.
    fn title<'s>(&'s self, column: &'s str) -> &'s str {
        self.described.resource.item(column).map_or(column, |item| &item.title)
    }

    fn rule<'s>(&'s self, rule: &'s str) -> &'s str {
        let (chinese, english) = words::rule(rule);
        self.a.say(chinese, english)
    }

    /// Whether rows tell of persons, as far as the reader sees them.
    fn tells_of_persons(&self) -> bool {
        let resource = &self.described.resource;
        resource.items.iter().any(|item| item.personal || resource.subject.as_ref() == Some(&item.column))
    }

    /// Whether rows name materials 附件.
    fn has_materials(&self) -> bool {
        let is_material = |item: &InformationItem| {
            item.format.is_some_and(|format| format == catalog_core::directory::ValueFormat::Material)
        };
        self.described.resource.items.iter().any(is_material)
    }

    /// Whether the newest data are older than promised.
    fn is_late(&self) -> bool {
        self.about.due.is_some_and(|due| due <= self.about.now)
    }

    fn address(&self, path: &str) -> String {
        self.a.site.address(&format!("/datasets/{}/{path}", self.code()))
    }

    /// A number of rows as people read it.
    fn count(&self, rows: &i64) -> String {
        u64::try_from(*rows).map_or_else(|_| rows.to_string(), |rows| self.a.number(&rows))
    }

    /// A period as people write it: the directory writes `2025-09-01/2026-06-30`.
    fn period(&self, time: &str) -> String {
        time.split('/').collect::<Vec<_>>().join(self.a.say(" 至 ", " to "))
    }

    /// Where the file lies that a cell names; nothing where the column names none.
    fn material(&self, column: &str, cell: &str) -> Option<String> {
        self.looking().material(column, cell)
    }

    /// Whether a column holds geometries.
    fn is_shape(&self, column: &str) -> bool {
        self.looking().is_shape(column)
    }

    /// Whether a column holds numbers.
    fn is_number(&self, column: &str) -> bool {
        self.looking().is_number(column)
    }

    fn classification(&self) -> String {
        self.described.resource.classification.join(" / ")
    }
}

/// What changed between two versions of a dataset.
#[derive(Template)]
#[template(path = "changes.html")]
pub struct ChangesPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The entry with its provider.
    pub described: &'a Described,
    /// The versions that can be compared, newest first.
    pub numbers: &'a [i64],
    /// The two, and how they differ; nothing where there are not two.
    pub compared: Option<&'a Compared>,
}

impl ChangesPage<'_> {
    fn code(&self) -> String {
        self.described.resource.code.path_form()
    }
}
