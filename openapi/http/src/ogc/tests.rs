use catalog_core::directory::ItemKind;
use catalog_core::policy::Filter;
use http::{HeaderMap, header};
use serde_json::json;

use super::crs::{Crs, boxes};
use super::features::encoded;
use super::negotiation::{Form, Parameters};
use super::time::lies_in;

#[test]
fn boxes_go_by_the_order_of_axes_and_across_the_antimeridian() {
    let shanghai = [120.8, 30.6, 122.1, 31.9];
    assert_eq!(boxes(&shanghai, Crs::Crs84), Some(vec![shanghai]));
    assert_eq!(boxes(&[30.6, 120.8, 31.9, 122.1], Crs::Epsg4326), Some(vec![shanghai]));
    assert_eq!(boxes(&[120.8, 30.6, 0.0, 122.1, 31.9, 9.0], Crs::Crs84), Some(vec![shanghai]));
    let across = boxes(&[170.0, -10.0, -170.0, 10.0], Crs::Crs84);
    assert_eq!(across, Some(vec![[170.0, -10.0, 180.0, 10.0], [-180.0, -10.0, -170.0, 10.0]]));
    for wrong in [&[][..], &[1.0; 5], &[0.0, 5.0, 1.0, 4.0], &[f64::NAN, 0.0, 1.0, 1.0]] {
        assert_eq!(boxes(wrong, Crs::Crs84), None, "{wrong:?}");
    }
    assert_eq!(boxes(&[f64::NEG_INFINITY, 0.0, f64::INFINITY, 1.0], Crs::Crs84), None);
}

#[test]
fn a_day_is_meant_as_a_whole_in_china() {
    let filter = |kind, text| lies_in("at", kind, text).map(|filter| serde_json::to_value(filter).unwrap());
    let day = filter(ItemKind::T, "2026-01-31").unwrap();
    let expected = json!({"and": [
        {">=": ["at", "2026-01-30T16:00:00Z"]}, {"<=": ["at", "2026-01-31T15:59:59.999999Z"]},
    ]});
    assert_eq!(day, expected);
    let dates = filter(ItemKind::D, "../2026-01-30T17:00:00Z").unwrap();
    assert_eq!(dates, json!({"and": [{"<=": ["at", "2026-01-31"]}]}));
    assert!(
        matches!(lies_in("at", ItemKind::D, "2026-01-01/").unwrap(), Filter::And(parts) if parts.len() == 1)
    );
    for wrong in [
        "",
        "/",
        "../..",
        "now",
        "2026-13-01",
        "2026-02-01/2026-01-01",
        "2026-01-01/2026-01-02/2026-01-03",
        "一二三四五六七八九十",
    ] {
        assert!(lies_in("at", ItemKind::T, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn the_form_is_named_or_preferred() {
    let form = |accept: &'static str, f: Option<&str>| {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        let pairs = f.map(|f| ("f".to_owned(), f.to_owned())).into_iter().collect();
        Parameters::of(pairs).ok()?.form(&headers).ok()
    };
    assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8", None), Some(Form::Html));
    assert_eq!(form("application/geo+json, application/json;q=0.9, text/html;q=0.1", None), Some(Form::Json));
    assert_eq!(form("*/*", None), Some(Form::Json));
    assert_eq!(form("text/html", Some("json")), Some(Form::Json));
    assert_eq!(form("*/*", Some("xml")), None);
    let twice = vec![("limit".to_owned(), "1".to_owned()), ("limit".to_owned(), "2".to_owned())];
    assert!(Parameters::of(twice).is_err());
}

#[test]
fn ids_are_one_segment_of_a_path() {
    assert_eq!(encoded("a/b?c;d 中"), "a%2Fb%3Fc%3Bd%20%E4%B8%AD");
    assert_eq!(encoded(".."), "%2E%2E");
}
