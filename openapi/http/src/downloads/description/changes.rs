//! What changed between two versions of a dataset, of what the reader sees of both.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use catalog_core::directory::Resource;
use catalog_core::directory::diff::diff;
use catalog_core::evidence::SourceRead;
use catalog_core::schema::visible;
use catalog_core::services::VersionSelector;
use catalog_core::{Error, OpContext, ResourceCode, Result};
use exchange_query::export::{Format, encode};
use exchange_query::{OpenTable, TableName, Tables as _};
use futures::TryStreamExt;
use openapi_dcat::Described;
use openapi_portal::{ChangesPage, Compared, Rows};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::about::readable_versions;
use super::read;
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Code, CodePath, Params};
use crate::portal::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_changes))
}

/// Which versions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Between {
    /// Number of the earlier one; the last but one when left out.
    from: Option<i64>,
    /// Number of the later one; the last when left out.
    until: Option<i64>,
    /// Whether to compare all rows.
    #[serde(default)]
    count: bool,
}

/// What changed between two versions of a dataset
#[utoipa::path(get, path = "/datasets/{code}/changes", tag = "downloads", params(CodePath, LanguageParam, Between),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_changes(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    visit: Visit,
    Code(code): Code,
    Params(between): Params<Between>,
) -> Result<Response, Refusal> {
    let entry = app.services.resource(&ctx, &code).await?;
    let provider = app.services.department(&ctx, &entry.provider).await?;
    let numbers = readable_versions(&app, &ctx, &code).await?;
    let described = Described { resource: entry, provider, release: None };
    let until = between.until.or_else(|| numbers.first().copied());
    let from = between.from.or_else(|| numbers.iter().copied().find(|number| Some(*number) < until));
    let mut sources = Vec::new();
    let compared = match (from, until) {
        (Some(from), Some(until)) => {
            let compared = compare(&app, &ctx, &code, (from, until, between.count), &mut sources).await;
            Some(compared.map_err(|refusal| refusal.after_opening(sources.clone()))?)
        }
        _ => None,
    };
    let page = ChangesPage {
        a: visit.around(),
        described: &described,
        numbers: &numbers,
        compared: compared.as_ref(),
    };
    let mut page = visit.page(&page)?;
    read(&mut page, (!sources.is_empty()).then(|| Reading::of(sources)));
    Ok(page)
}

async fn compare(
    app: &Arc<App>,
    ctx: &OpContext,
    code: &ResourceCode,
    (from, until, is_counted): (i64, i64, bool),
    sources: &mut Vec<SourceRead>,
) -> Result<Compared, Refusal> {
    let table = TableName::Code(code.clone());
    let mut open = Vec::with_capacity(2);
    for number in [from, until] {
        let opened: OpenTable = app.tables.open(ctx, &table, VersionSelector::Number(number)).await?;
        sources.push(opened.dataset.source());
        open.push(visible(&opened.dataset.resource, &opened.dataset.granted.policy));
        if opened.dataset.granted.policy.statistics.is_some() {
            // Versions of cells are never beside each other.
            return Ok(Compared { from, until, ..Compared::default() });
        }
    }
    let [before, after] = open.as_slice() else { return Err(Error::internal("two versions").into()) };
    let has_same_columns = has_columns_of(before, after);
    let mut compared = Compared {
        from,
        until,
        columns: diff(Some(before), after),
        can_count: has_same_columns && !is_counted,
        ..Compared::default()
    };
    if is_counted && has_same_columns {
        let place = app.place(ctx).await?;
        // The wait for a place counts: what has ended meanwhile is not read.
        let answer = app.engine.changes(place, &ctx.at(app.now()), code, (from, until)).await?;
        let mut counting = Counting::default();
        let mut pieces = encode(answer, Format::JsonLines);
        while let Some(piece) = pieces.try_next().await? {
            counting.take(&piece)?;
        }
        let has_key = !after.key.is_empty() && before.key == after.key;
        let Counting { added, removed, changed, .. } = counting;
        compared.counted = Some(Rows { added, removed, changed: has_key.then_some(changed) });
    }
    Ok(compared)
}

/// Whether rows of both can be beside each other: the same columns of the same types.
fn has_columns_of(before: &Resource, after: &Resource) -> bool {
    let shape = |resource: &Resource| -> Vec<_> {
        resource.items.iter().map(|item| (item.column.clone(), item.stored())).collect()
    };
    shape(before) == shape(after)
}

/// What became of a row, as the engine says it.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_change_type")]
    change: String,
}

/// Counts the lines of differences; a line may come in pieces.
#[derive(Debug, Default)]
struct Counting {
    begun: Vec<u8>,
    added: u64,
    removed: u64,
    changed: u64,
}

impl Counting {
    fn take(&mut self, piece: &[u8]) -> Result<()> {
        self.begun.extend_from_slice(piece);
        let whole = self.begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
        let rest = self.begun.split_off(whole);
        for line in self.begun.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(line).map_err(Error::internal)?;
            match line.change.as_str() {
                "insert" => self.added += 1,
                "delete" => self.removed += 1,
                "update_postimage" => self.changed += 1,
                // The row before is counted with the row after.
                _ => {}
            }
        }
        self.begun = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_however_they_are_cut() {
        let lines = "{\"a\":\"\\n\",\"_change_type\":\"insert\"}\n{\"_change_type\":\"delete\"}\n\
            {\"_change_type\":\"update_preimage\"}\n{\"_change_type\":\"update_postimage\"}\n";
        for size in 1..lines.len() {
            let mut counting = Counting::default();
            lines.as_bytes().chunks(size).for_each(|piece| counting.take(piece).unwrap());
            assert_eq!((counting.added, counting.removed, counting.changed), (1, 1, 1), "{size}");
        }
    }
}
