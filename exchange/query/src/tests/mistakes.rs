//! What is told of a wrong query, in full: words of ours, names that the caller sees, and nothing of hidden rows.

use catalog_core::{Error, ErrorCode};

use super::world::{Way, World, context};
use crate::{QueryEngine, QueryRequest};

async fn refusal(engine: &QueryEngine, caller: &str, sql: &str) -> Error {
    match engine.run(&context(caller), QueryRequest::Sql(sql.to_owned())).await {
        Err(error) => error,
        Ok(_) => panic!("{sql} was answered"),
    }
}

/// Queries with what is told of them.
const COLUMNS: [(&str, &str); 8] = [
    ("select nam from city.penalties", "there is no column nam; did you mean name"),
    (
        "select 姓 from 市局.处罚",
        "there is no column 姓; there are amt, county, day, id, money, name, secret",
    ),
    ("select 1 from city.penalties where 数里 > 1", "there is no column 数里; there are "),
    ("select x.name from city.penalties p", "there is no column x.name; write p.name"),
    ("select dept from city.penalties", "there is no column dept; there are amt, "),
    (
        "with c as (select id as number from city.penalties) select id from c",
        "there is no column id; there are number",
    ),
    (
        "with c as (select id as number from city.penalties) select nunber from c",
        "there is no column nunber; did you mean number",
    ),
    (
        "select id from city.penalties a, city.penalties b",
        "several tables of the query have a column id; write table.column",
    ),
];

const FORMS: [(&str, &str); 28] = [
    ("select repeat('x', 3)", "the function repeat is not offered; see /api/v1/sql/functions"),
    (
        "select substrng('x', 3)",
        "the function substrng is not offered; did you mean substr; see /api/v1/sql/functions",
    ),
    (
        "select \"Upper\"('x')",
        "the function Upper is not offered; did you mean upper; see /api/v1/sql/functions",
    ),
    ("select random()", "the function random is not offered; see /api/v1/sql/functions"),
    ("select unnest(array[1])", "the function unnest is not offered; see /api/v1/sql/functions"),
    (
        "select upper(name) over () from city.penalties",
        "upper is no window function and takes no OVER; see /api/v1/sql/functions",
    ),
    ("select row_number() from city.penalties", "a window function stands without OVER"),
    ("select sum(id) over w from city.penalties", "OVER names a window that the query does not define"),
    (
        "select name, count(*) from city.penalties",
        "a column is neither in GROUP BY nor within an aggregate function",
    ),
    (
        "select id from city.penalties having id > 1",
        "a column is neither in GROUP BY nor within an aggregate function",
    ),
    (
        "select distinct name from city.penalties order by id",
        "ORDER BY of a SELECT DISTINCT goes by what is not in the select list",
    ),
    ("select 1 union select 1, 2", "the queries of a set operation have different numbers of columns"),
    ("select 1 order by 7", "ORDER BY goes by a column number that the select list does not have"),
    (
        "select name from city.penalties group by 9",
        "GROUP BY goes by a column number that the select list does not have",
    ),
    (
        "select 1 from city.penalties where count(*) > 1",
        "an aggregate function stands in WHERE; write HAVING",
    ),
    (
        "select min(min(id)) from city.penalties",
        "an aggregate function stands within another; aggregate in a subquery first",
    ),
    ("select grouping(name) from city.penalties", "GROUPING takes columns of GROUP BY"),
    ("select *", "SELECT * needs a table"),
    ("select id from city.penalties limit -1", "LIMIT and OFFSET take whole numbers"),
    ("select cast(id as nonsense) from city.penalties", "CAST names a type that is not offered"),
    (
        "select id from city.penalties where name",
        "a condition is neither true nor false; compare it with a value",
    ),
    (
        "select (select id, amt from city.penalties)",
        "a subquery that stands for a value or a list gives one column",
    ),
    (
        "select name + 1 from city.penalties",
        "values of types that do not fit are compared or put together; convert them with CAST",
    ),
    (
        "select upper(1, 2)",
        "a function is called with arguments of a number or type that it does not take; see /api/v1/sql/functions",
    ),
    (
        "select sum(name) from city.penalties",
        "a function is called with arguments of a number or type that it does not take; see /api/v1/sql/functions",
    ),
    (
        "select * from (select code, code from city.counties)",
        "two columns of a select list have one name; give one of them another with AS",
    ),
    (
        "select *, upper(code) as code from city.counties",
        "two columns of a select list have one name; give one of them another with AS",
    ),
    (
        "select * from city.penalties p, lateral (select p.id) x",
        "this form of query is not offered; /api/v1/sql/dialect says what is",
    ),
];

#[tokio::test]
async fn a_wrong_query_is_told_in_words_of_ours() {
    let world = World::new(30);
    let engine = world.engine(Way::Pushdown, 2);
    for (sql, told) in COLUMNS {
        let error = refusal(&engine, "rows", sql).await;
        assert_eq!(error.code, ErrorCode::UnknownColumn, "{sql}: {}", error.message);
        assert!(error.message.starts_with(told), "{sql}: {}", error.message);
        assert!(!error.message.contains(", dept"), "a hidden column is told: {}", error.message);
    }
    for (sql, told) in FORMS {
        let error = refusal(&engine, "rows", sql).await;
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::SqlUnsupported, told), "{sql}");
    }
}

/// A constant that fails by itself is told; what fails on rows is not, even beside a sound constant.
#[tokio::test]
async fn only_a_constant_tells_why_it_fails() {
    let world = World::new(90);
    let no_value = "a constant of the query is no value of its type, as a date that does not exist";
    let by_zero = "a constant of the query divides by zero";
    let unknown = "the query failed on a value that it met; quote the request id to the operator";
    for (sql, told) in [
        ("select date '2024-02-30'", no_value),
        ("select interval 'x' from city.penalties", no_value),
        ("select cast('x' as int)", no_value),
        ("select 1/0", by_zero),
        ("select id from city.penalties where day = date '2024-02-30'", no_value),
        ("select id from city.penalties where id = 1/0", by_zero),
        ("select id from city.penalties where amt in (select k from city.counties where k > 5 % 0)", by_zero),
        ("select 1 / (amt - amt), date '2024-02-28' from city.penalties", unknown),
        ("select cast(name as int) from city.penalties where id > 1 + 1", unknown),
        ("select cast(max(name) as int) from city.penalties", unknown),
        ("select cast((select max(name) from city.penalties) as int)", unknown),
    ] {
        for caller in ["rows", "both"] {
            for engine in [world.engine(Way::Pushdown, 2), world.oracle(Way::Pushdown, 2)] {
                let error = refusal(&engine, caller, sql).await;
                assert_eq!((error.code, error.message.as_str()), (ErrorCode::QueryFailed, told), "{sql}");
            }
        }
    }
}

/// Queries with the columns of their answers.
const NAMES: [(&str, &str); 18] = [
    (
        "select distinct county, Count(*), sum(amt) from city.penalties group by county order by count(*), sum(amt)",
        "county|Count(*)|sum(amt)",
    ),
    ("select 1, 'x', NULL, -1", "1|'x'|NULL|-1"),
    ("select Count( * ), sum(数量) from city.penalties", "Count(*)|sum(数量)"),
    ("select 1 as a, 2 as a", "a|a_1"),
    ("select count(*), count(*) from city.penalties", "count(*)|count(*)_1"),
    ("select * from city.counties a join city.counties b on a.k = b.k", "code|k|code_1|k_1"),
    ("select a.*, b.* from city.counties a join city.counties b on a.k = b.k", "code|k|code_1|k_1"),
    ("select * from city.counties a join city.counties b using (k)", "code|k|code_1"),
    ("select a.code, b.code from city.counties a, city.counties b order by a.code, b.code", "code|code_1"),
    ("select code, code, k as code_1 from city.counties order by code", "code|code_2|code_1"),
    ("select *, code from city.counties order by code", "code|k|code_1"),
    ("select p.*, 区划 from city.penalties p", "id|secret|amt|money|name|day|county|区划"),
    (
        "select 姓名, name, upper(姓名) from city.penalties order by upper(姓名), name",
        "姓名|name|upper(姓名)",
    ),
    ("select distinct 姓名, 姓名 from city.penalties order by 姓名", "姓名|姓名_1"),
    ("select 1, 1 union all select 2, 2 order by 1", "1|1_1"),
    ("select * from (select count(*) from city.penalties)", "count(*)"),
    (
        "select county, sum(amt) from city.penalties group by county having sum(amt) > 0 order by sum(amt)",
        "county|sum(amt)",
    ),
    (
        "select county, grouping(county) from city.penalties group by rollup (county) order by 1",
        "county|grouping(county)",
    ),
];

#[tokio::test]
async fn columns_are_called_as_written_and_each_name_once() {
    let world = World::new(90);
    let engine = world.engine(Way::Pushdown, 2);
    for (sql, names) in NAMES {
        let answer = engine.run(&context("rows"), QueryRequest::Sql(sql.to_owned())).await;
        let schema = answer.unwrap_or_else(|error| panic!("{sql}: {error}")).schema;
        let seen: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(seen.join("|"), names, "{sql}");
    }
}
