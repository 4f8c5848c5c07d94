//! Uploads that are checked beforehand and followed while they run.

use super::*;

const SAMPLE: &str = "/api/v1/resources/301001-000001/data/sample?name=a.csv";
const PROGRESS: &str = "/api/v1/resources/301001-000001/data/progress";
const BAD: &str = "案号,县区,罚款金额\nA7,360481,1.00\n,360481,2.00\nA9,360481,很多\nA7,360481,3.00\n";

fn sample<'a>(path: &str, rows: impl Into<Vec<u8>>) -> Call<'a> {
    Call::new(Method::POST, path).body(rows, "text/csv")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_rows_are_checked_beforehand_and_nothing_is_left_of_them() {
    let city = City::new().await;
    let server = &city.server;
    let (objects, changes) = (server.objects(), server.events("changed").len());
    let report = server.send(sample(SAMPLE, BAD).by(&city.editor)).await.ok();
    let told: Vec<_> = report["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| (cell["row"].as_u64(), cell["column"].as_str(), cell["rule"].as_str()))
        .collect();
    let expected = [(3, "case_no", "required"), (4, "amount", "type"), (5, "case_no", "unique")];
    assert_eq!(told, expected.map(|(row, column, rule)| (Some(row), Some(column), Some(rule))));
    assert_eq!(
        (&report["quality"]["rows_read"], &report["quality"]["rows_quarantined"]),
        (&json!(4), &json!(3))
    );

    let report = server.send(sample(SAMPLE, "县区,别的\n360481,x\n").by(&city.editor)).await.ok();
    let rules: Vec<_> = report["header"].as_array().unwrap().iter().map(|one| &one["rule"]).collect();
    assert_eq!(rules, [&json!("header.unknown"), &json!("header.missing")]);

    let long = format!("案号\n{}", "x\n".repeat(600 << 10));
    for (call, code) in [
        (sample(SAMPLE, BAD).by(&city.consumer), "forbidden"),
        (sample(SAMPLE, BAD).by(&city.reviewer), "forbidden"),
        (sample(SAMPLE, BAD), "forbidden"),
        (sample(SAMPLE, long).by(&city.editor), "too_large"),
        (sample(&SAMPLE.replace("csv", "xlsx"), BAD).by(&city.editor), "unsupported_format"),
    ] {
        assert_eq!(server.send(call).await.code(), code);
    }
    assert_eq!((server.objects(), server.events("changed").len()), (objects, changes), "nothing is kept");
    let versions = server.send(Call::get(format!("/api/v1/resources/{CODE}/versions"))).await.ok();
    assert_eq!(versions.as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_followed_by_who_sends_it() {
    let city = City::new().await;
    let (server, name) = (&city.server, "0123456789abcdef");
    let rows =
        (0..60_000).fold("case_no,county\n".to_owned(), |rows, row| rows + &format!("B{row},360481\n"));
    let upload = format!("/api/v1/resources/{CODE}/data?follow={name}");
    let follow = |by| Call::get(format!("{PROGRESS}?follow={name}")).by(by);
    assert_eq!(server.send(follow(&city.editor)).await.status, StatusCode::NO_CONTENT, "before it begins");
    let watching = async {
        let mut stages = Vec::new();
        let mut others = Vec::new();
        for _ in 0..3_000 {
            let answer = server.send(follow(&city.editor)).await;
            if answer.status == StatusCode::OK {
                let told = answer.json();
                assert!(told["rows_read"].as_u64() <= Some(60_000));
                stages.push(told["stage"].as_str().unwrap().to_owned());
                others.push(server.send(follow(&city.machine)).await.status);
            } else if !stages.is_empty() {
                break;
            }
        }
        (stages, others)
    };
    let sending = server.send(Call::new(Method::POST, &upload).body(rows, "text/csv").by(&city.editor));
    let (sent, (stages, others)) = tokio::join!(sending, watching);
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
    assert!(!stages.is_empty(), "it was never seen under way");
    let order = ["received", "checking", "writing", "verifying", "publishing"];
    let places: Vec<_> = stages.iter().map(|stage| order.iter().position(|known| known == stage)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{stages:?}");
    assert!(
        others.iter().all(|status| *status == StatusCode::NO_CONTENT),
        "the department's machine follows its own: {others:?}"
    );
    assert_eq!(server.send(follow(&city.editor)).await.status, StatusCode::NO_CONTENT, "after its end");
    assert_eq!(server.send(follow(&city.consumer)).await.code(), "forbidden");
    let unnamed = Call::new(Method::POST, upload.replace(name, "short")).body(ROWS, "text/csv");
    assert_eq!(server.send(unnamed.by(&city.editor)).await.code(), "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_see_what_is_wrong_before_they_upload() {
    for script in ["upload.js", "material.js"] {
        assert!(openapi_portal::asset(script).is_some(), "`openapi/portal/build` makes {script}");
    }
    let city = City::without_data().await;
    let permits = crate::http::materials::register("301001-000002", "permit");
    city.publish(&permits).await;
    with_passwords(&city, &["editor"]).await;
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good: String = (0..40).map(|row| format!("B{row},360481,{row}\n")).collect();
    // What the office's spreadsheets write, GB18030: 案号,县区,罚款金额, and 很多 on two lines.
    let header: &[u8] = b"\xB0\xB8\xBA\xC5,\xCF\xD8\xC7\xF8,\xB7\xA3\xBF\xEE\xBD\xF0\xB6\xEE\n";
    let bad: &[u8] = b",360481,2.00\nA9,360481,\"\xBA\xDC\n\xB6\xE0\"\n";
    let chinese = [header, good.as_bytes(), bad].concat();
    let material: Vec<u8> = (0..9 << 20).map(|place: u32| (place % 251) as u8).collect();
    let digest = exchange_crypto::Digest::of(&material).to_hex();
    let arguments = [
        city.server.base.clone(),
        PASSWORD.to_owned(),
        write("rows.csv", &chinese),
        write("other.csv", "县区,备注\n360481,x\n".as_bytes()),
        write("rows.xlsx", b"PK"),
        write("picture.bin", &material),
    ];
    let walk = move || browser("walk_upload.mjs", &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let walked: Value = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["cells"], json!(["必填，但为空", "很\n多不是这种类型的值"]), "{walked:#}");
    assert_eq!(walked["digest"], json!(digest), "{walked:#}");
}
