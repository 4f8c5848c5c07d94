//! The villages and communities that people live in: their addresses, and how many live in each.

use crate::city::PREFECTURE;
use crate::dice::{Dice, Topic};
use crate::divisions::{DivisionLevel, Divisions};

/// A village or community with what its people's rows say about it.
pub(crate) struct Village {
    pub(crate) code: &'static str,
    pub(crate) street: &'static str,
    pub(crate) county: &'static str,
    pub(crate) county_name: &'static str,
    /// Name of the street without that of its county: 良种场, not 都昌县良种场.
    pub(crate) street_name: &'static str,
    /// The place itself: 新街社区, 铜岭村; empty where the street is all there is.
    pub(crate) settlement: String,
    /// Address down to the village: 江西省九江市瑞昌市湓城街道新街社区.
    pub(crate) address: String,
}

impl Village {
    /// What schools and stops of the place are called after: 新街, 铜岭.
    pub(crate) fn stem(&self) -> &str {
        match shorter(&self.settlement, &["社区", "村", "生活区"]) {
            "" => self.street_stem(),
            stem => stem,
        }
    }

    /// What schools of the street are called after: 湓城 of 湓城街道.
    pub(crate) fn street_stem(&self) -> &'static str {
        shorter(self.street_name, &["街道", "镇", "乡"])
    }

    /// Whether the place is a community of a town.
    pub(crate) fn is_urban(&self) -> bool {
        self.settlement.ends_with("社区")
    }
}

/// A name without its kind, if at least two characters remain.
fn shorter<'a>(name: &'a str, kinds: &[&str]) -> &'a str {
    let short = kinds.iter().find_map(|kind| name.strip_suffix(kind));
    short.filter(|short| short.chars().count() > 1).unwrap_or(name)
}

/// Every village of the prefecture, in order of codes.
pub(crate) fn villages() -> Vec<Village> {
    let divisions = Divisions::load();
    let ours = |code: &str| code.starts_with(&PREFECTURE[..4]);
    let villages =
        divisions.all().iter().filter(|one| one.level == DivisionLevel::Village && ours(&one.code));
    villages.map(|village| read(divisions, &village.code, village.name)).collect()
}

fn read(divisions: &Divisions, code: &'static str, committee: &str) -> Village {
    let name = |code| divisions.get(code).map_or("", |division| division.name);
    let (street, county) = (&code[..9], &code[..6]);
    let county_name = name(county);
    let street_name = local(name(street), county_name);
    let settlement = settlement(local(committee, county_name), street_name);
    let address = [&divisions.full_name(county), street_name, &settlement].concat();
    Village { code, street, county, county_name, street_name, settlement, address }
}

/// A name without that of its province and county: 都昌县良种场 is 良种场 within 都昌县, and 江西永修云山经济技术开发区
/// 云山经济技术开发区 within 永修县.
fn local<'a>(name: &'a str, county: &str) -> &'a str {
    let within = ["江西省", "江西"].iter().find_map(|province| name.strip_prefix(province));
    let short_county = county.trim_end_matches(['县', '市', '区']);
    let name = within.map_or(name, |rest| rest.strip_prefix(short_county).unwrap_or(rest));
    name.strip_prefix(county).unwrap_or(name)
}

/// The place that a committee looks after: 瑞丰村 of 瑞丰村委会, 新街社区 of 新街居委会 or 新街社区居民委员会; nothing
/// where it is called like its street.
fn settlement(committee: &str, street: &str) -> String {
    const VILLAGE: [&str; 3] = ["村民委员会", "村委会", "村民委会"];
    const COMMUNITY: [&str; 4] = ["居民委员会", "居委会", "居员会", "委员会"];
    let committee = committee.strip_prefix(street).unwrap_or(committee);
    let ends = |suffixes: &[&str]| suffixes.iter().find_map(|suffix| committee.strip_suffix(suffix));
    let place = match (ends(&VILLAGE), ends(&COMMUNITY)) {
        (Some(name), _) if name.is_empty() || name.ends_with('村') => name.to_owned(),
        (Some(name), _) => format!("{name}村"),
        (_, Some(name)) if name.ends_with("社区") => name.to_owned(),
        (_, Some(name)) => format!("{name}社区"),
        _ => committee.replace("虚拟", ""),
    };
    if ["社区", "生活区"].contains(&place.as_str()) { String::new() } else { place }
}

/// How many live in each village, relative to each other: communities of towns are larger than villages, streets
/// 街道 than towns 镇 than townships 乡, and each place has its own luck.
pub(crate) fn sizes(seed: u64, villages: &[Village]) -> Vec<u64> {
    let size = |(place, village): (usize, &Village)| {
        let street: u64 = village.street.parse().unwrap_or_default();
        let town = 1 + u64::from(Dice::new(seed, Topic::Streets, street).heads(6));
        let luck = 8 + u64::from(Dice::new(seed, Topic::Villages, place as u64).heads(24));
        let urban = if village.is_urban() { 3 } else { 1 };
        let rank = match village.street_name {
            name if name.ends_with("街道") => 4,
            name if name.ends_with('镇') => 3,
            name if name.ends_with('乡') => 2,
            _ => 1,
        };
        town * luck * urban * rank
    };
    villages.iter().enumerate().map(size).collect()
}
