//! What a grant would show, before anybody decides.

use catalog_core::Role;
use serde_json::{Value, json};

use crate::support::city::{City, departments};
use crate::support::server::Call;

fn terms() -> Value {
    json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "county", "person"], "filter": {"=": ["county", "360481"]},
        "masks": {"person": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法",
        "doors": ["sql"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_sees_what_a_grant_would_show_and_nothing_of_the_rows() {
    let city = City::new().await;
    let server = &city.server;
    let preview = async |terms: &Value| {
        server.send(Call::post("/api/v1/why/grant", terms).by(&city.approver)).await.ok()[0].take()
    };
    let found = preview(&terms()).await;
    assert_eq!((&found["rows"], &found["of_rows"], &found["version"]), (&json!(2), &json!(3), &json!(1)));
    let names: Vec<_> = found["columns"].as_array().unwrap().iter().map(|column| &column["column"]).collect();
    assert_eq!(names, ["case_no", "county", "person"]);
    assert_eq!(found["columns"][2]["mask"]["mask"], "keep_first", "{found}");
    assert_eq!((&found["hidden"], &found["undoes"]), (&json!(["amount", "note"]), &json!(null)));
    assert!(!found.to_string().contains("张三"), "{found}");
    let by = json!({"filter": {"=": ["county", {"subject": "division_code"}]}});
    let mut bound = terms();
    bound["filter"] = by["filter"].clone();
    assert_eq!(preview(&bound).await["rows"], 0, "bound to the holder's attributes");

    // The holder would see in clear what it has as a pseudonym, the same identifier.
    let mut pseudonym = terms();
    pseudonym["masks"] = json!({"person": {"mask": "pseudonym", "application": "a"}});
    city.grant(&pseudonym).await;
    let mut clear = terms();
    clear["masks"] = json!({});
    let found = preview(&clear).await;
    assert!(found["undoes"].as_str().unwrap().contains("person"), "{found}");
    clear["purpose"] = json!("核查");
    let refused = city.apply(&clear).await;
    assert_eq!(refused.code(), "conflict", "what is told is what would happen");
    assert!(refused.text().contains("as a pseudonym"), "{}", refused.text());

    let weighed =
        server.events("changed").into_iter().filter(|event| event["action"] == "grant.weighed").count();
    assert_eq!(weighed, 3);
    let grants = server.send(Call::get("/api/v1/grants").by(&city.approver)).await.ok();
    assert_eq!(grants.as_array().unwrap().len(), 2, "nothing was made by asking");
}

/// The same by the number of an application's part, as its approver finds it on the list.
#[tokio::test(flavor = "multi_thread")]
async fn an_approver_weighs_what_an_application_asks() {
    let city = City::new().await;
    let server = &city.server;
    let [scjg, gaj] = departments();
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let second = server.person("second", Some(&scjg), &[Role::Approver]).await;
    let asks = json!([{"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]}]);
    let application = json!({
        "asks": asks, "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2098-06-30T16:00:00Z",
    });
    let opened = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    let steps = format!("/api/v1/matters/{}/steps", opened["number"].as_str().unwrap());
    let view = server.send(Call::post(steps, &json!({"event": "accept"})).by(&officer)).await.ok();
    let part = json!({ "matter": view["parts"][0] });
    let found = server.send(Call::post("/api/v1/why/grant", &part).by(&second)).await.ok();
    assert_eq!((&found[0]["rows"], &found[0]["grantee"]), (&json!(3), &json!({"department": "gaj"})));
    assert_eq!(found[0]["hidden"], json!(["county", "amount", "note"]), "{found}");
    let by_applicant = server.send(Call::post("/api/v1/why/grant", &part).by(&analyst)).await;
    assert_eq!(by_applicant.code(), "forbidden");
    let whole = json!({ "matter": opened["number"] });
    let refused = server.send(Call::post("/api/v1/why/grant", &whole).by(&officer)).await;
    assert_eq!(refused.code(), "invalid_input", "a whole application has no one provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_decide_counts_nothing() {
    let city = City::new().await;
    let server = &city.server;
    let [_, gaj] = departments();
    let others = server.person("other", Some(&gaj), &[Role::Approver]).await;
    for by in [&city.consumer, &city.editor, &city.reviewer, &others] {
        let call = Call::post("/api/v1/why/grant", &terms()).by(by);
        assert_eq!(server.send(call).await.code(), "forbidden");
    }
    for (name, value) in
        [("items", json!(["nothing"])), ("filters", json!(null)), ("legal_basis", json!(" "))]
    {
        let mut wrong = terms();
        wrong[name] = value;
        let call = Call::post("/api/v1/why/grant", &wrong).by(&city.approver);
        assert_eq!(server.send(call).await.code(), "invalid_input", "{name}");
    }
    let unknown = Call::post("/api/v1/why/grant", &json!({"matter": "SQ-1"})).by(&city.approver);
    assert_eq!(server.send(unknown).await.code(), "not_found");
}
