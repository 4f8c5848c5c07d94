//! What a reader would check first: ages, dates and names agree across tables.

use std::collections::{HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Date32Type;

use super::{table, texts, values};
use crate::city::date;
use crate::entities::{Entity, EntityStatus};
use crate::people::{Person, PersonStatus};
use crate::{AS_OF, SampleCity, Table};

/// Whether somebody is `years` old on a day, by the calendar.
fn is_of_age(person: &Person, years: u32, day: i32) -> bool {
    date(person.born) + chrono::Months::new(12 * years) <= date(day)
}

/// Days of a column.
fn days(batch: &RecordBatch, column: &str) -> Vec<Option<i32>> {
    batch.column_by_name(column).unwrap().as_primitive::<Date32Type>().iter().collect()
}

/// Entities by credit code.
fn entities(city: &SampleCity) -> HashMap<String, Entity> {
    (0..city.entities())
        .map(|index| city.entity(index))
        .map(|one| (one.credit_code(city).to_string(), one))
        .collect()
}

/// People by identity number.
fn people(city: &SampleCity) -> HashMap<String, Person> {
    city.range(0..city.people()).map(|person| (person.id_number().to_string(), person)).collect()
}

#[test]
fn representatives_are_there_and_were_of_age_when_their_entity_began() {
    for (seed, people) in [(1, 1_000), (2, 60_000)] {
        let city = SampleCity::new(seed, people).unwrap();
        for entity in (0..city.entities()).map(|index| city.entity(index)) {
            let person = entity.representative(&city);
            assert!(is_of_age(&person, 18, entity.established), "{entity:?} {person:?}");
            assert_eq!(person.status, PersonStatus::Registered);
            assert!(person.index < city.people());
        }
    }
}

#[test]
fn entities_live_in_order() {
    let city = SampleCity::new(3, 60_000).unwrap();
    for entity in (0..city.entities()).map(|index| city.entity(index)) {
        assert!(entity.established <= entity.approved && entity.approved <= AS_OF, "{entity:?}");
        assert!(entity.ended.is_none_or(|day| (entity.approved..=AS_OF).contains(&day)), "{entity:?}");
        assert_eq!(entity.ended.is_none(), entity.status == EntityStatus::Active);
    }
}

#[test]
fn every_public_body_exists_once_and_most_of_the_counties_governments_do() {
    let city = SampleCity::new(4, 700_000).unwrap();
    let names: HashSet<&str> = city.bodies.iter().map(|body| body.name.as_str()).collect();
    assert_eq!(names.len(), city.bodies.len());
    for county in &city.counties {
        assert!(names.contains([county.name, "教育局"].concat().as_str()), "{}", county.name);
    }
    let all: Vec<Entity> = (0..city.entities()).map(|index| city.entity(index)).collect();
    let public = |entity: &&Entity| ["机关", "事业单位", "社会团体"].contains(&entity.kind.title);
    let mut seen = HashSet::new();
    for entity in all.iter().filter(public) {
        let (name, place) = (entity.name(&city), entity.place(&city));
        assert!(name.starts_with(place.county_name), "{name} {}", place.address);
        assert!(seen.insert(name.clone()), "{name}");
    }
    assert_eq!(seen.len(), city.bodies.len(), "a city of this size has all of them");
    let towns = seen.iter().filter(|name| name.ends_with("镇人民政府") || name.ends_with("乡人民政府"));
    assert!(towns.count() > 150);
}

#[test]
fn no_county_stands_twice_in_a_name_or_address() {
    let city = SampleCity::new(5, 120_000).unwrap();
    let columns = [
        (Table::Population, "address"),
        (Table::LegalEntities, "name"),
        (Table::LegalEntities, "address"),
        (Table::Schools, "name"),
        (Table::Schools, "address"),
        (Table::MedicalInstitutions, "name"),
        (Table::ScenicSpots, "name"),
        (Table::BusStops, "name"),
    ];
    for (kind, column) in columns {
        for text in values(&table(&city, kind), column) {
            for county in &city.counties {
                assert!(text.matches(county.name).count() <= 1, "{} {column} {text}", kind.name());
            }
            assert!(text.matches("江西").count() <= 1, "{} {column} {text}", kind.name());
        }
    }
    let addresses: HashSet<&str> = city.villages.iter().map(|village| village.address.as_str()).collect();
    for wrong in ["村村村", "社区社区", "虚拟"] {
        assert!(!addresses.iter().any(|address| address.contains(wrong)), "{wrong}");
    }
    assert!(addresses.contains("江西省九江市都昌县良种场"));
}

#[test]
fn households_are_families() {
    let city = SampleCity::new(6, 40_000).unwrap();
    let mut households: HashMap<u64, Vec<Person>> = HashMap::new();
    for person in city.range(0..city.people()) {
        households.entry(person.household).or_default().push(person);
    }
    let years = |older: &Person, younger: &Person| f64::from(younger.born - older.born) / 365.2425;
    for family in households.values() {
        let of = |relations: &[&str]| -> Vec<&Person> {
            family.iter().filter(|person| relations.contains(&person.relation)).collect()
        };
        let (parents, children) = (of(&["户主", "配偶"]), of(&["子", "女"]));
        assert!(family[0].is_head() && is_of_age(&family[0], 18, AS_OF), "{family:?}");
        assert!(family.len() == 1 || family[0].status == PersonStatus::Registered, "{family:?}");
        if let [head, partner] = parents[..] {
            assert_ne!(head.sex, partner.sex);
            let widowed = |one: &Person, other: &Person| {
                (one.marital == "丧偶") == (other.status == PersonStatus::Deceased)
            };
            assert!(widowed(head, partner) && widowed(partner, head), "{family:?}");
        }
        for (parent, child) in parents.iter().flat_map(|one| children.iter().map(move |other| (one, other))) {
            assert!(years(parent, child) > 20.0, "{parent:?} {child:?}");
        }
        for elder in of(&["父亲", "母亲"]) {
            assert!(years(elder, &family[0]) > 20.0, "{elder:?} {:?}", family[0]);
        }
        if let [one, other] = children[..] {
            assert!(years(one, other) > 0.8, "{one:?} {other:?}");
        }
        for person in family {
            let youngest = match (person.marital, person.sex) {
                ("未婚", _) => 0,
                ("离婚", _) => 25,
                (_, crate::Sex::Male) => 22,
                (_, crate::Sex::Female) => 20,
            };
            assert!(is_of_age(person, youngest, AS_OF), "{person:?}");
        }
    }
}

#[test]
fn authorities_act_on_who_is_there() {
    let city = SampleCity::new(7, 120_000).unwrap();
    let (entities, people) = (entities(&city), people(&city));
    let tables = [
        (Table::Penalties, "decided_on"),
        (Table::Licences, "granted_on"),
        (Table::Dishonest, "listed_on"),
        (Table::Honest, "recognised_on"),
    ];
    for (kind, column) in tables {
        let batch = table(&city, kind);
        let persons = batch.column_by_name("id_number").map(|_| texts(&batch, "id_number"));
        for (row, (code, day)) in texts(&batch, "credit_code").iter().zip(days(&batch, column)).enumerate() {
            let day = day.unwrap();
            assert!(day <= AS_OF);
            let Some(code) = code else {
                let person = &people[persons.as_ref().unwrap()[row].as_ref().unwrap()];
                assert!(is_of_age(person, 18, day), "{} {person:?} {day}", kind.name());
                continue;
            };
            let entity = &entities[code];
            assert!(entity.is_business(), "{} {entity:?}", kind.name());
            assert!(entity.established < day, "{} {entity:?} {day}", kind.name());
            assert!(entity.ended.is_none_or(|end| day <= end), "{} {entity:?} {day}", kind.name());
        }
    }
    let licences = table(&city, Table::Licences);
    for (from, until) in days(&licences, "granted_on").iter().zip(days(&licences, "valid_until")) {
        assert!(*from < until);
    }
    let listed = table(&city, Table::Dishonest);
    for (from, until) in days(&listed, "listed_on").iter().zip(days(&listed, "removed_on")) {
        assert!(until.is_none() || *from <= until);
    }
    let dishonest: HashSet<String> = values(&listed, "credit_code").into_iter().collect();
    let honest = values(&table(&city, Table::Honest), "credit_code");
    assert!(honest.iter().all(|code| !dishonest.contains(code)), "on both lists");
}

#[test]
fn certificates_and_insurance_fit_their_holders() {
    let city = SampleCity::new(8, 60_000).unwrap();
    let people = people(&city);
    let batch = table(&city, Table::Certificates);
    let kinds = values(&batch, "certificate_type");
    let states = values(&batch, "status");
    let issued = days(&batch, "issued_on");
    let mut held = HashSet::new();
    for (row, holder) in values(&batch, "holder_code").into_iter().enumerate() {
        let Some(person) = people.get(&holder) else { continue };
        let day = issued[row].unwrap();
        let youngest = match kinds[row].as_str() {
            "社会保障卡" | "残疾人证" => 0,
            "教师资格证书" => 22,
            _ => 18,
        };
        assert!(is_of_age(person, youngest, day) && day <= AS_OF, "{} {person:?}", kinds[row]);
        assert!(states[row] == "失效" || person.status == PersonStatus::Registered, "{person:?}");
        assert!(kinds[row] != "居民户口簿" || person.is_head(), "{person:?}");
        assert!(held.insert((holder, kinds[row].clone())), "{} twice", kinds[row]);
    }
    let batch = table(&city, Table::SocialSecurity);
    let (kinds, joined) = (values(&batch, "insurance_kind"), days(&batch, "joined_on"));
    for (row, id) in values(&batch, "id_number").iter().enumerate() {
        let youngest = match kinds[row].as_str() {
            "城镇职工基本养老保险" => 18,
            "城乡居民基本养老保险" => 16,
            _ => 0,
        };
        let day = joined[row].unwrap();
        assert!(is_of_age(&people[id], youngest, day) && day <= AS_OF, "{} {:?}", kinds[row], people[id]);
    }
}

#[test]
fn entities_stand_where_people_live() {
    let city = SampleCity::new(9, 300_000).unwrap();
    let count = |kind: Table| {
        let mut counts: HashMap<String, u32> = HashMap::new();
        for county in values(&table(&city, kind), "county_code") {
            *counts.entry(county).or_default() += 1;
        }
        counts
    };
    let (people, entities) = (count(Table::Population), count(Table::LegalEntities));
    for (county, people) in people {
        let per_entity = f64::from(people) / f64::from(entities[&county]);
        assert!((9.0..15.0).contains(&per_entity), "{county} {per_entity}");
    }
}
