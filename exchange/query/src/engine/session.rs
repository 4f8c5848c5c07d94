//! What one request plans and runs in.

use std::collections::HashMap;
use std::sync::Arc;

use catalog_core::context::PrincipalKind;
use catalog_core::{Error, OpContext, Result};
use datafusion::catalog::CatalogProviderList;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::prelude::SessionConfig;

use super::{Bounds, CATALOG, Core, EngineParts, NO_SCHEMA};

/// One request's own tables, clock and memory; functions, rules, caches and the object store are those of all.
pub(super) struct Session {
    pub(super) state: SessionState,
    request_id: String,
    /// With the request's own memory: the state has the one that all share, and only plans.
    runtime: Arc<RuntimeEnv>,
}

impl Session {
    /// Plans for one core: more would take longer to set up than it takes.
    pub(super) fn on_one_core(&mut self) {
        self.state.config_mut().options_mut().execution.target_partitions = 1;
    }

    /// Plans a query that goes through few rows once: on one core, and with one pass of the optimizer, for more of them take longer
    /// than what they find.
    pub(super) fn for_short(&mut self) {
        self.on_one_core();
        self.state.config_mut().options_mut().optimizer.max_passes = 1;
    }

    /// What a plan runs in. Plans hold their functions: none is looked up by name any more.
    pub(super) fn task(&self) -> Arc<TaskContext> {
        Arc::new(TaskContext::new(
            None,
            self.request_id.clone(),
            self.state.config().clone(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            Arc::clone(&self.runtime),
        ))
    }
}

impl Core {
    /// A session for one request.
    pub(super) fn session(
        &self,
        ctx: &OpContext,
        tables: &Arc<dyn CatalogProviderList>,
        bounds: &Bounds,
    ) -> Result<Session> {
        let runtime = RuntimeEnvBuilder::from_runtime_env(self.base.runtime_env())
            .with_memory_pool(Arc::new(FairSpillPool::new(bounds.limits.memory)))
            .build_arc()
            .map_err(Error::internal)?;
        let mut state = self.base.clone();
        state.register_catalog_list(Arc::clone(tables));
        state.execution_props_mut().query_execution_start_time =
            chrono::DateTime::from_timestamp_micros(ctx.now.0);
        let mut session = Session { state, request_id: ctx.request_id.clone(), runtime };
        if ctx.principal.kind == PrincipalKind::Public {
            // One core for each stranger leaves the others to whoever has a key.
            session.on_one_core();
        }
        Ok(session)
    }
}

/// How all requests are planned and run.
pub(super) fn configuration(parts: &EngineParts) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, NO_SCHEMA)
        .with_information_schema(false);
    if let Some(partitions) = parts.partitions {
        config = config.with_target_partitions(partitions);
    }
    let options = config.options_mut();
    options.execution.time_zone = Some("+08:00".to_owned());
    options.execution.enable_recursive_ctes = false;
    options.execution.parquet.pushdown_filters = parts.parquet_pushdown;
    options.execution.parquet.reorder_filters = parts.parquet_pushdown;
    config
}
