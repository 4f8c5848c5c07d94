//! Quotas of strangers and of developers, told in the fields of draft-ietf-httpapi-ratelimit-headers-10, and how much each
//! developer key was used.
//!
//! A window begins with the first request and ends some seconds later. Addresses are kept in memory until then, and written
//! nowhere. Strangers who connect from this machine itself are not limited: it is the operator, or a proxy that tells no address.

mod shares;
mod standing;
mod usage;
mod windows;

use std::net::IpAddr;

use catalog_core::api_key::KeyUsage;
use catalog_core::context::{Principal, PrincipalKind};
use catalog_core::quota::Quotas;
use catalog_core::{Result, Role, Timestamp};
use exchange_auth::{Caller, Proof};
use http::Method;

use crate::app::App;
use crate::public_gate::network;
use crate::wire::Wire;
pub(crate) use shares::{Shares, paid_by};
pub(crate) use standing::Standing;
use usage::Usage;
use windows::Windows;
pub(crate) use windows::{Payer, Window};

/// What can't be limited without harm: probes, and what proves that the platform keeps its word.
const FREE: [&str; 4] = ["/healthz", "/readyz", "/log/", "/.well-known/"];
/// Below `/api/v1/`, where else accounts, matters and evidence stand, a developer key opens these.
const KEY_DOORS: [&str; 5] =
    ["/api/v1/datasets", "/api/v1/departments", "/api/v1/openapi.json", "/api/v1/resources", "/api/v1/sql"];

/// The quotas of one server.
#[derive(Default)]
pub(crate) struct Meter {
    windows: Windows,
    usage: Usage,
}

/// Whether requests at an address are counted at all.
pub(crate) fn is_metered(method: &Method, path: &str) -> bool {
    *method != Method::OPTIONS && !FREE.iter().any(|free| path.starts_with(free))
}

/// Pages about accounts, matters and evidence: a developer key opens none of them.
const OWN_PAGES: [&str; 6] = ["/ask/", "/claim", "/desk", "/developer", "/gallery/submit", "/sign-out"];

/// Whether a developer key opens the door at an address.
pub(crate) fn opens_to_keys(path: &str) -> bool {
    let is_closed = path.starts_with("/api/v1/") || OWN_PAGES.iter().any(|page| path.starts_with(page));
    !is_closed || KEY_DOORS.iter().any(|door| path.starts_with(door))
}

impl Meter {
    /// Counts a request of a developer, whatever proves them, or without any proof of identity; who has neither a department
    /// nor a role counts as a developer. Nobody else is limited.
    pub(crate) fn count(
        &self,
        caller: &Caller,
        wire: Wire,
        quotas: Quotas,
        now: Timestamp,
    ) -> Option<Standing> {
        self.take(payers(caller.principal(), caller.proof(), wire), quotas, now)
    }

    /// Counts a request of which only the address is known: its proof of identity is wrong.
    pub(crate) fn count_address(&self, wire: Wire, quotas: Quotas, now: Timestamp) -> Option<Standing> {
        self.take(strangers(wire), quotas, now)
    }

    fn take(&self, payers: Vec<Payer>, quotas: Quotas, now: Timestamp) -> Option<Standing> {
        (!payers.is_empty()).then(|| self.windows.take(payers, &quotas, now))
    }

    /// Requests and bytes that a developer has left in the window that runs.
    pub(crate) fn left_to_developer(&self, id: &str, quotas: Quotas, now: Timestamp) -> (u64, u64) {
        self.windows.left(&Payer::Developer(id.to_owned()), &quotas, now)
    }

    /// Counts bytes of an answer that have left.
    pub(crate) fn sent(&self, payers: &[Payer], bytes: u64, quotas: Quotas, now: Timestamp) {
        if !payers.is_empty() && bytes > 0 {
            self.windows.sent(payers, bytes, &quotas, now);
        }
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

/// As whom a caller is counted; as nobody where nothing is limited.
fn payers(who: &Principal, proof: &Proof, wire: Wire) -> Vec<Payer> {
    let developer = || Payer::Developer(who.id.clone());
    match proof {
        Proof::ApiKey { key_id } => vec![Payer::Key(key_id.clone()), developer()],
        Proof::None if who.kind == PrincipalKind::Public => strangers(wire),
        _ if who.has(Role::Developer) || !who.sees_whole_directory() => vec![developer()],
        _ => Vec::new(),
    }
}

/// As whom somebody at an address is counted; as nobody on this machine itself.
fn strangers(wire: Wire) -> Vec<Payer> {
    match wire.address.filter(|address| !address.is_loopback()) {
        None => Vec::new(),
        Some(address @ IpAddr::V4(_)) => vec![Payer::Address(address)],
        Some(address @ IpAddr::V6(bits)) => {
            let site = u128::from(bits) >> 80 << 80;
            vec![Payer::Address(network(address)), Payer::Site(site.into())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(meter: &Meter, address: &str) -> Option<bool> {
        let wire = Wire { confidential: true, address: address.parse().ok() };
        let quotas = Quotas { anonymous: 2, ..Quotas::default() };
        let standing = meter.count_address(wire, quotas, Timestamp(1))?;
        Some(standing.refusal().is_none())
    }

    #[test]
    fn everyone_is_counted_for_themselves() {
        let meter = Meter::default();
        assert_eq!(left(&meter, "203.0.113.7"), Some(true));
        assert_eq!(left(&meter, "203.0.113.7"), Some(true));
        assert_eq!(left(&meter, "203.0.113.7"), Some(false));
        assert_eq!(left(&meter, "203.0.113.8"), Some(true));
        assert_eq!(left(&meter, "2001:db8::1"), Some(true));
        assert_eq!(left(&meter, "2001:db8::2"), Some(true));
        assert_eq!(left(&meter, "2001:db8::3"), Some(false), "one network of 64 bits");
        assert_eq!(left(&meter, "127.0.0.1"), None, "this machine");
        assert_eq!(left(&meter, "::1"), None, "this machine");
    }

    #[test]
    fn an_account_without_department_and_role_is_counted() {
        let wire = Wire { confidential: true, address: None };
        let proof = Proof::Session { session_id: "s".to_owned() };
        let mut who = Principal { kind: PrincipalKind::Person, id: "p".to_owned(), ..Principal::public() };
        assert_eq!(payers(&who, &proof, wire), [Payer::Developer("p".to_owned())]);
        who.roles.insert(Role::Auditor);
        assert!(payers(&who, &proof, wire).is_empty());
    }

    #[test]
    fn a_site_with_many_networks_is_one_client() {
        let meter = Meter::default();
        let heard = (0..100).filter(|net| left(&meter, &format!("2001:db8:1:{net:x}::1")) == Some(true));
        assert_eq!(heard.count(), 32);
        assert_eq!(left(&meter, "2001:db8:2::1"), Some(true), "its neighbour is another");
    }
}
