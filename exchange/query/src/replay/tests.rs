//! Comparisons in every format, and what no order decides.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use catalog_core::Timestamp;
use datasets_store::GeoColumns;
use futures::{FutureExt, StreamExt, stream};

use super::{Difference, compare, leaves_open};
use crate::answer::QueryAnswer;
use crate::export::{Format, encode};
use crate::limits::Limits;

fn answer(rows: &[(Option<&str>, i64, Option<f64>)]) -> QueryAnswer {
    let texts: StringArray = rows.iter().map(|row| row.0).collect();
    let numbers: Int64Array = rows.iter().map(|row| Some(row.1)).collect();
    let floats: Float64Array = rows.iter().map(|row| row.2).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("text", Arc::new(texts) as ArrayRef, true),
        ("number", Arc::new(numbers) as ArrayRef, true),
        ("data", Arc::new(floats) as ArrayRef, true),
    ]);
    let batch = batch.unwrap();
    QueryAnswer {
        schema: batch.schema(),
        sources: Vec::new(),
        limits: Limits::default(),
        now: Timestamp(0),
        next: None,
        geo: GeoColumns::default(),
        total: None,
        subjects: Vec::new(),
        records: stream::iter([Ok(batch)]).boxed(),
    }
}

async fn written(answer: QueryAnswer, format: Format) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    let mut bytes = encode(answer, format);
    while let Some(piece) = bytes.next().await {
        file.write_all(&piece.unwrap()).unwrap();
    }
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

const ROWS: [(Option<&str>, i64, Option<f64>); 4] = [
    (Some("甲, \"乙\"\n丙"), 1, Some(0.1)),
    (None, 2, None),
    (Some(""), 3, Some(1e300)),
    (Some("甲, \"乙\"\n丙"), 1, Some(0.1)),
];

#[tokio::test]
async fn equal_rows_in_another_order_are_the_same_and_a_changed_one_is_counted() {
    for format in Format::ALL {
        let found = async |again: &[(Option<&str>, i64, Option<f64>)]| {
            compare(written(answer(&ROWS), format).await, answer(again)).await.unwrap()
        };
        let same = Difference { rows: 4, missing: 0, added: 0, cut: false };
        let [a, b, c, d] = ROWS;
        assert_eq!(found(&[d, c, b, a]).await, same, "{format:?}");
        let near = (a.0, a.1, Some(0.1 + 1e-15));
        assert_eq!(found(&[near, b, c, d]).await, same, "{format:?}: 12 digits are compared");
        let far = (a.0, a.1, Some(0.1 + 1e-10));
        let one = Difference { rows: 4, missing: 1, added: 1, cut: false };
        assert_eq!(found(&[far, b, c, d]).await, one, "{format:?}");
        assert_eq!(found(&[a, b, (c.0, 4, c.2), d]).await, one, "{format:?}");
        assert_eq!(found(&[a, b, c]).await, Difference { added: 0, ..one }, "{format:?}: twice is not once");
        assert_eq!(found(&[a, a, b, c, d]).await, Difference { missing: 0, ..one }, "{format:?}");
        assert_eq!(
            compare(written(answer(&[]), format).await, answer(&[])).await.unwrap(),
            Difference { rows: 0, missing: 0, added: 0, cut: false },
            "{format:?}"
        );
    }
}

/// Rows inside CKAN's envelope have lines of their own; what is like its head may be a row, too.
#[tokio::test]
async fn rows_in_an_envelope_are_compared_too() {
    let compared = async |text: &str| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        compare(file, answer(&[ROWS[1]])).await
    };
    let head = "{\"help\":\"x\",\"success\":true,\"result\":{\"total\":1,\"records\":[";
    let row = "{\"text\":null,\"number\":2,\"data\":null}";
    let same = Difference { rows: 1, missing: 0, added: 0, cut: false };
    assert_eq!(compared(&format!("{head}\n{row}\n]}}}}\n")).await.unwrap(), same);
    let two = compared(&format!("{head}\n{row},\n{row}\n]}}}}\n")).await.unwrap();
    assert_eq!(two, Difference { rows: 2, missing: 1, ..same });
    assert_eq!(
        compared(&format!("{head}\n\n]}}}}\n")).await.unwrap(),
        Difference { rows: 0, added: 1, ..same }
    );
    assert!(compared("{\"help\":\"a row\"}\n").await.is_err());
    assert!(compared("PK\u{3}\u{4}").await.is_err(), "a sheet is not compared");
}

/// Whoever sends one line of a large file has the whole of it read again, and no more of that than is bounded is kept.
#[tokio::test]
async fn of_what_comes_again_beyond_the_answer_little_is_read_and_nothing_strange_is_kept() {
    let batches = Arc::new(AtomicU64::new(0));
    let again = |row: (Option<&'static str>, i64, Option<f64>)| {
        let read = Arc::clone(&batches);
        let rows = [row; 10_000];
        let batch = answer(&rows).records.next().now_or_never().unwrap().unwrap().unwrap();
        let records = stream::repeat_with(move || {
            read.fetch_add(1, Ordering::Relaxed);
            Ok(batch.clone())
        });
        QueryAnswer { records: records.take(1_000).boxed(), ..answer(&rows) }
    };
    // Rows like none of the answer, and rows that differ from one of its rows in a float alone.
    for row in [(Some("别人"), 9, None), (ROWS[2].0, ROWS[2].1, Some(7.5)), ROWS[2]] {
        batches.store(0, Ordering::Relaxed);
        let file = written(answer(&ROWS), Format::JsonLines).await;
        let found = compare(file, again(row)).await.unwrap();
        assert_eq!(found, Difference { rows: 4, missing: 0, added: 109_996, cut: true }, "{row:?}");
        assert_eq!(batches.load(Ordering::Relaxed), 11, "{row:?}");
    }
    let mut rows = super::Rows::new(&answer(&ROWS).schema);
    for number in 0..1_000 {
        rows.add([number.to_string().as_str(), "1", "0.5"].into_iter(), false).unwrap();
    }
    assert_eq!((rows.known.len(), rows.unmatched()), (0, (0, 1_000)));
}

#[test]
fn what_no_order_decides_is_named() {
    for decided in ["select a from t order by a", "select sum(a), max(b) from t group by c"] {
        assert_eq!(leaves_open(decided).unwrap(), None, "{decided}");
    }
    for open in [
        "select a from t limit 1",
        "select * from (select a from t order by a limit 3) x",
        "select array_agg(a) from t",
        "select First_Value(a) from t",
    ] {
        assert!(leaves_open(open).unwrap().is_some(), "{open}");
    }
}

/// No query is volatile: a function that gives another value each time is not offered at all.
#[test]
fn no_function_that_is_offered_is_volatile() {
    use datafusion::logical_expr::Volatility;
    let is_volatile = |volatility| volatility == Volatility::Volatile;
    for function in datafusion::execution::SessionStateDefaults::default_scalar_functions() {
        let offered = crate::functions::is_offered("scalar", function.name());
        assert!(!offered || !is_volatile(function.signature().volatility), "{}", function.name());
    }
    for function in datafusion::execution::SessionStateDefaults::default_aggregate_functions() {
        let offered = crate::functions::is_offered("aggregate", function.name());
        assert!(!offered || !is_volatile(function.signature().volatility), "{}", function.name());
    }
}
