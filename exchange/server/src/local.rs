//! The door beside a running server: a socket in the data folder.
//!
//! Folder and socket belong to one user (modes 0700 and 0600), so whoever connects could open the folder too. That is
//! the proof, and there is no secret that could be copied. Only through this socket is a caller taken at their word;
//! the same header fields mean nothing at the doors of the network.

use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use catalog_core::{Error, ErrorCode, OpContext, Result};
use catalog_store::CatalogStore;
use exchange_auth::{MATTER_FIELD, OPERATOR_FIELD, PURPOSE_FIELD, decode_assertion};
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::json;

use crate::compose::operator;
use crate::folder::io;

/// Field with `--as`, percent-encoded like the other assertions.
pub(crate) const ACTING_AS_FIELD: HeaderName = HeaderName::from_static("shuqiao-acting-as");

const SOCKET: &str = "server.sock";
/// Longest address of a socket that every system takes.
const ADDRESS_BYTES: usize = 100;

/// The bound socket. It goes with this value; one that a killed server left behind is replaced.
pub(crate) struct LocalDoor {
    path: PathBuf,
}

impl Drop for LocalDoor {
    fn drop(&mut self) {
        // What stays is a leftover, and is known as one: nobody listens, and the folder's lock is free.
        let _ = fs::remove_file(&self.path);
    }
}

/// Binds the socket of a folder that this process owns.
pub(crate) fn bind(root: &Path) -> Result<(LocalDoor, UnixListener)> {
    let path = root.join(SOCKET);
    if path.symlink_metadata().is_ok() {
        fs::remove_file(&path).map_err(|error| io(&path, &error))?;
    }
    let bound = || -> std::io::Result<UnixListener> {
        let address = Address::of(root)?;
        let listener = UnixListener::bind(&address.path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    let listener = bound().map_err(|error| io(&path, &error))?;
    Ok((LocalDoor { path }, listener))
}

/// A client of the server that owns the folder, and the folder as its address needs it; `None` where none listens.
pub(crate) fn connect(root: &Path) -> Result<Option<(reqwest::Client, Address)>> {
    let address = Address::of(root).map_err(|error| io(root, &error))?;
    if UnixStream::connect(&address.path).is_err() {
        return Ok(None);
    }
    let client = reqwest::Client::builder().no_proxy().unix_socket(address.path.as_path()).build();
    Ok(Some((client.map_err(Error::internal)?, address)))
}

/// Where a socket is reached: its path, or where that is too long, one through the opened folder.
pub(crate) struct Address {
    path: PathBuf,
    _folder: Option<File>,
}

impl Address {
    fn of(root: &Path) -> std::io::Result<Self> {
        let path = root.join(SOCKET);
        if path.as_os_str().len() <= ADDRESS_BYTES {
            return Ok(Self { path, _folder: None });
        }
        let folder = File::open(root)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(SOCKET);
        Ok(Self { path, _folder: Some(folder) })
    }
}

/// The routes as the folder's operator calls them.
pub(crate) fn router(routes: Router, store: Arc<CatalogStore>) -> Router {
    routes.layer(from_fn_with_state(store, as_operator))
}

async fn as_operator(State(store): State<Arc<CatalogStore>>, mut request: Request, next: Next) -> Response {
    match context(&store, request.headers()).await {
        Ok(context) => {
            request.extensions_mut().insert(context);
            next.run(request).await
        }
        Err(error) => {
            let problem = json!({ "code": error.code, "detail": error.message, "problems": error.problems });
            (StatusCode::BAD_REQUEST, Json(problem)).into_response()
        }
    }
}

async fn context(store: &CatalogStore, headers: &HeaderMap) -> Result<OpContext> {
    let asserted = |name: HeaderName| -> Result<Option<String>> {
        let Some(value) = headers.get(&name) else { return Ok(None) };
        let text = value.to_str().map_err(Error::internal)?;
        let decoded = decode_assertion(text).ok_or_else(|| {
            Error::new(ErrorCode::InvalidInput, format!("the field `{name}` is not percent-encoded UTF-8"))
        })?;
        Ok(Some(decoded))
    };
    let name = asserted(OPERATOR_FIELD)?.ok_or_else(|| {
        Error::new(ErrorCode::InvalidInput, "the operator at the command line has a name: --operator NAME")
    })?;
    let context = operator(store, &name, asserted(ACTING_AS_FIELD)?.as_deref()).await?;
    Ok(context.asserting(asserted(PURPOSE_FIELD)?, asserted(MATTER_FIELD)?, Some(name)))
}
