use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use catalog_core::account::{Account, Session, SignedInBy};
use catalog_core::evidence::EvidenceRecord;
use catalog_core::ports::{AccountStore, CredentialStore as _};
use catalog_core::{Channel, Error, ErrorCode, OpContext, Result, Role, Timestamp};
use http::Request;

use super::fake::Fake;
use super::{BASE, NOW, arrival};
use crate::*;

#[derive(Default)]
struct Kept(Mutex<Vec<Session>>);

#[async_trait]
impl AccountStore for Kept {
    async fn account(&self, _: &str) -> Result<Option<Account>> {
        Ok(None)
    }
    async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(Vec::new())
    }
    async fn account_by_contact(&self, _: &str) -> Result<Option<Account>> {
        Ok(None)
    }
    async fn save_account(&self, _: &Account, _: bool, _: Option<&EvidenceRecord>) -> Result<()> {
        Ok(())
    }
    async fn add_session(&self, session: &Session, _: Option<&Account>, _: &EvidenceRecord) -> Result<()> {
        self.0.lock().unwrap().push(session.clone());
        Ok(())
    }
    async fn session_by_digest(&self, digest: &str) -> Result<Option<Session>> {
        Ok(self.0.lock().unwrap().iter().find(|session| session.token_digest == digest).cloned())
    }
    async fn session(&self, _: &str) -> Result<Option<Session>> {
        Ok(None)
    }
    async fn session_used(&self, id: &str, at: Timestamp) -> Result<()> {
        self.0
            .lock()
            .unwrap()
            .iter_mut()
            .filter(|session| session.id == id)
            .for_each(|session| session.used_at = at);
        Ok(())
    }
    async fn end_session(&self, _: &str, _: &EvidenceRecord) -> Result<()> {
        Ok(())
    }
    async fn forget_sessions(&self, _: Timestamp) -> Result<u64> {
        Ok(0)
    }
}

struct World {
    fake: Arc<Fake>,
    kept: Arc<Kept>,
    authenticator: Authenticator,
    token: String,
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// 张 has signed in: idle for half an hour at most, twelve in all.
fn world(encrypted: bool) -> World {
    let (fake, kept) = (Arc::new(Fake::default()), Arc::new(Kept::default()));
    fake.add_person("zhang", &[Role::Analyst], true);
    let sessions = Sessions {
        store: kept.clone(),
        idle_seconds: 1800,
        life_seconds: 43_200,
        cookies: Cookies { encrypted },
    };
    let person = run(fake.person("zhang")).unwrap().unwrap();
    let (session, token) = sessions.begin(&person, SignedInBy::Password, NOW).unwrap();
    assert!(!format!("{session:?}").contains(&token));
    kept.0.lock().unwrap().push(session);
    let authenticator = fake.authenticator().with_sessions(sessions);
    World { fake, kept, authenticator, token }
}

impl World {
    fn call(&self, method: &str, fields: &[(&str, &str)], cookie: &str, now: Timestamp) -> Result<OpContext> {
        let mut request = Request::builder().method(method).uri("/t").header("cookie", cookie);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        Ok(run(self.authenticator.authenticate(arrival(
            &parts,
            &Presented::of(&parts.headers),
            Channel::Api,
            now,
        )))?
        .with_body(None)?)
    }

    fn get(&self, now: Timestamp) -> Result<OpContext> {
        self.call("GET", &[], &format!("theme=dark; __Host-shuqiao={}", self.token), now)
    }
}

fn refused(result: Result<OpContext>, code: ErrorCode) {
    assert_eq!(result.err().map(|error| error.code), Some(code));
}

#[test]
fn a_session_speaks_for_its_person_with_their_roles() {
    let world = world(true);
    let ctx = world.get(NOW).unwrap();
    assert_eq!((ctx.principal.id.as_str(), ctx.key.clone(), ctx.ticket.clone()), ("zhang", None, None));
    assert!(ctx.principal.has(Role::Analyst) && ctx.session.is_some());
    let purpose = [("shuqiao-purpose", "%E7%BB%9F%E8%AE%A1"), ("shuqiao-operator", "x")];
    let ctx = world.call("GET", &purpose, &format!("__Host-shuqiao={}", world.token), NOW).unwrap();
    assert_eq!((ctx.purpose.as_deref(), ctx.operator), (Some("统计"), None));
    let error =
        issue_ticket(&ctx_of(&world), NewTicket { purpose: None, doors: [Channel::Sql].into(), seconds: 60 });
    assert!(error.is_err(), "a session makes no ticket, which would outlive it");
}

fn ctx_of(world: &World) -> OpContext {
    world.get(NOW).unwrap()
}

#[test]
fn a_forged_cookie_is_an_error_and_never_the_public() {
    let world = world(true);
    for cookie in ["__Host-shuqiao=forged", &format!("__Host-shuqiao={}x", world.token)] {
        refused(world.call("GET", &[], cookie, NOW), ErrorCode::Unauthenticated);
    }
    // A cookie of the name without the prefix can be planted by a neighbouring host: it is none.
    let planted = world.call("GET", &[], &format!("shuqiao={}", world.token), NOW).unwrap();
    assert_eq!(planted.principal, catalog_core::Principal::public());
    let digest = world.kept.0.lock().unwrap()[0].token_digest.clone();
    refused(world.call("GET", &[], &format!("__Host-shuqiao={digest}"), NOW), ErrorCode::Unauthenticated);
}

#[test]
fn a_session_ends_idle_and_in_the_end() {
    let world = world(true);
    refused(world.get(NOW.plus_seconds(1800)), ErrorCode::Unauthenticated);
    for minutes in (0..720).step_by(29) {
        world.get(NOW.plus_seconds(minutes * 60)).unwrap();
    }
    refused(world.get(NOW.plus_seconds(43_200)), ErrorCode::Unauthenticated);
    refused(world.get(NOW.plus_seconds(-1)), ErrorCode::Unauthenticated);
}

#[test]
fn a_session_ends_with_a_change_of_its_person() {
    for (roles, active) in
        [(&[Role::Analyst][..], false), (&[Role::Analyst, Role::Reviewer], true), (&[], true)]
    {
        let world = world(true);
        world.get(NOW).unwrap();
        world.fake.add_person("zhang", roles, active);
        refused(world.get(NOW), ErrorCode::Unauthenticated);
    }
}

#[test]
fn another_sites_page_changes_nothing() {
    let world = world(true);
    let cookie = format!("__Host-shuqiao={}", world.token);
    let foreign: [&[(&str, &str)]; 7] = [
        &[],
        &[("origin", "https://evil.example.com")],
        &[("origin", "null")],
        &[("origin", "https://data.example.gov.cn.evil.example.com")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site"), ("origin", BASE)],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example.com")],
    ];
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        for fields in foreign {
            refused(world.call(method, fields, &cookie, NOW), ErrorCode::Forbidden);
        }
        for fields in [[("origin", BASE)], [("sec-fetch-site", "same-origin")]] {
            world.call(method, &fields, &cookie, NOW).unwrap();
        }
    }
}

#[test]
fn no_session_is_accepted_where_others_could_have_read_it() {
    let world = world(false);
    let request = Request::get("/t").header("cookie", format!("shuqiao={}", world.token));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let call = |confidential| {
        run(world.authenticator.authenticate(Arrival {
            confidential,
            ..arrival(&parts, &Presented::of(&parts.headers), Channel::Api, NOW)
        }))
        .map(|_| ())
        .map_err(Error::from)
    };
    call(true).unwrap();
    assert_eq!(call(false).unwrap_err().code, ErrorCode::Unauthenticated);
}

#[test]
fn cookies_are_for_this_host_and_no_script() {
    let secure = Cookies { encrypted: true }.session("token");
    assert_eq!(secure, "__Host-shuqiao=token; Path=/; HttpOnly; SameSite=Lax; Secure");
    let local = Cookies { encrypted: false }.session("token");
    assert_eq!(local, "shuqiao=token; Path=/; HttpOnly; SameSite=Lax");
    assert!(Cookies { encrypted: true }.no_session().ends_with("Max-Age=0"));
}
