//! The operations of the product. Each takes `&OpContext` first, decides, and leaves evidence.

mod accounts;
mod api_keys;
mod contributions;
mod datasets;
mod developers;
mod directory;
mod erasure;
mod expiry;
mod grants;
mod handovers;
mod history;
mod inspection;
mod keys;
mod lineage;
mod listed;
mod materials;
mod matters;
mod names;
mod operation;
mod organisation;
mod proposals;
mod publishing;
mod questions;
mod recent;
mod replay;
mod restoring;
mod saved_queries;
mod secrecy;
mod shown;
mod subscriptions;
mod substitutions;
mod successions;
mod supervision;
mod unfinished;
mod withdrawals;
mod words;

use std::sync::Arc;

use exchange_crypto::Digest;
use serde::Serialize;

use crate::confidential::Safe;
use crate::context::OpContext;
use crate::error::Result;
use crate::evidence::{AccessHistory, Event, EvidenceLog, EvidenceRecord};
use crate::ids::DepartmentId;
use crate::policy::{Action, decide_action};
use crate::ports::{Cut, Cutter, Store};
use crate::settings::Settings;

pub use accounts::Login;
pub use contributions::{Draft, Ratings, ReviewedContribution, ShownContribution, ShownReply};
pub use datasets::{Dataset, VersionSelector};
pub use erasure::{DueErasure, Rewritten};
pub use handovers::Failed;
pub use keys::MAX_OVERLAP_SECONDS;
pub use listed::{Listed, changes};
pub use matters::{Act, MatterFilter, MatterPage, MatterView, PublicMatter, PublicStep, Side, ThirdParty};
pub use names::{MOST_NAMES, PrincipalName};
pub use proposals::Proposal;
pub use questions::{AccessAnswer, AccessQuestion};
pub use recent::RecentVersions;
pub use replay::PastRead;
pub use restoring::EndedAgain;
pub use secrecy::{Look, Opening};
pub use subscriptions::Sights;
pub use successions::Heir;
pub use supervision::Lights;
pub use words::Deliveries;

/// The operations over one store and one evidence log.
#[derive(Clone)]
pub struct Services {
    store: Arc<dyn Store>,
    log: Arc<dyn EvidenceLog>,
    settings: Arc<Settings>,
    cutter: Option<Arc<dyn Cutter>>,
    safe: Option<Arc<dyn Safe>>,
    history: Option<Arc<dyn AccessHistory>>,
}

/// Events moved from the outbox in one go.
const RELAY_BATCH: u32 = 200;

impl Services {
    /// The services over a store and a log, with the built-in calendar and the limits of law.
    pub fn new(store: Arc<dyn Store>, log: Arc<dyn EvidenceLog>) -> Self {
        Self { store, log, settings: Arc::default(), cutter: None, safe: None, history: None }
    }

    /// The same with what a city has set otherwise.
    pub fn with_settings(self, settings: Settings) -> Self {
        Self { settings: Arc::new(settings), ..self }
    }

    /// The same, ending the reads that run somewhere when what they read is revoked or withdrawn.
    pub fn with_cutter(self, cutter: Arc<dyn Cutter>) -> Self {
        Self { cutter: Some(cutter), ..self }
    }

    /// The same, with keys for what the public confides.
    pub fn with_safe(self, safe: Arc<dyn Safe>) -> Self {
        Self { safe: Some(safe), ..self }
    }

    /// The same, knowing from evidence who received what.
    pub fn with_history(self, history: Arc<dyn AccessHistory>) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The evidence log, for doors that record their accesses.
    pub fn evidence(&self) -> &Arc<dyn EvidenceLog> {
        &self.log
    }

    /// Moves waiting events into the evidence log, in order. Safe to repeat: the log keeps a record once.
    pub async fn relay(&self) -> Result<()> {
        loop {
            let events = self.store.pending(RELAY_BATCH).await?;
            let mut moved = Vec::with_capacity(events.len());
            for event in events {
                moved.push(event.id.clone());
                self.log.append(event).await?;
            }
            self.store.moved(&moved).await?;
            if moved.len() < RELAY_BATCH as usize {
                return Ok(());
            }
        }
    }

    /// The evidence of a change to an entity, named by kind and identity, with the hash of its new state.
    fn change(ctx: &OpContext, action: &str, entity: String, state: &impl Serialize) -> EvidenceRecord {
        let state = serde_json::to_vec(state).unwrap_or_default();
        let entity_digest = Digest::of(&state).to_hex();
        EvidenceRecord::new(ctx, Event::Changed { action: action.to_owned(), entity, entity_digest })
    }

    /// Ends running reads. Called directly behind the store and whatever it answers: a failure there may be one of
    /// telling, and who asks again for what is stored already finds it cut.
    fn cut(&self, cut: Cut) {
        if let Some(cutter) = &self.cutter {
            cutter.cut(cut);
        }
    }

    /// Permits what the caller may do to something of its own department: before a resource is looked for, so that whoever may do
    /// it to none does not learn which there are.
    fn permit_any(ctx: &OpContext, action: Action) -> Result<()> {
        Self::permit(ctx, action, ctx.principal.department.as_ref())
    }

    fn permit(ctx: &OpContext, action: Action, owner: Option<&DepartmentId>) -> Result<()> {
        decide_action(&ctx.principal, action, owner).into_permission()
    }
}
