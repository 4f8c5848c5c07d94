//! `why`: who may see what, and by which grant, rule and article.

use catalog_core::policy::{AboutRows, DecidedBy, Effect, GrantedPolicy, RowVerdict};
use catalog_core::services::AccessAnswer;
use catalog_core::{Error, ErrorCode, Result};
use http::Method;
use openapi_contract::GrantPreview;
use serde_json::{Map, Value, json};

use crate::cli::{Global, Why};
use crate::client::{Client, Payload};
use crate::output;

/// Asks, and prints the verdict.
pub(crate) async fn run(client: &Client, global: &Global, asked: &Why) -> Result<()> {
    if let Some(number) = &asked.matter_part {
        return if_granted(client, global, number).await;
    }
    let mut row = Map::new();
    for pair in &asked.row {
        let (item, value) = pair.split_once('=').ok_or_else(|| {
            Error::new(
                ErrorCode::InvalidInput,
                format!("`{pair}` is no ITEM=VALUE: write county_code=360481"),
            )
        })?;
        row.insert(item.to_owned(), json!(value));
    }
    let question = json!({
        "resource": asked.code, "principal": asked.of, "action": asked.action, "door": asked.door,
        "item": asked.item, "row": row, "purpose": global.purpose,
    });
    let answer: AccessAnswer = client.json(Method::POST, "/api/v1/why", Payload::Json(question)).await?;
    if global.json {
        output::document(&answer);
    } else {
        show(&answer);
    }
    Ok(())
}

fn show(answer: &AccessAnswer) {
    let decision = &answer.decision;
    let by = match &decision.determined_by {
        DecidedBy::Grant { id: Some(id), .. } => format!("授权 {id}"),
        DecidedBy::Grant { id: None, .. } => "本部门数据".to_owned(),
        DecidedBy::Role { role } => format!("角色 {}", word(role)),
        DecidedBy::Rule { code, reason } => format!("[{}] {}", code.as_str(), output::in_words(reason)),
    };
    match decision.effect {
        Effect::Permit => output::done(format!("{}: 允许，依据 {by}", answer.principal)),
        Effect::Deny => output::doubt(format!("{}: 不允许，{by}", answer.principal)),
    }
    if let Some(article) = &answer.article {
        output::line(format!("  条款 {article}"));
    }
    if let Some(granted) = &decision.obligations {
        seen(granted);
    }
    if let Some(item) = &answer.item {
        let mask = item.mask.as_ref().map(|mask| format!("，脱敏 {}", word(mask))).unwrap_or_default();
        let visible = if item.visible { "可见" } else { "不可见" };
        output::line(format!(
            "  信息项 {}: {visible}{mask} {}",
            item.column,
            item.reason.as_deref().map(output::in_words).unwrap_or_default()
        ));
    }
    if let Some(row) = answer.row {
        let verdict = match row {
            RowVerdict::Shown => "可见",
            RowVerdict::Hidden => "不可见",
            RowVerdict::Depends => "取决于其他信息项",
        };
        output::line(format!("  这样的行: {verdict}"));
    }
}

fn seen(granted: &GrantedPolicy) {
    let policy = &granted.policy;
    let columns = policy.columns.iter().map(|column| match &column.mask {
        None => column.column.to_string(),
        Some(mask) => format!("{}（脱敏 {}）", column.column, word(mask)),
    });
    output::line(format!("  信息项 {}", columns.collect::<Vec<_>>().join("、")));
    output::line(format!("  行条件 {}", policy.filter.as_ref().map_or("全部".to_owned(), word)));
}

async fn if_granted(client: &Client, global: &Global, number: &str) -> Result<()> {
    let asked = Payload::Json(json!({ "matter": number }));
    let found: Vec<GrantPreview> = client.json(Method::POST, "/api/v1/why/grant", asked).await?;
    if global.json {
        output::document(&found);
        return Ok(());
    }
    for preview in &found {
        let columns: Vec<_> = preview.columns.iter().map(|column| column.column.to_string()).collect();
        output::done(format!("{}: {}", preview.resource, columns.join("、")));
        let shown = match preview.rows {
            None => {
                let column = preview.singles_out.as_ref().map(ToString::to_string).unwrap_or_default();
                format!("不计数：条件 {column} 指向个人")
            }
            Some(AboutRows { rows, within: 0 | 1 }) => rows.to_string(),
            Some(AboutRows { rows, within }) => format!("约 {rows}（±{}）", within - 1),
        };
        let of = preview.of_rows.map(|rows| format!("，共 {rows} 行")).unwrap_or_default();
        output::line(format!("  可见行数 {shown}{of}"));
        if let Some(undoes) = &preview.undoes {
            output::doubt(format!("  {undoes}"));
        }
    }
    Ok(())
}

/// As the API writes it.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
