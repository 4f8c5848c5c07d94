//! Boxes, times, values and CQL2.

use super::*;
use crate::support::python::python;

#[tokio::test(flavor = "multi_thread")]
async fn boxes_times_and_values_select() {
    let city = atlas().await;
    for (parameters, expected) in [
        (&[("bbox", "115.05,29,115.35,30")][..], &["P1", "P2", "P3"][..]),
        (&[("bbox", "29,115.05,30,115.35"), ("bbox-crs", EPSG4326)], &["P1", "P2", "P3"]),
        (&[("bbox", "115.05,29,0,115.35,30,100")], &["P1", "P2", "P3"]),
        (&[("bbox", "116.5,29.5,116.6,29.6")], &["A1"]),
        (&[("bbox", "115.3,29.5,115.3,29.5")], &["P3"]),
        (&[("bbox", "115.95,0,-170,90")], &["A1"]),
        (&[("bbox", "0,0,1,1")], &[]),
        (&[("datetime", "2026-01-03")], &["P3"]),
        (&[("datetime", "../2026-01-01")], &["A1", "P1"]),
        (&[("datetime", "2026-01-08T00:00:00+08:00/..")], &["P8", "P9"]),
        (&[("county", "360481")], &["P2", "P4", "P6", "P8"]),
        (&[("县区", "360481"), ("seats", "40")], &["P4"]),
        (&[("county", "360481"), ("bbox", "115.05,29,115.45,30"), ("datetime", "2026-01-03/..")], &["P4"]),
        (
            &[
                ("filter", "S_INTERSECTS(shape, BBOX(115.05,29,115.25,30)) OR seats > 80"),
                ("county", "360402"),
            ],
            &["P1", "P9"],
        ),
        (&[("filter", "S_INTERSECTS(shape, POINT(29.5 116.5))"), ("filter-crs", EPSG4326)], &["A1"]),
    ] {
        assert_eq!(ids(&city, parameters).await, expected, "{parameters:?}");
    }
    for (parameters, expected) in [
        (&[("bbox", "115.15,29,115.25,30")][..], &["1路%3B甲;2"][..]),
        (
            &[("filter", "s_within(geometry, POLYGON((115.15 29,116 29,116 30,115.15 30,115.15 29)))")],
            &["1路%3B甲;2", "2路;1"],
        ),
        (&[("place", "1")], &["1路%3B甲;1", "2路;1"]),
    ] {
        let page = ask(&city, items(STOPS, parameters), None).await.ok();
        assert_eq!(ids_of(&page), expected, "{parameters:?}");
    }
}

/// The library `cql2` turns text into JSON; both must select the same.
#[tokio::test(flavor = "multi_thread")]
async fn text_and_json_of_a_library_agree() {
    let city = atlas().await;
    let cases: [(&str, &[&str]); 14] = [
        ("seats = 30", &["P3"]),
        ("seats <> 30 AND seats < 50", &["A1", "P1", "P2", "P4"]),
        ("NOT (seats >= 20 OR county = '360402')", &[]),
        ("seats BETWEEN 80 AND 90", &["P8", "P9"]),
        ("place_id IN ('P1', 'A1', 'x''y')", &["A1", "P1"]),
        ("place_id LIKE 'A%'", &["A1"]),
        ("place_id NOT LIKE 'P%'", &["A1", "N1"]),
        ("seats IS NULL", &["N1"]),
        ("opened_on >= DATE('2026-01-09')", &["P9"]),
        ("S_INTERSECTS(shape, BBOX(115.85,29,116.5,30))", &["A1", "P9"]),
        ("S_WITHIN(shape, POLYGON((115.85 29,118 28,118 31,115.85 30,115.85 29)))", &["A1", "P9"]),
        ("S_CONTAINS(shape, POINT(116.5 29.5))", &["A1"]),
        ("S_DISJOINT(shape, POLYGON((0 0,115.85 0,115.85 90,0 90,0 0)))", &["A1", "P9"]),
        ("S_TOUCHES(shape, LINESTRING(116 28,116 31)) OR S_EQUALS(shape, POINT(115.1 29.5))", &["A1", "P1"]),
    ];
    let texts: Vec<&str> = cases.iter().map(|(text, _)| *text).collect();
    let texts = serde_json::to_string(&texts).unwrap();
    let documents = tokio::task::spawn_blocking(move || python("cql2_json.py", &[], &texts)).await.unwrap();
    for ((text, expected), document) in cases.iter().zip(documents.as_array().unwrap()) {
        assert_eq!(ids(&city, &[("filter", text)]).await, *expected, "{text}");
        let document = document.to_string();
        let by_json = [("filter", document.as_str()), ("filter-lang", "cql2-json")];
        assert_eq!(ids(&city, &by_json).await, *expected, "{document}");
    }
}
