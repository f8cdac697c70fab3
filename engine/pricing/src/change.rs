//! Whether a tariff may follow another: positions in quotes, and in the event's counters, stay what they are.

use crate::check::{Checked, problem};
use crate::{Fee, Problem, Tariff};

impl Tariff {
    /// Whether `new` may replace this tariff: lists only grow, and what is in them keeps its name, a promotion its code, and the single-use
    /// codes that there are.
    ///
    /// # Errors
    /// The first [`Problem`].
    pub fn check_change(&self, new: &Tariff) -> Result<(), Problem> {
        check_kept("taxes", &self.taxes, &new.taxes, |before, after| before.name == after.name)?;
        let same_fee = |before: &Fee, after: &Fee| before.name == after.name;
        check_kept("fees", &self.fees, &new.fees, same_fee)?;
        check_kept("platform_fees", &self.platform_fees, &new.platform_fees, same_fee)?;
        check_kept("bundles", &self.bundles, &new.bundles, |before, after| before.name == after.name)?;
        check_kept("promotions", &self.promotions, &new.promotions, |before, after| {
            before.code == after.code && (before.serials == 0) == (after.serials == 0)
        })?;
        let pairs = self.promotions.iter().zip(&new.promotions);
        for (at, (before, after)) in pairs.enumerate() {
            if after.serials < before.serials {
                let text = format!(
                    "is {}, {} before; codes that were given out stay",
                    after.serials, before.serials
                );
                return Err(problem(format!("promotions[{at}].serials"), text));
            }
        }
        Ok(())
    }
}

fn check_kept<T>(path: &str, before: &[T], after: &[T], same: impl Fn(&T, &T) -> bool) -> Checked {
    if after.len() < before.len() {
        let (now, then) = (after.len(), before.len());
        let text = format!("has {now} entries, {then} before; entries cannot be taken away, only appended");
        return Err(problem(path, text));
    }
    match before.iter().zip(after).position(|(before, after)| !same(before, after)) {
        Some(at) => Err(problem(
            format!("{path}[{at}]"),
            "is another than before; it keeps its identity, append another",
        )),
        None => Ok(()),
    }
}
