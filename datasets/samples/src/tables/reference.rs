//! Divisions, which are real, and monthly statistics, which are made up.

use crate::batch::Cell::{Date, Decimal, Double, Null, Text};
use crate::batch::Rows;
use crate::city::SampleCity;
use crate::dice::{Dice, Lottery, Topic};
use crate::divisions::Divisions;
use crate::error::Error;
use crate::table::{Column, Kind, optional, required};

pub(crate) const DIVISIONS: &[Column] = &[
    required("code", Kind::Text),
    required("name", Kind::Text),
    required("level", Kind::Text),
    optional("parent_code", Kind::Text),
    required("full_name", Kind::Text),
    optional("longitude", Kind::Double),
    optional("latitude", Kind::Double),
];

pub(crate) fn division(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let divisions = Divisions::load();
    let division = &divisions.all()[number as usize];
    let centre = city.counties.iter().find(|county| county.code == division.code).map(|county| county.centre);
    let degrees = |axis: usize| centre.map_or(Null, |centre| Double(centre[axis]));
    out.push(&[
        Text(&division.code),
        Text(division.name),
        Text(division.level.title()),
        division.parent.as_deref().map_or(Null, Text),
        Text(&divisions.full_name(&division.code)),
        degrees(0),
        degrees(1),
    ])
}

pub(crate) const MONTHLY_STATISTICS: &[Column] = &[
    required("month", Kind::Date),
    required("county_code", Kind::Text),
    required("indicator", Kind::Text),
    required("unit", Kind::Text),
    required("value", Kind::Decimal),
];

/// Indicators with unit and the value of a middling month.
const INDICATORS: [(&str, &str, i32); 6] = [
    ("规模以上工业增加值", "万元", 82_000),
    ("固定资产投资", "万元", 130_000),
    ("社会消费品零售总额", "万元", 96_000),
    ("一般公共预算收入", "万元", 21_000),
    ("全社会用电量", "万千瓦时", 14_500),
    ("新登记经营主体", "户", 620),
];

/// From January 2023 to June 2026.
const MONTHS: u64 = 42;

pub(crate) fn statistics_rows(city: &SampleCity) -> u64 {
    MONTHS * city.counties.len() as u64 * INDICATORS.len() as u64
}

pub(crate) fn statistic(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let indicators = INDICATORS.len() as u64;
    let (indicator, unit, middling) = INDICATORS[(number % indicators) as usize];
    let place = number / indicators;
    let counties = city.counties.len() as u64;
    let (county, month) = ((place % counties) as usize, place / counties);
    let first = chrono::NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default();
    let day = first + chrono::Months::new(month as u32);
    // A county's weight by its people, a growth of about 5 % a year, a month's luck; whole units.
    let weight =
        (city.county_share(&city.counties[county].code) * counties) as i64 * 100 / Lottery::TICKETS as i64;
    let luck = Dice::new(city.seed(), Topic::Statistics, 1_000 + number).between(88, 112);
    let value =
        i64::from(middling) * weight / 100 * (1_000 + month as i64 * 4) / 1_000 * i64::from(luck) / 100;
    out.push(&[
        Date(day.to_epoch_days()),
        Text(&city.counties[county].code),
        Text(indicator),
        Text(unit),
        Decimal(value * 100),
    ])
}
