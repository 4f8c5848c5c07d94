//! Nonces of signatures.

use std::pin::Pin;

use async_trait::async_trait;

use crate::{Result, Timestamp};

/// Done once something is durable.
pub type Durable = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// The nonces of signatures that were used.
#[async_trait]
pub trait NonceStore: Send + Sync {
    /// Remembers a nonce of a key until `expires_at`; `false` if it was there already. Durable, so that a restart
    /// forgets nothing.
    async fn use_nonce(&self, key_id: &str, nonce: &str, expires_at: Timestamp) -> Result<bool> {
        match self.begin_nonce(key_id, nonce, expires_at).await? {
            Some(durable) => durable.await.map(|()| true),
            None => Ok(false),
        }
    }

    /// The same without waiting for the disk: from now on nobody else uses the nonce, and once what comes back is done, nobody
    /// does after a crash either. Before that nothing may be changed, and nothing leave, for whoever sent it.
    async fn begin_nonce(&self, key_id: &str, nonce: &str, expires_at: Timestamp) -> Result<Option<Durable>>;

    /// Forgets nonces that expired before `now`; answers how many.
    async fn forget_nonces(&self, now: Timestamp) -> Result<u64>;
}
