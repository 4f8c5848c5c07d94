//! What went wrong, for people.

use askama::Template;
use catalog_core::{ErrorCode, Fault};
use form_urlencoded::Serializer;

use crate::around::Around;

/// A page in place of one that can't be shown; `a.trouble` says why.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// By which the operator finds the request.
    pub request_id: &'a str,
}

impl ErrorPage<'_> {
    /// What the reader can do now.
    fn advice(&self) -> &str {
        let code = self.a.trouble.as_ref().map(|error| error.code);
        match code {
            Some(ErrorCode::NotFound | ErrorCode::UnknownTable) => self.a.say(
                "地址可能写错了，内容可能已经撤下，或者不向您公开。",
                "The address may be mistyped, the page may be gone, or it is not for you to see.",
            ),
            Some(ErrorCode::Withdrawn) => self.a.say(
                "提供部门已撤回这份数据，理由见上。",
                "Its provider has withdrawn these data; the reason stands above.",
            ),
            Some(ErrorCode::Unauthenticated) => {
                self.a.say("登录后回到这个页面。", "Sign in, and you come back to this page.")
            }
            Some(ErrorCode::Forbidden) if self.a.visitor.is_some() => self.a.say(
                "您的角色不办理这件事。需要办理的，请联系本单位的管理员。",
                "Your roles don't open this. Ask your administrator, if it is yours to do.",
            ),
            Some(code) if code.fault() == Fault::Server => {
                self.a.say("这是我们的问题，请稍后再试。", "The fault is ours. Please try again later.")
            }
            _ => self.a.say("请按提示核对后再试。", "Please look at what is said above, and try again."),
        }
    }

    /// Where one signs in and comes back from.
    fn sign_in(&self) -> String {
        let next = Serializer::new(String::new()).append_pair("next", &self.a.address).finish();
        format!("/sign-in?{next}")
    }

    /// Whether signing in may help.
    fn wants_sign_in(&self) -> bool {
        self.a.trouble.as_ref().is_some_and(|error| error.code == ErrorCode::Unauthenticated)
    }
}
