//! A closed resource has no name outside government: every public document is read, and whatever it leads to.

use std::collections::{BTreeSet, VecDeque};

use catalog_core::Role;
use serde_json::{Value, json};

use super::successions::{at, city, confirm, propose};
use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::Call;

/// What would tell of the closed resource, or of a closed item of an open one by a reference.
const CLOSED: [&str; 6] =
    ["302001/000001", "302001-000001", "302001_000001", "closed_tips", "内部线索", "301001/000001#person"];
const OPEN: &str = "301001-000005";
/// More documents than there are in a small city.
const MOST: usize = 1_000;

fn closed() -> Value {
    let mut closed = resource();
    for (field, value) in [("code", "302001/000001"), ("sql_name", "closed_tips"), ("title", "内部线索")]
    {
        closed[field] = json!(value);
    }
    closed["keywords"] = json!(["内部线索"]);
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    closed
}

/// An open resource that names the closed one, and a closed item, in every way that there is.
fn naming() -> Value {
    let mut naming = resource();
    for (field, value) in [("code", "301001/000005"), ("sql_name", "naming"), ("title", "公开信息")] {
        naming[field] = json!(value);
    }
    naming["related"] = json!(["302001/000001", "301001/000001"]);
    naming["derived_from"] = json!(["302001/000001", "301001/000001"]);
    naming["items"][0]["reference"] = json!({"resource": "302001/000001", "column": "case_no"});
    naming["items"][1]["reference"] = json!({"resource": "301001/000001", "column": "county"});
    // What refers to a name is a name.
    naming["items"][3]["type"] = naming["items"][2]["type"].clone();
    naming["items"][3]["reference"] = json!({"resource": "301001/000001", "column": "person"});
    naming
}

/// Paths that a stranger may know: those of the API's description with the open codes, and CKAN's actions.
fn known() -> VecDeque<String> {
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let mut paths = VecDeque::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if item.get("get").is_none() {
            continue;
        }
        for code in [CODE, OPEN] {
            let known = path.replace("{code}", code).replace("{id}", "scjg").replace("{number}", "1");
            let known = known.replace("{share}", "scjg").replace("{schema}", "default");
            paths.push_back(known.replace("{table}", "naming").replace("{file}", "latest.csv"));
        }
    }
    // What else is to be named there, nobody knows.
    paths.retain(|path: &String| !path.contains('{'));
    for action in [
        "package_list",
        "package_search?rows=100&facet.field=[%22organization%22,%22groups%22,%22tags%22]",
        "package_search?q=%E5%86%85%E9%83%A8%E7%BA%BF%E7%B4%A2",
        "current_package_list_with_resources",
        "package_show?id=301001-000005",
        "resource_search?query=format:csv",
        "datastore_info?id=301001-000005-csv",
        "datastore_search?resource_id=301001-000005-csv",
        "group_list?all_fields=true",
        "organization_show?id=scjg&include_datasets=true",
        "tag_list?all_fields=true",
        "package_autocomplete?q=%E4%BF%A1%E6%81%AF",
        "tag_autocomplete?query=",
        "datastore_search_sql?sql=select+*+from+information_schema.columns",
        "datastore_search_sql?sql=select+*+from+information_schema.tables",
    ] {
        paths.push_back(format!("/api/3/action/{action}"));
    }
    for file in ["latest.manifest.json", "latest.jsonl", "latest.jws"] {
        paths.push_back(format!("/datasets/{OPEN}/{file}"));
    }
    paths
}

/// The paths of this server that a document leads to.
fn links(city: &City, text: &str) -> Vec<String> {
    let words = text.split(|letter: char| letter.is_whitespace() || "\"'<>()\\,;".contains(letter));
    let paths = words.filter_map(|word| word.strip_prefix(&city.server.base).or(Some(word)));
    let is_path = |path: &&str| {
        path.starts_with('/')
            && path.len() > 1
            && path.is_ascii()
            && !path.contains(['{', '}', '|', '^', '`'])
    };
    paths.filter(is_path).map(|path| path.split('#').next().unwrap().replace("&amp;", "&")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_code_is_in_no_public_answer() {
    let (city, _, officer) = city().await;
    city.publish(&closed()).await;
    // Rows that hold their references: their amounts stand where the closed item has its people.
    let people = ["张三(合成)", "李四(合成)", "王五(合成)"].into_iter().zip(["100.50", "20.00", "3.25"]);
    let amounts = people.fold(ROWS.to_owned(), |rows, (person, amount)| rows.replace(person, amount));
    city.upload(&amounts).await;
    city.publish(&naming()).await;
    city.upload_to(OPEN, ROWS).await;
    city.grant(&json!({
        "kind": "public", "resource": "301001/000005", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    }))
    .await;
    let heir = json!({
        "successor": "sjj", "from": at("03-05T00:00").to_string(), "basis": "职能划转", "resources": ["302001/000001"],
    });
    let proposed = propose(&city, "scjg", &heir, &officer).await.ok();
    let second = city.server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    confirm(&city, &proposed, &second).await.ok();

    let (mut paths, mut seen, mut answered) = (known(), BTreeSet::new(), 0);
    while let Some(path) = paths.pop_front() {
        // The code that is looked for stands in no address that is asked for.
        if seen.len() >= MOST
            || !seen.insert(path.clone())
            || CLOSED.iter().any(|closed| path.contains(closed))
        {
            continue;
        }
        let answer = city.server.send(Call::get(&path)).await;
        let text = answer.text();
        for closed in CLOSED {
            assert!(!text.contains(closed), "{path} tells of {closed}: {text}");
        }
        assert_ne!(answer.status.as_u16(), 500, "{path}: {text}");
        if answer.status.is_success() {
            answered += 1;
            paths.extend(links(&city, &text));
        }
    }
    assert!(answered > 60, "the crawl has come to {answered} documents");
    let catalogue = city.server.send(Call::get("/catalog.ttl")).await.text();
    assert!(catalogue.contains("301001/000001#county"), "what is open may be named: {catalogue}");
    let open = city.server.send(Call::get(format!("/api/v1/resources/{OPEN}"))).await.ok();
    assert_eq!(
        (&open["related"], &open["derived_from"]),
        (&json!(["301001/000001"]), &json!(["301001/000001"]))
    );
    assert!(catalogue.contains("prov:wasDerivedFrom"), "{catalogue}");
    for (page, other) in [(OPEN, CODE), (CODE, OPEN)] {
        let page =
            city.server.send(Call::get(format!("/datasets/{page}")).header("accept", "text/html")).await;
        let lineage = page.text().split("id=\"lineage\"").nth(1).unwrap_or_default().to_owned();
        let made = lineage.split("用于加工").count() > 1 && lineage.contains(other);
        assert!(made, "{other} is named on both sides: {lineage}");
    }
    // Departments know all of it.
    let whole =
        city.server.send(Call::get(format!("/api/v1/resources/{OPEN}")).by(&city.consumer)).await.ok();
    assert_eq!(whole["related"], json!(["302001/000001", "301001/000001"]));
    let all = city.server.send(Call::get("/api/v1/successions").by(&city.consumer)).await.text();
    assert!(all.contains("302001/000001"), "{all}");
}
