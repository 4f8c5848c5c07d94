//! CKAN's lists: kept for everyone until something changes, and in order of time.

use openapi_http::HttpLimits;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::{Bounds, Call};

async fn result(city: &City, action: &str) -> Value {
    city.server.send(Call::get(format!("/api/3/action/{action}"))).await.ok()["result"].clone()
}

async fn names(city: &City, query: &str) -> Vec<String> {
    let found = result(city, &format!("package_search?{query}")).await;
    let names =
        found["results"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned());
    names.collect()
}

/// Another resource of the provider.
fn other(place: u32) -> Value {
    let mut other = resource();
    other["code"] = json!(format!("301001/{place:06}"));
    other["sql_name"] = json!(format!("other_{place}"));
    other["title"] = json!(format!("其他信息之{place}"));
    other["keywords"] = json!([format!("标签{place}")]);
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_list_follows_every_change() {
    let city = City::new().await;
    for _ in 0..2 {
        assert_eq!(result(&city, "package_list").await, json!([CODE]));
        assert_eq!(result(&city, "tag_list").await, json!([]));
    }
    city.publish(&other(2)).await;
    for _ in 0..2 {
        assert_eq!(result(&city, "package_list").await, json!([CODE, "301001-000002"]));
        assert_eq!(result(&city, "package_list?limit=1&offset=1").await, json!(["301001-000002"]));
        assert_eq!(result(&city, "tag_list").await, json!(["标签2"]));
        assert_eq!(result(&city, "organization_list?all_fields=true").await[1]["package_count"], 2);
        assert_eq!(result(&city, "group_list?all_fields=true").await[0]["package_count"], 2);
    }
    let withdraw = json!({"step": "withdraw", "remark": "测试"});
    let path = "/api/v1/resources/301001-000002/steps";
    city.server.send(Call::post(path, &withdraw).by(&city.reviewer)).await.ok();
    assert_eq!(result(&city, "package_list").await, json!([CODE]));
    assert_eq!(result(&city, "tag_list").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_everyone_is_not_given_to_departments_nor_theirs_to_everyone() {
    let city = City::new().await;
    let mut closed = other(3);
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    city.publish(&closed).await;
    let wanted = json!({"purpose": "办案", "doors": ["api"], "seconds": 600});
    let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.consumer)).await.ok();
    let ticket = issued["token"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        assert_eq!(result(&city, "package_list").await, json!([CODE]));
        let call = Call::get("/api/3/action/package_list").header("authorization", &ticket);
        assert_eq!(city.server.send(call).await.ok()["result"], json!([CODE, "301001-000003"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_come_in_the_order_of_what_the_public_saw_change() {
    let city = City::new().await;
    city.publish(&other(2)).await;
    city.publish(&other(3)).await;
    let newest = "sort=metadata_modified+desc";
    let before = names(&city, newest).await;
    assert_eq!(before, ["301001-000003", "301001-000002", CODE]);
    city.upload(ROWS).await;
    let after = names(&city, newest).await;
    assert_eq!(after, [CODE, "301001-000003", "301001-000002"], "a version that is open");
    let oldest = names(&city, "sort=metadata_modified&start=2&rows=1").await;
    assert_eq!(oldest, [CODE]);
    let found = result(&city, &format!("package_search?{newest}&rows=1")).await;
    let modified = found["results"][0]["metadata_modified"].as_str().unwrap().to_owned();
    assert_eq!(found["count"], 3);
    let since = format!("fq=metadata_modified:[{modified}Z+TO+*]&facet.field=organization");
    let found = result(&city, &format!("package_search?{since}")).await;
    assert_eq!((&found["count"], &found["facets"]["organization"]), (&json!(1), &json!({"scjg": 1})));
    // Departments see the times of what each of them may read, and no facets by them.
    let query = format!("/api/3/action/package_search?{since}");
    let refused = city.server.send(Call::get(query).by(&city.machine)).await;
    assert_eq!(refused.json()["error"]["__type"], "Validation Error");
    let path = format!("/api/3/action/package_search?{newest}&rows=1");
    let own = city.server.send(Call::get(path).by(&city.machine)).await.ok();
    assert_eq!(own["result"]["results"][0]["name"], CODE);
}

/// What the version that was read called personal stays out of addresses, whatever the directory says today.
#[tokio::test(flavor = "multi_thread")]
async fn personal_items_of_the_version_that_is_read_stay_out_of_addresses() {
    let city = City::new().await;
    let ask = |sql: &str| {
        let sql = sql.replace(' ', "+").replace('"', "%22").replace('\'', "%27");
        Call::get(format!("/api/3/action/datastore_search_sql?sql={sql}")).by(&city.machine)
    };
    let refused = |answer: &crate::support::server::Answer| answer.json()["error"]["sql"].is_array();
    let now = format!("select case_no from \"{CODE}\"");
    assert!(refused(&city.server.send(ask(&now)).await));
    // The directory has the person no more; version 1 still does.
    let mut without = resource();
    without["items"].as_array_mut().unwrap().remove(2);
    city.publish(&without).await;
    let of_version = "select case_no, person from scjg.penalty version as of 1 where person like 'x'";
    let answer = city.server.send(ask(of_version)).await;
    assert!(refused(&answer), "{}", answer.text());
    let by_body = json!({ "sql": of_version });
    let call = Call::post("/api/3/action/datastore_search_sql", &by_body).by(&city.machine);
    city.server.send(call).await.ok();
}

/// Where strangers have no place left, what is long waits for one, and what is short does not.
#[tokio::test(flavor = "multi_thread")]
async fn long_lists_take_a_place_of_the_public() {
    let city = City::new_within(Bounds {
        door: HttpLimits {
            public_queries: 0,
            pages: 0,
            queue: std::time::Duration::ZERO,
            ..HttpLimits::default()
        },
        ..Bounds::default()
    })
    .await;
    for (action, is_long) in [
        ("package_list", true),
        ("group_list", true),
        ("organization_list", true),
        ("tag_list", true),
        ("license_list", true),
        ("tag_search?query=x", true),
        ("resource_search?query=format:csv", true),
        ("package_search", false),
        ("package_search?facet.field=organization", false),
        ("package_show?id=301001-000001", false),
        ("status_show", false),
    ] {
        let answer = city.server.send(Call::get(format!("/api/3/action/{action}"))).await;
        assert_eq!(answer.status.as_u16(), if is_long { 503 } else { 200 }, "{action}: {}", answer.text());
    }
}
