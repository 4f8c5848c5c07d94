//! Who is told what, from the configuration, and the round that delivers it.

use std::path::Path;
use std::sync::Arc;

use catalog_core::Result;
use catalog_core::words::Receivers;
use exchange_crypto::SigningKey;
use openapi_http::{Messenger, Network};

use crate::config::Config;
use crate::sign_in;

/// Everyone who is told.
pub(crate) fn receivers(config: &Config) -> Receivers {
    Receivers { contacts: config.word.contact.clone(), webhooks: config.word.webhook.clone() }
}

/// What carries words out, once every receiver in the configuration can be told.
pub(crate) fn messenger(root: &Path, config: &Config, signer: Arc<SigningKey>) -> Result<Messenger> {
    let networks = config.word.networks.iter().map(|text| text.parse()).collect::<Result<Vec<Network>>>()?;
    Messenger::new(sign_in::mailer(root, config)?, signer, &networks, &receivers(config))
}
