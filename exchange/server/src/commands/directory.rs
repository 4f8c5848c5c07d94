//! `org` and `resource`: departments, people and directory entries.

use std::collections::BTreeMap;
use std::path::Path;

use catalog_core::directory::Department;
use catalog_core::directory::diff::Change;
use catalog_core::directory::resource::Entry;
use catalog_core::ports::{KeyRecord, Person, SearchPage};
use catalog_core::{Error, ErrorCode, Problem, ResourceCode, Result};
use exchange_auth::read_key_file;
use exchange_crypto::to_base64url;
use http::Method;
use openapi_contract::{AdministratorClaim, ImportReport, Invitation, StepOutcome};
use serde_json::{Value, json};

use super::{code_segment, read_list, segment};
use crate::cli::{Global, Org, Resource, Step};
use crate::client::{Client, Payload};
use crate::output;

/// Problems of one rule that people are shown.
const SHOWN_OF_A_RULE: usize = 5;

/// Departments and people.
pub(crate) async fn org(client: &Client, global: &Global, command: &Org) -> Result<()> {
    match command {
        Org::List => {
            let all: Vec<Department> =
                client.json(Method::GET, "/api/v1/departments", Payload::Empty).await?;
            if global.json {
                output::document(&all);
                return Ok(());
            }
            let row = |department: Department| {
                vec![
                    department.id.to_string(),
                    department.name,
                    department.credit_code,
                    department.division_code,
                ]
            };
            output::table(
                &["id", "部门", "统一社会信用代码", "区划"],
                &all.into_iter().map(row).collect::<Vec<_>>(),
            );
        }
        Org::Put { file } => {
            let departments = read_list::<Department>(file)?;
            for department in &departments {
                put_department(client, department).await?;
                output::done_unless_json(global, format!("{} {}", department.id, department.name));
            }
            output::document_if_json(global, &departments);
        }
        Org::People { file } => {
            let people = read_list::<Person>(file)?;
            for person in &people {
                put_person(client, person).await?;
                output::done_unless_json(global, format!("{} {}", person.id, person.name));
            }
            output::document_if_json(global, &people);
        }
        Org::Invite { id } => {
            let address = format!("/api/v1/people/{}/invitation", segment(id));
            let made: Invitation = client.json(Method::POST, &address, Payload::Empty).await?;
            let text = format!(
                "{} sets a password with this code, once, until {}; tell it to nobody else:\n{}",
                made.person,
                made.expires_at.shanghai_text(),
                made.code
            );
            output::outcome(global, &made, text);
        }
        Org::Claim(claim) => {
            let file = global.key.as_deref().ok_or_else(|| {
                let message = "name your private key with --key FILE; `shuqiao key generate FILE` makes one";
                Error::new(ErrorCode::InvalidInput, message)
            })?;
            let body = AdministratorClaim {
                code: claim.code.clone(),
                id: claim.id.clone(),
                name: claim.name.clone(),
                public_key: Some(to_base64url(read_key_file(file).map_err(Error::from)?.public().as_bytes())),
                password: None,
            };
            let body = Payload::Json(serde_json::to_value(body).map_err(Error::internal)?);
            let key: KeyRecord = client.json(Method::POST, "/api/v1/administration/claim", body).await?;
            let text = format!("{} is the system administrator and signs with {}", claim.id, key.id);
            output::outcome(global, &key, text);
        }
    }
    Ok(())
}

/// Creates or changes a department.
pub(crate) async fn put_department(client: &Client, department: &Department) -> Result<()> {
    put(client, &format!("/api/v1/departments/{}", department.id), department).await
}

/// Creates or changes a person.
pub(crate) async fn put_person(client: &Client, person: &Person) -> Result<()> {
    put(client, &format!("/api/v1/people/{}", segment(&person.id)), person).await
}

async fn put(client: &Client, path: &str, document: &impl serde::Serialize) -> Result<()> {
    let value = serde_json::to_value(document).map_err(Error::internal)?;
    client.send(Method::PUT, path, Payload::Json(value), "application/json").await.map(|_| ())
}

/// Directory entries.
pub(crate) async fn resource(client: &Client, global: &Global, command: &Resource) -> Result<()> {
    match command {
        Resource::Search { text } => search(client, global, text).await,
        Resource::Show { code } => {
            let path = format!("/api/v1/resources/{}", code_segment(code)?);
            output::document(&client.json::<Value>(Method::GET, &path, Payload::Empty).await?);
            Ok(())
        }
        Resource::Import { file, extension } => {
            let report = import(client, file, extension.as_deref()).await?;
            show_import(global, &report)
        }
        Resource::Export { file } => export(client, global, file).await,
        Resource::Step { step, codes, remark } => {
            let outcomes = advance(client, *step, codes, remark.as_deref()).await?;
            show_steps(global, &outcomes)
        }
        Resource::Diff { code } => diff(client, global, code).await,
    }
}

async fn search(client: &Client, global: &Global, text: &str) -> Result<()> {
    let path = format!("/api/v1/resources?q={}", segment(text));
    let page: SearchPage = client.json(Method::GET, &path, Payload::Empty).await?;
    if global.json {
        output::document(&page);
        return Ok(());
    }
    let total = page.total;
    let row = |hit: catalog_core::ports::SearchHit| {
        vec![
            hit.code.to_string(),
            hit.department.to_string(),
            hit.title,
            hit.sharing.to_string(),
            hit.opening,
        ]
    };
    output::table(
        &["代码", "部门", "名称", "共享", "开放"],
        &page.hits.into_iter().map(row).collect::<Vec<_>>(),
    );
    output::line(format!("  共 {total} 条"));
    Ok(())
}

/// Sends the sheet, and the second file of a CSV where there is one.
pub(crate) async fn import(client: &Client, file: &Path, extension: Option<&Path>) -> Result<ImportReport> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| crate::folder::io(path, &error));
    let boundary = format!("shuqiao-{}", uuid::Uuid::now_v7().simple());
    let mut body = Vec::new();
    let files = [("sheet", Some(file)), ("extension", extension)];
    for (field, path) in files.into_iter().filter_map(|(field, path)| Some((field, path?))) {
        let name = path.extension().and_then(|ending| ending.to_str()).unwrap_or("xlsx");
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"; filename=\"{field}.{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&read(path)?);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let media_type = format!("multipart/form-data; boundary={boundary}");
    client.json(Method::POST, "/api/v1/directory/import", Payload::Bytes(body.into(), &media_type)).await
}

fn show_import(global: &Global, report: &ImportReport) -> Result<()> {
    if global.json {
        output::document(report);
    } else if !report.imported.is_empty() || report.problems.is_empty() {
        output::done(format!("{} resources imported as drafts", report.imported.len()));
    }
    let (problems, count) = (&report.problems, report.problems.len());
    if problems.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the sheet has {count} problem{}; resources with one were not imported",
        if count == 1 { "" } else { "s" }
    );
    Err(Error::invalid(message, if global.json { problems.clone() } else { abridged(problems) }))
}

/// The first problems of each rule, and how many more there are.
fn abridged(problems: &[Problem]) -> Vec<Problem> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut shown = Vec::new();
    for problem in problems {
        let count = counts.entry(&problem.rule).or_default();
        *count += 1;
        if *count <= SHOWN_OF_A_RULE {
            shown.push(problem.clone());
        }
    }
    for (rule, count) in counts.into_iter().filter(|(_, count)| *count > SHOWN_OF_A_RULE) {
        let message = format!("and {} more of this kind; --json lists all", count - SHOWN_OF_A_RULE);
        shown.push(Problem::new("…", rule, message));
    }
    shown
}

async fn export(client: &Client, global: &Global, file: &Path) -> Result<()> {
    let format = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if !matches!(format, "xlsx" | "csv" | "ttl" | "jsonld" | "rdf") {
        let message = "export to a file ending in .xlsx, .csv, .ttl, .jsonld or .rdf";
        return Err(Error::new(ErrorCode::UnsupportedFormat, message));
    }
    let parts = if format == "csv" {
        vec![("sheet", file.to_owned()), ("extension", beside(file))]
    } else {
        vec![("sheet", file.to_owned())]
    };
    for (part, path) in &parts {
        let address = format!("/api/v1/directory/export?format={format}&part={part}");
        let answer = client.send(Method::GET, &address, Payload::Empty, "*/*").await?;
        let bytes = answer.bytes().await?;
        std::fs::write(path, &bytes).map_err(|error| crate::folder::io(path, &error))?;
        output::done_unless_json(global, format!("{} written", path.display()));
    }
    let written: Vec<_> = parts.iter().map(|(_, path)| path).collect();
    output::document_if_json(global, &json!({ "written": written }));
    Ok(())
}

/// The second file of a CSV export: `目录.csv` has `目录.扩展.csv`.
fn beside(file: &Path) -> std::path::PathBuf {
    file.with_extension("扩展.csv")
}

/// Moves entries on; all entries of the department in the right state, if no code is given.
pub(crate) async fn advance(
    client: &Client,
    step: Step,
    codes: &[String],
    remark: Option<&str>,
) -> Result<Vec<StepOutcome>> {
    let step = lifecycle_step(step);
    let codes = match codes {
        [] => waiting_for(client, step).await?,
        codes => codes.iter().map(|code| ResourceCode::from_path(code)).collect::<Result<_>>()?,
    };
    let body = json!({ "codes": codes, "step": step, "remark": remark });
    client.json(Method::POST, "/api/v1/resources/steps", Payload::Json(body)).await
}

async fn waiting_for(
    client: &Client,
    step: catalog_core::directory::LifecycleStep,
) -> Result<Vec<ResourceCode>> {
    let ready = |entry: &Entry| entry.state.after(step).is_some();
    Ok(super::data::entries(client).await?.into_iter().filter(ready).map(|entry| entry.draft.code).collect())
}

fn show_steps(global: &Global, outcomes: &[StepOutcome]) -> Result<()> {
    if global.json {
        output::document(&outcomes);
    }
    let mut problems = Vec::new();
    for outcome in outcomes {
        match (&outcome.state, &outcome.problem) {
            (_, Some(problem)) => {
                let message = problem.detail.clone();
                problems.push(Problem::new(outcome.code.to_string(), problem.code.as_str(), message));
            }
            (Some(state), None) if !global.json => {
                output::done(format!("{} is now {}", outcome.code, state.label()))
            }
            _ => {}
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::invalid(format!("{} entries could not be moved on", problems.len()), problems)),
    }
}

async fn diff(client: &Client, global: &Global, code: &str) -> Result<()> {
    let path = format!("/api/v1/resources/{}/diff", code_segment(code)?);
    let changes: Vec<Change> = client.json(Method::GET, &path, Payload::Empty).await?;
    if global.json {
        output::document(&changes);
        return Ok(());
    }
    let text = |value: Option<String>| value.unwrap_or_else(|| "—".to_owned());
    let row = |change: Change| vec![change.at, text(change.before), text(change.after)];
    output::table(&["项", "已发布", "草稿"], &changes.into_iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn lifecycle_step(step: Step) -> catalog_core::directory::LifecycleStep {
    use catalog_core::directory::LifecycleStep as To;
    match step {
        Step::SubmitRegistration => To::SubmitRegistration,
        Step::ApproveRegistration => To::ApproveRegistration,
        Step::SubmitPublication => To::SubmitPublication,
        Step::ApprovePublication => To::ApprovePublication,
        Step::Return => To::Return,
        Step::Reject => To::Reject,
        Step::Withdraw => To::Withdraw,
    }
}
