//! The list of collections in pages, and the same places in files.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn collections_come_in_pages() {
    let city = atlas().await;
    let list = |parameters: &str| format!("/ogc/collections{parameters}");
    let names = |page: &Value| -> Vec<String> {
        let all = page["collections"].as_array().unwrap().iter();
        all.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut seen, mut path) = (Vec::new(), list("?limit=1"));
    loop {
        let page = ask(&city, path.clone(), None).await.ok();
        assert!(names(&page).len() <= 1);
        assert!(link(&page, "self").unwrap().starts_with(&city.server.base));
        seen.extend(names(&page));
        match link(&page, "next") {
            Some(next) => path = next.strip_prefix(&city.server.base).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, [PLACES, STOPS]);
    for (parameters, expected) in [
        ("?limit=5000", &[PLACES, STOPS][..]),
        ("?after=301001-000007", &[STOPS]),
        ("?after=301001/000008", &[]),
        ("?after=399999-999999&limit=2", &[]),
    ] {
        let page = ask(&city, list(parameters), None).await.ok();
        assert_eq!(names(&page), expected, "{parameters}");
        assert_eq!(link(&page, "next"), None);
    }
    let page = ask(&city, list("?limit=1&f=html"), None).await;
    assert!(page.text().contains("rel=\"next\""), "{}", page.text());
    for wrong in [
        "?limit=0",
        "?limit=-1",
        "?limit=x",
        "?after=",
        "?after=x",
        "?after=%00",
        "?offset=1",
        "?after=1&after=2",
    ] {
        let refused = ask(&city, list(wrong), None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{wrong}: {}", refused.text());
    }
}

/// The geometries in a document, as they are written.
fn geometries(text: &str) -> Vec<String> {
    let found = text.split("\"geometry\":").skip(1);
    let mut found: Vec<String> =
        found.map(|rest| rest.split(",\"properties\"").next().unwrap().to_owned()).collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn files_write_places_as_features_do() {
    let city = atlas().await;
    for (code, point) in [
        (PLACES, r#"{"type":"Point","coordinates":[115.9,29.5]}"#),
        (STOPS, r#"{"type":"Point","coordinates":[115.3,29.7]}"#),
    ] {
        let features = geometries(&ask(&city, items(code, &[]), None).await.text());
        let file = ask(&city, format!("/datasets/{code}/latest.geojson"), None).await;
        assert_eq!(file.header("content-type"), "application/geo+json");
        assert_eq!(geometries(&file.text()), features, "{code}");
        assert!(features.contains(&point.to_owned()), "{features:?}");
    }
    let file = ask(&city, format!("/datasets/{STOPS}/latest.geojson"), None).await.ok();
    let properties = json!({"line": "2路", "place": 1, "longitude": 115.3, "latitude": 29.7});
    let features = file["features"].as_array().unwrap();
    assert!(features.iter().any(|feature| feature["properties"] == properties), "{file}");
}
