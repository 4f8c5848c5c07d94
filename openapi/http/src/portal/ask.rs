//! What the public asks, by forms: disclosure requests and letters, followed by number and code. Whoever has signed in asks here as
//! anyone does. The code is in the body alone, and the page that shows it is kept nowhere.

use std::sync::Arc;

use axum::Extension;
use axum::response::Response;
use catalog_core::confidential::Identity;
use catalog_core::matter::{ApplicantKind, Event};
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result};
use openapi_contract::{DisclosureInput, LetterInput, PublicAct};
use openapi_portal::{Asking, DisclosurePage, FollowPage, LetterPage, ReceivedPage};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::form::Form;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::extract::Params;
use crate::problem::Refusal;
use crate::public;
use crate::wire::Wire;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_disclosure, send_disclosure))
        .routes(routes!(show_letter, send_letter))
        .routes(routes!(show_own_matter, act_on_own_matter))
}

/// What a form is about to begin with.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct About {
    /// Code of a dataset, `-` or `/` in it.
    #[serde(default)]
    dataset: String,
    /// Id of the department that is asked.
    #[serde(default)]
    department: String,
}

/// A field that was filled in.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn identity(typed: &Asking) -> Identity {
    Identity {
        name: typed.name.trim().to_owned(),
        id_number: filled(&typed.id_number),
        phone: filled(&typed.phone),
        email: filled(&typed.email),
        address: filled(&typed.address),
    }
}

fn department(typed: &Asking) -> Result<Option<DepartmentId>> {
    filled(&typed.department).map(DepartmentId::new).transpose()
}

/// What a form holds that somebody opens beside a dataset: its provider, and its name in the title. One that the public's directory
/// does not list leaves it empty.
async fn about(visit: &Visit, asked: &About) -> Asking {
    let code = ResourceCode::from_path(&asked.dataset).or_else(|_| ResourceCode::new(&asked.dataset));
    let Ok(code) = code else { return Asking { department: asked.department.clone(), ..Asking::default() } };
    match visit.app.services.resource(&visit.public(), &code).await {
        Ok(resource) => Asking {
            department: resource.provider.to_string(),
            title: format!("{}（{code}）", resource.title.chars().take(150).collect::<String>()),
            ..Asking::default()
        },
        Err(_) => Asking::default(),
    }
}

/// The form of a disclosure request 依申请公开
#[utoipa::path(get, path = "/ask/disclosure", tag = "portal", params(LanguageParam, About),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_disclosure(visit: Visit, Params(asked): Params<About>) -> Result<Response, Refusal> {
    let departments = visit.app.services.departments(&visit.public()).await?;
    let typed = about(&visit, &asked).await;
    visit.page(&DisclosurePage { a: visit.around(), typed: &typed, departments: &departments })
}

/// Ask for information that is not open, by the form; number and code are shown once
#[utoipa::path(post, path = "/ask/disclosure", tag = "portal", params(LanguageParam),
    request_body(content = String, description = "The fields of the form", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A page with number and code", content_type = "text/html")))]
async fn send_disclosure(visit: Visit, Form(typed): Form<Asking>) -> Result<Response, Refusal> {
    let departments = visit.app.services.departments(&visit.public()).await?;
    let sent = async {
        let kind = serde_json::Value::String(typed.applicant_kind.clone());
        let applicant_kind: ApplicantKind = serde_json::from_value(kind)
            .map_err(|_| Error::new(ErrorCode::InvalidInput, "choose a kind of applicant"))?;
        let (shape, way) = (typed.shape.trim(), typed.way.trim());
        let input = DisclosureInput {
            applicant: identity(&typed),
            applicant_kind,
            title: typed.title.clone(),
            text: typed.text.clone(),
            form: format!("形式：{shape}；途径：{way}"),
            department: department(&typed)?,
        };
        public::disclose(&visit.app, &visit.ctx, input).await
    };
    match sent.await {
        Ok(opened) => {
            visit.page(&ReceivedPage { a: visit.around(), matter: &opened.matter, code: &opened.code })
        }
        Err(error) => {
            Err(visit.again(error, |a| DisclosurePage { a, typed: &typed, departments: &departments }))
        }
    }
}

/// The form of a letter: an error in data, an opinion, a complaint
#[utoipa::path(get, path = "/ask/letter", tag = "portal", params(LanguageParam, About),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_letter(visit: Visit, Params(asked): Params<About>) -> Result<Response, Refusal> {
    let departments = visit.app.services.departments(&visit.public()).await?;
    let typed = about(&visit, &asked).await;
    visit.page(&LetterPage { a: visit.around(), typed: &typed, departments: &departments })
}

/// Write to a department by the form; number and code are shown once
#[utoipa::path(post, path = "/ask/letter", tag = "portal", params(LanguageParam),
    request_body(content = String, description = "The fields of the form", content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A page with number and code", content_type = "text/html")))]
async fn send_letter(visit: Visit, Form(typed): Form<Asking>) -> Result<Response, Refusal> {
    let departments = visit.app.services.departments(&visit.public()).await?;
    let sent = async {
        let title = match filled(&typed.topic) {
            Some(topic) if !typed.title.trim().is_empty() => format!("【{topic}】{}", typed.title.trim()),
            _ => typed.title.clone(),
        };
        let (applicant, text) = (identity(&typed), typed.text.clone());
        let input = LetterInput { applicant, title, text, department: department(&typed)? };
        public::write(&visit.app, &visit.ctx, input).await
    };
    match sent.await {
        Ok(opened) => {
            visit.page(&ReceivedPage { a: visit.around(), matter: &opened.matter, code: &opened.code })
        }
        Err(error) => Err(visit.again(error, |a| LetterPage { a, typed: &typed, departments: &departments })),
    }
}

/// What is done with a matter of one's own.
#[derive(Deserialize, ToSchema)]
struct Followed {
    number: String,
    code: String,
    #[serde(default)]
    act: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    notice: String,
}

/// The form that asks for number and code
#[utoipa::path(get, path = "/ask/matter", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_own_matter(visit: Visit) -> Result<Response, Refusal> {
    let a = visit.around();
    visit.page(&FollowPage { a, number: "", code: "", text: "", matter: None, is_erased: false })
}

/// See where one's request or letter stands, read its notices, complete it, withdraw it, have oneself erased
#[utoipa::path(post, path = "/ask/matter", tag = "portal", params(LanguageParam),
    request_body(content = Followed, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "A page, or the document of a notice", content_type = "text/html")))]
async fn act_on_own_matter(
    visit: Visit,
    Extension(wire): Extension<Wire>,
    Form(followed): Form<Followed>,
) -> Result<Response, Refusal> {
    let Followed { number, code, act, text, notice } = followed;
    let (number, code) = (number.trim().to_owned(), code.trim().to_owned());
    let (app, ctx) = (&visit.app, &visit.ctx);
    let before = match public::follow(app, ctx, wire, &number, &code).await {
        Ok(matter) => matter,
        // Whoever has not shown the code gets nothing of the matter, and the code does not come back.
        Err(error) => {
            let page =
                |a| FollowPage { a, number: &number, code: "", text: "", matter: None, is_erased: false };
            return Err(visit.again(error, page));
        }
    };
    let step = |event| {
        let text = filled(&text);
        public::act(app, ctx, wire, number.clone(), PublicAct { code: code.clone(), event, text })
    };
    let done = match act.as_str() {
        "notice" => {
            let sequence = notice.parse().unwrap_or(0);
            match public::notice(app, ctx, wire, (&number, &code), sequence).await {
                Ok(document) => return Ok(document),
                Err(refusal) => Err(refusal.error),
            }
        }
        "complete" => step(Event::Complete).await,
        "withdraw" => step(Event::Withdraw).await,
        "erase" => public::erase(app, ctx, wire, number.clone(), &code).await.map(|()| before.clone()),
        _ => Ok(before.clone()),
    };
    let is_erased = act == "erase";
    match done {
        Ok(matter) => {
            let (a, matter) = (visit.around(), Some(&matter));
            visit.page(&FollowPage { a, number: &number, code: &code, text: "", matter, is_erased })
        }
        Err(error) => {
            let (number, code, text, matter) = (&number, &code, &text, Some(&before));
            Err(visit.again(error, |a| FollowPage { a, number, code, text, matter, is_erased: false }))
        }
    }
}
