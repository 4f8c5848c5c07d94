//! The catalogue for other portals: DCAT-AP by two SHACL engines, feeds and sitemap by clients that nobody here wrote.

use ::http::{Method, StatusCode};
use catalog_core::Channel;
use exchange_auth::public_context;
use serde_json::{Value, json};

use super::materials::register;
use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::python::python;
use crate::support::server::{Call, Server};

/// The syntaxes by their endings, with their media types and the names by which rdflib knows them.
const SYNTAXES: [(&str, &str, &str); 3] = [
    ("ttl", "text/turtle", "turtle"),
    ("jsonld", "application/ld+json", "json-ld"),
    ("rdf", "application/rdf+xml", "xml"),
];

/// An entry that says something in every field, open under a condition.
fn rich() -> Value {
    let mut rich = resource();
    for (field, value) in [
        ("code", json!("301001/000002")),
        ("sql_name", json!("licences")),
        ("title", json!("食品经营许可 <\"A&B\">")),
        ("abstract", json!("第一行\n第二行 & 其他")),
        ("related", json!(["301001/000001"])),
        ("business_matter", json!("食品经营许可")),
        ("sub_organisation", json!("许可科")),
        ("open_topic", json!("信用服务")),
        ("keywords", json!(["许可", "食品", "企业"])),
        ("contact", json!("0792-0000000")),
        ("temporal_coverage", json!("2020-01-01/..")),
        ("spatial_coverage", json!("360400")),
        ("subject", json!("person")),
    ] {
        rich[field] = value;
    }
    for item in rich["items"].as_array_mut().unwrap() {
        if item["opening"]["type"] == "open" {
            item["opening"] = json!({"type": "conditional", "condition": "登记后"});
        }
    }
    rich["items"][1]["enumeration"] = json!(["360481", "360402"]);
    rich["items"][3]["minimum"] = json!("0");
    rich
}

/// An entry that is not open at all.
fn closed() -> Value {
    let mut closed = resource();
    closed["code"] = json!("301001/000003");
    closed["sql_name"] = json!("tips");
    closed["title"] = json!("内部线索");
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    closed
}

async fn get(server: &Server, path: impl Into<String>) -> String {
    let answer = server.send(Call::get(path)).await;
    answer.ok_bytes();
    answer.text()
}

/// What two engines find against the official shapes.
async fn checked(format: &'static str, document: String) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/shacl");
    let shapes = ["shapes", "range"].map(|name| format!("{folder}/dcat-ap-3.0.1-{name}.ttl"));
    let check = move || python("check_dcat.py", &[format, &shapes[0], &shapes[1]], &document);
    tokio::task::spawn_blocking(check).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_find_nothing_against_the_official_shapes() {
    let city = City::new().await;
    city.publish(&rich()).await;
    city.publish(&closed()).await;
    for (ending, media_type, format) in SYNTAXES {
        let catalogue = city.server.send(Call::get(format!("/catalog.{ending}"))).await;
        assert_eq!(catalogue.header("content-type"), media_type);
        let found = checked(format, catalogue.text()).await;
        assert_eq!(
            (&found["pyshacl"], &found["rudof"]),
            (&json!([]), &json!([])),
            "{ending}: {}",
            catalogue.text()
        );
        assert_eq!(found["titles"], json!(["行政处罚信息", "食品经营许可 <\"A&B\">"]), "{ending}");
        assert!(found["distributions"].as_u64() >= Some(3), "{ending}: {found}");
        assert_eq!(found["next"], json!([]), "{ending}");
        for code in [CODE, "301001-000002"] {
            let document = get(&city.server, format!("/datasets/{code}/dcat.{ending}")).await;
            let found = checked(format, document.clone()).await;
            assert_eq!(
                (&found["pyshacl"], &found["rudof"]),
                (&json!([]), &json!([])),
                "{ending}: {document}"
            );
        }
    }
    // The same engines do find what is wrong.
    let turtle = get(&city.server, "/catalog.ttl").await;
    let broken = turtle.replace("a foaf:Agent", "a foaf:Document").replace("dct:description", "dct:abstract");
    let found = checked("turtle", broken).await;
    for engine in ["pyshacl", "rudof"] {
        assert!(!found[engine].as_array().unwrap().is_empty(), "{engine} finds nothing in a broken document");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_of_materials_says_where_they_are_and_is_clean_too() {
    let city = City::new().await;
    let code = "301001-000009";
    city.publish(&register(code, "notices")).await;
    let head = "case_no,county,person,amount,note,picture,picture_name,dossier";
    city.upload_to(code, &format!("{head}\nA1,360481,张三(合成),1,,,,\n")).await;
    let opening = json!({
        "kind": "public", "resource": "301001/000009", "grantee": "public",
        "items": ["case_no", "county", "picture", "picture_name"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    });
    city.grant(&opening).await;
    let other = get(&city.server, format!("/datasets/{CODE}/dcat.ttl")).await;
    assert!(!other.contains("materials"), "where there are none, none are named: {other}");
    let package = get(&city.server, format!("/api/3/action/package_show?id={code}")).await;
    assert!(package.contains(&format!("/datasets/{code}/versions/1/materials/{{sha256}}")), "{package}");
    for (ending, _, format) in SYNTAXES {
        let document = get(&city.server, format!("/datasets/{code}/dcat.{ending}")).await;
        assert!(
            document.contains(&format!("/datasets/{code}/versions/1/materials/{{sha256}}")),
            "{document}"
        );
        let found = checked(format, document.clone()).await;
        assert_eq!((&found["pyshacl"], &found["rudof"]), (&json!([]), &json!([])), "{ending}: {document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_portals_take_catalogue_feeds_sitemap_and_page() {
    let city = City::new().await;
    for place in 2..=52 {
        let mut more = rich();
        more["code"] = json!(format!("301001/{place:06}"));
        more["sql_name"] = json!(format!("licences_{place}"));
        more["title"] = json!(format!("许可之{place}"));
        city.publish(&more).await;
    }
    let mut hidden = closed();
    hidden["code"] = json!("301001/000099");
    city.publish(&hidden).await;
    city.upload(ROWS).await;
    let base = city.server.base.clone();
    let dataset = format!("{base}/datasets/{CODE}");
    let harvest = {
        let (base, dataset) = (base.clone(), dataset.clone());
        move || python("harvest.py", &[&base, &dataset], "")
    };
    let found = tokio::task::spawn_blocking(harvest).await.unwrap();

    let codes: Vec<_> = (1..=52).map(|place| format!("301001/{place:06}")).collect();
    assert_eq!(found["catalogue"], json!({"codes": codes, "pages": 2}));
    let listed = found["sitemap"].as_array().unwrap();
    let is_dataset = |address: &&Value| address.as_str().unwrap().contains("/datasets/");
    assert_eq!(listed.iter().filter(is_dataset).count(), 52);
    assert_eq!(listed[0], json!(dataset));
    for own in ["/", "/statistics", "/departments/scjg"] {
        assert!(listed.contains(&json!(format!("{base}{own}"))), "{own}");
    }

    let versions = found["feed"]["entries"].as_array().unwrap();
    let ids: Vec<_> = versions.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [format!("{dataset}#version-2"), format!("{dataset}#version-1")]);
    assert_eq!(versions[0]["title"], "行政处罚信息：第 2 版");
    assert_eq!(found["feed"]["id"], json!(format!("{base}/feed.atom")));
    assert_eq!(found["dataset_feed"]["entries"], found["feed"]["entries"]);
    assert_eq!((&found["feed"]["broken"], &found["dataset_feed"]["broken"]), (&json!(false), &json!(false)));

    let linked = &found["linked"][0];
    assert_eq!((&linked["@type"], &linked["name"]), (&json!("Dataset"), &json!("行政处罚信息")));
    assert_eq!(linked["license"], "https://spdx.org/licenses/CC-BY-4.0");
    assert!(linked["distribution"].as_array().unwrap().len() >= 3);
    let row = json!({"case_no": "A1", "county": "360481", "amount": "100.50"});
    assert!(found["rows"].as_array().unwrap().contains(&row), "{}", found["rows"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_sees_what_the_public_sees() {
    let city = City::without_data().await;
    city.publish(&closed()).await;
    let server = &city.server;
    city.upload(ROWS).await;
    let before = get(server, "/catalog.ttl").await;
    assert!(before.contains("行政处罚信息") && !before.contains("dcat:Distribution"), "{before}");
    assert!(!get(server, "/feed.atom").await.contains("<entry>"), "nothing is open yet");
    assert!(!get(server, format!("/datasets/{CODE}/feed.atom")).await.contains("<entry>"));
    let page = get(server, format!("/datasets/{CODE}")).await;
    assert!(page.contains("还没有可以下载的数据") && !page.contains("latest.csv"), "{page}");
    let data = ["datapackage.json", "schema.json", "csv-metadata.json", "quality.json"];
    for name in data {
        let answer = server.send(Call::get(format!("/datasets/{CODE}/{name}"))).await;
        assert_eq!(answer.code(), "not_granted", "{name}");
    }
    city.grant(&json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    }))
    .await;
    let paths = ["/catalog.ttl", "/catalog.jsonld", "/catalog.rdf", "/feed.atom", "/sitemap.xml"];
    for path in paths {
        let own = server.send(Call::get(path).by(&city.machine)).await;
        let other = server.send(Call::get(path)).await;
        assert_eq!(own.ok_bytes(), other.ok_bytes(), "{path}");
        for hidden in
            ["内部线索", "301001/000003", "301001-000003", "当事人", "\"person\"", "备注", "行政处罚法"]
        {
            assert!(!other.text().contains(hidden), "{path} tells of {hidden}: {}", other.text());
        }
    }
    for name in data.into_iter().chain(["dcat.ttl", "dcat.jsonld", "dcat.rdf", "feed.atom"]) {
        let text = get(server, format!("/datasets/{CODE}/{name}")).await;
        assert!(!text.contains("当事人") && !text.contains("备注"), "{name}: {text}");
        let hidden = server.send(Call::get(format!("/datasets/301001-000003/{name}"))).await;
        assert_eq!(hidden.code(), "not_found", "{name}");
    }
    assert_eq!(server.send(Call::get("/datasets/301001-000003")).await.code(), "not_found");

    let reason = json!({"reason": "数据有误"});
    let withdraw = format!("/api/v1/resources/{CODE}/versions/1/withdraw");
    server.send(Call::post(withdraw, &reason).by(&city.machine)).await.ok();
    assert!(!get(server, "/catalog.ttl").await.contains("dcat:Distribution"));
    let feed = get(server, "/feed.atom").await;
    assert!(feed.contains("term=\"withdrawn\"") && feed.contains("数据有误"), "{feed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_of_data_that_are_not_open_leaves_evidence() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    let names = [
        "",
        "/dcat.ttl",
        "/dcat.jsonld",
        "/dcat.rdf",
        "/datapackage.json",
        "/schema.json",
        "/csv-metadata.json",
        "/quality.json",
    ];
    for name in names {
        let answer = city.server.send(Call::get(format!("/datasets/{CODE}{name}")).by(&city.machine)).await;
        answer.ok_bytes();
        let access = city.server.events("access").pop().unwrap();
        assert_eq!(access["request_id"], answer.header("shuqiao-receipt"), "{name}");
    }
    let report =
        city.server.send(Call::get(format!("/datasets/{CODE}/quality.json")).by(&city.machine)).await.ok();
    assert_eq!((&report["rows"], &report["delivery"]["rows_read"]), (&json!(3), &json!(3)));
    city.conditional_grant().await;
    let report =
        city.server.send(Call::get(format!("/datasets/{CODE}/quality.json")).by(&city.consumer)).await.ok();
    assert_eq!(
        (&report["rows"], &report["delivery"]),
        (&json!(2), &Value::Null),
        "no count of what is hidden"
    );
    assert!(report["rules"].as_array().unwrap().iter().all(|rule| rule["column"] != "amount"));
}

#[tokio::test(flavor = "multi_thread")]
async fn syntax_page_and_condition_are_negotiated() {
    let city = City::new().await;
    let server = &city.server;
    for (accept, media_type) in [
        ("*/*", "text/turtle"),
        ("application/rdf+xml;q=0.2, application/ld+json", "application/ld+json"),
        ("application/rdf+xml", "application/rdf+xml"),
    ] {
        let answer = server.send(Call::get("/catalog").header("accept", accept)).await;
        assert_eq!(answer.header("content-type"), media_type, "{accept}");
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "accept"));
    }
    for (accept, media_type) in
        [("text/html,*/*;q=0.8", "text/html; charset=utf-8"), ("text/turtle", "text/turtle")]
    {
        let answer = server.send(Call::get(format!("/datasets/{CODE}")).header("accept", accept)).await;
        assert_eq!(answer.header("content-type"), media_type);
    }
    for path in ["/catalog".to_owned(), format!("/datasets/{CODE}")] {
        let answer = server.send(Call::get(path).header("accept", "image/png")).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::NOT_ACCEPTABLE, "unsupported_format")
        );
    }
    for path in ["/catalog.ttl", "/sitemap.xml", "/feed.atom", "/schemas/directory.jsonld"] {
        let first = server.send(Call::get(path)).await;
        first.ok_bytes();
        assert_eq!(first.header("cache-control"), "public, no-cache", "{path}");
        let again = server.send(Call::get(path).header("if-none-match", first.header("etag"))).await;
        assert_eq!((again.status, again.bytes()), (StatusCode::NOT_MODIFIED, &b""[..]), "{path}");
    }
    for (path, code) in [
        ("/catalog.ttl?page=0", "invalid_input"),
        ("/catalog.ttl?page=x", "invalid_input"),
        ("/catalog.ttl?page=-1", "invalid_input"),
        ("/catalog.ttl?page=4294967295", "invalid_input"),
        ("/catalog.ttl?page=99999999999999999999", "invalid_input"),
        ("/catalog.ttl?pages=1", "invalid_input"),
        ("/catalog.ttl?page=2", "not_found"),
        ("/catalog.xml", "not_found"),
        ("/sitemap.xml?page=0", "invalid_input"),
        ("/sitemap.xml?page=2", "not_found"),
        ("/sitemap.xml?page=4294967", "not_found"),
        ("/feed.atom?before=", "invalid_input"),
        ("/feed.atom?before=1.2.3", "invalid_input"),
        ("/feed.atom?before=99999999999999999999.301001-000001.1", "invalid_input"),
        ("/feed.atom?before=%FF", "invalid_input"),
        ("/datasets/301001-000077/feed.atom", "not_found"),
        ("/datasets/nothing/dcat.ttl", "invalid_input"),
    ] {
        assert_eq!(server.send(Call::get(path)).await.code(), code, "{path}");
    }
    let old = get(server, "/feed.atom?before=-9223372036854775808.301001-000001.1").await;
    assert!(!old.contains("<entry>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_have_pages_that_miss_none() {
    let city = City::new().await;
    city.upload(ROWS).await;
    city.upload(ROWS).await;
    let (server, mut place, mut numbers) = (&city.server, None, Vec::new());
    loop {
        let ctx = public_context("r".to_owned(), Channel::File, server.now());
        let page = server.services.recent_versions(&ctx, None, place, 1).await.unwrap();
        numbers.extend(page.versions.iter().map(|(_, version)| version.number));
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [3, 2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_goes_out_and_in_as_linked_data_and_loses_nothing() {
    let (city, other) = (City::without_data().await, City::without_data().await);
    city.publish(&rich()).await;
    let sheets = async |city: &City| {
        let mut parts = Vec::new();
        for part in ["sheet", "extension"] {
            let path = format!("/api/v1/directory/export?format=csv&part={part}");
            parts.push(city.server.send(Call::get(path).by(&city.editor)).await.text());
        }
        parts
    };
    let wanted = sheets(&city).await;
    assert!(wanted[0].contains("食品经营许可") && wanted[1].contains("0792-0000000"));
    for (ending, media_type, _) in SYNTAXES {
        let path = format!("/api/v1/directory/export?format={ending}");
        let export = city.server.send(Call::get(path).by(&city.editor)).await;
        assert_eq!(export.header("content-type"), media_type);
        let import = Call::new(Method::POST, "/api/v1/directory/import").body(export.ok_bytes(), media_type);
        let report = other.server.send(import.by(&other.editor)).await.ok();
        assert_eq!(report["problems"], json!([]), "{ending}");
        assert_eq!(report["imported"], json!(["301001/000001", "301001/000002"]), "{ending}");
        let entry = Call::get("/api/v1/resources/301001-000002/entry").by(&other.editor);
        let draft = other.server.send(entry).await.ok()["draft"].clone();
        let published =
            city.server.send(Call::get("/api/v1/resources/301001-000002").by(&city.editor)).await.ok();
        assert_eq!(draft, published, "{ending}");
        assert_eq!(sheets(&other).await[0].lines().count(), wanted[0].lines().count());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_data_are_checked_as_a_sheet_is() {
    let city = City::without_data().await;
    let server = &city.server;
    let path = "/api/v1/directory/export?format=ttl";
    let good = server.send(Call::get(path).by(&city.editor)).await.text();
    let import = |document: String| {
        Call::new(Method::POST, "/api/v1/directory/import").body(document, "text/turtle").by(&city.editor)
    };
    for (from, to, rule) in [
        ("\"数据库\"", "\"石板\"", "format.class"),
        ("sq:opening \"open\"", "sq:opening \"ajar\"", "term.value"),
        ("11360400MB", "11360400MX", "provider.unknown"),
        ("frequency/DAILY", "frequency/OTHER", "term.value"),
    ] {
        assert!(good.contains(from), "{from} is not in {good}");
        let report = server.send(import(good.replace(from, to))).await.ok();
        assert_eq!(report["imported"], json!([]), "{to}");
        let problems = report["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem["rule"] == rule), "{to}: {problems:?}");
        assert!(problems[0]["at"].as_str().unwrap().contains("/datasets/301001-000001#"), "{problems:?}");
    }
    let foreign = good.replace("301001/000001", "301001/000008");
    let report = server.send(import(foreign)).await.ok();
    assert_eq!(report["imported"], json!([]), "its title is another entry's: {report}");
    for (document, media_type) in [
        ("<a> <b", "text/turtle"),
        ("{\"@context\": \"http://127.0.0.1:1/context.jsonld\", \"@id\": \"a\"}", "application/ld+json"),
        ("[[[[", "application/ld+json"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><a/>", "application/rdf+xml"),
        ("<a", "application/rdf+xml"),
    ] {
        let call =
            Call::new(Method::POST, "/api/v1/directory/import").body(document, media_type).by(&city.editor);
        assert_eq!(server.send(call).await.code(), "invalid_input", "{document}");
    }
    let stranger = Call::new(Method::POST, "/api/v1/directory/import").body(good.as_str(), "text/turtle");
    assert!(server.send(stranger).await.status.is_client_error());
    let other =
        Call::new(Method::POST, "/api/v1/directory/import").body(good, "text/turtle").by(&city.consumer);
    assert_eq!(
        server.send(other).await.ok()["imported"],
        json!([]),
        "nobody writes another department's entries"
    );
}
