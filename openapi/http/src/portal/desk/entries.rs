//! The desk of a department's directory 目录编制: the list, one entry, its form, the spreadsheet.

mod editor;
mod history;
mod sheets;

use std::sync::Arc;

use axum::response::Response;
use catalog_core::ResourceCode;
use catalog_core::directory::diff::diff;
use catalog_core::directory::history::HistoryStep;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::unfinished::Unfinished;
use catalog_core::directory::{LifecycleState, LifecycleStep};
use catalog_core::policy::{Action, decide_action};
use catalog_core::{Error, ErrorCode, Result};
use openapi_contract::BulkStep;
use openapi_portal::{ChosenEntries, EntriesPage, EntryPage, Names, Outcome, PAGE_ENTRIES};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::directory::{advance, advance_all};
use crate::extract::{Code, CodePath, Params};
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_entries, advance_entries))
        .routes(routes!(show_entry, advance_entry))
        .merge(editor::routes())
        .merge(history::routes())
        .merge(sheets::routes())
}

/// Whether the visitor may do something to what a department has.
fn may(visit: &Visit, action: Action) -> bool {
    let principal = &visit.ctx.principal;
    decide_action(principal, action, principal.department.as_ref()).into_permission().is_ok()
}

/// The step of that name.
fn step_called(name: &str) -> Result<LifecycleStep> {
    let value = serde_json::Value::from(name);
    serde_json::from_value(value).map_err(|_| Error::new(ErrorCode::InvalidInput, "choose a step"))
}

/// A remark that says something.
fn said(remark: &str) -> Option<String> {
    Some(remark.trim().to_owned()).filter(|remark| !remark.is_empty())
}

/// Which entries are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Listed {
    /// A state: `draft`, `published` …
    #[serde(default)]
    state: String,
    /// A part of the title or code.
    #[serde(default)]
    q: String,
    /// The page, from 1.
    page: Option<usize>,
}

impl Listed {
    fn chosen(self) -> ChosenEntries {
        let is_called = |state: &LifecycleState| state.label().split(' ').next() == Some(self.state.as_str());
        ChosenEntries {
            state: LifecycleState::ALL.into_iter().find(is_called),
            words: self.q.trim().to_owned(),
            page: self.page.unwrap_or(1).max(1),
        }
    }
}

/// What the list shows beside the entries.
#[derive(Default)]
struct Beside {
    outcomes: Vec<Outcome>,
    ticked: Vec<String>,
    remark: String,
    step: String,
    unfinished: Vec<Unfinished>,
    names: Names,
}

impl Beside {
    /// The unfinished drafts, for who writes entries.
    async fn of(visit: &Visit) -> Result<Self> {
        let unfinished = match may(visit, Action::EditDirectory) {
            true => visit.app.services.unfinished_drafts(&visit.ctx).await?,
            false => Vec::new(),
        };
        let names = visit.names(unfinished.iter().map(|draft| draft.author.as_str())).await?;
        Ok(Self { unfinished, names, ..Self::default() })
    }
}

/// The entries of the reader's department
#[utoipa::path(get, path = "/desk/directory", tag = "desk", params(LanguageParam, Listed),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_entries(visit: Visit, Params(listed): Params<Listed>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let entries = visit.app.services.entries(&visit.ctx).await?;
    let chosen = listed.chosen();
    let beside = Beside::of(&visit).await?;
    visit.page(&list(&visit, &entries, &chosen, &beside, &mut Vec::new()))
}

fn list<'a>(
    visit: &'a Visit,
    entries: &'a [Entry],
    chosen: &'a ChosenEntries,
    beside: &'a Beside,
    shown: &'a mut Vec<&'a Entry>,
) -> EntriesPage<'a> {
    let counts = LifecycleState::ALL.into_iter().map(|state| {
        let count = entries.iter().filter(|entry| entry.state == state).count();
        (state, count)
    });
    let counts = counts.filter(|(_, count)| *count > 0).collect();
    let taken: Vec<_> = entries.iter().filter(|entry| chosen.takes(entry)).collect();
    let total = taken.len();
    shown.extend(
        taken.into_iter().skip(chosen.page.saturating_sub(1).saturating_mul(PAGE_ENTRIES)).take(PAGE_ENTRIES),
    );
    let steps = possible(visit, shown);
    EntriesPage {
        a: visit.around_at(chosen.address(chosen.page)),
        entries: shown,
        counts,
        chosen,
        total,
        may_edit: may(visit, Action::EditDirectory),
        outcomes: &beside.outcomes,
        ticked: &beside.ticked,
        remark: &beside.remark,
        step: &beside.step,
        steps,
        unfinished: &beside.unfinished,
        names: &beside.names,
    }
}

/// The steps that the reader may take now with entries, each with how many of them.
fn possible(visit: &Visit, entries: &[&Entry]) -> Vec<(LifecycleStep, usize)> {
    let open: Vec<_> = entries
        .iter()
        .flat_map(|entry| visit.app.services.entry_steps(&visit.ctx, entry))
        .filter(|(step, hindrance)| *step != LifecycleStep::Edit && hindrance.is_none())
        .map(|(step, _)| step)
        .collect();
    let counted = LifecycleStep::ALL.map(|step| (step, open.iter().filter(|one| **one == step).count()));
    counted.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// What a bulk step's form sends.
#[derive(Deserialize, ToSchema)]
struct Bulk {
    #[serde(default)]
    code: Vec<String>,
    step: String,
    #[serde(default)]
    remark: String,
}

/// Move all entries that are ticked one step on; each succeeds or fails by itself
#[utoipa::path(post, path = "/desk/directory", tag = "desk", params(LanguageParam, Listed),
    request_body(content = Bulk, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The page with what became of each", content_type = "text/html")))]
async fn advance_entries(
    visit: Visit,
    Params(listed): Params<Listed>,
    Form(bulk): Form<Bulk>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let chosen = listed.chosen();
    let outcomes = advance_ticked(&visit, &bulk).await;
    let entries = visit.app.services.entries(&visit.ctx).await?;
    let (ticked, remark, step) = (bulk.code, bulk.remark, bulk.step);
    match outcomes {
        Ok(outcomes) => {
            // What did not take the step stays as it was typed, to be sent again.
            let left = outcomes.iter().filter(|(_, outcome)| outcome.is_err());
            let ticked: Vec<_> = left.map(|(code, _)| code.to_string()).collect();
            let (remark, step) =
                if ticked.is_empty() { (String::new(), String::new()) } else { (remark, step) };
            let beside = Beside { outcomes, ticked, remark, step, ..Beside::of(&visit).await? };
            visit.page(&list(&visit, &entries, &chosen, &beside, &mut Vec::new()))
        }
        Err(refusal) => {
            let beside = Beside { ticked, remark, step, ..Beside::of(&visit).await? };
            let mut shown = Vec::new();
            let page = list(&visit, &entries, &chosen, &beside, &mut shown);
            Err(visit.again(refusal.error, |a| EntriesPage { a, ..page }))
        }
    }
}

async fn advance_ticked(visit: &Visit, bulk: &Bulk) -> Result<Vec<Outcome>, Refusal> {
    if bulk.code.is_empty() {
        return Err(Error::new(ErrorCode::InvalidInput, "tick the entries that take the step").into());
    }
    let codes = bulk.code.iter().map(|code| ResourceCode::new(code.clone())).collect::<Result<Vec<_>>>()?;
    let wanted = BulkStep { codes, step: step_called(&bulk.step)?, remark: said(&bulk.remark) };
    let outcomes = advance_all(&visit.app, &visit.ctx, wanted).await?;
    let outcome = |outcome: openapi_contract::StepOutcome| {
        let why = outcome.problem.map(|problem| problem.detail).unwrap_or_default();
        (outcome.code, outcome.state.ok_or(why))
    };
    Ok(outcomes.into_iter().map(outcome).collect())
}

/// One entry: its state, what it changes, its next steps
#[utoipa::path(get, path = "/desk/directory/{code}", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_entry(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let entry = visit.app.services.entry(&visit.ctx, &code).await?;
    let (changes, steps) =
        (diff(entry.published.as_ref(), &entry.draft), visit.app.services.entry_steps(&visit.ctx, &entry));
    let may_edit = may_edit(&visit, &entry);
    let history = visit.app.services.entry_history(&visit.ctx, &code, None).await?.steps;
    visit.page(&EntryPage {
        a: visit.around(),
        names: &names_of(&visit, &entry, &history).await?,
        entry: &entry,
        changes: &changes,
        steps: &steps,
        may_edit,
        history: &history,
        remark: "",
    })
}

/// The names of who has edited an entry, and of who took its steps.
async fn names_of(visit: &Visit, entry: &Entry, history: &[HistoryStep]) -> Result<Names> {
    let authors = entry.authors.iter().chain(history.iter().map(|step| &step.by));
    visit.names(authors.map(String::as_str).filter(|id| !id.is_empty())).await
}

fn may_edit(visit: &Visit, entry: &Entry) -> bool {
    may(visit, Action::EditDirectory) && entry.state.after(LifecycleStep::Edit).is_some()
}

/// What the form of an entry's next step sends.
#[derive(Deserialize, ToSchema)]
#[schema(as = EntryStepForm)]
struct Stepped {
    step: String,
    /// The revision of the entry that was shown.
    #[serde(default)]
    revision: String,
    #[serde(default)]
    remark: String,
}

/// Refuses a step in an entry that was another one when the page was shown: nobody approves what they have not seen.
async fn check_seen(visit: &Visit, code: &ResourceCode, seen: &str) -> Result<()> {
    if seen.is_empty() || visit.app.services.entry(&visit.ctx, code).await?.revision.to_string() == seen {
        return Ok(());
    }
    let message = "目录已有新的修订，请核对后再办";
    Err(Error::new(ErrorCode::Conflict, message))
}

/// Move an entry one step on
#[utoipa::path(post, path = "/desk/directory/{code}", tag = "desk", params(CodePath, LanguageParam),
    request_body(content = Stepped, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn advance_entry(
    visit: Visit,
    Code(code): Code,
    Form(stepped): Form<Stepped>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let taken = async {
        let step = step_called(&stepped.step)?;
        check_seen(&visit, &code, &stepped.revision).await?;
        advance(&visit.app, &visit.ctx, &code, step, said(&stepped.remark)).await
    };
    let error = match taken.await {
        Ok(_) => return Ok(visit.go_on(format!("/desk/directory/{}", code.path_form()))),
        Err(error) => error,
    };
    // Where it is not the caller's to see, the page is not either.
    let Ok(entry) = visit.app.services.entry(&visit.ctx, &code).await else { return Err(error.into()) };
    let changes = diff(entry.published.as_ref(), &entry.draft);
    let steps = visit.app.services.entry_steps(&visit.ctx, &entry);
    let may_edit = may_edit(&visit, &entry);
    let history = visit.app.services.entry_history(&visit.ctx, &code, None).await.unwrap_or_default().steps;
    let names = names_of(&visit, &entry, &history).await?;
    Err(visit.again(error, |a| EntryPage {
        a,
        names: &names,
        entry: &entry,
        changes: &changes,
        steps: &steps,
        may_edit,
        history: &history,
        remark: &stepped.remark,
    }))
}
