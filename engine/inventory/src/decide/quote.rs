//! What a hold costs, and whether its promotion may be used.

use tessera_pricing::{Applied, Basket, BasketLine, Promotion, Quote, quote};

use super::stock::Scratch;
use crate::{
    ClaimNumber, HoldPlaced, Inventory, Line, PlaceHold, PromotionClaim, Rejection, Subject, TicketKind,
    TicketTypeId, Timestamp,
};

impl Inventory {
    /// The quote of the lines, if there is more to say than quantities times prices; refused where the buyer saw another
    /// total.
    pub(super) fn decide_quote(
        &self,
        now: Timestamp,
        request: &PlaceHold,
        lines: &[Line],
    ) -> Result<Option<Box<Quote>>, Rejection> {
        let quote = match (&self.config.tariff, request.promotion) {
            (None, None) => None,
            (None, Some(_)) => return Err(Rejection::PromotionUnknown),
            (Some(tariff), claimed) => {
                let promotion = claimed.map(|claimed| self.applied(now, claimed, request)).transpose()?;
                let basket: Vec<BasketLine> = lines.iter().map(|line| self.basket_line(line)).collect();
                quote(tariff, self.version, &Basket { lines: &basket, promotion })
            }
        };
        let quote = quote.map(|quote| {
            let serial = request.promotion.and_then(|claimed| claimed.serial);
            Box::new(Quote { serial, ..quote })
        });
        if let Some(expected) = request.expected_total_minor {
            let plain = || lines.iter().map(|line| line.price_minor * i64::from(line.quantity)).sum();
            let total_minor = quote.as_ref().map_or_else(plain, |quote| quote.total_minor);
            if expected != total_minor {
                return Err(Rejection::TotalChanged { total_minor });
            }
        }
        Ok(quote)
    }

    /// The quote of lines without a promotion, if there is more to say than quantities times prices.
    pub(super) fn plain_quote(&self, lines: &[Line]) -> Option<Quote> {
        let tariff = self.config.tariff.as_ref()?;
        let basket: Vec<BasketLine> = lines.iter().map(|line| self.basket_line(line)).collect();
        quote(tariff, self.version, &Basket { lines: &basket, promotion: None })
    }

    fn basket_line(&self, line: &Line) -> BasketLine {
        BasketLine {
            ticket_type: line.ticket_type.0,
            add_on: self.config.is_add_on(line.ticket_type),
            quantity: line.quantity,
            price_minor: line.price_minor,
        }
    }

    /// The promotion whose code was shown, if it may be used once more now by all subjects of the hold.
    fn applied(
        &self,
        now: Timestamp,
        claimed: PromotionClaim,
        request: &PlaceHold,
    ) -> Result<Applied, Rejection> {
        let promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let found = (0_u16..).zip(promotions).find(|(_, promotion)| promotion.code == claimed.code.0);
        let Some((at, promotion)) = found else { return Err(Rejection::PromotionUnknown) };
        let has_code = match claimed.serial {
            Some(serial) => serial < promotion.serials,
            None => promotion.serials == 0,
        };
        if !has_code {
            return Err(Rejection::PromotionUnknown);
        }
        if let Some(opens_at) = promotion.opens_at.map(Timestamp).filter(|&opens_at| now < opens_at) {
            return Err(Rejection::PromotionClosed { opens_at: Some(opens_at) });
        }
        if promotion.closes_at.is_some_and(|closes_at| now.0 >= closes_at) {
            return Err(Rejection::PromotionClosed { opens_at: None });
        }
        let amount_left_minor = self.amount_left(at, promotion);
        let subjects = std::iter::once(&request.subjects.primary).chain(&request.subjects.extra);
        self.check_uses(at, promotion, claimed.serial, subjects)?;
        if amount_left_minor == Some(0) {
            let uses_left = self.uses_left(at, promotion);
            return Err(Rejection::PromotionExhausted { uses_left, amount_left_minor });
        }
        Ok(Applied { promotion: at, amount_left_minor })
    }

    /// Refuses one more use where the promotion, its single-use code, or one of these subjects has none left.
    fn check_uses<'a>(
        &self,
        at: u16,
        promotion: &Promotion,
        serial: Option<u32>,
        subjects: impl Iterator<Item = &'a Subject>,
    ) -> Result<(), Rejection> {
        let is_used =
            serial.is_some_and(|serial| self.quoted.given(at).is_some_and(|given| given.has(serial)));
        let of_all = if is_used { Some(0) } else { self.uses_left(at, promotion) };
        let of_subject = |subject: &Subject| {
            let used = self.subjects.find(*subject).map_or(0, |slot| self.quoted.uses_of(at, slot));
            promotion.per_subject_max.map(|max| max.saturating_sub(used))
        };
        let least = subjects.filter_map(of_subject).chain(of_all).min();
        if least == Some(0) {
            let amount_left_minor = self.amount_left(at, promotion);
            return Err(Rejection::PromotionExhausted { uses_left: least, amount_left_minor });
        }
        Ok(())
    }

    fn uses_left(&self, at: u16, promotion: &Promotion) -> Option<u32> {
        let used = self.quoted.given(at).map_or(0, |given| given.uses);
        promotion.uses_max.map(|max| max.saturating_sub(used))
    }

    fn amount_left(&self, at: u16, promotion: &Promotion) -> Option<i64> {
        promotion.amount_max_minor.map(|max| (max - self.promotion_given_minor(at)).max(0))
    }

    /// Whether the promotion of a hold that has ended has so much left once more. When it opens and closes was judged then.
    pub(super) fn check_promotion_again(&self, hold: &HoldPlaced) -> Result<(), Rejection> {
        let Some(quote) = hold.quote.as_deref() else { return Ok(()) };
        let Some(at) = quote.promotion else { return Ok(()) };
        let mut promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let Some(promotion) = promotions.nth(at.into()) else { return Err(Rejection::PromotionUnknown) };
        let subjects = std::iter::once(&hold.subjects.primary).chain(&hold.subjects.extra);
        self.check_uses(at, promotion, quote.serial, subjects)?;
        let amount_left_minor = self.amount_left(at, promotion);
        if amount_left_minor.is_some_and(|left| left < quote.promotion_minor()) {
            let uses_left = self.uses_left(at, promotion);
            return Err(Rejection::PromotionExhausted { uses_left, amount_left_minor });
        }
        Ok(())
    }

    /// Whether subjects that a claim is to count against as well may use its promotion.
    pub(super) fn check_promotion_of(
        &self,
        number: ClaimNumber,
        subjects: &[Subject],
    ) -> Result<(), Rejection> {
        let Some(used) = self.quoted.get(number).and_then(|money| money.used) else { return Ok(()) };
        let mut promotions = self.config.tariff.iter().flat_map(|tariff| &tariff.promotions);
        let Some(promotion) = promotions.nth(used.promotion.into()) else { return Ok(()) };
        // The claim's own use, and its code, are taken already.
        let unbounded = Promotion { uses_max: None, ..promotion.clone() };
        self.check_uses(used.promotion, &unbounded, None, subjects.iter())
    }

    /// Add-ons go with admissions in the same hold, and no more of a type than it allows with each of them. `units` are
    /// those of all lines.
    pub(super) fn check_add_ons(&self, scratch: &Scratch, units: u32) -> Result<(), Rejection> {
        let add_ons = || scratch.units.iter().filter(|&&(id, _)| self.config.is_add_on(id));
        let Some(&(first, _)) = add_ons().next() else { return Ok(()) };
        let admissions = units - add_ons().map(|&(_, units)| units).sum::<u32>();
        if admissions == 0 {
            return Err(Rejection::AddOnAlone { ticket_type: first });
        }
        for &(id, units) in add_ons() {
            let Some(ticket_type) = self.config.ticket_type(id) else { continue };
            let TicketKind::AddOn { with_admission_max } = ticket_type.kind else { continue };
            let max = u32::from(with_admission_max) * admissions;
            if with_admission_max > 0 && units > max {
                return Err(self.too_many_add_ons(id, max));
            }
        }
        Ok(())
    }

    fn too_many_add_ons(&self, id: TicketTypeId, max: u32) -> Rejection {
        let min = self.config.ticket_type(id).map_or(1, |known| known.per_order_min);
        Rejection::OrderSize { ticket_type: id, min, max: u16::try_from(max).unwrap_or(u16::MAX) }
    }
}
