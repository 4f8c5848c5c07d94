//! A step as its form sends it.

use catalog_core::matter::{CheckAnswer, Content, Event, Ground, Matter, Outcome, Withheld};
use catalog_core::services::{Act, ThirdParty};
use catalog_core::{DepartmentId, Error, ErrorCode, ResourceCode, Result};
use openapi_portal::Typed;
use serde::de::DeserializeOwned;

/// Reads the word of a closed list.
pub(super) fn word<T: DeserializeOwned>(text: &str, what: &str) -> Result<T> {
    let found = serde_json::from_value(serde_json::Value::String(text.to_owned()));
    found.map_err(|_| Error::new(ErrorCode::InvalidInput, format!("“{}”不是可选的{what}", shown(text))))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

/// A step with its words alone.
pub(super) fn plain(event: Event, typed: &Typed) -> Act {
    let text = |name: &str| typed.filled(name).map(str::to_owned);
    // What is no number was compared with the matter's before.
    let revision = typed.filled("revision").and_then(|text| text.parse().ok());
    Act { revision, ..Act::new(event, text("reason"), text("legal_basis")) }
}

/// The step that a matter's page sends.
pub(super) fn act_of(typed: &Typed, matter: &Matter) -> Result<Act> {
    let event: Event = word(typed.of("event"), "步骤")?;
    let number = |name: &str| {
        let wrong = |_| Error::new(ErrorCode::InvalidInput, format!("`{name}` 须填数字"));
        typed.filled(name).map(|text| text.parse::<i64>().map_err(wrong)).transpose()
    };
    let wrong_day = |_| Error::new(ErrorCode::InvalidInput, "日期写作 2026-01-31");
    let third_party = || ThirdParty {
        name: typed.of("third_party").trim().to_owned(),
        text: typed.of("third_text").trim().to_owned(),
    };
    Ok(Act {
        department: typed.filled("department").map(DepartmentId::new).transpose()?,
        resource: typed.filled("resource").map(ResourceCode::from_path).transpose()?,
        version: number("version")?,
        wrong_since: number("wrong_since")?,
        third_party: matches!(event, Event::Consult | Event::Consulted).then(third_party),
        outcome: outcome(typed, event, matter)?,
        due: typed.filled("due").map(|day| day.parse().map_err(wrong_day)).transpose()?,
        answers: answers(typed, event, matter),
        ..plain(event, typed)
    })
}

/// What a decision about a disclosure request gives and withholds.
fn outcome(typed: &Typed, event: Event, matter: &Matter) -> Result<Option<Outcome>> {
    let decides = matches!(event, Event::Grant | Event::GrantInPart | Event::Refuse);
    if !decides || !matches!(matter.content, Content::Disclosure(_)) {
        return Ok(None);
    }
    let ground = typed.filled("ground").map(|text| word::<Ground>(text, "理由")).transpose()?;
    let what = typed.filled("withheld").map(str::to_owned);
    let withheld = match (what, ground) {
        (Some(what), Some(ground)) => {
            vec![Withheld { what, ground, article: typed.of("article").trim().to_owned() }]
        }
        _ => Vec::new(),
    };
    let ground = ground.filter(|_| event == Event::Refuse);
    Ok(Some(Outcome { given: typed.of("given").trim().to_owned(), withheld, ground }))
}

/// The answers to the check list of a secrecy review.
fn answers(typed: &Typed, event: Event, matter: &Matter) -> Option<Vec<CheckAnswer>> {
    let Content::SecrecyReview(review) = &matter.content else { return None };
    if !matches!(event, Event::Grant | Event::Refuse) {
        return None;
    }
    let answer = |index: usize| CheckAnswer {
        answer: typed.has("yes", index.to_string()),
        note: typed.of(format!("note-{index}")).trim().to_owned(),
    };
    Some((0..review.checklist.len()).map(answer).collect())
}
