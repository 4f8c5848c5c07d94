use std::sync::Arc;

use catalog_core::api_key::MAX_DAYS;
use catalog_core::context::PrincipalKind;
use catalog_core::{Channel, OpContext, Role, Timestamp};
use http::Request;
use http::request::Parts;

use super::fake::Fake;
use super::{NOW, arrival};
use crate::*;

async fn caller(
    fake: &Arc<Fake>,
    parts: &Parts,
    channel: Channel,
    now: Timestamp,
) -> Result<Caller, AuthError> {
    let authenticator = fake.authenticator().with_api_keys(fake.clone());
    authenticator.authenticate(arrival(parts, &Presented::of(&parts.headers), channel, now)).await
}

/// A developer's key as it is stored, and its secret.
async fn issued(fake: &Arc<Fake>) -> String {
    fake.add_developer("dev-1");
    let authenticator = fake.authenticator();
    let ctx: OpContext = authenticator.signed_in_context("dev-1", "r".to_owned(), NOW).await.unwrap();
    let (key, secret) = issue_api_key(&ctx, "地图".to_owned(), None).unwrap();
    assert!(!format!("{key:?}").contains(&secret), "the secret is nowhere but in the answer");
    for days in [0, MAX_DAYS + 1] {
        assert!(issue_api_key(&ctx, "地图".to_owned(), Some(days)).is_err());
    }
    fake.api_keys.lock().unwrap().push(key);
    secret
}

fn with(method: &str, fields: &[(&str, &str)]) -> Parts {
    let request =
        fields.iter().fold(Request::builder().method(method).uri("/t"), |request, (name, value)| {
            request.header(*name, *value)
        });
    request.body(()).unwrap().into_parts().0
}

#[tokio::test]
async fn a_key_reads_for_its_developer_in_either_field() {
    let fake = Arc::new(Fake::default());
    let secret = issued(&fake).await;
    let bearer = format!("Bearer {secret}");
    for (name, value) in [("authorization", bearer.as_str()), ("x-api-key", secret.as_str())] {
        let caller = caller(&fake, &with("GET", &[(name, value)]), Channel::File, NOW).await.unwrap();
        let id = fake.api_keys.lock().unwrap()[0].id.clone();
        assert_eq!(caller.proof(), &Proof::ApiKey { key_id: id.clone() });
        let ctx = caller.with_body(None).unwrap();
        assert_eq!((ctx.principal.kind, ctx.principal.id.as_str()), (PrincipalKind::Person, "dev-1"));
        assert_eq!(
            (ctx.principal.roles.into_iter().collect::<Vec<_>>(), ctx.ticket),
            (vec![Role::Developer], Some(id))
        );
    }
    let write = caller(&fake, &with("DELETE", &[("x-api-key", &secret)]), Channel::Api, NOW).await.unwrap();
    assert_eq!(write.principal().id, "dev-1", "it is counted for its owner");
    assert!(write.check().is_err() && write.with_body(None).is_err());
    let asks = caller(&fake, &with("POST", &[("x-api-key", &secret)]), Channel::Sql, NOW).await;
    assert!(asks.is_ok(), "a question travels in a POST");
}

#[tokio::test]
async fn a_key_that_is_wrong_over_revoked_or_would_write_is_refused() {
    let fake = Arc::new(Fake::default());
    let secret = issued(&fake).await;
    let reason = async |fields: &[(&str, &str)], method: &str, now: Timestamp| {
        let refused = caller(&fake, &with(method, fields), Channel::Api, now).await;
        let refused = refused.and_then(|caller| caller.with_body(None));
        refused.err().map_or_else(String::new, |error| error.to_string())
    };
    let own = [("x-api-key", secret.as_str())];
    assert_eq!(reason(&own, "GET", NOW).await, "");
    assert!(reason(&own, "DELETE", NOW).await.contains("only reads"));
    assert!(reason(&own, "POST", NOW).await.contains("only reads"));
    assert!(reason(&own, "GET", NOW.plus_seconds(400 * 86_400)).await.contains("it is over"));
    assert!(reason(&own, "GET", NOW.plus_seconds(-1)).await.contains("it is over"));
    assert!(reason(&[("x-api-key", "sqk_guess")], "GET", NOW).await.contains("not known"));
    assert!(reason(&[("x-api-key", "")], "GET", NOW).await.contains("one developer key"));
    let twice = [own[0], own[0]];
    assert!(reason(&twice, "GET", NOW).await.contains("one developer key"));
    let both = [own[0], ("authorization", "Bearer x")];
    assert!(reason(&both, "GET", NOW).await.contains("one proof"));
    let parts = with("GET", &own);
    let presented = Presented::of(&parts.headers);
    let open = Arrival { confidential: false, ..arrival(&parts, &presented, Channel::Api, NOW) };
    let authenticator = fake.authenticator().with_api_keys(fake.clone());
    assert!(authenticator.authenticate(open).await.unwrap_err().to_string().contains("https"));
    assert!(fake.authenticator().authenticate(Arrival { confidential: true, ..open }).await.is_err());
    fake.api_keys.lock().unwrap()[0].revoked_at = Some(NOW);
    assert!(reason(&own, "GET", NOW).await.contains("revoked"));
}

#[tokio::test]
async fn a_key_ends_with_its_owners_account() {
    let fake = Arc::new(Fake::default());
    let secret = issued(&fake).await;
    let own = with("GET", &[("x-api-key", &secret)]);
    fake.add_person("dev-1", &[Role::Analyst], true);
    let refused = caller(&fake, &own, Channel::Api, NOW).await.unwrap_err();
    assert!(refused.to_string().contains("no developer"), "{refused}");
    fake.add_person("dev-1", &[Role::Developer], false);
    assert!(caller(&fake, &own, Channel::Api, NOW).await.is_err());
}

/// An address stands for a key as for a ticket: it reads one path, and ends with the key.
#[tokio::test]
async fn an_address_stands_for_its_key() {
    let fake = Arc::new(Fake::default());
    issued(&fake).await;
    let key = fake.api_keys.lock().unwrap()[0].clone();
    let server = || {
        let addresses = exchange_crypto::MacKey::from_bytes(&[7; 32]).unwrap();
        fake.authenticator().with_api_keys(fake.clone()).with_addresses(addresses)
    };
    let address = server().signed_address("/files/1", &Token::from(&key), NOW.plus_seconds(60));
    let ask = async |address: &str, now: Timestamp| {
        let parts = Request::builder().uri(address).body(()).unwrap().into_parts().0;
        server().authenticate(arrival(&parts, &Presented::of(&parts.headers), Channel::File, now)).await
    };
    let caller = ask(&address, NOW).await.unwrap();
    assert_eq!(caller.proof(), &Proof::ApiKey { key_id: key.id.clone() });
    assert_eq!(caller.with_body(None).unwrap().ticket, Some(key.id));
    let as_ticket = address.replace("shuqiao-key", "shuqiao-ticket");
    for (address, now) in [(&address, NOW.plus_seconds(60)), (&as_ticket, NOW)] {
        assert!(matches!(ask(address, now).await, Err(AuthError::Address(_))), "{address}");
    }
    fake.api_keys.lock().unwrap()[0].revoked_at = Some(NOW);
    let Err(AuthError::Address(reason)) = ask(&address, NOW).await else { panic!("it was accepted") };
    assert!(reason.contains("revoked"), "{reason}");
}
