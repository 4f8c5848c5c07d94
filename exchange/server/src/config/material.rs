//! Uploads of materials 附件.

use openapi_http::HttpLimits;
use serde::Deserialize;

/// Uploads of materials.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Material {
    /// MiB of one file.
    pub(crate) mib: u64,
    /// Uploads of one department that are under way.
    pub(crate) uploads: usize,
    /// Days after its last chunk until an upload is forgotten.
    pub(crate) days: u16,
}

impl Default for Material {
    fn default() -> Self {
        Self { mib: 2048, uploads: 20, days: 7 }
    }
}

impl Material {
    /// The limits of the doors, with these.
    pub(crate) fn limits(&self) -> HttpLimits {
        HttpLimits {
            material_bytes: self.mib.saturating_mul(1 << 20),
            material_uploads: self.uploads,
            material_seconds: i64::from(self.days) * 86_400,
            ..HttpLimits::default()
        }
    }
}
