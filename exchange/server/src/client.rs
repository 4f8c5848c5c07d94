//! Speaking to the API: of a server over the network with signed requests, or of an own data folder in this process.
//!
//! Both ways run the same routes under the same policy with the same evidence.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use catalog_core::{Error, ErrorCode, OpContext, Result, Timestamp};
use exchange_auth::{
    JwkSet, MATTER_FIELD, OPERATOR_FIELD, PURPOSE_FIELD, RequestBinding, encode_assertion, read_key_file,
    sign_request, verify_response,
};
use exchange_crypto::{Digest, Hasher, SigningKey};
use futures::StreamExt as _;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use openapi_http::Follower;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::folder::io;
use crate::local;
use crate::progress::FileProgress;

/// A way to the API.
pub(crate) struct Client {
    way: Way,
    assertions: Assertions,
}

enum Way {
    /// In this process, as the operator of the folder.
    Folder { router: Router, context: Box<OpContext> },
    /// Over the network, signed where there is a key.
    Server { http: reqwest::Client, base: String, key: Option<SigningKey>, keys: JwkSet },
    /// Through the socket of the server that owns the folder, as its operator.
    Beside { http: reqwest::Client, acting_as: Option<String>, _address: local::Address },
}

/// What the caller asserts about its business.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assertions {
    /// The purpose.
    pub(crate) purpose: Option<String>,
    /// The matter number.
    pub(crate) matter: Option<String>,
    /// The operator's staff id.
    pub(crate) operator: Option<String>,
}

/// What is sent.
pub(crate) enum Payload<'a> {
    /// Nothing.
    Empty,
    /// A JSON document.
    Json(Value),
    /// A file, as a stream, with its media type, and who follows it.
    File(&'a Path, &'a str, Option<FileProgress>),
    /// Bytes with their media type.
    Bytes(Bytes, &'a str),
}

/// What came back, with a status of success.
pub(crate) struct Answer {
    /// Its header fields.
    pub(crate) headers: HeaderMap,
    body: Body,
    proof: Option<Proof>,
}

/// What is needed to verify a streamed answer's head.
struct Proof {
    keys: JwkSet,
    binding: RequestBinding,
    status: StatusCode,
    received_at: Timestamp,
}

impl Client {
    /// A client of the folder's own API in this process.
    pub(crate) fn of_folder(router: Router, context: OpContext, assertions: Assertions) -> Self {
        Self { way: Way::Folder { router, context: Box::new(context) }, assertions }
    }

    /// A client of the server that owns the folder; `None` where none listens there.
    pub(crate) fn beside(
        root: &Path,
        acting_as: Option<&str>,
        assertions: Assertions,
    ) -> Result<Option<Self>> {
        let connected = local::connect(root)?;
        Ok(connected.map(|(http, address)| {
            let acting_as = acting_as.map(encode_assertion);
            Self { way: Way::Beside { http, acting_as, _address: address }, assertions }
        }))
    }

    /// A client of a server. The server's keys are fetched, and every answer is checked against them.
    pub(crate) async fn of_server(
        base: &str,
        key_file: Option<&Path>,
        assertions: Assertions,
    ) -> Result<Self> {
        let key = key_file.map(read_key_file).transpose()?;
        let http = reqwest::Client::builder().build().map_err(|error| unreachable_server(base, &error))?;
        let base = base.trim_end_matches('/').to_owned();
        let address = format!("{base}/.well-known/jwks.json");
        let answer = http.get(address).send().await.map_err(|error| unreachable_server(&base, &error))?;
        let keys = answer.json().await.map_err(|error| unreachable_server(&base, &error))?;
        Ok(Self { way: Way::Server { http, base, key, keys }, assertions })
    }

    /// Asks and reads the JSON answer.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        payload: Payload<'_>,
    ) -> Result<T> {
        let answer = self.send(method, path, payload, "application/json").await?;
        let bytes = answer.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Error::new(
                ErrorCode::Unavailable,
                format!("the answer is not what this program expects: {error}"),
            )
        })
    }

    /// Asks; a refusal comes back as the error that the server stated.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        payload: Payload<'_>,
        accept: &str,
    ) -> Result<Answer> {
        self.send_with(method, path, payload, accept, HeaderMap::new()).await
    }

    /// The same with further header fields.
    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        payload: Payload<'_>,
        accept: &str,
        fields: HeaderMap,
    ) -> Result<Answer> {
        let progress = match &payload {
            Payload::File(_, _, progress) => progress.clone(),
            _ => None,
        };
        let (body, digest, media_type) = open(payload).await?;
        let mut headers = self.headers(accept)?;
        headers.extend(fields);
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, header(&media_type)?);
        }
        let (status, answer) = match &self.way {
            Way::Folder { router, context } => {
                let context = self.assertions.of(context);
                let request = in_process(context, method, path, headers, body, progress)?;
                let response = match router.clone().oneshot(request).await {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                let (parts, body) = response.into_parts();
                (parts.status, Answer { headers: parts.headers, body, proof: None })
            }
            Way::Server { http, base, key, keys } => {
                let address = format!("{base}{path}");
                let now = Timestamp::now();
                let binding = match key {
                    Some(key) => sign_request(key, &method, &address, &mut headers, digest.as_ref(), now)?,
                    None => RequestBinding::new(&method, &address, &headers)?,
                };
                let request = http.request(method, &address).headers(headers);
                let (status, mut answer) = over_a_connection(base, request, body).await?;
                answer.proof =
                    Some(Proof { keys: keys.clone(), binding, status, received_at: Timestamp::now() });
                (status, answer)
            }
            Way::Beside { http, acting_as, .. } => {
                if let Some(acting_as) = acting_as {
                    headers.insert(local::ACTING_AS_FIELD, header(acting_as)?);
                }
                let request = http.request(method, format!("http://localhost{path}")).headers(headers);
                over_a_connection("the data folder", request, body).await?
            }
        };
        if status.is_success() { Ok(answer) } else { Err(answer.into_error(status).await) }
    }

    fn headers(&self, accept: &str) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, header(accept)?);
        let asserted: [(HeaderName, &Option<String>); 3] = [
            (PURPOSE_FIELD, &self.assertions.purpose),
            (MATTER_FIELD, &self.assertions.matter),
            (OPERATOR_FIELD, &self.assertions.operator),
        ];
        for (name, value) in asserted {
            if let Some(value) = value {
                headers.insert(name, header(&encode_assertion(value))?);
            }
        }
        Ok(headers)
    }
}

impl Assertions {
    /// The operator's context for one more request.
    fn of(&self, operator: &OpContext) -> OpContext {
        let mut context =
            operator.clone().asserting(self.purpose.clone(), self.matter.clone(), self.operator.clone());
        context.now = Timestamp::now();
        context.request_id = uuid::Uuid::now_v7().to_string();
        context
    }
}

async fn over_a_connection(
    base: &str,
    request: reqwest::RequestBuilder,
    body: Body,
) -> Result<(StatusCode, Answer)> {
    let request = request.body(reqwest::Body::wrap_stream(body.into_data_stream()));
    let response = request.send().await.map_err(|error| unreachable_server(base, &error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = Body::from_stream(response.bytes_stream());
    Ok((status, Answer { headers, body, proof: None }))
}

fn in_process(
    context: OpContext,
    method: Method,
    path: &str,
    headers: HeaderMap,
    body: Body,
    progress: Option<FileProgress>,
) -> Result<Request<Body>> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = path
        .parse()
        .map_err(|_| Error::new(ErrorCode::InvalidInput, format!("`{path}` can't stand in an address")))?;
    *request.headers_mut() = headers;
    request.extensions_mut().insert(context);
    if let Some(progress) = progress {
        request.extensions_mut().insert::<Follower>(Arc::new(progress));
    }
    Ok(request)
}

/// The body as a stream, its digest, and its media type.
async fn open(payload: Payload<'_>) -> Result<(Body, Option<Digest>, Option<String>)> {
    match payload {
        Payload::Empty => Ok((Body::empty(), None, None)),
        Payload::Json(value) => {
            let text = value.to_string();
            let digest = Digest::of(text.as_bytes());
            Ok((Body::from(text), Some(digest), Some("application/json".to_owned())))
        }
        Payload::Bytes(bytes, media_type) => {
            let digest = Digest::of(&bytes);
            Ok((Body::from(bytes), Some(digest), Some(media_type.to_owned())))
        }
        Payload::File(path, media_type, progress) => {
            let digest = file_digest(path)?;
            let file = tokio::fs::File::open(path).await.map_err(|error| io(path, &error))?;
            let stream = tokio_util::io::ReaderStream::with_capacity(file, datasets_store::PIECE_BYTES);
            let body = match progress {
                Some(progress) => Body::from_stream(progress.counted(stream)),
                None => Body::from_stream(stream),
            };
            Ok((body, Some(digest), Some(media_type.to_owned())))
        }
    }
}

/// SHA-256 of a file, as a stream.
pub(crate) fn file_digest(path: &Path) -> Result<Digest> {
    let mut hasher = Hasher::new();
    let mut file = std::fs::File::open(path).map_err(|error| io(path, &error))?;
    std::io::copy(&mut file, &mut hasher).map_err(|error| io(path, &error))?;
    Ok(hasher.finish())
}

impl Answer {
    /// The whole body, checked against its signature.
    pub(crate) async fn bytes(self) -> Result<Bytes> {
        let mut whole = Vec::new();
        self.copy_to(&mut whole).await?;
        Ok(whole.into())
    }

    /// Copies the body as it comes; an answer that was cut short or is not genuine is an error at the end.
    pub(crate) async fn copy_to(self, out: &mut (dyn Write + Send)) -> Result<u64> {
        let (mut hasher, mut size) = (Hasher::new(), 0);
        let mut stream: BodyDataStream = self.body.into_data_stream();
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| {
                let message =
                    "the answer was cut short, so it is not complete: a limit or a revocation ended it";
                Error::new(ErrorCode::Unavailable, message).with_internal(error)
            })?;
            hasher.update(&bytes);
            size += bytes.len() as u64;
            out.write_all(&bytes).map_err(|error| io(Path::new("output"), &error))?;
        }
        if let Some(proof) = &self.proof {
            proof.check(&self.headers, &hasher.finish())?;
        }
        Ok(size)
    }

    async fn into_error(mut self, status: StatusCode) -> Error {
        let (proof, headers) = (self.proof.take(), self.headers.clone());
        let bytes = match self.bytes().await {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        let stated = stated(status, &bytes);
        match proof.map(|proof| proof.check(&headers, &Digest::of(&bytes))) {
            Some(Err(error)) => unproven(&error, stated),
            _ => stated,
        }
    }
}

/// The error in a refusal.
fn stated(status: StatusCode, body: &[u8]) -> Error {
    #[derive(Deserialize)]
    struct Stated {
        code: ErrorCode,
        detail: String,
        #[serde(default)]
        problems: Vec<catalog_core::Problem>,
    }
    match serde_json::from_slice::<Stated>(body) {
        Ok(stated) => Error::new(stated.code, stated.detail).with_problems(stated.problems),
        Err(_) => {
            Error::new(ErrorCode::Unavailable, format!("the server answered {status} without a reason"))
        }
    }
}

/// A refusal that is not proven to be the server's: what it says may still help, above all where the server is called by
/// another name than its own.
fn unproven(error: &Error, stated: Error) -> Error {
    let message = format!(
        "the refusal is not proven to be this server's: {}; unproven, it says: [{}] {}. If the address in it is not the one \
         that you wrote, this server is called otherwise: write its own name after --server",
        error.message, stated.code, stated.message
    );
    Error::new(error.code, message).with_problems(stated.problems)
}

impl Proof {
    fn check(&self, headers: &HeaderMap, body: &Digest) -> Result<()> {
        let key = |id: &str, at: Timestamp| {
            let known = self.keys.keys.iter().find(|key| key.kid == id && key.is_valid_at(at))?;
            known.public_key().ok()
        };
        verify_response(key, &self.binding, self.status, headers, Some(body), self.received_at)
            .map(|_| ())
            .map_err(Error::from)
    }
}

fn header(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorCode::InvalidInput, format!("`{text}` can't stand in a header field")))
}

fn unreachable_server(base: &str, error: &reqwest::Error) -> Error {
    // The cause that says something, such as a certificate nobody here trusts, is the innermost one.
    let outermost: &dyn std::error::Error = error;
    let cause = std::iter::successors(Some(outermost), |error| error.source()).last().unwrap_or(outermost);
    let mut message = format!("the server at {base} does not answer as expected: {cause}");
    if message.contains("certificate") || message.contains("UnknownIssuer") {
        message += "; name the CA's certificate (PEM) in the environment variable SSL_CERT_FILE";
    }
    Error::new(ErrorCode::Unavailable, message)
}
