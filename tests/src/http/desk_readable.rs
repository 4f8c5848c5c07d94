//! What left is found by its resource, and the desk says who people, machines and departments are.

use catalog_core::Role;
use catalog_core::ports::Person;
use exchange_crypto::SigningKey;
use http::Method;
use serde_json::{Value, json};

use super::desk_oversight::{open, seated};
use crate::support::city::{CODE, City, departments};
use crate::support::server::{Call, Server};

async fn evidence(server: &Server, auditor: &SigningKey, asked: &str) -> Vec<Value> {
    let page = server.send(Call::get(format!("/api/v1/evidence?{asked}")).by(auditor)).await.ok();
    page["records"].as_array().unwrap().clone()
}

fn events(records: &[Value]) -> Vec<&str> {
    records.iter().map(|leaf| leaf["record"]["event"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_in_a_stream_is_found_by_its_resource_and_shown_as_one_access() {
    let city = City::new().await;
    let server = &city.server;
    let auditor = server.person("auditing", None, &[Role::Auditor]).await;
    let file = server.send(Call::get(format!("/datasets/{CODE}/latest.csv")).by(&city.machine)).await;
    let (receipt, bytes) = (file.header("shuqiao-receipt").to_owned(), file.bytes().len());
    file.ok_bytes();

    let ends = evidence(server, &auditor, &format!("resource={CODE}&action=access_ended")).await;
    let [end] = ends.as_slice() else { panic!("{ends:?}") };
    assert_eq!((&end["record"]["request_id"], &end["record"]["bytes"]), (&json!(receipt), &json!(bytes)));
    let sources = &end["start"]["sources"];
    assert_eq!((&sources[0]["resource"], &sources[0]["version"]), (&json!("301001/000001"), &json!(1)));
    let start = end["start"]["index"].as_u64().unwrap();
    let both = evidence(server, &auditor, &format!("resource={CODE}&request={receipt}")).await;
    assert_eq!(events(&both), ["access_started", "access_ended"]);
    assert_eq!((both[0]["index"].as_u64(), both[0].get("start")), (Some(start), None));

    // A page that begins behind the start has the end all the same, and no other resource has it.
    let next =
        evidence(server, &auditor, &format!("resource={CODE}&request={receipt}&after=0-{start}")).await;
    assert_eq!((events(&next), &next[0]["start"]["index"]), (vec!["access_ended"], &json!(start)));
    let others = evidence(server, &auditor, &format!("resource=301001-000009&request={receipt}")).await;
    assert_eq!(others, Vec::<Value>::new());

    // On the desk both are one row, which says whose machine it was.
    let cookie = seated(server, "auditor", None, &[Role::Auditor]).await;
    let asked = format!(
        "/desk/evidence?resource={CODE}&principal={}",
        both[0]["record"]["actor"]["id"].as_str().unwrap()
    );
    let shown = open(server, &cookie, &asked).await.text();
    let end = end["index"].as_u64().unwrap();
    assert!(shown.contains("九江市市场监督管理局的系统"), "{shown}");
    assert_eq!(shown.matches(&format!("/desk/evidence/0-{start}\"")).count(), 1, "{shown}");
    assert_eq!(shown.matches(&format!("/desk/evidence/0-{end}\"")).count(), 1, "{shown}");
    let (_, rows) = shown.split_once("<tbody>").unwrap();
    assert!(!rows.contains("读取结束") && !rows.contains("开始读取"), "{shown}");
    let begun =
        open(server, &cookie, &format!("/desk/evidence?resource={CODE}&action=access_started")).await.text();
    assert!(begun.contains(&format!("/desk/evidence/0-{end}\"")), "its end stands behind the page: {begun}");
}

#[tokio::test(flavor = "multi_thread")]
async fn officials_are_named_to_officials_and_developers_to_nobody() {
    let city = City::new().await;
    let server = &city.server;
    let [_, gaj] = departments();
    let security = server.person("security", None, &[Role::SecurityAdministrator]).await;
    let developer = server.person("dev", None, &[Role::Developer]).await;
    for (id, name, department, role) in
        [("wu", "吴审计", None, Role::Auditor), ("zhao", "赵分析", Some(gaj.id.clone()), Role::Analyst)]
    {
        let person = Person {
            id: id.to_owned(),
            name: name.to_owned(),
            department,
            roles: [role].into(),
            active: true,
        };
        let put = Call::new(Method::PUT, format!("/api/v1/people/{id}"))
            .json(&serde_json::to_value(person).unwrap());
        assert!(server.send(put.by(&security)).await.status.is_success());
    }
    let key = server.send(Call::get("/api/v1/keys")).await.ok();
    let owner = json!({"kind": "department", "id": "gaj"});
    let key = key.as_array().unwrap().iter().find(|key| key["owner"] == owner).unwrap()["id"].clone();
    let key = key.as_str().unwrap();
    let address = format!("/api/v1/names?id=zhao,wu,dev,nobody,{key}");
    let told = server.send(Call::get(&address).by(&city.machine)).await.ok();
    let told = told.as_array().unwrap();
    let find = |id: &str| told.iter().find(|one| one["id"] == id).cloned();
    assert_eq!(find("zhao").unwrap()["name"], "赵分析");
    assert_eq!(
        find("wu").unwrap(),
        json!({"id": "wu", "name": "吴审计", "department": null, "is_key": false})
    );
    assert_eq!(find(key).unwrap(), json!({"id": key, "name": null, "department": "gaj", "is_key": true}));
    assert_eq!((find("dev"), find("nobody"), told.len()), (None, None, 3));
    let all = server.send(Call::get(&address).by(&security)).await.ok();
    assert_eq!(all.as_array().unwrap().len(), 4, "who looks after people knows them: {all}");
    assert_eq!(server.send(Call::get(&address).by(&developer)).await.code(), "forbidden");
    assert_eq!(server.send(Call::get(&address)).await.code(), "forbidden");
}
