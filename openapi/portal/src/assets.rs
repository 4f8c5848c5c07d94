//! Files that pages refer to, in the binary.

/// A file of the portal.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub content: &'static [u8],
    /// The same, compressed by Brotli (RFC 7932), where that makes it smaller.
    pub brotli: Option<&'static [u8]>,
}

/// Name, media type, bytes, and bytes by Brotli.
type Island = (&'static str, &'static str, &'static [u8], Option<&'static [u8]>);

// What `islands/` was built to: nothing, if it was not.
include!(concat!(env!("OUT_DIR"), "/islands.rs"));

/// The file of this name.
pub fn asset(name: &str) -> Option<Asset> {
    let (media_type, content, brotli): (_, &'static [u8], _) = match name {
        "portal.css" => ("text/css; charset=utf-8", include_bytes!("../assets/portal.css"), None),
        "emblem.svg" => ("image/svg+xml", include_bytes!("../assets/emblem.svg"), None),
        "check_file.sh" => ("text/plain; charset=utf-8", include_bytes!("../assets/check_file.sh"), None),
        _ => {
            let (_, media_type, content, brotli) = ISLANDS.iter().find(|(island, ..)| *island == name)?;
            (*media_type, *content, *brotli)
        }
    };
    Some(Asset { media_type, content, brotli })
}
