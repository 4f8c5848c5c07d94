//! What departments are told without asking, by letter and by signed request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri};
use catalog_core::context::PrincipalKind;
use catalog_core::words::{Contact, Receivers, Webhook};
use catalog_core::{ErrorCode, Role, Timestamp};
use openapi_http::{MailFolder, Messenger};
use serde_json::{Value, json};

use super::successions::{confirm, propose};
use crate::support::city::{City, department, departments};
use crate::support::python::python;
use crate::support::server::Call;

/// What a gateway received: path, fields, body.
type Received = Arc<Mutex<Vec<(String, HeaderMap, String)>>>;

/// A gateway on this machine that answers what it is told to, and 204 after that.
struct Gateway {
    port: u16,
    received: Received,
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Gateway {
    async fn start() -> Self {
        let (received, answers) = (Received::default(), Arc::<Mutex<VecDeque<StatusCode>>>::default());
        let (kept, next) = (received.clone(), answers.clone());
        let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            kept.lock().unwrap().push((uri.path().to_owned(), headers, body));
            let status = next.lock().unwrap().pop_front().unwrap_or(StatusCode::NO_CONTENT);
            (status, [("location", "/elsewhere")])
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, received, answers }
    }

    fn answers(&self, statuses: &[u16]) {
        let statuses = statuses.iter().map(|status| StatusCode::from_u16(*status).unwrap());
        self.answers.lock().unwrap().extend(statuses);
    }

    fn take(&self) -> Vec<(String, HeaderMap, String)> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }

    /// The kinds of the words that came since.
    fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> = self.take().iter().map(|(.., body)| kind(body)).collect();
        kinds.sort();
        kinds
    }
}

fn kind(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["kind"].as_str().unwrap().to_owned()
}

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

/// An application waits for the provider, whose name attacks letters, from Monday the second of March on.
struct Office {
    city: City,
    part: String,
    receivers: Receivers,
}

impl Office {
    async fn new(url: &str) -> Self {
        let city = City::new_at(at("03-02T10:00")).await;
        let [mut scjg, gaj] = departments();
        let analyst = city.server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
        let officer = city.server.person("officer", None, &[Role::AuthorityOfficer]).await;
        scjg.name = "市场监督管理局\r\nBcc: all@example.cn".to_owned();
        city.server.department(&scjg).await;
        let application = json!({
            "asks": [{"resource": "301001/000001", "items": ["case_no", "county", "person"], "doors": ["sql"]}],
            "purpose": "机密用途", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
        });
        let send = |path: String, body: Value, by| {
            let call = Call::post(path, &body).by(by);
            async { city.server.send(call).await.ok() }
        };
        let opened = send("/api/v1/applications".to_owned(), application, &analyst).await;
        let steps = format!("/api/v1/matters/{}/steps", opened["number"].as_str().unwrap());
        let accepted = send(steps, json!({"event": "accept"}), &officer).await;
        let part = accepted["parts"][0].as_str().unwrap().to_owned();
        let contact = Contact {
            department: Some(scjg.id),
            role: Role::Approver,
            address: "approvers@scjg.example.cn".to_owned(),
        };
        let webhooks = vec![Webhook { url: url.to_owned(), kinds: Vec::new() }];
        Self { city, part, receivers: Receivers { contacts: vec![contact], webhooks } }
    }

    fn messenger(&self, networks: &[&str]) -> Messenger {
        let folder = self.city.server.folder.path().join("letters");
        let mailer = Arc::new(MailFolder::open(&folder, "shuqiao@example.cn").unwrap());
        let networks: Vec<_> = networks.iter().map(|text| text.parse().unwrap()).collect();
        Messenger::new(Some(mailer), self.city.server.app.signer.clone(), &networks, &self.receivers).unwrap()
    }

    /// A round of both clocks at a time: how many arrived, wait, were given up.
    async fn round(&self, time: &str, messenger: &Messenger) -> (usize, usize, usize) {
        self.city.server.set_clock(at(time));
        self.city.server.services.tell(&self.city.server.operator(&[]), &self.receivers).await.unwrap();
        self.deliver(messenger).await
    }

    async fn deliver(&self, messenger: &Messenger) -> (usize, usize, usize) {
        let operator = self.city.server.operator(&[]);
        let round = self.city.server.services.deliver_words(&operator, messenger).await.unwrap();
        (round.arrived, round.waiting, round.given_up)
    }

    fn letters(&self) -> Vec<String> {
        let folder = self.city.server.folder.path().join("letters");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files
            .map(|path| {
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::remove_file(path).unwrap();
                text
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lights_that_change_and_the_morning_list_are_told_once() {
    let gateway = Gateway::start().await;
    let url = format!("http://127.0.0.1:{}/words", gateway.port);
    let office = Office::new(&url).await;
    let messenger = office.messenger(&["127.0.0.1"]);

    // Green is no news; the list of the morning is made once a day.
    assert_eq!(office.round("03-02T10:30", &messenger).await, (2, 0, 0));
    assert_eq!(gateway.kinds(), ["morning_list"]);
    assert_eq!(office.round("03-02T11:30", &messenger).await, (0, 0, 0));
    let letter = &office.letters()[0];
    let read = python("read_letter.py", &[], letter);
    let text = read["text"].as_str().unwrap();
    assert!(text.contains(&office.part) && text.contains("2026-03-17 00:00:00"), "{text}");
    assert!(!text.contains("机密"), "no words of the matter itself");
    // The name of a department begins no other line in a letter's head.
    assert_eq!(read["to"], "approvers@scjg.example.cn");
    assert!(read["subject"].as_str().unwrap().contains("Bcc: all@example.cn"), "{}", read["subject"]);
    let (head, _) = letter.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");

    // Day 9 of 10 is yellow from its first instant; before half past eight and on a Saturday there is no list.
    assert_eq!(office.round("03-13T07:00", &messenger).await, (2, 0, 0));
    assert_eq!(gateway.kinds(), ["light_changed"]);
    assert_eq!(office.round("03-14T09:00", &messenger).await, (0, 0, 0));
    assert_eq!(office.round("03-16T08:29", &messenger).await, (0, 0, 0));
    assert_eq!(office.round("03-16T08:30", &messenger).await, (2, 0, 0));
    assert_eq!(gateway.kinds(), ["morning_list"]);

    // What is late is told to the data authority too, and is evidence: once.
    assert_eq!(office.round("03-17T07:00", &messenger).await, (3, 0, 0));
    let received = gateway.take();
    let word = |kind: &str| -> Value {
        let bodies = received.iter().map(|(.., body)| serde_json::from_str::<Value>(body).unwrap());
        bodies.into_iter().find(|word| word["kind"] == kind).unwrap()
    };
    assert_eq!((&word("escalated")["department"], &word("escalated")["total"]), (&json!(null), &json!(1)));
    assert_eq!(
        word("light_changed")["matters"],
        json!([{"number": office.part, "kind": "provision", "limit": "conditional_decision", "light": "red",
            "due": "2026-03-16T16:00:00Z"}])
    );
    assert_eq!(office.round("03-17T08:00", &messenger).await, (0, 0, 0));
    let escalated = |event: &Value| event["action"] == "matter.escalated";
    let events: Vec<_> = office.city.server.events("changed").into_iter().filter(escalated).collect();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["entity"], format!("limit of matter {}", office.part).as_str());

    // A receiver verifies with the public keys of the platform alone.
    let jwks = office.city.server.send(Call::get("/.well-known/jwks.json")).await.ok();
    let jwk = &jwks["keys"][0];
    let (_, headers, body) = &received[0];
    let fields: serde_json::Map<_, _> =
        headers.iter().map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap()))).collect();
    let mut given = json!({
        "request": {"method": "POST", "url": url, "headers": fields}, "body": body, "key_id": jwk["kid"],
        "public_key": jwk["x"].as_str().unwrap().replace('-', "+").replace('_', "/") + "=",
        "components": ["@method", "@target-uri", "content-digest", "content-type"],
    });
    // The oracle takes the message itself where it has no status.
    let verified = python("oracle_signatures.py", &["verify"], &given.to_string());
    assert_eq!(verified["error"], json!(null), "{verified}");
    given["body"] = json!(body.replace("red", "green"));
    let forged = python("oracle_signatures.py", &["verify"], &given.to_string());
    assert_ne!(forged["error"], json!(null), "a changed word");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_successor_is_told_of_what_its_predecessor_handled() {
    let mut office = Office::new("https://gateway.example.cn/words").await;
    let sjj = department("sjj", "九江市市场和数据局", "11360400MD0000003X");
    office.receivers.webhooks.clear();
    office.receivers.contacts.push(Contact {
        department: Some(sjj.id.clone()),
        role: Role::Approver,
        address: "approvers@sjj.example.cn".to_owned(),
    });
    let city = &office.city;
    city.server.department(&sjj).await;
    let [first, second] = [
        city.server.person("first", None, &[Role::AuthorityOfficer]).await,
        city.server.person("second", None, &[Role::AuthorityOfficer]).await,
    ];
    let heir = json!({"successor": "sjj", "from": at("03-03T00:00").to_string(), "basis": "机构改革方案"});
    let proposed = propose(city, "scjg", &heir, &first).await.ok();
    confirm(city, &proposed, &second).await.ok();
    let messenger = office.messenger(&[]);
    for (time, to) in
        [("03-02T10:30", "approvers@scjg.example.cn"), ("03-03T10:30", "approvers@sjj.example.cn")]
    {
        assert_eq!(office.round(time, &messenger).await, (1, 0, 0), "{time}");
        let letter = python("read_letter.py", &[], &office.letters()[0]);
        assert_eq!(letter["to"], to);
        assert!(letter["text"].as_str().unwrap().contains(&office.part), "{letter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_tried_again_and_given_up() {
    let gateway = Gateway::start().await;
    let mut office = Office::new(&format!("http://localhost:{}/words", gateway.port)).await;
    office.receivers.contacts.clear();
    let server = &office.city.server;
    let administrator = server.person("sysadmin", None, &[Role::SystemAdministrator]).await;
    let messenger = office.messenger(&["127.0.0.0/8", "::1"]);

    // Redirects are not followed.
    gateway.answers(&[302]);
    assert_eq!(office.round("03-02T10:30", &messenger).await, (0, 1, 0));
    assert_eq!(gateway.take().len(), 1, "/elsewhere was not asked");
    let waiting = server.send(Call::get("/api/v1/words").by(&administrator)).await.ok();
    assert!(waiting[0]["problem"].as_str().unwrap().contains("redirect"), "{waiting}");

    // Each wait is twice the one before.
    let mut now = at("03-02T10:30");
    gateway.answers(&[500; 8]);
    for tries in 1..9 {
        let wait = 60 << (tries - 1);
        server.set_clock(now.plus_seconds(wait - 1));
        assert_eq!(office.deliver(&messenger).await, (0, 0, 0), "too early after {tries}");
        now = now.plus_seconds(wait);
        server.set_clock(now);
        let expected = if tries == 8 { (0, 0, 1) } else { (0, 1, 0) };
        assert_eq!(office.deliver(&messenger).await, expected, "after {tries}");
    }
    assert_eq!(gateway.take().len(), 8);
    server.set_clock(now.plus_seconds(864_000));
    assert_eq!(office.deliver(&messenger).await, (0, 0, 0), "given up");
    let given_up = server.send(Call::get("/api/v1/words").by(&administrator)).await.ok();
    assert_eq!((&given_up[0]["next_at"], &given_up[0]["tries"]), (&json!(null), &json!(9)));
    let stranger = server.send(Call::get("/api/v1/words").by(&office.city.approver)).await;
    assert_eq!(stranger.code(), "forbidden");
    // Nobody but the clock tells or delivers.
    let mut person = server.operator(&[Role::SystemAdministrator]);
    person.principal.kind = PrincipalKind::Person;
    let delivered = server.services.deliver_words(&person, &messenger).await;
    assert_eq!(delivered.unwrap_err().code, ErrorCode::Forbidden);
    let told = server.services.tell(&person, &office.receivers).await;
    assert_eq!(told.unwrap_err().code, ErrorCode::Forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_into_the_named_networks_alone() {
    let gateway = Gateway::start().await;
    for host in ["127.0.0.1", "localhost", "2130706433", "0x7f.1"] {
        let url = format!("https://{host}:{}/", gateway.port);
        let mut office = Office::new(&url).await;
        office.receivers.contacts.clear();
        let messenger = office.messenger(&["10.0.0.0/8"]);
        assert_eq!(office.round("03-02T10:30", &messenger).await, (0, 1, 0), "{host}");
        let operator = office.city.server.operator(&[Role::SystemAdministrator]);
        let words = office.city.server.services.words(&operator).await.unwrap();
        assert!(words[0].attempts.problem.as_deref().unwrap().contains("word.networks"), "{host}: {words:?}");
    }
    assert!(gateway.take().is_empty());
}
