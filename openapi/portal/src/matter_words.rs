//! The words of the closed lists, in the reader's language.

use std::borrow::Cow;

use catalog_core::context::Role;
use catalog_core::deadline::Light;
use catalog_core::directory::{LifecycleState, LifecycleStep};
use catalog_core::matter::{ApplicantKind, Event, Ground, MatterKind, State};
use catalog_core::policy::{Action, GrantKind, Grantee, Mask};
use catalog_core::{Channel, Timestamp};

use crate::around::{Around, Language};

/// The English name of a kind of matter.
fn kind(one: MatterKind) -> &'static str {
    match one {
        MatterKind::Application => "Application",
        MatterKind::Provision => "Provider's part",
        MatterKind::EmergencyGrant => "Emergency grant",
        MatterKind::GrantImport => "Agreement from before",
        MatterKind::Objection => "Objection",
        MatterKind::Demand => "Demand",
        MatterKind::Disclosure => "Disclosure request",
        MatterKind::Letter => "Letter",
        MatterKind::SecrecyReview => "Secrecy review",
        MatterKind::OpeningItem => "Opening plan item",
        MatterKind::CorrectionNotice => "Correction notice",
    }
}

/// The English name of where a matter stands.
fn state(one: State) -> &'static str {
    match one {
        State::Submitted => "To be checked for form",
        State::Completing => "To be completed",
        State::Accepted => "Accepted",
        State::NotAccepted => "Not accepted",
        State::Routing => "To be routed",
        State::Proposing => "To be proposed",
        State::Confirming => "To be confirmed",
        State::Deciding => "To be decided",
        State::Consulting => "Third party consulted",
        State::Activating => "To be opened",
        State::Delivering => "To be delivered",
        State::InUse => "In use",
        State::Checking => "Being checked",
        State::Correcting => "Being corrected",
        State::Arbitrating => "In arbitration",
        State::Examining => "To be examined",
        State::Planned => "Planned",
        State::Notified => "Notified",
        State::Answered => "Answered",
        State::Passed => "Passed",
        State::Opened => "Opened",
        State::Refused => "Refused",
        State::Withdrawn => "Withdrawn",
        State::Revoked => "Revoked",
        State::Expired => "Expired",
        State::Ended => "Closed",
    }
}

/// The English name of a step, as its button has it.
fn event(one: Event) -> &'static str {
    match one {
        Event::AskCompletion => "Ask for completion",
        Event::Complete => "Complete",
        Event::Abandon => "Close: not completed in time",
        Event::Accept => "Accept",
        Event::AcceptAtOnce => "Accept at once",
        Event::Reject => "Do not accept",
        Event::Route => "Route",
        Event::Return => "Return",
        Event::Propose => "Propose",
        Event::Grant => "Grant",
        Event::GrantInPart => "Grant in part",
        Event::GrantAtOnce => "Grant at once",
        Event::Refuse => "Refuse",
        Event::Extend => "Extend the limit",
        Event::Consult => "Consult a third party",
        Event::Consulted => "Enter the third party's answer",
        Event::Deliver => "Deliver",
        Event::Feedback => "Report on the use",
        Event::End => "Close",
        Event::Withdraw => "Withdraw",
        Event::Revoke => "Revoke",
        Event::Expire => "Expire",
        Event::Uphold => "Uphold",
        Event::Correct => "Correct",
        Event::Answer => "Answer",
        Event::Escalate => "Ask for arbitration",
        Event::Publish => "Publish for everyone",
        Event::Fulfil => "Fulfil",
        Event::Find => "Checked by machine: findings",
        Event::Clear => "Checked by machine: clear",
        Event::Justify => "Justify",
        Event::Start => "Start",
        Event::Postpone => "Postpone",
        Event::Cancel => "Cancel",
        Event::Confirm => "Confirm",
    }
}

impl Around<'_> {
    fn is_english(&self) -> bool {
        self.language == Language::English
    }

    /// A kind of matter.
    pub fn say_kind(&self, kind: &MatterKind) -> String {
        self.say(kind.label(), self::kind(*kind)).to_owned()
    }

    /// Where a matter stands.
    pub fn say_state(&self, state: &State) -> String {
        self.say(state.label(), self::state(*state)).to_owned()
    }

    /// A step of a matter.
    pub fn say_event(&self, event: &Event) -> String {
        self.say(event.label(), self::event(*event)).to_owned()
    }

    /// A light, in words.
    pub fn say_light(&self, light: &Light) -> &'static str {
        let (chinese, english) = match light {
            Light::Paused => ("计时暂停", "Paused"),
            Light::Green => ("绿灯 期限内", "Green: in time"),
            Light::Yellow => ("黄灯 即将到期", "Yellow: nearly due"),
            Light::Red => ("红灯 已超期", "Red: overdue"),
        };
        if self.is_english() { english } else { chinese }
    }

    /// A door.
    pub fn say_door(&self, door: &Channel) -> &'static str {
        let (chinese, english) = match door {
            Channel::Api => ("接口", "API"),
            Channel::Sql => ("SQL 查询", "SQL"),
            Channel::File => ("文件下载", "Files"),
            Channel::Verification => ("比对核验", "Verification"),
            Channel::CommandLine => ("命令行", "Command line"),
        };
        if self.is_english() { english } else { chinese }
    }

    /// A role, where it stands by itself.
    pub fn say_role(&self, role: &Role) -> String {
        let (english, chinese) = role.label().split_once(' ').unwrap_or_default();
        if !self.is_english() {
            return chinese.to_owned();
        }
        let (first, rest) = english.split_at(english.len().min(1));
        format!("{}{}", first.to_ascii_uppercase(), rest.replace('_', " "))
    }

    /// As what somebody of the public asks.
    pub fn say_applicant(&self, kind: &ApplicantKind) -> &'static str {
        let english = match kind {
            ApplicantKind::NaturalPerson => "Natural person",
            ApplicantKind::Enterprise => "Enterprise",
            ApplicantKind::Research => "Research institution",
            ApplicantKind::Welfare => "Public welfare organisation",
            ApplicantKind::LegalService => "Legal service",
            ApplicantKind::OtherBody => "Other body",
        };
        self.say(kind.label(), english)
    }

    /// Why information is not disclosed.
    pub fn say_ground(&self, ground: &Ground) -> &'static str {
        let english = match ground {
            Ground::StateSecret => "A state secret",
            Ground::OtherLaw => "Barred by another law or regulation",
            Ground::Safety => "Endangers security or stability",
            Ground::ThirdParty => "Protects the rights of a third party",
            Ground::InternalAffairs => "Internal affairs",
            Ground::Process => "Deliberations and drafts",
            Ground::EnforcementFile => "A file of administrative enforcement",
            Ground::Inquiry => "To be looked up in a register with rules of its own",
            Ground::NotHeld => "Not held by this body",
            Ground::ToBeMade => "Does not exist and would have to be made",
            Ground::StillUnclear => "Still unclear after its completion",
            Ground::Petition => "A petition, report or complaint",
            Ground::Repeated => "Asked for again",
            Ground::Publication => "Asks for a publication",
            Ground::Excessive => "Many requests without a good reason",
            Ground::Confirmation => "Asks to confirm or reissue what was obtained",
            Ground::Other => "Other",
        };
        self.say(ground.label(), english)
    }

    /// Roles, actions, and states and steps of entries, which the core names in both languages, in the reader's alone.
    pub(crate) fn in_one_language<'m>(&self, text: Cow<'m, str>) -> Cow<'m, str> {
        let of_entries = LifecycleState::ALL.map(LifecycleState::label).into_iter();
        let of_entries = of_entries.chain(LifecycleStep::ALL.map(LifecycleStep::label));
        let labels = Role::ALL.map(Role::label).into_iter().chain(Action::ALL.map(Action::label));
        let labels = labels.chain(of_entries);
        labels.fold(text, |text, label| match text.contains(label) {
            true => {
                let (english, chinese) = label.rsplit_once(' ').unwrap_or((label, label));
                let english = english.replace('_', " ");
                text.replace(label, self.say(chinese, &english)).into()
            }
            false => text,
        })
    }

    /// To whom a grant is given.
    pub fn say_grantee(&self, grantee: &Grantee) -> String {
        match grantee {
            Grantee::Department(department) => department.to_string(),
            Grantee::Developer(account) => account.clone(),
            Grantee::Public => self.say("社会公众", "the public").to_owned(),
        }
    }

    /// What gives the right to a grant.
    pub fn say_grant_kind(&self, kind: &GrantKind) -> &'static str {
        let english = match kind {
            GrantKind::Own => "Own data",
            GrantKind::Unconditional => "Shared unconditionally",
            GrantKind::Conditional => "Shared under a condition",
            GrantKind::Public => "Open to the public",
        };
        self.say(kind.label(), english)
    }

    /// The end of a period, to the minute: midnight is 24:00 of the day that ends.
    pub fn say_end(&self, at: &Timestamp) -> String {
        let end = at.shanghai_end();
        end.get(..16).unwrap_or(&end).to_owned()
    }

    /// A mask.
    pub fn say_mask(&self, mask: &Mask) -> String {
        let pair = match mask {
            Mask::Null => ("置空".to_owned(), "empty".to_owned()),
            Mask::Constant { text } => (format!("固定为“{text}”"), format!("always “{text}”")),
            Mask::KeepFirst { count: 1 } => ("只留前 1 位".to_owned(), "the first character".to_owned()),
            Mask::KeepFirst { count } => {
                (format!("只留前 {count} 位"), format!("the first {count} characters"))
            }
            Mask::KeepLast { count: 1 } => ("只留后 1 位".to_owned(), "the last character".to_owned()),
            Mask::KeepLast { count } => {
                (format!("只留后 {count} 位"), format!("the last {count} characters"))
            }
            Mask::Year => ("只留年份".to_owned(), "the year".to_owned()),
            Mask::Bucket { width } => (format!("按 {width} 取整"), format!("rounded down to {width}")),
            Mask::Pseudonym { .. } => ("假名".to_owned(), "a pseudonym".to_owned()),
        };
        if self.is_english() { pair.1 } else { pair.0 }
    }
}
