//! People and households: pure functions of the seed and a person's number.
//!
//! Eight people with neighbouring numbers form a block of whole households, made by one stream of chance. Reading
//! people in order costs one stream for eight; reading any one costs its block. Nobody is kept in memory.

mod names;

use chrono::Datelike;

use crate::city::{AS_OF, SampleCity, date};
use crate::dice::{Dice, Lottery, Topic};
use crate::synthetic::{Code18, birth_date, citizen_id};

/// People per block.
pub(crate) const BLOCK: u64 = 8;

/// How a block falls into households: their mean size is that of the census of 2020, 2.6.
const HOUSEHOLDS: [&[usize]; 16] = [
    &[1, 2, 2, 3],
    &[2, 3, 3],
    &[1, 1, 2, 4],
    &[1, 3, 4],
    &[2, 2, 4],
    &[1, 2, 5],
    &[1, 1, 1, 2, 3],
    &[1, 1, 3, 3],
    &[2, 6],
    &[3, 5],
    &[1, 1, 1, 5],
    &[4, 4],
    &[2, 2, 2, 2],
    &[1, 1, 2, 2, 2],
    &[1, 1, 2, 4],
    &[1, 2, 2, 3],
];

const ETHNICITIES: [(u32, &str); 9] = [
    (9960, "汉族"),
    (12, "畲族"),
    (8, "回族"),
    (6, "苗族"),
    (5, "土家族"),
    (4, "壮族"),
    (2, "满族"),
    (2, "侗族"),
    (1, "彝族"),
];

/// 性别 (GB/T 2261.1)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sex {
    /// 男
    Male,
    /// 女
    Female,
}

impl Sex {
    /// 男 or 女.
    pub fn title(self) -> &'static str {
        if self == Self::Male { "男" } else { "女" }
    }

    fn other(self) -> Self {
        if self == Self::Male { Self::Female } else { Self::Male }
    }
}

/// State of the household registration 户籍状态.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PersonStatus {
    /// 正常
    Registered,
    /// 迁出注销
    MovedAway,
    /// 死亡注销
    Deceased,
}

impl PersonStatus {
    /// The state's Chinese name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Registered => "正常",
            Self::MovedAway => "迁出注销",
            Self::Deceased => "死亡注销",
        }
    }
}

/// One synthetic person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Number within the city, from 0.
    pub index: u64,
    /// Number of the household's first member.
    pub household: u64,
    /// Relation to the head of the household 与户主关系.
    pub relation: &'static str,
    /// Sex.
    pub sex: Sex,
    /// Birth date in days since 1970-01-01.
    pub born: i32,
    /// Ethnicity 民族.
    pub ethnicity: &'static str,
    /// Marital status 婚姻状况.
    pub marital: &'static str,
    /// State of the registration.
    pub status: PersonStatus,
    surname: &'static str,
    given: [&'static str; 2],
    pub(crate) village: usize,
}

impl Person {
    /// Identity number 公民身份号码, valid and synthetic.
    pub fn id_number(&self) -> Code18 {
        let born = date(self.born);
        let digits = born.year() as u32 * 10_000 + born.month() * 100 + born.day();
        citizen_id(self.index, digits, self.sex == Sex::Male)
    }

    /// Surname and given name.
    pub fn name(&self) -> String {
        [self.surname, self.given[0], self.given[1]].concat()
    }

    /// Full years of age on a day (days since 1970-01-01), to within a day.
    pub fn age(&self, day: i32) -> i32 {
        (day - self.born) * 400 / 146_097
    }

    /// Whether the person is head of the household 户主.
    pub(crate) fn is_head(&self) -> bool {
        self.relation == "户主"
    }

    /// Whether the person may act for a company: of age, not above 75, registered.
    pub(crate) fn is_active(&self) -> bool {
        (18..=75).contains(&self.age(AS_OF)) && self.status == PersonStatus::Registered
    }
}

/// A member of a household before it gets a number: relation, sex, age, marital status, whether it bears the family name.
type Member = (&'static str, Sex, i32, &'static str, bool);

pub(crate) fn surnames() -> Lottery {
    Lottery::new(&names::SURNAMES.map(|(_, share)| u64::from(share)))
}

/// The eight people of a block.
pub(crate) fn block(city: &SampleCity, block: u64) -> Vec<Person> {
    let mut dice = Dice::new(city.seed(), Topic::People, block);
    let mut people = Vec::with_capacity(BLOCK as usize);
    for &size in dice.pick(&HOUSEHOLDS) {
        let household = block * BLOCK + people.len() as u64;
        let village = dice.draw(&city.village_lottery);
        let family = names::SURNAMES[dice.draw(&city.surname_lottery)].0;
        let ethnicity = dice.weighted(&ETHNICITIES);
        let first = people.len();
        for member in members(&mut dice, size) {
            let index = block * BLOCK + people.len() as u64;
            people.push(person(city, &mut dice, index, member, family));
            if let Some(person) = people.last_mut() {
                (person.household, person.village, person.ethnicity) = (household, village, ethnicity);
            }
        }
        agree(&mut people[first..]);
    }
    people
}

/// Makes the states of a household agree: its head is there unless it is the only one, and who outlives a spouse is
/// widowed.
fn agree(household: &mut [Person]) {
    if let [head, _, ..] = household {
        head.status = PersonStatus::Registered;
    }
    for (one, other) in [("户主", "配偶"), ("父亲", "母亲")] {
        let place = |relation| household.iter().position(|person| person.relation == relation);
        let (Some(one), Some(other)) = (place(one), place(other)) else { continue };
        for (dead, left) in [(one, other), (other, one)] {
            if household[dead].status == PersonStatus::Deceased {
                household[left].marital = "丧偶";
            }
        }
    }
}

fn person(city: &SampleCity, dice: &mut Dice, index: u64, member: Member, family: &'static str) -> Person {
    let (relation, sex, age, marital, of_family) = member;
    let born = birth_date(index, AS_OF - age * 146_097 / 400 - dice.between(0, 364));
    let surname = if of_family { family } else { names::SURNAMES[dice.draw(&city.surname_lottery)].0 };
    let characters = names::characters(date(born).year(), sex == Sex::Male);
    let mut character = || {
        let start = dice.between(0, characters.len() as i32 / 3 - 1) as usize * 3;
        &characters[start..start + 3]
    };
    let first = character();
    let second = character();
    let given = [first, if dice.chance(16) { "" } else { second }];
    let status = match dice.between(0, 999) {
        ..8 => PersonStatus::MovedAway,
        8..10 => PersonStatus::Deceased,
        10..70 if age > 78 => PersonStatus::Deceased,
        _ => PersonStatus::Registered,
    };
    Person {
        index,
        household: 0,
        relation,
        sex,
        born,
        ethnicity: "",
        marital,
        status,
        surname,
        given,
        village: 0,
    }
}

/// The members of a household, its head first.
fn members(dice: &mut Dice, size: usize) -> Vec<Member> {
    let sex = if dice.chance(if size == 1 { 56 } else { 72 }) { Sex::Male } else { Sex::Female };
    if size == 1 {
        return vec![single(dice, sex)];
    }
    if size == 2 && dice.chance(28) {
        let age = dice.around(26, 62);
        let marital = dice.weighted(&[(3, "离婚"), (1, "丧偶")]);
        let mut members = vec![("户主", sex, age, marital, true)];
        members.push(child(dice, age));
        return members;
    }
    let (children, elders) = match size {
        2 => (0, 0),
        3 => (1, 0),
        4 if dice.chance(68) => (2, 0),
        4 => (1, 1),
        5 if dice.chance(60) => (2, 1),
        5 => (1, 2),
        _ => (2, 2),
    };
    let age = match size {
        2 if dice.chance(52) => dice.around(52, 84),
        2 => dice.between(24, 60),
        _ if children == 2 => dice.between(30, 53),
        _ => dice.between(24, 53),
    };
    let partner = (age + dice.around(-6, 5)).max(22);
    let mut members = vec![("户主", sex, age, "已婚", true), ("配偶", sex.other(), partner, "已婚", false)];
    if children > 0 {
        let mut eldest = child(dice, age.min(partner));
        if children == 2 {
            eldest.2 = eldest.2.max(2);
        }
        members.push(eldest);
        if children == 2 {
            members.push(sibling(dice, eldest.2));
        }
    }
    for place in 0..elders {
        let marital = if elders == 2 { "已婚" } else { "丧偶" };
        let sex = if place == 0 && dice.chance(35 + 65 * (elders - 1)) { Sex::Male } else { Sex::Female };
        let relation = if sex == Sex::Male { "父亲" } else { "母亲" };
        let elder = (age + dice.around(22, 34)).min(98);
        members.push((relation, sex, elder, marital, sex == Sex::Male));
    }
    members
}

fn single(dice: &mut Dice, sex: Sex) -> Member {
    if dice.chance(34) {
        let marital = dice.weighted(&[(7, "丧偶"), (2, "离婚"), (1, "未婚")]);
        return ("户主", sex, dice.around(58, 94), marital, true);
    }
    let age = dice.around(19, 56);
    let divorced = match age {
        ..26 => 0,
        26..36 => 20,
        _ => 55,
    };
    ("户主", sex, age, if dice.chance(divorced) { "离婚" } else { "未婚" }, true)
}

/// The eldest child living with parents of whom the younger has an age; too young a parent has an infant.
fn child(dice: &mut Dice, parent: i32) -> Member {
    let gap = dice.around(22, 36);
    let age = if parent < gap { dice.between(0, (parent - 22).clamp(0, 2)) } else { parent - gap };
    of_age(dice, age)
}

/// A child at least two full years younger than the eldest, who is no infant.
fn sibling(dice: &mut Dice, eldest: i32) -> Member {
    let gap = dice.between(2, eldest.clamp(2, 7));
    of_age(dice, eldest - gap)
}

fn of_age(dice: &mut Dice, age: i32) -> Member {
    let sex = if dice.chance(52) { Sex::Male } else { Sex::Female };
    (if sex == Sex::Male { "子" } else { "女" }, sex, age, "未婚", true)
}
