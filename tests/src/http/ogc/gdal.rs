//! GDAL as a client.

use super::*;
use crate::support::python::python;

#[tokio::test(flavor = "multi_thread")]
async fn gdal_reads_collections_page_after_page() {
    let city = atlas().await;
    let wanted = json!({"purpose": "核对", "doors": ["api"], "seconds": 60});
    let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.machine)).await.ok();
    let ticket = issued["token"].as_str().unwrap().to_owned();
    let base = city.server.base.clone();
    let read = async |arguments: &[&str], ticket: &str| {
        let arguments: Vec<String> =
            [base.as_str()].iter().chain(arguments).map(|text| (*text).to_owned()).collect();
        let ticket = ticket.to_owned();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            python("read_oapif.py", &arguments, &ticket)
        };
        tokio::task::spawn_blocking(run).await.unwrap()
    };
    let names = |found: &Value, field: &str| {
        let mut names: Vec<String> = found["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[field].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let all = read(&[PLACES], "").await;
    assert_eq!(all["layers"], json!([PLACES, STOPS]));
    assert_eq!(names(&all, "place_id"), ["A1", "N1", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9"]);
    assert!(!all["fields"].as_array().unwrap().contains(&json!("keeper")));
    let first = all["rows"].as_array().unwrap().iter().position(|row| row["place_id"] == "P1").unwrap();
    let point: String = [1, 1, 0, 0, 0]
        .into_iter()
        .chain([115.1_f64, 29.5].into_iter().flat_map(f64::to_le_bytes))
        .map(|byte: u8| format!("{byte:02x}"))
        .collect();
    assert_eq!(all["geometries"][first], json!(point));
    let boxed = read(&[PLACES, "115.05,29,115.35,30"], "").await;
    assert_eq!(names(&boxed, "place_id"), ["P1", "P2", "P3"]);
    let filtered = read(&[PLACES, "", "county = '360481' AND seats > 50"], "").await;
    assert_eq!(names(&filtered, "place_id"), ["P6", "P8"]);
    let own = read(&[PLACES], &ticket).await;
    assert!(
        own["fields"].as_array().unwrap().contains(&json!("keeper")),
        "its own department sees all of it"
    );
    let stops = read(&[STOPS, "115.15,29,116,30"], "").await;
    assert_eq!(names(&stops, "line"), ["1路;甲", "2路"]);
}
