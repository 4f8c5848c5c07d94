//! The postman: takes letters from the outbox to the mail server, one after the other, until it has accepted them.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use catalog_core::{Error, ErrorCode, Result, Timestamp};

use crate::mail::check_address;
use crate::smtp::{Failure, SmtpServer, SmtpSettings};

/// The folder below the outbox with letters that the server will never take, each beside a `.why`.
pub const REFUSED: &str = "refused";

/// Letters of one round.
const ROUND: usize = 200;
/// Seconds before the first repetition; each further one waits twice as long, up to an hour.
const FIRST_WAIT: i64 = 60;
const LONGEST_WAIT: i64 = 3600;
const DAY: i64 = 86_400;
/// Age in seconds from which on a letter that the server still puts off is given up (RFC 5321, 4.5.4.1).
const GIVEN_UP: i64 = 5 * DAY;
/// Age in seconds from which on a letter that was given up or refused, and names a person, is kept no longer.
const FORGOTTEN: i64 = 30 * DAY;

/// Delivers letters of an outbox, see [`crate::MailFolder`]. The files are the queue: what a crash interrupts is delivered at the
/// next start, at worst twice with the same Message-ID.
pub struct Postman {
    outbox: PathBuf,
    server: SmtpServer,
    pause: Option<Wait>,
    waits: HashMap<String, Wait>,
}

/// How a round went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Letters that the server has accepted; they are gone.
    pub accepted: usize,
    /// Letters that lie in the outbox.
    pub waiting: usize,
    /// Letters that it will never take; they lie in [`REFUSED`].
    pub refused: usize,
    /// Why nothing was taken from us, where that is so.
    pub problem: Option<String>,
}

/// When something is tried again.
#[derive(Debug, Clone, Copy)]
struct Wait {
    tries: u32,
    until: Timestamp,
}

impl Wait {
    fn after(last: Option<Self>, now: Timestamp) -> Self {
        let tries = last.map_or(0, |last| last.tries);
        let seconds = (FIRST_WAIT << tries.min(6)).min(LONGEST_WAIT);
        Self { tries: tries + 1, until: now.plus_seconds(seconds) }
    }
}

impl Postman {
    /// From this outbox to this server, which is not asked yet.
    pub fn new(outbox: &Path, settings: SmtpSettings) -> Result<Self> {
        let server = SmtpServer::new(settings)?;
        Ok(Self { outbox: outbox.to_owned(), server, pause: None, waits: HashMap::new() })
    }

    /// Host and port of the server.
    pub fn address(&self) -> String {
        self.server.address()
    }

    /// Connects and signs in, and hands nothing over.
    ///
    /// # Errors
    /// `unavailable` with what the server says.
    pub async fn probe(&self) -> Result<()> {
        match self.server.session().await {
            Ok(session) => {
                session.quit().await;
                Ok(())
            }
            Err(failure) => Err(Error::new(ErrorCode::Unavailable, failure.why())),
        }
    }

    /// Hands over what lies in the outbox and is to be tried by now.
    ///
    /// # Errors
    /// `unavailable` where the outbox can't be read or written.
    pub async fn post(&mut self, now: Timestamp) -> Result<Posted> {
        let names = letters(&self.outbox).map_err(|error| failed(&self.outbox, &error))?;
        self.waits.retain(|name, _| names.contains(name));
        let is_due = |wait: Option<&Wait>| wait.is_none_or(|wait| wait.until <= now);
        let mut due: Vec<_> = names.iter().filter(|name| is_due(self.waits.get(*name))).collect();
        // Those that were put off least often go first, so that none of them keeps the others.
        due.sort_by_key(|name| self.waits.get(*name).map_or(0, |wait| wait.tries));
        due.truncate(ROUND);
        let mut posted = Posted::default();
        if !due.is_empty() && is_due(self.pause.as_ref()) {
            let pauses = self.take(&due, now, &mut posted).await?;
            self.pause = pauses.then(|| Wait::after(self.pause, now));
        }
        if let Err(error) = self.forget_refused(now) {
            tracing::warn!(%error, "letters that were refused long ago can't be removed from outbox/refused/");
        }
        posted.waiting = names.len() - posted.accepted - posted.refused;
        Ok(posted)
    }

    /// Takes letters to the server; answers whether it takes nothing from us, so that we pause.
    async fn take(&mut self, names: &[&String], now: Timestamp, posted: &mut Posted) -> Result<bool> {
        let mut session = match self.server.session().await {
            Ok(session) => session,
            Err(failure) => {
                posted.problem = Some(failure.why());
                return Ok(true);
            }
        };
        for name in names {
            let path = self.outbox.join(name);
            let file_failed = |error: io::Error| failed(&path, &error);
            let letter = fs::read(&path).map_err(file_failed)?;
            let taken = match recipient(&letter) {
                Some(to) => self.server.submit(&mut session, &to, &letter).await,
                None => Err(Failure::Never("its head names no one address in `To:`".to_owned())),
            };
            match taken {
                Ok(()) => {
                    fs::remove_file(&path).map_err(file_failed)?;
                    posted.accepted += 1;
                    self.pause = None;
                }
                Err(Failure::Server(why)) => {
                    posted.problem = Some(why);
                    return Ok(true);
                }
                Err(Failure::Never(why)) => self.refuse(name, &why, now, posted).map_err(file_failed)?,
                Err(Failure::Later(why)) => self.put_off(name, &why, now, posted).map_err(file_failed)?,
                Err(Failure::HungUp(why)) => {
                    self.put_off(name, &why, now, posted).map_err(file_failed)?;
                    posted.problem = Some(format!("it closes over a letter: {}", codes(&why)));
                    return Ok(false);
                }
            }
        }
        session.quit().await;
        Ok(false)
    }

    /// Lets a letter wait for its next try, or gives it up. One that was only kept waiting, by others or by a server that was
    /// away, gets its second try before that.
    fn put_off(&mut self, name: &str, why: &str, now: Timestamp, posted: &mut Posted) -> io::Result<()> {
        let last = self.waits.get(name).copied();
        if last.is_some() && written_at(&self.outbox.join(name))?.plus_seconds(GIVEN_UP) <= now {
            return self.refuse(name, why, now, posted);
        }
        self.waits.insert(name.to_owned(), Wait::after(last, now));
        Ok(())
    }

    /// Puts a letter aside, with the reason first: what lies there is never without one.
    fn refuse(&self, name: &str, why: &str, now: Timestamp, posted: &mut Posted) -> io::Result<()> {
        let refused = self.outbox.join(REFUSED);
        crate::mail::make_private(&refused)?;
        let mut reason = crate::mail::private_file(&refused.join(Path::new(name).with_extension("why")))?;
        io::Write::write_all(&mut reason, format!("{why}\n").as_bytes())?;
        reason.set_modified(UNIX_EPOCH + Duration::from_micros(u64::try_from(now.0).unwrap_or(0)))?;
        fs::rename(self.outbox.join(name), refused.join(name))?;
        posted.refused += 1;
        Ok(())
    }

    /// Removes letters that were put aside long ago, and the reasons of those that lie there no longer.
    fn forget_refused(&self, now: Timestamp) -> io::Result<()> {
        let entries = match fs::read_dir(self.outbox.join(REFUSED)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let reason = entry?.path();
            if reason.extension().is_none_or(|extension| extension != "why") {
                continue;
            }
            let letter = reason.with_extension("eml");
            let is_old = written_at(&reason)?.plus_seconds(FORGOTTEN) <= now;
            if is_old && letter.exists() {
                fs::remove_file(&letter)?;
            }
            if !letter.exists() {
                fs::remove_file(&reason)?;
            }
        }
        Ok(())
    }
}

/// The files of letters in a folder, oldest first: they are named by time.
pub fn letters(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".eml")
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The one address in the head of a letter; none where the head has several, or another form than ours.
fn recipient(letter: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(letter).ok()?;
    let (head, _) = text.split_once("\r\n\r\n")?;
    // A field goes on in lines that begin with white space.
    let head = head.replace("\r\n\t", " ").replace("\r\n ", " ");
    let mut fields = head.split("\r\n").filter_map(|line| line.strip_prefix("To:"));
    let address = fields.next()?.trim().trim_start_matches('<').trim_end_matches('>');
    match (check_address(address), fields.next()) {
        (Ok(()), None) => Some(address.to_owned()),
        _ => None,
    }
}

/// The codes in what a server said: in its words may be to whom was written, which is nothing for a log.
fn codes(said: &str) -> String {
    let is_code = |word: &&str| word.chars().all(|sign| sign.is_ascii_digit() || sign == '.');
    said.split(' ').filter(is_code).collect::<Vec<_>>().join(" ")
}

fn written_at(path: &Path) -> io::Result<Timestamp> {
    let since = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Ok(Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX)))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorCode::Unavailable, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_goes_to_the_one_address_in_its_head() {
        let to = |letter: &str| recipient(letter.as_bytes());
        assert_eq!(to("Subject: x\r\nTo: <li@example.cn>\r\n\r\nx").as_deref(), Some("li@example.cn"));
        assert_eq!(to("To: \r\n\t<li@example.cn>\r\n\r\nx").as_deref(), Some("li@example.cn"));
        assert_eq!(to("To: li@example.cn\r\n\r\nTo: wang@example.cn\r\n").as_deref(), Some("li@example.cn"));
        for wrong in [
            "",
            "To: <li@example.cn>",
            "Subject: x\r\n\r\nTo: <li@example.cn>\r\n",
            "To: <li@example.cn>\r\nTo: <wang@example.cn>\r\n\r\n",
            "To: <li@example.cn>, <wang@example.cn>\r\n\r\n",
            "To: <li@example.cn>\nRCPT TO:<wang@example.cn>\r\n\r\n",
        ] {
            assert_eq!(to(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_an_hour() {
        let now = Timestamp(0);
        let mut last = None;
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            last = Some(Wait::after(last, now));
            assert_eq!(last.unwrap().until, now.plus_seconds(seconds));
        }
    }
}
