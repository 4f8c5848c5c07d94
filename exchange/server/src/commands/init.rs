//! `init`: folder, keys, configuration, and a one-time code for the first administrator.

use catalog_core::Result;
use exchange_crypto::Suite;

use crate::cli::Global;
use crate::compose::Platform;
use crate::folder::Folder;
use crate::{output, platform_key};

/// Makes the data folder. What is there already stays as it is: asking for another suite than the platform's fails.
pub(crate) async fn run(global: &Global, suite: Option<Suite>) -> Result<()> {
    let folder = Folder::create(&global.data_dir)?;
    if let Some(suite) = suite {
        platform_key::make(&folder, suite)?;
    }
    // Starting it once makes keys, database and log, so that a fault shows now and not at the first start.
    let platform = Platform::start(folder, None).await?;
    let code = platform.first_code().await?;
    platform.close().await?;
    if global.json {
        let code = code.as_ref().map(|code| code.code.as_str());
        output::document(&serde_json::json!({ "data_dir": global.data_dir, "one_time_code": code }));
        return Ok(());
    }
    output::done(format!("data folder {}", global.data_dir.display()));
    match code {
        Some(code) => {
            output::line(format!("  one-time code for the first administrator: {}", code.code));
            output::line("  redeem it within a week: shuqiao org claim --code … --id … --name … --key FILE");
        }
        None => output::line("  it was there already; nothing was changed"),
    }
    output::line(format!("  configuration: {}", global.data_dir.join("shuqiao.toml").display()));
    output::line(format!("  next: shuqiao serve --data-dir {}", global.data_dir.display()));
    Ok(())
}
