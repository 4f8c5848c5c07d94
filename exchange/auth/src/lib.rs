#![doc = include_str!("../README.md")]

mod address;
mod assertion;
mod authenticate;
mod content_digest;
mod error;
mod fields;
mod jwk;
mod key_file;
mod oidc;
mod one_time_code;
mod password;
mod request;
mod response;
mod session;
mod signature;
mod ticket;

pub use address::Token;
pub use assertion::{MATTER_FIELD, OPERATOR_FIELD, PURPOSE_FIELD, decode_assertion, encode_assertion};
pub use authenticate::{
    API_KEY_FIELD, Arrival, Authenticator, Caller, Presented, Proof, claimant_context, issue_api_key,
    operator_context, public_context,
};
pub use content_digest::{CONTENT_DIGEST, REPR_DIGEST, digest_field, read_digest_field};
pub use error::AuthError;
pub use jwk::{Jwk, JwkSet};
pub use key_file::{
    check_secret_file, generate_key_file, generate_key_file_for, read_key_file, write_key_file,
    write_secret_file,
};
pub use oidc::{Identity, OidcClient, PendingSignIn, Provider};
pub use one_time_code::{FirstCode, OneTimeCode};
pub use password::{check_password, hash_password, verify_password};
pub use request::{CLOCK_WINDOW_SECONDS, sign_request, verify_request};
pub use response::{RECEIPT_FIELD, RequestBinding, sign_response, verify_response};
pub use session::{Cookies, Sessions};
pub use ticket::{MAX_TICKET_SECONDS, NewTicket, issue_ticket};

#[cfg(test)]
mod tests;
