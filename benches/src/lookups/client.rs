//! A client that signs each request and checks each answer, over a connection that stays open.

use std::path::Path;
use std::sync::Arc;

use catalog_core::Timestamp;
use exchange_auth::{
    JwkSet, PURPOSE_FIELD, RECEIPT_FIELD, encode_assertion, read_key_file, sign_request, verify_response,
};
use exchange_crypto::{Digest, SigningKey};
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Whatever went wrong.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
/// One connection.
pub(crate) type Connection = SendRequest<Full<Bytes>>;

/// An answer that is proven to be the platform's.
pub(crate) struct Answer {
    pub(crate) body: Bytes,
    /// Id of its receipt.
    pub(crate) receipt: String,
}

/// How it is proven who asks.
#[derive(Clone)]
enum Proof {
    /// By a signature of each request.
    Key(Arc<SigningKey>),
    /// By a ticket. Answers are taken as they come.
    Ticket(HeaderValue),
}

/// Who asks.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    authority: String,
    proof: Proof,
    purpose: Option<HeaderValue>,
    /// The platform's keys, by which answers are checked.
    platform: Option<Arc<JwkSet>>,
}

impl Client {
    /// Of the server at `base` (`http://127.0.0.1:8787`), with the key in a file, for a purpose.
    pub(crate) async fn new(base: &str, key: &Path, purpose: &str) -> Result<Self, Failure> {
        let authority = base.strip_prefix("http://").ok_or("the address begins with http://")?.to_owned();
        let proof = Proof::Key(Arc::new(read_key_file(key)?));
        let purpose = (!purpose.is_empty()).then(|| HeaderValue::from_str(&encode_assertion(purpose)));
        let mut client =
            Self { base: base.to_owned(), authority, proof, purpose: purpose.transpose()?, platform: None };
        let mut connection = client.connect().await?;
        let keys = client.ask(&mut connection, Method::GET, "/.well-known/jwks.json", String::new()).await?;
        let keys: JwkSet = serde_json::from_slice(&keys.body)?;
        client.platform = Some(Arc::new(keys));
        Ok(client)
    }

    /// The same by a ticket, without signatures on either side.
    pub(crate) fn with_ticket(self, token: &str) -> Result<Self, Failure> {
        let proof = Proof::Ticket(HeaderValue::from_str(&format!("Bearer {token}"))?);
        Ok(Self { proof, platform: None, ..self })
    }

    /// A connection that stays open.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Asks, and gives the answer once it is proven to be the platform's to this very request.
    pub(crate) async fn ask(
        &self,
        connection: &mut Connection,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(&self.authority)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(purpose) = &self.purpose {
            headers.insert(PURPOSE_FIELD, purpose.clone());
        }
        let (body, uri) = (Bytes::from(body), format!("{}{path}", self.base));
        let binding = match &self.proof {
            Proof::Key(key) => {
                let digest = (!body.is_empty()).then(|| Digest::of(&body));
                let now = Timestamp::now();
                Some(sign_request(key, &method, &uri, &mut headers, digest.as_ref(), now)?)
            }
            Proof::Ticket(ticket) => {
                headers.insert(header::AUTHORIZATION, ticket.clone());
                None
            }
        };
        let mut request = Request::builder().method(method).uri(path).body(Full::new(body))?;
        *request.headers_mut() = headers;
        connection.ready().await?;
        let (answer, body) = connection.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        if !answer.status.is_success() {
            return Err(format!("{}: {}", answer.status, String::from_utf8_lossy(&body)).into());
        }
        if let (Some(keys), Some(binding)) = (&self.platform, &binding) {
            let (digest, known) = (Digest::of(&body), |id: &str, at| keys.key_at(id, at));
            verify_response(known, binding, answer.status, &answer.headers, Some(&digest), Timestamp::now())?;
        }
        let receipt = answer.headers.get(RECEIPT_FIELD).and_then(|id| id.to_str().ok());
        Ok(Answer { body, receipt: receipt.unwrap_or_default().to_owned() })
    }
}
