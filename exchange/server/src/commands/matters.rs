//! `matter` and `publish`: what departments ask of each other, and what becomes open.

mod show;

use catalog_core::directory::{Opening, Resource};
use catalog_core::matter::{CheckAnswer, Content, Event, OpeningTerms};
use catalog_core::ports::MatterPlace;
use catalog_core::services::{Act, MatterView};
use catalog_core::{Channel, ColumnName, Error, ErrorCode, Result};
use http::Method;
use serde_json::{Value, json};

use super::names::Names;
use super::{code_segment, read_list, segment};
use crate::cli::{Global, Matter, MatterKind, MatterStep, Publish};
use crate::client::{Client, Payload};
use crate::output;

/// Matters of one page of a list.
const PAGE: usize = 1000;

/// Matters.
pub(crate) async fn matter(client: &Client, global: &Global, command: &Matter) -> Result<()> {
    match command {
        Matter::Open { kind, file } => {
            for content in read_list::<Value>(file)? {
                told(global, &open(client, *kind, content).await?);
            }
        }
        Matter::Step(options) => told(global, &step(client, options).await?),
        Matter::Check { number } => {
            let path = format!("/api/v1/secrecy-reviews/{}/check", segment(number));
            told(global, &client.json(Method::POST, &path, Payload::Empty).await?);
        }
        Matter::Show { number } => {
            let view = matter_of(client, number).await?;
            match global.json {
                true => output::document(&view),
                false => show::whole(&view, &Names::from(client).await),
            }
        }
        Matter::List { light, settled } => {
            let light = light.as_ref().map_or(String::new(), |light| format!("&light={}", segment(light)));
            let views =
                all_matters(client, &format!("/api/v1/matters?limit={PAGE}&settled={settled}{light}"))
                    .await?;
            if global.json {
                output::document(&views);
                return Ok(());
            }
            let row = |view: &MatterView| {
                let due = view.due.map(catalog_core::Timestamp::shanghai_end).unwrap_or_default();
                let matter = &view.matter;
                vec![matter.number.clone(), matter.kind().to_string(), matter.state.to_string(), due]
            };
            output::table(&["办件", "类型", "状态", "期限"], &views.iter().map(row).collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// The matters of a list, page by page.
async fn all_matters(client: &Client, list: &str) -> Result<Vec<MatterView>> {
    let mut views: Vec<MatterView> = client.json(Method::GET, list, Payload::Empty).await?;
    let mut is_full = views.len() == PAGE;
    while let Some(last) = views.last().filter(|_| is_full) {
        let path = format!("{list}&after={}", MatterPlace::of(&last.matter));
        let page: Vec<MatterView> = client.json(Method::GET, &path, Payload::Empty).await?;
        is_full = page.len() == PAGE;
        views.extend(page);
    }
    Ok(views)
}

/// Opens a matter.
pub(crate) async fn open(client: &Client, kind: MatterKind, content: Value) -> Result<MatterView> {
    client.json(Method::POST, kind.path(), Payload::Json(content)).await
}

/// Takes a step as the command line says it.
async fn step(client: &Client, options: &MatterStep) -> Result<MatterView> {
    let mut act = match &options.file {
        None => json!({}),
        Some(file) => read_list::<Value>(file)?.pop().unwrap_or_default(),
    };
    act["event"] = json!(event_called(options)?);
    for (name, text) in [("reason", &options.reason), ("legal_basis", &options.legal_basis)] {
        if let Some(text) = text {
            act[name] = json!(text);
        }
    }
    let mut act: Act = serde_json::from_value(act)
        .map_err(|error| Error::new(ErrorCode::InvalidInput, format!("this is no step: {error}")))?;
    if options.all_yes {
        act.answers = Some(all_yes(client, &options.number).await?);
    }
    take(client, &options.number, &act).await
}

/// The event of that name, in either language.
fn event_called(options: &MatterStep) -> Result<Event> {
    let name = options.event.replace('_', "-");
    let is_called = |event: &&Event| show::spelled(**event) == name || event.label() == name;
    Event::ALL.iter().find(is_called).copied().ok_or_else(|| {
        let message = format!(
            "`{}` is no step; `shuqiao matter show {}` lists those that you may take",
            options.event, options.number
        );
        Error::new(ErrorCode::InvalidInput, message)
    })
}

/// Takes a step.
pub(crate) async fn take(client: &Client, number: &str, act: &Act) -> Result<MatterView> {
    let path = format!("/api/v1/matters/{}/steps", segment(number));
    let body = serde_json::to_value(act).map_err(Error::internal)?;
    client.json(Method::POST, &path, Payload::Json(body)).await
}

/// One matter.
pub(crate) async fn matter_of(client: &Client, number: &str) -> Result<MatterView> {
    client.json(Method::GET, &format!("/api/v1/matters/{}", segment(number)), Payload::Empty).await
}

/// Yes to every question of a review's check list.
pub(crate) async fn all_yes(client: &Client, number: &str) -> Result<Vec<CheckAnswer>> {
    let view = matter_of(client, number).await?;
    let questions = match &view.matter.content {
        Content::SecrecyReview(review) => review.checklist.len(),
        _ => 0,
    };
    Ok(vec![CheckAnswer { answer: true, note: String::new() }; questions])
}

/// A step without anything that goes with it but a reason.
pub(crate) fn act(event: Event, reason: Option<&str>) -> Act {
    Act::new(event, reason.map(str::to_owned), None)
}

/// Asks that items become open.
pub(crate) async fn publish(client: &Client, global: &Global, options: &Publish) -> Result<()> {
    let view = ask_to_open(client, options).await?;
    told(global, &view);
    Ok(())
}

/// Opens a secrecy review: of the items named, or all that are open without a condition.
pub(crate) async fn ask_to_open(client: &Client, options: &Publish) -> Result<MatterView> {
    let path = format!("/api/v1/resources/{}", code_segment(&options.code)?);
    let resource: Resource = client.json(Method::GET, &path, Payload::Empty).await?;
    let open_items = resource.items.iter().filter(|item| item.opening == Opening::Open);
    let items = match options.items.as_slice() {
        [] => open_items.map(|item| item.column.clone()).collect(),
        items => items.iter().map(ColumnName::new).collect::<Result<Vec<_>>>()?,
    };
    let terms = OpeningTerms {
        resource: resource.code,
        items,
        filter: None,
        masks: Default::default(),
        doors: [Channel::Api, Channel::File, Channel::Sql].into(),
        legal_basis: options.basis.clone(),
        valid_until: None,
        condition: options.condition.clone(),
        quasi_identifiers: None,
    };
    open(client, MatterKind::SecrecyReview, serde_json::to_value(terms).map_err(Error::internal)?).await
}

fn told(global: &Global, view: &MatterView) {
    match global.json {
        true => output::document(view),
        false => show::brief(view),
    }
}
