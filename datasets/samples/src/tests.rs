//! The promises of the sample city, each checked on a city of its own.

mod believable;

use std::collections::{HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, Int64Type};

use crate::{AS_OF, Batches, DivisionLevel, Divisions, Error, SampleCity, Table, boundaries, is_synthetic};

fn table(city: &SampleCity, table: Table) -> RecordBatch {
    let batches: Vec<RecordBatch> = city.batches(table).map(Result::unwrap).collect();
    assert!(batches.iter().all(|batch| batch.num_rows() as u64 <= Batches::ROWS));
    concat_batches(&table.schema(), &batches).unwrap()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(column).unwrap_or_else(|| panic!("no column {column}"));
    column.as_string_view().iter().map(|value| value.map(str::to_owned)).collect()
}

fn values(batch: &RecordBatch, column: &str) -> Vec<String> {
    texts(batch, column).into_iter().flatten().collect()
}

/// Shares in percent of the values of a column.
fn shares(values: &[String]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for value in values {
        *counts.entry(value.as_str()).or_insert(0) += 1;
    }
    counts.values_mut().for_each(|count| *count = *count * 100 / values.len());
    counts
}

#[test]
fn every_table_has_its_schema_and_its_rows() {
    let city = SampleCity::new(1, 20_000).unwrap();
    for kind in Table::ALL {
        let batch = table(&city, kind);
        assert_eq!(batch.num_rows() as u64, city.rows(kind), "{}", kind.name());
        assert!(batch.num_rows() > 0, "{}", kind.name());
        assert_eq!(Table::from_name(kind.name()), Some(kind));
    }
}

#[test]
fn the_same_seed_gives_the_same_city_and_another_seed_another() {
    let (one, two, other) = (
        SampleCity::new(9, 3_000).unwrap(),
        SampleCity::new(9, 3_000).unwrap(),
        SampleCity::new(8, 3_000).unwrap(),
    );
    for kind in Table::ALL {
        assert_eq!(table(&one, kind), table(&two, kind), "{}", kind.name());
        assert_eq!(table(&one, kind) == table(&other, kind), kind == Table::Divisions, "{}", kind.name());
    }
}

#[test]
fn a_city_of_this_release_is_that_of_the_next() {
    let city = SampleCity::new(42, 10_000).unwrap();
    let person = city.person(7);
    let entity = city.entity(8);
    let found = [
        person.id_number().to_string(),
        person.name(),
        entity.credit_code(&city).to_string(),
        entity.name(&city),
    ];
    assert_eq!(found, ["992100196105086546", "宋细弟", "91990430MA88DCBB2W", "彭泽县裕丰网络科技有限公司"]);
    assert_eq!(city.entity(7).name(&city), "濂溪区人民政府");
}

#[test]
fn any_range_of_rows_is_the_same_as_in_the_whole() {
    let city = SampleCity::new(3, 70_000).unwrap();
    for kind in Table::ALL {
        let whole = table(&city, kind);
        let start = (whole.num_rows() / 2).saturating_sub(3);
        let part = city.batch(kind, start as u64..start as u64 + 11).unwrap();
        assert_eq!(part, whole.slice(start, part.num_rows()), "{}", kind.name());
    }
    let beyond = city.batch(Table::Population, 70_000..80_000).unwrap();
    assert_eq!(beyond.num_rows(), 0);
}

#[test]
fn all_codes_are_valid_unique_and_of_no_assigned_region() {
    let city = SampleCity::new(5, 200_000).unwrap();
    let provinces: HashSet<&str> = Divisions::load()
        .all()
        .iter()
        .filter(|division| division.level == DivisionLevel::Province)
        .map(|division| &division.code[..2])
        .collect();
    for (kind, column, region) in
        [(Table::Population, "id_number", 0..2), (Table::LegalEntities, "credit_code", 2..4)]
    {
        let codes = values(&table(&city, kind), column);
        let unique: HashSet<&String> = codes.iter().collect();
        assert_eq!(unique.len() as u64, city.rows(kind));
        for code in &codes {
            assert!(is_synthetic(code), "{code}");
            assert!(!provinces.contains(&code[region.clone()]), "{code}");
        }
    }
}

#[test]
fn identity_numbers_carry_birth_date_and_sex() {
    let city = SampleCity::new(6, 5_000).unwrap();
    let people = table(&city, Table::Population);
    let born = people.column_by_name("birth_date").unwrap().as_primitive::<Date32Type>().clone();
    let sexes = values(&people, "sex");
    for (row, id) in values(&people, "id_number").iter().enumerate() {
        let date = born.value_as_date(row).unwrap().format("%Y%m%d").to_string();
        assert_eq!(&id[6..14], date);
        let odd = id[14..17].parse::<u32>().unwrap() % 2 == 1;
        assert_eq!(odd, sexes[row] == "男");
        assert!(born.value(row) <= AS_OF);
    }
}

#[test]
fn a_changed_digit_is_not_synthetic() {
    let city = SampleCity::new(6, 5_000).unwrap();
    for code in [city.person(3).id_number(), city.entity(3).credit_code(&city)] {
        assert!(is_synthetic(code.as_str()));
        let mut wrong = code.as_str().to_owned();
        let digit = if &wrong[10..11] == "1" { "2" } else { "1" };
        wrong.replace_range(10..11, digit);
        assert!(!is_synthetic(&wrong), "{wrong}");
    }
}

#[test]
fn tables_join() {
    let city = SampleCity::new(7, 30_000).unwrap();
    let people: HashSet<String> = values(&table(&city, Table::Population), "id_number").into_iter().collect();
    let entities: HashSet<String> =
        values(&table(&city, Table::LegalEntities), "credit_code").into_iter().collect();
    let within = |kind: Table, column: &str, known: &HashSet<String>| {
        for code in values(&table(&city, kind), column) {
            assert!(known.contains(&code), "{} {column} {code}", kind.name());
        }
    };
    within(Table::LegalEntities, "representative_id", &people);
    within(Table::SocialSecurity, "id_number", &people);
    within(Table::SocialSecurity, "employer_code", &entities);
    for kind in [Table::Penalties, Table::Dishonest] {
        within(kind, "id_number", &people);
        within(kind, "credit_code", &entities);
    }
    within(Table::Licences, "credit_code", &entities);
    within(Table::Honest, "credit_code", &entities);
    let all: HashSet<String> = people.union(&entities).cloned().collect();
    within(Table::Certificates, "holder_code", &all);
}

#[test]
fn every_division_code_exists_and_every_key_is_unique() {
    let city = SampleCity::new(7, 30_000).unwrap();
    let divisions = Divisions::load();
    for kind in Table::ALL {
        let batch = table(&city, kind);
        for field in batch.schema().fields() {
            if ["county_code", "street_code", "village_code", "parent_code"].contains(&field.name().as_str())
            {
                for code in values(&batch, field.name()) {
                    assert!(divisions.get(&code).is_some(), "{} {}", kind.name(), code);
                }
            }
        }
        if kind != Table::MonthlyStatistics {
            let keys = values(&batch, batch.schema().field(0).name());
            assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "{}", kind.name());
        }
    }
}

#[test]
fn the_people_are_believable() {
    let city = SampleCity::new(11, 100_000).unwrap();
    let people: Vec<_> = city.range(0..100_000).collect();
    let share = |test: &dyn Fn(i32) -> bool| {
        people.iter().filter(|person| test(person.age(AS_OF))).count() * 100 / people.len()
    };
    // Census of 2020, Jiangxi: 22 % to 14, 17 % from 60, 12 % from 65.
    assert!((14..=24).contains(&share(&|age| age < 15)), "{}", share(&|age| age < 15));
    assert!((14..=24).contains(&share(&|age| age >= 60)), "{}", share(&|age| age >= 60));
    assert!(people.iter().all(|person| (0..105).contains(&person.age(AS_OF))));
    let batch = table(&city, Table::Population);
    let sexes = values(&batch, "sex");
    assert!((49..=52).contains(&shares(&sexes)["男"]));
    let surnames: Vec<String> =
        values(&batch, "name").iter().map(|name| name.chars().take(1).collect()).collect();
    assert!((6..=9).contains(&shares(&surnames)["王"]));
    let mut streets: HashMap<String, usize> = HashMap::new();
    values(&batch, "street_code").into_iter().for_each(|street| *streets.entry(street).or_default() += 1);
    let (largest, smallest) = (streets.values().max().unwrap(), streets.values().min().unwrap());
    assert!(largest / smallest > 20, "{largest} {smallest}");
    // A village of a street 街道 holds more than twice the people of a village of a township 乡.
    let mean = |rank: &str| {
        let of_rank = city.villages.iter().filter(|village| village.street_name.ends_with(rank));
        let codes: HashSet<&str> = of_rank.clone().map(|village| village.street).collect();
        codes.iter().filter_map(|code| streets.get(*code)).sum::<usize>() / of_rank.count()
    };
    assert!(mean("街道") > 2 * mean("乡"), "{} {}", mean("街道"), mean("乡"));
}

#[test]
fn the_entities_are_believable() {
    let city = SampleCity::new(11, 120_000).unwrap();
    let batch = table(&city, Table::LegalEntities);
    let sections = values(&batch, "industry_section");
    assert!((28..=40).contains(&shares(&sections)["F"]));
    let kinds = values(&batch, "entity_type");
    assert!((50..=54).contains(&shares(&kinds)["个体工商户"]));
    let insured = table(&city, Table::SocialSecurity);
    let months = insured.column_by_name("months_paid").unwrap().as_primitive::<Int64Type>();
    assert!(months.values().iter().all(|months| (0..=312).contains(months)));
}

#[test]
fn a_city_too_small_or_too_large_is_refused() {
    for people in [0, 999, 160_000_001] {
        assert!(matches!(SampleCity::new(1, people), Err(Error::Size { .. })), "{people}");
    }
}

#[test]
fn divisions_are_complete_and_codes_of_former_counties_are_known() {
    let divisions = Divisions::load();
    let count = |level| divisions.all().iter().filter(|division| division.level == level).count();
    assert_eq!(count(DivisionLevel::Province), 31);
    assert_eq!(count(DivisionLevel::Prefecture), 342);
    // Of the 2,978 of the source, three are cities without counties a second time: 东莞, 中山, 儋州.
    assert_eq!(count(DivisionLevel::County), 2_975);
    assert_eq!(count(DivisionLevel::Street), 41_352);
    assert_eq!(count(DivisionLevel::Village), 4_471);
    for division in divisions.all() {
        assert_eq!(division.parent.is_none(), division.level == DivisionLevel::Province);
        assert!(division.parent.as_ref().is_none_or(|code| divisions.get(code).is_some()), "{division:?}");
    }
    assert_eq!(divisions.full_name("360481001"), "江西省九江市瑞昌市湓城街道");
    for change in divisions.successions() {
        assert!(divisions.get(change.old_code).is_none(), "{change:?}");
        assert_eq!(divisions.get(change.new_code).unwrap().name, change.new_name);
    }
    let years = divisions.with_years();
    assert_eq!(years.lookup("360421", 2016).unwrap().name, "九江县");
    assert!(years.lookup("360421", 2017).is_none() && years.knows("360421"));
    assert!(years.lookup("360404", 2016).is_none());
    assert_eq!(years.lookup("360404", 2017).unwrap().name, "柴桑区");
    assert_eq!(years.lookup("360481", 2001).unwrap().name, "瑞昌市");
}

#[test]
fn every_county_of_the_prefectures_has_its_polygon_under_its_present_code() {
    let divisions = Divisions::load();
    for prefecture in ["360400", "420200", "450400"] {
        let mut counties: Vec<&str> =
            divisions.children(prefecture).map(|county| county.code.as_str()).collect();
        counties.sort_unstable();
        let polygons = boundaries(prefecture).unwrap();
        let codes: Vec<&str> = polygons.iter().map(|county| county.code.as_str()).collect();
        assert_eq!(codes, counties);
        for county in &polygons {
            assert!(county.contains(county.centre), "{}", county.name);
            assert!(!county.contains([0.0, 0.0]));
        }
    }
    assert!(boundaries("110100").unwrap().is_empty());
}
