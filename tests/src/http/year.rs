//! A year of five departments, over HTTP and under a clock that the test moves: what was applied for, refused, extended, missed,
//! objected to, corrected, revoked and withdrawn. At its end the table, the lights, the receipts and the proofs are right.

use catalog_core::directory::Department;
use catalog_core::words::Receivers;
use catalog_core::{Role, Timestamp};
use exchange_auth::encode_assertion;
use exchange_crypto::SigningKey;
use exchange_ledger::{AuditKeys, Settings, audit};
use serde_json::{Value, json};

use super::evidence::proven;
use crate::support::city::{CODE, City, department, departments};
use crate::support::command::Folder;
use crate::support::server::{Answer, Call};

const YEAR: &str = "from=2026-01-01T00:00:00%2B08:00&until=2027-01-01T00:00:00%2B08:00";
const ASSISTANCE: &str = "301002-000001";
const PENALTIES: &str = "select case_no, amount from scjg.penalty order by case_no";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}:00+08:00")).unwrap()
}

/// The city's two departments and three more, each with those of its people who take part.
struct Year {
    city: City,
    officer: SigningKey,
    auditor: SigningKey,
    /// 市场监督管理局, which provides penalties: its second approver.
    second: SigningKey,
    /// 公安局: an analyst.
    police: SigningKey,
    /// 人力资源和社会保障局: an analyst, and its machine.
    labour: SigningKey,
    labour_machine: SigningKey,
    /// 民政局, which provides assistance: approvers, analyst, steward, machine.
    civil: [SigningKey; 2],
    civil_analyst: SigningKey,
    civil_steward: SigningKey,
    civil_machine: SigningKey,
    /// 自然资源局, which answers letters: an approver.
    land: SigningKey,
}

fn assistance() -> Value {
    let mut resource = crate::support::city::resource();
    resource["code"] = json!("301002/000001");
    resource["sql_name"] = json!("assistance");
    resource["title"] = json!("社会救助信息");
    resource["provider"] = json!("mzj");
    resource["classification"] = json!(["民政局", "社会救助"]);
    resource["update_cycle"] = json!("yearly");
    for item in resource["items"].as_array_mut().unwrap() {
        item["opening"] = json!({"type": "closed"});
    }
    resource
}

impl Year {
    /// On Monday, the fifth of January.
    async fn new() -> Self {
        let city = City::new_at(at("2026-01-05T10:00")).await;
        let [scjg, gaj] = departments();
        let rsj = department("rsj", "九江市人力资源和社会保障局", "11360400MD0000003X");
        let mzj = department("mzj", "九江市民政局", "11360400ME0000004X");
        let zrj = department("zrj", "九江市自然资源局", "11360400MF0000005X");
        let server = &city.server;
        for department in [&rsj, &mzj, &zrj] {
            server.department(department).await;
        }
        let person = async |id: &str, of: &Department, role| server.person(id, Some(of), &[role]).await;
        let editor = server.person("civil-editor", Some(&mzj), &[Role::DirectoryEditor]).await;
        let reviewer = person("civil-reviewer", &mzj, Role::Reviewer).await;
        city.publish_by(&assistance(), &editor, &reviewer).await;
        let year = Self {
            officer: server.person("officer", None, &[Role::AuthorityOfficer]).await,
            auditor: server.person("auditor", None, &[Role::Auditor]).await,
            second: person("second", &scjg, Role::Approver).await,
            police: person("police", &gaj, Role::Analyst).await,
            labour: person("labour", &rsj, Role::Analyst).await,
            labour_machine: server.machine(&rsj).await,
            civil: [
                person("civil-1", &mzj, Role::Approver).await,
                person("civil-2", &mzj, Role::Approver).await,
            ],
            civil_analyst: person("civil-analyst", &mzj, Role::Analyst).await,
            civil_steward: person("civil-steward", &mzj, Role::DataSteward).await,
            civil_machine: server.machine(&mzj).await,
            land: person("land", &zrj, Role::Approver).await,
            city,
        };
        let rows =
            "case_no,county,person,amount,note\nB1,360481,赵六(合成),500.00,\nB2,360402,钱七(合成),800.00,\n";
        let path = format!("/api/v1/resources/{ASSISTANCE}/data?publish=true&name=rows.csv");
        let upload = Call::new(::http::Method::POST, path).body(rows, "text/csv").by(&year.civil_machine);
        year.city.server.send(upload).await.ok();
        year
    }

    fn at(&self, time: &str) {
        self.city.server.set_clock(at(time));
    }

    async fn post(&self, path: &str, body: &Value, by: &SigningKey) -> Answer {
        self.city.server.send(Call::post(format!("/api/v1/{path}"), body).by(by)).await
    }

    async fn act(&self, number: &Value, act: Value, by: &SigningKey) -> Value {
        self.city.act(number, &act, by).await.ok()
    }

    async fn get(&self, path: &str, by: &SigningKey) -> Value {
        self.city.server.send(Call::get(format!("/api/v1/{path}")).by(by)).await.ok()
    }

    async fn ask(&self, sql: &str, by: &SigningKey) -> Answer {
        self.city.server.send(self.city.sql(sql, Some(by))).await
    }

    async fn clock(&self) {
        let operator = self.city.server.operator(&[]);
        let round = self.city.server.services.run_clock(&operator).await.unwrap();
        assert!(round.failed.is_empty(), "{:?}", round.failed);
        self.city.server.services.tell(&operator, &Receivers::default()).await.unwrap();
    }

    /// January: a grant in time; an application to two providers, of whom one refuses and one is late; and what needs no
    /// decision.
    async fn applications(&self) -> (Value, Value) {
        self.at("2026-01-06T09:00");
        let sensitive =
            json!({"resource": "301001/000001", "items": ["case_no", "amount", "person"], "doors": ["sql"]});
        let first = json!({"asks": [sensitive], "purpose": "办案", "legal_basis": "人民警察法 第六条",
            "valid_until": "2027-12-31T16:00:00Z", "calls_per_day": 100});
        let whole = self.post("applications", &first, &self.police).await.ok();
        let assist = json!({"resource": "301002/000001", "items": ["case_no", "person"], "doors": ["sql"]});
        let both = json!({"asks": [sensitive, assist], "purpose": "就业援助", "legal_basis": "就业促进法 第五十二条",
            "valid_until": "2026-12-31T16:00:00Z"});
        let spanning = self.post("applications", &both, &self.labour).await.ok();
        let free = json!({"asks": [{"resource": "301001/000001", "items": ["case_no", "amount"], "doors": ["sql"]}],
            "purpose": "低保核对", "legal_basis": "社会救助暂行办法", "valid_until": "2027-12-31T16:00:00Z"});
        assert_eq!(self.post("applications", &free, &self.civil_analyst).await.ok()["state"], "ended");
        self.at("2026-01-07T09:00");
        let accept = json!({"event": "accept"});
        let police = self.act(&whole["number"], accept.clone(), &self.officer).await["parts"][0].clone();
        let parts = self.act(&spanning["number"], accept, &self.officer).await["parts"].clone();
        let mut of_provider = std::collections::BTreeMap::new();
        for part in parts.as_array().unwrap() {
            let view = self.get(&format!("matters/{}", part.as_str().unwrap()), &self.officer).await;
            of_provider.insert(view["handler"]["department"].as_str().unwrap().to_owned(), part.clone());
        }
        let (refused, late) = (&of_provider["scjg"], &of_provider["mzj"]);

        self.at("2026-01-15T09:00");
        let weighed = json!({"kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "person"], "purpose": "办案", "legal_basis": "人民警察法 第六条", "doors": ["sql"]});
        let purpose = encode_assertion("办案");
        let weigh = Call::post("/api/v1/why/grant", &weighed).header("shuqiao-purpose", &purpose);
        self.city.server.send(weigh.by(&self.city.approver)).await.ok();
        let propose = json!({"event": "propose"});
        self.act(&police, propose.clone(), &self.city.approver).await;
        self.act(&police, json!({"event": "grant"}), &self.second).await;
        self.act(refused, propose.clone(), &self.city.approver).await;
        let refuse =
            json!({"event": "refuse", "reason": "与职责无关", "legal_basis": "个人信息保护法 第六条"});
        self.act(refused, refuse, &self.second).await;
        self.at("2026-01-19T09:00");
        self.act(late, json!({"event": "extend", "reason": "需核对范围"}), &self.civil[0]).await;
        self.act(&police, json!({"event": "deliver"}), &self.city.approver).await;
        // Extended to 4 February: it is six days late.
        self.at("2026-02-10T09:00");
        self.act(late, propose, &self.civil[0]).await;
        self.act(late, json!({"event": "grant"}), &self.civil[1]).await;
        self.act(late, json!({"event": "deliver"}), &self.civil[0]).await;
        (police, late.clone())
    }

    /// March: an objection is upheld, the correction published, and told to those who had the wrong record.
    async fn objection(&self) -> Vec<Value> {
        self.at("2026-03-02T10:00");
        let objection =
            json!({"subject": "data", "resource": "301001/000001", "description": "罚款金额有误"});
        let number = self.post("objections", &objection, &self.police).await.ok()["number"].clone();
        self.at("2026-03-05T10:00");
        self.act(&number, json!({"event": "uphold", "reason": "录入错误"}), &self.city.editor).await;
        self.at("2026-03-10T10:00");
        let rows = "case_no,county,person,amount,note\nA1,360481,张三(合成),1005.00,一\nA2,360402,李四(合成),20.00,二\n";
        self.city.upload(rows).await;
        self.act(&number, json!({"event": "correct", "version": 2, "wrong_since": 1}), &self.city.editor)
            .await;
        let told = self.get("matters?kind=correction_notice", &self.officer).await;
        let told = told.as_array().unwrap().clone();
        // One of the two confirms; the other lets its five days pass.
        self.at("2026-03-12T10:00");
        let of_police = told.iter().find(|view| view["handler"]["department"] == "gaj").unwrap();
        let steward =
            self.city.server.person("police-steward", Some(&departments()[1]), &[Role::DataSteward]).await;
        let role = of_police["handler"]["role"].as_str().unwrap();
        assert_eq!(role, "data_steward");
        self.act(&of_police["number"], json!({"event": "confirm"}), &steward).await;
        self.act(&number, json!({"event": "end"}), &self.police).await;
        told
    }

    /// September: the public asks, in time answered, and writes, and waits too long.
    async fn public(&self) {
        self.at("2026-09-01T10:00");
        let applicant = json!({"name": "合成某某", "phone": "000-5550-1990"});
        let request = json!({"applicant": applicant, "applicant_kind": "natural_person", "title": "救助资金", "text": "合成内容",
            "form": "电子文件", "department": "mzj"});
        let letter =
            json!({"applicant": applicant, "title": "建议", "text": "合成内容", "department": "zrj"});
        let open = async |path: &str, body: &Value| {
            self.city.server.send(Call::post(format!("/api/v1/{path}"), body)).await.ok()["number"].clone()
        };
        let (asked, written) = (open("disclosure-requests", &request).await, open("letters", &letter).await);
        self.at("2026-09-10T10:00");
        let partly = json!({"event": "grant_in_part", "reason": "涉及个人隐私的部分不予公开", "legal_basis": "政府信息公开条例 第三十七条",
            "outcome": {"given": "资金分配表", "withheld": [{"what": "人员名单", "ground": "third_party", "article": "第十五条"}]}});
        self.act(&asked, partly, &self.civil[0]).await;
        self.at("2026-09-30T10:00");
        self.act(&written, json!({"event": "answer", "reason": "已采纳"}), &self.land).await;
    }

    /// The row of a department in the assessment of the year.
    fn row(assessment: &Value, department: &str) -> Value {
        let rows = assessment["departments"].as_array().unwrap();
        rows.iter().find(|row| row["department"] == department).unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_year_of_five_departments_can_be_accounted_for() {
    let year = Year::new().await;
    let server = &year.city.server;
    let (police, late) = year.applications().await;
    year.at("2026-02-11T10:00");
    let seen =
        year.ask("select case_no, person from scjg.penalty order by case_no", &year.city.consumer).await;
    assert_eq!(seen.ok()["data"].as_array().unwrap().len(), 3);
    year.ask(PENALTIES, &year.civil_machine).await.ok();
    year.ask("select person from mzj.assistance", &year.labour_machine).await.ok();
    let early = server.evidence.checkpoint().unwrap().checkpoint;

    let told = year.objection().await;
    let receivers: Vec<_> = told.iter().map(|view| view["handler"]["department"].as_str().unwrap()).collect();
    assert_eq!(receivers.len(), 2, "{receivers:?}");
    assert!(receivers.contains(&"gaj") && receivers.contains(&"mzj"), "labour never read it: {receivers:?}");

    // June: a grant is revoked, and what comes after is refused, again and again.
    year.at("2026-06-01T10:00");
    year.act(
        &police,
        json!({"event": "revoke", "reason": "超出用途", "legal_basis": "政务数据共享条例"}),
        &year.second,
    )
    .await;
    for _ in 0..10 {
        assert_eq!(year.ask(PENALTIES, &year.city.consumer).await.code(), "not_granted");
    }
    // July and August: a record and the wrong version are withdrawn.
    year.at("2026-07-01T10:00");
    let gone = json!({"keys": [["A2"]], "reason": "处罚决定被撤销"});
    let path = format!("resources/{CODE}/records/withdraw");
    year.post(&path, &gone, &year.city.editor).await.ok();
    year.at("2026-08-03T10:00");
    year.post(
        &format!("resources/{CODE}/versions/1/withdraw"),
        &json!({"reason": "数据有误"}),
        &year.city.editor,
    )
    .await
    .ok();
    let left = year.ask(PENALTIES, &year.civil_machine).await.ok();
    assert_eq!(left["data"], json!([{"case_no": "A1", "amount": 1005.0}]));
    year.public().await;
    let _ = &year.civil_steward;

    // The year ends, and with it what was granted for it.
    year.at("2027-01-04T09:00");
    year.clock().await;
    let expired = year.get(&format!("matters/{}", late.as_str().unwrap()), &year.labour).await;
    assert_eq!(expired["state"], "expired");

    let board = year.get(&format!("supervision?{YEAR}"), &year.officer).await;
    let breaches: Vec<_> = board["breaches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|breach| {
            format!(
                "{} {}",
                breach["limit"].as_str().unwrap(),
                breach["department"].as_str().unwrap_or("authority")
            )
        })
        .collect();
    assert_eq!(
        breaches,
        ["conditional_decision mzj", "correction_confirmation mzj", "letter zrj"],
        "{board}"
    );
    let kinds: Vec<_> =
        board["anomalies"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["refused_attempts"], "{board}");
    assert_eq!(board["anomalies"][0]["evidence"].as_array().unwrap().len(), 10);
    let light = |name: &str| {
        board["lights"].as_array().unwrap().iter().find(|row| row["department"] == name).cloned()
    };
    assert_eq!(light("mzj").unwrap()["red"], 1, "the notice that nobody confirmed: {board}");
    assert_eq!(light("gaj"), None);

    let signed = year.get(&format!("assessments?{YEAR}"), &year.auditor).await;
    let table = &signed["assessment"];
    let of = |part: u64, of: u64| json!({"part": part, "of": of});
    let market = Year::row(table, "scjg");
    assert_eq!(
        (&market["mounted"], &market["refusals"], &market["objections_settled"]),
        (&of(1, 1), &of(1, 3), &of(1, 1)),
        "{market}"
    );
    assert_eq!((&market["calls_served"], &market["quality"]), (&json!(3), &of(5, 5)), "{market}");
    // Three decisions, one of them the machine's, a delivery and the correction.
    assert_eq!(market["timely_answers"], of(5, 5), "{market}");
    let civil = Year::row(table, "mzj");
    assert_eq!((&civil["calls_served"], &civil["open"]), (&json!(1), &of(0, 1)), "{civil}");
    // Late: the decision and the confirmation. In time: the delivery and the disclosure request.
    assert_eq!(civil["timely_answers"], of(2, 4), "{civil}");
    assert_eq!(Year::row(table, "zrj")["timely_answers"], of(0, 1));
    assert_eq!(Year::row(table, "gaj")["timely_answers"], of(1, 1), "it confirmed in time");
    assert_eq!(
        Year::row(table, "authority")["timely_answers"],
        of(3, 3),
        "the formal checks, one of them the machine's"
    );

    // What was seen in February is still proven, though its version is withdrawn and its grant revoked.
    let receipt = Call::get(format!("/receipts/{}", seen.header("shuqiao-receipt"))).by(&year.city.consumer);
    let receipt = server.send(receipt).await.ok();
    proven(server, &receipt);
    let last = server.evidence.checkpoint().unwrap().checkpoint;
    let proof = server.evidence.consistency(early.size, last.size).unwrap();
    assert!(exchange_ledger::merkle::extends((early.size, &early.root), (last.size, &last.root), &proof));
    let keys = [server.app.signer.public()];
    let settings = Settings::new(server.folder.path(), "data.example.gov.cn/log", server.app.signer.clone());
    let audited = audit(&settings, AuditKeys { log: &keys, witnesses: &[] }, None).unwrap();
    assert_eq!(audited.findings, []);

    // Events about something else than a row are not taken for what made it.
    let heir = json!({"successor": "mzj", "basis": "机构改革方案"});
    let proposed = year.post("departments/zrj/succession", &heir, &year.officer).await.ok();
    let second = server.person("second-officer", None, &[Role::AuthorityOfficer]).await;
    let confirm = format!("successions/{}/confirm", proposed["id"].as_str().unwrap());
    year.post(&confirm, &json!({}), &second).await.ok();
    let changes = server.events("changed");
    for action in ["matter.escalated", "grant.weighed", "succession.confirmed", "version.withdrawn"] {
        assert!(changes.iter().any(|event| event["action"] == action), "{action}");
    }
    let audited = Folder::of(server).json(&["audit"]);
    assert_eq!(audited["findings"], json!([]));
    assert!(audited["rows"].as_u64().unwrap() > 40, "{audited}");
}
