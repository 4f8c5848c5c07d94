//! The attacks of `attacks.jsonl`: the governed table must answer as the copy does, in rows and in errors.
//!
//! All callers ask one engine in turn, so that what one leaves in its caches meets the next one.

use std::time::Duration;

use arrow::util::pretty::pretty_format_batches_with_schema;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;
use serde::Deserialize;

use super::fixture::{session, store_url};
use super::world::{CALLERS, Memory, WAYS, Way, World, context};
use crate::table::StoredTable;
use crate::{Limits, OpenTable, QueryEngine, QueryRequest};

#[derive(Deserialize)]
struct Attack {
    /// The way by which something might leak.
    channel: String,
    sql: String,
    /// The code with which it is refused; without one it is answered as on the copy.
    code: Option<String>,
    /// Whether the order of rows counts, so that both run in one partition.
    #[serde(default)]
    ordered: bool,
    /// Whether it runs under tight limits.
    #[serde(default)]
    tight: bool,
}

fn attacks() -> Vec<Attack> {
    include_str!("attacks.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Column names and types with all rows as text, or the code of the error.
pub(super) async fn outcome(
    engine: &QueryEngine,
    caller: &str,
    sql: &str,
    ordered: bool,
) -> Result<String, String> {
    let shown = |error: catalog_core::Error| {
        let text = format!("{error} {:?}", error.internal_cause());
        assert!(!text.contains("HIDDEN"), "an error shows a hidden row: {text}");
        error.code.to_string()
    };
    let answer = engine.run(&context(caller), QueryRequest::Sql(sql.to_owned())).await.map_err(shown)?;
    let schema = answer.schema;
    let batches: Vec<_> = answer.records.try_collect().await.map_err(shown)?;
    let table = pretty_format_batches_with_schema(schema.clone(), &batches).unwrap().to_string();
    let mut lines: Vec<&str> = table.lines().collect();
    if !ordered {
        lines.sort_unstable();
    }
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    Ok(format!("{types:?}\n{}", lines.join("\n")))
}

fn tight(world: &World, tables: &std::sync::Arc<Memory>, way: Way) -> QueryEngine {
    let limits =
        Limits { time: Duration::from_millis(1500), memory: 8 << 20, rows: 100_000, ..Limits::default() };
    QueryEngine::new(crate::EngineParts { limits, ..world.parts(tables, way, 3) }).unwrap()
}

#[tokio::test]
async fn every_attack_meets_the_copy() {
    let world = World::new(400);
    let mut different = Vec::new();
    for way in WAYS {
        let engines = [1, 3].map(|partitions| world.engine(way, partitions));
        let oracles = [1, 3].map(|partitions| world.oracle(way, partitions));
        for attack in attacks().iter().filter(|attack| !attack.tight) {
            let place = usize::from(!attack.ordered);
            for caller in CALLERS {
                let seen = outcome(&engines[place], caller, &attack.sql, attack.ordered).await;
                let expected = outcome(&oracles[place], caller, &attack.sql, attack.ordered).await;
                let refused = attack.code.as_ref().is_none_or(|code| seen.as_ref().err() == Some(code));
                if seen != expected || !refused || seen.as_ref().err().is_some_and(|code| code == "internal")
                {
                    let Attack { channel, sql, .. } = attack;
                    different.push(format!(
                        "[{channel}] {sql}\n  {caller}, {way:?}\n  seen {seen:?}\n  copy {expected:?}"
                    ));
                }
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

#[tokio::test]
async fn attacks_on_resources_end_at_their_limit() {
    let world = World::new(400);
    for way in WAYS {
        for tables in [&world.governed, &world.copies] {
            let engine = tight(&world, tables, way);
            for attack in attacks().iter().filter(|attack| attack.tight) {
                let seen = outcome(&engine, "rows", &attack.sql, false).await;
                assert_eq!(seen.err(), attack.code, "{}", attack.sql);
            }
            let again = outcome(&engine, "rows", "select count(*) from city.penalties", false).await;
            assert!(again.is_ok(), "an exhausted query took the engine along: {again:?}");
        }
    }
}

#[test]
fn the_suite_is_broad() {
    let attacks = attacks();
    let channels: std::collections::BTreeSet<&str> =
        attacks.iter().map(|attack| attack.channel.as_str()).collect();
    assert!(
        attacks.len() >= 300 && channels.len() >= 25,
        "{} attacks, {} channels",
        attacks.len(),
        channels.len()
    );
}

/// The same question to a plain view over everything and to the copy, without any of the engine's doing.
async fn plain(
    world: &World,
    open: &OpenTable,
    view: Option<&str>,
    attack: &Attack,
    pushdown: bool,
) -> String {
    let ctx: SessionContext = session(&world.folder, pushdown);
    ctx.sql("create schema city").await.unwrap();
    let table = |open: &OpenTable| StoredTable::new(store_url(), open.files.clone(), &open.schema);
    let counties = world.governed.table("rows", "counties");
    ctx.register_table("city.counties", std::sync::Arc::new(table(&counties))).unwrap();
    let name = if view.is_some() { "source" } else { "city.penalties" };
    ctx.register_table(name, std::sync::Arc::new(table(open))).unwrap();
    if let Some(view) = view {
        ctx.sql(&format!("create view city.penalties as {view}")).await.unwrap();
    }
    let answered = async { ctx.sql(&attack.sql).await?.collect().await };
    match answered.await {
        Ok(batches) => {
            let table = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
            let mut lines: Vec<&str> = table.lines().collect();
            if !attack.ordered {
                lines.sort_unstable();
            }
            lines.join("\n")
        }
        Err(error) => error.to_string(),
    }
}

/// Policies as a view writes them. What the optimizer does with a query's filter depends on the policy's.
const VIEWS: [&str; 4] =
    ["dept = 'A'", "name not like 'HID%'", "dept <> 'B' and name like '%'", "name like '%' and dept = 'A'"];

/// Whether a plain view answers the attack otherwise than the copy does.
async fn bites(world: &World, attack: &Attack) -> bool {
    let (all, copy) = (world.governed.table("rows", "penalties"), world.copies.table("rows", "penalties"));
    for pushdown in [false, true] {
        let expected = plain(world, &copy, None, attack, pushdown).await;
        for filter in VIEWS {
            let view = format!("select id, secret, amt, money, name, day, county from source where {filter}");
            if plain(world, &all, Some(&view), attack, pushdown).await != expected {
                return true;
            }
        }
    }
    false
}

/// Without a barrier many of the attacks succeed: the suite attacks something.
#[tokio::test]
async fn the_attacks_bite_a_plain_view() {
    let channels =
        ["cast", "division", "overflow", "date", "array", "regex", "dynamic filter", "scalar subquery"];
    let world = World::new(400);
    let mut biting = Vec::new();
    for attack in attacks().iter().filter(|attack| channels.contains(&attack.channel.as_str())) {
        if bites(&world, attack).await {
            biting.push(attack.sql.clone());
        }
    }
    assert!(biting.len() >= 30, "only {} attacks show anything on a plain view: {biting:#?}", biting.len());
}
