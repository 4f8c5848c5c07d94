//! A form that is sent after its session has ended: it comes back to its writer, and to nobody else.

use ::http::{Method, StatusCode};
use catalog_core::Role;
use exchange_crypto::SigningKey;
use serde_json::{Value, json};

use super::sign_in::{cookie, lies_in_folder};
use crate::support::city::{City, resource};
use crate::support::python::browser;
use crate::support::server::{Answer, Call};

const PASSWORD: &str = "正确的马-电池-订书钉-2026";
const FORM: &str = "application/x-www-form-urlencoded";
const PAGE: &str = "/desk/substitutions";
/// `请假期间由他人代办` and what no page obeys.
const REASON: &str = "%E8%AF%B7%E5%81%87%E6%9C%9F%E9%97%B4%E7%94%B1%E4%BB%96%E4%BA%BA%E4%BB%A3%E5%8A%9E%22%3E%3C/textarea%3E%3Cb%3E";
const READ: &str = "请假期间由他人代办&quot;&gt;&lt;/textarea&gt;&lt;b&gt;";

struct Office {
    city: City,
    /// Their browsers: the session's cookie, and all of their cookies.
    writer: (String, String),
    other: (String, String),
}

impl Office {
    async fn new() -> Self {
        let city = City::new().await;
        let keeper = city.server.person("keeper", None, &[Role::SecurityAdministrator]).await;
        for id in ["writer", "other"] {
            city.server.person(id, None, &[Role::SecurityAdministrator]).await;
            invited(&city, &keeper, id).await;
        }
        let writer = cookies(&entered(&city, "writer", PASSWORD, "").await);
        let other = cookies(&entered(&city, "other", PASSWORD, "").await);
        Self { city, writer, other }
    }

    fn call(&self, address: &str, cookies: &str, body: String, media_type: &str) -> Call<'_> {
        let call = Call::new(Method::POST, address).body(body, media_type).header("accept", "text/html");
        let call = call.header("origin", &self.city.server.base);
        if cookies.is_empty() { call } else { call.header("cookie", cookies) }
    }

    /// The form of a substitution, as a browser with these cookies sends it.
    async fn sent(&self, cookies: &str) -> Answer {
        self.city.server.send(self.call(PAGE, cookies, form("writer"), FORM)).await
    }

    async fn page(&self, address: &str, cookies: &str) -> String {
        let call = Call::get(address).header("cookie", cookies).header("accept", "text/html");
        let answer = self.city.server.send(call).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.text()
    }

    async fn end(&self, session: &str) {
        let call = Call::new(Method::DELETE, "/api/v1/session").header("cookie", session);
        let ended = self.city.server.send(call.header("origin", &self.city.server.base)).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
    }

    async fn substitutions(&self) -> usize {
        let call = Call::get("/api/v1/substitutions").header("cookie", &self.other.0);
        let all: Value = self.city.server.send(call).await.ok();
        all.as_array().or_else(|| all["substitutions"].as_array()).expect("a list").len()
    }
}

async fn invited(city: &City, keeper: &SigningKey, id: &str) {
    let invite = Call::new(Method::POST, format!("/api/v1/people/{id}/invitation")).by(keeper);
    let code = city.server.send(invite).await.ok()["code"].as_str().unwrap().to_owned();
    let set = json!({"name": id, "code": code, "new_password": PASSWORD});
    city.server.send(Call::post("/api/v1/session/password", &set)).await.ok();
}

/// Signs in by the form, with what stands in its page.
async fn entered(city: &City, id: &str, password: &str, unsent: &str) -> Answer {
    let password: String = password.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let body = format!("name={id}&password={password}&next=%2Fdesk&unsent={unsent}");
    let call = Call::new(Method::POST, "/sign-in").body(body, FORM).header("accept", "text/html");
    city.server.send(call.header("origin", &city.server.base)).await
}

fn cookies(answer: &Answer) -> (String, String) {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let all: Vec<_> = set.map(|line| line.split(';').next().unwrap()).collect();
    (cookie(answer), all.join("; "))
}

fn form(person: &str) -> String {
    format!("act=name&person={person}&role=approver&from=&until=2031-01-31&reason={REASON}")
}

/// What the page holds, sealed.
fn sealed(page: &str) -> &str {
    let held =
        page.split_once("name=\"unsent\" value=\"").unwrap_or_else(|| panic!("nothing is kept: {page}"));
    held.1.split('"').next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_comes_back_to_its_writer_and_waits_for_them() {
    let office = Office::new().await;
    office.end(&office.writer.0).await;
    let answer = office.sent(&office.writer.1).await;
    let page = answer.text();
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert!(page.contains("请重新登录") && page.contains("填写的内容还在"), "{page}");
    assert!(!page.contains("请假期间"), "it is sealed: {page}");
    let kept = sealed(&page);
    // A wrong password keeps it.
    let wrong = entered(&office.city, "writer", "wrong-password-0", kept).await;
    assert_eq!((wrong.status, sealed(&wrong.text())), (StatusCode::UNAUTHORIZED, kept));
    // Somebody else at the same page gets nothing of it.
    let other = entered(&office.city, "other", PASSWORD, kept).await;
    assert_eq!(other.header("location"), "/desk");
    assert!(!office.page(PAGE, &cookies(&other).1).await.contains("请假期间"));
    let back = entered(&office.city, "writer", PASSWORD, kept).await;
    assert_eq!((back.status, back.header("location")), (StatusCode::SEE_OTHER, PAGE));
    let (_, writer) = cookies(&back);
    let page = office.page(PAGE, &writer).await;
    assert!(page.contains("尚未提交") && page.contains(READ), "{page}");
    assert!(page.contains("name=\"until\"") && page.contains("value=\"2031-01-31\""), "{page}");
    assert!(page.contains("<option value=\"approver\" selected>"), "{page}");
    assert_eq!(office.substitutions().await, 0, "nothing is done by itself");
    assert!(office.page(PAGE, &writer).await.contains(READ), "a page that is loaded again keeps it");
    assert!(!office.page("/desk/people", &writer).await.contains("尚未提交"), "it belongs to its page");
    assert!(!office.page(PAGE, &office.other.1).await.contains("请假期间"));
    // As it was typed, and as the form wrote it.
    for text in ["请假期间", "%E8%AF%B7%E5%81%87"] {
        assert!(!lies_in_folder(&office.city.server, text, "none"), "{text} stands in no log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_sent_again_and_is_answered_by_a_page_no_longer_waits() {
    const PERSON: &str = "/desk/people/other";
    let office = Office::new().await;
    let invite =
        |cookies: &str| office.city.server.send(office.call(PERSON, cookies, "act=invite".to_owned(), FORM));
    office.end(&office.writer.0).await;
    let refused = invite(&office.writer.1).await.text();
    let back = entered(&office.city, "writer", PASSWORD, sealed(&refused)).await;
    assert_eq!(back.header("location"), PERSON);
    let (_, writer) = cookies(&back);
    assert!(office.page(PERSON, &writer).await.contains("尚未提交"));
    // The code stands on the page that answers, so no redirect follows.
    let made = invite(&writer).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    assert!(!office.page(PERSON, &writer).await.contains("尚未提交"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_comes_back_as_its_button_has_changed_it() {
    const NEW: &str = "/desk/matters/new";
    const ONE: &str = "301001/000001";
    const TWO: &str = "301001/000002";
    let office = Office::new().await;
    let mut other = resource();
    other["code"] = json!(TWO);
    other["sql_name"] = json!("licence");
    other["title"] = json!("行政许可信息");
    office.city.publish(&other).await;
    let mut writer = office.writer.clone();
    for (sent, held, ticked) in [
        (
            format!("resource={ONE}&0-items=county&resource={TWO}&1-items=case_no&do=remove+{ONE}"),
            vec![TWO],
            vec!["\"0-items\" value=\"case_no\""],
        ),
        (
            format!("resource={ONE}&0-items=county&do=add+{TWO}"),
            vec![ONE, TWO],
            vec!["\"0-items\" value=\"county\"", "\"1-doors\" value=\"api\"", "\"1-doors\" value=\"sql\""],
        ),
    ] {
        office.end(&writer.0).await;
        let call = office.call(NEW, &writer.1, format!("kind=application&{sent}"), FORM);
        let refused = office.city.server.send(call).await.text();
        let back = entered(&office.city, "writer", PASSWORD, sealed(&refused)).await;
        assert_eq!(back.header("location"), NEW);
        writer = cookies(&back);
        let page = office.page(NEW, &writer.1).await;
        assert!(page.contains("尚未提交"), "{page}");
        let resources = page.split("name=\"resource\" value=\"").skip(1);
        let resources: Vec<_> = resources.map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(resources, held, "{page}");
        let ticks = page.split("type=\"checkbox\" name=").skip(1);
        let ticks: Vec<_> =
            ticks.filter_map(|rest| rest.split('>').next().unwrap().strip_suffix(" checked")).collect();
        assert_eq!(ticks, ticked, "{page}");
        assert!(!page.contains("没有对应的位置"), "the button is done with: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_said() {
    let office = Office::new().await;
    let last =
        office.writer.1.split("; ").find(|cookie| cookie.starts_with("shuqiao-last=")).unwrap().to_owned();
    // The session's cookie has gone before, and the browser still knows who was there.
    assert!(office.sent(&last).await.text().contains("填写的内容还在"));
    // Nobody knows who typed it.
    let unknown = office.sent("").await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert!(
        unknown.text().contains("未能保留") && !unknown.text().contains("name=\"unsent\""),
        "{}",
        unknown.text()
    );
    office.end(&office.writer.0).await;
    let file =
        "--x\r\ncontent-disposition: form-data; name=\"sheet\"; filename=\"a.csv\"\r\n\r\na\r\n--x--\r\n"
            .to_owned();
    let call =
        office.call("/desk/directory/import", &office.writer.1, file, "multipart/form-data; boundary=x");
    let answer = office.city.server.send(call).await;
    assert!(
        answer.text().contains("选择的文件不能保留") && !answer.text().contains("name=\"unsent\""),
        "{}",
        answer.text()
    );
    let long = format!("{}&more={}", form("writer"), "a".repeat(130 << 10));
    let long = office.city.server.send(office.call(PAGE, &last, long, FORM)).await;
    assert!(long.text().contains("未能保留"), "{}", long.text());
    // Programs get problem details.
    let call = Call::new(Method::POST, PAGE).body(form("writer"), FORM).header("cookie", &last);
    assert_eq!(
        office.city.server.send(call.header("origin", &office.city.server.base)).await.code(),
        "unauthenticated"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_slips_a_form_into_the_page_of_another() {
    let office = Office::new().await;
    office.end(&office.writer.0).await;
    let kept = sealed(&office.sent(&office.writer.1).await.text()).to_owned();
    // What was changed on the way does not come back, and signing in goes on.
    let changed: String = kept.chars().rev().collect();
    assert_eq!(entered(&office.city, "writer", PASSWORD, &changed).await.header("location"), "/desk");
    // Another site's page sends neither the form nor the sign-in.
    let foreign = |address: &str, body: String| {
        let call = Call::new(Method::POST, address).body(body, FORM).header("accept", "text/html");
        call.header("cookie", &office.writer.1).header("origin", "https://evil.example")
    };
    let answer = office.city.server.send(foreign(PAGE, form("writer"))).await;
    assert!(!answer.text().contains("name=\"unsent\""), "{}", answer.text());
    let body = format!("name=writer&password=x&unsent={kept}");
    assert_eq!(office.city.server.send(foreign("/sign-in", body)).await.status, StatusCode::FORBIDDEN);
    // Who signs out leaves nothing to come back to.
    let out =
        Call::new(Method::POST, "/sign-out").body(String::new(), FORM).header("cookie", &office.other.1);
    let out = office.city.server.send(out.header("origin", &office.city.server.base)).await;
    let gone = out
        .headers
        .get_all("set-cookie")
        .iter()
        .filter(|value| value.to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(gone.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_get_their_form_back_in_a_browser() {
    let office = Office::new().await;
    let base = office.city.server.base.clone();
    let walk = move || browser("walk_unsent.mjs", &[&base, PASSWORD]);
    let walked = tokio::task::spawn_blocking(walk).await.unwrap();
    assert_eq!(walked["wrong"], json!([]), "{walked:#}");
    assert_eq!(
        walked["typed"],
        json!(["请假期间由他人代办", "请假期间由他人代办"]),
        "with scripts and without: {walked:#}"
    );
    assert_eq!(office.substitutions().await, 0);
}
