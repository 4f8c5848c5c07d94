//! What the public asks, over HTTP: from the request to the notice, and everything by which somebody might learn who asked.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use openapi_http::HttpLimits;
use serde_json::{Value, json};

use crate::support::city::{City, department, departments};
use crate::support::python::python;
use crate::support::server::{Answer, Bounds, Call, Server};

const NAME: &str = "诸葛合成<b>&甲";
const PHONE: &str = "000-5550-1990";
const TEXT: &str = "我想了解合成项目瑶光的经费分配";
const MORE: &str = "补充：合成文号天枢〔2025〕7号";
const PARTY: &str = "合成第三方玉衡公司";

/// A time of 2026 in Asia/Shanghai.
pub(super) fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

fn request(department: Option<&str>) -> Value {
    json!({
        "applicant": {"name": NAME, "phone": PHONE, "id_number": "110101199003070000"}, "applicant_kind": "natural_person",
        "title": "专项资金分配结果", "text": TEXT, "form": "电子文件", "department": department,
    })
}

pub(super) fn letter(department: Option<&str>) -> Value {
    json!({"applicant": {"name": NAME, "email": "a@example.invalid"}, "title": "建议", "text": TEXT, "department": department})
}

/// A server with two departments and some of their people; Monday, the second of March.
pub(super) struct Town {
    pub(super) server: Server,
    pub(super) approver: SigningKey,
    steward: SigningKey,
    foreign: SigningKey,
    officer: SigningKey,
    auditor: SigningKey,
}

impl Town {
    pub(super) async fn new() -> Self {
        Self::within(HttpLimits::default()).await
    }

    async fn within(door: HttpLimits) -> Self {
        let server = Server::start_at(Bounds { door, ..Bounds::default() }, at("03-02T10:00")).await;
        let [scjg, gaj] = departments();
        server.department(&scjg).await;
        server.department(&gaj).await;
        let approver = server.person("approver", Some(&scjg), &[Role::Approver]).await;
        let steward = server.person("steward", Some(&scjg), &[Role::DataSteward]).await;
        let foreign = server.person("foreign", Some(&gaj), &[Role::Approver]).await;
        let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
        let auditor = server.person("auditor", None, &[Role::Auditor]).await;
        Self { server, approver, steward, foreign, officer, auditor }
    }

    async fn open(&self, what: &str, content: &Value) -> Answer {
        self.server.send(Call::post(format!("/api/v1/{what}"), content)).await
    }

    /// A new one: its number and code.
    pub(super) async fn opened(&self, what: &str, content: &Value) -> (String, String) {
        let opened = self.open(what, content).await.ok();
        (opened["number"].as_str().unwrap().to_owned(), opened["code"].as_str().unwrap().to_owned())
    }

    async fn own(&self, path: &str, body: Value) -> Answer {
        self.server.send(Call::post(format!("/api/v1/public-matters/{path}"), &body)).await
    }

    pub(super) async fn act(&self, number: &str, act: Value, by: &SigningKey) -> Answer {
        self.server.send(Call::post(format!("/api/v1/matters/{number}/steps"), &act).by(by)).await
    }

    pub(super) async fn get(&self, path: &str, by: &SigningKey) -> Answer {
        self.server.send(Call::get(format!("/api/v1/{path}")).by(by)).await
    }

    /// The entities of the evidence of one action.
    pub(super) fn left(&self, action: &str) -> Vec<Value> {
        let changed = self.server.events("changed").into_iter().filter(|event| event["action"] == action);
        changed.collect()
    }
}

fn refusal() -> Value {
    json!({"event": "refuse", "reason": "不掌握", "legal_basis": "政府信息公开条例 第三十六条", "outcome": {"ground": "not_held"}})
}

/// A document as python-docx reads it: all of its text.
async fn read(document: &[u8]) -> String {
    let text = STANDARD.encode(document);
    let read = move || python("read_docx.py", &[], &text);
    let read = tokio::task::spawn_blocking(read).await.unwrap();
    let lines: Vec<_> =
        read["paragraphs"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    lines.join("\n")
}

/// Whether any file of the folder holds the text.
fn holds(folder: &Path, text: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = match path.is_dir() {
            true => holds(&path, text),
            false => {
                let content = std::fs::read(&path).unwrap();
                let has = content.windows(text.len()).any(|window| window == text.as_bytes());
                has.then(|| path.display().to_string())
            }
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_completed_consulted_decided_in_part_and_opened() {
    let town = Town::new().await;
    let opened = town.open("disclosure-requests", &request(Some("scjg"))).await;
    let (number, code) = (opened.ok()["number"].as_str().unwrap().to_owned(), opened.ok()["code"].clone());
    assert_eq!((number.as_str(), &opened.ok()["due"]), ("GK-2026-000001", &json!("2026-03-30T16:00:00Z")));
    assert!(code.as_str().unwrap().len() >= 25);

    let ask = json!({"event": "ask_completion", "reason": "请写明文号"});
    assert_eq!(town.act(&number, ask.clone(), &town.foreign).await.code(), "not_found");
    town.act(&number, ask, &town.approver).await.ok();
    let seen = town.own(&number, json!({"code": code})).await.ok();
    assert_eq!((&seen["state"], &seen["light"]), (&json!("completing"), &json!(null)));
    assert_eq!(
        (&seen["next"], &seen["department"]),
        (&json!(["complete", "withdraw"]), &json!("九江市市场监督管理局"))
    );
    assert_eq!(seen["history"][1]["reason"], "请写明文号");
    assert!(!seen.to_string().contains("approver"), "no staff: {seen}");

    let bare = json!({"code": code, "event": "complete"});
    assert_eq!(town.own(&format!("{number}/steps"), bare).await.code(), "invalid_input");
    let complete = json!({"code": code, "event": "complete", "text": MORE});
    assert_eq!(town.own(&format!("{number}/steps"), complete).await.ok()["state"], "deciding");
    let decide = json!({"code": code, "event": "grant"});
    assert_eq!(town.own(&format!("{number}/steps"), decide).await.code(), "forbidden");
    let staff = json!({"event": "withdraw"});
    assert_eq!(
        town.act(&number, staff, &town.approver).await.code(),
        "forbidden",
        "the applicant's own step"
    );

    let nobody = json!({"event": "consult"});
    assert_eq!(town.act(&number, nobody, &town.approver).await.code(), "invalid_input");
    let consult = json!({"event": "consult", "third_party": {"name": PARTY, "text": "是否同意公开？"}});
    assert_eq!(town.act(&number, consult, &town.approver).await.ok()["state"], "consulting");
    let other = json!({"event": "consulted", "third_party": {"name": "另一家", "text": "同意"}});
    assert_eq!(town.act(&number, other, &town.approver).await.code(), "invalid_input");
    let answer = json!({"event": "consulted", "third_party": {"name": PARTY, "text": "不同意公开账号"}});
    town.act(&number, answer, &town.approver).await.ok();

    let mut part = json!({"event": "grant_in_part", "reason": "可区分处理", "legal_basis": "政府信息公开条例 第三十七条"});
    assert_eq!(
        town.act(&number, part.clone(), &town.approver).await.code(),
        "invalid_input",
        "what is given"
    );
    part["outcome"] = json!({"given": "分配结果，电子文件", "withheld": []});
    assert_eq!(
        town.act(&number, part.clone(), &town.approver).await.code(),
        "invalid_input",
        "what is withheld"
    );
    let withheld =
        json!([{"what": "银行账号", "ground": "third_party", "article": "政府信息公开条例 第十五条"}]);
    part["outcome"]["withheld"] = withheld;
    assert_eq!(town.act(&number, part, &town.approver).await.ok()["state"], "answered");

    // The notice, by number and code, as another program reads it.
    let seen = town.own(&number, json!({"code": code})).await.ok();
    let kinds: Vec<_> =
        seen["notices"].as_array().unwrap().iter().map(|notice| notice["kind"].clone()).collect();
    assert_eq!(json!(kinds), json!(["acceptance", "completion", "grant_in_part"]));
    let path = format!("{number}/notices/3");
    assert_eq!(town.own(&path, json!({"code": "AAAAA"})).await.code(), "not_found");
    let notice = town.own(&path, json!({"code": code})).await;
    let text = read(notice.ok_bytes()).await;
    for part in [
        "九江市市场监督管理局",
        "依申请公开部分同意告知书",
        "GK-2026-000001-3",
        NAME,
        "专项资金分配结果",
        "予以公开：分配结果，电子文件",
        "不予公开：银行账号。保护第三方合法权益（政府信息公开条例 第十五条）",
        "政府信息公开条例 第三十七条",
        "六十日内先向",
        "十五日内",
        "行政复议法（2023） 第二十条、第二十三条",
        "二〇二六年三月二日",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(notice.header("content-disposition"), "attachment; filename=\"GK-2026-000001-3.docx\"");
    assert_eq!(town.own(&path, json!({"code": code})).await.ok_bytes(), notice.ok_bytes(), "the same bytes");
    let issued = town.left("notice.issued");
    assert_eq!((&issued[0]["entity"], issued.len()), (&json!("notice GK-2026-000001-3"), 2));
    let digest = exchange_crypto::Digest::of(notice.ok_bytes()).to_hex();
    assert_eq!((&issued[0]["entity_digest"], &issued[0]["actor"]["id"]), (&json!(digest), &json!("public")));
    assert_eq!(town.own(&format!("{number}/notices/4"), json!({"code": code})).await.code(), "not_found");

    // From there it becomes open to everyone: an item of the plan, twenty working days from now.
    town.act(&number, json!({"event": "publish"}), &town.approver).await.ok();
    let parts = town.get(&format!("matters/{number}"), &town.officer).await.ok()["parts"].clone();
    let item = town.get(&format!("matters/{}", parts[0].as_str().unwrap()), &town.officer).await.ok();
    assert_eq!((&item["parent"], &item["content"]["title"]), (&json!(number), &json!("专项资金分配结果")));
    assert_eq!((&item["content"]["due"], &item["state"]), (&json!("2026-03-30"), &json!("planned")));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_is_seen_by_the_handling_role_alone_and_stands_nowhere_in_clear() {
    let town = Town::new().await;
    let (number, code) = town.opened("disclosure-requests", &request(Some("scjg"))).await;
    let consult = json!({"event": "consult", "third_party": {"name": PARTY, "text": "是否同意公开？"}});
    town.act(&number, consult, &town.approver).await.ok();
    let path = format!("matters/{number}/applicant");
    for (who, told) in [
        (&town.steward, "forbidden"),
        (&town.officer, "forbidden"),
        (&town.auditor, "forbidden"),
        (&town.foreign, "not_found"),
    ] {
        assert_eq!(town.get(&path, who).await.code(), told);
    }
    assert_eq!(town.server.send(Call::get(format!("/api/v1/{path}"))).await.code(), "not_found");
    assert!(town.left("applicant.read").is_empty(), "nobody has read it yet");
    let confided = town.get(&path, &town.approver).await.ok();
    assert_eq!((&confided["applicant"]["name"], &confided["text"]), (&json!(NAME), &json!(TEXT)));
    assert_eq!(confided["consultations"][0]["with"], PARTY);
    let read_by = town.left("applicant.read");
    assert_eq!(
        (&read_by[0]["actor"]["id"], &read_by[0]["entity"]),
        (&json!("approver"), &json!(format!("applicant {number}")))
    );

    // Whoever may see the matter sees no name in it, nor in its notice.
    for who in [&town.steward, &town.officer, &town.auditor] {
        let seen = town.get(&format!("matters/{number}"), who).await.text();
        assert!(!seen.contains("诸葛合成") && !seen.contains(TEXT) && !seen.contains(PHONE), "{seen}");
        let notice = town.get(&format!("matters/{number}/notices/1"), who).await;
        assert!(!read(notice.ok_bytes()).await.contains("诸葛合成"));
    }
    let notice = town.get(&format!("matters/{number}/notices/1"), &town.approver).await;
    assert!(read(notice.ok_bytes()).await.contains(NAME), "hostile letters stay letters");
    assert_eq!(town.left("applicant.read").len(), 2, "a notice names the applicant");

    // Without evidence nothing is shown.
    town.server.evidence_fails.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(town.get(&path, &town.approver).await.code(), "evidence_unavailable");
    town.server.evidence_fails.store(false, std::sync::atomic::Ordering::SeqCst);

    // A signed-in person asks as anyone does; what they send is kept by no vault, even where it is refused.
    let signed = Call::post("/api/v1/letters", &letter(Some("scjg"))).by(&town.foreign);
    town.server.send(signed).await.ok();
    let mut wrong = letter(Some("scjg"));
    wrong["other"] = json!(1);
    town.server.send(Call::post("/api/v1/letters", &wrong).by(&town.foreign)).await.code();
    assert!(town.left("matter.opened").iter().all(|event| event["actor"]["id"] == "public"));

    town.server.app.drain().await.unwrap();
    let folder = town.server.folder.path();
    assert!(holds(folder, "专项资金分配结果").is_some(), "the search finds what is there");
    for secret in
        [NAME, "诸葛合成", PHONE, TEXT, PARTY, "110101199003070000", "a@example.invalid", code.as_str()]
    {
        assert_eq!(holds(folder, secret), None, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_are_not_guessed_and_open_nothing_else() {
    let town = Town::new().await;
    let (number, code) = town.opened("disclosure-requests", &request(Some("scjg"))).await;
    let (other, its_code) = town.opened("letters", &letter(Some("scjg"))).await;
    let proof = |code: &str| json!({"code": code});
    let typed = code.to_lowercase().replace('-', " ");
    town.own(&number, proof(&typed)).await.ok();
    let wrong = town.own(&number, proof("22222-22222-22222-22222-22222")).await;
    let unknown = town.own("GK-2026-000009", proof(&code)).await;
    let detail = |answer: &Answer| (answer.code(), answer.json()["detail"].clone());
    assert_eq!(detail(&wrong), detail(&unknown), "what exists is told to nobody");
    assert_eq!(town.own(&number, proof(&its_code)).await.code(), "not_found", "the code of another matter");
    assert_eq!(town.own(&other, proof(&code)).await.code(), "not_found");
    let withdraw = json!({"code": its_code, "event": "withdraw"});
    assert_eq!(town.own(&format!("{number}/steps"), withdraw.clone()).await.code(), "not_found");
    let digest = exchange_auth::OneTimeCode::digest_of(&code).to_hex();
    assert_eq!(town.own(&number, proof(&digest)).await.code(), "not_found", "its digest is no code");
    for _ in 0..2 {
        assert_eq!(town.own(&number, proof("x")).await.code(), "not_found");
    }
    // This address waits, with the right code too; whoever comes from elsewhere with it does not.
    let waits = town.own(&number, proof("x")).await;
    assert_eq!((waits.code(), waits.status.as_u16()), ("limit_rate".to_owned(), 429));
    assert_eq!(town.own(&number, proof(&code)).await.code(), "limit_rate");
    let elsewhere = Call::post(format!("/api/v1/public-matters/{number}"), &proof(&code));
    town.server.send_from("127.0.0.2", elsewhere).await.ok();
    town.own(&other, proof(&its_code)).await.ok();
    town.server.set_clock(Timestamp(at("03-02T10:00").0 + 2_000_000));
    for _ in 0..20 {
        town.own(&number, proof(&code)).await.ok();
    }
    town.own(&format!("{other}/steps"), withdraw.clone()).await.ok();
    assert_eq!(town.own(&format!("{other}/steps"), withdraw).await.code(), "illegal_state");
    // What departments ask is followed by no code.
    assert_eq!(town.own("SQ-2026-000001", proof("")).await.code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_oversized_texts_are_refused() {
    let town = Town::within(HttpLimits { public_matters: 3, ..HttpLimits::default() }).await;
    for what in [
        json!({"title": ""}),
        json!({"title": "行\n行"}),
        json!({"title": "\u{202e}反"}),
        json!({"form": "x".repeat(300)}),
    ] {
        town.server.set_clock(Timestamp(town.server.now().0 + 3_600_000_000));
        let mut wrong = request(Some("scjg"));
        wrong.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        assert_eq!(town.open("disclosure-requests", &wrong).await.code(), "invalid_input", "{what}");
    }
    town.server.set_clock(at("03-03T10:00"));
    let mut wrong = letter(None);
    wrong["text"] = json!("长".repeat(5001));
    assert_eq!(town.open("letters", &wrong).await.code(), "invalid_input");
    wrong["text"] = json!("长".repeat(500_000));
    assert_eq!(town.open("letters", &wrong).await.code(), "too_large");
    let mut silent = letter(None);
    silent["applicant"] = json!({"name": "某"});
    let refused = town.open("letters", &silent).await;
    assert_eq!(refused.json()["problems"][0]["rule"], "public.contact", "{}", refused.text());
    assert_eq!(town.open("letters", &letter(Some("nobody"))).await.code(), "not_found");
    assert_eq!(town.open("letters", &letter(None)).await.code(), "unavailable", "three in this hour");
    town.server.set_clock(at("03-03T11:00"));
    town.open("letters", &letter(None)).await.ok();
    assert_eq!(town.get("matters?settled=true", &town.officer).await.ok().as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_routes_what_names_no_department() {
    let town = Town::new().await;
    let (number, code) = town.opened("letters", &letter(None)).await;
    assert_eq!(number, "LX-2026-000001");
    let applicant = format!("matters/{number}/applicant");
    assert_eq!(town.get(&applicant, &town.approver).await.code(), "not_found", "no department has it yet");
    assert_eq!(town.get(&applicant, &town.auditor).await.code(), "forbidden");
    town.get(&applicant, &town.officer).await.ok();
    let to = |department: &str| json!({"event": "route", "department": department});
    assert_eq!(town.act(&number, to("gaj"), &town.approver).await.code(), "not_found");
    town.act(&number, to("gaj"), &town.officer).await.ok();
    assert_eq!(town.get(&applicant, &town.officer).await.code(), "forbidden", "it is routed");
    let back = json!({"event": "return", "reason": "内部意见：不属我局职责"});
    assert_eq!(town.act(&number, back, &town.foreign).await.ok()["state"], "routing");
    town.act(&number, to("scjg"), &town.officer).await.ok();
    let answer = json!({"event": "answer", "reason": "建议已采纳"});
    assert_eq!(town.act(&number, answer.clone(), &town.foreign).await.code(), "not_found");
    town.act(&number, answer, &town.approver).await.ok();
    let seen = town.own(&number, json!({"code": code})).await.ok();
    assert_eq!(
        (&seen["state_label"], &seen["department"]),
        (&json!("已答复"), &json!("九江市市场监督管理局"))
    );
    assert!(seen.to_string().contains("建议已采纳") && !seen.to_string().contains("内部意见"), "{seen}");
    // The limit has run from the receipt on, through all hands.
    let limits = town.get(&format!("matters/{number}"), &town.officer).await.ok()["limits"].clone();
    assert_eq!(limits.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_are_erased_after_their_term_and_on_request() {
    let town = Town::new().await;
    let (number, code) = town.opened("disclosure-requests", &request(Some("scjg"))).await;
    let (mail, mail_code) = town.opened("letters", &letter(Some("scjg"))).await;
    let keys = town.server.folder.path().join("keys/confidential");
    let key = |number: &str| keys.join(format!("{number}.key")).exists();
    assert!(key(&number) && key(&mail));
    let erasure = |number: &str| format!("{number}/erasure");
    assert_eq!(
        town.own(&erasure(&mail), json!({"code": mail_code})).await.code(),
        "illegal_state",
        "not settled"
    );
    town.act(&mail, json!({"event": "answer", "reason": "已采纳"}), &town.approver).await.ok();
    assert_eq!(town.own(&erasure(&mail), json!({"code": code})).await.code(), "not_found");
    town.own(&erasure(&mail), json!({"code": mail_code})).await.ok();
    assert!(!key(&mail) && key(&number));
    let gone = town.get(&format!("matters/{mail}/applicant"), &town.approver).await;
    assert!(gone.code() == "not_found" && gone.text().contains("已按期销毁"), "{}", gone.text());

    town.act(&number, refusal(), &town.approver).await.ok();
    assert_eq!(
        town.own(&erasure(&number), json!({"code": code})).await.code(),
        "illegal_state",
        "its remedies"
    );
    let clock = async |time: &str| {
        town.server.set_clock(Timestamp::parse(time).unwrap());
        town.server.services.run_clock(&town.server.operator(&[])).await.unwrap().erased
    };
    assert_eq!(clock("2027-03-01T23:59:59+08:00").await, 0);
    assert!(key(&number));
    assert_eq!(clock("2027-03-02T00:00:00+08:00").await, 1);
    assert!(!key(&number));
    assert_eq!(clock("2027-03-02T01:00:00+08:00").await, 0);
    assert_eq!(town.get(&format!("matters/{number}/applicant"), &town.approver).await.code(), "not_found");
    let seen = town.own(&number, json!({"code": code})).await.ok();
    assert_eq!(seen["state"], "refused", "the matter itself stays");
    let notice = town.own(&format!("{number}/notices/2"), json!({"code": code})).await;
    let text = read(notice.ok_bytes()).await;
    assert!(text.contains("申请人信息已按期销毁") && text.contains("本机关不掌握相关政府信息"), "{text}");
    assert_eq!(town.left("applicant.erased").len(), 2);
}

/// The catalogue is that of a backup, which still holds whom the log knows to be erased.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_erases_again_whom_the_log_knows_to_be_erased() {
    use catalog_core::evidence::{Event, EvidenceRecord};
    let town = Town::new().await;
    let (number, _) = town.opened("letters", &letter(Some("scjg"))).await;
    let path = format!("matters/{number}/applicant");
    let applicant = || town.get(&path, &town.approver);
    applicant().await.ok();
    let operator = town.server.operator(&[]);
    let erased = Event::Changed {
        action: "applicant.erased".to_owned(),
        entity: format!("applicant {number}"),
        entity_digest: "0".repeat(64),
    };
    let since = [EvidenceRecord::new(&operator, erased)];
    assert_eq!(town.server.services.end_again(&operator, &since).await.unwrap().len(), 1);
    assert_eq!(applicant().await.code(), "not_found");
    let key = town.server.folder.path().join(format!("keys/confidential/{number}.key"));
    assert!(!key.exists());
    assert_eq!(town.server.services.end_again(&operator, &since).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_department_that_received_a_wrong_record_is_told() {
    let city = City::new_at(at("03-02T10:00")).await;
    let [_, gaj] = departments();
    let server = &city.server;
    let rsj = department("rsj", "九江市人力资源和社会保障局", "11360400MD0000003X");
    let third = department("zjj", "九江市住房和城乡建设局", "11360400ME0000004X");
    server.department(&rsj).await;
    server.department(&third).await;
    let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
    let confirmer = server.person("confirmer", Some(&gaj), &[Role::DataSteward]).await;
    let reader = server.person("reader", Some(&rsj), &[Role::Analyst]).await;
    let idle = server.person("idle", Some(&third), &[Role::Analyst, Role::DataSteward]).await;
    let application = json!({
        "asks": [{"resource": "301001/000001", "items": ["case_no", "amount"], "doors": ["sql", "api"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    });
    for who in [&analyst, &reader, &idle] {
        server.send(Call::post("/api/v1/applications", &application).by(who)).await.ok();
    }
    let sql = "select case_no, amount from scjg.penalty";
    server.send(city.sql(sql, Some(&reader))).await.ok();
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),1.00,一\n").await;
    let shown = server.send(city.sql(sql, Some(&analyst))).await;
    assert!(shown.status.is_success());
    server.set_clock(at("03-03T10:00"));
    let receipt = shown.header("shuqiao-receipt");
    let objection = json!({
        "subject": "data", "resource": "301001/000001", "description": "罚款金额有误", "receipt": receipt,
    });
    let opened = server.send(Call::post("/api/v1/objections", &objection).by(&analyst)).await.ok();
    let number = opened["number"].as_str().unwrap();
    let act = async |act: Value, by: &SigningKey| {
        server.send(Call::post(format!("/api/v1/matters/{number}/steps"), &act).by(by)).await
    };
    act(json!({"event": "uphold", "reason": "录入错误"}), &city.editor).await.ok();
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),2.00,一\n").await;
    // Reads of what is right already are nobody's wrong record.
    server.send(city.sql(sql, Some(&idle))).await.ok();
    let correct = |since: Value| json!({"event": "correct", "version": 3, "wrong_since": since});
    assert_eq!(act(correct(json!(3)), &city.editor).await.code(), "invalid_input");
    let corrected = act(correct(json!(2)), &city.editor).await.ok();
    assert_eq!(corrected["parts"].as_array().unwrap().len(), 1, "version 1 was right: {corrected}");
    let notice = corrected["parts"][0].as_str().unwrap().to_owned();
    let path = format!("/api/v1/matters/{notice}");
    let view = server.send(Call::get(&path).by(&confirmer)).await.ok();
    assert_eq!((&view["kind"], &view["handler"]["department"]), (&Value::Null, &json!("gaj")));
    assert_eq!((&view["content"]["kind"], &view["parent"]), (&json!("correction_notice"), &json!(number)));
    let received = &view["content"]["received"][0];
    assert_eq!((&received["accesses"], &received["certain"]), (&json!(1), &json!(true)), "{view}");
    assert_eq!(view["due"], "2026-03-10T16:00:00Z", "five working days");
    let confirm = Call::post(format!("{path}/steps"), &json!({"event": "confirm"}));
    assert_eq!(server.send(confirm.by(&reader)).await.code(), "not_found");
    let confirm = Call::post(format!("{path}/steps"), &json!({"event": "confirm"}));
    assert_eq!(server.send(confirm.by(&confirmer)).await.ok()["state"], "ended");

    // Found wrong from the first version on, those who read that one are told too.
    act(json!({"event": "escalate", "reason": "更早就错"}), &analyst).await.ok();
    let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
    act(json!({"event": "uphold", "reason": "属实"}), &officer).await.ok();
    let corrected = act(json!({"event": "correct", "version": 3}), &city.editor).await.ok();
    let mut told = Vec::new();
    for part in corrected["parts"].as_array().unwrap() {
        let view = server
            .send(Call::get(format!("/api/v1/matters/{}", part.as_str().unwrap())).by(&officer))
            .await
            .ok();
        told.push((view["handler"]["department"].clone(), view["content"]["received"][0]["certain"].clone()));
    }
    told.sort_by_key(|(department, _)| department.to_string());
    let expected = [(json!("gaj"), json!(true)), (json!("gaj"), json!(true)), (json!("rsj"), json!(false))];
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_annual_report_counts_the_requests() {
    let town = Town::new().await;
    let body = |kind: &str, department: &str| {
        let mut body = request(Some(department));
        body["applicant_kind"] = json!(kind);
        body
    };
    let (granted, _) = town.opened("disclosure-requests", &body("natural_person", "scjg")).await;
    let (refused, _) = town.opened("disclosure-requests", &body("enterprise", "scjg")).await;
    let (withdrawn, code) = town.opened("disclosure-requests", &body("research", "scjg")).await;
    town.opened("disclosure-requests", &body("natural_person", "gaj")).await;
    let grant = json!({"event": "grant", "outcome": {"given": "全文"}});
    town.act(&granted, grant, &town.approver).await.ok();
    town.own(&format!("{withdrawn}/steps"), json!({"code": code, "event": "withdraw"})).await.ok();
    // The last is refused in the year after, in Shanghai's time.
    town.server.set_clock(Timestamp::parse("2026-12-31T16:00:00Z").unwrap());
    town.act(&refused, refusal(), &town.approver).await.ok();

    let report =
        async |query: &str, by: &SigningKey| town.get(&format!("reports/disclosure?{query}"), by).await;
    let row = |report: &Value, label: &str| {
        let rows = report["rows"].as_array().unwrap().clone();
        let row = rows.into_iter().find(|row| row["label"] == label).unwrap();
        (row["counts"].clone(), row["total"].clone())
    };
    let year = report("year=2026", &town.steward).await.ok();
    assert_eq!(year["department"], "九江市市场监督管理局");
    assert_eq!(row(&year, "本年新收政府信息公开申请数量"), (json!([1, 1, 1, 0, 0, 0]), json!(3)));
    assert_eq!(row(&year, "予以公开"), (json!([1, 0, 0, 0, 0, 0]), json!(1)));
    assert_eq!(row(&year, "其他处理：申请人撤回等其他").1, json!(1));
    assert_eq!(row(&year, "总计").1, json!(2));
    assert_eq!(row(&year, "结转下年度继续办理"), (json!([0, 1, 0, 0, 0, 0]), json!(1)));
    let next = report("year=2027&department=scjg", &town.officer).await.ok();
    assert_eq!(row(&next, "上年结转政府信息公开申请数量").1, json!(1));
    assert_eq!(row(&next, "无法提供：本机关不掌握相关政府信息"), (json!([0, 1, 0, 0, 0, 0]), json!(1)));
    assert_eq!(row(&report("year=2026", &town.auditor).await.ok(), "结转下年度继续办理").1, json!(2));
    assert_eq!(report("year=2026&department=gaj", &town.steward).await.code(), "forbidden");
    assert_eq!(report("year=999999999", &town.officer).await.code(), "invalid_input");
    assert_eq!(town.server.send(Call::get("/api/v1/reports/disclosure?year=2026")).await.code(), "forbidden");

    let document = town.get("reports/disclosure.docx?year=2026&department=scjg", &town.officer).await;
    let text = STANDARD.encode(document.ok_bytes());
    let read = tokio::task::spawn_blocking(move || python("read_docx.py", &[], &text)).await.unwrap();
    assert_eq!(read["paragraphs"][0], "九江市市场监督管理局2026年政府信息公开工作年度报告");
    let table = read["tables"][0].as_array().unwrap();
    assert_eq!(
        table[0],
        json!([
            "序号",
            "事项",
            "自然人",
            "商业企业",
            "科研机构",
            "社会公益组织",
            "法律服务机构",
            "其他组织",
            "总计"
        ])
    );
    assert_eq!(table[1], json!(["一", "本年新收政府信息公开申请数量", "1", "1", "1", "0", "0", "0", "3"]));
    let headings: Vec<_> = read["paragraphs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| "一二三四五六".contains(line.as_str().unwrap().chars().next().unwrap_or(' ')))
        .collect();
    assert_eq!(headings.len(), 6);
}
