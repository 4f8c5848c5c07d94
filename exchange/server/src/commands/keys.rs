//! `key` and `ticket`: who may sign, and what replaces a signature where a tool can't make one.

use std::collections::BTreeSet;
use std::path::Path;

use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{Channel, DepartmentId, Error, ErrorCode, Result, Timestamp};
use exchange_auth::{generate_key_file_for, read_key_file};
use exchange_crypto::{Suite, to_base64url};
use http::Method;
use openapi_contract::{IssuedTicket, KeyRotation, TicketView};
use serde_json::json;

use super::segment;
use crate::cli::{Global, Key, KeyRotate, Ticket};
use crate::client::{Client, Payload};
use crate::compose::{INDEX_KEY, Platform};
use crate::evidence;
use crate::folder::Folder;
use crate::output;

/// Makes a key pair.
pub(crate) fn generate(global: &Global, suite: Suite, file: &Path) -> Result<()> {
    let public = generate_key_file_for(suite, file).map_err(Error::from)?.public();
    if global.json {
        output::document(&exchange_auth::Jwk::of(&public));
    } else {
        output::done(format!("private key in {}, readable by you alone", file.display()));
        output::line(format!("  key id {}", public.id()));
        output::line(format!("  public key {}", to_base64url(public.as_bytes())));
        output::line("  register it with: shuqiao key register DEPARTMENT FILE --as :security_administrator");
    }
    Ok(())
}

/// Gives the platform a new key, of another suite if one is given, while no server runs.
pub(crate) async fn rotate_platform(global: &Global, suite: Option<Suite>) -> Result<()> {
    let platform = Platform::start(unserved(global)?, None).await?;
    let rotated = platform.rotate_key(&global.operator, suite).await;
    platform.close().await?;
    let new = rotated?;
    output::outcome(global, &new, format!("the platform signs with {} from now on", new.id));
    Ok(())
}

/// Gives the indexes of look-ups a new secret.
pub(crate) async fn rotate_indexes(global: &Global) -> Result<()> {
    let platform = Platform::start(unserved(global)?, None).await?;
    let ctx = platform.operator(&global.operator, Some(":security_administrator")).await?;
    let rotated = async {
        platform.folder().retire_secret(INDEX_KEY)?;
        evidence::record(platform.evidence(), &ctx, "key.rotated", "secret of the indexes of look-ups").await
    };
    let rotated = rotated.await;
    platform.close().await?;
    rotated?;
    let done = "the indexes have a new secret: the next start writes them anew in the background";
    output::outcome(global, &json!({ "rotated": INDEX_KEY }), done.to_owned());
    Ok(())
}

fn unserved(global: &Global) -> Result<Folder> {
    Folder::open_unless_owned(&global.data_dir)?.ok_or_else(|| {
        let message = "a running server uses the old key: stop it, rotate, and start it again";
        Error::new(ErrorCode::IllegalState, message)
    })
}

/// Registers, replaces, ends and lists keys.
pub(crate) async fn key(client: &Client, global: &Global, command: &Key) -> Result<()> {
    match command {
        Key::Generate { .. } => Ok(()),
        Key::Register { owner, file, person, until } => {
            let public = read_key_file(file).map_err(Error::from)?.public();
            let record = KeyRecord {
                id: public.id(),
                owner: match person {
                    true => KeyOwner::Person(owner.clone()),
                    false => KeyOwner::Department(DepartmentId::new(owner.as_str())?),
                },
                public_key: to_base64url(public.as_bytes()),
                valid_from: Timestamp::now(),
                valid_until: *until,
            };
            register(client, &record).await?;
            output::outcome(global, &record, format!("{owner} signs with {}", record.id));
            Ok(())
        }
        Key::Rotate(options) => rotate(client, global, options).await,
        Key::Retire { id } => {
            let path = format!("/api/v1/keys/{}/retire", segment(id));
            let ended: KeyRecord = client.json(Method::POST, &path, Payload::Empty).await?;
            let end = ended.valid_until.map_or(String::new(), Timestamp::shanghai_text);
            output::outcome(
                global,
                &ended,
                format!("{id} is over since {end}; what it signed stays provable"),
            );
            Ok(())
        }
        Key::List => {
            let keys: Vec<KeyRecord> = client.json(Method::GET, "/api/v1/keys", Payload::Empty).await?;
            if global.json {
                output::document(&keys);
                return Ok(());
            }
            let row = |key: KeyRecord| {
                let until = key.valid_until.map_or(String::new(), Timestamp::shanghai_text);
                let owner = match key.owner {
                    KeyOwner::Platform => "平台".to_owned(),
                    KeyOwner::Department(id) => id.to_string(),
                    KeyOwner::Person(id) => format!("个人 {id}"),
                };
                vec![key.id, owner, key.valid_from.shanghai_text(), until]
            };
            output::table(&["密钥", "持有者", "自", "至"], &keys.into_iter().map(row).collect::<Vec<_>>());
            Ok(())
        }
    }
}

async fn rotate(client: &Client, global: &Global, options: &KeyRotate) -> Result<()> {
    let (Some(id), Some(file)) = (&options.id, &options.file) else {
        let message = "name the old key and the file of the new one, or --platform";
        return Err(Error::new(ErrorCode::InvalidInput, message));
    };
    let rotation = KeyRotation {
        public_key: to_base64url(read_key_file(file).map_err(Error::from)?.public().as_bytes()),
        overlap_seconds: i64::from(options.overlap_days) * 86_400,
    };
    let body = Payload::Json(serde_json::to_value(rotation).map_err(Error::internal)?);
    let path = format!("/api/v1/keys/{}/rotate", segment(id));
    let new: KeyRecord = client.json(Method::POST, &path, body).await?;
    let days = options.overlap_days;
    output::outcome(global, &new, format!("{} is valid from now on, {id} for {days} more days", new.id));
    Ok(())
}

/// Registers a key.
pub(crate) async fn register(client: &Client, record: &KeyRecord) -> Result<()> {
    let body = serde_json::to_value(record).map_err(Error::internal)?;
    client.send(Method::PUT, "/api/v1/keys", Payload::Json(body), "application/json").await.map(|_| ())
}

/// Issues, lists and revokes tickets.
pub(crate) async fn ticket(client: &Client, global: &Global, command: &Ticket) -> Result<()> {
    match command {
        Ticket::Issue { doors, hours } => {
            let doors = doors.iter().map(|door| channel(door)).collect::<Result<BTreeSet<_>>>()?;
            let seconds = i64::from(*hours) * 3600;
            let body = json!({ "doors": doors, "seconds": seconds, "purpose": global.purpose });
            let issued: IssuedTicket =
                client.json(Method::POST, "/api/v1/tickets", Payload::Json(body)).await?;
            if global.json {
                output::document(&issued);
            } else {
                let ends = issued.ticket.expires_at.shanghai_text();
                output::done(format!("ticket {} until {ends}; the token is shown once:", issued.ticket.id));
                output::line(&issued.token);
            }
        }
        Ticket::List => {
            let tickets: Vec<TicketView> =
                client.json(Method::GET, "/api/v1/tickets", Payload::Empty).await?;
            if global.json {
                output::document(&tickets);
                return Ok(());
            }
            let row = |ticket: TicketView| {
                let state = if ticket.revoked_at.is_some() { "已撤销" } else { "" };
                let purpose = ticket.purpose.unwrap_or_default();
                vec![ticket.id, purpose, ticket.expires_at.shanghai_text(), state.to_owned()]
            };
            output::table(&["票据", "用途", "至", ""], &tickets.into_iter().map(row).collect::<Vec<_>>());
        }
        Ticket::Revoke { id } => {
            let path = format!("/api/v1/tickets/{}", segment(id));
            client.send(Method::DELETE, &path, Payload::Empty, "application/json").await?;
            output::outcome(global, &json!({ "revoked": id }), "the ticket is over");
        }
    }
    Ok(())
}

fn channel(name: &str) -> Result<Channel> {
    match name {
        "sql" => Ok(Channel::Sql),
        "api" => Ok(Channel::Api),
        "file" => Ok(Channel::File),
        "verification" => Ok(Channel::Verification),
        _ => Err(Error::new(
            ErrorCode::InvalidInput,
            format!("`{name}` is no door: sql, api, file, verification"),
        )),
    }
}
