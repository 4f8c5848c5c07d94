//! `demo`: the sample city from nothing, then the main job with its real output.

mod build;
mod developers;
mod people;
mod receiver;
mod tour;

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result};
use serde_json::json;

use crate::cli::{Demo, Global};
use crate::commands::serve;
use crate::folder::{Folder, io};
use crate::output;

/// People of a city, where no other number is named.
const PEOPLE: u64 = 200_000;

/// Builds the city where it is not there yet, serves it, shows the tour, and goes on serving unless told to end.
pub(crate) async fn run(global: &Global, options: &Demo) -> Result<()> {
    let root = &global.data_dir;
    serve::check_demo(options.listen)?;
    if global.json {
        output::documents_alone();
    }
    if !Folder::exists(root) {
        build_anew(root, options.people.unwrap_or(PEOPLE)).await?;
    }
    let folder = Folder::open(root)?;
    let people = folder.demo().ok_or_else(|| {
        let message = format!("{} is no demo folder: choose another --data-dir", root.display());
        Error::new(ErrorCode::IllegalState, message)
    })?;
    if let Some(wanted) = options.people.filter(|wanted| *wanted != people) {
        let message = format!(
            "{} holds a city of {people} people, not of {wanted}: leave out --people, or name another --data-dir",
            root.display()
        );
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    output::done(format!("{}: the sample city 九江, {people} synthetic people", root.display()));
    let (ready, bound) = tokio::sync::oneshot::channel();
    let serving = serve::serve(folder, Some(options.listen), |platform, address| {
        // The tour waits for it; where it is gone, nobody does.
        let _ = ready.send((address.to_owned(), platform.source().app));
    });
    let touring = async {
        let (address, app) = bound.await.map_err(|_| Error::internal("the server did not start"))?;
        people::set_passwords(&address, root).await?;
        let tour = tour::run(&address, root, &app).await?;
        output::document_if_json(
            global,
            &json!({ "serving": address, "people": people, "keys": root.join("keys/demo"), "tour": tour }),
        );
        match options.exit {
            true => Ok(()),
            false => {
                tour::how_to_go_on(&address, root);
                std::future::pending().await
            }
        }
    };
    tokio::select! { served = serving => served, toured = touring => toured }
}

/// Builds beside the place and moves the finished folder there: a crash leaves no half city.
async fn build_anew(root: &Path, people: u64) -> Result<()> {
    if root.exists() && std::fs::read_dir(root).map_err(|error| io(root, &error))?.next().is_some() {
        let message =
            format!("{} is not empty and no data folder: choose another --data-dir", root.display());
        return Err(Error::new(ErrorCode::Conflict, message));
    }
    let site = site_of(root);
    if site.exists() {
        std::fs::remove_dir_all(&site).map_err(|error| io(&site, &error))?;
    }
    build::city(&site, people).await?;
    if root.exists() {
        std::fs::remove_dir(root).map_err(|error| io(root, &error))?;
    }
    std::fs::rename(&site, root).map_err(|error| io(root, &error))
}

fn site_of(root: &Path) -> PathBuf {
    let mut name = root.file_name().unwrap_or_default().to_owned();
    name.push(".building");
    root.with_file_name(name)
}
