//! The HTTP API on a real server. Every answer's signature is checked by the client of `support::server`.

mod accesses;
mod coverage;
mod data;
mod directory;
mod downloads;
mod ending;
mod evidence;
mod garbage;
mod grants;
mod matters;
mod oidc;
mod openings;
mod public;
mod references;
mod refusals;
mod replay;
mod schema_change;
mod sign_in;
mod subjects;
mod supervision;
mod tools;
mod why;
mod withdrawals;
mod year;
