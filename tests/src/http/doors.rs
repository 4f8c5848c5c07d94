//! One policy at every door: the same table asked for by the same principals, and the data as a person would cut and mask them
//! with scissors and pen.

use std::collections::{BTreeMap, BTreeSet};

use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use catalog_core::Role;
use exchange_crypto::SigningKey;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::{Answer, Call};

/// A row as names and texts, whatever the door writes.
type Row = BTreeMap<String, String>;

/// Every way to the rows of a dataset, with the route that it goes by.
const DOORS: [(&str, &str); 14] = [
    ("SQL", "POST /api/v1/sql"),
    ("records", "GET /api/v1/resources/{code}/records"),
    ("records asked for by a body", "POST /api/v1/resources/{code}/records"),
    ("preview", "GET /api/v1/resources/{code}/preview"),
    ("CSV", "GET /datasets/{code}/{file}"),
    ("JSON Lines", "GET /datasets/{code}/{file}"),
    ("Parquet", "GET /datasets/{code}/{file}"),
    ("the bundle", "GET /datasets/{code}/{file}"),
    ("the page of the dataset", "GET /datasets/{code}"),
    ("CKAN's datastore", "POST /api/3/action/{action}"),
    ("CKAN's datastore by address", "GET /api/3/action/{action}"),
    ("CKAN's SQL", "POST /api/action/{action}"),
    ("Delta Sharing", "POST /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/query"),
    ("Delta Sharing's files", "GET /delta-sharing/files/{code}/{number}/{file}"),
];

/// Routes that tell of rows and are asked elsewhere: where stands beside each.
const ELSEWHERE: [(&str, &str); 19] = [
    ("GET /api/action/{action}", "the same as with a version in its path"),
    ("GET /api/v1/datasets/{code}/records/{key}", "lookup.rs: one of the records that are looked up"),
    (
        "POST /api/v1/datasets/{code}/records/lookup",
        "lookup.rs; each row under each policy in lookup/tests.rs of exchange-query",
    ),
    (
        "GET /api/v1/resources/{code}/versions/{number}/quarantine",
        "data.rs: what was refused, to who delivered it",
    ),
    ("GET /datasets/{code}/changes", "portal.rs: rows that differ are counted, as Delta Sharing shows them"),
    ("GET /datasets/{code}/chart", "portal_islands.rs: the answer of SQL as a table"),
    ("GET /datasets/{code}/rows", "portal_islands.rs: the same rows as records, as a page"),
    ("GET /datasets/{code}/versions/{version}/materials/{digest}", "materials.rs: files that rows name"),
    ("GET /delta-sharing/changes/{code}/{before}/{number}/{file}", "delta.rs: differences of what is shown"),
    (
        "GET /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/changes",
        "delta.rs, developers in delta/scale.rs",
    ),
    ("GET /feed.atom", "catalogue.rs: versions are told of, their rows are not"),
    ("GET /feeds/search.atom", "subscriptions.rs: the same of what a search finds"),
    ("GET /ogc/collections/{code}/items", "ogc/doors.rs: the same comparison, over a table with places"),
    ("GET /ogc/collections/{code}/items/{feature}", "ogc/doors.rs"),
    (
        "POST /api/v1/verifications",
        "lookup.rs; whether pairs agree under each policy in lookup/tests.rs of exchange-query",
    ),
    ("POST /api/v1/verifications/batch", "lookup.rs: the same of many"),
    ("POST /api/v1/why/grant", "why.rs: rows are counted"),
    ("POST /sql", "sql_page.rs: the same comparison"),
    ("POST /receipts/{id}/replay", "replay.rs: rows are compared and not shown"),
];

/// Routes beside them that tell of tables, items and files, and never of rows.
const WITHOUT_ROWS: [&str; 91] = [
    "DELETE /api/v1/resources/{code}/materials/{upload}",
    "GET /api/v1/resources/{code}/materials/{upload}",
    "GET /",
    "GET /api/v1/resources/{code}/dictionary",
    "GET /api/v1/resources/{code}/records/acts",
    "GET /api/v1/resources/{code}/schema",
    "GET /api/v1/resources/{code}/versions",
    "GET /api/v1/resources/{code}/waiting",
    "GET /api/v1/resources/{code}/versions/{number}/quality",
    "GET /api/v1/sql/dialect",
    "GET /api/v1/sql/functions",
    "GET /api/v1/sql/tables",
    "GET /api/v1/queries",
    "GET /api/v1/queries/history",
    "POST /api/v1/queries",
    "DELETE /api/v1/queries/{id}",
    "GET /sql",
    "GET /assets/{file}",
    "GET /api/v1/subscriptions",
    "GET /api/v1/subscriptions/{id}",
    "GET /api/v1/subscriptions/{id}/deliveries",
    "GET /catalog",
    "GET /catalog.jsonld",
    "GET /catalog.rdf",
    "GET /catalog.ttl",
    "GET /datasets/{code}/csv-metadata.json",
    "GET /datasets/{code}/datapackage.json",
    "GET /datasets/{code}/dcat.jsonld",
    "GET /datasets/{code}/dcat.rdf",
    "GET /datasets/{code}/dcat.ttl",
    "GET /datasets/{code}/feed.atom",
    "GET /datasets/{code}/quality.json",
    "GET /datasets/{code}/schema.json",
    "GET /delta-sharing/profile",
    "GET /delta-sharing/shares",
    "GET /delta-sharing/shares/{share}",
    "GET /delta-sharing/shares/{share}/all-tables",
    "GET /delta-sharing/shares/{share}/schemas",
    "GET /delta-sharing/shares/{share}/schemas/{schema}/tables",
    "GET /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/metadata",
    "GET /delta-sharing/shares/{share}/schemas/{schema}/tables/{table}/version",
    "GET /departments",
    "GET /departments/{id}",
    "GET /api",
    "GET /ask/disclosure",
    "GET /ask/letter",
    "GET /ask/matter",
    "GET /datasets/{code}/feedback",
    "GET /developer",
    "GET /developer/register",
    "GET /developer/subscriptions",
    "GET /developer/try",
    "GET /gallery",
    "GET /gallery/submit",
    "GET /help",
    "POST /ask/disclosure",
    "POST /ask/letter",
    "POST /ask/matter",
    "POST /datasets/{code}/feedback",
    "POST /developer",
    "POST /developer/register",
    "POST /developer/subscriptions",
    "POST /gallery/submit",
    "GET /design",
    "GET /ogc",
    "GET /ogc/api",
    "GET /ogc/collections",
    "GET /ogc/collections/{code}",
    "GET /ogc/collections/{code}/queryables",
    "GET /ogc/conformance",
    "GET /schemas/directory.jsonld",
    "GET /sitemap.xml",
    "PATCH /api/v1/resources/{code}/materials/{upload}",
    "DELETE /api/v1/subscriptions/{id}",
    "POST /api/v1/resources/{code}/data",
    "POST /api/v1/resources/{code}/data/sample",
    "GET /api/v1/resources/{code}/data/progress",
    "POST /api/v1/resources/{code}/materials",
    "POST /api/v1/resources/{code}/records/reinstate",
    "POST /api/v1/resources/{code}/records/withdraw",
    "POST /api/v1/resources/{code}/versions",
    "POST /api/v1/resources/{code}/versions/{number}/review",
    "POST /api/v1/resources/{code}/versions/{number}/withdraw",
    "GET /search",
    "GET /standards",
    "GET /statistics",
    "GET /status",
    "GET /topics",
    "POST /api/v1/subscriptions",
    "POST /api/v1/subscriptions/{id}/deliveries/{delivery}/retry",
    "POST /api/v1/subscriptions/{id}/resume",
];

/// Somebody, and how they prove it.
pub(super) struct Who<'a> {
    pub(super) name: &'static str,
    pub(super) key: Option<&'a SigningKey>,
    pub(super) ticket: Option<String>,
}

impl<'a> Who<'a> {
    pub(super) async fn ask(&self, city: &City, call: Call<'a>) -> Answer {
        let call = match (&self.ticket, self.key) {
            (Some(ticket), _) => call.header("authorization", &format!("Bearer {ticket}")),
            (None, Some(key)) => call.by(key),
            (None, None) => call,
        };
        city.server.send(call).await
    }

    /// The rows that a door shows; none where it wants another proof.
    async fn rows(&self, city: &City, door: &str) -> Option<Vec<Row>> {
        let file = |extension: &str| Call::get(format!("/datasets/{CODE}/latest.{extension}"));
        let records = format!("/api/v1/resources/{CODE}/records");
        let table = format!("{CODE}-csv");
        let all = json!({"resource_id": table, "limit": 100});
        let star = json!({"sql": format!("SELECT * FROM \"{table}\"")});
        let found = match door {
            "SQL" => {
                of_json(&self.ask(city, city.sql("select * from scjg.penalty", None)).await.ok()["data"])
            }
            "records" => of_json(&self.ask(city, Call::get(records)).await.ok()["data"]),
            // A ticket sends a body only where it can't but ask.
            "records asked for by a body" if self.ticket.is_some() => return None,
            "records asked for by a body" => {
                of_json(&self.ask(city, Call::post(records, &json!({}))).await.ok()["data"])
            }
            "preview" => {
                let preview = Call::get(format!("/api/v1/resources/{CODE}/preview"));
                of_json(&self.ask(city, preview).await.ok()["data"])
            }
            "CSV" => of_csv(&self.ask(city, file("csv")).await.text()),
            "JSON Lines" => of_json_lines(&self.ask(city, file("jsonl")).await.text()),
            "Parquet" => of_parquet(self.ask(city, file("parquet")).await.ok_bytes()),
            "the bundle" => {
                let rows = super::bundles::content(&self.ask(city, file("zip")).await, "1.csv");
                of_csv(&String::from_utf8(rows).unwrap())
            }
            "the page of the dataset" => {
                let page = Call::get(format!("/datasets/{CODE}")).header("accept", "text/html");
                let page = self.ask(city, page).await.text();
                let rows = of_page(&page);
                let sees_persons = ["consumer", "provider"].iter().any(|one| self.name.starts_with(one));
                // Nobody is looked up by looking at what a register is.
                assert_eq!(rows.is_none(), sees_persons, "{}: {page}", self.name);
                assert!(!page.contains("(合成)"), "{}: {page}", self.name);
                rows?
            }
            "CKAN's datastore" => {
                let call = Call::post("/api/3/action/datastore_search", &all);
                of_json(&self.ask(city, call).await.ok()["result"]["records"])
            }
            "CKAN's datastore by address" => {
                let path = format!("/api/3/action/datastore_search?resource_id={table}&limit=100");
                of_json(&self.ask(city, Call::get(path)).await.ok()["result"]["records"])
            }
            "CKAN's SQL" => {
                let call = Call::post("/api/action/datastore_search_sql", &star);
                of_json(&self.ask(city, call).await.ok()["result"]["records"])
            }
            "Delta Sharing" | "Delta Sharing's files" => {
                self.ticket.as_ref()?;
                let query = "/delta-sharing/shares/scjg/schemas/default/tables/penalty/query";
                let answer = self.ask(city, Call::post(query, &json!({}))).await;
                assert!(answer.status.is_success(), "{}", answer.text());
                let mut rows = Vec::new();
                for line in answer.text().lines() {
                    let line: Value = serde_json::from_str(line).unwrap();
                    let Some(url) = line["file"]["url"].as_str() else { continue };
                    let path = url.strip_prefix(&city.server.base).unwrap();
                    rows.extend(of_parquet(city.server.send(Call::get(path)).await.ok_bytes()));
                }
                rows
            }
            other => panic!("{other} has no way"),
        };
        Some(sorted(found))
    }

    /// The names of items that documents about the dataset tell of.
    async fn described(&self, city: &City) -> Vec<(&'static str, BTreeSet<String>)> {
        let mut found = Vec::new();
        for (document, place) in [
            ("schema.json", "/properties"),
            ("datapackage.json", "/resources/0/schema/fields"),
            ("csv-metadata.json", "/tables/0/tableSchema/columns"),
        ] {
            let answer = self.ask(city, Call::get(format!("/datasets/{CODE}/{document}"))).await.ok();
            let names = match answer.pointer(place) {
                Some(Value::Object(items)) => items.keys().cloned().collect(),
                Some(Value::Array(items)) => {
                    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
                }
                other => panic!("{document} {place}: {other:?} in {answer}"),
            };
            found.push((document, names));
        }
        let schema = self.ask(city, Call::get(format!("/api/v1/resources/{CODE}/schema"))).await.ok();
        found.push(("schema", schema["properties"].as_object().unwrap().keys().cloned().collect()));
        let lines = self.ask(city, Call::get(format!("/api/v1/resources/{CODE}/dictionary"))).await.ok();
        let columns =
            lines.as_array().unwrap().iter().map(|line| line["column"].as_str().unwrap().to_owned());
        found.push(("dictionary", columns.collect()));
        let dcat = self.ask(city, Call::get(format!("/datasets/{CODE}/dcat.ttl"))).await;
        dcat.ok_bytes();
        found.push(("dcat.ttl", quoted(&dcat.text(), "sq:column \"", '"')));
        found
    }

    /// The rows of each distribution that DCAT names, where its format is one of rows in text or Parquet.
    async fn distributed(&self, city: &City) -> Vec<(String, Option<Vec<Row>>)> {
        let dcat = self.ask(city, Call::get(format!("/datasets/{CODE}/dcat.ttl"))).await.text();
        let mut found = Vec::new();
        for address in quoted(&dcat, "dcat:downloadURL <", '>') {
            let path = address.strip_prefix(&city.server.base).unwrap();
            let answer = self.ask(city, Call::get(path)).await;
            answer.ok_bytes();
            let (_, extension) = path.rsplit_once('.').unwrap();
            let rows = match extension {
                "csv" => Some(of_csv(&answer.text())),
                "jsonl" => Some(of_json_lines(&answer.text())),
                "parquet" => Some(of_parquet(answer.ok_bytes())),
                _ => None,
            };
            found.push((extension.to_owned(), rows.map(sorted)));
        }
        found
    }
}

/// What stands between a beginning and an end, wherever it does.
fn quoted(text: &str, begin: &str, end: char) -> BTreeSet<String> {
    let parts = text.split(begin).skip(1);
    parts.map(|part| part.split(end).next().unwrap().to_owned()).collect()
}

/// The first rows on the page of a dataset; none where there is no table of them.
fn of_page(page: &str) -> Option<Vec<Row>> {
    let (_, table) = page.split_once("<table class=\"rows first-rows\">")?;
    let (table, _) = table.split_once("</table>").unwrap();
    let until = |text: &str, end: &str| text.split(end).next().unwrap().to_owned();
    let names: Vec<_> = table.split("rows?sort=").skip(1).map(|rest| until(rest, "\"")).collect();
    let row = |row: &str| {
        let cells = row.split("<td").skip(1).map(|rest| until(rest.split_once('>').unwrap().1, "</td>"));
        names.iter().zip(cells).map(|(name, cell)| (name.clone(), plain(name, &cell))).collect()
    };
    Some(table.split("<tr>").skip(2).map(row).collect())
}

fn of_json_lines(text: &str) -> Vec<Row> {
    of_json(&text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect())
}

fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// A number as one text, however many zeros it ends with.
fn plain(name: &str, text: &str) -> String {
    match (name, text.parse::<f64>()) {
        ("amount", Ok(number)) => number.to_string(),
        _ => text.to_owned(),
    }
}

fn of_json(rows: &Value) -> Vec<Row> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |row: &Value| {
        let cells = row.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with('_'));
        cells.map(|(name, value)| (name.clone(), plain(name, &text(value)))).collect()
    };
    rows.as_array().unwrap_or_else(|| panic!("{rows}")).iter().map(row).collect()
}

fn of_csv(text: &str) -> Vec<Row> {
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let row = |cells: Vec<String>| {
        let cells = names.iter().zip(cells);
        cells.map(|(name, cell)| (name.clone(), plain(name, &cell))).collect()
    };
    lines.map(row).collect()
}

fn of_parquet(bytes: &[u8]) -> Vec<Row> {
    let bytes = axum::body::Bytes::copy_from_slice(bytes);
    let batches = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    batches.flat_map(|batch| of_batch(&batch.unwrap())).collect()
}

fn of_batch(batch: &RecordBatch) -> Vec<Row> {
    let cell = |place: usize, row: usize| {
        let name = batch.schema().field(place).name().clone();
        let text = array_value_to_string(batch.column(place), row).unwrap();
        (name.clone(), plain(&name, &text))
    };
    (0..batch.num_rows())
        .map(|row| (0..batch.num_columns()).map(|place| cell(place, row)).collect())
        .collect()
}

/// The rows as they were delivered: those of a county or all, of some items, people by their first character.
fn cut(county: Option<&str>, items: &[&str], is_masked: bool) -> Vec<Row> {
    let mut rows = of_csv(ROWS);
    rows.retain(|row| county.is_none_or(|county| row["county"] == county));
    for row in &mut rows {
        row.retain(|name, _| items.contains(&name.as_str()));
        if let Some(person) = row.get_mut("person").filter(|_| is_masked) {
            *person = format!("{}*****", person.chars().next().unwrap());
        }
    }
    sorted(rows)
}

/// Tickets of the consumer and of the provider.
pub(super) async fn tickets(city: &City) -> [String; 2] {
    let wanted = json!({"purpose": "办案", "doors": ["api", "sql", "file"], "seconds": 600});
    let ticket = async |key: &SigningKey| {
        let issued = city.server.send(Call::post("/api/v1/tickets", &wanted).by(key)).await.ok();
        issued["token"].as_str().unwrap().to_owned()
    };
    [ticket(&city.consumer).await, ticket(&city.machine).await]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_shows_each_the_same() {
    let city = City::new().await;
    city.conditional_grant().await;
    let [consumer_ticket, provider_ticket] = tickets(&city).await;
    let developer = city.server.person("developer", None, &[Role::Developer]).await;
    let made = Call::post("/api/v1/developer-keys", &json!({"name": "门"})).by(&developer);
    let secret = city.server.send(made).await.ok()["secret"].as_str().unwrap().to_owned();
    let open = ["case_no", "county", "amount"];
    let granted = ["case_no", "county", "person"];
    let own = ["case_no", "county", "person", "amount", "note"];
    let consumer = cut(Some("360481"), &granted, true);
    let provider = cut(None, &own, false);
    for (who, items, expected) in [
        (Who { name: "public", key: None, ticket: None }, &open[..], cut(None, &open, false)),
        (
            Who { name: "developer by key", key: None, ticket: Some(secret) },
            &open[..],
            cut(None, &open, false),
        ),
        (Who { name: "consumer", key: Some(&city.consumer), ticket: None }, &granted[..], consumer.clone()),
        (
            Who { name: "consumer by ticket", key: None, ticket: Some(consumer_ticket) },
            &granted[..],
            consumer,
        ),
        (Who { name: "provider", key: Some(&city.machine), ticket: None }, &own[..], provider.clone()),
        (Who { name: "provider by ticket", key: None, ticket: Some(provider_ticket) }, &own[..], provider),
    ] {
        for (door, _) in DOORS {
            if let Some(found) = who.rows(&city, door).await {
                assert_eq!(found, expected, "{} at {door}", who.name);
            }
        }
        let items: BTreeSet<String> = items.iter().map(|item| (*item).to_owned()).collect();
        for (document, found) in who.described(&city).await {
            assert_eq!(found, items, "{} in {document}", who.name);
        }
        let distributed = who.distributed(&city).await;
        let formats: BTreeSet<&str> = distributed.iter().map(|(format, _)| format.as_str()).collect();
        assert_eq!(formats, BTreeSet::from(["csv", "jsonl", "parquet", "xlsx"]), "{}", who.name);
        for (format, rows) in &distributed {
            assert!(rows.as_ref().is_none_or(|rows| *rows == expected), "{} in {format} of DCAT", who.name);
        }
        // The catalogue is for everyone: whoever asks gets what the public sees.
        let catalogue = who.ask(&city, Call::get("/catalog.ttl")).await.text();
        assert_eq!(
            quoted(&catalogue, "sq:column \"", '"'),
            open.iter().map(|name| (*name).to_owned()).collect()
        );
        assert_eq!(quoted(&catalogue, "dcat:downloadURL <", '>').len(), formats.len(), "{catalogue}");
    }
}

/// Of what is closed to them, strangers hear the very words that they hear of what is not there.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_is_as_if_it_were_not_there() {
    let city = City::new().await;
    let mut closed = resource();
    (closed["code"], closed["sql_name"]) = (json!("302001/000001"), json!("closed"));
    closed["title"] = json!("内部线索");
    for item in closed["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    city.publish(&closed).await;
    city.upload_to("302001-000001", ROWS).await;
    let calls = |code: &str| {
        [
            Call::get(format!("/api/v1/resources/{code}")),
            Call::get(format!("/api/v1/resources/{code}/records")),
            Call::get(format!("/api/v1/resources/{code}/versions")),
            Call::get(format!("/datasets/{code}")),
            Call::get(format!("/datasets/{code}/latest.csv")),
            Call::get(format!("/datasets/{code}/latest.zip")),
            Call::get(format!("/datasets/{code}/schema.json")),
            Call::get(format!("/datasets/{code}/feed.atom")),
            Call::get(format!("/ogc/collections/{code}")),
            Call::get(format!("/api/3/action/package_show?id={code}")),
            Call::get(format!("/api/3/action/datastore_search?resource_id={code}-csv")),
            city.sql(&format!("select * from \"{code}\""), None),
        ]
    };
    let told = async |call: Call<'_>, code: &str| {
        let answer = city.server.send(call).await;
        let mut told = answer.json();
        told.as_object_mut().unwrap().remove("instance");
        let told = told.to_string().replace(code, "X").replace(&code.replace('-', "/"), "X");
        format!("{} {told}", answer.status)
    };
    let (here, nowhere) = ("302001-000001", "302001-000009");
    for (one, other) in calls(here).into_iter().zip(calls(nowhere)) {
        assert_eq!(told(one, here).await, told(other, nowhere).await);
    }
}

/// A new route that shows rows is asked above, or says here where it is asked.
#[test]
fn no_route_is_left_out() {
    // Parts of the document whose routes may show rows of datasets.
    const OF_DATA: [&str; 9] =
        ["portal", "data", "sql", "ckan", "downloads", "delta-sharing", "ogc", "catalogue", "subscriptions"];
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let asked = DOORS.iter().map(|(_, route)| *route).chain(ELSEWHERE.iter().map(|(route, _)| *route));
    let known: BTreeSet<&str> = asked.chain(WITHOUT_ROWS).collect();
    let (mut seen, mut unknown) = (BTreeSet::new(), Vec::new());
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(tag) = operation["tags"][0].as_str() else { continue };
            let route = format!("{} {path}", method.to_uppercase());
            match known.get(route.as_str()) {
                Some(route) => drop(seen.insert(*route)),
                None if OF_DATA.contains(&tag) => unknown.push(route),
                None => {}
            }
        }
    }
    assert_eq!(unknown, Vec::<String>::new(), "say in this file where it is asked, or that it shows no rows");
    assert_eq!(known.difference(&seen).collect::<Vec<_>>(), Vec::<&&str>::new(), "there is no such route");
}
