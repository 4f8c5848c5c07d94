//! The one way to data: every door asks here, and gets an answer under exactly one grant per dataset.

mod catalog;
mod changes;
mod opened;
mod session;

use std::any::Any;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use catalog_core::context::PrincipalKind;
use catalog_core::directory::InformationItem;
use catalog_core::evidence::SourceRead;
use catalog_core::policy::GrantKind;
use catalog_core::services::{Dataset, VersionSelector};
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use datafusion::catalog::memory::MemoryCatalogProviderList;
use datafusion::datasource::TableProvider;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{SendableRecordBatchStream, execute_stream};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::Statement;
use datasets_store::GeoColumns;
use exchange_crypto::{Hasher, MacKey};
use futures::{StreamExt, TryStreamExt as _, stream};
use object_store::{ObjectStore, ObjectStoreExt as _};

use crate::answer::{QueryAnswer, Run, out_of_time};
use crate::bounded::BoundedPlanner;
use crate::information::Readable;
use crate::limits::Limits;
use crate::lookup::{IndexSecrets, Kept, Lately};
use crate::patterns::{self, RegexPlanner};
use crate::revocation::{Revocations, Watch};
use crate::selection::{self, Cursor, Page, Selection};
use crate::sql::{self, Parsed, Resolved, Shown, TableUse};
use crate::step::Step;
use crate::stopping::{Stop, stoppable};
use crate::table::{GovernedTable, Reach, StoredTable};
use crate::tables::{OpenTable, StoredFile, StoredVersion, Tables};
use crate::workers::Workers;
use crate::{constants, error, explain, functions, information, plan, policy};

use catalog::Catalog;
pub use changes::CHANGE_TYPE;
use opened::{Opened, Remembering};
use session::{Session, configuration};

const CATALOG: &str = "exchange";
/// The longest time in which the platform looks through a version.
pub(crate) const LOOK_THROUGH: Duration = Duration::from_secs(3600);
/// No dataset lives here: a name without department finds nothing.
const NO_SCHEMA: &str = "nothing";

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once a request and moved once")]
pub enum QueryRequest {
    /// One SQL query.
    Sql(String),
    /// Items, filter, sort and page of one dataset.
    Selection(Selection),
}

/// A place among those that run, given back when its last clone is dropped: once the work for the answer has ended,
/// whether anybody has read the answer or not.
pub type Place = Arc<dyn Any + Send + Sync>;

/// What an engine is made of.
pub struct EngineParts {
    /// The catalogue's decisions and the manifests.
    pub tables: Arc<dyn Tables>,
    /// Where the versions' objects lie.
    pub objects: Arc<dyn ObjectStore>,
    /// Secret from which each application's pseudonym key is derived. It lives as long as the evidence.
    pub mask_key: MacKey,
    /// Secret that seals cursors.
    pub cursor_key: MacKey,
    /// What one query may use.
    pub limits: Limits,
    /// Tells running answers what was revoked.
    pub revocations: Revocations,
    /// Partitions of a plan; `None` for one per core.
    pub partitions: Option<usize>,
    /// Whether filters are evaluated inside the Parquet reader too.
    pub parquet_pushdown: bool,
    /// Where what look-ups need is kept: derived from the versions, and built again where it is missing.
    pub lookups: PathBuf,
    /// Versions in effect of so many rows at most are read by SQL from what look-ups keep of them; 0 for none. What is
    /// kept is uncompressed and mapped, so that a short query does not decode Parquet.
    pub rows_at_hand: u64,
    /// Secrets from which the keys of indexes are derived.
    pub index_secrets: IndexSecrets,
}

/// Versions that stay open for look-ups, each for one caller.
const LOOKED_INTO: usize = 4_096;
/// Versions that stay open for queries, each for one caller.
const OPENED: usize = 1_024;

/// The governed query engine. Cheap to share behind an `Arc`.
///
/// It plans and runs on threads of its own: a heavy query slows other queries down, never whoever calls.
pub struct QueryEngine {
    core: Arc<Core>,
    workers: Workers,
}

/// What bounds one request.
#[derive(Clone)]
struct Bounds {
    limits: Limits,
    deadline: Instant,
    now: Timestamp,
    place: Place,
}

/// What every request needs, wherever it runs.
struct Core {
    parts: EngineParts,
    store: ObjectStoreUrl,
    /// Functions, optimizer, caches and object store: what all requests share. It knows no table.
    base: SessionState,
    kept: Kept,
    lately: Lately,
    opened: Remembering,
}

impl QueryEngine {
    /// An engine over its parts.
    pub fn new(parts: EngineParts) -> Result<Self> {
        let store = ObjectStoreUrl::parse("data://objects").map_err(Error::internal)?;
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::OsTmpDirectory)
            .with_max_temp_directory_size(parts.limits.spill);
        let runtime =
            RuntimeEnvBuilder::new().with_disk_manager_builder(disk).build_arc().map_err(Error::internal)?;
        runtime.register_object_store(store.as_ref(), Arc::clone(&parts.objects));
        let mut planners = SessionStateDefaults::default_expr_planners();
        planners.insert(0, Arc::new(BoundedPlanner));
        planners.insert(0, Arc::new(RegexPlanner));
        let builder = SessionStateBuilder::new()
            .with_config(configuration(&parts))
            .with_runtime_env(runtime)
            .with_catalog_list(Arc::new(MemoryCatalogProviderList::new()))
            .with_expr_planners(planners);
        let base = functions::register(builder).build();
        let kept = Kept::new(parts.lookups.clone(), parts.index_secrets.clone());
        Ok(Self {
            core: Arc::new(Core {
                parts,
                store,
                base,
                kept,
                lately: Lately::new(LOOKED_INTO),
                opened: Remembering::new(OPENED),
            }),
            workers: Workers::new()?,
        })
    }

    /// Answers one request of one caller.
    ///
    /// Every dataset named is opened under exactly one grant; the answer says which, and an error too. Errors carry a
    /// closed code; what the engine met in the data is never in their text.
    pub async fn run(&self, ctx: &OpContext, request: QueryRequest) -> Result<QueryAnswer> {
        self.run_at(Arc::new(()), ctx, request).await
    }

    /// Answers one request, which holds a place until its work has ended.
    pub async fn run_at(&self, place: Place, ctx: &OpContext, request: QueryRequest) -> Result<QueryAnswer> {
        self.run_over(self.tables(), place, ctx, request).await
    }

    /// The same over other tables than the catalogue's of now.
    pub(crate) async fn run_over(
        &self,
        tables: &dyn Tables,
        place: Place,
        ctx: &OpContext,
        request: QueryRequest,
    ) -> Result<QueryAnswer> {
        let limits = self.core.limits(ctx);
        let deadline = Instant::now() + limits.time;
        let bounds = Bounds { limits, deadline, now: ctx.now, place };
        let mut opened = Vec::new();
        let answer = async {
            match request {
                QueryRequest::Sql(text) => self.sql(tables, ctx, text, bounds, &mut opened).await,
                QueryRequest::Selection(selection) => {
                    self.selection(tables, ctx, selection, bounds, &mut opened).await
                }
            }
        };
        let answer = match tokio::time::timeout_at(deadline.into(), answer).await {
            Ok(answer) => answer,
            Err(_) => Err(out_of_time(&limits)),
        };
        answer.map_err(|error| error.after_opening(opened))
    }

    /// The version that a cursor goes through.
    pub fn version_of(&self, cursor: &str) -> Result<i64> {
        Cursor::open(cursor, &self.core.parts.cursor_key).map(|cursor| cursor.version)
    }

    /// Runs a plan of the platform's own over a table: over all of it, so that only memory and time bound it.
    pub(crate) async fn look_through(
        &self,
        place: Place,
        ctx: &OpContext,
        open: &OpenTable,
        plan: impl FnOnce(&Arc<dyn TableProvider>) -> datafusion::error::Result<LogicalPlan>,
    ) -> Result<QueryAnswer> {
        let limits = Limits { time: LOOK_THROUGH, rows: u64::MAX, bytes: u64::MAX, ..self.core.parts.limits };
        let bounds = Bounds { limits, deadline: Instant::now() + limits.time, now: ctx.now, place };
        let watch = self.core.parts.revocations.watch();
        let logical = plan(&self.core.provider(open)?).map_err(Error::internal)?;
        let session = self.core.session(ctx, &(Arc::new(MemoryCatalogProviderList::new()) as _), &bounds)?;
        let source = open.dataset.source();
        self.workers
            .run(async move {
                let mut session = session;
                answer(selected(&mut session, &logical, vec![source], watch, bounds).await?).await
            })
            .await
    }

    /// Does heavy work beside whoever calls.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.workers.run(work).await
    }

    pub(crate) fn mask_key(&self) -> &MacKey {
        &self.core.parts.mask_key
    }

    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.core.parts.objects
    }

    /// Proves that an object is what its manifest says.
    pub(crate) async fn prove(&self, file: &StoredFile) -> Result<()> {
        let failed = |error| Error::from(datasets_store::Error::from(error));
        let found = self.objects().get(&file.path.as_str().into()).await.map_err(failed)?;
        let (mut pieces, mut hasher) = (datasets_store::in_pieces(found), Hasher::new());
        while let Some(piece) = pieces.try_next().await.map_err(failed)? {
            hasher.update(&piece);
        }
        match hasher.finish().to_hex() == file.sha256 {
            true => Ok(()),
            false => {
                let message = "an object of the version is not what its manifest says; tell the operator";
                Err(Error::new(ErrorCode::Corrupt, message).with_internal(&file.path))
            }
        }
    }

    /// All rows of the version as they are stored, in their order: for the platform's own work, under no policy.
    pub(crate) async fn stored(&self, version: &StoredVersion) -> Result<SendableRecordBatchStream> {
        let StoredVersion { files, schema, .. } = version;
        let reach = Reach { positioned: true, ..Reach::default() };
        let stored = StoredTable::new(self.core.store.clone(), files.clone(), schema).within(reach);
        let columns = (0..schema.fields().len()).collect();
        let plan = stored.scan(&self.core.base, Some(&columns), &[], None).await.map_err(Error::internal)?;
        execute_stream(plan, self.core.base.task_ctx()).map_err(|found| error::execution(&found))
    }

    pub(crate) fn kept(&self) -> &Kept {
        &self.core.kept
    }

    pub(crate) fn watch(&self) -> Watch {
        self.core.parts.revocations.watch()
    }

    pub(crate) fn lately(&self) -> &Lately {
        &self.core.lately
    }

    /// Lets go of everything that is open: what is asked for next is opened as it is by now.
    pub(crate) fn let_go(&self) {
        self.core.lately.clear();
        self.core.opened.clear();
    }

    pub(crate) fn limits(&self, ctx: &OpContext) -> Limits {
        self.core.limits(ctx)
    }

    pub(crate) fn tables(&self) -> &dyn Tables {
        self.core.parts.tables.as_ref()
    }

    async fn sql(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        text: String,
        bounds: Bounds,
        opened: &mut Vec<SourceRead>,
    ) -> Result<QueryAnswer> {
        let watch = self.core.parts.revocations.watch();
        let parsing = async move {
            let mut parsed = sql::parse(&text)?;
            let uses = sql::table_uses(&mut parsed.query)?;
            let computes = uses.is_empty() && sql::has_tables(&mut parsed.query);
            Ok((parsed, uses, computes))
        };
        let (parsed, uses, computes) = self.workers.run(parsing).await?;
        if computes && ctx.principal.kind == PrincipalKind::Public {
            let message =
                "without a key a query reads a dataset; to compute over series and values alone, sign it";
            return Err(Error::new(ErrorCode::SqlUnsupported, message));
        }
        let (mut tables, mut described) = (Vec::with_capacity(uses.len()), Vec::new());
        for table in uses {
            if table.department == information::SCHEMA {
                described.push(table);
                continue;
            }
            let found = self.open(from, ctx, table.table_name(), table.version).await?;
            opened.push(found.open.dataset.source());
            self.bring_to_hand(&found).await;
            tables.push((table, found));
        }
        let readable = match described.is_empty() {
            true => Vec::new(),
            false => from.readable(ctx).await?,
        };
        let question = Question { parsed, tables, described, readable };
        let (core, ctx) = (Arc::clone(&self.core), ctx.clone());
        self.workers.run(async move { core.run_sql(&ctx, question, watch, bounds).await }).await
    }

    async fn selection(
        &self,
        from: &dyn Tables,
        ctx: &OpContext,
        selection: Selection,
        bounds: Bounds,
        opened: &mut Vec<SourceRead>,
    ) -> Result<QueryAnswer> {
        let watch = self.core.parts.revocations.watch();
        let cursor = selection.opened_cursor(&self.core.parts.cursor_key)?;
        let version = match (&cursor, selection.version) {
            (Some(cursor), VersionSelector::Latest) => VersionSelector::Number(cursor.version),
            (_, named) => named,
        };
        let found = self.open(from, ctx, selection.table.clone(), version).await?;
        let dataset = &found.open.dataset;
        opened.push(dataset.source());
        if let Some(cursor) = cursor.as_ref().filter(|cursor| cursor.version != dataset.version.number) {
            let message = format!("the cursor is of version {}: name that one, or none", cursor.version);
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        let (core, ctx) = (Arc::clone(&self.core), ctx.clone());
        let run =
            async move { core.run_selection(&ctx, &selection, cursor, &found.open, watch, bounds).await };
        self.workers.run(run).await
    }
}

/// A query with the tables that it names, opened for its caller.
struct Question {
    parsed: Parsed,
    tables: Vec<(TableUse, Arc<Opened>)>,
    /// Tables of `information_schema`, and what they tell of.
    described: Vec<TableUse>,
    readable: Vec<OpenTable>,
}

impl Core {
    /// What a query of this caller may use.
    fn limits(&self, ctx: &OpContext) -> Limits {
        match ctx.principal.kind {
            PrincipalKind::Public => self.parts.limits.of_the_public(),
            _ => self.parts.limits,
        }
    }

    async fn run_sql(
        &self,
        ctx: &OpContext,
        question: Question,
        watch: Watch,
        bounds: Bounds,
    ) -> Result<QueryAnswer> {
        let Question { parsed: Parsed { mut query, explains }, tables, described, readable } = question;
        let own = tables.iter().all(|(_, found)| found.open.dataset.granted.kind == GrantKind::Own);
        let rows = tables.iter().flat_map(|(_, found)| &found.open.files).map(|file| file.rows).sum();
        let mut catalog = Catalog::default();
        for (table, found) in tables {
            let provider = found.provider(self)?;
            catalog.add(table, &found.open, provider)?;
        }
        if !described.is_empty() {
            self.describe(&mut catalog, described, readable)?;
        }
        let shown = sql::rename(&mut query, &catalog.resolved)?;
        let mut session = self.session(ctx, &catalog.list, &bounds)?;
        functions::check(&mut query, &session.state)?;
        let Catalog { columns, sources, .. } = catalog;
        let refused = |found| error::planning(&found, &columns);
        let statement = DfStatement::Statement(Box::new(Statement::Query(query)));
        let planned = session.state.statement_to_plan(statement).await;
        let logical =
            planned.map_err(|found| constants::unreadable(&found).unwrap_or_else(|| refused(found)))?;
        plan::check(&logical)?;
        if explains {
            return explain::answer(&session.state, &logical, own, sources, (bounds.limits, bounds.now))
                .await
                .map_err(refused);
        }
        if plan::is_short(&logical, rows).map_err(Error::internal)? {
            session.for_short();
        }
        let answered = async {
            let run = ready(&mut session, &logical, &shown, sources, watch, bounds).await;
            answer(run.map_err(refused)?).await
        };
        let answered = answered.await;
        answered.map_err(|failed| constants::told(failed, &session.state, &logical))
    }

    /// Adds the tables of `information_schema` that the query names.
    fn describe(
        &self,
        catalog: &mut Catalog,
        described: Vec<TableUse>,
        readable: Vec<OpenTable>,
    ) -> Result<()> {
        let readable = readable.into_iter().map(|table| {
            let schema = self.provider(&table)?.schema();
            Ok(Readable { table, schema })
        });
        let readable = readable.collect::<Result<Vec<_>>>()?;
        for table in described {
            if table.version != VersionSelector::Latest {
                let message = format!("{} has no versions", information::SCHEMA);
                return Err(Error::new(ErrorCode::SqlUnsupported, message));
            }
            let provider = information::table(&table.name, CATALOG, &readable)?;
            let reference = [table.department.clone(), table.name.clone()];
            catalog.register(table, Resolved { reference, titles: BTreeMap::new() }, provider)?;
        }
        Ok(())
    }

    async fn run_selection(
        &self,
        ctx: &OpContext,
        selection: &Selection,
        cursor: Option<Cursor>,
        open: &OpenTable,
        watch: Watch,
        bounds: Bounds,
    ) -> Result<QueryAnswer> {
        let reach = selection.reach(open, cursor.as_ref())?;
        let provider = self.reaching(open, reach.clone(), None)?;
        let source = open.dataset.source();
        let page = Page::plan(selection, cursor, &open.dataset, &source, &provider)?;
        let mut session = self.session(ctx, &(Arc::new(MemoryCatalogProviderList::new()) as _), &bounds)?;
        let total = match selection.count {
            true => {
                let all = Reach { area: reach.area.clone(), ..Reach::default() };
                let all = self.reaching(open, all, None)?;
                let count = selection::count(selection, &open.dataset, &all)?;
                // What this ear misses, that of the page below hears.
                let (watch, sources) = (self.parts.revocations.watch(), vec![source.clone()]);
                let run = selected(&mut session, &count, sources, watch, bounds.clone()).await?;
                Some(selection::counted(answer(run).await?).await?)
            }
            false => None,
        };
        if reach.positioned {
            // Rows stay in their order, and of those that a filter leaves out nothing else is read.
            session.on_one_core();
            session.state.config_mut().options_mut().execution.parquet.pushdown_filters = true;
        }
        let run = selected(&mut session, page.logical(), vec![source], watch, bounds).await?;
        let answer = page.finish(answer(run).await?, &self.parts.cursor_key).await?;
        let geo = geometries(&open.dataset, &answer.schema);
        Ok(QueryAnswer { total, geo, ..answer })
    }

    fn provider(&self, open: &OpenTable) -> Result<Arc<dyn TableProvider>> {
        self.reaching(open, Reach::default(), None)
    }

    /// The version under its policy, read no further than that; not of cells, which are made of all rows. Of all rows none is
    /// read from files where they are at hand.
    fn reaching(
        &self,
        open: &OpenTable,
        reach: Reach,
        rows: Option<Vec<RecordBatch>>,
    ) -> Result<Arc<dyn TableProvider>> {
        let order = open.dataset.resource.sort.iter().map(|column| column.as_str());
        let stored = StoredTable::new(self.store.clone(), open.files.clone(), &open.schema)
            .sorted_by(order)
            .along(open.places.clone())
            .within(reach)
            .with_rows(rows);
        let granted = &open.dataset.granted.policy;
        if let Some(statistics) = &granted.statistics {
            return policy::cells(stored, granted, statistics).map_err(Error::internal);
        }
        let bound =
            policy::translate(granted, &stored.schema(), &self.parts.mask_key).map_err(Error::internal)?;
        GovernedTable::provider(Arc::new(stored), &bound).map_err(Error::internal)
    }
}

async fn selected(
    session: &mut Session,
    logical: &LogicalPlan,
    sources: Vec<SourceRead>,
    watch: Watch,
    bounds: Bounds,
) -> Result<Run> {
    let ready = ready(session, logical, &Shown::new(), sources, watch, bounds).await;
    ready.map_err(|found| error::execution(&found))
}

/// A planned query, ready to run.
async fn ready(
    session: &mut Session,
    logical: &LogicalPlan,
    shown: &Shown,
    sources: Vec<SourceRead>,
    watch: Watch,
    bounds: Bounds,
) -> datafusion::error::Result<Run> {
    let Bounds { limits, deadline, now, place } = bounds;
    let wanted = Arc::new(());
    let stop = Stop { deadline, wanted: Arc::downgrade(&wanted) };
    let state = &mut session.state;
    let logical = patterns::sliced(state.optimize(logical)?)?;
    Step::plan(state, &logical, limits.memory, stop.clone())?;
    let plan = state.query_planner().create_physical_plan(&logical, &*state).await?;
    let plan = stoppable(plan, &stop)?;
    let schema = called_as_written(&plan.schema(), shown);
    let task = session.task();
    Ok(Run { plan, task, schema, sources, watch, deadline, limits, now, wanted, place })
}

/// Starts the run and waits for its first rows, so that an early failure is an error and no broken stream.
async fn answer(run: Run) -> Result<QueryAnswer> {
    let (schema, sources) = (Arc::clone(&run.schema), run.sources.clone());
    let (limits, now) = (run.limits, run.now);
    // An answer without rows has ended here already; the chain asks once more.
    let mut records = run.start().fuse();
    let first = records.next().await.transpose()?;
    let records = stream::iter(first.map(Ok)).chain(records).boxed();
    let (geo, subjects) = (GeoColumns::default(), Vec::new());
    Ok(QueryAnswer { schema, sources, limits, now, next: None, geo, total: None, subjects, records })
}

/// The columns that hold geometries as they are stored.
pub(crate) fn geometries(dataset: &Dataset, schema: &Schema) -> GeoColumns {
    let visible = dataset.granted.policy.stored_columns();
    let is_shown = |item: &&InformationItem| {
        schema.index_of(item.column.as_str()).is_ok()
            && visible.iter().any(|column| column.column == item.column && column.mask.is_none())
    };
    GeoColumns::of(dataset.resource.items.iter().filter(is_shown))
}

/// The columns under the names that the caller gave them, each name once.
fn called_as_written(schema: &SchemaRef, shown: &Shown) -> SchemaRef {
    let names = schema.fields().iter().map(|field| shown.get(field.name()).unwrap_or(field.name()).clone());
    let names = sql::unique(names.collect());
    let fields = schema.fields().iter().zip(names);
    let fields = fields.map(|(field, name)| Field::new(name, field.data_type().clone(), field.is_nullable()));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
