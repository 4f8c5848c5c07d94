//! What several tests start from.

pub(crate) mod city;
pub(crate) mod command;
pub(crate) mod python;
pub(crate) mod server;
