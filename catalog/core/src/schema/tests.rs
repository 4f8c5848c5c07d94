use super::*;
use crate::directory::ItemType;
use crate::directory::rules::tests::sample;
use crate::policy::VisibleColumn;

fn accepts(resource: &Resource, row: &Value) -> bool {
    jsonschema::options().build(&json_schema(resource)).unwrap().is_valid(row)
}

fn row() -> Value {
    json!({
        "credit_code": "91110000600037341L",
        "legal_id": null,
        "capital": 1000.25,
        "status": "存续",
        "founded_on": "2020-02-29",
    })
}

#[test]
fn the_schema_is_a_2020_12_schema() {
    let schema = json_schema(&sample());
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    assert_eq!(schema["x-key"], json!(["credit_code"]));
    assert_eq!(schema["properties"]["legal_id"]["format"], "citizen-id");
    assert_eq!(schema["properties"]["legal_id"]["x-personal"], true);
    assert_eq!(schema["properties"]["founded_on"]["type"], json!(["string", "null"]));
    assert_eq!(schema["properties"]["capital"]["multipleOf"], json!(0.01));
}

#[test]
fn rows_are_judged_by_the_types_of_their_items() {
    let resource = sample();
    assert!(accepts(&resource, &row()));
    let wrong = [
        ("credit_code", Value::Null),
        ("credit_code", json!("91110000600037341L9")),
        ("capital", json!("1000")),
        ("capital", json!(0.001)),
        ("capital", json!(-1)),
        ("capital", json!(1e16)),
        ("status", json!("营业")),
        ("founded_on", json!(20200229)),
        ("unknown", json!(1)),
    ];
    for (column, value) in wrong {
        let mut row = row();
        row[column] = value.clone();
        assert!(!accepts(&resource, &row), "{column} {value}");
    }
    let mut absent = row();
    absent.as_object_mut().unwrap().remove("credit_code");
    assert!(!accepts(&resource, &absent));
}

#[test]
fn every_type_has_its_keywords() {
    let mut resource = sample();
    let mut keywords = |kind: ItemKind, format| {
        resource.items[5].item_type = ItemType { kind, length: 6, scale: 0 };
        (resource.items[5].format, resource.items[5].required) = (format, true);
        json_schema(&resource)["properties"]["founded_on"].clone()
    };
    assert_eq!(keywords(ItemKind::N, None)["exclusiveMaximum"], json!(1_000_000));
    assert_eq!(keywords(ItemKind::N, None)["multipleOf"], json!(1));
    assert_eq!(keywords(ItemKind::I, None)["type"], "integer");
    assert_eq!(keywords(ItemKind::L, None)["type"], "boolean");
    assert_eq!(keywords(ItemKind::T, None)["format"], "date-time");
    assert_eq!(keywords(ItemKind::G, None)["contentEncoding"], "base64");
    assert_eq!(keywords(ItemKind::G, Some(ValueFormat::Geometry))["type"], "object");
    let degrees = keywords(ItemKind::B, Some(ValueFormat::Latitude));
    assert_eq!((&degrees["minimum"], &degrees["maximum"]), (&json!(-90), &json!(90)));
}

#[test]
fn bounds_of_dates_have_keywords_of_their_own() {
    let mut resource = sample();
    resource.items[5].minimum = Some("1949-10-01".into());
    let schema = json_schema(&resource);
    assert_eq!(schema["properties"]["founded_on"]["x-minimum"], "1949-10-01");
    assert_eq!(schema["properties"]["capital"]["minimum"], json!(0));
}

#[test]
fn what_is_denied_or_masked_leaves_no_trace() {
    let resource = sample();
    let mut policy = BoundPolicy::everything(&resource);
    policy.columns.retain(|column: &VisibleColumn| column.column.as_str() != "turnover");
    policy.columns[0].mask = Some(Mask::Null);
    policy.columns[4 - 1].mask = Some(Mask::KeepFirst { count: 1 });
    let shown = visible(&resource, &policy);
    let text = json_schema(&shown).to_string() + &format!("{:?}", dictionary(&shown));
    for hidden in ["turnover", "营业额", "credit-code", "存续"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    assert!(shown.key.is_empty() && shown.sort.is_empty() && shown.subject.is_none());
    assert_eq!(visible(&resource, &BoundPolicy::everything(&resource)), resource);
}

#[test]
fn the_dictionary_explains_each_column() {
    let lines = dictionary(&sample());
    assert_eq!(lines[0].data_type, "字符型C(18)");
    assert_eq!(lines[0].description, "统一社会信用代码 GB 32100");
    assert_eq!(lines[3].sharing, "不予共享：中华人民共和国统计法 第二十五条");
    assert_eq!(lines[4].description, "取值：存续、注销");
}
