//! Records leave versions: which rows go, and that nothing else changes.

use std::collections::BTreeMap;

use catalog_core::dataset::ChangeKind;
use catalog_core::policy::TypedLiteral;
use catalog_core::services::DueErasure;

use super::*;

fn due(prepared: &Prepared, columns: &[&str], keys: Vec<Vec<TypedLiteral>>) -> DueErasure {
    let columns = columns.iter().map(|name| ColumnName::new(*name).unwrap()).collect();
    DueErasure {
        version: prepared.version(NOW, "steward"),
        records: BTreeMap::from([(columns, keys)]),
        through: "an act".to_owned(),
    }
}

fn text(value: &str) -> TypedLiteral {
    TypedLiteral::Text(value.to_owned())
}

fn delivery(rows: impl IntoIterator<Item = u32>) -> String {
    let row = |n| format!("id{n},市{},{n}.50,2026-01-{:02}\n", n % 3, n % 28 + 1);
    format!("id,city,amount,day\n{}", rows.into_iter().map(row).collect::<String>())
}

fn next(previous: &Prepared, change: ChangeKind) -> IngestOptions {
    let previous_manifest = Some(previous.manifest.clone());
    IngestOptions {
        change,
        previous: previous_manifest,
        ..IngestOptions::new(previous.manifest.version + 1, NOW)
    }
}

#[tokio::test]
async fn a_part_is_written_anew_without_them_and_in_its_order() {
    let desk = Desk::new();
    let bad = "bad,市1,no number,\n";
    let one = desk.lenient(&things(), "a.csv", delivery(0..1000) + bad).await;
    assert!(one.manifest.quarantine.is_some());
    let options = next(&one, ChangeKind::Append);
    let two = desk.ingest(&things(), "b.csv", delivery(2000..2010), &options).await.unwrap();
    let keys = ["id0", "id999", "id500", "nobody", "id501"].map(|key| vec![text(key)]).to_vec();
    let mut eraser = Eraser::new(&desk.store, &desk.signing_key);
    let erased = eraser.erase(&due(&one, &["id"], keys.clone()), NOW).await.unwrap().unwrap();
    let manifest = &erased.manifest;
    let is_gone = |row: &[String]| keys.contains(&vec![text(&row[0])]);
    let before = desk.rows(&one.manifest);
    let expected: Vec<_> = before.iter().filter(|row| !is_gone(row)).cloned().collect();
    assert_eq!(desk.rows(manifest), expected, "the same rows in the same order");
    assert_eq!((manifest.rows, erased.rewritten().rows), (996, 996));
    let told = &manifest.erased[0];
    assert_eq!((told.at, told.manifest_digest.as_str()), (NOW, one.digest.to_hex().as_str()));
    let places = (0..).zip(&before).filter(|(_, row)| is_gone(row)).map(|(place, _)| place);
    let runs = told.rows.iter().flat_map(|(first, last)| *first..=*last);
    assert_eq!(runs.collect::<Vec<u64>>(), places.collect::<Vec<_>>());
    // Smallest and largest values are those of the rows that are left, and refused rows are gone.
    let amount = manifest.columns[2].statistics.clone().unwrap();
    assert_eq!((amount.min.as_deref(), amount.max.as_deref()), (Some("1.50"), Some("998.50")));
    assert_eq!((&manifest.quarantine, &manifest.quality), (&None, &one.manifest.quality));
    desk.store.verify(&erased.version(NOW, "x"), &desk.signing_key.public()).await.unwrap();
    assert!(!String::from_utf8(manifest.canonical().unwrap()).unwrap().contains("id500"));

    // The part that both have is written once; the one that holds none of them stays.
    let later = eraser.erase(&due(&two, &["id"], keys.clone()), NOW).await.unwrap().unwrap();
    assert_eq!(later.manifest.parts, [manifest.parts[0].clone(), two.manifest.parts[1].clone()]);
    let clean = Prepared { manifest: later.manifest.clone(), digest: later.digest };
    assert_eq!(eraser.erase(&due(&clean, &["id"], keys), NOW).await.unwrap(), None);
    // A second erasure adds to the first.
    let more = vec![vec![text("id2000")]];
    let twice = eraser.erase(&due(&clean, &["id"], more), NOW).await.unwrap().unwrap();
    assert_eq!((twice.manifest.erased.len(), twice.manifest.rows), (2, 1005));
    assert!(twice.manifest.erased[1].rows[0].0 >= 996, "rows are counted over all parts");
}

#[tokio::test]
async fn keys_of_every_type_are_found_and_no_value_is_none_of_them() {
    let desk = Desk::new();
    let content = "id,city,amount,day\na,x,1,2026-01-01\nb,x,1,\nc,,1,2026-01-01\nd,x,2,2026-01-01\n";
    let one = desk.lenient(&things(), "a.csv", content).await;
    let decimal = |unscaled| TypedLiteral::Decimal { unscaled, precision: 18, scale: 2 };
    let day = TypedLiteral::Date("2026-01-01".parse().unwrap());
    let mut eraser = Eraser::new(&desk.store, &desk.signing_key);
    let key = vec![vec![text("x"), decimal(100), day]];
    let erased = eraser.erase(&due(&one, &["city", "amount", "day"], key), NOW).await.unwrap().unwrap();
    let left: Vec<_> = desk.sorted_rows(&erased.manifest).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(left, ["b", "c", "d"]);
    // Records that other columns name are among them too.
    let mut both = due(&one, &["id"], vec![vec![text("c")]]);
    both.records.extend(due(&one, &["city"], vec![vec![text("x")]]).records);
    assert_eq!(eraser.erase(&both, NOW).await.unwrap().unwrap().manifest.rows, 0);
    let empty = vec![vec![text("")]];
    assert_eq!(eraser.erase(&due(&one, &["city"], empty), NOW).await.unwrap(), None);
    let wrong = vec![vec![TypedLiteral::Int(1)]];
    assert!(eraser.erase(&due(&one, &["city"], wrong), NOW).await.is_err());
}

#[tokio::test]
async fn a_version_can_lose_all_of_its_rows() {
    let desk = Desk::new();
    let one = desk.lenient(&things(), "a.csv", delivery(0..3)).await;
    let keys = ["id0", "id1", "id2"].map(|key| vec![text(key)]).to_vec();
    let mut eraser = Eraser::new(&desk.store, &desk.signing_key);
    let erased = eraser.erase(&due(&one, &["id"], keys), NOW).await.unwrap().unwrap();
    assert_eq!((erased.manifest.rows, erased.manifest.parts.len()), (0, 0));
    assert_eq!(erased.manifest.erased[0].rows, [(0, 2)]);
    desk.store.verify(&erased.version(NOW, "x"), &desk.signing_key.public()).await.unwrap();
}
