//! Places with a point: schools, medical institutions, scenic spots, bus stops. All synthetic: their codes begin
//! with 99, their points are drawn within the county's outline.

use crate::batch::Cell::{Decimal, Double, Flag, Integer, Text};
use crate::batch::{Cell, Rows};
use crate::city::SampleCity;
use crate::dice::{Dice, Topic};
use crate::entities::first_of;
use crate::error::Error;
use crate::table::{Column, Kind, Table, required};
use crate::villages::Village;

/// Where a synthetic place lies.
struct Site<'a> {
    village: &'a Village,
    address: String,
    point: [f64; 2],
}

impl<'a> Site<'a> {
    fn new(city: &'a SampleCity, dice: &mut Dice, village: usize) -> Self {
        let village = &city.villages[village];
        let address = format!("{}{}号", village.address, dice.between(1, 300));
        Self { village, address, point: point(city, dice, village.county) }
    }

    fn longitude(&self) -> Cell<'static> {
        Double(self.point[0])
    }

    fn latitude(&self) -> Cell<'static> {
        Double(self.point[1])
    }
}

/// A point within a county, near its centre, in degrees of six digits; the centre itself if none is found.
fn point(city: &SampleCity, dice: &mut Dice, county: &str) -> [f64; 2] {
    const REACH: i32 = 250_000;
    let Some(outline) = city.counties.iter().find(|outline| outline.code == county) else { return [0.0; 2] };
    for _ in 0..16 {
        let shift = [dice.around(-REACH, REACH), dice.around(-REACH, REACH)];
        let degrees = |axis: usize| ((outline.centre[axis] * 1e6).round() + f64::from(shift[axis])) / 1e6;
        let point = [degrees(0), degrees(1)];
        if outline.contains(point) {
            return point;
        }
    }
    outline.centre
}

/// Stream of chance of a place: each table has numbers of its own.
fn dice(city: &SampleCity, table: u64, number: u64) -> Dice {
    Dice::new(city.seed(), Topic::Places, number * 4 + table)
}

/// The part of a table that a row falls into, when its rows are cut in shares of a hundred; with the row's number in
/// the part and the part's size.
fn part<T: Copy>(number: u64, rows: u64, shares: &[(u64, T)]) -> Option<(T, u64, u64)> {
    let (mut start, mut percent) = (0, 0);
    for &(share, member) in shares {
        percent += share;
        let end = rows * percent / 100;
        if number < end {
            return Some((member, number - start, end - start));
        }
        start = end;
    }
    None
}

/// A number below 100 in Chinese: 二十三.
fn chinese(number: u64) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let (tens, ones) = (number / 10 % 10, DIGITS[(number % 10) as usize]);
    match tens {
        0 => ones.to_owned(),
        1 => format!("十{ones}"),
        _ => format!("{}十{ones}", DIGITS[tens as usize]),
    }
}

/// Nothing for the first of a name, 第二 and so on for those that follow.
fn ordinal(before: u64) -> String {
    if before == 0 { String::new() } else { format!("第{}", chinese(before + 1)) }
}

pub(crate) const SCHOOLS: &[Column] = &[
    required("school_code", Kind::Text),
    required("name", Kind::Text),
    required("stage", Kind::Text),
    required("ownership", Kind::Text),
    required("county_code", Kind::Text),
    required("street_code", Kind::Text),
    required("address", Kind::Text),
    required("students", Kind::Integer),
    required("teachers", Kind::Integer),
    required("boarding", Kind::Flag),
    required("longitude", Kind::Double),
    required("latitude", Kind::Double),
];

/// A stage of schools: its name, fewest and most students.
type Stage = (&'static str, i32, i32);

/// Stages by their share of schools.
const STAGES: [(u64, Stage); 4] = [
    (5, ("高中", 800, 3_600)),
    (13, ("初中", 300, 2_000)),
    (34, ("小学", 60, 1_600)),
    (48, ("幼儿园", 40, 360)),
];

/// Schools are dealt out by people: high schools among counties, middle schools among streets, the others among
/// villages. They are called after their place and counted there.
pub(crate) fn school(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 0, number);
    let dealt = part(number, city.rows(Table::Schools), &STAGES);
    let ((stage, low, high), own, of) = dealt.unwrap_or((STAGES[3].1, number, number + 1));
    let group = |village: usize| match (stage, &city.villages[village]) {
        ("高中", village) => village.county,
        ("初中", village) => village.street,
        (_, village) => village.code,
    };
    let (village, before) = city.village_lottery.deal(own, of, group);
    let site = Site::new(city, &mut dice, village);
    let Village { county_name, street_name, .. } = site.village;
    let name = match stage {
        "高中" => format!("{county_name}第{}中学", chinese(before + 1)),
        "初中" => format!("{county_name}{}{}中学", site.village.street_stem(), ordinal(before)),
        _ => format!("{county_name}{street_name}{}{}{stage}", site.village.stem(), ordinal(before)),
    };
    let students = dice.around(low, high);
    let private = dice.chance(if stage == "幼儿园" { 45 } else { 6 });
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&name),
        Text(stage),
        Text(if private { "民办" } else { "公办" }),
        Text(site.village.county),
        Text(site.village.street),
        Text(&site.address),
        Integer(i64::from(students)),
        Integer(i64::from(students / dice.between(11, 18) + 2)),
        Flag(stage != "幼儿园" && dice.chance(35)),
        site.longitude(),
        site.latitude(),
    ])
}

pub(crate) const MEDICAL_INSTITUTIONS: &[Column] = &[
    required("institution_code", Kind::Text),
    required("name", Kind::Text),
    required("kind", Kind::Text),
    required("grade", Kind::Text),
    required("county_code", Kind::Text),
    required("street_code", Kind::Text),
    required("address", Kind::Text),
    required("beds", Kind::Integer),
    required("open_all_day", Kind::Flag),
    required("longitude", Kind::Double),
    required("latitude", Kind::Double),
];

/// What a medical institution is, and where.
struct Institution {
    name: String,
    kind: &'static str,
    grade: &'static str,
    beds: (i32, i32),
    village: usize,
}

/// The first rows are the hospitals of the counties in turn, then come the clinics of the streets in turn, then
/// what is dealt out among the villages by people.
fn institution(city: &SampleCity, number: u64) -> Institution {
    let rows = city.rows(Table::MedicalInstitutions);
    let seats: Vec<_> = first_of(&city.villages, |village| village.county).collect();
    let streets: Vec<_> = first_of(&city.villages, |village| village.street).collect();
    let hospitals = (rows / 5).min(3 * seats.len() as u64);
    let clinics = (rows / 4).min(streets.len() as u64);
    if number < hospitals {
        let (village, seat) = seats[number as usize % seats.len()];
        let (title, kind, grade, beds) = match number as usize / seats.len() {
            0 => ("人民医院", "综合医院", "二级甲等", (300, 900)),
            1 => ("中医院", "中医医院", "二级甲等", (150, 500)),
            _ => ("妇幼保健院", "妇幼保健院", "二级乙等", (80, 260)),
        };
        return Institution { name: [seat.county_name, title].concat(), kind, grade, beds, village };
    }
    if let Some(clinic) = number.checked_sub(hospitals).filter(|clinic| *clinic < clinics) {
        let (village, street) = streets[(clinic * streets.len() as u64 / clinics) as usize];
        let (title, kind) = match street.street_name.ends_with("街道") {
            true => ("社区卫生服务中心", "社区卫生服务中心"),
            false => ("卫生院", "乡镇卫生院"),
        };
        let name = [street.county_name, street.street_name, title].concat();
        return Institution { name, kind, grade: "一级甲等", beds: (20, 99), village };
    }
    let (first, rest) = (hospitals + clinics, rows - hospitals - clinics);
    let (village, before) = city.village_lottery.deal(number - first, rest, |village| village);
    let place = &city.villages[village];
    let (kind, beds) =
        if place.is_urban() { ("社区卫生服务站", (0, 12)) } else { ("村卫生室", (0, 4)) };
    let title = if place.is_urban() { "卫生服务站" } else { "卫生室" };
    let Village { county_name, street_name, settlement, .. } = place;
    let name = format!("{county_name}{street_name}{settlement}{}{title}", ordinal(before));
    Institution { name, kind, grade: "未定级", beds, village }
}

pub(crate) fn medical_institution(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 1, number);
    let Institution { name, kind, grade, beds: (fewest, most), village } = institution(city, number);
    let site = Site::new(city, &mut dice, village);
    let beds = dice.around(fewest, most);
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&name),
        Text(kind),
        Text(grade),
        Text(site.village.county),
        Text(site.village.street),
        Text(&site.address),
        Integer(i64::from(beds)),
        Flag(kind.ends_with("医院") || dice.chance(10)),
        site.longitude(),
        site.latitude(),
    ])
}

pub(crate) const SCENIC_SPOTS: &[Column] = &[
    required("spot_code", Kind::Text),
    required("name", Kind::Text),
    required("grade", Kind::Text),
    required("kind", Kind::Text),
    required("county_code", Kind::Text),
    required("address", Kind::Text),
    required("ticket_price", Kind::Decimal),
    required("daily_capacity", Kind::Integer),
    required("longitude", Kind::Double),
    required("latitude", Kind::Double),
];

pub(crate) fn scenic_spot(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 2, number);
    let (village, before) =
        city.village_lottery.deal(number, city.rows(Table::ScenicSpots), |village| village);
    let site = Site::new(city, &mut dice, village);
    let grade = dice.weighted(&[(2, "AAAAA"), (25, "AAAA"), (45, "AAA"), (10, "AA"), (18, "未评级")]);
    let kind = dice.pick(&["森林公园", "湿地公园", "古村落", "溶洞", "红色遗址", "城市公园"]);
    let price = if kind == "城市公园" { 0 } else { i64::from(dice.around(0, 32)) * 500 };
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&format!("{}{}{}{kind}", site.village.county_name, site.village.stem(), ordinal(before))),
        Text(grade),
        Text(kind),
        Text(site.village.county),
        Text(&site.address),
        Decimal(price),
        Integer(i64::from(dice.around(5, 300)) * 100),
        site.longitude(),
        site.latitude(),
    ])
}

pub(crate) const BUS_STOPS: &[Column] = &[
    required("stop_code", Kind::Text),
    required("name", Kind::Text),
    required("lines", Kind::Text),
    required("county_code", Kind::Text),
    required("shelter", Kind::Flag),
    required("longitude", Kind::Double),
    required("latitude", Kind::Double),
];

/// What tells the stops of one place apart.
fn stop(before: u64) -> String {
    const SPOTS: [&str; 8] = ["", "路口", "东", "西", "南", "北", "菜市场", "桥头"];
    match SPOTS.get(before as usize) {
        Some(spot) => (*spot).to_owned(),
        None => format!("{}组", chinese(before - 7)),
    }
}

pub(crate) fn bus_stop(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 3, number);
    let (village, before) = city.village_lottery.deal(number, city.rows(Table::BusStops), |village| village);
    let site = Site::new(city, &mut dice, village);
    let Village { county_name, street_name, .. } = site.village;
    let name = format!("{county_name}{street_name}{}{}", site.village.stem(), stop(before));
    let lines: Vec<String> = (0..dice.between(1, 4)).map(|_| format!("{}路", dice.between(1, 120))).collect();
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&format!("{name}站")),
        Text(&lines.join("、")),
        Text(site.village.county),
        Flag(dice.chance(60)),
        site.longitude(),
        site.latitude(),
    ])
}
