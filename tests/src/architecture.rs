//! The structure of the project, as assertions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every package of ours with its layer: arrows point only to lower layers.
const LAYERS: [(&str, u8); 16] = [
    ("exchange-crypto", 0),
    ("catalog-core", 1),
    ("catalog-sheet", 2),
    ("catalog-store", 2),
    ("datasets-index", 2),
    ("datasets-store", 2),
    ("exchange-auth", 2),
    ("exchange-ledger", 2),
    ("openapi-contract", 2),
    ("openapi-dcat", 2),
    ("openapi-portal", 3),
    ("datasets-samples", 2),
    ("datasets-ingest", 3),
    ("exchange-query", 3),
    ("openapi-http", 4),
    ("exchange-server", 5),
];

/// Who may depend on a library that gives a layer its character.
const RESERVED: [(&str, &[&str]); 6] = [
    ("ring", &["exchange-crypto"]),
    ("sm2", &["exchange-crypto"]),
    ("sqlx", &["catalog-store"]),
    ("axum", &["openapi-http", "exchange-server"]),
    ("datafusion", &["exchange-query", "datasets-ingest"]),
    (
        "tokio",
        &[
            "catalog-store",
            "datasets-ingest",
            "datasets-store",
            "exchange-ledger",
            "exchange-query",
            "exchange-server",
            "openapi-http",
        ],
    ),
];

/// Licences that a government body can redistribute under this product's own.
const LICENCES: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "BlueOak-1.0.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// npm packages that state their licence, MIT, in their README alone.
const STATED_IN_TEXT: [&str; 1] = ["node_modules/combine-errors"];

const MAX_LINES: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).exec().unwrap()
}

#[test]
fn dependencies_point_downward() {
    let layers = BTreeMap::from(LAYERS);
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        if name.starts_with("shuqiao-") {
            continue;
        }
        let Some(layer) = layers.get(name) else {
            wrong.push(format!("{name} has no layer"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            if layers.get(dependency.name.as_str()).is_some_and(|below| below >= layer) {
                wrong.push(format!("{name} must not depend on {}", dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reserved_libraries_stay_in_their_crates() {
    let reserved = BTreeMap::from(RESERVED);
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        if package.name.as_str().starts_with("shuqiao-") {
            continue;
        }
        for dependency in package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal) {
            if let Some(owners) = reserved.get(dependency.name.as_str())
                && !owners.contains(&package.name.as_str())
            {
                wrong.push(format!("{} must not depend on {}", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn packages_are_named_by_their_paths() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let folder = package.manifest_path.parent().unwrap();
        let path = folder.strip_prefix(&metadata.workspace_root).unwrap();
        let name = package.name.replacen("shuqiao-", "", 1);
        assert_eq!(path.as_str().replace('/', "-"), name);
    }
}

fn acceptable(expression: &str) -> bool {
    let every = |part: &str| {
        part.split(" AND ").all(|licence| {
            let licence = licence.trim().trim_matches(['(', ')']);
            LICENCES.contains(&licence.trim_end_matches(" WITH LLVM-exception"))
        })
    };
    expression.replace('/', " OR ").split(" OR ").any(every)
}

/// The packages of the portal's scripts, which are delivered, and of the tests, which are not.
#[test]
fn every_npm_package_has_an_accepted_licence() {
    let mut wrong = Vec::new();
    for lock in ["openapi/portal/islands/package-lock.json", "tests/node/package-lock.json"] {
        let text = fs::read_to_string(root().join(lock)).unwrap();
        let lock: serde_json::Value = serde_json::from_str(&text).unwrap();
        let packages = lock["packages"].as_object().unwrap();
        assert!(packages.len() > 3);
        for (name, package) in packages {
            let stated = STATED_IN_TEXT.contains(&name.as_str());
            if !stated && !package["license"].as_str().is_some_and(acceptable) {
                wrong.push(format!("{name}: {}", package["license"]));
            }
        }
    }
    assert!(wrong.is_empty(), "licences to look at:\n{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_an_accepted_licence() {
    let metadata = metadata();
    let wrong: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| !package.license.as_deref().is_some_and(acceptable))
        .map(|package| format!("{} {}: {:?}", package.name, package.version, package.license))
        .collect();
    assert!(wrong.is_empty(), "licences to look at:\n{}", wrong.join("\n"));
}

#[test]
fn no_source_file_is_too_long() {
    let mut long = Vec::new();
    each_source(&root(), &mut |path| {
        let lines = fs::read_to_string(path).unwrap().lines().count();
        if lines > MAX_LINES {
            long.push(format!("{} has {lines} lines", path.display()));
        }
    });
    assert!(long.is_empty(), "split these files:\n{}", long.join("\n"));
}

fn each_source(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') && name != "node_modules" {
            each_source(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path);
        }
    }
}

#[test]
fn the_map_of_the_architecture_fits_on_its_page() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(map.lines().count() <= 200);
    for (name, _) in LAYERS {
        assert!(map.contains(&format!("`{name}`")), "ARCHITECTURE.md does not name `{name}`");
    }
}
