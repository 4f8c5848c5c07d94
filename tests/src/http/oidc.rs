//! Signing in at an identity provider that nobody here wrote (Authlib), and what is tried against it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use catalog_core::Role;
use openapi_http::OidcSettings;
use serde_json::{Value, json};

use super::sign_in::{cookie, whoever};
use crate::support::city::departments;
use crate::support::server::{Answer, Bounds, Call, Server};

const SECRET: &str = "a secret: with/odd&signs";

/// A provider in a process of its own, which ends with this value.
struct Provider {
    child: Child,
    issuer: String,
    http: reqwest::Client,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Provider {
    fn start() -> Self {
        let users = json!([
            {"sub": "1001", "claims": {"preferred_username": "zhang", "name": "张某"}},
            {"sub": "1002", "claims": {"preferred_username": "stranger", "name": "某某"}},
            {"sub": "1003", "claims": {"preferred_username": "dev-000000000000000000000000", "name": "冒名"}},
            {"sub": "1004", "claims": {"preferred_username": "wang", "name": "王某"}},
        ]);
        let python = std::env::var("SHUQIAO_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut child = Command::new(python)
            .arg(format!("{}/python/oidc_provider.py", env!("CARGO_MANIFEST_DIR")))
            .args([SECRET, &users.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told: Value = serde_json::from_str(&line).expect("`tests/run` installs what the provider needs");
        let issuer = told["issuer"].as_str().unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
        Self { child, issuer, http }
    }

    fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: self.issuer.clone(),
            client_id: "shuqiao".to_owned(),
            client_secret: Some(SECRET.to_owned()),
            claim: "preferred_username".to_owned(),
            scopes: "openid profile".to_owned(),
            developers: false,
        }
    }

    /// What a person does there: sees the form, sends it, and is sent back with this address.
    async fn consent(&self, address: &str, subject: &str) -> String {
        assert!(address.starts_with(&self.issuer), "{address}");
        assert!(self.http.get(address).send().await.unwrap().status().is_success());
        let form = self.http.post(address).header("content-type", "application/x-www-form-urlencoded");
        let answer = form.body(format!("sub={subject}")).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    }
}

/// A server on which 张 has an account.
async fn server(settings: OidcSettings) -> Server {
    let server = Server::start_with(Bounds { oidc: Some(settings), ..Bounds::default() }).await;
    server.department(&departments()[0]).await;
    server.person("zhang", Some(&departments()[0]), &[Role::Analyst]).await;
    server
}

/// A sign-in that has begun: the cookie of the browser, and the address of the provider.
async fn begun(server: &Server) -> (String, String) {
    let answer = server.send(Call::get("/api/v1/session/oidc?return=/directory")).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.text());
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("shuqiao-oidc="), "{cookie}");
    (cookie, answer.header("location").to_owned())
}

async fn back(server: &Server, cookie: &str, address: &str) -> Answer {
    let path = address.strip_prefix(&server.base).unwrap_or_else(|| panic!("{address} is not ours"));
    server.send(Call::get(path).header("cookie", cookie)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_at_the_provider() {
    let provider = Provider::start();
    let server = server(provider.settings()).await;
    let (browser, address) = begun(&server).await;
    let returned = provider.consent(&address, "1001").await;
    let answer = back(&server, &browser, &returned).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/directory"), "{}", answer.text());
    let session = cookie(&answer);
    let view = whoever(&server, &session).await.ok();
    assert_eq!((&view["person"], &view["by"]), (&json!("zhang"), &json!("oidc")));
    assert_eq!(view["roles"], json!(["analyst"]));
    // The same answer a second time, in the very browser: its state is used up.
    assert_eq!(back(&server, &browser, &returned).await.code(), "unauthenticated");
    let log = std::fs::read_dir(server.folder.path().join("access")).unwrap();
    let log: String = log.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let code = returned.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let token = session.split_once('=').unwrap().1;
    assert!(log.contains("/api/v1/session/oidc/callback") && !log.contains(code) && !log.contains(token));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_on_which_people_sign_in_leads_to_the_provider_and_back_to_what_they_wanted() {
    let provider = Provider::start();
    let server = server(provider.settings()).await;
    let page = Call::get("/sign-in?next=/desk/matters%3Fside%3Dours").header("accept", "text/html");
    let page = server.send(page).await.text();
    let way = page.split("href=\"/api/v1/session/oidc").nth(1).unwrap().split('"').next().unwrap();
    let begun = server.send(Call::get(format!("/api/v1/session/oidc{way}"))).await;
    let browser = begun.header("set-cookie").split(';').next().unwrap().to_owned();
    let returned = provider.consent(begun.header("location"), "1001").await;
    let answer = back(&server, &browser, &returned).await;
    assert_eq!(answer.header("location"), "/desk/matters?side=ours", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_only_in_the_browser_and_for_the_sign_in_that_asked_for_it() {
    let provider = Provider::start();
    let server = server(provider.settings()).await;
    let (victim, victims) = begun(&server).await;
    let (attacker, attackers) = begun(&server).await;
    let returned = provider.consent(&attackers, "1001").await;
    assert_eq!(back(&server, "none=1", &returned).await.code(), "unauthenticated", "no browser began it");
    assert_eq!(back(&server, &victim, &returned).await.code(), "unauthenticated", "another browser began it");
    // The attacker's code under the victim's state: the provider knows by PKCE that it is not ours.
    let parameter = |address: &str, name: &str| {
        let mark = format!("{name}=");
        address.split(&mark).nth(1).unwrap().split('&').next().unwrap().to_owned()
    };
    let (code, state) = (parameter(&returned, "code"), parameter(&victims, "state"));
    let injected = format!("{}/api/v1/session/oidc/callback?code={code}&state={state}", server.base);
    assert_eq!(back(&server, &victim, &injected).await.code(), "unauthenticated");
    // A forged cookie, no code, a refusal, and another provider's answer (RFC 9207).
    assert_eq!(back(&server, "shuqiao-oidc=Zm9yZ2Vk", &returned).await.code(), "unauthenticated");
    for rest in ["", "&error=access_denied", "&code=x&iss=https://evil.example.com"] {
        let (browser, address) = begun(&server).await;
        let state = parameter(&address, "state");
        let answer = format!("{}/api/v1/session/oidc/callback?state={state}{rest}", server.base);
        assert_eq!(back(&server, &browser, &answer).await.code(), "unauthenticated", "{rest}");
    }
    // None of it has used up what is the attacker's own.
    cookie(&back(&server, &attacker, &returned).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let provider = Provider::start();
    let server = server(provider.settings()).await;
    for elsewhere in
        ["//evil.example.com", "https://evil.example.com", "/%5Cevil.example.com", "/a%0d%0aset-cookie:x", ""]
    {
        let answer = server.send(Call::get(format!("/api/v1/session/oidc?return={elsewhere}"))).await;
        assert_eq!(answer.code(), "invalid_input", "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_stay_out_or_become_developers() {
    let provider = Provider::start();
    let closed = server(provider.settings()).await;
    let open = OidcSettings { developers: true, claim: "sub".to_owned(), ..provider.settings() };
    let open = server(open).await;
    for subject in ["1002", "1003"] {
        let (browser, address) = begun(&closed).await;
        let returned = provider.consent(&address, subject).await;
        assert_eq!(back(&closed, &browser, &returned).await.code(), "unauthenticated");
        let mut names = Vec::new();
        for _ in 0..2 {
            let (browser, address) = begun(&open).await;
            let returned = provider.consent(&address, subject).await;
            let view = whoever(&open, &cookie(&back(&open, &browser, &returned).await)).await.ok();
            assert_eq!(view["roles"], json!(["developer"]));
            names.push(view["person"].as_str().unwrap().to_owned());
        }
        assert_eq!(names[0], names[1], "the same person comes back");
        assert_ne!(names[0], "dev-000000000000000000000000", "nobody chooses a developer's name");
    }
    // Who calls themselves what an official here is called is another; whom the provider itself calls so is the one.
    let session = async |subject: &str| {
        let (browser, address) = begun(&open).await;
        let returned = provider.consent(&address, subject).await;
        whoever(&open, &cookie(&back(&open, &browser, &returned).await)).await.ok()
    };
    assert_eq!(session("1001").await["roles"], json!(["developer"]), "zhang by a name that can be chosen");
    open.person("1004", Some(&departments()[0]), &[Role::Analyst]).await;
    assert_eq!(session("1004").await["roles"], json!(["analyst"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_another_name_or_with_another_secret_is_none() {
    let provider = Provider::start();
    let named = server(OidcSettings { issuer: format!("{}/", provider.issuer), ..provider.settings() }).await;
    assert_eq!(named.send(Call::get("/api/v1/session/oidc")).await.code(), "unavailable");
    let wrong = server(OidcSettings { client_secret: Some("wrong".to_owned()), ..provider.settings() }).await;
    let (browser, address) = begun(&wrong).await;
    let returned = provider.consent(&address, "1001").await;
    assert_eq!(back(&wrong, &browser, &returned).await.code(), "unauthenticated");
    let none = Server::start_with(Bounds::default()).await;
    assert_eq!(none.send(Call::get("/api/v1/session/oidc")).await.code(), "not_found");
}
