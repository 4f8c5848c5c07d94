//! What queries remember of the tables that they opened: nothing beyond a change or its time, and nothing for somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};

use catalog_core::policy::GrantKind;
use catalog_core::services::VersionSelector;
use catalog_core::{OpContext, Result, Timestamp};

use super::world::{CALLERS, Memory, Way, World, context};
use crate::{EngineParts, OpenTable, QueryEngine, QueryRequest, TableName, Tables};

/// Tables that count how often they are opened, in a catalogue whose revision is told.
struct Counted {
    tables: Arc<Memory>,
    opened: AtomicUsize,
    revision: AtomicI64,
    /// Added to the revision whenever something is opened: the catalogue changes meanwhile.
    change: AtomicI64,
    until: Option<Timestamp>,
    /// Whether what is opened is open to everyone.
    public: AtomicBool,
}

#[async_trait::async_trait]
impl Tables for Counted {
    async fn open(&self, ctx: &OpContext, table: &TableName, version: VersionSelector) -> Result<OpenTable> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        self.revision.fetch_add(self.change.load(Ordering::SeqCst), Ordering::SeqCst);
        let mut open = self.tables.open(ctx, table, version).await?;
        open.dataset.until = self.until;
        if self.public.load(Ordering::SeqCst) {
            open.dataset.granted.kind = GrantKind::Public;
        }
        Ok(open)
    }

    async fn revision(&self) -> Result<Option<i64>> {
        Ok(Some(self.revision.load(Ordering::SeqCst)))
    }

    async fn readable(&self, _: &OpContext) -> Result<Vec<OpenTable>> {
        Ok(Vec::new())
    }
}

/// An engine over a small world, and how often its tables are opened for one question after the other.
struct Asked {
    _world: World,
    tables: Arc<Counted>,
    engine: QueryEngine,
}

impl Asked {
    fn new(until: Option<Timestamp>) -> Self {
        let world = World::new(20);
        let tables = Arc::new(Counted {
            tables: Arc::clone(&world.governed),
            opened: AtomicUsize::default(),
            revision: AtomicI64::new(1),
            change: AtomicI64::default(),
            until,
            public: AtomicBool::default(),
        });
        let parts = EngineParts {
            tables: Arc::clone(&tables) as _,
            ..world.parts(&world.governed, Way::Pushdown, 2)
        };
        Self { _world: world, tables, engine: QueryEngine::new(parts).unwrap() }
    }

    /// Tables opened for this.
    async fn opened(&self, ctx: &OpContext, table: &str) -> usize {
        let before = self.tables.opened.load(Ordering::SeqCst);
        let sql = QueryRequest::Sql(format!("select * from city.{table}"));
        assert!(self.engine.run(ctx, sql).await.is_ok());
        self.tables.opened.load(Ordering::SeqCst) - before
    }
}

#[tokio::test]
async fn a_table_is_opened_again_for_others_and_when_the_catalogue_has_changed() {
    let asked = Asked::new(None);
    for caller in CALLERS {
        let ctx = context(caller);
        assert_eq!((asked.opened(&ctx, "penalties").await, asked.opened(&ctx, "penalties").await), (1, 0));
        let elsewhere = ctx.clone().asserting(Some("别的用途".to_owned()), None, None);
        assert_eq!(asked.opened(&elsewhere, "penalties").await, 1, "for another purpose");
        assert_eq!(asked.opened(&ctx.verifying(), "penalties").await, 1, "at another door");
    }
    assert_eq!(asked.opened(&context("rows"), "处罚").await, 1, "by another name");
    asked.tables.revision.store(2, Ordering::SeqCst);
    assert_eq!(asked.opened(&context("rows"), "penalties").await, 1);
    assert_eq!(asked.opened(&context("rows"), "penalties").await, 0);
}

#[tokio::test]
async fn a_table_is_opened_again_when_its_time_has_come() {
    let ctx = context("rows");
    let end = ctx.now.plus_seconds(10);
    let asked = Asked::new(Some(end));
    assert_eq!(asked.opened(&ctx, "penalties").await, 1);
    assert_eq!(asked.opened(&ctx.clone().at(end.plus_seconds(-1)), "penalties").await, 0);
    assert_eq!(asked.opened(&ctx.at(end), "penalties").await, 1);
}

#[tokio::test]
async fn what_changed_while_it_was_opened_is_not_remembered_nor_are_times_past_and_cells() {
    let asked = Asked::new(None);
    let ctx = context("rows");
    asked.tables.change.store(1, Ordering::SeqCst);
    assert_eq!(asked.opened(&ctx, "penalties").await, 1);
    asked.tables.change.store(0, Ordering::SeqCst);
    assert_eq!(asked.opened(&ctx, "penalties").await, 1);
    assert_eq!(asked.opened(&ctx, "penalties").await, 0);
    let past = "penalties timestamp as of '2099-01-01'";
    for _ in 0..2 {
        assert_eq!(asked.opened(&ctx, past).await, 1);
        assert_eq!(asked.opened(&ctx, "cells").await, 1);
    }
}

/// Strangers may state any purpose, and see the same: no memory is filled by that.
#[tokio::test]
async fn what_is_open_to_everyone_is_not_remembered_for_each_purpose() {
    let asked = Asked::new(None);
    asked.tables.public.store(true, Ordering::SeqCst);
    let (ctx, stated) =
        (context("rows"), |purpose: &str| context("rows").asserting(Some(purpose.to_owned()), None, None));
    assert_eq!((asked.opened(&ctx, "penalties").await, asked.opened(&ctx, "penalties").await), (1, 0));
    for _ in 0..2 {
        assert_eq!(asked.opened(&stated("核查"), "penalties").await, 1);
    }
}
