#![doc = include_str!("../README.md")]
#![expect(
    unused_qualifications,
    reason = "the code that `utoipa::path` makes qualifies the types of parameters"
)]

mod access_log;
mod api_keys;
mod app;
mod catalogue;
mod ckan;
mod corrections;
mod courier;
mod datasets;
mod delta;
mod developers;
mod directory;
mod document;
mod docx;
mod downloads;
mod evidence;
mod extract;
mod grants;
mod inspection;
mod keys;
mod log;
mod mail;
mod maintenance;
mod matters;
mod meter;
mod negotiation;
mod notices;
mod ogc;
mod openings;
mod organisation;
mod outbound;
mod pages;
mod payload;
mod postman;
mod problem;
mod public;
mod public_gate;
mod receipts;
mod records;
mod replay;
mod reports;
mod session;
mod sign_in;
mod smtp;
mod sql;
mod subjects;
mod substitutions;
mod successions;
mod supervision;
mod tickets;
mod uploads;
mod why;
mod wire;
mod words;
mod wrapper;

pub use access_log::AccessLog;
pub use app::{App, AppParts, Clock, HttpLimits};
pub use courier::Messenger;
pub use document::{openapi, router};
pub use mail::MailFolder;
pub use notices::Templates;
pub use outbound::Network;
pub use postman::{Posted, Postman, REFUSED, letters};
pub use session::oidc::{Oidc, OidcSettings, SUBJECT};
pub use sign_in::{SignIn, SignInParts};
pub use smtp::SmtpSettings;
pub use uploads::Follower;
