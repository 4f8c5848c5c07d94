//! How the platform works, for anyone and for those who run it.

use catalog_core::Role;
use catalog_core::evidence::{Event, EvidenceRecord};
use serde_json::{Value, json};

use crate::support::city::City;
use crate::support::server::Call;

const STATUS: &str = "/api/v1/status";

fn changed(city: &City, action: &str) -> EvidenceRecord {
    let event = Event::Changed {
        action: action.to_owned(),
        entity: "backup 20261122".to_owned(),
        entity_digest: "ab".repeat(32),
    };
    EvidenceRecord::new(&city.server.security(), event)
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_told_to_those_who_run_the_platform() {
    let city = City::new().await;
    for action in ["backup.begun", "backup.made", "backup.begun"] {
        city.server.services.evidence().append(changed(&city, action)).await.unwrap();
    }
    let administrator = city.server.person("sysadmin", None, &[Role::SystemAdministrator]).await;
    let auditor = city.server.person("auditor", None, &[Role::Auditor]).await;
    let security = city.server.person("secadmin", None, &[Role::SecurityAdministrator]).await;
    let told = async |call: Call<'_>| city.server.send(call).await.ok();
    for call in [Call::get(STATUS), Call::get(STATUS).by(&city.machine), Call::get(STATUS).by(&security)] {
        let status = told(call).await;
        assert_eq!(
            (&status["has_directory"], &status["operation"]),
            (&json!(true), &Value::Null),
            "{status}"
        );
    }
    for key in [&administrator, &auditor] {
        let operation = told(Call::get(STATUS).by(key)).await["operation"].clone();
        assert_eq!(operation["backup"]["sha256"], "ab".repeat(32), "{operation}");
        assert!(operation["backup_begun_at"].is_string(), "the second has no end: {operation}");
        let none = json!({"active": 0, "pending": 0, "suspended": 0, "given_up": 0});
        assert_eq!(operation["subscriptions"], none);
    }
    let page = async |call: Call<'_>| city.server.send(call.header("accept", "text/html")).await.text();
    let strangers = page(Call::get("/status")).await;
    assert!(!strangers.contains("备份") && strangers.contains("运行状态"), "{strangers}");
    let own = page(Call::get("/status?lang=en").by(&administrator)).await;
    assert!(own.contains("Last backup") && own.contains("One was begun and has not ended"), "{own}");
    assert!(!own.contains("20261122"), "no name and no place: {own}");
}
