//! How the platform works, for those who run it and those who audit it.

use super::Services;
use crate::context::OpContext;
use crate::error::Result;
use crate::policy::{Action, decide_action};
use crate::subscription::{SubscriptionCounts, SubscriptionState};

impl Services {
    /// Whether the caller is told how the platform is kept: whoever maintains it, and auditors.
    pub fn may_see_operation(ctx: &OpContext) -> bool {
        let may = |action| decide_action(&ctx.principal, action, None).into_permission().is_ok();
        may(Action::MaintainStorage) || may(Action::ReadEvidence)
    }

    /// How many subscriptions there are by state, and how many notifications were given up. Whose they are is not told.
    ///
    /// # Errors
    /// `forbidden` to everybody but those who maintain the platform, and auditors.
    pub async fn subscription_counts(&self, ctx: &OpContext) -> Result<SubscriptionCounts> {
        if !Self::may_see_operation(ctx) {
            Self::permit(ctx, Action::MaintainStorage, None)?;
        }
        let mut counts = SubscriptionCounts::default();
        for subscription in self.store.subscriptions(None).await? {
            match subscription.state {
                SubscriptionState::Active => counts.active += 1,
                SubscriptionState::Pending => counts.pending += 1,
                SubscriptionState::Suspended => counts.suspended += 1,
            }
            let told = self.store.notifications(&subscription.id).await?;
            counts.given_up += told.iter().filter(|one| one.is_given_up()).map(|_| 1).sum::<u64>();
        }
        Ok(counts)
    }
}
