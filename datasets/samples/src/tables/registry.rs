//! 人口 and 法人单位: the two registers that all other tables refer to.

use std::fmt::Write;
use std::ops::Range;

use crate::batch::Cell::{Date, Decimal, Text, Time};
use crate::batch::{Rows, or_null};
use crate::city::{AS_OF, SampleCity};
use crate::error::Error;
use crate::people::Person;
use crate::table::{Column, Kind, optional, required};

pub(crate) const POPULATION: &[Column] = &[
    required("id_number", Kind::Text),
    required("name", Kind::Text),
    required("sex", Kind::Text),
    required("birth_date", Kind::Date),
    required("ethnicity", Kind::Text),
    required("marital_status", Kind::Text),
    required("county_code", Kind::Text),
    required("street_code", Kind::Text),
    required("village_code", Kind::Text),
    required("address", Kind::Text),
    required("household_number", Kind::Text),
    required("household_relation", Kind::Text),
    required("status", Kind::Text),
    required("updated_at", Kind::Time),
];

pub(crate) fn population(city: &SampleCity, rows: Range<u64>, out: &mut Rows) -> Result<(), Error> {
    let (mut address, mut household) = (String::new(), String::new());
    for person in city.range(rows) {
        let village = &city.villages[person.village];
        address.clear();
        household.clear();
        // Writing to a String cannot fail.
        let _ = write!(address, "{}{}号", village.address, person.household * 7 % 399 + 1);
        let _ = write!(household, "99{:09}", person.household);
        out.push(&[
            Text(person.id_number().as_str()),
            Text(&person.name()),
            Text(person.sex.title()),
            Date(person.born),
            Text(person.ethnicity),
            Text(person.marital),
            Text(village.county),
            Text(village.street),
            Text(village.code),
            Text(&address),
            Text(&household),
            Text(person.relation),
            Text(person.status.title()),
            Time(updated_at(&person)),
        ])?;
    }
    Ok(())
}

/// A time of the three years before the city's day, after the birth, spread by the person's number.
fn updated_at(person: &Person) -> i64 {
    let days = (AS_OF - person.born).clamp(1, 3 * 365) as u64;
    let ago = (person.index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % (days * 86_400);
    (i64::from(AS_OF) * 86_400 - ago as i64) * 1_000_000
}

pub(crate) const LEGAL_ENTITIES: &[Column] = &[
    required("credit_code", Kind::Text),
    required("name", Kind::Text),
    required("entity_type", Kind::Text),
    required("industry_section", Kind::Text),
    required("industry_name", Kind::Text),
    required("representative_id", Kind::Text),
    required("representative_name", Kind::Text),
    optional("registered_capital", Kind::Decimal),
    required("county_code", Kind::Text),
    required("street_code", Kind::Text),
    required("address", Kind::Text),
    required("established_on", Kind::Date),
    required("approved_on", Kind::Date),
    optional("ended_on", Kind::Date),
    required("status", Kind::Text),
];

pub(crate) fn legal_entity(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let entity = city.entity(number);
    let village = entity.place(city);
    let representative = entity.representative(city);
    out.push(&[
        Text(entity.credit_code(city).as_str()),
        Text(&entity.name(city)),
        Text(entity.kind.title),
        Text(entity.section),
        Text(entity.industry),
        Text(representative.id_number().as_str()),
        Text(&representative.name()),
        or_null(entity.capital, Decimal),
        Text(village.county),
        Text(village.street),
        Text(&format!("{}{}号", village.address, entity.house)),
        Date(entity.established),
        Date(entity.approved),
        or_null(entity.ended, Date),
        Text(entity.status.title()),
    ])
}
