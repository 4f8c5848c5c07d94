//! `doctor`: is the folder well?

use catalog_core::{Error, ErrorCode, Result, Timestamp};

use crate::cli::Global;
use crate::compose::Platform;
use crate::folder::Folder;
use crate::output;

/// Seconds since 2026-01-01T00:00:00Z below which a clock can't be right: this program is younger.
const NOT_BEFORE: i64 = 1_767_225_600;

/// One check with its outcome.
struct Check {
    name: &'static str,
    outcome: Result<String, String>,
}

/// Runs every check; any that fails makes the command fail.
pub(crate) async fn run(global: &Global) -> Result<()> {
    let mut checks = vec![clock()];
    match Folder::open(&global.data_dir) {
        Ok(folder) => {
            checks.push(Check { name: "folder", outcome: Ok("format and lock are right".to_owned()) });
            checks.push(configuration(&folder));
            checks.extend(platform(folder).await);
        }
        Err(error) => checks.push(Check { name: "folder", outcome: Err(error.to_string()) }),
    }
    report(global, &checks)
}

fn clock() -> Check {
    let now = Timestamp::now();
    let outcome = match now.seconds() >= NOT_BEFORE {
        true => Ok(format!("{} Asia/Shanghai", now.shanghai_text())),
        false => Err(format!("{now} is in the past: signatures will be refused; set the clock")),
    };
    Check { name: "clock", outcome }
}

fn configuration(folder: &Folder) -> Check {
    let checked = folder.config().and_then(|config| config.check_exposure().map(|()| config));
    let outcome = checked
        .map(|config| format!("listens at {}", config.server.listen))
        .map_err(|error| error.to_string());
    Check { name: "configuration", outcome }
}

async fn platform(folder: Folder) -> Vec<Check> {
    match Platform::start(folder, None).await {
        Err(error) => vec![Check { name: "platform", outcome: Err(error.to_string()) }],
        Ok(platform) => {
            let records = platform.evidence_length();
            let evidence = Check {
                name: "evidence",
                outcome: Ok(format!("{records} records; `shuqiao audit` proves them")),
            };
            let closed = platform.close().await.map(|()| "keys, database and objects open".to_owned());
            vec![Check { name: "platform", outcome: closed.map_err(|error| error.to_string()) }, evidence]
        }
    }
}

fn report(global: &Global, checks: &[Check]) -> Result<()> {
    if global.json {
        let rows = checks.iter().map(|check| {
            let (well, text) = match &check.outcome {
                Ok(text) => (true, text),
                Err(text) => (false, text),
            };
            serde_json::json!({ "check": check.name, "well": well, "text": text })
        });
        output::document(&rows.collect::<Vec<_>>());
    }
    let mut failed = Vec::new();
    for check in checks {
        match &check.outcome {
            Ok(text) if !global.json => output::done(format!("{}: {text}", check.name)),
            Ok(_) => {}
            Err(text) => failed.push(catalog_core::Problem::new(check.name, "doctor", text)),
        }
    }
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::IllegalState, "the folder is not well").with_problems(failed)),
    }
}
