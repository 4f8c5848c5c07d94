use catalog_core::evidence::SourceRead;
use catalog_core::ports::{Cut, Cutter};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Tells running queries what was revoked or withdrawn. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Revocations(broadcast::Sender<Cut>);

impl Default for Revocations {
    fn default() -> Self {
        Self(broadcast::Sender::new(1024))
    }
}

impl Cutter for Revocations {
    fn cut(&self, cut: Cut) {
        // Without a running query nobody listens, which is no error.
        let _ = self.0.send(cut);
    }
}

impl Revocations {
    /// Listens from now on. Subscribe before the grant is looked up, so that nothing falls between.
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

/// The ear of one running answer.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<Cut>);

impl Watch {
    /// Another ear for the same answer, from now on.
    pub(crate) fn again(&self) -> Self {
        Self(self.0.resubscribe())
    }

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
