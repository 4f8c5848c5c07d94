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

#[tokio::test(flavor = "multi_thread")]
async fn a_join_of_everything_loads_and_names_each_column_once() {
    let city = City::new().await;
    let wanted = json!({"purpose": "核对", "doors": ["sql"], "seconds": 60});
    let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.machine)).await.ok();
    let (base, ticket) = (city.server.base.clone(), issued["token"].as_str().unwrap().to_owned());
    let sql = "select a.*, b.case_no, b.县区 from scjg.penalty a join scjg.penalty b using (case_no) \
               where a.case_no = 'A1'";
    let row = json!({
        "case_no": "A1", "county": "360481", "person": "张三(合成)", "amount": 100.5, "note": "一", "case_no_1": "A1",
        "县区": "360481",
    });
    let load = move || python("load_arrow.py", &[&base, sql], &ticket);
    let found = tokio::task::spawn_blocking(load).await.unwrap();
    let polars = found["polars"][0].as_object().unwrap();
    assert_eq!(polars.keys().collect::<Vec<_>>(), row.as_object().unwrap().keys().collect::<Vec<_>>());
    assert_eq!((&found["pandas"][0]["case_no_1"], &polars["县区"]), (&row["case_no_1"], &row["县区"]));

    let ask = async |format: &str| {
        let call =
            Call::post(format!("/api/v1/sql?format={format}"), &json!({ "sql": sql })).by(&city.machine);
        city.server.send(call).await
    };
    assert_eq!(ask("json").await.ok()["data"], json!([row]));
    let csv = ask("csv").await.text();
    assert_eq!(csv.lines().next(), Some("case_no,county,person,amount,note,case_no_1,县区"));
    let parquet = axum::body::Bytes::copy_from_slice(ask("parquet").await.ok_bytes());
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(parquet).unwrap();
    let names: Vec<_> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names.join(","), csv.lines().next().unwrap());
}
