//! The portal's scripts, in a real browser, and the tables that they are made from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use openapi_portal::Identity;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, resource};
use crate::support::python::browser;
use crate::support::server::{Bounds, Call};

/// A register with everything that can be looked at.
const CASES: &str = "301001-000010";
/// The outlines of its divisions.
const OUTLINES: &str = "301001-000012";
/// Rows of the register: more than two pages of the grid.
const ROWS: usize = 250;
/// Texts that would run if a page took them for HTML.
const HOSTILE: &str = "<img src=x onerror=document.title=1><script>document.title=2</script>";

fn item(title: &str, column: &str, kind: &str, length: u16, format: Value) -> Value {
    json!({"title": title, "column": column, "type": {"kind": kind, "length": length}, "format": format,
        "sharing": {"type": "unconditional"}, "opening": {"type": "open"}})
}

fn entry(code: &str, name: &str, title: &str, items: Vec<Value>) -> Value {
    let mut entry = resource();
    let key = items[0]["column"].clone();
    for (field, value) in [
        ("code", json!(code.replacen('-', "/", 1))),
        ("sql_name", json!(name)),
        ("title", json!(title)),
        ("items", json!(items)),
        ("key", json!([key])),
        ("sort", json!([])),
    ] {
        entry[field] = value;
    }
    entry["items"][0]["required"] = json!(true);
    entry
}

/// A register and outlines, both open.
async fn city() -> City {
    let identity = Identity { boundaries: OUTLINES.to_owned(), ..Identity::default() };
    let city = City::new_within(Bounds { identity, ..Bounds::default() }).await;
    let division = || json!("division-code");
    let cases = vec![
        item("案号", "case_no", "C", 20, Value::Null),
        item("县区", "county", "C", 6, division()),
        item("金额", "amount", "Y", 0, Value::Null),
        item("决定日期", "decided_on", "D", 0, Value::Null),
        item("<b onmouseover=alert(1)>事由</b>", "reason", "C", 200, Value::Null),
        item("经度", "longitude", "B", 0, json!("longitude")),
        item("纬度", "latitude", "B", 0, json!("latitude")),
    ];
    let mut rows = "case_no,county,amount,decided_on,reason,longitude,latitude\n".to_owned();
    for number in 0..ROWS {
        let county = if number % 3 == 0 { "360402" } else { "360481" };
        let reason = if number < 3 { HOSTILE } else { "合成的事由" };
        let (month, east) = (1 + number % 12, 115.0 + number as f64 / 500.0);
        rows += &format!("A{number:03},{county},{number}.50,2025-{month:02}-01,{reason},{east},29.5\n");
    }
    open(&city, &entry(CASES, "cases", "合成的处罚登记", cases), &rows).await;
    let outlines = vec![
        item("代码", "code", "C", 6, division()),
        item("名称", "name", "C", 60, Value::Null),
        item("范围", "shape", "G", 0, json!("geometry")),
    ];
    let mut rows = "code,name,shape\n".to_owned();
    for (code, name, west) in [("360402", "濂溪区", 115.0), ("360481", "瑞昌市", 115.3)] {
        let (east, south, north) = (west + 0.3, 29.3, 29.8);
        let ring =
            format!("[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]");
        let shape = format!("{{\"\"type\"\":\"\"Polygon\"\",\"\"coordinates\"\":[{ring}]}}");
        rows += &format!("{code},{name},\"{shape}\"\n");
    }
    open(&city, &entry(OUTLINES, "outlines", "合成的县区范围", outlines), &rows).await;
    city
}

/// Publishes an entry with its rows, all of it open.
async fn open(city: &City, entry: &Value, rows: &str) {
    city.publish(entry).await;
    let code = entry["code"].as_str().unwrap();
    city.upload_to(&code.replace('/', "-"), rows).await;
    let items: Vec<_> =
        entry["items"].as_array().unwrap().iter().map(|item| item["column"].clone()).collect();
    city.grant(&json!({
        "kind": "public", "resource": code, "grantee": "public", "items": items,
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_make_pages_better() {
    assert!(
        openapi_portal::asset("chart.js").is_some(),
        "`openapi/portal/build` makes the scripts; `tests/run` calls it"
    );
    let city = city().await;
    let arguments = [city.server.base.clone(), CASES.to_owned()];
    let walk = move || browser("walk_islands.mjs", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let walked = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["rows"], json!({"first": 100, "scrolled": 200, "total": ROWS}), "{walked:#}");
    assert_eq!(
        walked["greatest"],
        json!("A249"),
        "the grid sorts all rows, not those that it has: {walked:#}"
    );
    assert_eq!(walked["filtered"], json!(50), "amounts from 200: {walked:#}");
    assert_eq!(walked["features"], json!(ROWS), "{walked:#}");
    assert_eq!(walked["places"], json!(200), "as many as the list names: {walked:#}");
    assert_eq!(walked["areas"], json!(2), "{walked:#}");
    assert_eq!(walked["months"], json!(12), "{walked:#}");
    assert_eq!(walked["named"], json!("瑞昌市"), "the county with most rows, by its name: {walked:#}");
    assert_eq!(walked["built"], json!([["360402", "10,500"], ["360481", "20,750"]]), "{walked:#}");
    assert_eq!(walked["found"], json!([1, 3]), "while typing, and after a step back: {walked:#}");
    assert_eq!(
        walked["plain"],
        json!({"first": 10, "rows": 50, "next": "A050", "bars": 2}),
        "without scripts: {walked:#}"
    );
}

/// A page of a dataset in HTML, as somebody sees it.
async fn page(city: &City, address: &str, by: Option<&exchange_crypto::SigningKey>) -> (u16, String) {
    let call = Call::get(address).header("accept", "text/html");
    let call = match by {
        Some(key) => call.by(key),
        None => call,
    };
    let answer = city.server.send(call).await;
    (answer.status.as_u16(), answer.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_rows_and_charts_show_what_their_reader_may_see() {
    let city = City::new().await;
    let (status, rows) = page(&city, &format!("/datasets/{CODE}/rows"), None).await;
    assert_eq!(status, 200, "{rows}");
    assert!(rows.contains("<td>A1</td>") && rows.contains("<td class=\"number\">100.5</td>"), "{rows}");
    assert!(!rows.contains("合成)") && !rows.contains("note"), "the public sees no persons and no notes");
    let (_, sorted) = page(&city, &format!("/datasets/{CODE}/rows?sort=-case_no"), None).await;
    assert!(sorted.find("<td>A3</td>") < sorted.find("<td>A1</td>"), "{sorted}");
    for (address, status) in [
        ("rows?sort=person", 400),
        ("rows?sort=nothing", 400),
        ("rows?cursor=x", 400),
        ("rows?limit=5", 200),
        ("chart?x=person", 400),
        ("chart?x=note", 400),
        ("chart?x=county&how=sum", 400),
        ("chart?x=county&how=sum&y=case_no", 400),
        ("chart?x=county&how=most", 400),
        ("chart?x=%22%20from%20x", 400),
        ("chart", 200),
        ("chart?x=amount&split=county", 200),
        ("chart?x=case_no&lang=en", 200),
    ] {
        let (found, text) = page(&city, &format!("/datasets/{CODE}/{address}"), None).await;
        assert_eq!(found, status, "{address}: {text}");
    }
    let (_, chart) = page(&city, &format!("/datasets/{CODE}/chart?x=county&how=sum&y=amount"), None).await;
    assert!(
        chart.contains("data-value=\"103.75\">103.75<") && chart.contains("<rect width=\"1000\""),
        "{chart}"
    );
    let (status, _) = page(&city, "/datasets/301001-999999/chart?x=county", None).await;
    assert_eq!(status, 404);
}

/// A grantee's chart counts the rows of their grant, and leaves the evidence of a read.
#[tokio::test(flavor = "multi_thread")]
async fn a_chart_is_a_read_under_a_grant() {
    let city = City::without_data().await;
    city.upload(crate::support::city::ROWS).await;
    let address = format!("/datasets/{CODE}/chart?x=county");
    let (status, text) = page(&city, &address, Some(&city.consumer)).await;
    assert!(status == 403 || status == 404, "{status}: {text}");
    city.conditional_grant().await;
    let before = city.server.events("access").len();
    let (status, chart) = page(&city, &address, Some(&city.consumer)).await;
    assert_eq!(status, 200, "{chart}");
    assert!(chart.contains("360481") && !chart.contains("360402"), "one county is granted: {chart}");
    let (status, rows) = page(&city, &format!("/datasets/{CODE}/rows"), Some(&city.consumer)).await;
    assert_eq!(status, 200, "{rows}");
    assert!(rows.contains("张") && !rows.contains("张三"), "names are masked: {rows}");
    assert_eq!(city.server.events("access").len(), before + 2, "both are reads");
}

/// The page of a dataset shows its first rows, and that is one read with them; of rows that tell of persons it shows none.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_stand_on_the_page_of_a_dataset() {
    let city = city().await;
    let address = format!("/datasets/{CASES}");
    let (_, text) = page(&city, &address, None).await;
    let (_, table) = text.split_once("first-rows").unwrap();
    let (table, _) = table.split_once("</table>").unwrap();
    assert_eq!(table.matches("<tr>").count(), 1 + 10, "{table}");
    assert!(table.contains("<td>A009</td>") && !table.contains("A010"), "{table}");
    assert!(table.contains("onerror") && !table.contains("<img"), "texts are texts: {table}");
    let before = city.server.events("access").len();
    page(&city, &address, Some(&city.machine)).await;
    let accesses = city.server.events("access");
    assert_eq!(accesses.len(), before + 1, "one read");
    assert_eq!(accesses.last().unwrap()["rows"], 10);
    let (_, own) = page(&city, &format!("/datasets/{CODE}"), Some(&city.machine)).await;
    assert!(!own.contains("first-rows") && own.contains("数据涉及个人"), "{own}");
    assert_eq!(city.server.events("access").last().unwrap()["rows"], 0);
}

/// Who finds nothing is told what is like it, and how to ask for what is not there.
#[tokio::test(flavor = "multi_thread")]
async fn who_finds_nothing_is_helped() {
    let city = city().await;
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let (_, text) = page(&city, &format!("/search?q={}&lang=en", encode("合城的处罚登计簿")), None).await;
    assert!(text.contains("Did you mean") && text.contains("合成的处罚登记"), "{text}");
    assert!(text.contains("/ask/disclosure?lang=en"), "{text}");
    let narrowed = format!("/search?q={}&opening=conditional", encode("处罚登记"));
    let (_, text) = page(&city, &narrowed, None).await;
    assert!(text.contains("去掉筛选条件</a>，有 1 个"), "{text}");
    assert!(text.contains("有条件开放</span> <span aria-hidden"), "the condition can be taken away: {text}");
    let (_, found) = page(&city, &format!("/search?q={}", encode("处罚登记")), None).await;
    assert!(!found.contains("found-nothing"), "{found}");
}

fn islands() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("openapi/portal")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn every_island_and_icon_of_a_template_is_built() {
    let (mut missing, mut seen) = (BTreeSet::new(), 0);
    let sprite = openapi_portal::asset("icons.svg").expect("`openapi/portal/build` makes scripts and icons");
    let sprite = std::str::from_utf8(sprite.content).unwrap();
    for file in files(&islands().join("templates")) {
        let text = fs::read_to_string(&file).unwrap();
        for (call, ending) in [("island(\"", ".js"), ("icon(\"", "")] {
            for name in text.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                seen += 1;
                let is_there = match ending {
                    "" => sprite.contains(&format!("id=\"{name}\"")),
                    ending => openapi_portal::asset(&format!("{name}{ending}")).is_some(),
                };
                if !is_there {
                    missing.insert(format!("{name}{ending} in {}", file.display()));
                }
            }
        }
    }
    assert!(seen > 10);
    assert!(missing.is_empty(), "not built, or not in islands/icons.txt: {missing:#?}");
}

/// What scripts ask for is our own: no bundle names another host that it would ask. Names of vocabularies, and the homes of
/// libraries in notices, are no requests.
#[test]
fn no_script_names_another_host() {
    const KNOWN: [&str; 9] = [
        "http://www.w3.org/",
        "https://leafletjs.com",
        "https://github.com/",
        "http://www.apache.org/licenses/",
        "https://tabulator.info/",
        "https://www.tabulator.info/",
        "https://echarts.apache.org/",
        "https://react.dev/",
        "http://tabulator.info/",
    ];
    let built = islands().join("islands/dist");
    let mut hosts = BTreeSet::new();
    for file in files(&built)
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "js" || ending == "css"))
    {
        let text = fs::read_to_string(file).unwrap();
        for scheme in ["http://", "https://", "\"//", "'//", "`//"] {
            for place in text.match_indices(scheme).map(|(place, _)| place) {
                let rest: String = text[place..].chars().take(60).collect();
                // Two slashes and nothing behind them are a part of a library's own addresses.
                let mut letters = rest.chars();
                let quote = letters.next().filter(|first| !first.is_alphabetic());
                if quote.is_some() && letters.nth(2) == quote {
                    continue;
                }
                if !KNOWN.iter().any(|known| rest.starts_with(known)) {
                    hosts.insert(format!("{}: {rest}", file.file_name().unwrap().to_string_lossy()));
                }
            }
        }
    }
    assert!(hosts.is_empty(), "{hosts:#?}");
}
