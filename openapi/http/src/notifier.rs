//! Notifications leave as CloudEvents 1.0 (structured JSON) in requests that the platform signs.
//!
//! The receiver's address is known here alone: elsewhere it is sealed.

use std::sync::Arc;

use async_trait::async_trait;
use catalog_core::ports::Herald;
use catalog_core::subscription::{Failure, Happening, Notification, Subscription};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_crypto::{MacKey, SealingKey, SigningKey, from_base64, to_base64, to_hex};
use openapi_dcat::Site;
use reqwest::{Response, Url};
use serde_json::{Map, Value, json};

use crate::outbound::{Network, Outbound, Unsent, receiver};

/// The media type of an event.
const CLOUD_EVENT: &str = "application/cloudevents+json";
/// Bytes of an answer to a challenge.
const ECHO_BYTES: usize = 1024;
/// Characters of a receiver's address.
const ADDRESS_LENGTH: usize = 2048;

/// Carries notifications to receivers in the networks that the operator named.
pub struct Notifier {
    outbound: Outbound,
    has_networks: bool,
    signer: Arc<SigningKey>,
    /// Seals addresses, and makes the tokens of challenges.
    key: MacKey,
    site: Site,
}

impl Notifier {
    /// Requests go into these networks and nowhere else: without any there are no webhooks. `key` lives as long as the catalogue;
    /// `base_url` is the address under which clients reach the server.
    pub fn new(networks: &[Network], signer: Arc<SigningKey>, key: &MacKey, base_url: &str) -> Result<Self> {
        Ok(Self {
            outbound: Outbound::new(networks)?,
            has_networks: !networks.is_empty(),
            signer,
            key: key.derive("receivers of subscriptions"),
            site: Site::new(base_url)?,
        })
    }

    /// Seals the address of a subscription's receiver, if requests may go there.
    ///
    /// # Errors
    /// `forbidden` where the operator named no networks or others, `invalid_input` for what is no such address.
    pub(crate) fn seal(&self, id: &str, address: &str) -> Result<String> {
        if !self.has_networks {
            let message = "this server sends no webhooks: its operator has named no networks for them \
                           (subscription.networks); follow the Atom feeds instead";
            return Err(Error::new(ErrorCode::Forbidden, message));
        }
        if address.len() > ADDRESS_LENGTH {
            let message = format!("`receiver` has at most {ADDRESS_LENGTH} characters");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        self.outbound.check(&receiver(address)?)?;
        let sealed = self.sealing(id)?.seal(id.as_bytes(), address.as_bytes()).map_err(Error::internal)?;
        Ok(to_base64(&sealed))
    }

    /// Scheme, host and port of the receiver, for the owner; empty where this server's key does not open the address.
    pub(crate) fn origin(&self, subscription: &Subscription) -> String {
        self.open(subscription).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    fn open(&self, subscription: &Subscription) -> Result<Url> {
        let id = &subscription.id;
        let sealed = from_base64(&subscription.receiver).map_err(Error::internal)?;
        let address = self.sealing(id)?.open(id.as_bytes(), &sealed).map_err(Error::internal)?;
        receiver(&String::from_utf8(address).map_err(Error::internal)?)
    }

    fn sealing(&self, id: &str) -> Result<SealingKey> {
        let key = self.key.derive("address").tag(id.as_bytes());
        SealingKey::from_bytes(&key).map_err(Error::internal)
    }

    /// What a receiver echoes that wants to be told: nobody else can know it.
    fn token(&self, notification: &Notification) -> String {
        to_hex(&self.key.derive("challenge").tag(notification.id.as_bytes()))
    }

    fn event(&self, notification: &Notification) -> Value {
        let Notification { id, subscription, what, resource, at, .. } = notification;
        json!({
            "specversion": "1.0",
            "id": id,
            "source": self.site.address("/"),
            "type": event_type(*what),
            "subject": resource.as_ref().map_or(subscription.as_str(), |code| code.as_str()),
            "time": at,
            "datacontenttype": "application/json",
            "data": self.data(notification),
        })
    }

    fn data(&self, notification: &Notification) -> Map<String, Value> {
        let Notification { subscription, what, resource, version, since, .. } = notification;
        let mut data = Map::from_iter([("subscription".to_owned(), json!(subscription))]);
        let mut say = |name: &str, value: Option<Value>| {
            data.extend(value.map(|value| (name.to_owned(), value)));
        };
        say("token", (*what == Happening::Challenge).then(|| json!(self.token(notification))));
        say("dataset", resource.as_ref().map(|code| json!(code)));
        say("address", resource.as_ref().map(|code| json!(self.site.dataset(code))));
        say("version", version.map(|number| json!(number)));
        let time = match what {
            Happening::VersionWithdrawn => "withdrawn_at",
            _ => "effective_from",
        };
        say(time, since.map(|since| json!(since)));
        data
    }

    async fn carry(
        &self,
        subscription: &Subscription,
        notification: &Notification,
        now: Timestamp,
    ) -> std::result::Result<(), Failure> {
        let url = self.open(subscription).map_err(|error| internal(subscription, &error))?;
        let body = serde_json::to_vec(&self.event(notification)).map_err(|_| Failure::NotReached)?;
        let answer = self.outbound.post(&self.signer, url, (CLOUD_EVENT, body), now).await;
        let answer = answer.map_err(|unsent| match unsent {
            Unsent::Elsewhere => Failure::NotPermitted,
            Unsent::Unreached(_) => Failure::NotReached,
            Unsent::Unmade(error) => internal(subscription, &error),
        })?;
        match answer.status() {
            status if status.is_redirection() => Err(Failure::Redirected),
            status if !status.is_success() => Err(Failure::Refused),
            // Of other answers only the status counts; the rest is not read.
            _ if notification.what != Happening::Challenge => Ok(()),
            _ => match echo(answer).await {
                Some(echo) if echo.trim_ascii() == self.token(notification).as_bytes() => Ok(()),
                _ => Err(Failure::NotConfirmed),
            },
        }
    }
}

#[async_trait]
impl Herald for Notifier {
    async fn tell(
        &self,
        subscription: &Subscription,
        notification: &Notification,
        now: Timestamp,
    ) -> std::result::Result<(), Failure> {
        self.carry(subscription, notification, now).await
    }
}

/// The names of events are for ever: another meaning gets another version.
fn event_type(what: Happening) -> &'static str {
    match what {
        Happening::Challenge => "cn.shuqiao.subscription.challenge.v1",
        Happening::Listed => "cn.shuqiao.dataset.listed.v1",
        Happening::DescriptionChanged => "cn.shuqiao.dataset.description-changed.v1",
        Happening::VersionPublished => "cn.shuqiao.dataset.version-published.v1",
        Happening::VersionAnnounced => "cn.shuqiao.dataset.version-announced.v1",
        Happening::VersionWithdrawn => "cn.shuqiao.dataset.version-withdrawn.v1",
    }
}

/// The body of an answer; `None` where it is longer than a token needs, or breaks off.
async fn echo(mut answer: Response) -> Option<Vec<u8>> {
    let mut read = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        read.extend_from_slice(&chunk);
        if read.len() > ECHO_BYTES {
            return None;
        }
    }
    Some(read)
}

/// What fails here is told to the operator, without the address.
fn internal(subscription: &Subscription, error: &Error) -> Failure {
    let (id, cause) = (&subscription.id, error.internal_cause());
    tracing::error!(subscription = id, code = %error.code, cause, "a notification could not be made");
    Failure::NotReached
}
