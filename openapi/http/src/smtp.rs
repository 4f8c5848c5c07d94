//! Handing letters to a mail server: message submission (RFC 6409) over TLS from the start or after STARTTLS (RFC 8314, 3207).
//!
//! It is written here because the libraries for it turn on features of what the query engine is built on, or write the
//! password into their debug log.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use catalog_core::{Error, ErrorCode, Result};
use exchange_crypto::to_base64;
use reqwest::Url;
use rustls_platform_verifier::Verifier;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufStream,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_util::either::Either;

use crate::mail::check_address;

/// The longest line of a reply, and the most lines of one: RFC 5321 has 512 bytes.
const LINE_BYTES: u64 = 2048;
const LINES: usize = 100;

/// A mail server, and what it knows us by.
pub struct SmtpSettings {
    /// `smtps://host` (465) speaks TLS from the start, `smtp://host` (587) after STARTTLS; on this machine `smtp` is in clear.
    pub url: String,
    /// The sender of all letters.
    pub from: String,
    /// Login name and password, where it asks for them.
    pub account: Option<(String, String)>,
    /// Certificates (PEM) of authorities that are trusted beside those of the system.
    pub authorities: Vec<u8>,
    /// The longest that it may take for one answer.
    pub patience: Duration,
}

/// Why a letter was not taken.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server is not reached, or takes nothing from us: no letter is at fault.
    Server(String),
    /// It has hung up over this letter, or closes (421): the letter may be at fault.
    HungUp(String),
    /// It may take this letter later (4yz).
    Later(String),
    /// It will never take this letter (5yz).
    Never(String),
}

impl Failure {
    /// What the server said, or what became of it.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Server(why) | Self::HungUp(why) | Self::Later(why) | Self::Never(why) => why,
        }
    }

    fn over_a_letter(self) -> Self {
        match self {
            Self::Server(why) => Self::HungUp(why),
            other => other,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Server(error.to_string())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Security {
    Tls,
    StartTls,
    Clear,
}

/// A mail server that takes letters.
pub(crate) struct SmtpServer {
    host: String,
    port: u16,
    security: Security,
    tls: TlsConnector,
    settings: SmtpSettings,
}

impl SmtpServer {
    /// A server that is not asked yet.
    ///
    /// # Errors
    /// `invalid_input` for an address or a sender that is none, and for authorities that can't be read.
    pub(crate) fn new(settings: SmtpSettings) -> Result<Self> {
        check_address(&settings.from)?;
        let (host, port, security) = address(&settings.url)?;
        let tls = connector(&settings.authorities)?;
        Ok(Self { host, port, security, tls, settings })
    }

    /// Host and port.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Connects, encrypts and signs in.
    pub(crate) async fn session(&self) -> Result<Session<Either<TcpStream, TlsStream<TcpStream>>>, Failure> {
        let patience = self.settings.patience;
        let host = self.host.trim_matches(['[', ']']);
        let stream = within(patience, TcpStream::connect((host, self.port))).await?;
        let stream = match self.security {
            Security::Clear => Either::Left(stream),
            Security::Tls => Either::Right(self.encrypted(stream).await?),
            Security::StartTls => Either::Right(self.start_tls(stream).await?),
        };
        let mut session = Session::over(stream, patience);
        // After STARTTLS the server does not greet again.
        if self.security != Security::StartTls {
            session.greeting().await?;
        }
        let offers = session.hello(&self.settings.from).await?;
        if let Some((user, password)) = &self.settings.account {
            let takes_plain = |offer: &String| offer.starts_with("AUTH") && offer.contains("PLAIN");
            if !offers.iter().any(takes_plain) {
                return Err(Failure::Server("it does not offer AUTH PLAIN".to_owned()));
            }
            let proof = to_base64(format!("\0{user}\0{password}").as_bytes());
            session.command(&format!("AUTH PLAIN {proof}")).await?.of_server(235)?;
        }
        Ok(session)
    }

    /// Nothing is said in clear but that we want to be encrypted, and nothing that was said in clear counts afterwards.
    async fn start_tls(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let mut session = Session::over(stream, self.settings.patience);
        session.greeting().await?;
        let offers = session.hello(&self.settings.from).await?;
        if !offers.iter().any(|offer| offer == "STARTTLS") {
            return Err(Failure::Server(
                "it does not offer STARTTLS, and nothing is sent in clear".to_owned(),
            ));
        }
        session.command("STARTTLS").await?.of_server(220)?;
        // With the buffer goes what somebody may have put behind the answer.
        self.encrypted(session.wire.into_inner()).await
    }

    async fn encrypted(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let name = ServerName::try_from(self.host.trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| Failure::Server(format!("`{}` is no name of a host", self.host)))?;
        Ok(within(self.settings.patience, self.tls.connect(name, stream)).await?)
    }

    /// Hands over one letter. After a refusal the session takes the next one.
    pub(crate) async fn submit<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        session: &mut Session<S>,
        to: &str,
        letter: &[u8],
    ) -> Result<(), Failure> {
        let sender = session.command(&format!("MAIL FROM:<{}>", self.settings.from)).await?;
        sender.of_server(250)?;
        let taken = session.hand_over(to, letter).await.map_err(Failure::over_a_letter);
        if matches!(taken, Err(Failure::Later(_) | Failure::Never(_))) {
            // If that fails, so will the next command, over no letter.
            let _ = session.command("RSET").await;
        }
        taken
    }
}

/// A conversation with a mail server.
pub(crate) struct Session<S> {
    wire: BufStream<S>,
    patience: Duration,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn over(stream: S, patience: Duration) -> Self {
        Self { wire: BufStream::new(stream), patience }
    }

    async fn greeting(&mut self) -> Result<(), Failure> {
        self.reply().await?.of_server(220)
    }

    /// Names us by the domain of our sender; answers what the server offers, in capitals.
    async fn hello(&mut self, from: &str) -> Result<Vec<String>, Failure> {
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let reply = self.command(&format!("EHLO {domain}")).await?;
        reply.of_server(250)?;
        Ok(reply.lines.iter().skip(1).map(|line| line.to_ascii_uppercase()).collect())
    }

    async fn hand_over(&mut self, to: &str, letter: &[u8]) -> Result<(), Failure> {
        let taken = self.command(&format!("RCPT TO:<{to}>")).await?;
        // 251: it forwards to somewhere else (RFC 5321, section 4.2.3).
        if taken.code != 251 {
            taken.of_letter(250)?;
        }
        self.command("DATA").await?.of_letter(354)?;
        self.write(&stuffed(letter)).await?;
        self.reply().await?.of_letter(250)
    }

    /// Says goodbye, if anybody still listens.
    pub(crate) async fn quit(mut self) {
        let _ = self.command("QUIT").await;
    }

    async fn command(&mut self, line: &str) -> io::Result<Reply> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wire = &mut self.wire;
        within(self.patience, async {
            wire.write_all(bytes).await?;
            wire.flush().await
        })
        .await
    }

    async fn reply(&mut self) -> io::Result<Reply> {
        let patience = self.patience;
        within(patience, async {
            let mut lines = Vec::new();
            while lines.len() < LINES {
                let (code, goes_on, text) = self.line().await?;
                lines.push(text);
                if !goes_on {
                    return Ok(Reply { code, lines });
                }
            }
            Err(io::Error::other("its answer has no end"))
        })
        .await
    }

    /// One line of a reply: `250-text` goes on, `250 text` is the last.
    async fn line(&mut self) -> io::Result<(u16, bool, String)> {
        let mut line = Vec::new();
        (&mut self.wire).take(LINE_BYTES).read_until(b'\n', &mut line).await?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let code = text.get(..3).and_then(|code| code.parse().ok());
        match (code, line.last()) {
            (_, None) => Err(io::ErrorKind::UnexpectedEof.into()),
            (Some(code), Some(b'\n')) => {
                let rest = text.get(3..).unwrap_or_default();
                Ok((code, rest.starts_with('-'), one_line(rest.get(1..).unwrap_or_default())))
            }
            _ => Err(io::Error::other("it does not speak SMTP")),
        }
    }
}

/// What the server says to a command.
struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// What is said of us and not of a letter.
    fn of_server(&self, wanted: u16) -> Result<(), Failure> {
        match self.code == wanted {
            true => Ok(()),
            false => Err(Failure::Server(self.text())),
        }
    }

    /// What is said of a letter, unless the server closes (421).
    fn of_letter(&self, wanted: u16) -> Result<(), Failure> {
        match self.code {
            code if code == wanted => Ok(()),
            421 => Err(Failure::Server(self.text())),
            400..500 => Err(Failure::Later(self.text())),
            500..600 => Err(Failure::Never(self.text())),
            _ => Err(Failure::Server(self.text())),
        }
    }

    fn text(&self) -> String {
        format!("it answers {} {}", self.code, self.lines.join(" "))
    }
}

/// Host, port and how it is encrypted.
fn address(url: &str) -> Result<(String, u16, Security)> {
    let wrong = |why: &str| {
        let message = format!("mail.smtp {why}: write it like smtps://mail.example.gov.cn:465");
        Error::new(ErrorCode::InvalidInput, message)
    };
    let parsed = Url::parse(url).map_err(|_| wrong("is no address"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("has an account in it, which belongs into mail.user and mail.password_file"));
    }
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("names no host"))?;
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("has something behind its host"));
    }
    let is_here = host == "localhost" || host.trim_matches(['[', ']']).parse().is_ok_and(is_this_machine);
    let (security, usual) = match parsed.scheme() {
        "smtps" => (Security::Tls, 465),
        "smtp" if is_here => (Security::Clear, 587),
        "smtp" => (Security::StartTls, 587),
        _ => return Err(wrong("begins with neither smtps:// nor smtp://")),
    };
    Ok((host.to_owned(), parsed.port().unwrap_or(usual), security))
}

/// The one address that everybody writes for this machine; others of the loopback may be forwarded elsewhere.
fn is_this_machine(address: IpAddr) -> bool {
    matches!(address.to_string().as_str(), "127.0.0.1" | "::1")
}

fn connector(authorities: &[u8]) -> Result<TlsConnector> {
    let wrong = |error: String| {
        let message = format!("the certificates of mail.authority can't be used: {error}");
        Error::new(ErrorCode::InvalidInput, message)
    };
    let extra = CertificateDer::pem_slice_iter(authorities).collect::<Result<Vec<_>, _>>();
    let extra = extra.map_err(|error| wrong(error.to_string()))?;
    if extra.is_empty() && !authorities.is_empty() {
        return Err(wrong("there are none".to_owned()));
    }
    let builder = ClientConfig::builder();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(builder.crypto_provider()));
    let verifier = Arc::new(verifier.map_err(|error| wrong(error.to_string()))?);
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn within<T>(patience: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
    timeout(patience, step).await.unwrap_or_else(late)
}

/// The letter as DATA sends it, with its end. Whatever ends a line anywhere ends it here too: no server on the way can take
/// the rest of one for commands.
fn stuffed(letter: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(letter.len() + 64);
    let mut rest = letter;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
        let (line, behind) = rest.split_at(end);
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
        stuffed.extend_from_slice(b"\r\n");
        rest = behind.strip_prefix(b"\r\n").or(behind.get(1..)).unwrap_or_default();
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

/// A text of strangers as one line of bounded length.
fn one_line(text: &str) -> String {
    text.chars().take(500).map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_how_they_are_encrypted() {
        for (url, port, security) in [
            ("smtps://mail.example.gov.cn", 465, Security::Tls),
            ("smtps://localhost:2465/", 2465, Security::Tls),
            ("smtp://mail.example.gov.cn", 587, Security::StartTls),
            ("smtp://10.2.0.1:25", 25, Security::StartTls),
            ("smtp://127.0.0.2", 587, Security::StartTls),
            ("smtp://127.0.0.1:25", 25, Security::Clear),
            ("smtp://[::1]:25", 25, Security::Clear),
        ] {
            let (_, found_port, found) = address(url).unwrap();
            assert!(found_port == port && found == security, "{url}");
        }
        for wrong in [
            "",
            "mail.example.gov.cn",
            "http://mail.example.gov.cn",
            "smtp://",
            "smtps://li:secret@mail.example.gov.cn",
            "smtps://mail.example.gov.cn/inbox",
            "smtps://mail.example.gov.cn:0x",
        ] {
            let error = address(wrong).unwrap_err();
            assert!(!error.message.contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_letter_ends_where_it_ends() {
        let whole = |letter: &str| String::from_utf8(stuffed(letter.as_bytes())).unwrap();
        assert_eq!(whole("a\r\n\r\nb"), "a\r\n\r\nb\r\n.\r\n");
        assert_eq!(whole(".a\r\n.\r\n..\r\n"), "..a\r\n..\r\n...\r\n.\r\n");
        for smuggled in ["a\n.\nQUIT", "a\r.\rQUIT", "a\n.\r\nQUIT", "a\r\n.\nQUIT", "a\r\n.\rQUIT"] {
            assert_eq!(whole(smuggled), "a\r\n..\r\nQUIT\r\n.\r\n", "{smuggled:?}");
        }
        assert_eq!(whole(""), ".\r\n");
    }

    #[test]
    fn who_is_at_fault_follows_from_the_code() {
        let reply = |code| Reply { code, lines: vec!["x".to_owned()] };
        assert!(reply(250).of_letter(250).is_ok());
        assert!(matches!(reply(451).of_letter(250), Err(Failure::Later(_))));
        assert!(matches!(reply(550).of_letter(250), Err(Failure::Never(_))));
        for (code, wanted) in [(421, 250), (250, 354), (999, 250)] {
            assert!(matches!(reply(code).of_letter(wanted), Err(Failure::Server(_))), "{code}");
        }
        assert!(
            matches!(reply(535).of_server(235), Err(Failure::Server(_))),
            "a wrong password is no letter's fault"
        );
    }
}
