//! Directory, organisation, grants, tickets.

use ::http::{Method, StatusCode};
use catalog_core::Role;
use catalog_core::evidence::SourceRead;
use futures::FutureExt as _;
use serde_json::json;

use crate::support::city::{CODE, City, resource};
use crate::support::server::Call;

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_goes_from_draft_to_search() {
    let city = City::without_data().await;
    let server = &city.server;
    let found = server.send(Call::get("/api/v1/resources?q=%E5%A4%84%E7%BD%9A&facets=true")).await.ok();
    assert_eq!(found["hits"][0]["code"], "301001/000001");
    assert_eq!(found["total"], 1);

    let mut draft = resource();
    draft["abstract"] = json!("改过的摘要");
    let path = format!("/api/v1/resources/{CODE}");
    let entry = server.send(Call::new(Method::PUT, &path).json(&draft).by(&city.machine)).await.ok();
    assert_eq!(entry["state"], "draft");
    let changes = server.send(Call::get(format!("{path}/diff")).by(&city.editor)).await.ok();
    assert_eq!(changes[0]["after"], "改过的摘要");
    let steps = json!({"codes": ["301001/000001", "301001/000099"], "step": "submit_registration"});
    let outcomes = server.send(Call::post("/api/v1/resources/steps", &steps).by(&city.editor)).await.ok();
    assert_eq!(outcomes[0]["state"], "registration_review");
    assert_eq!(outcomes[1]["problem"]["code"], "not_found");

    let mut wrong = resource();
    wrong["code"] = json!("301001/000002");
    let refused = server.send(Call::new(Method::PUT, &path).json(&wrong).by(&city.editor)).await;
    assert_eq!(refused.code(), "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_publication_cuts_what_is_being_read_under_the_old_one() {
    let city = City::new().await;
    let server = &city.server;
    let path = format!("/api/v1/resources/{CODE}");
    server.send(Call::get(format!("{path}/preview")).by(&city.machine)).await.ok();
    let sources = server.events("access").pop().unwrap()["sources"].clone();
    let sources: Vec<SourceRead> = serde_json::from_value(sources).unwrap();
    for is_bulk in [false, true] {
        let mut watch = server.app.revocations.watch();
        server.send(Call::new(Method::PUT, &path).json(&resource()).by(&city.editor)).await.ok();
        for (step, by) in [
            ("submit_registration", &city.editor),
            ("approve_registration", &city.reviewer),
            ("submit_publication", &city.editor),
            ("approve_publication", &city.reviewer),
        ] {
            assert!(watch.cut(&sources).now_or_never().is_none(), "{step} is still to come");
            let call = match is_bulk {
                false => Call::post(format!("{path}/steps"), &json!({ "step": step })),
                true => {
                    let steps = json!({"codes": ["301001/000001"], "step": step});
                    Call::post("/api/v1/resources/steps", &steps)
                }
            };
            server.send(call.by(by)).await.ok();
        }
        assert!(watch.cut(&sources).now_or_never().is_some());
    }
}

/// The import of a CSV sheet with its second file.
fn import(sheet: &str, extension: &str) -> Call<'static> {
    let mut form = String::new();
    for (name, file) in [("sheet", sheet), ("extension", extension)] {
        let head = format!("content-disposition: form-data; name=\"{name}\"; filename=\"a.csv\"");
        form.push_str(&format!("--x\r\n{head}\r\n\r\n{file}\r\n"));
    }
    form.push_str("--x--\r\n");
    Call::new(Method::POST, "/api/v1/directory/import").body(form, "multipart/form-data; boundary=x")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_goes_out_and_in_as_a_spreadsheet() {
    let city = City::without_data().await;
    let server = &city.server;
    let export = server.send(Call::get("/api/v1/directory/export?format=xlsx").by(&city.editor)).await;
    export.ok_bytes();
    let call = Call::new(Method::POST, "/api/v1/directory/import")
        .body(export.bytes(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
        .by(&city.editor);
    let report = server.send(call).await.ok();
    assert_eq!(report["imported"], json!(["301001/000001"]), "{report}");
    assert_eq!(report["problems"], json!([]));

    let part = |part: &str| format!("/api/v1/directory/export?format=csv&part={part}");
    let sheet = server.send(Call::get(part("sheet")).by(&city.editor)).await;
    let extension = server.send(Call::get(part("extension")).by(&city.editor)).await;
    let call = import(&sheet.text(), &extension.text()).by(&city.editor);
    assert_eq!(server.send(call).await.ok()["imported"], json!(["301001/000001"]));

    for broken in [&b"PK\x03\x04 no workbook"[..], b"\xff\xfe\x00", b""] {
        let call =
            Call::new(Method::POST, "/api/v1/directory/import").body(broken, "text/csv").by(&city.editor);
        let answer = server.send(call).await;
        match answer.status {
            StatusCode::OK => assert_ne!(answer.ok()["problems"], json!([])),
            _ => assert_ne!(answer.code(), "internal"),
        }
    }
}

/// A sheet from before its column of sources takes none away; one that has the column, and nothing in it, does.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_sheet_leaves_the_sources_that_are_known() {
    let city = City::without_data().await;
    let server = &city.server;
    let part = |part: &str| format!("/api/v1/directory/export?format=csv&part={part}");
    let sheet = server.send(Call::get(part("sheet")).by(&city.editor)).await.text();
    let whole = server.send(Call::get(part("extension")).by(&city.editor)).await.text();
    let old = whole.replacen(",来源资源代码,比对核验\r\n", "\r\n", 1);
    assert_ne!(old, whole);
    let (path, mut draft) = (format!("/api/v1/resources/{CODE}"), resource());
    draft["derived_from"] = json!(["301001/000009"]);
    server.send(Call::new(Method::PUT, &path).json(&draft).by(&city.editor)).await.ok();
    for (extension, sources) in [(&old, json!(["301001/000009"])), (&whole, json!(null))] {
        let report = server.send(import(&sheet, extension).by(&city.editor)).await.ok();
        assert_eq!(report["imported"], json!(["301001/000001"]), "{report}");
        let entry = server.send(Call::get(format!("{path}/entry")).by(&city.editor)).await.ok();
        assert_eq!(entry["draft"]["derived_from"], sources);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_and_others_do_what_their_roles_allow() {
    let city = City::without_data().await;
    let server = &city.server;
    let security = server.person("sec", None, &[Role::SecurityAdministrator]).await;
    let people = server.send(Call::get("/api/v1/people").by(&security)).await.ok();
    assert!(people.as_array().unwrap().iter().any(|person| person["id"] == "editor"));
    assert_eq!(server.send(Call::get("/api/v1/people").by(&city.editor)).await.code(), "forbidden");
    assert_eq!(server.send(Call::get("/api/v1/people")).await.code(), "forbidden");
    let departments = server.send(Call::get("/api/v1/departments")).await.ok();
    assert_eq!(departments.as_array().unwrap().len(), 2);
    let gaj = json!({"id": "gaj", "name": "x", "credit_code": "x", "level": "city", "parent": null, "division_code": "1"});
    let put = Call::new(Method::PUT, "/api/v1/departments/gaj").json(&gaj).by(&security);
    assert_eq!(server.send(put).await.code(), "forbidden");
    let system = server.person("sys", None, &[Role::SystemAdministrator]).await;
    let put = Call::new(Method::PUT, "/api/v1/departments/gaj").json(&gaj).by(&system);
    let refused = server.send(put).await;
    assert_eq!(refused.code(), "invalid_input");
    assert_eq!(refused.json()["problems"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_reads_through_its_doors_until_it_is_revoked() {
    let city = City::new().await;
    city.conditional_grant().await;
    let server = &city.server;
    let wanted = json!({"purpose": "办案", "doors": ["sql"], "seconds": 600});
    let issued = server.send(Call::post("/api/v1/tickets", &wanted).by(&city.consumer)).await.ok();
    let bearer = format!("Bearer {}", issued["token"].as_str().unwrap());
    let ask = || {
        city.sql("select person from scjg.penalty order by case_no", None).header("authorization", &bearer)
    };
    let rows = server.send(ask()).await.ok();
    assert_eq!(rows["data"], json!([{"person": "张*****"}, {"person": "王*****"}]));
    let other_door = Call::get(format!("/api/v1/resources/{CODE}/records")).header("authorization", &bearer);
    assert_eq!(server.send(other_door).await.code(), "unauthenticated");
    let id = issued["ticket"]["id"].as_str().unwrap();
    server.send(Call::new(Method::DELETE, format!("/api/v1/tickets/{id}")).by(&city.consumer)).await.ok();
    assert_eq!(server.send(ask()).await.code(), "unauthenticated");
    let listed = server.send(Call::get("/api/v1/tickets").by(&city.consumer)).await;
    assert!(!listed.text().contains("token_digest"));
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_end_with_the_withdrawal_and_do_not_come_back() {
    let city = City::new().await;
    let granted = city.conditional_grant().await;
    let server = &city.server;
    let asked = || city.sql("select person from scjg.penalty", Some(&city.consumer));
    server.send(asked()).await.ok();
    let step = json!({"step": "withdraw", "remark": "机构职能调整"});
    server.send(Call::post(format!("/api/v1/resources/{CODE}/steps"), &step).by(&city.reviewer)).await.ok();
    let ended: Vec<_> = server
        .events("changed")
        .into_iter()
        .filter(|event| event["action"] == "grant.revoked")
        .map(|event| event["entity"].clone())
        .collect();
    assert_eq!(ended.len(), 2, "the conditional and the public one: {ended:?}");

    city.publish(&resource()).await;
    assert_eq!(server.send(asked()).await.code(), "not_granted");
    let open = server.send(Call::get(format!("/datasets/{CODE}/latest.csv"))).await;
    assert_eq!(open.status, StatusCode::FORBIDDEN, "{}", open.text());
    let grants = server.send(Call::get("/api/v1/grants").by(&city.consumer)).await.ok();
    let mine = grants.as_array().unwrap().iter().find(|grant| grant["id"] == granted["id"]).unwrap();
    assert_eq!(mine["revocation"]["reason"], "the resource was withdrawn: 机构职能调整");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_refuses_a_name_that_is_taken_at_its_cell_and_takes_the_rest() {
    let city = City::without_data().await;
    let server = &city.server;
    let mut other = resource();
    (other["code"], other["sql_name"], other["title"]) =
        (json!("301001/000002"), json!("licence"), json!("行政许可信息"));
    let path = "/api/v1/resources/301001-000002";
    server.send(Call::new(Method::PUT, path).json(&other).by(&city.editor)).await.ok();
    let part = |part: &str| format!("/api/v1/directory/export?format=csv&part={part}");
    let sheet = server.send(Call::get(part("sheet")).by(&city.editor)).await.text();
    let extension = server.send(Call::get(part("extension")).by(&city.editor)).await.text();
    // Under codes of their own, the two become copies: the first keeps both names, the second one of them.
    let renumbered = |text: &str| text.replace("301001/00000", "301001/00001");
    let sheet = renumbered(&sheet).replace("行政许可信息", "行政强制信息");
    let extension = renumbered(&extension).replace("行政许可信息", "行政强制信息");
    let report = server.send(import(&sheet, &extension).by(&city.editor)).await.ok();
    assert_eq!(report["imported"], json!([]), "{report}");
    let found: Vec<_> =
        report["problems"].as_array().unwrap().iter().map(|p| (&p["at"], &p["rule"])).collect();
    assert_eq!(found[0], (&json!("扩展!G2"), &json!("sql_name.taken")));
    assert_eq!(found[1], (&json!("扩展!G8"), &json!("sql_name.taken")));

    let extension = extension.replace("penalty", "force").replace("licence", "force_2");
    let report = server.send(import(&sheet, &extension).by(&city.editor)).await.ok();
    assert_eq!(report["imported"], json!(["301001/000012"]), "the other one is taken: {report}");
    let problem = &report["problems"][0];
    assert_eq!((&problem["at"], &problem["rule"]), (&json!("目录!H4"), &json!("title.taken")));
    assert!(problem["message"].as_str().unwrap().contains("301001/000001"), "it says whose: {problem}");
}
