//! Signing in, and setting a password.

use askama::Template;

use crate::around::Around;

/// The form by which people sign in 登录.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The name that was typed.
    pub name: &'a str,
    /// The page that they come to afterwards.
    pub next: &'a str,
    /// Whether the identity provider of the city signs people in, too.
    pub has_provider: bool,
    /// Whether the server still waits for its first administrator.
    pub is_fresh: bool,
}

/// The form by which the first system administrator comes in 首位系统管理员.
#[derive(Template)]
#[template(path = "claim.html")]
pub struct ClaimPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The login name that was typed.
    pub id: &'a str,
    /// The name that was typed.
    pub name: &'a str,
    /// The public key that was typed.
    pub public_key: &'a str,
}

/// The form by which people set a password, by an invitation's code or by the one before 设置口令.
#[derive(Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The name that was typed.
    pub name: &'a str,
}
