//! Whether data were as fresh as their update cycle 更新周期 promises.

use chrono::{Days, Months, NaiveDate};

use super::{Period, Ratio};
use crate::directory::UpdateCycle;
use crate::time::Timestamp;

/// The time within the period in which the newest of the updates was no older than the cycle, of all time since the first of
/// them, in seconds. What is updated at irregular times promises nothing.
///
/// An update serves to the end of the day, in Asia/Shanghai, on which the next one is due.
pub(super) fn fresh(updates: &[Timestamp], cycle: UpdateCycle, period: Period) -> Ratio {
    let Some(first) = updates.first().filter(|_| cycle != UpdateCycle::Irregular) else {
        return Ratio::default();
    };
    let from = period.from.max(*first);
    let mut covered_to = from;
    let mut part = 0;
    for update in updates {
        let begin = covered_to.max(*update);
        let end = due(*update, cycle).unwrap_or(*update).min(period.until);
        if begin < end {
            part += seconds(begin, end);
            covered_to = end;
        }
    }
    Ratio { part, of: seconds(from, period.until) }
}

fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    u64::try_from(until.seconds().saturating_sub(from.seconds())).unwrap_or(0)
}

/// When the update after one is late: the end of the day, in Asia/Shanghai, on which it was promised. `None` where none is.
pub fn due(update: Timestamp, cycle: UpdateCycle) -> Option<Timestamp> {
    let day = update.shanghai_date();
    let last = match cycle {
        UpdateCycle::RealTime | UpdateCycle::Daily => day.checked_add_days(Days::new(1)),
        UpdateCycle::Weekly => day.checked_add_days(Days::new(7)),
        UpdateCycle::Monthly => day.checked_add_months(Months::new(1)),
        UpdateCycle::Quarterly => day.checked_add_months(Months::new(3)),
        UpdateCycle::HalfYearly => day.checked_add_months(Months::new(6)),
        UpdateCycle::Yearly => day.checked_add_months(Months::new(12)),
        UpdateCycle::Irregular => None,
    };
    last.and_then(|last: NaiveDate| last.succ_opt()).map(Timestamp::start_of_shanghai_day)
}
