//! `supervise` and `assess`: what the authority and auditors look at.

use catalog_core::Result;
use catalog_core::supervision::assessment::percent;
use catalog_core::supervision::{Anomaly, Breach, Indicators};
use http::Method;
use openapi_contract::{SignedAssessment, Supervision};
use serde::Serialize;

use super::segment;
use crate::cli::{Assess, Global, Supervised};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;

/// Breaches and anomalies of one page.
const PAGE: usize = 10_000;

/// Shows lights, breaches and anomalies.
pub(crate) async fn supervise(client: &Client, global: &Global, period: &Supervised) -> Result<()> {
    let address = format!("/api/v1/supervision?{}&limit={PAGE}", query(period));
    let mut found: Supervision = client.json(Method::GET, &address, Payload::Empty).await?;
    let (mut after, mut is_full) = (PAGE, found.breaches.len().max(found.anomalies.len()) == PAGE);
    while is_full {
        let page: Supervision =
            client.json(Method::GET, &format!("{address}&after={after}"), Payload::Empty).await?;
        is_full = page.breaches.len().max(page.anomalies.len()) == PAGE;
        found.breaches.extend(page.breaches);
        found.anomalies.extend(page.anomalies);
        after += PAGE;
    }
    if global.json {
        output::document(&found);
        return Ok(());
    }
    output::heading("运行中的办件");
    let count = |number: u64| number.to_string();
    let lights = found.lights.iter();
    let rows: Vec<_> = lights
        .map(|row| {
            vec![
                row.department.clone(),
                count(row.green),
                count(row.yellow),
                count(row.red),
                count(row.paused),
            ]
        })
        .collect();
    output::table(&["部门", "绿灯", "黄灯", "红灯", "暂停"], &rows);
    output::heading("超期");
    let rows: Vec<_> = found.breaches.iter().map(breach).collect();
    output::table(&["办件号", "类型", "时限", "部门", "到期", "办结", "存证"], &rows);
    output::heading("异常");
    let rows: Vec<_> = found.anomalies.iter().map(anomaly).collect();
    output::table(&["类型", "时间", "部门", "数量", "阈值", "存证"], &rows);
    Ok(())
}

/// Shows the assessment, or writes it as a spreadsheet.
pub(crate) async fn assess(client: &Client, global: &Global, options: &Assess) -> Result<()> {
    let address = format!("/api/v1/assessments?{}", query(&options.period));
    if let Some(file) = &options.xlsx {
        let answer =
            client.send(Method::GET, &format!("{address}&format=xlsx"), Payload::Empty, "*/*").await?;
        let content = answer.bytes().await?;
        std::fs::write(file, &content).map_err(|error| io(file, &error))?;
        let document = serde_json::json!({ "written": file, "bytes": content.len() });
        output::outcome(global, &document, format!("{} written", file.display()));
        return Ok(());
    }
    let signed: SignedAssessment = client.json(Method::GET, &address, Payload::Empty).await?;
    if global.json {
        output::document(&signed);
        return Ok(());
    }
    let rows: Vec<_> = signed.assessment.departments.iter().map(indicators).collect();
    let headings =
        ["部门", "得分", "完整", "挂接", "更新", "按时", "拒绝", "异议", "质量", "开放", "调用", "下载"];
    output::table(&headings, &rows);
    Ok(())
}

fn query(period: &Supervised) -> String {
    format!("from={}&until={}", segment(&period.from), segment(&period.until))
}

/// A word of the API, as it is written there.
fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn breach(breach: &Breach) -> Vec<String> {
    vec![
        breach.matter.clone(),
        breach.kind.to_string(),
        word(&breach.limit),
        breach.department.as_ref().map_or("authority".to_owned(), ToString::to_string),
        breach.due.shanghai_end(),
        breach.ended.map(|ended| ended.shanghai_text()).unwrap_or_default(),
        format!("{}-{}", breach.evidence.epoch, breach.evidence.index),
    ]
}

fn anomaly(anomaly: &Anomaly) -> Vec<String> {
    let evidence = anomaly.evidence.first().map(|place| format!("{}-{}", place.epoch, place.index));
    vec![
        word(&anomaly.kind),
        anomaly.from.shanghai_text(),
        anomaly.department.as_ref().map(ToString::to_string).unwrap_or_default(),
        anomaly.count.to_string(),
        anomaly.threshold.to_string(),
        evidence.unwrap_or_default(),
    ]
}

fn indicators(row: &Indicators) -> Vec<String> {
    vec![
        row.department.clone(),
        percent(row.score),
        row.completeness.percent(),
        row.mounted.percent(),
        row.timely_updates.percent(),
        row.timely_answers.percent(),
        row.refusals.percent(),
        row.objections_settled.percent(),
        row.quality.percent(),
        row.open.percent(),
        row.calls_served.to_string(),
        row.open_downloads.to_string(),
    ]
}
