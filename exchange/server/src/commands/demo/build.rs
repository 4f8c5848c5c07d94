//! Building the sample city the way its departments would: sheets imported, reviewed and published, data checked and
//! mounted, grants decided. Everything goes through the API, as operators with different names.

use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::csv::WriterBuilder;
use catalog_core::directory::{Department, sheet};
use catalog_core::matter::Event;
use catalog_core::ports::{KeyOwner, KeyRecord, Person};
use catalog_core::services::Act;
use catalog_core::{Error, Result, Role, Timestamp};
use datasets_samples::notices::{self, NOTICES};
use datasets_samples::{SampleCity, Table};
use exchange_auth::generate_key_file;
use exchange_crypto::{Digest, to_base64url};
use serde::Deserialize;

use crate::cli::{Ingest, MatterKind, Publish, Step};
use crate::client::{Assertions, Client};
use crate::commands::demo::people;
use crate::commands::{data, directory, keys, material, matters};
use crate::compose::Platform;
use crate::folder::{Folder, io};
use crate::output;
use crate::progress;

/// The seed of the demo city: the same city on every machine.
const SEED: u64 = 42;
/// People whose city is joined within the default limit of memory, and those for whom one more MiB is allowed beyond.
const DEFAULT_MEMORY_PEOPLE: u64 = 2_560_000;
const PEOPLE_OF_A_MIB: u64 = 2_500;
/// The term of its applications: three years.
const TERM_SECONDS: i64 = 3 * 365 * 86_400;
/// The developer's login name, and that of the key file.
pub(crate) const DEVELOPER: &str = "developer";
/// The open dataset of the tour.
pub(crate) const OPEN_TABLE: (&str, &str) = ("jyj", "schools");
/// What differs from the defaults: the tour's receiver of notifications is on this machine, letters stay in a folder, and maps
/// by division are drawn with the city's own open boundaries.
const SETTINGS: &str = "\
[mail]
from = \"shuqiao@jiujiang.example\"

[subscription]
networks = [\"127.0.0.0/8\"]

[portal]
name = \"九江市公共数据开放平台（示例）\"
english_name = \"Jiujiang Open Public Data (sample)\"
operator = \"九江市数据局（示例）\"
boundaries = \"103001-000002\"
";
/// The resource that county polygons are mounted on.
const BOUNDARIES: &str = "county_boundaries";
/// What the demo grants, by table names.
const GRANTS: &str = include_str!("grants.json");

/// One application of [`GRANTS`].
#[derive(Deserialize)]
struct PlannedApplication {
    applicant: String,
    purpose: String,
    legal_basis: String,
    asks: Vec<PlannedAsk>,
}

/// What is asked of one resource: the provider's table stands for the code, which is not known before the import.
#[derive(Deserialize)]
struct PlannedAsk {
    department: String,
    table: String,
    ask: serde_json::Value,
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
    applications: Vec<PlannedApplication>,
    openings: Vec<PlannedOpening>,
}

/// Where the demo keeps the private key of a department.
pub(crate) fn key_file(root: &Path, department: &str) -> PathBuf {
    root.join("keys").join("demo").join(format!("{department}.pem"))
}

/// Builds the city in an empty folder.
pub(crate) async fn city(site: &Path, people: u64) -> Result<()> {
    let folder = Folder::create(site)?;
    configure(site, people)?;
    let platform = Platform::start(folder, None).await?;
    let departments = datasets_samples::directory::departments().map_err(Error::internal)?;
    organisation(&platform, site, &departments).await?;
    fill_directory(&platform, site, &departments).await?;
    let city = SampleCity::new(SEED, people).map_err(Error::internal)?;
    mount(&platform, site, &departments, &city).await?;
    publish_notices(&platform, site, &departments).await?;
    developer(&platform, site).await?;
    grant(&platform).await?;
    platform.folder().mark_demo(people)?;
    platform.close().await
}

/// Writes what differs from the defaults.
fn configure(site: &Path, people: u64) -> Result<()> {
    let mut settings = SETTINGS.to_owned();
    if people > DEFAULT_MEMORY_PEOPLE {
        // A join of the whole city keeps one of its sides in memory.
        settings += &format!("\n[query]\nmemory_mib = {}\n", people / PEOPLE_OF_A_MIB);
    }
    let path = site.join("shuqiao.toml");
    std::fs::write(&path, settings).map_err(|error| io(&path, &error))
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
    let people = people::invite(&security, site).await?;
    output::done(format!("{} departments, each with a key; {people} people who sign in", departments.len()));
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

/// The department whose notices are shared materials.
pub(crate) const NOTICES_OF: &str = "scjg";

/// The register of notices is entered, reviewed and delivered as any other, after its files.
async fn publish_notices(platform: &Platform, site: &Path, departments: &[Department]) -> Result<()> {
    let whole = catalog_sheet::read(
        notices::REGISTER_CSV.as_bytes(),
        Some(notices::REGISTER_EXTENSION_CSV.as_bytes()),
    )?;
    let resources = sheet::read(&whole, None, departments).resources;
    let resources: Vec<_> = resources.into_iter().map(|imported| imported.resource).collect();
    let department = departments.iter().find(|department| department.id.as_str() == NOTICES_OF);
    let department = department.ok_or_else(|| Error::internal("nobody has notices"))?;
    let file = site.join("spool").join("notices.xlsx");
    let workbook = catalog_sheet::write_xlsx(&sheet::write(&resources, departments)?)?;
    std::fs::write(&file, workbook).map_err(|error| io(&file, &error))?;
    publish_sheet(platform, department, &file).await?;
    std::fs::remove_file(&file).map_err(|error| io(&file, &error))?;
    let client = acting(platform, "数据管理员", &format!("{NOTICES_OF}:data_steward")).await?;
    deliver_notices(&client, &site.join("spool").join("notices"), true).await?;
    output::done(format!("{} notices as shared materials, each named by its register", NOTICES.len()));
    Ok(())
}

/// Delivers the register, and the files before it unless they are there; answers the number of the version.
pub(crate) async fn deliver_notices(client: &Client, folder: &Path, with_files: bool) -> Result<i64> {
    std::fs::create_dir_all(folder).map_err(|error| io(folder, &error))?;
    let code = data::code_of(client, NOTICES_OF, notices::REGISTER).await?.to_string();
    let mut digests = Vec::with_capacity(NOTICES.len());
    for notice in NOTICES {
        let digest = Digest::of(notice.content).to_hex();
        if with_files {
            let file = folder.join(notice.file_name);
            std::fs::write(&file, notice.content).map_err(|error| io(&file, &error))?;
            material::send(client, &code, &file).await?;
        }
        digests.push(digest);
    }
    let file = folder.join("register.csv");
    std::fs::write(&file, notices::register_rows(&digests)).map_err(|error| io(&file, &error))?;
    let report = data::upload(client, &Ingest::replacing(&code, &file), None).await?;
    std::fs::remove_dir_all(folder).map_err(|error| io(folder, &error))?;
    let version = report.published.map(|version| version.number);
    version.ok_or_else(|| Error::internal("the register has no version"))
}

/// Somebody outside government who has registered, with a key to sign by.
async fn developer(platform: &Platform, site: &Path) -> Result<()> {
    let security = acting(platform, "安全管理员", ":security_administrator").await?;
    let person = Person {
        id: DEVELOPER.to_owned(),
        name: "示例开发者".to_owned(),
        department: None,
        roles: [Role::Developer].into(),
        active: true,
    };
    directory::put_person(&security, &person).await?;
    let key = generate_key_file(&key_file(site, DEVELOPER)).map_err(Error::from)?;
    let record = KeyRecord {
        id: key.public().id(),
        owner: KeyOwner::Person(DEVELOPER.to_owned()),
        public_key: to_base64url(key.public().as_bytes()),
        valid_from: Timestamp::now(),
        valid_until: None,
    };
    keys::register(&security, &record).await
}

async fn grant(platform: &Platform) -> Result<()> {
    let plan: Plan = serde_json::from_str(GRANTS).map_err(Error::internal)?;
    let mut grants = 0;
    for planned in &plan.applications {
        grants += apply(platform, planned).await?;
    }
    for opening in &plan.openings {
        open(platform, opening).await?;
    }
    output::done(format!(
        "{} applications, of which {grants} grants came; {} datasets reviewed and open",
        plan.applications.len(),
        plan.openings.len()
    ));
    Ok(())
}

/// A department applies, the authority accepts, each provider decides, with four eyes; answers how many grants came.
async fn apply(platform: &Platform, planned: &PlannedApplication) -> Result<usize> {
    let mut asks = Vec::new();
    for PlannedAsk { department, table, ask } in &planned.asks {
        let provider = acting(platform, "审批员", &format!("{department}:approver")).await?;
        let mut ask = ask.clone();
        let code = data::code_of(&provider, department, table).await?;
        ask["resource"] = serde_json::to_value(&code).map_err(Error::internal)?;
        asks.push(ask);
    }
    let applicant = acting(platform, "申请人", &format!("{}:analyst", planned.applicant)).await?;
    let officer = acting(platform, "共享主管", ":authority_officer").await?;
    let application = serde_json::json!({
        "asks": asks, "purpose": planned.purpose, "legal_basis": planned.legal_basis,
        "valid_until": Timestamp::now().plus_seconds(TERM_SECONDS),
    });
    let view = matters::open(&applicant, MatterKind::Application, application).await?;
    let view = match view.next.contains(&Event::Accept) {
        true => matters::take(&officer, &view.matter.number, &matters::act(Event::Accept, None)).await?,
        false => view,
    };
    let mut grants = 0;
    for part in &view.parts {
        grants += decide(platform, &officer, part).await?;
    }
    Ok(grants)
}

/// One provider's decision, as its clerks take it.
async fn decide(platform: &Platform, officer: &Client, part: &str) -> Result<usize> {
    let mut view = matters::matter_of(officer, part).await?;
    let department =
        view.matter.handler.department.clone().ok_or_else(|| Error::not_found("the provider"))?;
    let steps = [("审批员", Event::Propose), ("审批科长", Event::Grant), ("审批员", Event::Deliver)];
    for (name, event) in steps {
        if view.next.contains(&event) {
            let clerk = acting(platform, name, &format!("{department}:approver")).await?;
            view = matters::take(&clerk, part, &matters::act(event, None)).await?;
        }
    }
    Ok(view.matter.grants.len())
}

/// A department asks that its data become open: its steward justifies what the machine found, its reviewer decides.
async fn open(platform: &Platform, opening: &PlannedOpening) -> Result<()> {
    let steward = acting(platform, "数据管理员", &format!("{}:data_steward", opening.department)).await?;
    let reviewer = acting(platform, "审核员", &format!("{}:reviewer", opening.department)).await?;
    let code = data::code_of(&steward, &opening.department, &opening.table).await?.to_string();
    let options = Publish { code, items: Vec::new(), basis: opening.basis.clone(), condition: None };
    let view = matters::ask_to_open(&steward, &options).await?;
    let number = &view.matter.number;
    if view.next.contains(&Event::Justify) {
        let reason = "示例数据由程序合成，不涉及真实的人和单位";
        matters::take(&steward, number, &matters::act(Event::Justify, Some(reason))).await?;
    }
    let answers = Some(matters::all_yes(&reviewer, number).await?);
    let grant = Act { answers, ..matters::act(Event::Grant, None) };
    matters::take(&reviewer, number, &grant).await.map(drop)
}
