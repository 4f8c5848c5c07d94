mod answers;
mod api_keys;
mod codes;
mod fake;
mod files;
mod oidc;
mod organisation;
mod requests;
mod sessions;
mod sm2;
mod tickets;

use catalog_core::{Channel, Timestamp};
use http::request::Parts;

use crate::{Arrival, Presented};

/// 2026-11-22T09:00:00+08:00.
const NOW: Timestamp = Timestamp(1_795_309_200_000_000);
const BASE: &str = "https://data.example.gov.cn";

/// A request that arrives over TLS at a door where POST changes something.
fn arrival<'a>(parts: &'a Parts, presented: &'a Presented, channel: Channel, now: Timestamp) -> Arrival<'a> {
    Arrival { parts, presented, channel, request_id: "r-1", now, confidential: true, asks: false }
}
