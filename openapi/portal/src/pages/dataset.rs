//! What a dataset is, what it holds, how to take it, how to check it.

use askama::Template;
use catalog_core::directory::{InformationItem, Opening};
use openapi_dcat::{Described, File, Release, schema_org};

use crate::around::Around;

/// A file of the newest version, and where it lies.
struct FilePlace {
    /// Its name below the dataset: `1.csv`.
    name: String,
    /// Its format, as people call it.
    format: String,
    /// Bytes and SHA-256 in hex, where it has been written already.
    stored: Option<(u64, String)>,
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
}

impl DatasetPage<'_> {
    fn code(&self) -> String {
        self.described.resource.code.path_form()
    }

    fn release(&self) -> Option<&Release> {
        self.described.release.as_ref()
    }

    fn files(&self) -> Vec<FilePlace> {
        let place = |release: &Release, file: &File| FilePlace {
            name: release.file_name(file),
            format: file.format.to_uppercase(),
            stored: file.stored.clone(),
        };
        self.release()
            .map_or_else(Vec::new, |release| release.files.iter().map(|file| place(release, file)).collect())
    }

    /// For search engines. Inside a script no tag may begin.
    fn linked(&self) -> String {
        schema_org(self.a.site, self.described).to_string().replace('<', "\\u003c")
    }

    fn opening(&self, item: &InformationItem) -> (&'static str, &str) {
        match &item.opening {
            Opening::Open => ("open", self.a.say("开放", "Open")),
            Opening::Conditional { .. } => ("conditional", self.a.say("有条件", "On application")),
            Opening::Closed => ("closed", self.a.say("不开放", "Closed")),
        }
    }

    fn is_key(&self, item: &InformationItem) -> bool {
        self.described.resource.key.contains(&item.column)
    }

    fn address(&self, path: &str) -> String {
        self.a.site.address(&format!("/datasets/{}/{path}", self.code()))
    }

    fn classification(&self) -> String {
        self.described.resource.classification.join(" / ")
    }
}
