use std::collections::BTreeMap;

use arrow::array::{Int64Array, StringViewArray};
use futures::TryStreamExt;
use proptest::prelude::*;

use super::*;

/// Rows of (key, value) with their weights, in the order in which the engine gives them.
fn weighted(rows: &[(&str, i64, i64)]) -> RecordBatch {
    let column =
        |of: fn(&(&str, i64, i64)) -> i64| Arc::new(rows.iter().map(of).collect::<Int64Array>()) as ArrayRef;
    let keys: StringArray = rows.iter().map(|(key, ..)| Some(*key)).collect();
    let fields = vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("value", DataType::Int64, true),
        Field::new(WEIGHT, DataType::Int64, true),
    ];
    let columns = vec![Arc::new(keys) as ArrayRef, column(|row| row.1), column(|row| row.2)];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn pairing(key: Vec<usize>) -> Pairing {
    let fields = vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("value", DataType::Int64, true),
        Field::new(CHANGE_TYPE, DataType::Utf8, false),
    ];
    Pairing { key, schema: Arc::new(Schema::new(fields)), held: None }
}

/// What comes of batches of these sizes.
fn changes(key: Vec<usize>, rows: &[(&str, i64, i64)], sizes: &[usize]) -> Vec<(String, i64, String)> {
    let all = weighted(rows);
    let (mut batches, mut from) = (Vec::new(), 0);
    for size in sizes.iter().copied().chain([rows.len()]) {
        let size = size.min(rows.len() - from);
        batches.push(Ok(all.slice(from, size)));
        from += size;
    }
    let stream = paired(pairing(key), stream::iter(batches).boxed());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let found: Vec<RecordBatch> = runtime.block_on(stream.try_collect()).unwrap();
    let mut told = Vec::new();
    for batch in found {
        assert!(batch.num_rows() <= BATCH_ROWS);
        let texts = |place: usize| batch.column(place).as_string::<i32>().clone();
        let values = batch.column(1).as_primitive::<Int64Type>().clone();
        for row in 0..batch.num_rows() {
            told.push((texts(0).value(row).to_owned(), values.value(row), texts(2).value(row).to_owned()));
        }
    }
    told
}

fn expected(rows: &[(&str, i64, &str)]) -> Vec<(String, i64, String)> {
    rows.iter().map(|(key, value, kind)| ((*key).to_owned(), *value, (*kind).to_owned())).collect()
}

#[test]
fn two_images_of_one_record_are_an_update_wherever_batches_end() {
    let rows = [("a", 1, -1), ("b", 1, -1), ("b", 2, 1), ("c", 7, 1), ("d", 1, -1), ("d", 2, 1)];
    let told = expected(&[
        ("a", 1, DELETE),
        ("b", 1, BEFORE),
        ("b", 2, AFTER),
        ("c", 7, INSERT),
        ("d", 1, BEFORE),
        ("d", 2, AFTER),
    ]);
    for sizes in [&[][..], &[1, 1, 1, 1, 1], &[2, 2], &[3, 0, 2], &[5]] {
        assert_eq!(changes(vec![0], &rows, sizes), told, "{sizes:?}");
    }
}

#[test]
fn without_a_key_in_clear_nothing_is_an_update() {
    let rows = [("b", 1, -1), ("b", 2, 1)];
    assert_eq!(changes(Vec::new(), &rows, &[1]), expected(&[("b", 1, DELETE), ("b", 2, INSERT)]));
}

#[test]
fn rows_that_are_alike_come_as_often_as_they_are() {
    let many = i64::try_from(3 * BATCH_ROWS).unwrap();
    let told = changes(Vec::new(), &[("a", 1, -2), ("b", 1, many)], &[]);
    let mut counts = BTreeMap::new();
    for (key, _, kind) in told {
        *counts.entry((key, kind)).or_insert(0_i64) += 1;
    }
    let counts: Vec<_> = counts.into_iter().collect();
    assert_eq!(
        counts,
        [(("a".to_owned(), DELETE.to_owned()), 2), (("b".to_owned(), INSERT.to_owned()), many)]
    );
}

/// What is held back must not grow with what has passed.
#[test]
fn held_rows_keep_no_texts_of_others() {
    let fields = vec![Field::new("id", DataType::Utf8View, true), Field::new(WEIGHT, DataType::Int64, true)];
    let schema = Arc::new(Schema::new(fields));
    let mut pairing = Pairing {
        key: vec![0],
        schema: Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8View, true),
            Field::new(CHANGE_TYPE, DataType::Utf8, false),
        ])),
        held: None,
    };
    for batch in 0..50 {
        let keys: StringViewArray =
            (0..100).map(|row| Some(format!("{batch:03}-{row:03}-{}", "x".repeat(1000)))).collect();
        let columns = vec![Arc::new(keys) as ArrayRef, Arc::new(Int64Array::from(vec![1; 100]))];
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
        let told: usize = pairing.take(&rows).unwrap().map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(told, if batch == 0 { 99 } else { 100 });
        assert!(pairing.held.as_ref().unwrap().get_array_memory_size() < 50_000);
    }
}

#[test]
fn no_difference_is_no_row() {
    assert_eq!(changes(vec![0], &[], &[]), Vec::new());
}

proptest! {
    /// Whoever applies the changes to the rows of before has those of after.
    #[test]
    fn changes_lead_from_one_version_to_the_other(
        before in prop::collection::btree_map("[a-e]", 0_i64..3, 0..5),
        after in prop::collection::btree_map("[a-e]", 0_i64..3, 0..5),
        size in 1_usize..4,
    ) {
        let mut weights = BTreeMap::new();
        for (rows, weight) in [(&before, -1), (&after, 1)] {
            for (key, value) in rows {
                *weights.entry((key.as_str(), *value)).or_insert(0) += weight;
            }
        }
        let mut rows: Vec<_> = weights.iter().map(|((key, value), weight)| (*key, *value, *weight)).collect();
        rows.retain(|row| row.2 != 0);
        rows.sort_by_key(|row| (row.0, row.2));
        let told = changes(vec![0], &rows, &vec![size; rows.len()]);
        let mut applied = before.clone();
        for (key, value, kind) in told {
            match kind.as_str() {
                INSERT => prop_assert_eq!(applied.insert(key, value), None),
                AFTER => prop_assert_eq!(applied.insert(key, value), None),
                DELETE => prop_assert_eq!(applied.remove(&key), Some(value)),
                _ => {
                    prop_assert_eq!(applied.remove(&key), Some(value));
                    prop_assert!(after.contains_key(&key));
                }
            }
        }
        prop_assert_eq!(applied, after);
    }
}
