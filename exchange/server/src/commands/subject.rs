//! `evidence subject`: who saw a subject's record.

use std::io::Read as _;

use catalog_core::{Error, ErrorCode, Result};
use http::Method;
use openapi_contract::{Certainty, SubjectAccess, SubjectAccesses};
use serde_json::json;

use crate::cli::{Global, Subject};
use crate::client::{Client, Payload};
use crate::folder::io;
use crate::output;

/// Characters that are read of a number.
const MAX_NUMBER: u64 = 200;

/// Reads the number, asks page by page, and prints who saw the record.
pub(crate) async fn run(client: &Client, global: &Global, options: &Subject) -> Result<()> {
    let number = number(options)?;
    let mut whole: Option<SubjectAccesses> = None;
    loop {
        let after = whole.as_ref().and_then(|page| page.next.clone());
        let query = json!({
            "subject": number, "resource": options.resource, "from": options.from, "until": options.until, "after": after,
        });
        let page: SubjectAccesses =
            client.json(Method::POST, "/api/v1/subject-accesses", Payload::Json(query)).await?;
        let is_last = page.next.is_none();
        whole = Some(match whole {
            None => page,
            Some(mut known) => {
                known.accesses.extend(page.accesses);
                SubjectAccesses { next: page.next, ..known }
            }
        });
        if is_last {
            break;
        }
    }
    let Some(whole) = whole else { return Ok(()) };
    if global.json {
        output::document(&whole);
        return Ok(());
    }
    let rows: Vec<_> = whole.accesses.iter().map(row).collect();
    output::table(&["时间", "部门", "用途", "资源", "版本", "授权", "确定性", "依据", "请求编号"], &rows);
    output::line(format!("  主体哈希：{}", whole.subject));
    Ok(())
}

fn number(options: &Subject) -> Result<String> {
    let mut text = String::new();
    match &options.file {
        Some(file) => {
            let opened = std::fs::File::open(file).map_err(|error| io(file, &error))?;
            opened.take(MAX_NUMBER).read_to_string(&mut text).map_err(|error| io(file, &error))?
        }
        None => {
            let input = std::io::stdin().take(MAX_NUMBER).read_to_string(&mut text);
            input.map_err(|error| io(std::path::Path::new("standard input"), &error))?
        }
    };
    match text.trim() {
        "" => Err(Error::new(
            ErrorCode::InvalidInput,
            "the number is read from standard input or --file, and is empty",
        )),
        number => Ok(number.to_owned()),
    }
}

fn row(access: &SubjectAccess) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let certainty = match access.certainty {
        Certainty::Certain => "确定",
        Certainty::Possible => "可能",
    };
    vec![
        access.at.shanghai_text(),
        access.department.as_ref().map(ToString::to_string).unwrap_or_default(),
        text(&access.purpose),
        access.resource.to_string(),
        access.version.to_string(),
        access.grant.as_ref().map_or("本部门数据".to_owned(), ToString::to_string),
        certainty.to_owned(),
        output::in_words(&access.reason),
        access.request.clone(),
    ]
}
