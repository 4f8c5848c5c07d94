//! Letters on their way out, from the configuration.

use std::path::Path;
use std::time::Duration;

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use openapi_http::{Postman, SmtpSettings};

use crate::config::Config;
use crate::folder::{io, secret_text};

/// The folder with letters, below the data folder.
pub(crate) const OUTBOX: &str = "outbox";

/// The variable with our password at the mail server, where no file has it.
const PASSWORD: &str = "SHUQIAO_SMTP_PASSWORD";

/// The postman, where a mail server is named; asks it nothing yet. `patience` is the longest wait for one answer.
pub(crate) fn postman(root: &Path, config: &Config, patience: Duration) -> Result<Option<Postman>> {
    let refused = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
    let mail = &config.mail;
    let Some(url) = &mail.smtp else { return Ok(None) };
    let Some(from) = &mail.from else {
        return refused("mail.smtp needs the sender of its letters: set mail.from");
    };
    let password = secret_text(root, mail.password_file.as_deref(), PASSWORD)?;
    let account = match (&mail.user, password) {
        (Some(user), Some(password)) => Some((user.clone(), password)),
        (None, None) => None,
        (Some(_), None) => {
            return refused(
                "mail.user needs a password: name mail.password_file, or set SHUQIAO_SMTP_PASSWORD",
            );
        }
        (None, Some(_)) => return refused("the mail server's password needs its login name: set mail.user"),
    };
    let authorities = match &mail.authority {
        None => Vec::new(),
        Some(file) => std::fs::read(root.join(file)).map_err(|error| io(&root.join(file), &error))?,
    };
    let settings = SmtpSettings { url: url.clone(), from: from.clone(), account, authorities, patience };
    Postman::new(&root.join(OUTBOX), settings).map(Some)
}

/// Takes letters to the mail server every `period`, for as long as it is polled. No other clock waits for it.
pub(crate) async fn keep_posting(postman: Option<Postman>, period: Duration) {
    let Some(mut postman) = postman else { return };
    let mut ticks = tokio::time::interval(period);
    loop {
        ticks.tick().await;
        match postman.post(Timestamp::now()).await {
            Ok(posted) => {
                if let Some(why) = posted.problem {
                    let (server, waiting) = (postman.address(), posted.waiting);
                    tracing::warn!(server, why, waiting, "letters wait: the mail server takes none");
                }
                if posted.refused > 0 {
                    tracing::error!(refused = posted.refused, "letters were refused; see outbox/refused/");
                }
            }
            Err(error) => tracing::error!(%error, "letters were not delivered"),
        }
    }
}
