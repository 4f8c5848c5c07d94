//! What several tests start from.

pub(crate) mod city;
pub(crate) mod command;
pub(crate) mod mail;
#[path = "../../catalog/store/tests/conformance/postgres.rs"]
pub(crate) mod postgres;
pub(crate) mod python;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod webhooks;
