//! The platform is no weapon: whom it does not ask, and what it does not take.

use catalog_core::Role;
use serde_json::{Value, json};

use super::{Desk, SUBSCRIPTIONS, dataset};
use crate::support::city::City;
use crate::support::server::{Bounds, Call};

fn asked(receiver: &str) -> Value {
    json!({"target": dataset(), "receiver": receiver})
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_into_the_named_networks_alone() {
    // Without networks there are no webhooks.
    let city = City::new().await;
    let developer = city.server.person("developer", None, &[Role::Developer]).await;
    let refused =
        city.server.send(Call::post(SUBSCRIPTIONS, &asked("https://app.example.cn/")).by(&developer)).await;
    assert_eq!(refused.code(), "forbidden");
    assert!(refused.text().contains("subscription.networks"), "{}", refused.text());

    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    let city = City::new_within(Bounds { networks, ..Bounds::default() }).await;
    let developer = city.server.person("developer", None, &[Role::Developer]).await;
    let ask = async |receiver: &str| {
        city.server.send(Call::post(SUBSCRIPTIONS, &asked(receiver)).by(&developer)).await
    };
    for elsewhere in [
        "https://127.0.0.1:8443/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
    ] {
        assert_eq!(ask(elsewhere).await.code(), "forbidden", "{elsewhere}");
    }
    for wrong in [
        "",
        "hook",
        "http://app.example.cn/",
        "ftp://10.0.0.1/",
        "https://a:b@10.0.0.1/",
        &format!("https://10.0.0.1/{}", "x".repeat(2048)),
    ] {
        assert_eq!(ask(wrong).await.code(), "invalid_input", "{wrong}");
    }
    // A name is looked up at each try, and leads elsewhere.
    let made = ask("https://localhost:8443/").await.ok();
    let round = city.server.app.notify_subscribers(&city.server.operator(&[])).await.unwrap();
    assert_eq!((round.arrived, round.waiting), (0, 1));
    let path = format!("{SUBSCRIPTIONS}/{}/deliveries", made["id"].as_str().unwrap());
    let deliveries = city.server.send(Call::get(path).by(&developer)).await.ok();
    assert_eq!(deliveries[0]["problem"], "not_permitted", "{deliveries}");
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_for_developers_and_departments_few_and_well_formed() {
    let desk = Desk::new().await;
    let server = &desk.city.server;
    let hook = asked(&desk.receiver.address("hook"));
    assert_eq!(server.send(Call::post(SUBSCRIPTIONS, &hook)).await.code(), "forbidden");
    assert_eq!(server.send(Call::get(SUBSCRIPTIONS)).await.code(), "forbidden");
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    for nobody in [&auditor, &desk.city.reviewer] {
        assert_eq!(server.send(Call::post(SUBSCRIPTIONS, &hook).by(nobody)).await.code(), "forbidden");
    }
    let key = Call::post("/api/v1/developer-keys", &json!({"name": "地图"})).by(&desk.developer);
    let key = server.send(key).await.ok()["secret"].as_str().unwrap().to_owned();
    assert_eq!(server.send(Call::get(SUBSCRIPTIONS).header("x-api-key", &key)).await.code(), "forbidden");

    let receiver = desk.receiver.address("hook");
    for target in [
        json!(null),
        json!({}),
        json!("301001/000001"),
        json!({"dataset": "nothing"}),
        json!({"dataset": 1}),
        json!({"dataset": "301001/000001", "search": {}}),
        json!({"search": {"words": "x"}}),
        json!({"search": {"sharing": 4000}}),
        json!({"search": {"text": "长".repeat(2000)}}),
        json!({"search": {"conditions": vec![json!([]); 17]}}),
    ] {
        let body = json!({"target": target, "receiver": receiver});
        let answer = server.send(Call::post(SUBSCRIPTIONS, &body).by(&desk.developer)).await;
        assert_eq!(answer.code(), "invalid_input", "{target}");
    }
    let more = json!({"target": dataset(), "receiver": receiver, "secret": "x"});
    let answer = server.send(Call::post(SUBSCRIPTIONS, &more).by(&desk.developer)).await;
    assert_eq!(answer.code(), "invalid_input");

    for _ in 0..20 {
        desk.subscribe(dataset(), "hook", &desk.developer).await.ok();
    }
    assert_eq!(desk.subscribe(dataset(), "hook", &desk.developer).await.code(), "limit_rate");
    desk.subscribe(dataset(), "hook", &desk.city.consumer).await.ok();
    // No more than a few requests of one owner are on their way at the same time.
    assert_eq!(desk.round().await, (5, 0, 0));
}
