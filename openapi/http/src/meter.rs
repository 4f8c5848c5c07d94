//! Quotas of strangers and of developer keys, told in the fields of draft-ietf-httpapi-ratelimit-headers-10, and how much each
//! key was used.
//!
//! A window begins with the first request and ends some seconds later. Addresses are kept in memory until then, and written
//! nowhere. Whoever connects from this machine itself is not limited: it is the operator, or a proxy that tells no address.

mod usage;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::response::Response;
use catalog_core::api_key::KeyUsage;
use catalog_core::context::PrincipalKind;
use catalog_core::quota::Quotas;
use catalog_core::{ErrorCode, Result, Timestamp};
use exchange_auth::{Caller, Proof};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use crate::app::App;
use crate::problem::Refusal;
use crate::public_gate::network;
use crate::wire::Wire;
use usage::Usage;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// Callers remembered; beyond that those whose window is over are forgotten, and then all.
const REMEMBERED: usize = 100_000;
/// What can't be limited without harm: probes, and what proves that the platform keeps its word.
const FREE: [&str; 4] = ["/healthz", "/readyz", "/log/", "/.well-known/"];
/// Below `/api/v1/`, where else accounts, matters and evidence stand, a developer key opens these.
const KEY_DOORS: [&str; 4] =
    ["/api/v1/departments", "/api/v1/openapi.json", "/api/v1/resources", "/api/v1/sql"];

/// Requests counted from a moment on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    since: Timestamp,
    taken: u32,
}

impl Window {
    /// Takes one of `most` within so many seconds; where there is none left, answers the seconds until there is. A clock
    /// that was set back begins anew.
    pub(crate) fn take(&mut self, most: u32, seconds: i64, now: Timestamp) -> Result<(), i64> {
        if self.is_over(seconds, now) {
            *self = Self { since: now, taken: 0 };
        }
        if self.taken >= most {
            return Err(self.ends_in(seconds, now));
        }
        self.taken += 1;
        Ok(())
    }

    fn is_over(&self, seconds: i64, now: Timestamp) -> bool {
        now < self.since || self.since.plus_seconds(seconds) <= now
    }

    /// Whole seconds until the next one may begin, at least one.
    fn ends_in(&self, seconds: i64, now: Timestamp) -> i64 {
        let left = self.since.plus_seconds(seconds).0.saturating_sub(now.0);
        left.saturating_add(999_999).div_euclid(1_000_000).max(1)
    }
}

/// Who is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Address(IpAddr),
    Key(String),
}

/// Where a caller stands after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    policy: &'static str,
    quota: u32,
    window: u32,
    left: u32,
    /// Seconds until the next window may begin.
    reset: i64,
    /// Whether nothing was left for the request.
    is_over: bool,
}

/// The quotas of one server.
#[derive(Default)]
pub(crate) struct Meter {
    windows: Mutex<HashMap<Whose, Window>>,
    usage: Usage,
}

/// Whether requests at an address are counted at all.
pub(crate) fn is_metered(method: &Method, path: &str) -> bool {
    *method != Method::OPTIONS && !FREE.iter().any(|free| path.starts_with(free))
}

/// Whether a developer key opens the door at an address.
pub(crate) fn opens_to_keys(path: &str) -> bool {
    !path.starts_with("/api/v1/") || KEY_DOORS.iter().any(|door| path.starts_with(door))
}

impl Meter {
    /// Counts a request with a developer key, or without any proof of identity; nobody else is limited.
    pub(crate) fn count(
        &self,
        caller: &Caller,
        wire: Wire,
        quotas: Quotas,
        now: Timestamp,
    ) -> Option<Standing> {
        match caller.proof() {
            Proof::ApiKey { key_id } => Some(self.take(Whose::Key(key_id.clone()), quotas, now)),
            Proof::None if caller.principal().kind == PrincipalKind::Public => {
                self.count_address(wire, quotas, now)
            }
            _ => None,
        }
    }

    /// Counts a request of which only the address is known: its proof of identity is wrong.
    pub(crate) fn count_address(&self, wire: Wire, quotas: Quotas, now: Timestamp) -> Option<Standing> {
        let address = wire.address.filter(|address| !address.is_loopback())?;
        Some(self.take(Whose::Address(network(address)), quotas, now))
    }

    fn take(&self, whose: Whose, quotas: Quotas, now: Timestamp) -> Standing {
        let (policy, quota) = match &whose {
            Whose::Address(_) => ("anonymous", quotas.anonymous),
            Whose::Key(_) => ("key", quotas.key),
        };
        let seconds = i64::from(quotas.window_seconds);
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= REMEMBERED && !windows.contains_key(&whose) {
            windows.retain(|_, window| !window.is_over(seconds, now));
            if windows.len() >= REMEMBERED {
                windows.clear();
            }
        }
        let window = windows.entry(whose).or_default();
        let is_over = window.take(quota, seconds, now).is_err();
        let (left, reset) = (quota.saturating_sub(window.taken), window.ends_in(seconds, now));
        Standing { policy, quota, window: quotas.window_seconds, left, reset, is_over }
    }

    /// Counts what was answered to a developer key; `true` when what is counted should be kept.
    pub(crate) fn used(&self, usage: KeyUsage) -> bool {
        self.usage.add(usage)
    }

    /// Keeps what was counted of developer keys. What can't be kept is counted on.
    pub(crate) async fn flush(&self, app: &App) -> Result<()> {
        self.usage.flush(&app.services).await
    }
}

impl Standing {
    /// The refusal, where nothing was left for the request.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let Self { policy, quota, window, reset, .. } = self;
        let more = match *policy {
            "anonymous" => "; a developer key opens more (POST /api/v1/developer-keys)",
            _ => "",
        };
        let message = format!(
            "请求过于频繁，请 {reset} 秒后再试 too many requests: {quota} in {window} seconds; try again in {reset} seconds{more}"
        );
        let refusal = Refusal::with_status(StatusCode::TOO_MANY_REQUESTS, ErrorCode::LimitRate, message);
        self.is_over.then(|| refusal.with_header(header::RETRY_AFTER, reset.to_string()))
    }

    /// The response with the fields that tell where its caller stands.
    pub(crate) fn told(&self, mut response: Response) -> Response {
        let Self { policy, quota, window, left, reset, .. } = self;
        let fields = [
            (POLICY, format!("\"{policy}\";q={quota};w={window}")),
            (LIMIT, format!("\"{policy}\";r={left};t={reset}")),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(0).plus_seconds(1_000_000 + seconds)
    }

    #[test]
    fn a_window_begins_with_the_first_request() {
        let mut window = Window::default();
        for _ in 0..3 {
            assert_eq!(window.take(3, 60, at(10)), Ok(()));
        }
        assert_eq!(window.take(3, 60, at(10)), Err(60));
        assert_eq!(window.take(3, 60, Timestamp(at(69).0 + 1)), Err(1), "no one is told to wait no time");
        assert_eq!(window.take(3, 60, at(70)), Ok(()));
        assert_eq!(window.taken, 1);
        assert_eq!(window.take(1, 60, at(0)), Ok(()), "a clock that was set back begins anew");
    }

    #[test]
    fn everyone_is_counted_for_themselves() {
        let (meter, quotas) = (Meter::default(), Quotas { anonymous: 2, key: 3, ..Quotas::default() });
        let address = |text: &str| Wire { confidential: true, address: text.parse().ok() };
        let ask = |text: &str| meter.count_address(address(text), quotas, at(0));
        let left = |text: &str| ask(text).map(|standing| (standing.left, standing.refusal().is_some()));
        assert_eq!(left("203.0.113.7"), Some((1, false)));
        assert_eq!(left("203.0.113.7"), Some((0, false)));
        assert_eq!(left("203.0.113.7"), Some((0, true)));
        assert_eq!(left("203.0.113.8"), Some((1, false)));
        assert_eq!(left("2001:db8::1"), Some((1, false)));
        assert_eq!(left("2001:db8::2"), Some((0, false)), "one network of 64 bits");
        assert_eq!(left("127.0.0.1"), None, "this machine");
        let key = |id: &str| meter.take(Whose::Key(id.to_owned()), quotas, at(0)).left;
        assert_eq!((key("a"), key("a"), key("b")), (2, 1, 2));
    }

    #[test]
    fn fields_and_refusal_say_the_same() {
        let standing =
            Standing { policy: "anonymous", quota: 600, window: 60, left: 0, reset: 17, is_over: true };
        let response = standing.told(Response::default());
        assert_eq!(response.headers()["ratelimit-policy"], "\"anonymous\";q=600;w=60");
        assert_eq!(response.headers()["ratelimit"], "\"anonymous\";r=0;t=17");
        let refusal = standing.refusal().unwrap();
        assert_eq!(refusal.field.unwrap().1, "17");
        assert!(Standing { is_over: false, ..standing }.refusal().is_none(), "the last one is answered");
    }
}
