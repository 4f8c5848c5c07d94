//! The site itself: what answers, what actions there are, which licences.

use catalog_core::ports::SearchQuery;
use catalog_core::{Error, ErrorCode};
use serde_json::{Value, json};

use super::arguments::Arguments;
use super::envelope::address;
use super::{ACTIONS, Call};
use crate::problem::Refusal;

/// The version of CKAN whose API this is.
const VERSION: &str = "2.11.0";

pub(super) fn status(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    given.finish()?;
    Ok(json!({
        "ckan_version": VERSION, "site_url": address(&call.app, ""), "site_title": "数桥 Shuqiao",
        "site_description": "政务数据共享开放 government data, shared and open", "locale_default": "zh_Hans_CN",
        "extensions": ["datastore"], "error_emails_to": null,
    }))
}

pub(super) fn may_read(given: Arguments) -> Result<Value, Refusal> {
    given.finish()?;
    Ok(Value::Bool(true))
}

pub(super) fn help(mut given: Arguments) -> Result<Value, Refusal> {
    let name = given.needed("name")?;
    given.finish()?;
    let known = ACTIONS.iter().find(|(action, _)| *action == name);
    known
        .map(|(_, text)| (*text).into())
        .ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no action of that name").into())
}

pub(super) async fn licences(call: &Call, given: Arguments) -> Result<Value, Refusal> {
    given.finish()?;
    let query = SearchQuery { word_facets: true, ..SearchQuery::default() };
    let page = call.app.services.codes(&call.ctx, query).await?;
    let used = page.facets.into_iter().filter(|facet| facet.field == "licence");
    let licence = |(id, _): (String, u64)| {
        let address = licence_address(&id);
        json!({ "id": id, "title": id, "url": address, "status": "active", "is_generic": false })
    };
    Ok(used.flat_map(|facet| facet.counts).map(licence).collect())
}

/// The address of a licence: an SPDX id has one.
pub(super) fn licence_address(licence: &str) -> String {
    match ["https://", "http://"].iter().any(|scheme| licence.starts_with(scheme)) {
        true => licence.to_owned(),
        false => format!("https://spdx.org/licenses/{licence}"),
    }
}
