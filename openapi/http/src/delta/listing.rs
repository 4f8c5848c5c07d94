//! Shares, schemas and tables: what the holder of the token can read now, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use catalog_core::directory::Resource;
use catalog_core::{Error, OpContext, Result};
use exchange_crypto::{from_base64url, to_base64url};
use openapi_contract::{OneShare, Share, SharePage, ShareSchema, ShareTable};
use serde::Deserialize;
use utoipa::IntoParams;

use super::token::permit;
use super::{Named, SCHEMA};
use crate::app::App;
use crate::extract::{Params, invalid};
use crate::problem::Refusal;

/// Items of a page, at most and where none are asked for.
const PAGE: usize = 500;

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Items of a page, at most; none with 0.
    max_results: Option<i32>,
    /// What the page before gave as `nextPageToken`.
    page_token: Option<String>,
}

/// The departments that the token reads something of
#[utoipa::path(get, path = "/delta-sharing/shares", tag = "delta-sharing", params(Paging),
    responses((status = 200, description = "By name", body = SharePage<Share>)))]
pub(super) async fn list_shares(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    Params(paging): Params<Paging>,
) -> Result<Json<SharePage<Share>>, Refusal> {
    permit(&ctx)?;
    let shares = readable(&app, &ctx, |_| true).await?.into_keys();
    let names = names(&app, &ctx).await?;
    let shares = shares.map(|name| (name.clone(), share(name, &names)));
    Ok(Json(page(shares.collect(), &paging)?))
}

/// One of them
#[utoipa::path(get, path = "/delta-sharing/shares/{share}", tag = "delta-sharing",
    params(("share" = String, Path, description = "A department's machine name")),
    responses((status = 200, description = "The share", body = OneShare)))]
pub(super) async fn get_share(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
) -> Result<Json<OneShare>, Refusal> {
    tables_of(&app, &ctx, &named.share).await?;
    Ok(Json(OneShare { share: share(named.share, &names(&app, &ctx).await?) }))
}

/// Its schemas, which are one
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas", tag = "delta-sharing",
    params(("share" = String, Path, description = "A department's machine name"), Paging),
    responses((status = 200, description = "The schema", body = SharePage<ShareSchema>)))]
pub(super) async fn list_schemas(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(paging): Params<Paging>,
) -> Result<Json<SharePage<ShareSchema>>, Refusal> {
    tables_of(&app, &ctx, &named.share).await?;
    let schema = ShareSchema { name: SCHEMA.to_owned(), share: named.share };
    Ok(Json(page(BTreeMap::from([(schema.name.clone(), schema)]), &paging)?))
}

/// The tables of a schema
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/schemas/{schema}/tables", tag = "delta-sharing",
    params(("share" = String, Path, description = "A department's machine name"),
        ("schema" = String, Path, description = "`default`"), Paging),
    responses((status = 200, description = "By name", body = SharePage<ShareTable>)))]
pub(super) async fn list_tables(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(paging): Params<Paging>,
) -> Result<Json<SharePage<ShareTable>>, Refusal> {
    permit(&ctx)?;
    named.check_schema()?;
    Ok(Json(tables(&app, &ctx, named, &paging).await?))
}

/// All tables of a share
#[utoipa::path(get, path = "/delta-sharing/shares/{share}/all-tables", tag = "delta-sharing",
    params(("share" = String, Path, description = "A department's machine name"), Paging),
    responses((status = 200, description = "By name", body = SharePage<ShareTable>)))]
pub(super) async fn list_all_tables(
    State(app): State<Arc<App>>,
    Extension(ctx): Extension<OpContext>,
    named: Named,
    Params(paging): Params<Paging>,
) -> Result<Json<SharePage<ShareTable>>, Refusal> {
    Ok(Json(tables(&app, &ctx, named, &paging).await?))
}

async fn tables(
    app: &App,
    ctx: &OpContext,
    Named { share, .. }: Named,
    paging: &Paging,
) -> Result<SharePage<ShareTable>, Refusal> {
    let tables = tables_of(app, ctx, &share)
        .await?
        .into_iter()
        .map(|name| (name.clone(), ShareTable { name, schema: SCHEMA.to_owned(), share: share.clone() }));
    page(tables.collect(), paging)
}

/// Machine names of departments, each with those of the resources that the caller can read: of those that are wanted. It
/// opens each of them, which takes a place as a query does.
async fn readable(
    app: &App,
    ctx: &OpContext,
    is_wanted: impl Fn(&Resource) -> bool + Sync,
) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let _place = app.place(ctx).await?;
    let mut shares = BTreeMap::<String, BTreeSet<String>>::new();
    let mut after = None;
    loop {
        let (found, next) = app.tables.readable_page(ctx, &is_wanted, after.as_ref(), PAGE).await?;
        for open in found {
            let resource = open.dataset.resource;
            shares.entry(resource.provider.to_string()).or_default().insert(resource.sql_name.to_string());
        }
        match next {
            None => return Ok(shares),
            next => after = next,
        }
    }
}

/// The tables of one share; without any there is no such share.
async fn tables_of(app: &App, ctx: &OpContext, share: &str) -> Result<BTreeSet<String>> {
    permit(ctx)?;
    let is_wanted = |resource: &Resource| resource.provider.as_str() == share;
    let found = readable(app, ctx, is_wanted).await?.remove(share);
    found.ok_or_else(|| Error::not_found("a share of that name"))
}

/// The names of departments.
async fn names(app: &App, ctx: &OpContext) -> Result<BTreeMap<String, String>> {
    let departments = app.services.departments(ctx).await?.into_iter();
    Ok(departments.map(|department| (department.id.to_string(), department.name)).collect())
}

fn share(name: String, names: &BTreeMap<String, String>) -> Share {
    let display_name = names.get(&name).unwrap_or(&name).clone();
    Share { name, display_name }
}

/// A page begins behind the name that its token holds.
fn page<T>(all: BTreeMap<String, T>, paging: &Paging) -> Result<SharePage<T>, Refusal> {
    let size = match paging.max_results {
        None => PAGE,
        Some(size) => {
            let size = usize::try_from(size).map_err(|_| invalid("`maxResults` is not negative"))?;
            size.min(PAGE)
        }
    };
    let last = match paging.page_token.as_deref() {
        None | Some("") => String::new(),
        Some(token) => {
            let bytes = from_base64url(token).ok();
            let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            name.and_then(|name| name.strip_prefix(BEHIND).map(str::to_owned))
                .ok_or_else(|| invalid("`pageToken` is not one that an answer gave"))?
        }
    };
    let mut rest = all.into_iter().filter(|(name, _)| *name > last).peekable();
    let (mut items, mut end) = (Vec::new(), last.clone());
    while items.len() < size
        && let Some((name, item)) = rest.next()
    {
        items.push(item);
        end = name;
    }
    let next_page_token = rest.peek().map(|_| to_base64url(format!("{BEHIND}{end}").as_bytes()));
    Ok(SharePage { items, next_page_token })
}

/// What every token of a page begins with.
const BEHIND: &str = "behind:";

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(max_results: Option<i32>, page_token: Option<String>) -> Result<SharePage<i32>, Refusal> {
        let all = ["a", "b", "c"].into_iter().zip(1..).map(|(name, item)| (name.to_owned(), item));
        page(all.collect(), &Paging { max_results, page_token })
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let (mut token, mut seen) = (None, Vec::new());
        loop {
            let page = asked(Some(2), token).unwrap();
            seen.push(page.items);
            token = page.next_page_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(seen, [vec![1, 2], vec![3]]);
    }

    #[test]
    fn a_page_of_nothing_leads_on() {
        let nothing = asked(Some(0), None).unwrap();
        assert_eq!(nothing.items, Vec::<i32>::new());
        assert_eq!(asked(None, nothing.next_page_token).unwrap().items, [1, 2, 3]);
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for (size, token) in [(Some(-1), None), (None, Some("x".to_owned())), (None, Some("!".to_owned()))] {
            assert_eq!(asked(size, token).unwrap_err().error.code, catalog_core::ErrorCode::InvalidInput);
        }
    }
}
