use std::collections::{BTreeMap, HashMap};

use catalog_core::ErrorCode;
use catalog_core::services::VersionSelector;
use proptest::prelude::*;

use super::*;

fn parse(sql: &str) -> catalog_core::Result<Box<datafusion::sql::sqlparser::ast::Query>> {
    guard::parse(sql).map(|parsed| parsed.query)
}

fn code(sql: &str) -> ErrorCode {
    parse(sql).unwrap_err().code
}

#[test]
fn exactly_one_query_passes() {
    for good in [
        "select 1",
        "select 1;",
        "with a as (select 1 as x) select x from a union all select 2",
        "select 姓名 from 公安局.人口 where 区划 = '360481' order by 1 limit 3",
        "select * from a.b version as of 3 t join (values (1), (2)) v(x) on t.x = v.x",
        "select sum(x) filter (where x > 1) over (partition by y order by z rows 3 preceding) from a.b",
        "select * from generate_series(-10, 1000, 7)",
    ] {
        assert!(parse(good).is_ok(), "{good}: {:?}", parse(good).err());
    }
    assert_eq!(code(""), ErrorCode::SqlSyntax);
    assert_eq!(code("-- nothing"), ErrorCode::SqlSyntax);
    assert_eq!(code("select 'open"), ErrorCode::SqlSyntax);
    assert_eq!(code("selec 1"), ErrorCode::SqlSyntax);
    assert_eq!(code("select 1; select 2"), ErrorCode::SqlUnsupported);
    assert_eq!(code("drop table a.b"), ErrorCode::SqlUnsupported);
}

#[test]
fn long_and_deep_texts_are_refused_by_code() {
    assert_eq!(code(&"x".repeat(1 << 20)), ErrorCode::LimitSql);
    let deep = |levels: usize| format!("select {}1{}", "(".repeat(levels), ")".repeat(levels));
    assert_eq!(code(&deep(400)), ErrorCode::LimitSql);
    assert_eq!(code(&deep(10_000)), ErrorCode::LimitSql);
    assert_eq!(code(&format!("select 1{}", " + 1".repeat(10_000))), ErrorCode::LimitSql);
    let nots = code(&format!("select {} 1", "not ".repeat(900)));
    assert!(matches!(nots, ErrorCode::LimitSql | ErrorCode::SqlSyntax), "{nots}");
    assert_eq!(code(&format!("select '{}'", "x".repeat(9000))), ErrorCode::SqlUnsupported);
    let list = |values: usize| (0..values).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let listed = |values: usize| format!("select 1 from a.b where id in ({})", list(values));
    assert!(parse(&listed(5_000)).is_ok(), "a long list is flat");
    assert_eq!(code(&listed(5_001)), ErrorCode::LimitSql);
    for operator in ["||", "+", "and"] {
        let chain =
            |operands: usize| format!("select {}", vec!["x"; operands].join(&format!(" {operator} ")));
        assert!(parse(&chain(200)).is_ok(), "{operator}");
        assert_eq!(code(&chain(201)), ErrorCode::LimitSql, "{operator}");
    }
}

/// WITH items, each naming the one before it twice.
fn doubling(items: usize) -> String {
    let item = |n: usize| format!(", \"C{}\" as (select 1 as x from c{n} a, (select x from C{n}) b)", n + 1);
    let items: String = (0..items).map(item).collect();
    format!("with c0 as (select 1 as x){items} select x from c1")
}

#[test]
fn what_grows_in_planning_is_refused_before() {
    assert!(parse(&doubling(6)).is_ok());
    assert_eq!(code(&doubling(8)), ErrorCode::LimitSql);
    assert_eq!(code(&doubling(60)), ErrorCode::LimitSql);
    let tables = |count: usize| {
        let tables: Vec<String> = (0..count).map(|n| format!("a.b t{n}")).collect();
        format!("select 1 from {}", tables.join(", "))
    };
    assert!(parse(&tables(399)).is_ok());
    assert_eq!(code(&tables(400)), ErrorCode::LimitSql);
    let columns = |count: usize| vec!["1"; count].join(", ");
    assert!(parse(&format!("select {}", columns(1_000))).is_ok());
    for long in [
        format!("select {}", columns(1_001)),
        format!("select 1 as a order by {}", columns(1_001)),
        format!("select 1 from a.b group by {}", columns(1_001)),
        format!("select concat({})", columns(1_001)),
        format!("select sum(1) over (partition by {}) from a.b", columns(1_001)),
        format!("select sum(1) over (order by {}) from a.b", columns(1_001)),
        format!(
            "select * from (select {0}) a, (select {0}) b, (select {0}) c, (select {0}) d",
            columns(1_000)
        ),
    ] {
        assert_eq!(code(&long), ErrorCode::LimitSql);
    }
    let shadowed = "with c as (select 1 as x from a.b, a.b y), d as (with c as (select 2 as x) select * from c) \
                    select * from c, d";
    assert!(parse(shadowed).is_ok());
}

#[test]
fn sets_of_grouping_columns_are_few() {
    let grouped = |by: &str| format!("select count(*) from a.b group by {by}");
    let columns = |count: usize| (0..count).map(|n| format!("col_{n}")).collect::<Vec<_>>().join(", ");
    let [ten, many] = [columns(10), columns(40)];
    for good in [
        columns(900),
        format!("cube({ten})"),
        format!("x, rollup({many})"),
        format!("grouping sets (({ten}), ({ten}), ())"),
    ] {
        assert!(parse(&grouped(&good)).is_ok(), "{good}: {:?}", parse(&grouped(&good)).err());
    }
    for bad in [
        format!("cube({many})"),
        format!("cube({})", columns(100)),
        format!("cube({ten}), cube(x, y)"),
        format!("rollup({many}), rollup({many})"),
        format!("rollup({})", columns(900)),
        format!("cube({ten}), {}", columns(400)),
    ] {
        assert_eq!(code(&grouped(&bad)), ErrorCode::LimitSql, "{bad}");
    }
}

#[test]
fn series_are_short_and_known_beforehand() {
    for long in [
        "generate_series(1, 1000002)",
        "generate_series(-9223372036854775808, 9223372036854775807)",
        "generate_series(-170141183460469231731687303715884105728, 170141183460469231731687303715884105727)",
        "generate_series(1, 10, 0)",
        "generate_series(1, x)",
        "range(99999999999)",
    ] {
        assert_eq!(code(&format!("select * from {long}")), ErrorCode::SqlUnsupported, "{long}");
    }
}

#[test]
fn tables_are_collected_once_with_their_versions() {
    let sql = "with c as (select * from x.y) select * from X.Y a, \"X\".y, x.y version as of 2, c \
               where exists (select 1 from z.w timestamp as of '2026-01-31')";
    let uses = table_uses(&mut parse(sql).unwrap()).unwrap();
    let named: Vec<_> = uses.iter().map(|table| (table.department.as_str(), table.name.as_str())).collect();
    assert_eq!(named, [("x", "y"), ("X", "y"), ("x", "y"), ("z", "w")]);
    assert_eq!(uses[2].version, VersionSelector::Number(2));
    let VersionSelector::At(end_of_day) = uses[3].version else { panic!("{:?}", uses[3]) };
    assert_eq!(end_of_day.to_string(), "2026-01-31T15:59:59.999999Z");
    for unknown in ["select 1 from y", "select 1 from a.b.c", "select 1 from a.b.c.d"] {
        assert_eq!(table_uses(&mut parse(unknown).unwrap()).unwrap_err().code, ErrorCode::UnknownTable);
    }
}

#[test]
fn a_table_is_called_by_its_code_too() {
    let uses =
        |table: &str| table_uses(&mut parse(&format!("select t.x from {table} version as of 2 t")).unwrap());
    let code = catalog_core::ResourceCode::new("301001/000001").unwrap();
    for table in ["\"301001-000001\"", "\"301001/000001\"", "\"301001-000001-csv\""] {
        let [found] = uses(table).unwrap().try_into().unwrap();
        assert_eq!(found.version, VersionSelector::Number(2));
        assert_eq!(found.table_name(), crate::TableName::Code(code.clone()), "{table}");
    }
    for table in ["\"301001\"", "\"901001-000001\"", "\"301001-000001-exe\""] {
        assert!(uses(table).is_err(), "{table}");
    }
    let shadow = "with \"301001-000001\" as (select 1 as x) select x from \"301001-000001\"";
    assert_eq!(table_uses(&mut parse(shadow).unwrap()).unwrap_err().code, ErrorCode::SqlUnsupported);
}

fn renamed(sql: &str) -> catalog_core::Result<(String, Shown)> {
    let titles = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(title, column)| ((*title).to_owned(), (*column).to_owned())).collect()
    };
    let table = |name: &str| TableUse {
        department: "d".to_owned(),
        name: name.to_owned(),
        version: VersionSelector::Latest,
    };
    let resolved = |name: &str, titles| Resolved { reference: ["d".to_owned(), format!("{name}@1")], titles };
    let mut tables = HashMap::from([
        (table("p"), resolved("p", titles(&[("姓名", "name"), ("号", "id")]))),
        (table("q"), resolved("q", titles(&[("姓名", "full_name")]))),
    ]);
    let mut query = parse(sql)?;
    let used = table_uses(&mut query)?;
    tables.retain(|table, _| used.contains(table));
    let shown = rename(&mut query, &tables)?;
    Ok((query.to_string(), shown))
}

#[test]
fn chinese_names_become_machine_names() {
    let (sql, shown) = renamed("select 姓名, p.号, amt from d.p where \"姓名\" like '王%'").unwrap();
    assert_eq!(sql, r#"SELECT "name", p."id", amt FROM "d"."p@1" AS p WHERE "name" LIKE '王%'"#);
    assert_eq!(shown, named(&[("name", "姓名"), ("id", "号")]));
    let (sql, _) = renamed("select a.姓名, b.姓名 from d.p a join d.q b on a.号 = b.id").unwrap();
    assert!(sql.contains(r#"a."name", b."full_name""#), "{sql}");
    assert_eq!(renamed("select 姓名 from d.p, d.q").unwrap_err().code, ErrorCode::UnknownColumn);
    let (sql, _) = renamed("select d.p.号, d.p.* from d.p").unwrap();
    assert!(sql.contains(r##"p."id" AS "id #0", p.*"##), "{sql}");
    let (sql, shown) = renamed("select x.姓名 from (select 号 as 姓名 from d.p) x").unwrap();
    assert!(sql.contains("x.姓名") && shown.is_empty(), "{sql} {shown:?}");
}

fn named(pairs: &[(&str, &str)]) -> Shown {
    pairs.iter().map(|(planned, wanted)| ((*planned).to_owned(), (*wanted).to_owned())).collect()
}

#[test]
fn columns_are_told_apart_and_called_as_written() {
    let (sql, shown) = renamed("select a.姓名, b.name, Count(*), 1, 1 from d.p a, d.p b").unwrap();
    let list = r##"SELECT a."name", b.name AS "name #1", Count(*), 1 AS "1", 1 AS "1 #4" FROM"##;
    assert!(sql.starts_with(list), "{sql}");
    let changed = [("name", "姓名"), ("name #1", "name"), ("count(*)", "Count(*)"), ("1 #4", "1")];
    assert_eq!(shown, named(&changed));
    let (sql, shown) = renamed("select *, p.号, amt as x from d.p union select 2, 2 + 2").unwrap();
    assert!(sql.starts_with(r##"SELECT *, p."id" AS "id #1", amt AS x FROM"##), "{sql}");
    assert!(sql.ends_with(r#"SELECT 2 AS "2", 2 + 2 AS "2 + 2""#), "{sql}");
    assert_eq!(shown, named(&[("id #1", "号")]));
    let (sql, _) = renamed("with c as (select 号 + 1 from d.p) select * from c order by 1").unwrap();
    assert!(sql.contains(r#""id" + 1 AS "号 + 1""#), "{sql}");
    let long = format!("select {} from d.p", vec!["amt"; 150].join(" + "));
    assert!(renamed(&long).unwrap().0.len() < long.len() + 200);
}

#[test]
fn names_become_unique_without_taking_one_that_is_there() {
    let unique = |names: &[&str]| unique(names.iter().map(|name| (*name).to_owned()).collect()).join(" ");
    assert_eq!(unique(&["k", "name", "k", "k_1", "k"]), "k name k_2 k_1 k_3");
    assert_eq!(unique(&["a", "a_1", "a_1"]), "a a_1 a_1_1");
    let many = vec!["1"; 100_000];
    assert!(unique(&many).ends_with(" 1_99999"));
}

proptest! {
    #[test]
    fn no_text_panics(sql in "\\PC{0,200}") {
        let _ = parse(&sql).map(|mut query| table_uses(&mut query));
    }

    #[test]
    fn no_sequence_of_words_panics(words in proptest::collection::vec(proptest::sample::select(vec![
        "select", "from", "where", "join", "(", ")", ",", "a.b", "x", "1", "'t'", "*", "as", "with", "union", "over",
        "partition by", "order by", "limit", "case", "when", "end", "not", "in", "version as of", "generate_series",
    ]), 0..40)) {
        let _ = parse(&words.join(" ")).map(|mut query| table_uses(&mut query));
    }
}
