//! The collection of garbage beside those who publish and download.

use std::collections::BTreeSet;
use std::fs;

use ::http::Method;
use catalog_core::{Role, Timestamp};
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS};
use crate::support::server::{Answer, Call};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_while_garbage_is_erased_is_whole() {
    let city = City::new_at(Timestamp::now()).await;
    let server = &city.server;
    let administrator = server.person("admin", None, &[Role::SystemAdministrator]).await;
    // From here on everything is old enough to be garbage.
    server.set_clock(server.now().plus_seconds(7_200));
    let path = format!("/api/v1/resources/{CODE}");
    let mut published = 0;
    for _ in 0..12 {
        let upload = Call::new(Method::POST, format!("{path}/data?name=x.csv")).body(ROWS, "text/csv");
        let waiting = server.send(upload.by(&city.machine)).await.ok()["prepared"].clone();
        let collect = Call::post("/api/v1/maintenance/gc", &json!({"dry_run": false})).by(&administrator);
        let publish = Call::post(format!("{path}/versions"), &waiting).by(&city.machine);
        let (collected, answer): (Answer, Answer) = tokio::join!(server.send(collect), server.send(publish));
        collected.ok();
        if answer.status.is_success() {
            published += 1;
            let read = Call::get(format!("{path}/preview")).by(&city.machine);
            assert_eq!(server.send(read).await.ok()["data"].as_array().unwrap().len(), 3);
        } else {
            assert_eq!(answer.code(), "not_found", "what was erased first can't be published");
        }
    }
    server.send(Call::get(format!("{path}/preview")).by(&city.machine)).await.ok();
    println!("{published} of 12 were published first");
}

fn file(name: &str) -> String {
    format!("/datasets/{CODE}/{name}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extract_that_lost_a_file_is_written_anew() {
    let city = City::new().await;
    let server = &city.server;
    // The clock stands, and with it the date that an extract carries.
    server.set_clock(Timestamp::now());
    for (name, object) in [
        ("latest.csv", "data.csv"),
        ("latest.manifest.json", "manifest.json"),
        ("latest.jws", "manifest.jws"),
    ] {
        let whole = server.send(Call::get(file(name))).await;
        fs::remove_file(server.object(object, object)).unwrap();
        assert_eq!(server.send(Call::get(file(name))).await.ok_bytes(), whole.ok_bytes(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extract_is_what_this_server_has_signed_for_its_place() {
    let city = City::new().await;
    let server = &city.server;
    // The clock stands, and with it the date that an extract carries.
    server.set_clock(Timestamp::now());
    let public = server.send(Call::get(file("latest.csv"))).await.ok_bytes().to_vec();
    let before: BTreeSet<_> = server.objects().into_iter().collect();
    let of_public = server.object("manifest.json", "");
    let own = server.send(Call::get(file("latest.csv")).by(&city.machine)).await;
    assert!(own.text().contains("张三"));
    let of_provider = server
        .objects()
        .into_iter()
        .find(|path| path.file_name().is_some_and(|name| name == "manifest.json") && !before.contains(path));
    let of_provider = of_provider.unwrap();
    let genuine = fs::read(&of_public).unwrap();
    let signature = of_public.with_file_name("manifest.jws");

    // Another manifest of the platform's own, signed as it must be, that names more than the public may see.
    fs::copy(&of_provider, &of_public).unwrap();
    fs::copy(of_provider.with_file_name("manifest.jws"), &signature).unwrap();
    assert_eq!(server.send(Call::get(file("latest.csv"))).await.ok_bytes(), public);
    assert_eq!(fs::read(&of_public).unwrap(), genuine);

    // A changed one, whose signature no longer holds.
    let mut changed: Value = serde_json::from_slice(&genuine).unwrap();
    let theirs: Value = serde_json::from_slice(&fs::read(&of_provider).unwrap()).unwrap();
    changed["parts"][1] = theirs["parts"][1].clone();
    for forged in [changed.to_string(), "{".to_owned()] {
        fs::write(&of_public, forged).unwrap();
        for name in ["latest.csv", "latest.manifest.json"] {
            let answer = server.send(Call::get(file(name))).await;
            assert!(!answer.text().contains("张三") && answer.status.is_success(), "{}", answer.text());
        }
        assert_eq!(fs::read(&of_public).unwrap(), genuine);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_expire_on_the_clock_and_their_objects_are_collected() {
    let city = City::new().await;
    let server = &city.server;
    let administrator = server.person("admin", None, &[Role::SystemAdministrator]).await;
    city.upload(&ROWS.replace("100.50", "7.00")).await;
    let parts =
        || server.objects().into_iter().filter(|path| path.extension().is_some_and(|end| end == "parquet"));
    let before = parts().count();
    assert_eq!(server.services.expire_versions(&server.operator(&[])).await.unwrap(), 0);
    // By then both are of one month that is long over.
    server.set_clock(Timestamp::now().plus_seconds(200 * 86_400));
    assert_eq!(server.services.expire_versions(&server.operator(&[])).await.unwrap(), 1);
    assert_eq!(server.services.expire_versions(&server.operator(&[])).await.unwrap(), 0);
    let old = Call::get(format!("/api/v1/resources/{CODE}/schema?version=1")).by(&city.machine);
    let old = server.send(old).await;
    assert!(old.code() == "withdrawn" && old.text().contains("保存期满"), "{}", old.text());
    let read = Call::get(format!("/api/v1/resources/{CODE}/preview")).by(&city.machine);
    assert_eq!(server.send(read).await.ok()["data"].as_array().unwrap().len(), 3);
    let collect = Call::post("/api/v1/maintenance/gc", &json!({"dry_run": false})).by(&administrator);
    server.send(collect).await.ok();
    assert_eq!(parts().count(), before - 1);
    let read = Call::get(format!("/api/v1/resources/{CODE}/preview")).by(&city.machine);
    assert_eq!(server.send(read).await.ok()["data"].as_array().unwrap().len(), 3);
}
