//! 社会信用: penalties, licences, lists of the dishonest and the honest.

mod cases;

use chrono::Datelike;

use crate::batch::Cell::{Date, Decimal, Flag, Null, Text};
use crate::batch::{Cell, Rows, or_null};
use crate::city::{AS_OF, SampleCity, date};
use crate::dice::{Dice, Topic};
use crate::entities::Entity;
use crate::error::Error;
use crate::people::Person;
use crate::synthetic::Code18;
use crate::table::{Column, Kind, optional, required};
use crate::villages::Village;
use cases::{ANY, CASES, HONOURS, LISTINGS, PERMITS};

/// The first day of penalties and lists: five years.
const RECENT: i32 = AS_OF - 5 * 365;
/// The first day of licences.
const LICENSED: i32 = AS_OF - 8 * 365;
/// The first day of honours.
const HONOURED: i32 = AS_OF - 4 * 365;

/// Whether an entity may be on a list of the dishonest; on that of the honest are only others, so that no one is on both.
fn may_be_listed(entity: &Entity) -> bool {
    entity.index.is_multiple_of(5)
}

/// The one a record of credit is about.
enum Party {
    Person(Person),
    Entity(Entity),
}

impl Party {
    /// A natural person where no industry is named, else a business on which an authority may act since a day.
    fn draw(
        city: &SampleCity,
        dice: &mut Dice,
        sections: Option<&str>,
        fits: impl Fn(&Entity) -> bool,
    ) -> Self {
        let fits = |entity: &Entity| entity.days(RECENT).is_some() && fits(entity);
        match sections {
            Some(sections) => Self::Entity(city.business(dice, sections, fits)),
            None => Self::Person(city.adult(dice, |person| person.age(AS_OF) > 18)),
        }
    }

    fn title(&self) -> &'static str {
        if matches!(self, Self::Person(_)) { "自然人" } else { "法人及非法人组织" }
    }

    fn name(&self, city: &SampleCity) -> String {
        match self {
            Self::Person(person) => person.name(),
            Self::Entity(entity) => entity.name(city),
        }
    }

    /// Credit code and identity number: one of the two.
    fn codes(&self, city: &SampleCity) -> (Option<Code18>, Option<Code18>) {
        match self {
            Self::Person(person) => (None, Some(person.id_number())),
            Self::Entity(entity) => (Some(entity.credit_code(city)), None),
        }
    }

    fn place<'a>(&self, city: &'a SampleCity) -> &'a Village {
        match self {
            Self::Person(person) => &city.villages[person.village],
            Self::Entity(entity) => entity.place(city),
        }
    }

    /// A day of the last five years on which the party was there and of age.
    fn day(&self, dice: &mut Dice) -> i32 {
        let of_age = |person: &Person| (RECENT.max(person.born + 18 * 366 + 120), AS_OF);
        let (first, last) = match self {
            Self::Person(person) => of_age(person),
            Self::Entity(entity) => entity.days(RECENT).unwrap_or((AS_OF, AS_OF)),
        };
        dice.between(first, last)
    }
}

/// A code's cell.
fn code(code: Option<&Code18>) -> Cell<'_> {
    or_null(code, |code| Text(code.as_str()))
}

pub(crate) const PENALTIES: &[Column] = &[
    required("decision_number", Kind::Text),
    required("case_name", Kind::Text),
    required("party_type", Kind::Text),
    required("party_name", Kind::Text),
    optional("credit_code", Kind::Text),
    optional("id_number", Kind::Text),
    optional("legal_representative", Kind::Text),
    required("facts", Kind::Text),
    required("kind", Kind::Text),
    required("basis", Kind::Text),
    required("performance", Kind::Text),
    optional("amount", Kind::Decimal),
    required("authority", Kind::Text),
    required("county_code", Kind::Text),
    required("decided_on", Kind::Date),
    required("public_influence", Kind::Flag),
];

pub(crate) fn penalty(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::Penalties, number);
    let case = dice.weighted(&CASES);
    let party = Party::draw(city, &mut dice, case.sections, |_| true);
    let place = party.place(city);
    let decided = party.day(&mut dice);
    let name = party.name(city);
    let (credit_code, id_number) = party.codes(city);
    let representative = match &party {
        Party::Entity(entity) => Some(entity.representative(city).name()),
        Party::Person(_) => None,
    };
    let yuan = case.fine.map(|(low, high)| i64::from(dice.around(low / 100, high / 100)) * 100);
    let kind = if yuan.is_some() { case.kind } else { "警告" };
    let performance = if yuan.is_some() {
        "自收到决定书之日起十五日内到指定银行或者通过电子支付系统缴纳罚款"
    } else {
        "当场履行"
    };
    out.push(&[
        Text(&format!("{}{}罚〔{}〕{:07}号", place.county_name, case.mark, date(decided).year(), number + 1)),
        Text(&format!("{name}{}案", case.title)),
        Text(party.title()),
        Text(&name),
        code(credit_code.as_ref()),
        code(id_number.as_ref()),
        or_null(representative.as_deref(), Text),
        Text(&format!(
            "经查，当事人于{}{}",
            date(decided - dice.between(20, 120)).format("%Y年%m月%d日"),
            case.facts
        )),
        Text(kind),
        Text(case.basis),
        Text(performance),
        or_null(yuan, |yuan| Decimal(yuan * 100)),
        Text(&[place.county_name, case.authority].concat()),
        Text(place.county),
        Date(decided),
        Flag(dice.chance(70)),
    ])
}

pub(crate) const LICENCES: &[Column] = &[
    required("licence_number", Kind::Text),
    required("matter", Kind::Text),
    required("party_name", Kind::Text),
    required("credit_code", Kind::Text),
    required("content", Kind::Text),
    required("authority", Kind::Text),
    required("county_code", Kind::Text),
    required("granted_on", Kind::Date),
    required("valid_until", Kind::Date),
    required("status", Kind::Text),
];

pub(crate) fn licence(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::Licences, number);
    let permit = dice.weighted(&PERMITS);
    let entity = city.business(&mut dice, permit.sections, |entity| entity.days(LICENSED).is_some());
    let place = entity.place(city);
    let (first, last) = entity.days(LICENSED).unwrap_or((AS_OF, AS_OF));
    let granted = dice.between(first, last);
    let valid_until = granted + permit.years * 365;
    let status = if entity.ended.is_some() {
        "注销"
    } else if valid_until < AS_OF {
        "过期"
    } else {
        "有效"
    };
    out.push(&[
        Text(&format!("99{}{:08}", permit.mark, number + 1)),
        Text(permit.matter),
        Text(&entity.name(city)),
        Text(entity.credit_code(city).as_str()),
        Text(permit.content),
        Text(&[place.county_name, permit.authority].concat()),
        Text(place.county),
        Date(granted),
        Date(valid_until),
        Text(status),
    ])
}

pub(crate) const DISHONEST: &[Column] = &[
    required("record_number", Kind::Text),
    required("list_name", Kind::Text),
    required("party_type", Kind::Text),
    required("party_name", Kind::Text),
    optional("credit_code", Kind::Text),
    optional("id_number", Kind::Text),
    required("reason", Kind::Text),
    required("authority", Kind::Text),
    required("county_code", Kind::Text),
    required("listed_on", Kind::Date),
    optional("removed_on", Kind::Date),
    required("status", Kind::Text),
];

pub(crate) fn dishonest(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::Dishonest, number);
    let listing = dice.weighted(&LISTINGS);
    let party = Party::draw(city, &mut dice, listing.sections, may_be_listed);
    let place = party.place(city);
    let listed = party.day(&mut dice);
    let removed = dice.chance(25).then(|| dice.between(listed, AS_OF));
    let (credit_code, id_number) = party.codes(city);
    out.push(&[
        Text(&format!("99SX{:08}", number + 1)),
        Text(listing.list),
        Text(party.title()),
        Text(&party.name(city)),
        code(credit_code.as_ref()),
        code(id_number.as_ref()),
        Text(listing.reason),
        Text(&[place.county_name, listing.authority].concat()),
        Text(place.county),
        Date(listed),
        removed.map_or(Null, Date),
        Text(if removed.is_some() { "已移出" } else { "在列" }),
    ])
}

pub(crate) const HONEST: &[Column] = &[
    required("record_number", Kind::Text),
    required("honour", Kind::Text),
    required("party_name", Kind::Text),
    required("credit_code", Kind::Text),
    required("year", Kind::Integer),
    required("authority", Kind::Text),
    required("county_code", Kind::Text),
    required("recognised_on", Kind::Date),
];

pub(crate) fn honest(city: &SampleCity, number: u64, out: &mut Rows) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed(), Topic::Honest, number);
    let (honour, authority) = dice.weighted(&HONOURS);
    let entity = city.business(&mut dice, ANY, |entity| {
        entity.capital.is_some() && !may_be_listed(entity) && entity.days(HONOURED).is_some()
    });
    let place = entity.place(city);
    let (first, last) = entity.days(HONOURED).unwrap_or((AS_OF, AS_OF));
    let recognised = dice.between(first, last);
    out.push(&[
        Text(&format!("99HM{:08}", number + 1)),
        Text(honour),
        Text(&entity.name(city)),
        Text(entity.credit_code(city).as_str()),
        Cell::Integer(i64::from(date(recognised).year())),
        Text(&[place.county_name, authority].concat()),
        Text(place.county),
        Date(recognised),
    ])
}
