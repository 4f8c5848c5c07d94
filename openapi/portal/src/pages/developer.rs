//! Developers: registering, keys with their use and quota, subscriptions.

use askama::Template;
use catalog_core::quota::Quotas;
use catalog_core::subscription::{Happening, SubscriptionState, Suspension, Target};
use openapi_contract::{ApiKeyView, DeliveryState, IssuedApiKey, KeyDay, NotificationView, SubscriptionView};
use serde::Deserialize;

use crate::around::Around;

/// Days of use that are shown.
const DAYS: usize = 31;

/// What a developer has.
#[derive(Debug, Clone, Copy)]
pub struct OwnKeys<'a> {
    /// The keys, the newest first.
    pub keys: &'a [ApiKeyView],
    /// How much may be asked.
    pub quotas: Quotas,
    /// Requests and bytes that are left in the window that runs.
    pub left: (u64, u64),
}

/// The developer's page: keys and their use; how to begin, for everybody else.
#[derive(Template)]
#[template(path = "developer/keys.html")]
pub struct DeveloperPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What the reader has; nothing for who is no developer.
    pub own: Option<OwnKeys<'a>>,
    /// A key that was just made, with its secret.
    pub made: Option<&'a IssuedApiKey>,
    /// The name that was typed.
    pub name: &'a str,
    /// The days that were typed.
    pub days: &'a str,
}

/// The form by which developers register.
#[derive(Template)]
#[template(path = "developer/register.html")]
pub struct RegisterPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The name that was typed.
    pub name: &'a str,
    /// The address that was typed.
    pub email: &'a str,
    /// Whether a letter is on its way.
    pub is_sent: bool,
}

/// What somebody fills in who subscribes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct SubscriptionForm {
    /// Code of a dataset.
    pub dataset: String,
    /// Words of a search, where no dataset is named.
    pub words: String,
    /// The receiver's address.
    pub receiver: String,
}

/// The reader's subscriptions with what they were told.
#[derive(Template)]
#[template(path = "developer/subscriptions.html")]
pub struct SubscriptionsPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Each with its notifications, the newest first.
    pub subscriptions: &'a [(SubscriptionView, Vec<NotificationView>)],
    /// What was typed.
    pub typed: &'a SubscriptionForm,
}

impl DeveloperPage<'_> {
    fn is_valid(&self, key: &ApiKeyView) -> bool {
        key.revoked_at.is_none()
    }

    fn recent<'s>(&self, key: &'s ApiKeyView) -> &'s [KeyDay] {
        key.usage.get(..DAYS).unwrap_or(&key.usage)
    }

    /// The most requests of a day that is shown: the bars' whole length.
    fn most(&self, key: &ApiKeyView) -> u64 {
        self.recent(key).iter().map(|day| day.requests).max().unwrap_or(0).max(1)
    }
}

impl SubscriptionsPage<'_> {
    fn target(&self, one: &SubscriptionView) -> String {
        match &one.target {
            Target::Dataset(code) => format!("{} {code}", self.a.say("数据资源", "Dataset")),
            Target::Search(query) => format!("{} “{}”", self.a.say("检索", "Search"), query.text),
        }
    }

    fn state(&self, one: &SubscriptionView) -> &str {
        match one.state {
            SubscriptionState::Pending => self.a.say("等待接收方确认", "Waits for its receiver"),
            SubscriptionState::Active => self.a.say("有效", "Active"),
            SubscriptionState::Suspended => self.a.say("已暂停", "Suspended"),
        }
    }

    fn why(&self, one: &SubscriptionView) -> &str {
        match one.suspension {
            Some(Suspension::NotConfirmed) => self.a.say("接收方没有确认", "its receiver did not confirm"),
            Some(Suspension::GivenUp) => self.a.say("连续多次送达失败", "several were given up in a row"),
            Some(Suspension::Restored) => self.a.say("平台从备份恢复", "the platform was restored"),
            Some(Suspension::Continued) => self.a.say("部门职能已承继", "another department continues yours"),
            None => "",
        }
    }

    fn is_suspended(&self, one: &SubscriptionView) -> bool {
        one.state == SubscriptionState::Suspended
    }

    fn what(&self, one: &NotificationView) -> &str {
        match one.what {
            Happening::Challenge => self.a.say("确认接收", "Challenge"),
            Happening::Listed => self.a.say("新上目录", "Listed"),
            Happening::DescriptionChanged => self.a.say("说明变更", "Description changed"),
            Happening::VersionPublished => self.a.say("新版本", "Version published"),
            Happening::VersionAnnounced => self.a.say("版本预告", "Version announced"),
            Happening::VersionWithdrawn => self.a.say("版本撤回", "Version withdrawn"),
        }
    }

    fn delivery(&self, one: &NotificationView) -> &str {
        match one.state {
            DeliveryState::Waiting => self.a.say("等待送达", "Waiting"),
            DeliveryState::Arrived => self.a.say("已送达", "Arrived"),
            DeliveryState::Dead => self.a.say("未送达", "Dead"),
        }
    }

    fn may_retry(&self, one: &NotificationView) -> bool {
        one.state == DeliveryState::Dead && one.what != Happening::Challenge
    }

    fn dataset(&self, one: &NotificationView) -> String {
        one.dataset.as_ref().map(ToString::to_string).unwrap_or_default()
    }

    fn problem<'s>(&self, one: &'s NotificationView) -> &'s str {
        one.problem.as_deref().unwrap_or_default()
    }
}
