//! Who sees what, and what it leaves behind.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn queryables_are_what_is_seen_in_clear() {
    let city = atlas().await;
    let queryables = |by| ask(&city, format!("/ogc/collections/{PLACES}/queryables"), by);
    let names =
        |schema: &Value| schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let answer = queryables(None).await;
    assert_eq!(answer.header("content-type"), "application/schema+json");
    let schema = answer.ok();
    assert_eq!(names(&schema), ["place_id", "county", "seats", "opened_on", "shape"]);
    assert_eq!(schema["properties"]["seats"]["type"], "integer");
    assert_eq!(schema["properties"]["shape"]["format"], "geometry-any");
    let own = queryables(Some(&city.machine)).await.ok();
    assert!(names(&own).contains(&"level".to_owned()) && !names(&own).contains(&"keeper".to_owned()));
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000007", "grantee": {"department": "gaj"},
        "items": ["place_id", "county", "keeper", "shape"], "filter": {"=": ["county", "360481"]},
        "masks": {"county": {"mask": "keep_first", "count": 4}, "keeper": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法", "doors": ["api"],
    }))
    .await;
    let granted = queryables(Some(&city.consumer)).await.ok();
    assert_eq!(names(&granted), ["place_id", "shape"], "what is masked or personal is none");
    for (column, by) in [
        ("level", None),
        ("keeper", None),
        ("keeper", Some(&city.machine)),
        ("county", Some(&city.consumer)),
        ("nothing", None),
    ] {
        let filter = format!("{column} = '甲'");
        for parameter in [(column, "甲"), ("filter", filter.as_str())] {
            let refused = ask(&city, items(PLACES, &[parameter]), by).await;
            assert_eq!(
                (refused.status, refused.code().as_str()),
                (StatusCode::BAD_REQUEST, "unknown_column"),
                "{column}"
            );
        }
    }
}

/// What a grant hides is in no page, count, box or filter of its holder.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_binds_here_too_and_leaves_evidence() {
    let city = City::new().await;
    city.publish(&places()).await;
    city.upload_to(PLACES, &rows()).await;
    let stranger = ask(&city, items(PLACES, &[]), None).await;
    assert!(stranger.status.is_client_error(), "{}", stranger.status);
    let listed = ask(&city, "/ogc/collections".to_owned(), None).await.ok();
    assert_eq!(listed["collections"], json!([]));
    city.grant(&json!({
        "kind": "conditional", "resource": "301001/000007", "grantee": {"department": "gaj"},
        "items": ["place_id", "county", "keeper", "shape"], "filter": {"=": ["county", "360481"]},
        "masks": {"keeper": {"mask": "keep_first", "count": 1}}, "purpose": "办案", "legal_basis": "警察法", "doors": ["api"],
    }))
    .await;
    let by = Some(&city.consumer);
    for parameters in [
        &[("count", "true")][..],
        &[("count", "true"), ("bbox", "-180,-90,180,90")],
        &[("count", "true"), ("filter", "S_INTERSECTS(shape, BBOX(-180,-90,180,90)) OR county = '360402'")],
        &[("count", "true"), ("filter", "NOT county = '360402' OR county = '360402'")],
    ] {
        let answer = ask(&city, items(PLACES, parameters), by).await;
        let access = city.server.events("access").pop().unwrap();
        assert_eq!(access["request_id"], answer.header("shuqiao-receipt"));
        assert_eq!(access["rows"], 4);
        let page = answer.ok();
        assert_eq!(
            (ids_of(&page), &page["numberMatched"]),
            (["P2", "P4", "P6", "P8"].map(str::to_owned).to_vec(), &json!(4))
        );
        assert!(!page.to_string().contains("seats"));
    }
    let hidden = ask(&city, format!("/ogc/collections/{PLACES}/items/P1"), by).await;
    assert_eq!(hidden.code(), "not_found");
    let refused = city.server.events("access_refused").pop().unwrap();
    assert_eq!((&refused["code"], &refused["sources"][0]["version"]), (&json!("not_found"), &json!(1)));
    let reason = json!({"reason": "数据有误"});
    let withdraw = format!("/api/v1/resources/{PLACES}/versions/1/withdraw");
    city.server.send(Call::post(withdraw, &reason).by(&city.machine)).await.ok();
    let gone = ask(&city, items(PLACES, &[]), by).await;
    assert_eq!((gone.status, gone.code().as_str()), (StatusCode::GONE, "withdrawn"));
}
