//! Signatures per second of both suites on one thread. See README.md.

use std::time::{Duration, Instant};

use exchange_crypto::{CryptoError, SigningKey, Suite};

/// Bytes of what is signed: about a signature base, a checkpoint or the head of a manifest.
const MESSAGE: [u8; 512] = [7; 512];
const SPAN: Duration = Duration::from_secs(1);
const RUNS: usize = 5;

/// Calls per second, of the fastest run.
fn rate(call: impl Fn() -> Result<(), CryptoError>) -> Result<f64, CryptoError> {
    let mut best: f64 = 0.0;
    for _ in 0..RUNS {
        let (start, mut calls) = (Instant::now(), 0_u32);
        while start.elapsed() < SPAN {
            call()?;
            calls += 1;
        }
        best = best.max(f64::from(calls) / start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), CryptoError> {
    let mut rates = Vec::new();
    for suite in Suite::ALL {
        let (key, _) = SigningKey::generate_for(suite)?;
        let (public, signature) = (key.public(), key.sign(&MESSAGE));
        let signs = rate(|| {
            std::hint::black_box(key.sign(&MESSAGE));
            Ok(())
        })?;
        let verifies = rate(|| public.verify(&MESSAGE, &signature))?;
        println!("{suite}: {signs:.0} signatures/s, {verifies:.0} verifications/s");
        rates.push((signs, verifies));
    }
    if let [ed25519, sm2] = rates[..] {
        let (sign, verify) = (ed25519.0 / sm2.0, ed25519.1 / sm2.1);
        println!("SM2 takes {sign:.1} times as long to sign, {verify:.1} times to verify");
    }
    Ok(())
}
