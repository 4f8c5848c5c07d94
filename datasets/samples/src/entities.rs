//! Legal entities 法人单位: pure functions of the seed and the entity's number.

mod bodies;
pub(crate) mod words;

use crate::city::{AS_OF, SampleCity};
use crate::dice::{Dice, Topic};
use crate::people::Person;
use crate::synthetic::{Code18, credit_code};
use crate::villages::Village;
pub(crate) use bodies::{Body, first_of, public_bodies};
use words::{INDIVIDUAL, INDUSTRIES, KINDS, Kind, PRIVATE, TRADE, shop};

/// Registered capital in ten thousands of yuan: round figures on a logarithmic scale, drawn by a bell curve.
const CAPITAL: [i64; 23] = [
    1, 2, 3, 5, 8, 10, 20, 30, 50, 80, 100, 200, 300, 500, 800, 1_000, 2_000, 3_000, 5_000, 8_000, 10_000,
    20_000, 50_000,
];

/// State of an entity 登记状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityStatus {
    /// 存续
    Active,
    /// 注销
    Cancelled,
    /// 吊销
    Revoked,
}

impl EntityStatus {
    /// The state's Chinese name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Active => "存续",
            Self::Cancelled => "注销",
            Self::Revoked => "吊销",
        }
    }
}

/// One synthetic legal entity.
#[derive(Debug, Clone)]
pub struct Entity {
    /// Number within the city, from 0.
    pub index: u64,
    /// Establishment date 成立日期, days since 1970-01-01.
    pub established: i32,
    /// Date of the last approval 核准日期.
    pub approved: i32,
    /// Date of cancellation or revocation 注销/吊销日期.
    pub ended: Option<i32>,
    /// State.
    pub status: EntityStatus,
    /// Registered capital 注册资本 in fen (hundredths of a yuan).
    pub capital: Option<i64>,
    /// Section letter of GB/T 4754.
    pub section: &'static str,
    /// Name of the section.
    pub industry: &'static str,
    pub(crate) kind: &'static Kind,
    pub(crate) village: usize,
    pub(crate) house: i32,
    word: &'static str,
    trade: [&'static str; 2],
}

/// One entity in so many is a public body, as long as there are any.
const BODY_EVERY: u64 = 20;
/// Nobody is punished, licensed or listed earlier than this many days after the establishment.
const SETTLED: i32 = 120;

impl Entity {
    /// The entity of a number: the same for the same city and number.
    pub(crate) fn new(city: &SampleCity, index: u64) -> Self {
        let dice = Dice::new(city.seed(), Topic::Entities, index);
        let body = (index % BODY_EVERY == 7).then_some((index / BODY_EVERY) as usize);
        match body.and_then(|place| city.bodies.get(place)) {
            Some(body) => Self::public(index, body, dice),
            None => Self::private(city, index, dice),
        }
    }

    fn public(index: u64, body: &Body, mut dice: Dice) -> Self {
        let established = AS_OF - dice.between(600, 9_000);
        Self {
            index,
            established,
            approved: dice.between(established, AS_OF),
            ended: None,
            status: EntityStatus::Active,
            capital: None,
            section: body.section,
            industry: industry(body.section),
            kind: body.kind,
            village: body.village,
            house: dice.between(1, 399),
            word: "",
            trade: ["", ""],
        }
    }

    fn private(city: &SampleCity, index: u64, mut dice: Dice) -> Self {
        let kind = &KINDS[weighted_place(&mut dice, KINDS.iter().map(|(share, _)| *share))].1;
        let (section, industry, word) = trade_of(kind, &mut dice);
        let mut character = || {
            let start = dice.between(0, TRADE.len() as i32 / 3 - 1) as usize * 3;
            &TRADE[start..start + 3]
        };
        let trade = [character(), character()];
        // The younger, the more: a count of days drawn below a drawn count.
        let span = 100 + dice.below(13_000);
        let established = AS_OF - 30 - dice.below(span) as i32;
        let approved = dice.between(established, AS_OF);
        let status = dice.weighted(&[
            (83, EntityStatus::Active),
            (14, EntityStatus::Cancelled),
            (3, EntityStatus::Revoked),
        ]);
        let ended = (status != EntityStatus::Active).then(|| dice.between(approved, AS_OF));
        let capital = kind.capital.then(|| CAPITAL[dice.heads(22) as usize] * 1_000_000);
        let village = dice.draw(&city.village_lottery);
        let house = dice.between(1, 399);
        Self {
            index,
            established,
            approved,
            ended,
            status,
            capital,
            section,
            industry,
            kind,
            village,
            house,
            word,
            trade,
        }
    }

    /// Unified social credit code 统一社会信用代码, valid and synthetic.
    pub fn credit_code(&self, city: &SampleCity) -> Code18 {
        credit_code(self.index, self.kind.prefix, self.place(city).county)
    }

    /// Full name 名称.
    pub fn name(&self, city: &SampleCity) -> String {
        if self.is_public() {
            return city.bodies[(self.index / BODY_EVERY) as usize].name.clone();
        }
        let county = self.place(city).county_name;
        let suffix = if self.is_individual() { shop(self.section, self.word) } else { self.kind.suffix };
        [county, self.trade[0], self.trade[1], self.word, suffix].concat()
    }

    /// The legal representative 法定代表人: a registered adult of the same city, of age when the entity was established;
    /// of a public body nobody beyond working age.
    pub fn representative(&self, city: &SampleCity) -> Person {
        let oldest = if self.is_public() { 62 } else { 75 };
        city.adult(&mut Dice::new(city.seed(), Topic::Representatives, self.index), |person| {
            person.age(self.established) >= 18 && person.age(AS_OF) <= oldest
        })
    }

    /// First and last day on which an authority may have acted upon it, none before `since`; `None` if there is none.
    pub(crate) fn days(&self, since: i32) -> Option<(i32, i32)> {
        let days = (since.max(self.established + SETTLED), self.ended.unwrap_or(AS_OF));
        (days.0 <= days.1).then_some(days)
    }

    /// Whether it is registered to do business.
    pub(crate) fn is_business(&self) -> bool {
        self.kind.prefix[0] == b'9'
    }

    fn is_public(&self) -> bool {
        self.kind.title != "民办非企业单位" && !self.is_business()
    }

    fn is_individual(&self) -> bool {
        self.kind.prefix == *b"92"
    }

    pub(crate) fn place<'a>(&self, city: &'a SampleCity) -> &'a Village {
        &city.villages[self.village]
    }
}

/// Section, its name and a word of the trade that a kind of entity may be in.
fn trade_of(kind: &Kind, dice: &mut Dice) -> (&'static str, &'static str, &'static str) {
    let mut drawn = || INDUSTRIES[weighted_place(dice, INDUSTRIES.iter().map(|(share, ..)| *share))];
    let (_, section, name, words) = match kind.title {
        "农民专业合作社" => INDUSTRIES[0],
        "民办非企业单位" => {
            let (section, word) = dice.pick(&PRIVATE);
            return (section, industry(section), word);
        }
        "个体工商户" => loop {
            let one = drawn();
            if INDIVIDUAL.contains(one.1) {
                break one;
            }
        },
        _ => drawn(),
    };
    (section, name, dice.pick(words))
}

/// Name of a section of GB/T 4754.
fn industry(letter: &str) -> &'static str {
    INDUSTRIES.iter().find(|(_, section, ..)| *section == letter).map_or("", |(_, _, name, _)| *name)
}

/// The place drawn among shares.
fn weighted_place(dice: &mut Dice, shares: impl Iterator<Item = u32> + Clone) -> usize {
    let mut left = dice.below(shares.clone().map(u64::from).sum());
    for (place, share) in shares.enumerate() {
        if left < u64::from(share) {
            return place;
        }
        left -= u64::from(share);
    }
    0
}
