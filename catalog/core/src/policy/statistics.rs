//! Statistics-only grants: cells of enough subjects in place of rows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::bound::VisibleColumn;
use super::grant::GrantTerms;
use crate::directory::{ItemKind, ItemType, Resource};
use crate::error::Problem;
use crate::ids::ColumnName;

/// The fewest distinct subjects that a cell may be about.
const LEAST_GROUP: u32 = 2;
/// The most digits of a measure, so that the sum of ten thousand million values has its 38.
const MEASURE_DIGITS: u8 = 28;
/// The cell column that counts records, with its Chinese name.
const RECORDS: (&str, &str) = ("record_count", "记录数");
/// The cell column that counts distinct subjects.
const SUBJECTS: (&str, &str) = ("subject_count", "主体数");

/// Makes a grant statistics-only: the granted items are dimensions, and a reader sees one row for each combination of
/// their values, with counts and sums. Cells about fewer than `min_group` distinct subjects do not exist for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statistics {
    /// Items that are summed in every cell, as `{column}_sum`: whole numbers, amounts and floating-point numbers.
    #[serde(default)]
    pub measures: Vec<ColumnName>,
    /// The item that says whom a record is about. Its distinct values are counted and never shown.
    pub subject: ColumnName,
    /// Smallest number of distinct subjects of a cell, at least 2.
    pub min_group: u32,
}

impl Statistics {
    /// The column that counts the records of a cell.
    pub const RECORDS: &'static str = RECORDS.0;
    /// The column that counts the distinct subjects of a cell.
    pub const SUBJECTS: &'static str = SUBJECTS.0;

    /// The column that sums a measure.
    pub fn sum_of(measure: &ColumnName) -> String {
        format!("{measure}_sum")
    }

    /// What is wrong with these terms for statistics over the resource.
    pub(super) fn problems(&self, terms: &GrantTerms, resource: &Resource) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong =
            |at: &str, rule: &str, message: String| problems.push(Problem::new(at, rule, message));
        if self.min_group < LEAST_GROUP {
            let message = format!("a cell is about at least {LEAST_GROUP} subjects");
            wrong("statistics.min_group", "grant.min_group", message);
        }
        if !terms.masks.is_empty() {
            let message =
                "statistics show no single values: leave masks out, or leave the item out".to_owned();
            wrong("masks", "grant.mask", message);
        }
        match resource.item(self.subject.as_str()) {
            None => wrong(
                "statistics.subject",
                "grant.subject",
                format!("{} has no item `{}`", resource.code, self.subject),
            ),
            Some(item) if item.item_type.kind == ItemKind::G => {
                wrong("statistics.subject", "grant.subject", format!("`{}` names no subject", self.subject));
            }
            Some(_) if terms.items.contains(&self.subject) => {
                let message = format!("cells by `{}` would be about one subject each", self.subject);
                wrong("statistics.subject", "grant.subject", message);
            }
            Some(_) => {}
        }
        for column in &terms.items {
            let item = resource.item(column.as_str());
            if item.is_some_and(|item| item.item_type.kind == ItemKind::G) {
                wrong(column.as_str(), "grant.dimension", format!("`{column}` can't be a dimension"));
            }
        }
        for measure in &self.measures {
            if let Err(message) = self.check_measure(measure, terms, resource) {
                wrong(measure.as_str(), "grant.measure", message);
            }
        }
        let mut names = vec![RECORDS.0.to_owned(), SUBJECTS.0.to_owned()];
        names.extend(self.measures.iter().map(Self::sum_of));
        names.extend(terms.items.iter().map(ToString::to_string));
        names.sort_unstable();
        for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
            wrong("items", "grant.column", format!("two columns of a cell would be called `{}`", pair[0]));
        }
        problems
    }

    fn check_measure(
        &self,
        measure: &ColumnName,
        terms: &GrantTerms,
        resource: &Resource,
    ) -> Result<(), String> {
        let item = resource
            .item(measure.as_str())
            .ok_or_else(|| format!("{} has no item `{measure}`", resource.code))?;
        let ty = item.item_type;
        if sum_type(ty).is_none() || ty.decimal().is_some_and(|(precision, _)| precision > MEASURE_DIGITS) {
            return Err(format!(
                "`{measure}` is no number of at most {MEASURE_DIGITS} digits, so it can't be summed"
            ));
        }
        ColumnName::new(Self::sum_of(measure))
            .map_err(|_| format!("`{measure}` is too long a name to sum"))?;
        terms.may_show(resource, item)
    }

    /// The same with the measures that the directory lets be shown today.
    pub(super) fn shown(&self, terms: &GrantTerms, resource: &Resource) -> Self {
        let shown = |measure: &&ColumnName| self.check_measure(measure, terms, resource).is_ok();
        Self { measures: self.measures.iter().filter(shown).cloned().collect(), ..self.clone() }
    }

    /// The number of columns of a cell beside its dimensions.
    pub(super) fn width(&self) -> usize {
        2 + self.measures.len()
    }

    /// The columns of a cell beside its dimensions.
    pub(super) fn columns(&self, resource: &Resource) -> Vec<VisibleColumn> {
        let column = |name: String, title: String, stored_type| {
            let column = ColumnName::new(name).ok()?;
            Some(VisibleColumn { column, title, stored_type, mask: None })
        };
        let count = |(name, title): (&str, &str)| {
            column(name.to_owned(), title.to_owned(), ItemType::plain(ItemKind::I))
        };
        let sums = self.measures.iter().filter_map(|measure| {
            let item = resource.item(measure.as_str())?;
            column(Self::sum_of(measure), format!("{}合计", item.title), sum_type(item.item_type)?)
        });
        [count(RECORDS), count(SUBJECTS)].into_iter().flatten().chain(sums).collect()
    }
}

/// The type of a sum. It holds every sum there can be, so that no sum fails.
fn sum_type(measure: ItemType) -> Option<ItemType> {
    let whole = |scale| ItemType { kind: ItemKind::N, length: 38, scale };
    match measure.kind {
        ItemKind::I => Some(whole(0)),
        ItemKind::B | ItemKind::F => Some(ItemType::plain(ItemKind::B)),
        _ => measure.decimal().and_then(|(_, scale)| u8::try_from(scale).ok()).map(whole),
    }
}
