//! Bounds on what strangers may do without a key: so many requests in an hour, and a delay that grows with wrong codes.
//!
//! Whoever has the code is never kept out by others: a matter's wrong codes delay only those addresses that have tried a wrong
//! one for it themselves. Addresses are kept in memory for an hour and written nowhere.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog_core::{Error, ErrorCode, Result, Timestamp};

use crate::meter::Window;

const HOUR: i64 = 3600;
/// Wrong codes of one address for one matter before it waits.
const OWN_TRIES: u32 = 5;
/// Contributions of one address in an hour.
const OWN_CONTRIBUTIONS: u32 = 20;
/// Contributions of all strangers in an hour.
const ALL_CONTRIBUTIONS: u32 = 300;
/// Wrong codes of one address, or for one matter, before those that tried wait.
const ALL_TRIES: u32 = 50;
/// The longest wait in seconds.
const LONGEST: i64 = 300;
/// Addresses and matters remembered; beyond that those are forgotten whose next code is heard soonest.
const REMEMBERED: usize = 100_000;
/// Characters of a number that are told apart; the numbers of matters are shorter.
const NUMBER: usize = 32;

/// Whose wrong codes are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Address(IpAddr),
    Matter(String),
    Both(IpAddr, String),
}

impl Whose {
    fn free_tries(&self) -> u32 {
        match self {
            Self::Both(..) => OWN_TRIES,
            Self::Address(_) | Self::Matter(_) => ALL_TRIES,
        }
    }
}

/// Wrong codes, and when the next is heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tries {
    wrong: u32,
    last: Timestamp,
    heard_from: Timestamp,
}

impl Tries {
    /// By how much less would be known without it.
    fn weight(&self) -> (Timestamp, u32) {
        (self.heard_from, self.wrong)
    }

    /// One more: beyond the free ones each doubles the wait.
    fn after(self, free: u32, now: Timestamp) -> Self {
        let wrong = self.wrong.saturating_add(1);
        let beyond = wrong.saturating_sub(free);
        let wait = if beyond == 0 { 0 } else { (1 << beyond.min(16)).min(LONGEST) };
        Self { wrong, last: now, heard_from: now.plus_seconds(wait) }
    }
}

#[derive(Default)]
struct Counts {
    hour: Timestamp,
    opened: Window,
    contributed: Window,
    contributors: HashMap<IpAddr, Window>,
    tries: HashMap<Whose, Tries>,
}

impl Counts {
    /// Forgets what is older than an hour; a clock that was set back begins anew.
    fn turn(&mut self, now: Timestamp) {
        let is_over = |since: Timestamp| now < since || since.plus_seconds(HOUR) <= now;
        if is_over(self.hour) {
            self.hour = now;
            self.tries.retain(|_, tries| !is_over(tries.last));
            self.contributors.clear();
        }
        if self.tries.len() >= REMEMBERED {
            self.make_room();
        }
    }

    /// Forgets a quarter. Whoever waits longest is known longest, or trying wrong codes for ever new numbers would end the wait.
    fn make_room(&mut self) {
        let mut tried: Vec<_> = self.tries.values().map(Tries::weight).collect();
        let place = tried.len() / 4;
        if place < tried.len() {
            let little = *tried.select_nth_unstable(place).1;
            self.tries.retain(|_, tries| tries.weight() > little);
        }
    }

    fn of(&self, whose: &Whose) -> Tries {
        self.tries.get(whose).copied().unwrap_or_default()
    }

    /// From when on a code is heard.
    fn heard_from(&self, [address, matter, both]: &[Whose; 3]) -> Timestamp {
        let own = self.of(address).heard_from.max(self.of(both).heard_from);
        match self.tries.contains_key(both) {
            true => own.max(self.of(matter).heard_from),
            false => own,
        }
    }
}

/// A code that is being tried, and what was counted before it.
pub(crate) struct Tried([(Whose, Tries); 3]);

/// The bounds of one server.
#[derive(Default)]
pub(crate) struct PublicGate(Mutex<Counts>);

impl PublicGate {
    /// Lets one more request or letter in, of at most `most` in an hour.
    pub(crate) fn enter(&self, most: u32, now: Timestamp) -> Result<()> {
        let mut counts = self.counts(now);
        if counts.opened.take(most, HOUR, now).is_err() {
            let message = "too many requests in this hour; try again later";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        Ok(())
    }

    /// Lets one more contribution in: a few in an hour from one address, and not too many from all. This machine itself, which
    /// may be a proxy that tells no address, has no bound of its own.
    pub(crate) fn contribute(&self, address: Option<IpAddr>, now: Timestamp) -> Result<()> {
        let mut counts = self.counts(now);
        if let Some(address) = address.filter(|address| !address.is_loopback()).map(network) {
            // Where nobody is let in any more, nobody is remembered either.
            let is_full = counts.contributors.len() >= REMEMBERED;
            let own = match is_full {
                true => counts.contributors.get_mut(&address),
                false => Some(counts.contributors.entry(address).or_default()),
            };
            if own.is_some_and(|own| own.take(OWN_CONTRIBUTIONS, HOUR, now).is_err()) {
                let message = "too many contributions from this address in this hour";
                return Err(Error::new(ErrorCode::LimitRate, message));
            }
        }
        if counts.contributed.take(ALL_CONTRIBUTIONS, HOUR, now).is_err() {
            let message = "too many contributions in this hour; try again later";
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        Ok(())
    }

    /// Counts a code as wrong that is tried; refuses to hear it where this address must wait.
    pub(crate) fn try_code(&self, address: Option<IpAddr>, number: &str, now: Timestamp) -> Result<Tried> {
        let address = network(address.unwrap_or(IpAddr::from([0, 0, 0, 0])));
        let number: String = number.chars().take(NUMBER).collect();
        let all = [Whose::Address(address), Whose::Matter(number.clone()), Whose::Both(address, number)];
        let mut counts = self.counts(now);
        let wait = counts.heard_from(&all).seconds().saturating_sub(now.seconds());
        if wait > 0 {
            let message = format!("too many wrong codes from this address; try again in {wait} seconds");
            return Err(Error::new(ErrorCode::LimitRate, message));
        }
        let before = all.map(|whose| {
            let tries = counts.of(&whose);
            counts.tries.insert(whose.clone(), tries.after(whose.free_tries(), now));
            (whose, tries)
        });
        Ok(Tried(before))
    }

    /// The code that was tried is right: it does not count, and this address has this matter's code.
    pub(crate) fn was_right(&self, Tried(before): Tried) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (whose, tries) in before {
            match whose {
                Whose::Both(..) => drop(counts.tries.remove(&whose)),
                _ if tries == Tries::default() => drop(counts.tries.remove(&whose)),
                _ => drop(counts.tries.insert(whose, tries)),
            }
        }
    }

    fn counts(&self, now: Timestamp) -> MutexGuard<'_, Counts> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(now);
        counts
    }
}

/// Whoever has an IPv6 address has a network of 64 bits of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "GK-2026-000001";

    fn from(gate: &PublicGate, address: &str, seconds: i64) -> Result<Tried> {
        gate.try_code(Some(address.parse().unwrap()), NUMBER, Timestamp(0).plus_seconds(1_000_000 + seconds))
    }

    fn wait(tried: &Result<Tried>) -> String {
        tried.as_ref().err().map_or(String::new(), |error| error.message.clone())
    }

    #[test]
    fn the_delay_grows_up_to_a_bound_and_is_over_in_an_hour() {
        let gate = PublicGate::default();
        for _ in 0..5 {
            from(&gate, "192.0.2.1", 0).ok().unwrap();
        }
        // The sixth is heard, and the seventh waits two seconds, the next four, …
        from(&gate, "192.0.2.1", 0).ok().unwrap();
        let mut now = 0;
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let refused = from(&gate, "192.0.2.1", now);
            assert!(wait(&refused).contains(&format!("in {seconds} seconds")), "{}", wait(&refused));
            assert_eq!(refused.err().unwrap().code, ErrorCode::LimitRate);
            assert!(from(&gate, "192.0.2.1", now + seconds - 1).is_err(), "tries in vain make it no longer");
            now += seconds;
            from(&gate, "192.0.2.1", now).ok().unwrap();
        }
        for _ in 0..5 {
            from(&gate, "192.0.2.1", now + HOUR).ok().unwrap();
        }
    }

    #[test]
    fn nobody_is_kept_out_by_others() {
        let gate = PublicGate::default();
        // Many addresses try wrong codes, each of them often.
        for host in 1..=60 {
            for _ in 0..6 {
                let _ = from(&gate, &format!("192.0.2.{host}"), 0);
            }
        }
        assert!(from(&gate, "192.0.2.60", 0).is_err());
        let tried = from(&gate, "198.51.100.7", 0).ok().unwrap();
        gate.was_right(tried);
        let tried = from(&gate, "198.51.100.7", 1).ok().unwrap();
        gate.was_right(tried);
        // Whoever has tried a wrong one waits with those who did.
        from(&gate, "198.51.100.8", 1).ok().unwrap();
        assert!(from(&gate, "198.51.100.8", 1).is_err());
    }

    #[test]
    fn a_flood_of_numbers_ends_nobodys_wait() {
        let gate = PublicGate::default();
        for _ in 0..12 {
            let _ = from(&gate, "192.0.2.1", 0);
        }
        let now = Timestamp(0).plus_seconds(1_000_000);
        for number in 0..REMEMBERED {
            let host = IpAddr::from([198, 51, (number >> 8) as u8, number as u8]);
            let _ = gate.try_code(Some(host), &format!("GK-2026-{number:06}"), now);
        }
        assert!(gate.counts(now).tries.len() <= REMEMBERED + 2);
        assert!(from(&gate, "192.0.2.1", 1).is_err());
    }

    #[test]
    fn one_address_contributes_a_few_times_in_an_hour_and_all_of_them_not_without_end() {
        let (gate, now) = (PublicGate::default(), Timestamp(0).plus_seconds(1_000_000));
        let give = |host: u8, now| gate.contribute(Some(IpAddr::from([192, 0, 2, host])), now);
        let code = |result: Result<()>| result.err().map(|error| error.code);
        for _ in 0..OWN_CONTRIBUTIONS {
            give(1, now).ok().unwrap();
        }
        for _ in 0..ALL_CONTRIBUTIONS {
            assert_eq!(code(give(1, now)), Some(ErrorCode::LimitRate), "it uses up nobody else's");
        }
        for place in OWN_CONTRIBUTIONS..ALL_CONTRIBUTIONS {
            give(2 + (place / OWN_CONTRIBUTIONS) as u8, now).ok().unwrap();
        }
        assert_eq!(code(give(200, now)), Some(ErrorCode::Unavailable));
        give(1, now.plus_seconds(HOUR)).ok().unwrap();
    }

    #[test]
    fn a_right_code_forgives_the_wrong_ones_before_it() {
        let gate = PublicGate::default();
        for _ in 0..3 {
            for _ in 0..4 {
                from(&gate, "192.0.2.1", 0).ok().unwrap();
            }
            gate.was_right(from(&gate, "192.0.2.1", 0).ok().unwrap());
        }
    }

    #[test]
    fn a_right_code_takes_nothing_of_the_count_of_wrong_ones() {
        let gate = PublicGate::default();
        let other = |seconds: i64| {
            let now = Timestamp(0).plus_seconds(1_000_000 + seconds);
            gate.try_code(Some(IpAddr::from([192, 0, 2, 1])), "LX-2026-000001", now).ok().unwrap()
        };
        for _ in 0..6 {
            gate.was_right(other(0));
            from(&gate, "192.0.2.1", 0).ok().unwrap();
        }
        gate.was_right(other(0));
        assert!(from(&gate, "192.0.2.1", 0).is_err(), "the code of a matter of one's own opens no other");
        assert!(from(&gate, "2001:db8::1", 0).is_ok());
        assert_eq!(network("2001:db8::1".parse().unwrap()), network("2001:db8::ffff:2".parse().unwrap()));
    }
}
