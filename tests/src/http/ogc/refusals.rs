//! Attacks.

use super::*;

/// Whatever is asked is answered or refused by the caller's fault, in the one format of errors.
#[tokio::test(flavor = "multi_thread")]
async fn attacks_are_refused() {
    let city = atlas().await;
    let deep = format!("{}seats = 1{}", "(".repeat(3000), ")".repeat(3000));
    let collections = format!("{}POINT(1 2){}", "GEOMETRYCOLLECTION(".repeat(400), ")".repeat(400));
    let collections = format!("S_INTERSECTS(shape, {collections})");
    let many = format!("seats IN ({})", vec!["1"; 2000].join(","));
    let long = format!("place_id = '{}'", "x".repeat(20_000));
    for (name, value) in [
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "x"),
        ("limit", "1.5"),
        ("limit", "99999999999999999999999"),
        ("limit", ""),
        ("cursor", "x"),
        ("cursor", ""),
        ("cursor", "AAAA"),
        ("count", "yes"),
        ("f", "xml"),
        ("crs", "EPSG:4326"),
        ("crs", "http://www.opengis.net/def/crs/EPSG/0/4490"),
        ("bbox-crs", CRS84),
        ("bbox", ""),
        ("bbox", "1,2,3"),
        ("bbox", "1,2,3,4,5"),
        ("bbox", "a,b,c,d"),
        ("bbox", "nan,0,1,1"),
        ("bbox", "0,inf,1,1"),
        ("bbox", "0,5,1,4"),
        ("bbox", "1e999,0,1,1"),
        ("bbox", "200,0,190,1"),
        ("datetime", "yesterday"),
        ("datetime", "2026-02-30"),
        ("datetime", "2026-01-02/2026-01-01"),
        ("datetime", "/"),
        ("datetime", "99999-01-01"),
        ("filter-lang", "sql"),
        ("filter-crs", "x"),
        ("nothing", "1"),
        ("seats", "x"),
        ("shape", "POINT(1 2)"),
        ("opened_on", "x"),
        ("FILTER", "seats = 1"),
        ("filter", ""),
        ("filter", "seats"),
        ("filter", "seats = 'x'"),
        ("filter", "county = 1"),
        ("filter", "seats = 1e400"),
        ("filter", "seats = TRUE"),
        ("filter", "opened_on > DATE('x')"),
        ("filter", "place_id LIKE 'a\\%'"),
        ("filter", "seats LIKE '1%'"),
        ("filter", "1 = 1"),
        ("filter", "seats = seats"),
        ("filter", "seats + 1 = 2"),
        ("filter", "seats = 1; drop table places"),
        ("filter", "seats = 1 union select * from scjg.penalty"),
        ("filter", "pg_sleep(10) = 1"),
        ("filter", "casei(place_id) = 'p1'"),
        ("filter", "S_INTERSECTS(shape, POINT(1))"),
        ("filter", "S_INTERSECTS(shape, POLYGON((0 0)))x"),
        ("filter", "S_INTERSECTS(seats, POINT(1 2))"),
        ("filter", "S_INTERSECTS(shape, BBOX(1,2,3))"),
        ("filter", "S_INTERSECTS(shape, POINT(1e999 2))"),
        ("filter", "shape = 'x'"),
        ("filter", "keeper = '张三(合成)'"),
        ("filter", "\"\u{0}\" = 1"),
        ("filter", deep.as_str()),
        ("filter", collections.as_str()),
        ("filter", many.as_str()),
        ("filter", long.as_str()),
    ] {
        let answer = ask(&city, items(PLACES, &[(name, value)]), None).await;
        let shown: String = value.chars().take(60).collect();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={shown}: {}", answer.text());
        answer.code();
        assert!(
            !answer.text().contains("DataFusion") && !answer.text().contains("张三"),
            "{}",
            answer.text()
        );
    }
    for value in [
        "{",
        "null",
        "{\"op\":\"=\"}",
        "{\"op\":\"=\",\"args\":[{\"property\":\"seats\"},{}]}",
        "[[[[[[",
        "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"shape\"},{\"type\":\"Point\",\"coordinates\":[\"a\"]}]}",
        "{\"op\":\"s_intersects\",\"args\":[{\"property\":\"shape\"},{\"type\":\"Circle\"}]}",
    ] {
        let by_json = items(PLACES, &[("filter", value), ("filter-lang", "cql2-json")]);
        assert_eq!(ask(&city, by_json, None).await.status, StatusCode::BAD_REQUEST, "{value}");
    }
    let twice = format!("/ogc/collections/{PLACES}/items?limit=1&limit=2");
    assert_eq!(ask(&city, twice, None).await.code(), "invalid_input");
    let broken = format!("/ogc/collections/{PLACES}/items?county=%ff%fe&filter=%00%ff");
    assert_eq!(ask(&city, broken, None).await.status, StatusCode::BAD_REQUEST);
    for path in [
        "/ogc/collections/x",
        "/ogc/collections/301001-000099/items",
        "/ogc/collections/301001-000001",
        "/ogc/x",
    ] {
        assert!(ask(&city, path.to_owned(), None).await.status.is_client_error(), "{path}");
    }
    let other = link(&ask(&city, items(PLACES, &[("limit", "1")]), None).await.ok(), "next").unwrap();
    let cursor = other.split("cursor=").nth(1).unwrap();
    for parameters in [[("limit", "1"), ("county", "360481")], [("limit", "1"), ("bbox", "0,0,1,1")]] {
        let stolen = items(PLACES, &[&parameters[..], &[("cursor", cursor)]].concat());
        assert_eq!(ask(&city, stolen, None).await.code(), "conflict", "a cursor belongs to its selection");
    }
}
