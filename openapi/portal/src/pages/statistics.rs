//! Openness and use in numbers, which the directory and the evidence log give.

use askama::Template;
use catalog_core::Timestamp;

use crate::around::Around;
use crate::listing::Bar;

/// Openness and use, as the public sees them.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    /// When it was counted.
    pub at: Timestamp,
    /// Resources of the public's directory.
    pub resources: u64,
    /// Of them open without a condition.
    pub open: u64,
    /// Of them with data that anyone may take.
    pub with_data: u64,
    /// Rows of these.
    pub rows: u64,
    /// Updates that are promised for a time, and those of them that are late.
    pub promised: u64,
    /// See above.
    pub late: u64,
    /// Resources by department; beside each the part with data.
    pub by_department: Vec<Bar>,
    /// Resources by topic.
    pub by_topic: Vec<Bar>,
    /// Resources by format class.
    pub by_format: Vec<Bar>,
    /// Resources by update cycle.
    pub by_cycle: Vec<Bar>,
    /// Reads by people without an account, by month.
    pub reads: Vec<Bar>,
    /// Calls under a grant or a key, by month.
    pub calls: Vec<Bar>,
    /// What was read most in the last thirty days.
    pub most_used: Vec<Bar>,
}

/// Openness and use in numbers.
#[derive(Template)]
#[template(path = "statistics.html")]
pub struct StatisticsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The numbers; nothing while they are being counted.
    pub statistics: Option<&'a Statistics>,
}
