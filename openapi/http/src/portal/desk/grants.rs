//! Grants, tickets, and why an access is decided as it is, on the desk.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::policy::{Action, Grant, GrantKind, Grantee, Literal, decide_action};
use catalog_core::services::{AccessAnswer, AccessQuestion};
use catalog_core::{ColumnName, Error, ErrorCode, GrantId, ResourceCode, Result};
use openapi_contract::TicketView;
use openapi_portal::{GrantLine, GrantsPage, TicketsPage, Typed, WhyPage};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::why;

/// The most grants on a page.
const MOST: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_grants, end_grant))
        .routes(routes!(show_tickets, change_tickets))
        .routes(routes!(show_why, ask_why))
}

/// What the list is narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listing {
    /// Words in the resource's name or code, the grantee, or the id.
    #[serde(default)]
    q: String,
    /// `given` or `held`.
    #[serde(default)]
    side: String,
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// What the page of grants shows.
struct Loaded {
    asked: Listing,
    lines: Vec<GrantLine>,
    more: usize,
}

impl Loaded {
    async fn of(visit: &Visit, asked: Listing) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let mut grants = services.grants(ctx).await?;
        grants.reverse();
        let (mut known, mut lines, mut more) = (BTreeMap::new(), Vec::new(), 0);
        for grant in grants {
            if !asked.ended && asked.q.is_empty() && grant.has_ended(ctx.now) {
                continue;
            }
            let code = grant.terms.resource.clone();
            if !known.contains_key(&code) {
                let found = services.resource(ctx, &code).await.ok();
                known.insert(code.clone(), found.map(|resource| (resource.title, resource.provider)));
            }
            let (title, provider) = known.get(&code).cloned().flatten().unzip();
            let action = match grant.terms.kind {
                GrantKind::Public => Action::ReviewOpening,
                _ => Action::ManageGrants,
            };
            let decided = decide_action(&ctx.principal, action, provider.as_ref());
            let is_held =
                grant.terms.grantee != Grantee::Public && grant.terms.grantee.covers(&ctx.principal);
            let line = GrantLine {
                title: title.unwrap_or_default(),
                is_held,
                may_revoke: decided.into_permission().is_ok(),
                grant,
            };
            match asked.takes(&line) {
                false => {}
                true if lines.len() == MOST => more += 1,
                true => lines.push(line),
            }
        }
        Ok(Self { asked, lines, more })
    }

    fn page<'v>(&'v self, a: openapi_portal::Around<'v>, visit: &Visit, typed: &'v Typed) -> GrantsPage<'v> {
        let Listing { q, side, ended } = &self.asked;
        let (lines, more, now) = (self.lines.as_slice(), self.more, visit.ctx.now);
        GrantsPage { a, side, ended: *ended, words: q, lines, more, now, typed }
    }
}

impl Listing {
    fn takes(&self, line: &GrantLine) -> bool {
        let is_on_side = match self.side.as_str() {
            "given" => !line.is_held,
            "held" => line.is_held,
            _ => true,
        };
        is_on_side && self.names(line)
    }

    fn names(&self, line: &GrantLine) -> bool {
        let Grant { id, terms, .. } = &line.grant;
        let grantee = match &terms.grantee {
            Grantee::Department(department) => department.as_str(),
            Grantee::Developer(account) => account,
            Grantee::Public => "public",
        };
        let words = self.q.trim();
        let texts =
            [line.title.as_str(), terms.resource.as_str(), &terms.resource.path_form(), grantee, id.as_str()]
                .map(str::to_owned);
        words.is_empty() || texts.iter().any(|text| text.contains(words))
    }
}

/// Grants given and held
#[utoipa::path(get, path = "/desk/grants", tag = "desk", params(LanguageParam, Listing),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_grants(visit: Visit, Params(asked): Params<Listing>) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, asked).await?;
    visit.page(&loaded.page(visit.around(), &visit, &Typed::default()))
}

/// Revoke a grant by its form
#[utoipa::path(post, path = "/desk/grants", tag = "desk", params(LanguageParam, Listing),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Revoked")))]
async fn end_grant(
    visit: Visit,
    Params(asked): Params<Listing>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let typed = Typed::new(fields);
    let loaded = Loaded::of(&visit, asked).await?;
    match revoked(&visit, &typed).await {
        Ok(grant) => Ok(visit.go_on(format!("/desk/grants?q={}", grant.id))),
        Err(error) => Err(visit.again(error, |a| loaded.page(a, &visit, &typed))),
    }
}

async fn revoked(visit: &Visit, typed: &Typed) -> Result<Grant> {
    let id = GrantId::new(typed.of("grant"))?;
    let (app, ctx, reason) = (Arc::clone(&visit.app), visit.ctx.clone(), typed.of("reason").to_owned());
    App::to_the_end(async move { app.services.revoke_grant(&ctx, &id, &reason).await }).await
}

/// The tickets of whoever is signed in
#[utoipa::path(get, path = "/desk/tickets", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_tickets(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let tickets = own_tickets(&visit).await?;
    visit.page(&TicketsPage { a: visit.around(), tickets: &tickets, now: visit.ctx.now })
}

async fn own_tickets(visit: &Visit) -> Result<Vec<TicketView>> {
    let tickets = visit.app.services.tickets(&visit.ctx).await?;
    Ok(tickets.into_iter().map(TicketView::from).collect())
}

/// End a ticket by its form. One is issued to who signs for it alone: it ends with that key
#[utoipa::path(post, path = "/desk/tickets", tag = "desk", params(LanguageParam),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Ended")))]
async fn change_tickets(
    visit: Visit,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let typed = Typed::new(fields);
    let (tickets, now) = (own_tickets(&visit).await?, visit.ctx.now);
    match visit.app.services.revoke_ticket(&visit.ctx, typed.of("ticket")).await {
        Ok(()) => Ok(visit.go_on("/desk/tickets")),
        Err(error) => Err(visit.again(error, |a| TicketsPage { a, tickets: &tickets, now })),
    }
}

fn word<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let found = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    found.map_err(|_| Error::new(ErrorCode::InvalidInput, format!("没有这样的{what}")))
}

/// The form by which people ask who may see what
#[utoipa::path(get, path = "/desk/why", tag = "desk",
    params(LanguageParam, ("resource" = Option<String>, Query, description = "Code of a resource")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_why(visit: Visit, Params(fields): Params<Vec<(String, String)>>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let typed = Typed::new(fields);
    visit.page(&WhyPage { a: visit.around(), typed: &typed, answer: None })
}

/// Ask who may see what, and why
#[utoipa::path(post, path = "/desk/why", tag = "desk", params(LanguageParam),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The verdict", content_type = "text/html")))]
async fn ask_why(visit: Visit, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let typed = Typed::new(fields);
    match verdict(&visit, &typed).await {
        Ok(answer) => visit.page(&WhyPage { a: visit.around(), typed: &typed, answer: Some(&answer) }),
        Err(error) => Err(visit.again(error, |a| WhyPage { a, typed: &typed, answer: None })),
    }
}

async fn verdict(visit: &Visit, typed: &Typed) -> Result<AccessAnswer> {
    let mut row = BTreeMap::new();
    if let Some(column) = typed.filled("row_column") {
        let value = Literal::Text(typed.of("row_value").trim().to_owned());
        row.insert(ColumnName::new(column)?, value);
    }
    let asked = AccessQuestion {
        resource: ResourceCode::from_path(typed.of("resource").trim())?,
        principal: typed.filled("principal").map(str::to_owned),
        action: typed.filled("action").map(|action| word(action, "动作")).transpose()?,
        door: typed.filled("door").map(|door| word(door, "使用方式")).transpose()?,
        purpose: typed.filled("purpose").map(str::to_owned),
        item: typed.filled("item").map(ColumnName::new).transpose()?,
        row,
    };
    why::answered(&visit.app, &visit.ctx, &asked).await
}
