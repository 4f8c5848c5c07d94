//! Materials 附件: uploaded in chunks, named by rows, and for whoever sees such a row.

use ::http::{Method, StatusCode};
use catalog_core::{Role, Timestamp};
use exchange_crypto::{Digest, SigningKey};
use serde_json::{Value, json};

use super::openings::{findings, step, waiting};
use crate::support::city::{City, pass, resource};
use crate::support::server::{Answer, Call};

/// A register of permits, and another one.
const PERMITS: &str = "301001-000002";
const OTHERS: &str = "301001-000003";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n synthetic";
const DAY: i64 = 86_400;

/// The resource with two materials a row: one that may become open, and one for whoever has reason to see it.
pub(crate) fn register(code: &str, sql_name: &str) -> Value {
    let mut register = resource();
    (register["code"], register["sql_name"]) = (json!(code.replace('-', "/")), json!(sql_name));
    register["title"] = json!(format!("许可证照片{sql_name}"));
    let of =
        |column: &str| register["items"].as_array().unwrap().iter().find(|item| item["column"] == column);
    let item = |like: &str, title: &str, column: &str, length: u16, format: &str| {
        let mut item = of(like).unwrap().clone();
        (item["title"], item["column"], item["format"]) = (json!(title), json!(column), json!(format));
        (item["type"], item["required"], item["personal"]) =
            (json!({"kind": "C", "length": length}), json!(false), json!(false));
        item
    };
    let more = [
        item("county", "照片", "picture", 64, "material"),
        item("county", "照片文件名", "picture_name", 100, "file-name"),
        item("person", "卷宗", "dossier", 64, "material"),
    ];
    register["items"].as_array_mut().unwrap().extend(more);
    register
}

/// Rows as number, county, picture and dossier.
fn rows(rows: &[[&str; 4]]) -> String {
    let head = "case_no,county,person,amount,note,picture,picture_name,dossier\n";
    let row = |[number, county, picture, dossier]: &[&str; 4]| {
        format!("{number},{county},张三(合成),1,,{picture},现场 {number}.png,{dossier}\n")
    };
    head.to_owned() + &rows.iter().map(row).collect::<String>()
}

/// Pictures that differ.
fn picture(number: u8) -> Vec<u8> {
    [PNG, &[number]].concat()
}

fn tus<'a>(method: Method, path: &str) -> Call<'a> {
    Call::new(method, path).header("tus-resumable", "1.0.0")
}

fn begin<'a>(code: &str, length: impl ToString, by: &'a SigningKey) -> Call<'a> {
    tus(Method::POST, &format!("/api/v1/resources/{code}/materials"))
        .header("upload-length", &length.to_string())
        .by(by)
}

fn chunk<'a>(upload: &str, offset: usize, bytes: impl Into<Vec<u8>>, by: &'a SigningKey) -> Call<'a> {
    tus(Method::PATCH, upload)
        .header("upload-offset", &offset.to_string())
        .body(bytes, "application/offset+octet-stream")
        .by(by)
}

fn material(code: &str, version: &str, digest: &str) -> String {
    format!("/datasets/{code}/versions/{version}/materials/{digest}")
}

/// The provider uploads a file in one go; its digest.
async fn put(city: &City, code: &str, bytes: &[u8]) -> String {
    let call = begin(code, bytes.len(), &city.machine).body(bytes, "application/offset+octet-stream");
    let answer = city.server.send(call).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    assert_eq!(answer.header("shuqiao-material"), Digest::of(bytes).to_hex());
    answer.header("shuqiao-material").to_owned()
}

async fn get(city: &City, code: &str, digest: &str, by: Option<&SigningKey>) -> Answer {
    let call = Call::get(material(code, "latest", digest));
    city.server.send(if let Some(key) = by { call.by(key) } else { call }).await
}

async fn collect(city: &City, administrator: &SigningKey) {
    let call = Call::post("/api/v1/maintenance/gc", &json!({"dry_run": false})).by(administrator);
    city.server.send(call).await.ok();
}

fn is_stored(city: &City, digest: &str) -> bool {
    city.server.objects().iter().any(|path| path.file_name().is_some_and(|name| name == digest))
}

/// A city with the register in force, and no data in it.
async fn city() -> City {
    let city = City::without_data_at(Timestamp::now()).await;
    city.publish(&register(PERMITS, "permit")).await;
    city
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_up_in_chunks_and_each_counts_whole_or_not_at_all() {
    let city = city().await;
    let server = &city.server;
    let told =
        server.send(Call::new(Method::OPTIONS, format!("/api/v1/resources/{PERMITS}/materials"))).await;
    assert!(told.header("tus-extension").contains("creation") && told.header("tus-version") == "1.0.0");
    let begun =
        server.send(begin(PERMITS, 6, &city.machine).header("upload-metadata", "filename YS5wbmc=")).await;
    assert_eq!((begun.status, begun.header("upload-offset")), (StatusCode::CREATED, "0"), "{}", begun.text());
    let upload = begun.header("location").to_owned();
    let state = || server.send(tus(Method::HEAD, &upload).by(&city.machine));

    let sum = |text: &str| format!("sha256 {}", Digest::of(text.as_bytes()).to_base64());
    let garbled = chunk(&upload, 0, "abx", &city.machine).header("upload-checksum", &sum("abc"));
    assert_eq!(server.send(garbled).await.status.as_u16(), 460);
    for (call, status) in [
        (chunk(&upload, 1, "abc", &city.machine), StatusCode::CONFLICT),
        (chunk(&upload, 0, "abcdefg", &city.machine), StatusCode::PAYLOAD_TOO_LARGE),
        (
            chunk(&upload, 0, "abc", &city.machine).header("content-type", "text/plain"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            chunk(&upload, 0, "abc", &city.machine).header("tus-resumable", "0.2.2"),
            StatusCode::PRECONDITION_FAILED,
        ),
        (chunk(&upload, 0, "abc", &city.machine).header("upload-offset", "-0"), StatusCode::BAD_REQUEST),
        (
            chunk(&upload, 0, "abc", &city.machine).header("upload-checksum", "md5 AAAA"),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = server.send(call).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!((answer.code().is_empty(), answer.header("tus-version")), (false, "1.0.0"));
    }
    assert_eq!(state().await.header("upload-offset"), "0", "nothing of it counts");
    let right = chunk(&upload, 0, "abc", &city.machine).header("upload-checksum", &sum("abc"));
    let right = server.send(right).await;
    assert_eq!((right.status, right.header("upload-offset")), (StatusCode::NO_CONTENT, "3"));
    let state_now = state().await;
    assert_eq!((state_now.header("upload-offset"), state_now.header("upload-length")), ("3", "6"));
    assert_eq!(
        (state_now.header("upload-metadata"), state_now.header("cache-control")),
        ("filename YS5wbmc=", "no-store")
    );
    let last = server.send(chunk(&upload, 3, "def", &city.machine)).await;
    assert_eq!(last.header("shuqiao-material"), Digest::of(b"abcdef").to_hex());
    assert!(is_stored(&city, last.header("shuqiao-material")));
    assert_eq!(state().await.header("upload-offset"), "6", "a client that lost the answer learns of it");
    assert_eq!(
        put(&city, PERMITS, b"abcdef").await,
        last.header("shuqiao-material"),
        "the same bytes are one object"
    );
    let empty = server.send(begin(PERMITS, 0, &city.machine)).await;
    assert_eq!(empty.header("shuqiao-material"), Digest::of(b"").to_hex());

    let actions: Vec<_> = server.events("changed").into_iter().map(|event| event["action"].clone()).collect();
    for action in ["material.begun", "material.received"] {
        assert_eq!(actions.iter().filter(|one| *one == action).count(), 3, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_are_for_the_provider_within_its_limits_and_time() {
    let city = city().await;
    let server = &city.server;
    city.publish(&register(OTHERS, "other")).await;
    let upload = server.send(begin(PERMITS, 6, &city.machine)).await.header("location").to_owned();
    let id = upload.rsplit_once('/').unwrap().1;
    let elsewhere = format!("/api/v1/resources/{OTHERS}/materials/{id}");
    for (call, code) in [
        (begin(PERMITS, 6, &city.consumer), "forbidden"),
        (begin(PERMITS, 6, &city.reviewer), "forbidden"),
        (begin("301001-000001", 6, &city.machine), "invalid_input"),
        (begin("301001-999999", 6, &city.machine), "not_found"),
        (begin(PERMITS, u64::MAX, &city.machine), "too_large"),
        (begin(PERMITS, "1e3", &city.machine), "invalid_input"),
        (begin(PERMITS, 6, &city.machine).header("upload-metadata", "a b, c"), "invalid_input"),
        (chunk(&upload, 0, "abc", &city.consumer), "forbidden"),
        (tus(Method::DELETE, &upload).by(&city.consumer), "forbidden"),
        (tus(Method::GET, &upload).by(&city.consumer), "forbidden"),
        (chunk(&elsewhere, 0, "abc", &city.machine), "not_found"),
        (chunk(&format!("{upload}0"), 0, "abc", &city.machine), "not_found"),
        (tus(Method::GET, &upload.replace(id, &"0".repeat(32))).by(&city.machine), "not_found"),
        (tus(Method::GET, &upload.replace(id, "..%2f..%2fkeys")).by(&city.machine), "not_found"),
    ] {
        let answer = server.send(call).await;
        assert_eq!(answer.code(), code, "{}", answer.text());
    }
    let stranger = server.send(tus(Method::POST, &format!("/api/v1/resources/{PERMITS}/materials"))).await;
    assert!(
        [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&stranger.status),
        "{}",
        stranger.status
    );

    // Whoever may upload nothing does not learn which resources there are.
    let id = "0".repeat(32);
    let ask = |code: &str| tus(Method::GET, &format!("/api/v1/resources/{code}/materials/{id}"));
    let [there, absent] = [server.send(ask(PERMITS)).await, server.send(ask("301001-999999")).await];
    assert_eq!((there.status, &there.json()["detail"]), (absent.status, &absent.json()["detail"]));

    for _ in 1..20 {
        assert_eq!(server.send(begin(PERMITS, 6, &city.machine)).await.status, StatusCode::CREATED);
    }
    assert_eq!(server.send(begin(PERMITS, 6, &city.machine)).await.code(), "limit_rate");
    server.send(tus(Method::DELETE, &upload).by(&city.machine)).await.ok();
    assert_eq!(server.send(tus(Method::GET, &upload).by(&city.machine)).await.code(), "not_found");
    let upload = server.send(begin(PERMITS, 6, &city.machine)).await.header("location").to_owned();
    server.set_clock(server.now().plus_seconds(6 * DAY));
    server.send(chunk(&upload, 0, "abc", &city.machine)).await.ok();
    server.set_clock(server.now().plus_seconds(6 * DAY));
    server.send(tus(Method::GET, &upload).by(&city.machine)).await.ok();
    server.set_clock(server.now().plus_seconds(DAY));
    assert_eq!(server.send(chunk(&upload, 3, "def", &city.machine)).await.status, StatusCode::GONE);
    server.send(begin(PERMITS, 6, &city.machine)).await;
    let forgotten = server.send(tus(Method::GET, &upload).by(&city.machine)).await;
    assert_eq!(forgotten.status, StatusCode::NOT_FOUND, "{}", forgotten.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_at_once_leave_one_chunk() {
    let city = city().await;
    let server = &city.server;
    let upload = server.send(begin(PERMITS, 1 << 20, &city.machine)).await.header("location").to_owned();
    let half = vec![7; 1 << 19];
    let calls = (0..4).map(|_| server.send(chunk(&upload, 0, half.clone(), &city.machine)));
    let answers = futures::future::join_all(calls).await;
    let taken = answers.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count();
    let refused = |answer: &&Answer| [StatusCode::CONFLICT, StatusCode::LOCKED].contains(&answer.status);
    assert_eq!((taken, answers.iter().filter(refused).count()), (1, 3));
    let last = server.send(chunk(&upload, 1 << 19, half, &city.machine)).await;
    assert_eq!(last.header("shuqiao-material"), Digest::of(&vec![7; 1 << 20]).to_hex());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_names_what_its_resource_has() {
    let city = city().await;
    city.publish(&register(OTHERS, "other")).await;
    let known = put(&city, PERMITS, &picture(1)).await;
    let foreign = put(&city, OTHERS, &picture(2)).await;
    let text = rows(&[
        ["A1", "360481", &known, ""],
        ["A2", "360481", &foreign, ""],
        ["A3", "360481", &known.to_uppercase(), ""],
        ["A4", "360481", "照片", &known],
    ]);
    let path = format!("/api/v1/resources/{PERMITS}/data?publish=true&name=x.csv");
    let upload = |path: &str| Call::new(Method::POST, path).body(text.clone(), "text/csv").by(&city.machine);
    assert_eq!(city.server.send(upload(&path)).await.code(), "quality_threshold");
    let report = city.server.send(upload(&format!("{path}&threshold=1"))).await.ok();
    let rules = report["quality"]["rules"].as_array().unwrap();
    let of = |rule: &str| rules.iter().find(|one| one["column"] == "picture" && one["rule"] == rule).unwrap();
    assert_eq!((&of("material")["count"], &of("format")["count"]), (&json!(1), &json!(2)), "{report}");
    assert_eq!(report["published"]["rows"], 1);
    assert_eq!(get(&city, PERMITS, &foreign, Some(&city.machine)).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_are_for_whoever_sees_a_row_that_names_them() {
    let city = city().await;
    let server = &city.server;
    let [seen, elsewhere] = [put(&city, PERMITS, &picture(1)).await, put(&city, PERMITS, &picture(2)).await];
    let dossier = put(&city, PERMITS, b"<html><script>alert(1)</script>").await;
    let unnamed = put(&city, PERMITS, &picture(3)).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &seen, &dossier], ["A2", "360402", &elsewhere, ""]]))
        .await;
    for digest in [&seen, &elsewhere, &dossier] {
        let refused = get(&city, PERMITS, digest, Some(&city.consumer)).await;
        assert!(["not_granted", "forbidden"].contains(&refused.code().as_str()), "{}", refused.text());
        assert!(!get(&city, PERMITS, digest, None).await.status.is_success());
    }
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000002", "grantee": {"department": "gaj"},
        "items": ["case_no", "county", "person", "picture", "picture_name"], "filter": {"=": ["county", "360481"]},
        "masks": {"person": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法",
        "doors": ["api", "sql", "file"],
    }))
    .await;

    let answer = get(&city, PERMITS, &seen, Some(&city.consumer)).await;
    assert_eq!(answer.ok_bytes(), picture(1));
    assert_eq!(
        (answer.header("content-type"), answer.header("etag")),
        ("image/png", &*format!("\"{seen}\""))
    );
    let disposition = answer.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"301001-000002-"), "{disposition}");
    assert!(disposition.ends_with("filename*=UTF-8''%E7%8E%B0%E5%9C%BA%20A1.png"), "{disposition}");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    let digest = Digest::of(&picture(1)).to_base64();
    assert_eq!(answer.header("repr-digest"), format!("sha-256=:{digest}:"));
    assert!(!answer.header("shuqiao-receipt").is_empty());
    let started = server.events("access_started");
    let source = &started.last().unwrap()["sources"][0];
    assert_eq!((&source["resource"], &source["version"]), (&json!("301001/000002"), &json!(1)));

    let path = material(PERMITS, "1", &seen);
    let part = server.send(Call::get(&path).header("range", "bytes=1-3").by(&city.consumer)).await;
    assert_eq!((part.status, part.bytes()), (StatusCode::PARTIAL_CONTENT, &b"PNG"[..]));
    let known = Call::get(&path).header("if-none-match", &format!("\"{seen}\"")).by(&city.consumer);
    assert_eq!(server.send(known).await.status, StatusCode::NOT_MODIFIED);
    let head = server.send(Call::new(Method::HEAD, &path).by(&city.consumer)).await;
    assert_eq!(head.header("content-length"), picture(1).len().to_string());

    // Hidden by the filter, by the items, or not there at all: the same words.
    let absent = get(&city, PERMITS, &"0".repeat(64), Some(&city.consumer)).await;
    assert_eq!(absent.code(), "not_found");
    for hidden in [&elsewhere, &dossier, &unnamed] {
        let answer = get(&city, PERMITS, hidden, Some(&city.consumer)).await;
        assert_eq!(
            (answer.status, answer.json()["detail"].clone()),
            (absent.status, absent.json()["detail"].clone())
        );
    }
    for odd in [seen.to_uppercase(), seen[1..].to_owned(), "%00".to_owned(), "%2e%2e%2fx".to_owned()] {
        let answer = get(&city, PERMITS, &odd, Some(&city.consumer)).await;
        assert!(answer.status.is_client_error(), "{odd}: {}", answer.status);
    }
    for version in ["0", "2", "01", "-1", "99999999999999999999"] {
        let call = Call::get(material(PERMITS, version, &seen)).by(&city.consumer);
        assert_eq!(server.send(call).await.code(), "not_found", "{version}");
    }
    let page = get(&city, PERMITS, &dossier, Some(&city.machine)).await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "application/octet-stream"));
    assert_eq!(
        get(&city, PERMITS, &unnamed, Some(&city.machine)).await.code(),
        "not_found",
        "no row names it"
    );

    // Another version names another picture.
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &unnamed, ""]])).await;
    assert_eq!(get(&city, PERMITS, &seen, Some(&city.consumer)).await.code(), "not_found");
    assert_eq!(get(&city, PERMITS, &unnamed, Some(&city.consumer)).await.ok_bytes(), picture(3));
    let newer = Call::get(material(PERMITS, "1", &unnamed)).by(&city.consumer);
    assert_eq!(server.send(newer).await.code(), "not_found");
    let older = Call::get(material(PERMITS, "1", &seen)).by(&city.consumer);
    assert_eq!(server.send(older).await.ok_bytes(), picture(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_digest_opens_nothing() {
    let city = city().await;
    let seen = put(&city, PERMITS, &picture(1)).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &seen, ""]])).await;
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000002", "grantee": {"department": "gaj"},
        "items": ["case_no", "person", "picture"], "masks": {"picture": {"mask": "keep_first", "count": 64}},
        "purpose": "办案", "legal_basis": "警察法", "doors": ["api", "sql", "file"],
    }))
    .await;
    assert_eq!(get(&city, PERMITS, &seen, Some(&city.consumer)).await.code(), "not_found");
    assert_eq!(get(&city, PERMITS, &seen, Some(&city.machine)).await.ok_bytes(), picture(1));
}

fn opening() -> Value {
    json!({
        "kind": "public", "resource": "301001/000002", "grantee": "public", "items": ["case_no", "picture", "picture_name"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_machine_cannot_read_a_person_looks_at_each_time() {
    let city = city().await;
    let [one, other] = [put(&city, PERMITS, &picture(1)).await, put(&city, PERMITS, &picture(2)).await];
    let told = put(&city, PERMITS, "公告\n联系电话：13800138000\n".as_bytes()).await;
    let plain = put(&city, PERMITS, "公告\n第一条 依法公开\n".as_bytes()).await;
    city.upload_to(
        PERMITS,
        &rows(&[["A1", "360481", &one, ""], ["A2", "360481", &told, ""], ["A3", "360481", &plain, ""]]),
    )
    .await;
    let mut asked = opening();
    ["kind", "grantee"].iter().for_each(|name| drop(asked.as_object_mut().unwrap().remove(*name)));
    let review = city.server.send(Call::post("/api/v1/secrecy-reviews", &asked).by(&city.editor)).await.ok();
    let found = findings(&review);
    for expected in ["mobile_number picture 1", "unread_material picture 1"] {
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }
    assert!(!found.iter().any(|line| line.starts_with("identity") || line.starts_with("bank")), "{found:?}");
    assert_eq!(get(&city, PERMITS, &one, None).await.status, StatusCode::FORBIDDEN);
    let review = city.act(&review["number"], &step("justify"), &city.editor).await.ok();
    city.act(&review["number"], &pass(&review), &city.reviewer).await.ok();
    let open = get(&city, PERMITS, &one, None).await;
    assert_eq!((open.ok_bytes(), open.header("cache-control")), (&picture(1)[..], "public, no-cache"));
    let before = city.server.events("open_downloads").len();
    city.server.app.drain().await.unwrap();
    assert!(city.server.events("open_downloads").len() > before, "counted in batches");

    // The same picture passes, another one of the same number waits.
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &one, ""], ["A4", "360481", &plain, ""]])).await;
    assert_eq!(
        get(&city, PERMITS, &one, None).await.header("content-location"),
        material(PERMITS, "2", &one)
    );
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &other, ""], ["A4", "360481", &plain, ""]])).await;
    assert_eq!(get(&city, PERMITS, &other, None).await.code(), "not_found");
    assert_eq!(
        get(&city, PERMITS, &one, None).await.header("content-location"),
        material(PERMITS, "2", &one)
    );
    let reviews = waiting(&city).await;
    let review = reviews.iter().find(|review| review["state"] == "completing").unwrap();
    let review = city.act(&review["number"], &step("justify"), &city.editor).await.ok();
    city.act(&review["number"], &pass(&review), &city.reviewer).await.ok();
    assert_eq!(get(&city, PERMITS, &other, None).await.ok_bytes(), picture(2));

    // So do texts: the number that was let pass is that of the first one.
    let again = put(&city, PERMITS, "公告\n联系电话：13900139000\n".as_bytes()).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &other, ""], ["A2", "360481", &told, ""]])).await;
    assert_eq!(get(&city, PERMITS, &told, None).await.ok_bytes(), "公告\n联系电话：13800138000\n".as_bytes());
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &other, ""], ["A2", "360481", &again, ""]])).await;
    assert_eq!(get(&city, PERMITS, &again, None).await.code(), "not_found", "it waits");
    let reviews = waiting(&city).await;
    let review = reviews.iter().find(|review| review["state"] == "completing").unwrap();
    assert!(findings(review).contains(&"mobile_number picture 1".to_owned()), "{review}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_material_that_is_lost_is_never_left_out() {
    let city = city().await;
    let kept = put(&city, PERMITS, &picture(1)).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &kept, ""]])).await;
    let is_kept = |path: &std::path::PathBuf| path.file_name().is_some_and(|name| name == kept.as_str());
    std::fs::remove_file(city.server.objects().into_iter().find(is_kept).unwrap()).unwrap();
    let path = format!("/api/v1/resources/{PERMITS}/data?publish=true&change=append&name=x.csv");
    let more = rows(&[["A2", "360481", "", ""]]);
    let more = Call::new(Method::POST, path).body(more, "text/csv").by(&city.machine);
    assert_eq!(city.server.send(more).await.code(), "corrupt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_row_names_any_more_goes() {
    let city = city().await;
    let server = &city.server;
    let administrator = server.person("admin", None, &[Role::SystemAdministrator]).await;
    let [kept, withdrawn] = [put(&city, PERMITS, &picture(1)).await, put(&city, PERMITS, &picture(2)).await];
    let awaited = put(&city, PERMITS, &picture(3)).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &kept, ""], ["A2", "360481", &withdrawn, &kept]])).await;
    let path = format!("/api/v1/resources/{PERMITS}/records/withdraw");
    let withdraw = Call::post(path, &json!({"keys": [["A2"]], "reason": "信用修复"})).by(&city.machine);
    server.send(withdraw).await.ok();
    assert_eq!(get(&city, PERMITS, &withdrawn, Some(&city.machine)).await.code(), "not_found", "at once");
    server.set_clock(server.now().plus_seconds(2 * DAY));
    collect(&city, &administrator).await;
    assert!(is_stored(&city, &withdrawn), "until its time is over");
    assert!(is_stored(&city, &awaited), "its register may still come");
    server.set_clock(server.now().plus_seconds(30 * DAY));
    collect(&city, &administrator).await;
    assert!(!is_stored(&city, &awaited), "no register came");
    server.set_clock(server.now().plus_seconds(2 * DAY));
    collect(&city, &administrator).await;
    assert!(!is_stored(&city, &withdrawn));
    assert_eq!(get(&city, PERMITS, &kept, Some(&city.machine)).await.ok_bytes(), picture(1));
}

/// That a row named it then is in the version of then.
#[tokio::test(flavor = "multi_thread")]
async fn a_material_that_was_taken_is_proven_again() {
    let city = city().await;
    let kept = put(&city, PERMITS, &picture(1)).await;
    city.upload_to(PERMITS, &rows(&[["A1", "360481", &kept, ""]])).await;
    let whole = get(&city, PERMITS, &kept, Some(&city.machine)).await;
    let part = Call::get(material(PERMITS, "latest", &kept)).header("range", "bytes=0-3");
    let part = city.server.send(part.by(&city.machine)).await;
    city.upload_to(PERMITS, &rows(&[["A2", "360481", "", ""]])).await;
    assert_eq!(get(&city, PERMITS, &kept, Some(&city.machine)).await.code(), "not_found");
    for (answer, expected) in [(&whole, "same"), (&part, "not_replayable")] {
        let path = format!("/receipts/{}/replay", answer.header("shuqiao-receipt"));
        let call = Call::new(Method::POST, path).body(answer.bytes().to_vec(), "application/octet-stream");
        let found = city.server.send(call.by(&city.machine)).await.ok();
        assert_eq!(found["verdict"], expected, "{found}");
    }
}
