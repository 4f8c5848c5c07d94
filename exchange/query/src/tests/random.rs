//! Random queries against the same oracle as the attacks.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::attacks::outcome;
use super::world::{CALLERS, WAYS, World};

/// Terms of a number: plain, or failing on hidden rows.
fn number() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("p.id".to_owned()),
        Just("p.amt".to_owned()),
        Just("cast(p.secret as int)".to_owned()),
        Just("1000 / p.amt".to_owned()),
        Just("cast(p.amt as int)".to_owned()),
        Just("length(p.name)".to_owned()),
        Just("c.k".to_owned()),
        Just("strpos(p.secret, '1')".to_owned()),
        (0..1000_i64).prop_map(|n| n.to_string()),
    ];
    leaf.prop_recursive(1, 3, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} + {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("coalesce({a}, {b})")),
            inner.prop_map(|a| format!("abs({a})")),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let values =
        ["p.secret", "p.name", "p.county", "c.code", "'31'", "'李娜'", "'360481'", "'HIDDEN'", "'5'"];
    proptest::sample::select(values.to_vec()).prop_map(str::to_owned)
}

fn condition() -> impl Strategy<Value = String> {
    let comparison = proptest::sample::select(vec!["=", "<>", "<", ">=", "is distinct from"]);
    let leaf = prop_oneof![
        (number(), comparison.clone(), number()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (text(), comparison, text()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        text().prop_map(|a| format!("{a} is not null")),
        text().prop_map(|a| format!("{a} like '%3%'")),
        text().prop_map(|a| format!("{a} in ('31', '62', '欧阳修', '420281')")),
        Just("p.secret !~ p.county".to_owned()),
        number().prop_map(|a| format!("{a} between 3 and 400")),
    ];
    leaf.prop_recursive(3, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

fn query() -> impl Strategy<Value = String> {
    let join = proptest::sample::select(vec![
        "join city.counties c on p.county = c.code",
        "left join city.counties c on p.amt = c.k",
        "join city.counties c on cast(p.secret as int) % 3 = c.k % 3",
        "cross join city.counties c",
    ]);
    let shape = prop_oneof![
        Just(("p.id, p.name, c.k", "")),
        Just(("count(*), min(p.id), max(p.amt)", "")),
        Just(("p.name, count(*), sum(p.amt)", "group by p.name")),
        Just(("distinct p.county, p.day", "")),
        Just(("p.id, c.k, p.secret", "order by p.id, c.k, p.secret limit 7")),
        Just(("p.id, c.k, row_number() over (order by p.id desc, c.k) as n", "")),
    ];
    (shape, join, condition()).prop_map(|((columns, end), join, condition)| {
        format!("select {columns} from city.penalties p {join} where {condition} {end}")
    })
}

#[test]
fn random_queries_meet_the_copy() {
    let world = World::new(150);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let engines = WAYS.map(|way| (world.engine(way, 2), world.oracle(way, 2)));
    let mut runner = TestRunner::new(Config { cases: 128, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&query(), |sql| {
        for (engine, oracle) in &engines {
            for caller in CALLERS {
                let seen = runtime.block_on(outcome(engine, caller, &sql, false));
                let expected = runtime.block_on(outcome(oracle, caller, &sql, false));
                prop_assert_eq!(seen, expected, "{}: {}", caller, sql);
            }
        }
        Ok(())
    });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
