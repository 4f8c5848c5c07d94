//! The tour: what departments, analysts and developers get, asked over the network, with the real answers.

use std::path::{Path, PathBuf};

use catalog_core::{Error, ErrorCode, Result};
use exchange_auth::JwkSet;
use http::Method;
use openapi_contract::{Rows, VerificationAnswer, VerificationRequest, VerificationResult};
use openapi_http::App;
use serde::Serialize;

use super::build::{OPEN_TABLE, key_file};
use super::developers::{self, Developers};
use crate::client::{Assertions, Client, Payload};
use crate::commands::{data, verify};
use crate::folder::io;
use crate::output;

/// One question, asked by three departments: each sees what its grant allows.
const QUESTION: &str = "\
select e.county_code, e.name, e.representative_name, e.registered_capital, p.kind, p.amount
from scjg.legal_entities e join xygl.penalties p on e.credit_code = p.credit_code
order by p.amount desc nulls last, p.decision_number limit 4";

/// A join on pseudonyms: how many of the old draw a pension, by county. Birth dates show as years.
const ELDERLY: &str = "\
select p.county_code, count(*) as elderly, count(*) filter (where s.status = '待遇享受') as pensioners, min(p.id_number) as pseudonym
from gaj.population p join rsj.social_security s on p.id_number = s.id_number
where p.birth_date <= 1961 group by p.county_code order by elderly desc limit 4";

/// The questions: who asks, for what, and what to look at.
const ASKERS: [(&str, &str, &str, &str); 4] = [
    (
        "fgw",
        "宏观经济分析",
        QUESTION,
        "发展改革委: every county, registered capital in steps of 10,000 yuan, representatives masked",
    ),
    (
        "rcscjg",
        "市场监管执法",
        QUESTION,
        "瑞昌市市场监管局: the same words, the rows of its own county, names in clear",
    ),
    (
        "mzj",
        "社会救助核对",
        QUESTION,
        "民政局: the same words again, names of representatives cut to one character",
    ),
    (
        "tjj",
        "养老保障统计",
        ELDERLY,
        "统计局: people and social security joined on a pseudonym that it cannot undo",
    ),
];

/// The first synthetic person of the city, as the provider sees them.
const PERSON: &str = "select id_number, name from gaj.population order by id_number limit 1";
/// Whom the bureau asks about in vain: a check digit that is right, and a division that is none.
const NOBODY: &str = "000000189912310012";

/// What the tour saw, for scripts.
#[derive(Debug, Serialize)]
pub(crate) struct Tour {
    answers: Vec<Answer>,
    /// Empty in a folder of an older program.
    verified: Vec<VerificationResult>,
    refused: Refused,
    download: Download,
    /// Absent in a folder of an older program.
    developers: Option<Developers>,
}

/// One question with its answer.
#[derive(Debug, Serialize)]
struct Answer {
    department: &'static str,
    purpose: &'static str,
    sql: &'static str,
    rows: Rows,
}

/// A question that was refused, as it should be.
#[derive(Debug, Serialize)]
struct Refused {
    code: ErrorCode,
    message: String,
}

/// A download that was proven genuine.
#[derive(Debug, Serialize)]
struct Download {
    address: String,
    sha256: String,
}

/// Runs the tour against the server at `address`, which is `app`.
pub(crate) async fn run(address: &str, root: &Path, app: &App) -> Result<Tour> {
    output::heading("Analysts: one question, three principals, three answers");
    for line in QUESTION.lines() {
        output::line(format!("    {line}"));
    }
    let mut answers = Vec::new();
    for (department, purpose, sql, title) in ASKERS {
        let client = client(address, root, department, purpose).await?;
        output::heading(title);
        if sql != QUESTION {
            output::line(sql.lines().map(|line| format!("    {line}\n")).collect::<String>().trim_end());
        }
        let rows = data::ask(&client, sql).await?;
        data::show_rows(&rows);
        answers.push(Answer { department, purpose, sql, rows });
    }
    let verified = verified(address, root).await?;
    let refused = refused(address, root).await?;
    let download = open_download(address, root).await?;
    let developers = developers::shown(address, root, app).await?;
    Ok(Tour { answers, verified, refused, download, developers })
}

async fn client(address: &str, root: &Path, department: &str, purpose: &str) -> Result<Client> {
    let assertions = Assertions {
        purpose: Some(purpose.to_owned()),
        matter: Some("JJ-2026-000117".to_owned()),
        operator: Some("demo".to_owned()),
    };
    Client::of_server(address, Some(&key_file(root, department)), assertions).await
}

/// Whether numbers and names agree: one pair that does, one that does not, one of nobody.
async fn verified(address: &str, root: &Path) -> Result<Vec<VerificationResult>> {
    output::heading(
        "民政局: is this number and this name right? 1 yes, 2 no, 3 there is no such number; never a record",
    );
    let provider = client(address, root, "gaj", "核验示例").await?;
    let person = data::ask(&provider, PERSON).await?;
    let value = |column: &str| person.data.first().and_then(|row| row.get(column)?.as_str());
    let (Some(number), Some(name)) = (value("id_number"), value("name")) else {
        return Err(Error::internal("the city has no people"));
    };
    let bureau = client(address, root, "mzj", "社会救助身份核验").await?;
    let resource = data::code_of(&provider, "gaj", "population").await?;
    let mut results = Vec::new();
    for (identifier, attribute) in [(number, name), (number, "欧阳不同"), (NOBODY, name)] {
        let asked = VerificationRequest {
            resource: resource.clone(),
            profile: "id_number+name".parse()?,
            identifier: identifier.to_owned(),
            attribute: attribute.to_owned(),
        };
        let asked = serde_json::to_value(&asked).map_err(Error::internal)?;
        output::line(format!("  POST /api/v1/verifications {asked}"));
        let path = "/api/v1/verifications";
        let answered = bureau.json::<VerificationAnswer>(Method::POST, path, Payload::Json(asked)).await;
        match answered {
            Ok(answer) => {
                output::line(format!("    {}", serde_json::to_string(&answer).map_err(Error::internal)?));
                results.push(answer.result);
            }
            Err(error) if error.code == ErrorCode::NotGranted => {
                output::line(format!("    [{}] this folder is of an older program", error.code));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(results)
}

async fn refused(address: &str, root: &Path) -> Result<Refused> {
    output::heading("Refused: the transport bureau asks for the population without a grant");
    let client = client(address, root, "jtj", "公交线网规划").await?;
    match data::ask(&client, "select name from gaj.population limit 1").await {
        Err(error) if error.code == ErrorCode::NotGranted => {
            output::line(format!("  [{}] {}", error.code, error.message));
            Ok(Refused { code: error.code, message: error.message })
        }
        Err(error) => Err(error),
        Ok(_) => Err(Error::new(ErrorCode::Internal, "a question without a grant was answered")),
    }
}

/// Downloads an open dataset without any key and proves it genuine with nothing but the public keys.
async fn open_download(address: &str, root: &Path) -> Result<Download> {
    output::heading("Developers: an open dataset, downloaded without a key and proven genuine offline");
    let folder = root.join("spool").join("tour");
    std::fs::create_dir_all(&folder).map_err(|error| io(&folder, &error))?;
    let (department, table) = OPEN_TABLE;
    let client = client(address, root, department, "开放").await?;
    let code = data::code_of(&client, department, table).await?.path_form();
    let base = format!("/datasets/{code}/latest");
    let file = fetch(&client, &format!("{base}.csv"), &folder.join("latest.csv")).await?;
    let manifest =
        fetch(&client, &format!("{base}.manifest.json"), &folder.join("latest.manifest.json")).await?;
    let jws = fetch(&client, &format!("{base}.jws"), &folder.join("latest.jws")).await?;
    let keys: JwkSet = client.json(Method::GET, "/.well-known/jwks.json", Payload::Empty).await?;
    let read = |path: &PathBuf| std::fs::read(path).map_err(|error| io(path, &error));
    let signature = String::from_utf8_lossy(&read(&jws)?).into_owned();
    let proven = verify::genuine(&file, &read(&manifest)?, &signature, &keys)?;
    output::line(format!("  curl -O {address}{base}.csv"));
    let bytes = read(&file)?;
    let text = String::from_utf8_lossy(&bytes);
    for line in text.lines().take(3) {
        output::line(format!("    {line}"));
    }
    output::done(format!("genuine: sha256 {}", proven.sha256));
    forged(&file, &read(&manifest)?, &signature, &keys)?;
    std::fs::remove_dir_all(&folder).map_err(|error| io(&folder, &error))?;
    Ok(Download { address: format!("{address}{base}.csv"), sha256: proven.sha256.clone() })
}

async fn fetch(client: &Client, path: &str, to: &Path) -> Result<PathBuf> {
    let answer = client.send(Method::GET, path, Payload::Empty, "*/*").await?;
    let mut file = std::fs::File::create(to).map_err(|error| io(to, &error))?;
    answer.copy_to(&mut file).await?;
    Ok(to.to_owned())
}

/// One changed byte, and the proof fails.
fn forged(file: &Path, manifest: &[u8], signature: &str, keys: &JwkSet) -> Result<()> {
    let mut bytes = std::fs::read(file).map_err(|error| io(file, &error))?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    std::fs::write(file, bytes).map_err(|error| io(file, &error))?;
    match verify::genuine(file, manifest, signature, keys) {
        Err(error) => {
            output::line(format!("  with one bit changed: [{}]", error.code));
            Ok(())
        }
        Ok(_) => Err(Error::new(ErrorCode::Internal, "a forged file was called genuine")),
    }
}

/// Addresses and keys to go on by hand.
pub(crate) fn how_to_go_on(address: &str, root: &Path) {
    output::heading("Go on by hand");
    output::line(format!("  portal       {address}/"));
    output::line(format!(
        "  people       sign in at {address}/sign-in by the names and passwords in {}",
        super::people::file(root).display()
    ));
    output::line(format!("  API          {address}/api/v1/resources?q=学校"));
    output::line(format!("  description  {address}/api/v1/openapi.json"));
    output::line(format!("  public keys  {address}/.well-known/jwks.json"));
    output::line(format!(
        "  SQL          shuqiao query 'select count(*) from scjg.legal_entities' --server {address} --key {} --purpose 宏观经济分析",
        key_file(root, "fgw").display()
    ));
    output::line("  Ctrl-C ends the server; the same command starts it again in a moment");
}
