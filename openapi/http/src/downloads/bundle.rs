//! A version as one ZIP: its rows, what explains them, and what proves them, for whoever keeps or hands them on.
//!
//! It is put together when it is sent and stored nowhere. The compressed rows of the extract stand in it as they are stored, so
//! that nothing is compressed or read beforehand, its length is known, and any range of it can be had. The same version gives
//! the same bytes as long as its documents say the same.

mod archive;
mod readme;

use std::sync::Arc;

use axum::body::Bytes;
use catalog_core::{Error, ErrorCode, OpContext, Result};
use datasets_store::{Manifest, Part};
use exchange_auth::JwkSet;
use exchange_query::OpenTable;
use exchange_query::export::Format;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::extract::{file_of, object, stored, unreadable};
use super::kind::Kind;
use super::{Piece, Whole, description};
use crate::app::App;
use crate::catalogue::site;
use archive::{Archive, Crc};

/// The files of rows in it: text that opens everywhere. Parquet is one address away.
const ROWS: [Format; 2] = [Format::Csv, Format::GeoJson];
/// Bytes before the compressed content of a gzip file of ours, which has no name, and behind it (RFC 1952).
const GZIP_HEAD: u64 = 10;
const GZIP_TAIL: u64 = 8;

/// A bundle that is ready to be sent.
pub(super) struct Bundle {
    /// Its entity tag.
    pub(super) tag: String,
    pub(super) whole: Whole,
}

/// The bundle of a version as the caller sees it; its extract is written now if it is not there yet.
pub(super) async fn of(app: &Arc<App>, ctx: &OpContext, open: &OpenTable) -> Result<Bundle> {
    let number = open.dataset.version.number;
    let signed = Signed::read(app, ctx, open).await?;
    let formats: Vec<&str> = ROWS
        .into_iter()
        .filter(|format| file_of(&signed.manifest.parts, Kind::Gzip(*format)).is_some())
        .map(Format::extension)
        .collect();
    let (described, documents) = description::bundled(app, ctx, open, &formats).await?;
    let keys = JwkSet::of_platform(&app.services.key_history(ctx).await?)?;
    let folder = format!("{}-v{number}", open.dataset.resource.code.path_form());
    let mut archive = Archive::in_folder(&folder);
    archive.add("README.txt", readme::text(&described, &signed.manifest, &site(app)?));
    for format in ROWS {
        let packed = file_of(&signed.manifest.parts, Kind::Gzip(format));
        let plain = file_of(&signed.manifest.parts, Kind::Data(format));
        if let (Some(packed), Some(plain)) = (packed, plain) {
            let crc = crc_of(app, packed, plain).await?;
            let content = Piece::Stored(packed.clone(), GZIP_HEAD..packed.bytes - GZIP_TAIL);
            archive.add_packed(
                &format!("{number}.{}", format.extension()),
                (content, &packed.sha256),
                plain.bytes,
                crc,
            );
        }
    }
    for (name, text) in documents {
        archive.add(name, text);
    }
    archive.add(&format!("{number}.manifest.json"), signed.document);
    archive.add(&format!("{number}.jws"), signed.signature);
    archive.add("jwks.json", serde_json::to_vec(&keys).map_err(Error::internal)?);
    if let Some(script) = openapi_portal::asset("check_file.sh") {
        archive.add("check_file.sh", script.content);
    }
    let (pieces, digest) = archive.finish();
    Ok(Bundle { tag: format!("\"{digest}\""), whole: Whole::new(pieces, signed.manifest.rows) })
}

/// The manifest of an extract with its very bytes, and its signature.
struct Signed {
    manifest: Manifest,
    document: Bytes,
    signature: Bytes,
}

impl Signed {
    async fn read(app: &Arc<App>, ctx: &OpContext, open: &OpenTable) -> Result<Self> {
        let anew = || Error::new(ErrorCode::Unavailable, "the files are being written anew; try again");
        let document = stored(app, ctx, open, Kind::Manifest).await?.path;
        let signature = stored(app, ctx, open, Kind::Signature).await?.path;
        let document = object(app, &document).await?.ok_or_else(anew)?;
        let signature = object(app, &signature).await?.ok_or_else(anew)?;
        let manifest: Manifest = serde_json::from_slice(&document).map_err(|_| anew())?;
        // Somebody may have written both since one of them was read.
        let text = String::from_utf8_lossy(&signature);
        manifest.verify(&text, &app.signer.public()).map_err(|_| anew())?;
        Ok(Self { manifest, document, signature })
    }
}

/// The checksum of what a gzip file of ours holds, as its last bytes say.
async fn crc_of(app: &App, packed: &Part, plain: &Part) -> Result<Crc> {
    let wrong = || Error::internal("a compressed file of an extract is none of ours");
    if packed.bytes < GZIP_HEAD + GZIP_TAIL {
        return Err(wrong());
    }
    // What is read here is sent: it is proven first.
    app.datasets.prove(packed).await?;
    let (path, objects) = (Path::from(packed.path.as_str()), app.datasets.objects());
    let head = objects.get_range(&path, 0..GZIP_HEAD).await.map_err(unreadable)?;
    let tail = objects.get_range(&path, packed.bytes - GZIP_TAIL..packed.bytes).await.map_err(unreadable)?;
    // Deflated, and without a name, a comment, or another field before the content.
    if !head.starts_with(&[0x1f, 0x8b, 8, 0]) {
        return Err(wrong());
    }
    let (crc, size) = tail.split_at_checked(4).ok_or_else(wrong)?;
    let number = |bytes: &[u8]| <[u8; 4]>::try_from(bytes).map(u32::from_le_bytes).map_err(|_| wrong());
    // The length is told modulo 2^32.
    match u64::from(number(size)?) == plain.bytes & u64::from(u32::MAX) {
        true => Ok(Crc(number(crc)?)),
        false => Err(wrong()),
    }
}
