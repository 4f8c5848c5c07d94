//! Signed notes and what stands in them: C2SP signed-note, tlog-checkpoint and tlog-cosignature, with Ed25519; and with
//! SM2, whose types of signatures have names of ours, as signed-note reserves `0xff` for.

use std::fmt;

use exchange_crypto::{
    Digest, Hasher, PublicKey, SigningKey, Suite, from_base64, from_hex, to_base64, to_hex,
};

use crate::LedgerError;

/// Signatures of one note, at most.
const MAX_SIGNATURES: usize = 100;
/// Bytes of one note, at most.
const MAX_BYTES: usize = 1 << 20;

/// The head of a log (C2SP tlog-checkpoint): how many leaves it has, and the hash of their tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: `data.example.gov.cn/log`.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// Root of their Merkle tree.
    pub root: Digest,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Reads the text of a note. Lines of extensions are refused: this log writes none.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let wrong = || malformed("its text is no checkpoint");
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(""), None) =
            (lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(wrong());
        };
        let root = <[u8; 32]>::try_from(from_base64(root).map_err(|_| wrong())?).map_err(|_| wrong())?;
        let parsed = Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| wrong())?,
            root: Digest::from_bytes(root),
        };
        // One text for one head: no leading zeros, no other base64.
        if origin.is_empty() || parsed.text() != text {
            return Err(wrong());
        }
        Ok(parsed)
    }

    /// Signs it as the log's own.
    pub fn sign(&self, key: &SigningKey) -> Note {
        let text = self.text();
        let signer = NoteKey::of_log(&self.origin, key.public());
        let signature = signer.line(&key.sign(text.as_bytes()));
        Note { text, signatures: vec![signature] }
    }
}

/// A text with signatures (C2SP signed-note).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with the line feed at its end.
    pub text: String,
    /// The signatures.
    pub signatures: Vec<NoteSignature>,
}

/// One signature line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the signer.
    pub name: String,
    /// Short id of its key.
    pub id: [u8; 4],
    /// The signature's bytes, as its kind defines them.
    pub bytes: Vec<u8>,
}

impl NoteSignature {
    /// Reads a line without its line feed.
    pub fn parse(line: &str) -> Result<Self, LedgerError> {
        let wrong = || malformed("a signature line is not well formed");
        let (name, encoded) =
            line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
        let decoded = from_base64(encoded).map_err(|_| wrong())?;
        let (id, bytes) = decoded.split_first_chunk().ok_or_else(wrong)?;
        if !is_name(name) || bytes.is_empty() {
            return Err(wrong());
        }
        Ok(Self { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "— {} {}", self.name, to_base64(&[self.id.as_slice(), &self.bytes].concat()))
    }
}

impl Note {
    /// Reads a note.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let is_control = |c: char| c < ' ' && c != '\n';
        if text.len() > MAX_BYTES || text.contains(is_control) {
            return Err(malformed("it is too long or has control characters"));
        }
        let (body, lines) = text.rsplit_once("\n\n").ok_or_else(|| malformed("it has no signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or_else(|| malformed("it has no end"))?;
        let signatures = lines.split('\n').map(NoteSignature::parse).collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(malformed("it has too many signatures"));
        }
        Ok(Self { text: format!("{body}\n"), signatures })
    }

    /// The checkpoint in it. Who signed it is another question.
    pub fn checkpoint(&self) -> Result<Checkpoint, LedgerError> {
        Checkpoint::parse(&self.text)
    }

    /// The log's checkpoint, if one of its keys signed it.
    pub fn checkpoint_by(&self, keys: &[PublicKey]) -> Result<Checkpoint, LedgerError> {
        let checkpoint = self.checkpoint()?;
        let is_signed =
            keys.iter().any(|key| NoteKey::of_log(&checkpoint.origin, *key).signed(self).is_some());
        match is_signed {
            true => Ok(checkpoint),
            false => Err(malformed("it is not signed by a key of the log")),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

/// What a key's signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The text (signed-note).
    Log,
    /// The text, and that the log had this head at a time (tlog-cosignature).
    Witness,
}

impl Kind {
    /// The signature type of C2SP signed-note, as it stands before a key. None is the beginning of another.
    fn signature_type(self, suite: Suite) -> &'static [u8] {
        match (self, suite) {
            (Self::Log, Suite::Ed25519) => &[1],
            (Self::Witness, Suite::Ed25519) => &[4],
            (Self::Log, Suite::Sm2) => b"\xffshuqiao/sm2-sm3/note",
            (Self::Witness, Suite::Sm2) => b"\xffshuqiao/sm2-sm3/cosignature",
        }
    }

    /// Splits a signature type from the key behind it.
    fn split(encoded: &[u8]) -> Option<(Self, &[u8])> {
        let kinds = [Self::Log, Self::Witness].into_iter();
        let mut types = kinds.flat_map(|kind| Suite::ALL.map(|suite| (kind, kind.signature_type(suite))));
        types.find_map(|(kind, prefix)| encoded.strip_prefix(prefix).map(|key| (kind, key)))
    }
}

/// The public key of a log or a witness, with its name. As text: `name+id+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: PublicKey,
    kind: Kind,
}

impl NoteKey {
    /// A log's key; its name is the log's origin.
    pub fn of_log(origin: &str, key: PublicKey) -> Self {
        Self { name: origin.to_owned(), key, kind: Kind::Log }
    }

    /// A witness's key.
    pub fn of_witness(name: &str, key: PublicKey) -> Self {
        Self { name: name.to_owned(), key, kind: Kind::Witness }
    }

    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let wrong =
            || malformed("a key is written name+id+key, as `shuqiao log key` and a witness print theirs");
        let (name, rest) = text.trim().split_once('+').ok_or_else(wrong)?;
        let (id, encoded) = rest.split_once('+').ok_or_else(wrong)?;
        let bytes = from_base64(encoded).map_err(|_| wrong())?;
        let (kind, key) = Kind::split(&bytes).ok_or_else(wrong)?;
        let key = Self { name: name.to_owned(), key: PublicKey::from_bytes(key)?, kind };
        // The type must be that of the key's own suite.
        if !is_name(name) || key.encoded() != bytes || from_hex(id).map_err(|_| wrong())? != key.id() {
            return Err(wrong());
        }
        Ok(key)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The first four bytes of SHA-256 of name, line feed, type and key.
    fn id(&self) -> [u8; 4] {
        let mut hasher = Hasher::new();
        hasher.update(self.name.as_bytes());
        hasher.update(b"\n");
        hasher.update(&self.encoded());
        let [a, b, c, d, ..] = *hasher.finish().as_bytes();
        [a, b, c, d]
    }

    fn encoded(&self) -> Vec<u8> {
        [self.kind.signature_type(self.key.suite()), self.key.as_bytes()].concat()
    }

    fn line(&self, bytes: &[u8]) -> NoteSignature {
        NoteSignature { name: self.name.clone(), id: self.id(), bytes: bytes.to_vec() }
    }

    /// What this key's signature on the note proves: the time it states in seconds since 1970 (0 for a log's, which
    /// states none), or `None` if there is no valid one.
    pub fn signed(&self, note: &Note) -> Option<u64> {
        self.own_lines(note).find_map(|line| self.states(&note.text, &line.bytes))
    }

    /// The line of this key's valid signature on the note.
    pub(crate) fn line_on<'a>(&self, note: &'a Note) -> Option<&'a NoteSignature> {
        self.own_lines(note).find(|line| self.states(&note.text, &line.bytes).is_some())
    }

    fn own_lines<'a>(&self, note: &'a Note) -> impl Iterator<Item = &'a NoteSignature> {
        let id = self.id();
        note.signatures.iter().filter(move |line| line.name == self.name && line.id == id)
    }

    fn states(&self, text: &str, bytes: &[u8]) -> Option<u64> {
        match self.kind {
            Kind::Log => self.key.verify(text.as_bytes(), bytes).ok().map(|()| 0),
            Kind::Witness => {
                let (time, signature) = bytes.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                self.key.verify(cosigned(text, time).as_bytes(), signature).ok().map(|()| time)
            }
        }
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}+{}", self.name, to_hex(&self.id()), to_base64(&self.encoded()))
    }
}

/// A witness's signature on a checkpoint's text at a time, in seconds since 1970.
pub fn cosign(text: &str, name: &str, key: &SigningKey, time: u64) -> NoteSignature {
    let signature = key.sign(cosigned(text, time).as_bytes());
    let bytes = [time.to_be_bytes().as_slice(), &signature].concat();
    NoteKey::of_witness(name, key.public()).line(&bytes)
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// Whether a text may name a signer.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn malformed(what: &str) -> LedgerError {
    LedgerError::Note(what.to_owned())
}
