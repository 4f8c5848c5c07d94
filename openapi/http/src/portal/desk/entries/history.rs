//! The history of an entry, and two of its revisions beside each other.

use std::sync::Arc;

use axum::response::Response;
use openapi_portal::{Comparison, HistoryPage, Pager};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::{Code, CodePath, Params};
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_history))
}

/// Which part of the history is shown, and which revisions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Compared {
    /// The earlier one.
    from: Option<i64>,
    /// The later one.
    to: Option<i64>,
    /// The page behind that revision.
    after: Option<i64>,
}

/// The history of an entry
#[utoipa::path(get, path = "/desk/directory/{code}/history", tag = "desk", params(CodePath, LanguageParam, Compared),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_history(
    visit: Visit,
    Code(code): Code,
    Params(compared): Params<Compared>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let entry = services.overseen_entry(ctx, &code).await?;
    let part = services.entry_history(ctx, &code, compared.after).await?;
    let is_own = ctx.principal.acts_for(&entry.draft.provider);
    let comparison = match (compared.from, compared.to) {
        (Some(from), Some(to)) if is_own => {
            let changes = services.entry_difference(ctx, &code, from, to).await?;
            Some(Comparison { from, to, changes })
        }
        _ => None,
    };
    let a = visit.around();
    let pager = Pager::of(&a.address, "after", part.next.map(|next| next.to_string()).as_deref());
    let people = part.steps.iter().map(|step| step.by.as_str()).filter(|by| !by.is_empty());
    let names = visit.names(people).await?;
    visit.page(&HistoryPage {
        a,
        names: &names,
        entry: &entry,
        history: &part.steps,
        after: compared.after,
        pager,
        is_own,
        comparison: comparison.as_ref(),
    })
}
