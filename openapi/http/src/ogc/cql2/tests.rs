use serde_json::json;

use super::{Comparison, Figure, Node, Scalar, json as as_json, text};

fn name(name: &str) -> String {
    name.to_owned()
}

fn number(text: &str) -> Scalar {
    Scalar::Number(text.to_owned())
}

#[test]
fn both_encodings_say_the_same() {
    let property = |name: &str| json!({ "property": name });
    let point = json!({"type": "Point", "coordinates": [1.5, 2]});
    for (written, document) in [
        ("a = 1", json!({"op": "=", "args": [property("a"), 1]})),
        ("'x''y' <> \"甲 乙\"", json!({"op": "<>", "args": ["x'y", property("甲 乙")]})),
        (
            "NOT (a < -1.5 OR a >= 2)",
            json!({"op": "not", "args": [{"op": "or", "args": [
            {"op": "<", "args": [property("a"), -1.5]}, {"op": ">=", "args": [property("a"), 2]}]}]}),
        ),
        (
            "a > 1 AND b IS NULL and c = TRUE",
            json!({"op": "and", "args": [
            {"op": ">", "args": [property("a"), 1]}, {"op": "isNull", "args": [property("b")]},
            {"op": "=", "args": [property("c"), true]}]}),
        ),
        (
            "a NOT IN ('x', 'y')",
            json!({"op": "not", "args": [{"op": "in", "args": [property("a"), ["x", "y"]]}]}),
        ),
        ("a BETWEEN 1 AND 2", json!({"op": "between", "args": [property("a"), 1, 2]})),
        ("a like '九江%'", json!({"op": "like", "args": [property("a"), "九江%"]})),
        ("t >= DATE('2026-01-31')", json!({"op": ">=", "args": [property("t"), {"date": "2026-01-31"}]})),
        (
            "S_INTERSECTS(g, BBOX(1,2,3,4))",
            json!({"op": "s_intersects", "args": [property("g"), {"bbox": [1, 2, 3, 4]}]}),
        ),
        (
            "s_within(BBOX(1,2,3,4), g)",
            json!({"op": "s_within", "args": [{"bbox": [1, 2, 3, 4]}, property("g")]}),
        ),
        ("false", json!(false)),
    ] {
        assert_eq!(
            text::parse(written).unwrap(),
            as_json::parse(&document.to_string()).unwrap(),
            "{written}"
        );
    }
    let Node::Lies(_, _, Figure::GeoJson(found)) =
        as_json::parse(&json!({"op": "s_contains", "args": [property("g"), point]}).to_string()).unwrap()
    else {
        panic!("a geometry")
    };
    assert_eq!(found, point);
}

#[test]
fn what_binds_tighter_comes_first() {
    let is = |column: &str, value: &str| Node::Compare(Comparison::Eq, name(column), number(value));
    assert_eq!(
        text::parse("a = 1 or b=2 and not c = 3").unwrap(),
        Node::Or(vec![is("a", "1"), Node::And(vec![is("b", "2"), Node::Not(Box::new(is("c", "3")))])])
    );
    assert_eq!(text::parse("3 > a").unwrap(), Node::Compare(Comparison::Lt, name("a"), number("3")));
    assert_eq!(text::parse("notes = 12345678901234567890").unwrap(), is("notes", "12345678901234567890"));
}

#[test]
fn geometries_are_taken_whole() {
    for figure in [
        "POINT(1 2)",
        "polygon((0 0, 1 0, 1 1, 0 0),(0.1 0.1,0.2 0.1,0.2 0.2,0.1 0.1))",
        "POINT EMPTY",
        "POINT Z (1 2 3)",
    ] {
        let Node::Lies(_, property, Figure::Text(found)) =
            text::parse(&format!("S_CROSSES(g, {figure}) ")).unwrap()
        else {
            panic!("{figure}")
        };
        assert_eq!((property.as_str(), found.as_str()), ("g", figure));
    }
}

/// Whatever is sent is read or refused, soon and without going deep.
#[test]
fn attacks_are_refused() {
    let deep = |count: usize| format!("{}a = 1{}", "(".repeat(count), ")".repeat(count));
    assert!(text::parse(&deep(8)).is_ok());
    let long = |unit: &str| unit.repeat(8000 / unit.len());
    let nested = (0..100).fold(
        json!({"op": "=", "args": [{"property": "a"}, 1]}),
        |inner, _| json!({"op": "not", "args": [inner]}),
    );
    for written in [
        deep(13),
        deep(4000),
        long("not "),
        long("("),
        long("((a,"),
        long("a between ("),
        long("f("),
        long("-"),
        long("s_within("),
        long("POINT("),
        long("'"),
        long("\""),
        long("a and "),
        long("a = 1 or "),
        long("1e9"),
    ] {
        assert!(text::parse(&written).is_err(), "{}", &written[..20]);
    }
    for written in [
        "",
        " ",
        "a",
        "1",
        "'x'",
        "a = ",
        "= 1",
        "a = b",
        "1 = 1",
        "a == 1",
        "a = 1 b",
        "a = 1;",
        "a = 1 --",
        "a; drop table x",
        "a = (1)",
        "a + 1 = 2",
        "a in ()",
        "a in (1,)",
        "a in (b)",
        "a between 1",
        "a is 1",
        "a like 1",
        "casei(a) = 'x'",
        "f(a) = 1",
        "s_intersects(g)",
        "s_intersects(g, h)",
        "s_intersects(POINT(1 2), POINT(1 2))",
        "S_INTERSECTS(g, POINT(1 2)",
        "s_intersects(g, BBOX('a',1,2,3))",
        "t_after(t, DATE('2026-01-01'))",
        "date(1) = a",
        "a = TIMESTAMP()",
        "a = 'x",
        "\"a = 1",
        "a\u{0} = 1",
        "null = a",
        "a = null",
        "select 1",
        "a = 1 union select 1",
    ] {
        assert!(text::parse(written).is_err(), "{written}");
    }
    for written in [
        "",
        "null",
        "1",
        "[]",
        "{}",
        "{\"op\":\"and\",\"args\":[]}",
        "{\"op\":\"and\",\"args\":[true]}",
        "{\"op\":1,\"args\":1}",
        "{\"op\":\"=\",\"args\":[{\"property\":1},1]}",
        "{\"op\":\"=\",\"args\":[{\"property\":\"a\"},null]}",
        "{\"op\":\"=\",\"args\":[{\"property\":\"a\"},{\"property\":\"b\"}]}",
        "{\"op\":\"=\",\"args\":[{\"property\":\"a\"}]}",
        "{\"op\":\"S_INTERSECTS\",\"args\":[]}",
        "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"g\"},1]}",
        "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"g\"},{\"bbox\":[\"x\"]}]}",
        "{\"op\":\"casei\",\"args\":[]}",
    ] {
        assert!(as_json::parse(written).is_err(), "{written}");
    }
    assert!(as_json::parse(&nested.to_string()).is_err());
    assert!(as_json::parse(&"[".repeat(8000)).is_err());
}
