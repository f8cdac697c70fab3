//! Promotions: who may use one, and what is left of it, by one look at each claim.

use tessera_inventory::{HoldPlaced, PlaceHold, Rejection, Subject, Timestamp};
use tessera_pricing::{Promotion, Quote};

use super::{Claim, Decided, Model};

impl Claim {
    /// Whether it has a use of the promotion at this position.
    fn uses(&self, promotion: u16) -> bool {
        let used = self.quote.as_ref().and_then(|quote| quote.promotion);
        used == Some(promotion) && !self.promotion_returned
    }
}

impl Model {
    /// The promotions of now.
    pub(crate) fn promotions(&self) -> Vec<Promotion> {
        let tariff = self.config.as_ref().and_then(|config| config.tariff.as_deref());
        tariff.map(|tariff| tariff.promotions.clone()).unwrap_or_default()
    }

    /// The claims and orders that have a use of a promotion.
    fn using(&self, promotion: u16) -> Vec<&Claim> {
        self.claims.values().filter(|claim| claim.uses(promotion)).collect()
    }

    /// How often a promotion is used.
    pub(crate) fn uses(&self, promotion: u16) -> u32 {
        u32::try_from(self.using(promotion).len()).unwrap()
    }

    /// What a promotion has taken off.
    pub(crate) fn taken_off(&self, promotion: u16) -> i64 {
        self.using(promotion)
            .iter()
            .filter_map(|claim| claim.quote.as_ref())
            .map(Quote::promotion_minor)
            .sum()
    }

    fn amount_left(&self, at: u16, promotion: &Promotion) -> Option<i64> {
        promotion.amount_max_minor.map(|max| (max - self.taken_off(at)).max(0))
    }

    /// Uses that are left to one of these subjects, where they are bounded.
    fn uses_left_of(&self, at: u16, promotion: &Promotion, subjects: &[Subject]) -> Option<u32> {
        let max = promotion.per_subject_max?;
        let of_subject = |subject: &Subject| {
            let of = |claim: &&&Claim| claim.subject == *subject || claim.extra.contains(subject);
            let used = u32::try_from(self.using(at).iter().filter(of).count()).unwrap();
            max.saturating_sub(used)
        };
        subjects.iter().map(of_subject).min()
    }

    /// Why further subjects of a claim may not use its promotion.
    pub(crate) fn promotion_refused_to(&self, claim: &Claim, subjects: &[Subject]) -> Option<Rejection> {
        let at = claim.quote.as_ref().and_then(|quote| quote.promotion).filter(|&at| claim.uses(at))?;
        let promotion = &self.promotions()[usize::from(at)];
        let uses_left = self.uses_left_of(at, promotion, subjects).filter(|&left| left == 0);
        let amount_left_minor = self.amount_left(at, promotion);
        uses_left.map(|_| Rejection::PromotionExhausted { uses_left, amount_left_minor })
    }

    /// The promotion that a request names, with what is left of its amount.
    pub(crate) fn claimed(&self, now: Timestamp, request: &PlaceHold) -> Decided<Option<(u16, Option<i64>)>> {
        let Some(claimed) = request.promotion else { return Ok(None) };
        let promotions = self.promotions();
        let Some(position) = promotions.iter().position(|one| one.code == claimed.code.0) else {
            return Err(vec![Rejection::PromotionUnknown]);
        };
        let (at, promotion) = (u16::try_from(position).unwrap(), &promotions[position]);
        let has_code = match claimed.serial {
            None => promotion.serials == 0,
            Some(serial) => (0..promotion.serials).contains(&serial),
        };
        if !has_code {
            return Err(vec![Rejection::PromotionUnknown]);
        }
        let opens_at = promotion.opens_at.filter(|&opens_at| now.0 < opens_at).map(Timestamp);
        let mut reasons = Vec::new();
        if opens_at.is_some() || promotion.closes_at.is_some_and(|closes_at| closes_at <= now.0) {
            reasons.push(Rejection::PromotionClosed { opens_at });
        }
        let subjects = [&[request.subjects.primary], request.subjects.extra.as_slice()].concat();
        let of_all = promotion.uses_max.map(|max| max.saturating_sub(self.uses(at)));
        let of_code = claimed.serial.map(|_| u32::from(!self.is_code_used(at, claimed.serial)));
        let amount_left_minor = self.amount_left(at, promotion);
        let bounds = [of_all, of_code, self.uses_left_of(at, promotion, &subjects)];
        if bounds.contains(&Some(0)) {
            reasons.push(Rejection::PromotionExhausted { uses_left: Some(0), amount_left_minor });
        } else if amount_left_minor == Some(0) {
            reasons.push(Rejection::PromotionExhausted { uses_left: of_all, amount_left_minor });
        }
        if reasons.is_empty() { Ok(Some((at, amount_left_minor))) } else { Err(reasons) }
    }

    /// Why the promotion of a hold that has ended cannot be had again.
    pub(crate) fn late_promotion_refused(&self, hold: &HoldPlaced) -> Option<Rejection> {
        let quote = hold.quote.as_deref()?;
        let at = quote.promotion?;
        let promotion = &self.promotions()[usize::from(at)];
        let subjects = [&[hold.subjects.primary], hold.subjects.extra.as_slice()].concat();
        let of_all = promotion.uses_max.map(|max| max.saturating_sub(self.uses(at)));
        let of_code = quote.serial.map(|_| u32::from(!self.is_code_used(at, quote.serial)));
        let amount_left_minor = self.amount_left(at, promotion);
        let bounds = [of_all, of_code, self.uses_left_of(at, promotion, &subjects)];
        if bounds.contains(&Some(0)) {
            return Some(Rejection::PromotionExhausted { uses_left: Some(0), amount_left_minor });
        }
        let lacks = amount_left_minor.is_some_and(|left| left < quote.promotion_minor());
        lacks.then_some(Rejection::PromotionExhausted { uses_left: of_all, amount_left_minor })
    }

    fn is_code_used(&self, at: u16, serial: Option<u32>) -> bool {
        self.using(at).iter().any(|claim| claim.quote.as_ref().is_some_and(|quote| quote.serial == serial))
    }
}
