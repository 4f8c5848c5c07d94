//! Requests that the platform makes itself: only into networks that the operator named.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_auth::sign_request;
use exchange_crypto::{Digest, SigningKey};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

/// The longest that a receiver may take, from the first look-up of its name.
const TIME: Duration = Duration::from_secs(10);

/// A network: `10.2.0.0/16`, `2408:8000::/20`, or one address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv6Addr::from(self.bits), self.mask.count_ones())
    }
}

impl FromStr for Network {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            let message =
                format!("`{text}` is no network: write it like 10.2.0.0/16, with nothing behind its length");
            Error::new(ErrorCode::InvalidInput, message)
        };
        let (address, length) = match text.split_once('/') {
            None => (text, None),
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(longest);
        let free = longest.checked_sub(length).ok_or_else(wrong)?;
        let mask = u128::MAX.checked_shl(free).unwrap_or(0);
        let bits = bits(address);
        match bits & mask == bits {
            true => Ok(Self { bits, mask }),
            false => Err(wrong()),
        }
    }
}

/// An address as one of 128 bits. One of version 4 is the same however it is written.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The one way out. The addresses that are checked are those that are connected to: a name that is looked up again
/// and leads elsewhere gains nothing. It follows no redirect, and goes through no proxy.
pub(crate) struct Outbound {
    http: reqwest::Client,
    networks: Arc<[Network]>,
}

impl Outbound {
    /// The way into these networks.
    pub(crate) fn new(networks: &[Network]) -> Result<Self> {
        let networks: Arc<[Network]> = networks.into();
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(TIME)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Checked(Arc::clone(&networks))))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { http, networks })
    }

    /// Whether the address may be asked, as far as that is said before its name is looked up.
    pub(crate) fn check(&self, url: &Url) -> Result<()> {
        self.to(url).map(drop)
    }

    /// The client for requests to the address, if it may be asked.
    fn to(&self, url: &Url) -> Result<&reqwest::Client> {
        // What is no name is never looked up, so it is checked here.
        let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
        match literal {
            Some(address) if !is_admitted(&self.networks, address) => Err(elsewhere()),
            _ => Ok(&self.http),
        }
    }
}

/// Why nothing came back from a receiver.
pub(crate) enum Unsent {
    /// Its address lies elsewhere, so it was not asked.
    Elsewhere,
    /// It did not answer: the deepest cause, without the address.
    Unreached(String),
    /// The request could not be made.
    Unmade(Error),
}

impl From<Unsent> for Error {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::Elsewhere => elsewhere(),
            Unsent::Unreached(cause) => {
                Self::new(ErrorCode::Unavailable, format!("the receiver was not reached: {cause}"))
            }
            Unsent::Unmade(error) => error,
        }
    }
}

impl Outbound {
    /// Sends a document that the platform signs (RFC 9421, with the key of `/.well-known/jwks.json`). The answer's body is still
    /// to be read, to a bound.
    pub(crate) async fn post(
        &self,
        signer: &SigningKey,
        url: Url,
        (media_type, document): (&'static str, Vec<u8>),
        now: Timestamp,
    ) -> std::result::Result<reqwest::Response, Unsent> {
        let client = self.to(&url).map_err(|_| Unsent::Elsewhere)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        let digest = Digest::of(&document);
        sign_request(signer, &Method::POST, url.as_str(), &mut headers, Some(&digest), now)
            .map_err(|error| Unsent::Unmade(error.into()))?;
        client.post(url).headers(headers).body(document).send().await.map_err(unreached)
    }
}

fn unreached(error: reqwest::Error) -> Unsent {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<io::Error>() {
        Some(refused) if refused.kind() == io::ErrorKind::PermissionDenied => Unsent::Elsewhere,
        _ => Unsent::Unreached(cause.to_string()),
    }
}

/// Reads the address of a receiver: https, or http on this machine; no password in it.
pub(crate) fn receiver(url: &str) -> Result<Url> {
    let wrong = |why: &str| Error::new(ErrorCode::InvalidInput, format!("the webhook `{url}` {why}"));
    let parsed = Url::parse(url).map_err(|_| wrong("is no address"))?;
    let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        _ if !parsed.username().is_empty() || parsed.password().is_some() => {
            Err(wrong("names a user or password: its receiver knows us by our signature"))
        }
        "https" => Ok(parsed),
        "http" if is_here => Ok(parsed),
        _ => Err(wrong("must begin with https://")),
    }
}

fn is_admitted(networks: &[Network], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(address))
}

fn elsewhere() -> Error {
    let message =
        "the receiver's address lies outside of word.networks or subscription.networks, so it is not asked";
    Error::new(ErrorCode::Forbidden, message)
}

/// Looks names up, and answers only where all their addresses are in the networks.
struct Checked(Arc<[Network]>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let networks = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Addrs = Box::new(admitted(&networks, found)?.into_iter());
            Ok(addresses)
        })
    }
}

fn admitted(networks: &[Network], found: Vec<SocketAddr>) -> io::Result<Vec<SocketAddr>> {
    match found.iter().all(|address| is_admitted(networks, address.ip())) {
        true => Ok(found),
        false => Err(io::Error::new(io::ErrorKind::PermissionDenied, elsewhere().message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(texts: &[&str]) -> Vec<Network> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn networks_hold_what_they_name_however_it_is_written() {
        let networks = networks(&["10.2.0.0/16", "192.0.2.7", "2001:db8::/32"]);
        for inside in ["10.2.255.1", "::ffff:10.2.0.1", "192.0.2.7", "2001:db8:1::1"] {
            assert!(is_admitted(&networks, inside.parse().unwrap()), "{inside}");
        }
        for outside in [
            "10.3.0.0",
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "192.0.2.8",
            "2001:db9::1",
            "169.254.169.254",
        ] {
            assert!(!is_admitted(&networks, outside.parse().unwrap()), "{outside}");
        }
        for wrong in ["", "10.2.0.1/16", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "example.cn", "::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    /// A name that leads into the network and out of it is not asked at all: which address is taken is not ours to say.
    #[test]
    fn one_address_elsewhere_refuses_a_name() {
        let networks = networks(&["10.0.0.0/8"]);
        let inside: SocketAddr = "10.0.0.1:0".parse().unwrap();
        assert_eq!(admitted(&networks, vec![inside]).unwrap(), [inside]);
        assert!(admitted(&networks, vec![inside, "127.0.0.1:0".parse().unwrap()]).is_err());
    }

    #[test]
    fn receivers_are_asked_in_secret() {
        for good in ["https://gateway.example.gov.cn/words", "http://127.0.0.1:8080/", "http://localhost/x"] {
            receiver(good).unwrap();
        }
        for bad in
            ["", "gateway", "http://gateway.example.gov.cn/", "ftp://127.0.0.1/", "https://a:b@example.cn/"]
        {
            assert!(receiver(bad).is_err(), "{bad}");
        }
    }
}
