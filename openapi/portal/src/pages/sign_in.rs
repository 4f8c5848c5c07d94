//! Signing in, and setting a password.

use askama::Template;
use form_urlencoded::Serializer;

use crate::around::Around;

/// Letters of an address to which people come back from elsewhere, with room for its language.
const LONGEST_WAY: usize = 1000;

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
    /// What has become of a form that was sent after its session had ended.
    pub unsent: Unsent<'a>,
}

/// What has become of a form that was sent after its session had ended, and of what was typed in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent<'a> {
    /// Nothing was sent.
    Nothing,
    /// It is kept in this page, sealed, and comes back after the same person has signed in.
    Kept(&'a str),
    /// It held a file, which is kept nowhere.
    File,
    /// It is too long, or nobody knows who typed it.
    Lost,
}

impl SignInPage<'_> {
    fn is_again(&self) -> bool {
        self.unsent != Unsent::Nothing
    }

    fn kept(&self) -> &str {
        match self.unsent {
            Unsent::Kept(sealed) => sealed,
            _ => "",
        }
    }

    /// Where people sign in at the identity provider, and come back from to the page that they wanted. What is no address of ours
    /// would be refused there; who came with one comes to the desk, as by a password.
    fn at_provider(&self) -> String {
        let is_plain = |letter: char| letter.is_ascii_graphic() && letter != '\\';
        let is_ours = self.next.starts_with('/')
            && !self.next.starts_with("//")
            && self.next.len() <= LONGEST_WAY
            && self.next.chars().all(is_plain);
        let wanted = self.a.to(if is_ours { self.next } else { "/desk" });
        let query = Serializer::new(String::new()).append_pair("return", &wanted).finish();
        format!("/api/v1/session/oidc?{query}")
    }
}

/// The word above a form that has taken back what was typed in it.
#[derive(Template)]
#[template(path = "returned.html")]
pub(crate) struct ReturnedNotice<'a> {
    pub(crate) a: &'a Around<'a>,
    /// What has no place in the form any more.
    pub(crate) left: Vec<(&'a str, &'a str)>,
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
    /// Whether a one-time code waits for its owner.
    pub has_code: bool,
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

#[cfg(test)]
mod tests {
    use openapi_dcat::Site;

    use super::*;
    use crate::{Identity, Language};

    fn shown(next: &str, language: Language, has_provider: bool, unsent: Unsent) -> String {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let a = Around::plain(&site, &identity, language, "/sign-in");
        SignInPage { a, name: "", next, has_provider, is_fresh: false, unsent }.render().unwrap()
    }

    #[test]
    fn who_signs_in_at_the_provider_comes_back_to_the_page_they_wanted() {
        let way = |next: &str, language| {
            let page = shown(next, language, true, Unsent::Nothing);
            page.split("href=\"/api/v1/session/oidc?return=")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(way("/desk/matters?state=open", Language::Chinese), "%2Fdesk%2Fmatters%3Fstate%3Dopen");
        assert_eq!(way("/desk/keys", Language::English), "%2Fdesk%2Fkeys%3Flang%3Den");
        for foreign in ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a\nb"] {
            assert_eq!(way(foreign, Language::Chinese), "%2Fdesk", "{foreign:?}");
        }
    }

    #[test]
    fn what_does_not_come_back_from_the_provider_is_said() {
        let said = |has_provider| shown("/desk", Language::Chinese, has_provider, Unsent::Kept("x"));
        assert!(said(true).contains("填写的内容还在") && said(true).contains("内容不能带回"));
        assert!(said(false).contains("填写的内容还在") && !said(false).contains("内容不能带回"));
    }
}
