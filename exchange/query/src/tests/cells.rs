//! Statistics-only grants beside a computation that knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
};
use arrow::datatypes::{Decimal128Type, Int64Type};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::attacks::outcome;
use super::fixture::{cell, kept, schema};
use super::world::{Way, World};

/// County and name of a cell.
type Place = (Option<String>, Option<String>);

/// What of one cell is added up.
#[derive(Default)]
struct Cell {
    records: i64,
    subjects: BTreeSet<String>,
    amount: Summed,
    money: Summed,
}

/// A sum and the subjects who have a part in it.
#[derive(Default)]
struct Summed {
    subjects: BTreeSet<String>,
    sum: Option<i128>,
}

impl Summed {
    fn add(&mut self, subject: Option<String>, value: i128) {
        self.subjects.extend(subject);
        *self.sum.get_or_insert(0) += value;
    }
}

/// The cells of department A's penalties by name and county: records, subjects by `secret`, sums of `amt` and `money`.
pub(super) fn naive(batch: &RecordBatch, least: usize) -> RecordBatch {
    let batch = kept(batch, &|batch, row| cell(batch, "dept", row).as_deref() == Some("A"));
    let amounts = batch.column_by_name("amt").unwrap().as_primitive::<Int64Type>();
    let moneys = batch.column_by_name("money").unwrap().as_primitive::<Decimal128Type>();
    let mut cells: BTreeMap<Place, Cell> = BTreeMap::new();
    for row in 0..batch.num_rows() {
        let known = cells.entry((cell(&batch, "county", row), cell(&batch, "name", row))).or_default();
        known.records += 1;
        let subject = cell(&batch, "secret", row);
        known.subjects.extend(subject.clone());
        if amounts.is_valid(row) {
            known.amount.add(subject.clone(), i128::from(amounts.value(row)));
        }
        if moneys.is_valid(row) {
            known.money.add(subject, moneys.value(row));
        }
    }
    cells.retain(|_, cell| cell.subjects.len() >= least);
    let text = |of: fn(&Place) -> Option<String>| -> ArrayRef {
        Arc::new(cells.keys().map(of).collect::<StringArray>())
    };
    let sum = |scale: i8, of: fn(&Cell) -> &Summed| -> ArrayRef {
        let of_enough = |summed: &Summed| summed.sum.filter(|_| summed.subjects.len() >= least);
        let sums: Decimal128Array = cells.values().map(|cell| of_enough(of(cell))).collect();
        Arc::new(sums.with_precision_and_scale(38, scale).unwrap())
    };
    let records: Int64Array = cells.values().map(|cell| cell.records).collect();
    let subjects: Int64Array =
        cells.values().map(|cell| i64::try_from(cell.subjects.len()).unwrap()).collect();
    RecordBatch::try_from_iter_with_nullable(vec![
        ("name", text(|key| key.1.clone()), true),
        ("county", text(|key| key.0.clone()), true),
        ("record_count", Arc::new(records) as ArrayRef, true),
        ("subject_count", Arc::new(subjects) as ArrayRef, false),
        ("amt_sum", sum(0, |cell| &cell.amount), true),
        ("money_sum", sum(2, |cell| &cell.money), true),
    ])
    .unwrap()
}

/// One penalty: department, subject, amount, money in cents, name, county.
type Penalty = (bool, Option<u8>, Option<i64>, Option<i64>, Option<u8>, Option<u8>);

fn batch(rows: &[Penalty]) -> RecordBatch {
    let text = |of: &dyn Fn(&Penalty) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let money: Decimal128Array = rows.iter().map(|row| row.3.map(i128::from)).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new((0..rows.len() as i64).collect::<Int64Array>()),
        text(&|row| Some(if row.0 { "A" } else { "B" }.to_owned())),
        text(&|row| row.1.map(|subject| format!("s{subject}"))),
        Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()),
        Arc::new(money.with_precision_and_scale(18, 2).unwrap()),
        text(&|row| row.4.map(|name| format!("n{name}"))),
        Arc::new(rows.iter().map(|_| Some(20_000)).collect::<Date32Array>()),
        text(&|row| row.5.map(|county| format!("c{county}"))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Whatever the rows are, SQL over the cells is SQL over the naive table, sums beyond 64 bits included.
#[test]
fn cells_are_those_of_a_naive_computation() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let amount = prop_oneof![Just(i64::MAX), Just(i64::MIN), -5..5_i64];
    let row = (
        prop::bool::weighted(0.8),
        prop::option::weighted(0.9, 0..6_u8),
        prop::option::weighted(0.9, amount),
        prop::option::weighted(0.9, -10i64.pow(17)..10i64.pow(17)),
        prop::option::weighted(0.9, 0..2_u8),
        prop::option::weighted(0.9, 0..2_u8),
    );
    let cases = (prop::collection::vec(row, 2..60), 2..6_u32);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&cases, |(rows, least)| {
        let world = World::of_cells(&batch(&rows), least);
        for sql in [
            "select * from city.cells",
            "select county, sum(record_count), sum(amt_sum), max(money_sum) from city.cells group by county",
            "select count(*) from city.cells where name = 'n1' and record_count > 3",
        ] {
            let expected = runtime.block_on(outcome(&world.oracle(Way::Pushdown, 2), "rows", sql, false));
            prop_assert!(expected.is_ok());
            for way in [Way::Pushdown, Way::AtHand] {
                let seen = runtime.block_on(outcome(&world.engine(way, 2), "rows", sql, false));
                prop_assert_eq!(&seen, &expected, "{:?}: {}", way, sql);
            }
        }
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

/// Where one subject alone has a measure, the sum would be that subject's.
#[tokio::test]
async fn a_sum_to_which_too_few_have_a_part_is_not_shown() {
    let rows: Vec<Penalty> = (0..6_u8)
        .map(|n| (true, Some(n), (n == 3).then_some(777), (n > 2).then_some(1), Some(1), Some(1)))
        .collect();
    let world = World::of_cells(&batch(&rows), 3);
    let sql = "select subject_count, amt_sum is null, money_sum from city.cells";
    let seen = outcome(&world.engine(Way::Pushdown, 2), "rows", sql, false).await.unwrap();
    assert!(seen.contains("6") && seen.contains("true") && seen.contains("0.03"), "{seen}");
}

/// Cells come in the order of what they show, whatever the order of the rows is.
#[tokio::test]
async fn the_order_of_cells_tells_nothing() {
    let rows: Vec<Penalty> =
        (0..40_u8).map(|n| (true, Some(n), Some(1), None, Some(n % 3), Some(9 - n % 5))).collect();
    let reversed: Vec<Penalty> = rows.iter().rev().copied().collect();
    let mut seen = BTreeSet::new();
    for rows in [rows, reversed] {
        let world = World::of_cells(&batch(&rows), 2);
        for way in [Way::Pushdown, Way::AtHand] {
            let engine = world.engine(way, 3);
            let answer = outcome(&engine, "rows", "select name, county from city.cells", true).await;
            seen.insert(answer.unwrap());
        }
    }
    assert_eq!(seen.len(), 1, "{seen:?}");
}
