//! Further formats at the stable addresses, read by tools that nobody here wrote.

use ::http::{Method, StatusCode};
use catalog_core::Timestamp;
use exchange_crypto::{Digest, from_base64};
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::python::{browser, python};
use crate::support::server::{Answer, Call};

const NOW: Timestamp = Timestamp(1_795_309_200_000_000);

fn file(name: &str) -> String {
    format!("/datasets/{CODE}/{name}")
}

/// A resource of the provider with these items.
fn of_items(code: &str, name: &str, items: &[(&str, &str, u16)]) -> Value {
    let mut resource = resource();
    let item = |(column, kind, length): &(&str, &str, u16)| {
        json!({"title": column, "column": column, "type": {"kind": kind, "length": length},
            "sharing": {"type": "unconditional"}, "opening": {"type": "open"}})
    };
    resource["items"] = items.iter().map(item).collect();
    resource["items"][0]["required"] = json!(true);
    for (field, value) in [
        ("code", json!(code)),
        ("sql_name", json!(name)),
        ("title", json!(format!("{name}信息"))),
        ("key", json!([items[0].0])),
        ("sort", json!([])),
    ] {
        resource[field] = value;
    }
    resource
}

/// Records and SQL as sheets: whole or refused.
#[tokio::test(flavor = "multi_thread")]
async fn answers_come_as_sheets_that_are_whole() {
    let city = City::new().await;
    city.conditional_grant().await;
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let sql = |sql: &str| Call::post("/api/v1/sql?format=xlsx", &json!({ "sql": sql }));
    let records = format!("/api/v1/resources/{CODE}/records");
    for call in [
        sql("select case_no, person from scjg.penalty order by case_no").by(&city.consumer),
        Call::get(format!("{records}?format=xlsx&sort=case_no")).by(&city.consumer),
        Call::post(&records, &json!({"sort": [{"item": "case_no"}]}))
            .header("accept", media_type)
            .by(&city.consumer),
    ] {
        let before = city.server.events("access").len() + city.server.events("access_started").len();
        let sheet = city.server.send(call).await;
        assert_eq!(sheet.header("content-type"), media_type);
        let path = city.server.folder.path().join("answer.xlsx");
        std::fs::write(&path, sheet.ok_bytes()).unwrap();
        let path = path.to_str().unwrap().to_owned();
        let read = move || python("read_sheet.py", &[&path], "");
        let found = tokio::task::spawn_blocking(read).await.unwrap();
        let text = found["rows"].to_string();
        assert!(text.contains("A1") && text.contains("张*****") && !text.contains("李"), "{text}");
        let after = city.server.events("access").len() + city.server.events("access_started").len();
        assert!(after > before, "a read that is not open leaves evidence");
    }
    // More rows than a sheet has are refused before a byte of them is sent.
    let many = "select a.value from generate_series(1, 2000) a cross join generate_series(1, 600) b";
    let refused = city.server.send(sql(many).by(&city.machine)).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (422, "limit_rows"), "{}", refused.text());
    let spool = city.server.folder.path().join("spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
    let refused = city.server.send(Call::get(format!("{records}?format=xls")).by(&city.consumer)).await;
    assert_eq!(refused.code(), "unsupported_format");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sheet_keeps_what_identifies_as_text_and_no_text_is_a_formula() {
    let city = City::without_data().await;
    let items = [
        ("shop", "C", 20),
        ("account", "I", 0),
        ("visits", "I", 0),
        ("amount", "Y", 0),
        ("opened", "D", 0),
        ("active", "L", 0),
        ("remark", "C", 60),
    ];
    city.publish(&of_items("301001/000008", "shops", &items)).await;
    let rows = "shop,account,visits,amount,opened,active,remark\n\
        007,123456789012345678,42,100.50,2026-11-22,true,=1+1\n\
        008,5,,-0.07,1899-12-31,false,<甲> & 乙\n";
    city.upload_to("301001-000008", rows).await;
    let sheet = city.server.send(Call::get("/datasets/301001-000008/latest.xlsx").by(&city.machine)).await;
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(sheet.header("content-type"), media_type);
    let path = city.server.folder.path().join("shops.xlsx");
    std::fs::write(&path, sheet.ok_bytes()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let found = tokio::task::spawn_blocking(move || python("read_sheet.py", &[&path], "")).await.unwrap();
    let row = |place: usize| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let cells = found["rows"][place].as_array().unwrap();
        cells.iter().map(|cell| (text(&cell["type"]), text(&cell["value"]))).collect()
    };
    let cells = |expected: [(&str, &str); 7]| expected.map(|(kind, text)| (kind.to_owned(), text.to_owned()));
    assert_eq!(
        row(0).iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(),
        items.map(|(name, ..)| name)
    );
    assert_eq!(
        row(1),
        cells([
            ("s", "007"),
            ("s", "123456789012345678"),
            ("n", "42"),
            ("n", "100.5"),
            ("d", "2026-11-22 00:00:00"),
            ("b", "True"),
            ("s", "=1+1"),
        ])
    );
    let second = row(2);
    assert_eq!((second[1].1.as_str(), second[2].1.as_str()), ("5", "None"));
    assert_eq!(
        (second[4].0.as_str(), second[4].1.as_str()),
        ("s", "1899-12-31"),
        "before the days of sheets"
    );
    assert_eq!((second[3].1.as_str(), second[6].1.as_str()), ("-0.07", "<甲> & 乙"));
    assert_eq!((&found["frozen"], &found["pandas"][0]["remark"]), (&json!("A2"), &json!("=1+1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn places_are_geojson_and_what_has_no_place_is_not() {
    let city = City::without_data().await;
    let mut places = of_items("301001/000007", "places", &[("place_id", "C", 20), ("shape", "G", 0)]);
    places["items"][1]["format"] = json!("geometry");
    city.publish(&places).await;
    let rows = "place_id,shape\nP1,\"{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[115.9,29.7]}\"\nP2,\n";
    city.upload_to("301001-000007", rows).await;
    let answer =
        city.server.send(Call::get("/datasets/301001-000007/latest.geojson").by(&city.machine)).await;
    assert_eq!(answer.header("content-type"), "application/geo+json");
    let feature = |id: &str, geometry: Value| json!({"type": "Feature", "geometry": geometry, "properties": {"place_id": id}});
    let features =
        [feature("P1", json!({"type": "Point", "coordinates": [115.9, 29.7]})), feature("P2", Value::Null)];
    assert_eq!(answer.ok(), json!({"type": "FeatureCollection", "features": features}));
    city.upload(ROWS).await;
    let none = city.server.send(Call::get(file("latest.geojson")).by(&city.machine)).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
}

/// The bytes that a client sees who undoes gzip.
fn unpacked(bytes: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .arg("-dc")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), bytes).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn digest_of(answer: &Answer) -> Vec<u8> {
    let stated = answer.header("repr-digest").trim_start_matches("sha-256=:").trim_end_matches(':');
    from_base64(stated).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_variant_has_a_digest_and_a_tag_of_its_own() {
    let city = City::new().await;
    let server = &city.server;
    let plain = server.send(Call::get(file("latest.csv"))).await;
    let manifest = server.send(Call::get(file("latest.manifest.json"))).await.text();
    let packed = server.send(Call::get(file("latest.csv.gz"))).await;
    let coded = server.send(Call::get(file("latest.csv")).header("accept-encoding", "gzip, deflate")).await;
    let marked = server.send(Call::get(file("latest.csv?bom=1"))).await;
    assert_eq!(unpacked(packed.bytes()), plain.bytes());
    assert_eq!(coded.bytes(), packed.bytes());
    assert_eq!(marked.bytes(), [b"\xef\xbb\xbf", plain.bytes()].concat());
    for answer in [&plain, &packed, &coded, &marked] {
        let digest = Digest::of(answer.ok_bytes());
        assert_eq!(
            (digest_of(answer), answer.header("etag")),
            (digest.as_bytes().to_vec(), &*format!("\"{digest}\""))
        );
        assert!(manifest.contains(&digest.to_hex()), "the manifest names it");
    }
    assert_ne!(plain.header("etag"), coded.header("etag"));
    assert_eq!((plain.header("content-encoding"), coded.header("content-encoding")), ("", "gzip"));
    assert_eq!((packed.header("content-type"), packed.header("content-encoding")), ("application/gzip", ""));
    assert_eq!(coded.header("content-type"), plain.header("content-type"));
    assert!(plain.headers.get_all("vary").iter().any(|value| value == "accept-encoding"));
    assert!(marked.header("content-location").ends_with("/1.csv?bom=1"));

    // Clients that read by ranges take the plain file, whatever else they say.
    let ranged = Call::get(file("latest.csv")).header("range", "bytes=0-6").header("accept-encoding", "gzip");
    let ranged = server.send(ranged).await;
    assert_eq!((ranged.header("content-encoding"), ranged.bytes()), ("", &plain.bytes()[..7]));
    let known = Call::get(file("latest.csv")).header("accept-encoding", "gzip");
    let known = server.send(known.header("if-none-match", coded.header("etag"))).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let part = server.send(Call::get(file("latest.csv?bom=1")).header("range", "bytes=0-3")).await;
    assert_eq!(part.bytes(), b"\xef\xbb\xbfc");
    for (name, code) in [
        ("latest.csv?bom=2", "invalid_input"),
        ("latest.xlsx?bom=1", "invalid_input"),
        ("latest.csv?bom=%FF", "invalid_input"),
        ("latest.parquet.gz", "not_found"),
        ("latest.csv.zst", "not_found"),
        ("latest.csv.bom", "not_found"),
        ("latest.XLSX", "not_found"),
    ] {
        assert_eq!(server.send(Call::get(file(name))).await.code(), code, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_called_by_its_title_and_read_by_pages_of_other_sites() {
    let city = City::new().await;
    let page = Call::get(file("latest.xlsx")).header("origin", "https://example.org");
    let answer = city.server.send(page).await;
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"301001-000001.v1.xlsx\"; \
         filename*=UTF-8''%E8%A1%8C%E6%94%BF%E5%A4%84%E7%BD%9A%E4%BF%A1%E6%81%AF.v1.xlsx"
    );
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let exposed = answer.header("access-control-expose-headers");
    for name in ["content-disposition", "content-range", "etag", "ratelimit", "sunset", "deprecation"] {
        assert!(exposed.split(", ").any(|one| one == name), "{name}: {exposed}");
    }
    let preflight = Call::new(Method::OPTIONS, file("latest.parquet"))
        .header("origin", "https://example.org")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "range, x-api-key");
    let allowed = city.server.send(preflight).await;
    assert!(allowed.status.is_success());
    assert_eq!(allowed.header("access-control-allow-headers"), "*");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_is_told_and_asked_for() {
    let city = City::new_at(NOW).await;
    let server = &city.server;
    let get = async |field: Option<(&str, &str)>| {
        let call = Call::get(file("latest.csv")).by(&city.machine);
        server.send(field.iter().fold(call, |call, (name, value)| call.header(name, value))).await
    };
    assert_eq!(get(None).await.header("last-modified"), "", "another file may be written in this second");
    server.set_clock(NOW.plus_seconds(10));
    let date = "Sun, 22 Nov 2026 01:00:00 GMT";
    assert_eq!(get(None).await.header("last-modified"), date);
    assert_eq!(get(Some(("if-modified-since", date))).await.status, StatusCode::NOT_MODIFIED);
    let later = "Sun, 22 Nov 2026 01:00:05 GMT";
    assert_eq!(get(Some(("if-modified-since", later))).await.status, StatusCode::OK);
    let earlier = get(Some(("if-unmodified-since", "Sat, 21 Nov 2026 01:00:00 GMT"))).await;
    assert_eq!(earlier.status, StatusCode::PRECONDITION_FAILED);
    let part = async |date: &str| {
        let call = Call::get(file("latest.csv")).header("range", "bytes=0-3").header("if-range", date);
        server.send(call.by(&city.machine)).await.status
    };
    assert_eq!((part(date).await, part(later).await), (StatusCode::PARTIAL_CONTENT, StatusCode::OK));
}

/// Bytes that left of a file, by the access log, which writes a line when the last of an answer has left or nobody reads on.
fn sent(city: &City, name: &str) -> u64 {
    let mut sent = 0;
    for entry in std::fs::read_dir(city.server.folder.path().join("access")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        sent += lines
            .filter(|line| line["path"] == file(name))
            .map(|line| line["bytes"].as_u64().unwrap())
            .sum::<u64>();
    }
    sent
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_take_a_column_of_a_row_group_and_not_the_file() {
    const FILE_ROWS: u64 = 270_000;
    let city = City::without_data().await;
    let mut rows = String::from("case_no,county,person,amount,note\n");
    for row in 0..FILE_ROWS {
        // Nothing that compresses: a third of the file is the case numbers.
        let case = Digest::of(&row.to_be_bytes()).to_hex();
        rows.push_str(&format!("{},{:06},,{row},\n", &case[..20], row / 1000));
    }
    city.upload(&rows).await;
    city.grant(&json!({
        "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["file"],
    }))
    .await;
    let head = city.server.send(Call::new(Method::HEAD, file("latest.parquet"))).await;
    let size: u64 = head.header("content-length").parse().unwrap();
    let mut before = sent(&city, "latest.parquet");
    let address = format!("{}{}", city.server.base, file("latest.parquet"));
    let arguments = [address, "amount".to_owned(), "county".to_owned(), "000003".to_owned()];
    let sum: u64 = (3000..4000).sum();
    let each = json!({"pyarrow": sum, "pandas": sum, "polars": sum, "duckdb": sum});
    let scripts =
        [("read_ranges.py", each), ("read_httpfs.py", json!(sum)), ("read_parquet.mjs", json!(sum))];
    for (script, expected) in scripts {
        let arguments = arguments.clone();
        let read = move || {
            let arguments = arguments.each_ref().map(String::as_str);
            if script.ends_with(".mjs") {
                browser(script, &arguments)
            } else {
                python(script, &arguments, "")
            }
        };
        assert_eq!(tokio::task::spawn_blocking(read).await.unwrap(), expected, "{script}");
        let read = sent(&city, "latest.parquet") - before;
        assert!(read < size, "{script}: {read} bytes of a file of {size}");
        before += read;
    }
}

/// What the tour shows: nothing of ours is needed to prove a file.
#[tokio::test(flavor = "multi_thread")]
async fn openssl_and_sha256sum_prove_a_file() {
    let city = City::new().await;
    let folder = tempfile::tempdir().unwrap();
    let files = ["latest.csv", "latest.csv.gz", "latest.xlsx"];
    for name in files.into_iter().chain(["latest.manifest.json", "latest.jws"]) {
        let answer = city.server.send(Call::get(file(name))).await;
        std::fs::write(folder.path().join(name), answer.ok_bytes()).unwrap();
    }
    let keys = city.server.send(Call::get("/.well-known/jwks.json")).await;
    std::fs::write(folder.path().join("jwks.json"), keys.ok_bytes()).unwrap();
    let check = |name: &str| {
        let script = format!("{}/../openapi/portal/assets/check_file.sh", env!("CARGO_MANIFEST_DIR"));
        std::process::Command::new("sh").arg(script).arg(name).current_dir(folder.path()).output().unwrap()
    };
    for name in files {
        let output = check(name);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).ends_with(&format!("genuine: {name}\n")));
    }
    std::fs::write(folder.path().join("latest.csv"), "case_no,county,amount\n").unwrap();
    assert!(!check("latest.csv").status.success(), "another file");
    let manifest = folder.path().join("latest.manifest.json");
    let forged = std::fs::read_to_string(&manifest).unwrap().replace("\"rows\":3", "\"rows\":4");
    std::fs::write(&manifest, forged).unwrap();
    assert!(!check("latest.csv.gz").status.success(), "another manifest");
}
