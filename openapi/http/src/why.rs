//! Why an access is decided as it is, and what a grant would show, for whoever decides on it.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::policy::GrantTerms;
use catalog_core::services::{AccessAnswer, AccessQuestion};
use catalog_core::{Error, ErrorCode, OpContext};
use openapi_contract::GrantPreview;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Input, invalid};
use crate::problem::Refusal;

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
    let about = match asked.principal.as_ref().filter(|about| **about != ctx.principal.id) {
        None => ctx.principal.clone(),
        Some(about) => {
            app.services.permit_question(&ctx, &asked, about).await?;
            let found = app.authenticator.principal_called(about, ctx.now).await;
            found.map_err(|error| Error::new(ErrorCode::NotFound, error.to_string()))?
        }
    };
    Ok(Json(app.services.explain(&ctx, about, &asked).await?))
}

/// What a grant would show, before anybody decides: items, masks, rows counted, and what it would undo
///
/// The body is the terms of a grant, or `{"matter": "…"}` for what a provider's part of an application asks. For whoever may make the
/// grant. Rows are counted as its holder would see them, and never shown.
#[utoipa::path(post, path = "/api/v1/why/grant", tag = "grants", request_body = GrantTerms,
    responses((status = 200, description = "One for each resource", body = Vec<GrantPreview>)))]
async fn preview_grant(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Input(asked): Input<Value>,
) -> Result<Json<Vec<GrantPreview>>, Refusal> {
    let all = match asked.get("matter") {
        None => vec![terms_of(asked)?],
        Some(Value::String(number)) => app.services.asked_terms(&ctx, number).await?,
        Some(_) => return Err(invalid("`matter` is the number of a provider's part of an application")),
    };
    let mut previews = Vec::with_capacity(all.len());
    for terms in all {
        previews.push(preview(&app, &ctx, terms).await?);
    }
    Ok(Json(previews))
}

async fn preview(app: &App, ctx: &OpContext, terms: GrantTerms) -> Result<GrantPreview, Refusal> {
    let (proposal, table) = app.tables.propose(ctx, terms).await?;
    let (resource, grantee) = (proposal.grant.terms.resource, proposal.grant.terms.grantee);
    let mut preview = GrantPreview {
        resource,
        grantee,
        version: None,
        columns: Vec::new(),
        hidden: Vec::new(),
        rows: None,
        of_rows: None,
        undoes: proposal.undoes,
    };
    if let Some(table) = table {
        let dataset = &table.dataset;
        let columns = dataset.granted.policy.columns.clone();
        let is_hidden = |name: &_| !columns.iter().any(|column| column.column == *name);
        let items = dataset.resource.items.iter().map(|item| item.column.clone());
        preview.hidden = items.filter(is_hidden).collect();
        (preview.version, preview.of_rows) = (Some(dataset.version.number), Some(dataset.version.rows));
        // What shows no item shows no row.
        preview.rows = match columns.is_empty() {
            true => Some(0),
            false => Some(app.engine.count(app.place(ctx).await?, ctx, table, None).await?),
        };
        preview.columns = columns;
    }
    Ok(preview)
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
