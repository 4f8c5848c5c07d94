//! Departments, and how they are reorganised 机构改革.

use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::{Department, Level, Succession};
use catalog_core::policy::{Action, decide_action};
use catalog_core::services::Heir;
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result};
use openapi_portal::{
    DepartmentDeskPage, DepartmentsDeskPage, EnteredDepartment, EnteredSuccession, SuccessionsPage,
};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{day, filled, start, wrong};
use crate::app::App;
use crate::extract::Id;
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_desk_departments, add_department))
        .routes(routes!(show_desk_department, change_department))
        .routes(routes!(show_successions, change_successions))
}

/// What the form of a department sends.
#[derive(Debug, Deserialize, ToSchema)]
struct DepartmentForm {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    credit_code: String,
    #[serde(default)]
    level: String,
    #[serde(default)]
    parent: String,
    #[serde(default)]
    division_code: String,
}

impl DepartmentForm {
    fn entered(self, id: Option<String>) -> EnteredDepartment {
        let Self { id: typed, name, credit_code, level, parent, division_code } = self;
        let id = id.unwrap_or(typed);
        EnteredDepartment { id, name, credit_code, level, parent, division_code }
    }
}

fn department(entered: &EnteredDepartment) -> Result<Department> {
    let levels = [Level::Province, Level::City, Level::County, Level::Township];
    let level = levels.into_iter().find(|level| level.as_str() == entered.level);
    Ok(Department {
        id: DepartmentId::new(entered.id.trim())?,
        name: entered.name.trim().to_owned(),
        credit_code: entered.credit_code.trim().to_owned(),
        level: level.ok_or_else(|| wrong("choose a level"))?,
        parent: filled(&entered.parent).map(DepartmentId::new).transpose()?,
        division_code: entered.division_code.trim().to_owned(),
    })
}

/// Refuses those who may not change departments: the list itself is public elsewhere.
fn manages(visit: &Visit) -> Result<()> {
    let principal = visit.signed_in()?;
    decide_action(principal, Action::ManageDepartments, None).into_permission().map(drop)
}

/// The departments
#[utoipa::path(get, path = "/desk/departments", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk_departments(visit: Visit) -> Result<Response, Refusal> {
    manages(&visit)?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let entered =
        EnteredDepartment { level: Level::City.as_str().to_owned(), ..EnteredDepartment::default() };
    visit.page(&DepartmentsDeskPage { a: visit.around(), departments: &departments, entered: &entered })
}

/// Add a department by the form
#[utoipa::path(post, path = "/desk/departments", tag = "desk", params(LanguageParam),
    request_body(content = DepartmentForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Added")))]
async fn add_department(visit: Visit, Form(form): Form<DepartmentForm>) -> Result<Response, Refusal> {
    manages(&visit)?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let entered = form.entered(None);
    match added(&visit, &departments, &entered).await {
        Ok(()) => Ok(visit.go_on("/desk/departments")),
        Err(error) => Err(visit.again(error, |a| DepartmentsDeskPage {
            a,
            departments: &departments,
            entered: &entered,
        })),
    }
}

async fn added(visit: &Visit, known: &[Department], entered: &EnteredDepartment) -> Result<()> {
    let new = department(entered)?;
    if known.iter().any(|department| department.id == new.id) {
        return Err(Error::new(ErrorCode::Conflict, "there is a department of this machine name"));
    }
    visit.app.services.put_department(&visit.ctx, &new).await
}

/// One department
#[utoipa::path(get, path = "/desk/departments/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Machine name")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_desk_department(visit: Visit, Id(id): Id) -> Result<Response, Refusal> {
    manages(&visit)?;
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let department = services.department(ctx, &DepartmentId::new(id)?).await?;
    let departments = services.departments(ctx).await?;
    let successions = services.successions(ctx).await?;
    let id = &department.id;
    let of = successions.iter().filter(|one| one.predecessor == *id || one.successor == *id);
    visit.page(&DepartmentDeskPage {
        a: visit.around(),
        departments: &departments,
        entered: &EnteredDepartment::of(&department),
        successions: of.collect(),
    })
}

/// Change a department by the form
#[utoipa::path(post, path = "/desk/departments/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Machine name")),
    request_body(content = DepartmentForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Changed")))]
async fn change_department(
    visit: Visit,
    Id(id): Id,
    Form(form): Form<DepartmentForm>,
) -> Result<Response, Refusal> {
    manages(&visit)?;
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    let known = services.department(ctx, &DepartmentId::new(id)?).await?;
    let entered = form.entered(Some(known.id.to_string()));
    let done = match department(&entered) {
        Ok(department) => services.put_department(ctx, &department).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(visit.go_on(format!("/desk/departments/{}", known.id))),
        Err(error) => {
            let departments = services.departments(ctx).await?;
            Err(visit.again(error, |a| DepartmentDeskPage {
                a,
                departments: &departments,
                entered: &entered,
                successions: Vec::new(),
            }))
        }
    }
}

/// What the forms of the page send.
#[derive(Debug, Deserialize, ToSchema)]
struct SuccessionForm {
    /// `propose`, `confirm` or `cancel`.
    act: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    predecessor: String,
    #[serde(default)]
    successor: String,
    #[serde(default)]
    resources: String,
    #[serde(default)]
    from: String,
    #[serde(default)]
    basis: String,
    #[serde(default)]
    reason: String,
}

fn reorganises(visit: &Visit) -> Result<()> {
    let principal = visit.signed_in()?;
    decide_action(principal, Action::Reorganise, None).into_permission().map(drop)
}

/// Who proposed them.
fn officers(successions: &[Succession]) -> Vec<&str> {
    successions.iter().map(|one| one.proposed_by.as_str()).collect()
}

/// The codes of the resources that are handed over.
fn handed_over(successions: &[Succession]) -> Vec<&str> {
    successions.iter().flat_map(|one| &one.resources).map(|code| code.as_str()).collect()
}

/// Departments that are continued by others, or hand resources over 机构改革
#[utoipa::path(get, path = "/desk/successions", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_successions(visit: Visit) -> Result<Response, Refusal> {
    reorganises(&visit)?;
    let successions = visit.app.services.successions(&visit.ctx).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    visit.page(&SuccessionsPage {
        names: &visit.names_with(officers(&successions), handed_over(&successions)).await?,
        a: visit.around(),
        successions: &successions,
        departments: &departments,
        entered: &EnteredSuccession::default(),
        reader: &visit.ctx.principal.id,
        now: visit.ctx.now,
    })
}

/// Propose, confirm or call off a succession by the form
#[utoipa::path(post, path = "/desk/successions", tag = "desk", params(LanguageParam),
    request_body(content = SuccessionForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn change_successions(visit: Visit, Form(sent): Form<SuccessionForm>) -> Result<Response, Refusal> {
    reorganises(&visit)?;
    match changed(&visit, &sent).await {
        Ok(()) => Ok(visit.go_on("/desk/successions")),
        Err(error) => {
            let successions = visit.app.services.successions(&visit.ctx).await?;
            let departments = visit.app.services.departments(&visit.ctx).await?;
            let SuccessionForm { predecessor, successor, resources, from, basis, .. } = sent;
            let entered = EnteredSuccession { predecessor, successor, resources, from, basis };
            let names = &visit.names_with(officers(&successions), handed_over(&successions)).await?;
            Err(visit.again(error, |a| SuccessionsPage {
                a,
                names,
                successions: &successions,
                departments: &departments,
                entered: &entered,
                reader: &visit.ctx.principal.id,
                now: visit.ctx.now,
            }))
        }
    }
}

async fn changed(visit: &Visit, sent: &SuccessionForm) -> Result<()> {
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    match sent.act.as_str() {
        "confirm" => services.confirm_succession(ctx, &sent.id).await.map(drop),
        "cancel" => services.cancel_succession(ctx, &sent.id, &sent.reason).await.map(drop),
        "propose" => {
            let codes = sent.resources.lines().filter_map(filled);
            // Today is from now on: its begin lies behind.
            let is_today = day(&sent.from)? == Some(ctx.now.shanghai_date());
            let heir = Heir {
                successor: DepartmentId::new(sent.successor.trim())?,
                resources: codes.map(|code| ResourceCode::from_path(&code)).collect::<Result<_>>()?,
                from: if is_today { None } else { start(&sent.from)? },
                basis: sent.basis.clone(),
            };
            let predecessor = DepartmentId::new(sent.predecessor.trim())?;
            services.propose_succession(ctx, &predecessor, &heir).await.map(drop)
        }
        _ => Err(wrong("this page proposes, confirms and calls off")),
    }
}
