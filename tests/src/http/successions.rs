//! Departments that continue others 机构改革, by a date.

use catalog_core::directory::Department;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, department};
use crate::support::server::{Answer, Call};

/// A time of 2026 in Asia/Shanghai.
pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

/// The city on Monday, the second of March, with two departments that will continue its own.
pub(super) async fn city() -> (City, [Department; 2], SigningKey) {
    let city = City::new_at(at("03-02T10:00")).await;
    let sjj = department("sjj", "九江市市场和数据局", "11360400MD0000003X");
    let zfw = department("zfw", "九江市政法委员会", "11360400ME0000004X");
    city.server.department(&sjj).await;
    city.server.department(&zfw).await;
    let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
    (city, [sjj, zfw], officer)
}

pub(super) async fn propose(city: &City, old: &str, heir: &Value, by: &SigningKey) -> Answer {
    city.server.send(Call::post(format!("/api/v1/departments/{old}/succession"), heir).by(by)).await
}

pub(super) async fn confirm(city: &City, proposed: &Value, by: &SigningKey) -> Answer {
    let id = proposed["id"].as_str().unwrap();
    city.server.send(Call::post(format!("/api/v1/successions/{id}/confirm"), &json!({})).by(by)).await
}

/// Proposed by the officer and confirmed by a second one; the first refusal.
async fn succeed(city: &City, old: &str, new: &str, from: &str, by: &SigningKey) -> Answer {
    let heir = json!({"successor": new, "from": at(from).to_string(), "basis": "机构改革方案"});
    let proposed = propose(city, old, &heir, by).await;
    if !proposed.status.is_success() {
        return proposed;
    }
    let second = city.server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    confirm(city, &proposed.json(), &second).await
}

pub(super) async fn ask(city: &City, sql: &str, by: &SigningKey) -> Answer {
    city.server.send(city.sql(sql, Some(by))).await
}

/// An application for the first resource that the authority has accepted: the provider's part.
async fn application(city: &City, by: &SigningKey, officer: &SigningKey) -> Value {
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    });
    let whole = city.server.send(Call::post("/api/v1/applications", &application).by(by)).await.ok();
    city.act(&whole["number"], &json!({"event": "accept"}), officer).await.ok()["parts"][0].clone()
}

/// The departments that have running matters.
async fn lights(city: &City, officer: &SigningKey) -> Vec<String> {
    let path = "/api/v1/supervision?from=2026-03-01T00:00:00Z&until=2026-03-31T16:00:00Z";
    let board = city.server.send(Call::get(path).by(officer)).await.ok();
    let lights = board["lights"].as_array().unwrap().iter();
    let lights = lights.filter(|row| row["department"] != "authority");
    lights.map(|row| row["department"].as_str().unwrap().to_owned()).collect()
}

pub(super) const OLD_NAME: &str = "select case_no, person from scjg.penalty order by case_no";
const NEW_NAME: &str = "select case_no, person from sjj.penalty order by case_no";

#[tokio::test(flavor = "multi_thread")]
async fn data_grants_matters_and_evidence_find_the_successor() {
    let (city, [sjj, zfw], officer) = city().await;
    let server = &city.server;
    let analyst =
        server.person("analyst", Some(&crate::support::city::departments()[1]), &[Role::Analyst]).await;
    let part = application(&city, &analyst, &officer).await;

    assert_eq!(succeed(&city, "scjg", "sjj", "03-05T00:00", &city.approver).await.code(), "forbidden");
    assert_eq!(succeed(&city, "scjg", "sjj", "03-01T00:00", &officer).await.code(), "invalid_input");
    assert_eq!(succeed(&city, "scjg", "nobody", "03-05T00:00", &officer).await.code(), "not_found");
    succeed(&city, "scjg", "sjj", "03-05T00:00", &officer).await.ok();
    succeed(&city, "gaj", "zfw", "03-10T00:00", &officer).await.ok();
    assert_eq!(succeed(&city, "scjg", "zfw", "03-05T00:00", &officer).await.code(), "conflict");
    assert_eq!(
        succeed(&city, "sjj", "scjg", "03-06T00:00", &officer).await.code(),
        "invalid_input",
        "a ring"
    );

    // Up to the date everything is as it was.
    let machine = server.machine(&sjj).await;
    server.set_clock(at("03-04T23:59"));
    ask(&city, OLD_NAME, &city.machine).await.ok();
    assert_eq!(ask(&city, OLD_NAME, &machine).await.code(), "not_granted");

    // From the date on the old keys and people can't act, and what was theirs is the successor's, under both names.
    server.set_clock(at("03-05T00:00"));
    for old in [&city.machine, &city.editor, &city.approver] {
        let refused = ask(&city, OLD_NAME, old).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (401, "unauthenticated"),
            "{}",
            refused.text()
        );
    }
    for name in [OLD_NAME, NEW_NAME] {
        assert_eq!(ask(&city, name, &machine).await.ok()["data"].as_array().unwrap().len(), 3);
    }
    let first = server.person("first", Some(&sjj), &[Role::Approver]).await;
    let second = server.person("second", Some(&sjj), &[Role::Approver]).await;
    let list = server.send(Call::get("/api/v1/matters").by(&first)).await.ok();
    assert_eq!(list[0]["number"], part);
    assert_eq!(lights(&city, &officer).await, ["sjj"], "its matters show under the successor's lights");
    city.act(&part, &json!({"event": "propose"}), &first).await.ok();
    assert_eq!(city.act(&part, &json!({"event": "grant"}), &first).await.code(), "forbidden", "four eyes");
    city.act(&part, &json!({"event": "grant"}), &second).await.ok();
    city.act(&part, &json!({"event": "deliver"}), &first).await.ok();
    ask(&city, NEW_NAME, &city.consumer).await.ok();

    // A grant goes on with its holder's successor.
    let heir = server.machine(&zfw).await;
    assert_eq!(ask(&city, NEW_NAME, &heir).await.code(), "not_granted", "not yet");
    server.set_clock(at("03-10T00:00"));
    assert_eq!(ask(&city, NEW_NAME, &city.consumer).await.code(), "unauthenticated");
    assert_eq!(ask(&city, OLD_NAME, &heir).await.ok()["data"].as_array().unwrap().len(), 3);
    let grants = server.send(Call::get("/api/v1/grants").by(&heir)).await.ok();
    assert_eq!(grants.as_array().unwrap().len(), 1);

    // Evidence and assessment find the successor too, and say so.
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    let found = server.send(Call::get("/api/v1/evidence?department=sjj&limit=1000").by(&auditor)).await.ok();
    assert_eq!(found["predecessors"], json!(["scjg"]));
    let whose = |record: &Value| record["record"]["actor"]["department"].as_str().unwrap().to_owned();
    let mut whose: Vec<_> = found["records"].as_array().unwrap().iter().map(whose).collect();
    whose.dedup();
    assert_eq!(whose, ["scjg", "sjj"]);
    let period =
        |until: &str| format!("/api/v1/assessments?from=2026-03-01T00:00:00Z&until=2026-{until}T16:00:00Z");
    let rows = async |until: &str| -> Vec<String> {
        let table = server.send(Call::get(period(until)).by(&officer)).await.ok();
        let rows = table["assessment"]["departments"].as_array().unwrap().clone();
        rows.iter().map(|row| row["department"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(rows("03-04").await, ["authority", "scjg"], "up to the date");
    assert_eq!(rows("03-31").await, ["authority", "sjj"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merger_that_undoes_a_pseudonym_is_refused() {
    let (city, _, officer) = city().await;
    let heir = json!({"successor": "scjg", "from": at("03-05T00:00").to_string(), "basis": "机构改革方案"});
    let before = propose(&city, "gaj", &heir, &officer).await.ok();
    let grant = city
        .grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "person"], "masks": {"person": {"mask": "pseudonym", "application": "research"}},
            "purpose": "研究", "legal_basis": "统计法", "doors": ["sql"],
        }))
        .await;
    let refused = succeed(&city, "gaj", "scjg", "03-05T00:00", &officer).await;
    assert_eq!(refused.code(), "conflict", "{}", refused.text());
    assert!(refused.text().contains(grant["id"].as_str().unwrap()), "it names the grant: {}", refused.text());
    let second = city.server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    assert_eq!(
        confirm(&city, &before, &second).await.code(),
        "conflict",
        "proposed before there was the grant"
    );
    // Neither does a way around: both into a third.
    succeed(&city, "gaj", "zfw", "03-05T00:00", &officer).await.ok();
    assert_eq!(succeed(&city, "scjg", "zfw", "03-06T00:00", &officer).await.code(), "conflict");
    let id = grant["id"].as_str().unwrap();
    let end =
        Call::post(format!("/api/v1/grants/{id}/revoke"), &json!({"reason": "机构改革"})).by(&city.approver);
    city.server.send(end).await.ok();
    succeed(&city, "scjg", "zfw", "03-06T00:00", &officer).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_single_person_hands_a_department_over() {
    let (city, [sjj, _], officer) = city().await;
    let server = &city.server;
    let heir = json!({"successor": "sjj", "from": at("03-05T00:00").to_string(), "basis": "机构改革方案"});
    let second = server.person("second", None, &[Role::AuthorityOfficer]).await;
    let sysadmin = server.person("sysadmin", None, &[Role::SystemAdministrator]).await;
    let of_the_heir = server.person("of-the-heir", Some(&sjj), &[Role::AuthorityOfficer]).await;
    for by in [&sysadmin, &of_the_heir, &city.approver] {
        assert_eq!(propose(&city, "scjg", &heir, by).await.code(), "forbidden");
    }
    let proposed = propose(&city, "scjg", &heir, &officer).await.ok();
    for by in [&officer, &sysadmin, &of_the_heir, &city.approver] {
        let refused = confirm(&city, &proposed, by).await;
        assert!(["forbidden", "not_found"].contains(&refused.code().as_str()), "{}", refused.text());
    }
    // What is only proposed has no effect, and is the authority's own business.
    server.set_clock(at("03-05T00:00"));
    ask(&city, OLD_NAME, &city.machine).await.ok();
    let shown = async |by: &SigningKey| {
        server.send(Call::get("/api/v1/successions").by(by)).await.ok().as_array().unwrap().len()
    };
    assert_eq!((shown(&city.machine).await, shown(&second).await), (0, 1));

    // Confirmed late, it counts from the confirmation and never before.
    server.set_clock(at("03-06T10:00"));
    let confirmed = confirm(&city, &proposed, &second).await.ok();
    assert_eq!(confirmed["from"], at("03-06T10:00").to_string());
    assert_eq!(confirm(&city, &proposed, &second).await.code(), "illegal_state", "once");
    assert_eq!(ask(&city, OLD_NAME, &city.machine).await.code(), "unauthenticated");
    let frozen = crate::support::city::departments()[0].clone();
    let changed = Department { division_code: "360000".to_owned(), ..frozen };
    let put = Call::new(http::Method::PUT, "/api/v1/departments/scjg").json(&json!(changed)).by(&sysadmin);
    assert_eq!(server.send(put).await.code(), "illegal_state", "what grants bind to stays as it was");
    let events = server.events("changed");
    let who = |action: &str| -> Vec<&Value> {
        let of = events.iter().filter(|event| event["action"] == action);
        of.map(|event| &event["actor"]["id"]).collect()
    };
    assert_eq!(who("succession.proposed"), ["officer"]);
    assert_eq!(who("succession.confirmed"), ["second"]);
    // Nor by way of a department that will be theirs.
    succeed(&city, "zfw", "sjj", "03-20T00:00", &officer).await.ok();
    let heir = json!({"successor": "zfw", "from": at("03-19T00:00").to_string(), "basis": "机构改革方案"});
    assert_eq!(propose(&city, "gaj", &heir, &of_the_heir).await.code(), "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merger_that_would_show_what_lies_between_cells_is_refused() {
    let (city, _, officer) = city().await;
    for (holder, items) in [("gaj", json!(["county"])), ("zfw", json!(["county", "case_no"]))] {
        city.grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": holder}, "items": items,
            "statistics": {"measures": ["amount"], "subject": "person", "min_group": 3},
            "purpose": "统计", "legal_basis": "统计法", "doors": ["sql"],
        }))
        .await;
    }
    let refused = succeed(&city, "gaj", "zfw", "03-05T00:00", &officer).await;
    assert_eq!(refused.code(), "conflict", "{}", refused.text());
    assert!(refused.text().contains("cells of the same data differ"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_succession_can_be_called_off_before_its_date() {
    let (city, _, officer) = city().await;
    let server = &city.server;
    let confirmed = succeed(&city, "scjg", "sjj", "03-05T00:00", &officer).await.ok();
    let cancel = async |by: &SigningKey, reason: &str| {
        let path = format!("/api/v1/successions/{}/cancel", confirmed["id"].as_str().unwrap());
        server.send(Call::post(path, &json!({ "reason": reason })).by(by)).await
    };
    assert_eq!(cancel(&city.approver, "方案调整").await.code(), "forbidden");
    assert_eq!(cancel(&officer, " ").await.code(), "invalid_input");
    cancel(&officer, "方案调整").await.ok();
    assert_eq!(cancel(&officer, "方案调整").await.code(), "illegal_state");
    server.set_clock(at("03-05T00:00"));
    ask(&city, OLD_NAME, &city.machine).await.ok();
    assert_eq!(server.events("changed").last().unwrap()["action"], "succession.cancelled");
    // In force it stays.
    let confirmed = succeed(&city, "scjg", "sjj", "03-06T00:00", &officer).await.ok();
    server.set_clock(at("03-06T00:00"));
    let path = format!("/api/v1/successions/{}/cancel", confirmed["id"].as_str().unwrap());
    let late = server.send(Call::post(path, &json!({"reason": "方案调整"})).by(&officer)).await;
    assert_eq!(late.code(), "illegal_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_hands_over_what_it_names_and_no_more() {
    let (city, [sjj, _], officer) = city().await;
    let server = &city.server;
    let gaj = &crate::support::city::departments()[1];
    let mut kept = crate::support::city::resource();
    for (field, value) in [("code", "301001/000002"), ("sql_name", "licence"), ("title", "营业执照")] {
        kept[field] = json!(value);
    }
    city.publish(&kept).await;
    let granted = city
        .grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "person"], "purpose": "核查", "legal_basis": "人民警察法", "doors": ["sql"],
            "valid_until": "2026-06-30T16:00:00Z",
        }))
        .await;
    let analyst = server.person("analyst", Some(gaj), &[Role::Analyst]).await;
    // One part that asks for what goes and for what stays.
    let ask_of = |code: &str| json!({"resource": code, "items": ["case_no", "person"], "doors": ["sql"]});
    let application = json!({
        "asks": [ask_of("301001/000001"), ask_of("301001/000002")],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    });
    let whole = server.send(Call::post("/api/v1/applications", &application).by(&analyst)).await.ok();
    let accepted = city.act(&whole["number"], &json!({"event": "accept"}), &officer).await.ok();
    assert_eq!(accepted["parts"].as_array().unwrap().len(), 1);

    let heir = |code: &str| {
        json!({"successor": "sjj", "from": at("03-05T00:00").to_string(), "basis": "职能划转",
        "resources": [code]})
    };
    assert_eq!(propose(&city, "gaj", &heir("301001/000001"), &officer).await.code(), "invalid_input");
    assert_eq!(propose(&city, "scjg", &heir("301001/000009"), &officer).await.code(), "not_found");
    let proposed = propose(&city, "scjg", &heir("301001/000001"), &officer).await.ok();
    let second = server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    confirm(&city, &proposed, &second).await.ok();

    let machine = server.machine(&sjj).await;
    let round = async || {
        let failed = server.services.hand_over(&server.operator(&[])).await.unwrap();
        assert!(failed.is_empty(), "{failed:?}");
    };
    round().await;
    ask(&city, OLD_NAME, &city.machine).await.ok();
    server.set_clock(at("03-05T00:00"));
    round().await;
    round().await;

    // The old provider goes on without it; the new one reads it, and grants on it hold under the new name.
    assert_eq!(ask(&city, NEW_NAME, &city.machine).await.code(), "not_granted");
    assert_eq!(ask(&city, NEW_NAME, &machine).await.ok()["data"].as_array().unwrap().len(), 3);
    ask(&city, NEW_NAME, &city.consumer).await.ok();
    let mine = server.send(Call::get("/api/v1/grants").by(&machine)).await.ok();
    assert_eq!(mine, json!([]), "a machine decides on no grants");
    let resource = server.send(Call::get("/api/v1/resources/301001-000001")).await.ok();
    assert_eq!(resource["provider"], "sjj");

    // What runs about it is the new provider's to decide, and only that.
    let [first, other] = ["first", "other"];
    let first = server.person(first, Some(&sjj), &[Role::Approver]).await;
    let other = server.person(other, Some(&sjj), &[Role::Approver]).await;
    let of = async |by: &SigningKey| -> Vec<Value> {
        let list = server.send(Call::get("/api/v1/matters").by(by)).await.ok();
        let asked = |matter: &&Value| matter["content"]["application"]["purpose"] == "办案";
        list.as_array().unwrap().iter().filter(asked).cloned().collect()
    };
    let (new, old) = (of(&first).await, of(&city.approver).await);
    let asked = |list: &[Value]| -> Vec<Value> {
        list.iter().map(|matter| matter["content"]["application"]["asks"][0]["resource"].clone()).collect()
    };
    assert_eq!(asked(&new), [json!("301001/000001")]);
    assert_eq!(asked(&old), [json!("301001/000002")]);
    assert_eq!(new[0]["due"], old[0]["due"], "nobody has more time");
    city.act(&new[0]["number"], &json!({"event": "propose"}), &first).await.ok();
    city.act(&new[0]["number"], &json!({"event": "grant"}), &other).await.ok();
    assert_eq!(lights(&city, &officer).await, ["scjg", "sjj"]);
    let end = format!("/api/v1/grants/{}/revoke", granted["id"].as_str().unwrap());
    let revoke =
        async |by: &SigningKey| server.send(Call::post(&end, &json!({"reason": "不再需要"})).by(by)).await;
    assert_eq!(revoke(&city.approver).await.code(), "forbidden");
    revoke(&first).await.ok();
    let events = server.events("changed");
    let count = |action: &str| events.iter().filter(|event| event["action"] == action).count();
    assert_eq!((count("succession.carried_out"), count("resource.handed_over")), (1, 1), "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_answer_for_data_ask_about_anybody() {
    let (city, _, officer) = city().await;
    let server = &city.server;
    let gaj = &crate::support::city::departments()[1];
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
        "items": ["case_no"], "purpose": "核查", "legal_basis": "人民警察法 第六条", "doors": ["sql"],
        "filter": {"=": ["county", "360481"]}, "valid_until": "2026-06-30T16:00:00Z",
    }))
    .await;
    let analyst = server.person("analyst", Some(gaj), &[Role::Analyst]).await;
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    let why = async |question: Value, by: &SigningKey| {
        let mut asked = json!({"resource": "301001/000001", "door": "sql"});
        asked.as_object_mut().unwrap().extend(question.as_object().unwrap().clone());
        server.send(Call::post("/api/v1/why", &asked).by(by)).await
    };
    let about = |item: &str| json!({"principal": "analyst", "item": item});
    for by in [&officer, &auditor, &city.approver] {
        let found = why(about("case_no"), by).await.ok();
        assert_eq!(
            (&found["decision"]["effect"], &found["item"]["visible"]),
            (&json!("permit"), &json!(true))
        );
        assert_eq!(found["article"], "人民警察法 第六条");
    }
    let hidden = why(about("person"), &officer).await.ok();
    assert_eq!(hidden["item"]["visible"], false);
    let withheld = why(about("note"), &officer).await.ok();
    assert!(withheld["item"]["reason"].as_str().unwrap().contains("第五十条"), "{withheld}");
    let act = why(json!({"principal": "analyst", "action": "manage_grants"}), &officer).await.ok();
    assert_eq!(act["decision"]["effect"], "deny");
    // Of rows it is said by the filter alone, and nothing is looked up in the data.
    for (row, verdict) in [
        (json!({"county": "360481"}), "shown"),
        (json!({"county": "360402", "person": "某人"}), "hidden"),
        (json!({"person": "某人"}), "depends"),
    ] {
        let found = why(json!({"principal": "analyst", "row": row}), &officer).await.ok();
        assert_eq!(found["row"], verdict, "{found}");
    }
    let wrong = why(json!({"principal": "analyst", "row": {"no_item": "1"}}), &officer).await;
    assert_eq!(wrong.code(), "invalid_input");
    let asked: Vec<_> =
        server.events("changed").into_iter().filter(|event| event["action"] == "why.asked").collect();
    assert_eq!(asked.len(), 10, "each question about somebody else");
    assert!(asked.iter().all(|event| !event.to_string().contains("360402")), "{asked:?}");
    let digests: std::collections::BTreeSet<_> =
        asked.iter().map(|event| event["entity_digest"].to_string()).collect();
    assert_eq!(digests.len(), 5, "no digest tells which values a row has: {asked:?}");

    // Others learn about themselves alone.
    assert_eq!(why(json!({}), &analyst).await.ok()["decision"]["effect"], "permit");
    for by in [&analyst, &city.editor] {
        assert_eq!(why(json!({"principal": "approver"}), by).await.code(), "forbidden");
    }
    // Whatever is written there may be somebody's number: only a name that is known goes into evidence.
    let found = why(json!({"principal": "36048119900101001X"}), &officer).await;
    assert_eq!(found.code(), "not_found");
    let told = server.events("changed");
    assert_eq!(told.last().unwrap()["action"], "why.asked");
    assert!(told.iter().all(|event| !event.to_string().contains("36048119900101001X")));
}
