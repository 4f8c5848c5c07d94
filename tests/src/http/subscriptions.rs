//! Signed webhooks: what a receiver that nobody here wrote is told, when, and how often.

mod feed;
mod policy;
mod refusals;

use ::http::{Method, StatusCode};
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use super::developer_keys::lies_in_folder;
use crate::support::city::{CODE, City, ROWS, resource};
use crate::support::server::{Answer, Bounds, Call};
use crate::support::webhooks::Receiver;

const SUBSCRIPTIONS: &str = "/api/v1/subscriptions";

/// A city with open data whose clock stands still, a developer of it, and a receiver on this machine.
struct Desk {
    city: City,
    developer: SigningKey,
    receiver: Receiver,
}

fn dataset() -> Value {
    json!({"dataset": "301001/000001"})
}

impl Desk {
    async fn new() -> Self {
        let networks = vec!["127.0.0.1".parse().unwrap()];
        let city = City::new_within(Bounds { networks, ..Bounds::default() }).await;
        city.server.set_clock(Timestamp::now());
        let developer = city.server.person("developer", None, &[Role::Developer]).await;
        let jwks = city.server.send(Call::get("/.well-known/jwks.json")).await.ok();
        Self { receiver: Receiver::start(&jwks), city, developer }
    }

    async fn subscribe(&self, target: Value, path: &str, by: &SigningKey) -> Answer {
        let asked = json!({"target": target, "receiver": self.receiver.address(path)});
        self.city.server.send(Call::post(SUBSCRIPTIONS, &asked).by(by)).await
    }

    /// The developer's subscription to the open dataset, confirmed.
    async fn confirmed(&mut self) -> String {
        let made = self.subscribe(dataset(), "hook", &self.developer).await.ok();
        assert_eq!(self.round().await, (1, 0, 0));
        assert_eq!(self.receiver.next()["type"], "cn.shuqiao.subscription.challenge.v1");
        format!("{SUBSCRIPTIONS}/{}", made["id"].as_str().unwrap())
    }

    /// A round of the clock: how many arrived, wait, were given up.
    async fn round(&self) -> (usize, usize, usize) {
        let clock = self.city.server.operator(&[]);
        let round = self.city.server.app.notify_subscribers(&clock).await.unwrap();
        (round.arrived, round.waiting, round.given_up)
    }

    fn later(&self, seconds: i64) {
        self.city.server.set_clock(self.city.server.now().plus_seconds(seconds));
    }

    async fn get(&self, path: &str) -> Value {
        self.city.server.send(Call::get(path).by(&self.developer)).await.ok()
    }

    async fn post(&self, path: String) -> Answer {
        self.city.server.send(Call::post(path, &json!({})).by(&self.developer)).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_told_once_in_order_and_signed() {
    let mut desk = Desk::new().await;
    let made = desk.subscribe(dataset(), "hook?token=geheim", &desk.developer).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let origin = desk.receiver.address("");
    assert_eq!(
        (&made["state"], &made["receiver"]),
        (&json!("pending"), &json!(origin.trim_end_matches('/')))
    );
    let path = format!("{SUBSCRIPTIONS}/{}", made["id"].as_str().unwrap());

    // Before the receiver has said that it wants it, it is asked that and nothing else.
    desk.city.upload(ROWS).await;
    assert_eq!(desk.round().await, (1, 0, 0));
    let challenge = desk.receiver.next();
    assert_eq!(challenge["type"], "cn.shuqiao.subscription.challenge.v1");
    assert_eq!(desk.get(&path).await["state"], "active");
    assert!(!lies_in_folder(&desk.city.server, "geheim"), "the receiver's address is sealed");

    // What has happened since it was made is told; what was there before is not.
    assert_eq!(desk.round().await, (1, 0, 0));
    let event = desk.receiver.next();
    let base = &desk.city.server.base;
    assert_eq!(
        (&event["type"], &event["subject"], &event["media_type"], &event["source"]),
        (
            &json!("cn.shuqiao.dataset.version-published.v1"),
            &json!("301001/000001"),
            &json!("application/cloudevents+json"),
            &json!(format!("{base}/")),
        )
    );
    let versions = desk.get(&format!("/api/v1/resources/{CODE}/versions")).await;
    let second = versions.as_array().unwrap().iter().find(|version| version["number"] == 2).unwrap();
    assert_eq!(
        event["data"],
        json!({
            "subscription": made["id"], "dataset": "301001/000001", "address": format!("{base}/datasets/{CODE}"),
            "version": 2, "effective_from": second["published_at"],
        })
    );
    assert_eq!(desk.round().await, (0, 0, 0), "once");

    let mut described = resource();
    described["abstract"] = json!("另一段说明");
    desk.city.publish(&described).await;
    let reason = json!({"reason": "有误"});
    let withdraw = format!("/api/v1/resources/{CODE}/versions/2/withdraw");
    desk.city.server.send(Call::post(withdraw, &reason).by(&desk.city.machine)).await.ok();
    desk.city.upload(ROWS).await;
    assert_eq!(desk.round().await, (3, 0, 0));
    let told: Vec<_> = (0..3).map(|_| desk.receiver.next()).collect();
    let told: Vec<_> = told
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event["data"]["version"].as_i64()))
        .collect();
    assert_eq!(
        told,
        [
            ("cn.shuqiao.dataset.description-changed.v1", None),
            ("cn.shuqiao.dataset.version-withdrawn.v1", Some(2)),
            ("cn.shuqiao.dataset.version-published.v1", Some(3)),
        ]
    );

    // All of it is shown; it ends at once, and both its ends are evidence.
    let deliveries = desk.get(&format!("{path}/deliveries")).await;
    let deliveries = deliveries.as_array().unwrap();
    assert_eq!(deliveries.len(), 5);
    assert!(deliveries.iter().all(|one| one["state"] == "arrived" && one["tries"] == 1), "{deliveries:?}");
    assert_eq!(deliveries[3]["id"], event["id"]);
    let end = Call::new(Method::DELETE, &path).by(&desk.developer);
    assert_eq!(desk.city.server.send(end).await.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.city.server.send(Call::get(&path).by(&desk.developer)).await.code(), "not_found");
    desk.city.upload(ROWS).await;
    assert_eq!(desk.round().await, (0, 0, 0));
    let changes = desk.city.server.events("changed");
    let named = |action: &str| changes.iter().filter(|change| change["action"] == action).count();
    assert_eq!((named("subscription.made"), named("subscription.ended")), (1, 1));
    assert_eq!(named("subscriber.told"), 0, "what is told to everybody is no access");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_tried_again_and_the_next_waits_behind_it() {
    let mut desk = Desk::new().await;
    let path = desk.confirmed().await;
    desk.city.upload(ROWS).await;
    desk.receiver.control(json!({"answers": [302]})).await;
    assert_eq!(desk.round().await, (0, 1, 0));
    let first = desk.receiver.next();
    assert_eq!(desk.receiver.control(json!({})).await, 2, "/elsewhere was not asked");
    let deliveries = desk.get(&format!("{path}/deliveries")).await;
    assert_eq!(
        (&deliveries[0]["state"], &deliveries[0]["problem"], &deliveries[0]["tries"]),
        (&json!("waiting"), &json!("redirected"), &json!(1))
    );
    let early = desk.post(format!("{path}/deliveries/{}/retry", deliveries[0]["id"].as_str().unwrap())).await;
    assert_eq!(early.code(), "illegal_state");

    // Each wait is twice the one before; the next version waits behind it.
    desk.city.upload(ROWS).await;
    desk.receiver.control(json!({"answers": vec![500; 8]})).await;
    for tries in 1..9 {
        let wait = 60 << (tries - 1);
        desk.later(wait - 1);
        assert_eq!(desk.round().await, (0, 0, 0), "too early after {tries}");
        desk.later(1);
        let expected = if tries == 8 { (0, 0, 1) } else { (0, 1, 0) };
        assert_eq!(desk.round().await, expected, "after {tries}");
        assert_eq!(desk.receiver.next()["id"], first["id"], "a repetition has the same id");
    }
    assert_eq!(desk.round().await, (1, 0, 0));
    assert_eq!(desk.receiver.next()["data"]["version"], 3);
    desk.later(864_000);
    assert_eq!(desk.round().await, (0, 0, 0), "what was given up is left alone");

    // Its owner sees it, and has it tried once more.
    let deliveries = desk.get(&format!("{path}/deliveries")).await;
    let dead = &deliveries[1];
    assert_eq!(
        (&dead["id"], &dead["state"], &dead["problem"], &dead["tries"], &dead["next_at"]),
        (&first["id"], &json!("dead"), &json!("refused"), &json!(9), &json!(null))
    );
    let retry = format!("{path}/deliveries/{}/retry", first["id"].as_str().unwrap());
    assert_eq!(desk.post(retry.clone()).await.ok()["state"], "waiting");
    assert_eq!(desk.round().await, (1, 0, 0));
    assert_eq!(desk.receiver.next()["id"], first["id"]);
    assert_eq!(desk.post(retry).await.code(), "illegal_state");
    let nothing = desk.post(format!("{path}/deliveries/nothing/retry")).await;
    assert_eq!(nothing.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fell_silent_is_left_alone_until_its_owner_resumes() {
    let mut desk = Desk::new().await;
    let path = desk.confirmed().await;
    for _ in 0..3 {
        desk.city.upload(ROWS).await;
    }
    desk.receiver.control(json!({"answers": vec![503; 27]})).await;
    for _ in 0..27 {
        desk.round().await;
        desk.receiver.next();
        desk.later(20_000);
    }
    let shown = desk.get(&path).await;
    assert_eq!(
        (&shown["state"], &shown["suspension"], &shown["given_up"]),
        (&json!("suspended"), &json!("given_up"), &json!(3))
    );
    desk.city.upload(ROWS).await;
    assert_eq!(desk.round().await, (0, 0, 0));

    // It has to say again that it wants to be told, and hears what has happened meanwhile.
    assert_eq!(desk.post(format!("{path}/resume")).await.ok()["state"], "pending");
    assert_eq!(desk.post(format!("{path}/resume")).await.code(), "illegal_state");
    assert_eq!(desk.round().await, (1, 0, 0));
    assert_eq!(desk.receiver.next()["type"], "cn.shuqiao.subscription.challenge.v1");
    assert_eq!(desk.round().await, (1, 0, 0));
    assert_eq!(desk.receiver.next()["data"]["version"], 5);
    assert_eq!(desk.get(&path).await["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_echo_the_challenge_is_told_nothing() {
    let mut desk = Desk::new().await;
    let made = desk.subscribe(dataset(), "hook", &desk.developer).await.ok();
    let path = format!("{SUBSCRIPTIONS}/{}", made["id"].as_str().unwrap());
    desk.city.upload(ROWS).await;
    for echo in ["wrong", "long"] {
        desk.receiver.control(json!({ "echo": echo })).await;
        assert_eq!(desk.round().await, (0, 1, 0), "{echo}");
        desk.receiver.next();
        assert_eq!(desk.get(&format!("{path}/deliveries")).await[0]["problem"], "not_confirmed");
        assert_eq!(desk.get(&path).await["state"], "pending", "{echo}");
        desk.later(120);
    }
    for _ in 2..9 {
        assert_eq!(desk.round().await.0, 0);
        desk.receiver.next();
        desk.later(20_000);
    }
    let shown = desk.get(&path).await;
    assert_eq!((&shown["state"], &shown["suspension"]), (&json!("suspended"), &json!("not_confirmed")));
    assert_eq!(desk.round().await, (0, 0, 0));
    assert_eq!(desk.receiver.control(json!({})).await, 9, "challenges alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_receiver_keeps_nobody_waiting() {
    let mut desk = Desk::new().await;
    let other = desk.city.server.person("other", None, &[Role::Developer]).await;
    for (path, by) in [("slow", &desk.developer), ("fast", &other)] {
        desk.subscribe(dataset(), path, by).await.ok();
    }
    assert_eq!(desk.round().await, (2, 0, 0));
    desk.city.upload(ROWS).await;
    // The slow one answers only when the fast one has been told: both arrive if neither waits for the other.
    assert_eq!(desk.round().await, (2, 0, 0));
    let paths: Vec<_> = (0..4).map(|_| desk.receiver.next()["path"].clone()).collect();
    assert!(paths[2..].contains(&json!("/slow")) && paths[2..].contains(&json!("/fast")), "{paths:?}");
}
