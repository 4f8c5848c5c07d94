//! The sample city: one seed, one number of people, and everything else follows.

use std::ops::Range;

use arrow::array::RecordBatch;
use chrono::NaiveDate;

use crate::batch::Rows;
use crate::boundaries::{Boundary, boundaries};
use crate::dice::{Dice, Lottery, Topic};
use crate::divisions::{DivisionLevel, Divisions};
use crate::entities::Entity;
use crate::error::Error;
use crate::people::{BLOCK, Person, block, surnames};
use crate::synthetic::CAPACITY;
use crate::table::Table;

/// The prefecture that the sample city is laid over: Jiujiang 九江.
pub const PREFECTURE: &str = "360400";

/// The day on which the sample city stands still: 2026-06-30, in days since 1970-01-01.
pub const AS_OF: i32 = match NaiveDate::from_ymd_opt(2026, 6, 30) {
    Some(day) => day.to_epoch_days(),
    None => 0,
};

/// The smallest city: every table has rows, every county some people.
const SMALLEST: u64 = 1_000;

/// The calendar date of a day since 1970-01-01.
pub(crate) fn date(day: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(day).unwrap_or_default()
}

/// A village or community with what its people's rows say about it.
pub(crate) struct Village {
    pub(crate) code: &'static str,
    pub(crate) street: &'static str,
    pub(crate) county: &'static str,
    pub(crate) county_name: &'static str,
    pub(crate) street_name: &'static str,
    /// Address down to the village: 江西省九江市瑞昌市湓城街道新街社区.
    pub(crate) address: String,
}

/// A deterministic city of a given size over the real divisions of Jiujiang.
///
/// Every person, entity and row is a pure function of seed and number, so any table can name people of any other
/// without holding one, and any batch can be made alone.
pub struct SampleCity {
    seed: u64,
    people: u64,
    pub(crate) villages: Vec<Village>,
    pub(crate) village_lottery: Lottery,
    pub(crate) surname_lottery: Lottery,
    pub(crate) counties: Vec<Boundary>,
}

impl SampleCity {
    /// A city of `people` people.
    ///
    /// # Errors
    /// [`Error::Size`] below 1,000 people or above 160 million.
    pub fn new(seed: u64, people: u64) -> Result<Self, Error> {
        if !(SMALLEST..=CAPACITY).contains(&people) {
            return Err(Error::Size { people, min: SMALLEST, max: CAPACITY });
        }
        let villages = villages();
        let village_lottery = Lottery::new(&sizes(seed, &villages));
        let counties = boundaries(PREFECTURE)?;
        Ok(Self { seed, people, villages, village_lottery, surname_lottery: surnames(), counties })
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The number of people.
    pub fn people(&self) -> u64 {
        self.people
    }

    /// The number of legal entities.
    pub fn entities(&self) -> u64 {
        self.people / 12
    }

    /// The person of a number below [`SampleCity::people`]; larger numbers wrap around.
    pub fn person(&self, index: u64) -> Person {
        let index = index % self.people;
        block(self, index / BLOCK).swap_remove((index % BLOCK) as usize)
    }

    /// The entity of a number below [`SampleCity::entities`]; larger numbers wrap around.
    pub fn entity(&self, index: u64) -> Entity {
        Entity::new(self, index % self.entities())
    }

    /// The number of rows of a table.
    pub fn rows(&self, table: Table) -> u64 {
        table.rows(self)
    }

    /// A table as batches of [`Batches::ROWS`] rows, made one after the other.
    pub fn batches(&self, table: Table) -> Batches<'_> {
        Batches { city: self, table, next: 0 }
    }

    /// The rows of a range of a table; what lies beyond its end is left out.
    ///
    /// # Errors
    /// Only if a generator contradicts its own schema.
    pub fn batch(&self, table: Table, rows: Range<u64>) -> Result<RecordBatch, Error> {
        let end = rows.end.min(self.rows(table));
        let rows = rows.start.min(end)..end;
        let mut out = Rows::new(table, (rows.end - rows.start) as usize);
        table.fill(self, rows, &mut out)?;
        out.finish()
    }

    /// People of a range of numbers, in order, each block made once.
    pub(crate) fn range(&self, people: Range<u64>) -> impl Iterator<Item = Person> {
        let blocks = people.start / BLOCK..people.end.div_ceil(BLOCK);
        blocks.flat_map(|number| block(self, number)).filter(move |person| people.contains(&person.index))
    }

    /// A registered adult drawn by chance.
    pub(crate) fn adult(&self, dice: &mut Dice) -> Person {
        let mut person = self.person(dice.below(self.people));
        while !person.is_active() {
            person = self.person(dice.below(self.people));
        }
        person
    }

    /// An entity drawn by chance, of an industry among `sections` (letters of GB/T 4754) if one is soon found.
    pub(crate) fn any_entity(&self, dice: &mut Dice, sections: &str) -> Entity {
        let mut entity = self.entity(dice.below(self.entities()));
        for _ in 0..64 {
            if sections.contains(entity.section) {
                break;
            }
            entity = self.entity(dice.below(self.entities()));
        }
        entity
    }
}

/// The batches of one table.
pub struct Batches<'a> {
    city: &'a SampleCity,
    table: Table,
    next: u64,
}

impl Batches<'_> {
    /// Rows per batch: bounds the memory of every table.
    pub const ROWS: u64 = 65_536;
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.next;
        self.next += Self::ROWS;
        (start < self.city.rows(self.table)).then(|| self.city.batch(self.table, start..self.next))
    }
}

/// Every village of the prefecture.
fn villages() -> Vec<Village> {
    let divisions = Divisions::load();
    let name = |code| divisions.get(code).map_or("", |division| division.name);
    let ours = |code: &str| code.starts_with(&PREFECTURE[..4]);
    let villages =
        divisions.all().iter().filter(|one| one.level == DivisionLevel::Village && ours(&one.code));
    villages
        .map(|village| {
            let (street, county) = (&village.code[..9], &village.code[..6]);
            let address = divisions.full_name(street) + &settlement(village.name);
            Village {
                code: &village.code,
                street,
                county,
                county_name: name(county),
                street_name: name(street),
                address,
            }
        })
        .collect()
}

/// The place that a committee looks after: 瑞丰村 of 瑞丰村委会, 新街社区 of 新街居委会 or 新街社区居民委员会.
fn settlement(committee: &str) -> String {
    let village = ["村民委员会", "村委会"].iter().find_map(|suffix| committee.strip_suffix(suffix));
    let community = ["居民委员会", "居委会"].iter().find_map(|suffix| committee.strip_suffix(suffix));
    match (village, community) {
        (Some(name), _) => format!("{name}村"),
        (_, Some(name)) if name.ends_with("社区") => name.to_owned(),
        (_, Some(name)) => format!("{name}社区"),
        _ => committee.to_owned(),
    }
}

/// How many live in each village, relative to each other: communities of towns are larger than villages, streets
/// 街道 than towns 镇 than townships 乡, and each place has its own luck.
fn sizes(seed: u64, villages: &[Village]) -> Vec<u64> {
    let size = |(place, village): (usize, &Village)| {
        let street: u64 = village.street.parse().unwrap_or_default();
        let town = 1 + u64::from(Dice::new(seed, Topic::Streets, street).heads(6));
        let luck = 8 + u64::from(Dice::new(seed, Topic::Villages, place as u64).heads(24));
        let urban = if village.address.ends_with("社区") { 3 } else { 1 };
        let rank = match village.street_name {
            name if name.ends_with("街道") => 4,
            name if name.ends_with('镇') => 3,
            name if name.ends_with('乡') => 2,
            _ => 1,
        };
        town * luck * urban * rank
    };
    villages.iter().enumerate().map(size).collect()
}
