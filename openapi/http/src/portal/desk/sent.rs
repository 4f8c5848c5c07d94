//! Forms with files: their fields, and the file in memory or in the spool.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest, Request};
use catalog_core::Error;
use datasets_store::PIECE_BYTES;
use http::header::CONTENT_TYPE;
use tempfile::NamedTempFile;
use tokio::io::{AsyncWriteExt as _, BufWriter};
use tokio_util::io::ReaderStream;

use crate::app::App;
use crate::extract::{essence, invalid};
use crate::payload::Upload;
use crate::problem::Refusal;

/// Fields of a form with a file, at most.
const FIELDS: usize = 50;
/// Bytes of a field that is no file.
const FIELD_BYTES: usize = 64 << 10;

/// What a form with one file sent. The wrapper has bounded it and put it into the spool.
pub(super) struct SentFile {
    fields: Vec<(String, String)>,
    /// The file with the name that it has where it comes from.
    pub(super) file: Option<(String, Upload)>,
}

/// What a form with files sent, all of it in memory. The wrapper has bounded it.
pub(super) struct SentSheets {
    fields: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

impl SentFile {
    /// A field, empty where it is missing.
    pub(super) fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }
}

impl SentSheets {
    /// A field, empty where it is missing.
    pub(super) fn field(&self, name: &str) -> &str {
        field(&self.fields, name)
    }

    /// A file that was chosen.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<u8>> {
        let place = self.files.iter().position(|(other, _)| other == name)?;
        let (_, content) = self.files.swap_remove(place);
        (!content.is_empty()).then_some(content)
    }
}

fn broken<E>(_: E) -> Refusal {
    invalid("the form can't be read: it ends early, or a part of it does")
}

async fn parts(request: Request, app: &Arc<App>) -> Result<Multipart, Refusal> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if essence(media_type.unwrap_or_default()) != "multipart/form-data" {
        let message = "this address takes what its page's form sends";
        return Err(Error::new(catalog_core::ErrorCode::UnsupportedFormat, message).into());
    }
    Multipart::from_request(request, app).await.map_err(broken)
}

/// A field that is no file.
async fn text(mut part: Field<'_>) -> Result<String, Refusal> {
    let mut content = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        if content.len() + chunk.len() > FIELD_BYTES {
            return Err(invalid("a field of the form is too long"));
        }
        content.extend_from_slice(&chunk);
    }
    String::from_utf8(content).map_err(broken)
}

impl FromRequest<Arc<App>> for SentSheets {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let mut form = parts(request, app).await?;
        let mut sent = Self { fields: Vec::new(), files: Vec::new() };
        while let Some(part) = form.next_field().await.map_err(broken)? {
            if sent.fields.len() + sent.files.len() == FIELDS {
                return Err(invalid("the form has too many fields"));
            }
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().is_some() {
                true => sent.files.push((name, part.bytes().await.map_err(broken)?.to_vec())),
                false => sent.fields.push((name, text(part).await?)),
            }
        }
        Ok(sent)
    }
}

impl FromRequest<Arc<App>> for SentFile {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        let (head, _) = request.into_parts();
        let upload = head.extensions.get::<Arc<Upload>>().cloned();
        let upload = upload.ok_or_else(|| Error::internal("a form with a file that is not in the spool"))?;
        let spooled = tokio::fs::File::from_std(upload.file.reopen().map_err(Error::internal)?);
        let body = Body::from_stream(ReaderStream::with_capacity(spooled, PIECE_BYTES));
        let mut form = parts(Request::from_parts(head, body), app).await?;
        let mut sent = Self { fields: Vec::new(), file: None };
        while let Some(part) = form.next_field().await.map_err(broken)? {
            if sent.fields.len() == FIELDS {
                return Err(invalid("the form has too many fields"));
            }
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name().map(str::to_owned) {
                Some(_) if sent.file.is_some() => return Err(invalid("the form takes one file")),
                Some(file) => sent.file = Some((file, spool(app, part).await?)),
                None => sent.fields.push((name, text(part).await?)),
            }
        }
        Ok(sent)
    }
}

/// The file of a form by itself, beside the form that it came in.
async fn spool(app: &App, mut part: Field<'_>) -> Result<Upload, Refusal> {
    let file = NamedTempFile::new_in(&app.spool).map_err(Error::internal)?;
    let writer = tokio::fs::File::from_std(file.reopen().map_err(Error::internal)?);
    let mut writer = BufWriter::with_capacity(PIECE_BYTES, writer);
    let mut bytes = 0;
    while let Some(chunk) = part.chunk().await.map_err(broken)? {
        bytes += chunk.len() as u64;
        writer.write_all(&chunk).await.map_err(Error::internal)?;
    }
    writer.flush().await.map_err(Error::internal)?;
    Ok(Upload { file, bytes })
}
