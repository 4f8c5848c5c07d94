//! Everything that the API can do has a form at the desk or on the portal, or a reason why it has none.

use std::collections::BTreeSet;

use serde_json::Value;

/// Where people do what an operation does.
enum Where {
    /// By the form that is sent there.
    Form(&'static str),
    /// Nowhere, and why.
    ProgramsOnly(&'static str),
}
use Where::{Form, ProgramsOnly};

const SIGNED: &str =
    "it is issued to a key that signs for it, which no browser holds; /desk/tickets has the command to type";
const DOOR: &str = "a door of another protocol; it changes nothing, and people read on the portal's pages";
const RESUMED: &str = "programs go on with an upload that was interrupted; a browser sends the file again";
const SAMPLED: &str = "the page's script asks it before the form is sent; the form checks the whole file";
const PAIRS: &str =
    "programs of departments verify what their own forms take in; no page shows what a register holds";
const MATTER: &str = "POST /desk/matters/new";
const DATASET: &str = "POST /desk/datasets/{code}";
const OWN_KEYS: &str = "POST /developer";
const SUBSCRIPTIONS: &str = "POST /developer/subscriptions";
const FOLLOWED: &str = "POST /ask/matter";

/// Each operation that is more than reading, by its id. A new one is added here with its form, or with the reason why it needs none.
const OPERATIONS: &[(&str, Where)] = &[
    ("advance_matter", Form("POST /desk/matters/{id}")),
    ("advance_own_matter", Form(FOLLOWED)),
    ("advance_resource", Form("POST /desk/directory/{code}")),
    ("advance_resources", Form("POST /desk/directory")),
    ("answer_feedback", Form("POST /desk/feedback")),
    ("begin_material", Form("POST /desk/datasets/{code}/materials")),
    ("cancel_succession", Form("POST /desk/successions")),
    ("check_sample", ProgramsOnly(SAMPLED)),
    ("check_secrecy", Form("POST /desk/openings/{id}")),
    ("claim_administration", Form("POST /claim")),
    ("collect_garbage", Form("POST /desk/maintenance")),
    ("confirm_succession", Form("POST /desk/successions")),
    ("continue_material", ProgramsOnly(RESUMED)),
    ("create_api_key", Form(OWN_KEYS)),
    ("create_application", Form(MATTER)),
    ("create_code", Form("POST /desk/directory/new")),
    ("create_demand", Form(MATTER)),
    ("create_disclosure_request", Form("POST /ask/disclosure")),
    ("create_emergency_grant", Form(MATTER)),
    ("create_feedback", Form("POST /datasets/{code}/feedback")),
    ("create_grant_import", Form(MATTER)),
    ("create_letter", Form("POST /ask/letter")),
    ("create_objection", Form(MATTER)),
    ("create_opening_item", Form(MATTER)),
    ("create_profile", ProgramsOnly(SIGNED)),
    ("create_secrecy_review", Form("POST /desk/openings/new")),
    ("create_session", Form("POST /sign-in")),
    ("create_subscription", Form(SUBSCRIPTIONS)),
    ("create_ticket", ProgramsOnly(SIGNED)),
    ("create_work", Form("POST /gallery/submit")),
    ("decide_feedback", Form("POST /desk/feedback")),
    ("decide_work", Form("POST /desk/gallery")),
    ("delete_api_key", Form(OWN_KEYS)),
    ("delete_query", Form("POST /sql")),
    ("delete_session", Form("POST /sign-out")),
    ("delete_subscription", Form(SUBSCRIPTIONS)),
    ("delete_ticket", Form("POST /desk/tickets")),
    ("delete_unfinished", Form("POST /desk/directory/unfinished/{id}")),
    ("end_substitution", Form("POST /desk/substitutions")),
    ("erase_applicant", Form(FOLLOWED)),
    ("erase_contact", Form("POST /desk/contacts")),
    ("explain_access", Form("POST /desk/why")),
    ("follow_matter", Form(FOLLOWED)),
    ("get_own_notice", Form(FOLLOWED)),
    ("give_up_material", ProgramsOnly(RESUMED)),
    ("import_directory", Form("POST /desk/directory/import")),
    ("invite_person", Form("POST /desk/people/{id}")),
    ("list_subject_accesses", Form("POST /desk/trace")),
    ("look_up_records", Form("POST /sql")),
    ("name_substitute", Form("POST /desk/substitutions")),
    ("post_action", ProgramsOnly(DOOR)),
    ("post_action_of_any_version", ProgramsOnly(DOOR)),
    ("preview_grant", Form("POST /desk/matters/{id}/grant")),
    ("propose_succession", Form("POST /desk/successions")),
    ("publish_version", Form("POST /desk/datasets/{code}/waiting")),
    ("put_department", Form("POST /desk/departments/{id}")),
    ("put_key", Form("POST /desk/keys")),
    ("put_password", Form("POST /password")),
    ("put_person", Form("POST /desk/people/{id}")),
    ("put_resource", Form("POST /desk/directory/{code}/edit")),
    ("put_unfinished", Form("POST /desk/directory/{code}/edit")),
    ("query_records", Form("POST /sql")),
    ("query_table", ProgramsOnly(DOOR)),
    ("register_developer", Form("POST /developer/register")),
    ("reinstate_records", Form(DATASET)),
    (
        "replay_answer",
        ProgramsOnly(
            "it takes the answer itself, byte by byte, as `shuqiao replay` kept it: a browser has changed it",
        ),
    ),
    ("resume_subscription", Form(SUBSCRIPTIONS)),
    ("retire_key", Form("POST /desk/keys")),
    ("retry_notification", Form(SUBSCRIPTIONS)),
    ("review_version", Form(DATASET)),
    ("revoke_grant", Form("POST /desk/grants")),
    ("rotate_key", Form("POST /desk/keys")),
    ("run_sql", Form("POST /sql")),
    ("save_query", Form("POST /sql")),
    ("upload_data", Form("POST /desk/datasets/{code}/upload")),
    ("verify_pair", ProgramsOnly(PAIRS)),
    ("verify_pairs", ProgramsOnly(PAIRS)),
    ("withdraw_records", Form(DATASET)),
    ("withdraw_version", Form(DATASET)),
];

/// Method, path and id of each operation of the document.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let path = path.clone();
        let all = item.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        all.into_iter().map(move |method| (method.to_uppercase(), path.clone()))
    };
    let named = paths.iter().flat_map(of_path).map(|(method, path)| {
        let operation = &document["paths"][&path][method.to_lowercase()];
        (method, path, operation)
    });
    named.filter(|(.., operation)| operation["operationId"].is_string()).collect()
}

#[test]
fn whatever_the_api_can_do_has_a_form_or_a_reason() {
    let document = serde_json::to_value(openapi_http::openapi()).unwrap();
    let all = operations(&document);
    let is_page = |operation: &Value| {
        let tags = operation["tags"].as_array().unwrap();
        tags.iter().any(|tag| tag == "desk" || tag == "portal")
    };
    let (pages, of_api): (Vec<_>, Vec<_>) = all.iter().partition(|(.., operation)| is_page(operation));
    let forms: BTreeSet<String> = pages.iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    let changing: BTreeSet<&str> = of_api
        .iter()
        .filter(|(method, ..)| method != "GET")
        .map(|(.., operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let known: BTreeSet<&str> = OPERATIONS.iter().map(|(id, _)| *id).collect();
    let unknown: Vec<_> = changing.difference(&known).collect();
    assert!(unknown.is_empty(), "enter their forms, or why they have none: {unknown:?}");
    let gone: Vec<_> = known.difference(&changing).collect();
    assert!(gone.is_empty(), "the document has them no more: {gone:?}");
    assert_eq!(known.len(), OPERATIONS.len(), "each stands there once");
    for (id, place) in OPERATIONS {
        match place {
            Form(form) => assert!(forms.contains(*form), "{id}: no page takes {form}"),
            ProgramsOnly(reason) => assert!(reason.len() > 20, "{id}: why?"),
        }
    }
}
