//! `evidence`: who saw what, when, for which purpose, as auditors search it.

use std::path::Path;

use catalog_core::evidence::Event;
use catalog_core::{Error, Result};
use http::Method;
use openapi_contract::{EvidenceLeaf, EvidencePage};

use super::segment;
use crate::cli::{Evidence, Global};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;

const ADDRESS: &str = "/api/v1/evidence";

/// Prints a page of evidence, or writes it as a spreadsheet.
pub(crate) async fn run(client: &Client, global: &Global, wanted: &Evidence) -> Result<()> {
    let query = query(wanted);
    if let Some(file) = &wanted.xlsx {
        return write(client, global, &format!("{ADDRESS}?format=xlsx&{query}"), file).await;
    }
    let page: EvidencePage = client.json(Method::GET, &format!("{ADDRESS}?{query}"), Payload::Empty).await?;
    if global.json {
        output::document(&page);
        return Ok(());
    }
    let rows: Vec<_> = page.records.iter().map(row).collect();
    output::table(&["时间", "事件", "部门", "主体", "用途", "行数", "对象", "请求编号"], &rows);
    if let Some(next) = page.next {
        output::line(format!("  还有更多：--after {next}"));
    }
    Ok(())
}

fn query(wanted: &Evidence) -> String {
    let limit = wanted.limit.to_string();
    let named = [
        ("from", &wanted.from),
        ("until", &wanted.until),
        ("department", &wanted.department),
        ("principal", &wanted.principal),
        ("resource", &wanted.resource),
        ("grant", &wanted.grant),
        ("purpose", &wanted.of_purpose),
        ("action", &wanted.action),
        ("request", &wanted.request),
        ("subject", &wanted.subject),
        ("after", &wanted.after),
        ("limit", &Some(limit)),
    ];
    let given = named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    given.map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>().join("&")
}

async fn write(client: &Client, global: &Global, address: &str, file: &Path) -> Result<()> {
    let answer = client.send(Method::GET, address, Payload::Empty, "*/*").await?;
    let next = answer.headers.get("shuqiao-next").and_then(|next| next.to_str().ok()).map(str::to_owned);
    let content = answer.bytes().await?;
    std::fs::write(file, &content).map_err(|error| io(file, &error))?;
    let document = serde_json::json!({ "written": file, "bytes": content.len(), "next": next });
    if let Some(next) = next.filter(|_| !global.json) {
        output::doubt(format!("there is more than fits: --after {next}, or a larger --limit"));
    }
    output::outcome(global, &document, format!("{} written", file.display()));
    Ok::<_, Error>(())
}

fn row(leaf: &EvidenceLeaf) -> Vec<String> {
    let record = &leaf.record;
    // What has ended names nothing itself: its start does.
    let read = || leaf.start.as_ref().map(|start| resources(&start.sources)).unwrap_or_default();
    let (rows, about) = match &record.event {
        Event::Access { sources, rows, .. } => (rows.to_string(), resources(sources)),
        Event::AccessStarted { sources, .. } => (String::new(), resources(sources)),
        Event::AccessEnded { rows, .. } => (rows.to_string(), read()),
        Event::AccessRefused { code, sources, .. } if sources.is_empty() => {
            (String::new(), [code.clone(), read()].join(" ").trim_end().to_owned())
        }
        Event::AccessRefused { code, sources, .. } => {
            (String::new(), format!("{code}: {}", resources(sources)))
        }
        Event::Changed { entity, .. } => (String::new(), entity.clone()),
        Event::OpenDownloads { resource, count, .. } => (String::new(), format!("{resource} × {count}")),
        Event::EpochStarted { lost, .. } => (String::new(), format!("缺失 {lost}")),
    };
    vec![
        record.at.shanghai_text(),
        record.event.name().to_owned(),
        record.actor.department.as_ref().map(ToString::to_string).unwrap_or_default(),
        record.actor.operator.clone().unwrap_or_else(|| record.actor.id.clone()),
        record.actor.purpose.clone().unwrap_or_default(),
        rows,
        about,
        record.request_id.clone(),
    ]
}

fn resources(sources: &[catalog_core::evidence::SourceRead]) -> String {
    sources.iter().map(|source| source.resource.to_string()).collect::<Vec<_>>().join(", ")
}
