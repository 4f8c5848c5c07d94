use catalog_core::ErrorCode;

/// What can go wrong between the catalogue and the stored objects.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An object that a version needs is not there.
    #[error("the object {0} is missing: restore it from a backup")]
    Missing(String),
    /// An object is not what the manifest or the catalogue says.
    #[error("the object {path} is corrupt ({what}): restore it from a backup")]
    Corrupt {
        /// Path below the store's root.
        path: String,
        /// What does not agree.
        what: &'static str,
    },
    /// A signature that does not prove the manifest.
    #[error("the manifest's signature is not valid: {0}")]
    Signature(&'static str),
    /// The object store does not answer.
    #[error("the object store failed: {0}")]
    Storage(#[source] object_store::Error),
    /// A document cannot be written as canonical JSON.
    #[error("the document cannot be written as JSON: {0}")]
    Json(#[source] serde_json::Error),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { path, .. } => Self::Missing(path),
            other => Self::Storage(other),
        }
    }
}

/// Paths and causes stay with the operator; the caller gets the code.
impl From<Error> for catalog_core::Error {
    fn from(error: Error) -> Self {
        let (code, message) = match &error {
            Error::Missing(_) | Error::Corrupt { .. } => {
                (ErrorCode::Corrupt, "a stored object is damaged; the operator must restore it from a backup")
            }
            Error::Signature(_) => {
                (ErrorCode::Corrupt, "the signature of the version's manifest is not valid")
            }
            Error::Storage(_) => {
                (ErrorCode::Unavailable, "the object store does not answer; try again later")
            }
            Error::Json(_) => return Self::internal(error),
        };
        Self::new(code, message).with_internal(error)
    }
}
