//! 电子证照目录: the business licence of every entity, and certificates of people.

use crate::batch::Cell::{Date, Text};
use crate::batch::{Rows, or_null};
use crate::city::{AS_OF, SampleCity};
use crate::dice::{Dice, Topic};
use crate::entities::EntityStatus;
use crate::error::Error;
use crate::people::{Person, PersonStatus};
use crate::table::{Column, Kind, optional, required};

pub(crate) const COLUMNS: &[Column] = &[
    required("certificate_number", Kind::Text),
    required("certificate_type", Kind::Text),
    required("holder_type", Kind::Text),
    required("holder_code", Kind::Text),
    required("holder_name", Kind::Text),
    required("authority", Kind::Text),
    required("county_code", Kind::Text),
    required("issued_on", Kind::Date),
    optional("expires_on", Kind::Date),
    required("status", Kind::Text),
];

/// Certificates of people by weight: type, mark, authority, years of validity, youngest holder.
const TYPES: [(u32, (&str, &str, &str, Option<i32>, i32)); 6] = [
    (40, ("居民户口簿", "HK", "公安局", None, 0)),
    (24, ("机动车驾驶证", "JZ", "公安局", Some(6), 18)),
    (16, ("不动产权证书", "BD", "自然资源局", None, 18)),
    (10, ("社会保障卡", "SB", "人力资源和社会保障局", Some(10), 0)),
    (6, ("残疾人证", "CJ", "残疾人联合会", Some(10), 0)),
    (4, ("教师资格证书", "JS", "教育局", None, 22)),
];

/// Entity certificates come first, one each; then certificate `n` of people, held by one of two neighbours.
pub(crate) fn row(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    match number.checked_sub(city.entities()) {
        None => business_licence(city, number, out),
        Some(certificate) => personal(city, certificate, out),
    }
}

fn business_licence(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let entity = city.entity(number);
    let place = entity.place(city);
    let (kind, authority) = match entity.kind.title {
        "机关" => ("统一社会信用代码证书", "机构编制委员会办公室"),
        "事业单位" => ("事业单位法人证书", "机构编制委员会办公室"),
        "社会团体" => ("社会团体法人登记证书", "民政局"),
        "民办非企业单位" => ("民办非企业单位登记证书", "民政局"),
        _ => ("营业执照", "市场监督管理局"),
    };
    let code = entity.credit_code(city);
    let status = if entity.status == EntityStatus::Active { "有效" } else { "失效" };
    out.push(&[
        Text(&format!("99FR{:010}", number + 1)),
        Text(kind),
        Text("法人及非法人组织"),
        Text(code.as_str()),
        Text(&entity.name(city)),
        Text(&[place.county_name, authority].concat()),
        Text(place.county),
        Date(entity.approved),
        or_null(entity.ended, Date),
        Text(status),
    ])
}

fn personal(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::Certificates, number);
    let person = city.person(number * 2 + dice.below(2));
    let (kind, mark, authority, years, youngest) = certificate(&mut dice, &person);
    let place = &city.villages[person.village];
    let earliest = (person.born + youngest * 366).max(AS_OF - 12 * 365).min(AS_OF);
    let issued = dice.between(earliest, AS_OF);
    let expires = years.map(|years| issued + years * 365);
    let lapsed = person.status != PersonStatus::Registered || expires.is_some_and(|day| day < AS_OF);
    out.push(&[
        Text(&format!("99{mark}{:010}", number + 1)),
        Text(kind),
        Text("自然人"),
        Text(person.id_number().as_str()),
        Text(&person.name()),
        Text(&[place.county_name, authority].concat()),
        Text(place.county),
        Date(issued),
        or_null(expires, Date),
        Text(if lapsed { "失效" } else { "有效" }),
    ])
}

/// A type that the person is old enough for; else the household register.
fn certificate(
    dice: &mut Dice,
    person: &Person,
) -> (&'static str, &'static str, &'static str, Option<i32>, i32) {
    let drawn = dice.weighted(&TYPES);
    if person.age(AS_OF) > drawn.4 { drawn } else { TYPES[0].1 }
}
