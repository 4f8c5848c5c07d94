//! 电子证照目录: the business licence of every entity, and certificates of people.

use crate::batch::Cell::{Date, Text};
use crate::batch::{Rows, or_null};
use crate::city::{AS_OF, SampleCity};
use crate::dice::{Dice, Topic};
use crate::entities::EntityStatus;
use crate::error::Error;
use crate::people::PersonStatus;
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

/// A certificate of people.
#[derive(Clone, Copy)]
struct Personal {
    title: &'static str,
    mark: &'static str,
    authority: &'static str,
    /// Years of validity; none for ever.
    years: Option<i32>,
    /// Age of the youngest holder.
    age: i32,
}

const fn personal_kind(
    [title, mark, authority]: [&'static str; 3],
    years: Option<i32>,
    age: i32,
) -> Personal {
    Personal { title, mark, authority, years, age }
}

/// What only the head of a household holds.
const REGISTER: &str = "居民户口簿";
/// What anyone may hold.
const CARD: Personal = personal_kind(["社会保障卡", "SB", "人力资源和社会保障局"], Some(10), 0);

/// Certificates of people by weight.
const PERSONAL: [(u32, Personal); 6] = [
    (40, personal_kind([REGISTER, "HK", "公安局"], None, 18)),
    (24, personal_kind(["机动车驾驶证", "JZ", "公安局"], Some(6), 18)),
    (16, personal_kind(["不动产权证书", "BD", "自然资源局"], None, 18)),
    (10, CARD),
    (6, personal_kind(["残疾人证", "CJ", "残疾人联合会"], Some(10), 0)),
    (4, personal_kind(["教师资格证书", "JS", "教育局"], None, 22)),
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
    let drawn = dice.weighted(&PERSONAL);
    let may_hold = person.age(AS_OF) > drawn.age && (drawn.title != REGISTER || person.is_head());
    let kind = if may_hold { drawn } else { CARD };
    let place = &city.villages[person.village];
    let earliest = (person.born + kind.age * 366).clamp(AS_OF - 12 * 365, AS_OF);
    let issued = dice.between(earliest, AS_OF);
    let expires = kind.years.map(|years| issued + years * 365);
    let lapsed = person.status != PersonStatus::Registered || expires.is_some_and(|day| day < AS_OF);
    out.push(&[
        Text(&format!("99{}{:010}", kind.mark, number + 1)),
        Text(kind.title),
        Text("自然人"),
        Text(person.id_number().as_str()),
        Text(&person.name()),
        Text(&[place.county_name, kind.authority].concat()),
        Text(place.county),
        Date(issued),
        or_null(expires, Date),
        Text(if lapsed { "失效" } else { "有效" }),
    ])
}
