//! Two departments, and one dataset with everything a policy can do to it. All of it is synthetic.

use catalog_core::directory::{Department, Level};
use catalog_core::{Role, Timestamp};
use exchange_crypto::SigningKey;
use http::Method;
use serde_json::{Value, json};

use super::server::{Answer, Bounds, Call, Server};

/// A server with the two departments, their people, and the published resource `scjg.penalty`.
pub(crate) struct City {
    pub(crate) server: Server,
    /// The provider 市场监督管理局: its machine, editor, reviewer and approver.
    pub(crate) machine: SigningKey,
    pub(crate) editor: SigningKey,
    pub(crate) reviewer: SigningKey,
    pub(crate) approver: SigningKey,
    /// The consumer 公安局: its machine.
    pub(crate) consumer: SigningKey,
}

/// The code of the resource in addresses.
pub(crate) const CODE: &str = "301001-000001";

/// Its rows: the second is of another county.
pub(crate) const ROWS: &str = "case_no,county,person,amount,note\n\
    A1,360481,张三(合成),100.50,一\nA2,360402,李四(合成),20.00,二\nA3,360481,王五(合成),3.25,三\n";

/// A department; the last two characters of its credit code are made to fit.
pub(crate) fn department(id: &str, name: &str, credit_code: &str) -> Department {
    with_valid_code(Department {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        credit_code: credit_code.to_owned(),
        level: Level::City,
        parent: None,
        division_code: "360400".to_owned(),
    })
}

/// The provider and the consumer.
pub(crate) fn departments() -> [Department; 2] {
    let scjg = department("scjg", "九江市市场监督管理局", "11360400MB0000001X");
    let gaj = department("gaj", "九江市公安局", "11360400MC0000002X");
    [scjg, gaj]
}

/// The resource as its editor writes it.
pub(crate) fn resource() -> Value {
    let item = |title: &str, column: &str, kind: &str, length: u16, sharing: Value, opening: &str| {
        json!({
            "title": title, "column": column, "type": {"kind": kind, "length": length}, "sharing": sharing,
            "opening": {"type": opening},
        })
    };
    let unconditional = json!({"type": "unconditional"});
    let conditional = json!({"type": "conditional", "condition": "办案需要"});
    let withheld = json!({"type": "withheld", "basis": "行政处罚法 第五十条"});
    let mut items = vec![
        item("案号", "case_no", "C", 20, unconditional.clone(), "open"),
        item("县区", "county", "C", 6, unconditional.clone(), "open"),
        item("当事人", "person", "C", 40, conditional, "closed"),
        item("罚款金额", "amount", "Y", 0, unconditional, "open"),
        item("内部备注", "note", "C", 100, withheld, "closed"),
    ];
    items[0]["required"] = json!(true);
    items[2]["personal"] = json!(true);
    json!({
        "code": "301001/000001", "sql_name": "penalty", "title": "行政处罚信息", "provider": "scjg",
        "classification": ["市场监督管理局", "行政处罚"], "abstract": "合成的行政处罚信息，用于测试",
        "format": {"class": "数据库", "kind": "mysql"}, "items": items,
        "sharing_method": {"class": "共享平台方式", "kind": "数据库"}, "update_cycle": "daily", "published_on": null,
        "licence": "CC-BY-4.0", "key": ["case_no"], "sort": ["county"],
    })
}

impl City {
    /// The departments and the published resource, without data.
    pub(crate) async fn without_data() -> Self {
        Self::within(Bounds::default()).await
    }

    /// The same on a server whose clock stands at a time.
    pub(crate) async fn without_data_at(time: Timestamp) -> Self {
        Self::on(Server::start_at(Bounds::default(), time).await).await
    }

    /// The same within other limits.
    pub(crate) async fn within(bounds: Bounds) -> Self {
        Self::on(Server::start_with(bounds).await).await
    }

    async fn on(server: Server) -> Self {
        let [scjg, gaj] = departments();
        server.department(&scjg).await;
        server.department(&gaj).await;
        let editor = server.person("editor", Some(&scjg), &[Role::DirectoryEditor, Role::DataSteward]).await;
        let reviewer = server.person("reviewer", Some(&scjg), &[Role::Reviewer]).await;
        let approver = server.person("approver", Some(&scjg), &[Role::Approver]).await;
        let (machine, consumer) = (server.machine(&scjg).await, server.machine(&gaj).await);
        let city = Self { server, machine, editor, reviewer, approver, consumer };
        city.publish(&resource()).await;
        city
    }

    /// The same with three rows in version 1, and three of the items open.
    pub(crate) async fn new() -> Self {
        Self::new_within(Bounds::default()).await
    }

    /// The same within other limits.
    pub(crate) async fn new_within(bounds: Bounds) -> Self {
        let city = Self::within(bounds).await;
        city.upload(ROWS).await;
        city.grant(&json!({
            "kind": "public", "resource": "301001/000001", "grantee": "public", "items": ["case_no", "county", "amount"],
            "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
        }))
        .await;
        city
    }

    /// The same on a server whose clock stands at a time.
    pub(crate) async fn new_at(time: Timestamp) -> Self {
        let city = Self::without_data_at(time).await;
        city.upload(ROWS).await;
        city
    }

    /// Enters a resource of the provider and sees it through both reviews.
    pub(crate) async fn publish(&self, resource: &Value) {
        self.publish_by(resource, &self.editor, &self.reviewer).await;
    }

    /// The same by people of another department.
    pub(crate) async fn publish_by(&self, resource: &Value, editor: &SigningKey, reviewer: &SigningKey) {
        let code = resource["code"].as_str().unwrap().replace('/', "-");
        let path = format!("/api/v1/resources/{code}");
        self.server.send(Call::new(Method::PUT, &path).json(resource).by(editor)).await.ok();
        for (step, by) in [
            ("submit_registration", editor),
            ("approve_registration", reviewer),
            ("submit_publication", editor),
            ("approve_publication", reviewer),
        ] {
            let call = Call::post(format!("{path}/steps"), &json!({ "step": step })).by(by);
            self.server.send(call).await.ok();
        }
    }

    /// Uploads and publishes rows as the next version.
    pub(crate) async fn upload(&self, rows: &str) -> Value {
        self.upload_to(CODE, rows).await
    }

    /// The same for any of the provider's resources.
    pub(crate) async fn upload_to(&self, code: &str, rows: &str) -> Value {
        let path = format!("/api/v1/resources/{code}/data?publish=true&name=rows.csv");
        let call = Call::new(Method::POST, path).body(rows, "text/csv").by(&self.machine);
        self.server.send(call).await.ok()
    }

    /// Brings a grant about as departments do: by an application that is accepted and decided, or by an opening.
    pub(crate) async fn grant(&self, terms: &Value) -> Value {
        let decided = match terms["kind"].as_str() {
            Some("public") => self.open(terms).await,
            _ => self.apply(terms).await,
        };
        let id = decided.ok()["grants"][0].clone();
        let grants = self.server.send(Call::get("/api/v1/grants").by(&self.approver)).await.ok();
        grants.as_array().unwrap().iter().find(|grant| grant["id"] == id).unwrap().clone()
    }

    /// The terms of a grant without what the workflow adds to them.
    fn asked(terms: &Value, left_out: &[&str]) -> Value {
        let mut asked = terms.clone();
        left_out.iter().for_each(|name| drop(asked.as_object_mut().unwrap().remove(*name)));
        asked
    }

    /// Takes a step in a matter.
    pub(crate) async fn act(&self, number: &Value, act: &Value, by: &SigningKey) -> Answer {
        let path = format!("/api/v1/matters/{}/steps", number.as_str().unwrap());
        self.server.send(Call::post(path, act).by(by)).await
    }

    /// Opens to the public: the steward justifies what the machine finds, the reviewer decides. The first refusal, or the
    /// review that has passed.
    pub(crate) async fn open(&self, terms: &Value) -> Answer {
        let opening = Self::asked(terms, &["kind", "grantee"]);
        let opened = self.server.send(Call::post("/api/v1/secrecy-reviews", &opening).by(&self.editor)).await;
        if !opened.status.is_success() {
            return opened;
        }
        let mut review = opened.json();
        if review["state"] == "completing" {
            let justify = json!({"event": "justify", "reason": "合成数据"});
            review = self.act(&review["number"], &justify, &self.editor).await.ok();
        }
        self.act(&review["number"], &pass(&review), &self.reviewer).await
    }

    /// Applies for one resource, and has it accepted and granted. The first refusal, or the provider's part.
    pub(crate) async fn apply(&self, terms: &Value) -> Answer {
        let mut ask =
            Self::asked(terms, &["kind", "grantee", "purpose", "legal_basis", "valid_from", "valid_until"]);
        ask["resource"] = terms["resource"].clone();
        let or = |name: &str, other: &str| terms.get(name).cloned().unwrap_or_else(|| json!(other));
        let application = json!({
            "asks": [ask], "purpose": or("purpose", "履行职责"), "legal_basis": terms["legal_basis"],
            "valid_until": or("valid_until", "2099-12-31T16:00:00Z"),
        });
        let mut grantee = departments()[1].clone();
        grantee.id = terms["grantee"]["department"].as_str().unwrap().parse().unwrap();
        let name = format!("{}-applicant", grantee.id);
        let applicant = self.server.person(&name, Some(&grantee), &[Role::Analyst]).await;
        let opened = Call::post("/api/v1/applications", &application).by(&applicant);
        let mut answer = self.server.send(opened).await;
        if answer.status.is_success() && answer.json()["state"] == "submitted" {
            let officer = self.server.person("city-officer", None, &[Role::AuthorityOfficer]).await;
            answer = self.act(&answer.json()["number"], &json!({"event": "accept"}), &officer).await;
        }
        if !answer.status.is_success() {
            return answer;
        }
        let path = format!("/api/v1/matters/{}", answer.json()["parts"][0].as_str().unwrap());
        let part = self.server.send(Call::get(path).by(&applicant)).await;
        match part.json()["state"].as_str() {
            Some("in_use" | "activating") => part,
            state => {
                let number = &part.json()["number"];
                if state == Some("proposing") {
                    self.act(number, &json!({"event": "propose"}), &self.approver).await.ok();
                }
                let [scjg, _] = departments();
                let second = self.server.person("second-approver", Some(&scjg), &[Role::Approver]).await;
                self.act(number, &json!({"event": "grant"}), &second).await
            }
        }
    }

    /// A conditional grant to the consumer: one county, the person masked.
    pub(crate) async fn conditional_grant(&self) -> Value {
        self.grant(&json!({
            "kind": "conditional", "resource": "301001/000001", "grantee": {"department": "gaj"},
            "items": ["case_no", "county", "person"], "filter": {"=": ["county", "360481"]},
            "masks": {"person": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法",
            "doors": ["api", "sql", "file"],
        }))
        .await
    }

    /// Asks SQL as someone.
    pub(crate) fn sql<'a>(&self, sql: &str, by: Option<&'a SigningKey>) -> Call<'a> {
        let call = Call::post("/api/v1/sql", &json!({ "sql": sql }));
        match by {
            Some(key) => call.by(key),
            None => call,
        }
    }
}

/// The step by which a review passes: every question answered with yes.
pub(crate) fn pass(review: &Value) -> Value {
    let questions = review["content"]["checklist"].as_array().unwrap();
    let answers: Vec<_> = questions.iter().map(|_| json!({"answer": true})).collect();
    json!({"event": "grant", "answers": answers})
}

/// The department with the right last two characters in its credit code.
fn with_valid_code(mut department: Department) -> Department {
    let head: String = department.credit_code.chars().take(16).collect();
    let letters = || "0123456789ABCDEFGHJKLMNPQRTUWXY".chars();
    let mut codes = letters().flat_map(|seventeenth| letters().map(move |last| (seventeenth, last)));
    let is_valid = |(seventeenth, last): (char, char)| {
        let code = format!("{head}{seventeenth}{last}");
        catalog_core::identity::is_credit_code(&code).then_some(code)
    };
    department.credit_code = codes.find_map(is_valid).unwrap();
    department
}
