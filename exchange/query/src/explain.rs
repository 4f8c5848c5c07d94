//! EXPLAIN. Of one's own data it shows the whole plan. Of other data it shows what the caller's own text and the visible
//! schemas make of the query: the logical plan, which knows nothing of policies, files or rows.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use catalog_core::Timestamp;
use catalog_core::evidence::SourceRead;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datasets_store::GeoColumns;
use futures::{StreamExt, stream};

use crate::answer::QueryAnswer;
use crate::limits::Limits;

/// The plan as rows of kind and text. `whole` is for those whose own all the data is.
pub(crate) async fn answer(
    state: &SessionState,
    logical: &LogicalPlan,
    whole: bool,
    sources: Vec<SourceRead>,
    (limits, now): (Limits, Timestamp),
) -> datafusion::error::Result<QueryAnswer> {
    let optimized = state.optimize(logical)?;
    let (mut kinds, mut plans) = (vec!["logical_plan"], vec![optimized.display_indent().to_string()]);
    if whole {
        let plan = state.create_physical_plan(logical).await?;
        kinds.push("physical_plan");
        plans.push(without_paths(plan.as_ref()));
    }
    let fields = ["plan_type", "plan"].map(|name| Field::new(name, DataType::Utf8, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let columns = vec![Arc::new(StringArray::from(kinds)) as _, Arc::new(StringArray::from(plans)) as _];
    let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    Ok(QueryAnswer {
        schema,
        sources,
        limits,
        now,
        next: None,
        geo: GeoColumns::default(),
        total: None,
        subjects: Vec::new(),
        records: stream::iter([Ok(rows)]).boxed(),
    })
}

/// A physical plan that counts its files and does not name them: how objects are called is the store's business.
fn without_paths(plan: &dyn ExecutionPlan) -> String {
    let text = displayable(plan).indent(false).to_string();
    let line = |line: &str| {
        let (before, files) = line.split_once("file_groups={")?;
        let (groups, after) = files.split_once('}')?;
        let count = groups.split(':').next().unwrap_or_default();
        Some(format!("{before}file_groups={{{count}}}{after}"))
    };
    text.lines().map(|text| line(text).unwrap_or_else(|| text.to_owned()) + "\n").collect()
}
