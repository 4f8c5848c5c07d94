use std::collections::BTreeSet;
use std::sync::Arc;

use catalog_core::context::PrincipalKind;
use catalog_core::ports::{KeyOwner, Ticket};
use catalog_core::{Channel, Error, ErrorCode, OpContext, Principal, Role, Timestamp};
use exchange_crypto::{MacKey, SigningKey};
use http::Request;

use super::fake::Fake;
use super::{BASE, NOW, arrival};
use crate::*;

/// The context of a department's machine.
fn machine(fake: &Arc<Fake>, key: &SigningKey) -> OpContext {
    let (mut parts, ()) = Request::get("/t").body(()).unwrap().into_parts();
    let address = fake.authenticator().target_uri(&parts.uri);
    sign_request(key, &http::Method::GET, &address, &mut parts.headers, None, NOW).unwrap();
    call(fake, &parts, Channel::Api, NOW).unwrap()
}

fn call(
    fake: &Arc<Fake>,
    parts: &http::request::Parts,
    channel: Channel,
    now: Timestamp,
) -> Result<OpContext, AuthError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(fake.authenticator().authenticate(arrival(
            parts,
            &Presented::of(&parts.headers),
            channel,
            now,
        )))?
        .with_body(None)
}

fn wanted() -> NewTicket {
    let purpose = Some("统计".to_owned());
    NewTicket { purpose, doors: BTreeSet::from([Channel::Sql, Channel::Api]), seconds: 1800 }
}

fn with_token(method: &str, token: &str) -> http::request::Parts {
    let request =
        Request::builder().method(method).uri("/t").header("authorization", format!("Bearer {token}"));
    request.body(()).unwrap().into_parts().0
}

fn issued(fake: &Arc<Fake>, key: &SigningKey) -> (Ticket, String) {
    let (ticket, token) = issue_ticket(&machine(fake, key), wanted()).unwrap();
    fake.tickets.lock().unwrap().push(ticket.clone());
    (ticket, token)
}

#[test]
fn a_ticket_reads_for_its_holder_and_purpose() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let (ticket, token) = issued(&fake, &key);
    assert!(!format!("{ticket:?}").contains(&token));
    let ctx = call(&fake, &with_token("POST", &token), Channel::Sql, NOW).unwrap();
    assert_eq!(ctx.principal.id, key.public().id());
    assert_eq!(
        ctx.principal.kind,
        PrincipalKind::Person,
        "a machine's rights to change things do not pass on"
    );
    assert_eq!(ctx.principal.roles, BTreeSet::from([Role::Analyst]));
    assert_eq!(ctx.purpose.as_deref(), Some("统计"));
}

#[test]
fn a_ticket_is_refused_beyond_what_it_names() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let (_, token) = issued(&fake, &key);
    let refused = |parts, channel, now| {
        let error = call(&fake, &parts, channel, now).unwrap_err();
        assert_eq!(Error::from(error).code, ErrorCode::Unauthenticated);
    };
    refused(with_token("GET", "unknown"), Channel::Sql, NOW);
    refused(with_token("GET", &token), Channel::File, NOW);
    refused(with_token("POST", &token), Channel::Api, NOW);
    refused(with_token("GET", &token), Channel::Api, NOW.plus_seconds(1800));
    refused(with_token("GET", &token), Channel::Api, NOW.plus_seconds(-1));
    let mut parts = with_token("GET", &token);
    parts.headers.insert(PURPOSE_FIELD, "other".parse().unwrap());
    refused(parts, Channel::Sql, NOW);
    fake.keys.lock().unwrap().get_mut(&key.public().id()).unwrap().valid_until = Some(NOW);
    refused(with_token("GET", &token), Channel::Sql, NOW);
}

#[test]
fn a_ticket_posts_where_that_only_asks() {
    let fake = Arc::new(Fake::default());
    let (_, token) = issued(&fake, &fake.department());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for (method, asks, accepted) in
        [("POST", true, true), ("POST", false, false), ("GET", false, true), ("DELETE", true, false)]
    {
        let parts = with_token(method, &token);
        let channel = Channel::Api;
        let answered =
            runtime.block_on(fake.authenticator().authenticate(Arrival {
                asks,
                ..arrival(&parts, &Presented::of(&parts.headers), channel, NOW)
            }));
        assert_eq!(answered.is_ok(), accepted, "{method} {asks}");
    }
}

#[test]
fn a_persons_ticket_ends_with_the_key_that_asked_for_it() {
    let fake = Arc::new(Fake::default());
    fake.add_person("zhang", &[Role::Analyst], true);
    let key = fake.register(KeyOwner::Person("zhang".to_owned()));
    let (_, token) = issued(&fake, &key);
    fake.register(KeyOwner::Person("zhang".to_owned()));
    let ctx = call(&fake, &with_token("GET", &token), Channel::Sql, NOW).unwrap();
    assert_eq!((ctx.principal.id.as_str(), ctx.key), ("zhang", None));
    fake.keys.lock().unwrap().get_mut(&key.public().id()).unwrap().valid_until = Some(NOW);
    let error = call(&fake, &with_token("GET", &token), Channel::Sql, NOW).unwrap_err();
    assert!(matches!(error, AuthError::KeyNotUsable { .. }), "{error:?}");
}

#[test]
fn a_revoked_ticket_is_refused() {
    let fake = Arc::new(Fake::default());
    let (_, token) = issued(&fake, &fake.department());
    call(&fake, &with_token("GET", &token), Channel::Sql, NOW).unwrap();
    fake.tickets.lock().unwrap()[0].revoked_at = Some(NOW);
    assert!(matches!(call(&fake, &with_token("GET", &token), Channel::Sql, NOW), Err(AuthError::Ticket(_))));
}

#[test]
fn tickets_are_short_and_never_for_everyone() {
    let fake = Arc::new(Fake::default());
    let ctx = machine(&fake, &fake.department());
    for seconds in [0, -1, MAX_TICKET_SECONDS + 1, i64::MAX] {
        assert!(issue_ticket(&ctx, NewTicket { seconds, ..wanted() }).is_err());
    }
    for doors in [BTreeSet::new(), BTreeSet::from([Channel::CommandLine])] {
        assert!(issue_ticket(&ctx, NewTicket { doors, ..wanted() }).is_err());
    }
    let public = public_context("r".to_owned(), Channel::Api, NOW);
    assert!(issue_ticket(&public, wanted()).is_err());
    assert_eq!(public.principal, Principal::public());
    let operator = operator_context("root", None, BTreeSet::new(), "r".to_owned(), NOW);
    assert!(issue_ticket(&operator, wanted()).is_err());
}

#[test]
fn no_ticket_is_accepted_where_others_could_have_read_it() {
    let fake = Arc::new(Fake::default());
    let (_, token) = issued(&fake, &fake.department());
    let parts = with_token("POST", &token);
    let call = |confidential| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(fake.authenticator().authenticate(Arrival {
                confidential,
                ..arrival(&parts, &Presented::of(&parts.headers), Channel::Sql, NOW)
            }))
            .map(|_| ())
    };
    assert_eq!(call(true), Ok(()));
    let Err(AuthError::Ticket(reason)) = call(false) else { panic!("it was accepted") };
    assert!(reason.contains("https"));
}

/// An address of a path, and what comes of asking for it with a method, at a time, on another path or with other text.
#[test]
fn an_address_stands_for_its_ticket_on_one_path_for_a_while() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let wanted = NewTicket { doors: BTreeSet::from([Channel::File]), ..wanted() };
    let (ticket, _) = issue_ticket(&machine(&fake, &key), wanted).unwrap();
    fake.tickets.lock().unwrap().push(ticket.clone());
    let server = || fake.authenticator().with_addresses(MacKey::from_bytes(&[7; 32]).unwrap());
    let address = server().signed_address("/files/1", &Token::from(&ticket), NOW.plus_seconds(60));
    let ask = |method: &str, address: &str, now: Timestamp| {
        let parts = Request::builder().method(method).uri(address).body(()).unwrap().into_parts().0;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(server().authenticate(arrival(
                &parts,
                &Presented::of(&parts.headers),
                Channel::File,
                now,
            )))?
            .with_body(None)
    };
    for method in ["GET", "HEAD"] {
        let ctx = ask(method, &address, NOW).unwrap();
        assert_eq!((ctx.ticket.as_ref(), ctx.purpose.as_deref()), (Some(&ticket.id), Some("统计")));
        assert_eq!((ctx.principal.id, ctx.principal.kind), (key.public().id(), PrincipalKind::Person));
    }
    let refused = |method: &str, address: &str, now: Timestamp| {
        let error = Error::from(ask(method, address, now).unwrap_err());
        assert_eq!(error.code, ErrorCode::Forbidden, "{method} {address}: {error}");
    };
    refused("POST", &address, NOW);
    refused("GET", &address, NOW.plus_seconds(60));
    refused("GET", &address.replace("/files/1", "/files/2"), NOW);
    let until = NOW.plus_seconds(60).seconds();
    refused("GET", &address.replace(&until.to_string(), &(until + 1).to_string()), NOW);
    refused("GET", &address.replace("shuqiao-until", "until"), NOW);
    refused("GET", &address[..address.len() - 1], NOW);
    refused("GET", &format!("{BASE}/files/1?shuqiao-ticket="), NOW);
    let elsewhere =
        fake.authenticator().signed_address("/files/1", &Token::from(&ticket), NOW.plus_seconds(60));
    refused("GET", &elsewhere, NOW);
    refused("GET", &address.replace("shuqiao-ticket", "shuqiao-key"), NOW);
    let other = ticket.token_digest.replace(|letter: char| letter.is_ascii_digit(), "0");
    refused("GET", &address.replace(&ticket.token_digest, &other), NOW);
    refused("GET", address.split("&X-Amz-Signature").next().unwrap(), NOW);
    let other = address.replace("shuqiao-ticket", "ticket");
    assert_eq!(ask("GET", &other, NOW).unwrap().principal, Principal::public(), "it names no ticket");

    fake.tickets.lock().unwrap()[0].revoked_at = Some(NOW);
    refused("GET", &address, NOW);
    fake.tickets.lock().unwrap()[0].revoked_at = None;
    fake.keys.lock().unwrap().get_mut(&key.public().id()).unwrap().valid_until = Some(NOW);
    refused("GET", &address, NOW);
}

#[test]
fn asking_for_the_files_of_a_table_travels_in_a_post() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    let wanted = NewTicket { doors: BTreeSet::from([Channel::File]), ..wanted() };
    let (ticket, token) = issue_ticket(&machine(&fake, &key), wanted).unwrap();
    fake.tickets.lock().unwrap().push(ticket);
    assert!(call(&fake, &with_token("POST", &token), Channel::File, NOW).is_ok());
    assert!(call(&fake, &with_token("PUT", &token), Channel::File, NOW).is_err());
}

/// A department's ticket is remembered while the catalogue stays as it is, and ends with its time and with its key all the same.
#[test]
fn a_ticket_is_remembered_until_the_catalogue_changes_or_its_time_comes() {
    let fake = Arc::new(Fake::default());
    let key = fake.department();
    *fake.held.lock().unwrap() = Some(1);
    let (ticket, token) = issued(&fake, &key);
    let authenticator = fake.authenticator();
    let ask = |now: Timestamp| {
        let parts = with_token("GET", &token);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime
            .block_on(authenticator.authenticate(arrival(
                &parts,
                &Presented::of(&parts.headers),
                Channel::Sql,
                now,
            )))?
            .with_body(None)
    };
    let first = ask(NOW).unwrap();
    fake.tickets.lock().unwrap()[0].revoked_at = Some(NOW);
    assert_eq!(ask(NOW).unwrap(), first, "not asked again");
    assert!(ask(ticket.expires_at).is_err(), "it is over");
    assert!(ask(NOW.plus_seconds(-1)).is_err(), "it is not issued yet");
    *fake.held.lock().unwrap() = Some(2);
    assert!(ask(NOW).is_err(), "the catalogue has changed: it was revoked");

    fake.tickets.lock().unwrap()[0].revoked_at = None;
    fake.tickets.lock().unwrap()[0].expires_at = NOW.plus_seconds(90_000);
    assert!(ask(NOW).is_ok());
    assert!(ask(NOW.plus_seconds(3_600)).is_err(), "the key that asked for it is over");
}
