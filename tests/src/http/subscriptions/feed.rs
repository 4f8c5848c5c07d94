//! The feed of a search, read by feedparser.

use ::http::StatusCode;
use catalog_core::Channel;
use catalog_core::ports::SearchQuery;
use exchange_auth::public_context;
use serde_json::{Value, json};

use crate::support::city::{City, ROWS, resource};
use crate::support::python::python;
use crate::support::server::{Call, Server};

/// Two open datasets of which one is about licences, and a closed one.
async fn city() -> City {
    let city = City::new().await;
    for (code, name, title, opening) in [
        ("301001/000002", "licences", "食品经营许可", "open"),
        ("301001/000003", "tips", "许可线索", "closed"),
    ] {
        let mut more = resource();
        (more["code"], more["sql_name"], more["title"]) = (json!(code), json!(name), json!(title));
        more["abstract"] = json!("合成数据 A&B");
        if opening == "closed" {
            for item in more["items"].as_array_mut().unwrap() {
                item["opening"] = json!({"type": "closed"});
            }
        }
        city.publish(&more).await;
        city.upload_to(&code.replace('/', "-"), ROWS).await;
    }
    city.grant(&json!({
        "kind": "public", "resource": "301001/000002", "grantee": "public", "items": ["case_no", "county", "amount"],
        "legal_basis": "政府信息公开条例 第二十条", "doors": ["api", "sql", "file"],
    }))
    .await;
    city.upload(ROWS).await;
    city
}

async fn feed(server: &Server, path: &str) -> Value {
    let address = format!("{}{path}", server.base);
    tokio::task::spawn_blocking(move || python("read_feed.py", &[&address], "")).await.unwrap()
}

fn ids(feed: &Value) -> Vec<&str> {
    let entries = feed["entries"].as_array().unwrap();
    entries.iter().map(|entry| entry["id"].as_str().unwrap().split_once("/datasets/").unwrap().1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_followed_by_its_feed() {
    let city = city().await;
    let server = &city.server;
    let penalties =
        feed(server, "/feeds/search.atom?q=%E8%A1%8C%E6%94%BF%E5%A4%84%E7%BD%9A%E4%BF%A1%E6%81%AF").await;
    assert_eq!(penalties["broken"], json!(false));
    assert_eq!(ids(&penalties), ["301001-000001#version-2", "301001-000001#version-1"]);
    // What is closed is nowhere in it, and neither is what the search does not find.
    let licences = feed(server, "/feeds/search.atom?q=%E8%AE%B8%E5%8F%AF").await;
    assert_eq!(ids(&licences), ["301001-000002#version-1"]);
    let all = feed(server, "/feeds/search.atom").await;
    assert_eq!(ids(&all).len(), 3);
    for (search, found) in [
        ("?classification=301&department=scjg", 3),
        ("?classification=302", 0),
        ("?department=gaj", 0),
        ("?classification=301001&update_cycle=daily", 3),
        ("?q=%E7%BA%BF%E7%B4%A2", 0),
    ] {
        let read = feed(server, &format!("/feeds/search.atom{search}")).await;
        assert_eq!((&read["broken"], ids(&read).len()), (&json!(false), found), "{search}: {read}");
    }
    let strange = feed(server, "/feeds/search.atom?q=%3C%26%22zq%00").await;
    assert_eq!((&strange["broken"], ids(&strange)), (&json!(false), vec![]), "{strange}");
    // The same search is the same feed, however its address is written.
    let one = feed(server, "/feeds/search.atom?q=a&department=scjg").await;
    let other = feed(server, "/feeds/search.atom?department=%73cjg&q=a").await;
    assert_eq!(one["id"], other["id"]);

    let path = "/feeds/search.atom?q=%E8%A1%8C%E6%94%BF%E5%A4%84%E7%BD%9A%E4%BF%A1%E6%81%AF";
    let tag = server.send(Call::get(path)).await.header("etag").to_owned();
    let again = server.send(Call::get(path).header("if-none-match", &tag)).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    city.upload(ROWS).await;
    server.send(Call::get(path).header("if-none-match", &tag)).await.ok_bytes();
}

#[tokio::test(flavor = "multi_thread")]
async fn its_pages_miss_none_and_wrong_ones_are_refused() {
    let city = city().await;
    let (server, mut place, mut numbers) = (&city.server, None, Vec::new());
    let search = SearchQuery { text: "处罚".to_owned(), ..SearchQuery::default() };
    loop {
        let ctx = public_context("r".to_owned(), Channel::File, server.now());
        let page = server.services.recent_versions(&ctx, Some(&search), place, 1).await.unwrap();
        numbers.extend(page.versions.iter().map(|(_, version)| version.number));
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(numbers, [2, 1]);
    let old =
        server.send(Call::get("/feeds/search.atom?q=x&before=-9223372036854775808.301001-000001.1")).await;
    assert!(!String::from_utf8_lossy(old.ok_bytes()).contains("<entry>"));
    for wrong in [
        "before=",
        "before=1.2.3",
        "before=%FF",
        "q=a&q=b",
        "page=1",
        "sharing=x",
        "sharing=999",
        "department=%00",
        "update_cycle=never",
    ] {
        let answer = server.send(Call::get(format!("/feeds/search.atom?{wrong}"))).await;
        assert_eq!(answer.code(), "invalid_input", "{wrong}");
    }
}
