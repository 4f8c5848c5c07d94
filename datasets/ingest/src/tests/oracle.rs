//! The columnar checks against the `jsonschema` crate and the schema generated from the same items.

use catalog_core::directory::ValueFormat;
use catalog_core::identity::{CitizenId, is_credit_code, is_division_code};
use catalog_core::schema::json_schema;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::check::Surroundings;
use crate::quarantine::Quarantine;
use crate::read::Input;
use crate::validate::Validator;

fn subject() -> Resource {
    let mut name = item("name", "姓名", ItemType::sized(ItemKind::C, 4));
    name.required = true;
    let mut id = item("id", "身份证号", ItemType::sized(ItemKind::C, 18));
    id.format = Some(ValueFormat::CitizenId);
    let mut code = item("code", "信用代码", ItemType::sized(ItemKind::C, 18));
    code.format = Some(ValueFormat::CreditCode);
    let mut area = item("area", "区划", ItemType::sized(ItemKind::C, 12));
    area.format = Some(ValueFormat::DivisionCode);
    let mut sex = item("sex", "性别", ItemType::sized(ItemKind::C, 1));
    sex.enumeration = vec!["男".to_owned(), "女".to_owned()];
    let mut age = item("age", "年龄", ItemType::plain(ItemKind::I));
    age.minimum = Some("0".to_owned());
    age.maximum = Some("150".to_owned());
    let rate = item("rate", "费率", ItemType { kind: ItemKind::N, length: 6, scale: 2 });
    let day = item("day", "日期", ItemType::plain(ItemKind::D));
    let time = item("time", "时间", ItemType::plain(ItemKind::T));
    let flag = item("flag", "标志", ItemType::plain(ItemKind::L));
    let size = item("size", "大小", ItemType::plain(ItemKind::B));
    resource(vec![name, id, code, area, sex, age, rate, day, time, flag, size], &[], &[])
}

fn text() -> impl Strategy<Value = Value> {
    prop_oneof!["[a-c汉]{1,6}", "[0-9X]{17,19}", "[0-9]{5,12}"].prop_map(Value::from)
}

/// A value for the column: often good, sometimes of the right kind but wrong, sometimes text.
fn value(column: &str) -> BoxedStrategy<Value> {
    let known = |values: Vec<Value>| proptest::sample::select(values).boxed();
    let good = match column {
        "id" => {
            known(vec![json!("11010519491231002X"), json!("110105194912310021"), json!("11010519490231002X")])
        }
        "code" => known(vec![json!("91110000600037341L"), json!("91110000600037341I")]),
        "area" => known(vec![json!("360481"), json!("36048"), json!("360481001"), json!("360481001002")]),
        "sex" => known(vec![json!("男"), json!("女"), json!("男女")]),
        "age" => (-10i64..200).prop_map(Value::from).boxed(),
        "rate" => {
            known(vec![json!(12.5), json!(0.01), json!(-1234.5), json!(1.234), json!(9999.99), json!(10000)])
        }
        "day" => {
            known(vec![json!("2026-02-28"), json!("2026-02-29"), json!("2024-02-29"), json!("2026-13-01")])
        }
        "time" => {
            known(vec![json!("2026-01-31T10:00:00Z"), json!("2026-01-31T10:00:00+08:00"), json!("10:00")])
        }
        "flag" => any::<bool>().prop_map(Value::from).boxed(),
        "size" => (-1e6f64..1e6).prop_map(Value::from).boxed(),
        _ => text().boxed(),
    };
    // Digits in a string would be a number or date to the lenient reader and a string to the schema.
    let wrong = match column {
        "name" | "id" | "code" | "area" | "sex" => text().boxed(),
        _ => "[a-c汉]{1,6}".prop_map(Value::from).boxed(),
    };
    prop_oneof![6 => good, 1 => wrong, 1 => Just(Value::Null)].boxed()
}

fn row() -> impl Strategy<Value = Value> {
    let columns: Vec<String> = subject().items.iter().map(|item| item.column.to_string()).collect();
    let values: Vec<_> = columns.iter().map(|column| value(column)).collect();
    values
        .prop_map(move |values| columns.iter().cloned().zip(values).collect::<serde_json::Map<_, _>>().into())
}

/// The numbers of the rows that the columnar checks accept.
fn accepted(resource: &Resource, rows: &[Value]) -> Vec<u64> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    let delivery = Delivery::of_path(path).unwrap();
    let inspection = delivery.inspect().unwrap();
    let input = Input {
        delivery: &delivery,
        inspection: &inspection,
        items: &resource.items,
        required: &|item| item.required,
        position: Arc::default(),
    };
    let validator = Validator::new(resource, &Surroundings::default()).unwrap();
    let mut quarantine = Quarantine::new().unwrap();
    let mut numbers = Vec::new();
    input
        .read(&mut |batch| {
            let good = validator.accept(&batch, &mut quarantine)?;
            let last = good.columns().last().unwrap().clone();
            numbers.extend(
                (0..good.num_rows())
                    .map(|row| array_value_to_string(&last, row).unwrap().parse::<u64>().unwrap()),
            );
            Ok(())
        })
        .unwrap();
    numbers
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn columnar_checks_agree_with_the_json_schema(rows in proptest::collection::vec(row(), 1..20)) {
        let resource = subject();
        let oracle = jsonschema::options()
            .with_format("citizen-id", |text: &str| CitizenId::parse(text).is_ok())
            .with_format("credit-code", is_credit_code)
            .with_format("division-code", is_division_code)
            .should_validate_formats(true)
            .build(&json_schema(&resource))
            .unwrap();
        let expected: Vec<u64> =
            (1..).zip(&rows).filter(|(_, row)| oracle.is_valid(row)).map(|(number, _)| number).collect();
        prop_assert_eq!(accepted(&resource, &rows), expected);
    }
}
