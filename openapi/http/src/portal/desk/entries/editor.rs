//! The form of one entry. What it sends is a sheet of one resource, and is read as sheets are.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::sheet::form::{EntryCells, Field};
use catalog_core::directory::sheet::{self, Imported};
use catalog_core::policy::Action;
use catalog_core::{Error, ErrorCode, Problem, ResourceCode, Result};
use openapi_portal::{Around, EditorPage};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::may;
use crate::app::App;
use crate::directory::sheet::take_all;
use crate::extract::{Code, CodePath};
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_new_entry, save_new_entry))
        .routes(routes!(show_editor, save_entry))
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
    let cells = EntryCells::blank();
    visit.page(&EditorPage { a: visit.around(), cells: &cells, wrong: &[], code: None, revision: 0 })
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
    edited(&visit, &fields, None).await
}

/// The form of an entry
#[utoipa::path(get, path = "/desk/directory/{code}/edit", tag = "desk", params(CodePath, LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_editor(visit: Visit, Code(code): Code) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let entry = visit.app.services.entry(&visit.ctx, &code).await?;
    writes(&visit)?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let cells = EntryCells::of(&entry.draft, &departments)?;
    let (code, revision) = (Some(code.path_form()), entry.revision);
    visit.page(&EditorPage { a: visit.around(), cells: &cells, wrong: &[], code, revision })
}

/// Add or remove an item of the form, or save it as the entry's draft
#[utoipa::path(post, path = "/desk/directory/{code}/edit", tag = "desk", params(CodePath, LanguageParam),
    request_body(content = Object, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Saved"), (status = 200, description = "The form with the change, nothing saved")))]
async fn save_entry(visit: Visit, Code(code): Code, Form(fields): Form<Fields>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    visit.app.services.entry(&visit.ctx, &code).await?;
    writes(&visit)?;
    edited(&visit, &fields, Some(&code)).await
}

async fn edited(visit: &Visit, fields: &Fields, code: Option<&ResourceCode>) -> Result<Response, Refusal> {
    let said = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut cells = EntryCells::filled(said)?;
    let revision = value(fields, "revision").parse().unwrap_or(0);
    let of = (code, revision);
    let asked = value(fields, "do");
    match asked.strip_prefix("remove-").map(str::parse) {
        Some(Ok(item)) => cells.remove_item(item),
        Some(Err(_)) => {}
        None if asked == "add" => cells.add_item(),
        None if asked == "show" => {
            let wrong: Vec<_> = read(visit, &cells).await?.problems.into_iter().filter_map(placed).collect();
            return visit.page(&form(visit.around(), &cells, &wrong, of));
        }
        None => {
            return match save(visit, &cells, code, revision).await {
                Ok(code) => Ok(visit.go_on(format!("/desk/directory/{}", code.path_form()))),
                Err(mut error) => {
                    // Those that have a field are said there, the others above.
                    let found = std::mem::take(&mut error.problems);
                    let (here, above): (Vec<_>, Vec<_>) =
                        found.into_iter().partition(|problem| Field::at(&problem.at).is_some());
                    error.problems = above;
                    let wrong: Vec<_> = here.into_iter().filter_map(placed).collect();
                    Err(visit.again(error, |a| form(a, &cells, &wrong, of)))
                }
            };
        }
    }
    visit.page(&form(visit.around(), &cells, &[], of))
}

/// The form of an entry, or of a new one, in its revision.
fn form<'a>(
    a: Around<'a>,
    cells: &'a EntryCells,
    wrong: &'a [(Field, String)],
    (code, revision): (Option<&ResourceCode>, i64),
) -> EditorPage<'a> {
    EditorPage { a, cells, wrong, code: code.map(ResourceCode::path_form), revision }
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
