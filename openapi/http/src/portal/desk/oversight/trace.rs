//! Who saw a person's record 谁看过我: for whoever answers a person that asks, and for auditors.

use axum::response::Response;
use catalog_core::{ErrorCode, ResourceCode, Result};
use openapi_contract::{SubjectAccesses, SubjectQuery};
use openapi_portal::{Names, TracePage, Typed};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{end, start};
use crate::app::App;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::subjects;
use std::sync::Arc;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_trace, trace_subject))
}

/// The form by which somebody's accesses are looked up
#[utoipa::path(get, path = "/desk/trace", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_trace(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let names = &Names::default();
    visit.page(&TracePage { a: visit.around(), typed: &Typed::default(), found: None, names })
}

/// Look up who saw a person's record; that it was asked is evidence, without the number
#[utoipa::path(post, path = "/desk/trace", tag = "desk", params(LanguageParam),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The accesses, oldest first", content_type = "text/html")))]
async fn trace_subject(visit: Visit, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let typed = Typed::new(fields);
    match traced(&visit, &typed).await {
        Ok(found) => {
            let resources = found.accesses.iter().map(|access| access.resource.as_str());
            let names = &visit.names_with([], resources).await?;
            visit.page(&TracePage { a: visit.around(), typed: &typed, found: Some(&found), names })
        }
        Err(refusal) if refusal.error.code == ErrorCode::Unauthenticated => Err(refusal),
        Err(refusal) => {
            let names = &Names::default();
            Err(visit.again(refusal.error, |a| TracePage { a, typed: &typed, found: None, names }))
        }
    }
}

async fn traced(visit: &Visit, typed: &Typed) -> Result<SubjectAccesses, Refusal> {
    let matter = typed.filled("matter").map(str::to_owned);
    let ctx = visit.ctx.clone().asserting(None, matter, None);
    let query = SubjectQuery {
        subject: typed.of("subject").to_owned(),
        resource: typed.filled("resource").map(ResourceCode::from_path).transpose()?,
        from: start(typed.of("from"))?,
        until: end(typed.of("until"))?,
        after: typed.filled("after").map(str::to_owned),
    };
    subjects::accesses_of(&visit.app, &ctx, query).await
}
