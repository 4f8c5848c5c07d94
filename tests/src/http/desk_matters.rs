//! The desk of matters and grants: the whole way of an application by forms, as people of four departments walk it.

use ::http::Method;
use catalog_core::Role;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use super::sign_in::cookie;
use crate::support::city::{City, department, departments};
use crate::support::python::browser;
use crate::support::server::{Answer, Call};

const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const PEOPLE: &str = "select case_no, person from scjg.penalty order by case_no";
/// What no page obeys.
const HOSTILE: &str = "</textarea></script><img src=x onerror=alert(1)>\"'\u{202e}\u{200b}👨‍👩‍👧{{7*7}}";

/// Browsers of the people around the city's departments, by their cookies.
pub(super) struct Desk {
    pub(super) city: City,
    /// The analyst's key.
    key: SigningKey,
    /// Analyst of the department that applies.
    pub(super) analyst: String,
    pub(super) officer: String,
    /// Two approvers of the provider; the second reads its data, too.
    pub(super) first: String,
    pub(super) second: String,
    pub(super) steward: String,
    /// Approver of a department that has no part in it.
    pub(super) other: String,
}

impl Desk {
    pub(super) async fn new() -> Self {
        let city = City::new().await;
        let [scjg, gaj] = departments();
        let mzj = department("mzj", "九江市民政局", "11360400MD0000003X");
        city.server.department(&mzj).await;
        let security = city.server.person("security", None, &[Role::SecurityAdministrator]).await;
        let (mut cookies, mut keys) = (Vec::new(), Vec::new());
        for (id, department, roles) in [
            ("analyst", Some(&gaj), &[Role::Analyst][..]),
            ("officer", None, &[Role::AuthorityOfficer][..]),
            ("first", Some(&scjg), &[Role::Approver][..]),
            ("second", Some(&scjg), &[Role::Approver, Role::Analyst][..]),
            ("steward", Some(&scjg), &[Role::DataSteward][..]),
            ("other", Some(&mzj), &[Role::Approver, Role::Analyst][..]),
        ] {
            keys.push(city.server.person(id, department, roles).await);
            cookies.push(signed_in(&city, &security, id).await);
        }
        let [analyst, officer, first, second, steward, other] = <[String; 6]>::try_from(cookies).unwrap();
        let key = keys.swap_remove(0);
        Self { city, key, analyst, officer, first, second, steward, other }
    }

    pub(super) async fn get(&self, path: &str, who: &str) -> Answer {
        let call = Call::get(path).header("cookie", who).header("accept", "text/html");
        self.city.server.send(call).await
    }

    pub(super) async fn page(&self, path: &str, who: &str) -> String {
        let answer = self.get(path, who).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.text()
    }

    pub(super) async fn post(&self, path: &str, who: &str, fields: &[(&str, &str)]) -> Answer {
        let origin = self.city.server.base.clone();
        self.post_from(&origin, path, who, fields).await
    }

    async fn post_from(&self, origin: &str, path: &str, who: &str, fields: &[(&str, &str)]) -> Answer {
        let call = Call::new(Method::POST, path).body(form(fields), "application/x-www-form-urlencoded");
        let call = call.header("cookie", who).header("origin", origin).header("accept", "text/html");
        self.city.server.send(call).await
    }

    /// A form that is done, and where it leads.
    pub(super) async fn done(&self, path: &str, who: &str, fields: &[(&str, &str)]) -> String {
        let answer = self.post(path, who, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text());
        answer.header("location").to_owned()
    }

    pub(super) async fn ask(&self, sql: &str) -> Answer {
        self.city.server.send(self.city.sql(sql, Some(&self.city.consumer))).await
    }

    /// An application by form that the authority has accepted: its address and that of the provider's part.
    pub(super) async fn accepted(&self) -> (String, String) {
        let whole = self.done("/desk/matters/new", &self.analyst, &application()).await;
        self.done(&whole, &self.officer, &[("event", "accept")]).await;
        let number = whole.rsplit('/').next().unwrap();
        let api = Call::get(format!("/api/v1/matters/{number}")).header("cookie", &self.analyst);
        let view: Value = self.city.server.send(api).await.ok();
        let part = format!("/desk/matters/{}", view["parts"][0].as_str().unwrap());
        (whole, part)
    }
}

/// Invites somebody, sets their password, and signs them in by the page's form.
pub(super) async fn signed_in(city: &City, security: &SigningKey, id: &str) -> String {
    let server = &city.server;
    let invite = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(security);
    let code = server.send(invite).await.ok()["code"].as_str().unwrap().to_owned();
    let set = json!({"name": id, "code": code, "new_password": PASSWORD});
    server.send(Call::post("/api/v1/session/password", &set)).await.ok();
    let fields = form(&[("name", id), ("password", PASSWORD)]);
    let call = Call::new(Method::POST, "/sign-in").body(fields, "application/x-www-form-urlencoded");
    cookie(&server.send(call.header("origin", &server.base)).await)
}

fn form(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> =
        fields.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    pairs.join("&")
}

pub(super) fn application() -> Vec<(&'static str, &'static str)> {
    vec![
        ("kind", "application"),
        ("resource", "301001/000001"),
        ("0-items", "case_no"),
        ("0-items", "county"),
        ("0-items", "person"),
        ("0-doors", "sql"),
        ("0-doors", "api"),
        ("0-column-0", "county"),
        ("0-operator-0", "in"),
        ("0-value-0", "360481，360402"),
        ("purpose", "办案"),
        ("legal_basis", "人民警察法 第六条"),
        ("valid_until", "2098-06-30"),
        ("do", "submit"),
    ]
}

/// What stands in the forms of a provider's part, as its page begins with it.
pub(super) fn built() -> Vec<(&'static str, &'static str)> {
    vec![
        ("resource", "301001/000001"),
        ("0-items", "case_no"),
        ("0-items", "person"),
        ("0-mask-person", "keep_first"),
        ("0-mask_with-person", "1"),
        ("0-doors", "sql"),
        ("0-column-0", "county"),
        ("0-operator-0", "="),
        ("0-value-0", "360481"),
    ]
}

pub(super) fn with<'a>(
    mut fields: Vec<(&'a str, &'a str)>,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    fields.extend_from_slice(more);
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_goes_its_way_by_forms_to_an_answer_under_its_grant() {
    let desk = Desk::new().await;
    let page = desk.page("/desk/matters/new?resource=301001-000001", &desk.analyst).await;
    assert!(page.contains("行政处罚信息") && page.contains("0-mask-person"), "{page}");
    assert!(!page.contains("value=\"note\"><label"), "what is withheld can't be asked for");
    let found = desk
        .post("/desk/matters/new", &desk.analyst, &[("kind", "application"), ("q", "处罚"), ("do", "search")])
        .await;
    assert!(found.text().contains("add 301001/000001"), "{}", found.text());
    let (whole, part) = desk.accepted().await;
    for who in [&desk.analyst, &desk.officer] {
        let page = desk.page(&whole, who).await;
        assert!(
            page.contains("人民警察法 第六条") && page.contains(part.rsplit('/').next().unwrap()),
            "{page}"
        );
    }
    let waiting = desk.page("/desk/matters", &desk.first).await;
    assert!(waiting.contains(&part) && waiting.contains("绿灯") && waiting.contains("个工作日"), "{waiting}");
    assert!(desk.page("/desk", &desk.first).await.contains(&part), "it is among the most urgent");

    // An approver who reads no data sees counts, columns and invented values.
    let builder = format!("{part}/grant");
    assert!(desk.page(&builder, &desk.first).await.contains("双人复核"));
    let shown = desk.post(&builder, &desk.first, &with(built(), &[("do", "preview")])).await.text();
    assert!(shown.contains("示例值") && shown.contains("只留前 1 位") && shown.contains("看不到"), "{shown}");
    assert!(!shown.contains("张三") && !shown.contains("A1"), "{shown}");
    let pseudonyms = built().into_iter().map(|(name, value)| match name {
        "0-mask-person" => (name, "pseudonym"),
        "0-mask_with-person" => (name, "别处的应用"),
        _ => (name, value),
    });
    let pseudonyms = with(pseudonyms.collect(), &[("do", "preview")]);
    let unshown = desk.post(&builder, &desk.second, &pseudonyms).await.text();
    assert!(unshown.contains("id=\"preview\"") && !unshown.contains("真实数据的前几行"), "{unshown}");
    assert!(!unshown.contains("<td>A1</td>"), "nobody learns another's pseudonyms: {unshown}");
    let reason = [("reason", "仅本县，姓名脱敏"), ("legal_basis", "政务数据共享条例 第二十一条")];
    desk.done(&builder, &desk.first, &with(built(), &with(reason.to_vec(), &[("do", "propose")]))).await;
    let again = desk.get(&builder, &desk.first).await;
    assert_eq!(again.status, 403);
    assert!(again.text().contains("双人复核"), "{}", again.text());
    let by_form = desk.post(&part, &desk.first, &[("event", "grant")]).await;
    assert_eq!(by_form.status, 403);
    assert!(by_form.text().contains("双人复核"), "{}", by_form.text());

    // One who reads the department's data anyhow sees the first rows, as its holder would.
    let shown = desk.post(&builder, &desk.second, &with(built(), &[("do", "preview")])).await.text();
    assert!(
        shown.contains("真实数据的前几行") && shown.contains("<td>A1</td>") && shown.contains("张*"),
        "{shown}"
    );
    assert!(!shown.contains("张三") && !shown.contains("A2"), "{shown}");
    let number = part.rsplit('/').next().unwrap();
    let accesses = desk.city.server.events("access");
    let weighed: Vec<_> = accesses.iter().filter(|access| access["actor"]["matter"] == *number).collect();
    assert_eq!(weighed.len(), 3, "each preview is an access for the matter: {accesses:?}");
    let decision = with(reason.to_vec(), &[("do", "grant_in_part")]);
    let stale = with(built(), &with(decision.clone(), &[("revision", "0")]));
    assert_eq!(
        desk.post(&builder, &desk.second, &stale).await.status,
        409,
        "nobody decides on what they have not seen"
    );
    let unseen = desk.post(&builder, &desk.second, &with(built(), &decision)).await;
    assert_eq!(unseen.status, 400, "nor where they don't say what they have seen");
    let page = desk.page(&builder, &desk.second).await;
    let revision = page.split("name=\"revision\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let decision = with(decision, &[("revision", revision)]);
    desk.done(&builder, &desk.second, &with(built(), &decision)).await;
    let rows = json!([{"case_no": "A1", "person": "张*****"}, {"case_no": "A3", "person": "王*****"}]);
    let answer = desk.ask(PEOPLE).await.ok();
    assert_eq!(answer["data"], rows, "{answer}");
    let notice = desk.page(&format!("{part}/notices/1"), &desk.analyst).await;
    assert!(notice.contains("部分同意告知书") && notice.contains("仅本县"), "{notice}");

    // Who gave it takes it back; a reason is asked for, and kept.
    let held = desk.page("/desk/grants?side=held", &desk.analyst).await;
    assert!(held.contains("我方持有") && !held.contains("name=\"grant\""), "its holder can't revoke it");
    let given = desk.page("/desk/grants?side=given", &desk.second).await;
    let id = given.split("name=\"grant\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(desk.post("/desk/grants", &desk.second, &[("grant", &id), ("reason", " ")]).await.status, 400);
    assert_eq!(
        desk.post("/desk/grants", &desk.analyst, &[("grant", &id), ("reason", "x")]).await.status,
        403
    );
    desk.done("/desk/grants", &desk.second, &[("grant", &id), ("reason", "用途已变")]).await;
    // What is open to everyone is left, and holds no names.
    assert_eq!(desk.ask(PEOPLE).await.code(), "unknown_column");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_keeps_what_was_typed_and_can_be_disputed() {
    let desk = Desk::new().await;
    let mut wrong = application();
    wrong.retain(|(name, _)| !["legal_basis", "valid_until"].contains(name));
    let wrong =
        with(wrong, &[("legal_basis", HOSTILE), ("valid_until", "soon"), ("0-mask-person", "keep_first")]);
    let refused = desk.post("/desk/matters/new", &desk.analyst, &wrong).await;
    assert_eq!(refused.status, 400);
    let page = refused.text();
    assert!(page.contains("value=\"办案\"") && page.contains("360481，360402"), "{page}");
    assert!(!page.contains("<img src=x") && page.contains("img src=x"), "{page}");
    let (_, part) = desk.accepted().await;
    desk.done(&part, &desk.first, &[("event", "propose")]).await;
    let without = desk.post(&part, &desk.second, &[("event", "refuse"), ("reason", HOSTILE)]).await;
    assert_eq!(without.status, 400, "a refusal names its article");
    let page = without.text();
    assert!(page.contains("{{7*7}}") && !page.contains("<img src=x"), "{page}");
    let words = [("event", "refuse"), ("reason", HOSTILE), ("legal_basis", "行政处罚法 第五十条")];
    desk.done(&part, &desk.second, &words).await;
    let page = desk.page(&part, &desk.analyst).await;
    assert!(page.contains("提请协调") && !page.contains("<img src=x"), "{page}");
    desk.done(&part, &desk.analyst, &[("event", "escalate"), ("reason", "确需使用")]).await;
    assert!(desk.page(&part, &desk.officer).await.contains("协调中"));

    // An objection: upheld by the steward of the provider.
    let objection = [
        ("kind", "objection"),
        ("subject", "data"),
        ("resource", "301001-000001"),
        ("description", HOSTILE),
        ("do", "submit"),
    ];
    let missing = desk
        .post(
            "/desk/matters/new",
            &desk.analyst,
            &[
                ("kind", "objection"),
                ("subject", "data"),
                ("resource", "301001/000001"),
                ("description", " "),
                ("receipt", "r-17"),
                ("do", "submit"),
            ],
        )
        .await;
    assert_eq!(missing.status, 400);
    assert!(missing.text().contains("value=\"r-17\""), "{}", missing.text());
    let raised = desk.done("/desk/matters/new", &desk.analyst, &objection).await;
    let page = desk.page(&raised, &desk.steward).await;
    assert!(page.contains("数据有误") && !page.contains("<img src=x"), "{page}");
    desk.done(&raised, &desk.steward, &[("event", "uphold"), ("reason", "属实")]).await;
    let stale =
        desk.post(&raised, &desk.steward, &[("event", "correct"), ("version", "1"), ("revision", "1")]).await;
    assert_eq!(stale.status, 409, "it has changed since the form was shown");
    let corrects_nothing = desk.post(&raised, &desk.steward, &[("event", "correct"), ("version", "1")]).await;
    assert_eq!(corrects_nothing.status, 409);
    let demand = [
        ("kind", "demand"),
        ("title", "婚姻登记"),
        ("items", "姓名\n登记日期"),
        ("purpose", "办案"),
        ("legal_basis", "法"),
        ("do", "submit"),
    ];
    let wanted = desk.done("/desk/matters/new", &desk.analyst, &demand).await;
    desk.done(&wanted, &desk.officer, &[("event", "route"), ("department", "mzj")]).await;
    assert!(desk.page("/desk/matters", &desk.other).await.contains(&wanted));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_takes_so_many_resources_and_one_more_costs_nothing_typed() {
    const NEW: &str = "/desk/matters/new";
    const FULL: &str = "一份表单最多列 100 项数据资源";
    let desk = Desk::new().await;
    let many = |count| std::iter::repeat_n(("resource", "301001/000001"), count).collect::<Vec<_>>();
    for (kind, button) in [("application", "search"), ("emergency_grant", "add 301001/000002")] {
        let form = with(many(101), &[("kind", kind), ("do", button)]);
        let refused = desk.post(NEW, &desk.analyst, &form).await;
        assert_eq!(refused.status, 413, "{kind}");
        assert!(refused.text().contains(FULL), "{}", refused.text());
    }
    let address = format!("{NEW}?{}", "resource=301001-000001&".repeat(101));
    assert_eq!(desk.get(&address, &desk.analyst).await.status, 413);
    let form = [("kind", "application"), ("purpose", "办案"), ("do", "add 301001/000002")];
    let full = desk.post(NEW, &desk.analyst, &with(many(100), &form)).await;
    assert_eq!(full.status, 413);
    let page = full.text();
    assert!(
        page.contains(FULL) && page.contains("value=\"办案\"") && page.contains("99-mask-person"),
        "{page}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matter_says_in_words_what_is_asked_and_for_whom_it_waits() {
    let desk = Desk::new().await;
    let (whole, part) = desk.accepted().await;
    let page = desk.page(&whole, &desk.officer).await;
    assert!(page.contains("县区属于“360481”、“360402”"), "{page}");
    assert!(page.contains(">案号</span> <code>case_no</code>") && page.contains("行政处罚信息"), "{page}");
    assert!(page.contains("title=\"analyst\""), "{page}");

    // Who handles it has forms alone; who asked is told for whom it waits.
    let asked = desk.page(&part, &desk.analyst).await;
    let waits = asked.split("id=\"waits\"").nth(1).unwrap().split("</p>").next().unwrap();
    assert!(waits.contains("九江市市场监督管理局 · 审批员"), "{waits}");
    let handled = desk.page(&part, &desk.first).await;
    assert!(
        handled.contains(&format!("href=\"{part}/grant\"")) && !handled.contains("现在等待"),
        "{handled}"
    );
    for page in [&asked, &handled] {
        assert!(!page.contains("您不能办理"), "{page}");
    }
    desk.done(&part, &desk.first, &[("event", "propose")]).await;
    let proposed = desk.page(&part, &desk.first).await;
    let waits = proposed.split("id=\"waits\"").nth(1).unwrap();
    assert!(waits.contains("（须由另一人）") && waits.contains("双人复核"), "{proposed}");
    assert!(!proposed.contains("name=\"event\" value=\"grant\""), "{proposed}");
    let english = desk.page(&format!("{part}?lang=en"), &desk.first).await;
    assert!(english.contains("you took part in an earlier step of this matter"), "{english}");
    assert!(!english.contains("前序步骤"), "{english}");

    // Each part of the desk is listed once.
    let home = desk.page("/desk", &desk.first).await;
    assert_eq!(home.matches("href=\"/desk/grants\"").count(), 1, "{home}");

    // Resources are found by name, or chosen from what is one's own.
    let found = desk.page("/desk/why?q=%E5%A4%84%E7%BD%9A", &desk.analyst).await;
    assert!(found.contains("href=\"/desk/why?resource=301001/000001\""), "{found}");
    let chosen = desk.page("/desk/why?resource=301001/000001", &desk.second).await;
    assert!(chosen.contains("<option value=\"301001/000001\">行政处罚信息</option>"), "{chosen}");
    assert!(chosen.contains("<option value=\"person\">当事人</option>"), "{chosen}");
    let named = desk.post("/desk/why", &desk.second, &[("resource", "行政处罚信息")]).await.text();
    assert!(named.contains("可以") && named.contains(">案号</span> <code>case_no</code>"), "{named}");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_other_departments_see_nothing_and_forge_nothing() {
    let desk = Desk::new().await;
    let (whole, part) = desk.accepted().await;
    let builder = format!("{part}/grant");
    for address in [&whole, &part, &builder, &format!("{part}/notices/1"), &format!("{whole}/amend")] {
        assert_eq!(desk.get(address, &desk.other).await.status, 404, "{address}");
        let stranger = desk.city.server.send(Call::get(address.as_str()).header("accept", "text/html")).await;
        assert!([401, 404].contains(&stranger.status.as_u16()), "{address}: {}", stranger.status);
    }
    let nowhere = desk.get("/desk/matters/TG-2026-999999", &desk.other).await.text();
    let closed = desk.get(&part, &desk.other).await.text();
    let number = part.rsplit('/').next().unwrap();
    let same = |page: &str, number: &str| page.contains(&format!("没有办件 {number}"));
    assert!(same(&nowhere, "TG-2026-999999") && same(&closed, number), "{closed}");
    assert!(!desk.page("/desk/matters?side=all&settled=true", &desk.other).await.contains(number));
    assert!(!desk.page("/desk/grants?ended=true", &desk.other).await.contains("name=\"grant\""));
    for who in [&desk.other, &desk.analyst] {
        let answer = desk.post(&builder, who, &with(built(), &[("do", "preview")])).await;
        assert!([403, 404].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    let forged = desk.post_from("https://evil.example", &part, &desk.first, &[("event", "propose")]).await;
    assert_eq!(forged.status, 403, "{}", forged.text());
    let opened =
        [("kind", "demand"), ("title", "x"), ("purpose", "x"), ("legal_basis", "x"), ("do", "submit")];
    let forged = desk.post_from("https://evil.example", "/desk/matters/new", &desk.analyst, &opened).await;
    assert_eq!(forged.status, 403);
    assert!(desk.page(&part, &desk.first).await.contains("待初审"), "nothing has happened");
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_ended_and_whys_are_answered() {
    let desk = Desk::new().await;
    let wanted = json!({"purpose": "办案", "doors": ["sql"], "seconds": 3600});
    let issued = desk.city.server.send(Call::post("/api/v1/tickets", &wanted).by(&desk.key)).await.ok();
    let token = issued["token"].as_str().unwrap().to_owned();
    let page = desk.page("/desk/tickets", &desk.analyst).await;
    assert!(!page.contains(&token) && page.contains("办案"), "{page}");
    let id = page.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    desk.done("/desk/tickets", &desk.analyst, &[("ticket", &id), ("do", "revoke")]).await;
    assert!(!desk.page("/desk/tickets", &desk.analyst).await.contains("name=\"ticket\""));

    let own = desk.post("/desk/why", &desk.second, &[("resource", "301001-000001")]).await.text();
    assert!(own.contains("可以") && own.contains("本部门数据"), "{own}");
    let about =
        [("resource", "301001/000001"), ("principal", "analyst"), ("item", "person"), ("door", "api")];
    let asked = desk.post("/desk/why", &desk.first, &about).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    let refused = desk.post("/desk/why", &desk.other, &about).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("value=\"analyst\""), "{}", refused.text());
    let told =
        desk.city.server.events("changed").iter().filter(|event| event["action"] == "why.asked").count();
    assert_eq!(told, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn clerks_walk_the_desk_with_and_without_scripts() {
    let desk = Desk::new().await;
    let mut long = application();
    let word = "超长".repeat(2_000);
    long.retain(|(name, _)| *name != "purpose");
    let hostile = format!("{HOSTILE}{word}");
    let long = with(long, &[("purpose", &hostile)]);
    desk.done("/desk/matters/new", &desk.analyst, &long).await;
    let base = desk.city.server.base.clone();
    let walk = move || browser("walk_desk_matters.mjs", &[&base, PASSWORD]);
    let walked = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(walked["states"], json!(["待交付", "待交付"]), "with scripts and without: {walked:#}");
}
