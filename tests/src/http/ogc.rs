//! OGC API - Features: documents, pages, single features.

mod collections;
mod doors;
mod filters;
mod gdal;
mod grants;
mod refusals;

use ::http::StatusCode;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, resource};
use crate::support::server::{Answer, Call};

pub(super) const PLACES: &str = "301001-000007";
const STOPS: &str = "301001-000008";
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
const EPSG4326: &str = "http://www.opengis.net/def/crs/EPSG/0/4326";

fn item(title: &str, column: &str, kind: &str, length: u16, opening: &str) -> Value {
    json!({"title": title, "column": column, "type": {"kind": kind, "length": length},
        "sharing": {"type": "unconditional"}, "opening": {"type": opening}})
}

/// Places with geometries, and one without: nine points in a row, and an area.
fn places() -> Value {
    let mut places = resource();
    let mut items = vec![
        item("编号", "place_id", "C", 20, "open"),
        item("县区", "county", "C", 6, "open"),
        item("座位数", "seats", "I", 0, "open"),
        item("启用日期", "opened_on", "D", 0, "open"),
        item("位置", "shape", "G", 0, "open"),
        item("负责人", "keeper", "C", 40, "closed"),
        item("内部等级", "level", "C", 8, "closed"),
    ];
    items[0]["required"] = json!(true);
    items[4]["format"] = json!("geometry");
    items[5]["personal"] = json!(true);
    items[5]["sharing"] = json!({"type": "conditional", "condition": "办案需要"});
    for (field, value) in [
        ("code", json!("301001/000007")),
        ("sql_name", json!("places")),
        ("title", json!("地点信息")),
        ("items", json!(items)),
        ("key", json!(["place_id"])),
        ("sort", json!(["county"])),
    ] {
        places[field] = value;
    }
    places
}

fn rows() -> String {
    let mut rows = "place_id,county,seats,opened_on,shape,keeper,level\n".to_owned();
    for number in 1..=9 {
        let county = if number % 2 == 0 { "360481" } else { "360402" };
        let shape = format!("{{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[115.{number},29.5]}}");
        rows += &format!("P{number},{county},{number}0,2026-01-0{number},\"{shape}\",张三(合成),甲\n");
    }
    let area =
        "{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[[[116,29],[117,29],[117,30],[116,30],[116,29]]]}";
    rows + &format!("A1,360402,0,2025-06-01,\"{area}\",李四(合成),乙\nN1,360402,,,,,丙\n")
}

/// Ordinary rows with coordinates.
fn stops() -> Value {
    let mut stops = resource();
    let mut items = vec![
        item("线路", "line", "C", 10, "open"),
        item("站序", "place", "I", 0, "open"),
        item("经度", "longitude", "B", 0, "open"),
        item("纬度", "latitude", "B", 0, "open"),
    ];
    for (place, format) in [(2, "longitude"), (3, "latitude")] {
        items[place]["format"] = json!(format);
    }
    for place in [0, 1] {
        items[place]["required"] = json!(true);
    }
    for (field, value) in [
        ("code", json!("301001/000008")),
        ("sql_name", json!("stops")),
        ("title", json!("公交站点")),
        ("items", json!(items)),
        ("key", json!(["line", "place"])),
        ("sort", json!([])),
    ] {
        stops[field] = value;
    }
    stops
}

fn public(code: &str, items: &[&str]) -> Value {
    json!({
        "kind": "public", "resource": code.replacen('-', "/", 1), "grantee": "public", "items": items,
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "file"],
    })
}

pub(super) async fn atlas() -> City {
    let city = City::new().await;
    city.publish(&places()).await;
    city.publish(&stops()).await;
    city.upload_to(PLACES, &rows()).await;
    let stops = "line,place,longitude,latitude\n1路;甲,1,115.1,29.5\n1路;甲,2,115.2,29.6\n2路,1,115.3,29.7\n";
    city.upload_to(STOPS, stops).await;
    city.grant(&public(PLACES, &["place_id", "county", "seats", "opened_on", "shape"])).await;
    city.grant(&public(STOPS, &["line", "place", "longitude", "latitude"])).await;
    city
}

/// A text as it stands in an address.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

fn items(code: &str, parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    format!("/ogc/collections/{code}/items?{}", pairs.collect::<Vec<_>>().join("&"))
}

async fn ask(city: &City, path: String, by: Option<&SigningKey>) -> Answer {
    let call = Call::get(path);
    city.server
        .send(match by {
            Some(key) => call.by(key),
            None => call,
        })
        .await
}

/// The ids on a page, in order of their names.
async fn ids(city: &City, parameters: &[(&str, &str)]) -> Vec<String> {
    let page = ask(city, items(PLACES, parameters), None).await.ok();
    ids_of(&page)
}

fn ids_of(page: &Value) -> Vec<String> {
    let features = page["features"].as_array().unwrap().iter();
    let mut ids: Vec<String> =
        features.map(|feature| feature["id"].as_str().unwrap_or_default().to_owned()).collect();
    ids.sort();
    ids
}

fn link(document: &Value, rel: &str) -> Option<String> {
    let links = document["links"].as_array().unwrap();
    let found = links.iter().find(|link| link["rel"] == rel)?;
    Some(found["href"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_from_the_landing_page_leads_somewhere() {
    let city = atlas().await;
    let base = &city.server.base;
    let mut waiting = vec![format!("{base}/ogc")];
    let mut seen: Vec<String> = Vec::new();
    while let Some(address) = waiting.pop() {
        if seen.contains(&address) {
            continue;
        }
        let path = address.strip_prefix(base).unwrap().to_owned();
        let answer = ask(&city, path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.text());
        seen.push(address);
        if !answer.header("content-type").contains("json") {
            assert!(answer.text().starts_with("<!doctype html>"), "{}", answer.text());
            continue;
        }
        let document = answer.json();
        let below = document["collections"].as_array().into_iter().flatten();
        for links in below.chain([&document]).filter_map(|part| part["links"].as_array()) {
            waiting.extend(links.iter().map(|link| link["href"].as_str().unwrap().to_owned()));
        }
    }
    assert!(seen.len() > 15, "{seen:?}");
    let api = ask(&city, "/ogc/api".to_owned(), None).await;
    assert_eq!(api.header("content-type"), "application/vnd.oai.openapi+json;version=3.0");
    assert_eq!((&api.ok()["openapi"], &api.ok()["servers"][0]["url"]), (&json!("3.0.3"), &json!(base)));
    let collections = ask(&city, "/ogc/collections".to_owned(), None).await.ok();
    let names: Vec<_> = collections["collections"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(names, [PLACES, STOPS], "what has no places is no collection");
    let conformance = ask(&city, "/ogc/conformance".to_owned(), None).await.ok();
    let classes = conformance["conformsTo"].as_array().unwrap();
    assert!(classes.iter().any(|class| class.as_str().unwrap().ends_with("/conf/basic-cql2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_feature_once() {
    let city = atlas().await;
    let (mut found, mut path) = (Vec::new(), items(PLACES, &[("limit", "3")]));
    for page in 0.. {
        let answer = ask(&city, path, None).await;
        assert_eq!(answer.header("content-type"), "application/geo+json");
        let document = answer.ok();
        assert_eq!(document["type"], "FeatureCollection");
        assert!(document.get("numberMatched").is_none(), "it was not asked for");
        let ids = ids_of(&document);
        assert_eq!(document["numberReturned"], ids.len());
        found.extend(ids);
        match link(&document, "next") {
            Some(next) => path = next.strip_prefix(&city.server.base).unwrap().to_owned(),
            None => {
                assert_eq!(page, 3);
                break;
            }
        }
    }
    found.sort();
    assert_eq!(found, ["A1", "N1", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"]);
    let counted = ask(&city, items(PLACES, &[("limit", "2"), ("count", "true")]), None).await.ok();
    assert_eq!((&counted["numberMatched"], &counted["numberReturned"]), (&json!(11), &json!(2)));
    let all = ask(&city, items(PLACES, &[("limit", "99999999")]), None).await.ok();
    assert_eq!(all["numberReturned"], 11, "more than the most are the most");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_feature_has_its_id_and_its_system() {
    let city = atlas().await;
    let path = format!("/ogc/collections/{PLACES}/items/P3");
    let answer = ask(&city, path.clone(), None).await;
    assert_eq!(answer.header("content-crs"), format!("<{CRS84}>"));
    let feature = answer.ok();
    assert_eq!((&feature["type"], &feature["id"]), (&json!("Feature"), &json!("P3")));
    assert_eq!(feature["geometry"], json!({"type": "Point", "coordinates": [115.3, 29.5]}));
    let properties = json!({"place_id": "P3", "county": "360402", "seats": 30, "opened_on": "2026-01-03"});
    assert_eq!(feature["properties"], properties, "closed items are absent");
    assert_eq!(link(&feature, "self").unwrap(), format!("{}{path}", city.server.base));
    let turned = ask(&city, format!("{path}?crs={}", encoded(EPSG4326)), None).await;
    assert_eq!(turned.header("content-crs"), format!("<{EPSG4326}>"));
    assert_eq!(turned.ok()["geometry"]["coordinates"], json!([29.5, 115.3]));
    let nowhere = ask(&city, format!("/ogc/collections/{PLACES}/items/N1"), None).await.ok();
    assert_eq!(nowhere["geometry"], Value::Null);
    let page = ask(&city, format!("{path}?f=html"), None).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text().contains("县区") && !page.text().contains("张三"), "{}", page.text());
    let some = format!("/ogc/collections/{PLACES}/items?f=html&county=360402");
    let some = ask(&city, some, None).await.text();
    let address = some.split("href=\"").find(|rest| rest.contains("要素的 GeoJSON")).unwrap();
    let address = address.split('"').next().unwrap();
    assert!(address.ends_with("county=360402&amp;f=json"), "the conditions stay: {address}");
    // A key of two items, one of which holds what separates them.
    let stops = ask(&city, items(STOPS, &[]), None).await.ok();
    assert_eq!(ids_of(&stops), ["1路%3B甲;1", "1路%3B甲;2", "2路;1"]);
    let one =
        ask(&city, format!("/ogc/collections/{STOPS}/items/{}", encoded("1路%3B甲;2")), None).await.ok();
    assert_eq!(
        (&one["properties"]["place"], &one["geometry"]["coordinates"]),
        (&json!(2), &json!([115.2, 29.6]))
    );
    for missing in ["P99", "a%2Fb", "%27%20or%201%3D1"] {
        let answer = ask(&city, format!("/ogc/collections/{PLACES}/items/{missing}"), None).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::NOT_FOUND, "not_found"),
            "{missing}"
        );
    }
    for missing in ["2路", "2路;x", "2路;1;1", ";"] {
        let answer = ask(&city, format!("/ogc/collections/{STOPS}/items/{}", encoded(missing)), None).await;
        assert_eq!(answer.code(), "not_found", "{missing}");
    }
}
