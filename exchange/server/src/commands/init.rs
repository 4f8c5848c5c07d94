//! `init`: folder, keys, configuration, and a one-time code for the first administrator.

use catalog_core::{Error, Result};
use exchange_auth::OneTimeCode;

use crate::cli::Global;
use crate::compose::Platform;
use crate::folder::Folder;
use crate::output;

/// Makes the data folder. What is there already stays as it is.
pub(crate) async fn run(global: &Global) -> Result<()> {
    let folder = Folder::create(&global.data_dir)?;
    let code = first_code(&folder)?;
    // Opening it once makes keys, database and log, so that a fault shows now and not at the first start.
    Platform::start(folder, None).await?.close().await?;
    if global.json {
        let code = code.as_ref().map(|code| code.code.as_str());
        output::document(&serde_json::json!({ "data_dir": global.data_dir, "one_time_code": code }));
        return Ok(());
    }
    output::done(format!("data folder {}", global.data_dir.display()));
    match code {
        Some(code) => output::line(format!("  one-time code for the first administrator: {}", code.code)),
        None => output::line("  it was there already; nothing was changed"),
    }
    output::line(format!("  configuration: {}", global.data_dir.join("shuqiao.toml").display()));
    output::line(format!("  next: shuqiao serve --data-dir {}", global.data_dir.display()));
    Ok(())
}

/// The code, on the first call; only its digest is kept.
fn first_code(folder: &Folder) -> Result<Option<OneTimeCode>> {
    let path = folder.path("keys").join("one-time-code.sha256");
    if path.exists() {
        return Ok(None);
    }
    let code = OneTimeCode::generate().map_err(Error::from)?;
    exchange_auth::write_secret_file(&path, code.digest.to_hex().as_bytes()).map_err(Error::from)?;
    Ok(Some(code))
}
