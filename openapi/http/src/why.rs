//! Why an access is decided as it is, and what a grant would show, for whoever decides on it.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use catalog_core::evidence::SourceRead;
use catalog_core::policy::{AboutRows, DecidedBy, GrantKind, GrantTerms, Mask, VisibleColumn};
use catalog_core::services::{AccessAnswer, AccessQuestion, Proposal};
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode};
use exchange_query::OpenTable;
use exchange_query::export::{RowFormat, rows};
use futures::TryStreamExt as _;
use openapi_contract::GrantPreview;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::evidence::Reading;
use crate::extract::{Input, invalid};
use crate::problem::Refusal;
use crate::subjects;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(preview_grant)).routes(routes!(explain_access))
}

/// Why somebody may do something with a resource, or not: the verdict with its grant, role or rule, and the article
///
/// About oneself for everybody. About others for auditors, officers of the data authority, and approvers of the provider; it leaves
/// evidence. Who asks what rows they would see finds the filter in the answer.
#[utoipa::path(post, path = "/api/v1/why", tag = "grants", request_body = AccessQuestion,
    responses((status = 200, description = "The verdict", body = AccessAnswer)))]
async fn explain_access(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(asked): Input<AccessQuestion>,
) -> Result<Json<AccessAnswer>, Refusal> {
    Ok(Json(answered(&app, &ctx, &asked).await?))
}

/// The verdict about whom it asks, once the caller may ask about them.
pub(crate) async fn answered(
    app: &App,
    ctx: &OpContext,
    asked: &AccessQuestion,
) -> Result<AccessAnswer, Error> {
    let about = match asked.principal.as_ref().filter(|about| **about != ctx.principal.id) {
        None => ctx.principal.clone(),
        Some(about) => {
            app.services.permit_question(ctx, asked, about).await?;
            let found = app.authenticator.principal_called(about, ctx.now).await;
            found.map_err(|error| Error::new(ErrorCode::NotFound, error.to_string()))?
        }
    };
    app.services.explain(ctx, about, asked).await
}

/// What a grant would show, before anybody decides: items, masks, rows counted, and what it would undo
///
/// The body is the terms of a grant, or `{"matter": "…"}` for what a provider's part of an application asks. For whoever may make the
/// grant, and says for what by purpose or matter number. It is an access and leaves its evidence. Rows are counted as its holder would
/// see them, and never shown: with a filter about, so that nobody is told of by comparing, and where the filter tells single
/// subjects or records apart, not at all.
#[utoipa::path(post, path = "/api/v1/why/grant", tag = "grants", request_body = GrantTerms,
    responses((status = 200, description = "One for each resource", body = Vec<GrantPreview>)))]
async fn preview_grant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(asked): Input<Value>,
) -> Result<Response, Refusal> {
    let all = match asked.get("matter") {
        None => vec![terms_of(asked)?],
        Some(Value::String(number)) => app.services.asked_terms(&ctx, number, None).await?,
        Some(_) => return Err(invalid("`matter` is the number of a provider's part of an application")),
    };
    let (previews, reading) = previewed(&app, &ctx, all, 0).await?;
    let previews: Vec<_> = previews.into_iter().map(|shown| shown.preview).collect();
    let mut response = Json(previews).into_response();
    if let Some(reading) = reading {
        response.extensions_mut().insert(reading);
    }
    Ok(response)
}

/// What one grant would show.
pub(crate) struct Shown {
    pub(crate) preview: GrantPreview,
    /// Its first rows as its holder would see them, where the caller reads all of the resource anyhow.
    pub(crate) rows: Option<Vec<Vec<Value>>>,
}

/// What grants would show, and what evidence owes for it: for whoever reads the resources anyhow with so many first rows.
pub(crate) async fn previewed(
    app: &App,
    ctx: &OpContext,
    all: Vec<GrantTerms>,
    first: u32,
) -> Result<(Vec<Shown>, Option<Reading>), Error> {
    let (mut previews, mut looked) = (Vec::with_capacity(all.len()), Looked::default());
    for terms in all {
        let found = preview(app, ctx, terms, first, &mut looked).await;
        previews.push(found.map_err(|error| error.after_opening(looked.sources.clone()))?);
    }
    let Looked { sources, mut subjects, rows } = looked;
    subjects.sort();
    subjects.dedup();
    let reading = Reading { subjects, rows: Arc::new(AtomicU64::new(rows)), ..Reading::of(sources) };
    Ok((previews, Some(reading).filter(|reading| !reading.sources.is_empty())))
}

/// What was looked at for previews, for evidence.
#[derive(Default)]
struct Looked {
    sources: Vec<SourceRead>,
    subjects: Vec<String>,
    rows: u64,
}

async fn preview(
    app: &App,
    ctx: &OpContext,
    terms: GrantTerms,
    first: u32,
    looked: &mut Looked,
) -> Result<Shown, Error> {
    let (proposal, table) = app.tables.propose(ctx, terms).await?;
    let terms = &proposal.grant.terms;
    let mut preview = GrantPreview {
        resource: terms.resource.clone(),
        grantee: terms.grantee.clone(),
        version: None,
        columns: Vec::new(),
        hidden: Vec::new(),
        rows: None,
        singles_out: proposal.singles_out.clone(),
        of_rows: None,
        undoes: proposal.undoes.clone(),
    };
    let mut rows = None;
    if let Some(table) = table {
        looked.sources.push(table.dataset.source());
        if let Some(look_up) = subjects::asked_for(app, &terms.resource, terms.filter.as_ref()).await? {
            looked.subjects.extend(look_up.hashes(app, Vec::new()));
        }
        let dataset = &table.dataset;
        preview.columns.clone_from(&dataset.granted.policy.columns);
        let is_hidden = |name: &_| !preview.columns.iter().any(|column| column.column == *name);
        let items = dataset.resource.items.iter().map(|item| item.column.clone());
        preview.hidden = items.filter(is_hidden).collect();
        (preview.version, preview.of_rows) = (Some(dataset.version.number), Some(dataset.version.rows));
        let shows_rows = first > 0 && !preview.columns.is_empty() && !has_pseudonym(&preview.columns);
        if shows_rows && reads_anyhow(app, ctx, &terms.resource).await? {
            let found = first_rows(app, ctx, table.clone(), first).await?;
            looked.rows = looked.rows.saturating_add(found.len() as u64);
            rows = Some(found);
        }
        preview.rows = match (preview.columns.is_empty(), &proposal.singles_out) {
            // What shows no item shows no row.
            (true, _) => Some(AboutRows::exactly(0)),
            (false, Some(_)) => None,
            (false, None) => Some(counted(app, ctx, &proposal, table).await?),
        };
    }
    Ok(Shown { preview, rows })
}

/// Whether a column shows pseudonyms: those are their holder's alone. Beside the values that the provider knows they would undo
/// what the holder sees elsewhere.
fn has_pseudonym(columns: &[VisibleColumn]) -> bool {
    columns.iter().any(|column| matches!(column.mask, Some(Mask::Pseudonym { .. })))
}

/// Whether the caller reads all of the resource as its provider's analyst or steward: then a grant of it shows them nothing new.
async fn reads_anyhow(app: &App, ctx: &OpContext, code: &ResourceCode) -> Result<bool, Error> {
    let decision = app.services.why(ctx, code).await?;
    Ok(matches!(decision.determined_by, DecidedBy::Grant { kind: GrantKind::Own, .. }))
}

/// The first rows that the table shows, behind the barrier of its policy.
async fn first_rows(
    app: &App,
    ctx: &OpContext,
    table: OpenTable,
    most: u32,
) -> Result<Vec<Vec<Value>>, Error> {
    let answer = app.engine.first(app.place(ctx).await?, ctx, table, most).await?;
    let lines: Vec<Bytes> = rows(answer, RowFormat::Lists).try_collect().await?;
    let lines = lines.concat();
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(Error::internal)).collect()
}

/// How many rows the table shows: blurred where somebody has thought of a condition.
async fn counted(
    app: &App,
    ctx: &OpContext,
    proposal: &Proposal,
    table: OpenTable,
) -> Result<AboutRows, Error> {
    let dataset = &table.dataset;
    let of = u64::try_from(dataset.version.rows).unwrap_or_default();
    let condition = serde_json::to_string(&dataset.granted.policy.filter).map_err(Error::internal)?;
    let (code, version) = (&dataset.resource.code, dataset.version.number);
    let seed = app.subject_key.derive("preview").tag(format!("{code} {version} {condition}").as_bytes());
    let rows = app.engine.count(app.place(ctx).await?, ctx, table, None).await?;
    Ok(match &proposal.grant.terms.filter {
        None => AboutRows::exactly(rows),
        Some(_) => AboutRows::blurred(rows, of, proposal.min_group, &seed),
    })
}

/// The terms as they stand in a body. A name that is no term is refused: a misspelt filter would show every row.
fn terms_of(asked: Value) -> Result<GrantTerms, Refusal> {
    let wrong = |found: serde_json::Error| invalid(&format!("the body is not the terms of a grant: {found}"));
    let names: Vec<String> =
        asked.as_object().map(|terms| terms.keys().cloned().collect()).unwrap_or_default();
    let terms: GrantTerms = serde_json::from_value(asked).map_err(wrong)?;
    let known = serde_json::to_value(&terms).map_err(wrong)?;
    match names.iter().find(|name| known.get(name.as_str()).is_none()) {
        Some(unknown) => Err(invalid(&format!("`{unknown}` is no term of a grant: check its spelling"))),
        None => Ok(terms),
    }
}
