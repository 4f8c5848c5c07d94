//! Administrative divisions 行政区划: real codes and names, and the table of county codes that were given up.

use std::collections::HashMap;
use std::sync::LazyLock;

use catalog_core::identity::{self, DivisionTable};

const PROVINCES: &str = include_str!("../data/divisions/provinces.csv");
const CITIES: &str = include_str!("../data/divisions/cities.csv");
const AREAS: &str = include_str!("../data/divisions/areas.csv");
const STREETS: &str = include_str!("../data/divisions/streets.csv");
const VILLAGES: &str = include_str!("../data/divisions/villages.csv");
const SUCCESSIONS: &str = include_str!("../data/divisions/successions.csv");

static DIVISIONS: LazyLock<Divisions> = LazyLock::new(Divisions::read);

/// The level of a division, from the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DivisionLevel {
    /// 省级: 6 digits of which the last 4 are 0
    Province,
    /// 地级: 6 digits of which the last 2 are 0
    Prefecture,
    /// 县级: 6 digits
    County,
    /// 乡级: 9 digits
    Street,
    /// 村级: 12 digits
    Village,
}

impl DivisionLevel {
    /// The level's Chinese name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Province => "省级",
            Self::Prefecture => "地级",
            Self::County => "县级",
            Self::Street => "乡级",
            Self::Village => "村级",
        }
    }
}

/// One division of the statistics bureau's table of 2023-06-30.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    /// Code of 6 (GB/T 2260), 9 or 12 digits, by level.
    pub code: String,
    /// Its own name, without those of the levels above.
    pub name: &'static str,
    /// Its level.
    pub level: DivisionLevel,
    /// Code of the division above; `None` for a province.
    pub parent: Option<String>,
}

/// A county code that was given up, and the one that replaced it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Succession {
    /// The former code.
    pub old_code: &'static str,
    /// Its name.
    pub old_name: &'static str,
    /// The code in force since `year`.
    pub new_code: &'static str,
    /// Its name.
    pub new_name: &'static str,
    /// The first year of the new code.
    pub year: u16,
}

/// All divisions of China down to the street, villages of the prefectures 3604, 4202 and 4504.
pub struct Divisions {
    all: Vec<Division>,
    places: HashMap<String, usize>,
    successions: Vec<Succession>,
}

impl Divisions {
    /// The table, read once from the data in this crate.
    pub fn load() -> &'static Self {
        &DIVISIONS
    }

    /// Every division, level by level and in order of codes.
    pub fn all(&self) -> &[Division] {
        &self.all
    }

    /// The division of a code that is in force.
    pub fn get(&self, code: &str) -> Option<&Division> {
        self.places.get(code).map(|place| &self.all[*place])
    }

    /// The divisions directly below a code.
    pub fn children<'a>(&'a self, code: &'a str) -> impl Iterator<Item = &'a Division> {
        self.all.iter().filter(move |division| division.parent.as_deref() == Some(code))
    }

    /// Names of all levels down to this one, as in an address: 江西省九江市瑞昌市湓城街道. A name that begins with that of
    /// the level above does not repeat it: 九江市都昌县良种场.
    pub fn full_name(&self, code: &str) -> String {
        let Some(division) = self.get(code) else { return String::new() };
        let Some(parent) = division.parent.as_deref().and_then(|code| self.get(code)) else {
            return division.name.to_owned();
        };
        let own = division.name.strip_prefix(parent.name).filter(|own| own.chars().count() > 1);
        self.full_name(&parent.code) + own.unwrap_or(division.name)
    }

    /// County codes that were given up.
    pub fn successions(&self) -> &[Succession] {
        &self.successions
    }

    /// The code now in force for a county code of any year; a code in force is its own.
    pub fn present_code<'a>(&self, code: &'a str) -> &'a str {
        self.successions.iter().find(|change| change.old_code == code).map_or(code, |change| change.new_code)
    }

    /// The divisions with the years of their codes, for the check of division codes. A code whose beginning is not
    /// in the table of successions counts as old as the first edition of GB/T 2260.
    pub fn with_years(&self) -> DivisionTable {
        const FIRST_EDITION: u16 = 1980;
        let since = |code: &str| {
            let change = self.successions.iter().find(|change| change.new_code == code);
            change.map_or(FIRST_EDITION, |change| change.year)
        };
        let present = self.all.iter().map(|division| identity::Division {
            code: division.code.clone(),
            name: division.name.to_owned(),
            valid_from: since(&division.code),
            valid_to: None,
        });
        let former = self.successions.iter().map(|change| identity::Division {
            code: change.old_code.to_owned(),
            name: change.old_name.to_owned(),
            valid_from: FIRST_EDITION,
            valid_to: Some(change.year - 1),
        });
        present.chain(former).collect()
    }

    fn read() -> Self {
        let levels = [
            (PROVINCES, DivisionLevel::Province, None),
            (CITIES, DivisionLevel::Prefecture, Some(2)),
            (AREAS, DivisionLevel::County, Some(2)),
            (STREETS, DivisionLevel::Street, Some(2)),
            (VILLAGES, DivisionLevel::Village, Some(2)),
        ];
        let mut all: Vec<Division> = Vec::new();
        let mut places = HashMap::new();
        for (table, level, parent) in levels {
            for row in rows(table) {
                let parent = parent.and_then(|column: usize| row.get(column)).map(|code| six_digits(code));
                let division = Division { code: six_digits(row[0]), name: row[1], level, parent };
                // A city without counties stands in the source a second time, as its own county.
                if !places.contains_key(&division.code) {
                    places.insert(division.code.clone(), all.len());
                    all.push(division);
                }
            }
        }
        let successions = rows(SUCCESSIONS)
            .map(|row| Succession {
                old_code: row[0],
                old_name: row[1],
                new_code: row[2],
                new_name: row[3],
                year: row[4].parse().unwrap_or_default(),
            })
            .collect();
        Self { all, places, successions }
    }
}

/// The rows of an embedded table without its header; no value holds a comma or a line break.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split(',').map(|value| value.trim_matches('"')).collect())
}

/// The code with the zeros that the source leaves out for provinces and prefectures.
fn six_digits(code: &str) -> String {
    format!("{code:0<6}")
}
