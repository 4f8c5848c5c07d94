//! Subscriptions 订阅: who is told, by a signed request to an address of their own, of what happens to a dataset or to what a
//! search finds.
//!
//! A subscription remembers what its owner was told last of each dataset, and compares it with what the owner may see now. So it is
//! told of whatever comes to be seen, for whichever reason, once, and of nothing else; what is no longer seen is not mentioned.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::attempts::Attempts;
use crate::context::Principal;
use crate::dataset::Standing;
use crate::error::{Error, ErrorCode};
use crate::ids::{DepartmentId, ResourceCode};
use crate::ports::SearchQuery;
use crate::time::Timestamp;

/// Subscriptions that one owner has at a time.
pub const MOST_SUBSCRIPTIONS: usize = 20;
/// Datasets that one search may find when it is subscribed to; of one that finds more later, the first by code are followed.
pub const MOST_HITS: usize = 500;
/// Bytes of a search, as JSON.
pub const SEARCH_BYTES: usize = 4096;
/// Conditions of a search, counting each alternative: all are looked at in every round.
pub const MOST_CONDITIONS: usize = 16;
/// Subscriptions of one owner that are tried at the same time.
pub const ABREAST: u32 = 4;
/// Seconds after which a subscription ends that nobody confirms or resumes.
const FORSAKEN_SECONDS: i64 = 30 * 86_400;
/// The newest versions of a dataset that are compared.
pub(crate) const VERSIONS: usize = 30;
/// Notifications given up in a row, after which a subscription is suspended.
const MOST_GIVEN_UP: u32 = 3;

/// Who subscribes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Subscriber {
    /// A registered developer, by login name: told of what the public sees.
    Developer(String),
    /// A department: told of what its directory and its grants show.
    Department(DepartmentId),
}

impl Subscriber {
    /// As the store finds it: `developer dev-1a2b`, `department scjg`.
    pub fn label(&self) -> String {
        match self {
            Self::Developer(id) => format!("developer {id}"),
            Self::Department(id) => format!("department {id}"),
        }
    }

    /// Whether it is a department in whose place another one reads by now.
    pub(crate) fn is_continued_by(&self, reader: &Principal) -> bool {
        matches!(self, Self::Department(id) if reader.department.as_ref() != Some(id))
    }
}

/// The refusal of one subscription more than an owner may have.
pub fn too_many() -> Error {
    let message = format!("there are {MOST_SUBSCRIPTIONS} subscriptions at most: end one that is not used");
    Error::new(ErrorCode::LimitRate, message)
}

/// What is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One dataset, by its code.
    Dataset(ResourceCode),
    /// What a search of the directory finds.
    Search(Box<SearchQuery>),
}

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubscriptionState {
    /// Its receiver has not shown yet that it wants to be told.
    Pending,
    /// Notifications are made and carried.
    Active,
    /// Nothing is carried until its owner resumes it.
    Suspended,
}

/// Subscriptions by state, and what never arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionCounts {
    /// Those that are told.
    pub active: u64,
    /// Those whose receiver has not confirmed yet.
    pub pending: u64,
    /// Those that wait for their owner to resume them.
    pub suspended: u64,
    /// Notifications that were given up.
    pub given_up: u64,
}

/// Why a subscription is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Suspension {
    /// The challenge was given up: the receiver never echoed it.
    NotConfirmed,
    /// Several notifications in a row were given up.
    GivenUp,
    /// The catalogue was restored from a backup, which may not know that a subscription had ended.
    Restored,
    /// Another department continues its owner's, and has not yet said that this receiver is to hear what it may see.
    Continued,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Identity, a UUID of version 7.
    pub id: String,
    /// Whose it is.
    pub owner: Subscriber,
    /// What it is about.
    pub target: Target,
    /// The receiver's address, sealed under the identity; base64.
    pub receiver: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it stands.
    pub state: SubscriptionState,
    /// Why it is suspended.
    pub suspension: Option<Suspension>,
    /// Since when it stands so; where nobody has written it down, since it was made.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Notifications given up since the last that arrived.
    pub given_up: u32,
    /// Notifications made for it so far: each has its place.
    pub made: i64,
    /// What was told last of each dataset.
    pub seen: BTreeMap<ResourceCode, Seen>,
    /// Raised by each write: of two writers one wins.
    pub revision: i64,
}

/// What evidence commits to of a subscription: all that its owner decides.
#[derive(Serialize)]
pub(crate) struct SubscriptionFacts<'a> {
    id: &'a str,
    owner: &'a Subscriber,
    target: &'a Target,
    receiver: &'a str,
}

/// What was told last of a dataset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Digest of its description.
    pub description: String,
    /// How its newest versions stood, by number.
    pub versions: BTreeMap<i64, Standing>,
}

/// A version as somebody sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VersionSight {
    /// How it stands.
    pub(crate) standing: Standing,
    /// Since when, or from when on.
    pub(crate) since: Option<Timestamp>,
}

/// A dataset as somebody sees it now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Digest of its description.
    pub(crate) description: String,
    /// Its newest versions, by number.
    pub(crate) versions: BTreeMap<i64, VersionSight>,
    /// The one that `latest` means.
    pub(crate) latest: Option<i64>,
}

/// What a notification tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Nothing yet: asks the receiver whether it wants to be told.
    Challenge,
    /// The dataset is seen from now on.
    Listed,
    /// Its description has changed.
    DescriptionChanged,
    /// A version is its data from now on.
    VersionPublished,
    /// A version is announced that removes or changes columns.
    VersionAnnounced,
    /// A version was withdrawn.
    VersionWithdrawn,
}

/// One thing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct News {
    /// What.
    pub(crate) what: Happening,
    /// Of which version.
    pub(crate) version: Option<i64>,
    /// Since when it is so, or from when on it will be.
    pub(crate) since: Option<Timestamp>,
}

impl Sight {
    /// What is to be remembered of it.
    pub(crate) fn seen(&self) -> Seen {
        let standing = |(number, version): (&i64, &VersionSight)| (*number, version.standing);
        Seen { description: self.description.clone(), versions: self.versions.iter().map(standing).collect() }
    }

    /// What is new to somebody who has seen that before, or nothing. A version older than all that were known is no news, and of a
    /// dataset none of whose versions were seen only the latest and announced ones are. Of what lies behind the memory only the
    /// withdrawal is news.
    pub(crate) fn news(&self, before: Option<&Seen>) -> Vec<News> {
        let Some(before) = before else {
            return vec![News { what: Happening::Listed, version: self.latest, since: None }];
        };
        let mut news = Vec::new();
        if before.description != self.description {
            news.push(News { what: Happening::DescriptionChanged, version: None, since: None });
        }
        let first = before.versions.keys().next();
        // The memory of more versions is cut off here: those before it were known and stood.
        let start = before.versions.keys().rev().nth(VERSIONS - 1);
        for (number, version) in &self.versions {
            let is_told = match (first, version.standing) {
                (Some(first), standing) => number >= first || standing == Standing::Withdrawn,
                (None, Standing::Published) => self.latest == Some(*number),
                (None, standing) => standing == Standing::Announced,
            };
            let known = before.versions.get(number).copied();
            let is_behind = start.is_some_and(|start| number < start);
            let known = known.or_else(|| is_behind.then_some(Standing::Published));
            let what = what_happened(known, version.standing).filter(|_| is_told);
            news.extend(what.map(|what| News { what, version: Some(*number), since: version.since }));
        }
        news
    }
}

/// What has happened to a version that stood otherwise.
fn what_happened(before: Option<Standing>, now: Standing) -> Option<Happening> {
    match now {
        now if before == Some(now) => None,
        Standing::Published => Some(Happening::VersionPublished),
        Standing::Announced => Some(Happening::VersionAnnounced),
        // Who was never told that it was there is not told that it is gone.
        Standing::Withdrawn => before.map(|_| Happening::VersionWithdrawn),
        Standing::AwaitsReview => None,
    }
}

/// What a subscriber is told once, and how far the tries have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Identity, by which a receiver knows a repetition.
    pub id: String,
    /// The subscription.
    pub subscription: String,
    /// Its place among those of the subscription, from 1: they are carried in this order.
    pub place: i64,
    /// What it tells.
    pub what: Happening,
    /// Of which dataset; none for a challenge.
    pub resource: Option<ResourceCode>,
    /// Of which version.
    pub version: Option<i64>,
    /// Since when it is so, or from when on it will be.
    pub since: Option<Timestamp>,
    /// When it was made.
    pub at: Timestamp,
    /// The tries.
    pub attempts: Attempts,
    /// When it arrived.
    pub arrived_at: Option<Timestamp>,
}

impl Notification {
    /// Whether it is not tried any more, and has not arrived.
    pub fn is_given_up(&self) -> bool {
        self.arrived_at.is_none() && self.attempts.next_at.is_none()
    }
}

/// Why a try failed. Nothing of the receiver's answer is told but this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The address lies outside of the networks that the operator named.
    NotPermitted,
    /// Nothing answers there, or not in time.
    NotReached,
    /// It answers with a redirect, which is not followed.
    Redirected,
    /// It answers with another status than 2xx.
    Refused,
    /// It did not echo the challenge.
    NotConfirmed,
}

impl Failure {
    /// The code, as it is shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted",
            Self::NotReached => "not_reached",
            Self::Redirected => "redirected",
            Self::Refused => "refused",
            Self::NotConfirmed => "not_confirmed",
        }
    }
}

impl Subscription {
    /// A subscription whose receiver is still to be asked. `receiver` is sealed under `id`.
    pub(crate) fn new(
        id: String,
        owner: Subscriber,
        target: Target,
        receiver: String,
        created_at: Timestamp,
    ) -> Self {
        let (state, suspension) = (SubscriptionState::Pending, None);
        let (since, given_up, made, seen, revision) = (Some(created_at), 0, 0, BTreeMap::new(), 0);
        Self {
            id,
            owner,
            target,
            receiver,
            created_at,
            state,
            suspension,
            since,
            given_up,
            made,
            seen,
            revision,
        }
    }

    /// Whether nobody has confirmed or resumed it for so long that nobody wants it any more.
    pub fn is_forsaken(&self, now: Timestamp) -> bool {
        let since = self.since.unwrap_or(self.created_at);
        self.state != SubscriptionState::Active && since.plus_seconds(FORSAKEN_SECONDS) <= now
    }

    pub(crate) fn facts(&self) -> SubscriptionFacts<'_> {
        let Self { id, owner, target, receiver, .. } = self;
        SubscriptionFacts { id, owner, target, receiver }
    }

    /// The next notification.
    pub(crate) fn tell(&mut self, resource: &ResourceCode, news: News, now: Timestamp) -> Notification {
        let News { what, version, since } = news;
        let notification = self.next(what, now);
        Notification { resource: Some(resource.clone()), version, since, ..notification }
    }

    /// The question to the receiver whether it wants to be told; until it answers nothing else is carried.
    pub(crate) fn challenge(&mut self, now: Timestamp) -> Notification {
        self.state = SubscriptionState::Pending;
        self.suspension = None;
        self.since = Some(now);
        self.given_up = 0;
        self.next(Happening::Challenge, now)
    }

    fn next(&mut self, what: Happening, now: Timestamp) -> Notification {
        self.made += 1;
        Notification {
            id: uuid::Uuid::now_v7().to_string(),
            subscription: self.id.clone(),
            place: self.made,
            what,
            resource: None,
            version: None,
            since: None,
            at: now,
            attempts: Attempts::due(now),
            arrived_at: None,
        }
    }

    /// Notes how a try of one of its notifications ended.
    pub(crate) fn note(
        &mut self,
        notification: &mut Notification,
        outcome: Result<(), Failure>,
        now: Timestamp,
    ) {
        let is_challenge = notification.what == Happening::Challenge;
        match outcome {
            Ok(()) => {
                notification.attempts.arrive();
                notification.arrived_at = Some(now);
                self.given_up = 0;
                if is_challenge && self.state == SubscriptionState::Pending {
                    self.state = SubscriptionState::Active;
                    self.since = Some(now);
                }
            }
            Err(failure) => {
                notification.attempts.fail(failure.code().to_owned(), now);
                if notification.attempts.next_at.is_some() {
                    return;
                }
                self.given_up = self.given_up.saturating_add(1);
                if is_challenge {
                    self.suspend(Suspension::NotConfirmed, now);
                } else if self.given_up >= MOST_GIVEN_UP {
                    self.suspend(Suspension::GivenUp, now);
                }
            }
        }
    }

    /// Carries nothing until its owner resumes it.
    pub(crate) fn suspend(&mut self, why: Suspension, now: Timestamp) {
        self.state = SubscriptionState::Suspended;
        self.suspension = Some(why);
        self.since = Some(now);
    }
}
