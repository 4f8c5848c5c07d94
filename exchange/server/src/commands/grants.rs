//! `grant`: who may see what, and the end of it.

use catalog_core::policy::{Grant, GrantKind, Grantee};
use catalog_core::{Result, Timestamp};
use http::Method;
use serde_json::json;

use super::names::Names;
use super::segment;
use crate::cli;
use crate::cli::Global;
use crate::client::{Client, Payload};
use crate::output;

/// Grants.
pub(crate) async fn run(client: &Client, global: &Global, command: &cli::Grant) -> Result<()> {
    match command {
        cli::Grant::List => list(client, global).await,
        cli::Grant::Revoke { id, reason } => {
            let path = format!("/api/v1/grants/{}/revoke", segment(id));
            let body = Payload::Json(json!({ "reason": reason }));
            client.send(Method::POST, &path, body, "application/json").await?;
            let text = format!("grant {id} is revoked; running reads are cut");
            output::outcome(global, &json!({ "revoked": id }), text);
            Ok(())
        }
    }
}

async fn list(client: &Client, global: &Global) -> Result<()> {
    let grants: Vec<Grant> = client.json(Method::GET, "/api/v1/grants", Payload::Empty).await?;
    if global.json {
        output::document(&grants);
        return Ok(());
    }
    let names = Names::from(client).await;
    let rows: Vec<_> = grants.iter().map(|grant| row(grant, &names)).collect();
    output::table(&["授权", "授予", "类型", "资源", "用途", "期限至", ""], &rows);
    Ok(())
}

fn row(grant: &Grant, names: &Names) -> Vec<String> {
    let terms = &grant.terms;
    let kind = match (terms.kind, &terms.grantee) {
        (GrantKind::Conditional, Grantee::Developer(_)) => "有条件开放",
        (kind, _) => kind.label(),
    };
    let cells = terms.statistics.as_ref();
    let cells = cells.map_or(String::new(), |cells| format!("，仅统计 ≥{}", cells.min_group));
    let state = if grant.revocation.is_some() { "已撤销" } else { "" };
    vec![
        grant.id.to_string(),
        names.grantee(&terms.grantee),
        format!("{kind}{cells}"),
        terms.resource.to_string(),
        terms.purpose.clone().unwrap_or_default(),
        terms.valid_until.map_or("不限".to_owned(), Timestamp::shanghai_end),
        state.to_owned(),
    ]
}
