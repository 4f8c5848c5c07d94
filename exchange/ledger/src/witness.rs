//! A witness (C2SP tlog-witness): remembers the newest head of each log it knows, and cosigns the next one only if it is
//! proven to extend that one. Whoever rewrites a log, even with the log's own key, gets no more cosignatures.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use exchange_crypto::{Digest, SigningKey, from_base64};

use crate::checkpoints::{SignedCheckpoint, line, read_line};
use crate::merkle::extends;
use crate::note::{Note, NoteKey, NoteSignature, cosign, is_name};
use crate::{LedgerError, durable};

/// Hashes of one proof, at most (C2SP tlog-witness).
const MAX_PROOF: usize = 63;

/// The body of `POST /add-checkpoint`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// Leaves of the head that the log believes the witness to know.
    pub old_size: u64,
    /// The proof that the new head extends it.
    pub proof: Vec<Digest>,
    /// The new head.
    pub note: Note,
}

impl AddCheckpoint {
    /// Reads the body.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let wrong = |what: &str| LedgerError::Note(format!("the request {what}"));
        let (head, note) = text.split_once("\n\n").ok_or_else(|| wrong("has no checkpoint"))?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(|size| size.parse().ok())
            .ok_or_else(|| wrong("does not begin with `old` and a size"))?;
        let hash = |line: &str| from_base64(line).ok().and_then(|bytes| bytes.try_into().ok());
        let proof = lines
            .map(|line| hash(line).map(Digest::from_bytes).ok_or_else(|| wrong("has a line that is no hash")))
            .collect::<Result<Vec<_>, _>>()?;
        if proof.len() > MAX_PROOF {
            return Err(wrong("has a proof that is too long"));
        }
        Ok(Self { old_size, proof, note: Note::parse(note)? })
    }

    /// The body's text.
    pub fn text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
        format!("old {}\n{proof}\n{}", self.old_size, self.note)
    }
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It does not know the log.
    #[error("this witness does not know the log `{0}`")]
    UnknownLog(String),
    /// None of the log's keys signed the head.
    #[error(
        "the checkpoint is signed by none of the keys that this witness knows of its log; when the log's key was replaced, \
         start the witness with --log for the old key and for the new one"
    )]
    NotSigned,
    /// The log states another head than the one it has proven before, which has this size.
    #[error("the newest checkpoint that this witness knows has size {0}")]
    OtherHead(u64),
    /// The new head does not extend the old one: the log was rewritten, or the proof is wrong.
    #[error("the checkpoint does not extend the one that this witness knows: history was rewritten")]
    Rewritten,
    /// Not a request.
    #[error("{0}")]
    Malformed(String),
}

/// A witness with its store.
pub struct Witness {
    name: String,
    key: SigningKey,
    logs: Vec<NoteKey>,
    path: PathBuf,
    store: Mutex<Store>,
}

struct Store {
    file: File,
    heads: BTreeMap<String, SignedCheckpoint>,
}

impl Witness {
    /// Opens or creates the store in a folder. `logs` are the keys of the logs that it watches, of one log the old and the
    /// new where its key was replaced; a log's later epochs are known with it.
    pub fn open(folder: &Path, name: &str, key: SigningKey, logs: Vec<NoteKey>) -> Result<Self, LedgerError> {
        if !is_name(name) {
            let reason = format!("`{name}` can't name a witness: no spaces and no plus sign");
            return Err(LedgerError::Note(reason));
        }
        durable::make_folder(folder)?;
        let path = folder.join("heads.jsonl");
        let mut file = durable::open_locked(&path)?;
        let mut heads = BTreeMap::new();
        durable::read_lines(&path, &mut file, |number, line| {
            let damaged = |error: LedgerError| LedgerError::Damaged {
                path: path.clone(),
                line: number + 1,
                reason: error.to_string(),
            };
            let signed = read_line(line).map_err(damaged)?;
            heads.insert(signed.checkpoint.origin.clone(), signed);
            Ok(())
        })?;
        let store = Mutex::new(Store { file, heads });
        Ok(Self { name: name.to_owned(), key, logs, path, store })
    }

    /// The key under which its cosignatures verify.
    pub fn key(&self) -> NoteKey {
        NoteKey::of_witness(&self.name, self.key.public())
    }

    /// The newest heads that it has cosigned, with its cosignatures.
    pub fn heads(&self) -> Vec<SignedCheckpoint> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).heads.values().cloned().collect()
    }

    /// Checks a new head and cosigns it at `now`, in seconds since 1970. The head is durable before the cosignature is
    /// given.
    pub fn add(
        &self,
        request: &AddCheckpoint,
        now: u64,
    ) -> Result<Result<NoteSignature, Refusal>, LedgerError> {
        let Ok(checkpoint) = request.note.checkpoint() else {
            return Ok(Err(Refusal::Malformed("the note is no checkpoint".to_owned())));
        };
        let signatures = match self.signatures(&request.note, &checkpoint.origin) {
            Ok(signatures) => signatures,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Held until the head is stored: of two heads at once the second is compared with the first.
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        let known = store.heads.get(&checkpoint.origin).map(|signed| &signed.checkpoint);
        let (old_size, old_root) =
            known.map_or_else(|| (0, Digest::of(b"")), |known| (known.size, known.root));
        if request.old_size > checkpoint.size {
            let message = "the old size is greater than the checkpoint's";
            return Ok(Err(Refusal::Malformed(message.to_owned())));
        }
        if request.old_size != old_size {
            return Ok(Err(Refusal::OtherHead(old_size)));
        }
        if !extends((old_size, &old_root), (checkpoint.size, &checkpoint.root), &request.proof) {
            return Ok(Err(Refusal::Rewritten));
        }
        // Whoever sends a known head again costs no write, and learns what all may know.
        let stored = store.heads.get(&checkpoint.origin).filter(|known| known.checkpoint == checkpoint);
        if let Some(line) = stored.and_then(|known| self.key().line_on(&known.note)) {
            return Ok(Ok(line.clone()));
        }
        let cosignature = cosign(&request.note.text, &self.name, &self.key, now);
        let note = Note {
            text: request.note.text.clone(),
            signatures: [signatures, vec![cosignature.clone()]].concat(),
        };
        durable::append(&self.path, &mut store.file, &line(&note)?)?;
        store.heads.insert(checkpoint.origin.clone(), SignedCheckpoint { checkpoint, note });
        Ok(Ok(cosignature))
    }

    /// The log's own signatures on its note, one for each of its keys at most: what else stands there is not kept.
    fn signatures(&self, note: &Note, origin: &str) -> Result<Vec<NoteSignature>, Refusal> {
        let is_of = |log: &&NoteKey| {
            let rest = origin.strip_prefix(log.name());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("/epoch/"))
        };
        let mut logs = self.logs.iter().filter(is_of).peekable();
        if logs.peek().is_none() {
            return Err(Refusal::UnknownLog(origin.to_owned()));
        }
        let own = |log: &NoteKey| NoteKey::of_log(origin, *log.key()).line_on(note).cloned();
        let signatures: Vec<_> = logs.filter_map(own).collect();
        match signatures.is_empty() {
            true => Err(Refusal::NotSigned),
            false => Ok(signatures),
        }
    }
}
