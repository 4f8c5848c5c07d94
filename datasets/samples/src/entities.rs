//! Legal entities 法人单位: pure functions of the seed and the entity's number.

pub(crate) mod words;

use crate::city::{AS_OF, SampleCity, Village};
use crate::dice::{Dice, Topic};
use crate::people::Person;
use crate::synthetic::{Code18, credit_code};
use words::{INDUSTRIES, KINDS, Kind, TRADE};

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

impl Entity {
    /// The entity of a number: the same for the same city and number.
    pub(crate) fn new(city: &SampleCity, index: u64) -> Self {
        let mut dice = Dice::new(city.seed(), Topic::Entities, index);
        let kind = &KINDS[weighted_place(&mut dice, KINDS.iter().map(|(share, _)| *share))].1;
        let shares = INDUSTRIES.iter().map(|(share, ..)| *share);
        let (_, section, industry, words) = match kind.title {
            "农民专业合作社" => INDUSTRIES[0],
            "机关" => INDUSTRIES[18],
            _ => INDUSTRIES[weighted_place(&mut dice, shares)],
        };
        let word = dice.pick(words);
        let mut character = || {
            let start = dice.between(0, TRADE.len() as i32 / 3 - 1) as usize * 3;
            &TRADE[start..start + 3]
        };
        let trade = if kind.trade { [character(), character()] } else { ["", ""] };
        // The younger, the more: a count of days drawn below a drawn count.
        let span = 100 + dice.below(13_000);
        let established = AS_OF - 30 - dice.below(span) as i32;
        let later = |dice: &mut Dice, from: i32| from + dice.between(0, AS_OF - from);
        let approved = later(&mut dice, established);
        let status = dice.weighted(&[
            (83, EntityStatus::Active),
            (14, EntityStatus::Cancelled),
            (3, EntityStatus::Revoked),
        ]);
        let ended = (status != EntityStatus::Active).then(|| later(&mut dice, approved));
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
        let county = self.place(city).county_name;
        let suffix = match (self.kind.suffix, self.word) {
            ("", "超市" | "酒店" | "宾馆" | "茶楼" | "诊所") => "",
            ("", "小吃" | "五金" | "百货" | "服饰" | "电器" | "汽车修理" | "美容美发" | "家电维修") => {
                "店"
            }
            ("", _) => "经营部",
            (suffix, _) => suffix,
        };
        [county, self.trade[0], self.trade[1], self.word, suffix].concat()
    }

    /// The legal representative 法定代表人: a registered adult of the same city.
    pub fn representative(&self, city: &SampleCity) -> Person {
        city.adult(&mut Dice::new(city.seed(), Topic::Representatives, self.index))
    }

    pub(crate) fn place<'a>(&self, city: &'a SampleCity) -> &'a Village {
        &city.villages[self.village]
    }
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
