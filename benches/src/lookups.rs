//! Verification, look-ups by key and short queries at a running server, each request signed and each answer checked. See README.md.

#[path = "lookups/client.rs"]
mod client;
#[path = "lookups/load.rs"]
mod load;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use client::{Client, Failure};
use http::Method;
use load::{Asked, Figures, Load};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The dataset, as its provider names it.
const CODE: &str = "101001/000001";
const PROFILE: &str = "id_number+name";
const PURPOSE: &str = "社会救助核对";
/// People whose numbers are asked for.
const PEOPLE: usize = 400_000;

const USAGE: &str = "usage: lookups URL FOLDER verify|batch|record|sql CONNECTIONS SECONDS [REQUESTS_PER_SECOND [LOG [PURPOSE [TICKET]]]]

URL of a server on FOLDER, a demo's data folder in which the civil-affairs bureau may verify and look up the population. `-` leaves a word out.";

/// What one run asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// One pair a request.
    Pair,
    /// Ten thousand pairs a request.
    Batch,
    /// One record a request.
    Record,
    /// What dashboards ask in SQL: one row by its number, or a count by counties of what is younger than a day.
    Sql,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder, asks, connections, seconds, rest @ ..] = words.as_slice() else {
        return Err(USAGE.into());
    };
    let asks = match asks.as_str() {
        "verify" => Asks::Pair,
        "batch" => Asks::Batch,
        "record" => Asks::Record,
        "sql" => Asks::Sql,
        _ => return Err(USAGE.into()),
    };
    let folder = Path::new(folder);
    let purpose = rest.get(2).map_or(PURPOSE, String::as_str);
    let asker = Client::new(url, &folder.join("keys/demo/mzj.pem"), purpose).await?;
    let asker = match rest.get(3) {
        Some(ticket) => asker.with_ticket(ticket)?,
        None => asker,
    };
    let provider = Client::new(url, &folder.join("keys/demo/gaj.pem"), "").await?;
    let rows = match asks {
        Asks::Sql => {
            let sql = "select credit_code, county_code from scjg.legal_entities";
            kept(&asker, &folder.join("bench-entities.csv"), sql).await?
        }
        _ => {
            let sql = format!("select id_number, name from gaj.population limit {PEOPLE}");
            kept(&provider, &folder.join("bench-people.csv"), &sql).await?
        }
    };
    let load = Load {
        connections: connections.parse()?,
        span: Duration::from_secs(seconds.parse()?),
        rate: rest.first().filter(|rate| *rate != "-").map(|rate| rate.parse()).transpose()?,
        log: rest
            .get(1)
            .filter(|path| *path != "-")
            .map(|path| fs::File::create(path).map(Mutex::new))
            .transpose()?
            .map(Arc::new),
    };
    let figures = load.run(&asker, Arc::new(move |number| request(asks, &rows, number))).await?;
    let each = if asks == Asks::Batch { 10_000.0 } else { 1.0 };
    told(&figures, each);
    Ok(())
}

/// Two columns as a reader sees them, kept in a file for the next run.
async fn kept(reader: &Client, path: &Path, sql: &str) -> Result<Vec<(String, String)>, Failure> {
    if !path.exists() {
        let body = json!({ "sql": sql }).to_string();
        let mut connection = reader.connect().await?;
        let answer = reader.ask(&mut connection, Method::POST, "/api/v1/sql?format=csv", body).await?;
        fs::write(path, answer.body)?;
    }
    let text = fs::read_to_string(path)?;
    let rows = text.lines().skip(1).filter_map(|line| line.split_once(','));
    Ok(rows.map(|(number, name)| (number.to_owned(), name.to_owned())).collect())
}

/// The request of that number: two of three pairs agree, one does not, and of a hundred numbers one is unknown.
fn request(asks: Asks, rows: &[(String, String)], number: usize) -> Asked {
    let pair = |place: usize| {
        let (number, name) = &rows[place.wrapping_mul(7_919) % rows.len()];
        match place % 100 {
            0 => (format!("X{number}"), name.clone(), "{\"result\":\"3\"}"),
            more if more % 3 == 0 => (number.clone(), format!("{name}某"), "{\"result\":\"2\"}"),
            _ => (number.clone(), name.clone(), "{\"result\":\"1\"}"),
        }
    };
    let (path, body, expected) = match asks {
        Asks::Pair => {
            let (identifier, attribute, expected) = pair(number);
            let body = json!({"resource": CODE, "profile": PROFILE, "identifier": identifier, "attribute": attribute});
            ("/api/v1/verifications", body, Some(expected))
        }
        Asks::Batch => {
            let pairs = (0..10_000).map(|place| pair(number * 10_000 + place));
            let pairs: Vec<_> =
                pairs.map(|(identifier, attribute, _)| json!([identifier, attribute])).collect();
            let body = json!({"resource": CODE, "profile": PROFILE, "pairs": pairs});
            ("/api/v1/verifications/batch", body, None)
        }
        Asks::Record => {
            let (identifier, ..) = pair(number * 3 + 1);
            ("/api/v1/datasets/101001-000001/records/lookup", json!({ "keys": [identifier] }), None)
        }
        Asks::Sql => ("/api/v1/sql", json!({ "sql": short_query(rows, number) }), None),
    };
    Asked { path, body: body.to_string(), expected }
}

/// No two of some thousands are the same.
fn short_query(rows: &[(String, String)], number: usize) -> String {
    let (code, _) = &rows[number.wrapping_mul(7_919) % rows.len()];
    match number % 2 {
        0 => {
            format!("select name, entity_type, status from scjg.legal_entities where credit_code = '{code}'")
        }
        _ => format!(
            "select county_code, count(*) as n from scjg.legal_entities where established_on >= date '{}-{:02}-{:02}' \
             group by county_code",
            1990 + number / 2 % 30,
            1 + number / 60 % 12,
            1 + number / 720 % 28
        ),
    }
}

fn told(figures: &Figures, each: f64) {
    let Figures { failed, wrong, span, times } = figures;
    let (requests, span) = (times.len(), span.as_secs_f64());
    let rate = requests as f64 / span;
    println!("{requests} requests in {span:.1} s: {rate:.0} a second, {:.0} pairs or records", rate * each);
    let at = |share: f64| {
        let place = ((requests as f64 - 1.0) * share) as usize;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let (half, most, nearly, all) = (at(0.5), at(0.95), at(0.99), at(0.999));
    println!(
        "p50 {half:.2} ms, p95 {most:.2}, p99 {nearly:.2}, p99.9 {all:.2}; {failed} failed, {wrong} wrong"
    );
}
