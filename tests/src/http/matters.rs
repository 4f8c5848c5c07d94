//! Matters over HTTP, under a clock that the test moves: from the application to the answer under its grant, and what must
//! not happen on the way.

use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use crate::support::city::{City, departments};
use crate::support::server::{Answer, Call};

/// People around the city's two departments.
struct Office {
    city: City,
    /// Of the consumer.
    analyst: SigningKey,
    /// Two of the provider; the city's own approver is a third.
    second: SigningKey,
    /// An approver of the consumer.
    foreign: SigningKey,
    /// Two officers of the data authority.
    officer: SigningKey,
    colleague: SigningKey,
}

/// A time of 2026 in Asia/Shanghai.
fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-{text}:00+08:00")).unwrap()
}

impl Office {
    /// On Monday, the second of March.
    async fn new() -> Self {
        let city = City::new_at(at("03-02T10:00")).await;
        let [scjg, gaj] = departments();
        let server = &city.server;
        let analyst = server.person("analyst", Some(&gaj), &[Role::Analyst]).await;
        let second = server.person("second", Some(&scjg), &[Role::Approver]).await;
        let foreign = server.person("foreign", Some(&gaj), &[Role::Approver]).await;
        let officer = server.person("officer", None, &[Role::AuthorityOfficer]).await;
        let colleague = server.person("colleague", None, &[Role::AuthorityOfficer]).await;
        Self { city, analyst, second, foreign, officer, colleague }
    }

    fn at(&self, time: &str) {
        self.city.server.set_clock(at(time));
    }

    async fn open(&self, what: &str, content: &Value, by: &SigningKey) -> Answer {
        self.city.server.send(Call::post(format!("/api/v1/{what}"), content).by(by)).await
    }

    async fn act(&self, number: &str, act: &Value, by: &SigningKey) -> Answer {
        self.city.server.send(Call::post(format!("/api/v1/matters/{number}/steps"), act).by(by)).await
    }

    async fn list(&self, query: &str, by: &SigningKey) -> Vec<String> {
        let list = self.city.server.send(Call::get(format!("/api/v1/matters{query}")).by(by)).await.ok();
        list.as_array().unwrap().iter().map(number).collect()
    }

    async fn get(&self, number: &str, by: &SigningKey) -> Value {
        self.city.server.send(Call::get(format!("/api/v1/matters/{number}")).by(by)).await.ok()
    }

    async fn ask(&self, sql: &str) -> Answer {
        self.city.server.send(self.city.sql(sql, Some(&self.city.consumer))).await
    }

    /// The part of an application that the authority has accepted.
    async fn accepted(&self, application: &Value) -> (String, String) {
        let whole = number(&self.open("applications", application, &self.analyst).await.ok());
        let view = self.act(&whole, &json!({"event": "accept"}), &self.officer).await.ok();
        let part = view["parts"][0].as_str().unwrap().to_owned();
        (whole, part)
    }
}

fn number(view: &Value) -> String {
    view["number"].as_str().unwrap().to_owned()
}

fn application(items: &[&str]) -> Value {
    json!({
        "asks": [{"resource": "301001/000001", "items": items, "doors": ["sql", "api"]}],
        "purpose": "办案", "legal_basis": "人民警察法 第六条", "valid_until": "2026-06-30T16:00:00Z",
    })
}

const SENSITIVE: [&str; 3] = ["case_no", "county", "person"];
const PEOPLE: &str = "select case_no, person from scjg.penalty order by case_no";

#[tokio::test(flavor = "multi_thread")]
async fn an_application_ends_in_an_answer_under_its_grant() {
    let office = Office::new().await;
    let city = &office.city;
    assert_eq!(office.ask(PEOPLE).await.code(), "not_granted");
    let opened = office.open("applications", &application(&SENSITIVE), &office.analyst).await.ok();
    let whole = number(&opened);
    assert_eq!((whole.as_str(), opened["state"].as_str()), ("SQ-2026-000001", Some("submitted")));
    assert_eq!((&opened["light"], &opened["due"]), (&json!("green"), &json!("2026-03-04T16:00:00Z")));

    office.at("03-03T09:00");
    let question = json!({"event": "ask_completion", "reason": "请说明业务事项"});
    assert_eq!(office.act(&whole, &question, &office.analyst).await.code(), "forbidden");
    assert_eq!(office.act(&whole, &question, &office.officer).await.ok()["light"], "paused");
    office.at("03-09T09:00");
    let mut better = application(&SENSITIVE);
    better["legal_basis"] = json!("人民警察法 第三十四条");
    let completed = json!({"event": "complete", "application": better});
    let view = office.act(&whole, &completed, &office.analyst).await.ok();
    assert_eq!((&view["state"], &view["due"]), (&json!("submitted"), &json!("2026-03-11T16:00:00Z")));
    let view = office.act(&whole, &json!({"event": "accept"}), &office.officer).await.ok();
    let part = view["parts"][0].as_str().unwrap().to_owned();

    // The provider finds it on its list; personal items take two of its people, neither of them the applicant's.
    assert_eq!(office.list("?role=approver", &office.second).await, std::slice::from_ref(&part));
    assert_eq!(office.get(&part, &office.second).await["due"], "2026-03-23T16:00:00Z");
    let grant = json!({
        "event": "grant_in_part", "reason": "仅本县", "legal_basis": "政务数据共享条例", "asks": [{
            "resource": "301001/000001", "items": ["case_no", "county", "person"], "doors": ["sql"],
            "filter": {"=": ["county", "360481"]}, "masks": {"person": {"mask": "keep_first", "count": 1}},
        }],
    });
    assert_eq!(office.act(&part, &grant, &city.approver).await.code(), "illegal_state");
    let propose = json!({"event": "propose", "reason": "同意，仅本县"});
    assert_eq!(office.act(&part, &propose, &office.foreign).await.code(), "forbidden");
    assert_eq!(office.act(&part, &propose, &city.reviewer).await.code(), "forbidden");
    office.act(&part, &propose, &city.approver).await.ok();
    assert_eq!(office.act(&part, &grant, &city.approver).await.code(), "forbidden", "four eyes");
    assert_eq!(office.ask(PEOPLE).await.code(), "not_granted", "not yet");
    let mut wider = grant.clone();
    wider["asks"][0]["items"] = json!(["case_no", "amount"]);
    assert_eq!(office.act(&part, &wider, &office.second).await.code(), "invalid_input");
    let mut twice = grant.clone();
    twice["asks"] = json!([grant["asks"][0], grant["asks"][0]]);
    assert_eq!(office.act(&part, &twice, &office.second).await.code(), "invalid_input");
    let granted = office.act(&part, &grant, &office.second).await.ok();
    assert_eq!(granted["state"], "delivering");
    office.act(&part, &json!({"event": "deliver"}), &city.approver).await.ok();

    let answer = office.ask(PEOPLE).await.ok();
    assert_eq!(
        answer["data"],
        json!([{"case_no": "A1", "person": "张*****"}, {"case_no": "A3", "person": "王*****"}])
    );
    let whole_view = office.get(&whole, &office.analyst).await;
    assert_eq!((&whole_view["state"], &whole_view["light"]), (&json!("ended"), &json!(null)));

    // At the end of its term it ends by itself, and the clock says so once.
    office.at("07-01T00:00");
    assert_eq!(office.ask(PEOPLE).await.code(), "not_granted");
    let operator = city.server.operator(&[]);
    assert_eq!(city.server.services.run_clock(&operator).await.unwrap().changed, 1);
    assert_eq!(city.server.services.run_clock(&operator).await.unwrap().changed, 0);
    let ended = office.get(&part, &office.analyst).await;
    assert_eq!(ended["state"], "expired");
    let steps: Vec<_> =
        ended["history"].as_array().unwrap().iter().map(|step| step["event"].clone()).collect();
    assert_eq!(json!(steps), json!([null, "propose", "grant_in_part", "deliver", "expire"]));

    let events = city.server.events("changed");
    let actions = |of: &str| -> Vec<String> {
        let of = events.iter().filter(|event| event["entity"] == format!("matter {of}").as_str());
        of.map(|event| event["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        actions(&whole),
        ["matter.opened", "matter.ask_completion", "matter.complete", "matter.accept", "matter.end"]
    );
    assert_eq!(
        actions(&part),
        ["matter.opened", "matter.propose", "matter.grant_in_part", "matter.deliver", "matter.expire"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_without_a_condition_is_granted_by_the_machine() {
    let office = Office::new().await;
    let sql = "select case_no, amount from scjg.penalty where case_no = 'A2'";
    assert_eq!(office.ask(sql).await.code(), "not_granted");
    let application = application(&["case_no", "amount"]);
    let opened = office.open("applications", &application, &office.analyst).await.ok();
    assert_eq!((&opened["state"], opened["parts"].as_array().unwrap().len()), (&json!("ended"), 1));
    assert_eq!(office.ask(sql).await.ok()["data"], json!([{"case_no": "A2", "amount": 20.0}]));
    let part = opened["parts"][0].as_str().unwrap();
    let view = office.get(part, &office.analyst).await;
    assert_eq!((&view["state"], &view["history"][1]["by"]), (&json!("in_use"), &json!(null)));
    // A second one beside it would make every read ambiguous.
    assert_eq!(office.open("applications", &application, &office.analyst).await.code(), "conflict");

    // The provider revokes, and reads end; who applied reads why.
    let revoke = json!({"event": "revoke", "reason": "超出用途", "legal_basis": "政务数据共享条例"});
    assert_eq!(office.act(part, &revoke, &office.foreign).await.code(), "forbidden");
    office.act(part, &revoke, &office.second).await.ok();
    assert_eq!(office.ask(sql).await.code(), "not_granted");
    let history = office.get(part, &office.analyst).await["history"].clone();
    assert_eq!(history.as_array().unwrap().last().unwrap()["reason"], "超出用途");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_masked_is_granted_masked_so() {
    let office = Office::new().await;
    let mut masked = application(&SENSITIVE);
    masked["asks"][0]["masks"] = json!({"person": {"mask": "keep_first", "count": 1}});
    let (_, part) = office.accepted(&masked).await;
    office.act(&part, &json!({"event": "propose", "reason": "同意"}), &office.city.approver).await.ok();
    let grant = |masks: Value| {
        let ask = json!({"resource": "301001/000001", "items": SENSITIVE, "doors": ["sql"], "masks": masks});
        json!({"event": "grant_in_part", "reason": "部分", "legal_basis": "政务数据共享条例", "asks": [ask]})
    };
    let wider = grant(json!({"person": {"mask": "keep_first", "count": 3}}));
    assert_eq!(office.act(&part, &wider, &office.second).await.code(), "invalid_input");
    office.act(&part, &grant(json!({})), &office.second).await.ok();
    let answer = office.ask(PEOPLE).await.ok();
    assert_eq!(answer["data"][0]["person"], "张*****", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_begins_where_the_grant_ends() {
    let office = Office::new().await;
    let application = application(&["case_no", "amount"]);
    let opened = office.open("applications", &application, &office.analyst).await.ok();
    let part = opened["parts"][0].as_str().unwrap();
    let mut renewal = application.clone();
    renewal["renews"] = json!(part);
    renewal["valid_until"] = json!("2026-12-31T16:00:00Z");
    office.at("06-15T10:00");
    office.open("applications", &renewal, &office.analyst).await.ok();
    let sql = "select count(*) as n from scjg.penalty";
    for time in ["06-30T23:59", "07-01T00:00", "12-31T23:59"] {
        office.at(time);
        assert_eq!(office.ask(sql).await.ok()["data"], json!([{"n": 3}]), "{time}");
    }
    renewal["renews"] = json!("TG-2026-999999");
    assert_eq!(office.open("applications", &renewal, &office.analyst).await.code(), "invalid_input");
}

#[tokio::test(flavor = "multi_thread")]
async fn lights_turn_and_refusals_are_settled_by_the_authority() {
    let office = Office::new().await;
    let (_, part) = office.accepted(&application(&SENSITIVE)).await;
    let red = "?light=red";
    office.at("03-13T00:00");
    assert_eq!(office.list("?light=yellow", &office.officer).await, std::slice::from_ref(&part));
    office.at("03-16T23:59");
    assert_eq!(office.list(red, &office.officer).await, Vec::<String>::new());
    office.at("03-17T00:00");
    assert_eq!(office.list(red, &office.officer).await, std::slice::from_ref(&part));
    assert_eq!(office.list(red, &office.second).await, std::slice::from_ref(&part));
    let late = json!({"event": "extend", "reason": "情况复杂"});
    assert_eq!(office.act(&part, &late, &office.second).await.code(), "illegal_state");

    office.act(&part, &json!({"event": "propose"}), &office.city.approver).await.ok();
    let bare = json!({"event": "refuse", "reason": "无依据"});
    assert_eq!(office.act(&part, &bare, &office.second).await.json()["problems"][0]["at"], "legal_basis");
    let refuse = json!({"event": "refuse", "reason": "无依据", "legal_basis": "个人信息保护法 第六条"});
    office.act(&part, &refuse, &office.second).await.ok();
    let escalate = json!({"event": "escalate", "reason": "法律已授权"});
    assert_eq!(office.act(&part, &escalate, &office.analyst).await.ok()["state"], "arbitrating");
    let back = json!({"event": "return", "reason": "请提供"});
    assert_eq!(office.act(&part, &back, &office.colleague).await.ok()["state"], "proposing");
    assert_eq!(office.act(&part, &escalate, &office.analyst).await.code(), "illegal_state");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_grants_in_an_emergency_and_imports_agreements_with_four_eyes() {
    let office = Office::new().await;
    let ask = json!({"resource": "301001/000001", "items": ["case_no", "person"], "doors": ["sql"]});
    let mut emergency = json!({"grantee": "gaj", "ask": ask, "purpose": "抢险", "legal_basis": "突发事件应对法", "hours": 73});
    assert_eq!(office.open("emergency-grants", &emergency, &office.officer).await.code(), "invalid_input");
    emergency["hours"] = json!(72);
    assert_eq!(office.open("emergency-grants", &emergency, &office.analyst).await.code(), "forbidden");
    let matter = number(&office.open("emergency-grants", &emergency, &office.officer).await.ok());
    assert_eq!(
        office.list("", &office.second).await,
        std::slice::from_ref(&matter),
        "the provider knows at once"
    );
    let grant = json!({"event": "grant"});
    assert_eq!(office.act(&matter, &grant, &office.officer).await.code(), "forbidden");
    assert_eq!(office.act(&matter, &grant, &office.second).await.code(), "forbidden");
    office.act(&matter, &grant, &office.colleague).await.ok();
    assert!(office.ask(PEOPLE).await.status.is_success());
    office.at("03-05T10:00");
    assert_eq!(office.ask(PEOPLE).await.code(), "not_granted", "72 hours are over");
    assert_eq!(office.act(&matter, &json!({"event": "accept"}), &office.second).await.ok()["state"], "ended");

    let import = json!({
        "grantee": "gaj", "ask": ask, "purpose": "办案", "legal_basis": "数据共享协议", "approved_by": "九江市数据局",
        "document_number": "九数据函〔2023〕12号", "valid_until": "2026-12-31T16:00:00Z",
    });
    let matter = number(&office.open("grant-imports", &import, &office.officer).await.ok());
    assert_eq!(office.act(&matter, &grant, &office.officer).await.code(), "forbidden");
    let view = office.act(&matter, &grant, &office.colleague).await.ok();
    assert!(office.ask(PEOPLE).await.status.is_success());
    let grants = office.city.server.send(Call::get("/api/v1/grants").by(&office.city.consumer)).await.ok();
    let imported = grants.as_array().unwrap().iter().find(|grant| grant["id"] == view["grants"][0]).unwrap();
    assert!(imported["legal_basis"].as_str().unwrap().contains("九数据函〔2023〕12号"), "{imported}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objections_are_corrected_and_demands_are_met() {
    let office = Office::new().await;
    let city = &office.city;
    office.at("03-02T11:00");
    let objection = json!({"subject": "data", "resource": "301001/000001", "description": "罚款金额有误"});
    let matter = number(&office.open("objections", &objection, &office.analyst).await.ok());
    let uphold = json!({"event": "uphold", "reason": "录入错误"});
    assert_eq!(
        office.act(&matter, &uphold, &office.second).await.code(),
        "forbidden",
        "its stewards handle it"
    );
    office.act(&matter, &uphold, &city.editor).await.ok();
    let wrong = json!({"event": "correct", "version": 2});
    assert_eq!(
        office.act(&matter, &wrong, &city.editor).await.code(),
        "illegal_state",
        "no such version yet"
    );
    let old = json!({"event": "correct", "version": 1});
    let told = "illegal_state";
    assert_eq!(office.act(&matter, &old, &city.editor).await.code(), told, "older than the objection");
    city.upload("case_no,county,person,amount,note\nA1,360481,张三(合成),1000.50,一\n").await;
    let view = office.act(&matter, &wrong, &city.editor).await.ok();
    assert_eq!((&view["state"], &view["content"]["corrected_by"]), (&json!("answered"), &json!(2)));

    let demand =
        json!({"title": "处罚信息", "items": ["案号"], "purpose": "办案", "legal_basis": "人民警察法"});
    let matter = number(&office.open("demands", &demand, &office.analyst).await.ok());
    assert_eq!(office.list("?role=approver", &office.second).await, Vec::<String>::new(), "not routed yet");
    let route = json!({"event": "route", "department": "scjg"});
    office.act(&matter, &route, &office.officer).await.ok();
    assert_eq!(office.list("?role=approver", &office.second).await, std::slice::from_ref(&matter));
    office.act(&matter, &json!({"event": "grant"}), &office.second).await.ok();
    let deliver = json!({"event": "deliver", "resource": "301001/000001"});
    let view = office.act(&matter, &deliver, &office.second).await.ok();
    assert_eq!((&view["state"], &view["content"]["met_by"]), (&json!("answered"), &json!("301001/000001")));
}

#[tokio::test(flavor = "multi_thread")]
async fn matters_concern_their_parties_alone() {
    let office = Office::new().await;
    let (whole, part) = office.accepted(&application(&SENSITIVE)).await;
    let mut other = departments()[1].clone();
    other.id = "rsj".parse().unwrap();
    let server = &office.city.server;
    server.department(&other).await;
    let stranger = server.person("stranger", Some(&other), &[Role::Approver, Role::Analyst]).await;
    let auditor = server.person("auditor", None, &[Role::Auditor]).await;
    for matter in [&whole, &part] {
        let path = format!("/api/v1/matters/{matter}");
        assert_eq!(server.send(Call::get(&path).by(&stranger)).await.code(), "not_found");
        assert_eq!(server.send(Call::get(&path)).await.code(), "not_found");
        assert!(server.send(Call::get(&path).by(&auditor)).await.status.is_success());
        assert_eq!(office.act(matter, &json!({"event": "withdraw"}), &stranger).await.code(), "not_found");
    }
    assert_eq!(office.act(&part, &json!({"event": "withdraw"}), &auditor).await.code(), "forbidden");
    assert_eq!(office.list("", &stranger).await, Vec::<String>::new());
    assert_eq!(server.send(Call::get("/api/v1/matters")).await.code(), "forbidden");
    assert_eq!(office.list("?settled=true", &office.analyst).await.len(), 2);
    // The provider sees its part; what is asked of others, it does not.
    assert_eq!(office.list("", &office.second).await, std::slice::from_ref(&part));
    assert_eq!(
        office.act(&part, &json!({"event": "withdraw"}), &office.analyst).await.ok()["state"],
        "withdrawn"
    );
    assert_eq!(office.get(&whole, &office.analyst).await["state"], "ended");
    assert_eq!(
        office.act(&part, &json!({"event": "withdraw"}), &office.analyst).await.code(),
        "illegal_state"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_that_can_not_be_right_are_refused() {
    let office = Office::new().await;
    let refused = async |change: &dyn Fn(&mut Value), by: &SigningKey| {
        let mut wrong = application(&SENSITIVE);
        change(&mut wrong);
        office.open("applications", &wrong, by).await.code()
    };
    let by = &office.analyst;
    assert_eq!(refused(&|it| it["asks"] = json!([]), by).await, "invalid_input");
    assert_eq!(refused(&|it| it["asks"] = json!([it["asks"][0], it["asks"][0]]), by).await, "invalid_input");
    assert_eq!(
        refused(&|it| it["asks"][0]["items"] = json!(["note"]), by).await,
        "invalid_input",
        "withheld"
    );
    assert_eq!(refused(&|it| it["asks"][0]["items"] = json!([]), by).await, "invalid_input");
    assert_eq!(refused(&|it| it["asks"][0]["resource"] = json!("301001/000009"), by).await, "not_found");
    assert_eq!(refused(&|it| it["purpose"] = json!(" "), by).await, "invalid_input");
    assert_eq!(refused(&|it| it["valid_until"] = json!("2026-03-01T00:00:00Z"), by).await, "invalid_input");
    assert_eq!(refused(&|it| it["other"] = json!(1), by).await, "invalid_input");
    // A time that could be stored and not be read again.
    for end in ["9999-12-31T23:59:59-12:00", "9999-01-01T00:00:00Z", "0000-12-31T23:00:00Z"] {
        assert_eq!(refused(&|it| it["valid_until"] = json!(end), by).await, "invalid_input", "{end}");
    }
    assert_eq!(refused(&|_| (), &office.city.editor).await, "invalid_input", "one's own resource");
    assert_eq!(refused(&|_| (), &office.foreign).await, "forbidden", "an approver applies for nothing");
    assert_eq!(refused(&|_| (), &office.officer).await, "forbidden", "the authority has no department");
    assert_eq!(office.list("?settled=true", &office.officer).await, Vec::<String>::new());
}
