//! Tools that can't sign: a ticket is all they need.

use serde_json::json;

use crate::support::city::City;
use crate::support::python::python;
use crate::support::server::Call;

#[tokio::test(flavor = "multi_thread")]
async fn pandas_and_polars_load_an_arrow_stream_with_a_ticket() {
    let city = City::new().await;
    city.conditional_grant().await;
    let wanted = json!({"purpose": "办案", "doors": ["sql"], "seconds": 60});
    let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.consumer)).await.ok();
    let (base, ticket) = (city.server.base.clone(), issued["token"].as_str().unwrap().to_owned());
    let sql =
        "select case_no, person as \"当事人\", count(*) over () as n from scjg.penalty order by case_no";
    let load = move || python("load_arrow.py", &[&base, sql], &ticket);
    let found = tokio::task::spawn_blocking(load).await.unwrap();
    let rows = json!([
        {"case_no": "A1", "当事人": "张*****", "n": 2},
        {"case_no": "A3", "当事人": "王*****", "n": 2},
    ]);
    assert_eq!((&found["pandas"], &found["polars"]), (&rows, &rows));
    assert_eq!(found["types"], json!(["String", "String", "Int64"]));
    let access = city.server.events("access").pop().unwrap();
    assert_eq!(
        (&access["actor"]["purpose"], &access["actor"]["department"]),
        (&json!("办案"), &json!("gaj"))
    );
}
