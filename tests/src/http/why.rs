//! What a grant would show, before anybody decides.

use catalog_core::Role;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, departments, resource};
use crate::support::server::{Answer, Call};

fn terms() -> Value {
    json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no", "county", "person"], "filter": {"=": ["county", "360481"]},
        "masks": {"person": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法",
        "doors": ["sql"],
    })
}

/// Asks what it would show, for a matter.
async fn weigh(city: &City, asked: &Value, by: &SigningKey) -> Answer {
    let call = Call::post("/api/v1/why/grant", asked).header("shuqiao-matter", "2026-17").by(by);
    city.server.send(call).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_sees_what_a_grant_would_show_and_nothing_of_the_rows() {
    let city = City::new().await;
    let server = &city.server;
    let preview = async |terms: &Value| weigh(&city, terms, &city.approver).await.ok()[0].take();
    let found = preview(&terms()).await;
    assert_eq!(found["rows"], json!({"rows": 0, "within": 6}), "three rows are too few to tell two of them");
    assert_eq!((&found["of_rows"], &found["version"]), (&json!(3), &json!(1)));
    let names: Vec<_> = found["columns"].as_array().unwrap().iter().map(|column| &column["column"]).collect();
    assert_eq!(names, ["case_no", "county", "person"]);
    assert_eq!(found["columns"][2]["mask"]["mask"], "keep_first", "{found}");
    assert_eq!((&found["hidden"], &found["undoes"]), (&json!(["amount", "note"]), &json!(null)));
    assert!(!found.to_string().contains("张三"), "{found}");
    let by = json!({"filter": {"=": ["county", {"subject": "division_code"}]}});
    let mut bound = terms();
    bound["filter"] = by["filter"].clone();
    assert_eq!(preview(&bound).await["rows"]["rows"], 0, "bound to the holder's attributes");
    let mut whole = terms();
    whole["filter"] = json!(null);
    assert_eq!(preview(&whole).await["rows"], json!({"rows": 3, "within": 1}), "all rows single nobody out");

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
    assert_eq!(weighed, 4);
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
    let found = weigh(&city, &part, &second).await.ok();
    assert_eq!((&found[0]["rows"]["rows"], &found[0]["grantee"]), (&json!(3), &json!({"department": "gaj"})));
    assert_eq!(found[0]["hidden"], json!(["county", "amount", "note"]), "{found}");
    let by_applicant = weigh(&city, &part, &analyst).await;
    assert_eq!(by_applicant.code(), "forbidden");
    let whole = json!({ "matter": opened["number"] });
    let refused = weigh(&city, &whole, &officer).await;
    assert_eq!(refused.code(), "invalid_input", "a whole application has no one provider");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_decide_counts_nothing() {
    let city = City::new().await;
    let server = &city.server;
    let [_, gaj] = departments();
    let others = server.person("other", Some(&gaj), &[Role::Approver]).await;
    for by in [&city.consumer, &city.editor, &city.reviewer, &others] {
        assert_eq!(weigh(&city, &terms(), by).await.code(), "forbidden");
    }
    let for_nothing = Call::post("/api/v1/why/grant", &terms()).by(&city.approver);
    assert_eq!(server.send(for_nothing).await.code(), "obligation_missing", "it says for what");
    for (name, value) in
        [("items", json!(["nothing"])), ("filters", json!(null)), ("legal_basis", json!(" "))]
    {
        let mut wrong = terms();
        wrong[name] = value;
        assert_eq!(weigh(&city, &wrong, &city.approver).await.code(), "invalid_input", "{name}");
    }
    let unknown = weigh(&city, &json!({"matter": "SQ-1"}), &city.approver).await;
    assert_eq!(unknown.code(), "not_found");
}

/// One person of 200, alone in her county, whose fine of 77 an approver who may not read wants to know.
#[tokio::test(flavor = "multi_thread")]
async fn bisecting_a_persons_fine_through_previews_tells_nothing_and_is_evidence() {
    let city = City::without_data().await;
    let mut about_people = resource();
    about_people["subject"] = json!("person");
    city.publish(&about_people).await;
    let mut text = "case_no,county,person,amount,note\nA0,360402,赵六(合成),77,\n".to_owned();
    (1..200).for_each(|n| text.push_str(&format!("A{n},360481,王五{n}(合成),{n},\n")));
    city.upload(&text).await;
    let mut tries = 0;
    let mut count = async |filter: Value| {
        tries += 1;
        let mut asked = terms();
        asked["filter"] = filter;
        weigh(&city, &asked, &city.approver).await.ok()[0].take()
    };
    let below = |amount: i64| json!({"<": ["amount", amount]});
    let not = |filter: &Value| json!({ "not": filter });
    for amount in [1, 50, 76, 77, 78, 100, 500] {
        // By name or number she is not counted at all, however it is said.
        for (column, value) in [("person", "赵六(合成)"), ("case_no", "A0")] {
            let her = json!({"and": [{"=": [column, value]}, below(amount)]});
            for filter in [her.clone(), not(&her), json!({"or": [{"=": ["county", "360481"]}, her]})] {
                let found = count(filter).await;
                assert_eq!((&found["rows"], &found["singles_out"]), (&json!(null), &json!(column)));
            }
        }
        // By what she is alone in, she is none and everybody else is all, whatever her fine.
        let her = json!({"and": [{"=": ["county", "360402"]}, below(amount)]});
        assert_eq!(count(her.clone()).await["rows"], json!({"rows": 0, "within": 6}));
        assert_eq!(count(not(&her)).await["rows"], json!({"rows": 200, "within": 6}));
        // With others she is in a number that is never the true one by itself: a multiple of four.
        let others = json!({"and": [{"=": ["county", "360481"]}, {"<": ["amount", 101]}]});
        let found = count(json!({"or": [others, her]})).await;
        let rows = found["rows"]["rows"].as_u64().unwrap();
        assert!(rows % 4 == 0 && rows.abs_diff(100) <= 6, "{found}");
    }
    let accesses = city.server.events("access");
    let of_approver =
        accesses.iter().filter(|access| access["actor"]["matter"] == "2026-17").collect::<Vec<_>>();
    assert_eq!(of_approver.len(), tries, "each try is an access");
    let first = of_approver[0];
    assert_eq!((&first["sources"][0]["resource"], &first["rows"]), (&json!("301001/000001"), &json!(0)));
    assert_eq!(first["actor"]["matter"], "2026-17");
    let names_her = of_approver.iter().filter(|access| access["subjects"] == first["subjects"]).count();
    assert_eq!((first["subjects"].as_array().unwrap().len(), names_her), (1, 3 * 7), "by her keyed hash");
}
