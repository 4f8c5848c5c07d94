//! `backup`: beside a running server, or on an idle folder.

use std::io::Write;
use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result};
use http::Method;
use indicatif::ProgressBar;
use serde_json::json;

use crate::backup::Made;
use crate::backup::door::{ADDRESS, Told, Wanted, serve};
use crate::cli::{Backup, Global};
use crate::client::{Assertions, Client, Payload};
use crate::compose::Platform;
use crate::folder::{Folder, in_use, io};
use crate::{output, progress};

/// Makes a backup, or the file of keys.
pub(crate) async fn run(global: &Global, options: &Backup) -> Result<()> {
    let wanted = match (&options.folder, &options.keys) {
        (Some(folder), _) => Wanted::Backup { folder: absolute(folder)? },
        (None, Some(file)) => {
            let passphrase = passphrase(options.passphrase_file.as_deref(), true)?;
            Wanted::Keys { file: absolute(file)?, passphrase }
        }
        (None, None) => return Err(Error::new(ErrorCode::InvalidInput, "name a folder for the backup")),
    };
    let bar = progress::bytes("copying")?;
    let follow = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let acting_as = global.acting_as.as_deref();
    let made = match Folder::open_unless_owned(&global.data_dir)? {
        Some(folder) => {
            let platform = Platform::start(folder, None).await?;
            let ctx = platform.operator(&global.operator, acting_as).await?;
            let made = serve(&platform.source(), &ctx, &wanted, &follow).await;
            platform.close().await?;
            made?
        }
        None => {
            let operator = Some(global.operator.clone());
            let assertions = Assertions { operator, ..Assertions::default() };
            let client = Client::beside(&global.data_dir, acting_as, assertions)?;
            beside(&client.ok_or_else(|| in_use(&global.data_dir))?, &wanted, &bar).await?
        }
    };
    bar.finish_and_clear();
    report(global, options, made);
    Ok(())
}

/// Has the running server do it, and follows.
async fn beside(client: &Client, wanted: &Wanted, bar: &ProgressBar) -> Result<Option<Made>> {
    let body = serde_json::to_value(wanted).map_err(Error::internal)?;
    let answer = client.send(Method::POST, ADDRESS, Payload::Json(body), "application/x-ndjson").await?;
    let mut lines = Lines { bar, begun: Vec::new(), end: None };
    answer.copy_to(&mut lines).await?;
    let cut = || Error::new(ErrorCode::Unavailable, "the server ended before the backup was made");
    lines.end.ok_or_else(cut)?
}

/// What the server tells, line by line.
struct Lines<'a> {
    bar: &'a ProgressBar,
    begun: Vec<u8>,
    end: Option<Result<Option<Made>>>,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for byte in bytes {
            if *byte != b'\n' {
                self.begun.push(*byte);
                continue;
            }
            let told: Told = serde_json::from_slice(&self.begun).map_err(std::io::Error::other)?;
            self.begun.clear();
            match told {
                Told::Progress(done, total) => {
                    self.bar.set_length(total);
                    self.bar.set_position(done);
                }
                last => self.end = last.end(),
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn report(global: &Global, options: &Backup, made: Option<Made>) {
    let Some(made) = made else {
        let file = options.keys.as_deref().unwrap_or(Path::new(""));
        let text = format!("the keys are sealed in {}: keep it apart from the backups", file.display());
        output::outcome(global, &json!({ "keys": file }), text);
        return;
    };
    let Made { backup, files, bytes, written, repaired, records } = &made;
    let text = format!(
        "{}: {files} files, {bytes} bytes, {written} of them new; {records} records of evidence",
        backup.display()
    );
    output::outcome(global, &made, text);
    if !repaired.is_empty() && !global.json {
        let names = repaired.join(", ");
        output::doubt(format!(
            "no longer what they were in earlier backups, and written anew; check that disk: {names}"
        ));
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| io(path, &error))
}

/// The passphrase: the first line of a file, or asked for, twice where it is new.
pub(crate) fn passphrase(file: Option<&Path>, is_new: bool) -> Result<String> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file).map_err(|error| io(file, &error))?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let terminal = console::Term::stderr();
    if !terminal.is_term() {
        let message = "no terminal to ask for the passphrase: name a file with --passphrase-file";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    }
    let ask = |what: &str| {
        terminal.write_str(what).and_then(|()| terminal.read_secure_line()).map_err(Error::internal)
    };
    let first = ask("口令 passphrase: ")?;
    if is_new && ask("再次输入 once more: ")? != first {
        return Err(Error::new(ErrorCode::InvalidInput, "the two are not the same"));
    }
    Ok(first)
}
