//! Words leave by letter, or as requests that the platform signs.

use std::sync::Arc;

use async_trait::async_trait;
use catalog_core::ports::{Courier, Mailer};
use catalog_core::words::{Delivery, Destination, Receivers, Word};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_crypto::SigningKey;

use crate::mail::check_address;
use crate::outbound::{Network, Outbound, receiver};

/// Carries words by letter and by signed request (RFC 9421, with the platform's key of `/.well-known/jwks.json`).
pub struct Messenger {
    mailer: Option<Arc<dyn Mailer>>,
    signer: Arc<SigningKey>,
    outbound: Outbound,
}

impl Messenger {
    /// Letters go to `mailer`, requests into these networks and nowhere else.
    ///
    /// # Errors
    /// `invalid_input` for a receiver that can't be told: a wrong address, letters without a mailer, requests without networks.
    pub fn new(
        mailer: Option<Arc<dyn Mailer>>,
        signer: Arc<SigningKey>,
        networks: &[Network],
        receivers: &Receivers,
    ) -> Result<Self> {
        let refused = |message: &str| Err(Error::new(ErrorCode::InvalidInput, message));
        receivers.contacts.iter().try_for_each(|contact| check_address(&contact.address))?;
        receivers.webhooks.iter().try_for_each(|hook| receiver(&hook.url).map(drop))?;
        if mailer.is_none() && !receivers.contacts.is_empty() {
            return refused("[[word.contact]] needs letters: set mail.from");
        }
        if networks.is_empty() && !receivers.webhooks.is_empty() {
            return refused("[[word.webhook]] needs the networks that may be asked: set word.networks");
        }
        Ok(Self { mailer, signer, outbound: Outbound::new(networks)? })
    }

    async fn post(&self, url: &str, word: &Word, now: Timestamp) -> Result<()> {
        let body = serde_json::to_vec(word).map_err(Error::internal)?;
        let answer =
            self.outbound.post(&self.signer, receiver(url)?, ("application/json", body), now).await?;
        // Only the status counts; the rest of the answer is not read.
        match answer.status() {
            status if status.is_success() => Ok(()),
            status if status.is_redirection() => {
                Err(failed(format!("the receiver answers {status}, and redirects are not followed")))
            }
            status => Err(failed(format!("the receiver answers {status}"))),
        }
    }
}

#[async_trait]
impl Courier for Messenger {
    async fn carry(&self, delivery: &Delivery, now: Timestamp) -> Result<()> {
        match (&delivery.destination, &self.mailer) {
            (Destination::Mail(to), Some(mailer)) => mailer.send(&delivery.word.letter(to), now).await,
            (Destination::Mail(_), None) => Err(failed("no letters are written: set mail.from".to_owned())),
            (Destination::Webhook(url), _) => self.post(url, &delivery.word, now).await,
        }
    }
}

fn failed(message: String) -> Error {
    Error::new(ErrorCode::Unavailable, message)
}
