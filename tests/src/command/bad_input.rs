//! Bad input at a real server: always a signed problem with a code, nothing lost, the server alive.

use std::io::{Cursor, Read as _, Write as _};

use ::http::{Method, StatusCode};
use catalog_core::ErrorCode;
use exchange_crypto::SigningKey;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::city::{CODE, ROWS};
use crate::support::command::{Folder, Serving, Visitor, key};
use crate::support::server::{Answer, Call};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

struct Door {
    _serving: Serving,
    visitor: Visitor,
    machine: SigningKey,
}

impl Door {
    async fn open(folder: &Folder) -> Self {
        let file = folder.machine_key("scjg");
        let serving = folder.serve();
        let visitor = Visitor::of(&serving).await;
        Self { _serving: serving, visitor, machine: key(&file) }
    }

    async fn upload(&self, query: &str, body: impl Into<Vec<u8>>, media_type: &str) -> Answer {
        let path = format!("/api/v1/resources/{CODE}/data?publish=true{query}");
        self.visitor.send(Call::new(Method::POST, path).body(body, media_type).by(&self.machine)).await
    }

    /// That the answer is a problem of the client's making, with a code of the list, and the server goes on.
    async fn problem(&self, answer: &Answer, what: &str) {
        assert!(answer.status.is_client_error(), "{what}: {} {}", answer.status, answer.text());
        assert!(answer.header("content-type").starts_with("application/problem+json"), "{what}");
        let code = answer.code();
        assert!(ErrorCode::ALL.iter().any(|known| known.as_str() == code), "{what}: {code}");
        self.visitor.send(Call::get("/readyz")).await.ok_bytes();
    }
}

/// A workbook whose sheet is 300 MB of nothing, in less than half a megabyte.
fn zip_bomb(workbook: &[u8]) -> Vec<u8> {
    let mut from = ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut to = ZipWriter::new(Cursor::new(Vec::new()));
    let blank = vec![b' '; 1 << 20];
    for index in 0..from.len() {
        let mut entry = from.by_index(index).unwrap();
        let name = entry.name().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        to.start_file(&name, SimpleFileOptions::default()).unwrap();
        match name == "xl/worksheets/sheet1.xml" {
            true => {
                let end = String::from_utf8(content).unwrap();
                let (head, tail) = end.split_once("</sheetData>").unwrap();
                to.write_all(head.as_bytes()).unwrap();
                (0..300).for_each(|_| to.write_all(&blank).unwrap());
                to.write_all(format!("</sheetData>{tail}").as_bytes()).unwrap();
            }
            false => to.write_all(&content).unwrap(),
        }
    }
    to.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_are_no_data() {
    let folder = Folder::with_resource();
    let sheet = std::fs::read(folder.path("directory.xlsx")).unwrap();
    let bomb = zip_bomb(&sheet);
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let door = Door::open(&folder).await;
    door.upload("", ROWS, "text/csv").await.ok();
    let huge_field = format!("{ROWS}A9,360481,{},1,\n", "长".repeat(2 << 20));
    let cut = &sheet[..sheet.len() / 2];
    let binary: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    for (what, body, media_type) in [
        ("nothing", &b""[..], "text/csv"),
        ("binary", &binary, "text/csv"),
        ("huge field", huge_field.as_bytes(), "text/csv"),
        ("open quote", b"case_no,county\n\"A1,3604", "text/csv"),
        ("cut workbook", cut, XLSX),
        ("zip bomb", &bomb, XLSX),
        ("binary as workbook", &binary, XLSX),
        ("binary as parquet", &binary, "application/vnd.apache.parquet"),
        ("cut parquet", b"PAR1PAR1", "application/vnd.apache.parquet"),
        ("cut json", b"{\"case_no\": \"A1\"", "application/x-ndjson"),
        ("no features", b"{\"type\": \"FeatureCollection\"", "application/geo+json"),
        ("another type", ROWS.as_bytes(), "image/png"),
        ("no type", ROWS.as_bytes(), "nonsense"),
    ] {
        let answer = door.upload("", body, media_type).await;
        door.problem(&answer, what).await;
    }
    for query in ["&change=destroy", "&threshold=7", "&threshold=NaN", "&other=1"] {
        door.problem(&door.upload(query, ROWS, "text/csv").await, query).await;
    }
    let all = json!({"sql": "select count(*) as n, sum(amount) as total from scjg.penalty"});
    let answer = door.visitor.send(Call::post("/api/v1/sql", &all).by(&door.machine)).await.ok();
    assert_eq!(answer["data"], json!([{"n": 3, "total": 123.75}]));
    drop(door);
    let file = folder.file("bomb.xlsx", &bomb);
    assert_eq!(folder.refusal(&["resource", "import", &file, "--as", "scjg"]).1, "too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_questions() {
    let folder = Folder::with_departments();
    let door = Door::open(&folder).await;
    let deep = |open: &str, close: &str| format!("select {}1{}", open.repeat(10_000), close.repeat(10_000));
    let questions = [
        ("1 MB", format!("select '{}'", "x".repeat(1 << 20))),
        ("deep parentheses", deep("(", ")")),
        ("deep subqueries", deep("(select ", ")")),
        ("deep functions", deep("abs(", ")")),
        ("deep signs", format!("select {}1", "- ".repeat(10_000))),
        ("deep negations", format!("select {}true", "not ".repeat(10_000))),
        ("long chain", format!("select 1{}", " + 1".repeat(10_000))),
        ("deep case", deep("case when true then ", " end")),
        ("nul", "select '\u{0}' from \u{0}".to_owned()),
        ("two", "select 1; select 2".to_owned()),
        ("empty", String::new()),
    ];
    for (what, sql) in questions {
        let ask = || Call::post("/api/v1/sql", &json!({ "sql": sql }));
        for call in [ask(), ask().by(&door.machine)] {
            door.problem(&door.visitor.send(call).await, what).await;
        }
    }
    let garbage: Vec<u8> = (0..=255).collect();
    let deep_json = format!("{{\"sql\": {}", "[".repeat(100_000));
    for body in [&garbage[..], b"{\"sql\": \"sel", b"\xff\xfe", deep_json.as_bytes()] {
        let call = Call::new(Method::POST, "/api/v1/sql").body(body, "application/json");
        door.problem(&door.visitor.send(call).await, "no JSON").await;
    }
    for (method, path) in [
        (Method::GET, "/nowhere"),
        (Method::GET, "/api/v1/resources/999999-999999"),
        (Method::GET, "/api/v1/resources/..%2f..%2fetc"),
        (Method::GET, "/datasets/301001-000001/latest.exe"),
        (Method::GET, "/datasets/301001-000001/99999999999999999999.csv"),
        (Method::PUT, "/api/v1/sql"),
        (Method::POST, "/healthz"),
        (Method::POST, "/api/v1/directory/import"),
    ] {
        let answer = door.visitor.send(Call::new(method, path)).await;
        door.problem(&answer, path).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deliveries_at_once_become_one_version_each_or_say_so() {
    let folder = Folder::with_resource();
    let door = Door::open(&folder).await;
    let rows = |letter: &str| {
        (0..2_000).fold("case_no,county,person,amount,note\n".to_owned(), |text, row| {
            text + &format!("{letter}{row},360481,某(合成),1,\n")
        })
    };
    let (left, right) = tokio::join!(
        door.upload("&change=append", rows("L"), "text/csv"),
        door.upload("&change=append", rows("R"), "text/csv"),
    );
    let mut taken = Vec::new();
    for (letter, answer) in [("L", left), ("R", right)] {
        match answer.status {
            StatusCode::CREATED => taken.push((letter, answer.ok())),
            _ => {
                assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "conflict"));
                taken.push((letter, door.upload("&change=append", rows(letter), "text/csv").await.ok()));
            }
        }
    }
    let mut numbers: Vec<_> =
        taken.iter().map(|(_, report)| report["published"]["number"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers[0] < numbers[1], "{numbers:?}");
    let sql = "select substr(case_no, 1, 1) as letter, count(*) as n from scjg.penalty group by 1 order by 1";
    let call = Call::post("/api/v1/sql", &json!({ "sql": sql })).by(&door.machine);
    let found = door.visitor.send(call).await.ok();
    assert_eq!(found["data"], json!([{"letter": "L", "n": 2000}, {"letter": "R", "n": 2000}]));
    let versions = Call::get(format!("/api/v1/resources/{CODE}/versions")).by(&door.machine);
    assert_eq!(door.visitor.send(versions).await.ok().as_array().unwrap().len(), 2);
}
