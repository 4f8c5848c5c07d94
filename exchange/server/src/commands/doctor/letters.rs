//! What `doctor` says of letters.

use std::path::Path;
use std::time::Duration;

use catalog_core::Result;
use openapi_http::{REFUSED, letters};

use super::{Check, Outcome, bad};
use crate::config::Config;
use crate::folder::io;
use crate::mail::{OUTBOX, postman};

/// The longest that the mail server may take for one answer while somebody waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Nothing where no letters are written; else whether they go out.
pub(super) async fn check(root: &Path) -> Option<Check> {
    // A configuration that can't be read is told elsewhere.
    let config = Config::read(&root.join("shuqiao.toml")).ok()?;
    let is_written = config.mail.from.is_some() || config.mail.smtp.is_some();
    match is_written {
        true => Some(("letters", found(root, &config).await.unwrap_or_else(bad))),
        false => None,
    }
}

async fn found(root: &Path, config: &Config) -> Result<Outcome> {
    let postman = postman(root, config, PATIENCE)?;
    let outbox = root.join(OUTBOX);
    let count = |folder: &Path| letters(folder).map(|found| found.len()).map_err(|error| io(folder, &error));
    let (waiting, refused) = (count(&outbox)?, count(&outbox.join(REFUSED))?);
    if refused > 0 {
        return Ok(Outcome::Doubtful(format!(
            "the mail server refused {refused}: they lie in {OUTBOX}/{REFUSED}/, each beside the reason (.why); \
             remove them, or move them back to {OUTBOX}/ to try again"
        )));
    }
    Ok(match postman {
        None => Outcome::Good(format!("{waiting} lie in {OUTBOX}/ for a mail server on this machine")),
        Some(postman) => match postman.probe().await {
            Ok(()) => Outcome::Good(format!("{} takes letters, {waiting} wait", postman.address())),
            Err(error) => Outcome::Doubtful(format!(
                "{waiting} wait: the mail server {} takes none ({error}); see [mail]",
                postman.address()
            )),
        },
    })
}
