//! Withdrawn records leave the stored objects when their time is over, and no reader notices.

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::atomic::Ordering;

use ::http::Method;
use arrow::util::display::array_value_to_string;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::support::city::{CODE, City, ROWS};
use crate::support::server::{Answer, Call};

const HEAD: &str = "case_no,county,person,amount,note\n";
const DAY: i64 = 86_400;

/// The city, with somebody who collects its garbage.
struct Town {
    city: City,
    administrator: SigningKey,
}

impl Town {
    /// Two versions, the second with a row more.
    async fn new() -> Self {
        let city = City::new().await;
        let administrator = city.server.person("admin", None, &[Role::SystemAdministrator]).await;
        let town = Self { city, administrator };
        town.deliver("append", &format!("{HEAD}B1,360402,赵六(合成),7.00,四\n")).await;
        town
    }

    async fn deliver(&self, change: &str, rows: &str) {
        let path = format!("/api/v1/resources/{CODE}/data?publish=true&name=x.csv&change={change}");
        let call = Call::new(Method::POST, path).body(rows, "text/csv").by(&self.city.machine);
        self.city.server.send(call).await.ok();
    }

    async fn act(&self, act: &str, keys: Value) {
        let body = json!({"keys": keys, "reason": "信用修复"});
        let call = Call::post(format!("/api/v1/resources/{CODE}/records/{act}"), &body);
        self.city.server.send(call.by(&self.city.machine)).await.ok();
    }

    async fn collect(&self, dry_run: bool) -> Answer {
        let call = Call::post("/api/v1/maintenance/gc", &json!({ "dry_run": dry_run }));
        self.city.server.send(call.by(&self.administrator)).await
    }

    /// Versions and erased rows of a collection.
    async fn erased(&self, dry_run: bool) -> Vec<(i64, Option<i64>)> {
        let collected = self.collect(dry_run).await.ok();
        let versions = collected["versions"].as_array().unwrap().iter();
        versions.map(|one| (one["version"].as_i64().unwrap(), one["rows"].as_i64())).collect()
    }

    fn after(&self, seconds: i64) {
        self.city.server.set_clock(self.city.server.now().plus_seconds(seconds));
    }

    /// What everyone sees of it, at several doors.
    async fn seen(&self) -> Vec<Value> {
        let (city, mut seen) = (&self.city, Vec::new());
        for version in ["", " version as of 1"] {
            let sql = format!("select * from scjg.penalty{version} order by case_no");
            for by in [None, Some(&city.machine)] {
                seen.push(city.server.send(city.sql(&sql, by)).await.ok()["data"].clone());
            }
        }
        for path in ["preview", "records?limit=2"] {
            let call = Call::get(format!("/api/v1/resources/{CODE}/{path}")).by(&city.machine);
            seen.push(city.server.send(call).await.ok()["data"].clone());
        }
        for file in ["latest.csv", "1.csv"] {
            seen.push(city.server.send(Call::get(format!("/datasets/{CODE}/{file}"))).await.text().into());
        }
        seen
    }

    /// Every key that any Parquet object holds, extracts included.
    fn stored(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let paths = self.city.server.objects().into_iter();
        for path in paths.filter(|path| path.extension().is_some_and(|end| end == "parquet")) {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
            for batch in reader.build().unwrap() {
                let batch = batch.unwrap();
                let keys = batch.column_by_name("case_no").unwrap();
                found.extend((0..batch.num_rows()).map(|row| array_value_to_string(keys, row).unwrap()));
            }
        }
        found
    }

    async fn versions(&self) -> Value {
        let call = Call::get(format!("/api/v1/resources/{CODE}/versions")).by(&self.city.machine);
        self.city.server.send(call).await.ok()
    }

    /// The answer to a query of the provider's, with the id of its receipt.
    async fn asked(&self, sql: &str) -> (String, Vec<u8>) {
        let answer = self.city.server.send(self.city.sql(sql, Some(&self.city.machine))).await;
        (answer.header("shuqiao-receipt").to_owned(), answer.ok_bytes().to_vec())
    }

    async fn replayed(&self, (id, answer): &(String, Vec<u8>)) -> Value {
        let call = Call::new(Method::POST, format!("/receipts/{id}/replay"));
        let call = call.body(answer.clone(), "application/octet-stream").by(&self.city.machine);
        self.city.server.send(call).await.ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawn_records_are_erased_after_their_time_and_nobody_notices() {
    let town = Town::new().await;
    let sql = "select case_no, amount from scjg.penalty";
    let before = town.asked(sql).await;
    town.act("withdraw", json!([["A2"]])).await;
    let after = town.asked(sql).await;
    let seen = town.seen().await;
    assert!(!format!("{seen:?}").contains("A2"));

    town.after(29 * DAY);
    assert_eq!(town.erased(false).await, [], "30 days are not over");
    assert!(town.stored().contains("A2"));
    town.after(2 * DAY);
    assert_eq!(town.erased(true).await, [(1, None), (2, None)]);
    assert!(town.stored().contains("A2"));
    let old = town.versions().await;
    assert_eq!(town.erased(false).await, [(1, Some(1)), (2, Some(1))]);
    assert_eq!(town.seen().await, seen);
    assert!(town.stored().contains("A2"), "somebody may be reading the old objects");
    let new = town.versions().await;
    for place in 0..2 {
        assert_ne!(old[place]["manifest_digest"], new[place]["manifest_digest"]);
        assert_eq!(new[place]["rows"].as_i64().unwrap() + 1, old[place]["rows"].as_i64().unwrap());
    }

    town.after(7_200);
    assert_eq!(town.erased(false).await, [], "it is done once");
    let left = town.stored();
    assert_eq!(left, ["A1", "A3", "B1"].map(str::to_owned).into());
    assert_eq!(town.seen().await, seen);
    assert_eq!(town.replayed(&after).await["verdict"], "same", "those rows are there");
    let gone = town.replayed(&before).await;
    assert_eq!(gone["verdict"], "not_replayable", "{gone}");
    assert!(gone["reason"].as_str().unwrap().contains("信用修复"), "{gone}");
    for (id, _) in [&before, &after] {
        let receipt = Call::get(format!("/receipts/{id}")).by(&town.city.machine);
        town.city.server.send(receipt).await.ok();
    }
    let events = town.city.server.events("changed");
    assert_eq!(events.iter().filter(|event| event["action"] == "version.rewritten").count(), 2);
    let told = format!("{events:?}");
    // Whole words: a digest may have these two letters anywhere.
    let mut words = told.split(|c: char| !c.is_alphanumeric() && !"+/-_=".contains(c));
    assert!(words.all(|word| word != "A2"), "evidence names no record");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_again_stays_and_what_is_upserted_keeps_nothing_of_the_old() {
    let town = Town::new().await;
    town.act("withdraw", json!([["A1"], ["A2"]])).await;
    town.after(DAY);
    town.act("reinstate", json!([["A1"]])).await;
    town.after(DAY);
    town.deliver("replace", ROWS).await;
    town.deliver("upsert", &format!("{HEAD}A3,360481,王五(合成),4.00,改\n")).await;
    let seen = town.seen().await;
    assert!(seen[1].to_string().contains("A1") && !seen[1].to_string().contains("A2"), "{}", seen[1]);
    town.after(40 * DAY);
    assert_eq!(town.erased(false).await, [(1, Some(2)), (2, Some(2)), (3, Some(1)), (4, Some(1))]);
    assert_eq!(town.seen().await, seen);
    // What a later version takes over is looked through in its turn.
    town.deliver("append", &format!("{HEAD}C1,360481,钱七(合成),1.00,无\n")).await;
    town.act("withdraw", json!([["C1"], ["A3"]])).await;
    town.after(31 * DAY);
    let rows: Vec<_> = town.erased(false).await;
    assert_eq!(rows, [(1, Some(1)), (2, Some(1)), (3, Some(1)), (4, Some(1)), (5, Some(2))]);
    town.after(7_200);
    town.collect(false).await.ok();
    assert_eq!(town.stored(), ["A1", "B1"].map(str::to_owned).into());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_evidence_fails_the_erasure_is_taken_up_again() {
    let town = Town::new().await;
    town.act("withdraw", json!([["A2"]])).await;
    let seen = town.seen().await;
    town.after(31 * DAY);
    town.city.server.evidence_fails.store(true, Ordering::SeqCst);
    assert!(!town.collect(false).await.status.is_success());
    town.city.server.evidence_fails.store(false, Ordering::SeqCst);
    assert_eq!(town.seen().await, seen);
    town.collect(false).await.ok();
    assert_eq!(town.erased(false).await, []);
    town.after(7_200);
    town.collect(false).await.ok();
    assert_eq!(town.seen().await, seen);
    assert!(!town.stored().contains("A2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_of_nothing_but_erased_records_is_empty() {
    let town = Town::new().await;
    town.act("withdraw", json!([["A1"], ["A2"], ["A3"], ["B1"], ["never there"]])).await;
    let seen = town.seen().await;
    town.after(31 * DAY);
    assert_eq!(town.erased(false).await, [(1, Some(3)), (2, Some(4))]);
    assert_eq!(town.seen().await, seen);
    town.after(7_200);
    town.collect(false).await.ok();
    assert_eq!(town.seen().await, seen);
    // One that was never there is looked for once, and changes nothing.
    town.deliver("replace", ROWS).await;
    let old = town.versions().await;
    town.act("withdraw", json!([["never there"]])).await;
    town.after(31 * DAY);
    assert_eq!(town.erased(true).await.len(), 3);
    assert_eq!(town.erased(false).await.iter().filter(|(version, _)| *version < 3).count(), 0);
    assert_eq!(town.erased(true).await, []);
    assert_eq!(town.versions().await[0]["manifest_digest"], old[0]["manifest_digest"]);
}

/// Thirty days from the hour of the withdrawal, not from its day.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_runs_from_the_moment_of_the_withdrawal() {
    let town = Town::new().await;
    town.city.server.set_clock(Timestamp::now());
    town.act("withdraw", json!([["A2"]])).await;
    town.after(30 * DAY - 1);
    assert_eq!(town.erased(true).await, []);
    town.after(1);
    assert_eq!(town.erased(true).await, [(1, None), (2, None)]);
    // What nobody reads is not written anew: it goes as a whole.
    let withdraw =
        Call::post(format!("/api/v1/resources/{CODE}/versions/1/withdraw"), &json!({"reason": "有误"}));
    town.city.server.send(withdraw.by(&town.city.machine)).await.ok();
    assert_eq!(town.erased(true).await, [(2, None)]);
}
