//! What several tests start from.

pub(crate) mod city;
pub(crate) mod command;
#[path = "../../catalog/store/tests/conformance/postgres.rs"]
pub(crate) mod postgres;
pub(crate) mod mail;
pub(crate) mod python;
pub(crate) mod server;
