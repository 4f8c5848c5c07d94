//! Tables as a past read saw them, and counts of what a table shows.

use async_trait::async_trait;
use catalog_core::policy::Filter;
use catalog_core::services::{PastRead, Services, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result};

use crate::answer::QueryAnswer;
use crate::catalog::CatalogTables;
use crate::engine::{Place, QueryEngine, QueryRequest};
use crate::selection::Selection;
use crate::sql;
use crate::tables::{OpenTable, TableName, Tables};

/// The tables of one past read: its versions, under its policies, whoever asks.
pub struct PastTables<'a> {
    /// The catalogue.
    pub tables: &'a CatalogTables,
    /// Finds the codes of SQL's names.
    pub services: &'a Services,
    /// The read.
    pub read: PastRead,
}

#[async_trait]
impl Tables for PastTables<'_> {
    async fn open(&self, _: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        let code = match table {
            TableName::Code(code) => code.clone(),
            TableName::Sql { department, name } => {
                let found = self.services.table_code(department, name).await?;
                found.ok_or_else(|| refused(&format!("no table is called {department}.{name} any more")))?
            }
        };
        self.tables.reopen(&self.read, &code, version).await
    }

    async fn readable(&self, _: &OpContext) -> Result<Vec<OpenTable>> {
        Err(refused("the query asks which tables there were: information_schema tells of now alone"))
    }
}

/// One table, by whatever name.
struct One(OpenTable);

#[async_trait]
impl Tables for One {
    async fn open(&self, _: &OpContext, _: &TableName, _: VersionSelector) -> Result<OpenTable> {
        Ok(self.0.clone())
    }

    async fn readable(&self, _: &OpContext) -> Result<Vec<OpenTable>> {
        Ok(Vec::new())
    }
}

impl QueryEngine {
    /// Answers a request of the past over its tables; the context's `now` is that of then.
    pub async fn run_again(
        &self,
        place: Place,
        ctx: &OpContext,
        tables: &PastTables<'_>,
        request: QueryRequest,
    ) -> Result<QueryAnswer> {
        if let QueryRequest::Sql(text) = &request
            && sql::parse(text)?.explains
        {
            return Err(refused("EXPLAIN tells how this program works, which changes"));
        }
        self.run_over(tables, place, ctx, request).await
    }

    /// How many rows a table shows, or cells, that a filter over what it shows lets through.
    pub async fn count(
        &self,
        place: Place,
        ctx: &OpContext,
        table: OpenTable,
        filter: Option<Filter>,
    ) -> Result<u64> {
        let name = TableName::Code(table.dataset.resource.code.clone());
        let version = VersionSelector::Number(table.dataset.version.number);
        let selection = Selection { version, filter, limit: Some(1), count: true, ..Selection::of(name) };
        let tables = One(table);
        let answer = self.run_over(&tables, place, ctx, QueryRequest::Selection(selection)).await?;
        answer.total.ok_or_else(|| Error::internal("a count gave no total"))
    }

    /// The first rows that a table shows, or cells, in the order in which they are stored where that tells nothing hidden.
    pub async fn first(
        &self,
        place: Place,
        ctx: &OpContext,
        table: OpenTable,
        rows: u32,
    ) -> Result<QueryAnswer> {
        let name = TableName::Code(table.dataset.resource.code.clone());
        let version = VersionSelector::Number(table.dataset.version.number);
        let selection = Selection { version, limit: Some(rows), as_stored: true, ..Selection::of(name) };
        self.run_over(&One(table), place, ctx, QueryRequest::Selection(selection)).await
    }
}

fn refused(reason: &str) -> Error {
    Error::new(ErrorCode::NotReplayable, reason)
}
