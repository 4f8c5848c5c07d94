//! People, their roles, and who stands in for them.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::ports::Person;
use catalog_core::substitution::NewSubstitution;
use catalog_core::{DepartmentId, Error, ErrorCode, Result, Role};
use openapi_portal::{EnteredSubstitution, Pager, PeoplePage, PersonPage, SubstitutionsPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{day, end, filled, start, wrong};
use crate::app::App;
use crate::extract::{Id, Params};
use crate::portal::form::Form;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;
use crate::session::invite;

/// The most people that a page lists.
const LISTED: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_people, add_person))
        .routes(routes!(show_person, change_person))
        .routes(routes!(show_substitutions, change_substitutions))
}

/// Who is looked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Asked {
    /// Part of a login name, a name, or a department's machine name.
    q: String,
    /// The page behind this login name.
    after: String,
}

/// What the form of a new person sends.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewPersonForm)]
struct EnteredPerson {
    id: String,
    name: String,
    #[serde(default)]
    department: String,
    #[serde(default)]
    roles: Vec<Role>,
}

/// What the forms of a person's page send.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = PersonForm)]
struct ChangedPerson {
    /// `save` or `invite`.
    act: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    department: String,
    #[serde(default)]
    roles: Vec<Role>,
    /// `yes` where the box is ticked.
    #[serde(default)]
    active: String,
}

/// A person as typed; a department that is no name is none.
fn person(id: &str, name: &str, department: &str, roles: Vec<Role>, active: bool) -> Person {
    let department = filled(department).and_then(|name| name.parse::<DepartmentId>().ok());
    Person {
        id: id.trim().to_owned(),
        name: name.trim().to_owned(),
        department,
        roles: roles.into_iter().collect(),
        active,
    }
}

fn nobody() -> Person {
    let (id, name) = (String::new(), String::new());
    Person { id, name, department: None, roles: BTreeSet::new(), active: true }
}

/// The first of them by login name, and the last of these where more follow.
fn page_of(mut people: Vec<Person>) -> (Vec<Person>, Option<String>) {
    people.sort_by(|one, other| one.id.cmp(&other.id));
    let has_more = people.len() > LISTED;
    people.truncate(LISTED);
    let next = people.last().filter(|_| has_more).map(|last| last.id.clone());
    (people, next)
}

/// The people with an account
#[utoipa::path(get, path = "/desk/people", tag = "desk", params(LanguageParam, Asked),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_people(visit: Visit, Params(asked): Params<Asked>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let all = visit.app.services.people(&visit.ctx).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    let total = all.len() as u64;
    let words = asked.q.trim().to_lowercase();
    let is_found = |person: &Person| {
        let department = person.department.as_ref().map_or("", |department| department.as_str());
        let named = departments.iter().find(|known| known.id.as_str() == department);
        let called = named.map_or("", |department| department.name.as_str());
        [person.id.as_str(), &person.name, department, called]
            .iter()
            .any(|text| text.to_lowercase().contains(&words))
    };
    let is_behind = |person: &Person| asked.after.is_empty() || person.id > asked.after;
    let found = all.into_iter().filter(|person| is_found(person) && is_behind(person)).collect();
    let (found, next) = page_of(found);
    let a = visit.around();
    let pager = Pager::of(&a.address, "after", next.as_deref());
    visit.page(&PeoplePage {
        a,
        people: &found,
        total,
        words: &asked.q,
        pager,
        departments: &departments,
        entered: &nobody(),
    })
}

/// Add a person by the form
#[utoipa::path(post, path = "/desk/people", tag = "desk", params(LanguageParam),
    request_body(content = EnteredPerson, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Added; to their page")))]
async fn add_person(visit: Visit, Form(entered): Form<EnteredPerson>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let EnteredPerson { id, name, department, roles } = entered;
    let person = person(&id, &name, &department, roles, true);
    let people = visit.app.services.people(&visit.ctx).await?;
    let added = match people.iter().any(|known| known.id == person.id) {
        true => Err(Error::new(ErrorCode::Conflict, "somebody has this login name already")),
        false => visit.app.services.put_person(&visit.ctx, &person).await,
    };
    match added {
        Ok(()) => Ok(visit.go_on(format!("/desk/people/{}", person.id))),
        Err(error) => {
            let departments = visit.app.services.departments(&visit.ctx).await?;
            let total = people.len() as u64;
            let (people, next) = page_of(people);
            Err(visit.again(error, |a| PeoplePage {
                pager: Pager::of(&a.address, "after", next.as_deref()),
                a,
                people: &people,
                total,
                words: "",
                departments: &departments,
                entered: &person,
            }))
        }
    }
}

async fn known(visit: &Visit, id: &str) -> Result<Person> {
    let people = visit.app.services.people(&visit.ctx).await?;
    let found = people.into_iter().find(|person| person.id == id);
    found.ok_or_else(|| Error::not_found(format!("person `{}`", id.chars().take(60).collect::<String>())))
}

/// One person
#[utoipa::path(get, path = "/desk/people/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Login name")),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_person(visit: Visit, Id(id): Id) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let entered = known(&visit, &id).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    visit.page(&PersonPage { a: visit.around(), entered: &entered, departments: &departments, code: None })
}

/// Change a person by the form, or make a code for them, which the page shows this once
#[utoipa::path(post, path = "/desk/people/{id}", tag = "desk",
    params(LanguageParam, ("id" = String, Path, description = "Login name")),
    request_body(content = ChangedPerson, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The code, on the page", content_type = "text/html"),
        (status = 303, description = "Changed")))]
async fn change_person(
    visit: Visit,
    Id(id): Id,
    Form(changed): Form<ChangedPerson>,
) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let as_is = known(&visit, &id).await?;
    let departments = visit.app.services.departments(&visit.ctx).await?;
    if changed.act == "invite" {
        return match invite(&visit.app, &visit.ctx, id).await {
            Ok(made) => {
                let code = Some((made.code.as_str(), made.expires_at));
                visit.page(&PersonPage {
                    a: visit.around(),
                    entered: &as_is,
                    departments: &departments,
                    code,
                })
            }
            Err(error) => Err(visit.again(error, |a| PersonPage {
                a,
                entered: &as_is,
                departments: &departments,
                code: None,
            })),
        };
    }
    let ChangedPerson { act, name, department, roles, active } = changed;
    let entered = person(&id, &name, &department, roles, active == "yes");
    let done = match act.as_str() {
        "save" => visit.app.services.put_person(&visit.ctx, &entered).await,
        _ => Err(wrong("this page saves and invites")),
    };
    match done {
        Ok(()) => Ok(visit.go_on(format!("/desk/people/{id}"))),
        Err(error) => Err(visit.again(error, |a| PersonPage {
            a,
            entered: &entered,
            departments: &departments,
            code: None,
        })),
    }
}

/// What the forms of the page send.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SubstitutionForm)]
struct Substitute {
    /// `name` or `end`.
    act: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    person: String,
    role: Option<Role>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
}

/// Substitutes 代办
#[utoipa::path(get, path = "/desk/substitutions", tag = "desk", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_substitutions(visit: Visit) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let substitutions = visit.app.services.substitutions(&visit.ctx).await?;
    visit.page(&SubstitutionsPage {
        a: visit.around(),
        names: &visit.names(substitutions.iter().map(|one| one.person.as_str())).await?,
        substitutions: &substitutions,
        entered: &EnteredSubstitution::default(),
        now: visit.ctx.now,
    })
}

/// Name a substitute by the form, or end a substitution
#[utoipa::path(post, path = "/desk/substitutions", tag = "desk", params(LanguageParam),
    request_body(content = Substitute, content_type = "application/x-www-form-urlencoded"),
    responses((status = 303, description = "Done")))]
async fn change_substitutions(visit: Visit, Form(sent): Form<Substitute>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    match changed_substitution(&visit, &sent).await {
        Ok(()) => Ok(visit.go_on("/desk/substitutions")),
        Err(error) => {
            let substitutions = visit.app.services.substitutions(&visit.ctx).await?;
            let Substitute { person, role, from, until, reason, .. } = sent;
            let entered = EnteredSubstitution { person, role, from, until, reason };
            let now = visit.ctx.now;
            let names = visit.names(substitutions.iter().map(|one| one.person.as_str())).await?;
            let (substitutions, entered, names) = (&substitutions, &entered, &names);
            Err(visit.again(error, |a| SubstitutionsPage { a, substitutions, entered, now, names }))
        }
    }
}

async fn changed_substitution(visit: &Visit, sent: &Substitute) -> Result<()> {
    let (services, ctx) = (&visit.app.services, &visit.ctx);
    match sent.act.as_str() {
        "end" => services.end_substitution(ctx, &sent.id).await.map(drop),
        "name" => {
            // Today is from now on: its begin lies behind.
            let is_today = day(&sent.from)? == Some(ctx.now.shanghai_date());
            let from = if is_today { None } else { start(&sent.from)? };
            let new = NewSubstitution {
                person: sent.person.trim().to_owned(),
                role: sent.role.ok_or_else(|| wrong("choose a role"))?,
                from,
                until: end(&sent.until)?.ok_or_else(|| wrong("name the last day"))?,
                reason: sent.reason.clone(),
            };
            services.name_substitute(ctx, &new).await.map(drop)
        }
        _ => Err(wrong("this page names substitutes and ends substitutions")),
    }
}
