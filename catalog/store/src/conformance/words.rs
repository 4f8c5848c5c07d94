//! Words and what was told.

use std::sync::Arc;

use catalog_core::attempts::Attempts;
use catalog_core::deadline::{Light, LimitKind};
use catalog_core::ports::{Store, Telling};
use catalog_core::words::{Delivery, Destination, Told, Word, WordKind};
use catalog_core::{Error, ErrorCode, Result, Role, Timestamp};

use super::refused;
use super::samples::event;

pub(super) async fn told_and_delivered(store: Arc<dyn Store>) -> Result<()> {
    let told = |matter: &str, since: i64, light| Told {
        matter: matter.to_owned(),
        limit: LimitKind::FormalCheck,
        since: Timestamp(since),
        light,
    };
    let (green, red) = (told("SQ-1", 1, Light::Green), told("SQ-1", 1, Light::Red));
    let again = told("SQ-1", 9, Light::Green);
    let day = Timestamp(1).shanghai_date();
    let (first, second) = (delivery("one", 5), delivery("two", 3));
    let telling = Telling {
        told: vec![green, again.clone()],
        listed: Some(day),
        deliveries: vec![first.clone(), second.clone()],
        events: vec![event("matter.escalated"), event("matter.escalated")],
        ..Telling::default()
    };
    assert!(!store.is_listed(day).await?);
    store.tell(&telling).await?;
    assert!(store.is_listed(day).await?);
    assert_eq!(store.pending(9).await?.len(), 2);

    // A second list of a day writes nothing at all.
    let twice = Telling { deliveries: vec![delivery("three", 1)], ..telling };
    let twice = Telling { told: vec![red.clone()], events: Vec::new(), ..twice };
    refused(store.tell(&twice).await, ErrorCode::Conflict);
    let names = |list: Vec<Delivery>| list.into_iter().map(|delivery| delivery.id).collect::<Vec<_>>();
    assert_eq!(names(store.deliveries().await?), ["one", "two"]);
    store.tell(&Telling { told: vec![red.clone()], over: vec![again], ..Telling::default() }).await?;
    assert_eq!(store.told().await?, [red]);
    assert_eq!(store.pending(9).await?.len(), 2, "no event without one");

    assert_eq!(names(store.due_deliveries(Timestamp(4), 9).await?), ["two"]);
    assert_eq!(names(store.due_deliveries(Timestamp(5), 1).await?), ["two"]);
    let given_up = Attempts { tries: 9, next_at: None, problem: None };
    store.put_delivery(&Delivery { attempts: given_up.clone(), ..second }).await?;
    assert_eq!(names(store.due_deliveries(Timestamp(5), 9).await?), ["one"]);
    store.delivered("one").await?;
    let left = store.deliveries().await?.pop().ok_or_else(|| Error::not_found("the one given up"))?;
    assert_eq!((left.id.as_str(), left.attempts), ("two", given_up));
    Ok(())
}

fn delivery(id: &str, next_at: i64) -> Delivery {
    let word = Word {
        id: id.to_owned(),
        kind: WordKind::Escalated,
        at: Timestamp(1),
        department: None,
        department_name: "主管部门".to_owned(),
        role: Role::AuthorityOfficer,
        total: 0,
        matters: Vec::new(),
    };
    Delivery {
        id: id.to_owned(),
        destination: Destination::Webhook("https://example.cn/".to_owned()),
        word,
        attempts: Attempts::due(Timestamp(next_at)),
    }
}
