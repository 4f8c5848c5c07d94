//! What waits for the reader as reviewer 待审核: entries of the directory, changes of columns, secrecy reviews.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::resource::Entry;
use catalog_core::directory::{LifecycleState, LifecycleStep};
use catalog_core::matter::{Event, MatterKind};
use catalog_core::policy::{Action, decide_action};
use catalog_core::ports::MatterPlace;
use catalog_core::services::{MatterFilter, MatterView};
use catalog_core::{ErrorCode, Result};
use openapi_portal::{DeskReviews, EntryToReview, Pager, ReviewsPage, VersionToReview};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::extract::Params;
use crate::portal::visit::{LanguageParam, Visit};
use crate::problem::Refusal;

/// Lines of each list of the page.
const LISTED: usize = 50;
/// Secrecy reviews that are counted for the desk's first page.
const COUNTED: usize = 100;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(show_reviews))
}

/// Behind what each list begins.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Places {
    /// The code of an entry.
    entry: String,
    /// The code of the resource of a version.
    version: String,
    /// The place of a secrecy review.
    opening: String,
}

/// What waits for the reader as reviewer
#[utoipa::path(get, path = "/desk/reviews", tag = "desk", params(LanguageParam, Places),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_reviews(visit: Visit, Params(places): Params<Places>) -> Result<Response, Refusal> {
    visit.signed_in()?;
    let mut entries = entries(&visit).await?;
    let mut versions = versions(&visit).await?;
    let counts = (entries.len(), versions.len());
    let next_entry = cut(&mut entries, |one| one.entry.draft.code.as_str(), &places.entry);
    let next_version = cut(&mut versions, |one| one.version.resource.as_str(), &places.version);
    let after = Some(places.opening.as_str()).filter(|place| !place.is_empty());
    let (openings, next_opening) =
        openings(&visit, after.map(str::parse::<MatterPlace>).transpose()?, LISTED).await?;
    let titles = super::openings::titles(&visit, &openings).await;
    let names = visit.names(versions.iter().map(|one| one.version.published_by.as_str())).await?;
    let a = visit.around();
    let pager = |name: &str, next: Option<String>| Pager::of(&a.address, name, next.as_deref());
    let pagers = [pager("entry", next_entry), pager("version", next_version), pager("opening", next_opening)];
    visit.page(&ReviewsPage {
        a,
        entries: &entries,
        versions: &versions,
        openings: &openings,
        counts,
        pagers,
        titles: &titles,
        names: &names,
    })
}

/// Leaves of a list, which is in the order of its keys, a page behind one of them; answers the last key of it where more follow.
fn cut<T>(all: &mut Vec<T>, key: impl Fn(&T) -> &str, after: &str) -> Option<String> {
    if !after.is_empty() {
        all.retain(|one| key(one) > after);
    }
    let has_more = all.len() > LISTED;
    all.truncate(LISTED);
    all.last().filter(|_| has_more).map(|last| key(last).to_owned())
}

/// The entries that are under review in the reader's departments.
async fn entries(visit: &Visit) -> Result<Vec<EntryToReview>> {
    let is_reviewed = |entry: &Entry| {
        matches!(entry.state, LifecycleState::RegistrationReview | LifecycleState::PublicationReview)
    };
    let all = visit.app.services.entries(&visit.ctx).await?.into_iter().filter(is_reviewed);
    let mut found: Vec<_> = all
        .map(|entry| {
            // What is in force can be withdrawn as well, which is no reviewer's.
            let steps = visit.app.services.entry_steps(&visit.ctx, &entry).into_iter();
            let mut hindrances = steps
                .filter(|(step, _)| *step != LifecycleStep::Withdraw)
                .filter_map(|(_, hindrance)| hindrance);
            let hindrance = hindrances.next().map(|error| error.message);
            EntryToReview { entry, hindrance }
        })
        .collect();
    found.sort_by(|one, other| one.entry.draft.code.cmp(&other.entry.draft.code));
    Ok(found)
}

/// The changes of columns that await review.
async fn versions(visit: &Visit) -> Result<Vec<VersionToReview>> {
    let found = visit.app.services.versions_to_review(&visit.ctx).await?.into_iter();
    let mut found: Vec<_> = found
        .map(|(title, version, hindrance)| {
            let hindrance = hindrance.map(|error| error.message);
            VersionToReview { title, version, hindrance }
        })
        .collect();
    found.sort_by(|one, other| one.version.resource.cmp(&other.version.resource));
    Ok(found)
}

/// A page of the secrecy reviews that the reader can decide, and where the next begins.
async fn openings(
    visit: &Visit,
    after: Option<MatterPlace>,
    limit: usize,
) -> Result<(Vec<MatterView>, Option<String>)> {
    let mut filter = MatterFilter {
        kinds: BTreeSet::from([MatterKind::SecrecyReview]),
        after,
        limit,
        ..MatterFilter::default()
    };
    let mut found: Vec<MatterView> = Vec::new();
    loop {
        let page = visit.app.services.matters(&visit.ctx, &filter).await?;
        for view in page.matters.into_iter().filter(|view| view.yours.contains(&Event::Grant)) {
            if found.len() == limit {
                let next = found.last().map(|last| MatterPlace::of(&last.matter).to_string());
                return Ok((found, next));
            }
            found.push(view);
        }
        match page.next {
            Some(next) => filter.after = Some(next),
            None => return Ok((found, None)),
        }
    }
}

/// What waits for the reader as reviewer, for the desk's first page; nothing for who reviews nothing.
pub(super) async fn waiting(visit: &Visit) -> Result<Option<DeskReviews>> {
    let principal = &visit.ctx.principal;
    let reviews = [Action::ReviewDirectory, Action::ReviewData, Action::ReviewOpening];
    let may = |action: &Action| {
        decide_action(principal, *action, principal.department.as_ref()).into_permission().is_ok()
    };
    if principal.department.is_none() || !reviews.iter().any(may) {
        return Ok(None);
    }
    // What the reader can't review is not looked for.
    let mut entries = if may(&Action::ReviewDirectory) { entries(visit).await? } else { Vec::new() };
    entries.retain(|one| one.hindrance.is_none());
    let mut versions = if may(&Action::ReviewData) { versions(visit).await? } else { Vec::new() };
    versions.retain(|one| one.hindrance.is_none());
    let openings = match openings(visit, None, COUNTED).await {
        Ok((openings, _)) => openings,
        Err(error) if error.code == ErrorCode::Forbidden => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(Some(DeskReviews { entries, versions, openings }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_stands_on_one_page() {
        let lines: Vec<_> = (0..120).map(|number| format!("{number:04}")).collect();
        let (mut after, mut seen) = (String::new(), Vec::new());
        loop {
            let mut page = lines.clone();
            let next = cut(&mut page, |line| line.as_str(), &after);
            seen.extend(page);
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert_eq!(seen, lines);
    }
}
