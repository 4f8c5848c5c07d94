//! What the public confides.

use std::sync::Arc;

use catalog_core::deadline::Rules;
use catalog_core::matter::{Applicant, Content, Letter, Matter, State};
use catalog_core::ports::{MatterChange, Store};
use catalog_core::{ErrorCode, Result, Timestamp};

use super::refused;
use super::samples::event;

pub(super) async fn kept_replaced_and_erased(store: Arc<dyn Store>) -> Result<()> {
    let number = "LX-2026-000001";
    let content = Content::Letter(Letter { title: "样例".to_owned() });
    let applicant = Applicant::Public("00".repeat(32));
    let opened = (None, Timestamp(0));
    let letter =
        Matter::open(number.to_owned(), content, applicant, None, State::Routing, opened, &Rules::default())?;
    let change = |matter: &Matter, seen, sealed: &str| MatterChange {
        matters: vec![(matter.clone(), seen, event("matter.opened"))],
        confidential: Some((number.to_owned(), sealed.to_owned())),
        ..MatterChange::default()
    };
    assert_eq!(store.confidential(number).await?, None);
    store.save_matters(&change(&letter, None, "first")).await?;
    assert_eq!(store.confidential(number).await?.as_deref(), Some("first"));
    // With a step that fails nothing is replaced.
    let later = Matter { revision: 2, ..letter.clone() };
    refused(store.save_matters(&change(&later, Some(7), "lost")).await, ErrorCode::Conflict);
    assert_eq!(store.confidential(number).await?.as_deref(), Some("first"));
    store.save_matters(&change(&later, Some(1), "second")).await?;
    assert_eq!(store.confidential(number).await?.as_deref(), Some("second"));
    assert_eq!(store.confidential_numbers().await?, [number]);

    let before = store.pending(100).await?.len();
    store.erase_confidential(number, &event("applicant.erased")).await?;
    store.erase_confidential(number, &event("applicant.erased")).await?;
    assert_eq!(store.confidential(number).await?, None);
    assert!(store.confidential_numbers().await?.is_empty());
    assert_eq!(store.pending(100).await?.len(), before + 1, "erased once, with one event");
    Ok(())
}
