//! Building a grant from what was asked: weigh it, then decide on the same page.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::Resource;
use catalog_core::matter::{Ask, Content, Event, Provision};
use catalog_core::policy::Filter;
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
    part: Provision,
    /// What is decided about: what was proposed, where that waits for its second person.
    asked: Vec<(Ask, Resource)>,
}

impl Loaded {
    async fn of(visit: &Visit, number: &str) -> Result<Self> {
        visit.signed_in()?;
        let (services, ctx) = (&visit.app.services, &visit.ctx);
        let view = services.matter(ctx, number).await?;
        let Content::Provision(part) = view.matter.content.clone() else {
            return Err(Error::not_found(format!("a part of an application {number}")));
        };
        let decides = [Event::Grant, Event::Propose];
        if !decides.iter().any(|event| view.yours.contains(event)) {
            let event = decides.into_iter().find(|event| view.next.contains(event)).unwrap_or(Event::Grant);
            let barred = view.matter.barred(&ctx.principal, event);
            return Err(barred.unwrap_or_else(|| Error::new(ErrorCode::Forbidden, "这一步由承办部门完成")));
        }
        let mut asked = Vec::new();
        for ask in part.on_the_table(view.matter.state) {
            asked.push((ask.clone(), services.resource(ctx, &ask.resource).await?));
        }
        Ok(Self { view, part, asked })
    }

    fn page<'v>(&'v self, a: Around<'v>, typed: &'v Typed, previews: Option<&'v [Preview]>) -> GrantPage<'v> {
        GrantPage { a, view: &self.view, asked: &self.asked, typed, previews }
    }

    /// What is decided about as the form begins with it. The rows that it has stay: conditions only narrow them. Where a proposal
    /// was given back, the form begins with that.
    fn begun(&self) -> Typed {
        let is_proposed_anew = self.view.next.contains(&Event::Propose);
        let before = self.part.proposed.as_deref().filter(|_| is_proposed_anew);
        let asks = self.asked.iter().enumerate();
        asks.fold(Typed::default(), |typed, (place, (ask, _))| {
            let given_back = before.map(|proposed| proposed.iter().find(|one| one.resource == ask.resource));
            match given_back {
                None => typed_of(typed, place, &Ask { filter: None, ..ask.clone() }),
                Some(None) => typed.with("resource", ask.resource.as_str()),
                Some(Some(one)) => {
                    let filter = beyond(ask.filter.as_ref(), one.filter.as_ref());
                    typed_of(typed, place, &Ask { filter, ..one.clone() })
                }
            }
        })
    }

    /// The same with the words of the proposal, for whoever decides about it.
    fn begun_with_words(&self) -> Typed {
        let proposal = self.view.matter.history.last().filter(|step| step.event == Some(Event::Propose));
        let Some(step) = proposal.filter(|_| self.part.proposed.is_some()) else { return self.begun() };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        self.begun().with("reason", text(&step.reason)).with("legal_basis", text(&step.legal_basis))
    }
}

/// What a proposal's rows are narrowed to beyond what was asked: a decision keeps both, that of the asking first.
fn beyond(asked: Option<&Filter>, proposed: Option<&Filter>) -> Option<Filter> {
    match (asked, proposed) {
        (asked, proposed) if asked == proposed => None,
        (Some(asked), Some(Filter::And(parts))) if parts.first() == Some(asked) => match parts.get(1..) {
            Some([one]) => Some(one.clone()),
            rest => rest.map(|rest| Filter::And(rest.to_vec())),
        },
        (_, proposed) => proposed.cloned(),
    }
}

/// The form by which a provider builds the grant of a matter
#[utoipa::path(get, path = "/desk/matters/{id}/grant", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Number of the provider's part")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
pub(super) async fn show_grant_builder(visit: Visit, Id(number): Id) -> Result<Response, Refusal> {
    let loaded = Loaded::of(&visit, &number).await?;
    let typed = loaded.begun_with_words();
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

/// Who agrees to what is on the table agrees to what their page shows: a narrowing that is typed beside it is not dropped in silence.
fn check_scope(loaded: &Loaded, step: &str, typed: &Typed) -> Result<()> {
    let is_about_all = matches!(step, "grant" | "grant_proposed");
    if !is_about_all || typed.of("resource").is_empty() || asks_of(typed)? == asks_of(&loaded.begun())? {
        return Ok(());
    }
    let message = match step {
        "grant" => "拟定的范围与申请不同：请按拟定的范围部分同意，或者恢复为申请的范围",
        _ => "表单里的范围与初审拟定的不同：请按收窄的范围部分同意，或者恢复为初审拟定的范围",
    };
    Err(Error::new(ErrorCode::InvalidInput, message))
}

/// The step that a button of the page stands for, with its scope.
fn step_of(step: &str, typed: &Typed) -> Result<(Event, Option<Vec<Ask>>)> {
    match step {
        "propose" if typed.of("resource").is_empty() => Ok((Event::Propose, None)),
        "propose" => Ok((Event::Propose, Some(built(typed)?))),
        "propose_words" if typed.filled("reason").is_none() => {
            Err(Error::new(ErrorCode::InvalidInput, "不拟定范围的，请写明意见"))
        }
        "propose_words" => Ok((Event::Propose, None)),
        "grant_proposed" => Ok((Event::GrantInPart, None)),
        "grant_in_part" => Ok((Event::GrantInPart, Some(built(typed)?))),
        _ => match word(step, "步骤")? {
            event @ (Event::Grant | Event::Refuse | Event::Return) => Ok((event, None)),
            _ => Err(Error::new(ErrorCode::InvalidInput, "这一步不在本页办理")),
        },
    }
}

async fn decided(visit: &Visit, loaded: &Loaded, typed: &Typed) -> Result<()> {
    let step = typed.of("do");
    check_scope(loaded, step, typed)?;
    let (event, asks) = step_of(step, typed)?;
    let act = Act { asks, ..plain(event, typed) };
    let number = loaded.view.matter.number.clone();
    let (app, ctx) = (Arc::clone(&visit.app), visit.ctx.clone());
    App::to_the_end(async move { openings::act(&app, &ctx, &number, &act).await }).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_begins_with_what_a_proposal_adds_to_the_rows_that_were_asked_for() {
        let filter = |county: &str| {
            serde_json::from_value::<Filter>(serde_json::json!({"=": ["county", county]})).unwrap()
        };
        let (asked, one, two) = (filter("1"), filter("2"), filter("3"));
        let both = Filter::And(vec![asked.clone(), one.clone()]);
        assert_eq!(beyond(Some(&asked), Some(&asked)), None);
        assert_eq!(beyond(None, Some(&one)), Some(one.clone()));
        assert_eq!(beyond(Some(&asked), Some(&both)), Some(one.clone()));
        let three = Filter::And(vec![asked.clone(), one.clone(), two.clone()]);
        assert_eq!(beyond(Some(&asked), Some(&three)), Some(Filter::And(vec![one, two])));
    }
}
