//! What people keep of their SQL: queries that they saved, and those that they have asked. Texts are opened for nobody else.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::evidence::{Event, EvidenceRecord, SourceRead};
use catalog_core::saved_query::{NAME_CHARACTERS, QUERY_BYTES, SavedQuery};
use catalog_core::services::Services;
use catalog_core::{Channel, Error, ErrorCode, OpContext, Result};
use exchange_crypto::{SealingKey, from_base64, to_base64};
use exchange_ledger::{Committed, Filter};
use http::StatusCode;
use openapi_contract::{NewQuery, PastQuery, PastState, SavedQueryView};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::app::App;
use crate::extract::{Id, Input, Params, invalid};
use crate::problem::Refusal;
use crate::receipts::leaves_of;
use crate::replay::sql_of;

/// Where all of it stands: bodies may tell of people, and are kept nowhere else.
pub(crate) const PREFIX: &str = "/api/v1/queries";

/// Days of history where the caller does not say, and most.
const DAYS: i64 = 7;
const MOST_DAYS: i64 = 90;
/// Queries of a history where the caller does not say, and most.
const PAST: usize = 50;
const MOST_PAST: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(list_queries, save_query))
        .routes(routes!(delete_query))
        .routes(routes!(list_history))
}

/// The queries that the caller has saved
///
/// For people who have signed in; nobody else sees them, and they are sealed where they lie.
#[utoipa::path(get, path = "/api/v1/queries", tag = "sql",
    responses((status = 200, description = "The newest first", body = Vec<SavedQueryView>)))]
async fn list_queries(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
) -> Result<Json<Vec<SavedQueryView>>, Refusal> {
    Ok(Json(saved(&app, &ctx).await?))
}

/// Save a query
#[utoipa::path(post, path = "/api/v1/queries", tag = "sql", request_body = NewQuery,
    responses((status = 201, description = "Saved", body = SavedQueryView),
        (status = 429, description = "As many as one may have: delete one first")))]
async fn save_query(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(query): Input<NewQuery>,
) -> Result<(StatusCode, Json<SavedQueryView>), Refusal> {
    Ok((StatusCode::CREATED, Json(save(&app, &ctx, query).await?)))
}

/// Delete a saved query
#[utoipa::path(delete, path = "/api/v1/queries/{id}", tag = "sql",
    params(("id" = String, Path, description = "The query's id")),
    responses((status = 204, description = "Deleted")))]
async fn delete_query(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Id(id): Id,
) -> Result<StatusCode, Refusal> {
    app.services.delete_query(&ctx, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How far a history goes back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Back {
    /// Days, 1 to 90; 7 when left out.
    days: Option<i64>,
    /// Queries, 1 to 200; 50 when left out.
    limit: Option<usize>,
}

/// The queries that the caller has asked, as evidence has them
///
/// For people who have signed in, of their own queries alone. What was wrong before anything was opened is not in evidence.
#[utoipa::path(get, path = "/api/v1/queries/history", tag = "sql", params(Back),
    responses((status = 200, description = "The newest first", body = Vec<PastQuery>)))]
async fn list_history(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(Back { days, limit }): Params<Back>,
) -> Result<Json<Vec<PastQuery>>, Refusal> {
    let (days, limit) = (days.unwrap_or(DAYS), limit.unwrap_or(PAST));
    if !(1..=MOST_DAYS).contains(&days) || !(1..=MOST_PAST).contains(&limit) {
        return Err(invalid("`days` lies between 1 and 90, `limit` between 1 and 200"));
    }
    Ok(Json(history(&app, &ctx, days, limit).await?))
}

/// The caller's saved queries, opened.
pub(crate) async fn saved(app: &App, ctx: &OpContext) -> Result<Vec<SavedQueryView>> {
    let queries = app.services.saved_queries(ctx).await?;
    Ok(queries.into_iter().map(|query| opened(app, query)).collect())
}

/// One of them.
pub(crate) async fn saved_one(app: &App, ctx: &OpContext, id: &str) -> Result<SavedQueryView> {
    Ok(opened(app, app.services.saved_query(ctx, id).await?))
}

/// Saves a query of the caller's, sealed.
pub(crate) async fn save(app: &App, ctx: &OpContext, query: NewQuery) -> Result<SavedQueryView> {
    let person = Services::query_writer(ctx)?;
    let query = checked(query)?;
    let id = Uuid::now_v7().to_string();
    let content = serde_json::to_vec(&query).map_err(Error::internal)?;
    let sealed = sealing(app, &id)?.seal(&name(person, &id), &content).map_err(Error::internal)?;
    let SavedQuery { id, saved_at, .. } = app.services.save_query(ctx, id, to_base64(&sealed)).await?;
    let NewQuery { name, sql } = query;
    Ok(SavedQueryView { id, name, sql, saved_at })
}

fn checked(query: NewQuery) -> Result<NewQuery> {
    let wrong = |message: String| Err(Error::new(ErrorCode::InvalidInput, message));
    let NewQuery { name, sql } = query;
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_CHARACTERS || name.chars().any(char::is_control) {
        return wrong(format!("a name has 1 to {NAME_CHARACTERS} characters, in one line"));
    }
    if sql.trim().is_empty() || sql.len() > QUERY_BYTES {
        return wrong(format!("a query to be saved has 1 to {QUERY_BYTES} bytes"));
    }
    Ok(NewQuery { name, sql })
}

/// What is sealed of a query; empty texts where this server's key does not open them, so that it can still be deleted.
fn opened(app: &App, query: SavedQuery) -> SavedQueryView {
    let SavedQuery { id, person, sealed, saved_at } = query;
    let open = || -> Option<NewQuery> {
        let sealed = from_base64(&sealed).ok()?;
        let content = sealing(app, &id).ok()?.open(&name(&person, &id), &sealed).ok()?;
        serde_json::from_slice(&content).ok()
    };
    let NewQuery { name, sql } =
        open().unwrap_or_else(|| NewQuery { name: String::new(), sql: String::new() });
    SavedQueryView { id, name, sql, saved_at }
}

/// A key that seals one query alone.
fn sealing(app: &App, id: &str) -> Result<SealingKey> {
    let key = app.sign_in.parts.key.derive(&format!("saved query {id}")).tag(b"key");
    SealingKey::from_bytes(&key).map_err(Error::internal)
}

/// Under what a query is sealed: it opens as nobody else's, and as no other.
fn name(person: &str, id: &str) -> Vec<u8> {
    format!("{person} {id}").into_bytes()
}

/// The queries that the caller has asked in these days, the newest first.
pub(crate) async fn history(
    app: &Arc<App>,
    ctx: &OpContext,
    days: i64,
    limit: usize,
) -> Result<Vec<PastQuery>> {
    let person = Services::query_writer(ctx)?.to_owned();
    let filter = Filter {
        principal: Some(person),
        from: Some(ctx.now.plus_seconds(-days * 86_400)),
        ..Filter::default()
    };
    // It reads the log of all these days: as many at a time as queries run.
    let _place = app.place(ctx).await?;
    Arc::clone(app).prove(move |app| found(app, filter, limit)).await
}

/// What the page of SQL shows of the history.
pub(crate) async fn recent(app: &Arc<App>, ctx: &OpContext) -> Result<Vec<PastQuery>> {
    history(app, ctx, DAYS, PAST).await
}

/// The text of a query that the caller has asked, by its receipt.
pub(crate) async fn past_text(app: &Arc<App>, ctx: &OpContext, receipt: &str) -> Result<String> {
    let holder = [Services::query_writer(ctx)?.to_owned()];
    let receipt = receipt.to_owned();
    let find = move |app: &App| {
        for leaf in leaves_of(app, &receipt, Some(&holder))? {
            if is_own_sql(&leaf.record)
                && let Some(text) = text_of(app, &leaf.record)?
            {
                return Ok(text);
            }
        }
        Err(Error::not_found("query of that receipt"))
    };
    Arc::clone(app).prove(find).await
}

/// Whether a person has asked it by SQL, and no operator at the command line who goes by the same name.
fn is_own_sql(record: &EvidenceRecord) -> bool {
    record.actor.channel == Channel::Sql && record.actor.operator.is_none()
}

fn found(app: &App, filter: Filter, limit: usize) -> Result<Vec<PastQuery>> {
    let mut newest: VecDeque<(EvidenceRecord, PastQuery)> = VecDeque::new();
    for leaf in app.evidence.scan(filter)? {
        let record = leaf?.record;
        if is_own_sql(&record) {
            take(&mut newest, record);
        }
        if newest.len() > limit {
            newest.pop_front();
        }
    }
    let opened = newest.into_iter().rev().map(|(record, past)| {
        let sql = text_of(app, &record)?;
        Ok(PastQuery { sql, ..past })
    });
    opened.collect()
}

/// Takes a record into the history: as a query, or as the end of one.
fn take(newest: &mut VecDeque<(EvidenceRecord, PastQuery)>, record: EvidenceRecord) {
    let begun = newest.iter_mut().rev().map(|(_, past)| past).find(|past| past.receipt == record.request_id);
    let past = match (&record.event, begun) {
        (Event::AccessEnded { rows, complete, stopped_by, .. }, Some(past)) => {
            past.state = if *complete { PastState::Complete } else { PastState::Stopped };
            (past.rows, past.code) = (Some(*rows), stopped_by.clone());
            return;
        }
        (Event::AccessRefused { code, .. }, Some(past)) => {
            (past.state, past.code) = (PastState::Refused, Some(code.clone()));
            return;
        }
        (Event::Access { sources, rows, .. }, _) => {
            PastQuery { rows: Some(*rows), ..begun_as(&record, sources, PastState::Complete) }
        }
        (Event::AccessStarted { sources, .. }, _) => begun_as(&record, sources, PastState::Running),
        (Event::AccessRefused { sources, code, .. }, None) => {
            PastQuery { code: Some(code.clone()), ..begun_as(&record, sources, PastState::Refused) }
        }
        _ => return,
    };
    newest.push_back((record, past));
}

fn begun_as(record: &EvidenceRecord, sources: &[SourceRead], state: PastState) -> PastQuery {
    let tables = sources.iter().map(|source| format!("{}={}", source.resource.path_form(), source.version));
    PastQuery {
        at: record.at,
        receipt: record.request_id.clone(),
        sql: None,
        purpose: record.actor.purpose.clone(),
        matter: record.actor.matter.clone(),
        tables: tables.collect(),
        state,
        rows: None,
        code: None,
    }
}

/// The SQL of a record's request; nothing where the texts of its month are erased.
fn text_of(app: &App, record: &EvidenceRecord) -> Result<Option<String>> {
    let kept = app.vault.of_record(&record.id)?;
    let text = kept.into_iter().find(|kept| kept.of == Committed::Request);
    Ok(text.and_then(|kept| sql_of(&kept.text)))
}
