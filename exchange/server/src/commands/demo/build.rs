//! Building the sample city the way its departments would: sheets imported, reviewed and published, data checked and
//! mounted, grants decided. Everything goes through the API, as operators with different names.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::csv::WriterBuilder;
use catalog_core::directory::{Department, sheet};
use catalog_core::policy::GrantTerms;
use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{Error, Result, Timestamp};
use datasets_samples::{SampleCity, Table};
use exchange_auth::generate_key_file;
use exchange_crypto::to_base64url;
use serde::Deserialize;

use crate::cli::{Ingest, Step};
use crate::client::{Assertions, Client};
use crate::commands::{data, directory, keys};
use crate::compose::Platform;
use crate::folder::{Folder, io};
use crate::output;
use crate::progress;

/// The seed of the demo city: the same city on every machine.
const SEED: u64 = 42;
/// People whose city is joined within the default limit of memory, and those for whom one more MiB is allowed beyond.
const DEFAULT_MEMORY_PEOPLE: u64 = 2_560_000;
const PEOPLE_OF_A_MIB: u64 = 2_500;
/// The open dataset of the tour.
pub(crate) const OPEN_TABLE: (&str, &str) = ("jyj", "schools");
/// The resource that county polygons are mounted on.
const BOUNDARIES: &str = "county_boundaries";
/// What the demo grants, by table names.
const GRANTS: &str = include_str!("grants.json");

/// One grant of [`GRANTS`]: the provider's table stands for the code, which is not known before the import.
#[derive(Deserialize)]
struct PlannedGrant {
    department: String,
    table: String,
    grant: serde_json::Value,
}

/// One open publication of [`GRANTS`].
#[derive(Deserialize)]
struct PlannedOpening {
    department: String,
    table: String,
    basis: String,
}

#[derive(Deserialize)]
struct Plan {
    grants: Vec<PlannedGrant>,
    openings: Vec<PlannedOpening>,
}

/// Where the demo keeps the private key of a department.
pub(crate) fn key_file(root: &Path, department: &str) -> PathBuf {
    root.join("keys").join("demo").join(format!("{department}.pem"))
}

/// Builds the city in an empty folder.
pub(crate) async fn city(site: &Path, people: u64) -> Result<()> {
    let folder = Folder::create(site)?;
    if people > DEFAULT_MEMORY_PEOPLE {
        // A join of the whole city keeps one of its sides in memory.
        let settings = format!("[query]\nmemory_mib = {}\n", people / PEOPLE_OF_A_MIB);
        let path = site.join("shuqiao.toml");
        std::fs::write(&path, settings).map_err(|error| io(&path, &error))?;
    }
    let platform = Platform::start(folder, None).await?;
    let departments = datasets_samples::directory::departments().map_err(Error::internal)?;
    organisation(&platform, site, &departments).await?;
    fill_directory(&platform, site, &departments).await?;
    let city = SampleCity::new(SEED, people).map_err(Error::internal)?;
    mount(&platform, site, &departments, &city).await?;
    grant(&platform).await?;
    platform.folder().mark_demo(people)?;
    platform.close().await
}

/// A client for somebody of a department in a role.
async fn acting(platform: &Platform, name: &str, acting_as: &str) -> Result<Client> {
    let context = platform.operator(name, Some(acting_as)).await?;
    Ok(Client::of_folder(platform.router(), context, Assertions::default()))
}

async fn organisation(platform: &Platform, site: &Path, departments: &[Department]) -> Result<()> {
    let administrator = acting(platform, "系统管理员", ":system_administrator").await?;
    let security = acting(platform, "安全管理员", ":security_administrator").await?;
    let folder = site.join("keys").join("demo");
    std::fs::create_dir_all(&folder).map_err(|error| io(&folder, &error))?;
    for department in departments {
        directory::put_department(&administrator, department).await?;
        let key = generate_key_file(&key_file(site, department.id.as_str())).map_err(Error::from)?;
        let record = KeyRecord {
            id: key.public().id(),
            owner: KeyOwner::Department(department.id.clone()),
            public_key: to_base64url(key.public().as_bytes()),
            valid_from: Timestamp::now(),
            valid_until: None,
        };
        keys::register(&security, &record).await?;
    }
    output::done(format!("{} departments, each with a key", departments.len()));
    Ok(())
}

/// Each department imports its own spreadsheet; one person edits, another reviews.
async fn fill_directory(platform: &Platform, site: &Path, departments: &[Department]) -> Result<()> {
    let whole = catalog_sheet::read(
        datasets_samples::directory::DIRECTORY_CSV.as_bytes(),
        Some(datasets_samples::directory::EXTENSION_CSV.as_bytes()),
    )?;
    let resources = sheet::read(&whole, None, departments).resources;
    let mut count = 0;
    for department in departments {
        let own = resources.iter().map(|imported| &imported.resource);
        let own: Vec<_> = own.filter(|resource| resource.provider == department.id).cloned().collect();
        if !own.is_empty() {
            let file = site.join("spool").join(format!("{}.xlsx", department.id));
            let workbook = catalog_sheet::write_xlsx(&sheet::write(&own, departments)?)?;
            std::fs::write(&file, workbook).map_err(|error| io(&file, &error))?;
            count += publish_sheet(platform, department, &file).await?;
            std::fs::remove_file(&file).map_err(|error| io(&file, &error))?;
        }
    }
    output::done(format!(
        "{count} resources imported from spreadsheets, reviewed by another person, published"
    ));
    Ok(())
}

/// Imports a department's spreadsheet and takes its entries through both reviews; answers how many.
async fn publish_sheet(platform: &Platform, department: &Department, file: &Path) -> Result<usize> {
    let id = &department.id;
    let editor = acting(platform, "目录编制员", &format!("{id}:directory_editor")).await?;
    let reviewer = acting(platform, "审核员", &format!("{id}:reviewer")).await?;
    let report = directory::import(&editor, file, None).await?;
    if !report.problems.is_empty() {
        return Err(Error::invalid(format!("the sheet of {id} has problems"), report.problems));
    }
    let codes: Vec<String> = report.imported.iter().map(ToString::to_string).collect();
    let steps = [
        (&editor, Step::SubmitRegistration),
        (&reviewer, Step::ApproveRegistration),
        (&editor, Step::SubmitPublication),
        (&reviewer, Step::ApprovePublication),
    ];
    for (who, step) in steps {
        let outcomes = directory::advance(who, step, &codes, None).await?;
        if let Some(problem) = outcomes.into_iter().find_map(|outcome| outcome.problem) {
            return Err(Error::new(problem.code, problem.detail));
        }
    }
    Ok(codes.len())
}

/// Writes each table of the city as CSV and mounts it on the resource of its name.
async fn mount(
    platform: &Platform,
    site: &Path,
    departments: &[Department],
    city: &SampleCity,
) -> Result<()> {
    let bar = progress::rows(Table::ALL.iter().map(|table| city.rows(*table)).sum())?;
    let (mut rows, mut tables) = (0, 0);
    for department in departments {
        let client = acting(platform, "数据管理员", &format!("{}:data_steward", department.id)).await?;
        for entry in data::entries(&client).await? {
            let code = entry.draft.code.to_string();
            if entry.draft.sql_name.as_str() == BOUNDARIES {
                rows += mount_boundaries(&client, &code, site).await?;
                tables += 1;
            }
            let Some(table) = Table::from_name(entry.draft.sql_name.as_str()) else { continue };
            bar.set_message(entry.draft.title.clone());
            let file = site.join("spool").join(format!("{}.csv", table.name()));
            write_csv(city, table, &file)?;
            let report = data::upload(&client, &Ingest::replacing(&code, &file), None).await?;
            std::fs::remove_file(&file).map_err(|error| io(&file, &error))?;
            bar.inc(city.rows(table));
            rows += report.quality.rows_accepted;
            tables += 1;
        }
    }
    bar.finish_and_clear();
    output::done(format!("{tables} datasets checked and mounted, {rows} rows in signed Parquet versions"));
    Ok(())
}

/// County polygons are no table of rows but a GeoJSON file; answers how many.
async fn mount_boundaries(client: &Client, code: &str, site: &Path) -> Result<u64> {
    let file = site.join("spool").join("boundaries.geojson");
    let text = datasets_samples::boundaries_geojson(datasets_samples::PREFECTURE).map_err(Error::internal)?;
    std::fs::write(&file, text).map_err(|error| io(&file, &error))?;
    let report = data::upload(client, &Ingest::replacing(code, &file), None).await?;
    std::fs::remove_file(&file).map_err(|error| io(&file, &error))?;
    Ok(report.quality.rows_accepted)
}

fn write_csv(city: &SampleCity, table: Table, path: &Path) -> Result<()> {
    let file = File::create(path).map_err(|error| io(path, &error))?;
    let mut writer = WriterBuilder::new().with_header(true).build(std::io::BufWriter::new(file));
    for batch in city.batches(table) {
        writer.write(&batch.map_err(Error::internal)?).map_err(Error::internal)?;
    }
    Ok(())
}

async fn grant(platform: &Platform) -> Result<()> {
    let plan: Plan = serde_json::from_str(GRANTS).map_err(Error::internal)?;
    for planned in &plan.grants {
        let client = acting(platform, "审批员", &format!("{}:approver", planned.department)).await?;
        let code = data::code_of(&client, &planned.department, &planned.table).await?;
        let mut grant = planned.grant.clone();
        grant["resource"] = serde_json::to_value(&code).map_err(Error::internal)?;
        let grant: GrantTerms = serde_json::from_value(grant).map_err(Error::internal)?;
        data::create_grant(&client, &grant).await?;
    }
    for opening in &plan.openings {
        let client = acting(platform, "审核员", &format!("{}:reviewer", opening.department)).await?;
        let code = data::code_of(&client, &opening.department, &opening.table).await?;
        data::open_to_public(&client, code.as_str(), &[], &opening.basis).await?;
    }
    output::done(format!("{} grants decided, {} datasets open", plan.grants.len(), plan.openings.len()));
    Ok(())
}
