//! A receiver of notifications on this machine, as a developer writes one: it takes what the platform has signed, and echoes
//! the token of a challenge.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_auth::{JwkSet, verify_request};
use exchange_crypto::Digest;
use http::{HeaderMap, Method, StatusCode};
use openapi_http::App;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::compose::clock_context;

/// Rounds of the clock until something must have come, and the wait after each.
const ROUNDS: usize = 10;
const WAIT: Duration = Duration::from_secs(2);

/// An event that has come, signed by the platform.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Received {
    /// What it tells.
    #[serde(rename = "type")]
    pub(super) kind: String,
    /// The dataset, or the subscription.
    pub(super) subject: String,
    /// The version that it tells of.
    pub(super) version: Option<i64>,
    /// The key that signed it.
    pub(super) key: String,
}

/// A running receiver, which ends with this value.
pub(super) struct Receiver {
    /// Where it listens.
    pub(super) address: String,
    events: mpsc::UnboundedReceiver<Received>,
    serving: JoinHandle<()>,
}

/// What a request is checked with, and where it goes.
struct Desk {
    keys: JwkSet,
    address: String,
    events: mpsc::UnboundedSender<Received>,
}

impl Receiver {
    /// Starts one that knows the platform's public keys.
    pub(super) fn start(keys: JwkSet) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(Error::internal)?;
        listener.set_nonblocking(true).map_err(Error::internal)?;
        let address = format!("http://{}/hook", listener.local_addr().map_err(Error::internal)?);
        let (sender, events) = mpsc::unbounded_channel();
        let desk = Arc::new(Desk { keys, address: address.clone(), events: sender });
        let routes = Router::new().route("/hook", post(take)).with_state(desk).into_make_service();
        let server = axum_server::from_tcp(listener).map_err(Error::internal)?;
        let serving = tokio::spawn(async move {
            if let Err(error) = server.serve(routes).await {
                tracing::error!(%error, "the receiver of the tour has ended");
            }
        });
        Ok(Self { address, events, serving })
    }

    /// The next event. The server looks every minute whether there is something to tell; nobody waits for that here.
    pub(super) async fn next(&mut self, app: &App) -> Result<Received> {
        for _ in 0..ROUNDS {
            app.notify_subscribers(&clock_context(Timestamp::now())).await?;
            if let Ok(Some(event)) = tokio::time::timeout(WAIT, self.events.recv()).await {
                return Ok(event);
            }
        }
        Err(Error::new(ErrorCode::Unavailable, "the receiver of the tour was told nothing"))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    match desk.read(&headers, &body) {
        Ok(token) => token.into_response(),
        Err(error) => (StatusCode::FORBIDDEN, error.message).into_response(),
    }
}

impl Desk {
    /// Takes an event that the platform has signed; answers the token that it asks for, if it is a challenge.
    fn read(&self, headers: &HeaderMap, body: &Bytes) -> Result<String> {
        let (keys, digest) = (|id: &str, at| self.keys.key_at(id, at), Digest::of(body));
        let key = verify_request(keys, &Method::POST, &self.address, headers, &digest, Timestamp::now())?;
        let event: Value = serde_json::from_slice(body)
            .map_err(|_| Error::new(ErrorCode::InvalidInput, "an event is a JSON document"))?;
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let data = &event["data"];
        let received =
            Received { kind: text("type"), subject: text("subject"), version: data["version"].as_i64(), key };
        // Where nobody waits any longer, nothing is lost.
        let _ = self.events.send(received);
        Ok(data["token"].as_str().unwrap_or_default().to_owned())
    }
}
