//! What the public's directory holds, put together once for many pages.

use std::sync::Arc;
use std::time::Duration;

use catalog_core::directory::{Opening, Resource};
use catalog_core::policy::BoundPolicy;
use catalog_core::ports::{SearchOrder, SearchQuery};
use catalog_core::services::Listed;
use catalog_core::supervision::due;
use catalog_core::{ErrorCode, OpContext, ResourceCode, Result, Timestamp};
use openapi_portal::Listing;

use super::Usage;
use crate::app::App;
use crate::catalogue::public;

/// For how long it is current while the catalogue does not change: what was announced takes effect.
const CURRENT: Duration = Duration::from_secs(60);

/// Everything that the public's directory lists, by code.
#[derive(Debug)]
pub(crate) struct Overview {
    revision: i64,
    /// When it was made.
    pub(crate) at: Timestamp,
    /// The resources.
    pub(crate) listings: Vec<Listing>,
}

impl Overview {
    /// As it stands now, or a little before; nothing while it is being made for the first time.
    ///
    /// # Errors
    /// Where the catalogue does not answer.
    pub(crate) async fn get(app: &Arc<App>, ctx: &OpContext) -> Result<Option<Arc<Self>>> {
        let revision = app.services.revision().await?;
        let (reader, ctx) = (Arc::clone(app), public(ctx));
        let make = move |_| async move { Self::make(&reader, &ctx, revision).await };
        let is_current = |known: &Self, age: Duration| known.revision == revision && age < CURRENT;
        Ok(app.overview.get(is_current, make).await)
    }

    async fn make(app: &Arc<App>, ctx: &OpContext, revision: i64) -> Result<Self> {
        let query = SearchQuery { order: SearchOrder::Code, limit: u32::MAX, ..SearchQuery::default() };
        let codes = app.services.codes(ctx, query).await?.codes;
        let mut listings = Vec::with_capacity(codes.len());
        for code in codes {
            match app.services.listed(ctx, &code).await {
                Ok(listed) => listings.push(listing(app, ctx, listed).await?),
                // It was withdrawn meanwhile.
                Err(error) if error.code == ErrorCode::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        listings.sort_by(|one, other| one.code.cmp(&other.code));
        Ok(Self { revision, at: ctx.now, listings })
    }

    /// The resource of that code.
    pub(crate) fn listing(&self, code: &ResourceCode) -> Option<&Listing> {
        let place = self.listings.binary_search_by(|listing| listing.code.cmp(code)).ok()?;
        self.listings.get(place)
    }

    /// Those with data, updated last first.
    pub(crate) fn latest(&self, most: usize) -> Vec<Listing> {
        let mut with_data: Vec<_> =
            self.listings.iter().filter(|listing| listing.release.is_some()).collect();
        with_data.sort_by_key(|listing| std::cmp::Reverse(listing.release.map(|(_, at)| at)));
        with_data.into_iter().take(most).cloned().collect()
    }

    /// Those read most in the last thirty days, with how often.
    pub(crate) fn most_used(&self, app: &App, usage: &Usage, most: usize) -> Vec<(&Listing, u64)> {
        let read = self.listings.iter().map(|listing| (listing, usage.reads_of(app, &listing.code)));
        let mut read: Vec<_> = read.filter(|(_, count)| *count > 0).collect();
        read.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.code.cmp(&other.code)));
        read.truncate(most);
        read
    }
}

async fn listing(app: &App, ctx: &OpContext, listed: Listed) -> Result<Listing> {
    let Listed { resource, version, policy, .. } = listed;
    let shows_all_rows =
        policy.is_some_and(|BoundPolicy { filter, statistics, .. }| filter.is_none() && statistics.is_none());
    let mut rows =
        version.as_ref().filter(|_| shows_all_rows).and_then(|version| u64::try_from(version.rows).ok());
    // Beside what is there to see, the number of all rows tells how many are withdrawn.
    if rows.is_some() && !app.services.record_acts(ctx, &resource.code).await?.is_empty() {
        rows = None;
    }
    let release =
        version.map(|version| (version.number, version.effective_from().unwrap_or(version.published_at)));
    let refers = refers(&resource);
    Ok(Listing {
        is_open: *resource.opening() == Opening::Open,
        due: release.and_then(|(_, at)| due(at, resource.update_cycle)),
        cycle: resource.update_cycle,
        format: resource.format.class,
        derived_from: resource.derived_from,
        code: resource.code,
        title: resource.title,
        provider: resource.provider,
        contact: resource.contact,
        release,
        rows,
        refers,
    })
}

/// The resources that the items of one refer to.
fn refers(resource: &Resource) -> Vec<ResourceCode> {
    let mut codes: Vec<_> =
        resource.items.iter().filter_map(|item| Some(item.reference.as_ref()?.resource.clone())).collect();
    codes.sort();
    codes.dedup();
    codes
}
