//! Puts the built islands into the binary. They are built by `openapi/portal/build`, not here: a build of Rust asks no network
//! and needs no Node.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let built = Path::new("islands/dist");
    println!("cargo::rerun-if-changed={}", built.display());
    let mut files: Vec<PathBuf> = match fs::read_dir(built) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?,
        Err(_) => Vec::new(),
    };
    if files.is_empty() {
        println!(
            "cargo::warning=the portal's scripts are not built, pages work without them; `openapi/portal/build` builds them"
        );
    }
    files.sort();
    // Copied beside the table, which names them relatively: a folder that was moved or cloned with what was built finds its own.
    let folder = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    let mut table = String::from("static ISLANDS: &[Island] = &[\n");
    for file in files.iter().filter(|file| media_type(file).is_some()) {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        fs::copy(file, folder.join(&*name))?;
        let compressed = PathBuf::from(format!("{}.br", file.display()));
        let brotli = match files.contains(&compressed) {
            true => {
                fs::copy(&compressed, folder.join(format!("{name}.br")))?;
                format!("Some(include_bytes!(\"{name}.br\"))")
            }
            false => "None".to_owned(),
        };
        let media_type = media_type(file).unwrap_or_default();
        let _ = writeln!(table, "    ({name:?}, {media_type:?}, include_bytes!({name:?}), {brotli}),");
    }
    table.push_str("];\n");
    fs::write(folder.join("islands.rs"), table)
}

fn media_type(file: &Path) -> Option<&'static str> {
    match file.extension()?.to_str()? {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "woff2" => Some("font/woff2"),
        "json" => Some("application/json"),
        "png" => Some("image/png"),
        _ => None,
    }
}
