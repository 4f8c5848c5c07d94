//! Identities of the public that can't be erased at once.

use serde_json::json;

use super::public::{Town, at, letter};
use crate::command::evidence::execute;

/// A key that can't be destroyed, and a row that can't be removed: neither keeps the others, and both are tried again.
#[tokio::test(flavor = "multi_thread")]
async fn one_identity_that_can_not_be_erased_keeps_no_other() {
    let town = Town::new().await;
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let (number, _) = town.opened("letters", &letter(Some("scjg"))).await;
        town.act(&number, json!({"event": "answer", "reason": "已采纳"}), &town.approver).await.ok();
        numbers.push(number);
    }
    let key = |number: &str| town.server.folder.path().join(format!("keys/confidential/{number}.key"));
    let kept = key(&numbers[0]);
    let away = kept.with_extension("away");
    std::fs::rename(&kept, &away).unwrap();
    std::fs::create_dir(&kept).unwrap();
    let database = town.server.folder.path().join("catalogue.sqlite");
    let [_, second, _] = &numbers[..] else { panic!() };
    execute(
        &database,
        &format!(
            "CREATE TRIGGER kept BEFORE DELETE ON confidential WHEN OLD.number = '{second}' \
             BEGIN SELECT RAISE(ABORT, 'kept'); END"
        ),
        "",
    );
    town.server.set_clock(at("12-31T10:00").plus_seconds(366 * 86_400));
    let clock = async || town.server.services.run_clock(&town.server.operator(&[])).await.unwrap();
    let round = clock().await;
    let failed: Vec<_> = round.failed.iter().map(|(number, _)| number).collect();
    assert_eq!((round.erased, failed), (1, vec![&numbers[0], &numbers[1]]));
    assert!(!key(second).exists(), "the key goes before the row");
    let applicant =
        async |number: &str| town.get(&format!("matters/{number}/applicant"), &town.approver).await.code();
    assert_eq!(applicant(&numbers[2]).await, "not_found");

    std::fs::remove_dir(&kept).unwrap();
    std::fs::rename(&away, &kept).unwrap();
    let read = town.get(&format!("matters/{}/applicant", numbers[0]), &town.approver).await;
    assert!(read.text().contains("诸葛合成"), "without its key destroyed the row stays: {}", read.text());
    execute(&database, "DROP TRIGGER kept", "");
    let round = clock().await;
    assert_eq!((round.erased, round.failed.len()), (2, 0), "{:?}", round.failed);
    assert!(numbers.iter().all(|number| !key(number).exists()));
    assert_eq!(applicant(&numbers[0]).await, "not_found");
    assert_eq!(town.left("applicant.erased").len(), 3);
}
