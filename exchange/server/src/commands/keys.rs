//! `key` and `ticket`: who may sign, and what replaces a signature where a tool can't make one.

use std::collections::BTreeSet;

use catalog_core::ports::{KeyOwner, KeyRecord};
use catalog_core::{Channel, DepartmentId, Error, ErrorCode, Result, Timestamp};
use exchange_auth::{generate_key_file, read_key_file};
use exchange_crypto::to_base64url;
use http::Method;
use openapi_contract::{IssuedTicket, TicketView};
use serde_json::json;

use super::segment;
use crate::cli::{Global, Key, Ticket};
use crate::client::{Client, Payload};
use crate::output;

/// Whether the command works without folder and server.
pub(crate) fn is_offline(command: &Key) -> bool {
    matches!(command, Key::Generate { .. })
}

/// Makes a key pair.
pub(crate) fn generate(global: &Global, command: &Key) -> Result<()> {
    let Key::Generate { file } = command else { return Ok(()) };
    let public = generate_key_file(file).map_err(Error::from)?.public();
    if global.json {
        output::document(&exchange_auth::Jwk::of(&public));
    } else {
        output::done(format!("private key in {}, readable by you alone", file.display()));
        output::line(format!("  key id {}", public.id()));
        output::line("  register it with: shuqiao key register DEPARTMENT FILE");
    }
    Ok(())
}

/// Registers and lists keys.
pub(crate) async fn key(client: &Client, global: &Global, command: &Key) -> Result<()> {
    match command {
        Key::Generate { .. } => Ok(()),
        Key::Register { department, file } => {
            let public = read_key_file(file).map_err(Error::from)?.public();
            let record = KeyRecord {
                id: public.id(),
                owner: KeyOwner::Department(DepartmentId::new(department.as_str())?),
                public_key: to_base64url(public.as_bytes()),
                valid_from: Timestamp::now(),
                valid_until: None,
            };
            register(client, &record).await?;
            output::done(format!("{department} signs with {}", record.id));
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
                vec![key.id, format!("{:?}", key.owner), key.valid_from.shanghai_text(), until]
            };
            output::table(&["密钥", "持有者", "自", "至"], &keys.into_iter().map(row).collect::<Vec<_>>());
            Ok(())
        }
    }
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
            output::document(&tickets);
        }
        Ticket::Revoke { id } => {
            let path = format!("/api/v1/tickets/{}", segment(id));
            client.send(Method::DELETE, &path, Payload::Empty, "application/json").await?;
            output::done("the ticket is over");
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
