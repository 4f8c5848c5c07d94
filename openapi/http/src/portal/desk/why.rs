//! Why an access is decided as it is, on the desk.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::Resource;
use catalog_core::policy::Literal;
use catalog_core::ports::{KeyOwner, SearchHit, SearchQuery};
use catalog_core::services::{AccessAnswer, AccessQuestion};
use catalog_core::{ColumnName, Error, ErrorCode, ResourceCode, Result};
use openapi_portal::{Around, Names, Typed, WhyPage};
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::why;

/// The most resources, and machines, that are offered to choose from.
const OFFERED: usize = 300;
/// The most hits of a search.
const HITS: u32 = 20;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_why, ask_why))
}

/// What the page shows beside the verdict.
struct Loaded {
    typed: Typed,
    found: Option<Vec<SearchHit>>,
    offered: Vec<(String, String)>,
    machines: Vec<(String, String)>,
    resource: Option<Resource>,
    names: Names,
}

impl Loaded {
    async fn of(visit: &Visit, typed: Typed) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let found = match typed.filled("q") {
            Some(words) => {
                let query = SearchQuery { text: words.to_owned(), limit: HITS, ..SearchQuery::default() };
                Some(services.search(ctx, query).await?.hits)
            }
            None => None,
        };
        let about = [typed.filled("principal"), Some(ctx.principal.id.as_str())];
        let names = visit.names(about.into_iter().flatten()).await?;
        let machines = machines(visit, &names).await?;
        let offered = offered(visit).await?;
        // What is no code may be a name of what is offered.
        let resource = match code_of(&typed, &offered) {
            Ok(code) => services.resource(ctx, &code).await.ok(),
            Err(_) => None,
        };
        Ok(Self { typed, found, offered, machines, resource, names })
    }

    fn page<'v>(&'v self, a: Around<'v>, answer: Option<&'v AccessAnswer>) -> WhyPage<'v> {
        let Self { typed, found, offered, machines, resource, names } = self;
        let (found, resource) = (found.as_deref(), resource.as_ref());
        WhyPage { a, typed, answer, found, offered, machines, resource, names }
    }
}

/// The resources of the visitor's side, and those that it gives or holds grants on: code and title.
async fn offered(visit: &Visit) -> Result<Vec<(String, String)>> {
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let mut offered = BTreeMap::new();
    match services.entries(ctx).await {
        Ok(entries) => {
            let published = entries.into_iter().filter_map(|entry| entry.published);
            offered.extend(published.map(|one| (one.code.to_string(), one.title)).take(OFFERED));
        }
        // Who belongs to no department has no entries.
        Err(error) if error.code == ErrorCode::Forbidden => {}
        Err(error) => return Err(error),
    }
    for grant in services.grants(ctx).await? {
        let code = grant.terms.resource;
        if offered.len() < OFFERED
            && !offered.contains_key(code.as_str())
            && let Ok(resource) = services.resource(ctx, &code).await
        {
            offered.insert(code.to_string(), resource.title);
        }
    }
    Ok(offered.into_iter().collect())
}

/// The keys of departments that are valid now, which the list of keys names to everyone.
async fn machines(visit: &Visit, names: &Names) -> Result<Vec<(String, String)>> {
    let keys = visit.app.services.key_history(&visit.ctx).await?;
    let of_departments = keys.into_iter().filter(|key| key.is_valid_at(visit.ctx.now)).filter_map(|key| {
        let KeyOwner::Department(department) = key.owner else { return None };
        Some((key.id, names.department(department.as_str()).to_owned()))
    });
    Ok(of_departments.take(OFFERED).collect())
}

/// The code that is typed, or of the resource that has the name that is typed.
fn code_of(typed: &Typed, offered: &[(String, String)]) -> Result<ResourceCode> {
    let typed = typed.of("resource").trim();
    match offered.iter().find(|(_, title)| title == typed) {
        Some((code, _)) => ResourceCode::from_path(code),
        None => ResourceCode::from_path(typed),
    }
}

fn word<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let found = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    found.map_err(|_| Error::new(ErrorCode::InvalidInput, format!("没有这样的{what}")))
}

/// The form by which people ask who may see what, and a search for what they ask about
#[utoipa::path(get, path = "/desk/why", tag = "desk",
    params(LanguageParam, ("resource" = Option<String>, Query, description = "Code of a resource"),
        ("q" = Option<String>, Query, description = "Words by which resources are searched")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_why(visit: Visit, Params(fields): Params<Vec<(String, String)>>) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, Typed::new(fields)).await?;
    visit.page(&loaded.page(visit.around(), None))
}

/// Ask who may see what, and why
#[utoipa::path(post, path = "/desk/why", tag = "desk", params(LanguageParam),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The verdict", content_type = "text/html")))]
async fn ask_why(visit: Visit, Form(fields): Form<Vec<(String, String)>>) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, Typed::new(fields)).await?;
    match verdict(&visit, &loaded).await {
        Ok(answer) => visit.page(&loaded.page(visit.around(), Some(&answer))),
        Err(error) => Err(visit.again(error, |a| loaded.page(a, None))),
    }
}

async fn verdict(visit: &Visit, loaded: &Loaded) -> Result<AccessAnswer> {
    let typed = &loaded.typed;
    let mut row = BTreeMap::new();
    if let Some(column) = typed.filled("row_column") {
        let value = Literal::Text(typed.of("row_value").trim().to_owned());
        row.insert(ColumnName::new(column)?, value);
    }
    let asked = AccessQuestion {
        resource: code_of(typed, &loaded.offered)?,
        principal: typed.filled("principal").map(str::to_owned),
        action: typed.filled("action").map(|action| word(action, "动作")).transpose()?,
        door: typed.filled("door").map(|door| word(door, "使用方式")).transpose()?,
        purpose: typed.filled("purpose").map(str::to_owned),
        item: typed.filled("item").map(ColumnName::new).transpose()?,
        row,
    };
    why::answered(&visit.app, &visit.ctx, &asked).await
}
