//! The three ways to ask: behind the barrier, through plain views, in DuckDB.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::datatypes::DataType;
use async_trait::async_trait;
use catalog_core::dataset::Version;
use catalog_core::directory::{InformationItem, ItemKind, ItemType, Resource};
use catalog_core::policy::{BoundPolicy, Filter, GrantKind, GrantedPolicy, TypedLiteral};
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{OpContext, Role, SqlName, Timestamp, fixtures};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use exchange_crypto::MacKey;
use exchange_query::{
    EngineParts, IndexSecrets, Limits, OpenTable, QueryEngine, QueryRequest, Revocations, StoredFile,
    TableName, Tables,
};
use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;

use crate::city::Stored;

/// The column on which every policy filters, and the least value that it lets through: every row passes, and every row
/// is looked at.
fn policy_filter(department: &str) -> (&'static str, &'static str) {
    match department {
        "rsj" => ("id_number", "0"),
        _ => ("county_code", "0"),
    }
}

/// The engine as the product runs it, each table under a grant with a row filter.
pub(crate) struct Governed {
    engine: QueryEngine,
}

struct City(BTreeMap<String, OpenTable>);

#[async_trait]
impl Tables for City {
    async fn open(
        &self,
        _ctx: &OpContext,
        table: &TableName,
        _version: VersionSelector,
    ) -> catalog_core::Result<OpenTable> {
        let name = match table {
            TableName::Sql { department, name } => format!("{department}.{name}"),
            TableName::Code(code) => code.to_string(),
        };
        self.0.get(&name).cloned().ok_or_else(|| catalog_core::Error::not_found(name))
    }

    async fn readable(&self, _ctx: &OpContext) -> catalog_core::Result<Vec<OpenTable>> {
        Ok(self.0.values().cloned().collect())
    }
}

impl Governed {
    /// Over the files in a folder.
    pub(crate) fn new(folder: &Path, files: &[Stored]) -> Result<Self, Box<dyn Error>> {
        let mut tables = BTreeMap::new();
        for (number, stored) in files.iter().enumerate() {
            let name = format!("{}.{}", stored.department, stored.table.name());
            tables.insert(name, open_table(folder, number, stored)?);
        }
        let engine = QueryEngine::new(EngineParts {
            tables: Arc::new(City(tables)),
            objects: Arc::new(LocalFileSystem::new_with_prefix(folder)?),
            mask_key: MacKey::ephemeral()?,
            cursor_key: MacKey::ephemeral()?,
            limits: Limits { memory: 8 << 30, ..Limits::default() },
            revocations: Revocations::default(),
            partitions: None,
            parquet_pushdown: false,
            rows_at_hand: 0,
            lookups: folder.join("lookups"),
            index_secrets: IndexSecrets { current: MacKey::ephemeral()?, retired: None },
        })?;
        Ok(Self { engine })
    }

    /// Rows of the answer, all read.
    pub(crate) async fn ask(&self, sql: &str) -> Result<usize, Box<dyn Error>> {
        // Not the public, whose queries get one partition and an eighth of the memory.
        let roles = BTreeSet::from([Role::Analyst]);
        let ctx = exchange_auth::operator_context("bench", None, roles, "bench".to_owned(), Timestamp::now());
        let answer = self.engine.run(&ctx, QueryRequest::Sql(sql.to_owned())).await?;
        let batches: Vec<_> = answer.records.try_collect().await?;
        Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
    }
}

fn open_table(folder: &Path, number: usize, stored: &Stored) -> Result<OpenTable, Box<dyn Error>> {
    let resource = resource(number, stored)?;
    let mut policy = BoundPolicy::everything(&resource);
    let (column, least) = policy_filter(stored.department);
    policy.filter = Some(Filter::Ge(column.to_owned(), TypedLiteral::Text(least.to_owned())));
    let bytes = std::fs::metadata(folder.join(&stored.path))?.len();
    let version = Version {
        rows: i64::try_from(stored.rows)?,
        bytes: i64::try_from(bytes)?,
        ..fixtures::version(&resource.code, 1, Timestamp(0))
    };
    let granted = GrantedPolicy { grant: None, kind: GrantKind::Own, policy };
    let (path, sha256) = (stored.path.clone(), String::new());
    let file = StoredFile { path, bytes, rows: stored.rows, sha256 };
    let dataset = Dataset { resource, granted, version, until: None };
    Ok(OpenTable { dataset, schema: stored.table.schema(), files: vec![file], places: None })
}

fn resource(number: usize, stored: &Stored) -> Result<Resource, Box<dyn Error>> {
    let schema = stored.table.schema();
    let items = schema.fields().iter().map(|field| item(field.name(), field.data_type()));
    let name = stored.table.name();
    Ok(Resource {
        sql_name: SqlName::new(name)?,
        items: items.collect::<Result<_, _>>()?,
        ..fixtures::resource(stored.department, &format!("301001/{number}"), name)?
    })
}

fn item(name: &str, data_type: &DataType) -> catalog_core::Result<InformationItem> {
    let kind = match data_type {
        DataType::Decimal128(..) => ItemKind::Y,
        DataType::Date32 => ItemKind::D,
        DataType::Timestamp(..) => ItemKind::T,
        DataType::Int64 => ItemKind::I,
        DataType::Float64 => ItemKind::B,
        DataType::Boolean => ItemKind::L,
        _ => ItemKind::C,
    };
    Ok(InformationItem { item_type: ItemType::plain(kind), ..fixtures::item(name, name)? })
}

/// The same policies as plain views, which the optimizer inlines.
pub(crate) struct Plain {
    context: SessionContext,
}

impl Plain {
    /// Over the files in a folder.
    pub(crate) async fn new(folder: &Path, files: &[Stored]) -> Result<Self, Box<dyn Error>> {
        let context = SessionContext::new_with_config(SessionConfig::new());
        for stored in files {
            let (department, name) = (stored.department, stored.table.name());
            let path = folder.join(&stored.path).display().to_string();
            context.register_parquet(format!("raw_{name}"), path, ParquetReadOptions::default()).await?;
            let (column, least) = policy_filter(department);
            context.sql(&format!("create schema if not exists {department}")).await?.collect().await?;
            let view = format!(
                "create view {department}.{name} as select * from raw_{name} where {column} >= '{least}'"
            );
            context.sql(&view).await?.collect().await?;
        }
        Ok(Self { context })
    }

    /// Rows of the answer, all read.
    pub(crate) async fn ask(&self, sql: &str) -> Result<usize, Box<dyn Error>> {
        let batches = self.context.sql(sql).await?.collect().await?;
        Ok(batches.iter().map(arrow::array::RecordBatch::num_rows).sum())
    }
}

/// Seconds of each question in DuckDB, the fastest of the runs; `None` where its Python package is missing.
pub(crate) fn duckdb(
    folder: &Path,
    files: &[Stored],
    questions: &[(&str, &str)],
    runs: usize,
) -> Result<Option<BTreeMap<String, f64>>, Box<dyn Error>> {
    let views: Vec<_> = files
        .iter()
        .map(|stored| {
            let (column, least) = policy_filter(stored.department);
            let path = folder.join(&stored.path).display().to_string();
            (stored.department, stored.table.name(), path, column, least)
        })
        .collect();
    let input = serde_json::json!({ "views": views, "questions": questions, "runs": runs });
    let mut child = Command::new("python3")
        .args(["-c", include_str!("duckdb.py")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(stdin) = child.stdin.take() {
        serde_json::to_writer(stdin, &input)?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        eprintln!("DuckDB's Python package is not installed: no comparison with it");
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&output.stdout)?))
}
