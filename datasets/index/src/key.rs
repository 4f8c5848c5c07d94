use exchange_crypto::MacKey;

/// Stands between what is hashed together. No canonical form has control characters.
const SEPARATOR: &[u8] = &[0x1f];

/// The keys of one index.
#[derive(Debug, Clone)]
pub struct IndexKey {
    id: MacKey,
    tag: MacKey,
    seal: MacKey,
}

impl IndexKey {
    /// The keys of the index about `about` (a version's digest with the columns, say), from the platform's secret.
    ///
    /// A file that was written about something else, or under another secret, does not open.
    pub fn new(master: &MacKey, about: &str) -> Self {
        let key = |of: &str| master.derive(&format!("index-{of}:{about}"));
        Self { id: key("id"), tag: key("tag"), seal: key("seal") }
    }

    /// The keyed hash of a canonical identifier.
    pub fn id(&self, identifier: &str) -> [u8; 16] {
        first(self.id.tag(identifier.as_bytes()))
    }

    /// The keyed hash of a canonical identifier together with canonical values.
    pub fn tag<'a>(&self, identifier: &str, values: impl IntoIterator<Item = &'a str>) -> [u8; 8] {
        let values = values.into_iter().flat_map(|value| [SEPARATOR, value.as_bytes()]);
        first(self.tag.tag_of_parts([identifier.as_bytes()].into_iter().chain(values)))
    }

    /// The seal on the block of that number.
    pub(crate) fn seal(&self, number: u64, parts: &[&[u8]]) -> [u8; 16] {
        let number = number.to_le_bytes();
        first(self.seal.tag_of_parts([&number[..]].into_iter().chain(parts.iter().copied())))
    }
}

/// The first bytes of a tag.
fn first<const N: usize>(tag: [u8; 32]) -> [u8; N] {
    std::array::from_fn(|at| tag[at])
}
