//! The form of one entry. What it sends is a sheet of one resource, and is read as sheets are.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::sheet::form::{EntryCells, Field};
use catalog_core::directory::sheet::{self, Imported};
use catalog_core::directory::unfinished::{Unfinished, kept_meanwhile};
use catalog_core::policy::Action;
use catalog_core::{Error, ErrorCode, Problem, ResourceCode, Result, Timestamp};
use openapi_portal::{Around, Comparison, EditorPage, Names, Typed};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::may;
use crate::app::App;
use crate::directory::sheet::take_all;
use crate::extract::{Code, CodePath, Id};
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_new_entry, save_new_entry))
        .routes(routes!(show_editor, save_entry))
        .routes(routes!(show_unfinished, save_unfinished))
}

/// The fields of a form by their names.
type Fields = Vec<(String, String)>;

fn value<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

/// The form of a new entry
#[utoipa::path(get, path = "/desk/directory/new", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_new_entry(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    writes(&visit)?;
    if let Some(typed) = visit.returned() {
        return typed_before(&visit, typed, Of::default()).await;
    }
    let cells = EntryCells::blank();
    visit.page(&form(visit.around(), &cells, &[], &Of::default()))
}

/// Refuses who writes no entries: the form would be of no use to them.
fn writes(visit: &Visit) -> Result<()> {
    match may(visit, Action::EditDirectory) {
        true => Ok(()),
        false => {
            let message = "directory entries are written by the directory editors of a department";
            Err(Error::new(ErrorCode::Forbidden, message))
        }
    }
}

/// Add or remove an item of the form, or save it as the draft of a new entry
#[utoipa::path(post, path = "/desk/directory/new", tag = "desk", params(LanguageParam),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Saved"), (status = 200, description = "The form with the change, nothing saved")))]
async fn save_new_entry(visit: Visit, Form(fields): Form<Fields>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    writes(&visit)?;
    edited(&visit, &fields, Of::default()).await
}

/// The form of an entry
#[utoipa::path(get, path = "/desk/directory/{code}/edit", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_editor(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let entry = visit.app.services.entry(&visit.ctx, &code).await?;
    writes(&visit)?;
    if let Some(typed) = visit.returned() {
        let unfinished = known(&visit, &code.path_form()).await?;
        return typed_before(&visit, typed, Of { code: Some(code), unfinished, ..Of::default() }).await;
    }
    if let Some(unfinished) = known(&visit, &code.path_form()).await? {
        return unfinished_form(&visit, unfinished).await;
    }
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let cells = EntryCells::of(&entry.draft, &departments)?;
    let of = Of { code: Some(code), revision: entry.revision, ..Of::default() };
    visit.page(&form(visit.around(), &cells, &[], &of))
}

/// The form of an unfinished draft
#[utoipa::path(get, path = "/desk/directory/unfinished/{id}", tag = "desk",
    params(("id" = String, Path, description = "Its id"), LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_unfinished(visit: Visit, Id(id): Id) -> Result<Response, Refusal> {
    visit.signed_in()?;
    writes(&visit)?;
    let unfinished = visit.app.services.unfinished(&visit.ctx, &id).await?;
    if let Some(typed) = visit.returned() {
        let of = Of { code: unfinished.code.clone(), unfinished: Some(unfinished), ..Of::default() };
        return typed_before(&visit, typed, of).await;
    }
    unfinished_form(&visit, unfinished).await
}

/// Add or remove an item of the form, keep it, discard it, or save it as the draft of a new entry
#[utoipa::path(post, path = "/desk/directory/unfinished/{id}", tag = "desk",
    params(("id" = String, Path, description = "Its id"), LanguageParam),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Saved"), (status = 200, description = "The form with the change, nothing saved")))]
async fn save_unfinished(visit: Visit, Id(id): Id, Form(fields): Form<Fields>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    writes(&visit)?;
    let unfinished = visit.app.services.unfinished(&visit.ctx, &id).await?;
    let of = Of { code: unfinished.code.clone(), unfinished: Some(unfinished), ..Of::default() };
    edited(&visit, &fields, of).await
}

/// What the form is about.
#[derive(Default)]
struct Of {
    /// The entry; none for a new one.
    code: Option<ResourceCode>,
    /// The revision of it that the form was made from.
    revision: i64,
    /// What is kept of it now, unfinished.
    unfinished: Option<Unfinished>,
    /// When that was kept which the form was made from, where it was made from any: a colleague may have kept another one since.
    kept: Option<Timestamp>,
    /// What the entry has become since the draft was made from it, where it has.
    since: Option<Comparison>,
    /// What who kept it is called.
    names: Names,
}

impl Of {
    /// The same with names.
    async fn named(self, visit: &Visit) -> Result<Self> {
        let names = visit.names(self.unfinished.iter().map(|draft| draft.author.as_str())).await?;
        Ok(Self { names, ..self })
    }

    /// The draft that the form was made from, where it is still what is kept.
    fn own(&self) -> Option<&Unfinished> {
        self.unfinished.as_ref().filter(|unfinished| self.kept == Some(unfinished.updated_at))
    }
}

/// The unfinished draft of that id, if there is one.
async fn known(visit: &Visit, id: &str) -> Result<Option<Unfinished>> {
    match visit.app.services.unfinished(&visit.ctx, id).await {
        Ok(unfinished) => Ok(Some(unfinished)),
        Err(error) if error.code == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn unfinished_form(visit: &Visit, unfinished: Unfinished) -> Result<Response, Refusal> {
    let cells = unfinished.cells()?;
    let wrong: Vec<_> = read(visit, &cells).await?.problems.into_iter().filter_map(placed).collect();
    let since = since(visit, &unfinished).await?;
    let of = Of {
        code: unfinished.code.clone(),
        // Who is shown what the entry has become saves over it: the draft could never be saved else.
        revision: since.as_ref().map_or(unfinished.revision, |since| since.to),
        kept: Some(unfinished.updated_at),
        since,
        unfinished: Some(unfinished),
        ..Of::default()
    };
    let of = of.named(visit).await?;
    visit.page(&form(visit.around(), &cells, &wrong, &of))
}

/// What the entry has become since the draft was made from it. Of a revision that its history does not know nothing is listed.
async fn since(visit: &Visit, unfinished: &Unfinished) -> Result<Option<Comparison>> {
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let Some(code) = &unfinished.code else { return Ok(None) };
    let (from, to) = match services.entry(ctx, code).await {
        Ok(entry) => (unfinished.revision, entry.revision),
        // Another department's by now.
        Err(error) if error.code == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if from == to {
        return Ok(None);
    }
    let changes = match services.entry_difference(ctx, code, from, to).await {
        Err(error) if error.code == ErrorCode::NotFound => Vec::new(),
        changes => changes?,
    };
    Ok(Some(Comparison { from, to, changes }))
}

/// Add or remove an item of the form, or save it as the entry's draft
#[utoipa::path(post, path = "/desk/directory/{code}/edit", tag = "desk", params(CodePath, LanguageParam),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Saved"), (status = 200, description = "The form with the change, nothing saved")))]
async fn save_entry(visit: Visit, Code(code): Code, Form(fields): Form<Fields>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    visit.app.services.entry(&visit.ctx, &code).await?;
    writes(&visit)?;
    let unfinished = known(&visit, &code.path_form()).await?;
    edited(&visit, &fields, Of { code: Some(code), unfinished, ..Of::default() }).await
}

async fn edited(visit: &Visit, fields: &Fields, of: Of) -> Result<Response, Refusal> {
    let said = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut cells = EntryCells::filled(said)?;
    let mut of = Of {
        revision: value(fields, "revision").parse().unwrap_or(0),
        kept: Timestamp::parse(value(fields, "kept")),
        ..of.named(visit).await?
    };
    if let Some(unfinished) = of.own() {
        of.since = since(visit, unfinished).await?;
    }
    let asked = value(fields, "do");
    match asked.strip_prefix("remove-").map(str::parse) {
        Some(Ok(item)) => cells.remove_item(item),
        Some(Err(_)) => {}
        None if asked == "add" => cells.add_item(),
        None if asked == "show" => {
            let wrong: Vec<_> = read(visit, &cells).await?.problems.into_iter().filter_map(placed).collect();
            return visit.page(&form(visit.around(), &cells, &wrong, &of));
        }
        None if asked == "discard" => return discarded(visit, &cells, &of).await,
        None => return saved(visit, &cells, &of).await,
    }
    visit.page(&form(visit.around(), &cells, &[], &of))
}

/// Saves the form as a draft, or, where it breaks rules as yet, keeps it beside the entries.
async fn saved(visit: &Visit, cells: &EntryCells, of: &Of) -> Result<Response, Refusal> {
    let mut error = match save(visit, cells, of.code.as_ref(), of.revision).await {
        Ok(code) => {
            // What a colleague has kept meanwhile stays; when it is opened it says what the entry has become.
            if let Err(error) = forget(visit, of).await
                && error.code != ErrorCode::Conflict
            {
                return Err(error.into());
            }
            return Ok(visit.go_on(format!("/desk/directory/{}", code.path_form())));
        }
        Err(error) => error,
    };
    // What the form itself doesn't show when it is opened again, such as a name that is taken, is said now.
    if !error.problems.is_empty() && !read(visit, cells).await?.problems.is_empty() {
        match kept(visit, cells, of).await {
            Ok(address) => return Ok(visit.go_on(address)),
            Err(mut refused) => {
                refused.problems = std::mem::take(&mut error.problems);
                error = refused;
            }
        }
    }
    // Those that have a field are said there, the others above.
    let found = std::mem::take(&mut error.problems);
    let (here, above): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|problem| Field::at(&problem.at).is_some());
    error.problems = above;
    let wrong: Vec<_> = here.into_iter().filter_map(placed).collect();
    Err(visit.again(error, |a| form(a, cells, &wrong, of)))
}

/// Keeps what was typed, unfinished, and answers where it is shown with its problems.
async fn kept(visit: &Visit, cells: &EntryCells, of: &Of) -> Result<String> {
    let id = match (&of.unfinished, &of.code) {
        (Some(unfinished), _) => unfinished.id.clone(),
        (None, Some(code)) => code.path_form(),
        (None, None) => Uuid::now_v7().to_string(),
    };
    let services = &visit.app.services;
    // It stays one of the revision that it was made from until it is finished: what the entry has become is told each time.
    let revision = of.own().map_or(of.revision, |unfinished| unfinished.revision);
    let draft = services.keep_unfinished(&visit.ctx, &id, revision, of.kept, &cells.fields()).await?;
    Ok(match &draft.code {
        Some(code) => format!("/desk/directory/{}/edit", code.path_form()),
        None => format!("/desk/directory/unfinished/{id}"),
    })
}

/// Forgets what was kept and the form was made from, and no other draft.
async fn forget(visit: &Visit, of: &Of) -> Result<()> {
    let Some(unfinished) = &of.unfinished else { return Ok(()) };
    let kept = of.kept.ok_or_else(kept_meanwhile)?;
    match visit.app.services.discard_unfinished(&visit.ctx, &unfinished.id, Some(kept)).await {
        Err(error) if error.code == ErrorCode::NotFound => Ok(()),
        done => done,
    }
}

/// Forgets what was kept, and goes back to the entry, or to the list.
async fn discarded(visit: &Visit, cells: &EntryCells, of: &Of) -> Result<Response, Refusal> {
    if let Err(error) = forget(visit, of).await {
        return Err(visit.again(error, |a| form(a, cells, &[], of)));
    }
    // What was left of an entry that is another department's by now has no page any more.
    let entry = match &of.code {
        Some(code) => visit.app.services.entry(&visit.ctx, code).await.ok(),
        None => None,
    };
    Ok(visit.go_on(match entry {
        Some(entry) => format!("/desk/directory/{}", entry.draft.code.path_form()),
        None => "/desk/directory".to_owned(),
    }))
}

/// The form as it was typed before the session ended: with as many items.
async fn typed_before(visit: &Visit, typed: &Typed, of: Of) -> Result<Response, Refusal> {
    let cells = EntryCells::filled(typed.fields())?;
    let of = Of {
        revision: typed.of("revision").parse().unwrap_or(0),
        kept: Timestamp::parse(typed.of("kept")),
        ..of.named(visit).await?
    };
    visit.page(&form(visit.around(), &cells, &[], &of))
}

/// The form of an entry, or of a new one, in its revision.
fn form<'a>(
    a: Around<'a>,
    cells: &'a EntryCells,
    wrong: &'a [(Field, String)],
    of: &'a Of,
) -> EditorPage<'a> {
    let code = of.code.as_ref().map(ResourceCode::path_form);
    // A draft that was kept since is not the one that the form shows.
    let unfinished = of.own();
    let (revision, kept) = (of.revision, of.kept);
    EditorPage {
        a,
        cells,
        wrong,
        code,
        revision,
        unfinished,
        kept,
        since: of.since.as_ref(),
        names: &of.names,
    }
}

fn placed(problem: Problem) -> Option<(Field, String)> {
    Field::at(&problem.at).map(|field| (field, problem.message))
}

async fn read(visit: &Visit, cells: &EntryCells) -> Result<Imported> {
    let departments = visit.app.services.departments(&visit.ctx).await?;
    Ok(sheet::read(&cells.workbook(), visit.ctx.principal.department.as_ref(), &departments))
}

/// Saves the form as the draft of one entry.
async fn save(
    visit: &Visit,
    cells: &EntryCells,
    code: Option<&ResourceCode>,
    revision: i64,
) -> Result<ResourceCode> {
    let imported = read(visit, cells).await?;
    let broken = |problems| Error::invalid("the entry is not saved: some fields need mending", problems);
    let [found] = imported.resources.as_slice() else { return Err(broken(imported.problems)) };
    match code {
        Some(code) => {
            if found.allocate.is_some() || found.resource.code != *code {
                let message = format!("this is the form of {code}: its code stays as it is");
                return Err(Error::new(ErrorCode::InvalidInput, message));
            }
            let entry = visit.app.services.entry(&visit.ctx, code).await?;
            if entry.revision != revision {
                let message = "somebody else has changed this entry since you opened the form: open it again in \
                               another window and compare";
                return Err(Error::new(ErrorCode::Conflict, message));
            }
        }
        // A form for a new entry does not write over one that is there.
        None if found.allocate.is_none()
            && visit.app.services.entry(&visit.ctx, &found.resource.code).await.is_ok() =>
        {
            let message = format!("the code {} has an entry already: edit that one", found.resource.code);
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        None => {}
    }
    let report = take_all(&visit.app, &visit.ctx, imported).await?;
    report.imported.into_iter().next().ok_or_else(|| broken(report.problems))
}
