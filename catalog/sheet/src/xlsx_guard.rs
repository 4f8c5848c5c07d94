//! The guard before a workbook is parsed: how large it becomes when unpacked.

use std::io::{Cursor, Read};

use catalog_core::Result;
use zip::ZipArchive;

use crate::{too_large, unreadable};

/// Bytes of all members together, unpacked.
pub(crate) const MAX_UNPACKED: u64 = 64 << 20;
/// Members of an honest workbook: a handful per sheet.
const MAX_MEMBERS: usize = 1_000;

/// Unpacks every member into nothing and counts, because sizes in headers can lie.
pub(crate) fn check_unpacked(file: &[u8]) -> Result<()> {
    let broken = |cause: zip::result::ZipError| unreadable(".xlsx", cause);
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(broken)?;
    if archive.len() > MAX_MEMBERS {
        return Err(too_large(format_args!("at most {MAX_MEMBERS} members in a workbook")));
    }
    let mut left = MAX_UNPACKED;
    for place in 0..archive.len() {
        let member = archive.by_index(place).map_err(broken)?;
        let read = std::io::copy(&mut member.take(left + 1), &mut std::io::sink());
        let read = read.map_err(|cause| unreadable(".xlsx", cause))?;
        left = left
            .checked_sub(read)
            .ok_or_else(|| too_large(format_args!("at most {} MiB unpacked", MAX_UNPACKED >> 20)))?;
    }
    Ok(())
}
