//! Numbers of rows told so that no single row shows in them.
//!
//! Whoever may ask for any condition could count "these rows, and that person's if her fine is over 100" beside "these
//! rows" and read the fine from the difference. A number is therefore rounded by steps that begin elsewhere for every
//! condition, few rows are none, and all but few are all.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A step is that part of the rows at least.
const STEPS: u64 = 50;

/// A number of rows, about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AboutRows {
    /// About how many.
    pub rows: u64,
    /// The true number differs from it by less than this; 1 where it is exact. No rows within 6 are fewer than 6.
    pub within: u64,
}

impl AboutRows {
    /// A number that tells of nobody.
    pub fn exactly(rows: u64) -> Self {
        Self { rows, within: 1 }
    }

    /// So many rows of `of`, where fewer than `least` are never told from none. The seed says where the steps begin: the
    /// same for the same condition on the same rows, so that asking again tells nothing new, and known to nobody.
    pub fn blurred(rows: u64, of: u64, least: u32, seed: &[u8; 32]) -> Self {
        let least = u64::from(least.max(1));
        let step = least.max(of / STEPS);
        let few = least + noise(seed, 0) % least;
        let shown = match rows {
            rows if rows < few => 0,
            rows if of.saturating_sub(rows) < few => of,
            rows => (rows + noise(seed, 8) % step) / step * step,
        };
        Self { rows: shown.min(of), within: step.max(2 * least) }
    }
}

fn noise(seed: &[u8; 32], from: usize) -> u64 {
    seed.iter().skip(from).take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use exchange_crypto::Digest;
    use proptest::prelude::*;

    use super::*;

    fn seed(number: u64) -> [u8; 32] {
        *Digest::of(&number.to_be_bytes()).as_bytes()
    }

    proptest! {
        #[test]
        fn the_number_is_true_within_what_it_says(of in 0_u64..100_000, part in 0.0..=1.0_f64, least in 1_u32..30, s: u64) {
            let rows = (of as f64 * part) as u64;
            let about = AboutRows::blurred(rows, of, least, &seed(s));
            prop_assert!(about.rows.abs_diff(rows) < about.within && about.rows <= of, "{about:?} for {rows} of {of}");
        }

        #[test]
        fn fewer_than_the_least_group_are_none_and_all_but_so_few_are_all(of in 120_u64..5_000, least in 2_u32..30, s: u64) {
            for few in 0..u64::from(least) {
                prop_assert_eq!(AboutRows::blurred(few, of, least, &seed(s)).rows, 0);
                prop_assert_eq!(AboutRows::blurred(of - few, of, least, &seed(s)).rows, of);
            }
        }
    }

    /// Whatever group a person is added to, no number of rows is one at which she always shows.
    #[test]
    fn one_row_more_shows_at_no_number_for_sure() {
        let shows = |rows: u64, of: u64, s: u64| {
            let [without, with] = [rows, rows + 1].map(|rows| AboutRows::blurred(rows, of, 5, &seed(s)).rows);
            without != with
        };
        // A step of as many rows as are never told from none, and a longer one.
        for (of, rows) in [100, 1_000].into_iter().flat_map(|of| (0..of).map(move |rows| (of, rows))) {
            let showing = (0..200).filter(|s| shows(rows, of, *s)).count();
            assert!(showing < 120, "{rows} of {of}: with and without differ for {showing} of 200 conditions");
        }
    }
}
