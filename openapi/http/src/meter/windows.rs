//! The windows of everyone who is counted, in bounded memory.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use catalog_core::Timestamp;
use catalog_core::quota::Quotas;

use super::standing::{Policy, Standing, Unit};

/// Windows remembered.
const ROOM: usize = 100_000;
/// Networks of 64 bits in whose quotas one site, which has 65,536 of them, may ask.
const SITE: u32 = 16;

/// Who is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Payer {
    /// An address; of IPv6, a network of 64 bits, of which everyone has one.
    Address(IpAddr),
    /// A network of 48 bits of IPv6: whoever gets one can ask from 65,536 of the others.
    Site(Ipv6Addr),
    /// Strangers for whom there is no room.
    Crowd,
    /// A developer key, by its id.
    Key(String),
    /// A developer, by login name.
    Developer(String),
}

impl Payer {
    fn name(&self) -> &'static str {
        match self {
            Self::Address(_) | Self::Crowd => "anonymous",
            Self::Site(_) => "network",
            Self::Key(_) => "key",
            Self::Developer(_) => "developer",
        }
    }

    /// Strangers may be as many as they like; keys and developers are as many as there are.
    fn is_stranger(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Site(_))
    }

    /// Requests, and bytes where those are counted.
    fn allowance(&self, quotas: &Quotas) -> (u64, Option<u64>) {
        let Quotas { anonymous, anonymous_bytes, key, developer, developer_bytes, .. } = *quotas;
        match self {
            Self::Address(_) | Self::Crowd => (anonymous.into(), Some(anonymous_bytes)),
            Self::Site(_) => {
                (u64::from(anonymous) * u64::from(SITE), Some(anonymous_bytes.saturating_mul(SITE.into())))
            }
            Self::Key(_) => (key.into(), None),
            Self::Developer(_) => (developer.into(), Some(developer_bytes)),
        }
    }
}

/// Requests and bytes counted from a moment on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Window {
    since: Timestamp,
    taken: u32,
    bytes: u64,
}

impl Window {
    /// Takes one of `most` within so many seconds; where there is none left, answers the seconds until there is. A clock
    /// that was set back begins anew.
    pub(crate) fn take(&mut self, most: u32, seconds: i64, now: Timestamp) -> Result<(), i64> {
        *self = self.at(seconds, now);
        if self.taken >= most {
            return Err(self.ends_in(seconds, now));
        }
        self.taken += 1;
        Ok(())
    }

    /// The window as it is then: a new one where this is over.
    fn at(self, seconds: i64, now: Timestamp) -> Self {
        match self.is_over(seconds, now) {
            true => Self { since: now, ..Self::default() },
            false => self,
        }
    }

    fn is_over(&self, seconds: i64, now: Timestamp) -> bool {
        now < self.since || self.since.plus_seconds(seconds) <= now
    }

    /// Whole seconds until the next one may begin, at least one.
    fn ends_in(&self, seconds: i64, now: Timestamp) -> i64 {
        let left = self.since.plus_seconds(seconds).0.saturating_sub(now.0);
        left.saturating_add(999_999).div_euclid(1_000_000).max(1)
    }

    /// How much of an allowance is used, in thousandths; 1000 where nothing is left of it.
    fn used(&self, (requests, bytes): (u64, Option<u64>)) -> u64 {
        let of = |taken: u64, most: u64| {
            let share = u128::from(taken) * 1000 / u128::from(most.max(1));
            u64::try_from(share.min(1000)).unwrap_or(1000)
        };
        of(self.taken.into(), requests).max(bytes.map_or(0, |most| of(self.bytes, most)))
    }
}

/// Everyone's window.
pub(super) struct Windows {
    windows: Mutex<HashMap<Payer, Window>>,
    room: usize,
}

impl Default for Windows {
    fn default() -> Self {
        Self { windows: Mutex::default(), room: ROOM }
    }
}

impl Windows {
    /// Counts a request for all of these, or for none of them where one of them has nothing left.
    pub(super) fn take(&self, payers: Vec<Payer>, quotas: &Quotas, now: Timestamp) -> Standing {
        let seconds = i64::from(quotas.window_seconds);
        let mut windows = self.lock();
        let mut placed: Vec<Payer> = Vec::new();
        for payer in payers {
            let payer = self.place(&mut windows, payer, quotas, now);
            if !placed.contains(&payer) {
                placed.push(payer);
            }
        }
        let mut policies = Vec::new();
        let mut current = Vec::new();
        for payer in &placed {
            let window = windows.get(payer).copied().unwrap_or_default().at(seconds, now);
            policies.extend(standings(payer, window, quotas, now));
            current.push(window);
        }
        let is_over = policies.iter().any(Policy::is_used_up);
        if !is_over {
            policies.iter_mut().for_each(Policy::take_one);
        }
        for (payer, window) in placed.iter().zip(current) {
            let taken = window.taken.saturating_add(u32::from(!is_over));
            windows.insert(payer.clone(), Window { taken, ..window });
        }
        Standing { policies, payers: placed, is_over }
    }

    /// Requests and bytes that are left to somebody in the window that runs; nothing is taken.
    pub(super) fn left(&self, payer: &Payer, quotas: &Quotas, now: Timestamp) -> (u64, u64) {
        let window =
            self.lock().get(payer).copied().unwrap_or_default().at(quotas.window_seconds.into(), now);
        let (requests, bytes) = payer.allowance(quotas);
        let left_bytes = bytes.map_or(0, |bytes| bytes.saturating_sub(window.bytes));
        (requests.saturating_sub(window.taken.into()), left_bytes)
    }

    /// Counts bytes that have left.
    pub(super) fn sent(&self, payers: &[Payer], bytes: u64, quotas: &Quotas, now: Timestamp) {
        let seconds = i64::from(quotas.window_seconds);
        let mut windows = self.lock();
        for payer in payers {
            // Whoever has been forgotten meanwhile had asked for next to nothing.
            if let Some(window) = windows.get_mut(payer) {
                *window = window.at(seconds, now);
                window.bytes = window.bytes.saturating_add(bytes);
            }
        }
    }

    /// As whom somebody is counted: as themselves, where there is room for them.
    fn place(
        &self,
        windows: &mut HashMap<Payer, Window>,
        payer: Payer,
        quotas: &Quotas,
        now: Timestamp,
    ) -> Payer {
        let seconds = i64::from(quotas.window_seconds);
        if windows.len() < self.room || windows.contains_key(&payer) {
            return payer;
        }
        let crowd = windows.get(&Payer::Crowd);
        // Room was sought in vain, and is sought again when their window is over.
        if crowd.is_none_or(|crowd| crowd.is_over(seconds, now)) {
            self.make_room(windows, quotas, now);
        }
        match windows.len() < self.room || !payer.is_stranger() {
            true => payer,
            false => Payer::Crowd,
        }
    }

    /// Forgets windows that are over; where those are few, strangers who have asked least and so have least to be
    /// forgotten. Whoever has nothing left stays known: else asking from ever new addresses would give it back to them.
    fn make_room(&self, windows: &mut HashMap<Payer, Window>, quotas: &Quotas, now: Timestamp) {
        let seconds = i64::from(quotas.window_seconds);
        windows.retain(|_, window| !window.is_over(seconds, now));
        let strangers = windows.iter().filter(|(payer, _)| payer.is_stranger());
        let mut used: Vec<u64> =
            strangers.map(|(payer, window)| window.used(payer.allowance(quotas))).collect();
        if windows.len() < self.room / 4 * 3 || used.is_empty() {
            return;
        }
        let place = used.len() / 4;
        let little = (*used.select_nth_unstable(place).1).min(999);
        windows.retain(|payer, window| !payer.is_stranger() || window.used(payer.allowance(quotas)) > little);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Payer, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where one of those who are counted stands.
fn standings(payer: &Payer, window: Window, quotas: &Quotas, now: Timestamp) -> Vec<Policy> {
    let (requests, bytes) = payer.allowance(quotas);
    let policy = |unit: Unit, quota: u64, used: u64| Policy {
        name: payer.name(),
        unit,
        quota,
        seconds: quotas.window_seconds,
        left: quota.saturating_sub(used),
        reset: window.ends_in(quotas.window_seconds.into(), now),
    };
    let of_requests = policy(Unit::Requests, requests, window.taken.into());
    let of_bytes = bytes.map(|most| policy(Unit::Bytes, most, window.bytes));
    [of_requests].into_iter().chain(of_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(0).plus_seconds(1_000_000 + seconds)
    }

    fn quotas() -> Quotas {
        Quotas { anonymous: 4, anonymous_bytes: 100, key: 3, developer: 5, ..Quotas::default() }
    }

    fn address(number: u8) -> Payer {
        Payer::Address(IpAddr::from([203, 0, 113, number]))
    }

    fn is_refused(windows: &Windows, payers: &[Payer], seconds: i64) -> bool {
        windows.take(payers.to_vec(), &quotas(), at(seconds)).is_over
    }

    #[test]
    fn a_window_begins_with_the_first_request() {
        let mut window = Window::default();
        for _ in 0..3 {
            assert_eq!(window.take(3, 60, at(10)), Ok(()));
        }
        assert_eq!(window.take(3, 60, at(10)), Err(60));
        assert_eq!(window.take(3, 60, Timestamp(at(69).0 + 1)), Err(1), "no one is told to wait no time");
        assert_eq!(window.take(3, 60, at(70)), Ok(()));
        assert_eq!(window.taken, 1);
        assert_eq!(window.take(1, 60, at(0)), Ok(()), "a clock that was set back begins anew");
    }

    #[test]
    fn a_developer_has_one_quota_beside_those_of_their_keys() {
        let windows = Windows::default();
        let developer = Payer::Developer("dev-1".to_owned());
        let key = |id: &str| [Payer::Key(id.to_owned()), developer.clone()];
        for _ in 0..3 {
            assert!(!is_refused(&windows, &key("a"), 0));
        }
        assert!(is_refused(&windows, &key("a"), 0));
        // What was refused counts for nobody: two are left, for a new key or a session.
        assert!(!is_refused(&windows, &key("b"), 0));
        let session = std::slice::from_ref(&developer);
        assert!(!is_refused(&windows, session, 0));
        assert!(is_refused(&windows, &key("c"), 0), "a new key is no new quota");
        assert!(is_refused(&windows, session, 0));
        assert!(!is_refused(&windows, session, 60));
    }

    #[test]
    fn whoever_was_sent_much_waits_and_what_is_sent_later_counts_later() {
        let windows = Windows::default();
        let both = [address(1)];
        assert!(!is_refused(&windows, &both, 0));
        windows.sent(&both, 99, &quotas(), at(1));
        assert!(!is_refused(&windows, &both, 1));
        windows.sent(&both, 1, &quotas(), at(2));
        let standing = windows.take(both.to_vec(), &quotas(), at(3));
        assert!(standing.is_over);
        let told: Vec<_> = standing.policies.iter().map(|one| (one.left, one.reset)).collect();
        assert_eq!(told, [(2, 57), (0, 57)]);
        windows.sent(&both, 100, &quotas(), at(60));
        assert!(is_refused(&windows, &both, 61), "a long answer is counted when it leaves");
        windows.sent(&[address(2)], 100, &quotas(), at(60));
        assert!(!is_refused(&windows, &[address(2)], 61), "and for those alone who are known");
    }

    #[test]
    fn a_flood_of_addresses_gives_nobody_back_what_they_used() {
        let windows = Windows { room: 8, ..Windows::default() };
        let developer = [Payer::Developer("dev-1".to_owned())];
        for _ in 0..4 {
            assert!(!is_refused(&windows, &[address(1)], 0));
            assert!(!is_refused(&windows, &developer, 0));
        }
        assert!(is_refused(&windows, &[address(1)], 0));
        for number in 2..=200 {
            assert!(!is_refused(&windows, &[address(number)], 0), "newcomers are heard");
            assert!(windows.lock().len() <= 8);
        }
        assert!(is_refused(&windows, &[address(1)], 0));
        assert!(!is_refused(&windows, &developer, 0));
        assert!(is_refused(&windows, &developer, 0));
    }

    #[test]
    fn where_all_have_used_up_theirs_newcomers_share_one() {
        let windows = Windows { room: 4, ..Windows::default() };
        for number in 1..=4 {
            for _ in 0..4 {
                assert!(!is_refused(&windows, &[address(number)], 0));
            }
        }
        let heard = (5..=20).filter(|number| !is_refused(&windows, &[address(*number)], 1)).count();
        assert_eq!(heard, 4);
        assert!((1..=4).all(|number| is_refused(&windows, &[address(number)], 1)));
        assert!(windows.lock().len() <= 5);
        assert!(!is_refused(&windows, &[address(9)], 61), "the next window is open to all");
    }
}
