//! What is wrong with bodies.

use serde_json::{Value, json};

use super::tables::SQL;

/// A body with its media type, and a name by which it is found.
pub(super) type Named = (&'static str, &'static str, Vec<u8>);

const JSON: &str = "application/json";

/// For any address that takes a body.
pub(super) fn for_anything() -> Vec<Named> {
    let long = "x".repeat(100_000);
    let many: serde_json::Map<String, Value> =
        (0..5_000).map(|number| (format!("f{number}"), json!(number))).collect();
    vec![
        ("none", JSON, Vec::new()),
        ("no JSON", JSON, b"not json".to_vec()),
        ("half a document", JSON, b"{\"name\": \"x".to_vec()),
        ("bytes", JSON, vec![0xff, 0xfe, 0x00, 0x01]),
        ("a byte order mark", JSON, "\u{feff}{}".as_bytes().to_vec()),
        ("no members", JSON, b"{}".to_vec()),
        ("a list", JSON, b"[]".to_vec()),
        ("null", JSON, b"null".to_vec()),
        ("a number too large", JSON, b"1e999999".to_vec()),
        ("a lone surrogate", JSON, b"{\"name\": \"\\ud800\"}".to_vec()),
        ("deep lists", JSON, nested("[", "]", 50_000)),
        ("deep members", JSON, nested("{\"a\":", "1}", 20_000)),
        ("many members", JSON, Value::Object(many).to_string().into_bytes()),
        ("a long text", JSON, json!({"name": long, "title": long}).to_string().into_bytes()),
        ("twice the same member", JSON, b"{\"name\": 1, \"name\": 2}".to_vec()),
        ("another media type", "text/plain", b"{}".to_vec()),
        ("no media type that exists", "x;;=/\"", b"{}".to_vec()),
        ("a form without parts", "multipart/form-data; boundary=x", b"--x\r\n\r\n--x--".to_vec()),
        (
            "no workbook",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            b"PK\x03\x04".to_vec(),
        ),
        ("no Parquet", "application/vnd.apache.parquet", b"PAR1\xff\xff\xff\x7fPAR1".to_vec()),
        ("CSV of nothing", "text/csv", b"\"\n,,,\n\xff".to_vec()),
        (
            "no GeoJSON",
            "application/geo+json",
            b"{\"type\":\"FeatureCollection\",\"features\":[{}]}".to_vec(),
        ),
    ]
}

/// Members of every wrong type, for an operation whose members are known.
pub(super) fn for_members(names: &[String]) -> Vec<Named> {
    let with = |value: Value| {
        let document: serde_json::Map<String, Value> =
            names.iter().map(|name| (name.clone(), value.clone())).collect();
        Value::Object(document).to_string().into_bytes()
    };
    if names.is_empty() {
        return Vec::new();
    }
    vec![
        ("all null", JSON, with(Value::Null)),
        ("all -1", JSON, with(json!(-1))),
        ("all huge", JSON, with(json!(u64::MAX))),
        ("all lists", JSON, with(json!([[], {}, "x"]))),
        ("all documents", JSON, with(json!({"type": "x", "kind": "x", "=": ["a", 1]}))),
        ("all empty", JSON, with(json!(""))),
        ("all dates that are none", JSON, with(json!("2026-13-45T99:99:99Z"))),
        ("all with a zero byte", JSON, with(json!("a\u{0}b"))),
        ("all ../", JSON, with(json!("../../x"))),
    ]
}

/// For SQL.
pub(super) fn for_sql() -> Vec<Named> {
    let deep = format!("select {}1{}", "(".repeat(3_000), ")".repeat(3_000));
    let wide = format!("select {}", vec!["1"; 20_000].join(", "));
    let all = SQL.iter().map(|sql| (*sql).to_owned()).chain([deep, wide]);
    all.map(|sql| ("SQL", JSON, json!({ "sql": sql }).to_string().into_bytes())).collect()
}

/// For CKAN's actions.
pub(super) fn for_ckan() -> Vec<Named> {
    let names =
        ["id", "q", "fq", "rows", "start", "limit", "offset", "sort", "filters", "fields", "sql", "name"];
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut all = for_members(&names);
    for wrong in [
        json!({"resource_id": "301001-000001-csv", "filters": {"case_no": {"gte": {"gte": 1}}}}),
        json!({"resource_id": "301001-000001-csv", "filters": {"amount": [1, "x", null, {}]}}),
        json!({"resource_id": "301001-000001-csv", "filters": [], "limit": 1e300}),
        json!({"resource_id": "301001-000001-csv", "q": {"nothing": "x"}, "sort": {"a": 1}}),
        json!({"resource_id": "301001-000001-csv", "limit": i64::MAX, "offset": u64::MAX}),
        json!({"sql": "select * from \"301001-000001-csv\" where cast(case_no as int) > 0"}),
        json!({"sql": "select 1/0"}),
    ] {
        all.push(("CKAN's arguments", JSON, wrong.to_string().into_bytes()));
    }
    all
}

/// For tables of Delta Sharing.
pub(super) fn for_delta() -> Vec<Named> {
    let wrong = [
        json!({"predicateHints": "x", "limitHint": -1}),
        json!({"predicateHints": ["a = ", "((((", "\u{0}"], "limitHint": u64::MAX}),
        json!({"jsonPredicateHints": "{\"op\":"}),
        json!({"jsonPredicateHints": "{\"op\":\"equal\",\"children\":[]}"}),
        json!({"version": -1}),
        json!({"version": i64::MAX}),
        json!({"timestamp": "2026-99-99"}),
        json!({"startingVersion": 5, "endingVersion": 1}),
    ];
    wrong.iter().map(|body| ("hints", JSON, body.to_string().into_bytes())).collect()
}

fn nested(open: &str, close: &str, depth: usize) -> Vec<u8> {
    format!("{}{}", open.repeat(depth), close.repeat(depth)).into_bytes()
}
