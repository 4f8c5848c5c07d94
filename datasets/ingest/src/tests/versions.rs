use catalog_core::dataset::{ChangeKind, Notice};
use catalog_core::{ColumnName, ErrorCode};

use super::*;

const HEADER: &str = "编号,city,金额,day\n";

fn csv(rows: &[&str]) -> String {
    let mut text = HEADER.to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text
}

fn next(previous: &Prepared, change: ChangeKind) -> IngestOptions {
    IngestOptions {
        change,
        previous: Some(previous.manifest.clone()),
        max_bad_share: 0.5,
        ..IngestOptions::new(previous.manifest.version + 1, NOW)
    }
}

#[tokio::test]
async fn a_version_is_sorted_signed_and_complete() {
    let desk = Desk::new();
    let content: Vec<String> =
        (0..1000).map(|n| format!("id{n},市{},{n}.50,2026-01-{:02}", n % 3, n % 28 + 1)).collect();
    let content = csv(&content.iter().map(String::as_str).collect::<Vec<_>>());
    let prepared = desk.ingest(&things(), "a.csv", &content, &IngestOptions::new(1, NOW)).await.unwrap();
    let version = prepared.version(NOW, "steward");
    let manifest = desk.store.verify(&version, &desk.signing_key.public()).await.unwrap();
    assert_eq!(manifest, prepared.manifest);
    assert_eq!(
        (version.rows, manifest.quality.rows_accepted, manifest.quarantine.is_none()),
        (1000, 1000, true)
    );

    let rows = desk.rows(&manifest);
    let cities: Vec<_> = rows.iter().map(|row| &row[1]).collect();
    assert!(cities.is_sorted());
    // Within a city, neither identifiers nor the order of delivery may show.
    let ids: Vec<_> = rows.iter().filter(|row| row[1] == "市0").map(|row| row[0].clone()).collect();
    let delivered: Vec<u32> = ids.iter().map(|id| id[2..].parse().unwrap()).collect();
    assert!(!ids.is_sorted() && !delivered.is_sorted());

    let statistics = |column: usize| manifest.columns[column].statistics.clone().unwrap();
    assert_eq!((statistics(2).min.as_deref(), statistics(2).max.as_deref()), (Some("0.50"), Some("999.50")));
    assert_eq!(statistics(3).max.as_deref(), Some("2026-01-28"));
    assert_eq!((statistics(0).min, statistics(0).nulls), (None, 0));
    let progressed = *desk.seen.0.lock().unwrap();
    assert_eq!((progressed.rows_read, progressed.rows_written), (1000, 1000));
}

#[tokio::test]
async fn the_same_delivery_gives_the_same_rows_in_the_same_order() {
    let desk = Desk::new();
    let content = csv(&["a,x,1,", "b,x,2,", "c,x,3,", "d,x,4,"]);
    let reversed = csv(&["d,x,4,", "c,x,3,", "b,x,2,", "a,x,1,"]);
    let first = desk.lenient(&things(), "a.csv", content).await;
    let second = desk.lenient(&things(), "b.csv", reversed).await;
    assert_eq!(desk.rows(&first.manifest), desk.rows(&second.manifest));
}

#[tokio::test]
async fn a_key_twice_is_quarantined_wherever_its_rows_stand() {
    let desk = Desk::new();
    let prepared = desk.lenient(&things(), "a.csv", csv(&["a,x,1,", "b,x,2,", "a,y,3,", "a,x,1,"])).await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["4 id unique a", "5 id unique a"]);
    let ids: Vec<_> = desk.sorted_rows(&prepared.manifest).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(ids, ["a", "b"]);
    let quality = &prepared.manifest.quality;
    assert_eq!((quality.rows_read, quality.rows_accepted, quality.rows_quarantined), (4, 2, 2));
    assert_eq!(quality.rules[0].count, 2);
}

#[tokio::test]
async fn too_many_bad_rows_refuse_the_version_with_examples() {
    let desk = Desk::new();
    let content = csv(&["a,x,1,", "b,x,zwei,", "a,x,1,"]);
    let error = desk.ingest(&things(), "a.csv", content, &IngestOptions::new(1, NOW)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::QualityThreshold);
    let problems: Vec<_> = error.problems.iter().map(|p| format!("{} {}", p.at, p.rule)).collect();
    assert_eq!(problems, ["row 3, amount type", "row 4 unique"]);
    assert_eq!(std::fs::read_dir(desk.folder.path().join("store")).unwrap().count(), 0);
}

#[tokio::test]
async fn append_adds_parts_and_refuses_keys_that_exist() {
    let desk = Desk::new();
    let one = desk.lenient(&things(), "a.csv", csv(&["a,x,1,", "b,x,2,"])).await;
    let options = next(&one, ChangeKind::Append);
    let two = desk.ingest(&things(), "b.csv", csv(&["c,x,3,", "a,x,9,"]), &options).await.unwrap();
    assert_eq!(two.manifest.parts[0], one.manifest.parts[0]);
    assert_eq!((two.manifest.parts.len(), two.manifest.rows, two.manifest.based_on), (2, 3, Some(1)));
    assert_eq!(desk.quarantine(&two.manifest), ["3 id exists a"]);
    assert_eq!(desk.sorted_rows(&two.manifest)[0][2], "1.00");
    assert_eq!(two.manifest.columns[2].statistics.as_ref().unwrap().max.as_deref(), Some("3.00"));
}

#[tokio::test]
async fn an_append_knows_the_values_of_the_parts_that_stay_without_opening_them() {
    let desk = Desk::new();
    let mut resource = things();
    resource.key.clear();
    let one = desk.lenient(&resource, "a.csv", csv(&["a,x,5,2026-01-09", "b,x,2,"])).await;
    // No key has to be read: a part that is opened nevertheless is missed.
    let part = desk.folder.path().join("store").join(&one.manifest.parts[0].path);
    std::fs::rename(&part, desk.folder.path().join("aside")).unwrap();
    let appended = csv(&["c,x,3,2026-01-10", "d,x,1,2026-01-05"]);
    let options = next(&one, ChangeKind::Append);
    let two = desk.ingest(&resource, "b.csv", &appended, &options).await.unwrap();
    let statistics = |column: usize| two.manifest.columns[column].statistics.clone().unwrap();
    assert_eq!((statistics(2).min.as_deref(), statistics(2).max.as_deref()), (Some("1.00"), Some("5.00")));
    assert_eq!((statistics(3).nulls, statistics(3).max.as_deref()), (1, Some("2026-01-10")));

    // What has become personal since is not told from before, and what was personal is looked at.
    std::fs::rename(desk.folder.path().join("aside"), part).unwrap();
    let mut hidden = resource.clone();
    hidden.items[2].personal = true;
    let two = desk.ingest(&hidden, "b.csv", &appended, &options).await.unwrap();
    assert_eq!(two.manifest.columns[2].statistics.as_ref().unwrap().max, None);
    let again = csv(&["e,x,4,"]);
    let three = desk.ingest(&resource, "c.csv", &again, &next(&two, ChangeKind::Append)).await.unwrap();
    assert_eq!(three.manifest.columns[2].statistics.as_ref().unwrap().max.as_deref(), Some("5.00"));
}

#[tokio::test]
async fn upsert_rewrites_only_parts_with_touched_keys() {
    let desk = Desk::new();
    let one = desk.lenient(&things(), "a.csv", csv(&["a,x,1,", "b,x,2,"])).await;
    let two = desk
        .ingest(&things(), "b.csv", csv(&["c,x,3,", "d,x,4,"]), &next(&one, ChangeKind::Append))
        .await
        .unwrap();
    let options = next(&two, ChangeKind::Upsert);
    let three = desk.ingest(&things(), "c.csv", csv(&["d,y,40,", "e,y,5,"]), &options).await.unwrap();
    let rows = desk.sorted_rows(&three.manifest);
    let cells: Vec<_> = rows.iter().map(|row| format!("{}{}", row[0], row[2])).collect();
    assert_eq!(cells, ["a1.00", "b2.00", "c3.00", "d40.00", "e5.00"]);
    assert!(three.manifest.parts.contains(&one.manifest.parts[0]));
    assert!(!three.manifest.parts.contains(&two.manifest.parts[1]));
    for (prepared, rows) in [(&one, 2), (&two, 4), (&three, 5)] {
        let version = prepared.version(NOW, "steward");
        desk.store.verify(&version, &desk.signing_key.public()).await.unwrap();
        assert_eq!(desk.rows(&prepared.manifest).len(), rows, "old versions stay as they were");
    }
    let all =
        desk.ingest(&things(), "d.csv", csv(&["a,z,0,", "b,z,0,"]), &next(&one, ChangeKind::Upsert)).await;
    assert_eq!(all.unwrap().manifest.parts.len(), 1, "a part of which no row stays is dropped");
}

#[tokio::test]
async fn changes_of_shape_are_breaking() {
    let desk = Desk::new();
    let one = desk.lenient(&things(), "a.csv", csv(&["a,x,1,"])).await;
    let mut wider = things();
    wider.items.push(item("note", "备注", ItemType::plain(ItemKind::M)));
    let mut narrower = things();
    narrower.items.pop();
    let content = "id,city,amount\nb,x,1\n";
    for change in [ChangeKind::Append, ChangeKind::Upsert] {
        let error = desk.ingest(&wider, "b.csv", content, &next(&one, change)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::BreakingChange);
    }
    desk.ingest(&wider, "b.csv", content, &next(&one, ChangeKind::Replace)).await.unwrap();
    let replace = next(&one, ChangeKind::Replace);
    let error = desk.ingest(&narrower, "b.csv", content, &replace).await.unwrap_err();
    assert_eq!((error.code, error.problems[0].at.as_str()), (ErrorCode::BreakingChange, "day"));
    let notice = Notice::new("不再采集日期", None).unwrap();
    let breaking = IngestOptions { breaking: Some(notice.clone()), ..replace };
    let announced = desk.ingest(&narrower, "b.csv", content, &breaking).await.unwrap();
    let change = announced.manifest.breaking.clone().unwrap();
    assert_eq!(
        (change.columns, change.notice, change.review),
        (vec![ColumnName::new("day").unwrap()], notice, None)
    );
    assert_eq!(change.shape, announced.manifest.shape().digest());
    let wide = desk.ingest(&wider, "b.csv", content, &breaking).await.unwrap();
    assert_eq!(wide.manifest.breaking, None, "added columns break nothing");

    let mut unsorted = things();
    unsorted.sort.clear();
    for change in [ChangeKind::Append, ChangeKind::Upsert] {
        let error = desk.ingest(&unsorted, "b.csv", csv(&["b,x,1,"]), &next(&one, change)).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::BreakingChange, "parts of another order");
    }
    desk.ingest(&unsorted, "b.csv", csv(&["b,x,1,"]), &next(&one, ChangeKind::Replace)).await.unwrap();

    let mut keyless = things();
    keyless.key.clear();
    let error = desk.ingest(&keyless, "b.csv", content, &next(&one, ChangeKind::Upsert)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput);
}

#[tokio::test]
async fn rows_without_a_key_stay_even_when_equal() {
    let desk = Desk::new();
    let mut keyless = things();
    keyless.key.clear();
    let prepared = desk.lenient(&keyless, "a.csv", csv(&["a,x,1,", "a,x,1,", ",y,,"])).await;
    assert_eq!((prepared.manifest.rows, prepared.manifest.quality.rows_quarantined), (3, 0));
}

#[tokio::test]
async fn sorting_spills_when_memory_is_short() {
    let desk = Desk::new();
    let mut content = HEADER.to_owned();
    for n in 0..400_000 {
        content.push_str(&format!("{n:018},市{},{n},2026-01-01\n", n % 7));
    }
    let spill = desk.folder.path().join("spill");
    std::fs::create_dir(&spill).unwrap();
    let options =
        IngestOptions { memory: 16 * 1024 * 1024, spill_folder: Some(spill), ..IngestOptions::new(1, NOW) };
    let prepared = desk.ingest(&things(), "a.csv", content, &options).await.unwrap();
    assert_eq!(prepared.manifest.rows, 400_000);
    let rows = desk.rows(&prepared.manifest);
    assert!(rows.iter().map(|row| &row[1]).is_sorted());
}

#[tokio::test]
async fn what_an_abandoned_attempt_left_is_garbage() {
    let desk = Desk::new();
    let lost = desk.lenient(&things(), "a.csv", csv(&["a,x,1,"])).await;
    let kept = desk.lenient(&things(), "a.csv", csv(&["a,x,1,"])).await;
    let garbage = datasets_store::Garbage { older_than: Timestamp(i64::MAX), dry_run: false };
    let version = kept.version(NOW, "steward");
    let collected = desk.store.gc(std::slice::from_ref(&version), garbage).await.unwrap();
    assert!(collected.objects.contains(&lost.manifest.parts[0].path));
    desk.store.verify(&version, &desk.signing_key.public()).await.unwrap();
}

#[tokio::test]
async fn key_columns_are_required() {
    let desk = Desk::new();
    let prepared = desk.lenient(&things(), "a.csv", csv(&["a,x,1,", ",x,2,"])).await;
    assert_eq!(desk.quarantine(&prepared.manifest), ["3 id required "]);
    assert_eq!(prepared.manifest.key, [ColumnName::new("id").unwrap()]);
}
