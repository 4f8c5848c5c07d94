//! Whole files under `/datasets`.

use ::http::{Method, StatusCode};
use datasets_store::Manifest;
use exchange_crypto::{Digest, from_base64};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::json;

use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::Call;

fn file(name: &str) -> String {
    format!("/datasets/{CODE}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_file_is_proven_genuine_offline() {
    let city = City::new().await;
    let server = &city.server;
    let document = server.send(Call::get(file("latest.manifest.json"))).await;
    let manifest: Manifest = serde_json::from_slice(document.bytes()).unwrap();
    let jws = server.send(Call::get(file("1.jws"))).await.text();
    let platform = server.keys.keys[0].public_key().unwrap();
    manifest.verify(&jws, &platform).unwrap();
    assert_eq!(manifest.rows, 3);
    let columns: Vec<_> = manifest.columns.iter().map(|column| column.item.column.as_str()).collect();
    assert_eq!(columns, ["case_no", "county", "amount"]);
    assert!(!document.text().contains("\"person\"") && !document.text().contains("quarantine-"));
    for (name, first) in
        [("latest.csv", "case_no,county,amount\n"), ("1.jsonl", "{\"case_no\":"), ("1.parquet", "PAR1")]
    {
        let answer = server.send(Call::get(file(name))).await;
        assert!(answer.text().starts_with(first), "{name}: {}", answer.text());
        let digest = Digest::of(answer.bytes());
        assert!(
            manifest.parts.iter().any(|part| part.sha256 == digest.to_hex()),
            "{name} is not in the manifest"
        );
        let stated = answer.header("repr-digest").trim_start_matches("sha-256=:").trim_end_matches(':');
        assert_eq!(from_base64(stated).unwrap(), digest.as_bytes());
        assert_eq!(answer.header("etag"), format!("\"{digest}\""));
        assert_eq!(answer.header("cache-control"), "public, no-cache");
        assert!(answer.header("link").contains("/datasets/301001-000001/1.manifest.json"));
    }
    let page = Call::get(file("latest.csv")).header("origin", "https://example.org");
    assert_eq!(server.send(page).await.header("access-control-allow-origin"), "*");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_licence_stands_wherever_the_dataset_is_described() {
    let city = City::new().await;
    let server = &city.server;
    let manifest = server.send(Call::get(file("latest.manifest.json"))).await.ok();
    assert_eq!(manifest["licence"], "CC-BY-4.0");
    let spdx = "https://spdx.org/licenses/CC-BY-4.0";

    let package = server.send(Call::get(file("datapackage.json"))).await.ok();
    assert_eq!(package["licenses"], json!([{ "name": "CC-BY-4.0", "path": spdx }]));
    let resources = package["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 4);
    for resource in resources {
        let bytes =
            server.send(Call::get(file(resource["path"].as_str().unwrap()))).await.ok_bytes().to_vec();
        assert_eq!(resource["hash"], format!("sha256:{}", Digest::of(&bytes).to_hex()));
        assert_eq!(resource["bytes"], bytes.len());
        let names: Vec<_> =
            resource["schema"]["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
        assert_eq!(names, ["case_no", "county", "amount"]);
    }

    let answer = server.send(Call::get(file("dcat.jsonld"))).await;
    assert_eq!(answer.header("content-type"), "application/ld+json");
    let dcat = server.send(Call::get(file("dcat.ttl"))).await.text();
    for said in ["a dcat:Distribution", &format!("dct:license <{spdx}>"), "a spdx:Checksum"] {
        assert_eq!(dcat.matches(said).count(), resources.len(), "{said}: {dcat}");
    }

    let page = server.send(Call::get(format!("/datasets/{CODE}"))).await;
    assert!(page.header("content-type").starts_with("text/html"));
    let page = page.text();
    assert!(page.contains(&format!("<a rel=\"license\" href=\"{spdx}\">CC-BY-4.0</a>")), "{page}");
    assert!(!page.contains('{') || !page.contains("{licence"), "{page}");
    for text in [package.to_string(), dcat, answer.text(), page] {
        assert!(
            !text.contains("person") && !text.contains("备注"),
            "closed items are described nowhere: {text}"
        );
    }
    let closed = "/datasets/301001-000009";
    for name in ["", "/datapackage.json", "/dcat.jsonld"] {
        assert_eq!(server.send(Call::get(format!("{closed}{name}"))).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranges_conditions_and_head() {
    let city = City::new().await;
    let server = &city.server;
    let whole = server.send(Call::get(file("latest.csv"))).await;
    let (all, tag) = (whole.bytes(), whole.header("etag"));
    let part = server.send(Call::get(file("latest.csv")).header("range", "bytes=8-13")).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &all[8..14]));
    assert_eq!(part.header("content-range"), format!("bytes 8-13/{}", all.len()));
    assert_eq!(part.header("repr-digest"), whole.header("repr-digest"));
    let changed = Call::get(file("latest.csv")).header("range", "bytes=8-13").header("if-range", "\"other\"");
    assert_eq!(server.send(changed).await.bytes(), all);
    let same = Call::get(file("latest.csv")).header("range", "bytes=8-13").header("if-range", tag);
    assert_eq!(server.send(same).await.status, StatusCode::PARTIAL_CONTENT);
    let beyond = server.send(Call::get(file("latest.csv")).header("range", "bytes=99999-")).await;
    assert_eq!((beyond.status, beyond.code().as_str()), (StatusCode::RANGE_NOT_SATISFIABLE, "invalid_input"));
    assert_eq!(beyond.header("content-range"), format!("bytes */{}", all.len()));
    assert_eq!(beyond.header("access-control-allow-origin"), "*");
    let other =
        server.send(Call::get(file("latest.csv")).header("if-match", &format!("\"x\", W/{tag}"))).await;
    assert_eq!(other.status, StatusCode::PRECONDITION_FAILED);
    let this = server.send(Call::get(file("latest.csv")).header("if-match", &format!("\"x\", {tag}"))).await;
    assert_eq!(this.status, StatusCode::OK);
    let known =
        server.send(Call::get(file("latest.csv")).header("if-none-match", &format!("\"x\", W/{tag}"))).await;
    assert_eq!((known.status, known.bytes()), (StatusCode::NOT_MODIFIED, &b""[..]));
    let head = server.send(Call::new(Method::HEAD, file("latest.csv"))).await;
    assert_eq!((head.status, head.bytes()), (StatusCode::OK, &b""[..]));
    assert_eq!((head.header("content-length"), head.header("etag")), (all.len().to_string().as_str(), tag));
    for range in ["bytes=8-13", "bytes=99999-"] {
        let head = server.send(Call::new(Method::HEAD, file("latest.csv")).header("range", range)).await;
        assert_eq!(head.status, StatusCode::OK, "ranges are for GET");
        assert_eq!(head.header("content-length"), all.len().to_string());
        assert_eq!(head.header("content-range"), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_not_open_leaves_as_a_file() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    let server = &city.server;
    assert_eq!(server.send(Call::get(file("latest.csv"))).await.code(), "not_granted");
    assert_eq!(server.send(Call::get("/datasets/301001-000077/latest.csv")).await.code(), "not_found");
    for name in ["latest.exe", "latest", "x.csv", "-1.csv", "2.csv", "01.csv", "+1.csv", "latest.csv.zst"] {
        let code = server.send(Call::get(file(name)).by(&city.machine)).await.code();
        assert_eq!(code, "not_found", "{name}");
    }
    let own = server.send(Call::get(file("latest.csv")).by(&city.machine)).await;
    assert!(own.text().contains("张三") && own.header("cache-control") == "private, no-store");
    city.conditional_grant().await;
    let granted = server.send(Call::get(file("latest.csv")).by(&city.consumer)).await;
    assert_eq!(granted.text(), "case_no,county,person\nA1,360481,张*****\nA3,360481,王*****\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_or_a_304_of_what_is_not_open_leaves_evidence() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    let server = &city.server;
    let tag = server.send(Call::get(file("latest.csv")).by(&city.machine)).await.header("etag").to_owned();
    let known = Call::get(file("latest.csv")).header("if-none-match", &tag).by(&city.machine);
    let head = Call::new(Method::HEAD, file("latest.csv")).by(&city.machine);
    for (call, status) in [(known, StatusCode::NOT_MODIFIED), (head, StatusCode::OK)] {
        let answer = server.send(call).await;
        assert_eq!((answer.status, answer.header("etag")), (status, tag.as_str()));
        let access = server.events("access").pop().unwrap();
        assert_eq!(access["request_id"], answer.header("shuqiao-receipt"));
        assert_eq!((&access["rows"], &access["bytes"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_or_range_that_fails_leaves_evidence() {
    let city = City::without_data().await;
    city.upload(ROWS).await;
    let server = &city.server;
    for (field, value, status, code) in [
        ("if-match", "\"guessed\"", StatusCode::PRECONDITION_FAILED, "conflict"),
        ("range", "bytes=99999-", StatusCode::RANGE_NOT_SATISFIABLE, "invalid_input"),
    ] {
        let answer = server.send(Call::get(file("latest.csv")).header(field, value).by(&city.machine)).await;
        assert_eq!(answer.status, status);
        let refused = server.events("access_refused").pop().unwrap();
        assert_eq!(refused["request_id"], answer.header("shuqiao-request-id"));
        assert_eq!((&refused["code"], &refused["sources"][0]["version"]), (&json!(code), &json!(1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_version_is_410_and_withdrawn_records_are_gone() {
    let city = City::new().await;
    let server = &city.server;
    let before = server.send(Call::get(file("1.csv"))).await;
    let records = json!({"keys": [["A2"]], "reason": "信用修复"});
    let path = format!("/api/v1/resources/{CODE}");
    server.send(Call::post(format!("{path}/records/withdraw"), &records).by(&city.machine)).await.ok();
    let after = server.send(Call::get(file("1.csv"))).await;
    assert!(before.text().contains("A2") && !after.text().contains("A2"));
    let reason = json!({"reason": "数据有误"});
    server.send(Call::post(format!("{path}/versions/1/withdraw"), &reason).by(&city.machine)).await.ok();
    for name in ["1.csv", "1.parquet", "1.jsonl", "1.manifest.json", "1.jws", "latest.csv"] {
        let gone = server.send(Call::get(file(name))).await;
        assert_eq!((gone.status, gone.code().as_str()), (StatusCode::GONE, "withdrawn"), "{name}");
        assert!(gone.text().contains("数据有误"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_object_is_never_sent_as_the_genuine_one() {
    let city = City::new().await;
    let server = &city.server;
    let genuine = server.send(Call::get(file("latest.csv"))).await;
    // One file was sent before it was damaged, the other was not.
    for (name, object) in [("latest.csv", "data.csv"), ("latest.jsonl", "data.jsonl")] {
        let path = server.object(object, object);
        let bytes = std::fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        flipped[12] ^= 1;
        for damaged in [flipped.as_slice(), &bytes[1..]] {
            std::fs::write(&path, damaged).unwrap();
            for call in [Call::get(file(name)), Call::get(file(name)).header("range", "bytes=0-3")] {
                let answer = server.send(call).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (StatusCode::INTERNAL_SERVER_ERROR, "corrupt")
                );
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(server.send(Call::get(file(name))).await.ok_bytes(), bytes);
    }
    assert_eq!(server.send(Call::get(file("latest.csv"))).await.bytes(), genuine.bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_meets_a_damaged_page_says_so() {
    let city = City::new().await;
    let path = city.server.object("part-", ".parquet");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..24].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
    let answer = city.server.send(city.sql("select case_no from scjg.penalty", Some(&city.machine))).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "corrupt"));
}

/// A withdrawn record makes the file a governed extract; it is GeoParquet like the stored file, at every door.
#[tokio::test(flavor = "multi_thread")]
async fn a_governed_file_of_places_is_geoparquet() {
    let city = City::without_data().await;
    let mut places = resource();
    let item = |title: &str, column: &str, kind: &str| {
        json!({"title": title, "column": column, "type": {"kind": kind, "length": 0},
            "sharing": {"type": "unconditional"}, "opening": {"type": "open"}})
    };
    places["items"] = json!([item("编号", "place_id", "C"), item("位置", "shape", "G")]);
    places["items"][0]["required"] = json!(true);
    places["items"][0]["type"]["length"] = json!(20);
    places["items"][1]["format"] = json!("geometry");
    for (field, value) in [
        ("code", json!("301001/000007")),
        ("sql_name", json!("places")),
        ("title", json!("地点信息")),
        ("key", json!(["place_id"])),
        ("sort", json!([])),
    ] {
        places[field] = value;
    }
    city.publish(&places).await;
    let row =
        |id: &str| format!("{id},\"{{\"\"type\"\":\"\"Point\"\",\"\"coordinates\"\":[115.9,29.7]}}\"\n");
    city.upload_to("301001-000007", &format!("place_id,shape\n{}{}", row("P1"), row("P2"))).await;
    city.grant(&json!({
        "kind": "public", "resource": "301001/000007", "grantee": "public", "items": ["place_id", "shape"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "file"],
    }))
    .await;
    let withdrawn = json!({"keys": [["P2"]], "reason": "信用修复"});
    let path = "/api/v1/resources/301001-000007";
    city.server.send(Call::post(format!("{path}/records/withdraw"), &withdrawn).by(&city.machine)).await.ok();
    for address in ["/datasets/301001-000007/latest.parquet", &format!("{path}/records?format=parquet")] {
        let file = city.server.send(Call::get(address)).await.ok_bytes().to_vec();
        let file = ParquetRecordBatchReaderBuilder::try_new(axum::body::Bytes::from(file)).unwrap();
        let metadata = file.metadata().file_metadata();
        assert_eq!(metadata.num_rows(), 1, "{address}");
        let geo = geoparquet::metadata::GeoParquetMetadata::from_parquet_meta(metadata).unwrap().unwrap();
        assert_eq!((geo.version.as_str(), geo.primary_column.as_str()), ("1.1.0", "shape"), "{address}");
    }
}
