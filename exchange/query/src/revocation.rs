use catalog_core::evidence::SourceRead;
use catalog_core::{GrantId, ResourceCode};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// What must not be read any longer, from this moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cut {
    /// A grant was revoked.
    Grant(GrantId),
    /// A version was withdrawn.
    Version(ResourceCode, i64),
    /// Records of a resource were withdrawn, or the resource itself.
    Resource(ResourceCode),
}

impl Cut {
    fn hits(&self, source: &SourceRead) -> bool {
        match self {
            Self::Grant(grant) => source.grant.as_ref() == Some(grant),
            Self::Version(resource, number) => source.resource == *resource && source.version == *number,
            Self::Resource(resource) => source.resource == *resource,
        }
    }
}

/// Tells running queries what was revoked or withdrawn. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Revocations(broadcast::Sender<Cut>);

impl Default for Revocations {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Revocations {
    /// Ends every running answer that reads what is cut. Call it once the change is stored.
    pub fn cut(&self, cut: Cut) {
        // Without a running query nobody listens, which is no error.
        let _ = self.0.send(cut);
    }

    /// Listens from now on. Subscribe before the grant is looked up, so that nothing falls between.
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

/// The ear of one running answer.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<Cut>);

impl Watch {
    /// Returns when one of the sources was cut, or when so much was missed that it may have been.
    pub async fn cut(&mut self, sources: &[SourceRead]) {
        loop {
            match self.0.recv().await {
                Ok(cut) if sources.iter().any(|source| cut.hits(source)) => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
