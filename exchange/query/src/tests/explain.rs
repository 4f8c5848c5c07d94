//! EXPLAIN of other people's data says nothing of the policy; of one's own it says all but where the files lie.

use std::sync::Arc;

use arrow::array::AsArray;
use futures::TryStreamExt;
use serde_json::json;

use super::fixture::penalties;
use super::world::{Memory, Way, World, context, stored};
use crate::{QueryEngine, QueryRequest};

const QUERIES: [&str; 6] = [
    "explain select * from city.penalties",
    "explain select name, count(*) from city.penalties where amt > 5 and cast(secret as int) > 0 group by name",
    "explain select p.id, c.k from city.penalties p join city.counties c on p.county = c.code order by p.day limit 3",
    "explain with t as (select amt / 10 as tens from city.penalties) select tens from t where tens in (1, 2)",
    "explain select id from city.penalties where county like '36%' and money is not null",
    "explain select count(*) from city.penalties where exists (select 1 from city.counties where k = amt)",
];

async fn explained(engine: &QueryEngine, sql: &str) -> Vec<(String, String)> {
    let answer = engine.run(&context("rows"), QueryRequest::Sql(sql.to_owned())).await.unwrap();
    assert!(!answer.sources.is_empty(), "evidence names what the plan is of");
    let batches: Vec<_> = answer.records.try_collect().await.unwrap();
    let (kinds, plans) = (batches[0].column(0).as_string::<i32>(), batches[0].column(1).as_string::<i32>());
    kinds.iter().zip(plans).map(|(kind, plan)| (kind.unwrap().to_owned(), plan.unwrap().to_owned())).collect()
}

/// Other filters, other masks, other rows, and the same visible schema: the same words.
#[tokio::test]
async fn policies_with_one_visible_schema_explain_alike() {
    let items = json!(["id", "secret", "amt", "money", "name", "day", "county"]);
    let policies = [
        json!({"items": items, "filter": {"=": ["dept", "A"]}}),
        json!({"items": items, "filter": {"in": ["county", ["360481", "HIDDEN-7"]]}}),
        json!({"items": items, "masks": {"name": {"mask": "keep_last", "count": 1}, "county": {"mask": "keep_first", "count": 2}}}),
    ];
    let engines = policies.map(|terms| {
        let world = World::under(&terms, 90);
        (world.engine(Way::Pushdown, 2), world)
    });
    for sql in QUERIES {
        let texts = [
            explained(&engines[0].0, sql).await,
            explained(&engines[1].0, sql).await,
            explained(&engines[2].0, sql).await,
        ];
        assert_eq!(texts[0], texts[1], "{sql}");
        assert_eq!(texts[0], texts[2], "{sql}");
        let [(kind, plan)] = texts[0].as_slice() else { panic!("{texts:?}") };
        assert_eq!(kind, "logical_plan");
        for hidden in ["dept", "HIDDEN", "parquet", "part-", "Barrier", "keep", "rows="] {
            assert!(!plan.contains(hidden), "{hidden} in {plan}");
        }
    }
}

#[tokio::test]
async fn ones_own_plan_is_whole_and_names_no_object() {
    let world = World::new(90);
    let mut tables = Memory::default();
    tables.add("rows", "penalties", stored(&world.folder, "own", &penalties(90), "penalties"));
    let engine = QueryEngine::new(world.parts(&Arc::new(tables), Way::Pushdown, 2)).unwrap();
    let plans = explained(&engine, "explain select name from city.penalties where amt > 5").await;
    assert_eq!(
        plans.iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["logical_plan", "physical_plan"]
    );
    let physical = &plans[1].1;
    assert!(physical.contains("DataSourceExec: file_groups={2 groups}"), "{physical}");
    assert!(physical.contains("predicate=amt") && !physical.contains("part-"), "{physical}");
}
