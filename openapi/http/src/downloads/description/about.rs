//! What the page of a dataset tells beside its entry, as its reader may know it.

use std::sync::Arc;

use catalog_core::dataset::Standing;
use catalog_core::directory::{InformationItem, Opening, Resource};
use catalog_core::supervision::due;
use catalog_core::{Error, ErrorCode, OpContext, ResourceCode, Result};
use openapi_contract::VersionView;
use openapi_dcat::Described;
use openapi_portal::{About, Bar, Delivery, Neighbour, OpeningLine, Quality, VersionLine};

use super::Data;
use super::documents::{delivery_of, rules_of};
use crate::app::App;
use crate::datasets::version_views;
use crate::portal::{Overview, Usage};
use crate::problem::Refusal;

/// Related datasets on a page.
const RELATED: usize = 9;

pub(super) async fn about(
    app: &Arc<App>,
    ctx: &OpContext,
    described: &Described,
    data: Option<&Data>,
) -> Result<About, Refusal> {
    let code = &described.resource.code;
    // It asks the catalogue for much: as many at a time as other pages.
    let _place = app.page(ctx).await?;
    let entry = app.services.resource(ctx, code).await?;
    let overview = Overview::get(app, ctx).await?;
    let usage = Usage::get(app, ctx).await;
    let is_public = overview.as_ref().is_some_and(|overview| overview.listing(code).is_some());
    let mut about = About {
        now: ctx.now,
        versions: versions(app, ctx, code).await?,
        openings: openings(app, ctx, &entry).await?,
        due: described.release.as_ref().and_then(|release| due(release.published_at, entry.update_cycle)),
        sources: sources(app, ctx, described).await?,
        reads: usage.filter(|_| is_public).map(|usage| usage.reads_of(app, code)),
        ..About::default()
    };
    about.made_from = made_from(app, ctx, &entry).await?;
    if let Some(overview) = &overview {
        about.used_in = used_in(overview, code);
        about.users = users(app, ctx, overview, code).await?;
        about.related = related(overview, &entry, &about);
    }
    if let Some(data) = data {
        let columns = data.open.dataset.granted.policy.columns.iter();
        let masks = columns.filter_map(|column| Some((column.column.clone(), column.mask.clone()?)));
        about.masks = masks.collect();
        about.quality = Some(quality(app, described, data).await?);
    }
    let is_seen = |column: &str| described.resource.item(column).is_some();
    // What is closed is described to departments alone.
    let is_told =
        |item: &InformationItem| item.opening != Opening::Closed || ctx.principal.sees_whole_directory();
    about.unseen =
        entry.items.into_iter().filter(|item| !is_seen(item.column.as_str()) && is_told(item)).collect();
    Ok(about)
}

/// Whether the error says that there is nothing for this reader.
fn is_nothing(error: &Error) -> bool {
    matches!(
        error.code,
        ErrorCode::NotFound
            | ErrorCode::NotGranted
            | ErrorCode::Forbidden
            | ErrorCode::AmbiguousGrant
            | ErrorCode::ObligationMissing
    )
}

/// All versions that the reader may know of, the newest first.
async fn versions(app: &App, ctx: &OpContext, code: &ResourceCode) -> Result<Vec<VersionLine>, Refusal> {
    let views = match version_views(app, ctx, code).await {
        Ok(views) => views,
        Err(refusal) if is_nothing(&refusal.error) => return Ok(Vec::new()),
        Err(refusal) => return Err(refusal),
    };
    let mut lines: Vec<VersionLine> = Vec::with_capacity(views.len());
    for view in views {
        let before = lines.iter().rfind(|line| line.is_readable());
        let more = before.and_then(|before| Some(view.rows? - before.rows?));
        let before = before.map(|before| before.number).filter(|_| view.state == Standing::Published);
        let VersionView { number, published_at, change, state, withdrawn_because, breaking, rows, .. } = view;
        let breaking = breaking.map(|breaking| (breaking.notice.reason, view.effective_from));
        let standing = state;
        lines.push(VersionLine {
            number,
            published_at,
            change,
            standing,
            rows,
            more,
            withdrawn_because,
            breaking,
            before,
        });
    }
    lines.reverse();
    Ok(lines)
}

/// The numbers of the versions that can be read, the newest first.
pub(super) async fn readable_versions(
    app: &App,
    ctx: &OpContext,
    code: &ResourceCode,
) -> Result<Vec<i64>, Refusal> {
    let lines = versions(app, ctx, code).await?;
    Ok(lines.iter().filter(|line| line.is_readable()).map(|line| line.number).collect())
}

/// What is open, since when and on which basis.
async fn openings(app: &App, ctx: &OpContext, entry: &Resource) -> Result<Vec<OpeningLine>> {
    let openings = match app.services.openings(ctx, &entry.code).await {
        Err(error) if is_nothing(&error) => return Ok(Vec::new()),
        found => found?,
    };
    let title = |column: &catalog_core::ColumnName| {
        entry.item(column.as_str()).map_or_else(|| column.to_string(), |item| item.title.clone())
    };
    let line = |opening: catalog_core::services::Opening| OpeningLine {
        since: opening.since,
        items: opening.terms.items.iter().map(title).collect(),
        basis: opening.terms.legal_basis.clone(),
        condition: opening.terms.condition.clone(),
    };
    Ok(openings.into_iter().map(line).collect())
}

/// Resources that the visible items refer to.
async fn sources(app: &App, ctx: &OpContext, described: &Described) -> Result<Vec<Neighbour>> {
    let mut sources: Vec<Neighbour> = Vec::new();
    for item in &described.resource.items {
        let Some(reference) = &item.reference else { continue };
        match sources.iter_mut().find(|known| known.code == reference.resource) {
            Some(known) => known.columns.push(item.column.to_string()),
            None => {
                let title = match app.services.resource(ctx, &reference.resource).await {
                    Ok(resource) => resource.title,
                    Err(error) if is_nothing(&error) => continue,
                    Err(error) => return Err(error),
                };
                let (code, columns) = (reference.resource.clone(), vec![item.column.to_string()]);
                sources.push(Neighbour { code, title, why: ("引用", "Referred to"), columns });
            }
        }
    }
    Ok(sources)
}

/// Resources that it is made from, as far as the reader's directory lists them.
async fn made_from(app: &App, ctx: &OpContext, entry: &Resource) -> Result<Vec<Neighbour>> {
    let mut sources = Vec::new();
    for code in &entry.derived_from {
        match app.services.resource(ctx, code).await {
            Ok(source) => sources.push(made(source.code, source.title)),
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sources)
}

/// Resources of the public's directory that are made from this one.
fn used_in(overview: &Overview, code: &ResourceCode) -> Vec<Neighbour> {
    let made_from_it = overview.listings.iter().filter(|listing| listing.derived_from.contains(code));
    made_from_it.take(RELATED).map(|listing| made(listing.code.clone(), listing.title.clone())).collect()
}

fn made(code: ResourceCode, title: String) -> Neighbour {
    Neighbour { code, title, why: ("来源", "Derived from"), columns: Vec::new() }
}

/// Resources of the public's directory whose items refer to this one.
async fn users(
    app: &App,
    ctx: &OpContext,
    overview: &Overview,
    code: &ResourceCode,
) -> Result<Vec<Neighbour>> {
    let mut users = Vec::new();
    for listing in overview.listings.iter().filter(|listing| listing.refers.contains(code)).take(RELATED) {
        let resource = match app.services.resource(ctx, &listing.code).await {
            Err(error) if is_nothing(&error) => continue,
            found => found?,
        };
        let refers = resource
            .items
            .iter()
            .filter(|item| item.reference.as_ref().is_some_and(|reference| reference.resource == *code));
        let columns: Vec<_> = refers.map(|item| item.column.to_string()).collect();
        let (code, title) = (listing.code.clone(), listing.title.clone());
        users.push(Neighbour { code, title, why: ("引用它", "Refers to it"), columns });
    }
    Ok(users)
}

/// Others that a reader may want: declared ones first, then those of the same topic, and of the same provider.
fn related(overview: &Overview, entry: &Resource, about: &About) -> Vec<Neighbour> {
    let Some(own) = overview.listing(&entry.code) else { return Vec::new() };
    let is_near = |code: &ResourceCode| {
        about
            .sources
            .iter()
            .chain(&about.users)
            .chain(&about.made_from)
            .chain(&about.used_in)
            .any(|known| known.code == *code)
    };
    let classes = entry.code.classification();
    let declared = overview.listings.iter().filter(|other| entry.related.contains(&other.code));
    let topic = overview.listings.iter().filter(|other| other.code.classification() == classes);
    let provider = overview.listings.iter().filter(|other| other.provider == own.provider);
    let all = declared
        .map(|other| (other, ("登记的关联", "Declared related")))
        .chain(topic.map(|other| (other, ("同一主题", "Same topic"))))
        .chain(provider.map(|other| (other, ("同一部门", "Same department"))));
    let mut related: Vec<Neighbour> = Vec::new();
    for (other, why) in all {
        let is_known = other.code == entry.code || related.iter().any(|known| known.code == other.code);
        if !is_known && !is_near(&other.code) && related.len() < RELATED {
            let (code, title) = (other.code.clone(), other.title.clone());
            related.push(Neighbour { code, title, why, columns: Vec::new() });
        }
    }
    related
}

/// The quality of the version that is shown.
async fn quality(app: &App, described: &Described, data: &Data) -> Result<Quality, Refusal> {
    let whole = app.datasets.manifest(&data.open.dataset.version).await.map_err(Error::from)?;
    let rules = rules_of(described, &whole).into_iter();
    let rules = rules.map(|(column, rule)| (column.to_string(), rule.to_owned())).collect();
    let delivery = delivery_of(data, &whole).map(|found| {
        let name = |column: &str, rule: &str| format!("{column} · {rule}");
        let violations =
            found.rules.iter().map(|count| Bar::new(name(&count.column, &count.rule), None, count.count));
        Delivery {
            read: found.rows_read,
            accepted: found.rows_accepted,
            kept_out: found.rows_quarantined,
            violations: Bar::measured(violations.collect()),
        }
    });
    Ok(Quality { checked_at: whole.created_at, rules, delivery })
}
