//! What is known of a dataset beside its entry: quality, history, neighbours.

use catalog_core::dataset::{ChangeKind, Standing};
use catalog_core::directory::InformationItem;
use catalog_core::directory::diff::Change;
use catalog_core::policy::Mask;
use catalog_core::{ColumnName, ResourceCode, Timestamp};

use crate::listing::Bar;

/// What is known of a dataset beside its entry, as its reader may know it.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The time of the visit.
    pub now: Timestamp,
    /// What blurs items for this reader.
    pub masks: Vec<(ColumnName, Mask)>,
    /// Items of the entry that this reader does not see the values of.
    pub unseen: Vec<InformationItem>,
    /// The quality of the newest version.
    pub quality: Option<Quality>,
    /// All versions that the reader may know of, the newest first.
    pub versions: Vec<VersionLine>,
    /// What is open, since when and on which basis.
    pub openings: Vec<OpeningLine>,
    /// When the next update is or was due, where one is promised.
    pub due: Option<Timestamp>,
    /// Resources that its items refer to.
    pub sources: Vec<Neighbour>,
    /// Resources whose items refer to it.
    pub users: Vec<Neighbour>,
    /// Resources that it is made from.
    pub made_from: Vec<Neighbour>,
    /// Resources that are made from it.
    pub used_in: Vec<Neighbour>,
    /// Others that a reader may want.
    pub related: Vec<Neighbour>,
    /// Reads by people without an account in the last thirty days.
    pub reads: Option<u64>,
}

/// The quality of a version.
#[derive(Debug, Clone, Default)]
pub struct Quality {
    /// When it was checked.
    pub checked_at: Timestamp,
    /// The rules that every row satisfies: column and rule.
    pub rules: Vec<(String, String)>,
    /// What was found in the delivery, for those who see all of it.
    pub delivery: Option<Delivery>,
}

/// What was found in a delivery.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Rows delivered.
    pub read: u64,
    /// Rows that satisfy every rule.
    pub accepted: u64,
    /// Rows that were kept out.
    pub kept_out: u64,
    /// Violations by column and rule.
    pub violations: Vec<Bar>,
}

/// A version in the history.
#[derive(Debug, Clone)]
pub struct VersionLine {
    /// Its number.
    pub number: i64,
    /// When it was published.
    pub published_at: Timestamp,
    /// How it came about.
    pub change: ChangeKind,
    /// How it stands.
    pub standing: Standing,
    /// Its rows, for those who see all of them.
    pub rows: Option<i64>,
    /// How many more rows than the one before, where both are known.
    pub more: Option<i64>,
    /// Why it was withdrawn.
    pub withdrawn_because: Option<String>,
    /// Of a change of columns: why, and from when.
    pub breaking: Option<(String, Option<Timestamp>)>,
    /// The one before that can be read, to compare it with.
    pub before: Option<i64>,
}

impl VersionLine {
    /// Whether its data can be read.
    pub fn is_readable(&self) -> bool {
        self.standing == Standing::Published
    }

    pub(crate) fn way(&self) -> (&'static str, &'static str) {
        match self.change {
            ChangeKind::Replace => ("整体替换", "All rows replaced"),
            ChangeKind::Append => ("追加", "Rows added"),
            ChangeKind::Upsert => ("按主键更新", "Rows added or replaced by key"),
        }
    }

    pub(crate) fn state(&self) -> (&'static str, &'static str, &'static str) {
        match self.standing {
            Standing::Published => ("open", "可用", "Readable"),
            Standing::Withdrawn => ("closed", "已撤回", "Withdrawn"),
            Standing::Announced => ("conditional", "已预告", "Announced"),
            Standing::AwaitsReview => ("conditional", "待审核", "Awaits review"),
        }
    }

    /// The difference with its sign.
    pub(crate) fn more(&self) -> Option<String> {
        self.more.map(|more| format!("{more:+}"))
    }
}

/// What one review opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningLine {
    /// Since when.
    pub since: Timestamp,
    /// The titles of the items.
    pub items: Vec<String>,
    /// The law or decision that it rests on.
    pub basis: String,
    /// The condition, where there is one.
    pub condition: Option<String>,
}

/// Another resource, and why it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Its code.
    pub code: ResourceCode,
    /// Its name.
    pub title: String,
    /// Why it is named, in Chinese and English.
    pub why: (&'static str, &'static str),
    /// The items of one that refer to the other, by their columns.
    pub columns: Vec<String>,
}

impl Neighbour {
    pub(crate) fn address(&self) -> String {
        format!("/datasets/{}", self.code.path_form())
    }
}

/// Two versions beside each other.
#[derive(Debug, Clone, Default)]
pub struct Compared {
    /// The number of the earlier one.
    pub from: i64,
    /// The number of the later one.
    pub until: i64,
    /// Rows of both, where they are known.
    pub rows: Option<(u64, u64)>,
    /// Rows added, removed and changed, where they were counted.
    pub counted: Option<Rows>,
    /// Whether they could be counted, and were not asked for.
    pub can_count: bool,
    /// What differs in their columns.
    pub columns: Vec<Change>,
}

/// Rows that differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rows {
    /// In the later one alone.
    pub added: u64,
    /// In the earlier one alone.
    pub removed: u64,
    /// In both, with other values; nothing where no key says which row is which.
    pub changed: Option<u64>,
}
