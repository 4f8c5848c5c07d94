//! The way by which a request came: who connected, and who else could read it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::HeaderMap;
use http::request::Parts;

use crate::access_log;
use crate::app::App;

/// The way by which a request came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    /// Whether nobody on it can read secrets: TLS, or within this machine. What is not known is not.
    pub(crate) confidential: bool,
    /// The address that connected: to the proxy, where a trusted one or one on this machine says so.
    pub(crate) address: Option<IpAddr>,
}

impl Wire {
    /// What the server and the head of the request say.
    pub(crate) fn of(app: &App, parts: &Parts) -> Self {
        let address = access_log::peer(parts).map(|peer| peer.ip().to_canonical());
        let is_local = address.is_some_and(|address| address.is_loopback());
        let forwarded = (app.behind_proxy || is_local).then(|| forwarded_for(&parts.headers)).flatten();
        Self { confidential: app.encrypted || is_local, address: forwarded.or(address) }
    }
}

/// The last address of `x-forwarded-for`, which the proxy itself wrote: those before it are the client's word, and may be
/// anything. Whoever comes through a proxy that writes no address there is one of all those who do.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let said = headers.get_all("x-forwarded-for").iter().next_back()?.as_bytes();
    let last = said.rsplit(|byte| *byte == b',').next().and_then(|last| std::str::from_utf8(last).ok());
    let last = last.unwrap_or_default().trim();
    // Some proxies write brackets, and the port.
    let alone = last.trim_start_matches('[').trim_end_matches(']');
    let address = alone.parse().or_else(|_| last.parse::<SocketAddr>().map(|address| address.ip()));
    Some(address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address: IpAddr| address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_proxy_has_the_last_word_on_who_connected() {
        let said = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            forwarded_for(&headers).map(|address| address.to_string()).unwrap_or_default()
        };
        assert_eq!(said(&["203.0.113.7"]), "203.0.113.7");
        assert_eq!(said(&["198.51.100.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(said(&["198.51.100.1", "203.0.113.7"]), "203.0.113.7");
        assert_eq!(said(&["203.0.113.7:51000"]), "203.0.113.7");
        assert_eq!(said(&["[2001:db8::7]:51000"]), "2001:db8::7");
        assert_eq!(said(&["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(said(&["::ffff:203.0.113.7"]), "203.0.113.7", "one address has one form");
        assert_eq!(said(&[]), "");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_bytes(b"\xff, 203.0.113.7").unwrap());
        let address = forwarded_for(&headers).map(|address| address.to_string());
        assert_eq!(address.as_deref(), Some("203.0.113.7"), "a client can't hide what the proxy wrote");
        assert_eq!(
            said(&["203.0.113.7, unknown"]),
            "0.0.0.0",
            "never the one before, and never this machine"
        );
    }
}
