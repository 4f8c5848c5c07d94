//! The sample city: one seed, one number of people, and everything else follows.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::RecordBatch;
use chrono::NaiveDate;

use crate::batch::Rows;
use crate::boundaries::{Boundary, boundaries};
use crate::dice::{Dice, Lottery};
use crate::entities::{Body, Entity, public_bodies};
use crate::error::Error;
use crate::people::{BLOCK, Person, block, surnames};
use crate::synthetic::CAPACITY;
use crate::table::Table;
use crate::villages::{Village, sizes, villages};

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
    /// The public bodies of all counties, the most important first.
    pub(crate) bodies: Vec<Body>,
    /// Tickets of the village lottery by county code.
    county_shares: BTreeMap<&'static str, u64>,
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
        let bodies = public_bodies(&villages);
        let mut county_shares = BTreeMap::new();
        for village in village_lottery.tickets() {
            *county_shares.entry(villages[village].county).or_default() += 1;
        }
        let surname_lottery = surnames();
        Ok(Self { seed, people, villages, village_lottery, surname_lottery, counties, bodies, county_shares })
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

    /// The share of a county in the people, in [`Lottery::TICKETS`].
    pub(crate) fn county_share(&self, county: &str) -> u64 {
        self.county_shares.get(county).copied().unwrap_or_default()
    }

    /// A registered adult drawn by chance who fits: the first of a drawn block of neighbours.
    ///
    /// What fits must be common, as an age is: it is drawn until found.
    pub(crate) fn adult(&self, dice: &mut Dice, fits: impl Fn(&Person) -> bool) -> Person {
        loop {
            let drawn = dice.below(self.people);
            let mut neighbours = block(self, drawn / BLOCK);
            neighbours.rotate_left((drawn % BLOCK) as usize);
            let fits = |person: &Person| person.index < self.people && person.is_active() && fits(person);
            if let Some(found) = neighbours.into_iter().find(fits) {
                return found;
            }
        }
    }

    /// A business drawn by chance that fits, of an industry among `sections` (letters of GB/T 4754) if the city has one.
    ///
    /// What fits must be common: it is drawn until found.
    pub(crate) fn business(&self, dice: &mut Dice, sections: &str, fits: impl Fn(&Entity) -> bool) -> Entity {
        const PATIENCE: u32 = 400;
        let mut tries = 0;
        loop {
            let entity = self.entity(dice.below(self.entities()));
            let in_section = tries >= PATIENCE || sections.contains(entity.section);
            if in_section && entity.is_business() && fits(&entity) {
                return entity;
            }
            tries += 1;
        }
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
