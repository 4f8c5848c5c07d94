//! 社会保险参保信息: one row per person, with the employer of those who have one.

use std::ops::Range;

use crate::batch::Cell::{Date, Decimal, Integer, Null, Text};
use crate::batch::Rows;
use crate::city::{AS_OF, SampleCity};
use crate::dice::{Dice, Topic};
use crate::entities::{Entity, EntityStatus};
use crate::error::Error;
use crate::people::{Person, PersonStatus, Sex};
use crate::table::{Column, Kind, optional, required};

pub(crate) const COLUMNS: &[Column] = &[
    required("id_number", Kind::Text),
    required("insurance_kind", Kind::Text),
    optional("employer_code", Kind::Text),
    optional("employer_name", Kind::Text),
    required("county_code", Kind::Text),
    required("joined_on", Kind::Date),
    required("months_paid", Kind::Integer),
    optional("contribution_base", Kind::Decimal),
    required("status", Kind::Text),
];

/// 2009-09-01, when the pension for rural residents began, in days since 1970-01-01.
const RESIDENTS_PENSION: i32 = 14_488;
/// Average days of a month, in hundredths.
const MONTH: i32 = 3_044;

pub(crate) fn fill(city: &SampleCity, rows: Range<u64>, out: &mut Rows) -> Result<(), Error> {
    city.range(rows).try_for_each(|person| row(city, &person, out))
}

fn row(city: &SampleCity, person: &Person, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::SocialSecurity, person.index);
    let age = person.age(AS_OF);
    let retirement = if person.sex == Sex::Male { 60 } else { 55 };
    let works = (20..retirement).contains(&age) && person.is_active() && dice.chance(52);
    let employer = if works { employer(city, &mut dice, person) } else { None };
    let county = city.villages[person.village].county;
    let (kind, youngest, begun) = match (&employer, age) {
        (Some(_), _) => ("城镇职工基本养老保险", 18, AS_OF - 25 * 365),
        (None, 16..) => ("城乡居民基本养老保险", 16, RESIDENTS_PENSION),
        (None, _) => ("城乡居民基本医疗保险", 0, RESIDENTS_PENSION),
    };
    let birthday = |age: i32| person.born + age * 366;
    let earliest = birthday(youngest).clamp(begun, AS_OF);
    // Who was near sixty when the scheme began joined within its first years, and has nothing more to pay.
    let last_paid = if employer.is_none() { birthday(60).min(AS_OF) } else { AS_OF };
    let joined = dice.between(earliest, last_paid.max(earliest + 3 * 365).min(AS_OF));
    let months = (last_paid - joined).max(0) * 100 / MONTH;
    let status = match person.status {
        PersonStatus::Registered if employer.is_none() && age >= 60 => "待遇享受",
        PersonStatus::Registered => "正常参保",
        PersonStatus::MovedAway | PersonStatus::Deceased => "终止参保",
    };
    // Contribution bases are hundreds of yuan around the average wage.
    let base = employer.as_ref().map(|_| (42 + i64::from(dice.heads(20)) * 3) * 10_000);
    let employer = employer.map(|employer| (employer.credit_code(city), employer.name(city)));
    let (code, name) = match &employer {
        Some((code, name)) => (Text(code.as_str()), Text(name.as_str())),
        None => (Null, Null),
    };
    out.push(&[
        Text(person.id_number().as_str()),
        Text(kind),
        code,
        name,
        Text(county),
        Date(joined),
        Integer(i64::from(months)),
        base.map_or(Null, Decimal),
        Text(status),
    ])
}

/// An active employer, if possible of the person's county; few employ many.
fn employer(city: &SampleCity, dice: &mut Dice, person: &Person) -> Option<Entity> {
    let county = city.villages[person.village].county;
    let mut found = None;
    for _ in 0..12 {
        let few = dice.below(city.entities()) + 1;
        let entity = city.entity(dice.below(few));
        if entity.kind.employs && entity.status == EntityStatus::Active {
            if entity.place(city).county == county {
                return Some(entity);
            }
            found = Some(entity);
        }
    }
    found
}
