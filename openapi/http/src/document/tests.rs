use super::*;

#[test]
fn every_operation_says_what_it_may_refuse() {
    let document = serde_json::to_value(openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(responses) = operation["responses"].as_object() else { continue };
            for status in ["400", "401", "403", "404", "500", "503"] {
                // CKAN says 403 to a key that is wrong.
                if status == "401" && operation["tags"][0] == ckan::TAG {
                    continue;
                }
                let content = &responses[status]["content"];
                // A door that speaks a protocol of its own writes its errors in that.
                let written =
                    ["application/problem+json", "application/json"].map(|kind| content[kind].is_object());
                assert!(written.contains(&true), "{method} {path} does not document {status}");
                if operation["tags"][0] == ckan::TAG {
                    let schema = &content["application/json"]["schema"]["$ref"];
                    assert_eq!(schema, "#/components/schemas/CkanRefusal", "{method} {path} {status}");
                }
            }
            let id = operation["operationId"].as_str().unwrap();
            assert!(
                id.contains('_') && !ids.contains(&id.to_owned()),
                "{id} is no `verb_resource` of its own"
            );
            ids.push(id.to_owned());
        }
    }
}

#[test]
fn the_document_in_git_is_that_of_the_routes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.json");
    let document = openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &document).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == document, "openapi/openapi.json is not that of the routes: UPDATE_OPENAPI=1 rewrites it");
}
