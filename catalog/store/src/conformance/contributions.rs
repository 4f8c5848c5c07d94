//! What the public contributes.

use std::sync::Arc;

use catalog_core::contribution::{
    Author, Contributed, Contribution, ContributionKind, ContributionState, Feedback, MOST_WAITING_ABOUT_ONE,
    Work,
};
use catalog_core::ports::{ContributionFilter, Store};
use catalog_core::{DepartmentId, ErrorCode, ResourceCode, Result, Timestamp};

use super::refused;
use super::samples::{department, event, published, resource};

fn contribution(id: &str, content: Contributed) -> Contribution {
    let (at, state) = (Timestamp(1), ContributionState::Waiting);
    let (look, reply) = (None, None);
    Contribution {
        id: id.to_owned(),
        at,
        author: Author::Public,
        content,
        contact: None,
        state,
        look,
        reply,
        revision: 0,
    }
}

fn feedback(id: &str, code: &str, rating: u8) -> Result<Contribution> {
    let feedback = Feedback { resource: ResourceCode::new(code)?, rating, text: "好".to_owned() };
    Ok(contribution(id, Contributed::Feedback(feedback)))
}

fn filter(kind: ContributionKind) -> ContributionFilter {
    ContributionFilter { kind, state: None, resource: None, provider: None, before: None, limit: 9 }
}

fn names(list: &[Contribution]) -> Vec<&str> {
    list.iter().map(|contribution| contribution.id.as_str()).collect()
}

pub(super) async fn kept_and_listed(store: Arc<dyn Store>) -> Result<()> {
    let change = || event("contribution.made");
    for id in ["scjg", "gaj"] {
        store.put_department(&department(id, id)?, &event("department.put")).await?;
    }
    let (one, other) = ("301001/000001", "301001/000002");
    store.save_entry(&published(resource("scjg", one, "甲")?), None, &event("entry.saved")).await?;
    store.save_entry(&published(resource("gaj", other, "乙")?), None, &event("entry.saved")).await?;
    let mut first = feedback("a", one, 2)?;
    store.save_contribution(&first, &change()).await?;
    store.save_contribution(&feedback("b", other, 5)?, &change()).await?;
    let resources = vec![ResourceCode::new(one)?, ResourceCode::new(other)?];
    let work = Work { title: "名".to_owned(), text: "文".to_owned(), link: None, resources };
    store.save_contribution(&contribution("c", Contributed::Work(work)), &change()).await?;
    refused(store.save_contribution(&feedback("a", one, 2)?, &change()).await, ErrorCode::Conflict);

    let (of_feedback, of_works) = (filter(ContributionKind::Feedback), filter(ContributionKind::Work));
    assert_eq!(names(&store.contributions(&of_feedback).await?), ["b", "a"]);
    assert_eq!(names(&store.contributions(&of_works).await?), ["c"]);
    let about = ContributionFilter { resource: Some(ResourceCode::new(other)?), ..of_works.clone() };
    assert_eq!(names(&store.contributions(&about).await?), ["c"]);
    let own = ContributionFilter { provider: Some(DepartmentId::new("scjg")?), ..of_feedback.clone() };
    assert_eq!(names(&store.contributions(&own).await?), ["a"]);
    let before = ContributionFilter { before: Some("b".to_owned()), ..of_feedback.clone() };
    assert_eq!(names(&store.contributions(&before).await?), ["a"]);
    let few = ContributionFilter { limit: 1, ..of_feedback.clone() };
    assert_eq!(names(&store.contributions(&few).await?), ["b"]);

    // Of two writers one wins; what is shown counts.
    let code = ResourceCode::new(one)?;
    assert_eq!(store.ratings(&code).await?, (0, 0));
    first.revision = 1;
    first.state = ContributionState::Shown;
    store.save_contribution(&first, &event("contribution.shown")).await?;
    refused(store.save_contribution(&first, &event("contribution.shown")).await, ErrorCode::Conflict);
    assert_eq!(store.ratings(&code).await?, (1, 2));
    first.revision = 2;
    assert_eq!(store.contribution("a").await?, Some(first));
    let shown = ContributionFilter { state: Some(ContributionState::Shown), ..of_feedback };
    assert_eq!(names(&store.contributions(&shown).await?), ["a"]);
    assert_eq!(store.contribution("nothing").await?, None);
    assert_eq!(store.pending(20).await?.len(), 8, "each change has its event");
    Ok(())
}

pub(super) async fn few_wait(store: Arc<dyn Store>) -> Result<()> {
    for number in 0..MOST_WAITING_ABOUT_ONE {
        let one = feedback(&format!("{number:03}"), "301001/000001", 1)?;
        store.save_contribution(&one, &event("contribution.made")).await?;
    }
    let more = feedback("more", "301001/000001", 1)?;
    refused(store.save_contribution(&more, &event("contribution.made")).await, ErrorCode::Unavailable);
    assert_eq!(store.contribution("more").await?, None);
    store.save_contribution(&feedback("other", "301001/000002", 1)?, &event("contribution.made")).await?;
    let mut first = feedback("000", "301001/000001", 1)?;
    (first.revision, first.state) = (1, ContributionState::Refused);
    store.save_contribution(&first, &event("contribution.refused")).await?;
    store.save_contribution(&more, &event("contribution.made")).await
}
