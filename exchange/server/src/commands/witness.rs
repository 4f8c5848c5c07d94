//! `witness`: a process of its own, with a store of its own, on a machine of another owner.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use catalog_core::{Error, ErrorCode, Result, Timestamp};
use exchange_auth::{generate_key_file_for, read_key_file};
use exchange_crypto::Suite;
use exchange_ledger::note::{NoteKey, is_name};
use exchange_ledger::{AddCheckpoint, Refusal, Witness};

use crate::cli::{Global, Witness as Command, WitnessServe};
use crate::folder::io;
use crate::output;

/// Bytes of a request, at most: a checkpoint and a proof are small.
const MAX_REQUEST: usize = 64 << 10;

/// Runs the command.
pub(crate) async fn run(global: &Global, command: &Command) -> Result<()> {
    match command {
        Command::Key { store, name, suite } => {
            let witness = open(store, name.as_deref(), Vec::new(), *suite)?;
            output::plain(global, "key", witness.key().to_string());
            Ok(())
        }
        Command::Heads { store } => {
            let heads = open(store, None, Vec::new(), None)?.heads();
            let notes: Vec<_> = heads.iter().map(|head| head.note.to_string()).collect();
            match global.json {
                true => output::document(&notes),
                false => notes.iter().for_each(|note| output::line(note.trim_end())),
            }
            Ok(())
        }
        Command::Serve(options) => serve(global, options).await,
    }
}

/// Opens the store; a name makes it, with a key of the suite.
fn open(store: &Path, name: Option<&str>, logs: Vec<NoteKey>, suite: Option<Suite>) -> Result<Witness> {
    let (name_path, key_path) = (store.join("name"), store.join("key.pem"));
    if let Some(name) = name.filter(|_| !name_path.exists()) {
        if !is_name(name) {
            let message = format!("`{name}` can't name a witness: no spaces and no plus sign");
            return Err(Error::new(ErrorCode::InvalidInput, message));
        }
        std::fs::create_dir_all(store).map_err(|error| io(store, &error))?;
        if !key_path.exists() {
            generate_key_file_for(suite.unwrap_or_default(), &key_path)?;
        }
        std::fs::write(&name_path, name).map_err(|error| io(&name_path, &error))?;
    }
    let known = std::fs::read_to_string(&name_path).map_err(|_| {
        let message = format!(
            "{} is no witness's store: make it with `shuqiao witness key STORE --name NAME`",
            store.display()
        );
        Error::new(ErrorCode::NotFound, message)
    })?;
    if name.is_some_and(|name| name != known) {
        return Err(Error::new(ErrorCode::Conflict, format!("the witness is called `{known}`")));
    }
    let key = read_key_file(&key_path)?;
    if let Some(suite) = suite.filter(|suite| *suite != key.suite()) {
        let message = format!("the witness has a key already and signs with {}, not {suite}", key.suite());
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    Ok(Witness::open(store, &known, key, logs)?)
}

async fn serve(global: &Global, options: &WitnessServe) -> Result<()> {
    let logs = options.logs.iter().map(|key| Ok(NoteKey::parse(key)?)).collect::<Result<Vec<_>>>()?;
    let witness = Arc::new(open(&options.store, None, logs, None)?);
    let listener = tokio::net::TcpListener::bind(options.listen).await.map_err(|error| {
        Error::new(ErrorCode::Unavailable, format!("can't listen at {}: {error}", options.listen))
    })?;
    let bound = listener.local_addr().map_err(Error::internal)?;
    let address = format!("http://{bound}");
    output::outcome(
        global,
        &serde_json::json!({ "witnessing": address }),
        format!("witnessing at {address}"),
    );
    let app = router(witness);
    axum::serve(listener, app).await.map_err(Error::internal)
}

fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/heads", get(heads))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_REQUEST))
        .with_state(witness)
}

/// The newest head of each log, cosigned: what the owner of a log that lost its end asks for.
async fn heads(State(witness): State<Arc<Witness>>) -> String {
    witness.heads().iter().map(|head| head.note.to_string()).collect::<Vec<_>>().join("\n")
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: String) -> Response {
    let request = match AddCheckpoint::parse(&body) {
        Ok(request) => request,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let now = u64::try_from(Timestamp::now().seconds()).unwrap_or_default();
    match tokio::task::spawn_blocking(move || witness.add(&request, now)).await {
        Ok(Ok(Ok(cosignature))) => cosignature.to_string().into_response(),
        Ok(Ok(Err(refusal))) => refused(&refusal),
        failed => {
            tracing::error!(?failed, "the head could not be stored");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The statuses of C2SP tlog-witness.
fn refused(refusal: &Refusal) -> Response {
    tracing::warn!(%refusal, "not cosigned");
    let status = match refusal {
        Refusal::UnknownLog(_) => StatusCode::NOT_FOUND,
        Refusal::NotSigned => StatusCode::FORBIDDEN,
        Refusal::Rewritten => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Malformed(_) => StatusCode::BAD_REQUEST,
        Refusal::OtherHead(size) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            return (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response();
        }
    };
    (status, format!("{refusal}\n")).into_response()
}
