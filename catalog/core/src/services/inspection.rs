//! Reading evidence, which leaves evidence.

use exchange_crypto::Digest;

use super::Services;
use crate::context::OpContext;
use crate::error::Result;
use crate::evidence::{Event, EvidenceRecord, entity};
use crate::policy::Action;

impl Services {
    /// Permits an auditor to read evidence. That it is read, and what is looked for, is durable before this returns.
    pub async fn inspect(&self, ctx: &OpContext, looked_for: &str) -> Result<()> {
        Self::permit(ctx, Action::ReadEvidence, None)?;
        let event = Event::Changed {
            action: "evidence.read".to_owned(),
            entity: entity::search(looked_for),
            entity_digest: Digest::of(looked_for.as_bytes()).to_hex(),
        };
        self.log.append(EvidenceRecord::new(ctx, event)).await.map(drop)
    }
}
