//! `material put`: files in chunks (tus 1.0.0), which go on where they were cut short.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use catalog_core::{Error, ErrorCode, Result};
use http::{HeaderMap, HeaderValue, Method, header};
use openapi_contract::header::MATERIAL;
use serde::Serialize;

use super::code_segment;
use crate::cli::{Global, Material};
use crate::client::{Answer, Client, Payload, file_digest};
use crate::folder::io;
use crate::{output, progress};

/// Bytes of a chunk: what is sent again after a broken line.
const CHUNK: u64 = 16 << 20;

/// A file that was kept.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    file: String,
    sha256: String,
    bytes: u64,
}

/// Uploads files, one after the other.
pub(crate) async fn run(client: &Client, global: &Global, command: &Material) -> Result<()> {
    let Material::Put { files, dataset } = command;
    let mut kept = Vec::with_capacity(files.len());
    for file in files {
        let one = send(client, dataset, file).await?;
        output::done_unless_json(global, format!("{}  {}", one.sha256, one.file));
        kept.push(one);
    }
    output::document_if_json(global, &kept);
    Ok(())
}

/// Uploads one file as a material of a dataset.
pub(crate) async fn send(client: &Client, dataset: &str, file: &Path) -> Result<Kept> {
    let place = format!("/api/v1/resources/{}/materials", code_segment(dataset)?);
    let place = place.as_str();
    let bytes = fs::metadata(file).map_err(|error| io(file, &error))?.len();
    let sha256 = file_digest(file)?.to_hex();
    let bar = progress::bytes("sending")?;
    bar.set_length(bytes);
    let mut upload = match Upload::begun_before(client, place, file, bytes).await? {
        Some(upload) => upload,
        None => Upload::begin(client, place, file, bytes).await?,
    };
    while upload.material.is_none() {
        bar.set_position(upload.offset);
        upload.send_chunk(client, file).await?;
    }
    bar.finish_and_clear();
    upload.forget()?;
    if upload.material.as_ref() != Some(&sha256) {
        let message = format!("{} was changed while it was sent: put it again", file.display());
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    Ok(Kept { file: file.display().to_string(), sha256, bytes })
}

/// An upload under way.
struct Upload {
    address: String,
    /// The file beside the one that is sent, which says where it goes.
    note: PathBuf,
    offset: u64,
    /// SHA-256 of what was kept, once it is whole.
    material: Option<String>,
}

impl Upload {
    async fn begin(client: &Client, place: &str, file: &Path, bytes: u64) -> Result<Self> {
        let mut fields = fields();
        fields.insert("upload-length", HeaderValue::from(bytes));
        let answer = client.send_with(Method::POST, place, Payload::Empty, "*/*", fields).await?;
        let address = field(&answer, header::LOCATION.as_str()).ok_or_else(unexpected)?;
        let mut upload = Self { address, note: note_of(file), offset: 0, material: None };
        fs::write(&upload.note, &upload.address).map_err(|error| io(&upload.note, &error))?;
        upload.told(answer).await?;
        Ok(upload)
    }

    /// The upload to that place that was cut short, if the server still knows it.
    async fn begun_before(client: &Client, place: &str, file: &Path, bytes: u64) -> Result<Option<Self>> {
        let note = note_of(file);
        let address = match fs::read_to_string(&note) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            address => address.map_err(|error| io(&note, &error))?,
        };
        // Of another dataset, or written by somebody else.
        if !is_below(place, &address) {
            return Ok(None);
        }
        let asked = client.send_with(Method::GET, &address, Payload::Empty, "*/*", fields()).await;
        let answer = match asked {
            Err(error) if error.code == ErrorCode::NotFound => return Ok(None),
            answer => answer?,
        };
        if field(&answer, "upload-length").and_then(|length| length.parse().ok()) != Some(bytes) {
            return Ok(None);
        }
        let mut upload = Self { address, note, offset: 0, material: None };
        upload.told(answer).await?;
        Ok(Some(upload))
    }

    async fn send_chunk(&mut self, client: &Client, file: &Path) -> Result<()> {
        let mut chunk = Vec::new();
        let read = |chunk: &mut Vec<u8>| {
            let mut file = File::open(file)?;
            file.seek(SeekFrom::Start(self.offset))?;
            file.take(CHUNK).read_to_end(chunk)
        };
        if read(&mut chunk).map_err(|error| io(file, &error))? == 0 {
            let message = format!("{} has become shorter while it was sent", file.display());
            return Err(Error::new(ErrorCode::Conflict, message));
        }
        let mut fields = fields();
        fields.insert("upload-offset", HeaderValue::from(self.offset));
        let payload = Payload::Bytes(Bytes::from(chunk), "application/offset+octet-stream");
        let answer = client.send_with(Method::PATCH, &self.address, payload, "*/*", fields).await?;
        self.told(answer).await
    }

    /// Takes over how far it is.
    async fn told(&mut self, answer: Answer) -> Result<()> {
        let offset = field(&answer, "upload-offset").and_then(|offset| offset.parse().ok());
        self.offset = offset.ok_or_else(unexpected)?;
        self.material = field(&answer, MATERIAL);
        answer.bytes().await.map(drop)
    }

    fn forget(&self) -> Result<()> {
        fs::remove_file(&self.note).map_err(|error| io(&self.note, &error))
    }
}

fn fields() -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("tus-resumable"),
        HeaderValue::from_static("1.0.0"),
    )])
}

fn field(answer: &Answer, name: &str) -> Option<String> {
    answer.headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Whether it is the address of an upload to that place.
fn is_below(place: &str, address: &str) -> bool {
    let id = address.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

fn note_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".upload");
    name.into()
}

fn unexpected() -> Error {
    Error::new(ErrorCode::Unavailable, "the server does not say how far the upload is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_leads_to_uploads_of_the_dataset_alone() {
        let place = "/api/v1/resources/301001-000002/materials";
        let id = "0123456789abcdef0123456789abcdef";
        assert!(is_below(place, &format!("{place}/{id}")));
        for address in [
            format!("/api/v1/resources/301001-000003/materials/{id}"),
            format!("{place}{id}"),
            format!("{place}/{id}0"),
            format!("{place}/{id}\n"),
            format!("{place}/../../000003/materials/{id}"),
            format!("https://example.com{place}/{id}"),
        ] {
            assert!(!is_below(place, &address), "{address}");
        }
    }
}
