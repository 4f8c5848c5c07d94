//! Grants and tickets on the desk.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::Resource;
use catalog_core::policy::{Action, Grant, GrantKind, Grantee, decide_action};
use catalog_core::{DepartmentId, Error, ErrorCode, GrantId, Result};
use openapi_contract::TicketView;
use openapi_portal::{GrantLine, GrantsPage, Names, Pager, TicketsPage, Typed};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

/// The most grants on a page.
const MOST: usize = 50;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_grants, end_grant)).routes(routes!(show_tickets, change_tickets))
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
    /// The page behind this place.
    #[serde(default)]
    after: String,
}

/// The place of a grant in the list, as it travels: `1774886400000000.ID`. Later ones come first.
fn place_of(grant: &Grant) -> (i64, String) {
    (grant.created_at.0, grant.id.to_string())
}

fn place(text: &str) -> Result<Option<(i64, String)>> {
    let read = || {
        let (at, id) = text.split_once('.')?;
        Some((at.parse().ok()?, id.to_owned()))
    };
    let wrong =
        || Error::new(ErrorCode::InvalidInput, "this is no place in the list: take it from the page before");
    if text.is_empty() { Ok(None) } else { read().map(Some).ok_or_else(wrong) }
}

/// What the page of grants shows.
struct Loaded {
    asked: Listing,
    lines: Vec<GrantLine>,
    /// The place of the last of them, where more follow.
    next: Option<String>,
    names: Names,
}

impl Loaded {
    async fn of(visit: &Visit, asked: Listing) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let mut grants = services.grants(ctx).await?;
        grants.sort_by_key(|grant| Reverse(place_of(grant)));
        if let Some(after) = place(&asked.after)? {
            grants.retain(|grant| place_of(grant) < after);
        }
        let departments = visit.names([]).await?;
        let (mut known, mut lines, mut next) = (BTreeMap::new(), Vec::<GrantLine>::new(), None);
        for grant in grants {
            if !asked.ended && asked.q.is_empty() && grant.has_ended(ctx.now) {
                continue;
            }
            let code = grant.terms.resource.clone();
            if !known.contains_key(&code) {
                let found = services.resource(ctx, &code).await.ok();
                known.insert(code.clone(), found.map(Known::of).unwrap_or_default());
            }
            let Known { title, provider, items } = known.get(&code).cloned().unwrap_or_default();
            let action = match grant.terms.kind {
                GrantKind::Public => Action::ReviewOpening,
                _ => Action::ManageGrants,
            };
            let decided = decide_action(&ctx.principal, action, provider.as_ref());
            let is_held =
                grant.terms.grantee != Grantee::Public && grant.terms.grantee.covers(&ctx.principal);
            let line =
                GrantLine { title, items, is_held, may_revoke: decided.into_permission().is_ok(), grant };
            match asked.takes(&line, &departments) {
                false => {}
                true if lines.len() == MOST => {
                    let last = lines.last().map(|line| place_of(&line.grant));
                    next = last.map(|(at, id)| format!("{at}.{id}"));
                    break;
                }
                true => lines.push(line),
            }
        }
        let names = visit.names(lines.iter().flat_map(|line| people(&line.grant))).await?;
        Ok(Self { asked, lines, next, names })
    }

    fn page<'v>(&'v self, a: openapi_portal::Around<'v>, visit: &Visit, typed: &'v Typed) -> GrantsPage<'v> {
        let Listing { q, side, ended, .. } = &self.asked;
        let (lines, now) = (self.lines.as_slice(), visit.ctx.now);
        let pager = Pager::of(&a.address, "after", self.next.as_deref());
        GrantsPage { a, side, ended: *ended, words: q, lines, pager, now, typed, names: &self.names }
    }
}

/// What a list of grants says of a resource.
#[derive(Clone, Default)]
struct Known {
    title: String,
    provider: Option<DepartmentId>,
    items: Arc<BTreeMap<String, String>>,
}

impl Known {
    fn of(resource: Resource) -> Self {
        let items = resource.items.into_iter().map(|item| (item.column.to_string(), item.title));
        let items = Arc::new(items.collect());
        Self { title: resource.title, provider: Some(resource.provider), items }
    }
}

/// Whom a grant names.
fn people(grant: &Grant) -> impl Iterator<Item = &str> {
    let holder = match &grant.terms.grantee {
        Grantee::Developer(account) => Some(account.as_str()),
        Grantee::Department(_) | Grantee::Public => None,
    };
    let ended = grant.revocation.as_ref().map(|end| end.by.as_str());
    [Some(grant.created_by.as_str()), holder, ended].into_iter().flatten()
}

impl Listing {
    fn takes(&self, line: &GrantLine, names: &Names) -> bool {
        let is_on_side = match self.side.as_str() {
            "given" => !line.is_held,
            "held" => line.is_held,
            _ => true,
        };
        is_on_side && self.mentions(line, names)
    }

    fn mentions(&self, line: &GrantLine, names: &Names) -> bool {
        let Grant { id, terms, .. } = &line.grant;
        let grantee = match &terms.grantee {
            Grantee::Department(department) => department.as_str(),
            Grantee::Developer(account) => account,
            Grantee::Public => "public",
        };
        let words = self.q.trim();
        let texts =
            [line.title.as_str(), terms.resource.as_str(), &terms.resource.path_form(), grantee, id.as_str()];
        let name = names.department(grantee);
        words.is_empty() || name.contains(words) || texts.iter().any(|text| text.contains(words))
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
