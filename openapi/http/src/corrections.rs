//! Letters to developers who received a record that was wrong.

use catalog_core::matter::{Content, Matter, Objection};
use catalog_core::ports::Mail;
use catalog_core::{OpContext, Result};

use crate::app::App;
use crate::developers::address_of;

/// Writes to every developer who received the resource while it was wrong. The correction stands whether or not a letter
/// leaves; evidence says who was told, and who could not be.
pub(crate) async fn tell_developers(app: &App, ctx: &OpContext, matter: &Matter) -> Result<()> {
    let Content::Objection(objection) = &matter.content else { return Ok(()) };
    for account in app.services.misled_developers(matter).await? {
        let address = address_of(app, &account);
        let is_told = match (&app.sign_in.parts.mailer, &address) {
            (Some(mailer), Some(to)) => {
                let sent = mailer.send(&letter(to, &matter.number, objection), ctx.now).await;
                sent.inspect_err(|error| tracing::error!(%error, "a developer was not told of a correction"))
                    .is_ok()
            }
            _ => false,
        };
        app.services.developer_told(ctx, &account.person, &matter.number, is_told).await?;
    }
    Ok(())
}

fn letter(to: &str, number: &str, objection: &Objection) -> Mail {
    let Objection { resource, wrong_since, corrected_by, .. } = objection;
    let (since, by) = (wrong_since.unwrap_or(1), corrected_by.unwrap_or_default());
    let text = format!(
        "您好：\n\n您通过数桥获取的数据资源 {resource} 第 {since} 版至第 {by} 版之前的版本中有记录经核查有误，已在第 {by} 版更正（办件 {number}）。\n\
         请重新获取该数据，并更正据此形成的结果。本信不含业务数据。\n\n\
         A record of {resource}, which you have read, was wrong from version {since} on and is corrected by version {by}. Please read it again.\n"
    );
    Mail { to: to.to_owned(), subject: "数桥：数据更正通知".to_owned(), text }
}
