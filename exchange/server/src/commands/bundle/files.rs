//! The files of a bundle: every signature beside exactly the bytes that it signs, every step of a proof a file.

use std::collections::BTreeMap;

use catalog_core::evidence::{Event, EvidenceRecord};
use catalog_core::{Error, ErrorCode, Result};
use exchange_auth::JwkSet;
use exchange_crypto::{Digest, PublicKey, from_base64, from_base64url, from_hex, to_base64, to_base64url};
use exchange_ledger::note::{Note, NoteKey};
use exchange_ledger::opens;
use openapi_contract::{LeafProof, Receipt};

use super::super::names::Names;
use super::super::receipt::{Genuine, genuine};
use super::{Case, cover};

/// The check by openssl and sha256sum alone.
const CHECK: &str = include_str!("check.sh");

/// Files by name, in the order of their names.
#[derive(Default)]
pub(super) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// All files of a bundle.
    pub(super) fn of(cases: &[Case], keys: &JwkSet, witnesses: &[NoteKey], names: &Names) -> Result<Self> {
        let mut files = Self::default();
        files.keys(keys, witnesses)?;
        for (number, case) in (1..).zip(cases) {
            files.case(&format!("receipts/{number:03}"), case, keys, witnesses)?;
        }
        files.add("check.sh", CHECK);
        files.add("index.html", cover::html(cases, keys, witnesses, names));
        files.add("index.txt", cover::text(cases, keys, witnesses, names));
        let line =
            |(name, content): (&String, &Vec<u8>)| format!("{}  {name}\n", Digest::of(content).to_hex());
        let sums: String = files.0.iter().map(line).collect();
        files.add("SHA256SUMS", sums);
        Ok(files)
    }

    /// Names and contents.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    fn add(&mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(name.into(), content.into());
    }

    /// The history of the platform's keys, and each key as openssl reads it.
    fn keys(&mut self, keys: &JwkSet, witnesses: &[NoteKey]) -> Result<()> {
        self.add("keys/jwks.json", serde_json::to_vec_pretty(keys).map_err(Error::internal)?);
        for key in &keys.keys {
            self.add(format!("keys/{}.pem", key.kid), pem(&key.public_key()?));
        }
        for (number, witness) in (1..).zip(witnesses) {
            self.add(format!("keys/witness-{number}.pem"), pem(witness.key()));
            self.add(format!("keys/witness-{number}.txt"), format!("{witness}\n"));
        }
        Ok(())
    }

    fn case(&mut self, folder: &str, case: &Case, keys: &JwkSet, witnesses: &[NoteKey]) -> Result<()> {
        let Case { receipt, answer, states } = case;
        let Genuine { key, note, head } = genuine(receipt, keys)?;
        self.add(
            format!("{folder}/receipt.json"),
            serde_json::to_vec_pretty(receipt).map_err(Error::internal)?,
        );
        let statement = serde_json_canonicalizer::to_vec(&receipt.statement()).map_err(Error::internal)?;
        let (header, signature) = receipt.signature.trim_end().split_once("..").ok_or_else(no_signature)?;
        let signed = format!("{header}.{}", to_base64url(&statement));
        self.signed(
            &format!("{folder}/statement"),
            (&key.kid, &key.public_key()?),
            signed,
            &from_base64url(signature).map_err(wrong)?,
        )?;
        self.add(format!("{folder}/statement.json"), statement);
        self.checkpoint(folder, receipt, &note, keys, witnesses)?;
        for (number, (record, proof)) in (1..).zip(receipt.records.iter().zip(&receipt.proofs)) {
            let folder = format!("{folder}/records/{number:02}");
            let leaf = serde_json_canonicalizer::to_vec(record).map_err(Error::internal)?;
            self.add(format!("{folder}/leaf.json"), leaf);
            self.path(&folder, proof, head.size)?;
            if let Some(answer) = answer
                && let Some(salt) = salt_of(receipt, record, answer)
            {
                self.add(format!("{folder}/answer.salt"), salt);
                self.add(format!("{folder}/answer"), answer.clone());
            }
            for state in states {
                if state.is_made_by(record)? {
                    self.add(format!("{folder}/state.json"), state.bytes()?);
                }
            }
        }
        Ok(())
    }

    /// The head of the log, with the log's signature and those of the witnesses whose keys are given.
    fn checkpoint(
        &mut self,
        folder: &str,
        receipt: &Receipt,
        note: &Note,
        keys: &JwkSet,
        witnesses: &[NoteKey],
    ) -> Result<()> {
        self.add(format!("{folder}/checkpoint.txt"), receipt.checkpoint.clone());
        let checkpoint = note.checkpoint()?;
        for key in &keys.keys {
            let signer = NoteKey::of_log(&checkpoint.origin, key.public_key()?);
            if let Some(signature) = signature_by(&signer, note) {
                let key = (key.kid.as_str(), signer.key());
                self.signed(&format!("{folder}/checkpoint"), key, note.text.clone(), &signature)?;
            }
        }
        for (number, witness) in (1..).zip(witnesses) {
            let Some(time) = witness.signed(note) else { continue };
            let Some(signature) = signature_by(witness, note) else { continue };
            let signed = format!("cosignature/v1\ntime {time}\n{}", note.text);
            // The first eight bytes are the time.
            let signature = signature.get(8..).unwrap_or_default();
            let name = format!("{folder}/cosignature-{number}");
            self.signed(&name, (&format!("witness-{number}"), witness.key()), signed, signature)?;
        }
        Ok(())
    }

    fn signed(
        &mut self,
        name: &str,
        (key_name, key): (&str, &PublicKey),
        body: impl Into<Vec<u8>>,
        signature: &[u8],
    ) -> Result<()> {
        self.add(format!("{name}.key"), key_name);
        self.add(format!("{name}.body"), body);
        self.add(format!("{name}.sig"), key.to_openssl(signature).map_err(wrong)?);
        Ok(())
    }

    /// The way from a leaf to the root (RFC 9162 section 2.1.3.2): each hash a file, named by the side on which it stands.
    fn path(&mut self, folder: &str, proof: &LeafProof, size: u64) -> Result<()> {
        let (mut at, mut last) = (proof.index, size.saturating_sub(1));
        for (number, step) in (1..).zip(&proof.path) {
            let on_the_left = at & 1 == 1 || at == last;
            let side = if on_the_left { "left" } else { "right" };
            self.add(format!("{folder}/step-{number:02}-{side}"), from_base64(step).map_err(wrong)?);
            while on_the_left && at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        Ok(())
    }
}

/// The salt with which an answer is the one that the record commits to.
fn salt_of(receipt: &Receipt, record: &EvidenceRecord, answer: &[u8]) -> Option<Vec<u8>> {
    let (Event::Access { answer_commitment, .. } | Event::AccessEnded { answer_commitment, .. }) =
        &record.event
    else {
        return None;
    };
    let salts = receipt.salts.iter().filter(|salt| salt.record == record.id && salt.of == "answer");
    let mut salts = salts.filter_map(|salt| from_hex(&salt.salt).ok());
    salts.find(|salt| opens(answer_commitment, salt, answer))
}

/// The bytes of a signer's valid signature in a note.
fn signature_by(signer: &NoteKey, note: &Note) -> Option<Vec<u8>> {
    let holds = |line: &&_| {
        signer.signed(&Note { text: note.text.clone(), signatures: vec![<_>::clone(*line)] }).is_some()
    };
    note.signatures.iter().find(holds).map(|line| line.bytes.clone())
}

/// The key as openssl reads it.
fn pem(key: &PublicKey) -> String {
    let encoded = to_base64(&key.to_spki());
    format!("-----BEGIN PUBLIC KEY-----\n{encoded}\n-----END PUBLIC KEY-----\n")
}

fn no_signature() -> Error {
    Error::new(ErrorCode::Corrupt, "the receipt has no signature")
}

fn wrong(cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Corrupt, "a part of the receipt is not written as receipts are")
        .with_internal(cause)
}
