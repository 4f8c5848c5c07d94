//! The desk of evidence, of supervision, and of those who run the platform. Each page calls what the API's routes call.

mod account;
mod claim;
mod contacts;
mod departments;
mod evidence;
mod keys;
mod people;
mod supervision;
mod trace;

use std::sync::Arc;

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use chrono::{Days, NaiveDate};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
pub(in crate::portal) use claim::CLAIM;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(evidence::routes())
        .merge(supervision::routes())
        .merge(people::routes())
        .merge(departments::routes())
        .merge(keys::routes())
        .merge(account::routes())
        .merge(claim::routes())
        .merge(contacts::routes())
        .merge(trace::routes())
}

fn wrong(message: &str) -> Error {
    Error::new(ErrorCode::InvalidInput, message)
}

/// What a form leaves out is an empty text.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A day as browsers send it; `None` for an empty field.
fn day(text: &str) -> Result<Option<NaiveDate>> {
    let read = |text: String| text.parse().map_err(|_| wrong("a day is written as 2026-11-22"));
    filled(text).map(read).transpose()
}

/// The first instant of a day, in Asia/Shanghai.
fn start(text: &str) -> Result<Option<Timestamp>> {
    Ok(day(text)?.map(Timestamp::start_of_shanghai_day))
}

/// The end of a day, in Asia/Shanghai.
fn end(text: &str) -> Result<Option<Timestamp>> {
    let next = |day: NaiveDate| day.checked_add_days(Days::new(1)).map(Timestamp::start_of_shanghai_day);
    match day(text)? {
        Some(day) => next(day).map(Some).ok_or_else(|| wrong("that day lies too far ahead")),
        None => Ok(None),
    }
}
