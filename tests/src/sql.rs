//! SQL as departments and the public ask it: the files of `sql/`, one a topic, against a real server.
//!
//! `statement ok` with `as consumer` says who asks from then on: `provider`, `consumer`, `statistician` or `public`. An
//! error is compared as `code: message`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use catalog_core::Role;
use exchange_crypto::SigningKey;
use http::Method;
use serde_json::{Map, Value, json};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};

use crate::support::city::{City, ROWS, department, resource};
use crate::support::server::Call;

/// The city of the files.
struct World {
    city: City,
    /// 统计局, which sees cells alone.
    statistician: SigningKey,
}

impl World {
    /// Two versions of penalties, a list of counties, a survey that is 统计局's alone, and who may see what of them.
    async fn new() -> Self {
        let city = City::new().await;
        city.upload(&format!("{ROWS}A4,360481,张三(合成),8.00,四\n")).await;
        city.conditional_grant().await;
        let mut counties = resource();
        let items = counties["items"].as_array().unwrap();
        let named = |item: &Value, title: &str, column: &str| {
            let mut item = item.clone();
            (item["title"], item["column"]) = (json!(title), json!(column));
            item
        };
        let items = vec![named(&items[0], "代码", "code"), named(&items[1], "县区名称", "name")];
        counties["items"] = json!(items);
        counties["items"][1]["type"]["length"] = json!(40);
        (counties["code"], counties["sql_name"], counties["title"]) =
            (json!("301001/000002"), json!("counties"), json!("县区名录"));
        (counties["key"], counties["sort"]) = (json!(["code"]), json!([]));
        city.publish(&counties).await;
        city.upload_to("301001-000002", "code,name\n360481,瑞昌市\n360402,濂溪区\n").await;
        city.grant(&json!({
            "kind": "public", "resource": "301001/000002", "grantee": "public", "items": ["code", "name"],
            "legal_basis": "条例", "doors": ["sql"],
        }))
        .await;
        let tjj = department("tjj", "九江市统计局", "11360400MB0000003X");
        city.server.department(&tjj).await;
        let statistician = city.server.machine(&tjj).await;
        let mut survey = counties.clone();
        (survey["code"], survey["sql_name"]) = (json!("313001/000001"), json!("survey"));
        (survey["title"], survey["provider"]) = (json!("统计调查"), json!("tjj"));
        let editor = city.server.person("surveyor", Some(&tjj), &[Role::DirectoryEditor]).await;
        let reviewer = city.server.person("checker", Some(&tjj), &[Role::Reviewer]).await;
        city.publish_by(&survey, &editor, &reviewer).await;
        let rows = Call::new(Method::POST, "/api/v1/resources/313001-000001/data?publish=true&name=rows.csv");
        let rows = rows.body("code,name\n360481,瑞昌市\n", "text/csv").by(&statistician);
        city.server.send(rows).await.ok();
        city.grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "tjj"}, "items": ["county"],
            "statistics": {"measures": ["amount"], "subject": "person", "min_group": 2},
            "purpose": "统计", "legal_basis": "统计法", "doors": ["sql"],
        }))
        .await;
        Self { city, statistician }
    }

    fn key(&self, who: &str) -> Option<&SigningKey> {
        match who {
            "provider" => Some(&self.city.machine),
            "consumer" => Some(&self.city.consumer),
            "statistician" => Some(&self.statistician),
            "public" => None,
            _ => panic!("nobody is called {who}"),
        }
    }
}

/// The door as one caller after the other.
struct Door {
    world: Arc<World>,
    who: String,
}

/// A refusal as `code: message`.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

#[async_trait::async_trait]
impl AsyncDB for Door {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        if let Some(who) = sql.strip_prefix("as ") {
            who.trim().clone_into(&mut self.who);
            return Ok(DBOutput::StatementComplete(0));
        }
        let call = Call::post("/api/v1/sql?format=jsonl", &json!({ "sql": sql }));
        let call = match self.world.key(&self.who) {
            Some(key) => call.by(key),
            None => call,
        };
        let answer = self.world.city.server.send(call).await;
        if !answer.status.is_success() {
            return Err(Refused(format!("{}: {}", answer.code(), answer.json()["detail"])));
        }
        let row = |line: &str| {
            let row: Map<String, Value> = serde_json::from_str(line).unwrap();
            row.values().map(shown).collect()
        };
        let rows: Vec<Vec<String>> = answer.text().lines().map(row).collect();
        let types = vec![DefaultColumnType::Any; rows.first().map_or(0, Vec::len)];
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}
}

/// A value as the files write it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.replace('\n', "↵"),
        other => other.to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_of_sql_answers_as_written() {
    let world = Arc::new(World::new().await);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    let mut failures = Vec::new();
    for file in files {
        let mut runner = Runner::new(|| {
            let world = Arc::clone(&world);
            async move { Ok(Door { world, who: "public".to_owned() }) }
        });
        if let Err(failure) = runner.run_file_async(&file).await {
            failures.push(format!("{failure}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
