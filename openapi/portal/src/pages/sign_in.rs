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
