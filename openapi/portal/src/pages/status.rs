//! Whether the platform works.

use askama::Template;
use openapi_contract::PlatformStatus;

use crate::around::Around;

/// Seconds in a day.
const DAY: i64 = 86_400;
/// Days after which a backup is old: they are made every day.
const OLD: i64 = 2;

/// Whether the platform works, as far as it is its reader's business.
#[derive(Template)]
#[template(path = "status.html")]
pub struct StatusPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What is known.
    pub found: &'a PlatformStatus,
}

impl StatusPage<'_> {
    /// How long ago something was.
    fn age(&self, at: &catalog_core::Timestamp) -> String {
        let seconds = self.found.at.seconds().saturating_sub(at.seconds()).max(0);
        let (count, chinese, english) = match seconds {
            ..60 => return self.a.say("刚刚", "just now").to_owned(),
            60..3_600 => (seconds / 60, "分钟前", "min ago"),
            3_600..DAY => (seconds / 3_600, "小时前", "h ago"),
            _ => (seconds / DAY, "天前", "days ago"),
        };
        format!("{count} {}", self.a.say(chinese, english))
    }

    fn is_old(&self, at: &catalog_core::Timestamp) -> bool {
        at.plus_seconds(OLD * DAY) <= self.found.at
    }
}
