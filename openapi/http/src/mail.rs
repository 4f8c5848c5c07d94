//! Letters as files: the outbox, from which a postman takes them or a mail server on this machine.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use catalog_core::ports::{Mail, Mailer};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use mail_builder::MessageBuilder;
use uuid::Uuid;

/// A folder of letters, one file `*.eml` (RFC 5322) of mode 0600 for each. Whatever delivers them removes them:
/// [`crate::Postman`], or `for letter in outbox/*.eml; do sendmail -t < "$letter" && rm "$letter"; done`.
pub struct MailFolder {
    folder: PathBuf,
    from: String,
}

impl MailFolder {
    /// Letters from this address, in this folder, which is made with mode 0700.
    pub fn open(folder: &Path, from: &str) -> Result<Self> {
        check_address(from)?;
        make_private(folder).map_err(|error| failed(folder, &error))?;
        Ok(Self { folder: folder.to_owned(), from: from.to_owned() })
    }

    fn write(&self, mail: &Mail, at: Timestamp) -> io::Result<()> {
        let id = Uuid::now_v7();
        let host = self.from.rsplit_once('@').map_or("localhost", |(_, host)| host);
        let message = MessageBuilder::new()
            .message_id(format!("{id}@{host}"))
            .date(at.seconds())
            .from(self.from.as_str())
            .to(mail.to.as_str())
            .subject(one_line(&mail.subject))
            .text_body(mail.text.as_str())
            .write_to_vec()?;
        let part = self.folder.join(format!("{id}.part"));
        let mut file = private_file(&part)?;
        file.write_all(&message)?;
        file.set_modified(UNIX_EPOCH + Duration::from_micros(u64::try_from(at.0).unwrap_or(0)))?;
        file.sync_all()?;
        std::fs::rename(&part, self.folder.join(format!("{id}.eml")))?;
        File::open(&self.folder)?.sync_all()
    }
}

#[async_trait]
impl Mailer for MailFolder {
    async fn send(&self, mail: &Mail, at: Timestamp) -> Result<()> {
        check_address(&mail.to)?;
        self.write(mail, at).map_err(|error| failed(&self.folder, &error))
    }
}

/// Refuses what is no mail address of the usual kind: one `@`, no spaces, nothing that could begin another header line.
pub(crate) fn check_address(address: &str) -> Result<()> {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(sign);
    let is_name = |part: &str| (1..=64).contains(&part.len()) && part.chars().all(is_sign);
    let is_host = |part: &str| {
        let is_sign = |sign: char| sign.is_ascii_alphanumeric() || ".-".contains(sign);
        (1..=190).contains(&part.len()) && part.chars().all(is_sign) && !part.starts_with(['.', '-'])
    };
    match address.split_once('@') {
        Some((name, host)) if is_name(name) && is_host(host) => Ok(()),
        _ => Err(Error::new(ErrorCode::InvalidInput, "this is no mail address; write it like li@example.cn")),
    }
}

/// A folder for its owner alone.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// A file for its owner alone, as if it had not been there.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// A text without signs that end a line or are not seen: what stands in a letter's head begins no other field.
fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

fn failed(folder: &Path, error: &io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, "letters can't be sent now; try again later")
        .with_internal(format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_address_is_one() {
        for good in ["li@example.cn", "li.ming+data@mail.example.gov.cn"] {
            check_address(good).unwrap();
        }
        for bad in [
            "",
            "li",
            "@x",
            "li@",
            "a b@x.cn",
            "li@x.cn\r\nBcc: all@x.cn",
            "li@x.cn,wang@x.cn",
            "<li@x.cn>",
            "李@x.cn",
        ] {
            assert!(check_address(bad).is_err(), "{bad}");
        }
    }
}
