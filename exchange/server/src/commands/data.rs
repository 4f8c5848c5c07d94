//! `ingest`, `review`, `versions`, `withdraw` and `query`: data and what it says.

use std::path::Path;

use catalog_core::dataset::{Standing, Version};
use catalog_core::directory::resource::Entry;
use catalog_core::{Error, ErrorCode, ResourceCode, Result};
use http::Method;
use openapi_contract::{Rows, UploadReport, VersionView};
use serde_json::{Value, json};

use super::{code_segment, segment};
use crate::cli::{Change, Format, Global, Ingest, Query, Review, Withdraw};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;
use crate::progress::FileProgress;

/// The field of an answer that names its receipt.
const RECEIPT_FIELD: &str = "shuqiao-receipt";

/// Checks a file and makes it the next version.
pub(crate) async fn ingest(client: &Client, global: &Global, options: &Ingest) -> Result<()> {
    let size = std::fs::metadata(&options.file).map_err(|error| io(&options.file, &error))?.len();
    let progress = FileProgress::new(size)?;
    let report = upload(client, options, Some(&progress)).await;
    progress.clear();
    let report = report?;
    if global.json {
        output::document(&report);
        return Ok(());
    }
    let quality = &report.quality;
    for rule in &quality.rules {
        output::line(format!("  {} × {} {}", rule.count, rule.column, rule.rule));
    }
    match &report.published {
        Some(version) => {
            if quality.rows_quarantined > 0 {
                output::line(format!(
                    "  the rows that were set aside: GET /api/v1/resources/{}/versions/{}/quarantine",
                    version.resource.path_form(),
                    version.number
                ));
            }
            output::done(format!(
                "version {} of {}: {} rows, {} set aside, {} bytes",
                version.number, version.resource, version.rows, quality.rows_quarantined, version.bytes
            ));
            announced(version);
        }
        None => output::line("the file was checked, nothing was published"),
    }
    Ok(())
}

/// Says from when a breaking version is in effect, or what it waits for.
fn announced(version: &Version) {
    let Some(change) = &version.breaking else { return };
    let columns: Vec<_> = change.columns.iter().map(ToString::to_string).collect();
    output::line(format!("  removes or retypes {}: {}", columns.join(", "), change.notice.reason));
    match &change.review {
        Some(review) => {
            let from = review.effective_from.shanghai_text();
            output::line(format!("  in effect from {from}; until then `latest` keeps the old columns"));
        }
        None => output::line(format!(
            "  another person reviews it: shuqiao review {} {} --as DEPARTMENT:reviewer; then {} days of notice run",
            version.resource, version.number, change.notice.days
        )),
    }
}

/// Uploads a file as a version.
pub(crate) async fn upload(
    client: &Client,
    options: &Ingest,
    progress: Option<&FileProgress>,
) -> Result<UploadReport> {
    let file = &options.file;
    let change = match options.change {
        Change::Replace => "replace",
        Change::Append => "append",
        Change::Upsert => "upsert",
    };
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or("data");
    let mut path = format!(
        "/api/v1/resources/{}/data?change={change}&threshold={}&name={}&publish=true",
        code_segment(&options.code)?,
        options.threshold / 100.0,
        segment(name)
    );
    if options.breaking {
        path += &format!("&breaking=true&reason={}", segment(options.reason.as_deref().unwrap_or_default()));
    }
    if let Some(days) = options.notice_days {
        path += &format!("&notice_days={days}");
    }
    client.json(Method::POST, &path, Payload::File(file, media_type(file)?, progress.cloned())).await
}

/// Consents to a breaking version.
pub(crate) async fn review(client: &Client, global: &Global, options: &Review) -> Result<()> {
    let path =
        format!("/api/v1/resources/{}/versions/{}/review", code_segment(&options.code)?, options.version);
    let version: Version = client.json(Method::POST, &path, Payload::Empty).await?;
    if global.json {
        output::document(&version);
    } else {
        output::done(format!("version {} of {} is announced", version.number, version.resource));
        announced(&version);
    }
    Ok(())
}

/// Lists the versions of a resource.
pub(crate) async fn versions(client: &Client, global: &Global, code: &str) -> Result<()> {
    let path = format!("/api/v1/resources/{}/versions", code_segment(code)?);
    let versions: Vec<VersionView> = client.json(Method::GET, &path, Payload::Empty).await?;
    if global.json {
        output::document(&versions);
        return Ok(());
    }
    let row = |version: VersionView| {
        let state = match version.state {
            Standing::AwaitsReview => "待审核",
            Standing::Announced => "已公告",
            Standing::Published => "已发布",
            Standing::Withdrawn => "已撤回",
        };
        let reason = version.breaking.map(|change| change.notice.reason).or(version.withdrawn_because);
        let from = version.effective_from.map(catalog_core::Timestamp::shanghai_text).unwrap_or_default();
        let rows = version.rows.map(|rows| rows.to_string()).unwrap_or_default();
        vec![version.number.to_string(), state.to_owned(), from, rows, reason.unwrap_or_default()]
    };
    let rows: Vec<_> = versions.into_iter().map(row).collect();
    output::table(&["版本", "状态", "生效时间", "行数", "原因"], &rows);
    Ok(())
}

fn media_type(file: &Path) -> Result<&'static str> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Ok(match ending.to_ascii_lowercase().as_str() {
        "csv" | "tsv" | "txt" => "text/csv",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "geojson" => "application/geo+json",
        "parquet" => "application/vnd.apache.parquet",
        _ => {
            let message = "the file's name must end in .csv, .xlsx, .jsonl, .geojson or .parquet";
            return Err(Error::new(ErrorCode::UnsupportedFormat, message));
        }
    })
}

/// Withdraws a version or records, or reinstates records.
pub(crate) async fn withdraw(client: &Client, global: &Global, options: &Withdraw) -> Result<()> {
    let code = code_segment(&options.code)?;
    let (path, body) = match options.version {
        Some(version) => (
            format!("/api/v1/resources/{code}/versions/{version}/withdraw"),
            json!({ "reason": options.reason }),
        ),
        None => {
            let keys: Vec<Vec<&str>> = options.record.iter().map(|key| key.split(',').collect()).collect();
            let mut body = json!({ "keys": keys, "reason": options.reason });
            if !options.columns.is_empty() {
                body["columns"] = json!(options.columns);
            }
            if let Some(again) = &options.again {
                body["again"] = json!(again);
            }
            let act = if options.reinstate { "reinstate" } else { "withdraw" };
            (format!("/api/v1/resources/{code}/records/{act}"), body)
        }
    };
    client.send(Method::POST, &path, Payload::Json(body), "application/json").await?;
    let text = match options.reinstate {
        true => "reinstated for data that is delivered whole from now on; earlier versions stay as they are",
        false => "withdrawn at every door; a tombstone with the reason remains",
    };
    let document = json!({ "resource": options.code, "version": options.version, "records": options.record });
    output::outcome(global, &document, text);
    Ok(())
}

/// Asks in SQL.
pub(crate) async fn query(client: &Client, global: &Global, options: &Query) -> Result<()> {
    let format = if global.json { Format::Json } else { options.format };
    let accept = match format {
        Format::Table | Format::Json => "application/json",
        Format::Jsonl => "application/x-ndjson",
        Format::Csv => "text/csv",
        Format::Arrow => "application/vnd.apache.arrow.stream",
        Format::Parquet => "application/vnd.apache.parquet",
    };
    let body = Payload::Json(json!({ "sql": options.sql }));
    let answer = client.send(Method::POST, "/api/v1/sql", body, accept).await?;
    let receipt = answer.headers.get(RECEIPT_FIELD).and_then(|id| id.to_str().ok()).map(str::to_owned);
    match format {
        Format::Table => show_rows(&rows(&answer.bytes().await?)?),
        _ => answer.copy_to(&mut std::io::stdout()).await.map(drop)?,
    }
    if let Some(id) = receipt.filter(|_| !global.json) {
        output::aside(format!(
            "receipt {id}; fetch it as the same caller: shuqiao receipt {id} -o receipt.json"
        ));
    }
    Ok(())
}

fn rows(content: &[u8]) -> Result<Rows> {
    serde_json::from_slice(content).map_err(|error| {
        Error::new(ErrorCode::Unavailable, format!("the answer is not what this program expects: {error}"))
    })
}

/// Asks in SQL and reads the rows.
pub(crate) async fn ask(client: &Client, sql: &str) -> Result<Rows> {
    client.json(Method::POST, "/api/v1/sql", Payload::Json(json!({ "sql": sql }))).await
}

/// Shows rows as a table.
pub(crate) fn show_rows(rows: &Rows) {
    let Some(Value::Object(first)) = rows.data.first() else {
        output::line("  (no rows)");
        return;
    };
    let headings: Vec<&str> = first.keys().map(String::as_str).collect();
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string().trim_end_matches(".0").to_owned(),
        other => other.to_string(),
    };
    let row = |row: &Value| headings.iter().map(|name| row.get(name).map_or(String::new(), text)).collect();
    output::table(&headings, &rows.data.iter().map(row).collect::<Vec<_>>());
}

/// All entries of the caller's department.
pub(crate) async fn entries(client: &Client) -> Result<Vec<Entry>> {
    client.json(Method::GET, "/api/v1/entries", Payload::Empty).await
}

/// The code of the resource that the caller's department calls by that machine name.
pub(crate) async fn code_of(client: &Client, department: &str, name: &str) -> Result<ResourceCode> {
    let called =
        |entry: &Entry| entry.draft.provider.as_str() == department && entry.draft.sql_name.as_str() == name;
    let found = entries(client).await?.into_iter().find(called);
    found
        .map(|entry| entry.draft.code)
        .ok_or_else(|| Error::not_found(format!("resource {department}.{name}")))
}
