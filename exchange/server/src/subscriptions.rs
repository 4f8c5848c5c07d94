//! Telling subscribers: from the configuration, and by the clock.

use std::sync::Arc;
use std::time::Duration;

use catalog_core::{Result, Timestamp};
use exchange_crypto::{MacKey, SigningKey};
use openapi_http::{App, Network, Notifier};

use crate::compose::clock_context;
use crate::config::Config;

/// What carries notifications, into the networks that the operator named.
pub(crate) fn notifier(
    config: &Config,
    signer: Arc<SigningKey>,
    key: &MacKey,
    base_url: &str,
) -> Result<Notifier> {
    let networks = config.subscription.networks.iter();
    let networks = networks.map(|text| text.parse()).collect::<Result<Vec<Network>>>()?;
    Notifier::new(&networks, signer, key, base_url)
}

/// Tells subscribers what has happened, every `period`, for as long as it is polled.
pub(crate) async fn keep_notifying(app: Arc<App>, period: Duration) {
    let mut ticks = tokio::time::interval(period);
    loop {
        ticks.tick().await;
        match app.notify_subscribers(&clock_context(Timestamp::now())).await {
            Ok(round) if round.given_up > 0 => {
                tracing::warn!(
                    given_up = round.given_up,
                    "notifications were given up; their owners see them"
                );
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, cause = error.internal_cause(), "subscribers were not told");
            }
        }
    }
}
