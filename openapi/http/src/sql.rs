//! SQL: one governed query, its functions and its dialect, and the tables in view.

mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use catalog_core::OpContext;
use exchange_query::QueryRequest;
use http::HeaderMap;
use openapi_contract::{Rows, SqlFunction, SqlQuery};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Input, Params};
use crate::problem::Refusal;
use crate::records::{answered_in, format_of};
pub(crate) use view::in_view;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(run_sql))
        .routes(routes!(list_functions))
        .routes(routes!(view::list_tables_in_view))
}

/// How an answer is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormatParam {
    /// `json`, `jsonl`, `csv`, `xlsx`, `arrow` or `parquet`; else `Accept` decides, and `json` where it does not.
    pub(crate) format: Option<String>,
}

/// Run one query
#[utoipa::path(post, path = "/api/v1/sql", tag = "sql", params(FormatParam), request_body = SqlQuery,
    responses((status = 200, description = "The rows, streamed, never capped silently: a limit cuts the transfer. \
        The header `shuqiao-limits` states the limits in force.", content(
            (Rows = "application/json"), (String = "application/jsonl"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 422, description = "A limit was reached, or a sheet can't hold the rows")))]
async fn run_sql(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(FormatParam { format }): Params<FormatParam>,
    headers: HeaderMap,
    Input(SqlQuery { sql }): Input<SqlQuery>,
) -> Result<Response, Refusal> {
    let format = format_of(format.as_deref(), &headers)?;
    let answer = app.run(&ctx, QueryRequest::Sql(sql)).await?;
    answered_in(&app, &ctx, answer, format).await
}

/// The functions that SQL offers
#[utoipa::path(get, path = "/api/v1/sql/functions", tag = "sql",
    responses((status = 200, description = "By kind and name", body = Vec<SqlFunction>)))]
async fn list_functions() -> Json<Vec<SqlFunction>> {
    let functions = exchange_query::functions().map(|function| SqlFunction {
        kind: function.kind.to_owned(),
        name: function.name.to_owned(),
        description: function.description.to_owned(),
    });
    Json(functions.collect())
}
