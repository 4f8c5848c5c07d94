//! Places with a point: schools, medical institutions, scenic spots, bus stops. All synthetic: their codes begin
//! with 99, their points are drawn within the county's outline.

use crate::batch::Cell::{Decimal, Double, Flag, Integer, Text};
use crate::batch::{Cell, Rows};
use crate::city::{SampleCity, Village};
use crate::dice::{Dice, Topic};
use crate::error::Error;
use crate::table::{Column, Kind, required};

/// Where a synthetic place lies.
struct Site<'a> {
    village: &'a Village,
    address: String,
    point: [f64; 2],
}

impl<'a> Site<'a> {
    fn draw(city: &'a SampleCity, dice: &mut Dice) -> Self {
        let village = &city.villages[dice.draw(&city.village_lottery)];
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

pub(crate) fn school(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 0, number);
    let site = Site::draw(city, &mut dice);
    let (stage, low, high) = dice.weighted(&[
        (48, ("幼儿园", 40, 360)),
        (34, ("小学", 60, 1_600)),
        (13, ("初中", 300, 2_000)),
        (5, ("高中", 800, 3_600)),
    ]);
    let students = dice.around(low, high);
    let private = dice.chance(if stage == "幼儿园" { 45 } else { 6 });
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&format!(
            "{}{}第{}{stage}",
            site.village.county_name,
            site.village.street_name,
            number % 30 + 1
        )),
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

pub(crate) fn medical_institution(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 1, number);
    let site = Site::draw(city, &mut dice);
    let (kind, beds) = dice.weighted(&[
        (62, ("村卫生室", 0)),
        (22, ("社区卫生服务站", 12)),
        (11, ("乡镇卫生院", 80)),
        (5, ("综合医院", 900)),
    ]);
    let grade = match kind {
        "综合医院" => dice.weighted(&[(1, "三级甲等"), (4, "二级甲等"), (3, "二级乙等")]),
        "乡镇卫生院" => "一级甲等",
        _ => "未定级",
    };
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&format!("{}{}第{}{kind}", site.village.county_name, site.village.street_name, number % 50 + 1)),
        Text(kind),
        Text(grade),
        Text(site.village.county),
        Text(site.village.street),
        Text(&site.address),
        Integer(i64::from(dice.around(beds / 3, beds))),
        Flag(kind == "综合医院" || dice.chance(10)),
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
    let site = Site::draw(city, &mut dice);
    let grade = dice.weighted(&[(2, "AAAAA"), (25, "AAAA"), (45, "AAA"), (10, "AA"), (18, "未评级")]);
    let kind = dice.pick(&["森林公园", "湿地公园", "古村落", "溶洞", "红色遗址", "城市公园"]);
    let price = if kind == "城市公园" { 0 } else { i64::from(dice.around(0, 32)) * 500 };
    out.push(&[
        Text(&format!("99{:08}", number + 1)),
        Text(&format!("{}{}示例{kind}{}号", site.village.county_name, site.village.street_name, number + 1)),
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

pub(crate) fn bus_stop(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = dice(city, 3, number);
    let site = Site::draw(city, &mut dice);
    let name = site.address.strip_prefix("江西省九江市").unwrap_or(&site.address);
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
