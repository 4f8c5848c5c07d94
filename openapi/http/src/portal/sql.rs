//! The page of SQL: asks as its reader, through the same engine and with the same evidence as `/api/v1/sql`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::response::{IntoResponse, Response};
use catalog_core::services::Services;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use exchange_auth::{decode_assertion, encode_assertion};
use exchange_query::export::{Format, first_rows};
use exchange_query::{QueryAnswer, QueryRequest};
use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;
use openapi_contract::{NewQuery, PastQuery, SavedQueryView, TablesInView};
use openapi_portal::{Around, SqlAnswer, SqlPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::evidence::Reading;
use crate::extract::Params;
use crate::problem::Refusal;
use crate::queries;
use crate::records::answered_in;
use crate::sql::in_view;

/// Its address.
pub(crate) const SQL: &str = "/sql";

/// Rows that the page shows.
const ROWS: usize = 500;
/// Bytes of their texts, about.
const BYTES: usize = 2 << 20;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_sql, run_sql_form))
}

/// What the page begins with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Begun {
    /// A part of a table's name: only tables of such a name are listed.
    #[serde(default)]
    tables: String,
    /// The code after which tables are listed.
    after: Option<String>,
    /// A saved query of the reader's, by its id.
    saved: Option<String>,
    /// A query that the reader has asked, by its receipt.
    past: Option<String>,
    /// `1` to list what the reader has asked.
    history: Option<String>,
}

/// What the form sends.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = SqlForm)]
#[serde(default)]
struct Entered {
    /// The text: exactly one query.
    sql: String,
    /// The purpose of the access, where one is stated.
    purpose: String,
    /// The matter that it is for, where one is stated.
    matter: String,
    /// What the query is called, when it is saved.
    name: String,
    /// `save`, or `delete` for the saved query of `id`; the query is run without it.
    act: String,
    /// A saved query.
    id: String,
    /// `answer` where the answer alone is wanted of the page: what stands beside it is not read again.
    part: String,
    /// A format: the answer is a file. Without it, it is this page with the first rows.
    format: String,
}

/// What the page shows beside its form, and what stands in the form.
#[derive(Default)]
struct Shown {
    entered: Entered,
    words: String,
    view: TablesInView,
    saved: Vec<SavedQueryView>,
    history: Option<Vec<PastQuery>>,
    answer: Option<SqlAnswer>,
}

impl Shown {
    fn page<'s>(&'s self, a: Around<'s>, is_writer: bool) -> SqlPage<'s> {
        SqlPage {
            a,
            sql: &self.entered.sql,
            purpose: &self.entered.purpose,
            matter: &self.entered.matter,
            name: &self.entered.name,
            words: &self.words,
            view: &self.view,
            saved: &self.saved,
            history: self.history.as_deref(),
            answer: self.answer.as_ref(),
            is_writer,
        }
    }
}

fn is_writer(ctx: &OpContext) -> bool {
    Services::query_writer(ctx).is_ok()
}

/// Ask by SQL: the form, the tables in view, saved queries
#[utoipa::path(get, path = "/sql", tag = "portal", params(LanguageParam, Begun),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_sql(visit: Visit, Params(begun): Params<Begun>) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let mut shown = Shown { words: begun.tables, ..Shown::default() };
    shown.view = in_view(app, ctx, &shown.words, begun.after.as_deref()).await?;
    if let Some(id) = &begun.saved {
        let SavedQueryView { name, sql, .. } = queries::saved_one(app, ctx, id).await?;
        shown.entered = Entered { name, sql, ..Entered::default() };
    }
    if let Some(receipt) = &begun.past {
        shown.entered.sql = queries::past_text(app, ctx, receipt).await?;
    }
    let is_writer = is_writer(ctx);
    if is_writer {
        shown.saved = queries::saved(app, ctx).await?;
    }
    if is_writer && begun.history.is_some() {
        shown.history = Some(queries::recent(app, ctx).await?);
    }
    visit.page(&shown.page(visit.around(), is_writer))
}

/// Run the query of the form, or save it
#[utoipa::path(post, path = "/sql", tag = "portal", params(LanguageParam),
    request_body(content = Entered, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The page with the first rows, or a file of all in the format asked for",
            content_type = "text/html"),
        (status = 303, description = "Saved, or deleted")))]
async fn run_sql_form(visit: Visit, Form(entered): Form<Entered>) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let mut shown = Shown { entered, ..Shown::default() };
    match done(&visit, &mut shown).await {
        Ok(Done::Answered(response)) => Ok(response),
        Ok(Done::Read(reading)) => {
            beside(app, ctx, &mut shown).await;
            let page = shown.page(visit.around(), is_writer(ctx));
            let mut response =
                visit.page(&page).map_err(|refusal| refusal.after_opening(reading.sources.clone()))?;
            response.extensions_mut().insert(reading);
            Ok(response)
        }
        Err(refusal) => {
            beside(app, ctx, &mut shown).await;
            Err(visit.again(refusal.error, |a| shown.page(a, is_writer(ctx))))
        }
    }
}

/// What came of a form.
enum Done {
    /// An answer of its own.
    Answered(Response),
    /// Rows, to be shown on the page.
    Read(Reading),
}

async fn done(visit: &Visit, shown: &mut Shown) -> Result<Done, Refusal> {
    let (app, ctx) = (&visit.app, &visit.ctx);
    let entered = &shown.entered;
    match entered.act.as_str() {
        "save" => {
            let query = NewQuery { name: entered.name.clone(), sql: entered.sql.clone() };
            let saved = queries::save(app, ctx, query).await?;
            Ok(Done::Answered(visit.go_on(format!("{SQL}?saved={}", saved.id))))
        }
        "delete" => {
            app.services.delete_query(ctx, &entered.id).await?;
            Ok(Done::Answered(visit.go_on(SQL)))
        }
        _ => {
            check_assertions(entered)?;
            let before = app.now();
            let answer = app.run(ctx, QueryRequest::Sql(entered.sql.clone())).await?;
            match entered.format.as_str() {
                "" => {
                    let (sources, now) = (answer.sources.clone(), answer.now);
                    let told = |error: Error| Refusal::from(error).after_opening(sources.clone());
                    let first = first_rows(answer, ROWS, BYTES).await.map_err(told)?;
                    let rows = Arc::new(AtomicU64::new(first.rows.len() as u64));
                    let reading = Reading { rows, now: Some(now), ..Reading::of(sources) };
                    let milliseconds = app.now().0.saturating_sub(before.0) / 1000;
                    shown.answer = Some(SqlAnswer {
                        columns: first.columns,
                        rows: first.rows,
                        more: first.more,
                        milliseconds: u64::try_from(milliseconds).unwrap_or_default(),
                        // The public's accesses are counted, and have none.
                        receipt: visit.signed_in().ok().map(|_| ctx.request_id.clone()),
                        versions: reading
                            .sources
                            .iter()
                            .map(|source| (source.resource.path_form(), source.version))
                            .collect(),
                    });
                    Ok(Done::Read(reading))
                }
                format => file(app, ctx, answer, format).await.map(Done::Answered),
            }
        }
    }
}

/// All rows as a file.
async fn file(
    app: &Arc<App>,
    ctx: &OpContext,
    answer: QueryAnswer,
    format: &str,
) -> Result<Response, Refusal> {
    let unknown = || {
        let offered = "offered are json, jsonl, csv, xlsx, arrow and parquet";
        Refusal::from(Error::new(ErrorCode::UnsupportedFormat, offered)).after_opening(answer.sources.clone())
    };
    let format = Format::parse(format).ok_or_else(unknown)?;
    let response = answered_in(app, ctx, answer, format).await?;
    let name = format!("attachment; filename=\"query.{}\"", format.extension());
    let name = HeaderValue::try_from(name).map_err(Error::internal)?;
    Ok(([(CONTENT_DISPOSITION, name)], response).into_response())
}

/// What stands beside the form. What can't be read now is left out: the answer counts.
async fn beside(app: &Arc<App>, ctx: &OpContext, shown: &mut Shown) {
    if shown.entered.part == "answer" {
        return;
    }
    shown.view = in_view(app, ctx, "", None).await.unwrap_or_default();
    if is_writer(ctx) {
        shown.saved = queries::saved(app, ctx).await.unwrap_or_default();
    }
}

/// The context with what a person states in the form about their business; everybody else states it in fields of the head. What
/// can't be stated is left out here, and said by the page.
pub(crate) fn asserted(ctx: OpContext, content: &[u8]) -> OpContext {
    if ctx.session.is_none() || ctx.ticket.is_some() {
        return ctx;
    }
    let Ok(entered) = serde_html_form::from_bytes::<Entered>(content) else { return ctx };
    let (purpose, matter) = (stated(&entered.purpose), stated(&entered.matter));
    let purpose = purpose.or_else(|| ctx.purpose.clone());
    let (matter, operator) = (matter.or_else(|| ctx.matter.clone()), ctx.operator.clone());
    ctx.asserting(purpose, matter, operator)
}

/// What is stated, by the rules of the head's fields.
fn stated(text: &str) -> Option<String> {
    decode_assertion(&encode_assertion(text.trim()))
}

fn check_assertions(entered: &Entered) -> Result<()> {
    for (text, name) in [(&entered.purpose, "purpose"), (&entered.matter, "matter")] {
        if !text.trim().is_empty() && stated(text).is_none() {
            let message = format!("the {name} is one line of at most 400 characters");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
    }
    Ok(())
}

/// The text of the query in a form that was sent.
pub(crate) fn entered_sql(content: &[u8]) -> Option<String> {
    serde_html_form::from_bytes(content).ok().map(|entered: Entered| entered.sql)
}

/// Whether the answer to a form that was sent is a page.
pub(crate) fn is_for_people(content: &[u8]) -> bool {
    serde_html_form::from_bytes(content).is_ok_and(|entered: Entered| entered.format.is_empty())
}
