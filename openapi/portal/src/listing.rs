//! What pages say of many resources at once, and bars.

use catalog_core::directory::resource::UpdateCycle;
use catalog_core::{DepartmentId, ResourceCode, Timestamp};

/// A resource of the public's directory with what pages tell of it beside others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its code.
    pub code: ResourceCode,
    /// Its Chinese name.
    pub title: String,
    /// Who provides it.
    pub provider: DepartmentId,
    /// Its format class 信息资源格式分类.
    pub format: String,
    /// Whether it is open without a condition; else under one.
    pub is_open: bool,
    /// How often it is promised to be updated.
    pub cycle: UpdateCycle,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Number and time of the newest version that everyone may read.
    pub release: Option<(i64, Timestamp)>,
    /// Its rows, where they tell nothing of what is hidden.
    pub rows: Option<u64>,
    /// When an update was or is due; nothing where none is promised, or there is nothing to update.
    pub due: Option<Timestamp>,
    /// Resources that its items refer to.
    pub refers: Vec<ResourceCode>,
    /// Resources that it is made from.
    pub derived_from: Vec<ResourceCode>,
}

impl Listing {
    /// Whether its update is late.
    pub fn is_late(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// The address of its page.
    pub fn address(&self) -> String {
        format!("/datasets/{}", self.code.path_form())
    }

    /// 类 and 项: the first three digits of its code.
    pub fn topic(&self) -> &str {
        self.code.classification().get(..3).unwrap_or_default()
    }
}

/// One bar of a chart that needs no script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// What it is of.
    pub name: String,
    /// Where more is said of it, if anywhere.
    pub address: Option<String>,
    /// How many.
    pub count: u64,
    /// Its length, in thousandths of the longest.
    pub length: u64,
    /// What else stands beside its number.
    pub note: String,
    /// Whether its number is told; if not, the note stands in its place.
    pub is_told: bool,
}

impl Bar {
    /// A bar whose length is still to be found.
    pub fn new(name: impl Into<String>, address: Option<String>, count: u64) -> Self {
        Self { name: name.into(), address, count, length: 0, note: String::new(), is_told: true }
    }

    /// A bar of a number that is not told: there are some, and fewer than so many.
    pub fn untold(name: impl Into<String>, fewer_than: u64) -> Self {
        Self { note: format!("< {fewer_than}"), is_told: false, ..Self::new(name, None, 0) }
    }

    /// The same with a note.
    #[must_use]
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Bars of one chart: each as long as its number is, measured by the greatest.
    pub fn measured(mut bars: Vec<Self>) -> Vec<Self> {
        let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
        for bar in &mut bars {
            bar.length = thousandths(bar.count, most);
        }
        bars
    }
}

/// A part of a whole, in thousandths.
pub(crate) fn thousandths(part: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * 1000 / u128::from(whole.max(1))).unwrap_or(1000).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_measured_by_the_longest() {
        let bars = [0, 5, 20].map(|count| Bar::new("一", None, count)).to_vec();
        let lengths: Vec<_> = Bar::measured(bars).into_iter().map(|bar| bar.length).collect();
        assert_eq!(lengths, [0, 250, 1000]);
        assert_eq!(Bar::measured(vec![Bar::new("零", None, 0)])[0].length, 0);
    }
}
