//! Pages of figures and of reference: one department, statistics, standards, status.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::response::Response;
use catalog_core::directory::{Department, classification};
use catalog_core::{DepartmentId, Error, ResourceCode};
use openapi_portal::{
    Bar, Chosen, DepartmentFigures, DepartmentPage, Listing, StandardsPage, Statistics, StatisticsPage,
    StatusPage,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::usage::{Calls, FEWEST, MonthOfUse};
use super::visit::{LanguageParam, Visit};
use super::{Overview, Usage};
use crate::app::App;
use crate::extract::Id;
use crate::problem::Refusal;
use crate::status;

/// Datasets that are used most in the statistics.
const MOST_USED: usize = 20;

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(show_department))
        .routes(routes!(show_statistics))
        .routes(routes!(show_standards))
        .routes(routes!(show_status))
}

/// A department: what it provides, how promptly, whom to ask
#[utoipa::path(get, path = "/departments/{id}", tag = "portal",
    params(("id" = String, Path, description = "Its machine name"), LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_department(visit: Visit, Id(id): Id) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let id = DepartmentId::new(id).map_err(|_| Error::not_found("department of that name"))?;
    let department = app.services.department(&ctx, &id).await?;
    let _place = app.page(&ctx).await?;
    let parent = match &department.parent {
        Some(parent) => Some(app.services.department(&ctx, parent).await?),
        None => None,
    };
    let overview = Overview::get(app, &ctx).await?;
    let mut listings: Vec<Listing> = match &overview {
        Some(overview) => {
            overview.listings.iter().filter(|listing| listing.provider == id).cloned().collect()
        }
        None => Vec::new(),
    };
    listings.sort_by_key(|listing| std::cmp::Reverse(listing.release.map(|(_, at)| at)));
    let usage = Usage::get(app, &ctx).await;
    let mut figures = DepartmentFigures::of(listings.iter(), ctx.now);
    if let Some(usage) = &usage {
        figures.reads = listings.iter().map(|listing| usage.reads_of(app, &listing.code)).sum();
    }
    visit.page(&DepartmentPage {
        a: visit.around(),
        department: &department,
        parent: parent.as_ref(),
        figures: overview.as_ref().map(|_| &figures),
        listings: &listings,
        now: ctx.now,
    })
}

/// Openness and use in numbers
#[utoipa::path(get, path = "/statistics", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_statistics(visit: Visit) -> Result<Response, Refusal> {
    let (app, ctx) = (&visit.app, visit.public());
    let _place = app.page(&ctx).await?;
    let overview = Overview::get(app, &ctx).await?;
    let departments = app.services.departments(&ctx).await?;
    let usage = Usage::get(app, &ctx).await;
    let statistics = overview.map(|overview| {
        let mut statistics = openness(&overview, &departments);
        if let Some(usage) = usage {
            let is_shown = |code: &ResourceCode| overview.listing(code).is_some();
            let months = usage.by_month(app, is_shown, ctx.now);
            // Months before anything was used say nothing.
            let begun = months.iter().position(MonthOfUse::has_use).unwrap_or(months.len());
            let months = months.get(begun..).unwrap_or_default();
            let reads = |month: &MonthOfUse| Bar::new(&month.name, None, month.reads);
            let calls = |month: &MonthOfUse| match month.calls {
                Calls::Told(calls) => Some(Bar::new(&month.name, None, calls)),
                Calls::Few => Some(Bar::untold(&month.name, FEWEST)),
                Calls::UnderWay => None,
            };
            statistics.reads = Bar::measured(months.iter().map(reads).collect());
            statistics.calls = Bar::measured(months.iter().filter_map(calls).collect());
            let used = overview.most_used(app, &usage, MOST_USED).into_iter();
            let bar = |(listing, count): (&Listing, u64)| {
                Bar::new(listing.title.clone(), Some(listing.address()), count)
            };
            statistics.most_used = Bar::measured(used.map(bar).collect());
        }
        statistics
    });
    visit.page(&StatisticsPage { a: visit.around(), statistics: statistics.as_ref() })
}

/// What the directory says, in numbers.
fn openness(overview: &Overview, departments: &[Department]) -> Statistics {
    let all = || overview.listings.iter();
    let count =
        |is_meant: fn(&Listing) -> bool| all().filter(|listing| is_meant(listing)).map(|_| 1).sum::<u64>();
    let at = overview.at;
    let department = |listing: &Listing| {
        let found = departments.iter().find(|department| department.id == listing.provider)?;
        Some((found.name.clone(), Some(format!("/departments/{}", found.id))))
    };
    let topic = |listing: &Listing| {
        let (category, number) = (listing.topic().chars().next()?, listing.topic().get(1..3)?);
        let name = match classification::name_of(category, number) {
            Some(name) => name,
            None => classification::CATEGORIES.iter().find(|(digit, _)| *digit == category)?.1,
        };
        let chosen = match classification::name_of(category, number) {
            Some(_) => listing.topic().to_owned(),
            None => category.to_string(),
        };
        Some((name.to_owned(), Some(Chosen { topic: Some(chosen), page: 1, ..Chosen::default() }.address())))
    };
    let format = |listing: &Listing| {
        let chosen = Chosen { format: Some(listing.format.clone()), page: 1, ..Chosen::default() };
        Some((listing.format.clone(), Some(chosen.address())))
    };
    let cycle = |listing: &Listing| Some((listing.cycle.label().to_owned(), None));
    Statistics {
        at,
        resources: count(|_| true),
        open: count(|listing| listing.is_open),
        with_data: count(|listing| listing.release.is_some()),
        rows: all().filter_map(|listing| listing.rows).sum(),
        promised: count(|listing| listing.due.is_some()),
        late: all().filter(|listing| listing.is_late(at)).map(|_| 1).sum(),
        by_department: grouped(overview, department),
        by_topic: grouped(overview, topic),
        by_format: grouped(overview, format),
        by_cycle: grouped(overview, cycle),
        ..Statistics::default()
    }
}

/// Name and address of a group.
type Group = (String, Option<String>);

/// Bars of groups, the greatest first; beside each how many of it have data.
fn grouped(overview: &Overview, group: impl Fn(&Listing) -> Option<Group>) -> Vec<Bar> {
    let mut groups: BTreeMap<Group, (u64, u64)> = BTreeMap::new();
    for listing in &overview.listings {
        if let Some(group) = group(listing) {
            let (all, with_data) = groups.entry(group).or_default();
            *all += 1;
            *with_data += u64::from(listing.release.is_some());
        }
    }
    let bar = |((name, address), (all, with_data)): (Group, (u64, u64))| {
        Bar::new(name, address, all).noted(format!("({with_data})"))
    };
    let mut bars: Vec<_> = groups.into_iter().map(bar).collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.count));
    Bar::measured(bars)
}

/// Laws and standards that the platform follows
#[utoipa::path(get, path = "/standards", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_standards(visit: Visit) -> Result<Response, Refusal> {
    visit.page(&StandardsPage { a: visit.around() })
}

/// Whether the platform works
#[utoipa::path(get, path = "/status", tag = "portal", params(LanguageParam),
    responses((status = 200, description = "A page", content_type = "text/html")))]
async fn show_status(visit: Visit) -> Result<Response, Refusal> {
    let found = status::status(&visit.app, &visit.ctx).await?;
    visit.page(&StatusPage { a: visit.around(), found: &found })
}
