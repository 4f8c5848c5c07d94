//! What is refused is told in the reader's language.

use ::http::{Method, StatusCode};
use catalog_core::Role;
use serde_json::json;

use crate::support::city::{City, departments};
use crate::support::server::{Answer, Call};

const NOTHING: &str = "/api/v1/resources/301001-000099";

async fn asked(city: &City, languages: &str) -> Answer {
    let call = Call::get(NOTHING);
    let call = if languages.is_empty() { call } else { call.header("accept-language", languages) };
    let answer = city.server.send(call).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.headers.get_all("vary").iter().any(|value| value == "accept-language"));
    answer
}

#[tokio::test]
async fn problem_details_are_in_the_language_that_a_request_prefers() {
    let city = City::new().await;
    let plain = asked(&city, "").await;
    assert_eq!(
        (plain.json()["detail"].as_str(), plain.header("content-language")),
        (Some("resource 301001/000099 does not exist"), "")
    );
    let chinese = asked(&city, "zh-CN,zh;q=0.9,en;q=0.8").await;
    assert_eq!(chinese.json()["detail"], json!("没有数据资源 301001/000099"));
    assert_eq!(chinese.json()["title"], json!("没有找到"));
    assert_eq!(chinese.header("content-language"), "zh-CN");
    for field in ["type", "code", "status"] {
        assert_eq!(chinese.json()[field], plain.json()[field], "programs read the same");
    }
    let english = asked(&city, "en;q=0.9, zh;q=0.5").await;
    assert_eq!(english.json()["detail"], plain.json()["detail"]);
    assert_eq!(english.header("content-language"), "en");
    assert_eq!(asked(&city, "fr").await.header("content-language"), "");
}

#[tokio::test]
async fn what_is_wrong_at_single_fields_is_told_in_chinese_too() {
    let city = City::new().await;
    let system = city.server.person("system", None, &[Role::SystemAdministrator]).await;
    let mut department = json!(departments()[0]);
    department["id"] = json!("new");
    department["name"] = json!("Market");
    department["division_code"] = json!("36");
    let call = Call::new(Method::PUT, "/api/v1/departments/new").json(&department).by(&system);
    let answer = city.server.send(call.header("accept-language", "zh")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let problems = answer.json()["problems"].as_array().unwrap().clone();
    assert!(!problems.is_empty(), "{}", answer.text());
    for problem in problems {
        let message = problem["message"].as_str().unwrap();
        assert!(message.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter)), "{message}");
    }
}

/// The page on which a browser is refused.
async fn refused_page(city: &City, address: &str, status: StatusCode) -> String {
    let answer = city.server.send(Call::get(address).header("accept", "text/html")).await;
    assert_eq!(answer.status, status, "{address}");
    answer.text()
}

#[tokio::test]
async fn a_page_that_says_no_speaks_the_language_of_the_page() {
    let city = City::new().await;
    let page = async |address| refused_page(&city, address, StatusCode::NOT_FOUND).await;
    let chinese = page("/datasets/301001-000099").await;
    assert!(
        chinese.contains("没有数据资源 301001/000099") && !chinese.contains("does not exist"),
        "{chinese}"
    );
    let english = page("/datasets/301001-000099?lang=en").await;
    assert!(english.contains("resource 301001/000099 does not exist"), "{english}");
    // A form's field in Chinese alone in the sources.
    let call = Call::new(Method::POST, "/ask/matter?lang=en")
        .body("number=x&code=y", "application/x-www-form-urlencoded");
    let call = call.header("accept", "text/html").header("origin", &city.server.base);
    let refused = city.server.send(call).await.text();
    assert!(
        refused.contains("the matter number or its code is not right") && !refused.contains("不正确"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_page_names_what_is_wrong_in_an_address_as_people_do() {
    let city = City::new().await;
    let page = async |address| refused_page(&city, address, StatusCode::BAD_REQUEST).await;
    let chinese = page("/search?page=x").await;
    assert!(chinese.contains("<strong>页码</strong>：应为整数"), "{chinese}");
    let english = page("/search?page=x&lang=en").await;
    assert!(english.contains("<strong>Page</strong>: a whole number is expected"), "{english}");
}
