//! What several tests start from.

pub(crate) mod city;
pub(crate) mod server;
