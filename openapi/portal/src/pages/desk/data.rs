//! The desk of a department's data 数据挂接: datasets, deliveries with their quality, versions, materials.

use askama::Template;
use catalog_core::dataset::{RecordAct, RecordWithdrawal, Standing, Version};
use catalog_core::directory::Resource;
use catalog_core::services::MatterView;
use catalog_core::{ResourceCode, Timestamp};
use openapi_contract::WaitingVersion;

use super::openings::held_back;
use crate::around::Around;
use crate::names::Names;
use crate::words;

/// A published resource of the department, with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetLine {
    /// Its code.
    pub code: ResourceCode,
    /// Its title.
    pub title: String,
    /// The version in effect.
    pub latest: Option<Version>,
    /// Whether a change of its columns awaits review.
    pub awaits_review: bool,
}

/// The datasets of the reader's department.
#[derive(Template)]
#[template(path = "desk/datasets.html")]
pub struct DatasetsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Those of this page.
    pub datasets: &'a [DatasetLine],
    /// The page, from 1.
    pub page: usize,
    /// The last page.
    pub last: usize,
}

impl DatasetsPage<'_> {
    fn count(&self, number: &i64) -> String {
        self.a.number(&number.unsigned_abs())
    }

    fn has_pages(&self) -> bool {
        self.last > 1
    }

    fn has_previous(&self) -> bool {
        self.page > 1
    }

    fn has_next(&self) -> bool {
        self.page < self.last
    }

    fn previous(&self) -> String {
        format!("/desk/datasets?page={}", self.page.saturating_sub(1))
    }

    fn next(&self) -> String {
        format!("/desk/datasets?page={}", self.page + 1)
    }
}

/// What the reader may do with a dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DataRights {
    /// Deliver data and materials.
    pub delivers: bool,
    /// Publish, withdraw, reinstate.
    pub publishes: bool,
    /// Review changes of the columns.
    pub reviews: bool,
}

/// What was typed in the forms beside the versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedAct {
    /// The version.
    pub number: String,
    /// Why.
    pub reason: String,
    /// Key values, one record a line.
    pub keys: String,
}

/// The versions of a dataset with what can be done about them.
#[derive(Template)]
#[template(path = "desk/dataset.html")]
pub struct DatasetDeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The published resource.
    pub resource: &'a Resource,
    /// Its versions, newest first.
    pub versions: &'a [Version],
    /// Versions that were uploaded and wait to be published, for who delivers them.
    pub waiting: &'a [WaitingVersion],
    /// The secrecy reviews of it that are under way.
    pub reviews: &'a [MatterView],
    /// What keeps the reader from reviewing the change of columns that awaits it.
    pub hindrance: Option<&'a str>,
    /// What was withdrawn of its records, and reinstated.
    pub acts: &'a [RecordWithdrawal],
    /// What the reader may do.
    pub rights: DataRights,
    /// What was typed.
    pub typed: &'a TypedAct,
    /// The time.
    pub now: Timestamp,
    /// Who has published versions.
    pub names: &'a Names,
}

impl DatasetDeskPage<'_> {
    fn count(&self, number: &i64) -> String {
        self.a.number(&number.unsigned_abs())
    }

    fn code(&self) -> String {
        self.resource.code.path_form()
    }

    fn key(&self) -> String {
        self.resource.key.iter().map(|column| column.as_str()).collect::<Vec<_>>().join("，")
    }

    fn takes_materials(&self) -> bool {
        use catalog_core::directory::ValueFormat;
        self.resource.items.iter().any(|item| item.format == Some(ValueFormat::Material))
    }

    fn standing(&self, version: &Version) -> (&'static str, &str) {
        match version.standing(self.now) {
            Standing::Published => ("green", self.a.say("可用", "Readable")),
            Standing::Announced => ("yellow", self.a.say("已预告", "Announced")),
            Standing::AwaitsReview => {
                ("yellow", self.a.say("待结构变更审核", "Awaits the review of its change"))
            }
            Standing::Withdrawn => ("red", self.a.say("已撤回", "Withdrawn")),
        }
    }

    fn standing_versions(&self) -> Vec<i64> {
        let standing =
            self.versions.iter().filter(|version| version.standing(self.now) != Standing::Withdrawn);
        standing.map(|version| version.number).collect()
    }

    fn awaiting(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.standing(self.now) == Standing::AwaitsReview)
    }

    /// Where a version that waits is looked at and published.
    fn waiting_address(&self, version: &WaitingVersion) -> String {
        let WaitingVersion { number, manifest_digest, .. } = version;
        format!("/desk/datasets/{}/waiting?number={number}&digest={manifest_digest}", self.code())
    }

    /// The version that a secrecy review holds back from those outside government; nothing for a first opening.
    fn held_back(&self, view: &MatterView) -> Option<i64> {
        held_back(view)
    }

    fn columns(&self, version: &Version) -> String {
        let columns = version.breaking.iter().flat_map(|change| &change.columns);
        columns.map(|column| column.as_str()).collect::<Vec<_>>().join("、")
    }

    fn act(&self, act: &RecordWithdrawal) -> &str {
        match act.act {
            RecordAct::Withdraw => self.a.say("撤回记录", "Records withdrawn"),
            RecordAct::Reinstate => self.a.say("恢复记录", "Records reinstated"),
        }
    }
}

/// What a delivery is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedDelivery {
    /// `replace`, `append` or `upsert`.
    pub change: String,
    /// The largest share of bad rows.
    pub threshold: String,
    /// Whether columns may be removed or retyped.
    pub breaking: bool,
    /// Why they are.
    pub reason: String,
    /// Days of notice.
    pub notice_days: String,
}

impl Default for TypedDelivery {
    fn default() -> Self {
        Self {
            change: "replace".to_owned(),
            threshold: "0.05".to_owned(),
            breaking: false,
            reason: String::new(),
            notice_days: "30".to_owned(),
        }
    }
}

/// The form of a delivery.
#[derive(Template)]
#[template(path = "desk/upload.html")]
pub struct UploadPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The published resource.
    pub resource: &'a Resource,
    /// What was typed.
    pub typed: &'a TypedDelivery,
    /// The largest file that is taken, in bytes.
    pub most: u64,
}

impl UploadPage<'_> {
    fn changes(&self) -> [(&'static str, &str); 3] {
        [
            ("replace", self.a.say("全量替换", "Replace all rows")),
            ("append", self.a.say("追加", "Add rows")),
            ("upsert", self.a.say("按主键新增或更新", "Add or replace by the key")),
        ]
    }
}

/// The counts of a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QualityCounts {
    /// Rows read.
    pub read: u64,
    /// Rows that satisfy every rule.
    pub accepted: u64,
    /// Rows that were set aside.
    pub quarantined: u64,
    /// Violations: item, rule, count.
    pub rules: Vec<(String, String, u64)>,
    /// Items whose references were not checked.
    pub unchecked: Vec<String>,
}

/// A cell that was set aside.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct BadCell {
    /// Its row in the file.
    pub row: u64,
    /// Its item.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// What it holds.
    #[serde(default)]
    pub value: String,
    /// How to mend it.
    #[serde(default)]
    pub hint: Option<String>,
}

/// What a delivery came to: of a version that waits, or of one that is published.
#[derive(Template)]
#[template(path = "desk/quality.html")]
pub struct QualityPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The published resource.
    pub resource: &'a Resource,
    /// The version's number.
    pub number: i64,
    /// The digest of its manifest, by which it is published; `None` where it is.
    pub waits: Option<&'a str>,
    /// What of the columns it changes: for the notice.
    pub breaks: bool,
    /// The counts.
    pub quality: &'a QualityCounts,
    /// Examples of what was set aside.
    pub examples: &'a [BadCell],
}

impl QualityPage<'_> {
    fn code(&self) -> String {
        self.resource.code.path_form()
    }

    fn waiting(&self) -> String {
        let digest = self.waits.unwrap_or_default();
        format!("/desk/datasets/{}/waiting?number={}&digest={digest}", self.code(), self.number)
    }

    fn title(&self, column: &str) -> String {
        let title = self.resource.item(column).map(|item| item.title.clone());
        title.unwrap_or_else(|| self.a.say("整行", "The whole row").to_owned())
    }

    fn rule<'c>(&'c self, rule: &'c str) -> &'c str {
        let (chinese, english) = words::rule(rule);
        self.a.say(chinese, english)
    }
}

/// The form by which one material 附件 comes.
#[derive(Template)]
#[template(path = "desk/material.html")]
pub struct MaterialPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The published resource.
    pub resource: &'a Resource,
    /// The SHA-256 of the one that has just come.
    pub digest: Option<&'a str>,
}

impl MaterialPage<'_> {
    fn code(&self) -> String {
        self.resource.code.path_form()
    }
}
