//! The access log (DESIGN.md rule 3): who called what, and how it ended. Never a value, never a query.
//!
//! It is apart from evidence: it holds what strangers tried too, is not proven, and is forgotten after some months.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use axum::response::Response;
use catalog_core::api_key::KeyUsage;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use chrono::NaiveDate;
use http::StatusCode;
use http::request::Parts;
use http_body::{Frame, SizeHint};
use serde::Serialize;

use crate::app::App;
use crate::meter::Payer;

const ENDING: &str = "log";

/// One file of mode 0600 for each day in Asia/Shanghai, `2026-11-22.log`, one JSON document a line.
pub struct AccessLog {
    folder: PathBuf,
    days: u32,
    open: Mutex<Option<(NaiveDate, File)>>,
}

impl AccessLog {
    /// The log in this folder, which is made with mode 0700. Files older than `days` are erased when a day begins.
    pub fn open(folder: &Path, days: u32) -> Result<Self> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| Error::new(ErrorCode::Unavailable, format!("{}: {error}", folder.display())))?;
        Ok(Self { folder: folder.to_owned(), days, open: Mutex::default() })
    }

    /// The file of a day.
    pub(crate) fn path_of(&self, day: NaiveDate) -> PathBuf {
        self.folder.join(format!("{day}.{ENDING}"))
    }

    /// Adds a line. A log that can't be written keeps nobody from their work, and the operator is told.
    fn write(&self, line: &Line) {
        if let Err(error) = self.try_write(line) {
            tracing::error!(request_id = line.request_id, %error, "the access log can't be written");
        }
    }

    fn try_write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let day = line.at.shanghai_date();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A request that began before midnight may end after it: a later file is never left for an earlier one.
        if open.as_ref().is_none_or(|(current, _)| *current < day) {
            let mut options = OpenOptions::new();
            let file = options.create(true).append(true).mode(0o600).open(self.path_of(day))?;
            *open = Some((day, file));
            self.forget_before(day)?;
        }
        match open.as_mut() {
            Some((_, file)) => file.write_all(&text),
            None => Ok(()),
        }
    }

    fn forget_before(&self, today: NaiveDate) -> io::Result<()> {
        let Some(first) = today.checked_sub_days(chrono::Days::new(self.days.into())) else { return Ok(()) };
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let day = path.file_stem().and_then(|stem| stem.to_str()?.parse::<NaiveDate>().ok());
            if path.extension().is_some_and(|ending| ending == ENDING) && day.is_some_and(|day| day < first) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    at: Timestamp,
    /// The address that connected, a proxy's where there is one; none for calls within this machine's folder, and for what the
    /// public confides.
    address: Option<SocketAddr>,
    /// None for strangers.
    pub(crate) principal: Option<String>,
    /// Id of the developer key by which the principal was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<String>,
    method: String,
    path: String,
    status: u16,
    bytes: u64,
    pub(crate) request_id: String,
}

impl Line {
    /// The line of a request that has arrived.
    pub(crate) fn of(parts: &Parts, request_id: String, at: Timestamp) -> Self {
        Self {
            at,
            address: peer(parts),
            principal: None,
            api_key: None,
            method: parts.method.to_string(),
            path: logged(parts.uri.path()),
            status: 0,
            bytes: 0,
            request_id,
        }
    }

    /// What the request counts for the developer key that it was sent with.
    fn usage(&self) -> Option<KeyUsage> {
        let day = self.at.shanghai_date();
        let refused = u64::from(self.status == StatusCode::TOO_MANY_REQUESTS.as_u16());
        self.api_key.clone().map(|key| KeyUsage { key, day, requests: 1, refused, bytes: self.bytes })
    }

    /// Leaves out who connected: what is confided to a department is nobody's trace.
    pub(crate) fn forget_address(&mut self) {
        self.address = None;
    }
}

/// The path without the digest of a material or the key of a record: these are cells of a row, and the log holds no values.
fn logged(path: &str) -> String {
    if let Some((register, key)) = path.split_once("/records/")
        && path.starts_with("/api/v1/datasets/")
        && key != "lookup"
    {
        return format!("{register}/records/…");
    }
    match path.split_once("/materials/") {
        Some((register, _)) if register.starts_with("/datasets/") => format!("{register}/materials/…"),
        _ => path.to_owned(),
    }
}

/// Who connected, where that is known.
pub(crate) fn peer(parts: &Parts) -> Option<SocketAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0)
}

/// The response, its bytes counted for these as they leave, with its line written when its last byte has left, or when nobody
/// reads on.
pub(crate) fn follow(app: &Arc<App>, mut line: Line, payers: Vec<Payer>, response: Response) -> Response {
    line.status = response.status().as_u16();
    response.map(|inner| Body::new(Followed { inner, app: Arc::clone(app), line, payers }))
}

/// A body whose bytes are counted.
struct Followed {
    inner: Body,
    app: Arc<App>,
    line: Line,
    payers: Vec<Payer>,
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            self.line.bytes += bytes;
            self.app.meter.sent(&self.payers, bytes, self.app.services.quotas(), self.app.now());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.app.access_log.write(&self.line);
        let is_full = self.line.usage().is_some_and(|usage| self.app.meter.used(usage));
        if is_full && let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let app = Arc::clone(&self.app);
            runtime.spawn(async move {
                if let Err(error) = app.meter.flush(&app).await {
                    tracing::error!(%error, "the use of developer keys can't be kept now");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn line(at: Timestamp) -> Line {
        let (parts, ()) = http::Request::get("/x?name=secret").body(()).unwrap().into_parts();
        Line::of(&parts, "r".to_owned(), at)
    }

    #[test]
    fn no_digest_of_a_material_is_logged() {
        let version = "/datasets/301001-000001/versions/latest";
        assert_eq!(logged(&format!("{version}/materials/0a1b")), format!("{version}/materials/…"));
        let records = "/api/v1/datasets/301001-000001/records";
        assert_eq!(logged(&format!("{records}/110105")), format!("{records}/…"));
        assert_eq!(logged(&format!("{records}/lookup")), format!("{records}/lookup"));
        let upload = "/api/v1/resources/301001-000001/materials/0a1b";
        assert_eq!((&*logged(upload), &*logged(version)), (upload, version));
    }

    #[test]
    fn days_have_files_that_are_forgotten_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let log = AccessLog::open(&folder.path().join("access"), 2).unwrap();
        // 15:59:59 UTC is the last second of a day in Shanghai.
        let evening = Timestamp::parse("2026-11-21T15:59:59Z").unwrap();
        for seconds in [0, 1, 86_401, 0] {
            log.write(&line(evening.plus_seconds(seconds)));
        }
        let day = |text: &str| log.path_of(text.parse().unwrap());
        let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&day("2026-11-21")), lines(&day("2026-11-22"))), (1, 1));
        assert_eq!(lines(&day("2026-11-23")), 2, "a late line goes where the log is now");
        assert!(!fs::read_to_string(day("2026-11-21")).unwrap().contains("secret"));
        let mode = fs::metadata(day("2026-11-21")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        log.write(&line(evening.plus_seconds(2 * 86_400 + 1)));
        assert!(!day("2026-11-21").exists() && day("2026-11-22").exists());
    }
}
