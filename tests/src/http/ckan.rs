//! CKAN's Action API.

use ::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::city::{CODE, City, resource};
use crate::support::python::python;
use crate::support::server::{Answer, Call, Server};

fn get(action: &str, query: &str) -> Call<'static> {
    Call::get(format!("/api/3/action/{action}?{query}"))
}

fn post(action: &str, arguments: &Value) -> Call<'static> {
    Call::post(format!("/api/3/action/{action}"), arguments)
}

/// The result of a success.
async fn asked(server: &Server, call: Call<'_>) -> Value {
    let answer = server.send(call).await;
    assert_eq!(answer.header("content-type"), "application/json;charset=utf-8");
    let document = answer.ok();
    assert_eq!(document["success"], true);
    assert!(document["help"].as_str().unwrap().contains("/api/3/action/help_show?name="), "{document}");
    document["result"].clone()
}

/// Status and type of a refusal, which must be CKAN's.
fn refused(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/json;charset=utf-8");
    let document = answer.json();
    assert_eq!(document["success"], false, "{document}");
    assert!(document["error"]["message"].is_string(), "{document}");
    (answer.status.as_u16(), document["error"]["__type"].as_str().unwrap().to_owned())
}

/// A second resource of the provider, without data, and one that is closed to the public.
async fn with_more(city: &City) {
    let mut licences = resource();
    licences["code"] = json!("301002/000001");
    licences["sql_name"] = json!("licence");
    licences["title"] = json!("行政许可信息");
    licences["abstract"] = json!("合成的许可，用于测试");
    licences["keywords"] = json!(["许可", "企业 登记"]);
    city.publish(&licences).await;
    let mut closed = licences.clone();
    closed["code"] = json!("302001/000001");
    closed["sql_name"] = json!("closed");
    closed["title"] = json!("内部线索");
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    city.publish(&closed).await;
}

async fn ticket(city: &City) -> String {
    let wanted = json!({"purpose": "办案", "doors": ["api", "sql", "file"], "seconds": 600});
    let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(&city.consumer)).await.ok();
    issued["token"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn ckans_client_frictionless_and_harvesters_read_what_is_open() {
    let city = City::new().await;
    city.conditional_grant().await;
    with_more(&city).await;
    let (base, ticket) = (city.server.base.clone(), ticket(&city).await);
    let read = move || python("read_ckan.py", &[&base, CODE], &ticket);
    let found = tokio::task::spawn_blocking(read).await.unwrap();
    let other = "301002-000001";
    let expected = json!({
        "packages": [CODE, other], "found": 1, "organization": "九江市市场监督管理局",
        "files": [
            "latest.csv", "latest.parquet", "latest.jsonl", "latest.xlsx", "latest.csv.gz", "latest.jsonl.gz",
            "latest.csv?bom=1",
        ],
        "resource": "CSV",
        "pages": [["A3", "A2"], ["A1"]], "total": 3, "fields": ["case_no", "county", "amount"],
        "filtered": [{"case_no": "A2", "county": "360402", "amount": 20.0}],
        "sql": [{"county": "360402", "n": 1}, {"county": "360481", "n": 2}],
    });
    assert_eq!((&found["post"], &found["get"]), (&expected, &expected));
    let errors = json!({
        "missing": "NotFound", "unknown_table": "NotFound", "unknown_parameter": "ValidationError",
        "no_filter": "ValidationError", "no_action": "CKANAPIError",
    });
    assert_eq!(found["errors"], errors);
    let masked = json!([{"case_no": "A1", "person": "张*****"}, {"case_no": "A3", "person": "王*****"}]);
    assert_eq!(found["department"], masked);
    let formats = ["csv", "parquet", "jsonl", "xlsx", "csv.gz", "jsonl.gz", "csv"];
    let package = json!({"name": CODE, "formats": formats, "rows": 3, "catalog": [CODE, other]});
    assert_eq!(found["frictionless"], package);
    assert_eq!(found["harvested"], json!([CODE, other]));
    assert_eq!(found["included"], json!([CODE, other]));
    assert_eq!((&found["later"], &found["excluded"]), (&json!([]), &json!([])));
    assert!(!found["since"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_sees_what_its_holder_may_see_and_leaves_evidence() {
    let city = City::new().await;
    city.conditional_grant().await;
    with_more(&city).await;
    let (server, ticket) = (&city.server, ticket(&city).await);
    let table = format!("{CODE}-csv");
    let arguments =
        json!({"resource_id": table, "fields": "case_no, person", "filters": {"person": "张*****"}});
    let mut known = server.events("access").len();
    for name in ["authorization", "x-ckan-api-key"] {
        let rows = asked(server, post("datastore_search", &arguments).header(name, &ticket)).await;
        assert_eq!(rows["records"], json!([{"case_no": "A1", "person": "张*****"}]));
        assert_eq!((&rows["total"], &rows["limit"]), (&json!(1), &json!(100)));
        known += 1;
        let access = server.events("access").pop().unwrap();
        assert_eq!((&access["actor"]["department"], server.events("access").len()), (&json!("gaj"), known));
    }
    let bearer = format!("Bearer {ticket}");
    let sql = json!({"sql": format!("select person from \"{table}\" order by 1")});
    let rows = asked(server, post("datastore_search_sql", &sql).header("authorization", &bearer)).await;
    assert_eq!(rows["records"], json!([{"person": "张*****"}, {"person": "王*****"}]));
    assert_eq!(server.events("access").pop().unwrap()["actor"]["channel"], "sql");

    // What is personal stays out of addresses, and what is not granted does not exist.
    let in_address = format!("resource_id={table}&filters=%7B%22person%22%3A%22x%22%7D");
    let refusal = server.send(get("datastore_search", &in_address).header("authorization", &ticket)).await;
    assert_eq!(refused(&refusal), (409, "Validation Error".to_owned()));
    let text = get("datastore_search", &format!("resource_id={table}&q=x")).header("authorization", &ticket);
    assert_eq!(refused(&server.send(text).await), (409, "Validation Error".to_owned()));
    let note = json!({"resource_id": table, "fields": ["note"]});
    let refusal = server.send(post("datastore_search", &note).header("authorization", &ticket)).await;
    assert_eq!(refused(&refusal), (409, "Validation Error".to_owned()));

    // The directory of departments lists more than that of the public.
    let names = asked(server, get("package_list", "")).await;
    assert_eq!(names, json!([CODE, "301002-000001"]));
    let names = asked(server, get("package_list", "").header("authorization", &ticket)).await;
    assert_eq!(names, json!([CODE, "301002-000001", "302001-000001"]));
    let closed = server.send(get("package_show", "id=302001-000001")).await;
    assert_eq!(refused(&closed), (404, "Not Found Error".to_owned()));
    let groups = asked(server, get("group_list", "")).await;
    assert_eq!(groups, json!(["301"]));

    // Keys that are none, in every way.
    for (fields, expected) in [
        (vec![("authorization", "x")], 403),
        (vec![("authorization", "Bearer x")], 403),
        (vec![("x-ckan-api-key", "x")], 403),
        (vec![("authorization", ticket.as_str()), ("x-ckan-api-key", "x")], 403),
        (vec![("authorization", ""), ("x-ckan-api-key", "")], 200),
    ] {
        let call = fields.iter().fold(get("site_read", ""), |call, (name, value)| call.header(name, value));
        let answer = server.send(call).await;
        assert_eq!(answer.status.as_u16(), expected, "{fields:?}: {}", answer.text());
        if expected == 403 {
            assert_eq!(refused(&answer).1, "Authorization Error");
        }
    }
    let elsewhere = Call::get("/api/v1/tickets").header("x-ckan-api-key", &ticket);
    assert_eq!(server.send(elsewhere).await.ok(), json!([]), "it is a key at this door alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_sorted_paged_and_written_as_asked() {
    let city = City::new().await;
    let server = &city.server;
    let table = format!("{CODE}-csv");
    let search = async |arguments: Value| {
        let mut all = json!({ "resource_id": table, "sort": "amount desc" });
        all.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        asked(server, post("datastore_search", &all)).await
    };
    let whole = search(json!({})).await;
    let types = json!([{"id": "case_no", "type": "text"}, {"id": "county", "type": "text"}, {"id": "amount", "type": "numeric"}]);
    assert_eq!((&whole["fields"], &whole["total"]), (&types, &json!(3)));
    assert_eq!(whole["records"][0], json!({"case_no": "A1", "county": "360481", "amount": 100.5}));
    for (arguments, records) in [
        (
            json!({"records_format": "lists", "fields": ["case_no", "amount"]}),
            json!([["A1", 100.5], ["A2", 20.0], ["A3", 3.25]]),
        ),
        (json!({"records_format": "csv", "limit": 2}), json!("A1,360481,100.50\nA2,360402,20.00\n")),
        (json!({"records_format": "tsv", "offset": 2, "fields": "county,case_no"}), json!("360481\tA3\n")),
        (json!({"limit": 0}), json!([])),
        (json!({"offset": 3}), json!([])),
        (json!({"offset": 1_000_000_000_000_u64}), json!([])),
        (json!({"limit": 1_000_000, "offset": 2, "fields": ["case_no"]}), json!([{"case_no": "A3"}])),
        (json!({"filters": {"county": ["360402", "x"]}, "fields": ["case_no"]}), json!([{"case_no": "A2"}])),
        (
            json!({"filters": {"amount": {"lt": 20, "gte": 3.25}}, "fields": ["case_no"]}),
            json!([{"case_no": "A3"}]),
        ),
        (json!({"filters": {"county": null}}), json!([])),
        (json!({"q": "0402", "fields": ["case_no"]}), json!([{"case_no": "A2"}])),
        (json!({"q": "A 360481", "fields": ["case_no"]}), json!([{"case_no": "A1"}, {"case_no": "A3"}])),
        (json!({"q": "3.25", "fields": ["case_no"]}), json!([{"case_no": "A3"}])),
        (json!({"q": {"case_no": "2"}, "fields": ["case_no"]}), json!([{"case_no": "A2"}])),
        (json!({"q": "张三"}), json!([])),
    ] {
        let found = search(arguments.clone()).await;
        assert_eq!(found["records"], records, "{arguments}");
    }
    assert_eq!(search(json!({"include_total": false})).await.get("total"), None);
    assert_eq!(search(json!({"limit": 0})).await["total"], 3);
    let info = asked(server, get("datastore_info", &format!("id={table}"))).await;
    assert_eq!((&info["meta"]["count"], &info["fields"][0]["info"]["label"]), (&json!(3), &json!("案号")));

    // Any resource of a dataset is its table, and SQL has no cap.
    let sql = format!(
        "select a.case_no from \"{CODE}-parquet\" a join scjg.penalty b using (case_no) order by 1 limit 1"
    );
    let rows = asked(server, post("datastore_search_sql", &json!({ "sql": sql }))).await;
    assert_eq!(rows["records"], json!([{"case_no": "A1"}]));
    let many = format!(
        "select count(*) as n, g.value from \"{CODE}\" p cross join generate_series(1, 40000) g group by g.value"
    );
    let rows = asked(server, post("datastore_search_sql", &json!({ "sql": many }))).await;
    assert_eq!(rows["records"].as_array().unwrap().len(), 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_searched_counted_and_shown() {
    let city = City::new().await;
    with_more(&city).await;
    let server = &city.server;
    let names = async |query: &str| {
        let found = asked(server, get("package_search", query)).await;
        let names: Vec<_> =
            found["results"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
        assert!(found["count"].as_u64().unwrap() >= names.len() as u64);
        json!(names)
    };
    let (one, two) = (CODE, "301002-000001");
    for (query, expected) in [
        ("", json!([one, two])),
        ("q=%E8%AE%B8%E5%8F%AF", json!([two])),
        ("q=*:*&sort=name+desc", json!([two, one])),
        ("q=*:*&sort=name+desc&start=1&rows=1", json!([one])),
        ("start=2", json!([])),
        ("rows=0", json!([])),
        ("fq=tags:%22%E4%BC%81%E4%B8%9A+%E7%99%BB%E8%AE%B0%22", json!([two])),
        ("fq=-tags:%E8%AE%B8%E5%8F%AF", json!([one])),
        ("fq=license_id:CC-BY-4.0&fq_list=name:301001-000001", json!([one])),
        ("fq=groups:302", json!([])),
        ("fq=opening:closed", json!([])),
        ("sort=metadata_modified+desc&fq=metadata_modified:[2020-01-01T00:00:00Z+TO+*]", json!([two, one])),
    ] {
        assert_eq!(names(query).await, expected, "{query}");
    }
    let facets =
        "rows=0&facet.field=[%22organization%22,%22groups%22,%22tags%22,%22license_id%22]&facet.limit=1";
    let found = asked(server, get("package_search", facets)).await;
    assert_eq!(found["facets"]["organization"], json!({"scjg": 2}));
    let item = json!([{"name": "301", "display_name": "市场监督管理局", "count": 2}]);
    assert_eq!(found["search_facets"]["groups"]["items"], item);
    assert_eq!(found["facets"]["tags"].as_object().unwrap().len(), 1);
    assert_eq!(found["facets"]["license_id"], json!({"CC-BY-4.0": 2}));

    let package = asked(server, get("package_show", &format!("id={two}"))).await;
    assert_eq!(
        (&package["resources"], &package["num_resources"]),
        (&json!([]), &json!(0)),
        "nothing to read yet"
    );
    assert_eq!(package["tags"][1]["name"], "企业 登记");
    let package = asked(server, get("package_show", &format!("id={one}"))).await;
    let url = package["resources"][0]["url"].as_str().unwrap();
    let path = url.strip_prefix(&server.base).unwrap();
    assert!(server.send(Call::get(path)).await.text().starts_with("case_no,county,amount\n"));
    assert!(!package.to_string().contains("rows"), "nothing is counted that the policy may hide");

    let office = asked(server, get("organization_show", "id=scjg&include_datasets=true")).await;
    assert_eq!((&office["package_count"], office["packages"].as_array().unwrap().len()), (&json!(2), 2));
    assert_eq!(asked(server, get("organization_list", "")).await, json!(["gaj", "scjg"]));
    assert_eq!(asked(server, get("tag_list", "")).await, json!(["企业 登记", "许可"]));
    assert_eq!(asked(server, get("tag_show", "id=%E8%AE%B8%E5%8F%AF")).await["package_count"], 1);
    assert_eq!(asked(server, get("group_show", "id=301")).await["title"], "市场监督管理局");
    assert_eq!(asked(server, get("group_package_show", "id=301&limit=1")).await[0]["name"], one);
    let resources = async |query: &str| asked(server, get("resource_search", query)).await["count"].clone();
    assert_eq!(resources("query=format:csv").await, 2, "with and without a byte order mark");
    for (format, count) in [("xlsx", 1), ("CSV.GZ", 1), ("geojson", 0)] {
        assert_eq!(resources(&format!("query=format:{format}")).await, count, "{format}");
    }
    // Every file that is listed is there.
    for resource in package["resources"].as_array().unwrap() {
        let path = resource["url"].as_str().unwrap().strip_prefix(&server.base).unwrap();
        let (file, id) = (server.send(Call::get(path)).await, resource["id"].as_str().unwrap());
        file.ok_bytes();
        let essence = file.header("content-type").split(';').next().unwrap();
        assert_eq!(essence, resource["mimetype"], "{path}");
        let shown = asked(server, get("resource_show", &format!("id={id}"))).await;
        assert_eq!(shown["url"], resource["url"]);
        let rows = asked(server, get("datastore_search", &format!("resource_id={id}&limit=1"))).await;
        assert_eq!(rows["total"], 3, "{id}");
    }
    assert_eq!(asked(server, get("license_list", "")).await[0]["id"], "CC-BY-4.0");
    let all = asked(server, get("current_package_list_with_resources", "limit=1&page=2")).await;
    assert_eq!(all[0]["name"], two);
    assert!(
        asked(server, get("status_show", "")).await["extensions"]
            .as_array()
            .unwrap()
            .contains(&json!("datastore"))
    );
    assert!(
        asked(server, get("help_show", "name=package_search"))
            .await
            .as_str()
            .unwrap()
            .contains("facet.field")
    );

    // What the clock says of changes follows withdrawals, too.
    let withdraw = json!({"step": "withdraw", "remark": "测试"});
    server
        .send(Call::post(format!("/api/v1/resources/{two}/steps"), &withdraw).by(&city.reviewer))
        .await
        .ok();
    assert_eq!(names("").await, json!([one]));
    assert_eq!(asked(server, get("tag_list", "")).await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_calls_are_refused_as_ckan_refuses_them() {
    let city = City::new().await;
    with_more(&city).await;
    let server = &city.server;
    let (bad, missing, invalid, denied) = (
        (400, "Bad Request"),
        (404, "Not Found Error"),
        (409, "Validation Error"),
        (403, "Authorization Error"),
    );
    let mut calls: Vec<(&str, String, (u16, &str))> = [
        ("package_create", "", bad),
        ("", "", missing),
        ("site%5Fread", "", bad),
        ("datastore_search%5Fsql", "sql=select+1", bad),
        ("package_show", "", invalid),
        ("package_show", "id=x", missing),
        ("package_show", "id=..%2F..%2Fetc", missing),
        ("package_show", "id=301001-000001&id=301001-000002", invalid),
        ("package_search", "fq=title:x", invalid),
        ("package_search", "fq=organization:(a", invalid),
        ("package_search", "fq=%FF%FE", invalid),
        ("package_search", "sort=title+asc", invalid),
        ("package_search", "rows=-1", invalid),
        ("package_search", "start=99999999999999999999", invalid),
        ("package_search", "facet.field=[%22secret%22]", invalid),
        ("package_search", "callback=alert", invalid),
        ("organization_show", "id=%27;drop", missing),
        ("group_show", "id=3", missing),
        ("tag_show", "id=x", missing),
        ("resource_show", "id=301001-000001-exe", missing),
        ("resource_show", "id=301002-000001-csv", missing),
        ("resource_search", "query=hash:x", invalid),
        ("help_show", "name=x", missing),
        ("datastore_search", "", invalid),
        ("datastore_search", "resource_id=x", missing),
        ("datastore_search", "resource_id=302001-000001-csv", missing),
        ("datastore_search", "resource_id=301002-000001-csv", denied),
        ("datastore_search_sql", "sql=drop+table+x", invalid),
        ("datastore_search_sql", "sql=select+1;select+2", invalid),
        ("datastore_search_sql", "sql=select+*+from+pg_catalog.pg_tables", missing),
        ("datastore_search_sql", "sql=select+person+from+%22301001-000001-csv%22", invalid),
        ("datastore_search_sql", "sql=select+*+from+%22302001-000001-csv%22", missing),
    ]
    .map(|(action, query, expected)| (action, query.to_owned(), expected))
    .into();
    calls.push(("package_search", format!("q={}", "x".repeat(4_001)), invalid));
    for wrong in [
        "filters=%7B",
        "filters=%7B%22person%22:1%7D",
        "filters=%7B%22amount%22:%22x%22%7D",
        "filters=[1]",
        "fields=person",
        "fields=case_no,case_no",
        "sort=amount;drop",
        "sort=person",
        "q=%25",
        "records_format=xml",
        "distinct=true",
        "plain=false",
        "limit=x",
        "offset=-1",
    ] {
        calls.push(("datastore_search", format!("resource_id={CODE}-csv&{wrong}"), invalid));
    }
    for (action, query, expected) in calls {
        let answer = server.send(get(action, &query)).await;
        let (status, kind) = refused(&answer);
        assert_eq!((status, kind.as_str()), expected, "{action}?{query}: {}", answer.text());
        assert!(!answer.text().contains("person") || query.contains("person"), "{}", answer.text());
    }
    for body in ["[1]", "{", "null", "{\"id\":", "\u{1}"] {
        let call = Call::new(Method::POST, "/api/3/action/package_show").body(body, "application/json");
        assert_eq!(refused(&server.send(call).await), (400, "Bad Request".to_owned()), "{body}");
    }
    let deep = format!("{{\"filters\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let call = Call::new(Method::POST, "/api/3/action/datastore_search").body(deep, "application/json");
    assert_eq!(refused(&server.send(call).await).0, 400);
    let large =
        Call::new(Method::POST, "/api/3/action/package_search").body("x".repeat(2 << 20), "text/plain");
    assert_eq!(server.send(large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let put = Call::new(Method::PUT, "/api/3/action/package_show").json(&json!({}));
    assert_eq!(server.send(put).await.status, StatusCode::METHOD_NOT_ALLOWED);
}
