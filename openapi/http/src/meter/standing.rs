//! Where a caller stands, in the fields of draft-ietf-httpapi-ratelimit-headers-10.

use axum::response::Response;
use catalog_core::ErrorCode;
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::windows::Payer;
use crate::problem::Refusal;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Requests.
    Requests,
    /// Bytes of answers.
    Bytes,
}

/// One quota, and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) quota: u64,
    /// Length of the window.
    pub(super) seconds: u32,
    pub(super) left: u64,
    /// Seconds until the next window may begin.
    pub(super) reset: i64,
}

impl Policy {
    pub(super) fn is_used_up(&self) -> bool {
        self.left == 0
    }

    /// Takes a request; bytes are taken when they leave.
    pub(super) fn take_one(&mut self) {
        if self.unit == Unit::Requests {
            self.left = self.left.saturating_sub(1);
        }
    }

    /// The policy's name, as a string of RFC 9651.
    fn name(&self) -> String {
        match self.unit {
            Unit::Requests => format!("\"{}\"", self.name),
            Unit::Bytes => format!("\"{}-bytes\"", self.name),
        }
    }

    fn policy(&self) -> String {
        let unit = match self.unit {
            Unit::Requests => "",
            Unit::Bytes => ";qu=\"content-bytes\"",
        };
        format!("{};q={}{unit};w={}", self.name(), self.quota, self.seconds)
    }

    fn limit(&self) -> String {
        format!("{};r={};t={}", self.name(), self.left, self.reset)
    }
}

/// Where a caller stands after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(super) policies: Vec<Policy>,
    pub(super) payers: Vec<Payer>,
    /// Whether nothing was left for the request.
    pub(super) is_over: bool,
}

impl Standing {
    /// For whom the bytes of the answer count; for nobody, where it is a refusal for want of a quota.
    pub(crate) fn payers(self) -> Vec<Payer> {
        if self.is_over { Vec::new() } else { self.payers }
    }

    /// For whom the request counts.
    pub(crate) fn counted_for(&self) -> &[Payer] {
        &self.payers
    }

    /// The refusal, where nothing was left for the request.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let used_up = self.policies.iter().filter(|policy| self.is_over && policy.is_used_up());
        let Policy { name, unit, quota, seconds, reset, .. } = used_up.max_by_key(|policy| policy.reset)?;
        let more = match *name {
            "anonymous" | "network" => "; a developer key opens more (POST /api/v1/developer-keys)",
            _ => "",
        };
        let much = match unit {
            Unit::Requests => "too many requests",
            Unit::Bytes => "too many bytes",
        };
        let message = format!("{much}: {quota} in {seconds} seconds; try again in {reset} seconds{more}");
        let refusal = Refusal::with_status(StatusCode::TOO_MANY_REQUESTS, ErrorCode::LimitRate, message);
        Some(refusal.with_header(header::RETRY_AFTER, reset.to_string()))
    }

    /// The response with the fields that tell where its caller stands.
    pub(crate) fn told(&self, mut response: Response) -> Response {
        let joined =
            |write: fn(&Policy) -> String| self.policies.iter().map(write).collect::<Vec<_>>().join(", ");
        for (name, value) in [(POLICY, joined(Policy::policy)), (LIMIT, joined(Policy::limit))] {
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

    #[test]
    fn fields_and_refusal_say_the_same() {
        let requests =
            Policy { name: "anonymous", unit: Unit::Requests, quota: 600, seconds: 60, left: 0, reset: 17 };
        let bytes = Policy { unit: Unit::Bytes, quota: 1 << 32, left: 7, ..requests.clone() };
        let standing = Standing { policies: vec![requests, bytes], payers: Vec::new(), is_over: true };
        let response = standing.told(Response::default());
        assert_eq!(
            response.headers()["ratelimit-policy"],
            "\"anonymous\";q=600;w=60, \"anonymous-bytes\";q=4294967296;qu=\"content-bytes\";w=60"
        );
        assert_eq!(response.headers()["ratelimit"], "\"anonymous\";r=0;t=17, \"anonymous-bytes\";r=7;t=17");
        let refusal = standing.refusal().unwrap();
        assert!(refusal.error.message.contains("too many requests"));
        assert_eq!(refusal.beside.field.unwrap().1, "17");
        assert!(Standing { is_over: false, ..standing }.refusal().is_none(), "the last one is answered");
    }
}
