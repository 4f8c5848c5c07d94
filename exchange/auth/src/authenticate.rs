mod api_key;
mod principals;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use catalog_core::context::PrincipalKind;
use catalog_core::directory::Department;
use catalog_core::ports::{
    ApiKeyStore, CredentialStore, DirectoryStore, Durable, NonceStore, SuccessionStore,
};
use catalog_core::remembered::Remembered;
use catalog_core::{Channel, OpContext, Principal, Role, Timestamp};
use exchange_crypto::{Digest, MacKey};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};

use crate::address::{Kind, SignedAddress, Token, signed_query};
use crate::assertion::read_assertion;
use crate::request::{CLOCK_WINDOW_SECONDS, CheckedRequest, check_request};
use crate::session::{Sessions, is_of_this_site, proven_by};
use crate::signature::{Message, Request, Signature};
use crate::ticket::token_digest;
use crate::{AuthError, RequestBinding, jwk};

pub use api_key::{API_KEY_FIELD, issue_api_key};
use principals::{Holder, Ticketed, principal, usable_at};

/// A request as it arrived at a door.
#[derive(Clone, Copy)]
pub struct Arrival<'a> {
    /// Its head.
    pub parts: &'a Parts,
    /// The signature in it.
    pub presented: &'a Presented,
    /// The door.
    pub channel: Channel,
    /// The identity that answers, logs and evidence will carry.
    pub request_id: &'a str,
    /// The time of arrival.
    pub now: Timestamp,
    /// Whether nobody on the way can have read it: over TLS, or within this machine.
    pub confidential: bool,
    /// Whether what is sent here only asks, and changes nothing: then a ticket may send a POST.
    pub asks: bool,
}

/// The signature that a request presents, if any, read once: by it the caller is proven, and to it the answer is bound.
pub struct Presented(Result<Option<Signature>, AuthError>);

impl Presented {
    /// Of a request with these headers. What can't be read proves nobody, and binds nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(Signature::find(headers))
    }

    fn signature(&self) -> Result<Option<&Signature>, AuthError> {
        self.0.as_ref().map(Option::as_ref).map_err(Clone::clone)
    }
}

/// How an identity was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// By a signature with this key.
    Signature {
        /// Key id.
        key_id: String,
    },
    /// By a bearer ticket, which only reads.
    Ticket {
        /// Ticket id.
        ticket_id: String,
    },
    /// By a developer key, which only reads.
    ApiKey {
        /// Key id.
        key_id: String,
    },
    /// By the cookie of a session.
    Session {
        /// Session id.
        session_id: String,
    },
    /// Not at all: the public.
    None,
}

/// A caller whose identity is proven, while the body is still to come.
///
/// The signature is checked before the body is read, so that strangers can't make a server store anything.
pub struct Caller {
    context: OpContext,
    proof: Proof,
    signed_body: Option<Digest>,
    nonce: Option<Durable>,
    /// Why a proof that holds is none for this request.
    refused: Option<AuthError>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, proof, .. } = self;
        f.debug_struct("Caller")
            .field("who", &context.principal.id)
            .field("proof", proof)
            .finish_non_exhaustive()
    }
}

impl Caller {
    /// How the identity was proven.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Who it is, for what must be decided before the body is read: limits and refusals.
    pub fn principal(&self) -> &Principal {
        &self.context.principal
    }

    /// What is done once the signature's nonce is used up whatever happens to the server: before that nothing is changed, and no
    /// answer leaves. Given out once; nothing for other proofs.
    pub fn take_nonce(&mut self) -> Option<Durable> {
        self.nonce.take()
    }

    /// Refuses where the proof holds, so that the request is its owner's, and opens nothing here.
    pub fn check(&self) -> Result<(), AuthError> {
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// The context, once the body (its digest; `None` for an empty one) is the one that was signed.
    pub fn with_body(self, body: Option<&Digest>) -> Result<OpContext, AuthError> {
        self.check()?;
        if matches!(self.proof, Proof::Signature { .. }) {
            let empty = Digest::of(b"");
            if *body.unwrap_or(&empty) != self.signed_body.unwrap_or(empty) {
                return Err(AuthError::WrongBody);
            }
        }
        Ok(self.context)
    }
}

/// Keys of departments that are remembered, and tickets.
const HOLDERS: usize = 4_096;

/// Proves who calls. One per server.
pub struct Authenticator {
    nonces: Arc<dyn NonceStore>,
    holders: Remembered<String, Arc<Holder>>,
    tickets: Remembered<String, Arc<Ticketed>>,
    directory: Arc<dyn DirectoryStore>,
    credentials: Arc<dyn CredentialStore>,
    successions: Arc<dyn SuccessionStore>,
    base_url: String,
    sessions: Option<Sessions>,
    api_keys: Option<Arc<dyn ApiKeyStore>>,
    /// Signs addresses that stand for a bearer token.
    addresses: MacKey,
}

impl Authenticator {
    /// An authenticator for the server that clients reach at `base_url` (`https://data.example.gov.cn`).
    ///
    /// Signatures cover addresses, and addresses are made from this alone, never from `host` or `forwarded` fields.
    pub fn new(
        directory: Arc<dyn DirectoryStore>,
        credentials: Arc<dyn CredentialStore>,
        successions: Arc<dyn SuccessionStore>,
        base_url: &str,
    ) -> Result<Self, AuthError> {
        let base_url = canonical_base(base_url)?;
        let addresses = MacKey::ephemeral()?;
        let nonces: Arc<dyn NonceStore> = credentials.clone();
        let (holders, tickets) = (Remembered::new(HOLDERS), Remembered::new(HOLDERS));
        let (sessions, api_keys) = (None, None);
        Ok(Self {
            nonces,
            holders,
            tickets,
            directory,
            credentials,
            successions,
            base_url,
            sessions,
            api_keys,
            addresses,
        })
    }

    /// The same, where the nonces of signatures are kept elsewhere than beside the keys.
    pub fn with_nonces(self, nonces: Arc<dyn NonceStore>) -> Self {
        Self { nonces, ..self }
    }

    /// The same, where people sign in at a browser too.
    pub fn with_sessions(self, sessions: Sessions) -> Self {
        Self { sessions: Some(sessions), ..self }
    }

    /// The same, where developers have keys too.
    pub fn with_api_keys(self, api_keys: Arc<dyn ApiKeyStore>) -> Self {
        Self { api_keys: Some(api_keys), ..self }
    }

    /// The same with a key for addresses that outlives this process: else they end with it.
    pub fn with_addresses(self, key: MacKey) -> Self {
        Self { addresses: key, ..self }
    }

    /// The absolute address of a path that opens it until then, in the name of whoever holds the ticket or developer key. The
    /// token and all rights are checked anew whenever it is used; it reads, like its token.
    pub fn signed_address(&self, path: &str, token: &Token, until: Timestamp) -> String {
        format!("{}{path}?{}", self.base_url, signed_query(&self.addresses, path, token, until))
    }

    /// The sessions, where people sign in at a browser.
    pub fn sessions(&self) -> Option<&Sessions> {
        self.sessions.as_ref()
    }

    /// Whether a request without a session may come from another site's page: it may not where the browser says so.
    pub fn is_of_this_site(&self, parts: &Parts) -> bool {
        is_of_this_site(&parts.method, &parts.headers, &self.base_url, false)
    }

    /// The absolute address of a request, as signatures cover it.
    pub fn target_uri(&self, uri: &Uri) -> String {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        format!("{}{path}", self.base_url)
    }

    /// What ties the answer to this request, even where the request is refused.
    pub fn binding(&self, parts: &Parts, presented: &Presented) -> RequestBinding {
        let signature = presented.signature().ok().flatten();
        RequestBinding::of(&parts.method, &self.target_uri(&parts.uri), &parts.headers, signature)
    }

    /// Proves who calls: by signature, else by ticket or developer key, else by an address that stands for one, else by the
    /// cookie of a session, else it is the public.
    ///
    /// A proof that is there but wrong is an error, never the public. A signature's nonce is used by nobody else from here on, see
    /// [`Caller::take_nonce`] for when it outlives a crash.
    pub async fn authenticate(&self, arrival: Arrival<'_>) -> Result<Caller, AuthError> {
        let headers = &arrival.parts.headers;
        let signed = arrival.presented.signature()?;
        let signed = signed.map(|found| check_request(found, headers, arrival.now)).transpose()?;
        if let Some(secret) = api_key::in_field(headers)? {
            if signed.is_some() || headers.contains_key(AUTHORIZATION) {
                return Err(AuthError::malformed("x-api-key", "send one proof of identity"));
            }
            return self.by_api_key(arrival, secret).await;
        }
        match (signed, headers.get(AUTHORIZATION)) {
            (Some(_), Some(_)) => {
                Err(AuthError::malformed("authorization", "send a signature or a ticket, not both"))
            }
            (Some(signed), None) => self.by_signature(arrival, signed).await,
            (None, Some(value)) => {
                let token = value.to_str().ok().and_then(|text| text.split_once(' '));
                match token {
                    Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                        let token = token.trim();
                        match api_key::is_api_key(token) {
                            true => self.by_api_key(arrival, token).await,
                            false => self.by_ticket(arrival, token).await,
                        }
                    }
                    _ => Err(AuthError::malformed(
                        "authorization",
                        "only `Bearer` with a ticket or a developer key is accepted",
                    )),
                }
            }
            (None, None) => {
                if let Some(address) = SignedAddress::of(&arrival.parts.uri) {
                    return self.by_address(arrival, &address).await;
                }
                let cookie = self.sessions.as_ref().and_then(|sessions| {
                    sessions
                        .cookies
                        .find(headers, "")
                        .filter(|token| !token.is_empty())
                        .map(|token| (sessions, token))
                });
                if let Some((sessions, token)) = cookie {
                    return self.by_session(arrival, sessions, token).await;
                }
                let context = public_context(arrival.request_id.to_owned(), arrival.channel, arrival.now);
                let context = context.asserting(read_assertion(headers, "shuqiao-purpose")?, None, None);
                Ok(Caller { context, proof: Proof::None, signed_body: None, nonce: None, refused: None })
            }
        }
    }

    async fn by_signature(
        &self,
        arrival: Arrival<'_>,
        signed: CheckedRequest<'_>,
    ) -> Result<Caller, AuthError> {
        let Arrival { parts, now, .. } = arrival;
        let signature = signed.signature;
        // `created` counts whole seconds: a key registered within that second may have made the signature.
        let made = Timestamp(signature.created.0 + 999_999);
        let revision = self.directory.revision().await?;
        let known = self.holders.get(signature.key_id.as_str(), revision, now);
        let record = match &known {
            Some(holder) => usable_at(&holder.record, &[made, now])?.clone(),
            None => self.usable_key(&signature.key_id, &[made, now]).await?,
        };
        let target_uri = self.target_uri(&parts.uri);
        let request = Request { method: &parts.method, target_uri: &target_uri, headers: &parts.headers };
        signature.verify(&Message { request, response: None }, &jwk::public_key(&record)?)?;
        let principal = match known {
            Some(holder) => holder.principal.clone(),
            None => self.holder_of(&record, revision, now).await?,
        };
        let purpose = read_assertion(&parts.headers, "shuqiao-purpose")?;
        let matter = read_assertion(&parts.headers, "shuqiao-matter")?;
        let operator = read_assertion(&parts.headers, "shuqiao-operator")?;
        // Twice the window: a signature from the future edge stays valid that long.
        let forget_at = signature.created.plus_seconds(2 * CLOCK_WINDOW_SECONDS);
        let nonce = self.nonces.begin_nonce(&record.id, signed.nonce, forget_at).await?;
        let nonce = nonce.ok_or(AuthError::Replayed)?;
        let mut context = context(principal, arrival).asserting(purpose, matter, operator);
        context.key = Some(record.id.clone());
        Ok(Caller {
            context,
            proof: Proof::Signature { key_id: record.id },
            signed_body: signed.body,
            nonce: Some(nonce),
            refused: None,
        })
    }

    async fn by_ticket(&self, arrival: Arrival<'_>, token: &str) -> Result<Caller, AuthError> {
        self.by_token_digest(arrival, &token_digest(token)).await
    }

    async fn by_address(&self, arrival: Arrival<'_>, address: &SignedAddress) -> Result<Caller, AuthError> {
        address.check(&self.addresses, arrival.parts.uri.path(), arrival.now)?;
        if arrival.parts.method == Method::POST {
            return Err(AuthError::Address("it only reads".to_owned()));
        }
        let found = match address.kind {
            Kind::Ticket => self.by_token_digest(arrival, &address.digest).await,
            Kind::ApiKey => self.by_key_digest(arrival, &address.digest).await,
        };
        found.map_err(|error| match error {
            AuthError::Ticket(reason) => AuthError::Address(format!("of its ticket: {reason}")),
            AuthError::ApiKey(reason) => AuthError::Address(format!("of its developer key: {reason}")),
            AuthError::KeyNotUsable { reason, .. } => AuthError::Address(format!("of its holder: {reason}")),
            other => other,
        })
    }

    async fn by_token_digest(&self, arrival: Arrival<'_>, digest: &str) -> Result<Caller, AuthError> {
        let refused = |reason: &str| AuthError::Ticket(reason.to_owned());
        if !arrival.confidential {
            return Err(refused("anyone on the way could read it: use https, revoke it, ask for a new one"));
        }
        let revision = self.directory.revision().await?;
        let known = self.tickets.get(digest, revision, arrival.now);
        let ticket = match &known {
            Some(known) => Some(known.ticket.clone()),
            None => self.credentials.ticket_by_digest(digest).await?,
        };
        let ticket = ticket.ok_or_else(|| refused("it is not known here"))?;
        if ticket.revoked_at.is_some() {
            return Err(refused("it was revoked"));
        }
        if arrival.now < ticket.issued_at || ticket.expires_at <= arrival.now {
            return Err(refused("it is over; ask for a new one"));
        }
        if !ticket.doors.contains(&arrival.channel) {
            return Err(refused("it does not open this door"));
        }
        if !only_reads(&arrival.parts.method, arrival.channel, arrival.asks) {
            return Err(refused("it only reads; sign the request instead"));
        }
        let principal = match known {
            Some(known) => known.principal(arrival.now)?,
            None => self.reader_by_ticket(&ticket, revision, arrival.now).await?,
        };
        let headers = &arrival.parts.headers;
        let stated = read_assertion(headers, "shuqiao-purpose")?;
        if stated.is_some() && stated != ticket.purpose {
            return Err(refused("its purpose is fixed and differs from the one stated"));
        }
        let mut context = context(principal, arrival).asserting(ticket.purpose, None, None);
        context.ticket = Some(ticket.id.clone());
        Ok(Caller {
            context,
            proof: Proof::Ticket { ticket_id: ticket.id },
            signed_body: None,
            nonce: None,
            refused: None,
        })
    }

    async fn by_session(
        &self,
        arrival: Arrival<'_>,
        sessions: &Sessions,
        token: &str,
    ) -> Result<Caller, AuthError> {
        let Arrival { parts, now, .. } = arrival;
        if !arrival.confidential {
            return Err(AuthError::Session(
                "anyone on the way could read its cookie: use https, sign in again",
            ));
        }
        if !is_of_this_site(&parts.method, &parts.headers, &self.base_url, true) {
            return Err(AuthError::ForeignSite);
        }
        let session = sessions.find(token, now).await?;
        let over = || AuthError::Session("it ended with a change of the account: sign in again");
        let person = self.credentials.person(&session.person).await?.ok_or_else(over)?;
        if person.standing() != session.standing {
            return Err(over());
        }
        let principal = self.person(&person.id, now).await?;
        sessions.used(&session, now).await?;
        let purpose = read_assertion(&parts.headers, "shuqiao-purpose")?;
        let matter = read_assertion(&parts.headers, "shuqiao-matter")?;
        let context = proven_by(&session, context(principal, arrival).asserting(purpose, matter, None));
        Ok(Caller {
            context,
            proof: Proof::Session { session_id: session.id },
            signed_body: None,
            nonce: None,
            refused: None,
        })
    }

    /// The context of a person who has just proven themselves by a password, a code or an identity provider.
    pub async fn signed_in_context(
        &self,
        person: &str,
        request_id: String,
        now: Timestamp,
    ) -> Result<OpContext, AuthError> {
        Ok(build(self.person(person, now).await?, request_id, Channel::Api, now))
    }
}

/// The context of whoever redeems the first administrator's code, see [`crate::FirstCode`].
pub fn claimant_context(id: &str, request_id: String, now: Timestamp) -> OpContext {
    let roles = BTreeSet::from([Role::SystemAdministrator]);
    build(principal(PrincipalKind::Person, id, None, roles), request_id, Channel::Api, now)
}

/// The context of the public.
pub fn public_context(request_id: String, channel: Channel, now: Timestamp) -> OpContext {
    build(Principal::public(), request_id, channel, now)
}

/// The context of a named operator at the command line of the data folder, acting in the given roles.
///
/// Whoever may open the folder is the operator: the file permissions are the proof.
pub fn operator_context(
    name: &str,
    department: Option<&Department>,
    roles: BTreeSet<Role>,
    request_id: String,
    now: Timestamp,
) -> OpContext {
    let operator = principal(PrincipalKind::Operator, name, department, roles);
    build(operator, request_id, Channel::CommandLine, now)
}

fn context(principal: Principal, arrival: Arrival<'_>) -> OpContext {
    build(principal, arrival.request_id.to_owned(), arrival.channel, arrival.now)
}

#[expect(clippy::disallowed_methods, reason = "the one place where a proven identity becomes a context")]
fn build(principal: Principal, request_id: String, channel: Channel, now: Timestamp) -> OpContext {
    OpContext::authenticated(principal, request_id, channel, now)
}

/// A ticket may ask, and asking SQL, for a verification or for a table's files travels in a POST.
fn only_reads(method: &Method, channel: Channel, asks: bool) -> bool {
    let asks = asks || matches!(channel, Channel::Sql | Channel::Verification | Channel::File);
    *method == Method::GET || *method == Method::HEAD || (*method == Method::POST && asks)
}

/// Scheme and authority in the form in which clients write them: lower case, no usual port, no slash at the end.
fn canonical_base(base_url: &str) -> Result<String, AuthError> {
    let malformed =
        || AuthError::malformed("base_url", "it must be `https://host[:port][/path]`, without query");
    let uri: Uri = base_url.parse().map_err(|_| malformed())?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), crate::signature::authority(&uri)) else {
        return Err(malformed());
    };
    if !matches!(scheme, "http" | "https") || uri.query().is_some() {
        return Err(malformed());
    }
    Ok(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/')))
}

/// At most 64 characters of what a stranger sent.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}
