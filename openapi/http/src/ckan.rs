//! The read side of CKAN's Action API, version 3: what CKAN's own client, harvesters and tools for open data ask.
//!
//! Datasets are the resources of the directory, named by their codes; organizations are departments, groups the 项 of the
//! classification, tags the keywords. A dataset that the caller can read has a resource for each stable format, all of them
//! one table of the datastore.

mod arguments;
mod datastore;
mod envelope;
mod grammar;
mod groups;
mod kept;
mod packages;
mod rows;
mod search;
mod site;

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use catalog_core::context::PrincipalKind;
use catalog_core::{Error, ErrorCode, OpContext};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use openapi_contract::CkanAnswer;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::arguments::{Arguments, unreadable};
pub(crate) use self::datastore::{asked_again, asked_sql};
pub(crate) use self::envelope::{PROBLEMS, TAG, action_of, refused};
pub(crate) use self::kept::Kept;
use crate::app::App;
use crate::problem::Refusal;

/// Where actions are.
const PATHS: [&str; 2] = ["/api/3/action/", "/api/action/"];

/// The actions, with what `help_show` says of them.
const ACTIONS: [(&str, &str); 25] = [
    (
        "current_package_list_with_resources",
        "Datasets with their resources, by name: limit (1,000 at most), offset or page.",
    ),
    ("datastore_info", "Columns and number of rows of a resource: id."),
    (
        "datastore_search",
        "Rows of a resource: resource_id, filters ({\"column\": value, [values], null or {\"gte\": value}}), q (text, or \
        {\"column\": text}; the text as it stands), fields, sort, limit (100 when left out, without a cap), offset, include_total, \
        records_format (objects, lists, csv, tsv). What filters by personal items travels in the body of a POST.",
    ),
    (
        "datastore_search_sql",
        "One SELECT over any resources that the caller may read, streamed without a cap: sql. A table is called by \
        the id of a resource, quoted, or department.name.",
    ),
    (
        "group_list",
        "The 项 of the classification: all_fields, groups, sort (name, title, package_count), limit, offset.",
    ),
    ("group_package_show", "Datasets of a 项: id, limit, offset."),
    ("group_show", "A 项 of the classification: id, include_datasets."),
    ("help_show", "What an action does: name."),
    ("license_list", "The licences that are in use."),
    (
        "organization_list",
        "Departments: all_fields, organizations, sort (name, title, package_count), limit, offset.",
    ),
    ("organization_show", "A department: id, include_datasets."),
    ("package_list", "Names of all datasets: limit, offset."),
    (
        "package_search",
        "Datasets: q (words, all of which must occur, and field:value), fq, fq_list, sort (score, name, \
        metadata_modified), start, rows (10 when left out, 1,000 at most), facet, facet.field, facet.limit, facet.mincount. Fields: \
        organization, groups, tags, license_id, name, sharing, opening, update_cycle, format_class, and metadata_modified:[a TO b], \
        of what everyone sees. Conditions are joined by AND; alternatives by OR, in parentheses; + and - stand before them.",
    ),
    ("package_show", "A dataset with its resources: id."),
    ("resource_search", "Resources: query (format:csv, name:word; a list of them), limit, offset."),
    ("resource_show", "A resource: id."),
    ("site_read", "Whether this site may be read: it may."),
    ("status_show", "What answers here."),
    ("tag_list", "Keywords: query (a part of them), all_fields."),
    ("tag_search", "Keywords: query (a part of them), limit, offset."),
    ("tag_show", "A keyword: id, include_datasets."),
    ("package_autocomplete", "Datasets by the beginning of a word: q, limit."),
    ("organization_autocomplete", "Departments by a part of name or title: q, limit."),
    ("group_autocomplete", "项 by a part of name or title: q, limit."),
    ("tag_autocomplete", "Keywords by a part of them: query, limit."),
];

/// Lists as long as the directory, which say nothing of data or of times.
const LISTS: [&str; 9] = [
    "group_autocomplete",
    "group_list",
    "license_list",
    "organization_autocomplete",
    "organization_list",
    "package_list",
    "tag_autocomplete",
    "tag_list",
    "tag_search",
];

/// One call of an action.
struct Call {
    app: Arc<App>,
    ctx: OpContext,
    action: &'static str,
    /// Whether its arguments stand in the address, which ends in logs of all kinds.
    in_address: bool,
}

impl Call {
    /// Whether the caller's directory is that of departments.
    fn sees_all(&self) -> bool {
        self.ctx.principal.sees_whole_directory()
    }
}

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_action, post_action))
        .routes(routes!(get_action_of_any_version, post_action_of_any_version))
}

/// CKAN's key is a ticket: `authorization` without a scheme, or `x-ckan-api-key`, is read as the bearer's token.
pub(crate) fn take_key(parts: &mut Parts) -> Result<(), Error> {
    const KEY: HeaderName = HeaderName::from_static("x-ckan-api-key");
    let headers = &mut parts.headers;
    let given = headers.get(header::AUTHORIZATION).filter(|value| !value.is_empty()).cloned();
    let key = headers.remove(KEY).filter(|value| !value.is_empty());
    let token = match (given, key) {
        (Some(given), key) => {
            let is_bare = !given.as_bytes().contains(&b' ');
            if key.is_some_and(|key| key != given) {
                let message = "`authorization` and `x-ckan-api-key` are two keys: send one";
                return Err(Error::new(ErrorCode::Unauthenticated, message));
            }
            if !is_bare {
                return Ok(());
            }
            given
        }
        (None, Some(key)) => key,
        (None, None) => {
            headers.remove(header::AUTHORIZATION);
            return Ok(());
        }
    };
    let malformed = |_| Error::new(ErrorCode::Unauthenticated, "the key is not one of this server");
    let bearer = [b"Bearer ", token.as_bytes()].concat();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(&bearer).map_err(malformed)?);
    Ok(())
}

/// What CKAN's clients ask, with arguments in the address
///
/// `help_show?name=package_search` says what an action takes. Answers and errors are CKAN's: `{"help", "success", "result"}`.
#[utoipa::path(get, path = "/api/3/action/{action}", tag = "ckan",
    params(("action" = String, Path, description = "`package_search`, `package_show`, `datastore_search`, …")),
    responses((status = 200, description = "CKAN's envelope", body = CkanAnswer)))]
async fn get_action(
    state: State<Arc<App>>,
    ctx: Extension<OpContext>,
    asked: Asked,
) -> Result<Response, Refusal> {
    answer(state, ctx, asked, Bytes::new()).await
}

/// What CKAN's clients ask, with arguments in a JSON body
#[utoipa::path(post, path = "/api/3/action/{action}", tag = "ckan", request_body = Object,
    params(("action" = String, Path, description = "`package_search`, `package_show`, `datastore_search`, …")),
    responses((status = 200, description = "CKAN's envelope", body = CkanAnswer)))]
async fn post_action(
    state: State<Arc<App>>,
    ctx: Extension<OpContext>,
    asked: Asked,
    body: Bytes,
) -> Result<Response, Refusal> {
    answer(state, ctx, asked, body).await
}

/// The same at CKAN's address without a version
#[utoipa::path(get, path = "/api/action/{action}", tag = "ckan",
    params(("action" = String, Path, description = "`package_search`, `package_show`, `datastore_search`, …")),
    responses((status = 200, description = "CKAN's envelope", body = CkanAnswer)))]
async fn get_action_of_any_version(
    state: State<Arc<App>>,
    ctx: Extension<OpContext>,
    asked: Asked,
) -> Result<Response, Refusal> {
    answer(state, ctx, asked, Bytes::new()).await
}

/// The same at CKAN's address without a version
#[utoipa::path(post, path = "/api/action/{action}", tag = "ckan", request_body = Object,
    params(("action" = String, Path, description = "`package_search`, `package_show`, `datastore_search`, …")),
    responses((status = 200, description = "CKAN's envelope", body = CkanAnswer)))]
async fn post_action_of_any_version(
    state: State<Arc<App>>,
    ctx: Extension<OpContext>,
    asked: Asked,
    body: Bytes,
) -> Result<Response, Refusal> {
    answer(state, ctx, asked, body).await
}

/// The head of a call.
struct Asked {
    action: String,
    uri: Uri,
    headers: HeaderMap,
    in_address: bool,
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        Ok(Self {
            // As it is written: the wrapper has chosen the door by the same text.
            action: action_of(parts.uri.path()).unwrap_or_default().to_owned(),
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            in_address: parts.method != Method::POST || parts.uri.query().is_some(),
        })
    }
}

async fn answer(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    asked: Asked,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Some((action, _)) = ACTIONS.iter().find(|(name, _)| *name == asked.action) else {
        let shown: String = asked.action.chars().take(60).collect();
        return Err(unreadable(&format!("Action name not known: {shown}")));
    };
    let given = Arguments::read(&asked.uri, &asked.headers, &body)?;
    let call = Call { app, ctx, action, in_address: asked.in_address };
    match LISTS.contains(action) {
        true => listed(&call, given).await,
        false => computed(&call, given).await,
    }
}

/// A list takes a place among the pages, where nobody has asked for the same since the catalogue last changed.
async fn listed(call: &Call, given: Arguments) -> Result<Response, Refusal> {
    if call.ctx.principal.kind != PrincipalKind::Public {
        let _place = call.app.page(&call.ctx).await?;
        return computed(call, given).await;
    }
    let (lists, question) = (&call.app.lists, given.question(call.action));
    let revision = call.app.services.revision().await?;
    if let Some(answer) = lists.get(revision, &question) {
        return Ok(envelope::written(answer));
    }
    let _place = call.app.page(&call.ctx).await?;
    let answer = envelope::text(&call.app, call.action, result(call, given).await?);
    lists.put(revision, question, answer.clone());
    Ok(envelope::written(answer))
}

async fn computed(call: &Call, given: Arguments) -> Result<Response, Refusal> {
    match call.action {
        "datastore_info" => datastore::info(call, given).await,
        "datastore_search" => datastore::search(call, given).await,
        "datastore_search_sql" => datastore::search_sql(call, given).await,
        action => Ok(envelope::success(&call.app, action, result(call, given).await?)),
    }
}

/// The result of an action that tells of the directory alone.
async fn result(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    match call.action {
        "current_package_list_with_resources" => packages::list_with_resources(call, given).await,
        "group_list" => groups::list_groups(call, given).await,
        "group_package_show" => groups::list_packages(call, given).await,
        "group_show" => groups::show_group(call, given).await,
        "help_show" => site::help(given),
        "license_list" => site::licences(call, given).await,
        "organization_list" => groups::list_organizations(call, given).await,
        "organization_show" => groups::show_organization(call, given).await,
        "package_list" => packages::list(call, given).await,
        "package_search" => search::packages(call, given).await,
        "package_show" => packages::show(call, given).await,
        "resource_search" => search::resources(call, given).await,
        "resource_show" => packages::show_resource(call, given).await,
        "site_read" => site::may_read(given),
        "status_show" => site::status(call, given),
        "tag_list" => groups::list_tags(call, given).await,
        "tag_search" => groups::search_tags(call, given).await,
        "tag_show" => groups::show_tag(call, given).await,
        "package_autocomplete" => search::complete_package(call, given).await,
        "organization_autocomplete" => groups::complete_organization(call, given).await,
        "group_autocomplete" => groups::complete_group(call, given).await,
        "tag_autocomplete" => groups::complete_tag(call, given).await,
        other => Err(Error::internal(format!("the action {other} has no answer")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(fields: &[(&'static str, &'static str)]) -> Result<Option<String>, Error> {
        let mut request = http::Request::builder();
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        take_key(&mut parts)?;
        assert!(!parts.headers.contains_key("x-ckan-api-key"));
        Ok(parts.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_key_of_ckan_is_a_ticket() {
        let bearer = || Some("Bearer t0ken".to_owned());
        assert_eq!(with(&[]).unwrap(), None);
        assert_eq!(with(&[("authorization", "t0ken")]).unwrap(), bearer());
        assert_eq!(with(&[("x-ckan-api-key", "t0ken")]).unwrap(), bearer());
        assert_eq!(with(&[("authorization", "t0ken"), ("x-ckan-api-key", "t0ken")]).unwrap(), bearer());
        assert_eq!(with(&[("authorization", "Bearer t0ken")]).unwrap(), bearer());
        assert_eq!(with(&[("authorization", "Basic x")]).unwrap(), Some("Basic x".to_owned()));
        assert_eq!(with(&[("authorization", ""), ("x-ckan-api-key", "")]).unwrap(), None);
        assert!(with(&[("authorization", "t0ken"), ("x-ckan-api-key", "other")]).is_err());
    }

    #[test]
    fn actions_are_found_in_paths() {
        assert_eq!(action_of("/api/3/action/package_show"), Some("package_show"));
        assert_eq!(action_of("/api/action/x"), Some("x"));
        assert_eq!(action_of("/api/3/action/a/b"), None);
        assert_eq!(action_of("/api/v1/sql"), None);
    }
}
