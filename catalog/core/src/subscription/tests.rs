use super::*;

const NOW: Timestamp = Timestamp(1_772_416_800_000_000);

fn sight(description: &str, versions: &[(i64, Standing)]) -> Sight {
    let version = |(number, standing): &(i64, Standing)| {
        (*number, VersionSight { standing: *standing, since: Some(NOW) })
    };
    let published = versions.iter().rfind(|(_, standing)| *standing == Standing::Published);
    Sight {
        description: description.to_owned(),
        versions: versions.iter().map(version).collect(),
        latest: published.map(|(number, _)| *number),
    }
}

fn told(before: Option<&Sight>, now: &Sight) -> Vec<(Happening, Option<i64>)> {
    let before = before.map(Sight::seen);
    now.news(before.as_ref()).into_iter().map(|news| (news.what, news.version)).collect()
}

#[test]
fn only_what_has_come_to_be_seen_is_told() {
    use Happening::*;
    use Standing::*;
    let none = sight("a", &[]);
    let one = sight("a", &[(1, Published)]);
    assert_eq!(told(None, &one), [(Listed, Some(1))]);
    assert_eq!(told(None, &none), [(Listed, None)]);
    assert_eq!(told(Some(&one), &one), []);
    assert_eq!(told(Some(&one), &sight("b", &[(1, Published)])), [(DescriptionChanged, None)]);
    let two = sight("a", &[(1, Published), (2, Announced)]);
    assert_eq!(told(Some(&one), &two), [(VersionAnnounced, Some(2))]);
    assert_eq!(
        told(Some(&two), &sight("a", &[(1, Withdrawn), (2, Published)])),
        [(VersionWithdrawn, Some(1)), (VersionPublished, Some(2))]
    );
    // What was there and gone between two looks is nothing, and neither is what is older than all that was known.
    assert_eq!(told(Some(&one), &sight("a", &[(1, Published), (2, Withdrawn)])), []);
    let later = sight("a", &[(2, Published)]);
    assert_eq!(told(Some(&later), &sight("a", &[(1, Published), (2, Published)])), []);
    // A version that is cleared later than the next one is told of.
    let around = sight("a", &[(1, Published), (3, Published)]);
    let all = sight("a", &[(1, Published), (2, Published), (3, Published)]);
    assert_eq!(told(Some(&around), &all), [(VersionPublished, Some(2))]);
    // Where a dataset is opened, its past is no news.
    assert_eq!(
        told(Some(&none), &sight("a", &[(1, Published), (2, Published), (3, Announced)])),
        [(VersionPublished, Some(2)), (VersionAnnounced, Some(3))]
    );
    // What is no longer seen is not mentioned.
    assert_eq!(told(Some(&one), &none), []);
    // Of what lies behind the memory only its withdrawal is told, once.
    let newest: Vec<_> = (3..33).map(|number| (number, Published)).collect();
    let more = |old: &[(i64, Standing)]| sight("a", &[old, &newest[..]].concat());
    let withdrawn = more(&[(2, Withdrawn)]);
    assert_eq!(told(Some(&more(&[])), &withdrawn), [(VersionWithdrawn, Some(2))]);
    assert_eq!(told(Some(&withdrawn), &withdrawn), []);
    assert_eq!(told(Some(&withdrawn), &more(&[(1, Published), (2, Withdrawn)])), []);
}

fn subscription() -> Subscription {
    let owner = Subscriber::Developer("dev-1".to_owned());
    let target = Target::Dataset(ResourceCode::new("301001/000001").unwrap());
    Subscription::new("1".to_owned(), owner, target, "sealed".to_owned(), NOW)
}

fn give_up(subscription: &mut Subscription, notification: &mut Notification) {
    while notification.attempts.next_at.is_some() {
        subscription.note(notification, Err(Failure::Refused), NOW);
    }
}

#[test]
fn nothing_is_carried_before_the_receiver_wants_it_and_after_it_fell_silent() {
    let mut subscription = subscription();
    let mut challenge = subscription.challenge(NOW);
    subscription.note(&mut challenge, Err(Failure::NotConfirmed), NOW);
    assert_eq!(subscription.state, SubscriptionState::Pending);
    give_up(&mut subscription, &mut challenge);
    let how = |subscription: &Subscription| (subscription.state, subscription.suspension);
    assert_eq!(how(&subscription), (SubscriptionState::Suspended, Some(Suspension::NotConfirmed)));

    let mut challenge = subscription.challenge(NOW);
    assert_eq!(how(&subscription), (SubscriptionState::Pending, None));
    subscription.note(&mut challenge, Ok(()), NOW);
    assert_eq!((subscription.state, challenge.arrived_at), (SubscriptionState::Active, Some(NOW)));

    let code = ResourceCode::new("301001/000001").unwrap();
    let news = News { what: Happening::VersionPublished, version: Some(1), since: None };
    for place in 1..=4 {
        let mut notification = subscription.tell(&code, news, NOW);
        assert_eq!(notification.place, place + 2);
        if place == 2 {
            subscription.note(&mut notification, Ok(()), NOW);
        } else {
            give_up(&mut subscription, &mut notification);
        }
        assert_eq!(subscription.state, SubscriptionState::Active, "{place}");
    }
    let mut last = subscription.tell(&code, news, NOW);
    give_up(&mut subscription, &mut last);
    assert_eq!(how(&subscription), (SubscriptionState::Suspended, Some(Suspension::GivenUp)));
    // What arrives late does not wake it.
    last.attempts.again(NOW);
    subscription.note(&mut last, Ok(()), NOW);
    assert_eq!(subscription.state, SubscriptionState::Suspended);
}

#[test]
fn a_successor_is_not_the_department_that_subscribed() {
    let [old, new] = ["scjg", "sjj"].map(|id| DepartmentId::new(id).unwrap());
    let reader =
        |department: &DepartmentId| Principal { department: Some(department.clone()), ..Principal::public() };
    let owner = Subscriber::Department(old.clone());
    assert!(!owner.is_continued_by(&reader(&old)));
    assert!(owner.is_continued_by(&reader(&new)));
    assert!(!Subscriber::Developer("dev-1".to_owned()).is_continued_by(&Principal::public()));
}

#[test]
fn what_nobody_resumes_for_a_month_is_forsaken() {
    let mut subscription = subscription();
    let month = NOW.plus_seconds(FORSAKEN_SECONDS);
    assert!(!subscription.is_forsaken(month.plus_seconds(-1)) && subscription.is_forsaken(month));
    let mut challenge = subscription.challenge(NOW);
    subscription.note(&mut challenge, Ok(()), NOW);
    assert!(!subscription.is_forsaken(month), "who is told is not");
    subscription.suspend(Suspension::Continued, month);
    assert!(!subscription.is_forsaken(month.plus_seconds(FORSAKEN_SECONDS - 1)));
    assert!(subscription.is_forsaken(month.plus_seconds(FORSAKEN_SECONDS)));
}
