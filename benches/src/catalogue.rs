//! The public's doors to a directory of many entries: CKAN's lists and searches, DCAT pages to the last one, sitemap, feed.
//!
//! `catalogue FOLDER [ENTRIES]` fills the catalogue of a data folder that `shuqiao init` made, which no server has open;
//! `catalogue http://ADDRESS` asks a server of that folder each question a few times, without a key.

#[path = "search/entries.rs"]
mod entries;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use catalog_store::CatalogStore;

/// How often each question is asked; all together stay within the quota of an address for a minute.
const TIMES: usize = 9;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let place = arguments.next().ok_or("name a data folder, or the address of a server")?;
    if let Some(server) = place.strip_prefix("http://") {
        return ask(server.trim_end_matches('/'));
    }
    let count: usize = arguments.next().as_deref().unwrap_or("100000").parse()?;
    let path = Path::new(&place).join("catalogue.sqlite");
    let store = CatalogStore::connect(&format!("sqlite://{}", path.display())).await?;
    entries::fill(&store, count).await?;
    store.close().await;
    Ok(())
}

/// Asks everything, and prints what came and how long it took.
fn ask(server: &str) -> Result<(), Box<dyn Error>> {
    let first = get(server, "/catalog.ttl")?;
    let last = between(&first.head, "/catalog.ttl?page=", ">; rel=\"last\"").unwrap_or("1").to_owned();
    let count = get(server, "/api/3/action/package_search?rows=0")?;
    let count = count.body.split_once("\"count\":").map_or("0", |(_, rest)| rest);
    let count: u64 = count.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or("0").parse()?;
    println!("{count} datasets of the public, {last} pages of DCAT\n");
    println!("{:<96} {:>6} {:>10} {:>10} {:>10}", "", "status", "bytes", "first", "p50");
    for path in questions(&last, count) {
        let mut times = Vec::with_capacity(TIMES);
        let mut answer = get(server, &path)?;
        times.push(answer.time);
        for _ in 1..TIMES {
            answer = get(server, &path)?;
            times.push(answer.time);
        }
        let before = times[0];
        times.sort_unstable();
        let (status, bytes) = (&answer.status, answer.body.len());
        println!(
            "{path:<96} {status:>6} {bytes:>10} {:>10} {:>10}",
            millis(before),
            millis(times[TIMES / 2])
        );
    }
    Ok(())
}

/// What strangers ask of a directory with so many pages and datasets.
fn questions(last: &str, count: u64) -> Vec<String> {
    let word = percent(&entries::subject(3).chars().take(2).collect::<String>());
    let (place, english) = (percent(entries::place(7)), entries::english(5));
    let end = count.saturating_sub(100);
    let search = |query: &str| format!("/api/3/action/package_search?{query}");
    let facets = "facet.field=[%22organization%22,%22groups%22,%22tags%22,%22license_id%22]";
    let mut questions = vec![
        search("rows=10"),
        search(&format!("rows=10&{facets}")),
        search(&format!("rows=0&facet.limit=-1&{facets}")),
        search(&format!("rows=10&q={word}")),
        search(&format!("rows=10&q={place}+{english}&fq=organization:dept1")),
        search("rows=100&sort=metadata_modified+desc"),
        search(&format!("rows=100&sort=metadata_modified+desc&start={end}")),
        search("rows=100&sort=metadata_modified+asc&fq=metadata_modified:[2026-01-01T00:00:00Z+TO+*]"),
        search(&format!("rows=1000&sort=id+asc&start={}", count / 2)),
    ];
    let actions = [
        "package_list",
        "package_list?limit=100&offset=50000",
        "current_package_list_with_resources?limit=1000",
        "group_list",
        "group_list?all_fields=true",
        "organization_list",
        "organization_list?all_fields=true&sort=package_count+desc",
        "organization_show?id=dept1&include_datasets=true",
        "tag_list",
        "tag_list?all_fields=true",
        "license_list",
        "tag_autocomplete?query=a",
        "organization_autocomplete?q=dept",
        "group_autocomplete?q=3",
    ];
    questions.extend(actions.map(|action| format!("/api/3/action/{action}")));
    questions.push(format!("/api/3/action/package_autocomplete?q={word}"));
    questions.push(format!("/api/3/action/resource_search?query=format:csv&query=name:{place}+{english}"));
    for ending in ["ttl", "jsonld", "rdf"] {
        questions.extend([format!("/catalog.{ending}"), format!("/catalog.{ending}?page={last}")]);
    }
    let parts = count.div_ceil(1_000);
    questions.extend([
        "/sitemap.xml".to_owned(),
        format!("/sitemap.xml?page={parts}"),
        "/feed.atom".to_owned(),
    ]);
    questions
}

/// What came of a question.
struct Answer {
    status: String,
    head: String,
    body: String,
    time: Duration,
}

/// Asks by a connection of its own.
fn get(server: &str, path: &str) -> Result<Answer, Box<dyn Error>> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(server)?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n")?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    let time = began.elapsed();
    let text = String::from_utf8_lossy(&text);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
    Ok(Answer { status, head: head.to_owned(), body: body.to_owned(), time })
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    // The last beginning before the end: a field of links has several.
    let (before, _) = text.split_once(end)?;
    before.rsplit_once(begin).map(|(_, found)| found)
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
