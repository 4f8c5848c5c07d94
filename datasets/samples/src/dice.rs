//! Repeatable chance: every object has its own stream of ChaCha8, named by seed, topic and index.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a stream of chance is for, so that no two kinds of object share one.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Topic {
    Streets = 1,
    Villages,
    People,
    Entities,
    Representatives,
    Penalties,
    Licences,
    Dishonest,
    Honest,
    Certificates,
    SocialSecurity,
    Places,
    Statistics,
}

/// One object's stream of chance. Only raw words are taken from the generator and turned into numbers here, so that
/// a city stays the same when a library changes its way of drawing ranges.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    pub(crate) fn new(seed: u64, topic: Topic, index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8] = topic as u8;
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(index);
        Self(generator)
    }

    /// A number below `bound` (0 for a bound of 0).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        let width = u64::from(high.abs_diff(low)) + 1;
        low + ((u64::from(self.0.next_u32()) * width) >> 32) as i32
    }

    /// The same, the mean of two throws: the middle is likelier than the ends.
    pub(crate) fn around(&mut self, low: i32, high: i32) -> i32 {
        (self.between(low, high) + self.between(low, high)).div_euclid(2)
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: i32) -> bool {
        self.between(0, 99) < percent
    }

    /// The number of heads among `coins` (at most 32): a bell curve.
    pub(crate) fn heads(&mut self, coins: u32) -> u32 {
        (self.0.next_u32() >> 32_u32.saturating_sub(coins)).count_ones()
    }

    /// A member of a list that is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.between(0, list.len() as i32 - 1) as usize]
    }

    /// A member of a list of (weight, member).
    pub(crate) fn weighted<T: Copy>(&mut self, list: &[(u32, T)]) -> T {
        let total: u32 = list.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(0, total as i32 - 1) as u32;
        for &(weight, member) in list {
            if left < weight {
                return member;
            }
            left -= weight;
        }
        list[0].1
    }

    /// A ticket of a lottery.
    pub(crate) fn draw(&mut self, lottery: &Lottery) -> usize {
        usize::from(lottery.0[(self.0.next_u32() >> 16) as usize])
    }
}

/// 65,536 tickets shared out by weight: a draw among thousands costs one look-up.
pub(crate) struct Lottery(Vec<u16>);

impl Lottery {
    pub(crate) const TICKETS: u64 = 1 << 16;

    /// A lottery among `weights.len()` members (at most 65,536), not all of weight 0.
    pub(crate) fn new(weights: &[u64]) -> Self {
        let total: u64 = weights.iter().sum::<u64>().max(1);
        let mut tickets = Vec::with_capacity(Self::TICKETS as usize);
        let mut sum = 0;
        for (member, weight) in weights.iter().enumerate() {
            sum += weight;
            tickets.resize((sum * Self::TICKETS / total) as usize, member as u16);
        }
        tickets.resize(Self::TICKETS as usize, 0);
        Self(tickets)
    }

    /// The member of each ticket.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|member| usize::from(*member))
    }

    /// The member that piece `number` (below `of`) falls to when `of` pieces are dealt out by weight, and how many
    /// pieces before it went to the same group of neighbouring members.
    pub(crate) fn deal<G: PartialEq>(
        &self,
        number: u64,
        of: u64,
        group: impl Fn(usize) -> G,
    ) -> (usize, u64) {
        let member = |number: u64| usize::from(self.0[(number * Self::TICKETS / of) as usize]);
        let own = group(member(number));
        let before = (0..number).rev().take_while(|earlier| group(member(*earlier)) == own).count();
        (member(number), before as u64)
    }
}
