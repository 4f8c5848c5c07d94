//! What tus 1.0.0 says in header fields (https://tus.io/protocols/resumable-upload).

use std::fs::File;
use std::io;

use catalog_core::{Error, ErrorCode};
use exchange_crypto::{Hasher, from_base64};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::extract::{essence, invalid};
use crate::problem::Refusal;

/// The one version.
const VERSION: &str = "1.0.0";
/// What is offered beside the core.
const EXTENSIONS: &str = "creation,creation-with-upload,checksum,termination,expiration";
/// The media type of a chunk.
const CHUNK: &str = "application/offset+octet-stream";
/// Bytes of what a client says of a file.
const METADATA_BYTES: usize = 4096;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
pub(crate) const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
pub(crate) const LENGTH: HeaderName = HeaderName::from_static("upload-length");
pub(crate) const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
pub(crate) const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const DEFER: HeaderName = HeaderName::from_static("upload-defer-length");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");

/// Whether uploads of materials are at an address: `/api/v1/resources/{code}/materials`, or one below it.
pub(crate) fn is_here(path: &str) -> bool {
    let mut parts = path.strip_prefix("/api/v1/resources/").into_iter().flat_map(|rest| rest.split('/'));
    parts.next().is_some() && parts.next() == Some("materials")
}

/// Says on every answer, refusals and the one to OPTIONS too, what is spoken here.
pub(crate) fn announce(headers: &mut HeaderMap, max_size: u64) {
    for (name, value) in [
        ("tus-resumable", VERSION),
        ("tus-version", VERSION),
        ("tus-extension", EXTENSIONS),
        ("tus-checksum-algorithm", "sha256,sha1"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers.insert(HeaderName::from_static("tus-max-size"), HeaderValue::from(max_size));
}

/// Refuses another version, or none.
pub(crate) fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, RESUMABLE) {
        Some(VERSION) => Ok(()),
        _ => {
            let message = "this is tus 1.0.0: send `tus-resumable: 1.0.0`";
            Err(Refusal::with_status(StatusCode::PRECONDITION_FAILED, ErrorCode::InvalidInput, message))
        }
    }
}

/// Refuses what is no chunk.
pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    match text(headers, header::CONTENT_TYPE).map(essence).as_deref() {
        Some(CHUNK) => Ok(()),
        _ => {
            Err(Error::new(ErrorCode::UnsupportedFormat, format!("send bytes as `content-type: {CHUNK}`"))
                .into())
        }
    }
}

/// The size of a new upload.
pub(crate) fn length(headers: &HeaderMap, most: u64) -> Result<u64, Refusal> {
    if headers.contains_key(DEFER) {
        return Err(invalid("the size is said at once: send `upload-length`"));
    }
    let length = number(headers, LENGTH)?;
    if length > most {
        let message = format!("a material has at most {most} bytes");
        return Err(Error::new(ErrorCode::TooLarge, message).into());
    }
    Ok(length)
}

/// A count of bytes in a field.
pub(crate) fn number(headers: &HeaderMap, name: HeaderName) -> Result<u64, Refusal> {
    let digits = text(headers, name.clone()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| invalid(&format!("send `{name}` with a number of bytes")))
}

/// What the client says of the file: names with values in base64. It is kept as it is, and given back.
pub(crate) fn metadata(headers: &HeaderMap) -> Result<String, Refusal> {
    let Some(value) = headers.get(METADATA) else { return Ok(String::new()) };
    let pair = |pair: &str| {
        let (name, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        !name.is_empty() && from_base64(value).is_ok()
    };
    let text = value.to_str().unwrap_or(",");
    match text.is_empty() || text.len() <= METADATA_BYTES && text.split(',').all(pair) {
        true => Ok(text.to_owned()),
        false => Err(invalid("`upload-metadata` holds names, each with a value in base64, 4 KiB at most")),
    }
}

/// A checksum that a chunk must have.
pub(crate) enum Checksum {
    Sha256(Vec<u8>),
    /// The protocol asks every server for it. It finds what a line has garbled; it proves nothing.
    Sha1(Vec<u8>),
}

impl Checksum {
    /// The one that is stated, if any is.
    pub(crate) fn stated(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let Some(value) = headers.get(CHECKSUM) else { return Ok(None) };
        let stated = value.to_str().ok().and_then(|text| text.split_once(' '));
        let stated = stated.and_then(|(name, sum)| Some((name, from_base64(sum).ok()?)));
        match stated {
            Some(("sha256", sum)) => Ok(Some(Self::Sha256(sum))),
            Some(("sha1", sum)) => Ok(Some(Self::Sha1(sum))),
            _ => Err(invalid("`upload-checksum` is `sha256` or `sha1`, a space, and the sum in base64")),
        }
    }

    /// Whether a chunk has it.
    pub(crate) fn is_of(&self, chunk: &mut File) -> io::Result<bool> {
        match self {
            Self::Sha256(sum) => {
                let mut hasher = Hasher::new();
                io::copy(chunk, &mut hasher)?;
                Ok(hasher.finish().as_bytes().as_slice() == sum)
            }
            Self::Sha1(sum) => Ok(exchange_crypto::sha1(chunk)?.as_slice() == sum),
        }
    }

    /// 460, which the protocol has for it.
    pub(crate) fn mismatch() -> Refusal {
        let status = StatusCode::from_u16(460).unwrap_or(StatusCode::BAD_REQUEST);
        let message = "the bytes do not have their checksum, and do not count: send them again";
        Refusal::with_status(status, ErrorCode::InvalidInput, message)
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use exchange_crypto::{Digest, to_base64};

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )])
    }

    #[test]
    fn uploads_are_where_they_are() {
        for (path, is) in [
            ("/api/v1/resources/301001-000001/materials", true),
            ("/api/v1/resources/301001-000001/materials/0a", true),
            ("/api/v1/resources/301001-000001/data", false),
            ("/api/v1/resources", false),
            ("/datasets/301001-000001/versions/1/materials/0a", false),
        ] {
            assert_eq!(is_here(path), is, "{path}");
        }
    }

    #[test]
    fn sizes_are_numbers_within_the_limit() {
        assert_eq!(length(&headers("upload-length", "10"), 10).unwrap(), 10);
        for (value, code) in [
            ("11", ErrorCode::TooLarge),
            ("-1", ErrorCode::InvalidInput),
            ("+1", ErrorCode::InvalidInput),
            ("", ErrorCode::InvalidInput),
            ("99999999999999999999999", ErrorCode::InvalidInput),
            ("\u{ff11}", ErrorCode::InvalidInput),
        ] {
            assert_eq!(length(&headers("upload-length", value), 10).unwrap_err().error.code, code, "{value}");
        }
        assert!(length(&headers("upload-defer-length", "1"), 10).is_err());
    }

    #[test]
    fn metadata_is_pairs_in_base64() {
        for (value, is_good) in [
            ("filename 5rWL6K+VLnBkZg==,is_secret", true),
            ("", true),
            ("filename ?", false),
            (" ", false),
            ("a b,,c d", false),
        ] {
            assert_eq!(metadata(&headers("upload-metadata", value)).is_ok(), is_good, "{value}");
        }
    }

    #[test]
    fn a_chunk_has_its_checksum_or_not() {
        let mut chunk = tempfile::tempfile().unwrap();
        chunk.write_all(b"abc").unwrap();
        let sum = to_base64(Digest::of(b"abc").as_bytes());
        for (value, is) in [
            (format!("sha256 {sum}"), true),
            ("sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=".to_owned(), true),
            ("sha1 AAAANkcGgWq6PiVxeFDCbJzQ2J0=".to_owned(), false),
            ("sha256 AAAA".to_owned(), false),
        ] {
            chunk.rewind().unwrap();
            let stated = Checksum::stated(&headers("upload-checksum", &value)).unwrap().unwrap();
            assert_eq!(stated.is_of(&mut chunk).unwrap(), is, "{value}");
        }
        for value in ["md5 AAAA", "sha256", "sha256 ?", ""] {
            assert!(Checksum::stated(&headers("upload-checksum", value)).is_err(), "{value}");
        }
    }
}
