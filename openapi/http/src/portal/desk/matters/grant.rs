//! Building a grant from what was asked: weigh it, then decide on the same page.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::Resource;
use catalog_core::matter::{Ask, Content, Event, Provision};
use catalog_core::services::{Act, MatterView};
use catalog_core::{Error, ErrorCode, Result};
use openapi_portal::{Around, GrantPage, Preview, Typed, asks_of, typed_of};
use serde_json::Value;

use super::steps::{plain, word};
use super::{Form, Id, LanguageParam, Visit, check_seen};
use crate::app::App;
use crate::evidence::Reading;
use crate::openings;
use crate::problem::Refusal;
use crate::why::previewed;

/// Rows of a preview, for whoever reads the resource anyhow.
const FIRST: u32 = 5;

/// A provider's part that waits for the visitor's decision.
struct Loaded {
    view: MatterView,
    asked: Vec<(Ask, Resource)>,
}

impl Loaded {
    async fn of(visit: &Visit, number: &str) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let view = services.matter(ctx, number).await?;
        let Content::Provision(Provision { application, .. }) = &view.matter.content else {
            return Err(Error::not_found(format!("a part of an application {number}")));
        };
        let decides = [Event::Grant, Event::Propose];
        if !decides.iter().any(|event| view.yours.contains(event)) {
            let event = decides.into_iter().find(|event| view.next.contains(event)).unwrap_or(Event::Grant);
            let barred = view.matter.barred(&ctx.principal, event);
            return Err(barred.unwrap_or_else(|| Error::new(ErrorCode::Forbidden, "这一步由承办部门完成")));
        }
        let mut asked = Vec::with_capacity(application.asks.len());
        for ask in &application.asks {
            asked.push((ask.clone(), services.resource(ctx, &ask.resource).await?));
        }
        Ok(Self { view, asked })
    }

    fn page<'v>(&'v self, a: Around<'v>, typed: &'v Typed, previews: Option<&'v [Preview]>) -> GrantPage<'v> {
        GrantPage { a, view: &self.view, asked: &self.asked, typed, previews }
    }

    /// What was asked as the form begins with it. The rows that were asked for stay: conditions only narrow them.
    fn begun(&self) -> Typed {
        let asks = self.asked.iter().enumerate();
        asks.fold(Typed::default(), |typed, (place, (ask, _))| {
            typed_of(typed, place, &Ask { filter: None, ..ask.clone() })
        })
    }
}

/// The form by which a provider builds the grant of a matter
#[utoipa::path(get, path = "/desk/matters/{id}/grant", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the provider's part")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
pub(super) async fn show_grant_builder(visit: Visit, Id(number): Id) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, &number).await?;
    let typed = loaded.begun();
    visit.page(&loaded.page(visit.around(), &typed, None))
}

/// Weigh the grant as it is built, or decide
#[utoipa::path(post, path = "/desk/matters/{id}/grant", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the provider's part")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "What its holder would see", content_type = "text/html"),
        (status = 303, description = "Decided")))]
pub(super) async fn build_grant(
    visit: Visit,
    Id(number): Id,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let typed = Typed::new(fields);
    let loaded = Loaded::of(&visit, &number).await?;
    if let Err(error) = check_seen(&loaded.view, &typed) {
        return Err(visit.again(error, |a| loaded.page(a, &typed, None)));
    }
    if typed.of("do") == "preview" {
        let (previews, reading) = match weighed(&visit, &loaded, &typed).await {
            Ok(weighed) => weighed,
            Err(error) => return Err(visit.again(error, |a| loaded.page(a, &typed, None))),
        };
        let mut response = visit.page(&loaded.page(visit.around(), &typed, Some(&previews)))?;
        if let Some(reading) = reading {
            response.extensions_mut().insert(reading);
        }
        return Ok(response);
    }
    match decided(&visit, &loaded, &typed).await {
        Ok(()) => Ok(visit.go_on(format!("/desk/matters/{}", loaded.view.matter.number))),
        Err(error) => Err(visit.again(error, |a| loaded.page(a, &typed, None))),
    }
}

/// What is built: resources of which no item is ticked are not granted.
fn built(typed: &Typed) -> Result<Vec<Ask>> {
    let mut asks = asks_of(typed)?;
    asks.retain(|ask| !ask.items.is_empty());
    match asks.is_empty() {
        true => Err(Error::new(ErrorCode::InvalidInput, "请至少选一个信息项")),
        false => Ok(asks),
    }
}

async fn weighed(visit: &Visit, loaded: &Loaded, typed: &Typed) -> Result<(Vec<Preview>, Option<Reading>)> {
    let number = &loaded.view.matter.number;
    let ctx = visit.ctx.clone().asserting(None, Some(number.clone()), None);
    let asks = built(typed)?;
    let terms = visit.app.services.asked_terms(&ctx, number, Some(asks.as_slice())).await?;
    let (shown, reading) = previewed(&visit.app, &ctx, terms, FIRST).await?;
    let text = |value: &Value| match value {
        Value::Null => "—".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = |rows: Vec<Vec<Value>>| rows.iter().map(|row| row.iter().map(text).collect()).collect();
    let previews = shown.into_iter().map(|one| Preview { grant: one.preview, rows: one.rows.map(rows) });
    Ok((previews.collect(), reading.map(|reading| Reading { matter: Some(number.clone()), ..reading })))
}

/// A step that is about what was asked drops no narrowing in silence: nobody grants more than they see on their page.
fn check_scope(loaded: &Loaded, event: Event, typed: &Typed) -> Result<()> {
    let is_about_all = matches!(event, Event::Propose | Event::Grant);
    if !is_about_all || typed.of("resource").is_empty() || asks_of(typed)? == asks_of(&loaded.begun())? {
        return Ok(());
    }
    let message = match event {
        Event::Grant => "拟定的范围与申请不同：请按拟定的范围部分同意，或者恢复为申请的范围",
        _ if typed.of("reason").trim().is_empty() => {
            "拟定的范围与申请不同：请在意见中写明缩小了什么，复核人据此拟定授权"
        }
        _ => return Ok(()),
    };
    Err(Error::new(ErrorCode::InvalidInput, message))
}

async fn decided(visit: &Visit, loaded: &Loaded, typed: &Typed) -> Result<()> {
    let event: Event = word(typed.of("do"), "步骤")?;
    check_scope(loaded, event, typed)?;
    let asks = match event {
        Event::GrantInPart => Some(built(typed)?),
        Event::Propose | Event::Grant | Event::Refuse | Event::Return => None,
        _ => return Err(Error::new(ErrorCode::InvalidInput, "这一步不在本页办理")),
    };
    let act = Act { asks, ..plain(event, typed) };
    let number = loaded.view.matter.number.clone();
    let (app, ctx) = (Arc::clone(&visit.app), visit.ctx.clone());
    App::to_the_end(async move { openings::act(&app, &ctx, &number, &act).await }).await.map(drop)
}
