//! Rows that break a rule: counts for the quality report, and a file for the provider.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use catalog_core::{Error, Problem, Result};
use datasets_store::{Quality, RuleCount};
use serde::{Deserialize, Serialize};

use crate::fault::{Rule, storage};
use crate::read::rows::clipped;

/// Violations written to the file; further ones are only counted.
const MAX_LINES: u64 = 100_000;
/// Violations shown when a delivery is refused.
const MAX_EXAMPLES: usize = 50;

/// One line of the quarantine file.
#[derive(Serialize)]
struct Line<'a> {
    row: u64,
    column: &'a str,
    rule: &'a str,
    value: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

/// A cell that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Violation {
    /// Where its row stands in the file: its line, counted from 1.
    pub row: u64,
    /// Its column; `*` where the rule is about the whole row.
    pub column: String,
    /// The rule.
    pub rule: String,
    /// What the cell holds, or its beginning.
    pub value: String,
    /// How to mend it, where the rule does not say.
    #[serde(default)]
    pub hint: Option<String>,
}

/// Collects violations in a temporary file and counts them.
pub(crate) struct Quarantine {
    file: BufWriter<std::fs::File>,
    lines: u64,
    counts: BTreeMap<(String, Rule), u64>,
    examples: Vec<Problem>,
    read: u64,
    quarantined: u64,
}

impl Quarantine {
    /// An empty quarantine in an unnamed temporary file.
    pub(crate) fn new() -> Result<Self> {
        let file = tempfile::tempfile().map_err(storage)?;
        Ok(Self {
            file: BufWriter::new(file),
            lines: 0,
            counts: BTreeMap::new(),
            examples: Vec::new(),
            read: 0,
            quarantined: 0,
        })
    }

    /// Counts rows of the file.
    pub(crate) fn count(&mut self, read: u64, quarantined: u64) {
        self.read += read;
        self.quarantined += quarantined;
    }

    /// Rows read, and rows quarantined, so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.read, self.quarantined)
    }

    /// Records a violation.
    pub(crate) fn add(&mut self, row: u64, column: &str, rule: Rule, value: &str) -> Result<()> {
        match self.counts.get_mut(&(column.to_owned(), rule)) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert((column.to_owned(), rule), 1);
            }
        }
        if self.lines == MAX_LINES {
            return Ok(());
        }
        self.lines += 1;
        let value = clipped(value);
        if self.examples.len() < MAX_EXAMPLES {
            let at = format!("row {row}, {column}");
            self.examples.push(Problem::new(at, rule.as_str(), rule.broken_by(&value)));
        }
        let line = Line { row, column, rule: rule.as_str(), value: &value, hint: rule.hint() };
        serde_json::to_writer(&mut self.file, &line).map_err(Error::internal)?;
        self.file.write_all(b"\n").map_err(storage)
    }

    /// The first violations, for who delivered the file.
    pub(crate) fn examples(&self) -> Vec<Problem> {
        self.examples.clone()
    }

    /// The quality report so far.
    pub(crate) fn quality(&self) -> Quality {
        let rule = |((column, rule), count): (&(String, Rule), &u64)| RuleCount {
            column: column.clone(),
            rule: rule.to_string(),
            count: *count,
        };
        Quality {
            rows_read: self.read,
            rows_accepted: self.read - self.quarantined,
            rows_quarantined: self.quarantined,
            rules: self.counts.iter().map(rule).collect(),
            unchecked_references: Vec::new(),
        }
    }

    /// The first violations, and forgets the file.
    pub(crate) fn into_first(self, most: usize) -> Result<Vec<Violation>> {
        let Some((file, _)) = self.into_file()? else { return Ok(Vec::new()) };
        let lines = BufReader::new(file).lines().take(most);
        lines.map(|line| serde_json::from_str(&line.map_err(storage)?).map_err(Error::internal)).collect()
    }

    /// The file at its beginning, and its number of lines; `None` when nothing was quarantined.
    pub(crate) fn into_file(self) -> Result<Option<(std::fs::File, u64)>> {
        if self.lines == 0 {
            return Ok(None);
        }
        let mut file = self.file.into_inner().map_err(storage)?;
        file.seek(SeekFrom::Start(0)).map_err(storage)?;
        Ok(Some((file, self.lines)))
    }
}
