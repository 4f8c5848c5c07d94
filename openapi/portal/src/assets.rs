//! Files that pages refer to, in the binary.

/// A file of the portal.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub content: &'static [u8],
}

/// The file of this name.
pub fn asset(name: &str) -> Option<Asset> {
    let (media_type, content): (_, &'static [u8]) = match name {
        "portal.css" => ("text/css; charset=utf-8", include_bytes!("../assets/portal.css")),
        "emblem.svg" => ("image/svg+xml", include_bytes!("../assets/emblem.svg")),
        _ => return None,
    };
    Some(Asset { media_type, content })
}
