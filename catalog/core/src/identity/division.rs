//! Administrative division codes 行政区划代码 and the years in which they are valid.

use std::collections::HashMap;

/// Whether the text has the shape of a division code: 6 digits (county and above), 9 (township) or 12 (village).
pub fn is_division_code(text: &str) -> bool {
    matches!(text.len(), 6 | 9 | 12) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// One division under one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Code of 6, 9 or 12 digits.
    pub code: String,
    /// Name: 柴桑区.
    pub name: String,
    /// First year in which the code is valid.
    pub valid_from: u16,
    /// Last year in which it is valid; `None` while it is in force.
    pub valid_to: Option<u16>,
}

/// The divisions that are known, by code. A code may come back under another name.
#[derive(Debug, Clone, Default)]
pub struct DivisionTable {
    by_code: HashMap<String, Vec<Division>>,
}

impl FromIterator<Division> for DivisionTable {
    fn from_iter<T: IntoIterator<Item = Division>>(divisions: T) -> Self {
        let mut by_code: HashMap<String, Vec<Division>> = HashMap::new();
        for division in divisions {
            by_code.entry(division.code.clone()).or_default().push(division);
        }
        Self { by_code }
    }
}

impl DivisionTable {
    /// The division that carries the code in the year.
    pub fn lookup(&self, code: &str, year: u16) -> Option<&Division> {
        let in_force = |division: &&Division| {
            division.valid_from <= year && division.valid_to.is_none_or(|last| year <= last)
        };
        self.by_code.get(code)?.iter().find(in_force)
    }

    /// Whether the code is in the table for any year: tells a code out of date from one that never was.
    pub fn knows(&self, code: &str) -> bool {
        self.by_code.contains_key(code)
    }
}
