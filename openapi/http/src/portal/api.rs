//! The documentation of the API, from the document that describes it, and a form to try what it reads.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use axum::response::{IntoResponse as _, Redirect, Response};
use catalog_core::{Error, Result};
use openapi_portal::{ApiPage, ApiTag, HelpPage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Overview;
use super::visit::{LanguageParam, Visit};
use crate::app::App;
use crate::document::openapi;
use crate::extract::{Params, invalid};
use crate::problem::Refusal;

/// Parameters of an operation begin so in the form that tries it.
const PARAMETER: &str = "p.";
/// The code of a dataset in examples, as long as there is none with data.
const EXAMPLE: &str = "301001-000001";

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_api)).routes(routes!(try_operation)).routes(routes!(show_help))
}

/// The part that is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Its name; an overview without it.
    #[serde(default)]
    tag: String,
}

/// The documentation of the API
#[utoipa::path(get, path = "/api", tag = "portal", params(LanguageParam, Part),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_api(visit: Visit, Params(part): Params<Part>) -> Result<Response, Refusal> {
    let tags = documented();
    let chosen = tags.iter().find(|tag| tag.name == part.tag);
    if chosen.is_none() && !part.tag.is_empty() {
        return Err(Error::not_found("part of the API").into());
    }
    // What is tried first answers: the dataset that was updated last.
    let latest = Overview::get(&visit.app, &visit.public()).await.ok().flatten();
    let latest = latest.and_then(|overview| overview.latest(1).pop());
    let code = latest.map_or_else(|| EXAMPLE.to_owned(), |listing| listing.code.path_form());
    visit.page(&ApiPage { a: visit.around(), tags, chosen, code: &code })
}

/// What the form that tries an operation sends.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Tried {
    /// The path of an operation that reads, as the document writes it. Its parameters are `p.` and their names.
    #[expect(dead_code, reason = "documents the parameter; all of them are read as a list")]
    operation: String,
}

/// Ask an operation that reads, as the form of its documentation says
#[utoipa::path(get, path = "/developer/try", tag = "portal", params(LanguageParam, Tried),
    responses((status = 303, description = "To the operation")))]
async fn try_operation(Params(sent): Params<Vec<(String, String)>>) -> Result<Response, Refusal> {
    let wanted = sent.iter().find(|(name, _)| name == "operation").map_or("", |(_, value)| value.as_str());
    let mut all = documented().iter().flat_map(|tag| &tag.operations);
    let operation = all.find(|operation| operation.method == "GET" && operation.path == wanted);
    let operation = operation.ok_or_else(|| invalid("there is no such operation that reads"))?;
    let value = |name: &str| {
        let own = |sent: &&(String, String)| sent.0.strip_prefix(PARAMETER) == Some(name);
        sent.iter().find(own).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    };
    let (mut path, mut query) = (operation.path.clone(), Vec::new());
    for parameter in &operation.parameters {
        let name = &parameter.name;
        match (parameter.is_in_path, value(name)) {
            (true, Some(value)) => path = path.replace(&format!("{{{name}}}"), &encoded(value)?),
            (true, None) => return Err(invalid(&format!("`{name}` is part of the address: fill it in"))),
            (false, Some(value)) => query.push((name.as_str(), value)),
            (false, None) => {}
        }
    }
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    let address = if query.is_empty() { path } else { format!("{path}?{query}") };
    // An answer of the API has no language of the page.
    Ok(Redirect::to(&address).into_response())
}

/// A value as one part of a path; what would be read as another path is refused.
fn encoded(value: &str) -> Result<String, Refusal> {
    if value == "." || value == ".." {
        return Err(invalid("this is no part of an address"));
    }
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => text.push(byte.into()),
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    Ok(text)
}

/// How to find, take, check and apply 使用指南
#[utoipa::path(get, path = "/help", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_help(visit: Visit) -> Result<Response, Refusal> {
    visit.page(&HelpPage { a: visit.around() })
}

/// The document in parts; it is the same as long as the server runs.
fn documented() -> &'static [ApiTag] {
    static TAGS: OnceLock<Vec<ApiTag>> = OnceLock::new();
    TAGS.get_or_init(|| {
        serde_json::to_value(openapi()).map(|document| ApiTag::all_of(&document)).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_one_part_of_a_path() {
        assert_eq!(encoded("a/../b?x#y%2f好").ok().unwrap(), "a%2F..%2Fb%3Fx%23y%252f%E5%A5%BD");
        assert!(encoded("..").is_err() && encoded(".").is_err());
    }
}
