//! The annual report on sharing, from what departments did over HTTP to a document that another program reads.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog_core::{Role, Timestamp};
use serde_json::{Value, json};

use crate::support::city::{City, departments};
use crate::support::python::python;
use crate::support::server::Call;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}:00+08:00")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_on_sharing_is_counted_from_evidence() {
    let city = City::new_at(at("2026-03-02T10:00")).await;
    let [_, gaj] = departments();
    let server = &city.server;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let second = server.person("second", Some(&departments()[0]), &[Role::Approver]).await;
    let apply = async |items: Value, purpose: &str| {
        let application = json!({
            "asks": [{"resource": "301001/000001", "items": items, "doors": ["sql"]}], "purpose": purpose,
            "legal_basis": "人民警察法 第六条", "valid_until": "2026-12-30T16:00:00Z",
        });
        server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok()
    };
    apply(json!(["case_no", "amount"]), "统计").await;
    let whole = apply(json!(["case_no", "person"]), "办案").await;
    let accepted = city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok();
    let part = &accepted["parts"][0];
    // Decided in the year after.
    let left = apply(json!(["case_no", "person"]), "另案").await;
    let left =
        city.act(&left["number"], &json!({"event": "accept"}), &officer).await.ok()["parts"][0].clone();
    // Decided a day too late.
    server.set_clock(at("2026-03-17T09:00"));
    city.act(part, &json!({"event": "propose"}), &city.approver).await.ok();
    let refuse = json!({"event": "refuse", "reason": "无依据", "legal_basis": "个人信息保护法 第六条"});
    city.act(part, &refuse, &second).await.ok();
    server.send(city.sql("select case_no from scjg.penalty", Some(&analyst))).await.ok();
    let objection = json!({"subject": "data", "resource": "301001/000001", "description": "有误"});
    let opened = server.send(Call::post("/api/v1/objections", &objection).by(&analyst)).await.ok();
    city.act(&opened["number"], &json!({"event": "uphold", "reason": "属实"}), &city.editor).await.ok();

    server.set_clock(at("2026-03-17T10:00"));
    let report = async |query: &str, by| {
        server.send(Call::get(format!("/api/v1/reports/sharing?{query}")).by(by)).await
    };
    let all = report("year=2026", &officer).await.ok();
    let row = |name: &str| {
        let rows = all["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == name).unwrap().clone()
    };
    let expected = json!({
        "department": "scjg", "resources": 1, "mounted": 1, "received": 3, "granted": 1, "refused": 1,
        "on_time": {"part": 1, "of": 3}, "made": 0, "calls": 1, "rows": 3, "objections": 1, "upheld": 1, "settled": 0,
    });
    assert_eq!(row("scjg"), expected);
    assert_eq!((&row("gaj")["made"], &row("gaj")["received"]), (&json!(3), &json!(0)));

    // In the year after: what is left settles then, and the report of the year before stays as it is.
    server.set_clock(at("2027-02-01T10:00"));
    city.act(&left, &json!({"event": "propose"}), &city.approver).await.ok();
    city.act(&left, &refuse, &second).await.ok();
    let later = report("year=2026", &officer).await.ok();
    assert_eq!(later["departments"], all["departments"]);
    assert_eq!(report("year=2027&department=scjg", &officer).await.ok()["departments"][0]["received"], 0);
    let own = report("year=2026", &analyst).await.ok();
    assert_eq!(own["departments"].as_array().unwrap().len(), 1);
    assert_eq!(report("year=2026&department=scjg", &analyst).await.code(), "forbidden");
    assert_eq!(report("year=999999999", &officer).await.code(), "invalid_input");
    assert_eq!(server.send(Call::get("/api/v1/reports/sharing?year=2026")).await.code(), "forbidden");

    let document = Call::get("/api/v1/reports/sharing.docx?year=2026&department=scjg").by(&officer);
    let text = STANDARD.encode(server.send(document).await.ok_bytes());
    let read = tokio::task::spawn_blocking(move || python("read_docx.py", &[], &text)).await.unwrap();
    assert_eq!(read["paragraphs"][0], "九江市市场监督管理局2026年数据共享年度报告");
    let table = &read["tables"][0];
    assert_eq!(
        table[1],
        json!([
            "九江市市场监督管理局",
            "1",
            "1",
            "3",
            "1",
            "1",
            "33.3%（1/3）",
            "0",
            "1",
            "3",
            "1（1）",
            "0"
        ])
    );
}
