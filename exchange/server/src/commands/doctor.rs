//! `doctor`: is the folder well? Beside a running server it checks what can be seen from outside.

mod letters;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use catalog_core::calendar::Calendar;
use catalog_core::ports::WordStore as _;
use catalog_core::words::Delivery;
use catalog_core::{Error, ErrorCode, Problem, Result, Timestamp};
use chrono::Datelike as _;
use http::Method;
use serde_json::json;

use crate::cli::Global;
use crate::client::{Assertions, Client, Payload};
use crate::compose::Platform;
use crate::config::Config;
use crate::folder::{Folder, in_use};
use crate::{output, settings, sign_in, tls};

/// Seconds since 2026-01-01T00:00:00Z below which a clock can't be right: this program is younger.
const NOT_BEFORE: i64 = 1_767_225_600;
/// And since 2100-01-01, above which it can't either.
const NOT_AFTER: i64 = 4_102_444_800;
/// Free bytes below which the operator should act, and below which uploads are about to fail.
const SCARCE: u64 = 10 << 30;
const TOO_LITTLE: u64 = 1 << 30;
/// Seconds before its end in which a certificate should be replaced.
const ENDS_SOON: i64 = 30 * 86_400;

/// Seconds ahead for which limits are counted in working days.
const CALENDAR_AHEAD: i64 = 60 * 86_400;

/// How a check ended.
enum Outcome {
    Good(String),
    /// Works, and needs somebody's attention.
    Doubtful(String),
    Bad(String),
}

use Outcome::{Bad, Doubtful, Good};

type Check = (&'static str, Outcome);

/// Runs every check; any that is bad makes the command fail.
pub(crate) async fn run(global: &Global) -> Result<()> {
    let (root, now) = (&global.data_dir, Timestamp::now());
    let mut checks = vec![clock(now)];
    match Folder::open_unless_owned(root) {
        Err(error) => checks.push(("folder", Bad(error.to_string()))),
        Ok(None) => {
            checks.extend(around(root, now));
            checks.extend(letters::check(root).await);
            checks.push(("server", server(global).await.map_or_else(bad, Good)));
        }
        Ok(Some(folder)) => {
            let format = folder.format().map(|(format, _)| format!("format {format}, owned by this command"));
            checks.push(("folder", format.map_or_else(bad, Good)));
            checks.extend(around(root, now));
            checks.extend(letters::check(root).await);
            checks.extend(inside(folder, now).await);
        }
    }
    report(global, &checks)
}

fn bad(error: Error) -> Outcome {
    Bad(error.to_string())
}

fn clock(now: Timestamp) -> Check {
    let text = format!("{} Asia/Shanghai", now.shanghai_text());
    let outcome = match now.seconds() {
        NOT_BEFORE..NOT_AFTER => Good(text),
        _ => Bad(format!("{text} can't be: signatures will be refused; set the clock")),
    };
    ("clock", outcome)
}

/// What can be seen without owning the folder.
fn around(root: &Path, now: Timestamp) -> Vec<Check> {
    let mut checks = vec![
        ("mode", mode(root)),
        ("disk", disk(root)),
        ("keys", keys(root).map_or_else(bad, Good)),
        ("calendar", settings::read(root).map_or_else(bad, |found| calendar(&found.deadlines.calendar, now))),
    ];
    match Config::read(&root.join("shuqiao.toml")) {
        Err(error) => checks.push(("configuration", bad(error))),
        Ok(config) => {
            let exposure = config.check_exposure().map(|()| format!("listens at {}", config.server.listen));
            checks.push(("configuration", exposure.map_or_else(bad, Good)));
            checks.push(("certificate", certificate(root, &config, now)));
            checks.push(("sign-in", signing_in(root, &config).map_or_else(bad, Good)));
        }
    }
    checks
}

/// What can be said of it without asking anyone.
fn signing_in(root: &Path, config: &Config) -> Result<String> {
    let elsewhere = match (sign_in::oidc(root, config)?, &config.sign_in.oidc) {
        (Some(_), Some(oidc)) => format!("at {}", oidc.issuer),
        _ => "at no identity provider".to_owned(),
    };
    let letters = match sign_in::mailer(root, config)? {
        Some(_) => "developers register by letter",
        None => "no letters are written",
    };
    Ok(format!("by local accounts, and {elsewhere}; {letters}"))
}

fn mode(root: &Path) -> Outcome {
    match fs::metadata(root) {
        Ok(metadata) => match metadata.permissions().mode() & 0o777 {
            mode if mode & 0o077 == 0 => Good(format!("{mode:04o}: nobody else enters")),
            mode => Bad(format!("{mode:04o}: others can enter; chmod 700 {}", root.display())),
        },
        Err(error) => Bad(error.to_string()),
    }
}

fn disk(root: &Path) -> Outcome {
    let probe = root.join("spool").join(".doctor");
    let written = || -> std::io::Result<()> {
        let mut file = File::create(&probe)?;
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        fs::remove_file(&probe)
    };
    if let Err(error) = written() {
        return Bad(format!("can't write and sync {}: {error}", probe.display()));
    }
    match rustix::fs::statvfs(root) {
        Err(error) => Bad(error.to_string()),
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let text = format!("writes are synced, {} GiB free", free >> 30);
            match free {
                free if free < TOO_LITTLE => Bad(format!("{text}: uploads will fail; make room")),
                free if free < SCARCE => Doubtful(format!("{text}: make room soon")),
                _ => Good(text),
            }
        }
    }
}

fn calendar(calendar: &Calendar, now: Timestamp) -> Outcome {
    let years: Vec<_> = calendar.years().map(|year| year.year.to_string()).collect();
    let text = format!("State Council holidays of {}", years.join(", "));
    let missing = [now, now.plus_seconds(CALENDAR_AHEAD)].map(Timestamp::shanghai_date);
    match missing.into_iter().find(|day| !calendar.knows(*day)) {
        None => Good(text),
        Some(day) => {
            Doubtful(format!("{text}; {} goes by weekends until its notice lies in calendar/", day.year()))
        }
    }
}

/// Every file below `keys` and `secrets` is for its owner alone.
fn keys(root: &Path) -> Result<String> {
    let mut count = 0;
    let mut waiting = vec![root.join("keys"), root.join("secrets")];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(|error| crate::folder::io(&folder, &error))?.path();
            match path.is_dir() {
                true => waiting.push(path),
                false => {
                    exchange_auth::check_secret_file(&path)?;
                    count += 1;
                }
            }
        }
    }
    Ok(format!("{count} files, each for its owner alone"))
}

fn certificate(root: &Path, config: &Config, now: Timestamp) -> Outcome {
    match tls::read(root, config, now) {
        Err(error) => bad(error),
        Ok(None) if config.server.behind_trusted_proxy => Good("a proxy ends TLS".to_owned()),
        Ok(None) => Good("none: served on the loopback only".to_owned()),
        Ok(Some(certificate)) => {
            let end = format!("ends {}", certificate.not_after.shanghai_text());
            match certificate.is_valid {
                false => Bad(format!("not valid now, {end}: replace it")),
                true if certificate.not_after < now.plus_seconds(ENDS_SOON) => {
                    Doubtful(format!("{end}: replace it soon"))
                }
                true => Good(format!("belongs to its key, {end}")),
            }
        }
    }
}

async fn inside(folder: Folder, now: Timestamp) -> Vec<Check> {
    let platform = match Platform::start(folder, None).await {
        Ok(platform) => platform,
        Err(error) => return vec![("platform", bad(error))],
    };
    let records = platform.evidence_length();
    let evidence = match platform.last_evidence() {
        Err(error) => bad(error),
        Ok(Some(last)) if now < last => {
            Bad(format!("its last record is of {}: the clock was set back", last.shanghai_text()))
        }
        Ok(_) => Good(format!("{records} records; `shuqiao audit` proves them")),
    };
    let words = platform.store().deliveries().await.map_or_else(bad, undelivered);
    let closed = platform.close().await.map(|()| "keys, database and objects open".to_owned());
    vec![("evidence", evidence), ("words", words), ("platform", closed.map_or_else(bad, Good))]
}

fn undelivered(deliveries: Vec<Delivery>) -> Outcome {
    let given_up: Vec<_> = deliveries.iter().filter(|delivery| delivery.attempts.next_at.is_none()).collect();
    match given_up.last() {
        None => Good(format!("{} to departments wait to be delivered", deliveries.len())),
        Some(last) => {
            let problem = last.attempts.problem.as_deref().unwrap_or_default();
            Doubtful(format!("{} to departments were given up, the last because {problem}", given_up.len()))
        }
    }
}

/// Asks the server that owns the folder.
async fn server(global: &Global) -> Result<String> {
    let assertions = Assertions { operator: Some(global.operator.clone()), ..Assertions::default() };
    let client = Client::beside(&global.data_dir, None, assertions)?;
    let client = client.ok_or_else(|| in_use(&global.data_dir))?;
    client.send(Method::GET, "/readyz", Payload::Empty, "*/*").await?;
    Ok("owns the folder and is ready".to_owned())
}

fn report(global: &Global, checks: &[Check]) -> Result<()> {
    let mut failed = Vec::new();
    let mut rows = Vec::new();
    for (name, outcome) in checks {
        let (state, text) = match outcome {
            Good(text) => ("good", text),
            Doubtful(text) => ("doubtful", text),
            Bad(text) => ("bad", text),
        };
        rows.push(json!({ "check": name, "well": state != "bad", "state": state, "text": text }));
        let shown = format!("{name}: {text}");
        match outcome {
            _ if global.json => {}
            Good(_) => output::done(shown),
            Doubtful(_) => output::doubt(shown),
            Bad(_) => output::bad(shown),
        }
        if state == "bad" {
            failed.push(Problem::new(*name, "doctor", text));
        }
    }
    output::document_if_json(global, &rows);
    match failed.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorCode::IllegalState, "the folder is not well").with_problems(failed)),
    }
}
